"""Content of messages and tool outputs, in all the forms clients give it."""

from __future__ import annotations

from typing import Any

import msgspec

from .errors import invalid
from .turns import File, Image, Part, Text

_TEXTS = ("input_text", "output_text", "text", "summary_text", "reasoning_text")


def read(content: Any, where: str) -> list[Part]:
    """Content as parts: it may be a string, a list of parts, or nothing; ``where`` is its place in the request.

    Raises ApiError (400, with the part's place as ``param``) for a part that no upstream has a form for.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content)]
    if isinstance(content, list):
        return [_part(part, f"{where}[{number}]") for number, part in enumerate(content)]
    return [Text(msgspec.json.encode(content).decode())]


def texts(content: Any, where: str) -> list[Text]:
    """The same where only text has a place.

    Raises ApiError (400) for any other part.
    """
    parts = read(content, where)
    for part in parts:
        if not isinstance(part, Text):
            kind = "Images" if isinstance(part, Image) else "Files"
            raise invalid(f"{kind} are supported in messages of the user and in tool outputs only.", part.where)
    return [part for part in parts if isinstance(part, Text)]


def _part(part: Any, where: str) -> Part:
    if not isinstance(part, dict):
        return Text(str(part))
    kind = part.get("type")
    if kind in _TEXTS:
        return Text(str(part.get("text") or ""))
    if kind == "refusal":
        return Text(str(part.get("refusal") or ""), refusal=True)
    if part.get("file_id"):
        raise invalid("Files by 'file_id' are not supported by this server.", where, "unsupported_parameter")
    if kind == "input_image" and isinstance(part.get("image_url"), str):
        return Image(part["image_url"], part.get("detail"), where)
    if kind == "input_file" and (part.get("file_data") or part.get("file_url")):
        data, url, name = (part.get(key) for key in ("file_data", "file_url", "filename"))
        if all(value is None or isinstance(value, str) for value in (data, url, name)):
            return File(data, url, name, where)
    raise invalid(f"Content of type {kind!r} is not supported by this server.", where, "invalid_value")
