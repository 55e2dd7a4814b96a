"""Cases of what must not be touched on its way: white space, Unicode in all its forms, numbers, large limits."""

from __future__ import annotations

from conformance.cases.build import answers, asks, assistant, call_item, developer, function, output_item, says, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind

__all__ = ["ARGUMENTS", "CASES", "UNICODE"]

STREAM: frozenset[DriveKind] = frozenset({"stream"})

UNICODE = "Cafe\u0301 nin\u0303o \u212b \ufb01n \uff21\uff22 \u00bd 👩\u200d👩\u200d👧 a\u00a0b\u200bc \u200fאב"
"""Characters that normal forms compose, decompose, widen or drop: what NFC, NFKC and their like would change."""

CODE = "def f():\n\tif  x:\n\t\treturn  \\n  # two blanks, tabs, a backslash\n\n\n    pass"
MARKUP = 'a &amp; b < c > d "q" %20 {{x}} ${y} {0} **bold** `tick` // # --'
LINES = "first\r\nsecond\r\n\r\nthird\u2028fourth"

ARGUMENTS = (
    '{"zip": 12345678901234567890, "low": -0.1e-7, "whole": 1.0, "many": 0.30000000000000004, "b": [true, null, []], '
    '"a": {"\\u00e9": "e\\u0301", "": "\\ud83d\\udc69\\u200d\\ud83d\\udc67"}, "text": "  two\\n\\tlines \\\\n  "}'
)
"""A JSON object in which a number, a character or a blank changes when it is read and written carelessly."""

_ANY = {"type": "function", "name": "note", "description": "Notes.", "parameters": {"type": "object"}, "strict": False}
_REFS = {
    "type": "function",
    "name": "grow",
    "description": "Grows a tree.\n\n  Use:  grow(tree)\n",
    "parameters": {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "kind": {"type": "string", "enum": ["leaf", "branch", ""], "description": "Leaf, or not."},
                    "size": {"type": "integer", "minimum": 0, "maximum": 12345678901234567890, "default": 0},
                    "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
                "required": ["kind", "size", "next"],
                "additionalProperties": False,
            }
        },
        "type": "object",
        "properties": {
            "tree": {"$ref": "#/$defs/node"},
            "season": {"type": "string", "enum": ["spring", "autumn"], "description": "When.", "default": "spring"},
            "code": {"type": "string", "pattern": "^[A-Z]{2}\\\\d+$", "title": "Code"},
        },
        "required": ["tree", "season", "code"],
        "additionalProperties": False,
    },
    "strict": True,
}

_PARTS = [f"Part {'abcdef'[n % 6]} of the letter." for n in range(12)]
_FURTHER = [{"type": "input_text", "text": text} for text in _PARTS[1:]]

CASES = (
    Case(
        id="exact.texts",
        summary="Texts in every role with Unicode that normal forms change, code, markup, and white space around them.",
        source="Unicode Standard Annex 15 (a normal form is another string)",
        turns=(
            Turn(
                request={
                    "instructions": f"Answer exactly: {UNICODE}",
                    "input": [
                        developer(f"Keep this code:\n{CODE}"),
                        user(f"  {UNICODE}\n", {"type": "input_text", "text": f"\t{MARKUP}\n\n"}),
                        assistant(f"{CODE}\n{UNICODE} {MARKUP}\n\n"),
                        user(LINES),
                    ],
                    "store": False,
                },
                answers=(says("Unchanged."),),
            ),
        ),
        drives=STREAM,
    ),
    Case(
        id="exact.arguments",
        summary="A call and its result in the history, with numbers, escapes and line ends of every kind.",
        source="openai.types.responses.ResponseFunctionToolCallParam.arguments; RFC 8259 6; BerriAI/litellm#5064",
        turns=(
            Turn(
                request={
                    "input": [
                        user("Note it."),
                        call_item("call_1", "note", ARGUMENTS),
                        output_item("call_1", f"{CODE}\n{LINES}\n{UNICODE} {MARKUP}"),
                        user("Noted?"),
                    ],
                    "tools": [_ANY],
                    "store": False,
                },
                answers=(says("Noted."),),
            ),
        ),
        drives=STREAM,
    ),
    Case(
        id="exact.answer",
        summary="An answer with Unicode that normal forms change, in fragments that part its characters.",
        source="Unicode Standard Annex 15 (a normal form is another string)",
        turns=answers(says(f"{UNICODE}\n{CODE} {MARKUP} {LINES}\n")),
    ),
    Case(
        id="exact.schemas",
        summary="A tool whose schema refers to itself, with enumerations, defaults, bounds and a description of lines.",
        source="JSON Schema 2020-12, 8.2; openai.types.responses.FunctionTool.parameters",
        turns=(
            Turn(
                request=asks("Grow it.", tools=[_REFS, function("note", "Notes.", text={"type": "string"})]),
                answers=(says("Grown."),),
            ),
        ),
        drives=STREAM,
    ),
    Case(
        id="exact.many-parts",
        summary="A message of the user in a dozen parts, some of them alike.",
        source="openai.types.responses.ResponseInputMessageContentListParam",
        turns=(Turn(request={"input": [user(_PARTS[0], *_FURTHER)], "store": False}, answers=(says("All of them."),)),),
        drives=STREAM,
    ),
    Case(
        id="exact.long-history",
        summary="A conversation of forty questions and answers, which nobody has asked to be shortened.",
        source="openai.types.responses.ResponseCreateParams.truncation (disabled by default)",
        turns=(
            Turn(
                request={
                    "input": [
                        *(
                            message
                            for n in range(40)
                            for message in (user(f"Question {n} of forty."), assistant(f"Answer {n} of forty."))
                        ),
                        user("And now?"),
                    ],
                    "store": False,
                },
                answers=(says("Now we are through."),),
            ),
        ),
        drives=STREAM,
    ),
    Case(
        id="exact.large-limit",
        summary="A limit of tokens that only the largest models know.",
        source="openai.types.responses.ResponseCreateParams.max_output_tokens",
        turns=answers(says("At length."), max_output_tokens=128_000),
        drives=STREAM,
    ),
)
