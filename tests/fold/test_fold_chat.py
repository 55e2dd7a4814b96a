"""Chat streams by hand: what each says, written down without the fold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.said import Said, SaidAnnotation, SaidItem, SaidUsage

DONE = "[DONE]"


def d(finish: str | None = None, index: int = 0, **delta: Any) -> dict[str, Any]:
    """One chunk of one choice."""
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def t(*calls: dict[str, Any], **delta: Any) -> dict[str, Any]:
    """One chunk of tool-call fragments."""
    return d(tool_calls=list(calls), **delta)


def call(index: int | None, arguments: Any = "absent", id: Any = None, name: Any = None) -> dict[str, Any]:  # noqa: A002
    """One fragment of a call; what is None is absent."""
    function = {} if arguments == "absent" else {"arguments": arguments}
    function |= {} if name is None else {"name": name}
    out: dict[str, Any] = {"function": function}
    out |= {} if index is None else {"index": index}
    return out | ({} if id is None else {"id": id, "type": "function"})


def usage(**counts: Any) -> dict[str, Any]:
    """A chunk without choices that carries usage."""
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": counts}


ROLE = d(role="assistant", content="")
STOP, CALLS = d("stop"), d("tool_calls")


def text(text: str, pieces: int = 1, **more: Any) -> SaidItem:
    """An item of text."""
    return SaidItem("text", text, pieces, **more)


def made(text: str, pieces: int, name: str, call_id: str = "", **more: Any) -> SaidItem:
    """A call."""
    return SaidItem("call", text, pieces, name=name, call_id=call_id, **more)


ITEMS: dict[str, tuple[list[Any], list[SaidItem]]] = {
    "text": ([ROLE, d(content="a"), d(content="b"), STOP, DONE], [text("ab", 2)]),
    "nothing": ([ROLE, STOP, DONE], []),
    "empty pieces say nothing": ([d(content=""), d(content="a"), d(content=""), STOP, DONE], [text("a")]),
    "nulls say nothing": (
        [d(content=None, tool_calls=None, refusal=None, role=None), d(content="a"), STOP, DONE],
        [text("a")],
    ),
    "no delta": (
        [{"choices": [{"index": 0, "delta": None}]}, {"choices": [{"index": 0}]}, d(content="a"), STOP, DONE],
        [text("a")],
    ),
    "text on the finish chunk": ([d("stop", content="a"), DONE], [text("a")]),
    "text after the finish chunk": ([d(content="a"), STOP, d(content="b"), DONE], [text("ab", 2)]),
    "surrogates in two escapes": (
        [b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d\\ude00"}}]}\n\n', STOP, DONE],
        [text("\U0001f600")],
    ),
    "reasoning": (
        [d(reasoning="r"), d(reasoning="s"), d(content="a"), STOP, DONE],
        [SaidItem("reasoning", "rs", 2), text("a")],
    ),
    "reasoning_content": (
        [d(reasoning_content="r"), d(content="a"), STOP, DONE],
        [SaidItem("reasoning", "r", 1), text("a")],
    ),
    "one text in both fields": ([d(reasoning="r", reasoning_content="r"), STOP, DONE], [SaidItem("reasoning", "r", 1)]),
    "reasoning in one delta with text": (
        [d(reasoning="r", content="a"), STOP, DONE],
        [SaidItem("reasoning", "r", 1), text("a")],
    ),
    "reasoning again": (
        [d(reasoning="r"), d(content="a"), d(reasoning="s"), d(content="b"), STOP, DONE],
        [SaidItem("reasoning", "r", 1), text("a"), SaidItem("reasoning", "s", 1), text("b")],
    ),
    "reasoning that is no text": ([d(reasoning={"effort": "low"}), d(content="a"), STOP, DONE], [text("a")]),
    "refusal": ([d(refusal="N"), d(refusal="o"), STOP, DONE], [SaidItem("refusal", "No", 2)]),
    "refusal after text": ([d(content="a"), d(refusal="No"), STOP, DONE], [text("a"), SaidItem("refusal", "No", 1)]),
    "other choices do not count": (
        [d(index=1, content="x"), d(content="a"), d("stop", index=1), STOP, DONE],
        [text("a")],
    ),
    "no index": ([{"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}, DONE], [text("a")]),
    "comments": ([b": hi\n\n", d(content="a"), b":\n\n", STOP, DONE], [text("a")]),
    "after [DONE]": ([d(content="a"), STOP, DONE, d(content="b")], [text("a")]),
    "call": (
        [t(call(0, "", "i", "f")), t(call(0, '{"a"')), t(call(0, ":1}")), CALLS, DONE],
        [made('{"a":1}', 2, "f", "i")],
    ),
    "call in one piece": ([t(call(0, "{}", "i", "f")), CALLS, DONE], [made("{}", 1, "f", "i")]),
    "call without arguments": ([t(call(0, id="i", name="f")), CALLS, DONE], [made("", 0, "f", "i")]),
    "null arguments": ([t(call(0, None, "i", "f")), t(call(0, "{}")), CALLS, DONE], [made("{}", 1, "f", "i")]),
    "arguments as an object": ([t(call(0, {"a": "ü"}, "i", "f")), CALLS, DONE], [made('{"a":"ü"}', 1, "f", "i")]),
    "id repeated": ([t(call(0, "{", "i", "f")), t(call(0, "}", "i")), CALLS, DONE], [made("{}", 2, "f", "i")]),
    "id empty later": ([t(call(0, "{", "i", "f")), t(call(0, "}", "")), CALLS, DONE], [made("{}", 2, "f", "i")]),
    "id late": ([t(call(0, name="f")), t(call(0, "{}", "i")), CALLS, DONE], [made("{}", 1, "f", "i")]),
    "id before name": (
        [t(call(0, id="i")), t(call(0, name="f")), t(call(0, "{}")), CALLS, DONE],
        [made("{}", 1, "f", "i")],
    ),
    "no id": ([t(call(0, "{", name="f")), t(call(0, "}")), CALLS, DONE], [made("{}", 2, "f")]),
    "other id without name": (
        [t(call(0, "{", "i", "f")), t(call(0, "}", "j")), CALLS, DONE],
        [made("{}", 2, "f", "i")],
    ),
    "name repeated": ([t(call(0, "{", "i", "f")), t(call(0, "}", name="f")), CALLS, DONE], [made("{}", 2, "f", "i")]),
    "name repeated before arguments": (
        [t(call(0, "", "i", "f")), t(call(0, "{}", name="f")), CALLS, DONE],
        [made("{}", 1, "f", "i")],
    ),
    "name in pieces": (
        [t(call(0, "", "i", "get_")), t(call(0, "", name="weather")), t(call(0, "{}")), CALLS, DONE],
        [made("{}", 1, "get_weather", "i")],
    ),
    "name after arguments": (
        [t(call(0, "{", "i", "f")), t(call(0, "}", name="g")), CALLS, DONE],
        [made("{}", 2, "f", "i")],
    ),
    "parallel": (
        [t(call(0, "{}", "i", "f")), t(call(1, "{", "j", "g")), t(call(1, "}")), CALLS, DONE],
        [made("{}", 1, "f", "i"), made("{}", 2, "g", "j")],
    ),
    "interleaved": (
        [
            t(call(0, "", "i", "f"), call(1, "", "j", "g")),
            t(call(0, '{"a"')),
            t(call(1, '{"b"')),
            t(call(0, ":1}"), call(1, ":2}")),
            CALLS,
            DONE,
        ],
        [made('{"a":1}', 2, "f", "i"), made('{"b":2}', 2, "g", "j")],
    ),
    "indexes from 3": (
        [t(call(3, "{}", "i", "f")), t(call(7, "[]", "j", "g")), CALLS, DONE],
        [made("{}", 1, "f", "i"), made("[]", 1, "g", "j")],
    ),
    "one index for two calls": (
        [t(call(0, "{}", "i", "f")), t(call(0, "[]", "j", "g")), CALLS, DONE],
        [made("{}", 1, "f", "i"), made("[]", 1, "g", "j")],
    ),
    "one index for two calls of one name": (
        [t(call(0, "{}", "i", "f")), t(call(0, "[]", "j", "f")), CALLS, DONE],
        [made("{}", 1, "f", "i"), made("[]", 1, "f", "j")],
    ),
    "no index, whole calls": (
        [t(call(None, "{}", "i", "f"), call(None, "[]", "j", "g")), CALLS, DONE],
        [made("{}", 1, "f", "i"), made("[]", 1, "g", "j")],
    ),
    "no index, by id": (
        [
            t(call(None, "", "i", "f"), call(None, "", "j", "g")),
            t(call(None, "{}", "i")),
            t(call(None, "[]", "j")),
            CALLS,
            DONE,
        ],
        [made("{}", 1, "f", "i"), made("[]", 1, "g", "j")],
    ),
    "no index, then nothing": (
        [t(call(None, "{", "i", "f")), t(call(None, "}")), CALLS, DONE],
        [made("{}", 2, "f", "i")],
    ),
    "legacy function_call": (
        [
            d(function_call={"name": "f", "arguments": ""}),
            d(function_call={"arguments": "{}"}),
            d("function_call"),
            DONE,
        ],
        [made("{}", 1, "f")],
    ),
    "text and call in one delta": (
        [t(call(0, "{}", "i", "f"), content="a"), CALLS, DONE],
        [text("a"), made("{}", 1, "f", "i")],
    ),
    "text between fragments": (
        [t(call(0, "{", "i", "f")), d(content="a"), t(call(0, "}")), CALLS, DONE],
        [made("{}", 2, "f", "i"), text("a")],
    ),
    "text after calls": (
        [d(content="a"), t(call(0, "{}", "i", "f")), d(content="b"), STOP, DONE],
        [text("a"), made("{}", 1, "f", "i"), text("b")],
    ),
    "reasoning inside a call": (
        [t(call(0, "{", "i", "f")), d(reasoning="r"), t(call(0, "}")), CALLS, DONE],
        [made("{}", 2, "f", "i"), SaidItem("reasoning", "r", 1)],
    ),
    "cut text": ([d(content="a"), d("length"), DONE], [text("a", complete=False)]),
    "cut after a call": (
        [t(call(0, "{}", "i", "f")), d(content="a"), d("length"), DONE],
        [made("{}", 1, "f", "i"), text("a", complete=False)],
    ),
    "cut call that parses": (
        [t(call(0, "{}", "i", "f")), d("length"), DONE],
        [made("{}", 1, "f", "i", complete=False)],
    ),
    "cut parallel calls": (
        [t(call(0, '{"a"', "i", "f")), t(call(1, "{}", "j", "g")), t(call(2, "{", "k", "h")), d("length"), DONE],
        [made('{"a"', 1, "f", "i", complete=False), made("{}", 1, "g", "j"), made("{", 1, "h", "k", complete=False)],
    ),
    "broken call of a whole answer": ([t(call(0, "{", "i", "f")), CALLS, DONE], [made("{", 1, "f", "i")]),
    "cut calls that alternate, the first one told last": (
        [t(call(0, '{"a":', "i", "f")), t(call(1, "{}", "j", "g")), t(call(0, "1}")), d("length"), DONE],
        [made('{"a":1}', 2, "f", "i"), made("{}", 1, "g", "j")],
    ),
    "cut calls that alternate, the first one no JSON": (
        [t(call(0, '{"a":', "i", "f")), t(call(1, "{}", "j", "g")), t(call(0, "1")), d("length"), DONE],
        [made('{"a":1', 2, "f", "i", complete=False), made("{}", 1, "g", "j")],
    ),
    "end of body": ([d(reasoning="r"), d(content="a")], [SaidItem("reasoning", "r", 1), text("a", complete=False)]),
    "broken chunk in the middle": ([d(content="a"), b"data: {oops\n\n", d(content="b"), STOP, DONE], [text("ab", 2)]),
    "a chunk that is no object": ([d(content="a"), "17", STOP, DONE], [text("a")]),
    "content that is no text": ([d(content=[{"type": "text", "text": "x"}]), d(content="a"), STOP, DONE], [text("a")]),
}


@pytest.mark.parametrize(("stream", "items"), ITEMS.values(), ids=ITEMS)
def test_items(chat: Callable[..., Said], stream: list[Any], items: list[SaidItem]) -> None:
    """Each kind of stream says exactly these items, in this order, with these numbers of pieces."""
    assert list(chat(*stream).items) == items


USAGES: dict[str, tuple[list[Any], SaidUsage | None]] = {
    "trailing": (
        [STOP, usage(prompt_tokens=7, completion_tokens=3, total_tokens=10), DONE],
        SaidUsage(7, 3, None, None, None),
    ),
    "none": ([STOP, DONE], None),
    "null": ([STOP | {"usage": None}, DONE], None),
    "on the finish chunk": (
        [STOP | {"usage": {"prompt_tokens": 7, "completion_tokens": 3}}, DONE],
        SaidUsage(7, 3, None, None, None),
    ),
    "in every chunk": (
        [
            d(content="a") | {"usage": {"prompt_tokens": 7, "completion_tokens": 1}},
            STOP | {"usage": {"prompt_tokens": 7, "completion_tokens": 2}},
            DONE,
        ],
        SaidUsage(7, 2, None, None, None),
    ),
    "null at last": (
        [STOP | {"usage": {"prompt_tokens": 7, "completion_tokens": 2}}, d() | {"usage": None}, DONE],
        SaidUsage(7, 2, None, None, None),
    ),
    "details": (
        [
            STOP,
            usage(
                prompt_tokens=7,
                completion_tokens=3,
                prompt_tokens_details={"cached_tokens": 4, "cache_write_tokens": 2},
                completion_tokens_details={"reasoning_tokens": 1},
            ),
            DONE,
        ],
        SaidUsage(7, 3, 4, 2, 1),
    ),
    "null details": (
        [
            STOP,
            usage(prompt_tokens=7, completion_tokens=3, prompt_tokens_details=None, completion_tokens_details={}),
            DONE,
        ],
        SaidUsage(7, 3, None, None, None),
    ),
    "partial counts after whole ones": (
        [usage(prompt_tokens=7, completion_tokens=2), STOP, usage(prompt_tokens=5), DONE],
        SaidUsage(7, 2, None, None, None),
    ),
    "partial counts": ([STOP, usage(prompt_tokens=5), DONE], None),
    "large": (
        [STOP, usage(prompt_tokens=5_000_000_000, completion_tokens=0), DONE],
        SaidUsage(5_000_000_000, 0, None, None, None),
    ),
    "after the finish of a limit": (
        [d("length"), usage(prompt_tokens=1, completion_tokens=1), DONE],
        SaidUsage(1, 1, None, None, None),
    ),
}


@pytest.mark.parametrize(("stream", "expected"), USAGES.values(), ids=USAGES)
def test_usage(chat: Callable[..., Said], stream: list[Any], expected: SaidUsage | None) -> None:
    """The last whole count holds, cached tokens are within the input, and details not reported are None."""
    assert chat(*stream).usage == expected


def cite(url: str, start: int | None = None, end: int | None = None) -> dict[str, Any]:
    """An annotation as OpenAI sends it."""
    return {"type": "url_citation", "url_citation": {"url": url, "title": "T", "start_index": start, "end_index": end}}


def test_annotations(chat: Callable[..., Said]) -> None:
    """Citations belong to the text they count characters of, also when they come after it or before it."""
    said = chat(d(annotations=[cite("u:0", 0, 1)]), d(content="abc"), d(annotations=[cite("u:1", 1, 3)]), STOP, DONE)
    assert said.items[0].annotations == (SaidAnnotation("u:0", "T", 0, 1), SaidAnnotation("u:1", "T", 1, 3))


def test_annotations_of_two_texts(chat: Callable[..., Said]) -> None:
    """Where a call parts the text, indexes are those of the item: the wire counts over all content."""
    said = chat(
        *(d(content="abc"), t(call(0, "{}", "i", "f")), d(content="defg")),
        *(d(annotations=[cite("u:a", 0, 2), cite("u:b", 4, 6), cite("u:c", 7, 7), cite("u:d")]), STOP, DONE),
    )
    first, _, second = said.items
    assert first.annotations == (SaidAnnotation("u:a", "T", 0, 2),)
    assert second.annotations == (
        SaidAnnotation("u:b", "T", 1, 3),
        SaidAnnotation("u:c", "T", 4, 4),
        SaidAnnotation("u:d", "T", None, None),
    )


def test_annotations_that_are_none(chat: Callable[..., Said]) -> None:
    """What is no citation with an address is left out, and so is a citation without any text."""
    assert chat(d(content="a"), d(annotations=[{"type": "other"}, 3, cite("")]), STOP, DONE).items[0].annotations == ()
    assert chat(d(annotations=[cite("u:1", 0, 1)]), STOP, DONE).items == ()


def test_the_rest(chat: Callable[..., Said]) -> None:
    """Model, finish reason, status and form are the wire's own."""
    first = d(content="a") | {"model": ""}
    said = chat(first, d() | {"model": "real"}, d("length"), DONE)
    assert (said.model, said.finish, said.status, said.streamed, said.error) == ("real", "length", 200, True, None)


def message(finish: str | None = "stop", **fields: Any) -> dict[str, Any]:
    """A whole answer."""
    body = {"role": "assistant", "content": None} | fields
    choices = [{"index": 0, "message": body, "finish_reason": finish, "logprobs": None}]
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}


FUNCTION = {"id": "i", "type": "function", "function": {"name": "f", "arguments": "{}"}}

WHOLE: dict[str, tuple[dict[str, Any], list[SaidItem]]] = {
    "text": (message(content="a"), [text("a")]),
    "empty": (message(content=""), []),
    "all kinds": (
        message("tool_calls", reasoning="r", content="a", refusal="n", tool_calls=[FUNCTION]),
        [SaidItem("reasoning", "r", 1), text("a"), SaidItem("refusal", "n", 1), made("{}", 1, "f", "i")],
    ),
    "reasoning_content": (message(reasoning_content="r", content="a"), [SaidItem("reasoning", "r", 1), text("a")]),
    "custom tool": (
        message("tool_calls", tool_calls=[{"id": "i", "type": "custom", "custom": {"name": "f", "input": "x y"}}]),
        [made("x y", 1, "f", "i")],
    ),
    "legacy": (message("function_call", function_call={"name": "f", "arguments": "{}"}), [made("{}", 1, "f")]),
    "cut": (message("length", content="a"), [text("a", complete=False)]),
    "annotated": (
        message(content="abc", annotations=[cite("u:1", 1, 2)]),
        [text("abc", annotations=(SaidAnnotation("u:1", "T", 1, 2),))],
    ),
}


@pytest.mark.parametrize(("value", "items"), WHOLE.values(), ids=WHOLE)
def test_whole_answers(whole: Callable[..., Said], value: dict[str, Any], items: list[SaidItem]) -> None:
    """A JSON answer says the same kinds of items, each in one piece."""
    said = whole("chat_completions", value)
    assert list(said.items) == items
    assert said.streamed is False
    assert said == whole("vllm", value)


def test_a_name_that_comes_after_its_arguments(chat: Callable[..., Said]) -> None:
    """A call's name may follow its first arguments; told once more it is not told twice."""
    stream = (ROLE, t(call(0, "{", "a")), t(call(0, "", name="f")), t(call(0, "}", name="f")), d("tool_calls"), DONE)
    (one,) = chat(*stream).calls
    assert (one.name, one.text) == ("f", "{}")
