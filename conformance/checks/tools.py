"""Rules of tools upstream: all that the client declared, as it declared them, and no others."""

from __future__ import annotations

from conformance.crossings import Judged, crossings, quote
from conformance.pieces import at, items_of
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, rule
from conformance.tool_pairs import NAME_LENGTHS, keeps_its_name, legal_name, same_schema, title, tool_pairs
from conformance.transcript import Transcript
from fakes.script import Dialect

__all__: list[str] = []

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")


@rule(
    "tools.all-arrive",
    level=INTEGRITY,
    source="openai.types.responses.FunctionToolParam; ggml-org/llama.cpp#20156; unslothai/unsloth#5141",
    why="The agent tells its user that it cannot read files, for it was not told that it can.",
    evidence="both",
)
def all_arrive(transcript: Transcript) -> Judged:
    """Every function and custom tool in `tools` reaches the upstream, by its own name where the service takes it."""
    for crossing in crossings(transcript):
        for tool, sent in tool_pairs(crossing, "tools"):
            if tool.namespace:
                continue
            if sent is not None:
                yield crossing.seen
            else:
                names = [other.name for other in crossing.sent.tools]
                yield crossing.broken(f"the tool {quote(tool.name)} ({tool.path}) upstream", f"the tools are {names}")


@rule(
    "tools.descriptions-kept",
    level=INTEGRITY,
    source="openai.types.responses.FunctionToolParam.description",
    why="The description is how the model knows when to call the tool, and how.",
    evidence="both",
)
def descriptions_kept(transcript: Transcript) -> Judged:
    """The description of each function tool reaches the upstream unchanged."""
    for crossing in crossings(transcript):
        for tool, sent in tool_pairs(crossing, "tools"):
            if sent is None or tool.kind != "function" or not tool.description:
                continue
            if tool.description in sent.description:
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"the description {quote(tool.description)} of {title(tool)}", quote(sent.description)
                )


@rule(
    "tools.parameters-kept",
    level=INTEGRITY,
    source="openai.types.responses.FunctionToolParam.parameters; lidge-jun/opencodex#75; Kilo-Org/kilocode#12238",
    why="The model fills in what the schema says: a lost property is an argument that never comes.",
    evidence="both",
)
def parameters_kept(transcript: Transcript) -> Judged:
    """The parameters of each function tool reach the upstream, in the same meaning where not in the same words."""
    for crossing in crossings(transcript):
        for tool, sent in tool_pairs(crossing, "tools"):
            if sent is None or tool.kind != "function":
                continue
            if same_schema(tool.parameters, sent.parameters):
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"the parameters {quote(tool.parameters)} of {title(tool)}", quote(sent.parameters)
                )


@rule(
    "tools.schema-is-object",
    level=MUST,
    source="anthropic.types.ToolParam.input_schema; lidge-jun/opencodex#75; router-for-me/CLIProxyAPI#5569",
    why="Anthropic answers 400 to a tool without `input_schema.type`; strict chat services to one without parameters.",
    dialects=("messages",),
    evidence="upstream",
)
def schema_is_object(transcript: Transcript) -> Judged:
    """On Messages every tool has an `input_schema` whose type is "object"."""
    for crossing in crossings(transcript):
        for tool in crossing.sent.tools:
            if tool.kind != "function":
                continue
            if at(tool.parameters, "type") == "object":
                yield crossing.seen
            else:
                yield crossing.broken(f'`input_schema` of type "object" for {quote(tool.name)}', quote(tool.parameters))


@rule(
    "tools.strict-kept",
    level=MUST,
    source="openai.types.responses.FunctionToolParam.strict; openai.types.shared_params.FunctionDefinition.strict",
    why="With `strict` the client relies on arguments that match the schema; without it loose schemas are legal.",
    dialects=CHAT,
    evidence="both",
)
def strict_kept(transcript: Transcript) -> Judged:
    """A `strict` that the client stated reaches the upstream as stated."""
    for crossing in crossings(transcript):
        for tool, sent in tool_pairs(crossing, "tools"):
            if sent is None or tool.kind != "function" or not isinstance(tool.strict, bool):
                continue
            # Absent means false in chat completions.
            if sent.strict is tool.strict or (tool.strict is False and sent.strict is None):
                yield crossing.seen
            else:
                yield crossing.broken(f"`strict: {tool.strict}` for {title(tool)}", f"`strict: {sent.strict}`")


@rule(
    "tools.strict-not-invented",
    level=MUST,
    source="openai.types.responses.FunctionToolParam.strict (if omitted, falls back to non-strict)",
    why="A schema that was never meant to be strict is a 400 when it is sent as strict.",
    dialects=CHAT,
    evidence="both",
)
def strict_not_invented(transcript: Transcript) -> Judged:
    """A tool without `strict` is not made strict upstream unless its schema qualifies."""
    for crossing in crossings(transcript):
        for tool, sent in tool_pairs(crossing, "tools"):
            if sent is None or tool.kind != "function" or tool.strict is not None:
                continue
            if sent.strict is not True or _qualifies(tool.parameters):
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"{title(tool)} without `strict: true`, for its schema does not forbid other properties",
                    "`strict: true`",
                )


def _qualifies(schema: object) -> bool:
    """Whether a schema is one that strict mode takes, at its top: all properties required, no others."""
    properties, required = at(schema, "properties"), items_of(at(schema, "required"))
    return at(schema, "additionalProperties") is False and set(properties or ()) <= {
        name for name in required if isinstance(name, str)
    }


@rule(
    "tools.none-invented",
    level=INTEGRITY,
    source="openai.types.responses.ResponseCreateParams.tools; BerriAI/litellm reconstructs calls from tools",
    why="The model calls a tool that the client does not have, and the agent stops.",
    evidence="both",
)
def none_invented(transcript: Transcript) -> Judged:
    """No tool goes upstream that the client did not declare."""
    for crossing in crossings(transcript):
        if not crossing.sent.tools:
            continue
        tools = crossing.asked.tools
        own = sum(not keeps_its_name(tool, crossing.dialect) or tool.kind == "hosted" for tool in tools)
        names = {tool.name for tool in tools}
        foreign = [tool.name for tool in crossing.sent.tools if tool.name not in names and tool.kind == "function"]
        # Structured output may be emulated by one forced tool.
        own += at(crossing.asked.body, "text", "format", "type") in ("json_schema", "json_object")
        # Anthropic refused a history with calls and no tools at all: one tool may stand in (BerriAI/litellm#4689).
        own += crossing.dialect == "messages" and not tools and any(crossing.asked.of("call", "result"))
        if len(foreign) <= own:
            yield crossing.seen
        else:
            yield crossing.broken(f"the client's tools {sorted(names)} only", f"there are also {foreign}")


@rule(
    "tools.order-kept",
    level=RECOMMENDED,
    source="OpenAI documentation, Prompt caching; Anthropic documentation, Prompt caching",
    why="Tools stand at the beginning of the prompt: reordered, nothing behind them is found in the cache.",
    evidence="both",
)
def order_kept(transcript: Transcript) -> Judged:
    """Tools reach the upstream in the client's order."""
    for crossing in crossings(transcript):
        names = [tool.name for tool in crossing.asked.tools]
        sent = [tool.name for tool in crossing.sent.tools if tool.name in names]
        wanted = [name for name in names if name in sent]
        if len(wanted) < 2:
            continue
        if sent == wanted:
            yield crossing.seen
        else:
            yield crossing.broken(f"the tools in the order {wanted}", f"they come as {sent}")


@rule(
    "tools.never-an-empty-list",
    level=MUST,
    source="vLLM ChatCompletionRequest.check_tool_usage; openai.types.chat.CompletionCreateParams.tools",
    why="vLLM and OpenAI answer 400 to `tools: []`.",
    dialects=CHAT,
    evidence="upstream",
)
def never_an_empty_list(transcript: Transcript) -> Judged:
    """A request without tools has no `tools` key upstream, never an empty list."""
    for crossing in crossings(transcript):
        if crossing.sent.tools:
            continue
        if "tools" not in crossing.sent.body or crossing.sent.body["tools"] is None:
            yield crossing.seen
        else:
            yield crossing.broken("no `tools` key", f"`tools: {quote(crossing.sent.body['tools'])}`")


@rule(
    "tools.names-legal",
    level=MUST,
    source="openai.types.shared_params.FunctionDefinition.name; anthropic.types.ToolParam.name; "
    "danny-avila/LibreChat#7435; router-for-me/CLIProxyAPI#3199",
    why="One long MCP name makes the service refuse every request of the session.",
    evidence="upstream",
)
def names_legal(transcript: Transcript) -> Judged:
    """Tool names upstream are of letters, digits, `_` and `-`, short enough for the service, and all different."""
    for crossing in crossings(transcript):
        names = [tool.name for tool in crossing.sent.tools if tool.kind != "hosted"]
        bad = [name for name in names if not legal_name(name, crossing.dialect)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if bad or twice:
            yield crossing.broken(
                f"different names of at most {NAME_LENGTHS[crossing.dialect]} letters, digits, `_` and `-`",
                f"there are {quote(bad or twice, 240)}" + ("" if bad else " more than once"),
            )
        elif names:
            yield crossing.seen
