"""The free text of a ``custom`` tool's call, out of the function arguments it travels in, as they arrive."""

from __future__ import annotations

import json
import re

import msgspec

_OPENING = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_PATIENCE = 256
"""Characters after which arguments that have not begun like ours are not expected to any more."""
# As many whole characters of a JSON string as there are: a high surrogate is whole with what follows it.
_WHOLE = re.compile(
    r'(?:[^"\\]+|\\["\\/bfnrt]|\\u(?:(?![dD][89abAB])[0-9a-fA-F]{4}'
    r"|[dD][89abAB][0-9a-fA-F]{2}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?!\\?$|\\u.{0,3}$))))*"
)
_CUT_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3}|u[dD][89abAB][0-9a-fA-F]{2}\\?(?:u[0-9a-fA-F]{0,3})?)?")


class FreeText:
    """Unwraps ``{"input": "..."}`` piece by piece; what is no such object is given whole at the end."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "before"
        self._given: list[str] = []

    @property
    def text(self) -> str:
        """All that was given so far."""
        return "".join(self._given)

    def feed(self, piece: str) -> str:
        """Take in a piece of the arguments; returns the text that became known by it."""
        if self._state == "before":
            self._begin(piece)
        elif self._state == "inside":
            self._held += piece
        return self._give(self._take()) if self._state == "inside" else ""

    def finish(self, arguments: str) -> str:
        """These are the whole arguments; returns the text that was held back until now."""
        return self._give(_whole(arguments)) if self._state == "before" else ""

    def _begin(self, piece: str) -> None:
        if len(self._held) > _PATIENCE:
            return
        self._held += piece
        opening = _OPENING.match(self._held)
        if opening:
            self._state, self._held = "inside", self._held[opening.end() :]

    def _take(self) -> str:
        """The whole characters held; a cut escape stays, one that JSON does not know stands for itself."""
        text = ""
        while self._held:
            end = match.end() if (match := _WHOLE.match(self._held)) else 0
            text += str(json.loads(f'"{self._held[:end]}"', strict=False))
            self._held = self._held[end:]
            if self._held.startswith('"'):
                self._state, self._held = "over", ""
            if _CUT_ESCAPE.fullmatch(self._held):
                break
            text, self._held = text + self._held[:1], self._held[1:]
        # A lone surrogate has no UTF-8: it becomes U+FFFD.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _give(self, text: str) -> str:
        self._given.append(text)
        return text


def _whole(arguments: str) -> str:
    """The text of arguments that did not begin with it."""
    try:
        value = msgspec.json.decode(arguments or "{}")
    except msgspec.DecodeError:
        return arguments
    if isinstance(value, dict) and isinstance(value.get("input"), str):
        return str(value["input"])
    return "" if value == {} else arguments
