"""Proxies that lose tools, damage them, invent some, or ignore the choice among them."""

from __future__ import annotations

import copy
from typing import Any

from conformance.miniatures.edits import edit_exchanges
from conformance.miniatures.miniature import miniature
from conformance.miniatures.request_edits import Outgoing, request_miniature
from conformance.miniatures.right_answers import refusal
from conformance.transcript import Exchange, Transcript


def _without(request: Outgoing, name: str) -> None:
    tools = request.body.get("tools") or []
    gone = [tool for tool, inner in zip(tools, request.tools, strict=True) if inner["name"] == name]
    request.body["tools"] = [tool for tool in tools if not any(tool is other for other in gone)] if gone else tools
    if not request.body["tools"]:
        del request.body["tools"]


@request_miniature("tools.all-arrive")
def last_tool_lost(request: Outgoing) -> None:
    """Leaves the second tool out."""
    _without(request, "get_time")


@request_miniature("tools.all-arrive")
def tool_renamed(request: Outgoing) -> None:
    """Prefixes the name of the second tool."""
    for tool in request.tools[1:2]:
        tool["name"] = f"proxy_{tool['name']}"


@request_miniature("tools.descriptions-kept")
def descriptions_lost(request: Outgoing) -> None:
    """Leaves the description of the second tool out."""
    for tool in request.tools[1:2]:
        tool["description"] = ""


@request_miniature("tools.parameters-kept")
def required_lost(request: Outgoing) -> None:
    """Leaves `required` out of the second tool's schema."""
    for tool in request.tools[1:2]:
        tool[request.schema_key].pop("required", None)


@request_miniature("tools.parameters-kept")
def property_retyped(request: Outgoing) -> None:
    """Makes the first property of the second tool a number."""
    for tool in request.tools[1:2]:
        for inner in list(tool[request.schema_key].get("properties", {}).values())[:1]:
            inner["type"] = "number"


@request_miniature("tools.schema-is-object")
def schema_without_type(request: Outgoing) -> None:
    """Sends a schema without its type to Messages."""
    if request.is_messages:
        for tool in request.tools[:1]:
            tool["input_schema"].pop("type", None)


@request_miniature("tools.strict-kept")
def strict_lost(request: Outgoing) -> None:
    """Leaves `strict` out."""
    for tool in request.tools:
        tool.pop("strict", None)


@request_miniature("tools.strict-not-invented")
def always_strict(request: Outgoing) -> None:
    """Makes every tool strict."""
    for tool in request.tools:
        tool["strict"] = True


@request_miniature("tools.none-invented")
def own_tool_added(request: Outgoing) -> None:
    """Adds a tool of its own."""
    if request.body.get("tools"):
        request.add_tool("proxy_status")


@request_miniature("tools.order-kept")
def tools_sorted(request: Outgoing) -> None:
    """Sends the tools in another order."""
    if len(request.tools) > 1:
        request.body["tools"].reverse()


@request_miniature("tools.never-an-empty-list")
def empty_tool_list(request: Outgoing) -> None:
    """Sends `tools: []`."""
    request.body.setdefault("tools", [])


@request_miniature("tools.names-legal")
def names_unmapped(request: Outgoing) -> None:
    """Sends the name of a namespace's tool with a dot in it."""
    for tool in request.tools:
        tool["name"] = tool["name"].replace("__", ".")


@request_miniature("tools.names-legal")
def namespaces_collide(request: Outgoing) -> None:
    """Sends the tools of all namespaces by their bare names."""
    for tool in request.tools:
        tool["name"] = tool["name"].rpartition("__")[2]


@request_miniature("tools.namespaces-flattened")
def namespaces_dropped(request: Outgoing) -> None:
    """Leaves namespaces out."""
    for name in ("docs__find", "wiki__find"):
        _without(request, name)


@request_miniature("tools.from-input-arrive")
def tools_in_input_ignored(request: Outgoing) -> None:
    """Does not look for tools in the input."""
    _without(request, "wait")


@request_miniature("tools.hosted-not-forwarded")
def hosted_forwarded(request: Outgoing) -> None:
    """Passes web_search on."""
    if any(tool["type"] == "web_search" for tool in request.asked.get("tools") or ()):
        request.body["tools"].append({"type": "web_search"})


@miniature("tools.hosted-accepted")
def hosted_refused(transcript: Transcript) -> Transcript:
    """Refuses every request that declares a hosted tool."""

    def one(exchange: Exchange) -> Exchange:
        body = exchange.request.body
        tools = body.get("tools") if isinstance(body, dict) else None
        hosted = any(tool["type"] == "web_search" for tool in tools or ())
        return refusal(exchange.request, 400) if hosted else exchange

    return edit_exchanges(transcript, one)


def _patch(request: Outgoing) -> dict[str, Any] | None:
    return next((tool for tool in request.tools if tool["name"] == "patch"), None)


@request_miniature("tools.custom-emulated")
def custom_tools_dropped(request: Outgoing) -> None:
    """Leaves custom tools out."""
    _without(request, "patch")


@request_miniature("tools.custom-emulated")
def custom_tool_without_input(request: Outgoing) -> None:
    """Sends a custom tool as a function without parameters."""
    tool = _patch(request)
    if tool is not None:
        tool[request.schema_key] = {"type": "object", "properties": {}}


@request_miniature("tools.grammar-carried")
def grammar_lost(request: Outgoing) -> None:
    """Leaves the grammar of a custom tool out."""
    tool = _patch(request)
    if tool is not None:
        tool["description"] = "Patches."


def _choose(request: Outgoing, choice: Any) -> None:
    if choice is None:
        request.body.pop("tool_choice", None)
    else:
        request.body["tool_choice"] = copy.deepcopy(choice)


@request_miniature("tools.choice-required")
def required_lost_on_the_way(request: Outgoing) -> None:
    """Sends `auto` for `required`."""
    if request.asked.get("tool_choice") == "required":
        _choose(request, {"type": "auto"} if request.is_messages else "auto")


@request_miniature("tools.choice-none")
def none_ignored(request: Outgoing) -> None:
    """Leaves `none` out."""
    if request.asked.get("tool_choice") == "none":
        _choose(request, None)


@request_miniature("tools.choice-named")
def name_degraded_to_required(request: Outgoing) -> None:
    """Sends `required` for a named tool."""
    asked = request.asked.get("tool_choice")
    if isinstance(asked, dict) and asked["type"] == "function":
        _choose(request, {"type": "any"} if request.is_messages else "required")


@request_miniature("tools.choice-named")
def other_tool_forced(request: Outgoing) -> None:
    """Forces the first tool whichever is named."""
    choice = request.body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") in ("tool", "function"):
        (choice if request.is_messages else choice["function"])["name"] = request.tools[0]["name"]


@request_miniature("tools.choice-auto")
def always_forces(request: Outgoing) -> None:
    """Demands a call with every request that has tools."""
    if request.body.get("tools") and request.asked.get("tool_choice") in (None, "auto"):
        _choose(request, {"type": "any"} if request.is_messages else "required")


@request_miniature("tools.choice-allowed")
def allowed_ignored(request: Outgoing) -> None:
    """Sends all tools whichever are allowed."""
    asked = request.asked.get("tool_choice")
    if isinstance(asked, dict) and asked["type"] == "allowed_tools":
        _choose(request, {"type": "auto"} if request.is_messages else "auto")
        if len(request.tools) < 2:
            request.add_tool("get_weather")


@request_miniature("tools.choice-only-with-tools")
def choice_always_sent(request: Outgoing) -> None:
    """Sends a choice without tools."""
    if not request.body.get("tools"):
        _choose(request, {"type": "auto"} if request.is_messages else "auto")


@request_miniature("tools.parallel-calls-mapped")
def parallel_always_allowed(request: Outgoing) -> None:
    """Leaves `parallel_tool_calls: false` out."""
    request.body.pop("parallel_tool_calls", None)
    choice = request.body.get("tool_choice")
    if isinstance(choice, dict):
        choice.pop("disable_parallel_tool_use", None)


@request_miniature("tools.parallel-calls-not-forbidden")
def parallel_never_allowed(request: Outgoing) -> None:
    """Forbids parallel calls always."""
    if request.body.get("tools") and request.is_messages:
        choice = request.body.setdefault("tool_choice", {"type": "auto"})
        choice["disable_parallel_tool_use"] = True
    elif request.body.get("tools"):
        request.body["parallel_tool_calls"] = False
