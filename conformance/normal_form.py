"""Normal forms: what stays of an exchange when everything is taken away that may differ between two right runs.

Two exchanges say the same when their normal forms are equal. Taken away are: how deltas of one part are cut
(runs are joined), ids (renamed by first appearance), times, sequence numbers, obfuscation, opaque blobs,
keep-alives, the token that a drive writes into its request, and usage that is not the upstream's: who counts
tokens himself counts those of ids too, and these are random. What stays is every kind of event in its
order, every text, every index, every status, and how the exchange ended.

    normal_form(exchange)          of a whole exchange: status, kind of answer, events or JSON, end
    response_form(exchange)        of the final Response object alone: what a stream and a JSON answer share
    drive_difference(left, right)  the first `Difference` between two drives of one case, None when there is none
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from conformance.transcript import TERMINALS, Drive, Event, Exchange
from fakes.correlation import TOKEN

__all__ = [
    "Difference",
    "Names",
    "difference",
    "drive_difference",
    "final_response",
    "is_keep_alive",
    "normal_form",
    "normal_form_of_drive",
    "response_form",
]


_DROPPED = frozenset({"sequence_number", "obfuscation"})
_OPAQUE = frozenset({"encrypted_content", "encrypted_index", "signature"})
_OF_THE_USER = frozenset({"metadata"})  # what stands in it is the user's: an "id" there is data
_KEEP_ALIVE = re.compile(r"(^|[._-])(ping|keep[._-]?alive|heartbeat)$")
_PART_KEYS = ("item_id", "output_index", "content_index", "summary_index", "type")


class Names:
    """Ids renamed by first appearance: the same id gets the same name, throughout one drive."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def of(self, identity: str) -> str:
        """The name of an id."""
        return self._names.setdefault(identity, f"<id {len(self._names) + 1}>")


@dataclass(frozen=True)
class Difference:
    """Where two normal forms part: a path into them ("events[3].delta") and the two values there.

    `MISSING` stands for a value that one side lacks.
    """

    path: str
    left: Any
    right: Any

    MISSING = "<missing>"

    def __str__(self) -> str:
        return f"at {self.path}: {self.left!r} against {self.right!r}"


def is_keep_alive(event: Event, *, progress_seen: bool) -> bool:
    """Whether an event says only that the connection lives: a ping, or `in_progress` once more."""
    if event.type == "response.in_progress":
        return progress_seen
    return bool(_KEEP_ALIVE.search(event.type or event.sse.event))


def normal_form(exchange: Exchange, names: Names | None = None) -> dict[str, Any]:
    """The normal form of an exchange; `names` continues the ids of an earlier exchange of the same drive."""
    names = names or Names()
    form: dict[str, Any] = {"status": exchange.status, "ended": exchange.ended}
    if exchange.is_stream:
        return form | {"events": _joined([_with_usage_of(exchange, event) for event in _events(exchange, names)])}
    body = exchange.json
    return form | {"body": _counted(exchange, _plain(body, names)) if body is not None else _text(exchange.body)}


def final_response(exchange: Exchange) -> dict[str, Any] | None:
    """The Response object that ends an exchange: the JSON body, or the one of the terminal event."""
    if not exchange.is_stream:
        return exchange.json if isinstance(exchange.json, dict) else None
    last = next((event for event in reversed(exchange.events) if event.type in TERMINALS), None)
    response = last.get("response") if last is not None else None
    return response if isinstance(response, dict) else None


def response_form(exchange: Exchange) -> Any:
    """The normal form of the final Response object; None when there is none."""
    response = final_response(exchange)
    return None if response is None else _plain(response, Names())


def drive_difference(left: Drive, right: Drive) -> Difference | None:
    """The first difference between two drives of one case."""
    forms = [normal_form_of_drive(drive) for drive in (left, right)]
    if json.dumps(forms[0]) == json.dumps(forms[1]):
        return None  # the usual case, ten times faster than looking for the place
    return next(
        (
            found
            for turn, (here, there) in enumerate(zip_longest(*forms, fillvalue=Difference.MISSING))
            if (found := difference(here, there, f"turn {turn + 1}" if max(map(len, forms)) > 1 else ""))
        ),
        None,
    )


def normal_form_of_drive(drive: Drive) -> list[dict[str, Any]]:
    """The normal forms of all exchanges of a drive, with ids named throughout."""
    names = Names()
    return [normal_form(exchange, names) for exchange in drive.exchanges]


def difference(left: Any, right: Any, path: str = "") -> Difference | None:
    """The first difference between two JSON values, depth first, in the order of the left one."""
    if isinstance(left, dict) and isinstance(right, dict):
        steps = ((_key(path, key), left, right, key) for key in [*left, *(key for key in right if key not in left)])
        return next((found for step in steps if (found := _at_key(*step)) is not None), None)
    if isinstance(left, list) and isinstance(right, list):
        return _in_lists(left, right, path)
    same = left == right and isinstance(left, bool) == isinstance(right, bool)
    return None if same else Difference(path or "the whole", left, right)


def _key(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _at_key(path: str, left: Mapping[str, Any], right: Mapping[str, Any], key: str) -> Difference | None:
    if key in left and key in right:
        return difference(left[key], right[key], path)
    return Difference(path, left.get(key, Difference.MISSING), right.get(key, Difference.MISSING))


def _in_lists(left: list[Any], right: list[Any], path: str) -> Difference | None:
    for index in range(max(len(left), len(right))):
        at = f"{path}[{index}]"
        if index >= len(left) or index >= len(right):
            missing = Difference.MISSING
            return Difference(
                at, left[index] if index < len(left) else missing, right[index] if index < len(right) else missing
            )
        if (found := difference(left[index], right[index], at)) is not None:
            return found
    return None


def _events(exchange: Exchange, names: Names) -> Iterator[Any]:
    progress_seen = False
    for event in exchange.events:
        if not is_keep_alive(event, progress_seen=progress_seen):
            yield _plain(event.data, names) if event.data is not None else _text(event.sse.data.encode())
        progress_seen = progress_seen or event.type == "response.in_progress"


def _with_usage_of(exchange: Exchange, event: Any) -> Any:
    if not isinstance(event, dict) or "response" not in event:
        return event
    return event | {"response": _counted(exchange, event["response"])}


def _counted(exchange: Exchange, response: Any) -> Any:
    """A response whose usage stays where it is what the upstream reported."""
    usage = response.get("usage") if isinstance(response, dict) else None
    if exchange.said is None or not isinstance(usage, dict):
        return response
    told, counts = exchange.said.usage, (usage.get("input_tokens"), usage.get("output_tokens"))
    if told and counts == (told.input, told.output):
        return response
    return response | {"usage": "<not what the upstream reported>"}


def _joined(events: list[Any]) -> list[Any]:
    """Deltas of one part joined, as long as nothing else is said of the same item in between.

    Deltas of two items that alternate (parallel calls) may be grouped differently by a right target that joins
    what one network read brought.
    """
    joined: list[Any] = []
    open_runs: dict[Any, dict[str, Any]] = {}  # by item: the delta event that the next delta may extend
    for event in events:
        item = event.get("output_index") if isinstance(event, dict) else None
        if not _is_delta(event):
            open_runs = {key: run for key, run in open_runs.items() if item is not None and key != item}
            joined.append(event)
            continue
        run = open_runs.get(item)
        if run is not None and _same_part(run, event):
            run["delta"] += event["delta"]
            continue
        open_runs[item] = dict(event)
        joined.append(open_runs[item])
    return joined


def _is_delta(event: Any) -> bool:
    return isinstance(event, dict) and str(event.get("type")).endswith(".delta") and _has_text(event)


def _has_text(event: dict[str, Any]) -> bool:
    return isinstance(event.get("delta"), str)


def _same_part(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return all(left.get(key) == right.get(key) for key in _PART_KEYS)


def _plain(value: Any, names: Names) -> Any:
    match value:
        case dict():
            # In an order of our own: ids are named by where they stand, not by when they were written.
            keys = sorted(value, key=lambda key: (key != "type", key))
            kept = [(key, value[key]) for key in keys if key not in _DROPPED]
            return {_name(key, inner, names): _field(key, inner, names) for key, inner in kept}
        case list():
            return [_plain(inner, names) for inner in value]
        case str():
            return _without_token(value)
        case _:
            return value


def _name(key: str, value: Any, names: Names) -> str:
    """A key, renamed where it is the id of what it leads to, or what that id was made from."""
    identity = value.get("id") if isinstance(value, dict) else None
    return names.of(key) if key and isinstance(identity, str) and identity.endswith(key) else key


def _field(key: str, value: Any, names: Names) -> Any:
    if isinstance(value, str) and value:
        if key in _OPAQUE:
            return "<opaque>"
        if key == "id" or key.endswith("_id"):
            return names.of(value)
    if key.endswith("_at") and isinstance(value, int | float) and not isinstance(value, bool):
        return "<time>"
    return value if key in _OF_THE_USER else _plain(value, names)


def _text(body: bytes) -> str:
    return _without_token(body.decode(errors="replace"))


def _without_token(text: str) -> str:
    return TOKEN.sub("<token>", text)
