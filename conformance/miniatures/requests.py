"""Proxies that garble what real clients ask for: names, wrappers, limits, attachments, settings."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.miniatures.edits import Draft, edit_exchanges, on_streams, stream_miniature
from conformance.miniatures.miniature import Edit, miniature
from conformance.miniatures.request_edits import Outgoing, request_miniature
from conformance.miniatures.right import ToolNames, right_exchange
from conformance.miniatures.right_case import RIGHT_TARGETS, own_names
from conformance.miniatures.right_messages import JSON_MODE
from conformance.said import Said, SaidItem
from conformance.transcript import Exchange, Received, Transcript

_FLAVOUR = RIGHT_TARGETS["plain"].stream


def _id_of(exchange: Exchange) -> str:
    """The id of an answer's response."""
    if exchange.is_stream:
        return str(exchange.events[0].get("response", "id"))
    return str((exchange.json or {}).get("id"))


def _told_without(names: ToolNames | None, exchange: Exchange) -> Exchange:
    """What the upstream said, told call for call; `names` are the client's tools behind the upstream's names."""
    if exchange.said is None:
        return exchange
    return right_exchange(
        _FLAVOUR,
        exchange.request,
        exchange.said,
        response_id=_id_of(exchange),
        upstream=exchange.upstream,
        names=names,
    )


def _deaf_to(field: str, when: Callable[[Any], bool]) -> Edit:
    """A proxy that passes on every call of the upstream's, where that field of the request forbids some."""

    def one(exchange: Exchange) -> Exchange:
        body = exchange.request.body
        if exchange.status != 200 or not isinstance(body, dict) or not when(body.get(field)):
            return exchange
        return _told_without(own_names(body), exchange)

    return lambda transcript: edit_exchanges(transcript, one)


@miniature("tools.allowed-enforced")
def all_tools_let_through(transcript: Transcript) -> Transcript:
    """Passes on every call, whichever tools are allowed."""
    return _deaf_to("tool_choice", lambda choice: isinstance(choice, dict) and choice["type"] == "allowed_tools")(
        transcript
    )


@miniature("tools.none-enforced")
def calls_let_through(transcript: Transcript) -> Transcript:
    """Passes on calls although there should be none."""
    return _deaf_to("tool_choice", lambda choice: choice == "none")(transcript)


@miniature("tools.one-call-at-a-time")
def both_calls_let_through(transcript: Transcript) -> Transcript:
    """Passes on two calls although one at a time was asked for."""
    return _deaf_to("parallel_tool_calls", lambda wanted: wanted is False)(transcript)


def _each_item(change: Callable[[dict[str, Any]], None], draft: Draft) -> None:
    for item in draft.items():
        change(item)


def _on_answers(change: Callable[[dict[str, Any]], None]) -> Edit:
    """A proxy whose output items are changed, in streams and in whole answers."""
    streamed = on_streams(lambda draft: _each_item(change, draft))

    def whole(exchange: Exchange) -> Exchange:
        body = exchange.json
        if exchange.is_stream or not isinstance(body, dict) or not isinstance(body.get("output"), list):
            return exchange
        value = json.loads(exchange.body)
        for item in value["output"]:
            change(item)
        return _with_body(exchange, value)

    return lambda transcript: edit_exchanges(streamed(transcript), whole)


def _with_body(exchange: Exchange, value: Any) -> Exchange:
    if value == exchange.json:
        return exchange
    at = exchange.received[-1].t if exchange.received else 0.0
    return replace(exchange, received=(Received(at, json.dumps(value, ensure_ascii=False).encode()),))


@miniature("tools.names-restored")
def upstream_names_given_out(transcript: Transcript) -> Transcript:
    """Gives calls out under the names that it had made for the upstream."""

    def one(exchange: Exchange) -> Exchange:
        said = exchange.said
        if said is None or not said.calls or exchange.status != 200:
            return exchange
        names = own_names(exchange.request.body)
        if not any(call.name in names and names[call.name] != (None, call.name) for call in said.calls):
            return exchange
        return _told_without(None, exchange)

    return edit_exchanges(transcript, one)


@miniature("tools.namespace-restored")
def group_forgotten(transcript: Transcript) -> Transcript:
    """Gives a grouped tool's call out without its group."""
    return _on_answers(lambda item: item.pop("namespace", None))(transcript)


@miniature("tools.namespace-restored")
def group_of_another_spelling(transcript: Transcript) -> Transcript:
    """Gives a grouped tool's call out with the separator still on the name of its group."""

    def respell(item: dict[str, Any]) -> None:
        if "namespace" in item:
            item["namespace"] += "__"

    return _on_answers(respell)(transcript)


@miniature("tools.search-call-restored")
def search_left_to_the_server(transcript: Transcript) -> Transcript:
    """Says that the server runs the client's tool search."""

    def claim(item: dict[str, Any]) -> None:
        if item.get("type") == "tool_search_call":
            item["execution"] = "server"

    return _on_answers(claim)(transcript)


@miniature("tools.search-call-restored")
def search_arguments_as_text(transcript: Transcript) -> Transcript:
    """Gives the arguments of a tool search out as a string."""

    def write(item: dict[str, Any]) -> None:
        if item.get("type") == "tool_search_call":
            item["arguments"] = json.dumps(item["arguments"])

    return _on_answers(write)(transcript)


@miniature("tools.custom-input-unwrapped")
def input_left_wrapped(transcript: Transcript) -> Transcript:
    """Gives the JSON that carried a custom tool's text out as the text."""

    def wrap(item: dict[str, Any]) -> None:
        if item.get("type") == "custom_tool_call" and item.get("input"):
            item["input"] = json.dumps({"input": item["input"]})

    return _on_answers(wrap)(transcript)


@stream_miniature("tools.custom-input-streamed")
def input_in_one_delta(draft: Draft) -> None:
    """Sends a custom tool's input in a single delta, when it has all of it."""
    deltas = draft.all("response.custom_tool_call_input.delta")
    for first, rest in [(deltas[0], deltas[1:])] if deltas else ():
        first.data["delta"] += "".join(frame.data["delta"] for frame in rest)
        draft.frames = [frame for frame in draft.frames if frame not in rest]
        draft.renumber()


@request_miniature("tools.one-name-upstream")
def history_named_otherwise(request: Outgoing) -> None:
    """Sends the calls of the history under their tools' bare names, whatever the tools are called upstream."""
    for _, call in request.calls():
        inner = request.named(call)
        inner["name"] = inner["name"].rpartition("__")[2][:40]


@request_miniature("tools.search-kept-in-history")
def searches_forgotten(request: Outgoing) -> None:
    """Leaves the tool searches of the history out."""
    for _, call in request.calls():
        if "goal" in str(request.arguments(call)):
            request.drop(call)
    for _, result in request.results():
        if "found" in str(result.get("content")):
            request.drop(result)


@request_miniature("tools.search-kept-in-history")
def search_arguments_lost(request: Outgoing) -> None:
    """Sends the tool searches of the history without their arguments."""
    for _, call in request.calls():
        if "goal" in str(request.arguments(call)):
            request.set_arguments(call, {})


def _holders(request: Outgoing) -> list[list[dict[str, Any]]]:
    return [message["content"] for message in request.messages if isinstance(message.get("content"), list)]


@request_miniature("upstream.files-arrive")
def files_dropped(request: Outgoing) -> None:
    """Leaves files out and says nothing."""
    for parts in _holders(request):
        parts[:] = [part for part in parts if part.get("type") not in ("file", "document")]


@request_miniature("upstream.files-arrive")
def last_file_only(request: Outgoing) -> None:
    """Sends the first of two files twice."""
    for parts in _holders(request):
        files = [number for number, part in enumerate(parts) if part.get("type") in ("file", "document")]
        for number in files[1:]:
            parts[number] = dict(parts[files[0]])


def _told_otherwise(message: str) -> Edit:
    """A proxy that words its refusals of parts like that, and names no field."""

    def one(exchange: Exchange) -> Exchange:
        error = (exchange.json or {}).get("error") if isinstance(exchange.json, dict) else None
        if exchange.status != 400 or not error:
            return exchange
        return _with_body(exchange, {"error": {**error, "message": message, "param": None}})

    return lambda transcript: edit_exchanges(transcript, one)


@miniature("refusal.names-part")
def refuses_without_a_word(transcript: Transcript) -> Transcript:
    """Refuses an attachment and does not say which part it means."""
    return _told_otherwise("Unsupported content.")(transcript)


@request_miniature("upstream.image-detail-kept")
def detail_always_auto(request: Outgoing) -> None:
    """Sends every image with `detail: auto`."""
    for parts in _holders(request):
        for part in parts:
            if "detail" in (part.get("image_url") or {}):
                part["image_url"]["detail"] = "auto"


@request_miniature("upstream.image-detail-kept")
def second_detail_lost(request: Outgoing) -> None:
    """Leaves the detail of every image but the first out."""
    for parts in _holders(request):
        for part in [part for part in parts if part.get("type") == "image_url"][1:]:
            part["image_url"].pop("detail", None)


def _answers_anyway(field: str, when: Callable[[Any], bool]) -> Edit:
    """A proxy that answers with a text although that field of the request cannot be met."""

    def one(exchange: Exchange) -> Exchange:
        body = exchange.request.body
        if exchange.status != 400 or not isinstance(body, dict) or not when(body.get(field)):
            return exchange
        return _answered(exchange)

    return lambda transcript: edit_exchanges(transcript, one)


def _answered(exchange: Exchange) -> Exchange:
    said = Said((SaidItem("text", "As you like.", 3),), None, frozenset({"completed"}))
    response_id = f"resp_{zlib.crc32(str(exchange.request.body).encode()):020d}"
    body = {key: value for key, value in exchange.request.body.items() if key != "reasoning"}
    answer = right_exchange(_FLAVOUR, replace(exchange.request, body=body), said, response_id=response_id)
    return replace(answer, request=exchange.request, said=None)


@miniature("refusal.impossible-choice")
def undeclared_choice_ignored(transcript: Transcript) -> Transcript:
    """Answers without the tool when `tool_choice` names one that is not declared."""
    return _answers_anyway("tool_choice", lambda choice: isinstance(choice, dict) and "name" in choice)(transcript)


@miniature("refusal.impossible-choice")
def hosted_choice_ignored(transcript: Transcript) -> Transcript:
    """Answers without the search when `tool_choice` forces a hosted one."""
    return _answers_anyway("tool_choice", lambda choice: isinstance(choice, dict) and "name" not in choice)(transcript)


@miniature("refusal.unlisted-value")
def unknown_effort_ignored(transcript: Transcript) -> Transcript:
    """Answers with an effort of its own when it does not know the client's."""
    return _answers_anyway("reasoning", lambda reasoning: bool(reasoning))(transcript)


@request_miniature("upstream.verbosity-passed")
def verbosity_lost(request: Outgoing) -> None:
    """Leaves the verbosity out."""
    request.body.pop("verbosity", None)


@request_miniature("upstream.verbosity-passed")
def verbosity_replaced(request: Outgoing) -> None:
    """Sends another verbosity than was asked for."""
    if "verbosity" in request.body:
        request.body["verbosity"] = "high"


@request_miniature("upstream.json-mode-told")
def json_mode_untold(request: Outgoing) -> None:
    """Does not tell Messages of JSON mode."""
    for slot in request.texts("system"):
        slot.text = slot.text.replace(JSON_MODE, "").strip() or "Be exact."


@request_miniature("upstream.summary-asked-for")
def thinking_hidden(request: Outgoing) -> None:
    """Asks Messages to leave its thinking out."""
    if isinstance(request.body.get("thinking"), dict):
        request.body["thinking"]["display"] = "omitted"


@request_miniature("upstream.summary-asked-for")
def display_left_to_the_model(request: Outgoing) -> None:
    """Thinks adaptively and leaves the display to the model's default."""
    if isinstance(request.body.get("thinking"), dict):
        request.body["thinking"] = {"type": "adaptive"}
