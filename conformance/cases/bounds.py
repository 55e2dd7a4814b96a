"""Cases at the bounds of what the API lists: the last value inside is as legal as any other."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import answers, says
from conformance.cases.case import Case
from conformance.transcript import DriveKind
from fakes.script import Text

__all__ = ["CASES"]

STREAM: frozenset[DriveKind] = frozenset({"stream"})
EFFORTS = "openai.types.shared.ReasoningEffort; Open Responses 2026-04-24, schema ReasoningEffortEnum"
MEBIBYTE = 2**20


def _bound(name: str, summary: str, source: str, **body: Any) -> Case:
    of_case = {key: body.pop(key) for key in ("refusal_statuses", "may_refuse") if key in body}
    turns = answers(says("Just inside."), **body)
    return Case(id=f"bounds.{name}", summary=summary, source=source, turns=turns, drives=STREAM, **of_case)


CASES = (
    _bound(
        "smallest-limit",
        "The smallest limit on the output that the API lists.",
        "openai-openapi CreateResponse.max_output_tokens (at least 16)",
        max_output_tokens=16,
    ),
    _bound(
        "temperature-zero",
        "A temperature of 0, which is a value and not its absence.",
        "openai-openapi CreateResponse.temperature (0 to 2); BerriAI/litellm#12677",
        temperature=0,
    ),
    _bound(
        "metadata-full",
        "As many metadata as the API takes, each as long as it takes them.",
        "openai.types.shared_params.Metadata (16 pairs, keys of 64 and values of 512 characters)",
        metadata={f"{n:02d}{'k' * 62}": f"{n:02d}{'v' * 510}" for n in range(16)},
    ),
    _bound(
        "effort-minimal",
        "An effort that OpenAI alone lists.",
        EFFORTS,
        reasoning={"effort": "minimal"},
        refusal_statuses=frozenset({400, 422}),
        may_refuse=True,
    ),
    _bound(
        "effort-xhigh",
        "The highest effort that both specifications list.",
        f"{EFFORTS}; router-for-me/CLIProxyAPI#5499",
        reasoning={"effort": "xhigh"},
    ),
    Case(
        id="bounds.line-of-megabytes",
        summary="One event of the upstream is longer than a mebibyte.",
        source="dev2k6/command-code-proxy-server#3; achetronic/magec#45; nextlevelbuilder/goclaw#1349",
        turns=answers(says(Text(("y" * (MEBIBYTE + 99_990) + "the end ok",)))),
        drives=STREAM,
        tags=frozenset({"large"}),
    ),
)
