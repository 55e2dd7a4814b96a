"""Cases of requests that are large and right: a long file, a long result, many tools."""

from __future__ import annotations

from typing import Any

from conformance.cases.build import answers, call_item, function, output_item, says, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind

__all__ = ["CASES"]

STREAM: frozenset[DriveKind] = frozenset({"stream"})
TEXT = {"type": "string"}


def _lines(count: int, what: str) -> str:
    """A text of so many lines, no two alike."""
    return "\n".join(f"{number:06}  {what} of number {number * number}" for number in range(count))


FILE = _lines(3_000, "a line")  # about 100 kB
DUMP = _lines(40_000, "a longer line, as of a log,")  # about 2 MB
READ: dict[str, Any] = function("read_file", "Reads a file.", path=TEXT)
TOOLS = [function(f"server_{n // 20}__tool_{n}", f"Does task number {n}.", task=TEXT, priority=TEXT) for n in range(90)]

CASES = (
    Case(
        id="large.text-and-tools",
        summary="A question about a file of 3,000 lines, which stands in it, and ninety tools of several servers.",
        source="openai/codex (whole files; all tools of all MCP servers in each request); RFC 9110 15.5.14; "
        "BerriAI/litellm#8270 (MAX_STRING_LENGTH); OpenAI API reference, tools (128 at most)",
        turns=answers(says("Read."), asked=f"Sum it up.\n{FILE}", tools=TOOLS),
        drives=STREAM,
    ),
    Case(
        id="large.result",
        summary="A tool's result of two megabytes: more than common limits of bodies and buffers.",
        source="RFC 9110 15.5.14; expressjs/body-parser (100 kB by default); aio-libs/aiohttp (1 MiB by default)",
        turns=(
            Turn(
                request={
                    "input": [
                        user("What is in the log?"),
                        call_item("call_log", "read_file", '{"path": "log"}'),
                        output_item("call_log", DUMP),
                    ],
                    "tools": [READ],
                    "store": False,
                },
                answers=(says("Lines."),),
            ),
        ),
        drives=STREAM,
    ),
)
