"""What real servers do besides, or otherwise, within their specification breaks no rule that decides."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from conformance.miniatures.edits import Draft, edit_exchanges, edit_headers, edit_json, on_streams
from conformance.miniatures.flavours import FLAVOURS
from conformance.miniatures.right import right_transcript
from conformance.miniatures.samples import SAMPLES, said_of
from conformance.rules import SPECIFICATIONS, Rule, Violation
from conformance.transcript import Exchange, Received, Transcript

_UNSET = {"effort": None, "summary": None}
Edit = Callable[[Transcript], Transcript]
SHOWN = ("sample.text", "sample.reasoning-and-calls", "sample.citations", "sample.length", "sample.dies")


@dataclass(frozen=True)
class Variant:
    """A legal way to write what the plain target writes. `profiles` are those that allow it."""

    name: str
    edit: Edit
    profiles: tuple[str, ...] = SPECIFICATIONS


def _responses(change: Callable[[dict[str, Any]], object]) -> Edit:
    """Every whole response, in snapshots and in JSON."""

    def streamed(draft: Draft) -> None:
        for response in draft.snapshots():
            if "model" in response:  # not the short form of a failure
                change(response)

    def whole(value: Any) -> Any:
        if isinstance(value, dict) and value.get("object") == "response":
            change(value)
        return value

    return lambda transcript: edit_json(on_streams(streamed)(transcript), whole)


def _items(change: Callable[[dict[str, Any]], object], *types: str) -> Edit:
    """Every item of these types, in each place where it stands."""

    def fitting(items: Any) -> None:
        for item in items:
            if not types or item["type"] in types:
                change(item)

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            fitting(value.get("output") or ())
        return value

    return lambda transcript: edit_json(on_streams(lambda draft: fitting(draft.items()))(transcript), whole)


def _bytes(change: Callable[[bytes], bytes]) -> Edit:
    """The bytes of every frame."""

    def one(exchange: Exchange) -> Exchange:
        if not exchange.is_stream:
            return exchange
        return replace(exchange, received=tuple(Received(read.t, change(read.data)) for read in exchange.received))

    return lambda transcript: edit_exchanges(transcript, one)


def _extends_usage(response: dict[str, Any]) -> None:
    if response.get("usage"):
        response["usage"]["cost"] = 0.01
        response["usage"]["input_tokens_details"]["audio_tokens"] = 0


def _reencrypts(item: dict[str, Any]) -> None:
    item["encrypted_content"] = f"gAAAA{item.get('status')}"


def _says_nothing_now_and_then(draft: Draft) -> None:
    for kind in ("output_text", "reasoning_summary_text", "function_call_arguments"):
        if frame := draft.nth(0, f"response.{kind}.delta"):
            draft.insert(frame, {**copy.deepcopy(frame.data), "delta": ""})


def _is_queued_first(draft: Draft) -> None:
    response = {**draft.events[0].data["response"], "status": "queued"}
    draft.insert(draft.events[0], {"type": "response.queued", "sequence_number": 0, "response": response})


def _leaves_gaps(draft: Draft) -> None:
    for number, frame in enumerate(draft.events):
        frame.data["sequence_number"] = 3 * number


def _thinks_nothing(draft: Draft) -> None:
    """An empty reasoning item before the answer, as OpenAI sends where it shows no summary."""
    first, terminal = draft.nth(0, "response.output_item.added"), draft.terminal
    if first is None or terminal is None or terminal.type != "response.completed":
        return
    for frame in draft.events:
        if "output_index" in frame.data:
            frame.data["output_index"] += 1
    item = {"id": "rs_nothing", "type": "reasoning", "summary": []}
    places = [{"type": f"response.output_item.{kind}", "sequence_number": 0} for kind in ("added", "done")]
    draft.insert(first, *({**place, "output_index": 0, "item": item} for place in places), after=False)
    terminal.data["response"]["output"].insert(0, item)


def _escaped(data: bytes) -> bytes:
    lines = data.split(b"\n")
    return b"\n".join(
        b"data: " + json.dumps(json.loads(line[6:])).encode() if line.startswith(b"data: {") else line for line in lines
    )


def _other_order(data: bytes) -> bytes:
    return b"\n".join(reversed(data.rstrip(b"\n").split(b"\n"))) + b"\n\n"


VARIANTS = (
    Variant("created_at with fractions", _responses(lambda r: r.update(created_at=r["created_at"] + 0.5)), ("openai",)),
    Variant("further keys in the response", _responses(lambda r: r.update(billing={"payer": "developer"}, user=None))),
    Variant(
        "service_tier that is settled late",
        _responses(lambda r: r.update(service_tier="auto" if r["status"] == "in_progress" else "default")),
    ),
    Variant("a model by its dated name", _responses(lambda r: r.update(model=f"{r['model']}-2026-01-01"))),
    Variant("reasoning without settings", _responses(lambda r: r.update(reasoning=r.get("reasoning") or _UNSET))),
    Variant("settings as floats", _responses(lambda r: r.update(temperature=float(r["temperature"])))),
    Variant("fields of features that are off", _responses(lambda r: r.update(conversation=None, background=False))),
    Variant("usage with further counts", _responses(_extends_usage)),
    Variant("no completed_at", _responses(lambda r: r.pop("completed_at", None)), ("openai",)),
    Variant("phase on messages", _items(lambda i: i.update(phase="final_answer"), "message")),
    Variant("further keys in items", _items(lambda i: i.update(created_by="server", agent=None))),
    Variant("encrypted content that changes until the end", _items(_reencrypts, "reasoning")),
    Variant("reasoning without status", _items(lambda i: i.pop("status", None), "reasoning")),
    Variant("reasoning with empty content", _items(lambda i: i.setdefault("content", []), "reasoning")),
    Variant("an empty reasoning item", on_streams(_thinks_nothing)),
    Variant("empty deltas", on_streams(_says_nothing_now_and_then)),
    Variant("response.queued", on_streams(_is_queued_first)),
    Variant("gaps between sequence numbers", on_streams(_leaves_gaps), ("openai",)),
    Variant(
        "annotations in the part alone",
        on_streams(lambda draft: draft.drop(*draft.all("response.output_text.annotation.added"))),
    ),
    Variant("lines that end by CR LF", _bytes(lambda data: data.replace(b"\n", b"\r\n"))),
    Variant("id lines", _bytes(lambda data: data.replace(b"event:", b"id: 1\nevent:"))),
    Variant("retry lines", _bytes(lambda data: data.replace(b"event: response.c", b"retry: 30\nevent: response.c"))),
    Variant(
        "no blank after the colons",
        _bytes(lambda data: data.replace(b"event: ", b"event:").replace(b"data: ", b"data:")),
    ),
    Variant("escaped Unicode", _bytes(_escaped)),
    Variant("data before event", _bytes(_other_order)),
    Variant(
        "no headers but the content type",
        lambda transcript: edit_headers(
            transcript, lambda all_: tuple(one for one in all_ if one[0] == "content-type")
        ),
    ),
)


def _plain() -> list[Transcript]:
    shown = [case for case in SAMPLES if case.id in SHOWN]
    return [
        right_transcript(case, case.dialects[0], FLAVOURS["plain"], said_of(case, case.dialects[0])) for case in shown
    ]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_legal_variant_breaks_no_rule_that_decides(variant: Variant, stream_rules: list[Rule]) -> None:
    """A target that differs from the plain one in this alone conforms, and the difference is in some sample."""
    changed = [new for old in _plain() if (new := variant.edit(old)) is not old]
    broken = {
        (profile, rule.id)
        for transcript in changed
        for rule in stream_rules
        for profile in variant.profiles
        if profile in rule.profiles and rule.level_in(profile).decides
        if any(isinstance(found, Violation) for found in rule.check(transcript))
    }
    assert broken == set()
    assert changed
