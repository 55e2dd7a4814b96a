from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.miniatures.edits import encode
from conformance.miniatures.flavours import FLAVOURS
from conformance.miniatures.samples import SAMPLES, right_transcripts
from conformance.reading import FAMILIES, LIFECYCLE
from conformance.rules import Rule
from conformance.transcript import Transcript

_DELTAS = {kind for family in FAMILIES.values() for kind in family.deltas + family.dones}
_KINDS = sorted({*LIFECYCLE, *_DELTAS, "error", "response.output_item.added", "response.output_item.done"})
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)

_KEYS = st.sampled_from(
    (
        *("type", "id", "status", "item", "item_id", "output_index", "content_index", "summary_index", "part", "delta"),
        *(
            "text",
            "arguments",
            "name",
            "call_id",
            "response",
            "output",
            "content",
            "summary",
            "usage",
            "tools",
            "error",
        ),
        *("input_tokens", "code", "annotations", "sequence_number"),
    )
)
_JSON = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4))
_EVENTS = st.dictionaries(_KEYS, _JSON, max_size=6).flatmap(
    lambda data: st.sampled_from(_KINDS).map(lambda kind: {**data, "type": kind})
)
_RELAXED = settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def _judge(rules: list[Rule], transcript: Transcript) -> None:
    for rule in rules:
        list(rule.check(transcript))


@_RELAXED
@given(body=st.binary(max_size=200))
def test_no_check_raises_on_bytes(
    body: bytes, stream_rules: list[Rule], streamed: Callable[[bytes], Transcript]
) -> None:
    """Any bytes under the content type of an event stream are judged without an exception."""
    _judge(stream_rules, streamed(body))


@_RELAXED
@given(events=st.lists(_EVENTS, max_size=8))
def test_no_check_raises_on_events_of_any_shape(
    events: list[dict[str, Any]], stream_rules: list[Rule], streamed: Callable[[bytes], Transcript]
) -> None:
    """Events of known types with anything in their fields are judged without an exception."""
    _judge(stream_rules, streamed(b"".join(encode(event) for event in events)))


def _right_events() -> list[dict[str, Any]]:
    case = next(case for case in SAMPLES if case.id == "sample.reasoning-and-calls")
    transcript = next(iter(right_transcripts(FLAVOURS["plain"], cases=(case,))))
    return [event.data for event in transcript.drives[0].exchanges[0].events if event.data]


@_RELAXED
@given(data=st.data())
def test_no_check_raises_on_a_right_stream_with_one_wrong_value(
    data: st.DataObject, stream_rules: list[Rule], streamed: Callable[[bytes], Transcript]
) -> None:
    """A right stream in which any one value became any other is judged without an exception."""
    events: list[Any] = json.loads(json.dumps(_right_events()))
    holder: Any = data.draw(st.sampled_from(events))
    while True:
        key: Any = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        if not isinstance(holder[key], (dict, list)) or not holder[key] or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = data.draw(_JSON)
    _judge(stream_rules, streamed(b"".join(encode(event) for event in events)))


def test_deep_and_huge_json_is_judged(stream_rules: list[Rule], streamed: Callable[[bytes], Transcript]) -> None:
    """Lone surrogates, endless integers, NaN and deep nesting are values like any other."""
    values = ['"\\ud800"', "1" * 4000, "NaN", "-Infinity", "[" * 200 + "]" * 200, "[" * 99_999, "1e999"]
    body = b""
    for kind in ("response.created", "response.output_text.delta", "response.completed"):
        for value in values:
            fields = f'"sequence_number":{value},"delta":{value},"output_index":{value},"item_id":{value}'
            response = f'"response":{{"id":{value},"created_at":{value},"completed_at":{value},"status":"completed",'
            response += f'"usage":{{"input_tokens":{value},"output_tokens":1,"total_tokens":{value}}}}}'
            body += f'data: {{"type":"{kind}",{fields},{response}}}\n\n'.encode()
    _judge(stream_rules, streamed(body))
