"""Transcripts as files: lossless JSON, so that a check judges a saved transcript as it judged the fresh one.

Bytes stand as text where they are UTF-8, else as `{"$base64": "..."}`. A value whose type is not fixed (a request
body, facts) may hold bytes and sets too: there they stand as `{"$bytes": "..."}`, `{"$base64": "..."}` and
`{"$set": [...]}`.
"""

from __future__ import annotations

import base64
import json
import re
import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from conformance.errors import UsageError
from conformance.transcript import Transcript

__all__ = ["FORMAT", "file_name", "load_transcript", "save_transcript"]

FORMAT = "responses-conformance transcript 1"

_MARKS = ("$bytes", "$base64", "$set", "$dict")


def file_name(transcript: Transcript) -> str:
    """The name of a transcript's file: `<dialect>.<case>.json`."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{transcript.dialect or 'any'}.{transcript.case}.json")


def save_transcript(transcript: Transcript, folder: Path) -> Path:
    """Write a transcript into a folder, which is made if absent. Returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / file_name(transcript)
    document = {"format": FORMAT, **_dump_dataclass(transcript)}
    text = json.dumps(document, ensure_ascii=False, indent=1)
    # A request may hold half a surrogate pair: JSON has a word for it, UTF-8 has none.
    file.write_bytes(text.encode("utf-8", "surrogatepass") + b"\n")
    return file


def load_transcript(file: Path) -> Transcript:
    """Read a saved transcript. Raises UsageError for what is none, with the place and what to do."""
    try:
        document = json.loads(file.read_bytes().decode("utf-8", "surrogatepass"))
    except OSError as trouble:
        raise UsageError(f"{file}: {trouble.strerror}; give a file that `run --transcripts` wrote") from trouble
    except ValueError as trouble:
        raise UsageError(f"{file}: not JSON ({trouble}); give a file that `run --transcripts` wrote") from trouble
    found = document.pop("format", None) if isinstance(document, dict) else None
    if found != FORMAT:
        other = f" (its format is {found!r} and not {FORMAT!r})" if found is not None else ""
        raise UsageError(f"{file}: no transcript{other}; give a file that `run --transcripts` wrote")
    try:
        loaded = _load(Transcript, document, "")
    except _BadValueError as trouble:
        raise UsageError(f"{file}: {trouble}; save the transcript again with this version") from trouble
    assert isinstance(loaded, Transcript)
    return loaded


class _BadValueError(ValueError):
    """Raised when a saved value does not have the type of its field."""


def _dump_dataclass(value: Any) -> dict[str, Any]:
    kind: Any = type(value)
    hints = _hints(kind)
    return {name: _dump(getattr(value, name), hint is Any) for name, hint in hints.items()}


def _dump(value: Any, free: bool) -> Any:
    """`free`: the type is not fixed, so that a mark must tell bytes from text."""
    match value:
        case bytes():
            return _dump_bytes(value, free)
        case dict():
            plain = {key: _dump(inner, True) for key, inner in value.items()}
            return {"$dict": plain} if any(mark in plain for mark in _MARKS) else plain
        case list() | tuple():
            return [_dump(inner, free) for inner in value]
        case frozenset() | set():
            items = sorted(_dump(inner, free) for inner in value)
            return {"$set": items} if free else items
        case _ if is_dataclass(value):
            return _dump_dataclass(value)
        case _:
            return value


def _dump_bytes(value: bytes, free: bool) -> Any:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return {"$base64": base64.b64encode(value).decode()}
    return {"$bytes": text} if free else text


@lru_cache(maxsize=64)
def _hints(kind: Any) -> dict[str, Any]:
    """The types of a dataclass's fields; values of a `dict[str, Any]` are free like those of Any."""
    hints = get_type_hints(kind)
    free = dict[str, Any]
    return {one.name: Any if hints[one.name] == free else hints[one.name] for one in fields(kind)}


def _load(hint: Any, value: Any, path: str) -> Any:
    if hint is Any:
        return _load_free(value)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (hint,) = (argument for argument in arguments if argument is not type(None))
        return _load(hint, value, path)
    if origin is Literal:
        return _checked(value in arguments, value, path, f"one of {', '.join(map(str, arguments))}")
    if origin in _CONTAINERS:
        return _load_items(_CONTAINERS[origin], arguments, value, path)
    if is_dataclass(hint):
        return _load_dataclass(hint, value, path)
    if hint is bytes:
        return _load_bytes(value, path)
    kinds = (int, float) if hint is float else hint
    right = isinstance(value, kinds) and (hint is bool or not isinstance(value, bool))
    return _checked(right, value, path, hint.__name__)


_CONTAINERS: dict[Any, Callable[[Any], Any]] = {list: list, tuple: tuple, frozenset: frozenset}


def _load_items(make: Callable[[Any], Any], arguments: tuple[Any, ...], value: Any, path: str) -> Any:
    _checked(isinstance(value, list), value, path, "a list")
    pair = make is tuple and Ellipsis not in arguments
    if pair:
        _checked(len(value) == len(arguments), value, path, f"a list of {len(arguments)}")
    hints = arguments if pair else [arguments[0]] * len(value)
    return make([_load(hint, inner, f"{path}[{n}]") for n, (hint, inner) in enumerate(zip(hints, value, strict=True))])


def _load_dataclass(kind: Any, value: Any, path: str) -> Any:
    _checked(isinstance(value, dict), value, path, f"a {kind.__name__}")
    hints = _hints(kind)
    for name in [*hints, *value]:
        if name not in value or name not in hints:
            raise _BadValueError(
                f"{path or 'the whole'}: {kind.__name__}.{name} is {'missing' if name in hints else 'unknown'}"
            )
    return kind(**{name: _load(hint, value[name], f"{path}.{name}".lstrip(".")) for name, hint in hints.items()})


def _load_bytes(value: Any, path: str) -> bytes:
    if isinstance(value, str):
        return value.encode()
    right = isinstance(value, dict) and list(value) == ["$base64"] and isinstance(value["$base64"], str)
    return base64.b64decode(_checked(right, value, path, "text or $base64")["$base64"])


def _load_free(value: Any) -> Any:
    if isinstance(value, list):
        return [_load_free(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"$dict": dict(inner)}:
            return {key: _load_free(one) for key, one in inner.items()}
        case {"$bytes": str(text)}:
            return text.encode()
        case {"$base64": str(text)}:
            return base64.b64decode(text)
        case {"$set": list(items)}:
            return frozenset(_load_free(one) for one in items)
    return {key: _load_free(inner) for key, inner in value.items()}


def _checked(right: bool, value: Any, path: str, wanted: str) -> Any:
    if not right:
        raise _BadValueError(f"{path or 'the whole'} is {str(value)[:60]!r} and not {wanted}")
    return value
