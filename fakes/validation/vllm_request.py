"""The fields of vLLM's chat completions request, with OpenAI's and its own sampling and template parameters.

Unknown keys are taken and ignored, and values are coerced, as vLLM does.
Source: vllm/entrypoints/openai/chat_completion/protocol.py, ChatCompletionRequest.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["VllmRequest"]

_Int64 = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]


class VllmStreamOptions(BaseModel):
    """`stream_options`, with the usage in every chunk that only vLLM has."""

    include_usage: bool | None = True
    continuous_usage_stats: bool | None = False


class VllmFunction(BaseModel):
    """A tool's function: any name, any schema."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class VllmTool(BaseModel):
    """A tool: functions only."""

    type: Literal["function"] = "function"
    function: VllmFunction


class VllmResponseFormat(BaseModel):
    """`response_format`, with the structural tags that only vLLM has."""

    type: Literal["text", "json_object", "json_schema", "structural_tag"]


class VllmRequest(BaseModel):
    """What vLLM reads of a request."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    messages: list[dict[str, Any]]
    model: str | None = None

    # As OpenAI has them
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = False
    top_logprobs: int | None = 0
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = 1
    presence_penalty: float | None = None
    response_format: VllmResponseFormat | None = None
    seed: _Int64 | None = None
    stop: str | list[str] | None = None
    stream: bool | None = False
    stream_options: VllmStreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    tools: list[VllmTool] | None = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = "none"
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    parallel_tool_calls: bool | None = True
    user: str | None = None

    # Sampling that only vLLM has
    use_beam_search: bool = False
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    length_penalty: float = 1.0
    stop_token_ids: list[int] | None = None
    include_stop_str_in_output: bool = False
    ignore_eos: bool = False
    min_tokens: int = 0
    skip_special_tokens: bool = True
    spaces_between_special_tokens: bool = True
    truncate_prompt_tokens: Annotated[int, Field(ge=-1)] | None = None
    truncation_side: Literal["left", "right"] | None = None
    prompt_logprobs: int | None = None
    logprob_token_ids: list[int] | None = None
    allowed_token_ids: list[int] | None = None
    bad_words: list[str] = Field(default_factory=list)

    # Thinking, templates, structured outputs and serving
    include_reasoning: bool = True
    thinking_token_budget: int | None = None
    echo: bool = False
    add_generation_prompt: bool = True
    continue_final_message: bool = False
    add_special_tokens: bool = False
    documents: list[dict[str, str]] | None = None
    chat_template: str | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    media_io_kwargs: dict[str, dict[str, Any]] | None = None
    mm_processor_kwargs: dict[str, Any] | None = None
    structured_outputs: dict[str, Any] | None = None
    priority: _Int64 = 0
    request_id: str = ""
    session_id: str | None = None
    return_tokens_as_token_ids: bool | None = None
    return_token_ids: bool | None = None
    return_prompt_text: bool | None = None
    cache_salt: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    kv_transfer_params: dict[str, Any] | None = None
    ec_transfer_params: dict[str, Any] | None = None
    vllm_xargs: dict[str, Any] | None = None
    repetition_detection: dict[str, Any] | None = None
    stream_interval: Annotated[int, Field(ge=1)] | None = None
