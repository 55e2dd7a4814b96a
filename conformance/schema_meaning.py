"""What a JSON Schema of tool parameters means, apart from how it is written.

Targets rewrite schemas for upstreams that take less than the whole of JSON Schema: they put in what a local
`$ref` names, and leave out `$schema`, an empty `required`, titles, and definitions that nothing uses any more. The
arguments that such a schema allows are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["schema_meaning"]

_OF_NAMED_SCHEMAS = ("properties", "patternProperties", "dependentSchemas")
_OF_SCHEMAS = ("allOf", "anyOf", "oneOf", "prefixItems")
_DEFINITIONS = ("$defs", "definitions")
_OF_A_SCHEMA = (
    "additionalItems",
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
)


def schema_meaning(schema: Any) -> Any:
    """A schema in a form in which two that allow the same arguments by the rewritings above are equal.

    A reference that leads to itself, or out of the schema, stays as it is, and the definitions with it.
    """
    definitions = _definitions(schema) if isinstance(schema, Mapping) else {}
    meaning = _meaning(schema, definitions, ())
    if not isinstance(meaning, dict):
        return meaning
    said = {key: value for key, value in meaning.items() if key not in _DEFINITIONS}
    return meaning if _references(said) else said


def _definitions(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What a local reference may name, by the reference."""
    return {
        f"#/{holder}/{name}": found
        for holder in _DEFINITIONS
        if isinstance(schema.get(holder), Mapping)
        for name, found in schema[holder].items()
        if isinstance(found, Mapping)
    }


def _meaning(schema: Any, definitions: Mapping[str, Any], within: tuple[str, ...]) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    name = schema.get("$ref")
    if isinstance(name, str) and name in definitions and name not in within and not _recurs(name, definitions):
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return _meaning({**definitions[name], **beside}, definitions, (*within, name))
    return {
        key: _value(key, value, definitions, within)
        for key, value in schema.items()
        if not (key in ("$schema", "title") or (key == "required" and value == []))
    }


def _value(key: str, value: Any, definitions: Mapping[str, Any], within: tuple[str, ...]) -> Any:
    if key in (*_OF_NAMED_SCHEMAS, *_DEFINITIONS) and isinstance(value, Mapping):
        return {name: _meaning(inner, definitions, within) for name, inner in value.items()}
    if key in _OF_SCHEMAS and isinstance(value, list):
        return [_meaning(inner, definitions, within) for inner in value]
    if key in _OF_A_SCHEMA:
        if isinstance(value, list):  # `items` of older drafts
            return [_meaning(inner, definitions, within) for inner in value]
        return _meaning(value, definitions, within)
    return value


def _recurs(name: str, definitions: Mapping[str, Any]) -> bool:
    """Whether a definition leads back to itself."""
    reached: set[str] = set()
    waiting = [definitions[name]]
    while waiting:
        for found in _references(waiting.pop()):
            if found == name:
                return True
            if found in definitions and found not in reached:
                reached.add(found)
                waiting.append(definitions[found])
    return False


def _references(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [name for inner in value.values() for name in _references(inner)]
    if isinstance(value, list):
        return [name for inner in value for name in _references(inner)]
    return []
