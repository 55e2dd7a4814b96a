"""Chat completions as a sequence of neutral chunks: what OpenAI's and vLLM's streams have in common.

    Script ── chunks_of ──▶ Step (a chunk, bytes, an error, a death) ── a dialect writes ──▶ Frame

Quirks of order and content are transformations of this sequence; a dialect only decides how a chunk is spelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, zip_longest
from typing import Any, Literal, TypeAlias

from fakes.dialects.toolcalls import CallSpelling, call_fragments
from fakes.errors import EncodingError
from fakes.script import (
    Annotation,
    Comment,
    Dies,
    Error,
    Interleaved,
    Part,
    Ping,
    Raw,
    Reasoning,
    Refusal,
    Script,
    Text,
    ToolCall,
)

__all__ = ["Chunk", "Speech", "Step", "chunks_of"]

Kind = Literal["role", "text", "reasoning", "refusal", "annotation", "call", "ping", "finish", "usage", "filter"]


@dataclass(frozen=True)
class Chunk:
    """One chunk. `choice` False has `choices: []`; `finish` is the dialect's own word."""

    kind: Kind
    delta: Mapping[str, Any] = field(default_factory=dict)
    gate: str = ""
    finish: str | None = None
    choice: bool = True
    usage: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


Step: TypeAlias = Chunk | Comment | Raw | Error | Dies


@dataclass(frozen=True)
class Speech:
    """How one dialect of chat completions says what they all say.

    `role` is the delta of the first chunk, `refuses` whether refusals and annotations exist, `finishes` the words
    for each neutral finish, `joins_finish` whether a cut shares its chunk with the last fragment (vLLM).
    """

    dialect: str
    role: Mapping[str, Any]
    calls: CallSpelling
    finishes: Mapping[str, str]
    refuses: bool
    joins_finish: bool
    mint: Callable[[str], str]


def chunks_of(script: Script, speech: Speech, include_usage: bool) -> list[Step]:
    """All steps of a streamed answer, quirks applied; raises EncodingError for what the dialect cannot say."""
    quirks = script.quirks
    body = list(_parts(script.parts, speech, quirks))
    ending = next((n for n, step in enumerate(body) if isinstance(step, (Error, Dies))), None)
    if ending is not None:
        body = body[: ending + 1]
    steps = _with_role(body, speech, quirks)
    if ending is None:
        steps = [*steps, *_end(script, speech, include_usage)]
        if not any(isinstance(step, Chunk) and step.kind == "role" for step in steps):
            steps = [*_opening(speech, quirks), *steps]
    for quirk, transform in _TRANSFORMS.items():
        if quirk in quirks:
            steps = transform(steps)
    if speech.joins_finish and script.finish in ("length", "stop_sequence", "context_window"):
        steps = _join_finish(steps, ("text", "reasoning"))
    return steps


def _parts(parts: Sequence[Part], speech: Speech, quirks: frozenset[str]) -> Iterator[Step]:
    numbers = count()
    for part in parts:
        yield from _part(part, speech, quirks, numbers)


def _part(part: Part, speech: Speech, quirks: frozenset[str], numbers: Iterator[int]) -> Iterator[Step]:
    match part:
        case Text(pieces):
            yield from (Chunk("text", {"content": piece}, piece) for piece in pieces)
        case Reasoning(pieces):
            yield from (Chunk("reasoning", _reasoning(piece, quirks), piece) for piece in pieces)
        case Refusal(pieces) if speech.refuses:
            yield from (Chunk("refusal", {"refusal": piece}) for piece in pieces)
        case Annotation() if speech.refuses:
            yield Chunk("annotation", {"annotations": [url_citation(part)]})
        case ToolCall():
            number = next(numbers)
            spelling = replace(speech.calls, index=number, mint=lambda: speech.mint(f"call {number}"))
            yield from (Chunk("call", delta) for delta in call_fragments(part, spelling, quirks))
        case Interleaved(inner):
            lanes = [list(_part(each, speech, quirks, numbers)) for each in inner]
            for turn in zip_longest(*lanes):
                yield from (step for step in turn if step is not None)
        case Ping():
            yield Chunk("ping")
        case Comment() | Raw() | Error() | Dies():
            yield part
        case _:
            raise EncodingError(
                f"{speech.dialect} has no words for a {type(part).__name__} part; leave the part out of this "
                f"script or the dialect out of this case"
            )


def _reasoning(piece: str, quirks: frozenset[str]) -> dict[str, str]:
    return dict.fromkeys(reasoning_fields(quirks), piece)


def reasoning_fields(quirks: frozenset[str]) -> tuple[str, ...]:
    """The names under which reasoning text is given."""
    if "reasoning-both-fields" in quirks:
        return ("reasoning", "reasoning_content")
    return ("reasoning_content",) if "reasoning-content" in quirks else ("reasoning",)


def url_citation(annotation: Annotation) -> dict[str, Any]:
    """A citation, nested as chat completions nests it."""
    cited = {
        "end_index": annotation.end,
        "start_index": annotation.start,
        "title": annotation.title,
        "url": annotation.url,
    }
    return {"type": "url_citation", "url_citation": cited}


def _opening(speech: Speech, quirks: frozenset[str]) -> list[Step]:
    first: list[Step] = []
    if "empty-choices-first" in quirks:
        first.append(Chunk("filter", choice=False, extra=_PROMPT_FILTER))
    if "role-missing" not in quirks:
        role = {**speech.role, "content": None} if "content-null-role" in quirks else speech.role
        first.append(Chunk("role", role))
    return first


def _with_role(body: list[Step], speech: Speech, quirks: frozenset[str]) -> list[Step]:
    """The opening goes before the first chunk: bytes, errors and deaths may come before it."""
    for position, step in enumerate(body):
        if isinstance(step, Chunk):
            return [*body[:position], *_opening(speech, quirks), *body[position:]]
    return body


def finish_word(script: Script, speech: Speech) -> str | None:
    """The dialect's word for a script's finish, None where none is sent; raises EncodingError."""
    if script.finish is None or "finish-missing" in script.quirks:
        return None
    if script.finish not in speech.finishes:
        raise EncodingError(
            f"{speech.dialect} has no finish reason for {script.finish!r}; "
            f"it has words for {', '.join(sorted(speech.finishes))}"
        )
    has_calls = any(isinstance(part, ToolCall) for part in flatten(script.parts))
    named = next((word for quirk, word in _FINISH_WORDS.items() if quirk in script.quirks), None)
    if named is not None:
        return named
    if "finish-stop-with-calls" in script.quirks and has_calls:
        return "stop"
    if "legacy-function-call" in script.quirks and script.finish == "tool_calls":
        return "function_call"
    return speech.finishes[script.finish]


def _end(script: Script, speech: Speech, include_usage: bool) -> list[Step]:
    word = finish_word(script, speech)
    known = script.usage is not None
    riding = known and "usage-on-finish-chunk" in script.quirks
    steps: list[Step] = [] if word is None else [Chunk("finish", finish=word, usage=riding)]
    if known and include_usage and not (riding and steps):
        steps.append(Chunk("usage", choice="usage-with-choice" in script.quirks, usage=True))
    return steps


def flatten(parts: Sequence[Part]) -> Iterator[Part]:
    """All parts, interleaved ones one after the other."""
    for part in parts:
        if isinstance(part, Interleaved):
            yield from flatten(part.parts)
        else:
            yield part


# Transformations of the sequence, by quirk ------------------------------------------------------------------


def _finish_with_last_piece(steps: list[Step]) -> list[Step]:
    return _join_finish(steps, ("text", "reasoning", "refusal", "call"))


def _join_finish(steps: list[Step], kinds: tuple[Kind, ...]) -> list[Step]:
    """The finish reason moves into the chunk before it, if that is of one of these kinds."""
    at = _position(steps, "finish")
    if at is None or at == 0:
        return steps
    last, finish = steps[at - 1], steps[at]
    if not (isinstance(last, Chunk) and isinstance(finish, Chunk)):
        return steps
    if last.kind not in kinds:
        return steps
    return [*steps[: at - 1], replace(last, finish=finish.finish, usage=finish.usage), *steps[at + 1 :]]


def _content_after_finish(steps: list[Step]) -> list[Step]:
    at = _position(steps, "finish")
    texts = [n for n, step in enumerate(steps) if isinstance(step, Chunk) and step.kind == "text"]
    if at is None or not texts or texts[-1] > at:
        return steps
    moved = steps[texts[-1]]
    rest = [step for n, step in enumerate(steps) if n != texts[-1]]
    return [*rest[:at], moved, *rest[at:]]


def _empty_deltas(steps: list[Step]) -> list[Step]:
    spread: list[Step] = []
    for step in steps:
        spread.append(step)
        if isinstance(step, Chunk) and step.kind not in ("finish", "usage", "filter"):
            spread.append(Chunk("ping"))
    return spread


def _null_keys(steps: list[Step]) -> list[Step]:
    """Every key of a delta, null where it says nothing; `tool_calls` is an empty list beside content."""
    nulls = dict.fromkeys(("content", "refusal", "reasoning", "reasoning_content", "function_call", "tool_calls"))
    return [
        replace(step, delta={**nulls, **({"tool_calls": []} if step.kind == "text" else {}), **step.delta})
        if isinstance(step, Chunk) and step.choice
        else step
        for step in steps
    ]


def _role_repeated(steps: list[Step]) -> list[Step]:
    return [
        replace(step, delta={"role": "assistant", **step.delta})
        if isinstance(step, Chunk) and step.choice and step.kind not in ("finish", "usage")
        else step
        for step in steps
    ]


def _text_with_tool_call(steps: list[Step]) -> list[Step]:
    for n in range(len(steps) - 1):
        text, call = steps[n], steps[n + 1]
        if not (isinstance(text, Chunk) and isinstance(call, Chunk)):
            continue
        if text.kind == "text" and call.kind == "call":
            joined = replace(text, delta={**call.delta, **text.delta})
            return [*steps[:n], joined, *steps[n + 2 :]]
    return steps


def _all_in_one(steps: list[Step]) -> list[Step]:
    """Text, reasoning and refusal joined, calls listed (they arrive whole, see `call_fragments`)."""
    chunks = [step for step in steps if isinstance(step, Chunk) and step.choice]
    if not chunks or any(isinstance(step, (Error, Dies)) for step in steps):
        return steps
    delta: dict[str, Any] = {}
    for chunk in chunks:
        for key, value in chunk.delta.items():
            if key != "role" and isinstance(value, (str, list)) and isinstance(delta.get(key), type(value)):
                delta[key] += value
            elif value is not None or key not in delta:
                delta[key] = value
    one = Chunk(
        "text",
        delta,
        gate="".join(chunk.gate for chunk in chunks),
        finish=next((chunk.finish for chunk in chunks if chunk.finish), None),
        usage=any(isinstance(step, Chunk) and step.usage for step in steps),
    )
    return [*(step for step in steps if not isinstance(step, Chunk)), one]


def _position(steps: list[Step], kind: Kind) -> int | None:
    return next((n for n, step in enumerate(steps) if isinstance(step, Chunk) and step.kind == kind), None)


_TRANSFORMS: dict[str, Callable[[list[Step]], list[Step]]] = {
    "text-with-tool-call": _text_with_tool_call,
    "finish-with-last-piece": _finish_with_last_piece,
    "content-after-finish": _content_after_finish,
    "empty-deltas": _empty_deltas,
    "role-repeated": _role_repeated,
    "all-in-one": _all_in_one,
    "null-keys": _null_keys,
}

_FINISH_WORDS = {
    "finish-unknown": "model_context_window_exceeded",
    "finish-end-of-sequence": "eos_token",
    "finish-error": "error",
    "finish-abort": "abort",
}

_SAFE = {kind: {"filtered": False, "severity": "safe"} for kind in ("hate", "self_harm", "sexual", "violence")}
_PROMPT_FILTER = {
    "id": "",
    "object": "",
    "created": 0,
    "model": "",
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _SAFE}],
}
