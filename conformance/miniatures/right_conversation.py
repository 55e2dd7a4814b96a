"""The conversation and the tools of a request, as a right target understands them before it writes them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from conformance.said import SaidItem

__all__ = [
    "UPSTREAM_FLAVOURS",
    "Memory",
    "Names",
    "Turn",
    "UpstreamFlavour",
    "forced_name",
    "items_of",
    "rename_calls",
    "tools_of",
    "turns_of",
    "without_nones",
]


@dataclass(frozen=True)
class UpstreamFlavour:
    """One right way to write a request upstream.

    `hoist`: all system text in one leading message, else each at its place (on Messages: a later one as user
    text; vLLM always takes it first). `parts`: content as lists of parts, else as strings where only text is said.
    `old_limit`: vLLM's `max_tokens` instead of `max_completion_tokens`. `narrow`: allowed tools by
    leaving out the others. `terse`: what has its default value is left out. `adaptive`: Messages thinks adaptively,
    else by a budget.
    """

    name: str
    hoist: bool
    parts: bool
    old_limit: bool
    narrow: bool
    terse: bool
    adaptive: bool


UPSTREAM_FLAVOURS: Mapping[str, UpstreamFlavour] = MappingProxyType(
    {
        flavour.name: flavour
        for flavour in (
            UpstreamFlavour(
                "hoisted", hoist=True, parts=False, old_limit=False, narrow=True, terse=True, adaptive=True
            ),
            UpstreamFlavour(
                "in-place", hoist=False, parts=True, old_limit=True, narrow=False, terse=False, adaptive=False
            ),
        )
    }
)


@dataclass
class Memory:
    """What a right target remembers of its earlier answers in a conversation.

    `thoughts`: by the id of a reasoning item, what the upstream had said. `call_ids`: by the client's call id, the
    upstream's. `contexts`: by response id, the items that a continuation puts first. `known`: by the id of an item
    that was given out, the item; by the blob of a compaction, the message that stands for it.
    """

    thoughts: dict[str, SaidItem] = field(default_factory=dict)
    call_ids: dict[str, str] = field(default_factory=dict)
    contexts: dict[str, list[Any]] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)


@dataclass
class Turn:
    """One turn of the conversation: a user's, a system's, or an assistant's with the results of its calls."""

    role: str
    content: list[dict[str, Any]] = field(default_factory=list)  # {"text"}, {"image"}, {"file"}, {"call"}, {"thought"}
    results: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)

    @property
    def thoughts(self) -> list[SaidItem]:
        """The reasoning in it, in order."""
        return [part["thought"] for part in self.content if "thought" in part]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The calls in it, in order."""
        return [part["call"] for part in self.content if "call" in part]


_NAMED_BY = {"item_reference": "id", "compaction": "encrypted_content"}


def items_of(body: Mapping[str, Any], memory: Memory) -> list[Any]:
    """The whole input: what a continued response left, then the request's own."""
    given = body.get("input")
    own = [{"role": "user", "content": given}] if isinstance(given, str) else list(given or ())
    own = [memory.known.get(str(item.get(_NAMED_BY.get(str(item.get("type")), ""))), item) for item in own]
    previous = body.get("previous_response_id")
    return [*memory.contexts.get(previous or "", ()), *own]


def _parts(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"text": content}]
    found: list[dict[str, Any]] = []
    for part in content or ():
        kind = part.get("type")
        if kind in ("input_text", "output_text", "text"):
            found.append({"text": part["text"]})
        elif kind == "refusal":
            found.append({"text": part["refusal"]})
        elif kind == "input_image":
            found.append({"image": part["image_url"], "detail": part.get("detail")})
        elif kind == "input_file":
            found.append({"file": part["file_data"], "filename": part.get("filename")})
    return found


def turns_of(
    body: Mapping[str, Any], items: Sequence[Any], memory: Memory, flavour: UpstreamFlavour
) -> tuple[list[str], list[Turn]]:
    """The system texts that lead, and the turns of the conversation."""
    writer = _Conversation(memory, flavour, [body["instructions"]] if body.get("instructions") else [])
    for item in items:
        writer.take(item)
    for turn in writer.turns:  # a call that nobody answered: the service must not see it open
        answered = [call_id for call_id, _ in turn.results]
        turn.results += [(call["id"], [{"text": "aborted"}]) for call in turn.calls if call["id"] not in answered]
    return writer.system, writer.turns


@dataclass
class _Conversation:
    """The turns while they are collected. `waiting` is reasoning whose turn has not begun."""

    memory: Memory
    flavour: UpstreamFlavour
    system: list[str]
    turns: list[Turn] = field(default_factory=list)
    waiting: list[SaidItem] = field(default_factory=list)

    def take(self, item: Mapping[str, Any]) -> None:
        """The next item of the input."""
        kind = item.get("type", "message")
        if kind == "message":
            self._message(item)
        elif kind in ("function_call", "custom_tool_call"):
            self._assistant().content.append({"call": _call(item, self.memory)})
        elif kind in ("function_call_output", "custom_tool_call_output"):
            _take_result(item, self.turns, self.memory)
        elif kind == "tool_search_call":
            asked = {"type": "function_call", "name": "tool_search", "arguments": json.dumps(item["arguments"])}
            self._assistant().content.append({"call": _call({"call_id": item["call_id"], **asked}, self.memory)})
        elif kind == "tool_search_output":
            found = f"found: {', '.join(tool['name'] for tool in item['tools'])}"
            _take_result({"call_id": item["call_id"], "output": found}, self.turns, self.memory)
        elif kind == "reasoning" and item.get("id") in self.memory.thoughts:
            self.waiting.append(self.memory.thoughts[item["id"]])

    def _message(self, item: Mapping[str, Any]) -> None:
        role, parts = item.get("role"), _parts(item["content"])
        if role == "assistant":
            self._assistant().content += parts
        elif role not in ("system", "developer"):
            self.turns.append(Turn("user", content=parts))
        elif self.flavour.hoist or not self.turns:
            self.system += [part["text"] for part in parts]
        else:
            self.turns.append(Turn("system", content=parts))

    def _assistant(self) -> Turn:
        if not self.turns or self.turns[-1].role != "assistant" or self.turns[-1].results:
            self.turns.append(Turn("assistant"))
        self.turns[-1].content += [{"thought": thought} for thought in self.waiting]
        self.waiting.clear()
        return self.turns[-1]


def _call(item: Mapping[str, Any], memory: Memory) -> dict[str, Any]:
    custom = item["type"] == "custom_tool_call"
    arguments = json.dumps({"input": item["input"]}, ensure_ascii=False) if custom else item["arguments"]
    call_id = memory.call_ids.get(item["call_id"], item["call_id"])
    return {"id": call_id, "name": item["name"], "namespace": item.get("namespace"), "arguments": arguments}


def _take_result(item: Mapping[str, Any], turns: list[Turn], memory: Memory) -> None:
    """Give a result to the latest turn with an unanswered call of its id; one without a call is dropped."""
    call_id = memory.call_ids.get(item["call_id"], item["call_id"])
    for turn in reversed(turns):
        unanswered = [c["id"] for c in turn.calls if c["id"] not in [answered for answered, _ in turn.results]]
        if call_id in unanswered:
            turn.results.append((call_id, _parts(item["output"])))
            return


Names = dict[tuple[str | None, str], str]


def _short(name: str) -> str:
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", name)
    return name if len(name) <= 64 else f"{name[:51]}_{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _keeps(tool: Mapping[str, Any]) -> bool:
    """Whether a tool that stands in no group goes upstream under its own name."""
    return tool["type"] in ("function", "custom") and _short(tool["name"]) == tool["name"]


def _unused(name: str, group: str | None, own: str, taken: dict[str, tuple[str | None, str]]) -> str:
    """A name that no other tool has: where one has it, the tool's own, shortened, with a hash."""
    if taken.setdefault(name, (group, own)) != (group, own):
        name = f"{name[:51]}_{hashlib.sha256(f'{group}/{own}'.encode()).hexdigest()[:12]}"
        taken[name] = group, own
    return name


def tools_of(body: Mapping[str, Any], items: Sequence[Any], *, narrow: bool) -> tuple[list[dict[str, Any]], Names]:
    """All tools as functions with legal names, and the names by namespace and own name.

    `narrow` leaves out what `allowed_tools` does not allow, for services without such a choice.
    """
    declared = list(body.get("tools") or ())
    for item in items:
        if item.get("type") in ("additional_tools", "tool_search_output"):
            declared += item["tools"]
    flat = [(None, tool) for tool in declared if tool["type"] != "namespace"]
    flat += [(group["name"], tool) for group in declared if group["type"] == "namespace" for tool in group["tools"]]
    tools: list[dict[str, Any]] = []
    names: Names = {}
    taken: dict[str, tuple[str | None, str]] = {
        tool["name"]: (None, tool["name"]) for group, tool in flat if group is None and _keeps(tool)
    }
    for group, tool in flat:
        searched = tool["type"] == "tool_search" and tool.get("execution") == "client"
        if searched:
            tool = {"type": "function", "name": "tool_search", **{k: v for k, v in tool.items() if k != "type"}}
        if tool["type"] not in ("function", "custom"):
            continue  # OpenAI's own: nobody else can run them
        name = _unused(_short(f"{group}__{tool['name']}" if group else tool["name"]), group, tool["name"], taken)
        names[group, tool["name"]] = name
        tools.append(_function(tool, name))
    choice = body.get("tool_choice")
    if narrow and isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        allowed = {names[None, tool["name"]] for tool in choice["tools"]}
        tools = [tool for tool in tools if tool["name"] in allowed]
    return tools, names


def _function(tool: Mapping[str, Any], name: str) -> dict[str, Any]:
    if tool["type"] == "function":
        parameters = {"type": "object", "properties": {}} | (tool.get("parameters") or {})
        return {
            "name": name,
            "description": tool.get("description") or "",
            "parameters": parameters,
            "strict": tool.get("strict"),
        }
    grammar = (tool.get("format") or {}).get("definition")
    description = tool.get("description", "") + (
        f"\n\nThe input must match this grammar:\n{grammar}" if grammar else ""
    )
    parameters = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
    return {"name": name, "description": description, "parameters": parameters, "strict": None}


def rename_calls(turns: Sequence[Turn], names: Names) -> None:
    """Write the upstream's names into the calls of the history."""
    for turn in turns:
        for call in turn.calls:
            group = call.pop("namespace")
            flat = _short(f"{group}__{call['name']}" if group else call["name"])
            call["name"] = names.get((group, call["name"]), flat)


def forced_name(choice: Mapping[str, Any], names: Names) -> str:
    """The upstream's name of the tool that a choice forces."""
    return names.get((None, choice["name"])) or str(choice["name"])


def without_nones(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are there."""
    return {key: value for key, value in values.items() if value is not None}
