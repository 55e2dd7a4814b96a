"""Proxies that say things twice, or put images where they do not belong."""

from __future__ import annotations

import copy

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


@request_miniature("upstream.nothing-said-twice")
def images_twice(request: Outgoing) -> None:
    """Sends each image of a message twice."""
    for message, image in request.images():
        message["content"].append(copy.deepcopy(image))


@request_miniature("upstream.parts-order")
def images_to_the_last_question(request: Outgoing) -> None:
    """Gathers the images of all questions in the last message that has one."""
    images = request.images()
    for message, image in images:
        if message is not images[-1][0]:
            images[-1][0]["content"].append(image)
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
    for message in request.messages[tools[-1] + 1 :] if tools else ():
        lifted = [image for holder, image in request.images() if holder is message]
        message["content"] = list(reversed(lifted)) or message["content"]
