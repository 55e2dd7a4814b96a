"""Proxies that lose, move or invent what is said."""

from __future__ import annotations

import copy
from typing import Any

from conformance.miniatures.request_edits import Outgoing, Slot, request_miniature


def _holding(slots: list[Slot], text: str) -> Slot | None:
    return next((slot for slot in slots if text in slot.text), None)


def _replace(request: Outgoing, role: str, text: str, other: str) -> None:
    slot = _holding(request.texts(role), text)
    if slot is not None:
        slot.text = slot.text.replace(text, other)


@request_miniature("upstream.user-text-arrives")
def last_part_only(request: Outgoing) -> None:
    """Sends only the last text part of a message."""
    _replace(request, "user", "First part, indented.", "")


@request_miniature("upstream.user-text-arrives")
def letter_changed(request: Outgoing) -> None:
    """Changes one letter in the second part of a message."""
    _replace(request, "user", "Second part.", "Second pact.")


@request_miniature("upstream.user-text-arrives")
def user_speaks_as_system(request: Outgoing) -> None:
    """Sends the last user message as a system message."""
    last = request.messages[-1]
    if last.get("role") == "user" and not request.is_messages:
        last["role"] = "system"


@request_miniature("upstream.assistant-text-arrives")
def forgets_answers(request: Outgoing) -> None:
    """Leaves earlier answers out."""
    for message in list(request.messages):
        if message.get("role") == "assistant" and not message.get("tool_calls"):
            request.drop(message)


@request_miniature("upstream.assistant-text-arrives")
def assistant_text_cut(request: Outgoing) -> None:
    """Cuts the earlier answer after ten characters."""
    _replace(request, "assistant", "The first answer.", "The first ")


@request_miniature("upstream.system-text-arrives")
def drops_developer(request: Outgoing) -> None:
    """Leaves out the developer's text between two others."""
    _replace(request, "system", "Rule three: be exact.", "")


@request_miniature("upstream.system-text-arrives")
def drops_late_system(request: Outgoing) -> None:
    """Leaves out system text that comes after the conversation began."""
    for role in ("system", "user"):
        _replace(request, role, "Rule four: use digits.", "")


@request_miniature("upstream.instructions-first")
def instructions_last(request: Outgoing) -> None:
    """Appends the instructions to the other system text."""
    slots = request.texts("system")
    if _holding(slots, "Rule one: be brief.") is None:
        return
    _replace(request, "system", "Rule one: be brief.", "")
    after = _holding(slots, "Rule three: be exact.") or slots[-1]
    after.text = f"{after.text}\n\nRule one: be brief."


@request_miniature("upstream.conversation-order")
def newest_first(request: Outgoing) -> None:
    """Sends the last question before the answer to the first."""
    if request.asked.get("instructions") != "Rule one: be brief.":
        return
    slot = _holding(request.texts("user"), "The last question.")
    first = _holding(request.texts("user"), "First part")
    if slot is not None and first is not None:
        slot.text = slot.text.replace("The last question.", "")
        first.text = f"The last question. {first.text}"


@request_miniature("upstream.system-order")
def system_texts_sorted(request: Outgoing) -> None:
    """Swaps the second and the third system text."""
    for slot in request.texts("system"):
        two, three = "Rule two: be kind.", "Rule three: be exact."
        swapped = slot.text.replace(two, "\0").replace(three, two).replace("\0", three)
        slot.text = swapped


@request_miniature("upstream.texts-unaltered")
def trims_texts(request: Outgoing) -> None:
    """Strips white space from user texts."""
    for slot in request.texts("user"):
        slot.text = "\n\n".join(part.strip() for part in slot.text.split("\n\n"))


@request_miniature("upstream.nothing-invented")
def adds_a_reminder(request: Outgoing) -> None:
    """Adds words of its own to the second user text."""
    slots = request.texts("user")
    if len(slots) > 1:
        slots[1].text += " Remember to be polite."


@request_miniature("upstream.nothing-invented")
def answers_for_the_model(request: Outgoing) -> None:
    """Puts an acknowledgement into the model's mouth."""
    request.say("assistant", "Understood, I will do so.", place=len(request.messages) - 1)


@request_miniature("upstream.no-system-text-invented")
def default_system_prompt(request: Outgoing) -> None:
    """Adds a system prompt where there is none."""
    if request.texts("system"):
        return
    if request.is_messages:
        request.body["system"] = "You are a helpful assistant."
    else:
        request.say("system", "You are a helpful assistant.", place=0)


@request_miniature("upstream.reasoning-not-shown-as-text")
def thinks_aloud(request: Outgoing) -> None:
    """Sends earlier reasoning as assistant text."""
    items = request.asked.get("input")
    for item in items if isinstance(items, list) else ():
        for part in item.get("summary") or () if item.get("type") == "reasoning" else ():
            if len(part["text"]) >= 8:
                request.say("assistant", f"<think>{part['text']}</think>", place=len(request.messages) - 1)


@request_miniature("upstream.reasoning-not-shown-as-text")
def sealed_thoughts_shown(request: Outgoing) -> None:
    """Sends the encrypted content of reasoning as user text."""
    items = request.asked.get("input")
    for item in items if isinstance(items, list) else ():
        if item.get("type") == "reasoning" and item.get("encrypted_content"):
            request.say("user", item["encrypted_content"])


@request_miniature("upstream.images-arrive")
def blind(request: Outgoing) -> None:
    """Leaves images of messages out."""
    for _, image in request.images()[:1]:
        request.drop(image)


@request_miniature("upstream.images-not-dropped")
def note_for_an_image(request: Outgoing) -> None:
    """Writes a note into each message where an image stood."""
    for _, image in request.images():
        image.clear()
        image |= {"type": "text", "text": "[image]"}


@request_miniature("upstream.images-not-dropped")
def second_image_lost(request: Outgoing) -> None:
    """Passes the first image of the request on, and no other."""
    for _, image in request.images()[1:]:
        request.drop(image)


@request_miniature("upstream.images-arrive")
def image_damaged(request: Outgoing) -> None:
    """Changes one character in an image's data."""
    for _, image in request.images()[:1]:
        source = image.get("source") or image["image_url"]
        key = "data" if "data" in source else "url"
        source[key] = source[key][:-1] + "C"


@request_miniature("upstream.parts-order")
def images_last(request: Outgoing) -> None:
    """Sends the texts of a message first and its images after them."""
    for message, image in request.images()[:1]:
        message["content"] = [part for part in message["content"] if part is not image] + [image]


@request_miniature("upstream.no-empty-messages")
def keeps_empty_texts(request: Outgoing) -> None:
    """Sends empty assistant texts as they are."""
    items = request.asked.get("input")
    blank = (
        any(part.get("text") == "" for item in items if isinstance(item, dict) for part in _content(item))
        if isinstance(items, list)
        else False
    )
    if blank and request.is_messages:
        holder = next(message for message in request.messages if message["role"] == "assistant")
        holder["content"] = [{"type": "text", "text": " "}, *copy.copy(holder["content"])]


@request_miniature("upstream.no-empty-messages")
def reasoning_becomes_empty_message(request: Outgoing) -> None:
    """Sends an empty user message for each reasoning item."""
    items = request.asked.get("input")
    if isinstance(items, list) and any(item.get("type") == "reasoning" for item in items):
        request.say("user", "", place=1)


def _content(item: dict[str, Any]) -> list[dict[str, Any]]:
    content = item.get("content")
    return content if isinstance(content, list) else []
