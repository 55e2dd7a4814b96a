"""The fold against the official SDKs, on every recording.

The clients of `openai` and `anthropic` read each recording through their whole stack (HTTP response, event stream,
models, accumulator); the fold must have understood the same. Where a client raises instead, the fold must say why.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from anthropic.types import Message
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from conformance.fold import fold
from conformance.said import Said, SaidItem
from fakes.recording import Recording, load_all

RECORDINGS = [recording for recording in load_all() if recording.dialect != "responses"]


class Upstream(httpx2.BaseTransport):
    """Answers whatever it is asked with the recording that it was given."""

    def __init__(self) -> None:
        self.recording: Recording | None = None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The recorded response, in the recorded chunks."""
        assert self.recording is not None
        frames = [frame.data for frame in self.recording.reply().frames]
        return httpx2.Response(
            self.recording.status, headers=list(self.recording.headers), stream=Frames(frames), request=request
        )


class Frames(httpx2.SyncByteStream):
    """A body in pieces."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = frames

    def __iter__(self) -> Any:
        return iter(self._frames)


UPSTREAM = Upstream()
HTTP = httpx2.Client(transport=UPSTREAM)
OPENAI = openai.OpenAI(api_key="none", base_url="http://upstream/v1", http_client=HTTP, max_retries=0)
ANTHROPIC = anthropic.Anthropic(api_key="none", base_url="http://upstream", http_client=HTTP, max_retries=0)


def chunks() -> Iterator[ChatCompletionChunk]:
    """The raw events of a stream, as the SDK of OpenAI types them."""
    yield from OPENAI.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)


def read_chat(streamed: bool) -> ChatCompletion:
    """What the SDK of OpenAI makes of an exchange."""
    if not streamed:
        return OPENAI.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    state = ChatCompletionStreamState()  # type: ignore[var-annotated]
    for chunk in chunks():
        state.handle_chunk(chunk)
    return state.current_completion_snapshot


def read_messages(streamed: bool) -> Message:
    """What the SDK of Anthropic makes of an exchange."""
    if not streamed:
        return ANTHROPIC.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}])
    with ANTHROPIC.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]) as stream:
        for _ in stream:
            pass
        return stream.current_message_snapshot


READERS: dict[str, Callable[[bool], ChatCompletion | Message]] = {
    "chat_completions": read_chat,
    "vllm": read_chat,
    "messages": read_messages,
}


def said_of(recording: Recording) -> Said:
    """The fold of a recording, sent whole."""
    return fold(
        recording.dialect,
        status=recording.status,
        headers=recording.headers,
        body=recording.body,
        ended=recording.ended,
    )  # type: ignore[arg-type]


def same_chat(completion: ChatCompletion, said: Said) -> None:
    """A chat completion and a fold say the same."""
    choice = next(choice for choice in completion.choices if choice.index == 0)
    message = choice.message
    extra = message.model_extra or {}
    assert said.joined("text") == (message.content or "")
    assert said.joined("refusal") == (message.refusal or "")
    assert said.joined("reasoning") == (extra.get("reasoning") or extra.get("reasoning_content") or "")
    assert said.finish == choice.finish_reason
    # The SDK keeps the model of the first chunk, which on Azure has none.
    assert said.model == completion.model or not completion.model
    calls = [
        (call.id, call.function.name, call.function.arguments or "")
        if call.type == "function"
        else (call.id, call.custom.name, call.custom.input)
        for call in message.tool_calls or []
    ]
    if message.function_call is not None:
        calls.append(("", message.function_call.name, message.function_call.arguments))
    assert [(call.call_id, call.name, call.text) for call in said.calls] == calls
    cited = [
        note["url_citation"]["url"] if isinstance(note, dict) else note.url_citation.url
        for note in message.annotations or []
    ]
    assert [note.url for item in said.items for note in item.annotations] == cited
    usage = completion.usage
    if usage is None:
        assert said.usage is None
        return
    assert said.usage is not None
    assert (said.usage.input, said.usage.output) == (usage.prompt_tokens, usage.completion_tokens)
    prompt, generated = usage.prompt_tokens_details, usage.completion_tokens_details
    assert said.usage.cached == (prompt.cached_tokens if prompt else None)
    assert said.usage.reasoning == (generated.reasoning_tokens if generated else None)


KINDS = {"text": "text", "thinking": "reasoning", "redacted_thinking": "reasoning", "tool_use": "call"}


def same_block(block: Any, item: SaidItem) -> None:
    """A content block and an item say the same."""
    assert KINDS[block.type] == item.kind
    if block.type == "text":
        assert item.text == block.text
        cited = [cite.url for cite in block.citations or [] if cite.type == "web_search_result_location"]
        assert [note.url for note in item.annotations] == cited
    elif block.type == "thinking":
        assert (item.text, item.signature) == (block.thinking, block.signature or None)
    elif block.type == "redacted_thinking":
        assert item.redacted == block.data
    else:
        assert (item.call_id, item.name) == (block.id, block.name)
        # The SDK closes what was cut: only whole arguments can be compared.
        if item.complete and parses(item.text):
            assert json.loads(item.text) == block.input


def parses(text: str) -> bool:
    """Whether a text is JSON."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def tells(block: Any) -> bool:
    """Whether a block is for a client, and says anything."""
    if block.type == "text":
        return bool(block.text)
    if block.type == "thinking":
        return bool(block.thinking or block.signature)
    return block.type in KINDS


def same_messages(message: Message, said: Said) -> None:
    """A message and a fold say the same."""
    blocks = [block for block in message.content if tells(block)]
    assert len(said.items) == len(blocks)
    for block, item in zip(blocks, said.items, strict=True):
        same_block(block, item)
    assert said.finish == message.stop_reason
    assert said.model == message.model
    if said.usage is not None:
        usage = message.usage
        cached, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
        assert said.usage.input == usage.input_tokens + (cached or 0) + (written or 0)
        assert (said.usage.output, said.usage.cached, said.usage.cache_write) == (usage.output_tokens, cached, written)
    else:
        assert message.stop_reason is None


def read(recording: Recording) -> ChatCompletion | Message | Exception:
    """What the service's SDK makes of a recording, or how it fails."""
    UPSTREAM.recording = recording
    try:
        return READERS[recording.dialect](recording.streamed)
    except (openai.OpenAIError, anthropic.AnthropicError) as error:
        return error


def message_of(error: openai.APIError | anthropic.APIError) -> str:
    """The upstream's message in an SDK's exception: `openai` unwraps it, `anthropic` shows the whole event."""
    body: Any = error.body
    inner = body.get("error", body) if isinstance(body, dict) else None
    return str(inner["message"]) if inner else error.message


LONG = 400
"""Chunks from which on the SDK's accumulator is too slow: its cost grows with the square of their number."""

BREAK_THE_SDK: dict[str, type[Exception]] = {
    "chat_completions/azure-openai-2024-10-21/stream_async_filter": AttributeError,  # a choice without a delta
    "chat_completions/llama.cpp-0.5.0-dev/stream_n2": IndexError,  # choice 1 comes before choice 0
}
"""Legal streams that crash the accumulator of the SDK of OpenAI."""

OUTCOMES: Counter[str] = Counter()

ACCUMULATED = [
    r for r in RECORDINGS if r.name not in BREAK_THE_SDK and (len(r.chunks) < LONG or r.dialect == "messages")
]


@pytest.mark.parametrize("recording", ACCUMULATED, ids=lambda recording: recording.name)
def test_agreement(recording: Recording) -> None:
    """What a recording says is what the service's own SDK read in it, or the SDK's reason to refuse it."""
    said = said_of(recording)
    outcome = read(recording)
    OUTCOMES[type(outcome).__name__] += 1
    if isinstance(outcome, ChatCompletion):
        same_chat(outcome, said)
    elif isinstance(outcome, Message):
        same_messages(outcome, said)
    elif isinstance(outcome, (openai.APIStatusError, anthropic.APIStatusError)) and outcome.status_code >= 400:
        assert said.ends == {"http-error", "failed"}
        assert said.status == outcome.status_code
    else:
        assert isinstance(outcome, (openai.APIError, anthropic.APIError)), repr(outcome)
        assert said.error is not None
        assert said.error == message_of(outcome)
        assert "failed" in said.ends
        assert "completed" not in said.ends


@pytest.mark.parametrize("recording", [r for r in RECORDINGS if r not in ACCUMULATED], ids=lambda r: r.name)
def test_agreement_without_the_accumulator(recording: Recording) -> None:
    """Where the SDK's accumulator crashes or crawls, the raw events of its first choice say what the fold says."""
    UPSTREAM.recording = recording
    deltas = [choice for chunk in chunks() for choice in chunk.choices if choice.index == 0]
    text = "".join(choice.delta.content or "" for choice in deltas if choice.delta)
    said = said_of(recording)
    assert text
    assert said.joined("text") == text
    assert said.finish == next(choice.finish_reason for choice in reversed(deltas) if choice.finish_reason)


@pytest.mark.parametrize(("name", "error"), BREAK_THE_SDK.items())
def test_the_sdk_still_breaks(name: str, error: type[Exception]) -> None:
    """The streams that crash the SDK still do; when one no longer does, it belongs to those that are compared."""
    (recording,) = [recording for recording in RECORDINGS if recording.name == name]
    with pytest.raises(error):
        read(recording)


def test_all_ways_occur() -> None:
    """The comparison was made: most recordings are read by the SDKs, and each way to fail occurs."""
    if sum(OUTCOMES.values()) < len(ACCUMULATED):
        pytest.skip("only a part of the recordings was selected")
    assert OUTCOMES["ParsedChatCompletion[object]"] + OUTCOMES["ChatCompletion"] > 100, OUTCOMES
    assert OUTCOMES["ParsedMessage"] + OUTCOMES["Message"] > 80, OUTCOMES
    assert OUTCOMES["APIError"] >= 3, OUTCOMES
    assert OUTCOMES["BadRequestError"] >= 10, OUTCOMES
