"""Rules of refusals: what the client asks wrongly is refused by the target, clearly, and is its client's fault."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.crossings import Judged, Visit, quote, visits
from conformance.pieces import at, text_of
from conformance.rules import MUST, RECOMMENDED, rule
from conformance.transcript import Transcript
from fakes.errors import COMPLAINTS
from fakes.log import UpstreamCall

__all__: list[str] = []


def _to_refuse(transcript: Transcript) -> Iterator[Visit]:
    """The last request of the case, in each drive that came to it, where it may or must be refused."""
    if not transcript.facts.get("refusal_statuses"):
        return
    for visit in visits(transcript):
        made = len(visit.drive.exchanges)
        if visit.number == made - 1 and made >= transcript.facts.get("turns", 1):
            yield visit


def _was_let_through(visit: Visit) -> bool:
    """Whether the request went on to the fake, and the fake complained of it with a 500 of its own."""
    body = visit.exchange.body.decode("utf-8", "replace")
    return bool(_surplus(visit)) or any(words in body for words in COMPLAINTS)


def _surplus(visit: Visit) -> list[UpstreamCall]:
    return [call for call in visit.exchange.upstream if call.status == 500 and call.problem]


def _went_upstream_as_right(visit: Visit) -> bool:
    """Whether what the target made of the request is nothing that the real service would refuse in its stead."""
    return any(not call.objections for call in _surplus(visit))


@rule(
    "refusal.status",
    level=MUST,
    source="Open Responses 2026-04-24, Errors; openai.BadRequestError; askalf/dario#1231",
    why="A wrong request that is answered hides the client's mistake; as 5xx it is repeated.",
)
def status(transcript: Transcript) -> Judged:
    """A request that is wrong is refused with one of the statuses that say so."""
    statuses = set(transcript.facts.get("refusal_statuses") or ())
    for visit in _to_refuse(transcript):
        got = visit.exchange.status
        optional = bool(transcript.facts.get("may_refuse"))
        answered = optional and got is not None and got < 300
        expected = f"status {' or '.join(map(str, sorted(statuses)))}" + (", or an answer" if optional else "")
        if got in statuses or answered:
            yield visit.seen()
        elif _went_upstream_as_right(visit):
            yield visit.broken(expected, "it was sent upstream as if nothing were wrong with it")
        elif not _was_let_through(visit):  # else the service would have refused it, and the fake only said 500
            yield visit.broken(expected, f"status {got}: {quote(visit.exchange.body[:120].decode('utf-8', 'replace'))}")


@rule(
    "refusal.never-5xx",
    level=MUST,
    source="RFC 9110 15.5; gty111/gLLM#267; vllm-project/vllm#16774",
    why="A mistake of the client's that looks like the server's is repeated by every SDK, and pages an operator.",
)
def never_5xx(transcript: Transcript) -> Judged:
    """A wrong request is never answered with a status of 5xx."""
    for visit in _to_refuse(transcript):
        got = visit.exchange.status
        if _was_let_through(visit):
            continue  # the 5xx is that of the fake, which no such request was to reach
        if (got is not None and got < 500) or got == 501:
            yield visit.seen()
        else:
            yield visit.broken("a status of 4xx", f"status {got}" if got else f"no answer ({visit.exchange.problem})")


@rule(
    "refusal.before-upstream",
    level=RECOMMENDED,
    source="askalf/dario#1231; openai/codex repeats 401, 403 and 422 five times",
    why="A mistake that the target could have seen costs an upstream request, and comes back in foreign words.",
    evidence="both",
)
def before_upstream(transcript: Transcript) -> Judged:
    """A request that is refused is refused before the upstream is asked."""
    for visit in _to_refuse(transcript):
        got = visit.exchange.status
        if got is None or got < 400:
            continue
        calls = visit.exchange.answered_calls
        if calls:
            yield visit.broken("no request upstream", f"{len(calls)} reached the upstream, and then came {got}")
        else:
            yield visit.seen()


@rule(
    "refusal.names-param",
    level=RECOMMENDED,
    source="openai-openapi Error.param; openai.APIError.param",
    why="The user has to guess which of forty fields is wrong.",
)
def names_param(transcript: Transcript) -> Judged:
    """The refusal of a well-formed request names the field at fault in `param`."""
    for visit in _to_refuse(transcript):
        got = visit.exchange.status
        if not visit.asks_for_a_response or got not in (400, 422):
            continue
        param = at(visit.exchange.json, "error", "param")
        if isinstance(param, str) and param:
            yield visit.seen()
        else:
            yield visit.broken("the name of a field in `error.param`", quote(param))


def _unknown_previous(transcript: Transcript) -> Iterator[Visit]:
    for visit in visits(transcript):
        previous = at(visit.exchange.request.body, "previous_response_id")
        given = {text_of(at(exchange.json, "id")) for exchange in visit.earlier}
        given |= {text_of(event.get("response", "id")) for exchange in visit.earlier for event in exchange.events}
        if visit.asks_for_a_response and isinstance(previous, str) and previous not in given:
            yield visit


@rule(
    "refusal.unknown-previous-response",
    level=MUST,
    source="Open Responses 2026-04-24, previous_response_id; raullenchai/Rapid-MLX#588; BerriAI/litellm#26147",
    why="The conversation is silently gone, and the model answers as if it had just begun.",
)
def unknown_previous_response(transcript: Transcript) -> Judged:
    """A `previous_response_id` that the target does not know is refused with 400 or 404, never ignored."""
    for visit in _unknown_previous(transcript):
        if visit.exchange.status in (400, 404):
            yield visit.seen()
        elif _was_let_through(visit):
            yield visit.broken("400 or 404", "the request was sent upstream without what it continues")
        else:
            yield visit.broken("400 or 404", f"status {visit.exchange.status}")


@rule(
    "refusal.unknown-previous-response-code",
    level=MUST,
    source="Open Responses 2026-04-24, WebSocket errors: previous_response_not_found",
    why="Clients with that code start anew with the whole history; with another they give up.",
    features=("store",),
)
def unknown_previous_response_code(transcript: Transcript) -> Judged:
    """The refusal of an unknown `previous_response_id` has the code `previous_response_not_found`."""
    for visit in _unknown_previous(transcript):
        if visit.exchange.status is None or visit.exchange.status < 400:
            continue
        code = at(visit.exchange.json, "error", "code")
        if code == "previous_response_not_found":
            yield visit.seen()
        else:
            yield visit.broken("the code 'previous_response_not_found'", f"code {quote(code)}")
