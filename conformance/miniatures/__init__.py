"""Miniatures: named wrong proxies that prove that each check can fail."""

from conformance.miniatures import (
    clients,
    content,
    identities,
    items,
    lifecycle,
    response_object,
    said_content,
    schemas,
    sequence,
    sse_wire,
    usage,
)
from conformance.miniatures.miniature import Edit, Miniature, all_miniatures, get, miniature

__all__ = [
    "Edit",
    "Miniature",
    "all_miniatures",
    "clients",
    "content",
    "get",
    "identities",
    "items",
    "lifecycle",
    "miniature",
    "response_object",
    "said_content",
    "schemas",
    "sequence",
    "sse_wire",
    "usage",
]
