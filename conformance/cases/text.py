"""Cases of plain answers: what text may hold, and how it may arrive."""

from __future__ import annotations

from conformance.cases.build import answers, says
from conformance.cases.case import Case
from fakes.script import Annotation, Comment, Ping, Refusal, Text, Usage

__all__ = ["CASES"]

HARD_TEXT = (
    'Déjà vu — 你好, "quoted" \\ back\\slash, tab\there,\nline\r\nend, '
    "emoji 👩‍👩‍👧‍👦🇺🇳, \u2028\u2029\x85 and \u0000null."
)

CASES = (
    Case(
        id="text.plain",
        summary="A short answer in several fragments.",
        source="Open Responses 2026-04-24, Streaming HTTP Responses; openai.types.responses; "
        "BerriAI/litellm#13130; BerriAI/litellm#26179; SaladDay/cc-switch-cli#387; "
        "BerriAI/litellm#19125; openai/openai-python#2489; openai/openai-python#3125; "
        "BerriAI/litellm#22102; Oaklight/llm-rosetta#56; justlovemaki/AIClient2API#418; "
        "BerriAI/litellm#20570; router-for-me/CLIProxyAPI#5116; BerriAI/litellm#24445; "
        "openai/openai-agents-python#19; maximhq/bifrost#6455; BerriAI/litellm#28899; "
        "langflow-ai/langflow#10295; posit-dev/chatlas#282; sgl-project/sglang#9963; "
        "QuantumNous/new-api#5446; pickle-com/glass#228; rynfar/meridian#654; "
        "zendev-sh/goai#73; BerriAI/litellm#28384; praxis-proxy/praxis#742; Menci/Floway#312",
        turns=answers(says("Hello there, how can I help you today?")),
        tags=frozenset({"canonical"}),
        each_form=True,
    ),
    Case(
        id="text.one-fragment",
        summary="The whole answer arrives in one fragment.",
        source="Soju06/codex-lb#430",
        turns=answers(says(Text(("All of it at once.",)))),
    ),
    Case(
        id="text.unicode",
        summary="Several scripts, emoji sequences, quotes, control characters, Unicode line separators.",
        source="WHATWG HTML 9.2.5 (only CR and LF end a line); api7/aisix#111",
        turns=answers(says(Text((HARD_TEXT[:7], HARD_TEXT[7:40], HARD_TEXT[40:])))),
        each_form=True,
    ),
    Case(
        id="text.surrogate-halves-apart",
        summary="Characters outside the basic plane, one fragment each.",
        source="musistudio/claude-code-router#1672",
        turns=answers(says(Text(("𝄞", "🜁", "👩", "\u200d", "💻", " done")))),
    ),
    Case(
        id="text.whitespace-kept",
        summary="Fragments that are only spaces and line ends, that look like nothing, or that repeat the one before.",
        source="OpenAI API reference, response.output_text.delta: the text delta that was added",
        turns=answers(
            says(
                Text(
                    (" ", "\n\n", "Indented", "\n", "    ", "code", " no,", " no,", " ", " ", "null", "None", "0", "0")
                ),
                Text(("false", "[DONE]", " {}", " {}", " \n")),
            )
        ),
    ),
    Case(
        id="text.markup-is-text",
        summary="Text that looks like server-sent events, tool markup and HTML.",
        source="vllm-project/vllm#17109",
        turns=answers(
            says(Text(("data: [DONE]\n\n", "event: error\n", "<tool_call>{}</tool_call>", "<script>1</script>")))
        ),
        each_dialect=True,  # LiteLLM 1.106 reads vLLM's lines itself, and leaves out those that hold "[DONE]"
    ),
    Case(
        id="text.many-fragments",
        summary="Four hundred fragments of one or two characters.",
        source="BerriAI/litellm#22346",
        turns=answers(says(Text(tuple(f"{n % 10} " for n in range(400))))),
    ),
    Case(
        id="text.long-fragment",
        summary="One fragment of 300,000 characters: more than common line and buffer limits.",
        source="nextlevelbuilder/goclaw#1349; cloudwego/hertz#1441",
        turns=answers(says(Text(("x" * 299_990 + "the end ok",)))),
        drives=frozenset({"stream", "json"}),
    ),
    Case(
        id="text.empty-answer",
        summary="The upstream finishes without having said anything.",
        source="openai.types.responses.Response.output may be empty",
        turns=answers(says(usage=Usage(input=17, output=0))),
    ),
    Case(
        id="text.pings-between",
        summary="Signs of life without content between the fragments.",
        source="Anthropic documentation, Streaming messages: ping events",
        turns=answers(says(Ping(), Text(("Alive ",)), Ping(), Ping(), Text(("and well.",)))),
    ),
    Case(
        id="text.comments-between",
        summary="Comment lines between the events.",
        source="WHATWG HTML 9.2.6; vLLM --sse-keep-alive-interval",
        turns=answers(says(Comment(), Text(("Quiet ",)), Comment(""), Comment(" ping"), Text(("please.",)))),
    ),
    Case(
        id="text.annotated",
        summary="An answer with two web citations.",
        source="openai.types.responses.ResponseOutputText.annotations; anthropic.types.CitationsDelta; "
        "BerriAI/litellm#26176",
        turns=answers(
            says(
                Text(("The sky is blue. ", "Grass is green.")),
                Annotation("https://example.org/sky", "On skies", 0, 16),
                Annotation("https://example.org/grass", "On grass", 17, 32),
            )
        ),
        dialects=("chat_completions", "messages"),
    ),
    Case(
        id="text.refusal",
        summary="The model refuses in its own refusal field.",
        source="BerriAI/litellm#39203; NVIDIA-NeMo/Switchyard#622",
        turns=answers(says(Refusal(("No, ", "no, ", "no, ", "I can't help ", "with that", ".", ".")))),
        dialects=("chat_completions",),
    ),
    Case(
        id="text.then-refusal",
        summary="Some text, and then a refusal.",
        source="openai.types.responses.ResponseOutputRefusal",
        turns=answers(says(Text(("Let me ", "see. ")), Refusal(("No, ", "sorry.")))),
        dialects=("chat_completions",),
    ),
    Case(
        id="text.released-one-by-one",
        summary="Each fragment is released once the client has received the one before.",
        source="NVIDIA/OpenShell#260; maximhq/bifrost#4542; dstackai/dstack#4269",
        turns=answers(says(Text(tuple(f"word{n} " for n in range(12))))),
        drives=frozenset({"stream", "gated"}),
    ),
    Case(
        id="text.bytewise",
        summary="A short answer with multi-byte characters, byte by byte.",
        source="api7/aisix#111; Supercompress/Supercompress#129",
        turns=answers(says(Text(("né ", "你好 ", "👍")))),
        drives=frozenset({"stream", "bytes"}),
        each_dialect=True,
    ),
)
