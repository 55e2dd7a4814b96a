"""The endpoints of stored responses: retrieve, replay, list the input, delete."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from .conversations import Conversations, page
from .errors import ApiError, invalid
from .sse import DONE
from .store import Frames, Record, Store
from .web import as_json, tenant, whole_number


class Stored:
    """Handlers that a ``response_id`` in the path leads to."""

    def __init__(self, store: Store, conversations: Conversations) -> None:
        self._store = store
        self._conversations = conversations

    def _record(self, request: Request) -> Record:
        response_id = request.path_params["response_id"]
        record = self._store.get(tenant(request), response_id)
        if record is None:
            raise ApiError(404, f"Response with id '{response_id}' not found.", param="response_id", code="not_found")
        return record

    async def retrieve(self, request: Request) -> Response:
        """The response, or with ``stream=true`` its events, from after ``starting_after``."""
        record = self._record(request)
        if request.query_params.get("stream", "").lower() not in ("true", "1"):
            return as_json(record.response)
        if record.frames is None:
            raise invalid("Only a response created with 'stream: true' can be streamed.", "stream")
        # Frame n has sequence number n.
        first = whole_number(request, "starting_after", 0) + 1 if "starting_after" in request.query_params else 0
        frames = Frames.unpack(record.frames).split(b"\n\n")[:-2][first:]
        replay = b"".join(frame + b"\n\n" for frame in frames) + DONE
        return Response(replay, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})

    async def delete(self, request: Request) -> Response:
        """Forget the response."""
        response_id = self._record(request).response["id"]
        self._store.delete(tenant(request), response_id)
        return as_json({"id": response_id, "object": "response", "deleted": True})

    async def cancel(self, request: Request) -> Response:
        """Nothing runs in the background, so nothing can be cancelled."""
        self._record(request)
        raise invalid("Only a response created with 'background: true' can be cancelled.", "response_id")

    async def input_items(self, request: Request) -> Response:
        """One page of what the model was given, newest first unless asked otherwise."""
        record, query = self._record(request), request.query_params
        items = self._conversations.items(tenant(request), record)
        if query.get("order", "desc") != "asc":
            items.reverse()
        return as_json(page(items, query.get("after"), whole_number(request, "limit", 20)))
