"""Rules of what is said: every text and image of the client arrives, in its role and order, and nothing else."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from conformance.crossings import Crossing, Judged, crossings, quote
from conformance.pieces import Piece, at, images_of, occurrences, text_of
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, rule
from conformance.transcript import Transcript

__all__: list[str] = []

_SHORTEST = 8  # characters: shorter texts stand in others by chance


def _texts(pieces: Iterable[Piece], *roles: str) -> list[Piece]:
    """The visible texts of these roles that are not blank."""
    return [piece for piece in pieces if piece.is_visible_text and piece.role in roles and piece.text.strip()]


def _where(text: str, crossing: Crossing) -> str:
    """Where a missing text went instead, in words."""
    others = [piece for piece in crossing.sent.pieces if piece.is_visible_text and text in piece.text]
    if others:
        return f"it stands at {others[0].path} as {others[0].role} text"
    head = text[: max(8, len(text) // 2)]
    cut = [piece for piece in crossing.sent.pieces if piece.is_visible_text and head in piece.text]
    if cut:
        return f"only a part of it arrived, at {cut[0].path}: {quote(cut[0].text)}"
    return "it is nowhere in the request"


def _arrive(crossing: Crossing, asked: Sequence[Piece], roles: Sequence[str], words: str) -> Judged:
    """Each text asked for stands in the request as often as the client said it."""
    sent = [piece.text for piece in _texts(crossing.sent.pieces, *roles)]
    for piece in asked:
        text = piece.text.strip()
        wanted = occurrences(text, (other.text for other in asked))
        if occurrences(text, sent) >= wanted:
            yield crossing.seen
        else:
            yield crossing.broken(
                f"{words} {quote(text)} ({piece.path}) in a {' or '.join(roles)} message upstream",
                _where(text, crossing),
            )


@rule(
    "upstream.user-text-arrives",
    level=INTEGRITY,
    source="openai.types.responses.ResponseInputTextParam; ollama/ollama#9659; sgl-project/sglang#35216",
    why="The model answers another question than the one asked.",
    evidence="both",
)
def user_text_arrives(transcript: Transcript) -> Judged:
    """Every text of the client's user messages reaches the upstream in a user message."""
    for crossing in crossings(transcript):
        yield from _arrive(crossing, _texts(crossing.asked.pieces, "user"), ["user"], "the user's text")


@rule(
    "upstream.assistant-text-arrives",
    level=INTEGRITY,
    source="openai.types.responses.ResponseOutputTextParam; BerriAI/litellm#33931",
    why="The model forgets what it said and repeats or contradicts itself.",
    evidence="both",
)
def assistant_text_arrives(transcript: Transcript) -> Judged:
    """Every text and refusal of the history's assistant messages reaches the upstream as assistant text."""
    for crossing in crossings(transcript):
        asked = _texts(crossing.asked.pieces, "assistant")
        yield from _arrive(crossing, asked, ["assistant"], "the assistant's earlier text")


@rule(
    "upstream.system-text-arrives",
    level=INTEGRITY,
    source="elie222/inbox-zero#1642; langchain-ai/langchain#38849; huggingface/responses.js drops developer text",
    why="Codex puts its whole behaviour into instructions and developer messages: without them it is another agent.",
    evidence="both",
)
def system_text_arrives(transcript: Transcript) -> Judged:
    """Instructions and every system and developer text reach the upstream as system text."""
    for crossing in crossings(transcript):
        begun = False  # a text that comes later than the conversation may also stand in a user message
        asked = _texts(crossing.asked.pieces, "system")
        late: list[Piece] = []
        for piece in crossing.asked.pieces:
            begun = begun or piece.role != "system"
            if begun and piece in asked:
                late.append(piece)
        early = [piece for piece in asked if piece not in late]
        yield from _arrive(crossing, early, ["system"], "the system text")
        yield from _arrive(crossing, late, ["system", "user"], "the later system text")


@rule(
    "upstream.instructions-first",
    level=MUST,
    source="openai.types.responses.ResponseCreateParams.instructions; BerriAI/litellm#39282",
    why="Instructions rank above the developer messages in the input; templates demand them at the beginning.",
    evidence="both",
)
def instructions_first(transcript: Transcript) -> Judged:
    """The instructions open the request: no other text of the context stands before them."""
    for crossing in crossings(transcript):
        first = crossing.asked.pieces[0] if crossing.asked.pieces else None
        if first is None or first.path != "instructions" or not first.text.strip():
            continue
        text = first.text.strip()
        visible = [piece for piece in crossing.sent.pieces if piece.is_visible_text]
        position = next((n for n, piece in enumerate(visible) if text in piece.text), None)
        if position is None:
            continue  # upstream.system-text-arrives tells of it
        before = " ".join(piece.text for piece in visible[:position])
        before += visible[position].text.partition(text)[0]
        other = [piece for piece in crossing.asked.pieces[1:] if piece.is_visible_text and piece.text.strip()]
        ahead = next((piece for piece in other if piece.text.strip() in before), None)
        if ahead is None:
            yield crossing.seen
        else:
            yield crossing.broken(
                f"the instructions {quote(text)} before everything else of the context",
                f"{quote(ahead.text)} ({ahead.path}) stands before them",
            )


def _first_out_of_order(asked: Sequence[Piece], sent: Sequence[Piece]) -> Piece | None:
    """The first text that is there, but not after its predecessors; each is sought in its own role."""
    number = offset = 0
    for piece in asked:
        text = piece.text.strip()
        place = next(
            (
                (n, found)
                for n in range(number, len(sent))
                if sent[n].role == piece.role and (found := sent[n].text.find(text, offset if n == number else 0)) >= 0
            ),
            None,
        )
        if place is not None:
            number, offset = place[0], place[1] + len(text)
        elif any(other.role == piece.role and text in other.text for other in sent):
            return piece
    return None


def _in_order(crossing: Crossing, words: str, *roles: str) -> Judged:
    asked = _texts(crossing.asked.pieces, *roles)
    if len(asked) < 2:
        return
    sent = _texts(crossing.sent.pieces, *roles)
    early = _first_out_of_order(asked, sent)
    if early is None:
        yield crossing.seen
    else:
        yield crossing.broken(
            f"{words} in the client's order: {quote([piece.text for piece in asked], 240)}",
            f"{quote(early.text)} ({early.path}) stands before what it follows: "
            f"{quote([piece.text for piece in sent], 240)}",
        )


@rule(
    "upstream.conversation-order",
    level=INTEGRITY,
    source="Open Responses 2026-04-24, Items; openai.types.responses.ResponseInputParam",
    why="An answer before its question, or two questions swapped, is another conversation.",
    evidence="both",
)
def conversation_order(transcript: Transcript) -> Judged:
    """User and assistant texts reach the upstream in the order in which the client sent them."""
    for crossing in crossings(transcript):
        yield from _in_order(crossing, "user and assistant texts", "user", "assistant")


@rule(
    "upstream.system-order",
    level=INTEGRITY,
    source="BerriAI/litellm#39282; lidge-jun/opencodex#397",
    why="Later instructions override earlier ones: swapped, the model obeys the wrong one.",
    evidence="both",
)
def system_order(transcript: Transcript) -> Judged:
    """System and developer texts keep their order among each other, hoisted or not."""
    for crossing in crossings(transcript):
        yield from _in_order(crossing, "system texts", "system")


@rule(
    "upstream.texts-unaltered",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseInputTextParam.text",
    why="Leading and trailing white space carries meaning in code and in texts that are to be continued.",
    evidence="both",
)
def texts_unaltered(transcript: Transcript) -> Judged:
    """Texts of users and earlier answers reach the upstream with their leading and trailing white space.

    Not an answer that ends the history: Messages refuses one that ends with white space.
    """
    for crossing in crossings(transcript):
        sent = [piece.text for piece in _texts(crossing.sent.pieces, "user", "assistant")]
        said = _texts(crossing.asked.pieces, "user", "assistant")
        for piece in said:
            ends = piece is said[-1] and piece.role == "assistant"
            if ends or not occurrences(piece.text.strip(), sent):
                continue
            if occurrences(piece.text, sent):
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"the text as it is: {quote(piece.text)} ({piece.path})", "its outer white space is gone"
                )


def _words(pieces: Iterable[Piece]) -> list[str]:
    """Everything that is said: by users, assistants, systems and tools, and in the arguments of calls."""
    spoken = (piece for piece in pieces if piece.kind not in ("reasoning", "image", "file"))
    return [text for piece in spoken for text in (piece.text, *piece.texts) if text]


@rule(
    "upstream.nothing-said-twice",
    level=INTEGRITY,
    source="Open Responses 2026-04-24, Items; openai.types.responses.ResponseInputParam (each item once)",
    why="Tokens are paid for twice, and the model reads insistence, or takes its own words for a pattern to repeat.",
    evidence="both",
)
def nothing_said_twice(transcript: Transcript) -> Judged:
    """Each text and image of the context, a result's too, goes upstream no more often than the client sent it."""
    for crossing in crossings(transcript):
        if not crossing.asked.whole:
            continue
        said, sent = _words(crossing.asked.pieces), _words(crossing.sent.pieces)
        images, shown = Counter(images_of(crossing.asked.pieces)), Counter(images_of(crossing.sent.pieces))
        repeated = {address: shown[address] for address in images if shown[address] > images[address]}
        for address, found in repeated.items():
            yield crossing.broken(f"the image {quote(address, 80)} {_times(images[address])}", _times(found))
        if images.keys() & shown.keys() and not repeated:
            yield crossing.seen
        for text in dict.fromkeys(text.strip() for text in said):
            wanted, found = occurrences(text, said), occurrences(text, sent)
            if len(text) < _SHORTEST or not found:
                continue
            if found <= wanted:
                yield crossing.seen
            else:
                yield crossing.broken(f"{quote(text)} {_times(wanted)} upstream, as the client said it", _times(found))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


# What may stand between two texts that were joined, or around one that moved: marks, tags, and with it what it is.
_LABELS = r"system|developer|instructions?|message|attached|attachment|file|filename|name|contents?"
_TAGS = r"</?[a-z][a-z_-]*(\s+[a-z_-]+=\"\s*\")*\s*>|[\s\W_]"
_GLUE = re.compile(rf"({_TAGS})*", re.IGNORECASE)
_LABELLED = re.compile(rf"({_TAGS}|\b({_LABELS})\b)*", re.IGNORECASE)


def _residue(text: str, known: Sequence[str]) -> str:
    """What remains of a text when everything known is taken out of it."""
    left = text
    for part in known:
        left = left.replace(part, "\n")
    glue = _GLUE if left == text else _LABELLED
    return "" if glue.fullmatch(left) else left.strip()


def _is_torn_off(added: str, known: Sequence[str], crossing: Crossing) -> bool:
    """Whether that is a piece of a text of the client which is nowhere whole."""
    sent = [piece.text for piece in crossing.sent.pieces]
    return bool(added) and any(added in text and not occurrences(text, sent) for text in known)


def _may_be_added(crossing: Crossing, piece: Piece) -> bool:
    """Whether a text of the target's own is legal there: where the service demands one."""
    asked, sent = crossing.asked, crossing.sent
    said = [one for one in asked.pieces if one.role != "system"]
    last = piece.message == max(one.message for one in sent.pieces)
    if piece.role == "user" and (not said or (last and said[-1].role == "assistant")):
        return True  # services that refuse an answer at the end, or an empty conversation
    if piece.role == "user" and any(one.media for one in asked.of("result")):
        return True  # the label of an image that was lifted out of a result
    blank = any(one.is_visible_text and one.role == piece.role and not one.text.strip() for one in said)
    return blank and len(piece.text) < 40


def _of_a_file(piece: Piece) -> Iterator[str]:
    """The name of a file, and its text where it is one: a service without files may be given both as text."""
    yield text_of(at(piece.raw, "filename"))
    header, _, data = piece.text.partition(",")
    if header.startswith("data:text/") and header.endswith(";base64"):
        with suppress(binascii.Error, UnicodeDecodeError):
            yield base64.b64decode(data, validate=True).decode()


@rule(
    "upstream.nothing-invented",
    level=INTEGRITY,
    source="Open Responses 2026-04-24, Items; AntSeed/antseed#741",
    why="Words that nobody said are taken for the user's will, or for what the model promised.",
    evidence="both",
)
def nothing_invented(transcript: Transcript) -> Judged:
    """User and assistant messages upstream hold only what the client sent."""
    if "orphan" in transcript.facts.get("tags", ()):
        return
    for crossing in crossings(transcript):
        if not crossing.asked.whole:
            continue
        known = sorted(
            {piece.text.strip() for piece in crossing.asked.pieces if piece.text.strip()}
            | {text.strip() for piece in crossing.asked.of("result") for text in piece.texts if text.strip()}
            | {text.strip() for piece in crossing.asked.of("file") for text in _of_a_file(piece) if text.strip()},
            key=len,
            reverse=True,
        )
        for piece in _texts(crossing.sent.pieces, "user", "assistant"):
            added = _residue(piece.text, known)
            if _is_torn_off(added, known, crossing):
                continue  # that the text did not arrive whole is told by the rules of its arrival
            if not added or _may_be_added(crossing, piece):
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"only what the client sent in the {piece.role} message at {piece.path}",
                    f"{quote(added)} was added",
                )


@rule(
    "upstream.no-system-text-invented",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseCreateParams.instructions",
    why="A hidden system prompt changes answers, costs tokens, and nobody can switch it off.",
    evidence="both",
)
def no_system_text_invented(transcript: Transcript) -> Judged:
    """A request without instructions, system or developer text gets none upstream."""
    for crossing in crossings(transcript):
        asked = crossing.asked
        # JSON mode and free-text tools have no words of their own on every service: a hint may stand in.
        needs_a_hint = any(tool.kind != "function" for tool in asked.tools) or asked.body.get("text")
        if _texts(asked.pieces, "system") or needs_a_hint or not asked.whole:
            continue
        invented = _texts(crossing.sent.pieces, "system")
        if invented:
            yield crossing.broken("no system text", f"{quote(invented[0].text)} at {invented[0].path}")
        else:
            yield crossing.seen


@rule(
    "upstream.reasoning-not-shown-as-text",
    level=INTEGRITY,
    source="BerriAI/litellm#26916; BerriAI/litellm#37953",
    why="The model reads its old thoughts as if it had told them to the user, and goes on in that style.",
    evidence="both",
)
def reasoning_not_shown_as_text(transcript: Transcript) -> Judged:
    """Reasoning of earlier turns never goes upstream as visible text, and neither do its encrypted contents."""
    for crossing in crossings(transcript):
        thoughts = list(_thoughts(crossing))
        visible = [piece for piece in crossing.sent.pieces if piece.is_visible_text]
        shown = [(thought, piece) for thought in thoughts for piece in visible if thought.strip() in piece.text]
        for thought, piece in shown:
            yield crossing.broken(
                "earlier reasoning in its own field, or nowhere",
                f"{quote(thought)} stands in the {piece.role} text at {piece.path}",
            )
        if thoughts and not shown:
            yield crossing.seen


def _thoughts(crossing: Crossing) -> Iterator[str]:
    said = [piece.text for piece in crossing.asked.pieces if piece.is_visible_text]
    for piece in crossing.asked.of("reasoning"):
        for thought in (*piece.texts, piece.redacted or ""):
            if len(thought.strip()) >= 8 and not occurrences(thought.strip(), said):
                yield thought


@rule(
    "upstream.no-empty-messages",
    level=MUST,
    source="Anthropic API: text content blocks must be non-empty; NousResearch/hermes-agent#11906; "
    "AntSeed/antseed#741; home-assistant/core#175637",
    why="Anthropic answers 400 to a blank text block: an agent that once said nothing can never go on.",
    evidence="both",
)
def no_empty_messages(transcript: Transcript) -> Judged:
    """No message upstream is empty, and on Messages no text block is blank."""
    for crossing in crossings(transcript):
        blank = [
            piece.path
            for piece in crossing.sent.pieces
            if piece.kind == "text" and crossing.dialect == "messages" and not piece.text.strip()
        ]
        said_blank = {piece.role for piece in crossing.asked.pieces if piece.is_visible_text and not piece.text.strip()}
        on_messages = crossing.dialect == "messages"
        full = {
            piece.message
            for piece in crossing.sent.pieces
            if piece.kind != "text" or (piece.text.strip() if on_messages else piece.text)
        }
        blank += [
            f"messages[{index}]"
            for index, role in enumerate(crossing.sent.roles)
            if index not in full and (crossing.dialect == "messages" or role not in said_blank)
        ]
        if blank:
            yield crossing.broken("messages that say something", f"nothing is said at {', '.join(blank)}")
        else:
            yield crossing.seen
