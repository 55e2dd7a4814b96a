"""Correlation: which expectation a request belongs to."""

from __future__ import annotations

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from conformance.sse import read_events
from fakes import FakeUpstream, Gated, Hostile, Script, Whole, new_token
from fakes.correlation import TOKEN, tokens_of
from fakes.script import Text

HELLO = Script(parts=(Text(("Hello",)),))


def ask(upstream: FakeUpstream, body: dict[str, Any]) -> requests.Response:
    return requests.post(f"{upstream.url}/v1/chat/completions", json=body, timeout=20)


def test_a_token_is_recognisable_and_never_the_same() -> None:
    """A token is `cfx` and ten characters of base 32, and no two are alike."""
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(TOKEN.fullmatch(token) for token in tokens)


@pytest.mark.parametrize(
    "place",
    [
        {"model": "{}"},
        {"model": "vllm/{}-2026"},
        {"model": "fixed", "messages": [{"role": "user", "content": "Hello ({})"}]},
        {"model": "fixed", "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi {}."}]}]},
        {"model": "fixed", "messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "{}"}]},
        {"model": "fixed", "metadata": {"case": "{}"}},
        {"model": None, "messages": "no list", "input": "{}"},
    ],
    ids=["model", "inside-model", "text", "part", "after-system", "elsewhere", "other-shape"],
)
@pytest.mark.parametrize("upper", [False, True], ids=["as-is", "upper-case"])
def test_a_token_is_found(upstream: FakeUpstream, place: dict[str, Any], upper: bool) -> None:
    """The token is found in the model name, in a user text, else anywhere, whatever its case."""
    token = new_token()
    expectation = upstream.expect(token, [HELLO])
    written = token.upper() if upper else token
    body = json.loads(json.dumps(place).replace("{}", written))
    assert ask(upstream, body).json() == {"text": "Hello"}
    assert expectation.calls[0].token == token


def test_the_model_name_wins_over_the_text() -> None:
    """Tokens are tried from the most trustworthy place on: model, user texts, anything."""
    model, text, other = (new_token() for _ in range(3))
    body = {"x": other, "messages": [{"role": "user", "content": text}], "model": model}
    assert list(dict.fromkeys(tokens_of(body, "/", json.dumps(body).encode()))) == [model, text, other]


def test_an_old_token_in_the_history_does_not_mislead(upstream: FakeUpstream) -> None:
    """Of several tokens in a history the one that is open is meant."""
    old, new = new_token(), new_token()
    upstream.forget(upstream.expect(old, [HELLO]))
    expectation = upstream.expect(new, [HELLO])
    history = [{"role": "user", "content": f"first {old}"}, {"role": "user", "content": f"then {new}"}]
    assert ask(upstream, {"model": "fixed", "messages": history}).status_code == 200
    assert expectation.calls[0].token == new


def test_serially_the_single_open_expectation_is_meant(upstream: FakeUpstream) -> None:
    """Where no token comes through, the only open expectation gets the request."""
    upstream.correlate_by = "serial"
    expectation = upstream.expect(new_token(), [HELLO])
    assert ask(upstream, {"model": "fixed"}).status_code == 200
    assert expectation.calls[0].token is None


def test_serially_two_open_expectations_are_an_error(upstream: FakeUpstream) -> None:
    """Two at once cannot be told apart serially, and the message says how many are open."""
    upstream.correlate_by = "serial"
    upstream.expect(new_token(), [HELLO])
    upstream.expect(new_token(), [HELLO])
    assert ask(upstream, {"model": "fixed"}).status_code == 500
    assert "exactly one open expectation; 2 are open" in (upstream.strays[0].problem or "")


def test_two_hundred_interleaved_expectations_do_not_cross(upstream: FakeUpstream) -> None:
    """Two hundred streams at once, delivered in four ways, each get their own words and nothing else."""
    together = threading.Barrier(200)
    deliveries = itertools.cycle([None, Gated(grace=5), Hostile(pause=0.0002), Whole()])
    plans = [(new_token(), next(deliveries)) for _ in range(200)]

    def drive(plan: tuple[str, Any]) -> str:
        token, delivery = plan
        pieces = tuple(f"{token}:{n} " for n in range(6))
        expectation = upstream.expect(token, [Script(parts=(Text(pieces),))], delivery=delivery)
        together.wait(30)
        body, text = b"", ""
        url = f"{upstream.url}/v1/chat/completions"
        with requests.post(url, json={"model": token, "stream": True}, stream=True, timeout=30) as response:
            for data in response.raw.read_chunked():
                body += data
                events = [event.data for event in read_events(body) if event.data != "[DONE]"]
                deltas = [json.loads(event)["choices"][0]["delta"] for event in events]
                text = "".join(delta.get("content", "") for delta in deltas)
                expectation.client_received(text)
        assert expectation.wait_idle(10)
        (call,) = expectation.calls
        assert (call.ended, call.problem, call.lags) == ("complete", None, [])
        assert call.sent_body == body
        upstream.forget(expectation)
        return text

    with ThreadPoolExecutor(200) as pool:
        texts = list(pool.map(drive, plans))
    assert texts == ["".join(f"{token}:{n} " for n in range(6)) for token, _ in plans]
    assert upstream.unowned == ()
