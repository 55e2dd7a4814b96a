"""The suite's checks."""

from conformance.checks import (
    clients,
    content,
    echoes,
    identities,
    item_states,
    items,
    lifecycle,
    response_object,
    said_content,
    schemas,
    sequence,
    sse_wire,
    usage,
)

__all__ = [
    "clients",
    "content",
    "echoes",
    "identities",
    "item_states",
    "items",
    "lifecycle",
    "response_object",
    "said_content",
    "schemas",
    "sequence",
    "sse_wire",
    "usage",
]
