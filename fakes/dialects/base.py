"""What a dialect module gives to the fake upstream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from fakes.log import Objection
from fakes.reply import HttpFailure, Reply
from fakes.script import Dialect, Script

__all__ = ["WireDialect"]


class WireDialect(Protocol):
    """One service's way of speaking: routes, validation, error bodies, and a script's bytes on the wire."""

    @property
    def name(self) -> Dialect:
        """The dialect's name."""

    @property
    def completion_path(self) -> str:
        """The route that answers cases, e.g. `/v1/messages`."""

    @property
    def quirks(self) -> frozenset[str]:
        """The names of the wire's legal or common deviations that `encode` knows."""

    def encode(self, script: Script, request: Mapping[str, Any]) -> Reply:
        """A script as the service frames it, streamed or as one JSON body by the request's `stream`.

        Raises EncodingError when the dialect has no words for a part, a finish or a quirk.
        """

    def failure(self, failure: HttpFailure) -> Reply:
        """A refusal before the first byte, in the service's own error body."""

    def probe(self, method: str, path: str, body: Any) -> Reply | None:
        """The answer of one of the service's other routes; None when the service has no such route."""

    def unknown_route(self, method: str, path: str) -> Reply:
        """What the service says to a path or method that it does not have."""

    def objections(self, headers: Mapping[str, str], body: Any) -> tuple[Objection, ...]:
        """Everything for which the real service would refuse this request, first the one that it would word.

        Header names are lower-case. `body` is the parsed JSON, or None when it was not JSON.
        """
