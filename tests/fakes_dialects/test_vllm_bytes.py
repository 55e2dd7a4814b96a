"""vLLM's dialect, compared with lines recorded from vLLM 0.32.0 (tiny random Qwen3, hermes and qwen3 parsers)."""

from __future__ import annotations

import json

import pytest

from fakes.script import Error, Reasoning, Script, Text, ToolCall, Usage

ROLE = '{"id":"chatcmpl-923c671323612776","object":"chat.completion.chunk","created":1795339277,"model":"tiny-qwen3","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}'  # noqa: E501
TEXT = '{"id":"chatcmpl-923c671323612776","object":"chat.completion.chunk","created":1795339277,"model":"tiny-qwen3","choices":[{"index":0,"delta":{"content":"H"},"logprobs":null,"finish_reason":null,"token_ids":null}]}'  # noqa: E501
REASONING = '{"id":"chatcmpl-be3d77e4da2643a9","object":"chat.completion.chunk","created":1795339286,"model":"tiny-qwen3","choices":[{"index":0,"delta":{"reasoning":"I"},"logprobs":null,"finish_reason":null,"token_ids":null}]}'  # noqa: E501
STOP = '{"id":"chatcmpl-923c671323612776","object":"chat.completion.chunk","created":1795339277,"model":"tiny-qwen3","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}]}'  # noqa: E501
STOP_WITHOUT_USAGE = '{"id":"chatcmpl-b2fdb698df4fab7f","object":"chat.completion.chunk","created":1795339277,"model":"tiny-qwen3","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}],"system_fingerprint":"vllm-0.32.0-fe596e63"}'  # noqa: E501
USAGE = '{"id":"chatcmpl-923c671323612776","object":"chat.completion.chunk","created":1795339277,"model":"tiny-qwen3","choices":[],"usage":{"prompt_tokens":26,"total_tokens":89,"completion_tokens":63,"completion_tokens_details":{"reasoning_tokens":0}},"system_fingerprint":"vllm-0.32.0-fe596e63"}'  # noqa: E501
CALL = '{"id":"chatcmpl-94a75069102411a2","object":"chat.completion.chunk","created":1795339283,"model":"tiny-qwen3","choices":[{"index":0,"delta":{"content":null,"tool_calls":[{"id":"chatcmpl-tool-adcf4e0e3204c471","type":"function","index":0,"function":{"name":"get_weather"}}]},"logprobs":null,"finish_reason":null,"token_ids":null}]}'  # noqa: E501
ARGUMENTS = '{"id":"chatcmpl-94a75069102411a2","object":"chat.completion.chunk","created":1795339283,"model":"tiny-qwen3","choices":[{"index":0,"delta":{"content":null,"tool_calls":[{"index":0,"function":{"arguments":"{"}}]},"logprobs":null,"finish_reason":null,"token_ids":null}]}'  # noqa: E501
LENGTH = '{"id":"chatcmpl-947d8441b8397ef1","object":"chat.completion.chunk","created":1795339277,"model":"tiny-qwen3","choices":[{"index":0,"delta":{"content":" \\""},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}]}'  # noqa: E501
STOPPED = '{"id":"chatcmpl-803fe40629095101","object":"chat.completion.chunk","created":1795339278,"model":"tiny-qwen3","choices":[{"index":0,"delta":{"content":" "},"logprobs":null,"finish_reason":"stop","stop_reason":"STOP","token_ids":null}]}'  # noqa: E501
DEATH = 'data: {"error": {"message": "EngineCore encountered an issue. See stack trace (above) for the root cause.", "type": "InternalServerError", "param": null, "code": 500}}\n\ndata: [DONE]\n\n'  # noqa: E501
WHOLE = '{"id":"chatcmpl-99ff39ff923ef24f","object":"chat.completion","created":1795339287,"model":"tiny-qwen3","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"annotations":null,"audio":null,"function_call":null,"tool_calls":[{"id":"chatcmpl-tool-8bb3e261f60ee1e3","type":"function","function":{"name":"get_weather","arguments":"{}"}}],"reasoning":"plan"},"logprobs":null,"finish_reason":"tool_calls","stop_reason":null,"token_ids":null,"routed_experts":null}],"service_tier":null,"system_fingerprint":"vllm-0.32.0-fe596e63","usage":{"prompt_tokens":235,"total_tokens":290,"completion_tokens":55,"prompt_tokens_details":null,"completion_tokens_details":{"reasoning_tokens":11}},"prompt_logprobs":null,"prompt_token_ids":null,"prompt_text":null,"kv_transfer_params":null,"ec_transfer_params":null,"metrics":null}'  # noqa: E501

TOKENS = Usage(26, 63, reasoning=0)


def as_recorded(line: str, recorded: str) -> str:
    """A line with the recording's completion id, call id and time, so that everything else can be compared."""
    ours, theirs = json.loads(line), json.loads(recorded)
    line = line.replace(ours["id"], theirs["id"]).replace(str(ours["created"]), str(theirs["created"]))
    for mine, yours in zip(_call_ids(ours), _call_ids(theirs), strict=True):
        line = line.replace(mine, yours)
    return line


def _call_ids(body: dict) -> list[str]:
    holders = [choice.get("delta") or choice.get("message") or {} for choice in body["choices"]]
    return [call["id"] for holder in holders for call in holder.get("tool_calls", ()) if "id" in call]


@pytest.mark.parametrize(
    ("script", "position", "recorded"),
    [
        (Script(parts=(Text(("H",)),), usage=TOKENS), 0, ROLE),
        (Script(parts=(Text(("H",)),), usage=TOKENS), 1, TEXT),
        (Script(parts=(Text(("H",)),), usage=TOKENS), 2, STOP),
        (Script(parts=(Text(("H",)),), usage=TOKENS), 3, USAGE),
        (Script(parts=(Text(("H",)),), usage=None), 2, STOP_WITHOUT_USAGE),
        (Script(parts=(Reasoning(("I",)),)), 1, REASONING),
        (Script(parts=(ToolCall("get_weather", ("{",)),), finish="tool_calls"), 1, CALL),
        (Script(parts=(ToolCall("get_weather", ("{",)),), finish="tool_calls"), 2, ARGUMENTS),
        (Script(parts=(Text((" a", ' "')),), finish="length"), 2, LENGTH),
        (Script(parts=(Text((" ",)),), finish="stop_sequence"), 1, STOPPED),
    ],
)
def test_streamed_lines_are_those_that_were_recorded(encode, script, position, recorded):
    """Each event is byte for byte what vLLM 0.32 wrote, but for ids and time."""
    reply = encode("vllm", script, model="tiny-qwen3", stop=["STOP"])
    line = reply.frames[position].data.decode()
    assert line.startswith("data: ")
    assert line.endswith("\n\n")
    assert as_recorded(line[6:-2], recorded) == recorded


def test_whole_body_is_that_which_was_recorded(encode):
    """The JSON answer has the keys and nulls that vLLM 0.32 wrote, in its order."""
    parts = (Reasoning(("plan",)), ToolCall("get_weather", ("{", "}")))
    script = Script(parts=parts, finish="tool_calls", usage=Usage(235, 55, reasoning=11))
    body = encode("vllm", script, stream=False, model="tiny-qwen3").body.decode()
    assert as_recorded(body, WHOLE) == WHOLE


def test_engine_death_is_that_which_was_recorded(encode):
    """An error in mid-stream is spelled with spaces and followed by [DONE], as when the engine core died."""
    message = "EngineCore encountered an issue. See stack trace (above) for the root cause."
    reply = encode("vllm", Script(parts=(Text(("a",)), Error(500, message))))
    assert b"".join(frame.data for frame in reply.frames[-2:]).decode() == DEATH


def test_ids_are_hexadecimal(encode, events):
    """Completion ids are chatcmpl- and 16 digits, call ids chatcmpl-tool- and 16 digits, each call its own."""
    script = Script(parts=(ToolCall("f", ()), ToolCall("g", ())), finish="tool_calls")
    found = events(encode("vllm", script))
    assert len(found[0]["id"]) == len("chatcmpl-") + 16
    int(found[0]["id"].removeprefix("chatcmpl-"), 16)
    calls = [e["choices"][0]["delta"]["tool_calls"][0] for e in found[1:3]]
    assert calls[0]["id"] != calls[1]["id"]
    int(calls[0]["id"].removeprefix("chatcmpl-tool-"), 16)


def test_continuous_usage(encode, events):
    """`continuous_usage_stats` puts growing counts on every event, the last of them the whole."""
    options = {"include_usage": True, "continuous_usage_stats": True}
    found = events(encode("vllm", Script(parts=(Text(("a", "b")),), usage=Usage(4, 7)), stream_options=options))[:-1]
    counts = [event["usage"]["completion_tokens"] for event in found]
    assert counts == sorted(counts)
    assert counts[-1] == 7
    assert all(event["usage"]["prompt_tokens"] == 4 for event in found)
