from __future__ import annotations

import pytest

from conformance.miniatures import Miniature, all_miniatures, get
from conformance.miniatures import __main__ as command
from conformance.miniatures.flavours import FLAVOURS
from conformance.miniatures.lock import LOCK, differences, failing, read_lock
from conformance.miniatures.samples import locked_samples, right_transcripts
from conformance.rules import REGISTRY, Rule
from conformance.transcript import Transcript

_STREAM_MODULES = (
    "clients",
    "content",
    "identities",
    "items",
    "lifecycle",
    "response_object",
    "said_content",
    "schemas",
    "sequence",
    "sse_wire",
    "usage",
)


def _of_streams() -> list[Miniature]:
    """The miniatures of this room: those of others are tested by their own."""
    modules = {f"conformance.miniatures.{name}" for name in _STREAM_MODULES}
    return [wrong for wrong in all_miniatures() if getattr(wrong.edit, "__module__", "") in modules]


def test_every_rule_has_a_miniature_for_it(stream_rules: list[Rule]) -> None:
    """Each rule about the stream is named by at least one miniature."""
    named = {rule for wrong in all_miniatures() for rule in wrong.for_rules}
    assert [rule.id for rule in stream_rules if rule.id not in named] == []


def test_miniatures_name_known_rules() -> None:
    """A miniature is for one or two rules, and they exist."""
    for wrong in _of_streams():
        assert 1 <= len(wrong.for_rules) <= 2, wrong.name
        assert set(wrong.for_rules) <= set(REGISTRY), wrong.name


def test_the_lock_is_true() -> None:
    """Every miniature fails exactly the rules that the lock says, those that it is for among them."""
    locked = {name: rules for name, rules in read_lock().items() if name in {wrong.name for wrong in _of_streams()}}
    stream = {rule.id for rule in REGISTRY.values()}
    now = {wrong.name: sorted(failing(wrong) & stream) for wrong in _of_streams()}
    for wrong in _of_streams():
        assert set(wrong.for_rules) <= set(now[wrong.name]), f"{wrong.name} does not fail what it is for"
    changed = list(differences(locked, now))
    assert changed == [], "run `python -m conformance.miniatures --update` and review the diff"


def test_no_miniature_touches_the_right_transcript() -> None:
    """Miniatures are pure: the transcript that they are given stays as it was."""
    transcripts = list(locked_samples())
    before = [[e.body for d in t.drives for e in d.exchanges] for t in transcripts]
    for wrong in _of_streams():
        for transcript in transcripts[:4]:
            wrong(transcript)
    assert [[e.body for d in t.drives for e in d.exchanges] for t in transcripts] == before


def test_no_check_raises_on_any_miniature_on_any_flavour(stream_rules: list[Rule]) -> None:
    """Whatever a miniature makes of the loosest flavours, every check ends (the lock is made with the others)."""
    rules = [rule for rule in stream_rules if rule.area not in ("clients", "schema")]
    for transcript in right_transcripts(FLAVOURS["openai"], FLAVOURS["loose"]):
        if transcript.case not in ("sample.reasoning-and-calls", "sample.dies") or transcript.dialect != "messages":
            continue
        for wrong in _of_streams():
            changed = wrong(transcript)
            if changed is not transcript:
                for rule in rules:
                    list(rule.check(changed))


def test_a_miniature_without_anything_to_do_gives_back_the_same_object() -> None:
    """Callers can skip a miniature by identity where it changes nothing."""
    nothing = Transcript("case", None, [])
    for wrong in all_miniatures():
        assert wrong(nothing) is nothing, wrong.name


def test_an_unknown_name_is_refused_with_names_near_it() -> None:
    """`get` names miniatures that resemble what was asked for."""
    with pytest.raises(Exception, match="no-created"):
        get("no-createt")
    assert get("no-created").for_rules == ("stream.created-first",)


def test_the_command_compares_and_updates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m conformance.miniatures NAME` exits 0 for a true lock; a false one is shown and exits 1."""
    assert command.main(["no-created"]) == 0
    monkeypatch.setattr(command, "read_lock", lambda: {"no-created": ["sse.utf-8"]})
    assert command.main(["no-created"]) == 1
    assert "+stream.created-first" in capsys.readouterr().out
    written: dict[str, list[str]] = {}
    monkeypatch.setattr(command, "write_lock", written.update)
    assert command.main(["no-created", "--update"]) == 0
    assert "stream.created-first" in written["no-created"]


def test_the_lock_is_sorted_text() -> None:
    """The lock is JSON, one rule a line, sorted, so that its diff can be read."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    names = [line.strip() for line in lines if line.endswith(": [")]
    assert names == sorted(names)
    assert len(names) >= len(_of_streams())
