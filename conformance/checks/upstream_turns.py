"""Rules of calls and results upstream: each arrives whole, in its pair, in the turn it belongs to."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from conformance.crossings import Crossing, Judged, crossings, quote
from conformance.pieces import Piece, at, parsed, same_json, strings
from conformance.rules import INTEGRITY, MUST, rule
from conformance.transcript import Transcript
from fakes.script import Dialect

__all__: list[str] = []

MESSAGES: tuple[Dialect, ...] = ("messages",)
_LEGAL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_LEGAL_ID = re.compile(r"[a-zA-Z0-9_-]+")

Pair = tuple[Piece | None, Piece]  # a call (None for an orphan) and its result


def _pairs(pieces: Sequence[Piece]) -> Iterator[Pair]:
    """Each result with the nearest call before it that has its id and no result yet."""
    open_calls: list[Piece] = []
    for piece in pieces:
        if piece.kind == "call":
            open_calls.append(piece)
        elif piece.kind == "result":
            call = next((c for c in reversed(open_calls) if c.call_id == piece.call_id), None)
            if call is not None:
                open_calls.remove(call)
            yield call, piece


def _matched_calls(crossing: Crossing) -> list[tuple[Piece, Piece]] | None:
    """The client's calls beside the upstream's, by position; None when there are not equally many."""
    asked, sent = crossing.asked.of("call"), crossing.sent.of("call")
    return list(zip(asked, sent, strict=True)) if len(asked) == len(sent) else None


def _name(piece: Piece) -> str:
    return f"{piece.namespace}.{piece.name}" if piece.namespace else piece.name


@rule(
    "upstream.calls-arrive",
    level=INTEGRITY,
    source="huggingface/responses.js sends history calls as tool messages; BerriAI/litellm#28978",
    why="The model does not know that it called the tool and calls it again, or cannot read the result.",
    evidence="both",
)
def calls_arrive(transcript: Transcript) -> Judged:
    """Every call of the history reaches the upstream as an assistant's call of that tool, in order."""
    for crossing in crossings(transcript):
        searches = {
            at(piece.raw, "call_id") for piece in crossing.asked.of("other") if piece.name == "tool_search_call"
        }
        asked = crossing.asked.of("call")
        sent = [piece for piece in crossing.sent.of("call") if piece.call_id not in searches]
        if not asked or "orphan" in transcript.facts.get("tags", ()):
            continue
        wanted, names = [_name(piece) for piece in asked], [piece.name for piece in sent]
        same = len(asked) == len(sent) and all(
            one.name == two.name or one.namespace or not _LEGAL_NAME.fullmatch(one.name)
            for one, two in zip(asked, sent, strict=True)
        )
        if same and all(piece.role == "assistant" for piece in sent):
            yield crossing.seen
        else:
            yield crossing.broken(f"the calls {wanted} by the assistant", f"the request holds the calls {names}")


@rule(
    "upstream.arguments-arrive",
    level=INTEGRITY,
    source="openai.types.responses.ResponseFunctionToolCallParam.arguments; BerriAI/litellm#5064",
    why="The model reads that it called the tool with something else, and reasons from that.",
    evidence="both",
)
def arguments_arrive(transcript: Transcript) -> Judged:
    """The arguments of history calls reach the upstream JSON-equal, big numbers and Unicode exact."""
    for crossing in crossings(transcript):
        for asked, sent in _matched_calls(crossing) or ():
            problem = _custom_problem(asked, sent) if asked.custom else _arguments_problem(asked, sent)
            if problem is None:
                yield crossing.seen
            elif problem:
                yield crossing.broken(f"the arguments {quote(asked.text)} ({asked.path})", f"{problem} at {sent.path}")


def _value(piece: Piece) -> Any:
    return piece.value if piece.value is not None else parsed(piece.text)


def _arguments_problem(asked: Piece, sent: Piece) -> str | None:
    """What is wrong, None when nothing is, "" when there is nothing to compare."""
    value = parsed(asked.text)
    if not isinstance(value, dict):
        return ""
    return None if same_json(value, _value(sent)) else quote(sent.text or sent.value)


def _custom_problem(asked: Piece, sent: Piece) -> str | None:
    """A free text is carried as it is, or as the one string of an emulating function."""
    if sent.text == asked.text or any(text == asked.text for _, text in strings(_value(sent))):
        return None
    return quote(sent.text or sent.value)


@rule(
    "upstream.results-arrive",
    level=INTEGRITY,
    source="sgl-project/sglang#35216; gty111/gLLM#267; openai/gpt-oss#309; vllm-project/vllm#50295",
    why="The model works with no result, half of one, or the result of another call.",
    evidence="both",
)
def results_arrive(transcript: Transcript) -> Judged:
    """Every result reaches the upstream whole, as the result of its own call."""
    for crossing in crossings(transcript):
        matched = _matched_calls(crossing)
        if matched is None:
            continue
        results = {id(call): result for call, result in _pairs(crossing.sent.pieces) if call is not None}
        partner = {id(asked): sent for asked, sent in matched}
        for call, result in _pairs(crossing.asked.pieces):
            if call is None or not "".join(result.texts).strip():
                continue
            sent = results.get(id(partner[id(call)]))
            if sent is not None and _holds(sent, result.texts):
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"{quote(list(result.texts))} ({result.path}) as the result of the call of {_name(call)}",
                    "that call has no result" if sent is None else f"its result is {quote(list(sent.texts))}",
                )


def _holds(sent: Piece, texts: Sequence[str]) -> bool:
    """Whether the texts stand in the result in their order."""
    joined, position = "\0".join(sent.texts), 0
    for text in texts:
        position = joined.find(text.strip(), position)
        if position < 0:
            return False
        position += len(text.strip())
    return True


@rule(
    "upstream.result-images-arrive",
    level=INTEGRITY,
    source="ggml-org/llama.cpp#27958; sgl-project/sglang#34927; BerriAI/litellm#17799",
    why="The model never sees the screenshot that it asked for.",
    features=("images",),
    evidence="both",
)
def result_images_arrive(transcript: Transcript) -> Judged:
    """Images in results reach the upstream, in the result or right after it."""
    for crossing in crossings(transcript):
        sent = {piece.text for piece in crossing.sent.of("image", "file")}
        sent |= {address for piece in crossing.sent.of("result") for address in piece.media}
        fetched = crossing.fetched(sent)
        for result in crossing.asked.of("result"):
            for address in filter(_may_be_an_image, result.media):
                if address in sent or (fetched and not address.startswith("data:")):
                    yield crossing.seen
                else:
                    yield crossing.broken(
                        f"the image {quote(address, 80)} of the result at {result.path}", "it is nowhere upstream"
                    )


def _may_be_an_image(address: str) -> bool:
    """Whether an address may lead to an image: what says that it is another kind of file is the business of others."""
    return bool(address) and not (address.startswith("data:") and not address.startswith("data:image/"))


@rule(
    "upstream.results-follow-calls",
    level=MUST,
    source="OpenAI: an assistant message with tool_calls must be followed by tool messages; Anthropic documentation, "
    "Handle tool calls; Oaklight/argo-proxy#69; QwenLM/qwen-code#8161",
    why="Services answer 400 when anything stands between a call and its result, or a result is missing.",
    evidence="upstream",
)
def results_follow_calls(transcript: Transcript) -> Judged:
    """Every call upstream is answered directly after the message that holds it, before anything else."""
    for crossing in _of_right_requests(transcript):
        for message in sorted({piece.message for piece in crossing.sent.of("call")}):
            wanted = sorted(piece.call_id for piece in crossing.sent.of("call") if piece.message == message)
            # A result of another call is told by upstream.results-have-calls: here each call is to have its own.
            given = sorted(call_id for call_id in _answers_after(crossing, message) if call_id in wanted)
            if wanted == given:
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"results for the calls {wanted} directly after messages[{message}]",
                    f"directly after it come results for {given}",
                )


def _of_right_requests(transcript: Transcript) -> Iterator[Crossing]:
    """The crossings of a case whose requests are right.

    Where the client itself left out a call or its result, a target may send that on: what the service then
    answers, a 400, is what the client should get.
    """
    return iter(()) if transcript.facts.get("refusal_statuses") else crossings(transcript)


def _answers_after(crossing: Crossing, message: int) -> Iterator[str]:
    results = list(crossing.sent.of("result"))
    if crossing.dialect == "messages":
        yield from (piece.call_id for piece in results if piece.message == message + 1)
        return
    roles = crossing.sent.roles
    for index in range(message + 1, len(roles)):
        if roles[index] != "tool":
            return
        yield from (piece.call_id for piece in results if piece.message == index)


@rule(
    "upstream.results-have-calls",
    level=MUST,
    source="openai.types.chat.ChatCompletionToolMessageParam; anthropic.types.ToolResultBlockParam; openai/gpt-oss#309",
    why="Services answer 400 to a result whose call they have not seen.",
    evidence="upstream",
)
def results_have_calls(transcript: Transcript) -> Judged:
    """No result goes upstream without the call it answers before it."""
    for crossing in _of_right_requests(transcript):
        for call, result in _pairs(crossing.sent.pieces):
            if call is not None:
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"a call with the id {quote(result.call_id)} before {result.path}", "there is none without a result"
                )


@rule(
    "upstream.results-first",
    level=MUST,
    source="Anthropic documentation, Handle tool calls: tool_result blocks come first; QwenLM/qwen-code#8161",
    why='Anthropic answers 400 ("tool_use ids were found without tool_result blocks immediately after").',
    dialects=MESSAGES,
    evidence="upstream",
)
def results_first(transcript: Transcript) -> Judged:
    """In a Messages user turn the tool results come before text and images."""
    for crossing in _of_right_requests(transcript):
        for message in sorted({piece.message for piece in crossing.sent.of("result")}):
            kinds = [piece.kind for piece in crossing.sent.pieces if piece.message == message]
            ahead = kinds[: len(kinds) - kinds[::-1].index("result")]
            if set(ahead) == {"result"}:
                yield crossing.seen
            else:
                yield crossing.broken(f"tool results first in messages[{message}]", f"its blocks are {kinds}")


@rule(
    "upstream.parallel-calls-together",
    level=MUST,
    source="BerriAI/litellm#21154; BerriAI/litellm#22578; AntSeed/antseed#741; openai/codex#7051",
    why="Split over several assistant messages, all but the last call lack their results: 400.",
    evidence="both",
)
def parallel_calls_together(transcript: Transcript) -> Judged:
    """Calls that follow one another in the history stand in one assistant message upstream."""
    for crossing in crossings(transcript):
        matched = {id(asked): sent for asked, sent in _matched_calls(crossing) or ()}
        for run in _runs(crossing.asked.pieces):
            messages = {matched[id(call)].message for call in run if id(call) in matched}
            if len(messages) == 1:
                yield crossing.seen
            elif messages:
                yield crossing.broken(
                    f"the calls {[_name(call) for call in run]} in one assistant message",
                    f"they stand in the messages {sorted(messages)}",
                )


def _runs(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """The stretches of two calls and more with nothing in between."""
    run: list[Piece] = []
    for piece in [*pieces, None]:
        if piece is not None and piece.kind == "call":
            run.append(piece)
            continue
        if len(run) > 1:
            yield run
        run = []


@rule(
    "upstream.text-with-its-call",
    level=INTEGRITY,
    source="BerriAI/litellm#33931; BerriAI/litellm#28978; cubist38/mlx-openai-server#268",
    why="As two assistant messages the call is lost in some services, refused by others for the roles' order.",
    evidence="both",
)
def text_with_its_call(transcript: Transcript) -> Judged:
    """Assistant text and the call right after it stand in one assistant message upstream.

    Messages joins assistant messages that follow each other, so that they are one there.
    """
    for crossing in crossings(transcript):
        matched = {id(asked): sent for asked, sent in _matched_calls(crossing) or ()}
        pieces = crossing.asked.pieces
        for text, call in itertools.pairwise(pieces):
            told = text.is_visible_text and text.role == "assistant" and text.text.strip()
            if not told or id(call) not in matched:
                continue
            holders = [
                piece.message
                for piece in crossing.sent.pieces
                if piece.is_visible_text and piece.role == "assistant" and text.text.strip() in piece.text
            ]
            if not holders:
                continue  # upstream.assistant-text-arrives tells of it
            there = matched[id(call)].message
            if there in holders or any(_is_one_turn(crossing, holder, there) for holder in holders):
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"{quote(text.text)} and the call of {_name(call)} in one assistant message",
                    f"the text stands in messages{holders}, the call in messages[{there}]",
                )


def _is_one_turn(crossing: Crossing, first: int, last: int) -> bool:
    """Whether Messages reads those messages as one: consecutive ones of one role are combined."""
    between = {piece.role for piece in crossing.sent.pieces if first <= piece.message <= last}
    return crossing.dialect == "messages" and first <= last and between == {"assistant"}


@rule(
    "upstream.calls-keep-their-place",
    level=INTEGRITY,
    source="Open Responses 2026-04-24, Items; openai/openai-agents-python#1797",
    why="A call before the question that caused it, or after the next one, is another story.",
    evidence="both",
)
def calls_keep_their_place(transcript: Transcript) -> Judged:
    """Calls and user texts keep their order among each other, results aside."""
    for crossing in crossings(transcript):
        matched = _matched_calls(crossing)
        if not matched:
            continue
        partner = {id(asked): sent for asked, sent in matched}
        texts = [p for p in crossing.sent.pieces if p.is_visible_text and p.role == "user"]
        order: list[tuple[Piece, int]] = []
        for piece in crossing.asked.pieces:
            if piece.kind == "call":
                order.append((piece, partner[id(piece)].message))
            elif piece.is_visible_text and piece.role == "user" and piece.text.strip():
                found = [p.message for p in texts if piece.text.strip() in p.text]
                if len(found) == 1:
                    order.append((piece, found[0]))
        late = next((two for one, two in itertools.pairwise(order) if two[1] < one[1]), None)
        if late is None:
            yield crossing.seen
        else:
            yield crossing.broken(
                "calls and user texts in the client's order",
                f"{quote(late[0].text or late[0].name)} ({late[0].path}) stands in messages[{late[1]}], "
                "before what it follows",
            )


@rule(
    "upstream.call-ids-distinct",
    level=MUST,
    source="Anthropic API: tool_use ids must be unique; LibreChat-AI/agents#153; HKUDS/nanobot#4356",
    why="Two calls with one id get each other's results, or a 400.",
    evidence="upstream",
)
def call_ids_distinct(transcript: Transcript) -> Judged:
    """Calls have ids of their own: in one message on every service, in the whole request on Messages."""
    for crossing in crossings(transcript):
        groups: dict[int, list[str]] = {}
        for piece in crossing.sent.of("call"):
            groups.setdefault(0 if crossing.dialect == "messages" else piece.message, []).append(piece.call_id)
        for ids in groups.values():
            if len(set(ids)) == len(ids) and all(ids):
                yield crossing.seen
            else:
                yield crossing.broken("an id of its own for each call", f"the ids are {ids}")


@rule(
    "upstream.call-ids-legal",
    level=MUST,
    source="Anthropic API: tool_use.id should match ^[a-zA-Z0-9_-]+$; maximhq/bifrost#5097; screenpipe/screenpipe#3252",
    why="Anthropic answers 400 to the ids that Kimi models write (`functions.name:0`).",
    dialects=MESSAGES,
    evidence="upstream",
)
def call_ids_legal(transcript: Transcript) -> Judged:
    """On Messages call ids consist of letters, digits, `_` and `-`, and results use the same ones."""
    for crossing in crossings(transcript):
        for piece in crossing.sent.of("call", "result"):
            if _LEGAL_ID.fullmatch(piece.call_id):
                yield crossing.seen
            else:
                yield crossing.broken(
                    "an id of letters, digits, `_` and `-`", f"{quote(piece.call_id)} at {piece.path}"
                )


@rule(
    "upstream.call-input-is-object",
    level=MUST,
    source="anthropic.types.ToolUseBlockParam.input; BerriAI/litellm#5064; Portkey-AI/gateway#1104",
    why="Anthropic answers 400 to an `input` that is a string: one garbled call ends the session.",
    dialects=MESSAGES,
    evidence="upstream",
)
def call_input_is_object(transcript: Transcript) -> Judged:
    """On Messages the `input` of every call is an object, whatever the history's arguments were."""
    for crossing in crossings(transcript):
        for piece in crossing.sent.of("call"):
            if isinstance(piece.value, dict):
                yield crossing.seen
            else:
                yield crossing.broken("an object", f"`input` is {quote(piece.value)} at {piece.path}")


@rule(
    "upstream.results-are-text",
    level=MUST,
    source="openai.types.chat.ChatCompletionToolMessageParam.content; BerriAI/litellm#18201",
    why="OpenAI refuses anything but text in a tool message.",
    dialects=("chat_completions",),
    evidence="upstream",
)
def results_are_text(transcript: Transcript) -> Judged:
    """On chat completions the content of a tool message is a string or text parts."""
    for crossing in crossings(transcript):
        for piece in crossing.sent.of("result"):
            content = piece.raw.get("content")
            parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
            if parts and all(
                isinstance(p, dict) and p.get("type") == "text" and isinstance(p.get("text"), str) for p in parts
            ):
                yield crossing.seen
            else:
                yield crossing.broken("a string or text parts", f"{quote(content)} at {piece.path}.content")
