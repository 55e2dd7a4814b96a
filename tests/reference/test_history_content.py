"""Content of messages and tool outputs in all its forms, as upstream requests."""

from __future__ import annotations

from typing import Any

import pytest

from reference.proxy.errors import ApiError

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}


def call(call_id: str, name: str = "f", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    """A function_call item."""
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **more}


def output(call_id: str, value: Any = "ok", kind: str = "function_call_output") -> dict[str, Any]:
    """The item that answers it."""
    return {"type": kind, "call_id": call_id, "output": value}


def tool(call_id: str, content: Any = "ok") -> dict[str, Any]:
    """A tool message."""
    return {"role": "tool", "tool_call_id": call_id, "content": content}


PNG = "data:image/png;base64,AAAA"
OUTPUT = [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": PNG, "detail": "original"}]


def test_images_in_tool_results(sent: Any) -> None:
    """Chat's tool messages hold text only: images follow in a user message; Messages takes them in place."""
    items = [USER, call("a"), output("a", OUTPUT)]
    chat = sent(items)["messages"]
    assert chat[2] == tool("a", "see")
    assert chat[3]["role"] == "user"
    assert chat[3]["content"][1] == {"type": "image_url", "image_url": {"url": PNG}}
    result = sent(items, "messages")["messages"][2]["content"][0]
    assert [block["type"] for block in result["content"]] == ["text", "image"]
    assert result["content"][1]["source"] == {"type": "base64", "media_type": "image/png", "data": "AAAA"}


def test_images_and_files_of_the_user(sent: Any) -> None:
    """Images by URL and data, PDFs and texts arrive in each dialect's own form."""
    pdf = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}
    parts = [{"type": "input_image", "image_url": "https://e.org/a.png", "detail": "low"}, pdf]
    content = sent([{"role": "user", "content": parts}])["messages"][0]["content"]
    assert content == [
        {"type": "image_url", "image_url": {"url": "https://e.org/a.png", "detail": "low"}},
        {"type": "file", "file": {"file_data": pdf["file_data"], "filename": "a.pdf"}},
    ]
    text = {"type": "input_file", "file_data": "data:text/plain;base64,QUJD"}
    url = {"type": "input_file", "file_url": "https://e.org/a.pdf"}
    blocks = sent([{"role": "user", "content": [*parts, text, url]}], "messages")["messages"][0]["content"]
    assert [block["source"] for block in blocks] == [
        {"type": "url", "url": "https://e.org/a.png"},
        {"type": "base64", "media_type": "application/pdf", "data": "QUJD"},
        {"type": "text", "media_type": "text/plain", "data": "ABC"},
        {"type": "url", "url": "https://e.org/a.pdf"},
    ]


EVERYWHERE = ("chat_completions", "messages", "vllm")
FORMLESS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"type": "input_image", "file_id": "f"}, EVERYWHERE),
    ({"type": "input_file", "file_id": "f"}, EVERYWHERE),
    ({"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}, EVERYWHERE),
    ({"type": "input_video", "video_url": "x"}, EVERYWHERE),
    ({"type": "input_image"}, EVERYWHERE),
    ({"type": "input_file", "file_url": "https://e.org/a"}, ("chat_completions", "vllm")),
    ({"type": "input_file", "file_data": "x"}, ("vllm",)),
    ({"type": "input_file", "file_data": "data:text/plain;base64,?"}, ("messages",)),
    ({"type": "input_file", "file_data": "data:audio/wav;base64,AA"}, ("messages",)),
    ({"type": "input_image", "image_url": "data:image/tiff;base64,AA"}, ("messages",)),
]
TEXT = {"type": "input_text", "text": "a"}


@pytest.mark.parametrize(("part", "dialect"), [(part, dialect) for part, dialects in FORMLESS for dialect in dialects])
def test_content_without_a_form_upstream_is_refused(exchange: Any, part: Any, dialect: str) -> None:
    """What cannot be passed on is a 400 that names the part, in messages and outputs, never left out in silence."""
    places = {
        "input[1].content[1]": [USER, {"role": "user", "content": [TEXT, part]}],
        "input[2].output[0]": [USER, call("a"), output("a", [part])],
    }
    for place, items in places.items():
        with pytest.raises(ApiError) as caught:
            exchange.prepare({"input": items}, dialect)
        assert (caught.value.status, caught.value.param) == (400, place)


@pytest.mark.parametrize("role", ["assistant", "developer", "system"])
@pytest.mark.parametrize("part", [OUTPUT[1], {"type": "input_file", "file_data": "data:application/pdf;base64,AA"}])
def test_only_users_show_things(exchange: Any, role: str, part: Any) -> None:
    """No upstream takes an image or a file in a message of another role: 400, and the part is named."""
    with pytest.raises(ApiError) as caught:
        exchange.prepare({"input": [USER, {"role": role, "content": [TEXT, part]}]})
    assert (caught.value.status, caught.value.param) == (400, "input[1].content[1]")


def test_outputs_in_every_form(sent: Any) -> None:
    """An output can be a string, parts, an object or nothing."""
    parts = [{"type": "input_text", "text": "a"}, {"type": "output_text", "text": "b"}]
    for value, content in (("x", "x"), (None, ""), ([], ""), ({"t": 1}, '{"t":1}')):
        assert sent([USER, call("a"), output("a", value)])["messages"][2] == tool("a", content)
    both = sent([USER, call("a"), output("a", parts)])["messages"][2]["content"]
    assert both == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


def test_a_refusal_in_history_keeps_its_words(sent: Any) -> None:
    """A refusal is a refusal part where there is one, text elsewhere."""
    item = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    assert sent([USER, item])["messages"][1]["content"] == [{"type": "refusal", "refusal": "No."}]
    assert sent([USER, item], "vllm")["messages"][1]["content"] == [{"type": "text", "text": "No."}]
    assert sent([USER, item, USER], "messages")["messages"][1]["content"] == [{"type": "text", "text": "No."}]
