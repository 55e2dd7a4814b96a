"""Proxies that tear calls and results apart."""

from __future__ import annotations

from typing import Any

from conformance.miniatures.request_edits import Outgoing, request_miniature


@request_miniature("upstream.calls-arrive")
def second_call_lost(request: Outgoing) -> None:
    """Keeps only the first of several calls, and its result."""
    calls = request.calls()
    if len(calls) > 1:
        _, call = calls[1]
        for _, result in request.results():
            if result[request.result_key] == call["id"]:
                request.drop(result)
                break
        request.drop(call)


@request_miniature("upstream.calls-arrive")
def calls_swapped(request: Outgoing) -> None:
    """Swaps the names of the first two calls."""
    calls = [request.named(call) for _, call in request.calls()[:2]]
    if len(calls) == 2:
        calls[0]["name"], calls[1]["name"] = calls[1]["name"], calls[0]["name"]


@request_miniature("upstream.arguments-arrive")
def big_numbers_rounded(request: Outgoing) -> None:
    """Reads arguments with floating-point numbers."""
    for _, call in request.calls():
        value = request.arguments(call)
        if isinstance(value, dict) and isinstance(value.get("zip"), int):
            request.set_arguments(call, {**value, "zip": float(value["zip"])})


@request_miniature("upstream.arguments-arrive")
def second_arguments_lost(request: Outgoing) -> None:
    """Sends the second call without arguments."""
    for _, call in request.calls()[1:2]:
        request.set_arguments(call, {})


@request_miniature("upstream.arguments-arrive")
def custom_input_ends_at_its_first_line(request: Outgoing) -> None:
    """Sends only the first line of what a custom tool was called with."""
    for _, call in request.calls():
        value = request.arguments(call)
        if isinstance(value, dict):
            cut = {key: text.partition("\n")[0] if isinstance(text, str) else text for key, text in value.items()}
            if cut != value:
                request.set_arguments(call, cut)


def _set_result(request: Outgoing, result: dict[str, Any], text: str) -> None:
    result["content"] = [{"type": "text", "text": text}] if request.is_messages else text


@request_miniature("upstream.results-arrive")
def first_part_of_result(request: Outgoing) -> None:
    """Sends only the first part of a result in parts."""
    for _, result in request.results():
        content = result.get("content")
        if isinstance(content, list) and len(content) > 1:
            del content[1:]
        elif isinstance(content, str) and "\n\n" in content:
            result["content"] = content.partition("\n\n")[0]


@request_miniature("upstream.results-arrive")
def results_swapped(request: Outgoing) -> None:
    """Gives two parallel calls each other's results."""
    results = [result for _, result in request.results()[:2]]
    key = request.result_key
    if len(results) == 2:
        results[0][key], results[1][key] = results[1][key], results[0][key]


@request_miniature("upstream.result-images-arrive")
def images_in_results_dropped(request: Outgoing) -> None:
    """Leaves images of results out."""
    for _, result in request.results():
        content = result.get("content")
        if isinstance(content, list):
            result["content"] = [part for part in content if part.get("type") != "image"]
    for message in request.messages:
        content = message.get("content")
        if not request.is_messages and isinstance(content, list) and "returned" in str(content):
            message["content"] = [part for part in content if part.get("type") != "image_url"]


@request_miniature("upstream.results-follow-calls")
def note_before_result(request: Outgoing) -> None:
    """Lets a user message stand between a call and its result."""
    for message, _ in request.results()[:1]:
        place = next(n for n, other in enumerate(request.messages) if other is message)
        request.say("user", "I see.", place=place)


@request_miniature("upstream.results-follow-calls")
def second_result_lost(request: Outgoing) -> None:
    """Loses the result of the second call."""
    for _, result in request.results()[1:2]:
        request.drop(result)


@request_miniature("upstream.results-have-calls")
def result_without_call(request: Outgoing) -> None:
    """Names a call that does not exist."""
    for _, result in request.results()[:1]:
        result[request.result_key] = "call_unheard_of"


@request_miniature("upstream.results-first")
def text_before_results(request: Outgoing) -> None:
    """Puts the user's text before the tool results."""
    if request.is_messages:
        for message in request.messages:
            kinds = [block.get("type") for block in message["content"] if isinstance(block, dict)]
            if "tool_result" in kinds and "text" in kinds:
                message["content"] = list(reversed(message["content"]))


@request_miniature("upstream.parallel-calls-together")
def one_message_a_call(request: Outgoing) -> None:
    """Sends each parallel call in an assistant message of its own, with its result after it."""
    calls = request.calls()
    if len(calls) < 2 or calls[0][0] is not calls[1][0]:
        return
    holder, call = calls[1]
    result = next(r for _, r in request.results() if r[request.result_key] == call["id"])
    request.drop(call)
    request.drop(result)
    place = next(n for n, message in enumerate(request.messages) if message is holder) + 2
    key = "content" if request.is_messages else "tool_calls"
    answer = {"role": "user", "content": [result]} if request.is_messages else result
    request.messages[place:place] = [{"role": "assistant", key: [call]}, answer]


@request_miniature("upstream.text-with-its-call")
def text_apart_from_call(request: Outgoing) -> None:
    """Sends assistant text and the call after it as two assistant messages."""
    for message in list(request.messages):
        place = next(n for n, other in enumerate(request.messages) if other is message)
        content = message.get("content")
        if message.get("role") != "assistant" or not content:
            continue
        if not request.is_messages and message.get("tool_calls"):
            request.messages.insert(place, {"role": "assistant", "content": message.pop("content")})
        elif request.is_messages:
            texts = [block for block in content if block["type"] == "text"]
            if texts and len(texts) < len(content):
                message["content"] = [block for block in content if block["type"] != "text"]
                request.messages.insert(place, {"role": "assistant", "content": texts})


@request_miniature("upstream.calls-keep-their-place")
def calls_before_question(request: Outgoing) -> None:
    """Moves the last call and its result to the beginning of the conversation."""
    calls = request.calls()
    if not calls:
        return
    holder = calls[-1][0]
    last = [message for message in request.messages if message is holder]
    ids = [call["id"] for message, call in calls if message is holder]
    answers = [message for message, result in request.results() if result[request.result_key] in ids]
    if request.is_messages:
        answers = answers[-1:]
    moved = last + answers
    request.messages[:] = moved + [m for m in request.messages if not any(m is other for other in moved)]


@request_miniature("upstream.call-ids-distinct")
def ids_collide(request: Outgoing) -> None:
    """Replaces forbidden characters in ids so that two become one."""
    calls = request.calls()
    if len(calls) > 1:
        first = calls[0][1]["id"]
        second = calls[1][1]["id"]
        calls[1][1]["id"] = first
        for _, result in request.results():
            if result[request.result_key] == second:
                result[request.result_key] = first


@request_miniature("upstream.call-ids-legal")
def foreign_ids_kept(request: Outgoing) -> None:
    """Sends the ids of other services to Messages as they are."""
    if request.is_messages:
        for _, call in request.calls()[:1]:
            old, call["id"] = call["id"], "functions.get_weather:0"
            for _, result in request.results():
                if result["tool_use_id"] == old:
                    result["tool_use_id"] = call["id"]


@request_miniature("upstream.call-input-is-object")
def arguments_as_string(request: Outgoing) -> None:
    """Sends arguments to Messages as a string when they are no JSON."""
    if request.is_messages:
        for _, call in request.calls():
            if list(call["input"]) == ["arguments"]:
                call["input"] = call["input"]["arguments"]


@request_miniature("upstream.results-are-text")
def images_in_tool_messages(request: Outgoing) -> None:
    """Sends an image inside a tool message to chat completions."""
    if request.dialect == "chat_completions" and "returned" in str(request.messages):
        for _, result in request.results():
            image = {"type": "image_url", "image_url": {"url": "https://example.org/map.png"}}
            result["content"] = [{"type": "text", "text": "a map"}, image]
