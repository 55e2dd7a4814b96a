"""Proxies that write tools, and the choice among them, wrongly into their requests upstream."""

from __future__ import annotations

from typing import Any

from conformance.miniatures.request_edits import Outgoing, request_miniature


def _declared(request: Outgoing, kind: str) -> list[dict[str, Any]]:
    """The client's tools of a type, those that came in the input included."""
    tools = [tool for tool in request.asked.get("tools") or () if isinstance(tool, dict)]
    given = request.asked.get("input")
    for item in given if isinstance(given, list) else ():
        if item.get("type") in ("additional_tools", "tool_search_output"):
            tools += item["tools"]
    return [tool for tool in tools if tool.get("type") == kind]


def _keep(request: Outgoing, names: set[str]) -> None:
    """Only the tools of these names; no list at all when none is left."""
    tools = request.body.get("tools") or []
    kept = [tool for tool, inner in zip(tools, request.tools, strict=True) if inner["name"] in names]
    request.body["tools"] = kept
    if not kept:
        for key in ("tools", "tool_choice", "parallel_tool_calls"):
            request.body.pop(key, None)


def _top_level(request: Outgoing) -> set[str]:
    return {str(tool.get("name")) for tool in request.asked.get("tools") or () if isinstance(tool, dict)}


@request_miniature("tools.namespaces-flattened")
def groups_of_tools_dropped(request: Outgoing) -> None:
    """Knows functions only: the tools of a namespace are not sent."""
    if _declared(request, "namespace"):
        _keep(request, {str(tool["name"]) for tool in _declared(request, "function")})


@request_miniature("tools.from-input-arrive")
def tools_of_the_input_unread(request: Outgoing) -> None:
    """Reads tools from `tools` alone, and not from the input."""
    given = request.asked.get("input")
    if any(item.get("type") == "additional_tools" for item in given or () if isinstance(item, dict)):
        _keep(request, _top_level(request))


@request_miniature("tools.schema-is-object")
def bare_parameters(request: Outgoing) -> None:
    """Passes parameters on to Messages as they are, without a type where the client gave none."""
    bare = {str(t["name"]) for t in _declared(request, "function") if "type" not in (t.get("parameters") or {})}
    for tool in request.tools if request.is_messages else ():
        if tool["name"] in bare:
            tool["input_schema"].pop("type", None)


@request_miniature("tools.parameters-present")
def parameters_left_out(request: Outgoing) -> None:
    """Sends a function without `parameters` when the client stated none."""
    bare = {str(t["name"]) for t in _declared(request, "function") if not t.get("parameters")}
    for tool in request.tools if not request.is_messages else ():
        if tool["name"] in bare:
            tool.pop("parameters", None)


@request_miniature("tools.names-legal")
def hosted_tool_without_a_name(request: Outgoing) -> None:
    """Sends a hosted tool to Messages as a custom tool with an empty name."""
    if request.is_messages and _declared(request, "web_search"):
        nameless = {"type": "custom", "name": "", "input_schema": {"type": "object", "properties": {}}}
        request.body.setdefault("tools", []).append(nameless)


@request_miniature("tools.schema-is-object")
def group_sent_as_a_tool(request: Outgoing) -> None:
    """Sends a namespace to Messages as one tool, without a schema."""
    for group in _declared(request, "namespace") if request.is_messages else ():
        request.body.setdefault("tools", []).append({"name": group["name"], "description": "A group of tools."})


@request_miniature("tools.custom-emulated")
def custom_tool_in_the_flat_form(request: Outgoing) -> None:
    """Sends a custom tool to chat completions in the flat form of Responses."""
    for custom in _declared(request, "custom") if not request.is_messages else ():
        tools = request.body["tools"]
        for place, tool in enumerate(tools):
            if tool.get("function", {}).get("name") == custom["name"]:
                tools[place] = {"type": "custom", "name": custom["name"]}
                return


@request_miniature("tools.grammar-carried")
def grammar_forgotten(request: Outgoing) -> None:
    """Wraps a custom tool as a function and forgets its grammar."""
    grammars = {tool["name"]: tool.get("description", "") for tool in _declared(request, "custom")}
    for tool in request.tools:
        if tool["name"] in grammars:
            tool["description"] = grammars[tool["name"]]


@request_miniature("tools.names-legal")
def long_names_forwarded(request: Outgoing) -> None:
    """Sends names that are too long for the service as they are."""
    declared = [str(tool["name"]) for tool in _declared(request, "function")]
    for tool in request.tools:
        long = [name for name in declared if len(name) > 64 and name[:40] == tool["name"][:40]]
        if long:
            tool["name"] = long[0]


@request_miniature("tools.choice-allowed")
def allowed_tools_unread(request: Outgoing) -> None:
    """Does not know `allowed_tools`: all tools are sent, and any may be called."""
    asked = request.asked.get("tool_choice")
    if not isinstance(asked, dict) or asked.get("type") != "allowed_tools":
        return
    request.body["tool_choice"] = {"type": "auto"} if request.is_messages else "auto"
    for tool in _declared(request, "function"):
        if tool["name"] not in [sent["name"] for sent in request.tools]:
            request.add_tool(str(tool["name"]))


@request_miniature("tools.choice-required", "tools.choice-named")
def choice_untranslated(request: Outgoing) -> None:
    """Copies `tool_choice` as the client wrote it."""
    choice = request.asked.get("tool_choice")
    if request.body.get("tools") and choice not in (None, "auto"):
        request.body["tool_choice"] = choice
