"""What the schema rules say: enough to mend it at once, and the same for the same fault."""

from __future__ import annotations

import json
from collections.abc import Callable

from openai.types.responses import ResponseTextDeltaEvent

from conformance.checks.schemas import schema_problem
from conformance.rules import Violation
from conformance.transcript import Transcript

_DELTA = {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "x"}
_MISSING = "content_index, logprobs, output_index, sequence_number: Field required"


def test_all_fields_that_are_missing_are_named() -> None:
    """One sentence names every field that a value lacks at one place."""
    assert schema_problem(ResponseTextDeltaEvent, _DELTA) == _MISSING


def test_a_wrong_value_is_shown() -> None:
    """A field of a wrong type is told with what stands there."""
    whole = {**_DELTA, "content_index": 0, "output_index": "0", "sequence_number": 1, "logprobs": []}
    told = schema_problem(ResponseTextDeltaEvent, whole)
    assert told == 'output_index: Input should be a valid integer (found "0")'


def test_deltas_with_one_fault_say_one_thing(
    streamed: Callable[[bytes], Transcript], violations: Callable[[str, Transcript], list[Violation]]
) -> None:
    """However many events lack the same fields, a report has one sentence for them."""
    deltas = [{**_DELTA, "delta": f"word {number}"} for number in range(20)]
    body = "".join(f"event: {delta['type']}\ndata: {json.dumps(delta)}\n\n" for delta in deltas)
    found = violations("schema.openai-events", streamed(body.encode()))
    assert len(found) == len(deltas)
    assert {violation.actual for violation in found} == {_MISSING}
