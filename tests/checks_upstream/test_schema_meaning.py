"""Schemas of tools, compared by what they allow."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.tool_pairs import same_schema

ORDER: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Order",
    "type": "object",
    "properties": {"title": {"type": "string", "title": "Title"}, "item": {"$ref": "#/$defs/item"}},
    "required": ["item"],
    "$defs": {"item": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": []}},
}
TREE: dict[str, Any] = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node"}},
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
}


def test_a_schema_may_be_written_otherwise() -> None:
    """References may be put in, and what says nothing of the arguments left out."""
    sent = {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "item": {"type": "object", "properties": {"sku": {"type": "string"}}},
        },
        "required": ["item"],
    }
    assert same_schema(ORDER, sent)
    assert same_schema(ORDER, ORDER)
    assert same_schema(TREE, TREE)
    assert same_schema({"type": "object", "properties": {}, "required": []}, None)


@pytest.mark.parametrize(
    "sent",
    [
        {**ORDER, "properties": {"item": ORDER["properties"]["item"]}},
        {**ORDER, "required": []},
        {**ORDER, "$defs": {}},
        {**ORDER, "$defs": {"item": {"type": "object", "properties": {"sku": {"type": "integer"}}}}},
        {
            "type": "object",
            "properties": {"title": {"type": "string"}, "item": {"type": "object"}},
            "required": ["item"],
        },
        None,
    ],
)
def test_a_loss_is_one(sent: object) -> None:
    """A property called `title`, a required name, a definition or its content that is gone is missed."""
    assert not same_schema(ORDER, sent)


def test_a_tree_is_compared_too() -> None:
    """A schema that refers to itself is neither followed for ever nor taken for any other."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "key": {"type": "string"}}}
    assert not same_schema(TREE, {**TREE, "$defs": {"node": node}})
    assert not same_schema(TREE, {"type": "object", "properties": {"root": {"type": "object"}}})
