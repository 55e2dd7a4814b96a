"""Cases of attachments: files, audio and images that some upstreams take and others have no place for."""

from __future__ import annotations

import base64
from typing import Any

from conformance.cases.build import PIXEL, call_item, function, output_item, says, user
from conformance.cases.case import Case, Turn
from conformance.cases.images import RED
from conformance.transcript import DriveKind

__all__ = ["CASES", "PDF", "TEXT_FILE"]

PLAIN: frozenset[DriveKind] = frozenset({"stream", "json"})
REFUSALS = frozenset({400, 413, 415, 422, 501})
NO_SUCH_FILE = REFUSALS | {404}

_PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""
PDF = "data:application/pdf;base64," + base64.b64encode(_PDF).decode()
"""A data URL of a PDF with one empty page."""
TEXT_FILE = "data:text/plain;base64," + base64.b64encode(b"Tea: 3 kg\nRye: 2 kg\n").decode()
"""A data URL of a text of two lines."""
WAVE = base64.b64encode(b"RIFF\x26\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00").decode()
BITMAP = "data:image/bmp;base64," + base64.b64encode(b"BM:\x00\x00\x00\x00\x00\x00\x006\x00\x00\x00").decode()
SILENCE = {"type": "input_audio", "input_audio": {"data": WAVE, "format": "wav"}}


def _refusable(
    name: str, summary: str, source: str, turn: Turn, refusal_statuses: frozenset[int] = REFUSALS, **keys: Any
) -> Case:
    """A turn with an attachment, which the target translates, or refuses because it cannot."""
    return Case(
        id=f"attachment.{name}",
        summary=summary,
        source=source,
        turns=(turn,),
        drives=PLAIN,
        refusal_statuses=refusal_statuses,
        may_refuse=True,
        tags=frozenset({"attachment"}),
        **keys,
    )


def _attached(name: str, summary: str, source: str, *parts: dict[str, Any], **keys: Any) -> Case:
    """A question with attachments."""
    asked = {"input": [user("What is in it?", *parts)], "store": False}
    return _refusable(name, summary, source, Turn(request=asked, answers=(says("I have looked at it."),)), **keys)


def _given_out(part: dict[str, Any]) -> Turn:
    """A turn whose last result is a text and that part."""
    result = [{"type": "input_text", "text": "One page."}, part]
    items = [user("Fetch the page."), call_item("call_f", "fetch", "{}"), output_item("call_f", result)]
    return Turn(request={"input": items, "tools": [function("fetch")], "store": False}, answers=(says("It is empty."),))


CASES = (
    _attached(
        "pdf",
        "A PDF as a data URL, with its name.",
        "openai.types.responses.ResponseInputFileParam.file_data; anthropic.types.DocumentBlockParam; "
        "BerriAI/litellm#12204; TU-Wien-dataLAB/aqueduct#111",
        {"type": "input_file", "filename": "page.pdf", "file_data": PDF},
        each_dialect=True,
    ),
    _attached(
        "text-file",
        "A text file as a data URL, with its name.",
        "openai.types.responses.ResponseInputFileParam.file_data; anthropic.types.PlainTextSourceParam",
        {"type": "input_file", "filename": "list.txt", "file_data": TEXT_FILE},
    ),
    _attached(
        "file-by-address",
        "A PDF by its address.",
        "openai.types.responses.ResponseInputFileParam.file_url; anthropic.types.URLPDFSourceParam",
        {"type": "input_file", "file_url": "https://files.invalid/report.pdf"},
    ),
    _attached(
        "file-by-id",
        "A file by an id that only OpenAI's service knows.",
        "openai.types.responses.ResponseInputFileParam.file_id",
        {"type": "input_file", "file_id": "file-0123456789abcdef"},
        refusal_statuses=NO_SUCH_FILE,
    ),
    _attached(
        "image-by-id",
        "An image by an id that only OpenAI's service knows.",
        "openai.types.responses.ResponseInputImageParam.file_id; ollama/ollama openai/responses.go",
        {"type": "input_image", "detail": "auto", "file_id": "file-fedcba9876543210"},
        refusal_statuses=NO_SUCH_FILE,
    ),
    _attached(
        "image",
        "An image as a data URL, whatever the target declares.",
        "openai.types.responses.ResponseInputImageParam.image_url; BerriAI/litellm#12204",
        {"type": "input_image", "detail": "auto", "image_url": PIXEL},
    ),
    _attached(
        "audio",
        "A recording as base64.",
        "openai.types.responses.ResponseInputAudioParam; openai.types.chat.ChatCompletionContentPartInputAudioParam",
        SILENCE,
    ),
    _attached(
        "video",
        "A video by its address.",
        "Open Responses 2026-04-24, InputVideoContentParam; vLLM, Multimodal inputs: video_url",
        {"type": "input_video", "video_url": "https://files.invalid/clip.mp4"},
    ),
    _attached(
        "image-of-another-kind",
        "An image of a kind that Messages does not take.",
        "anthropic.types.Base64ImageSourceParam.media_type: image/jpeg, image/png, image/gif or image/webp",
        {"type": "input_image", "detail": "auto", "image_url": BITMAP},
        features=frozenset({"images"}),
    ),
    _refusable(
        "file-in-result",
        "A tool's result is a text and a PDF.",
        "openai.types.responses.ResponseFunctionCallOutputItemListParam; BerriAI/litellm#17799",
        _given_out({"type": "input_file", "filename": "page.pdf", "file_data": PDF}),
    ),
    _refusable(
        "image-in-result",
        "A tool's result is a text and an image, whatever the target declares.",
        "openai.types.responses.ResponseFunctionCallOutputItemListParam; BerriAI/litellm#17799",
        _given_out({"type": "input_image", "image_url": PIXEL, "detail": "auto"}),
    ),
    Case(
        id="attachment.image-details",
        summary="Two images, one at low and one at high detail.",
        source="openai.types.responses.ResponseInputImageParam.detail; "
        "openai.types.chat.chat_completion_content_part_image_param.ImageURL.detail",
        turns=(
            Turn(
                request={
                    "input": [
                        user(
                            "Compare them.",
                            {"type": "input_image", "image_url": PIXEL, "detail": "low"},
                            {"type": "input_image", "image_url": RED["image_url"], "detail": "high"},
                        )
                    ],
                    "store": False,
                },
                answers=(says("They differ."),),
            ),
        ),
        drives=PLAIN,
        features=frozenset({"images"}),
        each_dialect=True,
    ),
    Case(
        id="attachment.only-an-image-in-result",
        summary="A tool's result is an image and no text, beside the result of another call.",
        source="ggml-org/llama.cpp#27958; BerriAI/litellm#17799",
        turns=(
            Turn(
                request={
                    "input": [
                        user("Look at both screens."),
                        call_item("call_l", "view", '{"screen":"left"}'),
                        call_item("call_r", "view", '{"screen":"right"}'),
                        output_item("call_l", [{"type": "input_image", "image_url": PIXEL, "detail": "auto"}]),
                        output_item("call_r", "The right screen is off."),
                    ],
                    "tools": [function("view", screen={"type": "string"})],
                    "store": False,
                },
                answers=(says("Only one is on."),),
            ),
        ),
        drives=PLAIN,
        features=frozenset({"images"}),
    ),
)
