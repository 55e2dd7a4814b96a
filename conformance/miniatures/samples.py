"""Samples: the few situations in which miniatures are shown, each answered rightly in every flavour.

They are cases like any other, so small that a reader can follow them, and apart from the suite's own so that the
lock of the miniatures does not change with these.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.cases.case import Case, Turn
from conformance.fold import fold_reply
from conformance.miniatures.flavours import FLAVOURS, Flavour
from conformance.miniatures.right import UpstreamCalls, right_transcript
from conformance.said import Said
from conformance.transcript import Transcript
from fakes.dialects import get
from fakes.reply import Verbatim
from fakes.script import (
    DIALECTS,
    Annotation,
    Dialect,
    Dies,
    Finish,
    Interleaved,
    Part,
    Reasoning,
    Refusal,
    Script,
    Text,
    ToolCall,
    Usage,
)

__all__ = ["SAMPLES", "locked_samples", "right_transcripts", "said_of"]

_SOURCE = "openai-openapi, examples of createResponse"

_WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
_TIME = {
    "type": "function",
    "name": "get_time",
    "description": "The time in a zone.",
    "parameters": {"type": "object", "properties": {"zone": {"type": "string"}, "stamp": {"type": "integer"}}},
    "strict": False,
}
_PATCH = {"type": "custom", "name": "apply_patch", "description": "Applies a patch.", "format": {"type": "text"}}
_USED = Usage()
_COUNTED = Usage(input=120, output=40, cached=100, reasoning=12)


def _asks(text: str, /, **settings: object) -> dict[str, object]:
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return {"input": [message], **settings}


def _sample(
    name: str,
    summary: str,
    /,
    *parts: Part,
    finish: Finish | None = "stop",
    usage: Usage | None = _USED,
    dialects: tuple[Dialect, ...] = DIALECTS,
    **settings: object,
) -> Case:
    script = Script(parts=parts, finish=finish, usage=usage)
    turn = Turn(request=_asks(summary, **settings), answers=(script,))
    return Case(id=f"sample.{name}", summary=summary, source=_SOURCE, turns=(turn,), dialects=dialects)


SAMPLES: tuple[Case, ...] = (
    _sample(
        "text",
        "A short text, with settings to echo.",
        Text(("The sky ", "is blue, ", "naïve ", "reader 🌍", ".")),
        instructions="Be brief.",
        temperature=0.5,
        top_p=0.25,
        max_output_tokens=200,
        metadata={"ticket": "42"},
        store=False,
        reasoning={"effort": "low"},
        text={"format": {"type": "text"}, "verbosity": "low"},
        usage=_COUNTED,
    ),
    _sample(
        "reasoning-and-calls",
        "Thinking, a text, and two parallel calls.",
        Reasoning(("First ", "the weather, ", "then ", "the time."), signature=None),
        Text(("I will ", "look ", "it up.")),
        ToolCall("get_weather", ('{"city": ', '"Zürich', '"}'), id="call_weather"),
        ToolCall("get_time", ('{"zone":"CET",', '"stamp": 123456789', "01234567890}"), id="call_time"),
        finish="tool_calls",
        usage=_COUNTED,
        tools=[_WEATHER, _TIME],
        tool_choice="auto",
    ),
    _sample(
        "two-calls",
        "Two calls of one function and nothing else.",
        ToolCall("get_weather", ('{"city"', ':"Oslo"', "}"), id="call_oslo"),
        ToolCall("get_weather", ('{"city"', ':"Rome"', "}"), id="call_rome"),
        finish="tool_calls",
        tools=[_WEATHER],
        tool_choice="required",
        parallel_tool_calls=True,
    ),
    _sample(
        "interleaved-calls",
        "Two calls whose fragments alternate.",
        Interleaved(
            (
                ToolCall("get_weather", ('{"city"', ':"Bern"', "}"), id="call_bern"),
                ToolCall("get_time", ('{"zone"', ':"UTC"', "}"), id="call_utc"),
            )
        ),
        finish="tool_calls",
        tools=[_WEATHER, _TIME],
        dialects=("chat_completions", "vllm"),
    ),
    _sample(
        "custom-call",
        "A call of a custom tool.",
        Text(("Patching.",)),
        ToolCall("apply_patch", ('{"input": "*** Begin', " Patch\\n+naïve", '\\n*** End Patch"}'), id="call_patch"),
        finish="tool_calls",
        tools=[_PATCH, _TIME],
    ),
    _sample(
        "refusal",
        "A refusal in words.",
        Refusal(("I cannot ", "help ", "with that.")),
        dialects=("chat_completions",),
    ),
    _sample(
        "citations",
        "A text with two citations.",
        Text(("Rust is safe. ", "So is Ada.")),
        Annotation("https://rust.example/safety", "Safety", 0, 13),
        Annotation("https://ada.example/", "Ada", 14, 24),
        dialects=("chat_completions",),
    ),
    _sample(
        "length",
        "A text cut by the limit.",
        Reasoning(("Think ", "briefly ", "now.")),
        Text(("One, ", "two, ", "thr")),
        finish="length",
        max_output_tokens=16,
    ),
    _sample(
        "cut-call",
        "A call cut by the limit in its arguments.",
        Text(("Let me ", "see.")),
        ToolCall("get_weather", ('{"city": ', '"Par'), id="call_cut"),
        finish="length",
        tools=[_WEATHER],
    ),
    _sample(
        "filtered",
        "A text stopped by the content filter.",
        Text(("It is ", "said ", "that")),
        finish="content_filter",
        dialects=("chat_completions",),
    ),
    _sample(
        "dies",
        "The upstream dies in the middle of a text.",
        Text(("This will ", "not ", "be")),
        Dies(),
        finish=None,
        usage=None,
    ),
)
"""The situations, fewer than the suite has and each as small as it can be."""


def said_of(case: Case, dialect: Dialect) -> tuple[Said, ...]:
    """What the upstream says in a dialect, one a turn of the case (its first answer)."""
    return tuple(_said(turn, dialect) for turn in case.turns)


def _said(turn: Turn, dialect: Dialect) -> Said:
    wire, answer = get(dialect), turn.answers[0]
    if isinstance(answer, Script):
        asked = {"model": "m", "stream": True, "messages": [], "stream_options": {"include_usage": True}}
        return fold_reply(dialect, wire.encode(answer, asked))
    if isinstance(answer, Verbatim):
        return fold_reply(dialect, answer.reply)
    raise TypeError(f"samples are scripts; {type(answer).__name__} is none")


def right_transcripts(
    *flavours: Flavour, upstream: UpstreamCalls | None = None, cases: tuple[Case, ...] = SAMPLES
) -> Iterator[Transcript]:
    """The right transcripts of the samples, in every dialect that can say them, in the given flavours (or all)."""
    for flavour in flavours or tuple(FLAVOURS.values()):
        for case in cases:
            for dialect in case.dialects:
                yield right_transcript(case, dialect, flavour, said_of(case, dialect), upstream=upstream)


_LOCKED: tuple[tuple[str, Dialect, frozenset[str]], ...] = (
    ("plain", "chat_completions", frozenset()),
    ("patient", "vllm", frozenset()),
    ("openai", "chat_completions", frozenset({"sample.reasoning-and-calls", "sample.cut-call", "sample.dies"})),
    ("open-responses", "messages", frozenset({"sample.reasoning-and-calls", "sample.dies"})),
)
"""Flavour, dialect (where it can say the sample), and the samples in it (none: all)."""


def locked_samples() -> Iterator[Transcript]:
    """The right transcripts that miniatures are locked by: two right targets whole, the others where they differ."""
    for flavour, dialect, chosen in _LOCKED:
        for case in SAMPLES:
            if not chosen or case.id in chosen:
                spoken = dialect if dialect in case.dialects else case.dialects[0]
                yield right_transcript(case, spoken, FLAVOURS[flavour], said_of(case, spoken))
