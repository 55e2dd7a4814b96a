"""Rules of narrow upstreams: what the specification leaves open, and some servers do not take."""

from __future__ import annotations

from conformance.crossings import Judged, crossings, quote
from conformance.pieces import at, items_of
from conformance.rules import RECOMMENDED, rule
from conformance.transcript import Transcript
from fakes.script import Dialect

__all__: list[str] = []

CHAT: tuple[Dialect, ...] = ("chat_completions", "vllm")
VLLM: tuple[Dialect, ...] = ("vllm",)


@rule(
    "upstream.limit-field",
    level=RECOMMENDED,
    source="openai.types.chat.CompletionCreateParams.max_tokens (deprecated); router-for-me/CLIProxyAPI#5938; "
    "ogx-ai/ogx#4592",
    why="OpenAI's reasoning models answer 400 to `max_tokens`.",
    dialects=("chat_completions",),
    evidence="upstream",
)
def limit_field(transcript: Transcript) -> Judged:
    """A limit goes to chat completions as `max_completion_tokens`, not under its deprecated name."""
    for crossing in crossings(transcript):
        body = crossing.sent.body
        if body.get("max_tokens") is not None:
            yield crossing.broken("the limit in `max_completion_tokens`", f"`max_tokens: {quote(body['max_tokens'])}`")
        elif body.get("max_completion_tokens") is not None:
            yield crossing.seen


@rule(
    "upstream.system-leads",
    level=RECOMMENDED,
    source="ggml-org/llama.cpp#20079; ai-dynamo/dynamo#10206; vllm-project/vllm#42407; BerriAI/litellm#39282",
    why="Templates of open models raise `System message must be at the beginning`: every turn is a 400.",
    dialects=VLLM,
    evidence="upstream",
)
def system_leads(transcript: Transcript) -> Judged:
    """All system text goes to servers of open models in one message, at the beginning."""
    for crossing in crossings(transcript):
        places = [n for n, role in enumerate(crossing.sent.roles) if role in ("system", "developer")]
        if places in ([], [0]):
            yield from [crossing.seen] if places else []
        else:
            yield crossing.broken("one system message, the first", f"the roles are {list(crossing.sent.roles)}")


@rule(
    "upstream.developer-is-system",
    level=RECOMMENDED,
    source="ggml-org/llama.cpp#20079; 1CatAI/1Cat-vLLM#449",
    why="Templates of open models raise `Unexpected message role`: Codex sends a developer message every turn.",
    dialects=VLLM,
    evidence="upstream",
)
def developer_is_system(transcript: Transcript) -> Judged:
    """The role `developer` does not go to servers of open models: its text is system text there."""
    for crossing in crossings(transcript):
        if "developer" in crossing.sent.roles:
            yield crossing.broken("the role `system`", f"the roles are {list(crossing.sent.roles)}")
        elif "system" in crossing.sent.roles:
            yield crossing.seen


@rule(
    "tools.parameters-present",
    level=RECOMMENDED,
    source="router-for-me/CLIProxyAPI#5569; icebear0828/codex-proxy#22",
    why="Strict chat services answer `missing field parameters` to a tool that takes none.",
    dialects=CHAT,
    evidence="upstream",
)
def parameters_present(transcript: Transcript) -> Judged:
    """Every function sent to a chat upstream has `parameters`, an object."""
    for crossing in crossings(transcript):
        for number, tool in enumerate(items_of(crossing.sent.body.get("tools"))):
            if at(tool, "type") != "function":
                continue
            if isinstance(at(tool, "function", "parameters"), dict):
                yield crossing.seen
            else:
                name = at(tool, "function", "name")
                yield crossing.broken(f"an object as `parameters` of tools[{number}]", f"{quote(name)} has none")


@rule(
    "upstream.reasoning-field",
    level=RECOMMENDED,
    source="vllm-project/vllm#42664; vllm-project/vllm#50624; BerriAI/litellm#26501",
    why="vLLM reads `reasoning` since 0.16 and drops `reasoning_content` without a word: its thoughts are forgotten.",
    dialects=VLLM,
    features=("reasoning",),
    evidence="upstream",
)
def reasoning_field(transcript: Transcript) -> Judged:
    """Reasoning goes back to vLLM in the field `reasoning`, alone or beside the older `reasoning_content`."""
    for crossing in crossings(transcript):
        for number, message in enumerate(crossing.sent.messages):
            if at(message, "reasoning"):
                yield crossing.seen
            elif at(message, "reasoning_content"):
                yield crossing.broken("the field `reasoning`", f"messages[{number}] has only `reasoning_content`")
