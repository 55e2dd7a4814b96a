"""Right targets in process: a scribe that writes the right transcript of a case from what the upstream said.

    Case + dialect ─▶ what the upstream says (`conformance.fold`) ─▶ Scribe, in a flavour ─▶ Transcript

It shares nothing with any proxy: it knows the answer before it begins. Miniatures are applied to its
transcripts, and every flavour of it must pass the rules of the profiles that allow the flavour.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.cases.case import Case, Turn
from conformance.miniatures.edits import Headers, encode
from conformance.miniatures.flavours import Flavour
from conformance.miniatures.right_logprobs import RightLogprobs
from conformance.miniatures.right_response import response_object
from conformance.miniatures.right_text import custom_input, fragments
from conformance.reading import FAMILIES, Family, FamilyName
from conformance.said import EndState, Said, SaidItem
from conformance.transcript import ClientRequest, Drive, DriveKind, Exchange, Received, Transcript
from fakes.log import UpstreamCall
from fakes.script import Dialect

__all__ = ["ToolNames", "UpstreamCalls", "right_exchange", "right_transcript"]

ToolNames = Mapping[str, tuple[str | None, str]]
"""Which tool of the client stands behind a name upstream: its namespace and its own name."""

UpstreamCalls = Callable[[Mapping[str, Any], Said], tuple[UpstreamCall, ...]]
"""Gives the calls that a right target makes upstream for a client request; the default makes none."""

_ENDS: tuple[EndState, ...] = (
    "completed",
    "incomplete:max_output_tokens",
    "incomplete:content_filter",
    "failed",
    "http-error",
)
_CHOSEN: Mapping[str, EndState] = {
    "pause_turn": "incomplete:max_output_tokens",
    "error": "failed",
    "abort": "failed",
}
_MODEL = "case-model"
_CREATED = 1_764_000_000
_ITEM_TYPES = {"text": "message", "refusal": "message", "reasoning": "reasoning", "call": "function_call"}
_PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}
_PREFIXES["tool_search_call"] = "tsc"
_STEP = 0.01  # seconds between two events


_CALL_TYPES = {"custom": "custom_tool_call", "tool_search": "tool_search_call"}


def _type_of(request: Mapping[str, Any], namespace: str | None, name: str) -> str:
    """The type of the tool that a request declares by that name, in that group; "" when it declares none."""
    for tool in request.get("tools") or ():
        inside = tool.get("tools") or () if tool["type"] == "namespace" and tool["name"] == namespace else ()
        if namespace is None and (tool.get("name") or tool["type"]) == name:
            return str(tool["type"])
        for child in inside:
            if child["name"] == name:
                return str(child["type"])
    return ""


@dataclass
class _Item:
    """One output item on its way: its JSON when finished, and how far it gets."""

    said: SaidItem
    family: Family
    json: dict[str, Any]
    index: int
    cut: bool
    text: str
    open: dict[str, Any] = field(default_factory=dict)

    @property
    def is_call(self) -> bool:
        return self.said.kind == "call"


@dataclass
class Scribe:
    """Writes one answer. `request` is the client's body, `said` what the upstream answered to it."""

    flavour: Flavour
    request: Mapping[str, Any]
    said: Said
    response_id: str
    end: EndState
    names: ToolNames = field(default_factory=dict)
    _numbers: Iterator[int] = field(init=False)
    _likely: RightLogprobs = field(init=False)
    _frames: list[bytes] = field(default_factory=list)
    _items: list[_Item] = field(default_factory=list)
    _done: list[_Item] = field(default_factory=list)
    _over: bool = False

    def __post_init__(self) -> None:
        self._numbers = itertools.count(self.flavour.first_number)
        self._likely = RightLogprobs(self.request, self.said)

    # -- what is written ------------------------------------------------------------------------------

    def stream(self) -> list[bytes]:
        """The whole stream, one entry an event."""
        self._snapshot("response.created")
        self._snapshot("response.in_progress")
        items = [self._item(said, n) for n, said in enumerate(self._said_items())]
        calls = [item for item in items if item.is_call]
        if self.flavour.early:
            for item in items:
                self._open(item)
        for item in items:
            if self.flavour.overlap and item.is_call:
                if item is calls[0]:
                    self._overlapping(calls)
                continue
            if not self.flavour.early:
                self._open(item)
            self._body(item)
            self._close(item)
            self._keep_alive()
        self._finish()
        return self._frames

    def json(self) -> dict[str, Any]:
        """The final response, as a request without `stream` gets it."""
        self.stream()
        return self._response(self._status)

    # -- the response -------------------------------------------------------------------------------

    @property
    def _status(self) -> str:
        return self.end.partition(":")[0]

    def _response(self, status: str, items: Sequence[_Item] | None = None) -> dict[str, Any]:
        final = status not in ("in_progress", "queued")
        shown = self._items if items is None else items
        return response_object(
            self.flavour,
            self.request,
            response_id=self.response_id,
            model=str(self.request.get("model", _MODEL)),
            created_at=_CREATED,
            status=status,
            reason=self.end.partition(":")[2] or None,
            error=self.said.error,
            output=[item.json if final and item in self._done else self._as_far(item) for item in shown],
            usage=self.said.usage if final else None,
        )

    def _as_far(self, item: _Item) -> dict[str, Any]:
        """An item as it stands in a snapshot: whole if done, else as cut or as open."""
        if item in self._done:
            return item.json
        return {**item.json, "status": "incomplete"} if self._over else item.open

    def _snapshot(self, kind: str) -> None:
        self._event(kind, response=self._response("in_progress"))

    def _finish(self) -> None:
        self._over = True
        short = self._status == "failed" and not self.flavour.whole_response
        response = self._response(self._status, [] if short else None)
        if self._status == "failed" and self.flavour.error_event:
            payload = {"type": "server_error", "code": "server_error", "message": self._message, "param": None}
            self._event("error", error=payload)
        if short:
            response = {key: response[key] for key in ("id", "object", "status", "error")}
        self._event(f"response.{self._status}", response=response)
        if self.flavour.done_marker:
            self._frames.append(b"data: [DONE]\n\n")

    @property
    def _message(self) -> str:
        return self.said.error or "The upstream failed."

    # -- items ---------------------------------------------------------------------------------------

    def _said_items(self) -> list[SaidItem]:
        items = self.said.items
        return [item for item in items if item.text or item.kind == "call" or item.signature or item.redacted]

    def _item(self, said: SaidItem, position: int) -> _Item:
        kind = _ITEM_TYPES[said.kind]
        if said.kind == "call":
            kind = _CALL_TYPES.get(_type_of(self.request, *self._own_name(said)), kind)
        family = FAMILIES[self._family(kind, said)]
        last = position == len(self._said_items()) - 1
        cut = last and self._status != "completed" and not (said.kind == "call" and said.complete)
        text = said.text
        if kind == "custom_tool_call":
            text = custom_input(text)
        elif kind == "function_call" and not text and not cut:
            text = "{}"
        index = position * 2 if self.flavour.gaps else position
        item = _Item(said, family, {}, index, cut, text)
        status = "incomplete" if cut else "completed"
        item.json = self._item_json(item, kind, self._id(kind, position), position, text, status)
        item.open = self._item_json(item, kind, self._id(kind, position), position, "", "in_progress")
        return item

    def _own_name(self, said: SaidItem) -> tuple[str | None, str]:
        return self.names.get(said.name, (None, said.name))

    def _family(self, kind: str, said: SaidItem) -> FamilyName:
        if kind == "message":
            return "refusal" if said.kind == "refusal" else "text"
        if kind == "reasoning":
            return "summary" if self.flavour.reasoning == "summary" else "raw"
        return "input" if kind == "custom_tool_call" else "arguments"

    def _id(self, kind: str, position: int) -> str:
        if self.flavour.id_form == "plain":
            return f"{position:02d}{self.response_id[-4:]}aa0d-4e5f"
        return f"{_PREFIXES[kind]}_{self.response_id[-6:]}{position:04d}"

    def _item_json(self, item: _Item, kind: str, item_id: str, position: int, text: str, status: str) -> dict[str, Any]:
        said, family = item.said, item.family
        if kind == "message":
            shown = said if status != "in_progress" else None
            content = [
                self._part(family, one, shown, start)
                for one, start in self._likely.starts(said, self._texts(said, family, text))
            ]
            return {"type": kind, "id": item_id, "status": status, "role": "assistant", "content": content}
        if kind == "reasoning":
            value: dict[str, Any] = {"type": kind, "id": item_id, "summary": []}
            if text:
                value[family.array] = [self._part(family, one, None) for one in self._texts(said, family, text)]
            secret = said.signature or said.redacted
            if secret and status != "in_progress":
                value["encrypted_content"] = f"sealed:{position}:{len(secret)}"
            return value | ({"status": status} if self.flavour.call_fields else {})
        taken = [call.call_id for call in self.said.calls].count(said.call_id) > 1
        minted = self.flavour.call_ids == "own" or taken or not 0 < len(said.call_id) <= 64
        call_id = f"call_{self.response_id[-6:]}{position:04d}" if minted else said.call_id
        if kind == "tool_search_call":
            arguments = json.loads(text or "{}")
            return {"type": kind, "id": item_id, "call_id": call_id, "status": status, "execution": "client",
                    "arguments": arguments}  # fmt: skip
        namespace, name = self._own_name(said)
        call = {"type": kind, "call_id": call_id, "name": name, family.field: text}
        call |= {"namespace": namespace} if namespace else {}
        return call | ({"id": item_id, "status": status} if self.flavour.call_fields else {})

    def _texts(self, said: SaidItem, family: Family, text: str) -> list[str]:
        """The texts of an item's parts: one, or two halves where a flavour splits what has no citations."""
        if not text:
            return []
        splits = self.flavour.split_parts and family.name in ("text", "summary") and not said.annotations
        half = len(text) // 2
        return [text[:half], text[half:]] if splits and half else [text]

    def _part(self, family: Family, text: str, said: SaidItem | None, start: int = 0) -> dict[str, Any]:
        part: dict[str, Any] = {"type": family.part_type, family.field: text}
        if family.name == "text":
            part["annotations"] = [dict(note) for note in _annotations(said)]
            part["logprobs"] = self._likely.of(text, start)
        return part

    # -- events --------------------------------------------------------------------------------------

    def _overlapping(self, calls: Sequence[_Item]) -> None:
        for item in calls:
            self._open(item)
        for item in calls:
            self._body(item)
        for item in reversed(calls):
            self._close(item)

    def _open(self, item: _Item) -> None:
        self._items.append(item)
        shown = item.open
        if item.is_call and not self.flavour.call_deltas:
            shown = {**item.open, item.family.field: item.text}
        self._event("response.output_item.added", output_index=item.index, item=shown)

    def _body(self, item: _Item) -> None:
        family, text = item.family, item.text
        if not text or (item.is_call and not self.flavour.call_deltas) or item.json["type"] == "tool_search_call":
            return
        texts = self._texts(item.said, family, text) if family.array else [text]
        for number, (one, start) in enumerate(self._likely.starts(item.said, texts)):
            self._content(item, number, one, start, cut=item.cut and number == len(texts) - 1)

    def _content(self, item: _Item, number: int, text: str, start: int, *, cut: bool) -> None:
        """One part of an item, which begins at `start` in the answer's text, or all of a call's arguments."""
        family = item.family
        parts = bool(family.array) and (family.name != "raw" or self.flavour.parts)
        part = "response.reasoning_summary_part" if family.name == "summary" else "response.content_part"
        at = self._at(item) | ({family.index: number} if family.array else {})
        if parts:
            self._event(f"{part}.added", **at, part=self._part(family, "", None))
        at_piece = start
        for piece in fragments(text, item.said.pieces, self.flavour.merge):
            padding = {"obfuscation": "x" * (16 - len(piece) % 16)} if self.flavour.obfuscation else {}
            likely = self._logprobs(family, piece, at_piece)
            self._event(self._name(family.deltas), **at, delta=piece, **likely, **padding)
            at_piece += len(piece)
        if cut and (self._status == "failed" or item.is_call):
            return
        for place, note in enumerate(_annotations(item.said)):
            self._event("response.output_text.annotation.added", **at, annotation_index=place, annotation=dict(note))
        done = {family.field: text} | ({"name": item.json["name"]} if family.name == "arguments" else {})
        self._event(self._name(family.dones), **at, **done, **self._logprobs(family, text, start))
        if parts:
            self._event(f"{part}.done", **at, part=self._part(family, text, item.said, start))

    def _close(self, item: _Item) -> None:
        if item.cut and (self._status == "failed" or item.is_call):
            return
        self._event("response.output_item.done", output_index=item.index, item=item.json)
        self._done.append(item)

    def _at(self, item: _Item) -> dict[str, Any]:
        return {"item_id": item.json.get("id", f"item_{item.index}"), "output_index": item.index}

    def _name(self, names: tuple[str, ...]) -> str:
        return names[-1] if self.flavour.reasoning == "raw-open-responses" else names[0]

    def _logprobs(self, family: Family, text: str, start: int) -> dict[str, Any]:
        return {"logprobs": self._likely.of(text, start)} if family.name == "text" else {}

    def _keep_alive(self) -> None:
        for kind in self.flavour.keep_alives:
            if kind == "comment":
                self._frames.append(b": keep-alive\n\n")
            elif kind == "keepalive":
                self._event("keepalive")
            elif kind == "slug":
                self._event("acme:alive", note={"at": len(self._frames)})
            else:
                self._snapshot("response.in_progress")

    def _event(self, kind: str, **fields: Any) -> None:
        data = {"type": kind, "sequence_number": next(self._numbers), **fields}
        if self.flavour.reversed_keys:
            data = _reversed(data)
        self._frames.append(encode(data, event=self.flavour.named))


def _reversed(value: Any) -> Any:
    """A JSON value with the keys of each object in reverse order."""
    if isinstance(value, dict):
        return {key: _reversed(one) for key, one in reversed(value.items())}
    return [_reversed(one) for one in value] if isinstance(value, list) else value


def _annotations(said: SaidItem | None) -> Iterator[Mapping[str, Any]]:
    for note in said.annotations if said else ():
        yield {
            "type": "url_citation",
            "url": note.url,
            "title": note.title,
            "start_index": note.start or 0,
            "end_index": note.end or 0,
        }


def _end(said: Said) -> EndState:
    chosen = _CHOSEN.get(said.finish or "")
    if chosen in said.ends:
        return chosen
    return next((end for end in _ENDS if end in said.ends), "failed")


def _refused(request: ClientRequest, said: Said) -> Exchange:
    body = {"error": {"message": said.error or "refused", "type": "api_error", "param": None, "code": None}}
    status = said.status if said.status >= 400 else 502
    headers = (("content-type", "application/json"), ("retry-after", "1"))
    return Exchange(request, status, headers, (Received(_STEP, json.dumps(body).encode()),), ended_at=_STEP)


def _streamed(scribe: Scribe) -> tuple[Headers, tuple[Received, ...]]:
    headers = (
        ("content-type", "text/event-stream; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("x-accel-buffering", "no"),
    )
    return headers, tuple(Received(_STEP * n, frame) for n, frame in enumerate(scribe.stream(), 1))


def _whole(scribe: Scribe) -> tuple[Headers, tuple[Received, ...]]:
    body = json.dumps(scribe.json(), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return (("content-type", "application/json"),), (Received(_STEP, body),)


def right_exchange(
    flavour: Flavour,
    request: ClientRequest,
    said: Said,
    *,
    response_id: str = "resp_00000000000000000001",
    upstream: tuple[UpstreamCall, ...] = (),
    names: ToolNames | None = None,
) -> Exchange:
    """The right answer to one request, streamed or whole as the request's body says.

    `names` says which tools stand behind names upstream that the target had made.
    """
    end = _end(said)
    if end == "http-error":
        exchange = _refused(request, said)
    else:
        scribe = Scribe(flavour, request.body, said, response_id, end, names or {})
        headers, received = _streamed(scribe) if request.body.get("stream") is True else _whole(scribe)
        exchange = Exchange(request, 200, headers, received, ended_at=received[-1].t + _STEP)
    exchange.said, exchange.upstream = said, upstream
    return exchange


def right_transcript(
    case: Case,
    dialect: Dialect,
    flavour: Flavour,
    saids: Sequence[Said],
    *,
    kinds: Sequence[DriveKind] = ("stream", "json"),
    upstream: UpstreamCalls | None = None,
) -> Transcript:
    """The right transcript of a case: one exchange a turn and drive; `saids` are what the upstream says, by turn."""
    drives = [
        Drive(kind, [_exchange(flavour, turn, said, kind, n, upstream) for n, (turn, said) in enumerate(turns)])
        for kind in kinds
        for turns in [list(zip(case.turns, saids, strict=True))]
    ]
    facts = {"tags": case.tags, "refusal_statuses": case.refusal_statuses}
    return Transcript(case.id, dialect, drives, case.summary, case.source, case.features, facts)


def _exchange(
    flavour: Flavour, turn: Turn, said: Said, kind: DriveKind, number: int, upstream: UpstreamCalls | None
) -> Exchange:
    body = {**turn.request, "model": _MODEL, "stream": kind != "json"}
    request = ClientRequest(turn.method, turn.path, tuple(turn.headers.items()), body)
    calls = upstream(body, said) if upstream else ()
    return right_exchange(flavour, request, said, response_id=f"resp_{number:020d}", upstream=calls)
