"""Which clients a target is ready for: the rules that each of them needs, out of the same transcripts.

A client's rules are judged whatever the profile of the run is, for they cost nothing more to drive. What the run did
not exercise is told as such: a client is ready only when every rule that it needs was seen to hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from conformance.baseline import Baseline
from conformance.client_profiles import Breach, Client, clients
from conformance.examination import Examinations
from conformance.judge import DRIVEN, judge
from conformance.rules import REGISTRY, Rule
from conformance.transcript import Transcript
from conformance.verdict import Outcome, Verdict
from fakes.script import Dialect

__all__ = ["Readiness", "Reason", "State", "readiness"]

_BROKEN = (Outcome.FAIL, Outcome.EXPECTED_FAIL)
_HELD = (Outcome.PASS, Outcome.STALE)


class State(StrEnum):
    """Whether a client can be used with the target."""

    READY = "ready"
    READY_AS_FAR_AS_JUDGED = "ready as far as judged"
    NOT_READY = "not ready"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Reason:
    """A rule that a client needs and the target breaks, with the verdicts that show it, one a dialect."""

    breach: Breach
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class Readiness:
    """What was found out about a client: the worst reason comes first; `held` and `unjudged` are rule ids.

    Rules that belong to none of the dialects that were driven are left out.
    """

    client: Client
    reasons: tuple[Reason, ...]
    held: tuple[str, ...]
    unjudged: tuple[str, ...]

    @property
    def state(self) -> State:
        """Ready only when every rule was seen to hold; not judged when none was seen at all."""
        if self.reasons:
            return State.NOT_READY
        if not self.held:
            return State.NOT_JUDGED
        return State.READY_AS_FAR_AS_JUDGED if self.unjudged else State.READY


def readiness(
    transcripts: Sequence[Transcript],
    verdicts: Iterable[Verdict],
    rules: Iterable[Rule],
    *,
    baseline: Baseline | None = None,
    features: frozenset[str] | Mapping[Dialect, frozenset[str]] | None = None,
    examined: Examinations = MappingProxyType({}),
) -> list[Readiness]:
    """What the transcripts say about each client.

    `verdicts` are those that were given already, by any profile; what they do not cover is judged here. `rules` are
    all that may be judged: others of a client's count as unjudged. A failure that the baseline expects breaks a
    client all the same.
    """
    given: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        given.setdefault(verdict.rule.id, []).append(verdict)
    known = {rule.id: rule for rule in rules}
    dialects = {transcript.dialect for transcript in transcripts}
    judged: dict[tuple[str, str | None], list[Verdict]] = {}
    found = []
    for client in clients().values():
        by_rule: dict[str, list[Verdict]] = {}
        for breach in client.breaches.values():
            rule = known.get(breach.rule) or REGISTRY.get(breach.rule)
            if rule is None or not any(one is None or one in rule.dialects for one in dialects):
                continue
            key = (rule.id, breach.cases)
            if key not in judged:
                judged[key] = _verdicts(breach, rule, given, known, transcripts, baseline, features, examined)
            by_rule[rule.id] = judged[key]
        found.append(_of(client, by_rule))
    return found


def _verdicts(
    breach: Breach,
    rule: Rule,
    given: Mapping[str, list[Verdict]],
    known: Mapping[str, Rule],
    transcripts: Sequence[Transcript],
    baseline: Baseline | None,
    features: frozenset[str] | Mapping[Dialect, frozenset[str]] | None,
    examined: Examinations,
) -> list[Verdict]:
    """The verdicts on a rule that a client needs: those that were given, where all cases count, else new ones."""
    if rule.id not in known:
        return []
    if breach.cases is None and rule.id in given:
        return given[rule.id]
    found = judge(transcripts, [rule], profile=breach.client, baseline=baseline, features=features, examined=examined)
    return [verdict for verdict in found if verdict.rule is not DRIVEN]


def _of(client: Client, by_rule: Mapping[str, list[Verdict]]) -> Readiness:
    reasons, held, unjudged = [], [], []
    for rule_id, verdicts in by_rule.items():
        broken = tuple(verdict for verdict in verdicts if verdict.outcome in _BROKEN)
        if broken:
            reasons.append(Reason(client.breaches[rule_id], broken))
        elif any(verdict.outcome in _HELD for verdict in verdicts):
            held.append(rule_id)
        else:
            unjudged.append(rule_id)
    worst_first = sorted(reasons, key=lambda reason: (reason.breach.effect.rank, reason.breach.rule))
    return Readiness(client, tuple(worst_first), tuple(held), tuple(unjudged))
