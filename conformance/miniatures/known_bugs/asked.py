"""Proxies that write conversations and settings wrongly into their requests upstream."""

from __future__ import annotations

import contextlib
import itertools
import json
from typing import Any

from conformance.miniatures.request_edits import Outgoing, request_miniature

_ANSWERED = ("function_call_output", "custom_tool_call_output")


def _items(request: Outgoing, *types: str) -> list[dict[str, Any]]:
    """The client's input items of these types."""
    given = request.asked.get("input")
    items = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    return [item for item in items if item.get("type", "message") in types]


def _texts(item: dict[str, Any]) -> list[str]:
    content = item.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    return [str(part["text"]) for part in parts if isinstance(part, dict) and part.get("text")]


def _place(request: Outgoing, message: dict[str, Any]) -> int:
    return next(n for n, other in enumerate(request.messages) if other is message)


# -- fields ---------------------------------------------------------------------------------------------------


@request_miniature("upstream.no-responses-only-keys", "upstream.unknown-keys-not-forwarded")
def copies_every_field(request: Outgoing) -> None:
    """Copies every field of the client's request that it does not translate."""
    for key, value in request.asked.items():
        if key not in ("input", "instructions", "model", "stream", "tools", "tool_choice", "text"):
            request.body.setdefault(key, value)


@request_miniature("upstream.unknown-keys-not-forwarded")
def copies_item_keys(request: Outgoing) -> None:
    """Copies what else an input item has into the message that it becomes."""
    known = {"type", "role", "content", "id", "status", "phase"}
    extra = {key: value for item in _items(request, "message") for key, value in item.items() if key not in known}
    request.messages[-1].update({key: value for key, value in extra.items() if value is not None})


@request_miniature("upstream.default-limit-generous", "upstream.no-limit-invented")
def short_default_limit(request: Outgoing) -> None:
    """Limits every answer to 1024 tokens unless the client states a limit."""
    if request.asked.get("max_output_tokens") is None:
        request.body["max_tokens"] = 1024


@request_miniature("upstream.limit-field")
def limit_in_the_old_field(request: Outgoing) -> None:
    """Sends the limit as `max_tokens`, which reasoning models refuse."""
    if request.dialect == "chat_completions" and "max_completion_tokens" in request.body:
        request.body["max_tokens"] = request.body.pop("max_completion_tokens")


@request_miniature("upstream.schema-arrives")
def response_format_for_messages(request: Outgoing) -> None:
    """Sends the chat form of a schema to Messages."""
    config = request.body.get("output_config") or {}
    if request.is_messages and "format" in config:
        schema = config.pop("format").get("schema")
        named = {"name": "answer", "schema": schema, "strict": True}
        request.body["response_format"] = {"type": "json_schema", "json_schema": named}


@request_miniature("upstream.thinking-budget")
def budget_by_effort_alone(request: Outgoing) -> None:
    """Gives each effort a budget of its own, whatever `max_tokens` is."""
    budgets = {"low": 1024, "medium": 4096, "high": 16384}
    effort = (request.asked.get("reasoning") or {}).get("effort")
    if request.is_messages and effort in budgets and request.asked.get("max_output_tokens"):
        request.body["thinking"] = {"type": "enabled", "budget_tokens": budgets[effort]}
        (request.body.get("output_config") or {}).pop("effort", None)


@request_miniature("upstream.sampling-legal")
def temperature_while_thinking(request: Outgoing) -> None:
    """Sends the client's temperature beside thinking."""
    if request.is_messages and "thinking" in request.body and request.asked.get("temperature") is not None:
        request.body["temperature"] = request.asked["temperature"]


@request_miniature("upstream.forced-choice-without-thinking")
def forces_while_thinking(request: Outgoing) -> None:
    """Thinks by a budget although a tool is forced."""
    effort = (request.asked.get("reasoning") or {}).get("effort")
    if request.is_messages and effort and request.asked.get("tool_choice") == "required":
        request.body["tool_choice"] = {"type": "any"}
        request.body["thinking"] = {"type": "enabled", "budget_tokens": 2048}


# -- system text ----------------------------------------------------------------------------------------------


@request_miniature("upstream.system-leads")
def system_text_in_two_messages(request: Outgoing) -> None:
    """Sends the instructions and each developer message as system messages of their own."""
    own = str(request.asked.get("instructions") or "")
    for message in request.messages if own and not request.is_messages else ():
        content = message.get("content")
        if message.get("role") in ("system", "developer") and isinstance(content, str) and content.startswith(own):
            rest = content.removeprefix(own).strip()
            if rest:
                message["content"] = own
                request.messages.insert(1, {"role": "system", "content": rest})
            return


@request_miniature("upstream.developer-is-system")
def developer_role_passed(request: Outgoing) -> None:
    """Passes the role `developer` on to servers whose templates know only `system`."""
    for message in request.messages:
        if message.get("role") == "system" and _items(request, "message"):
            message["role"] = "developer"


@request_miniature("upstream.system-text-arrives")
def late_system_text_dropped(request: Outgoing) -> None:
    """Leaves out system and developer messages that follow a user's."""
    roles = [item.get("role") for item in _items(request, "message")]
    first = roles.index("user") if "user" in roles else len(roles)
    late = [item for item in _items(request, "message")[first:] if item.get("role") in ("system", "developer")]
    for text in (text for item in late for text in _texts(item)):
        for slot in (*request.texts("system"), *request.texts("user")):
            slot.text = slot.text.replace(text, "")


# -- calls and results ----------------------------------------------------------------------------------------


@request_miniature("upstream.parallel-calls-together")
def calls_in_messages_of_their_own(request: Outgoing) -> None:
    """Makes an assistant message of each parallel call; the results follow after the last."""
    for message in list(request.messages) if not request.is_messages else ():
        calls = message.get("tool_calls") or []
        if len(calls) > 1:
            place = _place(request, message)
            message["tool_calls"] = calls[:1]
            request.messages[place + 1 : place + 1] = [{"role": "assistant", "tool_calls": [c]} for c in calls[1:]]


@request_miniature("upstream.results-follow-calls")
def results_in_messages_of_their_own(request: Outgoing) -> None:
    """Makes a user message of each result of parallel calls."""
    for message in list(request.messages) if request.is_messages else ():
        blocks = [one for one in message["content"] if isinstance(one, dict)]
        results = [one for one in blocks if one["type"] == "tool_result"]
        if len(results) > 1:
            place = _place(request, message)
            request.messages[place : place + 1] = [{"role": "user", "content": [one]} for one in blocks]


@request_miniature("upstream.results-follow-calls")
def answer_between_call_and_result(request: Outgoing) -> None:
    """Keeps an assistant message where the client had it: between a call and its result."""
    items = _items(request, "message", "function_call", *_ANSWERED)
    for before, item, after in zip(items, items[1:], items[2:], strict=False):
        between = before.get("type") == "function_call" and item.get("role") == "assistant"
        if between and after.get("type") in _ANSWERED and request.results() and not request.is_messages:
            text = _texts(item)[0]
            for message in request.messages:
                if message.get("role") == "assistant" and isinstance(message.get("content"), str):
                    message["content"] = message["content"].replace(text, "").strip() or None
            place = _place(request, request.results()[0][0])
            request.messages.insert(place, {"role": "assistant", "content": text})
            return


@request_miniature("upstream.results-follow-calls", "upstream.results-have-calls")
def result_before_its_call(request: Outgoing) -> None:
    """Flushes the assistant's turn too early when reasoning comes before a result: the result precedes its call."""
    items = _items(request, "reasoning", "function_call", *_ANSWERED)
    pairs = itertools.pairwise(items)
    early = any(a.get("type") == "reasoning" and b.get("type") in _ANSWERED for a, b in pairs)
    if early and request.calls() and request.results():
        holder, answer = request.calls()[0][0], request.results()[0][0]
        request.messages.remove(answer)
        request.messages.insert(_place(request, holder), answer)


@request_miniature("upstream.call-ids-legal")
def call_ids_verbatim(request: Outgoing) -> None:
    """Sends the client's call ids to Messages as they are."""
    asked = [str(item.get("call_id")) for item in _items(request, "function_call", "custom_tool_call")]
    for (_, call), own in zip(request.calls() if request.is_messages else (), asked, strict=False):
        for _, result in request.results():
            if result[request.result_key] == call["id"]:
                result[request.result_key] = own
        call["id"] = own


@request_miniature("upstream.call-ids-distinct")
def call_ids_cleaned_into_one(request: Outgoing) -> None:
    """Replaces forbidden characters by one and the same, and cuts after 64: two ids become one."""
    shortened = {_cleaned(str(item.get("call_id"))) for item in _items(request, "function_call")}
    if len(shortened) < len(_items(request, "function_call")):
        for _, call in request.calls():
            call["id"] = next(iter(sorted(shortened)))
        for _, result in request.results():
            result[request.result_key] = next(iter(sorted(shortened)))


def _cleaned(call_id: str) -> str:
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in call_id)[:64]


@request_miniature("history.omissions-not-sent-on")
def open_call_forwarded(request: Outgoing) -> None:
    """Sends a call upstream that nobody answered."""
    answered = {item.get("call_id") for item in _items(request, *_ANSWERED)}
    if any(item.get("call_id") not in answered for item in _items(request, "function_call")):
        for _, result in request.results():
            if "aborted" in json.dumps(result):
                request.drop(result)


@request_miniature("upstream.results-have-calls")
def lost_result_forwarded(request: Outgoing) -> None:
    """Sends a result upstream whose call is not in the history."""
    called = {item.get("call_id") for item in _items(request, "function_call", "custom_tool_call")}
    for item in _items(request, *_ANSWERED):
        if item.get("call_id") not in called:
            said = {"type": "tool_result", "tool_use_id": item["call_id"], "content": str(item.get("output"))}
            chat = {"role": "tool", "tool_call_id": item["call_id"], "content": str(item.get("output"))}
            request.messages.insert(1, {"role": "user", "content": [said]} if request.is_messages else chat)


@request_miniature("upstream.results-arrive")
def outputs_kept_by_call_id(request: Outgoing) -> None:
    """Keeps outputs in a table by call id: where an id comes twice both calls get the last output."""
    asked = [item.get("call_id") for item in _items(request, *_ANSWERED)]
    if len(set(asked)) < len(asked):
        results = [result for _, result in request.results()]
        for result in results[:-1]:
            result["content"] = results[-1]["content"]


@request_miniature("upstream.results-unwrapped")
def parts_of_results_as_json(request: Outgoing) -> None:
    """Writes a result in parts out as JSON."""
    for (_, result), item in zip(request.results(), _items(request, *_ANSWERED), strict=False):
        if isinstance(item.get("output"), list):
            text = json.dumps(item["output"])
            result["content"] = [{"type": "text", "text": text}] if request.is_messages else text


@request_miniature("upstream.accepted-by-service")
def results_parsed(request: Outgoing) -> None:
    """Parses a result that looks like JSON, and sends the value instead of the string."""
    for (_, result), item in zip(request.results(), _items(request, *_ANSWERED), strict=False):
        output = item.get("output")
        if not request.is_messages and isinstance(output, str) and output.startswith(("{", "[")):
            with contextlib.suppress(ValueError):
                result["content"] = json.loads(output)


@request_miniature("upstream.accepted-by-service")
def prefill_with_its_blank(request: Outgoing) -> None:
    """Sends the last assistant message to Messages as a prefill, with the blank at its end."""
    last = (_items(request, "message") or [{}])[-1]
    given = request.asked.get("input")
    if request.is_messages and isinstance(given, list) and given[-1] is last and last.get("role") == "assistant":
        while request.messages and request.messages[-1]["role"] != "assistant":
            del request.messages[-1]
        request.messages[-1]["content"] = [{"type": "text", "text": text} for text in _texts(last)]


# -- reasoning ------------------------------------------------------------------------------------------------


def _loops(request: Outgoing) -> bool:
    return bool(_items(request, "reasoning")) and bool(request.results())


@request_miniature("history.thinking-before-its-call")
def thinking_gathered_first(request: Outgoing) -> None:
    """Writes all thinking of a turn first, and all its calls after it."""
    for message in request.messages if request.is_messages else ():
        content = message.get("content")
        if message.get("role") == "assistant" and isinstance(content, list):
            message["content"] = sorted(content, key=lambda block: "thinking" not in block["type"])


@request_miniature("history.reasoning-returned", "history.thinking-before-its-call")
def redacted_thinking_lost(request: Outgoing) -> None:
    """Knows `thinking` blocks and not `redacted_thinking`: those do not go back."""
    for message in request.messages if request.is_messages else ():
        if isinstance(message.get("content"), list):
            message["content"] = [one for one in message["content"] if one.get("type") != "redacted_thinking"]


@request_miniature("upstream.reasoning-field")
def reasoning_under_its_old_name(request: Outgoing) -> None:
    """Sends reasoning back to vLLM as `reasoning_content`, which it no longer reads."""
    for message in request.messages if request.dialect == "vllm" else ():
        if "reasoning" in message:
            message["reasoning_content"] = message.pop("reasoning")


@request_miniature("upstream.reasoning-not-shown-as-text")
def thinking_said_aloud(request: Outgoing) -> None:
    """Sends earlier reasoning back as assistant text."""
    for item in _items(request, "reasoning"):
        thought = " ".join(str(part.get("text")) for part in item.get("summary") or ())
        if thought:
            request.say("assistant", thought, place=len(request.messages) - 1)


# -- media ----------------------------------------------------------------------------------------------------


@request_miniature("upstream.accepted-by-service")
def image_part_copied(request: Outgoing) -> None:
    """Copies the client's `input_image` part into a chat message."""
    images = [p for i in _items(request, "message") for p in i["content"] if isinstance(p, dict)]
    images = [part for part in images if part.get("type") == "input_image"]
    for message in request.messages if images and not request.is_messages else ():
        content = message.get("content")
        if isinstance(content, list):
            message["content"] = [images[0] if part.get("type") == "image_url" else part for part in content]


@request_miniature("upstream.result-images-arrive")
def pictures_of_results_lost(request: Outgoing) -> None:
    """Sends the texts of a result and leaves its images out."""
    pictured = any(isinstance(item.get("output"), list) for item in _items(request, *_ANSWERED))
    for message in request.messages if pictured else ():
        for holder in (message, *(block for block in _blocks(message) if block.get("type") == "tool_result")):
            if isinstance(holder.get("content"), list):
                kept = [part for part in holder["content"] if part.get("type") not in ("image", "image_url")]
                holder["content"] = kept or [{"type": "text", "text": "(an image)"}]


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


# -- what was read in code ------------------------------------------------------------------------------------


@request_miniature("upstream.calls-arrive")
def calls_sent_as_tool_messages(request: Outgoing) -> None:
    """Sends a call of the history as a message of the tool."""
    for message in list(request.messages) if not request.is_messages else ():
        calls = message.pop("tool_calls", None) or []
        place = _place(request, message)
        for call in reversed(calls):
            said = {"role": "tool", "tool_call_id": call["id"], "content": call["function"]["arguments"]}
            request.messages.insert(place + 1, said)
        if calls and not message.get("content"):
            request.messages.remove(message)


@request_miniature("upstream.system-text-arrives")
def developer_text_dropped(request: Outgoing) -> None:
    """Knows the role `system` and drops what a developer says."""
    for item in _items(request, "message"):
        for text in _texts(item) if item.get("role") == "developer" else ():
            for slot in (*request.texts("system"), *request.texts("user")):
                slot.text = slot.text.replace(text, "")


@request_miniature("upstream.assistant-text-arrives")
def refusals_of_the_history_dropped(request: Outgoing) -> None:
    """Takes text parts of assistant messages and no refusals."""
    for item in _items(request, "message"):
        parts = item["content"] if isinstance(item.get("content"), list) else []
        for refused in (part["refusal"] for part in parts if part.get("type") == "refusal"):
            for slot in request.texts("assistant"):
                slot.text = slot.text.replace(refused, "-")
