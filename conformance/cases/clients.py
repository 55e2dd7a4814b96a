"""Cases of what real clients send: request bodies captured from them, shape for shape, with the prose replaced.

`client_requests/<client>-<situation>[-<version>].json` holds `client` and `requests`, bodies in the order in which
they were sent, without `model`. Texts, descriptions, outputs and ids are ours; keys, types and order are theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from conformance.cases.build import says
from conformance.cases.case import Case, Turn

__all__ = ["CASES", "PACKAGES", "features_of", "source_of"]

TOOL_FEATURES = {"custom": "custom-tools", "namespace": "namespaces", "tool_search": "tool-search"}
ITEM_FEATURES = {
    "custom_tool_call": "custom-tools",
    "tool_search_call": "tool-search",
    "additional_tools": "additional-tools",
}
PACKAGES = {
    "agents-js": "@openai/agents 0.20.0 (npm)",
    "agents-py": "openai-agents 0.24.0 (PyPI)",
    "ai-sdk": "ai 6.0.326 with @ai-sdk/openai 3.0.141 (npm)",
    "codex": "Codex CLI {version} (npm, @openai/codex {version}; openai/codex)",
    "openai-js": "openai 7.57.0 (npm)",
    "openai-py": "openai 3.54.0 (PyPI)",
    "pycodex": "python-codex 0.1.6 (PyPI)",
}
"""The public package that sends what a file holds, by how the file's name begins."""
THREADS = {
    "codex-basic": "ggml-org/llama.cpp#20156; unslothai/unsloth#5141",
    "codex-builtin-autocompact": "openai/codex#45393",
    "codex-codemode": "looplj/axonhub#2105; router-for-me/CLIProxyAPI#4219",
    "codex-image": "BerriAI/litellm#12204",
    "codex-mcp": "jundot/omlx#3371; coder/aibridge#285",
    "codex-reasoning": "ggml-org/llama.cpp#24115",
    "codex-schema": "router-for-me/CLIProxyAPI#4802",
    "codex-tool-parallel": "openai/codex#7051; BerriAI/litellm#21154",
    "codex-tool-patch": "decolua/9router#1371; router-for-me/CLIProxyAPI#5753",
    "codex-tool-search": "router-for-me/CLIProxyAPI#4414",
    "codex-tool-shell": "sgl-project/sglang#35216",
    "codex-view-image": "ggml-org/llama.cpp#27958; sgl-project/sglang#34927",
    "agents": "openai/openai-agents-python#1616; openai/openai-agents-python#1704",
    "ai-sdk-tools": "TanStack/ai#1212",
    "openai-py-parse": "openai.lib._parsing; BerriAI/litellm#15995",
    "openai-py-tools": "openai.types.responses.ResponseInputItemParam",
}
"""Public threads on servers that such a request broke, or the SDK's own type, by how the file's name begins."""
IN_EACH_DIALECT = frozenset({"codex-basic-0.169.0", "codex-image-0.169.0", "ai-sdk-tools-store-default"})
"""Those that are sent to each dialect's target, whatever others are driven in its twin's (`conformance.cases.plan`)."""
_VERSION = re.compile(r"-(\d+\.\d+\.\d+)")
NEEDS_STATE = frozenset({"item_reference", "compaction_trigger"})


def features_of(body: Mapping[str, Any]) -> frozenset[str]:
    """The optional capabilities that a request needs from a target."""
    return frozenset(_features(body))


def _features(body: Mapping[str, Any]) -> Iterator[str]:
    items = _items(body)
    declared = [*(body.get("tools") or ()), *(tool for item in items for tool in item.get("tools") or ())]
    for tool in declared:
        if tool["type"] in TOOL_FEATURES:
            yield TOOL_FEATURES[tool["type"]]
    for item in items:
        if item.get("type") in ITEM_FEATURES:
            yield ITEM_FEATURES[item["type"]]
        parts = item.get("content") or item.get("output")
        if isinstance(parts, list) and any(part.get("type") == "input_image" for part in parts):
            yield "images"


def _items(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return body["input"] if isinstance(body["input"], list) else []


def _is_stateless(body: Mapping[str, Any]) -> bool:
    stateful = any(item.get("type") in NEEDS_STATE for item in _items(body))
    return not stateful and "previous_response_id" not in body


@lru_cache(maxsize=1)
def _captured() -> tuple[Case, ...]:
    folder = files("conformance.cases") / "client_requests"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json"))
    return tuple(_case(name.removesuffix(".json"), json.loads((folder / name).read_text("utf-8"))) for name in names)


def source_of(name: str) -> str:
    """Where anybody can see such a request: the package that sends it, and threads about it."""
    version = _VERSION.search(name)
    package = next(package for prefix, package in PACKAGES.items() if name.startswith(prefix))
    threads = [thread for prefix, thread in THREADS.items() if name.startswith(prefix)]
    return "; ".join([package.format(version=version[1] if version else ""), *threads])


def _case(name: str, captured: Mapping[str, Any]) -> Case:
    body = next(body for body in reversed(captured["requests"]) if _is_stateless(body))
    return Case(
        id=f"client.{name}",
        summary=f"The longest request without stored state that {captured['client']} sent in the situation {name!r}.",
        source=source_of(name),
        turns=(Turn(request={"store": False, **body}, answers=(says("Very well, that is done."),)),),
        drives=frozenset({"stream"}),
        features=features_of(body),
        tags=frozenset({"client", captured["client"]}),
        each_dialect=name in IN_EACH_DIALECT,
    )


CASES = _captured()
