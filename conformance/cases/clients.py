"""Cases of what real clients send: request bodies captured from them, shape for shape, with the prose replaced.

`client_requests/<client>-<situation>[-<version>].json` holds `client` and `requests`, bodies in the order in which
they were sent, without `model`. Texts, descriptions, outputs and ids are ours; keys, types and order are theirs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from conformance.cases.build import says
from conformance.cases.case import Case, Turn

__all__ = ["CASES", "features_of"]

TOOL_FEATURES = {"custom": "custom-tools", "namespace": "namespaces", "tool_search": "tool-search"}
ITEM_FEATURES = {
    "custom_tool_call": "custom-tools",
    "tool_search_call": "tool-search",
    "additional_tools": "additional-tools",
}
NEEDS_STATE = frozenset({"item_reference", "compaction_trigger"})


def features_of(body: Mapping[str, Any]) -> frozenset[str]:
    """The optional capabilities that a request needs from a target."""
    return frozenset(_features(body))


def _features(body: Mapping[str, Any]) -> Iterator[str]:
    items = _items(body)
    declared = [*(body.get("tools") or ()), *(tool for item in items for tool in item.get("tools") or ())]
    for tool in declared:
        if tool["type"] in TOOL_FEATURES:
            yield TOOL_FEATURES[tool["type"]]
    for item in items:
        if item.get("type") in ITEM_FEATURES:
            yield ITEM_FEATURES[item["type"]]
        parts = item.get("content") or item.get("output")
        if isinstance(parts, list) and any(part.get("type") == "input_image" for part in parts):
            yield "images"


def _items(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return body["input"] if isinstance(body["input"], list) else []


def _is_stateless(body: Mapping[str, Any]) -> bool:
    stateful = any(item.get("type") in NEEDS_STATE for item in _items(body))
    return not stateful and "previous_response_id" not in body


@lru_cache(maxsize=1)
def _captured() -> tuple[Case, ...]:
    folder = files("conformance.cases") / "client_requests"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json"))
    return tuple(_case(name.removesuffix(".json"), json.loads((folder / name).read_text("utf-8"))) for name in names)


def _case(name: str, captured: Mapping[str, Any]) -> Case:
    body = next(body for body in reversed(captured["requests"]) if _is_stateless(body))
    return Case(
        id=f"client.{name}",
        summary=f"The longest request without stored state that {captured['client']} sent in the situation {name!r}.",
        source=f"captured from {captured['client']} ({name}) on loopback",
        turns=(Turn(request={"store": False, **body}, answers=(says("Very well, that is done."),)),),
        drives=frozenset({"stream"}),
        features=features_of(body),
        tags=frozenset({"client", captured["client"]}),
    )


CASES = _captured()
