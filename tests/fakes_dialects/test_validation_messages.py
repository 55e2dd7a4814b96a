"""Rules of Anthropic's Messages beyond its types: each is broken once; and what models accept."""

from __future__ import annotations

import pytest

from fakes.dialects import Messages
from fakes.validation import MESSAGES_RULES, MessagesProfile, messages_objections, profile_of

KEYED = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
USER = {"role": "user", "content": "hi"}
TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
THINK = {"type": "thinking", "thinking": "hm", "signature": "sig"}
MANUAL = {"type": "enabled", "budget_tokens": 1024}


def use(identifier="a"):
    """A tool_use block."""
    return {"type": "tool_use", "id": identifier, "name": "f", "input": {}}


def result(identifier="a", **more):
    """A tool_result block."""
    return {"type": "tool_result", "tool_use_id": identifier, "content": "ok", **more}


def says(*blocks):
    """An assistant message."""
    return {"role": "assistant", "content": list(blocks)}


def asks(*blocks):
    """A user message."""
    return {"role": "user", "content": list(blocks)}


def text(value):
    """A text block."""
    return {"type": "text", "text": value}


def request(*messages, **more):
    """A request."""
    return {"model": "m", "max_tokens": 4096, "messages": list(messages) or [USER], **more}


PAIR = (USER, says(use()), asks(result()))
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "data:image/png;base64,aGk="}}

BROKEN = [
    ("messages.max-tokens", "max_tokens", request(max_tokens=-1)),
    ("messages.sampling-range", "temperature", request(temperature=1.5)),
    ("messages.sampling-range", "top_p", request(top_p=2)),
    ("messages.sampling-together", "top_p", request(temperature=0.5, top_p=0.5)),
    ("messages.sampling-unsupported", "temperature", request(model="claude-opus-4-7", temperature=0.5)),
    ("messages.sampling-unsupported", "top_k", request(model="claude-sonnet-5", top_k=5)),
    ("messages.sampling-with-thinking", "temperature", request(thinking=MANUAL, temperature=0.5)),
    ("messages.sampling-with-thinking", "temperature", request(thinking={"type": "adaptive"}, temperature=0)),
    ("messages.sampling-with-thinking", "top_p", request(thinking=MANUAL, top_p=0.5)),
    ("messages.sampling-with-thinking", "top_k", request(thinking=MANUAL, top_k=5)),
    ("messages.thinking-kind", "thinking.type", request(model="claude-opus-4-8", thinking=MANUAL)),
    ("messages.thinking-kind", "thinking.type", request(model="claude-fable-5", thinking={"type": "disabled"})),
    ("messages.thinking-kind", "thinking.type", request(model="claude-sonnet-4-5", thinking={"type": "adaptive"})),
    ("messages.budget", "thinking.budget_tokens", request(thinking={"type": "enabled", "budget_tokens": 500})),
    ("messages.budget-over-max", "thinking.budget_tokens", request(thinking=MANUAL, max_tokens=1024)),
    (
        "messages.forced-with-thinking",
        "tool_choice",
        request(thinking=MANUAL, tools=[TOOL], tool_choice={"type": "any"}),
    ),
    (
        "messages.forced-with-thinking",
        "tool_choice",
        request(thinking=MANUAL, tools=[TOOL], tool_choice={"type": "tool", "name": "f"}),
    ),
    ("messages.tool-name", "tools[0].name", request(tools=[{**TOOL, "name": "a.b"}])),
    ("messages.tool-name-length", "tools[0].name", request(tools=[{**TOOL, "name": "f" * 129}])),
    ("messages.tool-names-unique", "tools[1].name", request(tools=[TOOL, TOOL])),
    ("messages.schema-not-object", "tools[0].input_schema.type", request(tools=[{**TOOL, "input_schema": {}}])),
    (
        "messages.schema-not-object",
        "tools[0].input_schema.type",
        request(tools=[{**TOOL, "input_schema": {"type": "array"}}]),
    ),
    ("messages.tool-choice-without-tools", "tool_choice", request(tool_choice={"type": "auto"})),
    (
        "messages.tool-choice-unknown",
        "tool_choice.name",
        request(tools=[TOOL], tool_choice={"type": "tool", "name": "g"}),
    ),
    ("messages.empty-messages", "messages", {"model": "m", "max_tokens": 5, "messages": []}),
    ("messages.prefill", "messages[1]", request(USER, says(text("The answer is")))),
    (
        "messages.prefill-whitespace",
        "messages[1].content",
        request(USER, says(text("The answer is ")), model="claude-haiku-4-5"),
    ),
    (
        "messages.prefill-whitespace",
        "messages[1].content",
        request(USER, {"role": "assistant", "content": "So "}, model="claude-haiku-4-5"),
    ),
    ("messages.empty-content", "messages[0].content", request({"role": "user", "content": ""})),
    ("messages.empty-content", "messages[1].content", request(USER, says(), USER)),
    ("messages.empty-text", "messages[0].content[1].text", request(asks(text("a"), text("")))),
    (
        "messages.empty-text",
        "messages[2].content[0].content[0].text",
        request(*PAIR[:2], asks(result(content=[text("")]))),
    ),
    ("messages.empty-text", "system[0].text", request(system=[text("")])),
    ("messages.blank-text", "messages[1].content[0].text", request(USER, says(text("\n")), USER)),
    ("messages.blank-text", "messages[0].content", request({"role": "user", "content": "  "})),
    ("messages.tool-unanswered", "messages[1]", request(USER, says(use("a"), use("b")), asks(result("a")))),
    ("messages.tool-unanswered", "messages[1]", request(USER, says(use("a")), USER)),
    ("messages.tool-results-not-first", "messages[2].content[0]", request(*PAIR[:2], asks(text("so"), result()))),
    ("messages.tool-result-without-call", "messages[0].content[0].tool_use_id", request(asks(result("z")))),
    (
        "messages.tool-result-repeated",
        "messages[2].content[1].tool_use_id",
        request(*PAIR[:2], asks(result(), result())),
    ),
    ("messages.tool-id-repeated", "messages[3].content[0].id", request(*PAIR, says(use()), asks(result()))),
    (
        "messages.tool-id-charset",
        "messages[1].content[0].id",
        request(USER, says(use("functions.f:0")), asks(result("functions.f:0"))),
    ),
    (
        "messages.error-result-empty",
        "messages[2].content[0].content",
        request(*PAIR[:2], asks(result(content="", is_error=True))),
    ),
    ("messages.tool-in-wrong-role", "messages[0].content[0].type", request(asks(THINK, text("a")))),
    ("messages.thinking-first", "messages[1].content[0].type", request(*PAIR, thinking=MANUAL)),
    (
        "messages.thinking-first",
        "messages[1].content[0].type",
        request(
            USER, says(text("a"), use()), asks(result()), says(THINK, use("b")), asks(result("b")), thinking=MANUAL
        ),
    ),
    (
        "messages.signature-empty",
        "messages[1].content[0].signature",
        request(USER, says({**THINK, "signature": ""}, text("a")), USER),
    ),
    ("messages.image-data-url", "messages[0].content[0].source.data", request(asks(IMAGE))),
    (
        "messages.image-data-url",
        "messages[2].content[0].content[0].source.data",
        request(*PAIR[:2], asks(result(content=[IMAGE]))),
    ),
]


@pytest.mark.parametrize(("rule", "path", "body"), BROKEN)
def test_a_broken_rule_speaks_alone(rule, path, body):
    """A request that breaks one rule has its objection, at its place, and nothing else objects."""
    objections = messages_objections(KEYED, body)
    spoken = {(each.rule, each.path) for each in objections}
    # A repeated id is also of a wrong charset in no case; a bad id is so on both sides of its pair.
    assert {each for each, _ in spoken} == {rule}
    assert (rule, path) in spoken
    assert objections[0].source == MESSAGES_RULES[rule]
    assert objections[0].body["error"] == {"type": "invalid_request_error", "message": objections[0].message}


def test_split_results_have_their_own_rule():
    """Results of one turn spread over two user messages are told apart from results that never come."""
    split = request(USER, says(use("a"), use("b")), asks(result("a")), asks(result("b")))
    assert "messages.tool-results-split" in {each.rule for each in messages_objections(KEYED, split)}
    assert "messages.tool-unanswered" not in {each.rule for each in messages_objections(KEYED, split)}


def test_headers():
    """The version is needed; where keys are, either header will do, and a missing one is a 401."""
    bearer = {"authorization": "Bearer k", "anthropic-version": "2023-06-01"}
    assert messages_objections(bearer, request(), needs_key=True) == ()
    assert messages_objections({"anthropic-version": "2023-06-01"}, request()) == ()
    (key,) = messages_objections({"anthropic-version": "2023-06-01"}, request(), needs_key=True)
    assert Messages(needs_key=True).objections({"anthropic-version": "2023-06-01"}, request()) == (key,)
    assert (key.rule, key.status, key.body["error"]["type"]) == ("messages.no-key", 401, "authentication_error")
    (version,) = messages_objections({"x-api-key": "k"}, request())
    assert version.rule == "messages.no-version"
    assert [each.rule for each in messages_objections(KEYED, None)] == ["messages.json"]


def test_words_are_anthropics():
    """Refusals are worded as the service words them, with the id that it misses."""
    (unanswered,) = messages_objections(KEYED, request(USER, says(use("toolu_9")), USER))
    assert unanswered.message == (
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_9. Each "
        "`tool_use` block must have a corresponding `tool_result` block in the next message."
    )
    (extra,) = messages_objections(KEYED, request(top_tokens=1))
    assert extra.message == "top_tokens: Extra inputs are not permitted"


PROFILES = [
    (MessagesProfile(thinking="manual"), {"thinking": MANUAL}, True),
    (MessagesProfile(thinking="manual"), {"thinking": {"type": "adaptive"}}, False),
    (MessagesProfile(thinking="either"), {"thinking": MANUAL}, True),
    (MessagesProfile(thinking="either"), {"thinking": {"type": "adaptive"}}, True),
    (MessagesProfile(thinking="adaptive"), {"thinking": MANUAL}, False),
    (MessagesProfile(thinking="adaptive"), {"thinking": {"type": "disabled"}}, True),
    (MessagesProfile(thinking="always"), {"thinking": {"type": "disabled"}}, False),
    (MessagesProfile(thinking="always"), {"thinking": {"type": "adaptive"}}, True),
    (MessagesProfile(sampling="both"), {"temperature": 0.5, "top_p": 0.5}, True),
    (MessagesProfile(sampling="one"), {"temperature": 0.5}, True),
    (MessagesProfile(sampling="none"), {"temperature": 1}, True),
    (MessagesProfile(sampling="none"), {"top_p": 0.9}, False),
    (MessagesProfile(prefill=True), {"messages": [USER, says(text("So"))]}, True),
    (MessagesProfile(prefill=False), {"messages": [USER, says(text("So"))]}, False),
    (MessagesProfile(user_first=True), {"messages": [says(text("So")), USER]}, False),
    (MessagesProfile(user_first=False), {"messages": [says(text("So")), USER]}, True),
]


@pytest.mark.parametrize(("profile", "more", "legal"), PROFILES)
def test_models_differ(profile, more, legal):
    """A profile decides on thinking, sampling, prefill and who speaks first, also through the dialect."""
    body = {**request(), **more}
    assert (messages_objections(KEYED, body, profile) == ()) is legal
    assert (Messages(profile).objections(KEYED, body) == ()) is legal


@pytest.mark.parametrize(
    ("model", "thinking", "sampling", "prefill"),
    [
        ("claude-3-5-haiku-latest", "manual", "both", True),
        ("claude-haiku-4-5-20251001", "manual", "one", True),
        ("claude-sonnet-4-6", "either", "one", False),
        ("claude-opus-4-8", "adaptive", "none", False),
        ("claude-mythos-5", "always", "none", False),
        ("case-1f3a", "either", "one", False),
        (None, "either", "one", False),
    ],
)
def test_profile_by_model_name(model, thinking, sampling, prefill):
    """A model's public name chooses its profile; an unknown one has the least demanding of today's."""
    assert profile_of(model) == MessagesProfile(thinking, sampling, prefill)


def test_interleaved_budget_may_exceed_the_limit():
    """With the interleaved-thinking beta the budget may be larger than max_tokens."""
    body = request(thinking={"type": "enabled", "budget_tokens": 9000})
    beta = {**KEYED, "anthropic-beta": "interleaved-thinking-2025-05-14"}
    assert messages_objections(beta, body) == ()
    assert messages_objections(KEYED, body) != ()


def test_every_rule_is_tested():
    """Each rule has a public source and a request in this file that breaks it."""
    elsewhere = {"messages.no-key", "messages.no-version", "messages.json", "messages.unknown-key"}
    elsewhere |= {"messages.missing-key", "messages.wrong-type", "messages.wrong-value"}
    elsewhere |= {"messages.tool-results-split", "messages.user-first"}
    assert {rule for rule, _, _ in BROKEN} | elsewhere == set(MESSAGES_RULES)
    assert all(MESSAGES_RULES.values())
