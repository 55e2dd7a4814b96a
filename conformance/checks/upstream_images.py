"""Rules of images: each arrives, stays with what it belongs to, and can be told from the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from conformance.crossings import Crossing, Judged, crossings, quote
from conformance.pieces import Piece, images_of
from conformance.rules import INTEGRITY, rule
from conformance.transcript import Transcript

__all__: list[str] = []

_IMAGES = ("images",)


@rule(
    "upstream.images-arrive",
    level=INTEGRITY,
    source="BerriAI/litellm#12204; openai.types.responses.ResponseInputImageParam",
    why="The model says that it sees no image, or invents what is in it.",
    features=_IMAGES,
    evidence="both",
)
def images_arrive(transcript: Transcript) -> Judged:
    """Every image of the client's messages reaches the upstream in a user message: its data, or its address.

    What is at an address may be fetched: the upstream gets an image then that the client did not send.
    """
    for crossing in crossings(transcript):
        sent = [piece.text for piece in crossing.sent.of("image") if piece.role == "user"]
        fetched = crossing.fetched(sent)
        for piece in crossing.asked.of("image"):
            if piece.role != "user" or not piece.text:
                continue
            if piece.text in sent or (fetched and not piece.text.startswith("data:")):
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"the image {quote(piece.text, 80)} ({piece.path}) in a user message upstream",
                    f"images upstream: {quote(sent)}",
                )


@rule(
    "upstream.parts-order",
    level=INTEGRITY,
    source="openai.types.responses.ResponseInputMessageContentListParam",
    why='"The first image" becomes the second one, or all of them stand beside the last question.',
    features=_IMAGES,
    evidence="both",
)
def parts_order(transcript: Transcript) -> Judged:
    """Texts and images reach the upstream in their order, and no image moves to another turn."""
    for crossing in crossings(transcript):
        yield from _in_their_turn(crossing)
        asked = [piece for piece in crossing.asked.pieces if piece.role == "user" and piece.text.strip()]
        for message in sorted({piece.message for piece in asked if piece.kind == "image"}):
            parts = [piece for piece in asked if piece.message == message]
            places = [_place(piece, crossing.sent.pieces) for piece in parts]
            if len(parts) < 2 or None in places:
                continue
            known = [place for place in places if place is not None]
            if known == sorted(known):
                yield crossing.seen
            else:
                yield crossing.broken(
                    "texts and images in order: " + ", ".join(quote(piece.text, 50) for piece in parts),
                    "they stand upstream in the order "
                    + ", ".join(str(sorted(known).index(place) + 1) for place in known),
                )


def _in_their_turn(crossing: Crossing) -> Judged:
    """An image of a user message stands upstream among the same messages: those before it, and those after it."""
    asked = [piece for piece in crossing.asked.pieces if piece.text.strip() and _of_the_talk(piece)]
    sent = [piece for piece in crossing.sent.pieces if piece.text.strip() and _of_the_talk(piece)]
    for number, image in enumerate(asked):
        place = _only(image, sent)
        if image.kind != "image" or place is None or sum(other.text == image.text for other in asked) > 1:
            continue
        before = [piece for piece in asked[:number] if piece.message != image.message]
        after = [piece for piece in asked[number + 1 :] if piece.message != image.message]
        moved = _on_the_wrong_side(place, before, after, sent)
        if moved is None:
            yield crossing.seen
        else:
            yield crossing.broken(
                f"the image {quote(image.text, 80)} ({image.path}) where it stood among the messages",
                f"it stands at {sent[place].path}, on the other side of {quote(moved.text)}",
            )


def _place(piece: Piece, sent: Sequence[Piece]) -> tuple[int, int] | None:
    for number, other in enumerate(sent):
        if other.role != "user" or (other.kind == "image") != (piece.kind == "image"):
            continue
        if piece.kind == "image" and other.text == piece.text:
            return number, 0
        if piece.kind != "image" and (found := other.text.find(piece.text.strip())) >= 0:
            return number, found
    return None


def _of_the_talk(piece: Piece) -> bool:
    return piece.role in ("user", "assistant") and (piece.kind == "image" or piece.is_visible_text)


def _only(image: Piece, sent: Sequence[Piece]) -> int | None:
    places = [n for n, other in enumerate(sent) if other.kind == "image" and other.text == image.text]
    return places[0] if len(places) == 1 else None


def _on_the_wrong_side(
    place: int, before: Sequence[Piece], after: Sequence[Piece], sent: Sequence[Piece]
) -> Piece | None:
    """A text that stood before the image and stands after it, or the other way round, where that can be told."""
    for piece in (*before, *after):
        places = [n for n, other in enumerate(sent) if other.is_visible_text and piece.text.strip() in other.text]
        if not piece.is_visible_text or len(places) != 1 or piece.text.strip() in sent[place].text:
            continue
        if (places[0] < place) != any(piece is other for other in before):
            return piece
    return None


@rule(
    "upstream.result-images-told-apart",
    level=INTEGRITY,
    source="ggml-org/llama.cpp#27958; BerriAI/litellm#17799; openai.types.responses.ResponseFunctionCallOutputItemList",
    why="The model takes the screenshot of one page for that of another.",
    features=_IMAGES,
    evidence="both",
)
def result_images_told_apart(transcript: Transcript) -> Judged:
    """Images of several results stand in those results upstream, or in their order, or behind the id of their call."""
    for crossing in crossings(transcript):
        owners = _owners(crossing)
        if len({call for call in owners.values() if call}) < 2:
            continue
        inside = {address: piece.call_id for piece in crossing.sent.of("result") for address in piece.media}
        lifted = list(dict.fromkeys(piece.text for piece in crossing.sent.of("image") if piece.text in owners))
        if inside.keys() & owners.keys():
            yield from _inside(crossing, owners, inside)
        elif lifted == [address for address in owners if address in lifted] or _are_labelled(crossing, owners):
            if len(lifted) > 1:
                yield crossing.seen
        else:
            yield crossing.broken(
                "the images of the results in the order of their calls, or each behind its call's id",
                f"they came as {', '.join(quote(address, 60) for address in lifted)}",
            )


def _owners(crossing: Crossing) -> dict[str, str]:
    """Each image that stands in one result only, and nowhere else, with that result's call id upstream."""
    asked, sent = crossing.asked.of("result"), crossing.sent.of("result")
    if len(asked) != len(sent):
        return {}
    often = Counter(images_of(crossing.asked.pieces))
    ids = {piece.call_id: other.call_id for piece, other in zip(asked, sent, strict=True)}
    return {address: ids[piece.call_id] for piece in asked for address in piece.media if often[address] == 1}


def _inside(crossing: Crossing, owners: dict[str, str], inside: dict[str, str]) -> Judged:
    for address, call_id in inside.items():
        if address not in owners:
            continue
        if owners[address] == call_id:
            yield crossing.seen
        else:
            yield crossing.broken(
                f"the image {quote(address, 80)} in the result of {owners[address]}", f"it is in that of {call_id}"
            )


def _are_labelled(crossing: Crossing, owners: dict[str, str]) -> bool:
    """Whether each lifted image comes behind a text with the id of its call, and before any other id."""
    label = ""
    for piece in crossing.sent.pieces:
        if piece.is_visible_text and any(call_id in piece.text for call_id in owners.values()):
            label = piece.text
        elif piece.kind == "image" and piece.text in owners and owners[piece.text] not in label:
            return False
    return True
