"""Cases of the endpoints beside `POST /responses`, and of how requests reach it."""

from __future__ import annotations

from conformance.cases.build import asks, output_item, says, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind

__all__ = ["CASES"]

ONCE: frozenset[DriveKind] = frozenset({"json"})
STORE = frozenset({"store"})
WEBSOCKET = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "Y29uZm9ybWFuY2VzdWl0ZQ==",  # sixteen bytes, as RFC 6455 4.1 wants them
}
STORED = Turn(request={"input": [user("Say hello.")], "store": True}, answers=(says("Hello."),))

CASES = (
    Case(
        id="endpoint.models",
        summary="The list of models.",
        source="openai.resources.models.Models.list",
        turns=(Turn(method="GET", path="/models"),),
        drives=ONCE,
        refusal_statuses=frozenset({404, 405, 501}),
        may_refuse=True,
        tags=frozenset({"endpoint"}),
        each_dialect=True,
    ),
    Case(
        id="endpoint.wrong-method",
        summary="PUT on the endpoint that takes POST.",
        source="RFC 9110 15.5.6",
        turns=(Turn(method="PUT", path="/responses", raw_body=b"{}"),),
        drives=ONCE,
        refusal_statuses=frozenset({404, 405, 501}),
        tags=frozenset({"endpoint"}),
        each_dialect=True,
    ),
    Case(
        id="endpoint.websocket-upgrade",
        summary="Codex' built-in provider asks for a websocket first.",
        source="openai/codex#19821; BYK/loreai#515; NVIDIA/NeMo-Relay#994",
        turns=(Turn(method="GET", path="/responses", headers=WEBSOCKET),),
        drives=ONCE,
        refusal_statuses=frozenset({101, 404, 405, 426, 501}),
        may_refuse=True,  # nothing forbids a listing at that address
        tags=frozenset({"endpoint"}),
    ),
    Case(
        id="endpoint.packed-body",
        summary="The body is gzipped.",
        source="QuantumNous/new-api#4913; farion1231/cc-switch#3764; RFC 9110 8.4",
        turns=(Turn(request=asks(), answers=(says("Unpacked."),), packed=True),),
        drives=frozenset({"stream"}),
        refusal_statuses=frozenset({400, 413, 415, 422}),
        may_refuse=True,
    ),
    Case(
        id="endpoint.input-items",
        summary="The input of a stored response is listed.",
        source="openai.resources.responses.InputItems.list",
        turns=(STORED, Turn(method="GET", path="/responses/{previous}/input_items")),
        drives=ONCE,
        features=STORE,
        tags=frozenset({"endpoint"}),
    ),
    Case(
        id="endpoint.deleted",
        summary="A stored response is deleted, and then asked for.",
        source="openai.resources.responses.Responses.delete; vllm-project/vllm#48275",
        turns=(
            STORED,
            Turn(method="DELETE", path="/responses/{previous}"),
            Turn(method="GET", path="/responses/{previous}"),
        ),
        drives=ONCE,
        features=STORE,
        refusal_statuses=frozenset({404}),
        tags=frozenset({"endpoint"}),
    ),
    Case(
        id="history.foreign-compaction",
        summary="A compaction item that another server made.",
        source="openai/codex#45393; cubist38/mlx-openai-server#268",
        turns=(
            Turn(
                request={
                    "input": [
                        user("We were talking of Oslo."),
                        {"type": "compaction", "id": "cmp_1", "encrypted_content": "of-another-server"},
                        user("Go on."),
                    ],
                    "store": False,
                },
                answers=(says("Of Oslo, yes."),),
            ),
        ),
        drives=frozenset({"stream"}),
        features=frozenset({"compaction"}),
    ),
    Case(
        id="history.result-of-nobody",
        summary="A result whose call id fits none of the calls, beside a call that has its result.",
        source="openai/gpt-oss#309; continuedev/continue#11785",
        turns=(
            Turn(
                request={
                    "input": [
                        user("Weather?"),
                        {"type": "function_call", "call_id": "call_a", "name": "get_weather", "arguments": "{}"},
                        output_item("call_a", "rain"),
                        output_item("call_nobody", "a result of nobody"),
                        user("So?"),
                    ],
                    "store": False,
                },
                answers=(says("Rain."),),
            ),
        ),
        drives=frozenset({"stream"}),
        refusal_statuses=frozenset({400, 422}),
        may_refuse=True,
        tags=frozenset({"orphan"}),
    ),
)
