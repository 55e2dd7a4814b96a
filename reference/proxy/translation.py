"""From a client's request to the upstream's, and the reader for the answer: the whole core in one call.

No sockets, no clocks, no globals: everything that comes from outside is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from . import chat, history, messages
from .call_ids import CallIds
from .chat_reader import ChatReader
from .compaction import SUMMARISE, Compaction
from .config import Config
from .errors import invalid
from .messages_reader import MessagesReader
from .reader import Reader
from .request import Request
from .sealed import Sealer
from .stream import Stream
from .tools import Choice, Toolbox
from .turns import History, Message, Text

_PATHS = {"chat_completions": "/v1/chat/completions", "vllm": "/v1/chat/completions", "messages": "/v1/messages"}
# Sampling parameters that vLLM knows beyond the API, passed on as they are.
_VLLM_EXTRAS = (
    "top_k", "min_p", "repetition_penalty", "length_penalty", "stop_token_ids", "ignore_eos", "min_tokens",
    "bad_words", "allowed_token_ids", "structured_outputs", "chat_template_kwargs", "mm_processor_kwargs",
    "priority", "cache_salt", "include_reasoning", "thinking_token_budget", "vllm_xargs", "seed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Core:
    """What all translations of one proxy share."""

    config: Config
    sealer: Sealer
    ids: CallIds


@dataclass(slots=True)
class Translation:
    """One request on its way: what goes upstream, and who reads what comes back."""

    path: str
    body: bytes
    stream: Stream
    reader: Reader
    warnings: list[str]


def translate(
    core: Core,
    request: Request,
    items: list[dict[str, Any]],
    *,
    seed: str,
    now: float,
    secret: str | None = None,
    raw_body: bytes = b"{}",
) -> Translation:
    """Prepare one exchange; ``items`` is the whole conversation, ``secret`` the key never to be shown.

    Raises ApiError (400) when the request cannot be honoured.
    """
    config = core.config
    request, tools, past = prepare(core, request, items)
    body, applied = upstream_body(core, request, past, tools)
    if config.dialect == "vllm":
        body |= _extras(raw_body)
    make = Compaction if past.compact else Stream
    stream = make(
        request,
        tools,
        core.sealer,
        core.ids,
        seed=seed,
        now=now,
        applied=applied,
        raw_reasoning=config.reasoning == "raw" and config.dialect != "messages",
        refusals_as_text=config.refusals == "text",
    )
    read = MessagesReader if config.dialect == "messages" else ChatReader
    reader = read(stream, config.max_event, secret)
    warnings = [*(f"{kind} tool dropped" for kind in sorted(tools.hosted)), *request.warnings(), *past.warnings]
    return Translation(_PATHS[config.dialect], msgspec.json.encode(body), stream, reader, warnings)


def prepare(core: Core, request: Request, items: list[dict[str, Any]]) -> tuple[Request, Toolbox, History]:
    """Read the tools and the history; a request for a summary becomes an ordinary one without its settings."""
    tools = Toolbox(128 if core.config.dialect == "messages" else 64)
    try:
        tools.add(request.tools, "tools")
        history.collect_tools(items, tools)
        past = history.read(items, len(items) - len(request.items()), tools, core.sealer, core.ids)
        if not past.compact:
            tools.choose(request.tool_choice)
    except (AttributeError, KeyError, TypeError, ValueError):
        # A value of another type somewhere deep in an item or a tool.
        raise invalid("Something in 'input', 'tools' or 'tool_choice' is malformed.", code="invalid_value") from None
    if past.compact:
        past.turns.append(Message("user", [Text(SUMMARISE)]))
        request = msgspec.structs.replace(request, text=None, tool_choice=None, parallel_tool_calls=None)
        tools.choice = Choice("none")
    return request, tools, past


def upstream_body(core: Core, request: Request, past: History, tools: Toolbox) -> tuple[dict[str, Any], dict[str, Any]]:
    """The upstream's request, and the settings in which it differs from the client's."""
    if core.config.dialect == "messages":
        return messages.build(request, past, tools, core.config)
    return chat.build(request, past, tools, core.config), {}


def _extras(raw_body: bytes) -> dict[str, Any]:
    given = msgspec.json.decode(raw_body, type=dict[str, msgspec.Raw])
    return {name: given[name] for name in _VLLM_EXTRAS if name in given and bytes(given[name]) != b"null"}
