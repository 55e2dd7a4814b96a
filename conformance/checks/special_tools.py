"""Rules of tools that no upstream knows: free-text, grouped, delivered in the input, or run by OpenAI itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.crossings import Judged, Visit, asked_in, crossings, quote, visits
from conformance.pieces import Tool, at, items_of, strings
from conformance.rules import MUST, RECOMMENDED, SHOULD, rule
from conformance.tool_pairs import same_schema, title, tool_pairs
from conformance.transcript import Transcript
from fakes.script import Dialect

__all__: list[str] = []

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")


@rule(
    "tools.hosted-not-forwarded",
    level=MUST,
    source="router-for-me/CLIProxyAPI#3199; unslothai/unsloth#5141; ggml-org/llama.cpp#20156",
    why="Codex sends `web_search` with every request: a chat service answers 400 to each of them.",
    dialects=CHAT,
    evidence="upstream",
)
def hosted_not_forwarded(transcript: Transcript) -> Judged:
    """Tools that only OpenAI's service can run are not sent to a chat upstream."""
    for crossing in crossings(transcript):
        if not any(tool.kind == "hosted" for tool in crossing.asked.tools):
            continue
        strange = [
            tool.type if tool.kind == "hosted" else "a function without a name"
            for tool in crossing.sent.tools
            if tool.kind == "hosted" or not tool.name
        ]
        if strange:
            yield crossing.broken("function tools only", f"there are also {strange}")
        else:
            yield crossing.seen


@rule(
    "tools.hosted-accepted",
    level=RECOMMENDED,
    source="openai/codex sends web_search with every request; CommandCodeAI/command-code#885",
    why="A target that refuses what it cannot run refuses every request of Codex.",
    evidence="client",
)
def hosted_accepted(transcript: Transcript) -> Judged:
    """A request that also declares hosted tools is answered, as long as none of them is forced."""
    for visit, tools in _offered(transcript):
        if not any(tool.kind == "hosted" for tool in tools):
            continue
        if visit.exchange.status is not None and visit.exchange.status < 300:
            yield visit.seen()
        else:
            yield visit.broken("an answer", f"status {visit.exchange.status}: {quote(visit.exchange.body[:200])}")


def _offered(transcript: Transcript) -> Iterator[tuple[Visit, Sequence[Tool]]]:
    if transcript.facts.get("refusal_statuses"):
        return
    for visit in visits(transcript):
        asked = asked_in(visit)
        failed = any(call.status is not None and call.status >= 400 for call in visit.exchange.upstream)
        if asked is not None and not failed and asked.choice.kind != "other":
            yield visit, asked.tools


@rule(
    "tools.custom-emulated",
    level=MUST,
    source="openai.types.responses.CustomToolParam; decolua/9router#1371; Anionex/agent-vision-toolkit#6",
    why="Codex edits files with the custom tool `apply_patch`: sent in no form that the service knows, it is lost.",
    features=("custom-tools",),
    evidence="both",
)
def custom_emulated(transcript: Transcript) -> Judged:
    """A custom tool goes upstream as a function with one required string parameter, or natively where chat has it."""
    for crossing in crossings(transcript):
        for tool, sent in tool_pairs(crossing):
            if tool.kind != "custom":
                continue
            native = sent is not None and sent.kind == "custom" and crossing.dialect == "chat_completions"
            if native or (sent is not None and _one_string(sent.parameters)):
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"{title(tool)} as a function with one required string parameter",
                    "it is absent" if sent is None else f"its parameters are {quote(sent.parameters)}",
                )


def _one_string(schema: object) -> bool:
    properties = at(schema, "properties")
    if not isinstance(properties, dict) or len(properties) != 1:
        return False
    ((name, inner),) = properties.items()
    return at(inner, "type") == "string" and name in items_of(at(schema, "required"))


@rule(
    "tools.grammar-carried",
    level=SHOULD,
    source="router-for-me/CLIProxyAPI#4414; icebear0828/codex-proxy#707",
    why="Without its grammar the model writes patches in a format that the tool refuses.",
    features=("custom-tools",),
    evidence="both",
)
def grammar_carried(transcript: Transcript) -> Judged:
    """The grammar of a custom tool reaches the upstream, at least in a description."""
    for crossing in crossings(transcript):
        for tool, sent in tool_pairs(crossing):
            if tool.kind != "custom" or not tool.definition or sent is None:
                continue
            texts = [sent.description, sent.definition, *(text for _, text in strings(sent.parameters))]
            if any(tool.definition.strip() in text for text in texts):
                yield crossing.seen
            else:
                yield crossing.broken(f"the grammar of {title(tool)}: {quote(tool.definition)}", quote(texts))


@rule(
    "tools.namespaces-flattened",
    level=RECOMMENDED,
    source="jundot/omlx#3371; butterbase-ai/butterbase#134; coder/aibridge#285",
    why="Codex groups all MCP tools in namespaces: dropped, the agent has none of them.",
    features=("namespaces",),
    evidence="both",
)
def namespaces_flattened(transcript: Transcript) -> Judged:
    """Every tool in a namespace reaches the upstream under a name of its own, with its parameters."""
    for crossing in crossings(transcript):
        for tool, sent in tool_pairs(crossing):
            if not tool.namespace:
                continue
            if sent is not None and (tool.kind == "custom" or same_schema(tool.parameters, sent.parameters)):
                yield crossing.seen
            else:
                yield crossing.broken(
                    f"{title(tool)} ({tool.path}) under some name, with the parameters {quote(tool.parameters)}",
                    "it is absent" if sent is None else f"{quote(sent.name)} has {quote(sent.parameters)}",
                )


@rule(
    "tools.from-input-arrive",
    level=RECOMMENDED,
    source="router-for-me/CLIProxyAPI#4219; router-for-me/CLIProxyAPI#4414; looplj/axonhub#2105",
    why="Newer Codex models get all their tools in an input item: a target that only reads `tools` finds none.",
    features=("additional-tools",),
    evidence="both",
)
def from_input_arrive(transcript: Transcript) -> Judged:
    """Tools in `additional_tools` and `tool_search_output` items reach the upstream like those in `tools`."""
    for crossing in crossings(transcript):
        for tool, sent in tool_pairs(crossing, "additional_tools", "tool_search_output"):
            if sent is not None:
                yield crossing.seen
            else:
                names = [other.name for other in crossing.sent.tools]
                yield crossing.broken(f"the tool {title(tool)} ({tool.path}) upstream", f"the tools are {names}")
