"""Cases of settings that only some services have, and of those that only the Responses API has."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import WEATHER_TOOL, answers, says
from conformance.cases.case import Case
from fakes.script import Dialect, Text

__all__ = ["CASES"]

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")


def _asked(name: str, summary: str, source: str, **body: Any) -> Case:
    dialects: tuple[Dialect, ...] = body.pop("dialects", ("chat_completions", "messages", "vllm"))
    tags: frozenset[str] = body.pop("tags", frozenset())
    each_dialect: bool = body.pop("each_dialect", False)
    return Case(
        id=f"request.{name}",
        summary=summary,
        source=source,
        turns=answers(says("Understood."), **body),
        dialects=dialects,
        drives=frozenset({"stream"}),
        tags=tags,
        each_dialect=each_dialect,
    )


def _whole(name: str, words: str, **body: Any) -> Case:
    return Case(
        id=f"request.whole-answer-{name}",
        summary=f"A whole answer is asked for, with {words}: what holds for streams holds here too.",
        source="openai.types.responses.ResponseCreateParams (`stream` is false by default)",
        turns=answers(says("Understood."), stream=False, **body),
        drives=frozenset({"json"}),
    )


CASES = (
    _whole("temperature", "a temperature and a low verbosity", temperature=0, text={"verbosity": "low"}),
    _whole("top-p", "a nucleus, an identifier and a tier", top_p=0.5, safety_identifier="user-17", service_tier="flex"),
    Case(
        id="request.logprobs",
        summary="Log probabilities of the three most likely tokens, which the upstream gives to those who ask.",
        source="openai.types.responses.ResponseCreateParams.top_logprobs; openai.types.responses.ResponseIncludable; "
        "UKGovernmentBEIS/inspect_ai#5211",
        turns=answers(
            says(Text(("Yes", " and", " yes", " again", ", naïve", " reader", "."))),
            top_logprobs=3,
            include=["message.output_text.logprobs"],
        ),
        dialects=CHAT,
        drives=frozenset({"stream", "json"}),
        about="answer",
        each_dialect=True,
    ),
    _asked(
        "penalties",
        "Penalties on repetition.",
        "Open Responses 2026-04-24, schema CreateResponseBody",
        presence_penalty=0.5,
        frequency_penalty=-0.25,
        dialects=CHAT,
        each_dialect=True,
    ),
    _asked(
        "tier-and-cache-key",
        "A slow and cheap tier, and the key and lifetime of the session's cache.",
        "openai.types.chat.CompletionCreateParams.service_tier and prompt_cache_key; "
        "vllm-project/agentic-api#330; decolua/9router#3733",
        service_tier="flex",
        prompt_cache_key="session-0018",
        prompt_cache_retention="24h",
        dialects=("chat_completions",),
    ),
    _asked(
        "stored",
        "The response may be stored, as it is unless a client says otherwise.",
        "openai.types.responses.ResponseCreateParams.store; openai.types.chat.CompletionCreateParams.store",
        store=True,
    ),
    _asked(
        "mcp-server",
        "An MCP server beside a function: no chat service can call it.",
        "openai.types.responses.tool_param.Mcp; unslothai/unsloth#5141",
        tools=[
            {"type": "mcp", "server_label": "wiki", "server_url": "https://mcp.example/", "require_approval": "never"},
            WEATHER_TOOL,
        ],
        tags=frozenset({"hosted-tool"}),
    ),
    _asked(
        "responses-only-fields",
        "Every field that is the Responses API's own business, with a harmless value.",
        "openai.types.responses.ResponseCreateParams; BerriAI/litellm#36268",
        tools=[WEATHER_TOOL],
        max_tool_calls=4,
        truncation="auto",
        service_tier="auto",
        prompt_cache_key="session-0001",
        include=["file_search_call.results", "code_interpreter_call.outputs"],
        stream_options={"include_obfuscation": False},
        metadata={"ticket": "A-18"},
        background=False,
    ),
)
