"""Cases: one situation each, driven through a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from conformance.transcript import DriveKind
from fakes.recording import Recording
from fakes.reply import Answer
from fakes.script import DIALECTS, Dialect

__all__ = ["DEFAULT_DRIVES", "MODEL_TOKEN", "About", "Case", "Turn"]

DEFAULT_DRIVES: frozenset[DriveKind] = frozenset({"stream", "json", "hostile"})

About: TypeAlias = Literal["answer", "request", "target"]
"""What a case is about: what the upstream says, what it is asked, or the target by itself."""

MODEL_TOKEN = "{token}"
"""Stands, in a turn's request, where the drive writes the token that tells its requests apart."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One client request and what the upstream answers to it.

    `request` is the Responses body without `model` and `stream`, which the drive adds; the token of the drive
    is appended to the first user text as well, so that targets with a fixed model name can be judged.
    `input` has the form every target accepts (a list of typed messages with content parts) unless the case is
    about another form. `answers` are the upstream's, in order; a target that calls again gets the next one.
    `raw_body` replaces the JSON body by bytes (malformed requests); `method` and `path` are for other
    endpoints (`path` is relative to the API's base, e.g. "/responses"). In it and anywhere in `request`
    "{previous}" stands for the id of the previous turn's response, {"$output": n} as an input item for all
    output items of turn n, "{call_id:n:k}" for the call_id of the k-th call of turn n, and "{answer:n:path}" for a
    value in turn n's answer (`conformance.request_form`).
    `packed` sends the body packed in the `content-encoding` among `headers`, gzip where there is none. `spaces` puts
    so many spaces before it (JSON allows them): a body that is too long, and packed, a bomb.
    `leave_after` makes the client close its connection after so many events (0: before the status line);
    `stop_reading_after` makes it stop reading then, and close once the upstream has stopped writing or ended.
    `terminate_after` sends the target a SIGTERM after so many events, and has the suite wait for its exit.
    `upstream_closed` takes the turn while nothing listens where the upstream was.
    `copies` sends the turn so many times at once, each copy with a token of its own, which "{token}" stands for in
    the upstream's texts; all exchanges are those of the drive. With `first_waits` the upstream keeps its answer to
    the first copy until the others, sent when it has that one's request, are over.
    """

    request: Mapping[str, Any] = field(default_factory=dict)
    answers: tuple[Answer, ...] = ()
    method: str = "POST"
    path: str = "/responses"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw_body: bytes | None = None
    packed: bool = False
    spaces: int = 0
    leave_after: int | None = None
    stop_reading_after: int | None = None
    terminate_after: int | None = None
    upstream_closed: bool = False
    copies: int = 1
    first_waits: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """One situation. `source` is public: why this case exists.

    `refusal_statuses` are the HTTP statuses with which a target may refuse the (last) request; empty when it
    must be answered. `may_refuse` marks requests that a target may answer or refuse with one of them.
    `features` are those that a target must declare to be driven. `strict_upstream` makes the fake answer with
    the refusal that the real service would give. `tags` are words that checks look for. `expected_calls` are the
    tool calls that the (last) response must hold, where they cannot be told from the upstream's bytes alone: keys
    and values that each item must have, in order.
    A run makes of a case what `conformance.cases.plan` says, not every drive in every dialect. It goes by `about`
    (None: told by the answers), by `resembles` (the id of a case whose upstream says the same in other words), and
    by two exceptions: `each_form` and `each_dialect` have the case driven in all of them.
    """

    id: str
    summary: str
    source: str
    turns: tuple[Turn, ...]
    dialects: tuple[Dialect, ...] = DIALECTS
    drives: frozenset[DriveKind] = DEFAULT_DRIVES
    features: frozenset[str] = frozenset()
    refusal_statuses: frozenset[int] = frozenset()
    may_refuse: bool = False
    strict_upstream: bool = False
    tags: frozenset[str] = frozenset()
    expected_calls: tuple[Mapping[str, Any], ...] = ()
    about: About | None = None
    each_form: bool = False
    each_dialect: bool = False
    resembles: str | None = None

    @property
    def is_recorded(self) -> bool:
        """Whether all that the upstream says in it was recorded."""
        answers = [answer for turn in self.turns for answer in turn.answers]
        return bool(answers) and all(isinstance(answer, Recording) for answer in answers)

    @property
    def ends_target(self) -> bool:
        """Whether the target is no more when this case has been driven: it is driven last."""
        return any(turn.terminate_after is not None for turn in self.turns)

    @property
    def is_alone(self) -> bool:
        """Whether it is driven after all others and by itself, because it takes away what they need."""
        # What others need is the target's time, and its connections: one that was reset may be given to anybody.
        costly = not self.tags.isdisjoint({"large", "crowd", "resets"})
        return costly or self.ends_target or any(turn.upstream_closed for turn in self.turns)
