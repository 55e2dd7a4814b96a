"""What all endpoints share: who asks, and JSON answers."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from .errors import ApiError, invalid


def client_key(request: Request) -> str | None:
    """The key the client presents, as bearer token or in ``x-api-key``."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else request.headers.get("x-api-key")


def tenant(request: Request) -> str:
    """Who may see a stored response: whoever presents the same key."""
    return hashlib.sha256((client_key(request) or "").encode()).hexdigest()[:32]


def whole_number(request: Request, name: str, default: int, most: int = 1 << 53) -> int:
    """An integer of the query, not negative.

    Raises ApiError (400) for anything else.
    """
    given = request.query_params.get(name, str(default))
    if not given.isdecimal() or int(given) > most:
        raise invalid(f"'{name}' must be an integer from 0 to {most}.", name, "invalid_value")
    return int(given)


def header(text: str) -> str:
    """Text as it may stand in a header or in a line of the log."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)[:2000]


def as_json(body: Any) -> Response:
    """A successful answer."""
    return Response(msgspec.json.encode(body), media_type="application/json")


def as_error(error: ApiError, headers: dict[str, str] | None = None) -> Response:
    """An error in OpenAI's form."""
    return Response(error.body(), error.status, {**error.headers(), **(headers or {})}, "application/json")
