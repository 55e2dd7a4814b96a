"""Miniatures of bugs that real proxies have had, each with exactly that bug: it shows where the thread's did.

The tables in `conformance/requirements/bugs/` name the thread, the cases and the rules of each.
"""

from conformance.miniatures.known_bugs import (
    asked,
    asked_tools,
    failing,
    heard_chat,
    heard_messages,
    heard_wire,
    refused,
    told_items,
    told_streams,
)

__all__ = [
    "asked",
    "asked_tools",
    "failing",
    "heard_chat",
    "heard_messages",
    "heard_wire",
    "refused",
    "told_items",
    "told_streams",
]
