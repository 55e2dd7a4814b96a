"""The form in which a case's turn is sent: model, stream and token filled in, earlier turns referred to.

{token}          in any string of a request, in a raw body, or in the upstream's texts: the token of the drive
{previous}       as a string value, or in a path: the id of the previous turn's response
{call_id:n:k}    as a string value: the call_id of the k-th tool call of turn n's response, both from 0
{answer:n:path}  as a string value, or in a path: a value in turn n's answer, "output.0.id" for example
{"$output": n}   as an item of a list: all output items of turn n
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conformance.cases.case import MODEL_TOKEN, Turn
from conformance.normal_form import final_response
from conformance.pieces import at
from conformance.transcript import Exchange
from fakes.reply import Answer
from fakes.script import Reasoning, Script, Text, ToolCall

__all__ = ["CannotContinueError", "Filler"]

_PREVIOUS = "{previous}"
_OUTPUT = "$output"
_CALL_ID = re.compile(r"\{call_id:(\d+):(\d+)\}")
_ANSWER = re.compile(r"\{answer:(\d+):([\w.]+)\}")
_MAIN_PATH = "/responses"


class CannotContinueError(Exception):
    """Raised when a turn needs what the target's answer to an earlier turn does not hold."""


@dataclass(frozen=True)
class Filler:
    """Fills the turns of one drive.

    `model` is the target's template ("{case}", "vllm/{case}"), in which "{case}" stands for the token, or for
    the model name of a case that has its own. The token is also appended to the first user text, if `marked`: not
    at a live endpoint, where nothing has to be told apart and the name of its model stands for the token.
    """

    model: str
    token: str
    stream: bool
    marked: bool = True

    def path(self, turn: Turn, earlier: Sequence[Exchange]) -> str:
        """The path of a turn. Raises CannotContinueError."""
        path = _ANSWER.sub(lambda found: str(_value_of(earlier, int(found[1]), found[2])), turn.path)
        return path.replace(_PREVIOUS, _id_of(earlier)) if _PREVIOUS in path else path

    def body(self, turn: Turn, earlier: Sequence[Exchange]) -> Any:
        """The body of a turn: a JSON value, raw bytes, or None for no body. Raises CannotContinueError."""
        if turn.raw_body is not None:
            return turn.raw_body.replace(MODEL_TOKEN.encode(), self.token.encode())
        is_main = turn.method == "POST" and turn.path == _MAIN_PATH
        if not turn.request and not is_main:
            return None
        body = dict(self._resolved(turn.request, earlier))
        body = {"model": self._model(body.get("model", self.token)), **_without(body, "model")}
        if is_main:
            body.setdefault("stream", self.stream)
        if "input" in body and self.marked:
            body["input"] = _marked(body["input"], f" [{self.token}]")
        return body

    def answers(self, turn: Turn) -> tuple[Answer, ...]:
        """What the upstream says in a turn, with the token where its texts ask for it."""
        return tuple(_addressed(answer, self.token) for answer in turn.answers)

    def _model(self, name: Any) -> Any:
        return self.model.replace("{case}", name) if isinstance(name, str) else name

    def _resolved(self, value: Any, earlier: Sequence[Exchange]) -> Any:
        """A copy of a JSON value with every reference filled in."""
        match value:
            case str():
                return self._string(value, earlier)
            case Mapping():
                return {key: self._resolved(inner, earlier) for key, inner in value.items()}
            case list() | tuple():
                return [one for inner in value for one in self._items(inner, earlier)]
            case _:
                return value

    def _string(self, value: str, earlier: Sequence[Exchange]) -> str:
        if value == _PREVIOUS:
            return _id_of(earlier)
        if call := _CALL_ID.fullmatch(value):
            return _call_id_of(earlier, int(call[1]), int(call[2]))
        if answer := _ANSWER.fullmatch(value):
            return str(_value_of(earlier, int(answer[1]), answer[2]))
        return value.replace(MODEL_TOKEN, self.token)

    def _items(self, item: Any, earlier: Sequence[Exchange]) -> Iterator[Any]:
        if isinstance(item, Mapping) and list(item) == [_OUTPUT]:
            yield from _output_of(earlier, item[_OUTPUT])
        else:
            yield self._resolved(item, earlier)


def _addressed(answer: Answer, token: str) -> Answer:
    if not isinstance(answer, Script):
        return answer
    parts = tuple(
        replace(part, pieces=tuple(piece.replace(MODEL_TOKEN, token) for piece in part.pieces))
        if isinstance(part, Text | Reasoning | ToolCall) and any(MODEL_TOKEN in piece for piece in part.pieces)
        else part
        for part in answer.parts
    )
    return answer if parts == answer.parts else replace(answer, parts=parts)


def _without(body: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != key}


def _id_of(earlier: Sequence[Exchange]) -> str:
    response = (final_response(earlier[-1]) or _begun(earlier[-1])) if earlier else None
    identity = response.get("id") if response else None
    if not isinstance(identity, str) or not identity:
        raise CannotContinueError(f"it needs the id of {_the_response(earlier, len(earlier) - 1)}, which has none")
    return identity


def _begun(exchange: Exchange) -> dict[str, Any] | None:
    """The response as its stream began, where the client left before the end."""
    event = exchange.events[0] if exchange.ended == "client-left" and exchange.events else None
    response = event.get("response") if event is not None else None
    return response if isinstance(response, dict) else None


def _value_of(earlier: Sequence[Exchange], turn: int, path: str) -> Any:
    """A value in a turn's final Response, or in its JSON body where that is none."""
    steps = [int(step) if step.isdecimal() else step for step in path.split(".")]
    value = at(final_response(earlier[turn]) if turn < len(earlier) else None, *steps)
    if not isinstance(value, str | int) or value == "":
        raise CannotContinueError(f"it needs `{path}` of {_the_response(earlier, turn)}, which has none")
    return value


def _output_of(earlier: Sequence[Exchange], turn: int) -> list[Any]:
    """The output items of a turn's response: as its end lists them, else as they were finished one by one."""
    response = final_response(earlier[turn])
    output = response.get("output") if response else None
    if not isinstance(output, list) or not output:
        finished = [event for event in earlier[turn].events if event.type == "response.output_item.done"]
        output = [item for event in finished if isinstance(item := event.get("item"), dict)]
    if not output:
        raise CannotContinueError(f"it needs the output of {_the_response(earlier, turn)}, which has none")
    return output


def _call_id_of(earlier: Sequence[Exchange], turn: int, number: int) -> str:
    calls = [item for item in _output_of(earlier, turn) if isinstance(item, dict) and "call_id" in item]
    if number >= len(calls) or not isinstance(calls[number]["call_id"], str):
        raise CannotContinueError(f"it needs call {number + 1} of {_the_response(earlier, turn)}, which has none")
    return str(calls[number]["call_id"])


def _the_response(earlier: Sequence[Exchange], turn: int) -> str:
    if not 0 <= turn < len(earlier):
        return "a response that no earlier turn asked for"
    exchange = earlier[turn]
    ended = "" if exchange.ended == "complete" else f", ended by {exchange.ended}"
    return f"the response to turn {turn + 1} (status {exchange.status}{ended})"


def _marked(value: Any, mark: str) -> Any:
    """The input with a mark after the first user text that is not empty."""
    if isinstance(value, str):
        return value + mark if value else value
    if not isinstance(value, list):
        return value
    items = list(value)
    for index, item in enumerate(items):
        marked = _marked_message(item, mark)
        if marked is not None:
            items[index] = marked
            break
    return items


def _marked_message(item: Any, mark: str) -> dict[str, Any] | None:
    """A user message with a mark after its first text; None when it is none or has no text."""
    if not isinstance(item, dict) or item.get("role") != "user":
        return None
    content = item.get("content")
    if isinstance(content, str) and content:
        return {**item, "content": content + mark}
    if not isinstance(content, list):
        return None
    for index, part in enumerate(content):
        text = part.get("text") if isinstance(part, dict) else None
        if isinstance(text, str) and text:
            parts = [*content[:index], {**part, "text": text + mark}, *content[index + 1 :]]
            return {**item, "content": parts}
    return None
