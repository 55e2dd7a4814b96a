"""The suite's checks."""

from conformance.checks import (
    identities,
    item_states,
    items,
    lifecycle,
    sequence,
    sse_wire,
)

__all__ = ["identities", "item_states", "items", "lifecycle", "sequence", "sse_wire"]
