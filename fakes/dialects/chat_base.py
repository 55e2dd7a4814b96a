"""What both services that speak chat completions do alike: order of frames, usage, errors and ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from fakes.dialects.chunks import Chunk, Speech, Step, chunks_of, finish_word, flatten, reasoning_fields, url_citation
from fakes.dialects.logprobs import asked_alternatives, token_logprobs
from fakes.dialects.quirks import Quirk, refuse_unknown
from fakes.dialects.toolcalls import whole_call
from fakes.dialects.wire import CREATED, FAULTS, Ids, json_reply, sse, stream_reply
from fakes.errors import EncodingError
from fakes.reply import Fault, Frame, HttpFailure, Reply
from fakes.script import (
    Annotation,
    Comment,
    Dialect,
    Dies,
    Error,
    Raw,
    Reasoning,
    Refusal,
    Script,
    Text,
    ToolCall,
    Usage,
)

__all__ = ["Answered", "ChatDialect", "Gathered"]


@dataclass(frozen=True)
class Gathered:
    """A script as one message. None stands for what was never said. `tokens` are the fragments, in order."""

    text: str | None
    reasoning: str | None
    refusal: str | None
    calls: tuple[ToolCall, ...]
    annotations: tuple[Annotation, ...]
    tokens: tuple[Text | Reasoning, ...] = ()


@dataclass(frozen=True)
class Answered:
    """What an answer repeats in every chunk, and what the request asked of its form.

    `alternatives` is how many log probabilities it wants of each token; None for none at all.
    """

    id: str
    model: str
    ids: Ids
    quirks: frozenset[str]
    usage: Usage | None
    include_usage: bool
    usage_everywhere: bool
    stop: str | None
    alternatives: int | None = None


class ChatDialect(ABC):
    """The common half of a dialect of chat completions; subclasses spell."""

    name: ClassVar[Dialect]
    known: ClassVar[Mapping[str, Quirk]]
    errors_end_with_done: ClassVar[bool]
    likely: ClassVar[tuple[str, ...]]
    """The kinds of content that it gives log probabilities of."""
    completion_path = "/v1/chat/completions"

    @property
    def quirks(self) -> frozenset[str]:
        """The names of the quirks that `encode` knows."""
        return frozenset(self.known)

    def encode(self, script: Script, request: Mapping[str, Any]) -> Reply:
        """A script as the service frames it; raises EncodingError for what it has no words for."""
        refuse_unknown(script.quirks, self.known, self.name)
        ids = Ids(self.name, request)
        options = request.get("stream_options") or {}
        answered = Answered(
            id=self._completion_id(ids),
            model=str(request.get("model", "")),
            ids=ids,
            quirks=script.quirks,
            usage=script.usage,
            include_usage=bool(options.get("include_usage")),
            stop=_matched_stop(script, request),
            usage_everywhere="usage-every-chunk" in script.quirks or bool(options.get("continuous_usage_stats")),
            alternatives=asked_alternatives(request),
        )
        if request.get("stream"):
            return self._stream(script, answered)
        return self._whole(script, answered)

    # Streamed -----------------------------------------------------------------------------------------------

    def _stream(self, script: Script, answered: Answered) -> Reply:
        steps = chunks_of(script, self._speech(answered), answered.include_usage)
        frames: list[Frame] = []
        fault: Fault | None = None
        chunks = [step for step in steps if isinstance(step, Chunk)]
        first = next((chunk for chunk in chunks if chunk.choice), None)
        ended = not (steps and isinstance(steps[-1], (Error, Dies)))
        last = chunks[-1] if ended and chunks else None
        said = 0
        for step in steps:
            if isinstance(step, Dies):
                fault = FAULTS[step.how]
            elif isinstance(step, Chunk):
                body = self._chunk(step, answered, first=step is first, last=step is last)
                if answered.usage is not None and (step.usage or answered.usage_everywhere):
                    said += 1
                    whole = step.usage or step is last
                    body = {**body, "usage": self._usage(answered.usage, None if whole else said)}
                frames.append(self._event(body, answered, step.gate))
                if "second-choice" in answered.quirks and step.kind in ("text", "finish"):
                    frames.append(self._event(_second_choice(body), answered, ""))
            else:
                frames.extend(self._other(step, answered))
        if fault is None and self._ends_with_done(steps, answered):
            frames.append(next((form for quirk, form in _DONES.items() if quirk in answered.quirks), _DONE))
        if "data-without-space" in answered.quirks:
            frames = [Frame(frame.data.replace(b"data: ", b"data:", 1), frame.gate) for frame in frames]
        return stream_reply(frames, self._headers(answered.ids), fault)

    def _ends_with_done(self, steps: list[Step], answered: Answered) -> bool:
        if "no-done" in answered.quirks:
            return False
        failed = bool(steps) and isinstance(steps[-1], Error)
        return not failed or self.errors_end_with_done or "error-then-done" in answered.quirks

    def _other(self, step: Comment | Raw | Error, answered: Answered) -> Iterator[Frame]:
        match step:
            case Comment(text):
                yield Frame(f":{text}\n\n".encode())
            case Raw(data):
                yield Frame(data)
            case Error():
                body: dict[str, Any] = self._error_body(step)
                if "error-string" in answered.quirks:
                    body = {"error": step.message}
                if "error-with-choices" in answered.quirks:
                    body = {**body, "choices": []}
                yield sse(self._error_json(body))

    def _event(self, body: Mapping[str, Any], answered: Answered, gate: str) -> Frame:
        return sse(self._chunk_json(_with_extras(body) if "extra-keys" in answered.quirks else body), gate=gate)

    # One JSON body ------------------------------------------------------------------------------------------

    def _whole(self, script: Script, answered: Answered) -> Reply:
        parts = list(flatten(script.parts))
        end = next((part for part in parts if isinstance(part, (Error, Dies))), None)
        if isinstance(end, Error):
            return json_reply(self._error_body(end), end.status, self._headers(answered.ids))
        # Every part is encoded once, so that what cannot be streamed cannot be said whole either.
        speech = self._speech(answered)
        chunks_of(script, speech, include_usage=False)
        body = self._completion(gather(script), finish_word(script, speech), answered)
        if "second-choice" in answered.quirks:
            body = {**body, "choices": [*body["choices"], *_second_choice(body)["choices"]]}
        if "extra-keys" in answered.quirks:
            body = _with_extras(body)
        return json_reply(body, headers=self._headers(answered.ids), dies=end)

    def _message_calls(self, gathered: Gathered, answered: Answered) -> dict[str, Any]:
        """The `tool_calls` key of a whole message, absent when there are none."""
        if not gathered.calls:
            return {}
        if "legacy-function-call" in answered.quirks:
            whole = whole_call(gathered.calls[0], str, answered.quirks)
            return {"function_call": whole["function"]}
        calls = [
            whole_call(call, partial(self._call_id, answered.ids, f"call {number}"), answered.quirks)
            for number, call in enumerate(gathered.calls)
        ]
        return {"tool_calls": calls}

    def _logprobs(self, tokens: Sequence[str], answered: Answered) -> dict[str, Any] | None:
        """The `logprobs` of a choice: null where none were asked for, or there are no tokens."""
        if answered.alternatives is None or not any(tokens):
            return None
        return {"content": token_logprobs(tokens, answered.alternatives), **self._other_logprobs}

    _other_logprobs: ClassVar[Mapping[str, Any]] = {}

    def _chunk_tokens(self, chunk: Chunk) -> list[str]:
        """The text of a chunk that has log probabilities."""
        keys = {"text": ("content",), "reasoning": ("reasoning", "reasoning_content")}
        found = [str(chunk.delta[key]) for kind in self.likely for key in keys[kind] if chunk.delta.get(key)]
        return found[:1]

    def _whole_tokens(self, gathered: Gathered) -> list[str]:
        """All tokens of a whole answer that have log probabilities, in order."""
        kinds = {"text": Text, "reasoning": Reasoning}
        chosen = tuple(kinds[kind] for kind in self.likely)
        return [piece for part in gathered.tokens if isinstance(part, chosen) for piece in part.pieces]

    # What a service decides ---------------------------------------------------------------------------------

    @abstractmethod
    def _speech(self, answered: Answered) -> Speech: ...

    @abstractmethod
    def _completion_id(self, ids: Ids) -> str: ...

    @abstractmethod
    def _call_id(self, ids: Ids, label: str) -> str: ...

    @abstractmethod
    def _headers(self, ids: Ids) -> tuple[tuple[str, str], ...]: ...

    @abstractmethod
    def _chunk(self, chunk: Chunk, answered: Answered, *, first: bool, last: bool) -> dict[str, Any]: ...

    @abstractmethod
    def _chunk_json(self, body: Mapping[str, Any]) -> str: ...

    @abstractmethod
    def _usage(self, usage: Usage, said: int | None) -> dict[str, Any]: ...

    @abstractmethod
    def _completion(self, gathered: Gathered, finish: str | None, answered: Answered) -> dict[str, Any]: ...

    @abstractmethod
    def _error_body(self, error: Error) -> dict[str, Any]: ...

    @abstractmethod
    def _error_json(self, body: Mapping[str, Any]) -> str: ...

    @abstractmethod
    def failure(self, failure: HttpFailure) -> Reply:
        """A refusal before the first byte, in the service's own error body."""


def gather(script: Script) -> Gathered:
    """A script as one message."""
    parts = list(flatten(script.parts))

    def joined(kind: type[Text | Reasoning | Refusal]) -> str | None:
        found = [part for part in parts if isinstance(part, kind)]
        return "".join("".join(part.pieces) for part in found) if found else None

    return Gathered(
        joined(Text),
        joined(Reasoning),
        joined(Refusal),
        tuple(part for part in parts if isinstance(part, ToolCall)),
        tuple(part for part in parts if isinstance(part, Annotation)),
        tuple(part for part in parts if isinstance(part, Text | Reasoning)),
    )


def _second_choice(body: Mapping[str, Any]) -> dict[str, Any]:
    """A chunk, or a whole answer, of a second choice beside the first: another text, which a limit cuts."""
    choice = dict(body["choices"][0])
    said = "message" if "message" in choice else "delta"
    speaks = bool(choice[said].get("content"))
    choice |= {"index": 1, said: {**choice[said], "content": "Something else. "} if speaks else {}, "logprobs": None}
    choice["finish_reason"] = "length" if choice["finish_reason"] else choice["finish_reason"]
    return {**body, "choices": [choice]}


def completion_head(answered: Answered, kind: str) -> dict[str, Any]:
    """The first keys of a chunk or a completion."""
    return {"id": answered.id, "object": kind, "created": CREATED, "model": answered.model}


def finish_reason(chunk: Chunk, answered: Answered) -> str | None:
    """What `finish_reason` says in a chunk."""
    if chunk.finish is None and "finish-empty-string" in answered.quirks:
        return ""
    return chunk.finish


def message_reasoning(gathered: Gathered, quirks: frozenset[str]) -> dict[str, str | None]:
    """The reasoning keys of a whole message."""
    return dict.fromkeys(reasoning_fields(quirks), gathered.reasoning)


def message_annotations(gathered: Gathered) -> list[dict[str, Any]]:
    """The `annotations` of a whole message."""
    return [url_citation(annotation) for annotation in gathered.annotations]


def one_choice(gathered: Gathered) -> None:
    """Raise EncodingError when a script is more than one message can hold."""
    if gathered.text is None and gathered.annotations:
        raise EncodingError("an Annotation needs the Text that it is on before it")


def _matched_stop(script: Script, request: Mapping[str, Any]) -> str | None:
    """The stop string that ended the answer: the request's first, else one that it might have had."""
    if script.finish != "stop_sequence":
        return None
    asked = request.get("stop")
    first = asked[0] if isinstance(asked, list) and asked else asked
    return first if isinstance(first, str) else "STOP"


def _with_extras(body: Mapping[str, Any]) -> dict[str, Any]:
    choices = [
        {
            **choice,
            "native_finish_reason": choice.get("finish_reason"),
            "content_filter_results": {},
            **{
                key: {**choice[key], "x_fake_extra": {"nested": [1, None]}}
                for key in ("delta", "message")
                if key in choice
            },
        }
        for choice in body.get("choices", [])
    ]
    return {**body, "provider": "Fake", "choices": choices, "timings": {"predicted_per_second": 1.5}}


_DONE = sse("[DONE]")
_DONES = {"done-without-space": Frame(b"data:[DONE]\n\n"), "done-with-spaces": sse("[DONE]  ")}
