"""Input items in all the forms real clients send, as upstream requests."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest

from reference.proxy.call_ids import CallIds
from reference.proxy.errors import ApiError

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
SAID = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Let me see.", "annotations": []}],
}


def call(call_id: str, name: str = "f", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    """A function_call item."""
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **more}


def output(call_id: str, value: Any = "ok", kind: str = "function_call_output") -> dict[str, Any]:
    """The item that answers it."""
    return {"type": kind, "call_id": call_id, "output": value}


def chat_call(call_id: str, name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    """The same call in a chat message."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool(call_id: str, content: Any = "ok") -> dict[str, Any]:
    """A tool message."""
    return {"role": "tool", "tool_call_id": call_id, "content": content}


ORDERS = {
    "call, call, output, output": [call("a"), call("b", "g"), output("a"), output("b")],
    "outputs in another order": [call("a"), call("b", "g"), output("b"), output("a")],
    "with extra keys": [
        call("a", id="fc_1", status="completed", x=1),
        call("b", "g", id=None),
        output("a"),
        output("b"),
    ],
}


@pytest.mark.parametrize("order", ORDERS)
def test_parallel_calls_are_one_turn_with_their_results_behind(sent: Any, order: str) -> None:
    """Calls of one turn are one assistant message, and results follow in the order of the calls."""
    calls = [chat_call("a"), chat_call("b", "g")]
    chat = sent([USER, SAID, *ORDERS[order]])
    assert chat["messages"][1:] == [
        {"role": "assistant", "content": "Let me see.", "tool_calls": calls},
        tool("a"),
        tool("b"),
    ]
    blocks = sent([USER, SAID, *ORDERS[order]], "messages")["messages"]
    assert [block["type"] for block in blocks[1]["content"]] == ["text", "tool_use", "tool_use"]
    assert [block["tool_use_id"] for block in blocks[2]["content"]] == ["a", "b"]


def test_rounds_of_a_tool_loop_stay_apart(sent: Any) -> None:
    """A call after an answered call begins the next assistant turn, so prefixes stay byte-stable."""
    first = sent([USER, call("a"), output("a")])["messages"]
    second = sent([USER, call("a"), output("a"), call("b"), output("b")])["messages"]
    assert second[: len(first)] == first
    assert second[3:] == [{"role": "assistant", "content": None, "tool_calls": [chat_call("b")]}, tool("b")]


@pytest.mark.parametrize("between", [SAID, {"type": "reasoning", "summary": []}, {**USER, "role": "developer"}])
def test_what_stands_between_a_call_and_its_output_does_not_part_them(sent: Any, between: Any) -> None:
    """The result always follows the message that holds its call."""
    messages = sent([USER, call("a"), between, output("a")])["messages"]
    place = next(i for i, message in enumerate(messages) if message.get("tool_calls"))
    assert messages[place + 1] == tool("a")


def test_text_of_the_user_comes_after_the_tool_results(sent: Any) -> None:
    """On Messages the results come first in the user turn, whatever was sent in between."""
    turn = sent([USER, call("a"), USER, output("a")], "messages")["messages"][2]
    assert [block["type"] for block in turn["content"]] == ["tool_result", "text"]


def test_a_call_id_used_again_is_paired_by_position(sent: Any) -> None:
    """Kimi repeats its ids every turn: chat gets them back, Messages gets unique ones."""
    items = [USER, call("f:0"), output("f:0", "one"), call("f:0"), output("f:0", "two")]
    assert [m["content"] for m in sent(items)["messages"] if m["role"] == "tool"] == ["one", "two"]
    blocks = [block for message in sent(items, "messages")["messages"] for block in message["content"]]
    ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
    assert [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"] == ids
    assert len(set(ids)) == 2


def test_ids_stay_apart_on_messages(sent: Any) -> None:
    """Ids that differ only in what the alphabet forbids, or beyond its length, do not collide."""
    names = ["a.b", "a:b", "a b", "x" * 64 + "1", "x" * 64 + "2", "é"]
    items = [USER, *(call(name) for name in names), *(output(name) for name in names)]
    ids = [block["id"] for block in sent(items, "messages")["messages"][1]["content"]]
    assert len(set(ids)) == len(names)
    assert all(len(made) <= 64 and made.replace("_", "").isascii() and made.replace("_", "").isalnum() for made in ids)


OWN_IDS = {
    "functions.list_files:0": "functions.list_files:0",
    "x" * 64: "x" * 64,
    "functions.get weather:0": None,
    "naïve\n\u0000✓": None,
    "x" * 65: None,
    "y " * 60: None,
}
"""An upstream's id: what the client gets, None for anything legal."""


@pytest.mark.parametrize("own", OWN_IDS)
def test_an_upstream_gets_its_own_id_back(exchange: Any, wire: Any, own: str) -> None:
    """A client gets at most 64 visible characters, legal ids unchanged, and the upstream its own to the letter."""
    item = exchange(wire.chat(wire.call(0, "{}", id=own, name="f"))).result["output"][0]
    assert re.fullmatch(r"[!-~]{1,64}", item["call_id"])
    assert item["call_id"] == (OWN_IDS[own] or item["call_id"])
    back = json.loads(exchange.prepare({"input": [USER, item, output(item["call_id"])]}).body)
    assert (back["messages"][1]["tool_calls"][0]["id"], back["messages"][2]["tool_call_id"]) == (own, own)


def test_what_is_remembered_of_ids_is_bounded_and_seldom_needed() -> None:
    """A short odd id comes back without memory; a long one that was forgotten is still one legal, unambiguous id."""
    first = CallIds(limit=2)
    short, long = first.outward("a b"), [first.outward("x" * 70 + str(number)) for number in range(3)]
    assert CallIds().inward(short) == "a b"
    assert [first.inward(ours) for ours in long] == [long[0], "x" * 70 + "1", "x" * 70 + "2"]
    assert CallIds().inward("call_b64_eA") == "call_b64_eA", "a legal id is never packed, so this is the client's own"
    assert CallIds().inward("call_b64_!") == "call_b64_!"


@pytest.mark.parametrize("dialect", ["chat_completions", "vllm"])
def test_illegal_ids_of_the_client_are_mapped_one_to_one(sent: Any, dialect: str) -> None:
    """Ids that chat upstreams refuse get at most 40 legal characters, in call and output; legal ones stay."""
    names = ["x" * 65, "x" * 64 + "y", "a b", "a\tb", "é", "functions.f:0", "z" * 64]
    items = [USER, *(call(name) for name in names), *(output(name) for name in names)]
    messages = sent(items, dialect)["messages"]
    ids = [made["id"] for made in messages[1]["tool_calls"]]
    assert [message["tool_call_id"] for message in messages[2:]] == ids
    assert ids[5:] == names[5:]
    assert len(set(ids)) == len(names)
    assert all(re.fullmatch(r"[!-~]{1,40}", made) for made in ids[:5])
    assert sent(items, dialect)["messages"] == messages, "the same ids each time, or no prefix cache hits"


REFUSED = {
    "No tool call found for function call output with call_id x.": [USER, output("x")],
    "No tool call found for custom tool call output with call_id x.": [
        USER,
        output("x", kind="custom_tool_call_output"),
    ],
    "No tool output found for function call a.": [USER, call("a"), USER],
    "Duplicate tool call with call_id a.": [USER, call("a"), call("a"), output("a")],
    "No tool call found for function call output with call_id a.": [USER, call("a"), output("a"), output("a")],
    "Items of type 'acme:thing' are not supported by this server.": [USER, {"type": "acme:thing"}],
    "Invalid value: 'robot' is not a role of a message.": [{**USER, "role": "robot"}],
}
BLAMED = {"Duplicate": "input[2]", "Items": "input[1]", "Invalid": "input[0]"}
"""First word of a message: the item it is about, where it is about one."""


@pytest.mark.parametrize("message", REFUSED)
def test_a_history_that_does_not_hold_together_is_refused(exchange: Any, message: str) -> None:
    """Orphans, duplicates and unknown items are a 400 in OpenAI's words, never an upstream error."""
    with pytest.raises(ApiError) as caught:
        exchange.prepare({"input": REFUSED[message]})
    assert (caught.value.status, caught.value.message, caught.value.param) == (
        400,
        message,
        BLAMED.get(message.split()[0], "input"),
    )


def test_easy_messages_are_messages(sent: Any) -> None:
    """Items without type, string content, foreign part types and ids are all understood."""
    items = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "input_text", "text": "b"}], "id": "msg_1", "phase": "commentary"},
        {"role": "user", "content": [{"type": "input_text", "text": "c"}, {"type": "input_text", "text": "d"}]},
        {"type": "agent_message", "content": [{"type": "text", "text": "e"}]},
    ]
    assert sent(items)["messages"] == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": [{"type": "text", "text": "c"}, {"type": "text", "text": "d"}]},
        {"role": "user", "content": "e"},
    ]


SYSTEM = [
    {"role": "developer", "content": "D1"},
    USER,
    {"role": "system", "content": "S"},
    {"role": "developer", "content": "D2"},
]


def test_one_leading_system_message(sent: Any) -> None:
    """Instructions first, then every system and developer text in order, nothing lost."""
    for dialect in ("chat_completions", "vllm"):
        messages = sent(SYSTEM, dialect, request={"instructions": "I"})["messages"]
        assert messages == [{"role": "system", "content": "I\n\nD1\n\nS\n\nD2"}, {"role": "user", "content": "Hi"}]
    body = sent(SYSTEM, "messages", request={"instructions": "I"})
    assert (body["system"], len(body["messages"])) == ("I\n\nD1\n\nS\n\nD2", 1)


def test_system_messages_in_place_and_developers_by_name(sent: Any) -> None:
    """Upstreams that take it get each message where it stood, developers as developers."""
    messages = sent(SYSTEM, system_position="in-place", developer_role="developer")["messages"]
    assert [message["role"] for message in messages] == ["developer", "user", "system", "developer"]
    assert sent(SYSTEM, developer_role="developer")["messages"][0]["role"] == "developer"


def test_a_history_that_ends_with_the_assistant_is_accepted(sent: Any) -> None:
    """openai/codex repeats a half answer after a cut; on Messages a user turn follows, as prefill is refused."""
    assert sent([USER, SAID])["messages"][-1] == {"role": "assistant", "content": "Let me see."}
    messages = sent([USER, SAID], "messages")["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]


def test_messages_roles_alternate_and_begin_with_the_user(sent: Any) -> None:
    """User turns are merged; a conversation the assistant begins, or with no user at all, gets a user turn."""
    for items in ([SAID, USER], [USER, USER], [{"role": "developer", "content": "x"}]):
        roles = [message["role"] for message in sent(items, "messages")["messages"]]
        assert roles[0] == roles[-1] == "user"
        assert all(a != b for a, b in itertools.pairwise(roles))


ARGUMENTS = {
    "": {},
    " ": {},
    "{}": {},
    '{"n":123456789012345678901234567890}': {"n": 123456789012345678901234567890},
    '{"x":': {"arguments": '{"x":'},
    "[1]": {"arguments": "[1]"},
    '"text"': {"arguments": '"text"'},
    "null": {"arguments": "null"},
}


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_bad_arguments_in_history_never_fail(sent: Any, arguments: str) -> None:
    """tool_use.input is an object whatever the model wrote; chat gets the string as it was."""
    items = [USER, call("a", arguments=arguments), output("a")]
    assert sent(items, "messages")["messages"][1]["content"][0]["input"] == ARGUMENTS[arguments]
    assert sent(items)["messages"][1]["tool_calls"][0]["function"]["arguments"] == arguments


def test_no_empty_text_reaches_messages(sent: Any) -> None:
    """Empty and blank texts, which Anthropic refuses, are left out; an empty result has no content."""
    blank = {"role": "assistant", "content": [{"type": "output_text", "text": "\n"}]}
    messages = sent([USER, {"role": "user", "content": ""}, blank, call("a"), output("a", "")], "messages")["messages"]
    assert messages[1]["content"][0]["type"] == "tool_use"
    assert messages[2]["content"] == [{"type": "tool_result", "tool_use_id": "a"}]


FOREIGN = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "content": None}


def test_reasoning_that_is_not_ours(exchange: Any, sent: Any) -> None:
    """A foreign blob is dropped with a warning; its summary is never visible text, and no empty message is made."""
    item = {**FOREIGN, "encrypted_content": "gAAAAforeign"}
    translation = exchange.prepare({"input": [USER, item, SAID, USER]})
    assert "not ours" in translation.warnings[0]
    assert json.loads(translation.body)["messages"][1] == {"role": "assistant", "content": "Let me see."}
    assert sent([USER, item, SAID, USER], "vllm")["messages"][1]["reasoning"] == "hm"
    assert "hm" not in json.dumps(sent([USER, item, SAID, USER], "messages"))
    for nothing in ({"type": "reasoning", "summary": []}, {"type": "reasoning", "summary": None, "id": "x"}):
        assert len(sent([USER, nothing])["messages"]) == 1


def test_receipts_of_hosted_tools_are_skipped(exchange: Any) -> None:
    """web_search_call and its like are echoed by clients; they have no form upstream and do no harm."""
    translation = exchange.prepare({"input": [USER, {"type": "web_search_call", "id": "ws_1"}, SAID, USER]})
    assert translation.warnings == ["1 web_search_call in the history skipped"]
    assert len(json.loads(translation.body)["messages"]) == 3


def test_a_compaction_item_of_ours_is_expanded(exchange: Any, wire: Any) -> None:
    """A trigger makes one compaction item; it comes back as the summary; a foreign one is dropped."""
    out = exchange(
        wire.chat({"reasoning": "r"}, {"content": "We did X."}), {"input": [USER, {"type": "compaction_trigger"}]}
    )
    assert [item["type"] for item in out.result["output"]] == ["compaction"]
    assert out.types == ["created", "in_progress", "output_item.added", "output_item.done", "completed", "[DONE]"]
    assert out.sent["tool_choice"] == "none"
    assert "X" not in out.result["output"][0]["encrypted_content"] or "We did" not in str(out.result)
    back = exchange.prepare({"input": [*out.result["output"], USER]})
    assert "We did X." in json.loads(back.body)["messages"][0]["content"]
    foreign = exchange.prepare({"input": [{"type": "compaction", "encrypted_content": "zzz"}, USER]})
    assert (len(json.loads(foreign.body)["messages"]), len(foreign.warnings)) == (1, 1)


@pytest.mark.parametrize("finish", ["length", None])
def test_a_summary_that_is_cut_or_missing_fails(exchange: Any, wire: Any, finish: Any) -> None:
    """A half summary must not replace a conversation."""
    request = {"input": [USER, {"type": "compaction_trigger"}]}
    assert exchange(wire.chat({"content": "We"}, finish=finish, done=False), request).result["status"] == "failed"
    assert exchange(wire.chat(), request).result["status"] == "failed"


ITEMS: list[dict[str, Any]] = [
    {
        "type": "additional_tools",
        "tools": [{"type": "namespace", "name": "n", "tools": [{"type": "custom", "name": "c", "format": {}}]}],
    },
    {
        "role": "user",
        "content": [
            {"type": "input_text", "text": "a"},
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
            {"type": "input_file", "file_data": "x"},
        ],
    },
    {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "s"}],
        "content": [{"text": "r"}],
        "encrypted_content": "e",
    },
    call("a", namespace="n"),
    output("a", [{"type": "input_text", "text": "x"}]),
    {"type": "tool_search_call", "call_id": "t", "arguments": {"q": 1}},
    {
        "type": "tool_search_output",
        "call_id": "t",
        "tools": [{"type": "function", "name": "h", "parameters": {}, "strict": True}],
    },
    {"type": "compaction", "encrypted_content": "e"},
]


def _spoiled(value: Any) -> Any:
    """Every copy of a JSON value in which one place holds something of another type."""
    yield from (None, 7, -1.5, "x", True, [], [7], {}, {"x": 7})
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        for inner in _spoiled(value[key]):
            yield {**value, key: inner} if isinstance(value, dict) else [*value[:key], inner, *value[key + 1 :]]


@pytest.mark.parametrize("dialect", ["chat_completions", "messages"])
def test_no_shape_of_an_item_is_an_internal_error(exchange: Any, dialect: str) -> None:
    """Whatever stands in place of whatever, the request is understood or refused with a 400."""
    refused = 0
    for number in range(len(ITEMS)):
        for item in _spoiled(ITEMS[number]):
            try:
                exchange.prepare({"input": [*ITEMS[:number], item, *ITEMS[number + 1 :]]}, dialect)
            except ApiError as error:
                refused += error.status == 400
    assert refused > 50
