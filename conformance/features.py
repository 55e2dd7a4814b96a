"""The optional capabilities that a target may declare, each with what it says of the target."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from conformance.errors import UsageError

__all__ = ["FEATURES", "LONGEST_KEEP_ALIVE", "check_features"]

LONGEST_KEEP_ALIVE = 2.0
"""Seconds: the longest `[timing] keep_alive` that can be judged. Silences last a second more, for busy machines."""

FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "additional-tools": "takes tools from `additional_tools` items in the input",
        "body-limit": "was told to refuse request bodies of more than 16 MiB",
        "client-key": "was told to ask its clients for the key {api_key}",
        "compaction": "makes compaction items, and reads its own back",
        "custom-tools": "takes tools of the type `custom` and gives their calls back as `custom_tool_call`",
        "event-limit": "was told to give up an upstream whose event is longer than 16 MiB",
        "idle-timeout": "gives a silent upstream up after [timing] idle seconds, sooner than the client gives up",
        "images": "passes `input_image` parts on",
        "keep-alive": "sends something every [timing] keep_alive seconds, 2 at most, while the upstream is silent",
        "long-names": "takes tool names that are longer than its upstream allows",
        "namespaces": "takes tools of the type `namespace` and gives their calls back in it",
        "reasoning": "passes reasoning on in both directions",
        "store": "keeps responses: `store`, `previous_response_id`, GET, DELETE and /input_items",
        "tool-search": "takes `tool_search` and the tools that it found",
    }
)
"""By name. Rules and cases of a feature run only for a target that declares it."""


def check_features(names: Iterable[str]) -> None:
    """Raises UsageError for a name that is no feature: a slip would leave rules and cases out unseen."""
    for name in names:
        if name not in FEATURES:
            near = difflib.get_close_matches(name, FEATURES, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(FEATURES)}"
            raise UsageError(f"no feature is named {name!r}: {hint}")
