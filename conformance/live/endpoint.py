"""Where a live endpoint is: its URL read, checked, and made into what the client needs."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from conformance.client import Deadlines, Endpoint
from conformance.errors import UsageError
from conformance.live.secrecy import Secret

__all__ = ["PATIENCE", "live_endpoint"]

PATIENCE = 300.0
"""Seconds to wait, unless `--patience` says another: a model on a slow machine thinks for minutes before it speaks."""

_CONNECT = 10.0  # seconds to wait for a connection at most
_WHOLE = 3  # times its patience an answer may take in all

_EXAMPLE = "write for example https://host/v1"
_WRITTEN = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"[\w.:%-]+", re.ASCII)


def live_endpoint(url: str, secret: Secret | None, patience: float = PATIENCE) -> Endpoint:
    """The endpoint of a base URL such as `https://host/v1`, or of the URL of its route `/responses`.

    Raises UsageError for what is no such URL, and for one that holds a password, which would be shown in reports.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as trouble:
        raise UsageError(f"--live-url is no URL ({trouble}); {_EXAMPLE}") from trouble
    if parts.username is not None or parts.password is not None:
        raise UsageError("--live-url holds a user or a password: name the variable of a key with --api-key-env instead")
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not _is_host(host) or port == 0:
        raise UsageError(f"--live-url {url!r} is no URL of a server; {_EXAMPLE}")
    if not _WRITTEN.fullmatch(url):
        raise UsageError("--live-url holds a space or a letter that no URL has: write it with %XX")
    if parts.query or parts.fragment:
        raise UsageError(f"--live-url holds a query or a fragment, which no base URL has; {_EXAMPLE}")
    base = parts.path.rstrip("/").removesuffix("/responses").rstrip("/")
    headers = {} if secret is None else {"authorization": secret.header}
    waits = Deadlines(connect=min(_CONNECT, patience), first_byte=patience, idle=patience, total=_WHOLE * patience)
    return Endpoint(f"{parts.scheme}://{parts.netloc}", base, headers, waits)


def _is_host(host: str) -> bool:
    """Whether it can be a host's name or address, as it is written in a request."""
    return bool(_HOST.fullmatch(host)) and (":" in host or all(label for label in host.removesuffix(".").split(".")))
