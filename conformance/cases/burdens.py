"""Cases of burdens: large events, endless lines, bombs, readers that stop, crowds, and keys that are wrong."""

from __future__ import annotations

import json
from typing import Any

from conformance.cases.build import WEATHER_TOOL, answers, asks, says, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.script import Dialect, Dies, Part, Raw, Silence, Text, ToolCall

__all__ = ["CASES"]

STREAM: frozenset[DriveKind] = frozenset({"stream"})
ONCE: frozenset[DriveKind] = frozenset({"json"})
BOTH: frozenset[DriveKind] = frozenset({"stream", "json"})
READERS: tuple[Dialect, ...] = ("chat_completions", "messages")
"""One for each form of stream: vLLM's is read like that of chat completions, and these cases cost a second each."""

MIB = 1 << 20
LIMIT = 16 * MIB
"""What a target that declares `body-limit` or `event-limit` is configured to take at most."""

BOMB = 256 * MIB
CROWD = 60
WRONG = {"authorization": "Bearer sk-of-somebody-else"}
KEYLESS = {"authorization": ""}
AT_ONCE = Silence(1e-6)  # each piece a write of its own, so that it shows how far the target reads


def _written_apart(*parts: Part) -> tuple[Part, ...]:
    return tuple(one for part in parts for one in (part, AT_ONCE))


def _case(name: str, summary: str, source: str, *turns: Turn, **keys: Any) -> Case:
    keys = {"drives": ONCE, **keys}
    return Case(id=name, summary=summary, source=source, turns=turns, **keys)


_BODIES = (
    _case(
        "body.packed-zstd",
        "The body is packed with zstd, as Codex does it.",
        "QuantumNous/new-api#4913; farion1231/cc-switch#3764; RFC 8878",
        Turn(request=asks(), answers=(says("Unpacked."),), packed=True, headers={"content-encoding": "zstd"}),
        drives=STREAM,
        refusal_statuses=frozenset({400, 413, 415, 422}),
        may_refuse=True,
    ),
    _case(
        "body.unknown-coding",
        "The body is packed in a content coding that does not exist.",
        "RFC 9110 8.4 and 15.5.16",
        Turn(raw_body=b"\x00\x01 no such coding", headers={"content-encoding": "x-no-such-coding"}),
        refusal_statuses=frozenset({400, 415, 422}),
        each_dialect=True,
    ),
    *(
        _case(
            f"body.bomb-{coding}",
            f"A body that {coding} packs into kilobytes and that unpacks to 256 MiB.",
            "CWE-409; zyycn/codex-proxy-rs#66; RFC 9110 15.5.14",
            Turn(
                request=asks(),
                answers=(says("All of it."),),
                packed=True,
                spaces=BOMB,
                headers={"content-encoding": coding},
            ),
            tags=frozenset({"bomb"}),
            each_dialect=coding == "gzip",
        )
        for coding in ("gzip", "zstd")
    ),
    _case(
        "body.over-long",
        "A body of 20 MiB, where the target is configured to take 16.",
        "RFC 9110 15.5.14",
        Turn(request=asks(), answers=(says("All of it."),), spaces=LIMIT + 4 * MIB),
        features=frozenset({"body-limit"}),
        tags=frozenset({"over-long"}),
    ),
)

_FLOW = (
    _case(
        "flow.large-arguments",
        "A call with arguments of 1 MiB, in one event of the upstream.",
        "nextlevelbuilder/goclaw#1349; cloudwego/hertz#1441; openai/codex (apply_patch of a whole file)",
        *answers(
            says(
                ToolCall("get_weather", (json.dumps({"city": "O" * MIB + "slo"}),), "call_large"), finish="tool_calls"
            ),
            tools=[WEATHER_TOOL],
        ),
        drives=BOTH,
        tags=frozenset({"large"}),
    ),
    _case(
        "flow.endless-line",
        "A line of the upstream that does not end: 48 MiB of it.",
        "CWE-770; nextlevelbuilder/goclaw#1349",
        *answers(
            says(
                "Begun. ",
                *_written_apart(Raw(b'data: {"'), *([Raw(b"x" * MIB)] * 48)),
                Dies("eof"),
                finish=None,
            )
        ),
        dialects=READERS,
        drives=STREAM,
        features=frozenset({"event-limit"}),
        tags=frozenset({"endless-line"}),
    ),
    _case(
        "flow.reader-stops",
        "The client stops reading in the middle of an answer of 32 MiB.",
        "CWE-770; BerriAI/litellm#12685; RFC 9293 3.8.6",
        Turn(
            request=asks(),
            answers=(says(*_written_apart(*(Text((f"{number:04d} " * 104_857,)) for number in range(64)))),),
            stop_reading_after=6,
        ),
        dialects=READERS,
        drives=STREAM,
        tags=frozenset({"stops-reading"}),
    ),
    _case(
        "flow.crowd",
        f"{CROWD} streams at once, each with words of its own.",
        "CWE-488; QuantumNous/new-api#5446; router-for-me/CLIProxyAPI#2767; nsimmons/koa-better-http-proxy#21",
        Turn(
            request=asks("Say my name, call it."),
            answers=(
                says(
                    Text(("You ", "are {token}", ", ")),
                    Silence(0.05),
                    Text(("and nobody ", "else is {token}", ".")),
                ),
            ),
            copies=CROWD,
        ),
        drives=STREAM,
        tags=frozenset({"crowd"}),
    ),
)

_BESIDE = _case(
    "flow.one-waits",
    "Two clients at once: the upstream answers the first one when the other one's answer is over.",
    "1rgs/claude-code-proxy#114",
    Turn(request=asks(), answers=(says("At last, or at once."),), copies=2, first_waits=True),
    drives=BOTH,
)

_KEYS = (
    _case(
        "access.wrong-key",
        "A client without a key, and one with a key that is not the target's.",
        "openai.AuthenticationError; RFC 9110 15.5.2",
        Turn(request=asks(), answers=(says("Come in."),), headers=KEYLESS),
        Turn(request=asks(), answers=(says("Come in."),), headers=WRONG),
        drives=BOTH,
        features=frozenset({"client-key"}),
        refusal_statuses=frozenset({401, 403}),
        tags=frozenset({"wrong-key"}),
        each_dialect=True,
    ),
    _case(
        "access.wrong-key-fetches",
        "A client with a wrong key asks for a response that another one has stored, and for its input, and deletes it.",
        "CWE-306; openai.AuthenticationError",
        Turn(request={"input": [user("A secret.")], "store": True}, answers=(says("I shall keep it."),)),
        Turn(method="DELETE", path="/responses/{answer:0:id}", headers=WRONG),
        Turn(method="GET", path="/responses/{answer:0:id}/input_items", headers=WRONG),
        Turn(method="GET", path="/responses/{answer:0:id}", headers=KEYLESS),
        Turn(method="GET", path="/responses/{answer:0:id}", headers=WRONG),
        features=frozenset({"client-key", "store"}),
        refusal_statuses=frozenset({401, 403, 404}),
        tags=frozenset({"wrong-key"}),
    ),
)

CASES = (*_BODIES, *_FLOW, _BESIDE, *_KEYS)
