"""Cases of several images: in several turns, and in the results of several calls."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

from conformance.cases.build import assistant, call_item, function, output_item, says, user
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind

__all__ = ["CASES", "RED"]

STREAM: frozenset[DriveKind] = frozenset({"stream"})
JSON: frozenset[DriveKind] = frozenset({"json"})
SEEN = frozenset({"images"})
LOOK = function("look_at", "Takes a picture of a page.", page={"type": "string"})


def _pixel(red: int, green: int, blue: int) -> dict[str, Any]:
    """An image part: a PNG of one pixel of that colour, as a data URL."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes([0, red, green, blue]))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    address = "data:image/png;base64," + base64.b64encode(png).decode()
    return {"type": "input_image", "detail": "auto", "image_url": address}


RED = _pixel(255, 0, 0)
"""An image part of one red pixel."""
BLUE = _pixel(0, 0, 255)

CASES = (
    Case(
        id="images.in-two-turns",
        summary="A question about an image, its answer, and a question about another image.",
        source="openai.types.responses.ResponseInputImageParam; openai.types.responses.ResponseInputParam",
        turns=(
            Turn(
                request={
                    "input": [
                        user("What colour is the first one?", RED),
                        assistant("The first one is red."),
                        user("And what colour is the other?", BLUE),
                    ],
                    "store": False,
                },
                answers=(says("It is blue."),),
            ),
        ),
        drives=JSON,
        features=SEEN,
    ),
    Case(
        id="images.in-two-results",
        summary="Two parallel calls, and an image as the result of each.",
        source="ggml-org/llama.cpp#27958; openai/codex (view_image); "
        "openai.types.responses.ResponseFunctionCallOutputItemList",
        turns=(
            Turn(
                request={
                    "input": [
                        user("Compare the two pages."),
                        call_item("call_page_one", "look_at", '{"page": "one"}'),
                        call_item("call_page_two", "look_at", '{"page": "two"}'),
                        output_item("call_page_one", [RED]),
                        output_item("call_page_two", [BLUE]),
                    ],
                    "tools": [LOOK],
                    "store": False,
                },
                answers=(says("One is red, two is blue."),),
            ),
        ),
        drives=STREAM,
        features=SEEN,
    ),
)
