"""What a rule found in a request, before a service words it; and careful ways to read a body that may be anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["Finding", "as_dict", "as_list", "dicts", "named_tools", "text_of"]


class Finding(NamedTuple):
    """One thing that a service refuses. `path` is where, as `messages[2].content[0]`; `code` and `param` its words."""

    rule: str
    path: str
    message: str
    code: str | None = None
    param: str | None = None
    status: int = 400


def as_dict(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def dicts(value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of an array with their positions; nothing for anything else."""
    return ((n, each) for n, each in enumerate(as_list(value)) if isinstance(each, dict))


def text_of(content: Any) -> str:
    """All text of a message's content, whichever form it has."""
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text") or "") for _, part in dicts(content))


def named_tools(body: dict[str, Any]) -> set[str]:
    """The names of the function and custom tools of a chat completions request."""
    names = (
        as_dict(tool.get(kind)).get("name") for _, tool in dicts(body.get("tools")) for kind in ("function", "custom")
    )
    return {name for name in names if isinstance(name, str)}
