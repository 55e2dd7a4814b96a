"""Readings: the structure of a target's stream, as far as it has one.

    StreamReading ── events, snapshots, terminal
        └─ ItemReading ── added, done, in the terminal response
              └─ PartReading ── added, deltas, done ...

Reading never raises and never judges: what is missing is None, what belongs nowhere is kept as it came. It is
done once an exchange and shared by all checks.

An event belongs to the item with its `output_index`; where two items share that index, or none has it, its
`item_id` decides. Events of an item that was never announced make an item of their own (`added` is None).
"""

from conformance.reading.families import CALL_TYPES, FAMILIES, Family, FamilyName
from conformance.reading.items import ItemReading, PartReading, as_dict, as_list, is_index
from conformance.reading.stream import LIFECYCLE, SNAPSHOTS, StreamReading, read, stream_items, streams
from conformance.reading.structure import stream_structure, structure

__all__ = [
    "CALL_TYPES",
    "FAMILIES",
    "LIFECYCLE",
    "SNAPSHOTS",
    "Family",
    "FamilyName",
    "ItemReading",
    "PartReading",
    "StreamReading",
    "as_dict",
    "as_list",
    "is_index",
    "read",
    "stream_items",
    "stream_structure",
    "streams",
    "structure",
]
