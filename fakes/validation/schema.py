"""Validation by an SDK's parameter types, walked to the leaves and closed to unknown keys.

pydantic reads `Iterable[...]` lazily and lets unknown keys of a TypedDict pass, so a TypeAdapter of the SDK's own
type can hardly fail. `strict_adapter` rebuilds the type first: iterables become lists, TypedDicts forbid extra
keys, unions are told apart by their `type` or `role` (so that one wrong leaf gives one fault, not one a member).
"""

from __future__ import annotations

import collections.abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NotRequired, Required, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Discriminator, Tag, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict, get_type_hints, is_typeddict

__all__ = ["Fault", "faults", "path_text", "strict_adapter"]

FaultKind: TypeAlias = Literal["missing", "unknown", "type", "value", "other"]


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a body. `expected` is a phrase or the allowed values, `given` the offending value."""

    kind: FaultKind
    path: tuple[str | int, ...]
    expected: tuple[str, ...]
    given: Any
    message: str


def path_text(path: tuple[str | int, ...]) -> str:
    """A path as OpenAI writes it: `messages[2].content[0].type`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


# Rebuilding a type ------------------------------------------------------------------------------------------

_KIND_NAMES: Final[dict[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    NoneType: "null",
}
_make_typed_dict: Any = TypedDict  # by name and fields at run time, which type checkers do not follow
_LISTS: Final[tuple[Any, ...]] = (list, collections.abc.Iterable, collections.abc.Sequence)
_MAPS: Final[tuple[Any, ...]] = (dict, collections.abc.Mapping)


def strict_adapter(
    annotation: Any, extra_keys: Mapping[str, Mapping[str, Any]] | None = None, *, closed: bool = True
) -> TypeAdapter[Any]:
    """A TypeAdapter that walks to the leaves and, when `closed`, forbids unknown keys.

    `extra_keys` adds optional keys to TypedDicts by name: {"TextBlockParam": {"reasoning": str}}.
    """
    extra = {name: {key: (hint, False) for key, hint in keys.items()} for name, keys in (extra_keys or {}).items()}
    builder = _Builder(extra, closed=closed)
    return TypeAdapter(builder.strict(annotation))


class _Builder:
    def __init__(self, extra_keys: Mapping[str, Mapping[str, tuple[Any, bool]]], *, closed: bool) -> None:
        self.closed = closed
        self.extra_keys = extra_keys
        self.built: dict[Any, Any] = {}

    def strict(self, annotation: Any) -> Any:
        """The closed form of an annotation."""
        origin, args = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self.strict(args[0])
        if is_typeddict(annotation):
            return self._typed_dict(annotation)
        if origin in (Union, UnionType):
            return self._union(args)
        if origin in _LISTS:
            return list[self.strict(args[0])]  # type: ignore[misc]
        if origin in _MAPS:
            return dict[str, self.strict(args[1])]  # type: ignore[misc]
        return annotation

    def _typed_dict(self, cls: Any) -> Any:
        if cls not in self.built:
            self.built[cls] = dict[str, Any]  # while it is being built: a type that holds itself stays open there
            hints = {**_hints(cls), **self.extra_keys.get(cls.__name__, {})}
            fields = {
                key: Required[self.strict(hint)] if needed else NotRequired[self.strict(hint)]
                for key, (hint, needed) in hints.items()
            }
            closed: Any = _make_typed_dict(cls.__name__, fields)
            open_ = not self.closed or getattr(cls, "__pydantic_config__", {}).get("extra") == "allow"
            closed.__pydantic_config__ = ConfigDict(strict=True, extra="allow" if open_ else "forbid")
            self.built[cls] = closed
        return self.built[cls]

    def _union(self, members: tuple[Any, ...]) -> Any:
        """Members grouped by the kind of JSON that they take, each group chosen by what is there."""
        groups: dict[str, list[Any]] = {}
        for member in _flat(members):
            kind = _kind(member)
            if kind is not None:  # the SDKs also take files and their own response models; JSON has neither
                groups.setdefault(kind, []).append(member)
        choices = {kind: self._group(kind, group) for kind, group in groups.items()}
        if len(choices) == 1:
            return next(iter(choices.values()))
        return _tagged(choices, _json_kind)

    def _group(self, kind: str, members: list[Any]) -> Any:
        """One type for all members of a kind of JSON: the widest, else the one that a tag chooses."""
        widest = str if kind == "string" else next((m for m in members if get_origin(m) in _MAPS), None)
        if widest in members:
            return self.strict(widest)
        if kind == "string":
            return Literal[tuple(value for member in members for value in get_args(member))]
        if kind == "object" and len(members) > 1:
            tagged = self._by_tag(members)
            if tagged is not None:
                return tagged
        strict = [self.strict(member) for member in members]
        return strict[0] if len(strict) == 1 else Union[tuple(strict)]  # noqa: UP007

    def _by_tag(self, members: list[Any]) -> Any:
        """TypedDicts told apart by `role` or `type`; None when neither tells."""
        if not all(is_typeddict(member) for member in members):
            return None
        for key in ("role", "type"):
            choices: dict[str, Any] = {}
            default = None
            for member in members:
                values, optional = _tag_values(member, key)
                if not values or choices.keys() & {f"{key}:{value}" for value in values}:
                    break
                choices.update(dict.fromkeys((f"{key}:{value}" for value in values), self.strict(member)))
                default = values[0] if optional else default
            else:
                return _tagged(choices, _tag_reader(key, default))
        return None


def _hints(cls: Any) -> dict[str, tuple[Any, bool]]:
    """The fields of a TypedDict: annotation, and whether the key must be there.

    `__required_keys__` is wrong where annotations are strings, as in the SDKs: the markers have to be read.
    """
    fields: dict[str, tuple[Any, bool]] = {}
    for key, hint in get_type_hints(cls, include_extras=True).items():
        origin: Any = get_origin(hint)
        if origin in (Required, NotRequired):
            fields[key] = (get_args(hint)[0], origin is Required)
        else:
            fields[key] = (hint, key in cls.__required_keys__)
    return fields


def _flat(members: tuple[Any, ...]) -> list[Any]:
    flat: list[Any] = []
    for member in members:
        if get_origin(member) is Annotated:
            member = get_args(member)[0]
        if get_origin(member) in (Union, UnionType):
            flat.extend(_flat(get_args(member)))
        else:
            flat.append(member)
    return flat


def _kind(member: Any) -> str | None:
    """The kind of JSON that an annotation takes, None for what is not JSON."""
    origin: Any = get_origin(member)
    if origin is Literal:
        return _KIND_NAMES[type(get_args(member)[0])]
    if member is NoneType or member is None:
        return "null"
    if origin in _LISTS:
        return "array"
    if is_typeddict(member) or origin in _MAPS:
        return "object"
    if isinstance(member, type) and not issubclass(member, BaseModel):
        return _KIND_NAMES.get(member)
    return None


def _json_kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "<object>"
    if isinstance(value, list):
        return "<array>"
    return f"<{_KIND_NAMES.get(type(value), 'value')}>"


def _tag_values(member: Any, key: str) -> tuple[tuple[str, ...], bool]:
    """The literal values of a TypedDict's tag, and whether it may be absent."""
    hint, needed = _hints(member).get(key, (None, False))
    values = tuple(
        value
        for each in _flat((hint,))
        if get_origin(each) is Literal
        for value in get_args(each)
        if isinstance(value, str)
    )
    return values, not needed


def _tag_reader(key: str, default: str | None) -> Callable[[Any], str | None]:
    def read(value: Any) -> str | None:
        tag = value.get(key, default) if isinstance(value, Mapping) else None
        if tag is None:
            tag = default
        return f"<{key}:{tag}>" if isinstance(tag, str) else None

    read.__name__ = f"{key}_of"  # pydantic names it when it finds no tag
    return read


def _tagged(choices: dict[str, Any], read: Callable[[Any], str | None]) -> Any:
    members = tuple(Annotated[choice, Tag(f"<{tag}>")] for tag, choice in choices.items())
    if len(members) == 1:
        return next(iter(choices.values()))
    return Annotated[Union[members], Discriminator(read)]  # noqa: UP007


# Reading what pydantic found --------------------------------------------------------------------------------


_JSON_NAMES: Final = {
    "dict_type": "object",
    "list_type": "array",
    "string_type": "string",
    "int_type": "integer",
    "float_type": "number",
    "bool_type": "boolean",
}


def faults(adapter: TypeAdapter[Any], body: Any) -> list[Fault]:
    """Everything that is wrong with a body by its type, in the order of the body."""
    try:
        adapter.validate_python(body)
    except ValidationError as error:
        return [_fault(detail, body) for detail in error.errors(include_url=False)]
    return []


def _fault(detail: ErrorDetails, body: Any) -> Fault:
    path = tuple(step for step in detail["loc"] if not (isinstance(step, str) and step.startswith("<")))
    found, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if found == "missing":
        return Fault("missing", path, (), given, detail["msg"])
    if found == "extra_forbidden":
        return Fault("unknown", path, (), given, detail["msg"])
    if found in ("union_tag_invalid", "union_tag_not_found"):
        return _untagged(path, given, context)
    if found in ("literal_error", "enum"):
        kind: FaultKind = "value" if isinstance(given, str) else "type"
        return Fault(kind, path, _quoted(str(context.get("expected", ""))), given, detail["msg"])
    if found.endswith("_type"):
        return Fault("type", path, (_JSON_NAMES.get(found, "value"),), given, detail["msg"])
    return Fault("other", path, (), given, detail["msg"])


def _untagged(path: tuple[str | int, ...], given: Any, context: Mapping[str, Any]) -> Fault:
    """A union whose member could not be told: a wrong kind of JSON, or a `type` or `role` missing or unknown."""
    tags = _quoted(str(context.get("expected_tags", "")))
    names = tuple(tag.strip("<>").partition(":")[2] for tag in tags if ":" in tag)
    if tags and not names:
        return Fault("type", path, tuple(tag.strip("<>") for tag in tags), given, "wrong kind of JSON")
    key = tags[0].strip("<>").partition(":")[0] if names else _guess_key(context)
    if isinstance(given, Mapping) and key in given:
        kind: FaultKind = "value" if isinstance(given[key], str) else "type"
        return Fault(kind, (*path, key), names or ("string",), given[key], "unknown tag")
    if isinstance(given, Mapping):
        return Fault("missing", (*path, key), names, given, "Field required")
    return Fault("type", path, ("object",), given, "wrong kind of JSON")


def _guess_key(context: Mapping[str, Any]) -> str:
    return "role" if "role_of" in str(context.get("discriminator", "")) else "type"


def _quoted(text: str) -> tuple[str, ...]:
    """The words that pydantic lists as `'a', 'b' or 'c'`."""
    return tuple(text.split("'")[1::2])
