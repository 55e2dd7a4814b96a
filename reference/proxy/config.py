"""What the operator chooses, and how the address of the upstream is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Dialect = Literal["chat_completions", "messages", "vllm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One proxy's settings; times are in seconds, sizes in bytes."""

    upstream: str
    """Root of the upstream without ``/v1`` and without a trailing slash."""
    dialect: Dialect
    upstream_api_key: str | None = None
    forward_client_key: bool = False
    api_key: str | None = None
    """What clients must present as bearer token; None lets everybody in."""
    reasoning: Literal["summary", "raw"] = "summary"
    refusals: Literal["part", "text"] = "part"
    system_position: Literal["leading", "in-place"] = "leading"
    developer_role: Literal["system", "developer"] = "system"
    default_max_tokens: int = 32_000
    """``max_tokens`` for Messages when the client gives none: that API requires one."""
    keep_alive: float = 15.0
    connect_timeout: float = 10.0
    idle_timeout: float = 300.0
    shutdown_timeout: int = 10
    max_event_bytes: int = 16 << 20
    max_body_bytes: int = 64 << 20
    store: str = ":memory:"
    store_limit: int = 1000
    store_bytes: int = 256 << 20
    secret: bytes | None = None
    """Seals ``encrypted_content``; None makes one that lives as long as the store."""


def upstream_root(url: str) -> str:
    """Return the root of ``url``, which is scheme, host and port, or the same with a path ending in /v1.

    Raises ValueError, with a sentence for the operator, for anything else.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError("the address must not hold credentials; name a variable with --upstream-api-key-env")
    _ = parts.port  # raises ValueError when it is out of range
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not an http(s) address such as http://127.0.0.1:8000")
    path = parts.path.rstrip("/")
    if parts.query or parts.fragment or (path and not path.endswith("/v1")):
        raise ValueError(f"the path of {url!r} must be empty or end in /v1")
    return f"{parts.scheme}://{parts.netloc}{path.removesuffix('/v1')}"
