"""Input items -> turns: calls paired with their outputs, reasoning and tools put where they belong.

An upstream wants one assistant turn with its text, reasoning and calls, and the results right after it. The
items of the Responses API may come in other orders (openai/codex sends call, call, output, output; older ones
call, output, call, output; some put a message between a call and its output), so outputs are hung on the call
they answer and the order of the results is the order of the calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from . import content
from .call_ids import CallIds
from .errors import invalid
from .sealed import Carried, Sealer
from .tools import Toolbox
from .turns import Assistant, Call, History, Message, Part, Text, Thought, Turn

_SKIPPED = {
    "web_search_call", "file_search_call", "code_interpreter_call", "computer_call", "computer_call_output",
    "image_generation_call", "local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output",
    "apply_patch_call", "apply_patch_call_output", "mcp_list_tools", "mcp_approval_request",
    "mcp_approval_response", "mcp_call", "program", "program_output", "configuration_update",
}  # fmt: skip
_SUMMARY = "Summary of the conversation so far:\n\n"


def read(items: list[dict[str, Any]], earlier: int, tools: Toolbox, sealer: Sealer, ids: CallIds) -> History:
    """Read input items into turns; tools that items deliver must be in ``tools`` already.

    The first ``earlier`` items are stored ones, the others stand in the request's ``input``. Raises ApiError (400, in
    OpenAI's words) for unknown items and parts, outputs without a call and calls without an output.
    """
    return _Reader(tools, sealer, ids).read(items, earlier)


def collect_tools(items: list[dict[str, Any]], tools: Toolbox) -> None:
    """Take in the tools that ``additional_tools`` and ``tool_search_output`` items deliver."""
    for item in items:
        if item.get("type") in ("additional_tools", "tool_search_output"):
            tools.add(item.get("tools"), "input")


class _Reader:
    def __init__(self, tools: Toolbox, sealer: Sealer, ids: CallIds) -> None:
        self._tools = tools
        self._sealer = sealer
        self._ids = ids
        self._turns: list[Turn] = []
        self._open: dict[str, Call] = {}
        self._skipped: dict[str, int] = {}
        self._warnings: list[str] = []
        self._compact = False
        self._where = "input"
        self._readers: dict[str, Callable[[dict[str, Any]], None]] = {
            "message": self._message,
            "agent_message": self._message,
            "reasoning": self._reasoning,
            "function_call": self._function_call,
            "custom_tool_call": self._custom_call,
            "tool_search_call": self._search_call,
            "function_call_output": self._output,
            "custom_tool_call_output": self._output,
            "tool_search_output": self._search_output,
            "compaction": self._compaction,
            "compaction_summary": self._compaction,
            "compaction_trigger": self._trigger,
            "additional_tools": lambda item: None,
        }

    def read(self, items: list[dict[str, Any]], earlier: int) -> History:
        for number, item in enumerate(items, -earlier):
            self._where = f"input[{number}]" if number >= 0 else "previous_response_id"
            kind = item.get("type") or "message"
            reader = self._readers.get(kind)
            if reader is not None:
                reader(item)
            elif kind in _SKIPPED:
                self._skipped[kind] = self._skipped.get(kind, 0) + 1
            else:
                raise invalid(f"Items of type {kind!r} are not supported by this server.", self._where, "invalid_value")
        for call_id in self._open:
            raise invalid(f"No tool output found for function call {call_id}.", "input")
        self._warnings += [f"{n} {kind} in the history skipped" for kind, n in self._skipped.items()]
        return History(self._turns, self._warnings, self._compact)

    # --- messages

    def _message(self, item: dict[str, Any]) -> None:
        role = item.get("role") or "user"
        if role == "assistant":
            said = content.texts(item.get("content"), f"{self._where}.content")
            self._assistant().blocks.extend(text for text in said if text.text)
        elif role in ("user", "system", "developer"):
            read = content.read if role == "user" else content.texts
            self._turns.append(Message(role, list(read(item.get("content"), f"{self._where}.content"))))
        else:
            raise invalid(f"Invalid value: {role!r} is not a role of a message.", self._where, "invalid_value")

    def _assistant(self) -> Assistant:
        """The turn that the next assistant item belongs to: a new one once all its calls are answered."""
        last = self._turns[-1] if self._turns else None
        if isinstance(last, Assistant):
            calls = last.calls()
            if not calls or any(call.result is None for call in calls):
                return last
        turn = Assistant()
        self._turns.append(turn)
        return turn

    # --- reasoning and compaction

    def _carried(self, item: dict[str, Any]) -> Carried | None:
        blob = item.get("encrypted_content")
        if not isinstance(blob, str) or not blob:
            return None
        carried = self._sealer.open(blob)
        if carried is None:
            self._warnings.append(f"encrypted_content of a {item.get('type')} item is not ours and was dropped")
        return carried

    def _reasoning(self, item: dict[str, Any]) -> None:
        carried = self._carried(item)
        shown = [*(item.get("content") or ()), *(item.get("summary") or ())]
        text = "\n\n".join(part["text"] for part in shown if isinstance(part, dict) and part.get("text"))
        if carried is not None or text:
            self._assistant().blocks.append(Thought(text, carried))

    def _compaction(self, item: dict[str, Any]) -> None:
        carried = self._carried(item)
        if carried is not None and carried.summary:
            self._turns.append(Message("user", [Text(_SUMMARY + carried.summary)]))

    def _trigger(self, item: dict[str, Any]) -> None:
        self._compact = True

    # --- calls

    def _function_call(self, item: dict[str, Any]) -> None:
        arguments = item.get("arguments")
        if not isinstance(arguments, str):
            arguments = "" if arguments is None else msgspec.json.encode(arguments).decode()
        self._call(item, arguments)

    def _custom_call(self, item: dict[str, Any]) -> None:
        self._call(item, msgspec.json.encode({"input": str(item.get("input") or "")}).decode())

    def _search_call(self, item: dict[str, Any]) -> None:
        self._function_call({"name": "tool_search", **item})

    def _call(self, item: dict[str, Any], arguments: str) -> None:
        call_id, name = item.get("call_id") or item.get("id"), item.get("name")
        if not isinstance(call_id, str) or not isinstance(name, str):
            raise invalid("A tool call needs a 'call_id' and a 'name'.", self._where, "missing_required_parameter")
        if call_id in self._open:
            raise invalid(f"Duplicate tool call with call_id {call_id}.", self._where, "invalid_value")
        call = Call(self._ids.inward(call_id), self._tools.flat(name, item.get("namespace")), arguments)
        self._assistant().blocks.append(call)
        self._open[call_id] = call

    def _output(self, item: dict[str, Any]) -> None:
        self._answer(item, content.read(item.get("output"), f"{self._where}.output"))

    def _search_output(self, item: dict[str, Any]) -> None:
        names = [
            child.get("name") if tool.get("type") != "namespace" else f"{tool.get('name')}.{child.get('name')}"
            for tool in item.get("tools") or ()
            for child in (tool.get("tools") or [tool])
        ]
        found = f"Tools now available: {', '.join(map(str, names))}" if names else "No tool was found."
        self._answer(item, [Text(found)])

    def _answer(self, item: dict[str, Any], result: list[Part]) -> None:
        call = self._open.pop(str(item.get("call_id")), None)
        if call is None:
            kind = "tool search output" if "search" in item["type"] else item["type"].replace("_", " ")
            raise invalid(f"No tool call found for {kind} with call_id {item.get('call_id')}.", "input")
        call.result = result
