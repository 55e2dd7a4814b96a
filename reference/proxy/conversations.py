"""What came before a request: stored responses as one list of items, references resolved."""

from __future__ import annotations

from typing import Any

from .errors import ApiError, invalid
from .store import Record, Store


class Conversations:
    """Reads conversations out of the store, for one tenant at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def context(self, tenant: str, previous: str | None, own: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The whole conversation: what the previous response saw and said, then this request's own items.

        Raises ApiError, in OpenAI's words, when the previous response (400) or a referenced item (404) is not there.
        """
        items = self._earlier(tenant, previous) if previous is not None else []
        for item in own:
            if item.get("type") == "item_reference" or set(item) == {"id"}:
                found = self._store.item(tenant, str(item.get("id")))
                if found is None:
                    message = f"Item with id {item.get('id')!r} not found."
                    raise ApiError(404, message, kind="invalid_request_error", param="input", code="item_not_found")
                items.append(found)
            else:
                items.append(item)
        return items

    def items(self, tenant: str, record: Record) -> list[dict[str, Any]]:
        """All input items of a stored response, oldest first."""
        return [as_listed(item) for item in self.context(tenant, record.previous, record.input)]

    def _earlier(self, tenant: str, previous: str) -> list[dict[str, Any]]:
        chain = self._store.chain(tenant, previous)
        if chain is None:
            message = f"Previous response with id {previous!r} not found."
            raise invalid(message, "previous_response_id", "previous_response_not_found")
        items: list[dict[str, Any]] = []
        for record in chain:
            items += self.context(tenant, None, record.input)
            items += record.response["output"]
        return items


def as_listed(item: dict[str, Any]) -> dict[str, Any]:
    """An input item as OpenAI shows it: messages have a type, a status, and their content in parts."""
    if (item.get("type") or "message") != "message":
        return item
    content = item.get("content") or []
    if isinstance(content, str):
        spoken = {"type": "output_text", "text": content, "annotations": []}
        content = [spoken if item.get("role") == "assistant" else {"type": "input_text", "text": content}]
    return {**item, "type": "message", "status": item.get("status") or "completed", "content": content}


def page(items: list[dict[str, Any]], after: str | None, limit: int) -> dict[str, Any]:
    """One page of a list, as OpenAI's list objects are.

    Raises ApiError (400) for a limit out of range or an unknown ``after``.
    """
    names = [item.get("id") for item in items]
    if after is not None and after not in names:
        raise invalid(f"No item with id {after!r}.", "after")
    if not 1 <= limit <= 100:
        raise invalid("'limit' must be between 1 and 100.", "limit")
    start = names.index(after) + 1 if after is not None else 0
    shown = items[start : start + limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0].get("id") if shown else None,
        "last_id": shown[-1].get("id") if shown else None,
        "has_more": len(items) > start + limit,
    }
