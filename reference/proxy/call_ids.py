"""Call ids that the other side cannot hold, and legal ones in their place."""

from __future__ import annotations

import base64
import hashlib
import re

_LEGAL = re.compile(r"[!-~]{1,64}")
_PACKED = "call_b64_"


class CallIds:
    """Rewrites call ids one-to-one, in both directions.

    What is 1-64 visible ASCII characters goes through as it is: a server such as Kimi's wants its own ids back to
    the letter. An upstream's other ids are packed into one that can be undone without memory where that fits; a
    longer one gets a digest and is remembered, the oldest forgotten first. A forgotten one goes upstream as the
    client knows it, in the call and in its output: still one consistent pair.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._upstream: dict[str, str] = {}

    def outward(self, upstream_id: str) -> str:
        """The id the client gets: at most 64 characters, the same for the same upstream id; empty for none."""
        if not upstream_id or _LEGAL.fullmatch(upstream_id):
            return upstream_id
        packed = _pack(upstream_id)
        if len(packed) <= 64:
            return packed
        ours = _digest(upstream_id)
        self._upstream[ours] = upstream_id
        if len(self._upstream) > self._limit:
            del self._upstream[next(iter(self._upstream))]
        return ours

    def inward(self, call_id: str) -> str:
        """The upstream's own id for one the client sends back; a legal one for an illegal one of the client's."""
        own = self._upstream.get(call_id) or _unpack(call_id)
        if own:
            return own
        return call_id if _LEGAL.fullmatch(call_id) else _digest(call_id)


def _digest(call_id: str) -> str:
    # 40 characters: OpenAI's chat completions refuses longer ids (microsoft/autogen#6377).
    return f"call_{hashlib.sha256(call_id.encode()).hexdigest()[:35]}"


def _pack(call_id: str) -> str:
    return _PACKED + base64.urlsafe_b64encode(call_id.encode()).decode().rstrip("=")


def _unpack(call_id: str) -> str | None:
    try:
        own = base64.urlsafe_b64decode(call_id.removeprefix(_PACKED) + "==").decode()
    except ValueError:
        return None
    return own if call_id == _pack(own) and not _LEGAL.fullmatch(own) else None
