"""The HTTP client: one POST, its errors, and the headers each kind of upstream wants."""

from __future__ import annotations

import asyncio
import io
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from .config import Config
from .errors import ApiError, from_upstream

_MAX_ERROR_BODY = 64 << 10
LOST = (aiohttp.ClientError, OSError)
"""What aiohttp raises when a connection breaks, before or in an answer."""


class Upstream:
    """Connections to the upstream, open inside ``async with``."""

    _session: aiohttp.ClientSession

    def __init__(self, config: Config) -> None:
        self._config = config

    async def __aenter__(self) -> Upstream:
        """Make ready."""
        # Shorter than the usual 5 s after which servers close an idle connection: a POST on a connection that is
        # just being closed fails, and a completion must not be sent twice.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=4)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._config.connect_timeout)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close all connections."""
        await self._session.close()

    def key(self, client_key: str | None) -> str | None:
        """The API key for a request of this client."""
        return client_key if self._config.forward_client_key else self._config.upstream_api_key

    def _headers(self, key: str | None) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "responses-proxy"}
        anthropic = self._config.dialect == "messages"
        if anthropic:
            headers["anthropic-version"] = "2023-06-01"
        if key and anthropic:
            headers["x-api-key"] = key
        # Anthropic takes a bearer for an OAuth token; servers that imitate it (vLLM) take nothing else.
        if key and not (anthropic and self._is_anthropic(key)):
            headers["Authorization"] = f"Bearer {key}"
        return headers

    def _is_anthropic(self, key: str) -> bool:
        host = urlsplit(self._config.upstream).hostname or ""
        return key.startswith("sk-ant-") or host == "anthropic.com" or host.endswith(".anthropic.com")

    async def open(
        self, method: str, path: str, body: bytes | None, client_key: str | None, accept: str = "application/json"
    ) -> aiohttp.ClientResponse:
        """Send a request and wait for the head of a successful answer.

        Raises ApiError when the upstream cannot be reached or answers with an error.
        """
        key = self.key(client_key)
        headers = {**self._headers(key), "Accept": accept}
        try:
            response = await self._session.request(
                method, self._config.upstream + path, data=_payload(body), headers=headers, allow_redirects=False
            )
            if response.status < 300:
                return response
            try:
                text = await _bounded(response)
            finally:
                response.close()
        except TimeoutError:
            raise ApiError(504, "The upstream did not answer in time.", code="upstream_timeout") from None
        except aiohttp.ClientConnectorError:
            raise ApiError(502, "The upstream cannot be reached.", code="upstream_unreachable") from None
        except LOST:
            raise ApiError(
                502, "The upstream closed the connection without an answer.", code="upstream_error"
            ) from None
        raise from_upstream(response.status, text, response.headers.get("Retry-After"), key)

    async def json(self, method: str, path: str, body: bytes | None, client_key: str | None) -> Any:
        """A small JSON answer.

        Raises ApiError as ``open`` does, and when the answer is not JSON.
        """
        response = await self.open(method, path, body, client_key)
        try:
            async with asyncio.timeout(self._config.idle_timeout):
                return await response.json(content_type=None)
        except (*LOST, ValueError):
            raise ApiError(502, "The upstream sent what is not JSON.", code="upstream_error") from None
        finally:
            response.close()


async def read(content: aiohttp.StreamReader) -> bytes:
    """The next bytes of a body, b"" at its end; what came before a connection broke comes before the exception.

    aiohttp raises at once, and keeps back what it had not handed out yet.
    """
    try:
        return await content.readany()
    except LOST as error:
        content.set_exception(None)  # type: ignore[arg-type]
        try:
            unread = content.read_nowait()
        finally:
            content.set_exception(error)
        if unread:
            return unread
        raise


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    """A large body goes out in pieces, so that it does not hold up the event loop."""
    return io.BytesIO(body) if body is not None and len(body) > 1 << 20 else body


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """The beginning of an error body; what comes late or breaks off is left."""
    body = b""
    try:
        async with asyncio.timeout(5):
            while len(body) < _MAX_ERROR_BODY and (piece := await read(response.content)):
                body += piece
    except (*LOST, TimeoutError):
        pass
    return body
