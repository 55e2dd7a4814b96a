"""The vLLM dialect against whole recordings: what vLLM wrote is written again, byte for byte but for ids and time."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from fakes.dialects import get
from fakes.script import Dies, Error, Reasoning, Script, Text, ToolCall, Usage
from fakes.validation import vllm_objections

ROOT = Path(__file__).parents[2] / "recordings" / "vllm" / "vllm-0.32.0-qwen3-hermes"
UNSAID = {
    "stream_n2",  # several choices
    "stream_text_logprobs",
    "stream_stop_token_ids",
    "stream_tool_choice_named",  # an error after the role chunk, before any content
    "stream_parallel_tool_calls_false",
    "stream_reasoning_no_include",  # `reasoning: null` beside all content
}
"""What scripts cannot say."""

ALL = sorted(folder.name for folder in ROOT.iterdir())
STREAMS = [name for name in ALL if name not in UNSAID and (ROOT / name / "body.sse").exists()]
WHOLES = [name for name in ALL if name.startswith("nonstream")]

SAME = re.compile(r"chatcmpl(-tool)?-[0-9a-f]{16}|\"created\":\d+|vllm-0\.32\.0-[0-9a-f]+")


def without_ids(text):
    """A body with ids, time and fingerprint made the same."""
    return SAME.sub("*", text)


def request_of(name):
    """The body of a recorded request."""
    return json.loads((ROOT / name / "request.json").read_text(encoding="utf-8"))["body"]


def script_of(events):
    """The script that says what recorded events say."""
    fragments, finish, usage, calls = [], None, None, {}
    for event in events:
        if "error" in event:
            error = Error(event["error"]["code"], event["error"]["message"], event["error"]["type"])
            fragments.append((("error", error), ""))
            continue
        if event.get("usage"):
            details = event["usage"].get("completion_tokens_details") or {}
            counts = event["usage"]["prompt_tokens"], event["usage"]["completion_tokens"]
            usage = Usage(*counts, reasoning=details.get("reasoning_tokens"))
        for choice in event["choices"]:
            delta = choice["delta"]
            for call in delta.get("tool_calls", ()):
                calls.setdefault(call["index"], call["function"].get("name"))
                fragments.append((("call", call["index"]), call["function"].get("arguments")))
            kinds = [kind for kind in ("reasoning", "content") if delta.get(kind) is not None and "role" not in delta]
            fragments.extend(((kind, ""), delta[kind]) for kind in kinds)
            finish = choice["finish_reason"] or finish
            if choice.get("stop_reason"):
                finish = "stop_sequence"
    parts = []
    for (kind, detail), run in groupby(fragments, key=lambda fragment: fragment[0]):
        pieces = tuple(piece for _, piece in run if piece is not None)
        parts.append(
            {
                "content": lambda p=pieces: Text(p),
                "reasoning": lambda p=pieces: Reasoning(p),
                "call": lambda p=pieces, d=detail: ToolCall(calls[d], p),
                "error": lambda d=detail: d,
            }[kind]()
        )
    return Script(parts=tuple(parts), finish=finish, usage=usage)


@pytest.mark.parametrize("name", STREAMS)
def test_streams_are_written_again(name):
    """Each recorded stream, as far as it went, is what the encoder writes for the script that says the same."""
    recorded = (ROOT / name / "body.sse").read_text(encoding="utf-8")
    data = [line[6:] for line in recorded.split("\n") if line.startswith("data: ")]
    whole = bool(data) and data[-1] == "[DONE]"
    events = [json.loads(each) for each in data if each != "[DONE]" and each.endswith("}")]
    script = script_of(events)
    script = script if whole else replace(script, parts=(*script.parts, Dies()))
    written = get("vllm").encode(script, request_of(name)).body.decode()
    if whole:
        assert without_ids(written) == without_ids(recorded)
    else:
        assert len(events) > 1
        assert without_ids(written) == without_ids(recorded[: recorded.rindex("\n\n") + 2])


def test_most_streams_are_whole():
    """The comparison above is not one of fragments only."""
    whole = [name for name in STREAMS if (ROOT / name / "body.sse").read_bytes().endswith(b"data: [DONE]\n\n")]
    assert len(whole) > 20


@pytest.mark.parametrize("name", WHOLES)
def test_whole_bodies_are_written_again(name):
    """Each recorded JSON answer is what the encoder writes for the script that says the same."""
    recorded = (ROOT / name / "body.json").read_text(encoding="utf-8")
    body = json.loads(recorded)
    choice, counts = body["choices"][0], body["usage"]
    message = choice["message"]
    parts = []
    if message["reasoning"] is not None:
        parts.append(Reasoning((message["reasoning"],)))
    if message["content"] is not None:
        parts.append(Text((message["content"],)))
    functions = [call["function"] for call in message.get("tool_calls", ())]
    parts.extend(ToolCall(function["name"], (function["arguments"],)) for function in functions)
    usage = Usage(
        counts["prompt_tokens"],
        counts["completion_tokens"],
        reasoning=counts["completion_tokens_details"]["reasoning_tokens"],
    )
    script = Script(parts=tuple(parts), finish=choice["finish_reason"], usage=usage)
    written = get("vllm").encode(script, request_of(name)).body.decode()
    assert without_ids(written) == without_ids(recorded)


@pytest.mark.parametrize("name", ALL)
def test_what_vllm_refused_is_refused(name):
    """Requests that vLLM answered have no objection, those whose body it refused with 400 have one."""
    recorded = json.loads((ROOT / name / "request.json").read_text(encoding="utf-8"))
    status = json.loads((ROOT / name / "response.json").read_text(encoding="utf-8"))["status"]
    if recorded["method"] != "POST" or status not in (200, 400):
        return
    objections = vllm_objections({}, recorded["body"])
    assert bool(objections) is (status == 400)
