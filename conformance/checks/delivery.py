"""Rules of delivery: nothing is held back, chunk boundaries mean nothing, answers end, and do not mix."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from conformance.crossings import Judged, Visit, quote, visits
from conformance.normal_form import drive_difference, is_keep_alive
from conformance.pieces import at, text_of
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, SHOULD, rule
from conformance.transcript import CLOSES_WITHIN, Drive, DriveKind, Exchange, Transcript

__all__: list[str] = []

# Apart from letters on both sides: opaque blobs hold anything.
# What must not stand before it is asked for after its first letters, which are quickly found.
_TOKEN = re.compile(r"cfx(?<![A-Za-z0-9+=_-]cfx)[a-z2-7]{10}(?![A-Za-z0-9+/=_-])")


def _gated(transcript: Transcript) -> Iterator[Visit]:
    """The streams whose upstream waited for the client, chunk by chunk, and that went to their end.

    Not those of a target that passes no reasoning on: the upstream then waits for what never comes.
    """
    for visit in visits(transcript, "gated"):
        exchange = visit.exchange
        if exchange.is_stream and exchange.ended == "complete" and exchange.answered_calls and _tells_all(exchange):
            yield visit


def _tells_all(exchange: Exchange) -> bool:
    thinks = exchange.said is not None and bool(exchange.said.joined("reasoning"))
    return not thinks or any("reasoning" in event.type and event.type.endswith(".delta") for event in exchange.events)


def _last_content_sent(exchange: Exchange) -> float | None:
    """When the last bytes of the upstream's answer left."""
    times = [sent.t for call in exchange.answered_calls for sent in call.sent]
    return max(times) if len(times) > 1 else None


@rule(
    "stream.not-held-back",
    level=INTEGRITY,
    source="NVIDIA/OpenShell#260; maximhq/bifrost#4542; dstackai/dstack#4269; confidential-dot-ai/c8s#140",
    why="The user watches nothing for a minute, and time-outs on the way end what works.",
    evidence="both",
)
def not_held_back(transcript: Transcript) -> Judged:
    """Content reaches the client before the upstream has sent the end of its answer."""
    for visit in _gated(transcript):
        last = _last_content_sent(visit.exchange)
        first = next((event for event in visit.exchange.events if event.type.endswith(".delta")), None)
        if last is None or first is None:
            continue
        if first.t < last:
            yield visit.seen(event=first.index)
        else:
            yield visit.broken(
                f"a delta before the upstream's last chunk, which left at {last:.3f} s",
                f"the first one came at {first.t:.3f} s",
                event=first.index,
            )


@rule(
    "stream.each-delta-at-once",
    level=RECOMMENDED,
    source="BerriAI/litellm#38689; dstackai/dstack#4269; nicedreamzapp/claude-code-local#39",
    why="Text comes in jerks: a delta waits for the next one, or for a buffer to fill.",
    evidence="both",
)
def each_delta_at_once(transcript: Transcript) -> Judged:
    """Each fragment of text reaches the client before the upstream sends the next one."""
    for visit in _gated(transcript):
        for number, call in enumerate(visit.exchange.upstream):
            if call.kind != "completion":
                continue
            if late := call.late:
                most = max(lag.frames_late for lag in late)
                yield visit.broken(
                    "every fragment at the client before the next one is sent",
                    f"{len(late)} fragments were late, the first at chunk {late[0].frame}, by up to {most} chunks",
                    call=number,
                )
            elif call.sent:
                yield visit.seen(call=number)


def _same_as_plain(transcript: Transcript, kind: DriveKind, words: str) -> Judged:
    plain = transcript.drive("stream")
    for drive in transcript.drives:
        if plain is None or drive.kind != kind or drive.problem is not None or _died(plain) or _died(drive):
            continue
        found, known = drive_difference(plain, drive), transcript.facts.get("hostile") or {}
        visit = Visit(drive, drive.exchanges[0], 0) if drive.exchanges else None
        if visit is None:
            continue
        if found is None:
            yield visit.seen()
        elif known.get("steady", True):  # a target that differs from itself tells nothing about the delivery
            guilty = list(drive.ingredients) or known.get("guilty") or []
            blame = f"; it is {' or '.join(guilty)} that the target does not stand" if guilty else ""
            yield visit.broken(
                f"the same events {words}; at {found.path}: {quote(found.left)}", f"{quote(found.right)}{blame}"
            )


def _died(drive: Drive) -> bool:
    """Whether the upstream broke off, or failed before its first word: what then arrives depends on when it did.

    A target that leaves once it has heard all, before the last bytes of the end marker, has broken nothing off.
    """
    calls = [call for exchange in drive.exchanges for call in exchange.answered_calls]
    broke = any(call.ended in ("reset", "cut", "stalled") for call in calls)
    said = [exchange.said for exchange in drive.exchanges if exchange.said is not None]
    unheard = any(call.ended == "client-gone" for call in calls) and any("failed" in one.ends for one in said)
    return broke or unheard or any("http-error" in one.ends for one in said)


@rule(
    "delivery.hostile-equals-plain",
    level=MUST,
    source="WHATWG HTML 9.2.6; Supercompress/Supercompress#129; pickle-com/glass#228; zendev-sh/goai#73",
    why="One network in a hundred cuts in the middle of a character or of a line end: there text is damaged or lost.",
    evidence="both",
)
def hostile_equals_plain(transcript: Transcript) -> Judged:
    """The client gets the same whichever way the upstream's stream is cut, with CRLF, comments and pings too."""
    yield from _same_as_plain(transcript, "hostile", "as without the hostile delivery")


@rule(
    "delivery.bytewise-equals-plain",
    level=MUST,
    source="WHATWG HTML 9.2.6; musistudio/claude-code-router#1672; jawah/urllib3.future#349",
    why="A code point over two reads becomes U+FFFD.",
    evidence="both",
)
def bytewise_equals_plain(transcript: Transcript) -> Judged:
    """The client gets the same when the upstream's stream comes one byte at a time."""
    yield from _same_as_plain(transcript, "bytes", "as when whole events arrive")


@rule(
    "delivery.answers",
    level=INTEGRITY,
    source="RFC 9112; Oaklight/llm-rosetta#481; openai/openai-node (no time-out in mid-stream)",
    why="openai-node has no time-out in mid-stream: it hangs for ever.",
)
def answers(transcript: Transcript) -> Judged:
    """Every request is answered with a status, and the answer ends before the deadline."""
    for visit in visits(transcript):
        exchange = visit.exchange
        unfinished = exchange.said is None or "unfinished" in exchange.said.ends
        stalled = unfinished and any(call.ended == "stalled" for call in exchange.upstream)
        if exchange.ended == "client-left" or (stalled and exchange.ended == "deadline") or _waits_as_told(exchange):
            continue
        if exchange.status is not None and exchange.ended not in ("deadline", "no-answer"):
            yield visit.seen()
        else:
            yield visit.broken(
                "a status and an answer that ends", f"{exchange.problem or exchange.ended}, status {exchange.status}"
            )


def _waits_as_told(exchange: Exchange) -> bool:
    """Whether the client gave up within the seconds for which the upstream's last refusal asked to wait."""
    last = next((call for call in reversed(exchange.answered_calls) if call.answer is not None), None)
    if exchange.status is not None or last is None or (last.status or 0) < 400 or last.ended_at is None:
        return False
    told = next((value for name, value in last.sent_headers if name.lower() == "retry-after"), "")
    return told.isdigit() and exchange.ended_at < last.ended_at + int(told)


@rule(
    "delivery.body-ends-cleanly",
    level=INTEGRITY,
    source="RFC 9112 7.1 and 8; Oaklight/llm-rosetta#481",
    why="HTTP clients raise an error after the last event, and the answer that was shown is withdrawn.",
)
def body_ends_cleanly(transcript: Transcript) -> Judged:
    """The body ends as HTTP says it must: with its last chunk or its announced length, even after a failure."""
    for visit in visits(transcript):
        if visit.exchange.status is None or visit.exchange.ended in ("client-left", "deadline", "no-answer"):
            continue
        if visit.exchange.ended == "complete":
            yield visit.seen()
        else:
            yield visit.broken("a complete body", visit.exchange.problem or visit.exchange.ended)


@rule(
    "delivery.closes-after-terminal",
    level=SHOULD,
    source="wippyai/framework#105; openai-python 3.54: iteration ends with the body, not with the terminal event; "
    "openai/codex 0.58 waits for the end of the body",
    why="SDKs read to the end of the body: each turn takes as long as the idle time-out, or raises when it is over.",
)
def closes_after_terminal(transcript: Transcript) -> Judged:
    """The body ends right after the terminal event."""
    for visit in visits(transcript):
        terminal, waited = visit.exchange.terminal, visit.exchange.lingering
        if terminal is None or waited is None:
            continue
        if waited < CLOSES_WITHIN:
            yield visit.seen(event=terminal.index)
        else:
            after = "it had not come when the suite gave up" if math.isinf(waited) else f"it took {waited:.1f} s"
            yield visit.broken(
                f"the end of the body within {CLOSES_WITHIN:g} s of {terminal.type}", after, event=terminal.index
            )


@rule(
    "delivery.response-ids-unique",
    level=MUST,
    source="openai.types.responses.Response.id (unique identifier)",
    why="Two answers under one id overwrite each other in stores, caches and traces.",
)
def response_ids_unique(transcript: Transcript) -> Judged:
    """No two responses have the same id."""
    known: dict[str, Visit] = {}
    for visit in visits(transcript):
        if not visit.asks_for_a_response:
            continue
        created = next((event.get("response", "id") for event in visit.exchange.events), None)
        identity = text_of(created) or text_of(at(visit.exchange.json, "id"))
        if not identity:
            continue
        if identity in known:
            other = known[identity]
            yield visit.broken(
                "an id of its own",
                f"{quote(identity)} was used in the {other.drive.kind} drive, request {other.number + 1}",
            )
        else:
            known[identity] = visit
            yield visit.seen()


@rule(
    "delivery.not-mixed",
    level=INTEGRITY,
    source="CWE-488; BerriAI/litellm (process-global tool call cache)",
    why="One user reads what another one asked.",
    evidence="both",
)
def not_mixed(transcript: Transcript) -> Judged:
    """Nothing of another request stands in an answer or in a request upstream."""
    for visit in visits(transcript):
        own = _tokens(f"{visit.exchange.request.body} {visit.exchange.request.path}".encode())
        if not own:
            continue
        foreign = _tokens(visit.exchange.body) - own
        if foreign:
            yield visit.broken(f"only what belongs to {sorted(own)}", f"the answer holds {sorted(foreign)}")
            continue
        for number, call in enumerate(visit.exchange.upstream):
            mixed = _tokens(call.body) - own
            if mixed:
                yield visit.broken(
                    f"only what belongs to {sorted(own)}", f"the request upstream holds {sorted(mixed)}", call=number
                )
        yield visit.seen()


def _tokens(data: bytes) -> set[str]:
    """The tokens by which the drives tell their requests apart, in a body."""
    return set(_TOKEN.findall(data.decode("utf-8", "replace"))) if b"cfx" in data else set()


@rule(
    "delivery.cancels-when-client-leaves",
    level=MUST,
    source="OpenAI documentation, Background mode (terminate the connection to cancel); BerriAI/litellm#36123; "
    "tombii/better-ccflare#360",
    why="The upstream goes on generating for nobody; Codex reconnects at once, and several run side by side.",
    evidence="both",
)
def cancels_when_client_leaves(transcript: Transcript) -> Judged:
    """When the client of a response that is not stored goes away, the request upstream is closed."""
    for visit in visits(transcript):
        stored = at(visit.exchange.request.body, "store") is not False
        if visit.exchange.ended != "client-left" or stored:
            continue
        for number, call in enumerate(visit.exchange.upstream):
            if call.kind != "completion" or call.ended in ("complete", "refused"):
                continue
            if call.ended == "client-gone":
                yield visit.seen(call=number)
            else:
                yield visit.broken(
                    "the connection to the upstream closed", f"it was still open: {call.ended}", call=number
                )


_OF_THE_UPSTREAM = ("openai-model", "content-encoding", "x-codex-turn-state")


_AT_WILL = frozenset({"endless-line", "target-stopped"})
"""Cases in which a target may, or must, hang up on an upstream that is well."""


@rule(
    "delivery.upstream-heard-out",
    level=INTEGRITY,
    source="NVIDIA/OpenShell#641; pydantic/logfire#1882; octos-org/octos#2170; AtomicBot-ai/Atomic-Chat#190; "
    "openai/codex (stream_idle_timeout_ms, counted from the last event)",
    why="The rest of the answer is lost while the model still writes it: of every long one, where its time is limited.",
    evidence="upstream",
)
def upstream_heard_out(transcript: Transcript) -> Judged:
    """While its client waits, the target reads a sound answer to its end: no limit counts its time as a whole.

    A pause ends it only after as many seconds as the target was told (`[timing] idle`; 3 where it was told none).
    Whether a target that cannot read what came hangs up before the rest is sent is chance where bytes are sent one by
    one: of that tell the rules of endings.
    """
    if _AT_WILL & transcript.facts.get("tags", frozenset()):
        return
    for visit in visits(transcript, "stream", "json"):
        exchange = visit.exchange
        if exchange.said is None or exchange.ended in ("client-left", "deadline") or not exchange.answered_calls:
            continue
        call = exchange.answered_calls[-1]
        number = exchange.upstream.index(call)
        if exchange.said.abandoned and call.ended_at is not None:
            lasted, size = call.ended_at - call.received_at, sum(len(sent.data) for sent in call.sent)
            yield visit.broken(
                "the upstream's answer read to its end",
                f"the target hung up {lasted:.1f} s after its request, {size} bytes into a sound answer",
                call=number,
            )
        elif call.ended == "complete":
            yield visit.seen(call=number)


@rule(
    "delivery.upstream-headers-kept-back",
    level=SHOULD,
    source="openai/codex warns of a rerouted model when `openai-model` differs; RFC 9110 7.6",
    why="Codex tells its user that the model was rerouted for high-risk activity.",
    evidence="both",
)
def upstream_headers_kept_back(transcript: Transcript) -> Judged:
    """Headers that speak of the upstream's own answer are not passed on to the client."""
    for visit in visits(transcript):
        calls = visit.exchange.answered_calls
        if not calls or not visit.exchange.is_stream:
            continue
        passed = [
            name
            for name in _OF_THE_UPSTREAM
            for key, value in calls[-1].sent_headers
            if key.lower() == name and visit.exchange.header(name) == value
        ]
        if passed:
            yield visit.broken("none of the upstream's own headers", f"{passed} were passed on")
        else:
            yield visit.seen()


_CONTENT = ("response.output_", "response.content_", "response.reasoning", "response.function_call")
_SILENCE = 1.0  # seconds without an event in which a comment is a sign of life


@rule(
    "delivery.keep-alive-by-event",
    level=RECOMMENDED,
    source="Menci/Floway#498; openclaw/openclaw#70739; openai/openai-node#1964 (`keepalive`)",
    why="Codex' idle timer counts events: comments do not keep the stream alive.",
)
def keep_alive_by_event(transcript: Transcript) -> Judged:
    """A stream that is kept alive in a silence is kept alive by events, not by comments alone."""
    for visit in visits(transcript):
        plain = [event for event in visit.exchange.events if not event.type.startswith(_CONTENT)]
        started = next((event.index for event in plain if event.type == "response.in_progress"), -1)
        signs = [event for event in plain if is_keep_alive(event, progress_seen=event.index > started >= 0)]
        silence = _commented_silence(visit.exchange)
        if signs:
            yield visit.seen(event=signs[0].index)
        elif silence is not None:
            began, ended = silence
            yield visit.broken("an event in the silence", f"only comments came between {began:.1f} s and {ended:.1f} s")


def _commented_silence(exchange: Exchange) -> tuple[float, float] | None:
    """The first stretch of a stream without events in which a comment came, if it is long enough to matter."""
    times = [event.t for event in exchange.events]
    for comment in exchange.stream.comments if exchange.is_stream else ():
        came = exchange.arrived(comment.end)
        before = max((t for t in times if t < came), default=0.0)
        after = min((t for t in times if t >= came), default=exchange.ended_at)
        if after - before >= _SILENCE:
            return before, after
    return None
