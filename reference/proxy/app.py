"""Routes, and the making of a response: from a request that was read to the exchange that answers it."""

from __future__ import annotations

import hmac
import logging
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from . import request as requests
from .body import read_body
from .call_ids import CallIds
from .compaction import as_compaction
from .config import Config
from .conversations import Conversations
from .errors import ApiError, raised, safe_message
from .lookups import Models, count_tokens
from .relay import Relay
from .sealed import Sealer
from .store import Record, Store
from .stored import Stored
from .translation import Core, Translation, translate
from .upstream import Upstream
from .web import as_error, as_json, client_key, header, tenant

log = logging.getLogger("reference.proxy")
Handler = Callable[[Request], Awaitable[Any]]


class Proxy:
    """The ASGI application, as ``Proxy(config).app``; it opens its store at once and is used once.

    Raises sqlite3.Error when the store cannot be opened.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self._running: set[Relay] = set()
        self._stopped = False
        self._store = Store(config.store, config.store_limit, config.store_bytes)
        self._conversations = Conversations(self._store)
        self._core = Core(config, Sealer(config.secret or self._store.secret()), CallIds())
        self._upstream = Upstream(config)
        stored, models, post, get = Stored(self._store, self._conversations), Models(self._upstream), ["POST"], ["GET"]
        one = "/v1/responses/{response_id}"
        self.app = Starlette(
            routes=[
                Route("/v1/responses", self._guard(self._create), methods=post),
                Route("/v1/responses", self._guard(_upgrade), methods=get),
                Route("/v1/responses/input_tokens", self._guard(self._input_tokens), methods=post),
                Route("/v1/responses/compact", self._guard(self._compact), methods=post),
                Route(one, self._guard(stored.retrieve), methods=get),
                Route(one, self._guard(stored.delete), methods=["DELETE"]),
                Route(one + "/cancel", self._guard(stored.cancel), methods=post),
                Route(one + "/input_items", self._guard(stored.input_items), methods=get),
                Route("/v1/models", self._guard(models.every), methods=get),
                Route("/v1/models/{model:path}", self._guard(models.one), methods=get),
                Route("/health", _health, methods=get),
            ],
            exception_handlers={404: _not_found, 405: _wrong_method},
            lifespan=self._lifespan,
        )

    def stop(self) -> None:
        """End running streams with ``response.failed``; call it in the event loop's thread."""
        self._stopped = True
        for relay in list(self._running):
            relay.stop()

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        try:
            async with self._upstream:
                yield
        finally:
            self._store.close()

    def _guard(self, handler: Handler) -> Handler:
        """Check the client's key, and answer errors in OpenAI's form whatever happens."""

        async def guarded(request: Request) -> Any:
            request.state.started = time.monotonic()
            try:
                wanted, given = self.config.api_key, client_key(request) or ""
                if wanted is not None and not hmac.compare_digest(given.encode(), wanted.encode()):
                    raise ApiError(401, "Incorrect API key provided.", code="invalid_api_key")
                return await handler(request)
            except ApiError as error:
                asked, why = f"{request.method} {request.url.path}", safe_message(error.message, "")
                log.info("%s error %d: %s", header(asked), error.status, header(why))
                return as_error(error)
            except ClientDisconnect:
                return Response(status_code=499)
            except Exception as error:  # noqa: BLE001 - the last resort
                log.error("internal error: %s", raised(error))
                return as_error(ApiError(500, "The proxy failed on this request."))

        return guarded

    async def _asked(self, request: Request, *more: dict[str, Any]) -> tuple[requests.Request, list[dict[str, Any]]]:
        """The request, with ``more`` items at the end of its input, and the whole conversation."""
        asked = requests.parse(await read_body(request, self.config.max_body_bytes))
        asked.input = [*asked.items(), *more]
        return asked, self._conversations.context(tenant(request), asked.previous_response_id, asked.input)

    async def _create(self, request: Request) -> Any:
        asked, items = await self._asked(request)
        translation = self._translate(request, asked, items)

        def store(frames: bytes | None) -> None:
            result = translation.stream.result
            if result is not None and result["status"] != "failed":
                try:
                    self._store.put(tenant(request), Record(result, asked.items(), asked.previous_response_id, frames))
                except sqlite3.Error as error:  # a full disk must not cost the client its answer
                    log.error("a response could not be stored: %s", error)

        stored = asked.store is not False
        return self._relay(request, asked, translation, bool(asked.stream), store if stored else None)

    async def _compact(self, request: Request) -> Any:
        asked, items = await self._asked(request, {"type": "compaction_trigger"})
        translation = self._translate(request, asked, items)

        def compact(frames: bytes | None) -> None:
            translation.stream.result = as_compaction(translation.stream.result, items)

        return self._relay(request, asked, translation, False, compact)

    def _translate(self, request: Request, asked: requests.Request, items: list[dict[str, Any]]) -> Translation:
        secret = self._upstream.key(client_key(request))
        return translate(self._core, asked, items, seed=secrets.token_hex(24), now=time.time(), secret=secret)

    def _relay(
        self,
        request: Request,
        asked: requests.Request,
        translation: Translation,
        streaming: bool,
        finished: Callable[[bytes | None], None] | None,
    ) -> Relay:
        request_id = secrets.token_hex(8)
        headers = {"x-request-id": request_id}
        if translation.warnings:
            headers["responses-proxy-warnings"] = header("; ".join(translation.warnings))
        label = f"{request_id} {header(asked.model)} {self.config.dialect}"
        relay = Relay(
            self._upstream, self.config, translation, self._running, label, headers,
            client_key=client_key(request), streaming=streaming, started=request.state.started, finished=finished,
        )  # fmt: skip
        if self._stopped:
            relay.stop()
        return relay

    async def _input_tokens(self, request: Request) -> Response:
        asked, items = await self._asked(request)
        counted = await count_tokens(self._upstream, self._core, asked, items, client_key(request))
        return as_json({"object": "response.input_tokens", "input_tokens": counted})


async def _upgrade(request: Request) -> Response:
    if request.headers.get("upgrade", "").lower() == "websocket":
        # openai/codex falls back to HTTP at once on 426, and only on 426.
        error = ApiError(426, "This server speaks HTTP only; use POST /v1/responses.", code="upgrade_required")
        return as_error(error, {"Upgrade": "HTTP/1.1", "Connection": "close"})
    raise ApiError(405, "Method not allowed: use POST.", code="method_not_allowed")


async def _health(request: Request) -> Response:
    return as_json({"status": "ok"})


async def _not_found(request: Request, error: Exception) -> Response:
    return as_error(ApiError(404, f"Unknown path: {request.url.path}", code="unknown_url"))


async def _wrong_method(request: Request, error: Exception) -> Response:
    return as_error(ApiError(405, f"Method {request.method} is not allowed here.", code="method_not_allowed"))
