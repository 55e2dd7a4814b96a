"""What a live run may cost is said before it starts, and kept to."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

from conformance.cases.live import CASES, HELLO
from conformance.errors import UsageError
from conformance.live.plan import MAX_REQUESTS, Budget, plan

ALL = frozenset(feature for case in CASES for feature in case.features)
BUSY = (429, {"content-type": "application/json", "retry-after": "0"}, (b'{"error":{"message":"slow down"}}',))


def test_all_cases_fit_into_the_default() -> None:
    """Unless a bound is given, every case of every feature is driven, with a few requests to spare."""
    planned = plan(CASES, ALL, MAX_REQUESTS)
    assert planned.beyond == planned.undeclared == ()
    assert planned.requests < MAX_REQUESTS


@pytest.mark.parametrize("limit", range(HELLO.requests, MAX_REQUESTS + 1, 3))
def test_no_plan_goes_beyond_its_limit(limit: int) -> None:
    """Whatever the limit, the planned requests are at most as many, and what is left out is named."""
    planned = plan(CASES, ALL, limit)
    assert planned.requests <= limit
    assert planned.cases[0] is HELLO
    assert {case.id for case in (*planned.cases, *planned.beyond)} == {case.id for case in CASES}
    told = " ".join(planned.left_out())
    assert all(case.id in told for case in planned.beyond)


def test_too_few_requests_are_refused() -> None:
    """A limit that does not even allow the first question is wrong usage, with the number that is needed."""
    with pytest.raises(UsageError, match=f"{HELLO.requests} are needed"):
        plan(CASES, ALL, HELLO.requests - 1)


@pytest.mark.parametrize("limit", [2, 7, 20])
def test_the_server_is_never_asked_more_often(
    serve: Callable[..., Any], live: Callable[..., Any], vllm: Any, limit: int
) -> None:
    """The requests that a server gets are as many as were announced, and never more than `--max-requests`."""
    server = serve(vllm)
    done = live(server.url, "--max-requests", str(limit), "--rule", "stream.*", model=vllm.model)
    (announced,) = re.findall(r"at most (\d+) requests", done.err)
    assert len(server.requests) <= int(announced) <= limit
    assert f"beyond --max-requests {limit}" in done.err


@pytest.mark.parametrize("limit", [2, 9, 12])
def test_a_server_that_is_always_busy_is_asked_again_only_within_the_limit(
    serve: Callable[..., Any], live: Callable[..., Any], vllm: Any, limit: int
) -> None:
    """429 is asked once more while the limit lasts; then the case could not be driven, and nobody is accused."""
    answered = threading.Event()

    def answer(request: Any) -> Any:
        if len(server.requests) > HELLO.requests:
            answered.set()
            return BUSY
        return vllm(request)

    server = serve(answer)
    done = live(server.url, "--max-requests", str(limit), "--rule", "answer.*", model=vllm.model)
    assert len(server.requests) <= limit
    assert answered.is_set() is (limit > HELLO.requests)
    assert done.failing == set()
    if limit > HELLO.requests:
        assert done.code == 2
        assert "limits the rate: status 429" in done.out


def test_a_server_that_is_busy_once_is_judged(serve: Callable[..., Any], live: Callable[..., Any], vllm: Any) -> None:
    """A case whose first answer was 429 is judged by the second."""
    refused: list[Any] = []

    def answer(request: Any) -> Any:
        if len(server.requests) == HELLO.requests + 1:
            refused.append(request)
            return BUSY
        return vllm(request)

    server = serve(answer)
    chosen = ("--case", "live.hello", "--case", "live.string-input", "--rule", "answer.*")
    done = live(server.url, *chosen, model=vllm.model)
    assert len(refused) == 1
    assert server.requests[-1].body == refused[0].body
    assert done.code == 0
    assert done.document["drives"] == 3


@pytest.mark.parametrize("wait", ["3600", "-1", "soon", "NaN", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_retry_after_is_kept_within_bounds(wait: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a server wants to be left alone, and however it writes that, half a minute is waited at most."""
    from conformance.live import driver
    from conformance.transcript import ClientRequest, Exchange

    exchange = Exchange(ClientRequest("POST", "/", (), {}), 429, (("Retry-After", wait),))
    assert 0 <= driver._patience(exchange) <= 30


def test_the_cost_is_told_before_the_first_request(
    serve: Callable[..., Any], live: Callable[..., Any], vllm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cases, requests and tokens are on standard error before the server hears anything."""
    from conformance.report.console import LineProgress

    told: list[str] = []
    monkeypatch.setattr(LineProgress, "say", lambda self, text: told.append(text))
    before: list[list[str]] = []

    def answer(request: Any) -> Any:
        before.append(list(told))
        return vllm(request)

    live(serve(answer).url, "--max-requests", "2", "--rule", "stream.*", model=vllm.model)
    cost = r"asking tiny-qwen3 at http\S+: 1 case, at most 2 requests, about 50 output tokens \(.* allow 2,048\)"
    assert re.fullmatch(cost, before[0][0])


def test_many_threads_share_one_budget() -> None:
    """However many ask at once, no more is given out than there is."""
    budget, taken = Budget(50), []
    threads = [threading.Thread(target=lambda: taken.extend(budget.take() for _ in range(40))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 50
