"""Messages streams by hand: what each says, written down without the fold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.said import Said, SaidAnnotation, SaidItem, SaidUsage


def start(content: list[Any] | None = None, **usage: Any) -> dict[str, Any]:
    """`message_start`."""
    counts = {"input_tokens": 5, "output_tokens": 1} | usage
    message = {"id": "msg", "type": "message", "role": "assistant", "content": content or [], "model": "m"}
    return {"type": "message_start", "message": message | {"stop_reason": None, "stop_sequence": None, "usage": counts}}


def block(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    """`content_block_start`."""
    return {"type": "content_block_start", "index": index, "content_block": {"type": kind} | fields}


def text(index: int) -> dict[str, Any]:
    """The start of a text block."""
    return block(index, "text", text="")


def thinking(index: int) -> dict[str, Any]:
    """The start of a thinking block."""
    return block(index, "thinking", thinking="", signature="")


def tool(index: int, call_id: str, name: str, **fields: Any) -> dict[str, Any]:
    """The start of a tool_use block."""
    return block(index, "tool_use", **({"id": call_id, "name": name, "input": {}} | fields))


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    """`content_block_delta`."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind} | fields}


def says(index: int, piece: str) -> dict[str, Any]:
    """A piece of text."""
    return delta(index, "text_delta", text=piece)


def thinks(index: int, piece: str) -> dict[str, Any]:
    """A piece of thinking."""
    return delta(index, "thinking_delta", thinking=piece)


def signs(index: int, signature: str) -> dict[str, Any]:
    """A signature."""
    return delta(index, "signature_delta", signature=signature)


def writes(index: int, piece: str) -> dict[str, Any]:
    """A piece of arguments."""
    return delta(index, "input_json_delta", partial_json=piece)


def close(index: int) -> dict[str, Any]:
    """`content_block_stop`."""
    return {"type": "content_block_stop", "index": index}


def end(reason: str | None = "end_turn", **usage: Any) -> dict[str, Any]:
    """`message_delta`."""
    counts = {"output_tokens": 9} | usage
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": counts}


PING, STOP = {"type": "ping"}, {"type": "message_stop"}
WEB = {"type": "web_search_result_location", "url": "u:1", "title": "T", "cited_text": "c", "encrypted_index": "e"}
PAGE = {
    "type": "char_location",
    "cited_text": "c",
    "document_index": 0,
    "document_title": "D",
    "start_char_index": 0,
    "end_char_index": 1,
}


def call(arguments: str, pieces: int, name: str = "f", call_id: str = "i", **more: Any) -> SaidItem:
    """A call."""
    return SaidItem("call", arguments, pieces, name=name, call_id=call_id, **more)


A = SaidItem("text", "a", 1)

ITEMS: dict[str, tuple[list[Any], list[SaidItem]]] = {
    "text": (
        [start(), text(0), says(0, "a"), says(0, "b"), close(0), end(), STOP],
        [SaidItem("text", "ab", 2)],
    ),
    "nothing": ([start(), end(), STOP], []),
    "an empty block is nothing": ([start(), text(0), close(0), text(1), says(1, "a"), close(1), end(), STOP], [A]),
    "text in the start": ([start(), block(0, "text", text="a"), close(0), end(), STOP], [A]),
    "pings": ([PING, start(), PING, text(0), PING, says(0, "a"), PING, close(0), PING, end(), PING, STOP], [A]),
    "a ping that is no JSON": ([start(), b"event: ping\ndata: {\n\n", text(0), says(0, "a"), end(), STOP], [A]),
    "unknown event": ([start(), {"type": "novel", "x": 1}, text(0), says(0, "a"), close(0), end(), STOP], [A]),
    "unknown block": (
        [
            start(),
            block(0, "hologram", text="no"),
            says(0, "no"),
            close(0),
            text(1),
            says(1, "a"),
            close(1),
            end(),
            STOP,
        ],
        [A],
    ),
    "unknown delta": ([start(), text(0), delta(0, "novel", text="no"), says(0, "a"), close(0), end(), STOP], [A]),
    "a delta of another kind": ([start(), text(0), thinks(0, "no"), says(0, "a"), close(0), end(), STOP], [A]),
    "no event names": (
        [b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}}\n\n', end(), STOP],
        [A],
    ),
    "thinking": (
        [
            start(),
            thinking(0),
            thinks(0, "t"),
            thinks(0, "u"),
            signs(0, "s"),
            close(0),
            text(1),
            says(1, "a"),
            close(1),
            end(),
            STOP,
        ],
        [SaidItem("reasoning", "tu", 2, signature="s"), A],
    ),
    "a signature replaces": (
        [start(), thinking(0), thinks(0, "t"), signs(0, "s"), signs(0, "r"), close(0), end(), STOP],
        [SaidItem("reasoning", "t", 1, signature="r")],
    ),
    "an empty signature is none": (
        [start(), thinking(0), thinks(0, "t"), signs(0, ""), close(0), end(), STOP],
        [SaidItem("reasoning", "t", 1)],
    ),
    "omitted thinking": (
        [start(), thinking(0), signs(0, "s"), close(0), end(), STOP],
        [SaidItem("reasoning", "", 0, signature="s")],
    ),
    "redacted thinking": (
        [start(), block(0, "redacted_thinking", data="xyz"), close(0), end(), STOP],
        [SaidItem("reasoning", "", 0, redacted="xyz")],
    ),
    "thinking twice": (
        [
            start(),
            thinking(0),
            thinks(0, "t"),
            signs(0, "s"),
            close(0),
            thinking(1),
            thinks(1, "u"),
            signs(1, "r"),
            close(1),
            end(),
            STOP,
        ],
        [SaidItem("reasoning", "t", 1, signature="s"), SaidItem("reasoning", "u", 1, signature="r")],
    ),
    "call": (
        [
            start(),
            tool(0, "i", "f"),
            writes(0, ""),
            writes(0, '{"a"'),
            writes(0, ": 1}"),
            close(0),
            end("tool_use"),
            STOP,
        ],
        [call('{"a": 1}', 2)],
    ),
    "call without deltas": ([start(), tool(0, "i", "f"), close(0), end("tool_use"), STOP], [call("{}", 1)]),
    "call with an empty delta": (
        [start(), tool(0, "i", "f"), writes(0, ""), close(0), end("tool_use"), STOP],
        [call("{}", 1)],
    ),
    "call without an input": (
        [start(), block(0, "tool_use", id="i", name="f"), writes(0, "{}"), close(0), end("tool_use"), STOP],
        [call("{}", 1)],
    ),
    "call whole in the start": (
        [start(), tool(0, "i", "f", input={"ü": [1, 12345678901234567890]}), close(0), end("tool_use"), STOP],
        [call('{"ü":[1,12345678901234567890]}', 1)],
    ),
    "deltas replace the start's input": (
        [start(), tool(0, "i", "f", input={"a": 1}), writes(0, '{"b": 2}'), close(0), end("tool_use"), STOP],
        [call('{"b": 2}', 1)],
    ),
    "block indexes are not call indexes": (
        [
            start(),
            text(0),
            says(0, "a"),
            close(0),
            tool(1, "i", "f"),
            writes(1, "{}"),
            close(1),
            tool(2, "j", "g"),
            writes(2, "{}"),
            close(2),
            end("tool_use"),
            STOP,
        ],
        [A, call("{}", 1), call("{}", 1, "g", "j")],
    ),
    "thinking between calls": (
        [
            start(),
            tool(0, "i", "f"),
            writes(0, "{}"),
            close(0),
            thinking(1),
            thinks(1, "t"),
            signs(1, "s"),
            close(1),
            tool(2, "j", "g"),
            close(2),
            end("tool_use"),
            STOP,
        ],
        [call("{}", 1), SaidItem("reasoning", "t", 1, signature="s"), call("{}", 1, "g", "j")],
    ),
    "blocks that overlap": (
        [
            start(),
            thinking(0),
            thinks(0, "t"),
            tool(1, "i", "f"),
            writes(1, "{"),
            thinks(0, "u"),
            writes(1, "}"),
            signs(0, "s"),
            close(0),
            close(1),
            end("tool_use"),
            STOP,
        ],
        [SaidItem("reasoning", "tu", 2, signature="s"), call("{}", 2)],
    ),
    "what the service runs itself": (
        [
            *(
                start(),
                block(0, "server_tool_use", id="s", name="web_search", input={}),
                writes(0, '{"query": "x"}'),
                close(0),
            ),
            *(
                block(1, "web_search_tool_result", tool_use_id="s", content=[]),
                close(1),
                text(2),
                says(2, "a"),
                close(2),
                end(),
                STOP,
            ),
        ],
        [A],
    ),
    "citations": (
        [
            start(),
            block(0, "text", text="", citations=[]),
            delta(0, "citations_delta", citation=WEB),
            says(0, "a"),
            delta(0, "citations_delta", citation=PAGE),
            close(0),
            end(),
            STOP,
        ],
        [SaidItem("text", "a", 1, annotations=(SaidAnnotation("u:1", "T", None, None),))],
    ),
    "a citation without a title": (
        [
            start(),
            text(0),
            says(0, "a"),
            delta(0, "citations_delta", citation=WEB | {"title": None}),
            close(0),
            end(),
            STOP,
        ],
        [SaidItem("text", "a", 1, annotations=(SaidAnnotation("u:1", "", None, None),))],
    ),
    "cut text": (
        [start(), text(0), says(0, "a"), close(0), end("max_tokens"), STOP],
        [SaidItem("text", "a", 1, complete=False)],
    ),
    "cut in the second block": (
        [
            start(),
            text(0),
            says(0, "a"),
            close(0),
            tool(1, "i", "f"),
            writes(1, '{"a'),
            close(1),
            end("max_tokens"),
            STOP,
        ],
        [A, call('{"a', 1, complete=False)],
    ),
    "cut call that parses": (
        [start(), tool(0, "i", "f"), writes(0, "{}"), close(0), end("max_tokens"), STOP],
        [call("{}", 1, complete=False)],
    ),
    "cut before any argument": (
        [start(), tool(0, "i", "f"), close(0), end("max_tokens"), STOP],
        [call("", 0, complete=False)],
    ),
    "cut, blocks closed in reverse": (
        [
            start(),
            thinking(0),
            thinks(0, "t"),
            tool(1, "i", "f"),
            writes(1, '{"a'),
            signs(0, "s"),
            close(0),
            close(1),
            end("max_tokens"),
            STOP,
        ],
        [SaidItem("reasoning", "t", 1, signature="s"), call('{"a', 1, complete=False)],
    ),
    "end of body in a block": (
        [start(), text(0), says(0, "a"), close(0), tool(1, "i", "f"), writes(1, '{"a')],
        [A, call('{"a', 1, complete=False)],
    ),
    "end of body after a block": ([start(), text(0), says(0, "a"), close(0)], [A]),
    "end of body before the input": ([start(), tool(0, "i", "f")], [call("", 0, complete=False)]),
    "error": (
        [
            start(),
            text(0),
            says(0, "a"),
            {"type": "error", "error": {"type": "api_error", "message": "x"}},
            says(0, "b"),
        ],
        [SaidItem("text", "a", 1, complete=False)],
    ),
    "after message_stop": ([start(), text(0), says(0, "a"), close(0), end(), STOP, says(0, "b")], [A]),
    "content in message_start": ([start([{"type": "text", "text": "a"}]), end(), STOP], [A]),
    "a delta without its block": ([start(), says(7, "no"), text(0), says(0, "a"), close(0), end(), STOP], [A]),
    "no message_start": ([text(0), says(0, "a"), close(0), end(), STOP], [A]),
}


@pytest.mark.parametrize(("stream", "items"), ITEMS.values(), ids=ITEMS)
def test_items(messages: Callable[..., Said], stream: list[Any], items: list[SaidItem]) -> None:
    """Each kind of stream says exactly these items, in this order, with these numbers of pieces."""
    assert list(messages(*stream).items) == items


USAGES: dict[str, tuple[list[Any], SaidUsage | None]] = {
    "cumulative": ([start(), end(output_tokens=3), end(output_tokens=9), STOP], SaidUsage(5, 9, None, None, None)),
    "caches are added": (
        [start(input_tokens=10, cache_read_input_tokens=3800, cache_creation_input_tokens=200), end(), STOP],
        SaidUsage(4010, 9, 3800, 200, None),
    ),
    "the delta's input holds": (
        [start(input_tokens=235), end(input_tokens=107, cache_read_input_tokens=128), STOP],
        SaidUsage(235, 9, 128, None, None),
    ),
    "input known at the end": ([start(input_tokens=0), end(input_tokens=12), STOP], SaidUsage(12, 9, None, None, None)),
    "nulls change nothing": (
        [start(cache_read_input_tokens=1), end(input_tokens=None, cache_read_input_tokens=None), STOP],
        SaidUsage(6, 9, 1, None, None),
    ),
    "thinking": ([start(), end(output_tokens_details={"thinking_tokens": 4}), STOP], SaidUsage(5, 9, None, None, 4)),
    "not yet": ([start(), text(0), says(0, "a")], None),
    "none": ([text(0), says(0, "a")], None),
}


@pytest.mark.parametrize(("stream", "expected"), USAGES.values(), ids=USAGES)
def test_usage(messages: Callable[..., Said], stream: list[Any], expected: SaidUsage | None) -> None:
    """Counts are cumulative, the input includes the caches, and a placeholder is no count."""
    assert messages(*stream).usage == expected


def test_the_rest(messages: Callable[..., Said]) -> None:
    """Model, stop reason and form are the wire's own; a later null does not unsay a reason."""
    said = messages(start(), end("max_tokens"), end(None), STOP)
    assert (said.model, said.finish, said.status, said.streamed) == ("m", "max_tokens", 200, True)


def message(reason: str | None, *content: dict[str, Any]) -> dict[str, Any]:
    """A whole message."""
    counts = {"input_tokens": 5, "output_tokens": 9, "cache_read_input_tokens": 2}
    return start()["message"] | {"content": list(content), "stop_reason": reason, "usage": counts}


WHOLE: dict[str, tuple[dict[str, Any], list[SaidItem]]] = {
    "text": (message("end_turn", {"type": "text", "text": "a"}), [A]),
    "two texts": (message("end_turn", {"type": "text", "text": "a"}, {"type": "text", "text": "a"}), [A, A]),
    "all kinds": (
        message(
            "tool_use",
            {"type": "thinking", "thinking": "t", "signature": "s"},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "text", "text": "a", "citations": [WEB, PAGE]},
            {"type": "tool_use", "id": "i", "name": "f", "input": {"a": 1.5, "b": None, "c": "\u2028"}},
        ),
        [
            SaidItem("reasoning", "t", 1, signature="s"),
            SaidItem("reasoning", "", 0, redacted="d"),
            SaidItem("text", "a", 1, annotations=(SaidAnnotation("u:1", "T", None, None),)),
            call('{"a":1.5,"b":null,"c":"\u2028"}', 1),
        ],
    ),
    "no arguments": (message("tool_use", {"type": "tool_use", "id": "i", "name": "f", "input": {}}), [call("{}", 1)]),
    "cut": (message("max_tokens", {"type": "text", "text": "a"}), [SaidItem("text", "a", 1, complete=False)]),
    "nothing": (message("refusal"), []),
}


@pytest.mark.parametrize(("value", "items"), WHOLE.values(), ids=WHOLE)
def test_whole_messages(whole: Callable[..., Said], value: dict[str, Any], items: list[SaidItem]) -> None:
    """A JSON message says the same kinds of items, each in one piece, and its usage."""
    said = whole("messages", value)
    assert list(said.items) == items
    assert said.usage == SaidUsage(7, 9, 2, None, None)
    assert (said.streamed, said.finish) == (False, value["stop_reason"])
