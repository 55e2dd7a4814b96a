"""Rules of attachments: files, audio, images and their details arrive, or the client is told that they cannot."""

from __future__ import annotations

import base64
import binascii
import string
from collections.abc import Callable, Iterator

from conformance.asked import Asked
from conformance.crossings import Crossing, Judged, Visit, asked_in, crossings, quote, visits
from conformance.pieces import Piece, PieceKind, at, items_of, strings, text_of
from conformance.rules import INTEGRITY, RECOMMENDED, SHOULD, rule
from conformance.transcript import Transcript
from fakes.script import Dialect

__all__: list[str] = []

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
_KINDS = frozenset({"input_file", "input_audio", "input_video"})
_REFUSED = frozenset({400, 404, 413, 415, 422, 501})  # 404: no file has that id


def _attachments(asked: Asked) -> Iterator[tuple[Piece, str]]:
    """The files, recordings and videos that a user sent or a tool gave out, each with the piece that holds it.

    The text beside it is the attachment itself: its base64, address or id.
    """
    for piece in asked.pieces:
        if piece.kind == "file" and piece.role == "user" and piece.text:
            yield piece, piece.text
        elif at(piece.raw, "type") == "input_audio":
            yield piece, text_of(at(piece.raw, "input_audio", "data"))
        elif at(piece.raw, "type") == "input_video" and at(piece.raw, "video_url"):
            yield piece, text_of(at(piece.raw, "video_url"))
        yield from _given_out(piece, "input_file", "file_data", "file_url", "file_id")


def _images(asked: Asked) -> Iterator[tuple[Piece, str]]:
    """The images that a user sent or a tool gave out, each with the piece that holds it; as for `_attachments`."""
    for piece in asked.pieces:
        if piece.kind == "image" and piece.role == "user" and piece.text:
            yield piece, piece.text
        yield from _given_out(piece, "input_image", "image_url", "file_id")


def _given_out(piece: Piece, kind: str, *keys: str) -> Iterator[tuple[Piece, str]]:
    """The parts of a kind in a tool's result, by the first of the keys that says what or where they are."""
    for part in items_of(at(piece.raw, "output")) if piece.kind == "result" else ():
        address = next((value for key in keys if (value := at(part, key))), None)
        if at(part, "type") == kind and isinstance(address, str):
            yield piece, address


def _stands_in(attachment: str, text: str) -> bool:
    """Whether an attachment stands in a text: as it is, without its header, or as the text that it is."""
    header, comma, data = attachment.partition(",")
    if not comma or not header.startswith("data:"):
        return _holds(text, attachment.removeprefix("file:"))
    if _holds(text, data):
        return True
    if "text/" not in header or "base64" not in header:
        return False
    try:
        return base64.b64decode(data, validate=True).decode().strip() in text
    except (binascii.Error, UnicodeDecodeError):
        return False


_GOES_ON = frozenset(string.ascii_letters + string.digits + "+/_-")  # not "=": padding may be added


def _holds(text: str, word: str) -> bool:
    """Whether that base64, address or id stands in a text, and not only the beginning of a longer one."""
    at_word = text.find(word)
    while at_word >= 0:
        end = at_word + len(word)
        if text[end : end + 1] not in _GOES_ON:
            return True
        at_word = text.find(word, at_word + 1)
    return False


def _arrived(attachment: str, kind: PieceKind, crossing: Crossing) -> bool:
    if any(_stands_in(attachment, text) for _, text in strings(crossing.sent.body)):
        return True
    return not attachment.startswith("data:") and _is_something_fetched(kind, crossing)


def _is_something_fetched(kind: PieceKind, crossing: Crossing) -> bool:
    """Whether the upstream got one that the client did not send: what an address or an id stands for may be fetched."""
    given = (attachment for _, attachment in (*_attachments(crossing.asked), *_images(crossing.asked)))
    sent = [piece.text for piece in crossing.sent.of(kind)]
    sent += [text for piece in crossing.sent.of("result") for text in piece.media]
    return crossing.fetched(sent, *given)


def _arrivals(
    transcript: Transcript, kind: PieceKind, attachments: Callable[[Asked], Iterator[tuple[Piece, str]]]
) -> Judged:
    """Whether each of the attachments of a kind reached the upstream, or the request was refused for it."""
    for visit in visits(transcript):
        asked = asked_in(visit)
        if asked is not None and visit.exchange.status in _REFUSED and any(attachments(asked)):
            yield visit.seen()
    for crossing in crossings(transcript):
        if crossing.visit.exchange.status in _REFUSED:
            continue
        for piece, attachment in attachments(crossing.asked):
            if _arrived(attachment, kind, crossing):
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"{quote(attachment, 60)} ({piece.path}) upstream, or a refusal", "it is nowhere in the request"
                )


@rule(
    "upstream.files-arrive",
    level=INTEGRITY,
    source="openai.types.responses.ResponseInputFileParam; openai.types.responses.ResponseInputAudioParam; "
    "BerriAI/litellm#12204; ollama/ollama openai/responses.go",
    why="The model invents what is in the file, for nobody told it, or the client, that there is none.",
    evidence="both",
)
def files_arrive(transcript: Transcript) -> Judged:
    """Every file, recording and video reaches the upstream, or the request is refused; none is dropped in silence."""
    yield from _arrivals(transcript, "file", _attachments)


@rule(
    "upstream.images-not-dropped",
    level=INTEGRITY,
    source="openai.types.responses.ResponseInputImageParam; "
    "openai.types.responses.ResponseFunctionCallOutputItemListParam; BerriAI/litellm#12204; "
    "ollama/ollama openai/responses.go",
    why="The model answers as if there were no picture, and neither it nor the client was told that there was one.",
    evidence="both",
)
def images_not_dropped(transcript: Transcript) -> Judged:
    """Every image reaches the upstream, or the request is refused; none is dropped in silence."""
    yield from _arrivals(transcript, "image", _images)


def _refused(transcript: Transcript) -> Iterator[tuple[Visit, set[str]]]:
    """Requests with attachments that the target refused, with the types of the parts that may be why."""
    for visit in visits(transcript):
        asked = asked_in(visit)
        if asked is None or visit.exchange.status not in (400, 422):
            continue
        parts = [at(piece.raw, "type") for piece in asked.pieces]
        parts += [at(part, "type") for piece in asked.of("result") for part in items_of(at(piece.raw, "output"))]
        kinds = {kind for kind in parts if kind in _KINDS}
        if kinds and not any(call.status is not None and call.status >= 400 for call in visit.exchange.upstream):
            yield visit, kinds


@rule(
    "refusal.names-part",
    level=RECOMMENDED,
    source="openai-openapi Error.param; vercel/ai UnsupportedFunctionalityError names the part",
    why="The user does not learn which of a dozen attachments to leave out.",
)
def names_part(transcript: Transcript) -> Judged:
    """The refusal of a file or recording says which part it is about: by its path, its type or its key."""
    for visit, kinds in _refused(transcript):
        error = at(visit.exchange.json, "error")
        told = f"{text_of(at(error, 'param'))} {text_of(at(error, 'message'))}"
        if any(word in told for word in (*kinds, "content[", "output[", "file_id", "file_url", "file_data")):
            yield visit.seen()
        else:
            yield visit.broken(
                f"the part at fault ({', '.join(sorted(kinds))}) in `error.param` or the message", quote(told.strip())
            )


@rule(
    "upstream.image-detail-kept",
    level=SHOULD,
    source="openai.types.responses.ResponseInputImageParam.detail; "
    "openai.types.chat.chat_completion_content_part_image_param.ImageURL.detail",
    why="A picture of a page is read at low detail, or a thumbnail billed at high.",
    dialects=CHAT,
    features=("images",),
    evidence="both",
)
def image_detail_kept(transcript: Transcript) -> Judged:
    """The `detail` of an image, low or high, reaches a chat upstream with the image."""
    for crossing in crossings(transcript):
        for piece in crossing.asked.of("image"):
            wanted = at(piece.raw, "detail")
            sent = [at(other.raw, "image_url", "detail") for other in crossing.sent.of("image") if _same(other, piece)]
            if wanted not in ("low", "high") or not sent:
                continue
            if wanted in sent:
                yield crossing.seen
            else:
                yield crossing.broken(f"`detail: {wanted}` for {quote(piece.text, 60)}", f"`detail: {sent[0]}`")


def _same(sent: Piece, asked: Piece) -> bool:
    return bool(asked.text) and sent.text == asked.text
