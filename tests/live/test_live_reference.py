"""A live run at the reference proxy: it has a fake behind it, of which the suite is told nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance.cases.live import ACCEPTANCE, CASES, NOT_OVER_HTTP
from conformance.report import check_document
from conformance.rules import REGISTRY
from conformance.targets import load_target, start_target
from fakes.log import UpstreamCall
from fakes.script import Reasoning, Script, Text, ToolCall
from fakes.small_talk import small_talk
from fakes.upstream import FakeUpstream

KEY = "HOST_API_KEY"
FEATURES = [word for one in ("compaction", "images", "reasoning", "store") for word in ("--feature", one)]


_SHORT = 16
_MANY = tuple(f"number {number}, " for number in range(80))


def obliging(call: UpstreamCall) -> Script:
    """What a model says that does what the cases for live endpoints hope for: it calls, thinks, and talks at length."""
    asked: Mapping[str, Any] = call.json if isinstance(call.json, dict) else {}
    if asked.get("max_completion_tokens") == _SHORT:
        return Script(parts=(Text(("One, ", "two, ", "thr")),), finish="length")
    if len(asked.get("tools") or ()) > 1:
        return Script(
            parts=(
                ToolCall("get_weather", ('{"city": ', '"Oslo"}'), id="call_1"),
                ToolCall("get_time", ('{"zone": ', '"CET"}'), id="call_2"),
            ),
            finish="tool_calls",
        )
    if asked.get("reasoning_effort"):
        return Script(parts=(Reasoning(("0.9 ", "is more.")), Text(("9.9", "."))))
    if "eighty" in str(asked.get("messages")):
        return Script(parts=(Text(_MANY),))
    return small_talk(call)


@dataclass(frozen=True)
class Reference:
    """Where the reference proxy is, and the key that it wants."""

    url: str
    key: str


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    """The reference proxy in front of a model that obliges."""
    with FakeUpstream("chat_completions", fallback=obliging, keep_log=False) as upstream:
        target = start_target(load_target("reference"), "chat_completions", upstream.url)
        try:
            endpoint = target.endpoint
            key = endpoint.headers["authorization"].removeprefix("Bearer ")
            yield Reference(endpoint.url + endpoint.base, key)
        finally:
            target.stop()


@pytest.fixture
def run(reference: Reference, live: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Judges the reference with its key."""
    monkeypatch.setenv(KEY, reference.key)
    return lambda *words: live(reference.url, "--api-key-env", KEY, *words)


@pytest.mark.parametrize("profile", ["openai", "superset"])
def test_a_right_server_passes_all_that_can_be_judged(run: Callable[..., Any], profile: str) -> None:
    """No rule of any level fails, each acceptance test holds, and the exit code is 0."""
    done = run("--profile", profile, *FEATURES)
    document = check_document(done.document)
    assert done.failing == set()
    assert done.code == document["exit_code"] == 0
    assert document["conformance"] == "partial"
    assert {done.outcome(f"acceptance.{test}") for test in ACCEPTANCE} == {"pass"}
    assert not [note for note in document["notes"] if note.startswith("not observed")]


def test_the_verdict_says_what_cannot_be_judged(run: Callable[..., Any]) -> None:
    """Rules that need to know the upstream are not applicable, each with that reason, and the verdict counts them."""
    document = run(*FEATURES).document
    blind = {rule.id for rule in REGISTRY.values() if rule.evidence != "client" and "openai" in rule.profiles}
    reasons = {one["rule"]: one["reason"] for one in document["verdicts"] if one["rule"] in blind}
    assert set(reasons) == blind
    assert set(reasons.values()) == {"needs a fake upstream behind the target, and there is none"}
    assert document["partial"] == [f"{len(blind)} rules need a fake upstream behind the target, and there is none"]


def test_the_notes_name_every_acceptance_test(run: Callable[..., Any]) -> None:
    """Open Responses' nine tests that go over HTTP are named with their outcome, and the eight others are counted."""
    (told,) = (note for note in run(*FEATURES).document["notes"] if "acceptance tests" in note)
    assert len(ACCEPTANCE) + len(NOT_OVER_HTTP) == 17
    assert all(f"{test} holds" in told for test in ACCEPTANCE)
    assert "8 others send no HTTP request (7 use a websocket, 1 sends nothing)" in told


def test_features_that_are_not_declared_are_left_out_by_name(run: Callable[..., Any]) -> None:
    """Without `store` its cases are not driven; both the first lines and the notes say which, and how to ask for it."""
    done = run("--case", "live.*")
    left = [case.id for case in CASES if "store" in case.features]
    (note,) = (note for note in done.document["notes"] if note.startswith("left out"))
    assert all(name in note for name in left)
    assert "--feature store" in note
    assert note in done.err.splitlines()


def test_every_case_is_driven_and_kept(run: Callable[..., Any], tmp_path: Path) -> None:
    """`--transcripts` keeps one file a case, none of them with the key."""
    done = run(*FEATURES, "--transcripts", tmp_path)
    kept = list(tmp_path.iterdir())
    assert len(kept) == len(CASES)
    assert done.document["drives"] == sum(len(case.drives) for case in CASES)


def test_without_its_key_it_is_one_diagnosis(
    reference: Reference, live: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong key, or none, gives exit 2, what was answered, and the option that is missing."""
    monkeypatch.setenv(KEY, "sk-wrong-0123456789abcdef")
    for words in ((), ("--api-key-env", KEY)):
        done = live(reference.url, *words)
        (trouble,) = done.document["trouble"]
        assert done.code == 2
        assert "status 401" in trouble["message"]
        assert "--api-key-env NAME" in trouble["message"]
        assert "sk-wrong" not in done.out + done.err
        assert done.document["verdicts"] == []
