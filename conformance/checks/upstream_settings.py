"""Rules of settings upstream: limits, sampling, formats and effort, with their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from conformance.crossings import Crossing, Judged, crossings, quote
from conformance.pieces import at, same_json, strings
from conformance.rules import MUST, RECOMMENDED, SHOULD, rule
from conformance.transcript import Transcript
from conformance.upstream_reading import limit_fields
from fakes.script import Dialect

__all__: list[str] = []

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
MESSAGES: tuple[Dialect, ...] = ("messages",)
LEAST_DEFAULT = 8192
LEAST_BUDGET = 1024


def _limits(crossing: Crossing) -> dict[str, Any]:
    body = crossing.sent.body
    return {field: body[field] for field in limit_fields(crossing.dialect) if body.get(field) is not None}


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


@rule(
    "upstream.limit-mapped",
    level=MUST,
    source="openai.types.responses.ResponseCreateParams.max_output_tokens; router-for-me/CLIProxyAPI#5939",
    why="A limit that is lost costs money; another one cuts answers.",
    evidence="both",
)
def limit_mapped(transcript: Transcript) -> Judged:
    """`max_output_tokens` reaches the upstream with its value, in exactly one of the service's fields."""
    for crossing in crossings(transcript):
        wanted = crossing.asked.body.get("max_output_tokens")
        if not _is_number(wanted) or wanted < 16:
            continue
        limits = _limits(crossing)
        # Thinking has to fit into Messages' limit too: it may be raised by the budget.
        raised = isinstance(at(crossing.sent.body, "thinking", "budget_tokens"), int)
        value = next(iter(limits.values()), None)
        fits = value == wanted or (raised and _is_number(value) and value > wanted)
        if len(limits) == 1 and fits:
            yield crossing.seen
        else:
            fields = " or ".join(f"`{field}`" for field in limit_fields(crossing.dialect))
            yield crossing.broken(f"{wanted} in {fields}, in one of them only", quote(limits) if limits else "no limit")


@rule(
    "upstream.no-limit-invented",
    level=SHOULD,
    source="pydantic/pydantic-ai#7468; NousResearch/hermes-agent#12790; envoyproxy/ai-gateway#893",
    why="Codex never states a limit: a small one of the proxy's cuts every long answer.",
    dialects=CHAT,
    evidence="both",
)
def no_limit_invented(transcript: Transcript) -> Judged:
    """A request without a limit gets none below 8192 tokens on a chat upstream."""
    for crossing in crossings(transcript):
        if crossing.asked.body.get("max_output_tokens") is not None:
            continue
        small = {
            key: value for key, value in _limits(crossing).items() if not _is_number(value) or value < LEAST_DEFAULT
        }
        if small:
            yield crossing.broken("no limit, or a generous one", quote(small))
        else:
            yield crossing.seen


@rule(
    "upstream.default-limit-generous",
    level=SHOULD,
    source="chaitin/agent-compose#540; openai/codex#36180",
    why="Messages demands a limit, and Codex states none: 4096 cuts an edit of a long file in the middle.",
    dialects=MESSAGES,
    evidence="both",
)
def default_limit_generous(transcript: Transcript) -> Judged:
    """A request without a limit gets a `max_tokens` of at least 8192 on Messages."""
    for crossing in crossings(transcript):
        if crossing.asked.body.get("max_output_tokens") is not None:
            continue
        value = crossing.sent.body.get("max_tokens")
        if not _is_number(value):
            continue  # upstream.limit-present tells of it
        if value >= LEAST_DEFAULT:
            yield crossing.seen
        else:
            yield crossing.broken(f"at least {LEAST_DEFAULT}", f"`max_tokens: {value}`")


@rule(
    "upstream.limit-present",
    level=MUST,
    source="anthropic.types.MessageCreateParams.max_tokens",
    why="Anthropic answers 400 without it.",
    dialects=MESSAGES,
    evidence="upstream",
)
def limit_present(transcript: Transcript) -> Judged:
    """Every request to a Messages upstream has `max_tokens`, an integer of at least 1."""
    for crossing in crossings(transcript):
        value = crossing.sent.body.get("max_tokens")
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            yield crossing.seen
        else:
            yield crossing.broken("an integer of at least 1", f"`max_tokens: {quote(value)}`")


def _passed(transcript: Transcript, field: str) -> Judged:
    for crossing in crossings(transcript):
        wanted, sent = crossing.asked.body.get(field), crossing.sent.body.get(field)
        if not _is_number(wanted):
            continue
        # Messages models differ in what they take: leaving it out is legal there, another value is not.
        dropped = crossing.dialect == "messages" and (sent is None or wanted > 1)
        if same_json(sent, wanted) or dropped:
            yield crossing.seen
        else:
            yield crossing.broken(f"`{field}: {wanted}`", f"`{field}: {quote(sent)}`")


@rule(
    "upstream.temperature-passed",
    level=MUST,
    source="openai.types.responses.ResponseCreateParams.temperature",
    why="Tests and extractions that rely on temperature 0 become a matter of luck.",
    evidence="both",
)
def temperature_passed(transcript: Transcript) -> Judged:
    """The client's temperature reaches the upstream with its value; on Messages it may be left out."""
    yield from _passed(transcript, "temperature")


@rule(
    "upstream.top-p-passed",
    level=MUST,
    source="openai.types.responses.ResponseCreateParams.top_p",
    why="The answers vary more, or less, than the client asked for.",
    evidence="both",
)
def top_p_passed(transcript: Transcript) -> Judged:
    """The client's `top_p` reaches the upstream with its value; on Messages it may be left out."""
    yield from _passed(transcript, "top_p")


@rule(
    "upstream.sampling-not-invented",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseCreateParams.temperature; ollama/ollama openai/responses.go",
    why="Newer models refuse any sampling parameter; others have defaults of their own that are better.",
    evidence="both",
)
def sampling_not_invented(transcript: Transcript) -> Judged:
    """No sampling parameter goes upstream that the client did not state."""
    for crossing in crossings(transcript):
        fields = ("temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty", "seed")
        sent = {key: crossing.sent.body[key] for key in fields if crossing.sent.body.get(key) is not None}
        invented = {key: value for key, value in sent.items() if crossing.asked.body.get(key) is None}
        if invented:
            yield crossing.broken("none of them", quote(invented))
        else:
            yield crossing.seen


@rule(
    "upstream.sampling-legal",
    level=MUST,
    source="Anthropic documentation, Extended thinking and Messages: temperature; ENTERPILOT/GoModel#45",
    why="Anthropic answers 400 to a temperature above 1, to both parameters at once, and to either beside thinking.",
    dialects=MESSAGES,
    evidence="upstream",
)
def sampling_legal(transcript: Transcript) -> Judged:
    """On Messages no temperature above 1 is sent, not both sampling parameters, and none beside thinking."""
    for crossing in crossings(transcript):
        body = crossing.sent.body
        temperature, top_p = body.get("temperature"), body.get("top_p")
        thinks = at(body, "thinking", "type") in ("enabled", "adaptive")
        problems = [
            words
            for words, broken in (
                (f"`temperature: {temperature}`", _is_number(temperature) and temperature > 1),
                ("`temperature` and `top_p`", temperature is not None and top_p is not None),
                (f"`temperature: {temperature}` beside thinking", thinks and temperature not in (None, 1)),
            )
            if broken
        ]
        if problems:
            yield crossing.broken("at most one, at most 1, and none beside thinking", "; ".join(problems))
        else:
            yield crossing.seen


@rule(
    "upstream.thinking-budget",
    level=MUST,
    source="anthropic.types.ThinkingConfigEnabledParam.budget_tokens; BerriAI/litellm#27051; anomalyco/opencode#2055",
    why="Anthropic answers 400 to a budget below 1024 or not below `max_tokens`.",
    dialects=MESSAGES,
    evidence="upstream",
)
def thinking_budget(transcript: Transcript) -> Judged:
    """A thinking budget is at least 1024 and below `max_tokens`."""
    for crossing in crossings(transcript):
        if at(crossing.sent.body, "thinking", "type") != "enabled":
            continue
        budget, most = at(crossing.sent.body, "thinking", "budget_tokens"), crossing.sent.body.get("max_tokens")
        interleaved = "interleaved-thinking" in (crossing.call.header("anthropic-beta") or "")
        legal = _is_number(budget) and _is_number(most) and budget >= 1024 and (budget < most or interleaved)
        if legal:
            yield crossing.seen
        else:
            yield crossing.broken(
                "1024 <= `budget_tokens` < `max_tokens`", f"`budget_tokens: {budget}`, `max_tokens: {most}`"
            )


@rule(
    "upstream.forced-choice-without-thinking",
    level=MUST,
    source="Anthropic documentation, Extended thinking with tool use; vectorize-io/hindsight#3885",
    why="Anthropic answers 400 to a forced tool beside enabled thinking.",
    dialects=MESSAGES,
    evidence="upstream",
)
def forced_choice_without_thinking(transcript: Transcript) -> Judged:
    """On Messages a tool is not forced while thinking is enabled."""
    for crossing in crossings(transcript):
        if crossing.sent.choice.kind not in ("required", "named"):
            continue
        if at(crossing.sent.body, "thinking", "type") == "enabled":
            yield crossing.broken("thinking off, or a free choice", "thinking is enabled and a tool is forced")
        else:
            yield crossing.seen


@rule(
    "upstream.effort-mapped",
    level=SHOULD,
    source="openai.types.shared_params.Reasoning.effort; anthropic.types.OutputConfigParam.effort; "
    "router-for-me/CLIProxyAPI#5499; github/copilot-cli#3823",
    why="The user turns the effort up or down and nothing changes but the display.",
    evidence="both",
)
def effort_mapped(transcript: Transcript) -> Judged:
    """`reasoning.effort` reaches the upstream: as the same `reasoning_effort` on chat, as its like on Messages."""
    for crossing in crossings(transcript):
        effort = at(crossing.asked.body, "reasoning", "effort")
        if not isinstance(effort, str):
            continue
        if crossing.dialect == "messages":
            mapped, words = _messages_effort(crossing.sent.body, effort), _messages_words(effort)
        else:
            own = ("chat_template_kwargs", "thinking_token_budget") if crossing.dialect == "vllm" else ()
            sent = crossing.sent.body.get("reasoning_effort")
            # What a template or a budget makes of it cannot be told; another effort beside them can.
            mapped = sent == effort or (sent is None and any(key in crossing.sent.body for key in own))
            words = f"`reasoning_effort: {effort}`"
        if mapped:
            yield crossing.seen
        else:
            shown = {key: crossing.sent.body.get(key) for key in ("reasoning_effort", "thinking", "output_config")}
            yield crossing.broken(words, quote({key: value for key, value in shown.items() if value is not None}))


# Messages has the same words for the same efforts. Models differ in the highest that they take.
_HIGHEST = ("high", "xhigh", "max")
_ALIKE: Mapping[str, tuple[str, ...]] = {"low": ("low",), "medium": ("medium",), "high": ("high",)} | dict.fromkeys(
    ("xhigh", "max"), _HIGHEST
)


def _messages_words(effort: str) -> str:
    if effort in ("none", "minimal"):
        return "no thinking, or the least of it"
    return f"a thinking budget, or `output_config.effort`: {' or '.join(_ALIKE.get(effort, (effort,)))}"


def _messages_effort(body: Mapping[str, Any], effort: str) -> bool:
    thinking, sent = at(body, "thinking", "type"), at(body, "output_config", "effort")
    if effort in ("none", "minimal"):
        budget = at(body, "thinking", "budget_tokens")
        least = effort == "minimal" and _is_number(budget) and budget <= LEAST_BUDGET
        return thinking in (None, "disabled") or sent == "low" or least
    if sent is not None:
        return sent in _ALIKE.get(effort, (effort,))
    # Thinking has to be off beside a forced tool, and where a limit has no room for the least budget.
    forced = at(body, "tool_choice", "type") in ("any", "tool")
    most = body.get("max_tokens")
    narrow = _is_number(most) and most <= LEAST_BUDGET
    # Adaptive thinking that is told no effort is that of a high one.
    adaptive = thinking == "adaptive" and _ALIKE.get(effort, _HIGHEST)[0] == "high"
    return thinking == "enabled" or adaptive or forced or narrow


def _format(crossing: Crossing) -> Any:
    return at(crossing.asked.body, "text", "format")


@rule(
    "upstream.schema-arrives",
    level=MUST,
    source="BerriAI/litellm#15995; router-for-me/CLIProxyAPI#4802; api7/aisix#1188",
    why="The program expects JSON of a shape and gets prose, with status 200.",
    evidence="both",
)
def schema_arrives(transcript: Transcript) -> Judged:
    """The JSON schema of `text.format` reaches the upstream JSON-equal, in the service's own field."""
    for crossing in crossings(transcript):
        if at(_format(crossing), "type") != "json_schema":
            continue
        schema = at(_format(crossing), "schema")
        if crossing.dialect == "messages":
            found = [at(crossing.sent.body, "output_config", "format", "schema")]
            found += [tool.parameters for tool in crossing.sent.tools]
            words = "in `output_config.format.schema`, or as a tool's `input_schema`"
        else:
            found = [at(crossing.sent.body, "response_format", "json_schema", "schema")]
            found.append(at(crossing.sent.body, "structured_outputs", "json"))
            words = "in `response_format.json_schema.schema`"
        if any(same_json(schema, other) for other in found if other is not None):
            yield crossing.seen
        else:
            yield crossing.broken(f"the schema {quote(schema)} {words}", f"there is {quote([f for f in found if f])}")


@rule(
    "upstream.schema-settings-kept",
    level=MUST,
    source="openai.types.shared_params.ResponseFormatJSONSchema",
    why="Without its name the request is a 400, without `strict` the shape is a wish.",
    dialects=("chat_completions",),
    evidence="both",
)
def schema_settings_kept(transcript: Transcript) -> Judged:
    """Name, `strict` and description of a JSON schema format reach a chat upstream, nested under `json_schema`."""
    for crossing in crossings(transcript):
        asked, sent = _format(crossing), at(crossing.sent.body, "response_format", "json_schema")
        if at(asked, "type") != "json_schema" or not isinstance(sent, dict):
            continue
        wanted = {key: asked[key] for key in ("name", "strict", "description") if asked.get(key) is not None}
        lost = {key: sent.get(key) for key, value in wanted.items() if not same_json(sent.get(key), value)}
        if lost:
            named = {key: wanted[key] for key in lost}
            yield crossing.broken(f"{quote(named)} in `response_format.json_schema`", quote(lost))
        else:
            yield crossing.seen


@rule(
    "upstream.json-mode-arrives",
    level=MUST,
    source="openai.types.shared_params.ResponseFormatJSONObject",
    why="The program parses prose.",
    dialects=CHAT,
    evidence="both",
)
def json_mode_arrives(transcript: Transcript) -> Judged:
    """`text.format: json_object` reaches a chat upstream as `response_format`; vLLM also as `structured_outputs`."""
    for crossing in crossings(transcript):
        if at(_format(crossing), "type") != "json_object":
            continue
        guided = crossing.dialect == "vllm" and at(crossing.sent.body, "structured_outputs", "json_object") is True
        if guided or at(crossing.sent.body, "response_format", "type") == "json_object":
            yield crossing.seen
        else:
            yield crossing.broken(
                '`response_format: {type: "json_object"}`', quote(crossing.sent.body.get("response_format"))
            )


@rule(
    "upstream.plain-format-omitted",
    level=RECOMMENDED,
    source="openai/openai-agents-js#835",
    why="Some services know no other format than `json_schema` and refuse the one that SDKs send by default.",
    dialects=CHAT,
    evidence="both",
)
def plain_format_omitted(transcript: Transcript) -> Judged:
    """Plain text is no format: `response_format` is left out for it."""
    for crossing in crossings(transcript):
        if at(_format(crossing), "type") not in (None, "text"):
            continue
        if crossing.sent.body.get("response_format") is None:
            yield crossing.seen
        else:
            yield crossing.broken("no `response_format`", quote(crossing.sent.body["response_format"]))


@rule(
    "upstream.identifiers-passed",
    level=SHOULD,
    source="BerriAI/litellm#36268; openai.types.chat.CompletionCreateParams.safety_identifier; "
    "anthropic.types.MetadataParam.user_id",
    why="Abuse of one user is charged to all users of the proxy.",
    dialects=("chat_completions", "messages"),
    evidence="both",
)
def identifiers_passed(transcript: Transcript) -> Judged:
    """`safety_identifier` and `user` reach the upstream somewhere: both on chat, one of them on Messages."""
    for crossing in crossings(transcript):
        wanted = [crossing.asked.body.get(key) for key in ("safety_identifier", "user")]
        named = [value for value in wanted if isinstance(value, str) and value]
        if not named:
            continue
        outside = {key: value for key, value in crossing.sent.body.items() if key not in ("messages", "tools")}
        sent = {text for _, text in strings(outside)}
        lost = [value for value in named if value not in sent]
        # Messages has one place for them, `metadata.user_id`.
        if not lost or (crossing.dialect == "messages" and lost != named):
            yield crossing.seen
        else:
            places = "`metadata.user_id`" if crossing.dialect == "messages" else "`safety_identifier` or `user`"
            yield crossing.broken(f"{quote(named)} in {places}", f"{quote(lost)} absent")
