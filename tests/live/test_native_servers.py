"""What is known of vLLM's and llama.cpp's own `/v1/responses` is found, and nothing else is held against them.

Both are replayed from recordings, so that settings, ids and stored responses are those of the recorded request: what
comes of that is `REPLAYED`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fakes.recording import default_root

Departures = Mapping[tuple[str, str], str]
"""By profile and departure: the rule that finds it."""

REPLAYED = {
    "delivery.response-ids-unique",
    "refusal.status",
    "refusal.unknown-previous-response",
    "response.echoes-format",
    "response.echoes-settings",
    "response.echoes-tools",
    "unsupported.never-ignored",
}
"""What is wrong about any server that gives the same answer to different requests."""

_OPENAI, _OPEN = "openai", "open-responses"

VLLM: Departures = {
    (_OPENAI, "an answer cut by the limit ends in response.completed, status incomplete"): (
        "stream.terminal-agrees-with-status"
    ),
    (_OPENAI, "the Response has no `error`, streamed"): "response.required-fields",
    (_OPENAI, "the Response has no `error`, whole"): "json.openapi-fields",
    (_OPENAI, "an error's `code` is an integer"): "failure.error-body",
    (_OPENAI, "a route that is not there answers {'detail': 'Not Found'}"): "endpoint.error-is-json",
    (_OPENAI, "streams may be cached"): "sse.not-cached",
    (_OPENAI, "streams may be held back by an intermediary"): "sse.not-buffered",
    (_OPENAI, "a websocket upgrade is answered 404"): "endpoint.upgrade-answered",
    (_OPEN, "no [DONE]"): "sse.done-marker",
    (_OPEN, "reasoning as response.reasoning_text.delta"): "item.raw-reasoning-name",
    (_OPEN, "`status: null` on reasoning, `encrypted_content: null`"): "item.absent-not-null",
    (_OPEN, "the error's type is 'Bad Request'"): "error.type-known",
    (_OPEN, "the Response lacks what Open Responses requires, streamed"): "response.open-responses-fields",
    (_OPEN, "the Response has no `completed_at`"): "schema.open-responses-response",
    (_OPEN, "the Response has no `completed_at`, whole"): "schema.open-responses-body",
    (_OPEN, "the first acceptance test: no `completed_at`"): "acceptance.basic-response",
}

LLAMA_CPP: Departures = {
    (_OPENAI, "no sequence_number"): "sequence.present",
    (_OPENAI, "no output_index"): "schema.openai-events",
    (_OPENAI, "no content_index"): "item.content-index",
    (_OPENAI, "the openai SDK cannot read the stream"): "clients.openai-python-stream",
    (_OPENAI, "response.created holds an id and a status only"): "response.required-fields",
    (_OPENAI, "the Response in it is none"): "schema.openai-response",
    (_OPENAI, "the whole Response has no tools, tool_choice, parallel_tool_calls"): "json.required-fields",
    (_OPENAI, "the whole Response lacks what OpenAI's document requires"): "json.openapi-fields",
    (_OPENAI, "usage has no output_tokens_details, whole"): "schema.openai-body",
    (_OPENAI, "usage has no output_tokens_details, streamed"): "usage.whole",
    (_OPENAI, "usage has no cache_write_tokens"): "usage.cache-write-tokens",
    (_OPENAI, "all items are done at the very end"): "item.no-interleaving",
    (_OPENAI, "no response.function_call_arguments.done"): "item.arguments-done-present",
    (_OPENAI, "any model's name is taken, and its own is told"): "response.echoes-model",
    (_OPENAI, "an error has no `param`, and `code` is an integer"): "failure.error-body",
    (_OPENAI, "a refusal does not name the field"): "refusal.names-param",
    (_OPENAI, "a body that is no JSON is answered 500"): "refusal.never-5xx",
    (_OPENAI, "streams may be cached"): "sse.not-cached",
    (_OPENAI, "a websocket upgrade is answered 404"): "endpoint.upgrade-answered",
    (_OPEN, "no [DONE]"): "sse.done-marker",
    (_OPEN, "no sequence_number"): "sequence.present",
    (_OPEN, "no output_index"): "schema.open-responses-events",
}

TOLD = (
    ("vllm", _OPENAI, "stream.terminal-agrees-with-status", 'got "incomplete"'),
    ("vllm", _OPENAI, "failure.error-body", "`code` is 404"),
    ("vllm", _OPEN, "item.raw-reasoning-name", "response.reasoning_text"),
    ("llama_cpp", _OPENAI, "schema.openai-events", "output_index, sequence_number: Field required"),
    ("llama_cpp", _OPENAI, "item.content-index", "content_index null"),
    ("llama_cpp", _OPENAI, "refusal.never-5xx", "500"),
    ("llama_cpp", _OPENAI, "failure.error-body", "`param` is missing"),
)
"""Server, profile, rule, and words of its message."""

_KNOWN = {"vllm": VLLM, "llama_cpp": LLAMA_CPP}


@pytest.fixture(scope="module")
def judged() -> dict[tuple[str, str], Any]:
    """What was found about a server in a profile, so that each is judged once."""
    return {}


@pytest.fixture
def judge(
    judged: dict[tuple[str, str], Any],
    serve: Callable[..., Any],
    live: Callable[..., Any],
    request: pytest.FixtureRequest,
) -> Callable[[str, str], Any]:
    """Judges a native server by a profile."""

    def run(name: str, profile: str) -> Any:
        if (name, profile) not in judged:
            native = request.getfixturevalue(name)
            done = live(serve(native).url, "--profile", profile, model=native.model)
            judged[name, profile] = (done, native)
        return judged[name, profile][0]

    return run


@pytest.mark.parametrize(
    ("name", "profile", "departure", "rule"),
    [
        pytest.param(name, profile, departure, rule, id=f"{name}-{rule}-{profile}")
        for name, known in _KNOWN.items()
        for (profile, departure), rule in known.items()
    ],
)
def test_what_is_known_is_found(
    judge: Callable[[str, str], Any], name: str, profile: str, departure: str, rule: str
) -> None:
    """Each known departure of a native server is found by its rule, and makes the server fail where it decides."""
    done = judge(name, profile)
    assert rule in done.failing, departure
    assert done.code == 1


@pytest.mark.parametrize("name", list(_KNOWN))
def test_nothing_else_is_held_against_it(judge: Callable[[str, str], Any], name: str) -> None:
    """No rule fails in OpenAI's profile but those of known departures, of replaying, and of acceptance."""
    known = {rule for (profile, _), rule in _KNOWN[name].items() if profile == _OPENAI}
    failing = {rule for rule in judge(name, _OPENAI).failing if not rule.startswith("acceptance.")}
    assert failing - known - REPLAYED == set()


@pytest.mark.parametrize(("name", "profile", "rule", "words"), TOLD)
def test_the_message_says_what_is_wrong(
    judge: Callable[[str, str], Any], name: str, profile: str, rule: str, words: str
) -> None:
    """The violation names what came, in words that somebody who writes the server understands."""
    verdicts = judge(name, profile).document["verdicts"]
    (verdict,) = (one for one in verdicts if one["rule"] == rule)
    assert any(words in violation["message"] for violation in verdict["violations"])


@pytest.mark.parametrize("name", list(_KNOWN))
def test_the_case_that_shows_it_can_be_read(judge: Callable[[str, str], Any], name: str) -> None:
    """The first violation of each failing rule carries what was sent and what came."""
    for verdict in judge(name, _OPENAI).document["verdicts"]:
        if verdict["outcome"] == "fail":
            assert verdict["violations"][0]["evidence"], verdict["rule"]


def test_what_is_not_offered_is_told_and_accuses_nobody(judge: Callable[[str, str], Any]) -> None:
    """vLLM has no compaction and does not claim it: both tests of it are not observed, with that reason."""
    done = judge("vllm", _OPEN)
    for test in ("compact-response", "compact-missing-model"):
        (verdict,) = (one for one in done.document["verdicts"] if one["rule"] == f"acceptance.{test}")
        assert verdict["outcome"] == "not-applicable"
        assert "the server does not offer it (status 404)" in verdict["reason"]


def test_what_the_model_did_not_say_is_told_and_accuses_nobody(judge: Callable[[str, str], Any]) -> None:
    """llama.cpp's recordings hold no call in a whole answer: the acceptance test of calls is not observed."""
    done = judge("llama_cpp", _OPEN)
    (verdict,) = (one for one in done.document["verdicts"] if one["rule"] == "acceptance.tool-calling")
    assert (verdict["outcome"], verdict["reason"]) == ("not-applicable", "not observed: the model made no call")
    assert "not observed in acceptance.tool-calling: the model made no call" in done.document["notes"]


@pytest.mark.parametrize(
    ("name", "unused"),
    [
        ("vllm", {"client_abort_stream", "err_context_too_long", "stream_text_tool"}),
        ("llama_cpp", {"client_abort_stream", "err_context_too_long", "stream_sse_ping"}),
    ],
)
def test_the_recordings_are_replayed(
    judge: Callable[[str, str], Any], judged: dict[tuple[str, str], Any], name: str, unused: set[str]
) -> None:
    """All recordings of a server are used but those whose request no case makes."""
    judge(name, _OPENAI)
    native = judged[name, _OPENAI][1]
    recorded = {folder.name for folder in (default_root() / "responses" / native.folder).iterdir()}
    assert recorded - native.replayed == unused
