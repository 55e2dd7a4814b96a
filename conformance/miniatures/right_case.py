"""Right transcripts with both sides: any case, as a right target would have gone through it.

    Case ─▶ request (`conformance.request_form`) ─▶ right request upstream ─▶ the dialect's reply ─▶ Said
                                                                                                 ─▶ right answer

Every reply is encoded by the real dialect, and every request upstream is judged by its real validation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from conformance.cases.case import Case, Turn
from conformance.fold import fold_reply
from conformance.miniatures.flavours import FLAVOURS, Flavour
from conformance.miniatures.right import ToolNames, right_exchange
from conformance.miniatures.right_answers import answer_elsewhere, refusal, right_failure, with_error_code
from conformance.miniatures.right_conversation import items_of, tools_of
from conformance.miniatures.right_limits import fault, permitted
from conformance.miniatures.right_state import (
    compacted,
    compaction_object,
    counted,
    state_fault,
)
from conformance.miniatures.right_state import response_id as response_id_of
from conformance.miniatures.right_upstream import UPSTREAM_FLAVOURS, Memory, UpstreamFlavour, right_request
from conformance.request_form import Filler
from conformance.said import Said
from conformance.transcript import ClientRequest, Drive, DriveKind, Exchange, Transcript
from fakes.answering import reply_to
from fakes.dialects import get
from fakes.log import Sent, UpstreamCall
from fakes.reply import Reply
from fakes.script import Dialect

__all__ = ["RIGHT_TARGETS", "RightTarget", "own_names", "right_answer", "right_case"]

_ENDS = {
    "cut": "cut",
    "cut-at-once": "cut",
    "reset": "reset",
    "reset-before-status": "refused",
    "stall": "stalled",
    None: "complete",
}
_KEY = "sk-right-0123456789abcdef"


@dataclass(frozen=True)
class RightTarget:
    """One right target: how it writes to its client, and how to its upstream."""

    stream: Flavour
    upstream: UpstreamFlavour


RIGHT_TARGETS: Mapping[str, RightTarget] = MappingProxyType(
    {
        "plain": RightTarget(FLAVOURS["plain"], UPSTREAM_FLAVOURS["hoisted"]),
        "patient": RightTarget(FLAVOURS["patient"], UPSTREAM_FLAVOURS["in-place"]),
    }
)


def right_case(case: Case, dialect: Dialect, target: RightTarget) -> Transcript:
    """The transcript of a case through a right target, all drives of the case included."""
    drives = [_Run(case, dialect, target, kind, number).drive() for number, kind in enumerate(sorted(case.drives))]
    facts = {
        "tags": case.tags,
        "refusal_statuses": case.refusal_statuses,
        "may_refuse": case.may_refuse,
        "expected_calls": [dict(expected) for expected in case.expected_calls],
    }
    if any(turn.first_waits for turn in case.turns):
        facts["held"] = dict.fromkeys(sorted(case.drives), "met")
    if case.ends_target:
        facts["exit"] = {"status": 0, "seconds": 0.1, "stream": "complete", "terminal": "response.failed"}
    return Transcript(case.id, dialect, drives, case.summary, case.source, case.features, facts)


@dataclass
class _Run:
    """One drive while it is written."""

    case: Case
    dialect: Dialect
    target: RightTarget
    kind: DriveKind
    number: int
    memory: Memory = field(default_factory=Memory)
    exchanges: list[Exchange] = field(default_factory=list)

    def drive(self) -> Drive:
        token = f"cfx{'abcdefghij'[self.number] * 10}"
        filler = Filler("{case}", token, self.kind != "json")
        for position, turn in enumerate(self.case.turns):
            path, body = filler.path(turn, self.exchanges), filler.body(turn, self.exchanges)
            body = _with_call_ids(body, self.exchanges)
            headers = (("authorization", "Bearer sk-client-0123456789"), *turn.headers.items())
            headers += (("content-encoding", "gzip"),) if turn.packed else ()
            last = position == len(self.case.turns) - 1
            for _ in range(turn.copies):
                self.exchanges.append(self._answer(turn, ClientRequest(turn.method, path, headers, body), last))
        return Drive(self.kind, self.exchanges)

    def _answer(self, turn: Turn, request: ClientRequest, last: bool) -> Exchange:
        must_refuse = last and self.case.refusal_statuses and not self.case.may_refuse
        if must_refuse and request.method == "POST":
            return refusal(request, min(self.case.refusal_statuses))
        elsewhere = answer_elsewhere(request, self.exchanges)
        if elsewhere is not None:
            return elsewhere
        if request.path.endswith("/input_tokens"):
            sent = right_request(request.body, self.dialect, self.target.upstream, self.memory)
            return counted(request, self.dialect, sent)
        impossible = state_fault(request, self.exchanges)
        if impossible is not None:
            return impossible
        wrong = fault(request.body, self.dialect)
        return refusal(request, 400, *wrong) if wrong else self._asked_upstream(turn, request)

    def _asked_upstream(self, turn: Turn, request: ClientRequest) -> Exchange:
        body = right_request(request.body, self.dialect, self.target.upstream, self.memory)
        reply = reply_to(turn.answers[0], body, get(self.dialect))
        said = fold_reply(self.dialect, reply)
        call = _call(self.dialect, body, reply)
        response_id = response_id_of(self.number, len(self.exchanges))
        names = own_names(request.body, self.memory)
        exchange = right_answer(self.target.stream, request, said, (call,), response_id, names)
        if not 200 <= (exchange.status or 0) < 300:
            return exchange
        if turn.leave_after is not None:
            return _left(exchange, turn.leave_after)
        self._remember(request, exchange, said, response_id)
        exchange.upstream = (_stretched(call, exchange.ended_at),)
        if exchange.asks_for_compaction:
            seal = compaction_object if request.path.endswith("/compact") else compacted
            return seal(exchange, self.memory)
        return exchange

    def _remember(self, request: ClientRequest, exchange: Exchange, said: Said, response_id: str) -> None:
        output = _output(exchange)
        thoughts = [item for item in said.items if item.kind == "reasoning"]
        for item, thought in zip((i for i in output if i["type"] == "reasoning"), thoughts, strict=False):
            self.memory.thoughts[item["id"]] = thought
        calls = [item for item in output if "call_id" in item]
        kept = permitted(request.body, said.calls, own_names(request.body, self.memory))
        ids = [call.call_id for call in said.calls]
        for item, call in zip(calls, kept, strict=False):
            if ids.count(call.call_id) == 1:
                self.memory.call_ids[item["call_id"]] = call.call_id
        given = request.body.get("input")
        own = [{"role": "user", "content": given}] if isinstance(given, str) else list(given or ())
        before = self.memory.contexts.get(request.body.get("previous_response_id") or "", [])
        self.memory.contexts[response_id] = [*before, *own, *output]
        self.memory.known |= {item["id"]: item for item in output}


def _output(exchange: Exchange) -> list[dict[str, Any]]:
    if not exchange.is_stream:
        return list(exchange.json.get("output") or ())
    last = next(event for event in reversed(exchange.events) if event.get("response") is not None)
    return list(last.get("response", "output") or ())


def _with_call_ids(value: Any, earlier: Sequence[Exchange]) -> Any:
    """A body in which `{call_id:turn:call}` is the call id that the target gave to that call."""
    if isinstance(value, dict):
        return {key: _with_call_ids(inner, earlier) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_call_ids(inner, earlier) for inner in value]
    if isinstance(value, str) and value.startswith("{call_id:"):
        turn, number = map(int, value.strip("{}").split(":")[1:])
        return [item["call_id"] for item in _output(earlier[turn]) if "call_id" in item][number]
    return value


def right_answer(
    flavour: Flavour,
    request: ClientRequest,
    said: Said,
    upstream: tuple[UpstreamCall, ...],
    response_id: str,
    names: ToolNames | None = None,
) -> Exchange:
    """The right answer to a request whose upstream said this, failures before the first word among them."""
    if said.ends == {"http-error", "failed"} or (said.status >= 400 and not said.items):
        return right_failure(request, said, upstream)
    # Of the endings that are open, a refusal without text ends filtered here: else it would have to be told.
    filtered = said.finish == "refusal" and not said.items
    shown = replace(said, ends=frozenset({"incomplete:content_filter"})) if filtered else said
    shown = replace(shown, items=permitted(request.body, shown.items, names or {}))
    exchange = right_exchange(flavour, request, shown, response_id=response_id, upstream=upstream, names=names)
    return with_error_code(replace(exchange, said=said), said)


def own_names(body: Mapping[str, Any], memory: Memory | None = None) -> ToolNames:
    """The client's tools behind the names that a right target gives them upstream."""
    _, names = tools_of(body, items_of(body, memory or Memory()), narrow=False)
    return {flat: own for own, flat in names.items()}


def _call(dialect: Dialect, body: Mapping[str, Any], reply: Reply) -> UpstreamCall:
    secret = ("x-api-key", _KEY) if dialect == "messages" else ("authorization", f"Bearer {_KEY}")
    version = (("anthropic-version", "2023-06-01"),) if dialect == "messages" else ()
    headers = (("content-type", "application/json"), secret, *version)
    no_status = reply.fault == "reset-before-status"
    ended: Any = _ENDS[reply.fault]
    return UpstreamCall(
        method="POST",
        path=get(dialect).completion_path,
        query="",
        headers=headers,
        body=json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        json=body,
        received_at=0.001,
        answer=0,
        objections=get(dialect).objections(dict(headers), body),
        status=None if no_status else reply.status,
        sent_headers=reply.headers,
        sent=[Sent(0.002, frame.data) for frame in reply.frames],
        ended=ended,
        ended_at=0.003,
    )


def _stretched(call: UpstreamCall, end: float) -> UpstreamCall:
    """The call with its writes spread over the time that the client's stream took."""
    step = end / (len(call.sent) + 1)
    sent = [Sent(0.002 + step * n, write.data) for n, write in enumerate(call.sent)]
    return replace(call, sent=sent, ended_at=end)


def _left(exchange: Exchange, events: int) -> Exchange:
    """The exchange of a client that went away after so many events."""
    kept = exchange.received[:events]
    upstream = tuple(replace(call, ended="client-gone") for call in exchange.upstream)
    at = kept[-1].t if kept else 0.0
    left = replace(exchange, received=kept, ended="client-left", ended_at=at, upstream=upstream)
    return left if events else replace(left, status=None, headers=())
