"""Where a live endpoint is: its URL read, checked, and made into what the client needs."""

from __future__ import annotations

from urllib.parse import urlsplit

from conformance.client import Endpoint
from conformance.errors import UsageError
from conformance.live.driver import LIVE_DEADLINES
from conformance.live.secrecy import Secret

__all__ = ["live_endpoint"]

_EXAMPLE = "write for example https://host/v1"


def live_endpoint(url: str, secret: Secret | None) -> Endpoint:
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
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError(f"--live-url {url!r} is no URL of a server; {_EXAMPLE}")
    if parts.query or parts.fragment:
        raise UsageError(f"--live-url holds a query or a fragment, which no base URL has; {_EXAMPLE}")
    base = parts.path.rstrip("/").removesuffix("/responses")
    headers = {} if secret is None else {"authorization": secret.header}
    return Endpoint(f"{parts.scheme}://{parts.netloc}", base, headers, LIVE_DEADLINES)
