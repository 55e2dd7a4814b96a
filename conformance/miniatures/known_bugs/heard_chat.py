"""Proxies that misread streams of chat completions."""

from __future__ import annotations

from typing import Any

from conformance.miniatures.misreading import CHAT, MESSAGES, Heard, misreads, stumbles
from fakes.script import Dialect

_VLLM: tuple[Dialect, ...] = ("vllm",)


def _function(fragment: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = fragment.setdefault("function", {})
    return found


def _finishes(chunk: dict[str, Any]) -> bool:
    return any(choice.get("finish_reason") for choice in chunk.get("choices") or ())


@misreads("content.refusal-equals-upstream")
def refusals_not_read(heard: Heard) -> None:
    """Does not read `delta.refusal`: a refusal becomes an empty answer."""
    for delta in heard.deltas:
        delta.pop("refusal", None)


@misreads("content.text-equals-upstream")
def choices_are_one(heard: Heard) -> None:
    """Reads whatever choice a chunk has, and joins the texts of two answers."""
    for choice in heard.choices:
        choice["index"] = 0


@misreads("content.calls-equal-upstream")
def calls_known_by_index(heard: Heard) -> None:
    """Knows calls by their index alone: a second call on a used index is joined to the first."""
    seen: set[int] = set()
    for fragment in heard.fragments:
        index = fragment.get("index")
        if index in seen and fragment.get("id"):
            fragment.pop("id")
            _function(fragment).pop("name", None)
        if isinstance(index, int):
            seen.add(index)


@misreads("content.calls-equal-upstream")
def calls_without_index_are_one(heard: Heard) -> None:
    """Takes a missing index for 0: calls without one are joined."""
    opened = False
    for fragment in heard.fragments:
        if "index" not in fragment:
            fragment["index"] = 0
            if opened:
                fragment.pop("id", None)
                _function(fragment).pop("name", None)
            opened = True


@misreads("content.arguments-equal-upstream")
def fragments_go_to_the_open_call(heard: Heard) -> None:
    """Writes every fragment into the call that was opened last, whatever its index."""
    newest: Any = None
    for fragment in heard.fragments:
        if fragment.get("id"):
            newest = fragment.get("index")
        elif newest is not None:
            fragment["index"] = newest


@misreads("content.calls-equal-upstream")
def calls_without_id_skipped(heard: Heard) -> None:
    """Opens a call when its id comes: calls that never get one are not told."""
    named = {fragment.get("index") for fragment in heard.fragments if fragment.get("id")}
    for delta in heard.deltas:
        if "tool_calls" in delta:
            delta["tool_calls"] = [one for one in delta["tool_calls"] or () if one.get("index") in named]


@misreads("content.arguments-equal-upstream")
def arguments_beside_the_name_lost(heard: Heard) -> None:
    """Expects arguments in later deltas: those that come with the name are lost."""
    for fragment in heard.fragments:
        if fragment.get("id") and _function(fragment).get("arguments"):
            _function(fragment)["arguments"] = ""


@misreads("content.calls-equal-upstream", "stream.no-empty-completed")
def calls_need_their_finish_reason(heard: Heard) -> None:
    """Looks at calls only if the finish reason is `tool_calls`."""
    if any(choice.get("finish_reason") == "stop" for choice in heard.choices):
        for delta in heard.deltas:
            delta.pop("tool_calls", None)


@misreads("content.text-equals-upstream")
def calls_hide_text(heard: Heard) -> None:
    """Reads either the calls of a delta or its text, not both."""
    for delta in heard.deltas:
        if delta.get("tool_calls") and delta.get("content"):
            delta["content"] = None


@misreads("content.calls-equal-upstream", dialects=_VLLM)
def tail_opens_a_nameless_call(heard: Heard) -> None:
    """Closes a call when something else comes: the tail of its arguments opens a second one without a name."""
    interrupted: set[Any] = set()
    seen: set[Any] = set()
    for delta in heard.deltas:
        for fragment in delta.get("tool_calls") or ():
            index = fragment.get("index")
            if index in interrupted:
                fragment |= {"index": 100 + index, "id": f"call_tail_{index}"}
                _function(fragment)["name"] = "unknown"
                interrupted = set()
            seen.add(index)
        if delta.get("content") or delta.get("reasoning") or delta.get("reasoning_content"):
            interrupted = set(seen)


@misreads("content.call-names-equal-upstream", dialects=_VLLM)
def repeated_names_joined(heard: Heard) -> None:
    """Appends the name of every fragment, though each repeats the whole of it."""
    names: dict[Any, str] = {}
    opened: dict[Any, dict[str, Any]] = {}
    for fragment in heard.fragments:
        index, function = fragment.get("index"), _function(fragment)
        names[index] = names.get(index, "") + (function.get("name") or "")
        if opened.setdefault(index, function) is not function:
            function.pop("name", None)
    for index, function in opened.items():
        function["name"] = names[index]


@misreads("content.call-names-equal-upstream")
def first_half_of_the_name(heard: Heard) -> None:
    """Takes the first fragment of a name for all of it."""
    named: set[Any] = set()
    for fragment in heard.fragments:
        if _function(fragment).get("name"):
            if fragment.get("index") in named and not fragment.get("id"):
                _function(fragment).pop("name")
            named.add(fragment.get("index"))


@misreads("content.text-equals-upstream", dialects=_VLLM)
def text_beside_the_finish_lost(heard: Heard) -> None:
    """Handles a finish reason first: text in the same chunk is lost."""
    for choice in heard.choices:
        if choice.get("finish_reason") and (choice.get("delta") or {}).get("content"):
            choice["delta"]["content"] = ""


@misreads("content.calls-equal-upstream")
def calls_beside_the_finish_lost(heard: Heard) -> None:
    """Expects calls in chunks before the finish reason: those of an answer that comes at once are lost."""
    for choice in heard.choices:
        if choice.get("finish_reason") and (choice.get("delta") or {}).get("tool_calls"):
            del choice["delta"]["tool_calls"]


@misreads("content.text-equals-upstream", dialects=_VLLM)
def lone_reasoning_becomes_text(heard: Heard) -> None:
    """Tells reasoning as the answer when no text follows."""
    if any(delta.get("content") or delta.get("tool_calls") for delta in heard.deltas):
        return
    for delta in heard.deltas:
        for key in ("reasoning", "reasoning_content"):
            if delta.get(key):
                delta["content"] = delta.pop(key)


@misreads("content.text-equals-upstream")
def any_finish_reason_ends(heard: Heard) -> None:
    """Takes every finish reason that is not null for the end, the empty string too."""
    heard.stop_at(lambda chunk: any(one.get("finish_reason") is not None for one in chunk.get("choices") or ()))


@misreads("content.text-equals-upstream")
def markup_held_back(heard: Heard) -> None:
    """Waits for the end of what looks like tool markup, and loses it when none comes."""
    held = False
    for delta in heard.deltas:
        text = delta.get("content")
        if isinstance(text, str) and (held or "<" in text):
            delta["content"], held = ("" if held else text.partition("<")[0]), True


@misreads("content.reasoning-equals-upstream")
def reads_reasoning_content_only(heard: Heard) -> None:
    """Reads `delta.reasoning_content` and not `delta.reasoning`."""
    for delta in heard.deltas:
        delta.pop("reasoning", None)


@misreads("content.arguments-equal-upstream")
def arguments_after_reasoning_torn(heard: Heard) -> None:
    """Ends its reasoning at the first delta of anything else, and swallows the arguments that this one brings."""
    thinking = False
    for delta in heard.deltas:
        thinking = thinking or bool(delta.get("reasoning") or delta.get("reasoning_content"))
        for fragment in delta.get("tool_calls") or ():
            if thinking and _function(fragment).get("arguments"):
                _function(fragment)["arguments"], thinking = "", False


@misreads("usage.present-when-reported")
def stops_at_the_finish_reason(heard: Heard) -> None:
    """Reads nothing after the finish reason: the usage chunk is lost."""
    heard.stop_at(_finishes)


@misreads("content.text-equals-upstream")
def usage_ends_the_turn(heard: Heard) -> None:
    """Takes the first usage for the end of the turn."""
    heard.stop_at(lambda chunk: bool(chunk.get("usage")))


@stumbles("answer.stream")
def crashes_on_empty_choices(heard: Heard) -> bool:
    """Takes the first choice of every chunk: one without choices is an index error."""
    return any(chunk.get("choices") == [] and not chunk.get("usage") for chunk in heard.chunks)


@stumbles("answer.stream")
def crashes_on_null_content(heard: Heard) -> bool:
    """Joins the contents of all deltas: null among them is a type error."""
    texts = [delta["content"] for delta in heard.deltas if "content" in delta]
    return None in texts and any(isinstance(text, str) for text in texts)


@stumbles("stream.terminal-event", how="stops")
def crashes_on_unknown_finish(heard: Heard) -> bool:
    """Looks finish reasons up in a table: one that is not in it is a key error."""
    known = (None, "", "stop", "length", "tool_calls", "content_filter", "function_call")
    return any(choice.get("finish_reason") not in known for choice in heard.choices)


@stumbles("stream.terminal-event", how="stops")
def breaks_off_after_lone_reasoning(heard: Heard) -> bool:
    """Looks for the message at the end: an answer of reasoning alone breaks the stream off."""
    said = [delta for delta in heard.deltas if delta.get("content") or delta.get("tool_calls") or delta.get("refusal")]
    return not said and any(delta.get("reasoning") or delta.get("reasoning_content") for delta in heard.deltas)


@stumbles("stream.terminal-event", how="stops")
def waits_for_a_finish_reason(heard: Heard) -> bool:
    """Ends the response when the finish reason comes: without one its stream just stops."""
    return "[DONE]" in heard.events and not any(choice.get("finish_reason") for choice in heard.choices)


@misreads("content.text-equals-upstream")
def named_tags_are_thinking(heard: Heard) -> None:
    """Takes thinking tags for thinking wherever they stand, in prose that names them too."""
    text = "".join(delta.get("content") or "" for delta in heard.deltas)
    before, opened, rest = text.partition("<think>")
    thought, closed, after = rest.partition("</think>")
    holders = [delta for delta in heard.deltas if delta.get("content")]
    if not (opened and closed and holders):
        return
    for delta in holders:
        delta["content"] = ""
    holders[0] |= {"reasoning": thought, "content": before + after}


@misreads("content.calls-equal-upstream", "content.text-equals-upstream", dialects=(*CHAT, *MESSAGES))
def calls_told_as_text(heard: Heard) -> None:
    """Tells calls as the markup in which the model wrote them, in the text."""
    for delta in heard.deltas:
        functions = [_function(fragment) for fragment in delta.get("tool_calls") or ()]
        pieces = [str(function.get("name") or function.get("arguments") or "") for function in functions]
        if delta.pop("tool_calls", None):
            delta["content"] = f"{delta.get('content') or ''}{'<tool_call>'.join(['', *pieces])}"
    for event in heard.of_type("content_block_start"):
        if event["content_block"]["type"] == "tool_use":
            event["content_block"] = {"type": "text", "text": f"<tool_call>{event['content_block']['name']}"}
    for event in heard.of_type("content_block_delta"):
        if event["delta"].get("type") == "input_json_delta":
            event["delta"] = {"type": "text_delta", "text": event["delta"]["partial_json"]}
