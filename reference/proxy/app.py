"""Routes and HTTP only: reading requests, the store's endpoints, models, health."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from . import request as requests
from .body import read_body
from .call_ids import CallIds
from .config import Config
from .conversations import Conversations, page
from .errors import ApiError, invalid, raised, safe_message
from .relay import Relay
from .sealed import Sealer
from .sse import DONE
from .store import Frames, Record, Store
from .translation import Core, Translation, prepare, translate, upstream_body
from .upstream import Upstream

log = logging.getLogger("reference.proxy")
Handler = Callable[[Request], Awaitable[Any]]


class Proxy:
    """The ASGI application, as ``Proxy(config).app``; its parts live from startup to shutdown."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._relays: set[Relay] = set()
        self._stopped = False
        self._upstream: Upstream
        self._store: Store
        self._conversations: Conversations
        self._core: Core
        post, get = ["POST"], ["GET"]
        one = "/v1/responses/{response_id}"
        self.app = Starlette(
            routes=[
                Route("/v1/responses", self._guard(self._create), methods=post),
                Route("/v1/responses", self._guard(self._upgrade), methods=get),
                Route("/v1/responses/input_tokens", self._guard(self._input_tokens), methods=post),
                Route("/v1/responses/compact", self._guard(self._compact), methods=post),
                Route(one, self._guard(self._retrieve), methods=get),
                Route(one, self._guard(self._delete), methods=["DELETE"]),
                Route(one + "/cancel", self._guard(self._cancel), methods=post),
                Route(one + "/input_items", self._guard(self._input_items), methods=get),
                Route("/v1/models", self._guard(self._models), methods=get),
                Route("/v1/models/{model:path}", self._guard(self._model), methods=get),
                Route("/health", _health, methods=get),
            ],
            exception_handlers={404: _not_found, 405: _wrong_method},
            lifespan=self._lifespan,
        )

    def stop(self) -> None:
        """End running streams with ``response.failed``; call it in the event loop's thread."""
        self._stopped = True
        for relay in list(self._relays):
            relay.stop()

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        config = self.config
        self._upstream = Upstream(config)
        self._store = Store(config.store, config.store_limit, config.store_bytes)
        self._conversations = Conversations(self._store)
        self._core = Core(config, Sealer(config.secret or self._store.secret()), CallIds())
        try:
            yield
        finally:
            await self._upstream.close()
            self._store.close()

    def _guard(self, handler: Handler) -> Handler:
        """Check the client's key, and answer errors in OpenAI's form whatever happens."""

        async def guarded(request: Request) -> Any:
            try:
                wanted, given = self.config.api_key, _client_key(request) or ""
                if wanted is not None and not hmac.compare_digest(given.encode(), wanted.encode()):
                    raise ApiError(401, "Incorrect API key provided.", code="invalid_api_key")
                return await handler(request)
            except ApiError as error:
                asked, why = f"{request.method} {request.url.path}", safe_message(error.message, "")
                log.info("%s error %d: %s", _header(asked), error.status, _header(why))
                return _error(error)
            except ClientDisconnect:
                return Response(status_code=499)
            except Exception as error:  # noqa: BLE001 - the last resort
                log.error("internal error: %s", raised(error))
                return _error(ApiError(500, "The proxy failed on this request."))

        return guarded

    # --- making a response

    async def _create(self, request: Request) -> Any:
        started = time.monotonic()
        body = await read_body(request, self.config.max_body)
        asked = requests.parse(body)
        own = asked.items()
        tenant, streaming = _tenant(request), bool(asked.stream)
        context = self._conversations.context(tenant, asked.previous_response_id, own)
        translation = self._translate(request, asked, context, body)
        request_id = secrets.token_hex(8)
        headers = {"x-request-id": request_id}
        if translation.warnings:
            headers["responses-proxy-warnings"] = _header("; ".join(translation.warnings))

        def finished(frames: bytes | None) -> None:
            result = translation.stream.result
            if stored and result is not None and result["status"] != "failed":
                try:
                    self._store.put(tenant, Record(result, own, asked.previous_response_id, frames))
                except sqlite3.Error as error:  # a full disk must not cost the client its answer
                    log.error("a response could not be stored: %s", error)

        stored = asked.store is not False
        relay = Relay(
            self._upstream,
            self.config,
            translation,
            client_key=_client_key(request),
            streaming=streaming,
            keep_frames=stored and streaming,
            headers=headers,
            finished=finished,
        )
        return _Tracked(self, relay, f"{request_id} {_header(asked.model)} {self.config.dialect}", translation, started)

    def _translate(
        self, request: Request, asked: requests.Request, context: list[dict[str, Any]], body: bytes
    ) -> Translation:
        return translate(
            self._core,
            asked,
            context,
            seed=secrets.token_hex(24),
            now=time.time(),
            secret=self._upstream.key(_client_key(request)),
            raw_body=body,
        )

    async def _upgrade(self, request: Request) -> Response:
        if request.headers.get("upgrade", "").lower() == "websocket":
            # openai/codex falls back to HTTP at once on 426, and only on 426.
            error = ApiError(426, "This server speaks HTTP only; use POST /v1/responses.", code="upgrade_required")
            return _error(error, {"Upgrade": "HTTP/1.1", "Connection": "close"})
        raise ApiError(405, "Method not allowed: use POST.", code="method_not_allowed")

    # --- stored responses

    def _record(self, request: Request) -> Record:
        response_id = request.path_params["response_id"]
        record = self._store.get(_tenant(request), response_id)
        if record is None:
            raise ApiError(404, f"Response with id '{response_id}' not found.", param="response_id", code="not_found")
        return record

    async def _retrieve(self, request: Request) -> Response:
        record = self._record(request)
        if request.query_params.get("stream", "").lower() not in ("true", "1"):
            return _json(record.response)
        if record.frames is None:
            raise invalid("Only a response created with 'stream: true' can be streamed.", "stream")
        after = _integer(request, "starting_after", -1)
        # Frame n has sequence number n.
        frames = Frames.unpack(record.frames).split(b"\n\n")[:-2][after + 1 :]
        replay = b"".join(frame + b"\n\n" for frame in frames) + DONE
        return Response(replay, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})

    async def _delete(self, request: Request) -> Response:
        record = self._record(request)
        self._store.delete(_tenant(request), record.response["id"])
        return _json({"id": record.response["id"], "object": "response", "deleted": True})

    async def _cancel(self, request: Request) -> Response:
        self._record(request)
        raise invalid("Only a response created with 'background: true' can be cancelled.", "response_id")

    async def _input_items(self, request: Request) -> Response:
        record, query = self._record(request), request.query_params
        items = self._conversations.items(_tenant(request), record)
        if query.get("order", "desc") != "asc":
            items.reverse()
        return _json(page(items, query.get("after"), _integer(request, "limit", 20)))

    # --- helpers of other kinds

    async def _input_tokens(self, request: Request) -> Response:
        asked = requests.parse(await read_body(request, self.config.max_body))
        context = self._conversations.context(_tenant(request), asked.previous_response_id, asked.items())
        asked, tools, past = prepare(self._core, asked, context)
        body, _ = upstream_body(self._core, asked, past, tools)
        kept: tuple[str, ...] = ("model", "messages", "system", "tools", "tool_choice", "thinking")
        if self.config.dialect == "messages":
            path, key = "/v1/messages/count_tokens", "input_tokens"
        elif self.config.dialect == "vllm":
            path, key, kept = "/tokenize", "count", ("model", "messages", "tools")
        else:
            raise _cannot_count()
        wanted = msgspec.json.encode({name: body[name] for name in kept if name in body})
        try:
            counted = await self._upstream.json("POST", path, wanted, _client_key(request))
        except ApiError as error:
            raise _cannot_count() if error.code == "upstream_lacks_api" else error from None
        if not isinstance(counted, dict) or not isinstance(counted.get(key), int):
            raise ApiError(502, "The upstream did not count the tokens.", code="upstream_error")
        return _json({"object": "response.input_tokens", "input_tokens": counted[key]})

    async def _compact(self, request: Request) -> Any:
        body = await read_body(request, self.config.max_body)
        asked = requests.parse(body)
        asked.input = [*asked.items(), {"type": "compaction_trigger"}]
        context = self._conversations.context(_tenant(request), asked.previous_response_id, asked.input)
        translation = self._translate(request, asked, context, body)
        relay = Relay(
            self._upstream,
            self.config,
            translation,
            client_key=_client_key(request),
            streaming=False,
            keep_frames=False,
            headers={"x-request-id": secrets.token_hex(8)},
            finished=lambda frames: _as_compaction(translation, context),
        )
        return _Tracked(self, relay, f"compact {_header(asked.model)}", translation, time.monotonic())

    async def _models(self, request: Request) -> Response:
        return _json({"object": "list", "data": await self._list_models(request)})

    async def _model(self, request: Request) -> Response:
        wanted = request.path_params["model"]
        for model in await self._list_models(request):
            if model["id"] == wanted:
                return _json(model)
        raise ApiError(404, f"The model '{wanted}' does not exist.", param="model", code="model_not_found")

    async def _list_models(self, request: Request) -> list[dict[str, Any]]:
        """The upstream's models; none when it has no such list."""
        try:
            listed = await self._upstream.json("GET", "/v1/models", None, _client_key(request))
        except ApiError as error:
            if error.code == "upstream_lacks_api":
                return []
            raise
        entries = listed.get("data") if isinstance(listed, dict) else None
        return [
            {
                "id": str(entry["id"]),
                "object": "model",
                "created": entry.get("created") if isinstance(entry.get("created"), int) else 0,
                "owned_by": str(entry.get("owned_by") or "upstream"),
            }
            for entry in entries or ()
            if isinstance(entry, dict) and "id" in entry
        ]


class _Tracked:
    """A relay that can be stopped, and is logged in one line when it is over."""

    def __init__(self, proxy: Proxy, relay: Relay, label: str, translation: Translation, started: float) -> None:
        self._proxy = proxy
        self._relay = relay
        self._label = label
        self._translation = translation
        self._started = started

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        relay = self._relay
        self._proxy._relays.add(relay)
        if self._proxy._stopped:
            relay.stop()
        try:
            await relay(scope, receive, send)
        finally:
            self._proxy._relays.discard(relay)
            if log.isEnabledFor(logging.INFO):
                self._log()

    def _log(self) -> None:
        usage, failure = self._translation.stream.usage, self._translation.stream.failure
        first = f"{self._relay.first_byte - self._started:.3f}s" if self._relay.first_byte else "-"
        log.info(
            "%s %s first=%s total=%.3fs in=%s out=%s%s%s",
            self._label,
            self._relay.outcome,
            first,
            time.monotonic() - self._started,
            usage.input if usage else "-",
            usage.output if usage else "-",
            f" failure={failure.message!r}" if failure else "",
            f" warnings={'; '.join(self._translation.warnings)!r}" if self._translation.warnings else "",
        )


def _as_compaction(translation: Translation, context: list[dict[str, Any]]) -> None:
    """Make a finished response into the object of the compact endpoint: the user's messages and one blob."""
    result = translation.stream.result
    if result is None or result["status"] != "completed":
        return
    users = [
        {
            "id": item.get("id") or f"msg_{result['id'][5:37]}u{number:03x}",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": (
                [{"type": "input_text", "text": item["content"]}]
                if isinstance(item.get("content"), str)
                else item.get("content") or []
            ),
        }
        for number, item in enumerate(context)
        if item.get("type", "message") == "message" and item.get("role") == "user"
    ]
    translation.stream.result = {
        "id": result["id"],
        "object": "response.compaction",
        "created_at": result["created_at"],
        "output": [*users, *result["output"]],
        "usage": result["usage"],
    }


def _cannot_count() -> ApiError:
    return ApiError(501, "This server's upstream has no way to count tokens.", code="not_implemented")


def _client_key(request: Request) -> str | None:
    """The key the client presents, as bearer token or in ``x-api-key``."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else request.headers.get("x-api-key")


def _tenant(request: Request) -> str:
    """Who may see a stored response: whoever presents the same key."""
    return hashlib.sha256((_client_key(request) or "").encode()).hexdigest()[:32]


def _integer(request: Request, name: str, default: int) -> int:
    try:
        return int(request.query_params.get(name, default))
    except ValueError:
        raise invalid(f"'{name}' must be an integer.", name, "invalid_value") from None


def _header(text: str) -> str:
    return "".join(char if " " <= char <= "~" else "?" for char in text)[:2000]


def _json(body: Any) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")


def _error(error: ApiError, headers: dict[str, str] | None = None) -> Response:
    more = {"Retry-After": error.retry_after} if error.retry_after else {}
    return Response(error.body(), error.status, {**more, **(headers or {})}, "application/json")


async def _health(request: Request) -> Response:
    return _json({"status": "ok"})


async def _not_found(request: Request, error: Exception) -> Response:
    return _error(ApiError(404, f"Unknown path: {request.url.path}", code="unknown_url"))


async def _wrong_method(request: Request, error: Exception) -> Response:
    return _error(ApiError(405, f"Method {request.method} is not allowed here.", code="method_not_allowed"))
