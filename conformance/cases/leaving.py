"""Cases of leaving and silence: a client, an upstream or a target that goes away, an upstream that says nothing."""

from __future__ import annotations

from conformance.cases.build import WEATHER_TOOL, answers, asks, call, says, thinks
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.framing import SILENCE
from fakes.reply import Reply, Verbatim
from fakes.script import Dies, Silence, Text

__all__ = ["CASES"]

STREAM: frozenset[DriveKind] = frozenset({"stream"})
BOTH: frozenset[DriveKind] = frozenset({"stream", "json"})
KEPT_ALIVE = frozenset({"keep-alive"})
LONG = Silence(SILENCE)
PAUSE = Silence(0.4)
_WORDS = ("Slowly", "and", "with", "many", "pauses", "the", "answer", "comes.")
NOTHING_YET = Verbatim(Reply(200, (("content-type", "text/event-stream"),), (), "stall"))

CASES = (
    Case(
        id="leaving.in-the-text",
        summary="The client leaves in the middle of the text; the upstream would go on.",
        source="BerriAI/litellm#36123; tombii/better-ccflare#360; dotnet/yarp#461",
        turns=(
            Turn(
                request=asks(),
                answers=(says(Text(("One, ", "two, ", "three, ")), Dies("stall"), finish=None, usage=None),),
                leave_after=5,
            ),
        ),
        drives=STREAM,
        tags=frozenset({"client-leaves"}),
    ),
    Case(
        id="leaving.before-the-first-byte",
        summary="The client leaves before the upstream has said anything.",
        source="BerriAI/litellm#31499; Mesh-LLM/mesh-llm#1406; 1rgs/claude-code-proxy#114; BerriAI/litellm#37140",
        turns=(Turn(request=asks(), answers=(NOTHING_YET,), leave_after=0),),
        drives=frozenset({"stream", "json"}),
        tags=frozenset({"client-leaves"}),
    ),
    Case(
        id="leaving.the-upstream-is-down",
        summary="Nothing listens where the upstream was.",
        source="RFC 9110 15.6.3; BerriAI/litellm#32221",
        turns=(Turn(request=asks(), upstream_closed=True),),
        drives=frozenset({"stream", "json"}),
        tags=frozenset({"unreachable"}),
        each_dialect=True,
    ),
    Case(
        id="leaving.the-target-is-stopped",
        summary="The target is asked to end (SIGTERM) in the middle of a stream.",
        source="Kubernetes, Pod termination; openai/codex repeats a turn whose stream broke off",
        turns=(
            Turn(
                request=asks(),
                answers=(says(Text(("One, ", "two, ", "three, ")), Dies("stall"), finish=None),),
                terminate_after=5,
            ),
        ),
        drives=STREAM,
        tags=frozenset({"target-stopped"}),
    ),
    Case(
        id="silence.in-the-text",
        summary="The upstream is silent for longer than the keep-alive interval, in the middle of the text.",
        source="openclaw/openclaw#70739; maximhq/bifrost#5010; Menci/Floway#498",
        turns=answers(says(Text(("Let me think ", "about it. ")), LONG, Text(("Yes, ", "indeed.")))),
        drives=STREAM,
        features=KEPT_ALIVE,
        tags=frozenset({"silence"}),
    ),
    Case(
        id="silence.slow-writer",
        summary="A slow model: many words, with a short pause before each, for longer than any of the pauses.",
        source="NVIDIA/OpenShell#641; octos-org/octos#2170; pydantic/logfire#1882",
        turns=answers(says(*(part for word in _WORDS for part in (Text((f"{word} ",)), PAUSE)))),
        drives=BOTH,
    ),
    Case(
        id="silence.between-items",
        summary="The upstream is silent between the reasoning and a call.",
        source="james-6-23/codex2api#623; openai-node 7.57, ResponseAccumulator",
        turns=answers(
            says(
                thinks("Now the weather."),
                "One moment.",
                LONG,
                call("get_weather", {"city": "Oslo"}),
                finish="tool_calls",
            ),
            tools=[WEATHER_TOOL],
            reasoning={"effort": "medium", "summary": "auto"},
        ),
        drives=STREAM,
        features=KEPT_ALIVE,
        tags=frozenset({"silence"}),
    ),
)
