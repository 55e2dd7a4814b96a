"""Cases: one situation each, driven through a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.transcript import DriveKind
from fakes.reply import Answer
from fakes.script import DIALECTS, Dialect

__all__ = ["DEFAULT_DRIVES", "MODEL_TOKEN", "Case", "Turn"]

DEFAULT_DRIVES: frozenset[DriveKind] = frozenset({"stream", "json", "hostile"})

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
    `packed` sends the body gzipped, with the `content-encoding` that says so.
    `leave_after` makes the client close its connection after so many events (0: before the status line).
    """

    request: Mapping[str, Any] = field(default_factory=dict)
    answers: tuple[Answer, ...] = ()
    method: str = "POST"
    path: str = "/responses"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw_body: bytes | None = None
    packed: bool = False
    leave_after: int | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One situation. `source` is public: why this case exists.

    `refusal_statuses` are the HTTP statuses with which a target may refuse the (last) request; empty when it
    must be answered. `may_refuse` marks requests that a target may answer or refuse with one of them.
    `features` are those that a target must declare to be driven. `strict_upstream` makes the fake answer with
    the refusal that the real service would give. `tags` are words that checks look for. `expected_calls` are the
    tool calls that the (last) response must hold, where they cannot be told from the upstream's bytes alone: keys
    and values that each item must have, in order.
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
