"""Rules of whole answers: `stream: false` gives one JSON Response that says what the upstream, and a stream, said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from openai.types.responses import Response

from conformance.asked import asks_for_summary, final_response
from conformance.checks.limits import calls_are_limited
from conformance.crossings import Judged, Visit, quote, visits
from conformance.normal_form import difference, response_form
from conformance.pieces import at, items_of, parsed, same_json, text_of
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, rule
from conformance.said import EndState, Said
from conformance.thinking_tags import as_told, fitted
from conformance.transcript import Drive, Transcript

__all__: list[str] = []

_REQUIRED = (*(name for name, field in Response.model_fields.items() if field.is_required()), "status")


def _whole(transcript: Transcript) -> Iterator[Visit]:
    """The answers of 2xx to requests that asked for a whole answer."""
    for visit in visits(transcript):
        exchange = visit.exchange
        wanted = visit.asks_for_a_response and not exchange.wants_stream
        if wanted and exchange.status is not None and 200 <= exchange.status < 300:
            yield visit


def _heard(transcript: Transcript) -> Iterator[tuple[Visit, dict[str, Any], Said]]:
    """The whole answers that are Responses, with what the upstream said."""
    for visit in _whole(transcript):
        body = visit.exchange.json
        if visit.exchange.said is None or visit.exchange.asks_for_compaction:
            continue
        if isinstance(body, dict) and isinstance(body.get("output"), list):
            yield visit, body, visit.exchange.said


@rule(
    "json.content-type",
    level=MUST,
    source="Open Responses 2026-04-24, HTTP responses; openai._response.APIResponse",
    why="openai-python hands out a bare string instead of a Response.",
)
def content_type(transcript: Transcript) -> Judged:
    """A whole answer says `content-type: application/json`."""
    for visit in _whole(transcript):
        kind = (visit.exchange.header("content-type") or "").partition(";")[0].strip().lower()
        if kind == "application/json":
            yield visit.seen()
        else:
            yield visit.broken("`content-type: application/json`", f"content-type {quote(kind)}")


@rule(
    "json.is-a-response",
    level=MUST,
    source="openai.types.responses.Response; quangdang46/openproxy#306",
    why="openai-node's `output_text` is undefined without `object`; ai-sdk calls the answer invalid.",
)
def is_a_response(transcript: Transcript) -> Judged:
    """A request without `stream` is answered by one JSON object with `object: response`, never by events."""
    for visit in _whole(transcript):
        body = visit.exchange.json
        if not visit.exchange.is_stream and isinstance(body, dict) and body.get("object") == "response":
            yield visit.seen()
        else:
            shown = "an event stream" if visit.exchange.is_stream else quote(visit.exchange.body[:120])
            yield visit.broken("a JSON object with `object: response`", shown)


@rule(
    "json.required-fields",
    level=MUST,
    source="openai.types.responses.Response (its required fields)",
    why="Typed clients fail on the first field that is missing.",
)
def required_fields(transcript: Transcript) -> Judged:
    """A whole answer has all fields that `Response` requires, and a status."""
    for visit in _whole(transcript):
        body = visit.exchange.json
        if not isinstance(body, dict):
            continue
        missing = [name for name in _REQUIRED if body.get(name) is None]
        if missing:
            yield visit.broken(f"the fields {list(_REQUIRED)}", f"{missing} are missing or null")
        else:
            yield visit.seen()


@rule(
    "json.status-is-final",
    level=MUST,
    source="openai.types.responses.ResponseStatus",
    why="A client that waits for a final status waits for ever.",
)
def status_is_final(transcript: Transcript) -> Judged:
    """A whole answer is completed, incomplete or failed, not still in progress."""
    for visit in _whole(transcript):
        if at(visit.exchange.request.body, "background") is True or not isinstance(visit.exchange.json, dict):
            continue
        status = at(visit.exchange.json, "status")
        if status is None:
            continue  # json.required-fields tells of it
        if status in ("completed", "incomplete", "failed"):
            yield visit.seen()
        else:
            yield visit.broken("'completed', 'incomplete' or 'failed'", quote(status))


def _end(body: dict[str, Any]) -> EndState | None:
    status, reason = body.get("status"), at(body, "incomplete_details", "reason")
    if status == "incomplete":
        return "incomplete:content_filter" if reason == "content_filter" else "incomplete:max_output_tokens"
    return "failed" if status == "failed" else "completed" if status == "completed" else None


@rule(
    "json.end-state-equals-upstream",
    level=MUST,
    source="openai.types.responses.response.IncompleteDetails; jundot/omlx#2817",
    why="A cut answer passes for a whole one, or a good answer is thrown away.",
    evidence="both",
)
def end_state_equals_upstream(transcript: Transcript) -> Judged:
    """The status of a whole answer, and its reason, are those of the upstream's answer."""
    for visit, body, said in _heard(transcript):
        end = _end(body)
        if end in said.ends:
            yield visit.seen()
        elif body.get("status") is None and "completed" in said.ends:
            continue  # without a status an answer passes for a whole one; json.required-fields tells of it
        else:
            wanted = f"{' or '.join(sorted(said.ends))} (the upstream finished with {quote(said.finish)})"
            yield visit.broken(wanted, f"status {quote(body.get('status'))}, {quote(body.get('incomplete_details'))}")


def _content(body: dict[str, Any], kind: str) -> str:
    """All text of one kind in the output, joined."""
    parts: list[str] = []
    for item in items_of(body.get("output")):
        if at(item, "type") == "reasoning" and kind == "reasoning":
            summary = [text_of(at(part, "text")) for part in items_of(at(item, "summary"))]
            raw = [text_of(at(part, "text")) for part in items_of(at(item, "content"))]
            parts += raw or summary
        elif at(item, "type") == "message" and kind != "reasoning":
            field = "refusal" if kind == "refusal" else "text"
            wanted = "refusal" if kind == "refusal" else "output_text"
            content = items_of(at(item, "content"))
            parts += [text_of(at(part, field)) for part in content if at(part, "type") == wanted]
    return "".join(parts)


def _equal(transcript: Transcript, kind: Literal["text", "reasoning"], words: str) -> Judged:
    for visit, body, said in _heard(transcript):
        found = _content(body, kind)
        read = as_told(said, _content(body, "text"), has_reasoning=bool(_content(body, "reasoning")))
        told = read.text_as_told(found, _content(body, "refusal")) if kind == "text" else read.joined(kind)
        wanted = fitted(told, found, said, read)
        if (not wanted and not found) or (kind == "reasoning" and not found and _may_be_silent(visit, body)):
            continue
        failed_early = body.get("status") == "failed" and wanted.startswith(found)
        if found == wanted or failed_early:
            yield visit.seen()
        else:
            yield visit.broken(f"the upstream's {words} {quote(wanted, 240)}", quote(found, 240))


def _may_be_silent(visit: Visit, body: dict[str, Any]) -> bool:
    """Whether reasoning may come without words: as an item, for a request that asks for no summary."""
    thought = any(at(item, "type") == "reasoning" for item in items_of(body.get("output")))
    return thought and not asks_for_summary(visit.exchange.request.body)


@rule(
    "json.text-equals-upstream",
    level=INTEGRITY,
    source="openai.types.responses.ResponseOutputText.text; quangdang46/openproxy#306",
    why="The answer is not the model's.",
    evidence="both",
)
def text_equals_upstream(transcript: Transcript) -> Judged:
    """The text of a whole answer is the upstream's, character for character; a refusal may be text too."""
    yield from _equal(transcript, "text", "text")


@rule(
    "json.reasoning-equals-upstream",
    level=INTEGRITY,
    source="openai.types.responses.ResponseReasoningItem; BerriAI/litellm#20246",
    why="The model's thoughts are lost, and the next turn goes on without them.",
    features=("reasoning",),
    evidence="both",
)
def reasoning_equals_upstream(transcript: Transcript) -> Judged:
    """The reasoning in a whole answer is the upstream's, as summary or content; wordless where no summary was asked."""
    yield from _equal(transcript, "reasoning", "reasoning")


@rule(
    "json.refusal-equals-upstream",
    level=INTEGRITY,
    source="openai.types.responses.ResponseOutputRefusal; BerriAI/litellm#39203",
    why="A refusal looks like an empty, successful answer.",
    dialects=("chat_completions",),
    evidence="both",
)
def refusal_equals_upstream(transcript: Transcript) -> Judged:
    """A refusal in a whole answer is the upstream's, as a refusal part or as text."""
    for visit, body, said in _heard(transcript):
        wanted = said.joined("refusal")
        if not wanted:
            continue
        if _content(body, "refusal") == wanted or _content(body, "text").endswith(wanted):
            yield visit.seen()
        else:
            yield visit.broken(f"the refusal {quote(wanted)}", quote(_content(body, "refusal")))


_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}


def _calls(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in items_of(body.get("output")) if at(item, "type") in _CALLS]


@rule(
    "json.calls-equal-upstream",
    level=INTEGRITY,
    source="openai.types.responses.ResponseFunctionToolCall; BerriAI/litellm#28978",
    why="A call is lost, invented, or run with other arguments.",
    evidence="both",
)
def calls_equal_upstream(transcript: Transcript) -> Judged:
    """The calls of a whole answer are the upstream's: as many, in order, the arguments JSON-equal.

    One that was cut may be left out of an answer that says it is incomplete.
    """
    for visit, body, said in _heard(transcript):
        calls = _calls(body)
        if body.get("status") == "failed" or (not calls and not said.calls):
            continue
        # A tool search is a call of an item type of its own.
        others = sum(at(item, "type") == "tool_search_call" for item in items_of(body.get("output")))
        if calls_are_limited(visit.exchange.request.body) and len(calls) < len(said.calls):
            continue  # a target may keep back what the client had ruled out
        wanted = said.calls
        if body.get("status") == "incomplete" and len(calls) + others < len(wanted):
            wanted = tuple(call for call in wanted if call.complete)
        if len(calls) + others != len(wanted):
            named = [item.name for item in wanted]
            yield visit.broken(f"the upstream's calls {named}", f"calls of {[call.get('name') for call in calls]}")
            continue
        for item, call in zip(wanted, calls, strict=False) if not others else ():
            text = text_of(call.get(_CALLS[call["type"]]))
            if call["type"] == "custom_tool_call" or _same_arguments(item.text, text, whole=item.complete):
                yield visit.seen()
            else:
                yield visit.broken(f"the arguments {quote(item.text)} of {item.name}", quote(text))


def _same_arguments(said: str, found: str, *, whole: bool) -> bool:
    if not whole:
        return said.startswith(found)
    if said == found or (not said.strip() and parsed(found) == {}):
        return True
    value = parsed(said)
    return value is not None and same_json(value, parsed(found))


@rule(
    "json.usage-equals-upstream",
    level=MUST,
    source="openai.types.responses.ResponseUsage; anthropic.types.Usage",
    why="Bills and context meters go by it.",
    evidence="both",
)
def usage_equals_upstream(transcript: Transcript) -> Judged:
    """A whole answer carries the upstream's token counts, where it reported them."""
    for visit, body, said in _heard(transcript):
        if said.usage is None:
            continue
        wanted = {"input_tokens": said.usage.input, "output_tokens": said.usage.output}
        found = {key: at(body, "usage", key) for key in wanted}
        if found == wanted:
            yield visit.seen()
        else:
            yield visit.broken(f"{wanted}", f"`usage: {quote(body.get('usage'))}`")


def _pairs(transcript: Transcript) -> Iterator[tuple[Visit, dict[str, Any], dict[str, Any]]]:
    """Each whole answer beside the final response of the streamed drive, where both upstream replies say the same."""
    streamed = transcript.streamed
    if streamed is None:
        return
    for visit in _whole(transcript):
        other = _at(streamed, visit.number)
        if other is None or visit.exchange.said is None or other.said is None:
            continue
        same = [(item.kind, item.text, item.name) for item in visit.exchange.said.items] == [
            (item.kind, item.text, item.name) for item in other.said.items
        ]
        left, right = final_response(visit.exchange), final_response(other)
        if same and left is not None and right is not None:
            yield visit, response_form(visit.exchange), response_form(other)


def _at(drive: Drive, number: int) -> Any:
    return drive.exchanges[number] if number < len(drive.exchanges) else None


_COMPARED = ("status", "incomplete_details", "output", "error")


@rule(
    "json.equals-stream",
    level=RECOMMENDED,
    source="Open Responses 2026-04-24, Streaming; openai.types.responses.ResponseCompletedEvent.response",
    why="A program that was tested without streaming behaves differently with it.",
)
def equals_stream(transcript: Transcript) -> Judged:
    """A whole answer and the final response of a stream of the same upstream answer hold the same output."""
    for visit, whole, streamed in _pairs(transcript):
        found = difference(
            _joined({key: streamed.get(key) for key in _COMPARED}), _joined({key: whole.get(key) for key in _COMPARED})
        )
        if found is None:
            yield visit.seen()
        else:
            yield visit.broken(f"at {found.path}, as in the stream: {quote(found.left)}", quote(found.right))


def _joined(form: dict[str, Any]) -> dict[str, Any]:
    """A form whose items have their adjacent text parts joined: where a text is divided says nothing."""
    items = []
    for item in items_of(form.get("output")):
        parts: list[Any] = []
        for part in items_of(at(item, "content")):
            last: Any = parts[-1] if parts else None
            if at(last, "type") == at(part, "type") == "output_text" and not at(part, "annotations"):
                parts[-1] = {**last, "text": text_of(at(last, "text")) + text_of(at(part, "text"))}
            else:
                parts.append(part)
        items.append({**item, "content": parts} if at(item, "type") == "message" else item)
    return {**form, "output": items}


@rule(
    "json.usage-equals-stream",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseUsage",
    why="The same answer costs two prices.",
)
def usage_equals_stream(transcript: Transcript) -> Judged:
    """A whole answer counts the tokens that the stream of the same upstream answer counts."""
    streamed = transcript.streamed
    for visit, whole, form in _pairs(transcript):
        other = _at(streamed, visit.number).said if streamed is not None else None
        if other is None or visit.exchange.said is None or other.usage != visit.exchange.said.usage or not other.usage:
            continue
        found = difference(form.get("usage"), whole.get("usage"))
        if found is None:
            yield visit.seen()
        else:
            yield visit.broken(f"at usage, as in the stream: {found.left}", f"{found.right} at {found.path}")


@rule(
    "json.failure-is-http-error",
    level=RECOMMENDED,
    source="openai.APIStatusError; huggingface/responses.js answers 200 to everything",
    why="SDKs raise by the status: a 200 with `failed` inside is taken for an empty answer.",
    evidence="both",
)
def failure_is_http_error(transcript: Transcript) -> Judged:
    """A whole answer that failed before anything was generated is an HTTP error, not a 200."""
    for visit in visits(transcript):
        exchange, said = visit.exchange, visit.exchange.said
        if said is None or exchange.wants_stream or said.items or "http-error" not in said.ends:
            continue
        if exchange.status is not None and exchange.status >= 400:
            yield visit.seen()
        elif at(exchange.json, "status") == "failed":
            yield visit.broken("a status of 400 or more", f"status {exchange.status} with `status: failed` inside")
