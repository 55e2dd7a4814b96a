"""Rules of the tool choice upstream: the client's will, in the service's words."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.crossings import Crossing, Judged, crossings, quote
from conformance.pieces import Choice, at
from conformance.rules import MUST, RECOMMENDED, rule
from conformance.tool_pairs import keeps_its_name, tool_pairs
from conformance.transcript import Transcript

__all__: list[str] = []


def _chosen(transcript: Transcript, *kinds: str) -> Iterator[Crossing]:
    """The requests with such a choice and with tools to choose from."""
    for crossing in crossings(transcript):
        if crossing.asked.choice.kind in kinds and any(tool.kind != "hosted" for tool in crossing.asked.tools):
            yield crossing


def _words(choice: Choice) -> str:
    if choice.kind == "named":
        return f"the tool {quote(choice.name)} is forced"
    if choice.kind == "allowed":
        return f"allowed are {list(choice.names)} in mode {quote(choice.mode)}"
    return "no choice is sent" if choice.kind == "absent" else f"the choice is {quote(choice.name or choice.kind)}"


@rule(
    "tools.choice-required",
    level=MUST,
    source="Open Responses 2026-04-24, tool_choice; elastic/elasticsearch#152427; raullenchai/Rapid-MLX#807",
    why="The agent waits for a call and gets prose.",
    evidence="both",
)
def choice_required(transcript: Transcript) -> Judged:
    """`tool_choice: required` reaches the upstream: `required` on chat, `any` on Messages."""
    for crossing in _chosen(transcript, "required"):
        # With one tool, forcing it by name says the same.
        forced = crossing.sent.choice.kind == "named" and len(crossing.sent.tools) == 1
        if crossing.sent.choice.kind == "required" or forced:
            yield crossing.seen
        else:
            yield crossing.broken("a choice that demands a call", _words(crossing.sent.choice))


@rule(
    "tools.choice-none",
    level=MUST,
    source="Open Responses 2026-04-24, tool_choice; anthropic.types.ToolChoiceNoneParam",
    why="A tool is run that the user has just forbidden.",
    evidence="both",
)
def choice_none(transcript: Transcript) -> Judged:
    """`tool_choice: none` reaches the upstream as such, or no tools are sent at all."""
    for crossing in _chosen(transcript, "none"):
        if crossing.sent.choice.kind == "none" or not crossing.sent.tools:
            yield crossing.seen
        else:
            yield crossing.broken("a choice that forbids calls, or no tools", _words(crossing.sent.choice))


@rule(
    "tools.choice-named",
    level=MUST,
    source="openai.types.responses.ToolChoiceFunctionParam; BerriAI/litellm#29811; elastic/elasticsearch#152427",
    why="Another tool is called than the one that the program demands, or a 400 comes for the unknown form.",
    evidence="both",
)
def choice_named(transcript: Transcript) -> Judged:
    """A choice that names a tool reaches the upstream with that tool's name."""
    for crossing in _chosen(transcript, "named"):
        wanted = crossing.asked.choice.name
        tool, partner = next(((tool, sent) for tool, sent in tool_pairs(crossing) if tool.name == wanted), (None, None))
        if tool is None:
            continue
        name = wanted if keeps_its_name(tool, crossing.dialect) or partner is None else partner.name
        if crossing.sent.choice.kind == "named" and crossing.sent.choice.name == name:
            yield crossing.seen
        else:
            yield crossing.broken(f"a choice that forces the tool {quote(name)}", _words(crossing.sent.choice))


@rule(
    "tools.choice-auto",
    level=MUST,
    source="openai.types.responses.ToolChoiceOptions",
    why="The model is forced to call, or kept from it, although the client left it free.",
    evidence="both",
)
def choice_auto(transcript: Transcript) -> Judged:
    """A request that leaves the choice to the model, or states none, forces and forbids nothing upstream."""
    for crossing in _chosen(transcript, "auto", "absent"):
        # Structured output may be emulated by a forced tool.
        emulated = at(crossing.asked.body, "text", "format", "type") in ("json_schema", "json_object")
        if crossing.sent.choice.kind in ("auto", "absent") or emulated:
            yield crossing.seen
        else:
            yield crossing.broken("a free choice, or none sent", _words(crossing.sent.choice))


@rule(
    "tools.choice-allowed",
    level=RECOMMENDED,
    levels={"open-responses": MUST, "superset": MUST},
    source="Open Responses 2026-04-24, allowed_tools; ogx-ai/ogx#3548",
    why="`allowed_tools` is a hard limit: a tool that is not allowed must not be called.",
    evidence="both",
)
def choice_allowed(transcript: Transcript) -> Judged:
    """`allowed_tools` limits the tools upstream: natively, or by sending only those tools, with its mode.

    In mode `auto` all tools may be sent, which keeps the upstream's cache: the limit is then kept on the answer
    (tools.allowed-enforced).
    """
    for crossing in _chosen(transcript, "allowed"):
        asked, sent = crossing.asked.choice, crossing.sent.choice
        names = {tool.name for tool in crossing.sent.tools}
        declared = {tool.name for tool in crossing.asked.tools}
        limited = (
            set(sent.names) == set(asked.names)
            if sent.kind == "allowed"
            else asked.mode != "required" or not names & declared - set(asked.names)
        )
        mode = (
            sent.mode if sent.kind == "allowed" else {"absent": "auto", "named": "required"}.get(sent.kind, sent.kind)
        )
        if limited and mode == (asked.mode or "auto"):
            yield crossing.seen
        else:
            yield crossing.broken(
                f"the tools limited to {list(asked.names)} in mode {quote(asked.mode)}",
                f"{_words(sent)}, and the tools sent are {sorted(names)}",
            )


@rule(
    "tools.choice-only-with-tools",
    level=MUST,
    source="OpenAI: tool_choice is only allowed when tools are specified; vLLM ChatCompletionRequest.check_tool_usage; "
    "gty111/gLLM#267",
    why="A turn of text only is a 400, as soon as the client sends the `auto` that it always sends.",
    evidence="upstream",
)
def choice_only_with_tools(transcript: Transcript) -> Judged:
    """Without tools neither `tool_choice` nor `parallel_tool_calls` goes upstream."""
    for crossing in crossings(transcript):
        if crossing.sent.tools:
            continue
        keys = [key for key in ("tool_choice", "parallel_tool_calls") if crossing.sent.body.get(key) is not None]
        if keys:
            yield crossing.broken("neither of the two, for there are no tools", f"the request carries {keys}")
        else:
            yield crossing.seen


@rule(
    "tools.parallel-calls-mapped",
    level=MUST,
    source="openai.types.responses.ResponseCreateParams.parallel_tool_calls; BerriAI/litellm#6148; "
    "anthropic.types.ToolChoiceAutoParam.disable_parallel_tool_use",
    why="A client that runs one tool at a time loses the second call.",
    evidence="both",
)
def parallel_calls_mapped(transcript: Transcript) -> Judged:
    """`parallel_tool_calls: false` reaches the upstream wherever tools do, in the service's words."""
    for crossing in crossings(transcript):
        if crossing.asked.body.get("parallel_tool_calls") is not False or not crossing.sent.tools:
            continue
        if crossing.dialect == "messages":
            told = at(crossing.sent.body, "tool_choice", "disable_parallel_tool_use") is True
            words = "`tool_choice.disable_parallel_tool_use: true`"
            told = told or crossing.sent.choice.kind == "none"  # which has no such key
        else:
            told = crossing.sent.body.get("parallel_tool_calls") is False
            words = "`parallel_tool_calls: false`"
        if told:
            yield crossing.seen
        else:
            yield crossing.broken(words, f"`tool_choice: {quote(crossing.sent.body.get('tool_choice'))}` and no more")


@rule(
    "tools.parallel-calls-not-forbidden",
    level=MUST,
    source="openai.types.responses.ResponseCreateParams.parallel_tool_calls",
    why="An agent that reads five files at once reads them one by one, at five times the price.",
    evidence="both",
)
def parallel_calls_not_forbidden(transcript: Transcript) -> Judged:
    """Parallel calls are not switched off upstream for a client that allowed them."""
    for crossing in crossings(transcript):
        if crossing.asked.body.get("parallel_tool_calls") is not True or not crossing.sent.tools:
            continue
        forbidden = crossing.sent.body.get("parallel_tool_calls") is False
        if forbidden or at(crossing.sent.body, "tool_choice", "disable_parallel_tool_use") is True:
            yield crossing.broken("parallel calls allowed", "the request forbids them")
        else:
            yield crossing.seen
