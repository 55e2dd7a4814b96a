"""From a client's request to the upstream's, and the reader for the answer: the whole core in one call.

No sockets, no clocks, no globals: everything that comes from outside is an argument.
"""

from __future__ import annotations

from collections.abc import Callable
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

# Sampling parameters that vLLM knows beyond the API, passed on as they are.
_VLLM_EXTRAS = (
    "top_k", "min_p", "repetition_penalty", "length_penalty", "stop_token_ids", "ignore_eos", "min_tokens",
    "bad_words", "allowed_token_ids", "structured_outputs", "chat_template_kwargs", "mm_processor_kwargs",
    "priority", "cache_salt", "include_reasoning", "thinking_token_budget", "vllm_xargs", "seed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the kinds of upstream."""

    path: str
    build: Callable[[Request, History, Toolbox, Config], tuple[dict[str, Any], dict[str, Any]]]
    """Makes the upstream's request, and the settings in which it differs from the client's."""
    reader: type[Reader]
    name_limit: int
    """The longest name of a tool."""
    counting: tuple[str, str, tuple[str, ...]] | None = None
    """Where tokens are counted, the name of the figure, and the fields of a request that count."""
    extras: tuple[str, ...] = ()
    """Parameters of the client that go upstream under the same name."""


_COUNT = ("model", "messages", "system", "tools", "tool_choice", "thinking")
DIALECTS = {
    "chat_completions": Dialect(
        "/v1/chat/completions", chat.build, ChatReader, 64, extras=("prompt_cache_retention",)
    ),
    "messages": Dialect(
        "/v1/messages", messages.build, MessagesReader, 128, ("/v1/messages/count_tokens", "input_tokens", _COUNT)
    ),
    "vllm": Dialect(
        "/v1/chat/completions", chat.build, ChatReader, 64, ("/tokenize", "count", ("model", "messages", "tools")),
        _VLLM_EXTRAS,
    ),
}  # fmt: skip


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
) -> Translation:
    """Prepare one exchange; ``items`` is the whole conversation, ``secret`` the key never to be shown.

    Raises ApiError (400) when the request cannot be honoured.
    """
    config, dialect = core.config, DIALECTS[core.config.dialect]
    request, past, tools = prepare(core, request, items)
    body, applied = dialect.build(request, past, tools, config)
    given = request.extras
    body |= {name: given[name] for name in dialect.extras if name in given and bytes(given[name]) != b"null"}
    make = Compaction if past.compact else Stream
    stream = make(request, tools, core.sealer, core.ids, config, seed=seed, now=now, applied=applied)
    reader = dialect.reader(stream, config.max_event_bytes, secret)
    warnings = [*(f"{kind} tool dropped" for kind in sorted(tools.hosted)), *request.warnings(), *past.warnings]
    return Translation(dialect.path, msgspec.json.encode(body), stream, reader, warnings)


def prepare(core: Core, request: Request, items: list[dict[str, Any]]) -> tuple[Request, History, Toolbox]:
    """Read the tools and the history; a request for a summary becomes an ordinary one without its settings."""
    tools = Toolbox(DIALECTS[core.config.dialect].name_limit)
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
    return request, past, tools
