"""Proxies that lose settings, change their values, or invent some."""

from __future__ import annotations

from conformance.miniatures.request_edits import Outgoing, request_miniature

_LIMITS = ("max_tokens", "max_completion_tokens")


@request_miniature("upstream.limit-mapped")
def limit_in_both_fields(request: Outgoing) -> None:
    """Sends the limit in both of chat's fields."""
    value = request.asked.get("max_output_tokens")
    if value and not request.is_messages:
        request.body |= dict.fromkeys(_LIMITS, value)


@request_miniature("upstream.limit-mapped")
def limit_halved(request: Outgoing) -> None:
    """Sends half the limit."""
    for key in _LIMITS if request.asked.get("max_output_tokens") else ():
        if key in request.body:
            request.body[key] //= 2


@request_miniature("upstream.no-limit-invented")
def limit_of_4096(request: Outgoing) -> None:
    """Limits chat answers to 4096 tokens where the client states no limit."""
    if not request.is_messages and not request.asked.get("max_output_tokens"):
        request.body["max_tokens"] = 4096


@request_miniature("upstream.default-limit-generous")
def default_of_4096(request: Outgoing) -> None:
    """Limits answers of Messages to 4096 tokens where the client states no limit."""
    if request.is_messages and not request.asked.get("max_output_tokens"):
        request.body["max_tokens"] = 4096


@request_miniature("upstream.limit-present")
def no_limit_on_messages(request: Outgoing) -> None:
    """Leaves max_tokens out."""
    if request.is_messages:
        del request.body["max_tokens"]


@request_miniature("upstream.temperature-passed")
def temperature_lost(request: Outgoing) -> None:
    """Leaves the temperature out on chat."""
    if not request.is_messages:
        request.body.pop("temperature", None)


@request_miniature("upstream.temperature-passed")
def temperature_raised(request: Outgoing) -> None:
    """Sends another temperature."""
    if request.asked.get("temperature") is not None and "temperature" in request.body:
        request.body["temperature"] = 0.7


@request_miniature("upstream.top-p-passed")
def top_p_raised(request: Outgoing) -> None:
    """Sends `top_p: 1` whatever was asked."""
    if request.asked.get("top_p") is not None and "top_p" in request.body:
        request.body["top_p"] = 1


@request_miniature("upstream.sampling-not-invented")
def temperature_invented(request: Outgoing) -> None:
    """Sends `temperature: 0` with every request."""
    request.body.setdefault("temperature", 0)


@request_miniature("upstream.sampling-legal")
def both_sampling_parameters(request: Outgoing) -> None:
    """Sends temperature and top_p to Messages at once."""
    if request.is_messages and "temperature" in request.body:
        request.body["top_p"] = 0.9


@request_miniature("upstream.sampling-legal")
def temperature_beside_thinking(request: Outgoing) -> None:
    """Sends a temperature beside thinking."""
    if "thinking" in request.body:
        request.body["temperature"] = 0.2


@request_miniature("upstream.thinking-budget")
def budget_above_limit(request: Outgoing) -> None:
    """Sends a thinking budget as large as max_tokens."""
    if "thinking" in request.body:
        request.body["thinking"] = {"type": "enabled", "budget_tokens": request.body["max_tokens"]}


@request_miniature("upstream.forced-choice-without-thinking")
def thinks_when_forced(request: Outgoing) -> None:
    """Enables thinking beside a forced tool."""
    if request.is_messages and (request.body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        request.body["thinking"] = {"type": "enabled", "budget_tokens": 2048}


@request_miniature("upstream.effort-mapped")
def effort_lost(request: Outgoing) -> None:
    """Leaves the effort out."""
    for key in ("reasoning_effort", "thinking"):
        request.body.pop(key, None)
    (request.body.get("output_config") or {}).pop("effort", None)


@request_miniature("upstream.effort-mapped")
def effort_always_high(request: Outgoing) -> None:
    """Sends `reasoning_effort: high` whatever was asked."""
    if "reasoning_effort" in request.body:
        request.body["reasoning_effort"] = "high"


@request_miniature("upstream.effort-mapped")
def highest_effort_clamped(request: Outgoing) -> None:
    """Sends `xhigh` as `high`, to models that it knows nothing of."""
    if request.body.get("reasoning_effort") == "xhigh":
        request.body["reasoning_effort"] = "high"


@request_miniature("upstream.effort-mapped")
def effort_beside_a_template(request: Outgoing) -> None:
    """Switches thinking on in vLLM's template, and asks for a low effort beside it."""
    if request.dialect == "vllm" and "reasoning_effort" in request.body:
        request.body |= {"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": True}}


@request_miniature("upstream.effort-mapped")
def effort_turned_up(request: Outgoing) -> None:
    """Asks Messages for the highest effort whatever was asked."""
    if "thinking" in request.body:
        request.body["thinking"] = {"type": "adaptive"}
        request.body["output_config"] = {**(request.body.get("output_config") or {}), "effort": "max"}


@request_miniature("upstream.effort-mapped")
def adaptive_without_effort(request: Outgoing) -> None:
    """Turns adaptive thinking on, and leaves how much of it to the model."""
    if "thinking" in request.body:
        request.body["thinking"] = {"type": "adaptive"}
        (request.body.get("output_config") or {}).pop("effort", None)


@request_miniature("upstream.service-tier-passed")
def tier_lost(request: Outgoing) -> None:
    """Leaves the service tier out."""
    request.body.pop("service_tier", None)


@request_miniature("upstream.service-tier-passed")
def tier_is_the_default(request: Outgoing) -> None:
    """Asks for the default tier, whatever the client would pay."""
    if "service_tier" in request.body:
        request.body["service_tier"] = "default"


@request_miniature("upstream.cache-key-passed")
def cache_key_lost(request: Outgoing) -> None:
    """Leaves the key of the session's cache out."""
    request.body.pop("prompt_cache_key", None)


@request_miniature("upstream.cache-key-passed")
def cache_of_minutes(request: Outgoing) -> None:
    """Asks for a cache in memory, however long it is to last."""
    if "prompt_cache_retention" in request.body:
        request.body["prompt_cache_retention"] = "in_memory"


@request_miniature("upstream.schema-arrives")
def format_ignored(request: Outgoing) -> None:
    """Leaves the format out."""
    request.body.pop("response_format", None)
    (request.body.get("output_config") or {}).pop("format", None)


@request_miniature("upstream.schema-arrives")
def schema_loosened(request: Outgoing) -> None:
    """Strips `additionalProperties` from the schema."""
    schema = (request.body.get("response_format") or {}).get("json_schema", {}).get("schema")
    schema = schema or ((request.body.get("output_config") or {}).get("format") or {}).get("schema")
    if schema:
        del schema["additionalProperties"]


@request_miniature("upstream.schema-settings-kept")
def schema_never_strict(request: Outgoing) -> None:
    """Sends `strict: false` with every schema."""
    inner = (request.body.get("response_format") or {}).get("json_schema")
    if inner:
        inner["strict"] = False


@request_miniature("upstream.json-mode-arrives")
def json_mode_ignored(request: Outgoing) -> None:
    """Leaves JSON mode out."""
    if (request.body.get("response_format") or {}).get("type") == "json_object":
        del request.body["response_format"]


@request_miniature("upstream.plain-format-omitted")
def format_always_sent(request: Outgoing) -> None:
    """Sends `response_format: text` to chat services."""
    if not request.is_messages:
        request.body.setdefault("response_format", {"type": "text"})


@request_miniature("upstream.identifiers-passed")
def identifier_lost(request: Outgoing) -> None:
    """Leaves the user's identifier out."""
    for key in ("safety_identifier", "user", "metadata"):
        request.body.pop(key, None)


@request_miniature("upstream.identifiers-passed")
def one_identifier_is_enough(request: Outgoing) -> None:
    """Leaves `user` out when there is a `safety_identifier`."""
    if not request.is_messages and request.body.get("safety_identifier"):
        request.body.pop("user", None)
