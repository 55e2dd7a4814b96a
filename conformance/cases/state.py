"""Cases of state: responses that are stored, continued, fetched and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.cases.build import WEATHER_TOOL, call, developer, output_item, says, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.script import DeclaredCall, Script

__all__ = ["CASES"]

STORE = frozenset({"store"})
PLAIN: frozenset[DriveKind] = frozenset({"stream", "json"})
STREAM: frozenset[DriveKind] = frozenset({"stream"})
CONTINUED = "Open Responses 2026-04-24, previous_response_id; openai.types.responses.ResponseCreateParams"
NOTE_TOOL: dict[str, Any] = {
    "type": "custom",
    "name": "note",
    "description": "Keeps a note.",
    "format": {"type": "text"},
}


def _chain(
    name: str,
    summary: str,
    *turns: tuple[Any, Script],
    fork: Sequence[tuple[Any, Script]] = (),
    features: frozenset[str] = STORE,
    **body: Any,
) -> Case:
    """A conversation in which each request, of one input, continues the response before it; `fork` the first one."""
    requests = [{"input": asked, "store": True, **body} for asked, _ in (*turns, *fork)]
    for number, request in enumerate(requests[1:], 1):
        request["previous_response_id"] = "{previous}" if number < len(turns) else "{answer:0:id}"
    turns = (*turns, *fork)
    return Case(
        id=f"state.{name}",
        summary=summary,
        source=CONTINUED,
        turns=tuple(Turn(request=request, answers=(said,)) for request, (_, said) in zip(requests, turns, strict=True)),
        drives=STREAM,
        features=features,
        tags=frozenset({"continued"}),
    )


CASES = (
    Case(
        id="state.continued",
        summary="A second request continues a stored response.",
        source="Open Responses 2026-04-24, previous_response_id; BerriAI/litellm#28587; raullenchai/Rapid-MLX#588",
        turns=(
            Turn(request={"input": [user("My name is Ada.")], "store": True}, answers=(says("Hello Ada."),)),
            Turn(
                request={
                    "input": [user("What is my name?")],
                    "store": True,
                    "previous_response_id": "{previous}",
                },
                answers=(says("Ada."),),
            ),
        ),
        drives=PLAIN,
        features=STORE,
        tags=frozenset({"continued"}),
    ),
    Case(
        id="state.continued-with-result",
        summary="A result alone continues a stored response that ended with a call.",
        source="BerriAI/litellm#12677; vllm-project/vllm#43244",
        turns=(
            Turn(
                request={"input": [user("Weather in Oslo?")], "store": True, "tools": [WEATHER_TOOL]},
                answers=(says(call("get_weather", {"city": "Oslo"}, "call_stored"), finish="tool_calls"),),
            ),
            Turn(
                request={
                    "input": [output_item("{call_id:0:0}", "rain")],
                    "store": True,
                    "previous_response_id": "{previous}",
                    "tools": [WEATHER_TOOL],
                },
                answers=(says("It rains."),),
            ),
        ),
        drives=PLAIN,
        features=STORE,
        tags=frozenset({"continued"}),
    ),
    _chain(
        "continued-custom-call",
        "A stored response that ended with a call of a custom tool is continued by its result.",
        (
            [user("Note the milk.")],
            says(DeclaredCall("Keeps a note.", ("note",), "milk, two bottles", "call_noted"), finish="tool_calls"),
        ),
        ([{"type": "custom_tool_call_output", "call_id": "{call_id:0:0}", "output": "It is kept."}], says("Noted.")),
        features=STORE | {"custom-tools"},
        tools=[NOTE_TOOL],
    ),
    _chain(
        "continued-five-times",
        "A chain of six responses, begun with a string, with a cut answer in it; then the first one is continued anew.",
        ("My name is Ada, remember it.", says("Hello Ada.")),
        ([developer("Speak Latin, and only Latin."), user("Good morning.")], says("Salve.")),
        ([user("Tell me a tale.")], says("Olim in silva magna", finish="length")),
        ([user("Go on with it.")], says("vivebat lupus.")),
        ([user("What did the wolf eat?")], says("Avias edebat.")),
        ([user("And what is my name?")], says("Ada.")),
        fork=[([user("Which name shall you remember?")], says("Ada, of course."))],
    ),
    Case(
        id="state.instructions-not-inherited",
        summary="The instructions of the first response do not hold for the second.",
        source="openai.types.responses.ResponseCreateParams.instructions",
        turns=(
            Turn(
                request={"input": [user("Hi.")], "instructions": "Speak like a pirate.", "store": True},
                answers=(says("Arr."),),
            ),
            Turn(
                request={"input": [user("Again.")], "store": True, "previous_response_id": "{previous}"},
                answers=(says("Hello."),),
            ),
        ),
        drives=PLAIN,
        features=STORE,
        tags=frozenset({"continued"}),
    ),
    Case(
        id="state.continued-in-a-conversation",
        summary="A request continues a response, and names a conversation as well.",
        source="openai.types.responses.ResponseCreateParams.previous_response_id: not in conjunction with conversation",
        turns=(
            Turn(request={"input": [user("Hi.")], "store": True}, answers=(says("Hello."),)),
            Turn(
                request={
                    "input": [user("Which one?")],
                    "store": True,
                    "previous_response_id": "{previous}",
                    "conversation": {"id": "conv_0123456789abcdef0123456789abcdef"},
                },
                answers=(says("This one."),),
            ),
        ),
        drives=PLAIN,
        features=STORE,
        refusal_statuses=frozenset({400, 404, 422, 501}),
    ),
    Case(
        id="state.fetched",
        summary="A stored response can be fetched as soon as its terminal event has come.",
        source="EricLBuehler/mistral.rs#1946; openai.resources.responses.Responses.retrieve",
        turns=(
            Turn(request={"input": [user("Say hello.")], "store": True}, answers=(says("Hello."),)),
            Turn(method="GET", path="/responses/{previous}"),
        ),
        drives=PLAIN,
        features=STORE,
        tags=frozenset({"fetched"}),
    ),
)
