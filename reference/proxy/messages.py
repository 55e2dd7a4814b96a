"""Anthropic Messages: turns -> request.

Sources: the anthropic SDK's ``MessageCreateParams``, Anthropic's pages on extended thinking and tool use.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any

import msgspec

from .config import Config
from .errors import invalid
from .request import Request
from .tools import Toolbox
from .turns import Assistant, Call, File, History, Image, Message, Part, Text, Thought

_LEGAL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DATA_URL = re.compile(r"data:(?P<type>[^;,]*)(?:;[^,]*)?,(?P<data>.*)", re.DOTALL)
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_GO_ON = "Continue."
_CLAUDE = re.compile(r"claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2})(?!\d))?")

# Tokens of thinking for models that are told a budget; never more than half of max_tokens.
_BUDGET = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 24_576, "max": 31_999}
_EFFORT = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}


def build(request: Request, history: History, tools: Toolbox, config: Config) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body of ``POST /v1/messages``, and the settings that differ from what the client asked.

    Raises ApiError for content this API has no form for.
    """
    turns = _Turns(request, history, config)
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_output_tokens or config.default_max_tokens,
        "messages": turns.messages,
        "stream": True,
    }
    if turns.system:
        body["system"] = "\n\n".join(turns.system)
    _tools(body, request, tools)
    _think(body, request, history)
    applied = _sample(body, request, history)
    _format(body, request, history)
    user = request.safety_identifier or request.user
    if user:
        body["metadata"] = {"user_id": user}
    for name in ("presence_penalty", "frequency_penalty", "top_logprobs"):
        if getattr(request, name):
            history.warnings.append(f"{name} has no effect")
            applied[name] = 0
    return body, applied


class _Turns:
    """The conversation as alternating user and assistant messages."""

    def __init__(self, request: Request, history: History, config: Config) -> None:
        self.system = [request.instructions] if request.instructions else []
        self.messages: list[dict[str, Any]] = []
        self._ids: set[str] = set()
        in_place = config.system_position == "in-place"
        for turn in history.turns:
            if isinstance(turn, Assistant):
                self._assistant(turn)
            elif turn.role == "user":
                self._say("user", [_part(part) for part in turn.parts if not _blank(part)])
            elif in_place:
                self.messages.append({"role": "system", "content": _text(turn)})
            elif _text(turn):
                self.system.append(_text(turn))
        if not self.messages or self.messages[0]["role"] == "assistant":
            self.messages.insert(0, {"role": "user", "content": [{"type": "text", "text": _GO_ON}]})
        if self.messages[-1]["role"] != "user":
            # A trailing assistant message would be a prefill, which current models refuse.
            self._say("user", [{"type": "text", "text": _GO_ON}])

    def _say(self, role: str, blocks: list[dict[str, Any]]) -> None:
        if not blocks:
            return
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"] += blocks
        else:
            self.messages.append({"role": role, "content": blocks})

    def _assistant(self, turn: Assistant) -> None:
        blocks: list[dict[str, Any]] = []
        results: list[dict[str, Any]] = []
        for block in turn.blocks:
            if isinstance(block, Thought):
                # Without a signature it is not a thinking block, and as text the model would mimic it.
                blocks += block.carried.blocks if block.carried else ()
            elif isinstance(block, Call):
                call_id = self._legal(block.call_id)
                arguments = msgspec.Raw(_object(block.arguments))
                blocks.append({"type": "tool_use", "id": call_id, "name": block.name, "input": arguments})
                results.append(_result(call_id, block))
            elif not _blank(block):
                blocks.append({"type": "text", "text": block.text})
        self._say("assistant", blocks)
        self._say("user", results)

    def _legal(self, call_id: str) -> str:
        """An id of the alphabet Messages allows, unique in the whole conversation."""
        legal = call_id
        if not _LEGAL_ID.fullmatch(call_id):
            legal = f"toolu_{hashlib.sha256(call_id.encode()).hexdigest()[:32]}"
        unique, number = legal, 1
        while unique in self._ids:
            number += 1
            unique = f"{legal[:56]}_{number}"
        self._ids.add(unique)
        return unique


def _blank(part: Part) -> bool:
    return isinstance(part, Text) and not part.text.strip()


def _text(turn: Message) -> str:
    return "\n\n".join(part.text for part in turn.parts if isinstance(part, Text) and not _blank(part))


def _object(arguments: str) -> bytes:
    """Arguments as the object that ``tool_use.input`` must be, its bytes untouched where it is one."""
    if not arguments.strip():
        return b"{}"
    try:
        if isinstance(msgspec.json.decode(arguments), dict):
            return arguments.encode()
    except msgspec.DecodeError:
        pass
    return msgspec.json.encode({"arguments": arguments})


def _result(call_id: str, call: Call) -> dict[str, Any]:
    content = [_part(part) for part in call.result or () if not _blank(part)]
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": call_id}
    if len(content) == 1 and content[0]["type"] == "text":
        return {**block, "content": content[0]["text"]}
    return {**block, "content": content} if content else block


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        return {"type": "image", "source": _image(part)}
    return {"type": "document", "source": _document(part), **({"title": part.name} if part.name else {})}


def _image(part: Image) -> dict[str, Any]:
    match = _DATA_URL.match(part.url)
    if match is None:
        return {"type": "url", "url": part.url}
    if match["type"] not in _IMAGES:
        raise invalid(
            f"Images of type {match['type']!r} are not supported.", part.where, "unsupported_image_media_type"
        )
    return {"type": "base64", "media_type": match["type"], "data": match["data"]}


def _document(part: File) -> dict[str, Any]:
    if part.data is None:
        return {"type": "url", "url": part.url}
    match = _DATA_URL.match(part.data)
    media, data = (match["type"], match["data"]) if match else ("application/pdf", part.data)
    if media.startswith("text/"):
        try:
            text = base64.b64decode(data, validate=True).decode()
        except (binascii.Error, ValueError):
            raise invalid("'file_data' is not base64 of UTF-8 text.", part.where, "invalid_value") from None
        return {"type": "text", "media_type": "text/plain", "data": text}
    if media != "application/pdf":
        raise invalid(f"Files of type {media!r} are not supported.", part.where, "unsupported_parameter")
    return {"type": "base64", "media_type": media, "data": data}


def _tools(body: dict[str, Any], request: Request, tools: Toolbox) -> None:
    offered = tools.offered()
    if not offered:
        return
    body["tools"] = []
    for tool in offered:
        entry: dict[str, Any] = {"name": tool.flat, "input_schema": {**tool.parameters, "type": "object"}}
        entry |= {"description": tool.description} if tool.description else {}
        entry |= {"strict": tool.strict} if tool.strict is not None else {}
        body["tools"].append(entry)
    mode = {"required": "any"}.get(tools.choice.mode, tools.choice.mode)
    choice: dict[str, Any] = {"type": mode}
    if tools.choice.tool:
        choice = {"type": "tool", "name": tools.choice.tool.flat}
    if request.parallel_tool_calls is False and mode != "none":
        choice["disable_parallel_tool_use"] = True
    if request.tool_choice is not None or choice != {"type": "auto"}:
        body["tool_choice"] = choice


def _version(model: str) -> tuple[int, int] | None:
    """The version of a Claude model; None for a name that does not tell."""
    match = _CLAUDE.search(model)
    return (int(match[1]), int(match[2] or 0)) if match else None


def _think(body: dict[str, Any], request: Request, history: History) -> None:
    """Turn thinking on as the model takes it: adaptive from Claude 4.6, with a budget before and elsewhere."""
    asked, version = request.reasoning, _version(request.model)
    if asked is None or asked.effort == "none" or not (asked.effort or asked.summary):
        return
    if version is not None and version < (3, 7):
        history.warnings.append("reasoning has no effect: the model does not think")
        return
    budget = min(_BUDGET[asked.effort or "medium"], body["max_tokens"] // 2)
    adaptive = version is not None and version >= (4, 6)
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        history.warnings.append("thinking is off: a forced tool_choice excludes it")
    elif adaptive:
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
    elif budget < 1024:
        history.warnings.append("thinking is off: max_output_tokens leaves no room for it")
    elif _unsigned_loop(body["messages"]):
        history.warnings.append("thinking is off for this turn: the reasoning before the tool call is missing")
    else:
        shown = {"display": "summarized"} if version else {}
        body["thinking"] = {"type": "enabled", "budget_tokens": budget, **shown}
    # Claude before 4.6 refuses the parameter; where the name does not tell, it stands in for a budget.
    if asked.effort and (adaptive or (version is None and "thinking" not in body)):
        body["output_config"] = {"effort": _EFFORT[asked.effort]}


def _unsigned_loop(messages: list[dict[str, Any]]) -> bool:
    """Whether a running tool loop does not begin with the thinking block that ``enabled`` demands there.

    It runs as long as results are the last thing, even with words of the user after them in the same message
    (anomalyco/opencode#3077), and begins with the first of its rounds.
    """
    first, at = "", len(messages) - 1
    while at > 0 and messages[at]["role"] == "user" and messages[at]["content"][0]["type"] == "tool_result":
        first, at = messages[at - 1]["content"][0]["type"], at - 2
    return first not in ("", "thinking", "redacted_thinking")


def _sample(body: dict[str, Any], request: Request, history: History) -> dict[str, Any]:
    """temperature or top_p, as far as the model takes them; returns what was changed."""
    applied: dict[str, Any] = {}
    fixed = "thinking" in body or (_version(request.model) or (0, 0)) >= (4, 7)
    if request.temperature is not None and request.temperature > 1:
        applied["temperature"] = 1
    temperature = applied.get("temperature", request.temperature)
    if fixed:
        applied |= {key: 1 for key in ("temperature", "top_p") if getattr(request, key) not in (None, 1)}
    elif temperature is not None:
        body["temperature"] = temperature
        applied |= {"top_p": 1} if request.top_p not in (None, 1) else {}
    elif request.top_p is not None:
        body["top_p"] = request.top_p
    history.warnings += [f"{key} was changed to {value}" for key, value in applied.items()]
    return applied


def _format(body: dict[str, Any], request: Request, history: History) -> None:
    form = request.format
    if form["type"] == "json_schema":
        shape = {"format": {"type": "json_schema", "schema": form["schema"]}}
        body["output_config"] = {**body.get("output_config", {}), **shape}
    elif form["type"] == "json_object":
        hint = "Answer with one JSON object and nothing else."
        body["system"] = f"{body['system']}\n\n{hint}" if "system" in body else hint
        history.warnings.append("text.format json_object is only asked for in words")
    if (request.text or {}).get("verbosity"):
        history.warnings.append("text.verbosity has no effect")
