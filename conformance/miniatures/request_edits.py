"""Edits of requests upstream, in words that hold for every dialect.

    Outgoing            one request on its way upstream, to be changed in place
    request_miniature   register a function on an Outgoing as a miniature

What the service would object to is found anew for each changed request.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from conformance.miniatures.edits import edit_exchanges
from conformance.miniatures.miniature import Edit, miniature
from conformance.transcript import Exchange, Transcript
from fakes.dialects import get
from fakes.log import UpstreamCall
from fakes.script import Dialect

__all__ = ["Outgoing", "Slot", "request_miniature"]


@dataclass
class Slot:
    """A string somewhere in a body, to be read and written."""

    holder: Any
    key: Any

    @property
    def text(self) -> str:
        """The string."""
        return str(self.holder[self.key])

    @text.setter
    def text(self, value: str) -> None:
        self.holder[self.key] = value


@dataclass
class Outgoing:
    """One request on its way upstream. `asked` is the client's body, not to be changed; `exchange` its exchange."""

    body: dict[str, Any]
    dialect: Dialect
    exchange: Exchange
    headers: list[tuple[str, str]]
    query: str

    @property
    def asked(self) -> dict[str, Any]:
        """The client's body; empty when it was no object."""
        body = self.exchange.request.body
        return body if isinstance(body, dict) else {}

    @property
    def is_messages(self) -> bool:
        """Whether it goes to a Messages upstream."""
        return self.dialect == "messages"

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages, to be changed in place."""
        found: list[dict[str, Any]] = self.body.setdefault("messages", [])
        return found

    def texts(self, role: str) -> list[Slot]:
        """The texts of a role in order; "system" counts `system`, `developer` and the top-level field."""
        slots: list[Slot] = []
        if role == "system" and self.body.get("system"):
            slots += _slots(self.body, "system")
        for message in self.messages:
            said = "system" if message.get("role") == "developer" else message.get("role")
            if said == role:
                slots += _slots(message, "content")
        return slots

    def say(self, role: str, text: str, place: int | None = None) -> None:
        """Put one more message in, at the end or before the message at `place`."""
        content: Any = [{"type": "text", "text": text}] if self.is_messages else text
        self.messages.insert(len(self.messages) if place is None else place, {"role": role, "content": content})

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The functions: objects with `name`, `description` and the schema under `schema_key`."""
        tools = self.body.get("tools") or []
        return [tool if self.is_messages else tool["function"] for tool in tools]

    @property
    def schema_key(self) -> str:
        """Where a function's parameters stand."""
        return "input_schema" if self.is_messages else "parameters"

    def add_tool(self, name: str) -> None:
        """Declare one more function."""
        own = {"name": name, "description": "Invented.", self.schema_key: {"type": "object", "properties": {}}}
        self.body.setdefault("tools", []).append(own if self.is_messages else {"type": "function", "function": own})

    def calls(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """The calls, each with the message that holds it."""
        found = []
        for message in self.messages:
            listed = message.get("content") if self.is_messages else message.get("tool_calls")
            calls = [one for one in listed or () if isinstance(one, dict)] if isinstance(listed, list) else []
            found += [(message, call) for call in calls if not self.is_messages or call["type"] == "tool_use"]
        return found

    def named(self, call: dict[str, Any]) -> dict[str, Any]:
        """The object of a call that holds its `name`."""
        return call if self.is_messages else call["function"]

    def arguments(self, call: dict[str, Any]) -> Any:
        """What a call is made with, as a value; the text itself when it is no JSON."""
        if self.is_messages:
            return call["input"]
        try:
            return json.loads(call["function"]["arguments"])
        except ValueError:
            return call["function"]["arguments"]

    def set_arguments(self, call: dict[str, Any], value: Any) -> None:
        """Make a call with other arguments."""
        if self.is_messages:
            call["input"] = value
        else:
            call["function"]["arguments"] = json.dumps(value, ensure_ascii=False)

    def results(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """The results, each with the message that holds it (on chat the same)."""
        if not self.is_messages:
            return [(message, message) for message in self.messages if message.get("role") == "tool"]
        return [
            (message, block)
            for message in self.messages
            for block in message["content"]
            if isinstance(block, dict) and block["type"] == "tool_result"
        ]

    def images(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """The images that stand in messages, each with its message."""
        found = []
        for message in self.messages:
            content = message.get("content")
            parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
            found += [(message, part) for part in parts if part.get("type") in ("image", "image_url")]
        return found

    @property
    def result_key(self) -> str:
        """Where a result names its call."""
        return "tool_use_id" if self.is_messages else "tool_call_id"

    def drop(self, part: dict[str, Any]) -> None:
        """Take a message out, or a block or call out of its message; a message that is then empty goes too."""
        self.messages[:] = [message for message in self.messages if message is not part]
        for message in list(self.messages):
            for key in ("content", "tool_calls"):
                listed = message.get(key)
                if isinstance(listed, list) and any(one is part for one in listed):
                    listed[:] = [one for one in listed if one is not part]
                    if not listed:
                        del message[key]
                        self.messages[:] = [m for m in self.messages if m is not message or len(m) > 1]


def _slots(holder: dict[str, Any], key: str) -> list[Slot]:
    value = holder.get(key)
    if isinstance(value, str):
        return [Slot(holder, key)]
    return [Slot(part, "text") for part in value or () if isinstance(part, dict) and part.get("type") == "text"]


def request_miniature(*for_rules: str) -> Callable[[Callable[[Outgoing], None]], Edit]:
    """Register a function on an Outgoing as a miniature; it meets every request that went upstream."""

    def register(edit: Callable[[Outgoing], None]) -> Edit:
        def whole(transcript: Transcript) -> Transcript:
            dialect = transcript.dialect
            if dialect is None:
                return transcript
            return edit_exchanges(transcript, lambda exchange: _edited(exchange, dialect, edit))

        whole.__name__, whole.__doc__ = edit.__name__, edit.__doc__
        return miniature(*for_rules)(whole)

    return register


def _edited(exchange: Exchange, dialect: Dialect, edit: Callable[[Outgoing], None]) -> Exchange:
    calls = tuple(_changed(call, exchange, dialect, edit) for call in exchange.upstream)
    same = all(new is old for new, old in zip(calls, exchange.upstream, strict=True))
    return exchange if same else replace(exchange, upstream=calls)


def _changed(
    call: UpstreamCall, exchange: Exchange, dialect: Dialect, edit: Callable[[Outgoing], None]
) -> UpstreamCall:
    if not isinstance(call.json, dict):
        return call
    outgoing = Outgoing(copy.deepcopy(call.json), dialect, exchange, list(call.headers), call.query)
    edit(outgoing)
    headers, query = tuple(outgoing.headers), outgoing.query
    if json.dumps(outgoing.body) == json.dumps(call.json) and headers == call.headers and query == call.query:
        return call
    return replace(
        call,
        json=outgoing.body,
        body=json.dumps(outgoing.body, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        headers=headers,
        query=query,
        objections=get(dialect).objections({name.lower(): value for name, value in headers}, outgoing.body),
    )


def blocks(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The blocks of a Messages message."""
    content = message.get("content")
    yield from (block for block in content if isinstance(block, dict)) if isinstance(content, list) else ()
