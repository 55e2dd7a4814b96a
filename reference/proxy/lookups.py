"""What a client can ask without getting an answer of a model: its models, and how long an input is."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from .errors import ApiError
from .translation import DIALECTS, Core, prepare
from .upstream import Upstream
from .web import as_json, client_key


async def count_tokens(upstream: Upstream, core: Core, asked: Any, items: list[dict[str, Any]], key: str | None) -> int:
    """The length of an input, as the upstream counts it.

    Raises ApiError, 501 where the upstream has no way to count.
    """
    dialect = DIALECTS[core.config.dialect]
    cannot = ApiError(501, "This server's upstream has no way to count tokens.", code="not_implemented")
    if dialect.counting is None:
        raise cannot
    path, figure, fields = dialect.counting
    body, _ = dialect.build(*prepare(core, asked, items), core.config)
    wanted = msgspec.json.encode({name: body[name] for name in fields if name in body})
    try:
        counted = await upstream.json("POST", path, wanted, key)
    except ApiError as error:
        raise cannot if error.code == "upstream_lacks_api" else error from None
    if not isinstance(counted, dict) or not isinstance(counted.get(figure), int):
        raise ApiError(502, "The upstream did not count the tokens.", code="upstream_error")
    return int(counted[figure])


class Models:
    """The models of the upstream, in OpenAI's form."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def every(self, request: Request) -> Response:
        """All of them; none when the upstream has no such list."""
        return as_json({"object": "list", "data": await self._list(request)})

    async def one(self, request: Request) -> Response:
        """The one named in the path."""
        wanted = request.path_params["model"]
        for model in await self._list(request):
            if model["id"] == wanted:
                return as_json(model)
        raise ApiError(404, f"The model '{wanted}' does not exist.", param="model", code="model_not_found")

    async def _list(self, request: Request) -> list[dict[str, Any]]:
        try:
            listed = await self._upstream.json("GET", "/v1/models", None, client_key(request))
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
