"""Rules over several turns: what one turn left is taken back, and goes upstream as it came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.asked import Asked, final_response
from conformance.checks.upstream_request import RESPONSES_KEYS, unknown_item_keys
from conformance.crossings import Crossing, Judged, Visit, asked_in, crossings, quote, visits
from conformance.kept import kept, went_on_without
from conformance.pieces import Piece, at, items_of, parsed, same_json, text_of
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, rule
from conformance.transcript import Transcript
from fakes.script import Dialect

__all__: list[str] = []

MESSAGES: tuple[Dialect, ...] = ("messages",)


def _answerable(transcript: Transcript) -> Iterator[tuple[Visit, Asked]]:
    """The requests that must be answered: legal, and the upstream did not fail.

    Captured requests are left out: they hold so much that a refusal does not tell what it is for.
    """
    if transcript.facts.get("refusal_statuses") or "client" in transcript.facts.get("tags", ()):
        return
    for visit in visits(transcript):
        asked = asked_in(visit)
        failed = any(call.status is not None and call.status >= 400 for call in visit.exchange.upstream)
        broken = any(call.ended not in (None, "complete", "client-gone") for call in visit.exchange.upstream)
        if asked is not None and not failed and not broken and visit.exchange.ended != "client-left":
            yield visit, asked


def _accepted(visit: Visit, what: str) -> Judged:
    status = visit.exchange.status
    if status is not None and status < 300:
        yield visit.seen()
    else:
        body = visit.exchange.body[:200].decode("utf-8", "replace")
        yield visit.broken(f"an answer to a request {what}", f"status {status}: {quote(body)}")


@rule(
    "history.own-items-accepted",
    level=MUST,
    source="Open Responses 2026-04-24, Items are bidirectional; TanStack/ai#1212; 0xPlaygrounds/rig#751",
    why="The second turn of every conversation fails.",
)
def own_items_accepted(transcript: Transcript) -> Judged:
    """The items that the target gave out are accepted back as they are."""
    for visit, asked in _answerable(transcript):
        given = [item for exchange in visit.earlier for item in items_of(at(final_response(exchange), "output"))]
        if any(same_json(item, other) for item in asked.items for other in given):
            yield from _accepted(visit, "that brings back the target's own items")


@rule(
    "history.reasoning-accepted",
    level=MUST,
    source="openai.types.responses.ResponseReasoningItemParam; ggml-org/llama.cpp#24115; ggml-org/llama.cpp#29159",
    why="One reasoning item in the history makes every later request of the session fail.",
)
def reasoning_accepted(transcript: Transcript) -> Judged:
    """Reasoning items in the history are accepted: empty, with a summary only, with nulls, or of another server."""
    for visit, asked in _answerable(transcript):
        if "reasoning" in asked.types:
            yield from _accepted(visit, "with a reasoning item in its history")


@rule(
    "history.unknown-keys-accepted",
    level=MUST,
    source="lidge-jun/opencodex#3038; openai extra_body; openai/codex client_metadata",
    why="Each new version of a client brings a field that a strict target refuses.",
)
def unknown_keys_accepted(transcript: Transcript) -> Judged:
    """Fields and item keys that no API knows do not make a request fail."""
    for visit, asked in _answerable(transcript):
        known_types = "hosted-receipt" not in transcript.facts.get("tags", ())
        if known_types and (set(asked.body) - RESPONSES_KEYS or any(map(unknown_item_keys, asked.items))):
            yield from _accepted(visit, "with keys that no API knows")


@rule(
    "history.nulls-are-absent",
    level=MUST,
    source="openai.types.responses.ResponseCreateParams (optional fields are nullable); vllm-project/vllm#54224",
    why="Codex and the SDKs write out what they leave open as null.",
)
def nulls_are_absent(transcript: Transcript) -> Judged:
    """A field or item key that is explicitly null is treated as absent."""
    if "hosted-receipt" in transcript.facts.get("tags", ()):
        return  # a target that knows no such item has not stumbled over its nulls
    for visit, asked in _answerable(transcript):
        nulls = [key for key, value in asked.body.items() if value is None]
        nulls += [key for item in asked.items if isinstance(item, dict) for key, value in item.items() if value is None]
        if nulls:
            yield from _accepted(visit, f"in which {sorted(set(nulls))} are null")


@rule(
    "history.garbled-arguments-accepted",
    level=RECOMMENDED,
    source="BerriAI/litellm#5064; Portkey-AI/gateway#1104; labring/FastGPT#4754",
    why="The model once wrote bad JSON; Codex told it so and went on, and now every request is refused.",
)
def garbled_arguments_accepted(transcript: Transcript) -> Judged:
    """Calls in the history whose arguments are empty or no JSON object do not make a request fail."""
    for visit, asked in _answerable(transcript):
        calls = [piece for piece in asked.of("call") if not piece.custom]
        if any(not isinstance(parsed(piece.text), dict) for piece in calls):
            yield from _accepted(visit, "with garbled arguments in its history")


@rule(
    "history.ending-with-assistant-accepted",
    level=RECOMMENDED,
    source="openai/codex repeats a cut turn with what it was shown; Anthropic documentation, Prefill",
    why="Codex' retry after a cut turn is refused, and the session is over.",
)
def ending_with_assistant_accepted(transcript: Transcript) -> Judged:
    """A history that ends with an assistant message is accepted."""
    for visit, asked in _answerable(transcript):
        if asked.pieces and asked.pieces[-1].is_visible_text and asked.pieces[-1].role == "assistant":
            yield from _accepted(visit, "that ends with an assistant message")


@rule(
    "history.messages-end-with-user",
    level=RECOMMENDED,
    source="Anthropic documentation, Prefill (refused by current models); openai/codex repeats a cut turn",
    why="Current Claude models answer 400 to a request that ends with an assistant message.",
    dialects=MESSAGES,
    evidence="both",
)
def messages_end_with_user(transcript: Transcript) -> Judged:
    """A request to a Messages upstream ends with a user turn."""
    for crossing in crossings(transcript):
        if not crossing.sent.roles:
            continue
        if crossing.sent.roles[-1] == "user":
            yield crossing.seen
        else:
            yield crossing.broken("a user turn at the end", f"the roles are {list(crossing.sent.roles)}")


@rule(
    "history.receipts-accepted",
    level=RECOMMENDED,
    source="openai/codex echoes web_search_call items; ggml-org/llama.cpp#20156",
    why="Codex sends the receipts of hosted tools back with every request.",
)
def receipts_accepted(transcript: Transcript) -> Judged:
    """Receipts of hosted tools in the history do not make a request fail."""
    receipts = {"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"}
    for visit, asked in _answerable(transcript):
        if asked.types & receipts:
            yield from _accepted(visit, f"with {sorted(asked.types & receipts)} in its history")


@rule(
    "history.foreign-compaction-accepted",
    level=RECOMMENDED,
    source="openai/codex#45393; cubist38/mlx-openai-server#268",
    why="A compacted session cannot be resumed.",
)
def foreign_compaction_accepted(transcript: Transcript) -> Judged:
    """A `compaction` item of another server does not make a request fail."""
    for visit, asked in _answerable(transcript):
        if "compaction" in asked.types:
            yield from _accepted(visit, "with a compaction item in its history")


@rule(
    "history.previous-response-continued",
    level=MUST,
    source="Open Responses 2026-04-24, previous_response_id; raullenchai/Rapid-MLX#588; BerriAI/litellm#28587",
    why="The model answers without the conversation, and nothing tells the client so.",
    evidence="both",
)
def previous_response_continued(transcript: Transcript) -> Judged:
    """`previous_response_id` puts the earlier input and output before the new input, or is refused; never ignored."""
    for crossing in crossings(transcript):
        asked = crossing.asked
        if not isinstance(asked.body.get("previous_response_id"), str):
            continue
        unkept = kept(crossing.visit).get(asked.body["previous_response_id"])
        if unkept is not None and not unkept.was_to_be_stored:
            if went_on_without(crossing.visit, unkept):
                yield crossing.broken(
                    "400 or 404: the response was not to be stored", "it was ignored, and sent upstream"
                )
            continue
        if not asked.whole:
            continue
        earlier = [piece for piece in asked.pieces[: asked.own] if piece.path != "instructions"]
        lost = _lost(earlier, crossing)
        if lost is None:
            yield crossing.seen
        else:
            yield crossing.broken(
                "the context of the previous response before the new input",
                f"the {lost.kind} {quote(lost.text or lost.name or list(lost.texts))} of it is not in the request",
            )


def _lost(pieces: Sequence[Piece], crossing: Crossing) -> Piece | None:
    visible = [piece.text for piece in crossing.sent.pieces if piece.is_visible_text]
    results = [text for piece in crossing.sent.of("result") for text in piece.texts]
    calls = [piece.name for piece in crossing.sent.of("call")]
    for piece in pieces:
        if piece.is_visible_text and not any(piece.text.strip() in text for text in visible):
            return piece
        if piece.kind == "call" and not piece.namespace and piece.name not in calls:
            return piece
        if piece.kind == "result" and not all(any(text.strip() in t for t in results) for text in piece.texts):
            return piece
    return None


@rule(
    "history.instructions-not-inherited",
    level=MUST,
    source="openai.types.responses.ResponseCreateParams.instructions",
    why="The client swaps the instructions and gets both.",
    features=("store",),
    evidence="both",
)
def instructions_not_inherited(transcript: Transcript) -> Judged:
    """The instructions of the previous response do not hold for the one that continues it."""
    for crossing in crossings(transcript):
        if not isinstance(crossing.asked.body.get("previous_response_id"), str):
            continue
        old = {text_of(at(answer.request.body, "instructions")).strip() for answer in crossing.visit.earlier}
        old -= {text_of(crossing.asked.body.get("instructions")).strip(), ""}
        if not old:
            continue
        texts = [piece for piece in crossing.sent.pieces if piece.is_visible_text]
        found = [text for text in old for piece in texts if text in piece.text]
        if found:
            yield crossing.broken("only the new request's own instructions", f"{quote(found[0])} is sent again")
        else:
            yield crossing.seen


@rule(
    "history.orphan-result-not-misattributed",
    level=INTEGRITY,
    source="continuedev/continue#10092; openai/gpt-oss#309; openai/gpt-oss#308",
    why="The result of one tool is read as that of another.",
    evidence="both",
)
def orphan_result_not_misattributed(transcript: Transcript) -> Judged:
    """A result whose call is not in the context is refused, dropped, or shown as such; never given to another call."""
    for visit in visits(transcript):
        asked = asked_in(visit)
        if asked is not None and _orphans(asked) and visit.exchange.status in (400, 422):
            yield visit.seen()
    for crossing in crossings(transcript):
        for result in _orphans(crossing.asked):
            owners = _owners(result, crossing)
            if owners:
                yield crossing.broken(
                    f"{quote(list(result.texts))} ({result.path}) as no other call's result",
                    f"it stands as the result of {owners}",
                )
            else:
                yield crossing.seen


def _orphans(asked: Asked) -> list[Piece]:
    """The results whose call is not in the context, where all of the context is known."""
    ids = {piece.call_id for piece in asked.of("call")}
    return [result for result in asked.of("result") if result.call_id not in ids] if asked.whole else []


def _owners(orphan: Piece, crossing: Crossing) -> list[str]:
    """The client's calls whose result upstream is the orphan's text."""
    texts = [text for text in orphan.texts if text.strip()]
    holders = [
        p.call_id for p in crossing.sent.of("result") if texts and all(any(t in s for s in p.texts) for t in texts)
    ]
    names = {piece.call_id: piece.name for piece in crossing.sent.of("call")}
    declared = {piece.name for piece in crossing.asked.of("call")}
    return [names[call_id] for call_id in holders if names.get(call_id) in declared]
