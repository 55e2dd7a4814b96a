"""One upstream reply, understood."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from conformance.errors import HarnessError
from conformance.fold.chat import ChatFold
from conformance.fold.ends import REFUSED, Ending, Transport, transport_of
from conformance.fold.errors import describe_error
from conformance.fold.messages import MessagesFold
from conformance.fold.wire import Body, WireEvent, read_body
from conformance.said import Said
from fakes.reply import Reply
from fakes.script import Dialect

__all__ = ["fold", "fold_reply", "resumed"]

_FOLDS: dict[str, type[ChatFold] | type[MessagesFold]] = {
    "chat_completions": ChatFold,
    "vllm": ChatFold,
    "messages": MessagesFold,
}


def fold(
    dialect: Dialect,
    *,
    status: int | None,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    ended: str | None = "complete",
    asked_stream: bool | None = None,
) -> Said:
    """What an upstream said by these bytes, and how a right target may end.

    `status` is None when no status line was sent. `ended` is a word for how the reply ended, by a recording, a
    fault of the fake or its log (`TRANSPORT_ENDS` has them all). `asked_stream` says whether it was asked for a
    stream: an answer in the other form may be understood, or be a failure. Raises HarnessError for an unknown
    dialect or ending; never for what the upstream sent.
    """
    if dialect not in _FOLDS:
        raise HarnessError(f"no fold for the dialect {dialect!r}; known are {', '.join(_FOLDS)}")
    transport = transport_of(ended)
    if status is None or transport is Transport.NO_ANSWER:
        return Said((), None, REFUSED, status=status or 0, streamed=False)
    read = read_body(headers, body)
    if not 200 <= status < 300:
        return _refusal(status, read, body)
    said = _stream(dialect, transport, read) if read.form == "events" else _json(dialect, transport, read, body)
    other_form = asked_stream is not None and asked_stream != said.streamed
    return replace(said, ends=said.ends | REFUSED, abandoned=False) if other_form else said


def resumed(paused: Said, said: Said) -> Said:
    """An answer that was paused, with what the upstream said when it was sent back: one answer, its usage unknown."""
    return replace(said, items=paused.items + said.items, usage=None)


def fold_reply(dialect: Dialect, reply: Reply) -> Said:
    """What a fake's reply says when it is sent whole, its fault included."""
    ended = reply.fault or "complete"
    return fold(dialect, status=reply.status, headers=reply.headers, body=reply.body, ended=ended)


def _refusal(status: int, read: Body, body: bytes) -> Said:
    value = read.value
    if read.form == "events":
        value = next((_json_or_none(event) for event in read.events), None)
    elif read.form == "neither":
        value = body.decode(errors="replace").strip()
    message, kind = describe_error(status, value)
    return Said((), None, REFUSED, status=status, error=message, error_kind=kind, streamed=False)


def _json_or_none(event: WireEvent) -> Any:
    try:
        return event.json
    except ValueError:
        return None


def _stream(dialect: Dialect, transport: Transport, read: Body) -> Said:
    state = _fed(dialect, read.events)
    said = _said(state, transport, mislabelled=read.mislabelled, streamed=True)
    if read.tail is None or state.marker or state.error is not None:
        return said
    # Readers that go line by line take the event that the end cut off: its ending is legal too.
    lenient = _said(_fed(dialect, (*read.events, read.tail)), transport, mislabelled=read.mislabelled, streamed=True)
    return replace(said, ends=said.ends | lenient.ends)


def _fed(dialect: Dialect, events: Iterable[WireEvent]) -> ChatFold | MessagesFold:
    state = _FOLDS[dialect]()
    for event in events:
        if not state.feed(event):
            break
    state.close()
    return state


def _json(dialect: Dialect, transport: Transport, read: Body, body: bytes) -> Said:
    state = _FOLDS[dialect]()
    if isinstance(read.value, dict):
        state.whole(read.value)
        state.close()
    elif transport is Transport.CLEAN:
        state.error = read.value if read.form == "json" else body.decode(errors="replace").strip()
    return _said(state, transport, mislabelled=read.mislabelled, streamed=False)


def _said(state: ChatFold | MessagesFold, transport: Transport, *, mislabelled: bool, streamed: bool) -> Said:
    items = [item for item in state.items.all if item.says_something]
    ending = Ending(
        transport=transport,
        finish=state.finish,
        marker=state.marker,
        marker_due=state.marker_due,
        error=state.error is not None,
        content=any(item.kind != "reasoning" for item in items),
        said=bool(items),
        doubt="first" if mislabelled else state.doubt,
    )
    message, kind = (None, None) if state.error is None else describe_error(None, state.error)
    return Said(
        items=state.items.said(ending.cut),
        usage=state.usage,
        ends=ending.ends,
        finish=state.finish_reason,
        error=message,
        error_kind=kind,
        model=state.model,
        streamed=streamed,
        tokens=tuple(state.tokens),
        abandoned=ending.abandoned,
    )
