"""Proxies that say things twice, or put images where they do not belong."""

from __future__ import annotations

import copy
from typing import Any

from conformance.miniatures.request_edits import Outgoing, request_miniature


@request_miniature("upstream.nothing-said-twice")
def user_text_twice(request: Outgoing) -> None:
    """Keeps the user's text in two fields, and sends both."""
    for slot in request.texts("user"):
        slot.text = f"{slot.text}\n\n{slot.text}"


@request_miniature("upstream.nothing-said-twice")
def results_twice(request: Outgoing) -> None:
    """Appends the text of a result to itself."""
    for _, result in request.results():
        content = result.get("content")
        if isinstance(content, str):
            result["content"] = content * 2
        elif isinstance(content, list):
            content += [copy.deepcopy(part) for part in content if part["type"] == "text"]


def _image_parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content") if message.get("role") == "user" else None
    parts = content if isinstance(content, list) else []
    return [part for part in parts if isinstance(part, dict) and part.get("type") in ("image", "image_url")]


@request_miniature("upstream.nothing-said-twice")
def images_twice(request: Outgoing) -> None:
    """Sends each image of a message twice."""
    for message in request.messages:
        for image in _image_parts(message):
            message["content"].append(copy.deepcopy(image))


@request_miniature("upstream.parts-order")
def images_to_the_last_question(request: Outgoing) -> None:
    """Gathers the images of all questions in the last message that has one."""
    with_images = [message for message in request.messages if _image_parts(message)]
    for message in with_images[:-1]:
        for image in _image_parts(message):
            with_images[-1]["content"].append(image)
            message["content"] = [part for part in message["content"] if part is not image]


@request_miniature("upstream.result-images-told-apart")
def result_images_swapped(request: Outgoing) -> None:
    """Gives the images of several results in another order, and does not say whose they are."""
    if request.is_messages:
        results = [result for _, result in request.results() if isinstance(result.get("content"), list)]
        contents = [result["content"] for result in results]
        for result, content in zip(results, reversed(contents), strict=True):
            result["content"] = content
        return
    tools = [n for n, message in enumerate(request.messages) if message.get("role") == "tool"]
    lifted = [message for message in request.messages[tools[-1] + 1 :] if _image_parts(message)] if tools else []
    for message in lifted:
        message["content"] = list(reversed(_image_parts(message)))
