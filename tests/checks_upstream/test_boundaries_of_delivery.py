"""Boundaries: when an answer came, how it ended, and what is left alone because it says nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.said import Said, SaidItem
from conformance.transcript import ClientRequest, Drive, DriveKind, Exchange, Received, StreamEnd, Transcript
from fakes.log import Sent, UpstreamCall
from fakes.script import Dialect

Body = dict[str, Any]
Tells = Callable[[str, Transcript], str]

_ASKED: Body = {"model": "m", "input": [{"type": "message", "role": "user", "content": "Hi."}]}
_MESSAGE: Body = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]}
_ANSWER: Body = {"id": "resp_1", "object": "response", "status": "completed", "output": [_MESSAGE]}
_DELTA: Body = {"type": "response.output_text.delta", "delta": "a"}
_ENDED: Body = {"type": "response.completed", "response": _ANSWER}


def _whole(
    answer: Any = None, asked: Body | None = None, status: int | None = 200, path: str = "/responses", **more: Any
) -> Exchange:
    request = ClientRequest("POST", f"/v1{path}", (), {**_ASKED, **(asked or {})})
    body = json.dumps(_ANSWER if answer is None else answer).encode()
    return Exchange(request, status, (("content-type", "application/json"),), (Received(0.1, body),), **more)


def _streamed(*events: tuple[float, Body], **more: Any) -> Exchange:
    request = ClientRequest("POST", "/v1/responses", (), {**_ASKED, "stream": True})
    received = tuple(Received(t, f"data: {json.dumps(event)}\n\n".encode()) for t, event in events)
    return Exchange(request, 200, (("content-type", "text/event-stream"),), received, **more)


def _call(sent: Body | None = None, *times: float, **more: Any) -> UpstreamCall:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi."}], **(sent or {})}
    written = [Sent(t, b"x") for t in times]
    keys = {"status": 200, "sent": written, **more}
    return UpstreamCall("POST", "/", "", (), json.dumps(body).encode(), body, 0.1, **keys)


def _made(*exchanges: Exchange, dialect: Dialect = "vllm", kind: DriveKind = "json", **facts: Any) -> Transcript:
    return Transcript("a", dialect, [Drive(kind, list(exchanges))], facts=facts)


@pytest.mark.parametrize(
    ("kind", "told"), [("web_search_call", "right"), ("message", "wrong"), ("function_call", "wrong")]
)
def test_only_its_receipt_shows_that_a_hosted_tool_was_run(kind: str, told: str, tells: Tells) -> None:
    """A message beside a forced search, or beside any forced call, is an answer without it."""
    answer = {**_ANSWER, "output": [{**_MESSAGE, "type": kind}]}
    for choice in ("web_search", "web_search_preview"):
        asked = {"tools": [{"type": choice}], "tool_choice": {"type": choice}}
        assert tells("refusal.impossible-choice", _made(_whole(answer, asked))) == told
    nothing_there = _whole(answer, {"tool_choice": "required"})
    assert tells("refusal.impossible-choice", _made(nothing_there)) == "wrong"


def _in_silence(*reads: tuple[float, bytes]) -> Exchange:
    stream = _streamed((0.1, _DELTA), ended_at=9.0)
    return replace(stream, received=(*stream.received, *(Received(t, data) for t, data in reads)))


@pytest.mark.parametrize(
    ("reads", "told"),
    [
        ([(5.0, b": ping\n\n"), (9.0, b'data: {"type": "x"}\n\n')], "wrong"),
        ([(5.0, b": pi"), (8.5, b"ng\n\n"), (9.0, b'data: {"type": "x"}\n\n')], "wrong"),
        ([(0.5, b": ping\n\n"), (0.9, b'data: {"type": "x"}\n\n')], "nothing"),
        ([(5.0, b'data: {"type"'), (5.1, b': "x"}\n\n'), (9.0, b'data: {"type": "x"}\n\n')], "nothing"),
        ([(5.0, b": ping\n\n"), (9.0, b'data: {"type": "ping"}\n\n')], "right"),
    ],
)
def test_only_a_line_that_begins_with_a_colon_is_a_comment(
    reads: list[tuple[float, bytes]], told: str, tells: Tells
) -> None:
    """However the reads fell: a long event that was cut before a colon has none."""
    assert tells("delivery.keep-alive-by-event", _made(_in_silence(*reads))) == told


@pytest.mark.parametrize(
    ("keep_alive", "first", "told"),
    [(1.0, 0.9, "wrong"), (1.0, 1.0, "nothing"), (2.0, 1.5, "wrong"), (None, 30.0, "wrong")],
)
def test_a_failure_after_a_sign_of_life_has_no_status_of_its_own(
    keep_alive: float | None, first: float, told: str, tells: Tells
) -> None:
    """Who keeps clients alive must begin when the time is up; a whole answer never has to."""
    failed: Body = {"type": "response.failed", "response": {**_ANSWER, "status": "failed", "output": []}}
    said = Said((), None, frozenset({"http-error", "failed"}), status=429)
    late = {"status": 429, "ended_at": 3.0}
    timing = {} if keep_alive is None else {"keep_alive": keep_alive}
    stream = _streamed((first, {"type": "response.created"}), (3.1, failed), upstream=(_call(**late),), said=said)
    kind = (("content-type", "application/json"),)
    whole = replace(stream, received=(Received(first, b'{"status": "failed"}'),), headers=kind)
    assert tells("failure.by-http-status", _made(stream, timing=timing)) == told
    assert tells("failure.by-http-status", _made(whole, timing=timing)) == "wrong"
    assert tells("failure.by-http-status", _made(replace(stream, ended_at=3.2), stream, timing=timing)) == "wrong"


@pytest.mark.parametrize(("first", "told"), [(0.5, "right"), (2.0, "wrong"), (2.5, "wrong")])
def test_content_comes_before_the_upstream_s_last_word(first: float, told: str, tells: Tells) -> None:
    """Whether or not it is known what the upstream said."""
    for said in (None, Said((SaidItem("text", "a", 1),), None, frozenset({"completed"}))):
        gated = _streamed((first, _DELTA), upstream=(_call(None, 0.1, 2.0),), said=said)
        assert tells("stream.not-held-back", _made(gated, kind="gated")) == told
    unanswered = _streamed((0.5, _DELTA), upstream=(_call(None, 0.1),))
    assert tells("stream.not-held-back", _made(unanswered, kind="gated")) == "nothing"


@pytest.mark.parametrize(
    ("ended", "after", "told"),
    [
        ("complete", 1.9, "right"),
        ("complete", 2.0, "wrong"),
        ("deadline", 1.0, "wrong"),
        ("client-left", 30.0, "nothing"),
    ],
)
def test_a_body_ends_after_its_terminal_event(ended: StreamEnd, after: float, told: str, tells: Tells) -> None:
    """Within two seconds of the first of them; when the client goes first, nobody knows."""
    stream = _streamed((1.0, _DELTA), (2.0, _ENDED), ended=ended, ended_at=2.0 + after)
    assert tells("delivery.closes-after-terminal", _made(stream)) == told
    twice = _streamed((2.0, _ENDED), (2.0 + after, _ENDED), ended=ended, ended_at=2.0 + after)
    assert tells("delivery.closes-after-terminal", _made(twice)) == told


@pytest.mark.parametrize(
    ("exchange", "told", "status"),
    [
        (_whole({"error": {"message": "Down."}}, status=502), "right", "right"),
        (_whole({"error": {"message": "Down."}}, status=503), "right", "right"),
        (_whole({"error": {"message": "Down."}}, status=504), "right", "right"),
        (_whole({"error": {"message": "Down."}}, status=500), "right", "wrong"),
        (_whole({"error": {"message": "Down."}}, status=505), "right", "wrong"),
        (_whole({"error": {"message": "Down."}}, status=499), "wrong", "wrong"),
        (_whole({**_ANSWER, "status": "failed"}), "right", "wrong"),
        (_whole({**_ANSWER, "status": "incomplete"}), "wrong", "wrong"),
        (_whole(status=None), "wrong", "wrong"),
        (_streamed((0.1, {"type": "response.failed"})), "right", "wrong"),
        (_streamed((0.1, _ENDED)), "wrong", "wrong"),
        (_whole(status=200, path="/models"), "nothing", "nothing"),
    ],
)
def test_an_upstream_that_is_down_is_told(exchange: Exchange, told: str, status: str, tells: Tells) -> None:
    """With any 5xx or as a failed response, after whatever was no request for one; best with one of three."""
    transcript = _made(_whole([], path="/models"), exchange, tags=frozenset({"unreachable"}))
    assert tells("failure.unreachable-told", transcript) == told
    assert tells("failure.unreachable-502", transcript) == status
    assert tells("failure.unreachable-told", _made(exchange)) == "nothing"


@pytest.mark.parametrize(
    ("terminal", "stream", "status", "told", "exits"),
    [
        ("response.failed", "complete", 0, "right", "right"),
        ("response.failed", "complete", -15, "right", "right"),
        ("response.failed", "truncated", 0, "wrong", "right"),
        (None, "complete", 0, "wrong", "right"),
        ("response.completed", "complete", None, "right", "wrong"),
    ],
)
def test_a_target_that_is_to_end_ends_its_streams_and_itself(
    terminal: str | None, stream: str, status: int | None, told: str, exits: str, tells: Tells
) -> None:
    """A terminal event and a whole body, and then the process, with whatever status."""
    facts = {"exit": {"terminal": terminal, "stream": stream, "status": status, "seconds": 10.0}}
    transcript = _made(_streamed((0.1, _DELTA)), **facts)
    assert tells("shutdown.stream-told", transcript) == told
    assert tells("shutdown.exits", transcript) == exits
    assert tells("shutdown.exits", _made(_streamed((0.1, _DELTA)))) == "nothing"
    assert tells("shutdown.exits", Transcript("a", "vllm", [], facts=facts)) == "nothing"


def test_only_a_stream_can_be_kept_alive(tells: Tells) -> None:
    """A target that answers with one JSON body has nothing to write into a silence."""
    silent = (_call(None, 0.0, 5.0),)
    tags = frozenset({"silence"})
    assert tells("delivery.kept-alive", _made(_whole(upstream=silent), kind="stream", tags=tags)) == "nothing"
    late = _streamed((5.1, _DELTA), upstream=silent)
    assert tells("delivery.kept-alive", _made(late, kind="stream", tags=tags)) == "wrong"
    assert tells("delivery.kept-alive", _made(late, kind="stream")) == "nothing"
    assert tells("delivery.kept-alive", _made(late, kind="json", tags=tags)) == "nothing"


def _given_results(texts: list[str], sent: str) -> Transcript:
    output = [{"type": "input_text", "text": text} for text in texts]
    items = [
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": output},
    ]
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": sent}]
    return _made(_whole(None, {"input": items}, upstream=(_call({"messages": messages}),)))


@pytest.mark.parametrize(
    ("texts", "sent", "told"),
    [
        (["Sunny."], "Sunny.", "right"),
        (["Sunny."], '[{"type": "input_text", "text": "Sunny."}]', "wrong"),
        (["Sunny."], 'Sunny. {"type": "image"}', "right"),
        (["Sunny."], 'Sunny. {"text": 1}', "right"),
        (["Sunny.", '{"type": 1}'], '[{"type": "input_text", "text": "Sunny."}]', "right"),
        (["Sunny."], "Rainy.", "nothing"),
        ([" "], " ", "nothing"),
    ],
)
def test_a_result_is_wrapped_when_its_parts_are_written_out(
    texts: list[str], sent: str, told: str, tells: Tells
) -> None:
    """By both keys of a part, where the tool itself had written none of them; lost texts are another rule's."""
    assert tells("upstream.results-unwrapped", _given_results(texts, sent)) == told


def test_a_response_that_the_client_heard_to_its_end_was_not_left(tells: Tells) -> None:
    """Nor one for which nothing was asked upstream."""
    fetched = _whole(_ANSWER)
    fetched.request = ClientRequest("GET", "/v1/responses/resp_1", (), None)

    def judged(ended: StreamEnd, *calls: UpstreamCall) -> str:
        return tells("store.left-is-not-completed", _made(_whole(ended=ended, upstream=calls), fetched))

    assert judged("client-left", _call(ended="client-gone")) == "wrong"
    assert judged("complete", _call(ended="cut")) == "nothing"
    assert judged("client-left") == "nothing"
    assert judged("client-left", _call(kind="probe", ended="client-gone")) == "nothing"


@pytest.mark.parametrize(
    ("asked", "path", "status", "answer", "told"),
    [
        ({}, "/responses", 200, "queued", "right"),
        ({}, "/responses", 200, "in_progress", "right"),
        ({}, "/responses", 200, "completed", "wrong"),
        ({}, "/responses", 400, "completed", "right"),
        ({}, "/responses", None, "completed", "nothing"),
        ({"stream": True}, "/responses", 200, "completed", "nothing"),
        ({"background": False}, "/responses", 200, "completed", "nothing"),
        ({}, "/responses/compact", 200, "completed", "nothing"),
    ],
)
def test_what_runs_in_the_background_comes_back_at_once(
    asked: Body, path: str, status: int | None, answer: str, told: str, tells: Tells
) -> None:
    """Queued or begun, or refused; a stream may wait, and so may what is no request for a response."""
    exchange = _whole({**_ANSWER, "background": True, "status": answer}, {"background": True, **asked}, status, path)
    assert tells("response.background-at-once", _made(exchange)) == told
    if status == 200:
        ignored = _whole({**_ANSWER, "status": "completed"}, {"background": True, **asked}, 200, path)
        assert tells("response.background-at-once", _made(ignored)) == "nothing"


def _calls(mine: list[Body], theirs: list[str]) -> Transcript:
    items = [{"call_id": f"c{n}", "name": "f", **call} for n, call in enumerate(mine)]
    results = [{"type": f"{call['type']}_output", "call_id": call["call_id"], "output": "ok"} for call in items]
    made = [
        {"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": text}}
        for n, text in enumerate(theirs)
    ]
    said = [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in made]
    messages = [{"role": "assistant", "tool_calls": made}, *said]
    return _made(_whole(None, {"input": [*items, *results]}, upstream=(_call({"messages": messages}),)))


@pytest.mark.parametrize(
    ("mine", "theirs", "told"),
    [
        ([("function_call", '{"a":1}')], ['{"a":1}'], "right"),
        ([("function_call", '{"a":1}')], ['{"a": 1}'], "wrong"),
        ([("function_call", "[1]"), ("function_call", '{"a":1}')], ["{}", '{"a": 1}'], "wrong"),
        ([("function_call", "[1]"), ("function_call", '{"a":1}')], ["{}", '{"a":1}'], "right"),
        ([("custom_tool_call", '{"a":1}')], ['{"input": "{\\"a\\":1}"}'], "nothing"),
        ([("custom_tool_call", '{"a":1}'), ("function_call", '{"a":1}')], ["{}", '{"a": 1}'], "wrong"),
        ([("function_call", '{"a":1}')], [], "nothing"),
    ],
)
def test_arguments_that_are_an_object_stay_as_they_are(
    mine: list[tuple[str, str]], theirs: list[str], told: str, tells: Tells
) -> None:
    """Those of each call, whatever stands before it; a custom tool's text has to be put into something."""
    given = [{"type": kind, "arguments" if kind == "function_call" else "input": text} for kind, text in mine]
    assert tells("upstream.arguments-verbatim", _calls(given, theirs)) == told


@pytest.mark.parametrize(
    ("heard", "told"),
    [
        ("Alpha and beta.", "right"),
        ("Alpha and beta. Be brief.", "right"),
        ("The summary.", "right"),
        ("Alpha", "wrong"),
        ("", "wrong"),
    ],
)
def test_a_compacted_conversation_is_told_or_summed_up(heard: str, told: str, tells: Tells) -> None:
    """All that was said in it, but not the system's words, which each request brings itself, nor the thoughts."""
    blob = {"type": "compaction", "id": "cmp_1", "encrypted_content": "b3BhcXVl"}
    told_before = [
        {"type": "message", "role": "system", "content": "Be brief."},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hidden."}]},
        {"type": "message", "role": "user", "content": "Alpha"},
        {"type": "message", "role": "user", "content": "beta"},
    ]
    said = Said((SaidItem("text", " The summary. ", 1),), None, frozenset({"completed"}))
    compacted = _whole(
        {"object": "response.compaction", "output": [blob]},
        {"input": told_before},
        path="/responses/compact",
        said=said,
    )
    sent = {"messages": [{"role": "user", "content": heard}]}
    after = _whole(None, {"input": [blob, _ASKED["input"][0]]}, upstream=(_call(sent),))
    assert tells("compaction.expanded", _made(compacted, after)) == told
    assert tells("compaction.expanded", _made(_whole(), after)) == "nothing"


@pytest.mark.parametrize(
    ("finish", "told"),
    [
        ("eos_token", "right"),
        *((word, "nothing") for word in ("token_limit", "too_length", "MAX_STEPS", "window_full", "filtered")),
        *((word, "nothing") for word in ("engine_error", "aborted", "cancelled", "failure", "no_resource", "paused")),
        ("stop", "nothing"),
    ],
)
def test_a_word_that_nobody_lists_may_speak_of_a_cut(finish: str, told: str, tells: Tells) -> None:
    """An answer with such a word may end as it likes; with any other it is whole."""
    said = Said((SaidItem("text", "a", 1),), None, frozenset({"completed", "failed"}), finish=finish)
    failed = {"type": "response.failed", "response": {**_ANSWER, "status": "failed"}}
    rule = "ending.unknown-reason-completes"
    assert tells(rule, _made(_streamed((0.1, _ENDED), said=said))) == told
    assert tells(rule, _made(_streamed((0.1, failed), said=said))) == ("wrong" if told == "right" else told)
    thought = Said((SaidItem("reasoning", "a", 1),), None, frozenset({"completed", "failed"}), finish=finish)
    assert tells(rule, _made(_streamed((0.1, failed), said=thought))) == "nothing"


@pytest.mark.parametrize("after", [None, "reasoning", "function_call"])
@pytest.mark.parametrize(("status", "told"), [("incomplete", "right"), ("completed", "wrong")])
def test_the_message_that_was_cut_is_looked_at(after: str | None, status: str, told: str, tells: Tells) -> None:
    """Not what the target puts after it."""
    items = [{**_MESSAGE, "id": "item_0", "status": status}]
    items += [{"type": after, "id": "item_1", "status": "completed"}] if after else []
    done = [
        (0.1, {"type": "response.output_item.done", "output_index": n, "item": item}) for n, item in enumerate(items)
    ]
    response = {**_ANSWER, "status": "incomplete", "output": items}
    said = Said((SaidItem("text", "Hel", 1, complete=False),), None, frozenset({"incomplete:max_output_tokens"}))
    stream = _streamed(*done, (0.2, {"type": "response.incomplete", "response": response}), said=said)
    assert tells("ending.cut-message-is-incomplete", _made(stream)) == told


@pytest.mark.parametrize(
    ("sent", "streamed", "status", "told"),
    [
        ({"stream": True}, False, 200, "right"),
        ({"stream": True}, False, 502, "wrong"),
        ({"stream": True}, False, None, "wrong"),
        ({"stream": True}, True, 502, "nothing"),
        (None, True, 502, "nothing"),
    ],
)
def test_an_answer_in_the_other_form_is_looked_for_in_each_exchange(
    sent: Body | None, streamed: bool, status: int | None, told: str, tells: Tells
) -> None:
    """After those without one, which do not end the search; a body that is no object asked for nothing."""
    said = Said((SaidItem("text", "a", 1),), None, frozenset({"completed"}), streamed=streamed)
    call = _call(sent)
    if sent is None:
        call.json = None
    exchange = _whole(status=status, upstream=(call,), said=said)
    silent = _whole(upstream=(_call(sent),), said=Said((), None, frozenset({"completed"})))
    assert tells("answer.other-form-understood", _made(_whole(), silent, exchange)) == told


@pytest.mark.parametrize(
    ("abandoned", "ended", "upstream", "told"),
    [
        (True, "complete", "client-gone", "wrong"),
        (True, "truncated", "client-gone", "wrong"),
        (True, "client-left", "client-gone", "nothing"),
        (True, "deadline", "client-gone", "nothing"),
        (False, "complete", "complete", "right"),
        (False, "complete", "client-gone", "nothing"),
    ],
)
@pytest.mark.parametrize("tag", ["", "endless-line", "target-stopped"])
def test_a_sound_answer_is_read_to_its_end(
    abandoned: bool, ended: StreamEnd, upstream: str, told: str, tag: str, tells: Tells
) -> None:
    """Unless the client has left, or the target was stopped, or the line has no end."""
    said = Said((), None, frozenset({"failed"}), abandoned=abandoned)
    call = _call(None, 0.2, 0.4, ended=upstream, ended_at=2.0)
    exchange = _whole(said=said, ended=ended, upstream=(call,))
    made = _made(exchange, tags=frozenset({tag} - {""}))
    assert tells("delivery.upstream-heard-out", made) == ("nothing" if tag else told)
