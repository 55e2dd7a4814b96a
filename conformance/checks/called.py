"""Rules of calls that a target had to rename or wrap: the client gets the call of the tool that it declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.crossings import Judged, Visit, crossings, quote
from conformance.given import CALLS, Given, answered, given_items
from conformance.pieces import Piece, at, parsed, same_json, strings
from conformance.reading import streams
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, Seen, Violation, rule
from conformance.said import SaidItem
from conformance.tool_pairs import keeps_its_name, title
from conformance.transcript import Transcript

__all__: list[str] = []

_MANY = 4  # fragments of a call, from which on a single delta was held back

Expected = Mapping[str, Any]


def _expected(transcript: Transcript, *types: str) -> Iterator[tuple[Visit, Expected, Given]]:
    """The calls that a case expects of the last answer, each beside the one that came at its place.

    Where the numbers differ nothing is compared: that is told by other rules, as is an upstream that was not
    given the tool to call.
    """
    expected = transcript.facts.get("expected_calls") or ()
    for visit in answered(transcript) if expected else ():
        said = visit.exchange.said
        if visit.number != len(visit.drive.exchanges) - 1 or (said is not None and not said.calls):
            continue
        calls = [item for item in given_items(visit) if item.json.get("type") in CALLS]
        if len(calls) == len(expected):
            yield from ((visit, want, got) for want, got in zip(expected, calls, strict=True) if want["type"] in types)


def _same(visit: Visit, want: Expected, got: Given, *keys: str) -> Seen | Violation:
    """Whether the expected keys have their values; a key that is not expected is not looked at."""
    wanted = {key: want[key] for key in keys if key in want}
    found = {key: got.json.get(key) for key in wanted}
    if all(same_json(wanted[key], found[key]) for key in wanted):
        return visit.seen()
    return visit.broken(f"a call with {quote(wanted, 240)}", quote(found, 240), event=got.place)


@rule(
    "tools.names-restored",
    level=INTEGRITY,
    source="openai.types.responses.ResponseFunctionToolCall.name; danny-avila/LibreChat#7435; "
    "mrexodia/ida-pro-mcp#129; NVIDIA-NeMo/Switchyard PR#785",
    why="The client has no tool of the name that the target had made up for the upstream.",
)
def names_restored(transcript: Transcript) -> Judged:
    """A call comes back under the name by which the client declared the tool, whatever it is called upstream."""
    for visit, want, got in _expected(transcript, "function_call", "custom_tool_call"):
        if "name" in want and not want.get("namespace"):
            yield _same(visit, want, got, "name")


@rule(
    "tools.namespace-restored",
    level=INTEGRITY,
    source="openai.types.responses.ResponseFunctionToolCall.namespace; butterbase-ai/butterbase#134; jundot/omlx#3371",
    why="Two groups have a tool of that name and the wrong one is run; Codex runs none: `unsupported call`.",
    features=("namespaces",),
)
def namespace_restored(transcript: Transcript) -> Judged:
    """A call of a tool in a namespace comes back with the tool's own name, and with its namespace."""
    for visit, want, got in _expected(transcript, "function_call", "custom_tool_call"):
        if want.get("namespace"):
            yield _same(visit, want, got, "name", "namespace")


@rule(
    "tools.search-call-restored",
    level=MUST,
    source="openai.types.responses.ResponseToolSearchCall; openai.types.responses.ToolSearchToolParam.execution",
    why="The client waits for the search that it should run, and its tools are never found.",
    features=("tool-search",),
)
def search_call_restored(transcript: Transcript) -> Judged:
    """A call of the client's `tool_search` comes back as `tool_search_call`, for the client, arguments as an object."""
    for visit, want, got in _expected(transcript, "tool_search_call"):
        yield _same(visit, want, got, "type", "execution", "arguments")


@rule(
    "tools.custom-input-unwrapped",
    level=INTEGRITY,
    source="openai.types.responses.ResponseCustomToolCall.input; decolua/9router#1371; Anionex/agent-vision-toolkit#6",
    why="The tool is given JSON instead of its text: no patch applies, and files are written with braces in them.",
    features=("custom-tools",),
)
def custom_input_unwrapped(transcript: Transcript) -> Judged:
    """The input of a custom tool's call is the text that the model wrote, without the JSON that carried it."""
    for visit, want, got in _expected(transcript, "custom_tool_call"):
        if "input" in want and got.json.get("type") == "custom_tool_call":
            yield _same(visit, want, got, "input")


@rule(
    "tools.custom-input-streamed",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseCustomToolCallInputDeltaEvent; openai/codex shows a patch as it is written",
    why="A patch of two hundred lines is shown after a minute of silence.",
    features=("custom-tools",),
    evidence="both",
)
def custom_input_streamed(transcript: Transcript) -> Judged:
    """The input of a custom tool's call comes in several deltas where the upstream wrote it in many fragments."""
    for stream in streams(transcript):
        said = stream.exchange.said
        if said is None or len(stream.calls) != len(said.calls):
            continue
        for item, call in zip(stream.calls, said.calls, strict=True):
            if item.type != "custom_tool_call" or item.done is None or not _long_winded(call):
                continue
            deltas = sum(bool(delta.get("delta")) for part in item.parts.values() for delta in part.deltas)
            if deltas > 1:
                yield Seen(stream.place(item.done))
            else:
                yield Violation(
                    stream.place(item.done),
                    f"several deltas of an input that came in {call.pieces} fragments",
                    f"{deltas} of them",
                )


def _long_winded(call: SaidItem) -> bool:
    """Whether a call's text came in many fragments, and is most of what they carried."""
    texts = [text for _, text in strings(parsed(call.text))]
    return call.pieces >= _MANY and len("".join(texts)) * 2 > len(call.text)


@rule(
    "tools.one-name-upstream",
    level=INTEGRITY,
    source="danny-avila/LibreChat#7435; use-novamira/novamira#12; anthropic.types.ToolUseBlockParam.name",
    why="The model reads that it called a tool which it does not have, and calls that again.",
    evidence="both",
)
def one_name_upstream(transcript: Transcript) -> Judged:
    """A call of the history goes upstream under the name by which its tool is declared there."""
    for crossing in crossings(transcript):
        declared = {(tool.namespace, tool.name): tool for tool in crossing.asked.tools if tool.kind != "hosted"}
        names = {tool.name for tool in crossing.sent.tools}
        asked, sent = _beside(crossing.asked.of("call"), crossing.sent.of("call"))
        if crossing.asked.choice.kind in ("none", "allowed") or not names:
            continue
        for piece, other in zip(asked, sent, strict=True):
            tool = declared.get((piece.namespace, piece.name))
            if tool is None or keeps_its_name(tool, crossing.dialect):
                continue
            if other.name in names:
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"the call of {title(tool)} ({piece.path}) under one of the names {sorted(names)}",
                    f"it is called {quote(other.name)} at {other.path}",
                )


@rule(
    "tools.search-kept-in-history",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseToolSearchOutputItem; router-for-me/CLIProxyAPI#4414",
    why="The model does not know that it has searched, and searches again before each use of what it found.",
    features=("tool-search",),
    evidence="both",
)
def search_kept_in_history(transcript: Transcript) -> Judged:
    """A tool search of the history reaches the upstream as a call with the same arguments, and has a result."""
    for crossing in crossings(transcript):
        answered = {piece.call_id for piece in crossing.sent.of("result")}
        for piece in crossing.asked.of("other"):
            wanted = at(piece.raw, "arguments")
            if piece.name != "tool_search_call" or not isinstance(wanted, dict):
                continue
            calls = [call for call in crossing.sent.of("call") if same_json(_value(call), wanted)]
            if any(call.call_id in answered for call in calls):
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"a call with {quote(wanted)} ({piece.path}), and its result",
                    "the call has no result" if calls else "no call has these arguments",
                )


def _value(call: Piece) -> Any:
    return call.value if call.value is not None else parsed(call.text)


def _beside(asked: tuple[Piece, ...], sent: tuple[Piece, ...]) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """The calls of both sides where they are equally many, else none."""
    return (asked, sent) if len(asked) == len(sent) else ((), ())
