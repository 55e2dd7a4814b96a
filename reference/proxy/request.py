"""The Responses request: parse, validate, defaults.

Source: ``ResponseCreateParams`` of the openai SDK and ``CreateResponseBody`` of Open Responses. An explicit
null is the same as an absent field, and unknown fields are accepted and go no further.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from .errors import ApiError, invalid

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
_Text64 = Annotated[str, Meta(max_length=64)]
_Text512 = Annotated[str, Meta(max_length=512)]

_UNSUPPORTED = ("background", "conversation", "prompt")
_WITHOUT_EFFECT = ("context_management", "moderation")


class Reasoning(msgspec.Struct):
    """``reasoning``: how much to think, and whether to show a summary."""

    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed", "none"] | None = None
    context: Any = None
    mode: Any = None


class Request(msgspec.Struct, kw_only=True):
    """One ``POST /v1/responses`` body, as the client meant it."""

    model: Annotated[str, Meta(min_length=1)]
    input: str | list[dict[str, Any]] | None = None
    instructions: str | None = None
    stream: bool | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: Annotated[int, Meta(ge=16)] | None = None
    max_tool_calls: Annotated[int, Meta(ge=1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    text: dict[str, Any] | None = None
    reasoning: Reasoning | None = None
    include: list[str] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: Annotated[dict[_Text64, _Text512], Meta(max_length=16)] | None = None
    service_tier: str | None = None
    safety_identifier: Annotated[str, Meta(max_length=128)] | None = None
    user: str | None = None
    prompt_cache_key: str | None = None
    background: Any = None
    conversation: Any = None
    prompt: Any = None
    context_management: Any = None
    moderation: Any = None
    generate: bool | None = None
    extras: Any = None
    """What else the client sent, as it came; no field of the API."""

    def items(self) -> list[dict[str, Any]]:
        """``input`` as items: a string is one user message."""
        if isinstance(self.input, str):
            return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": self.input}]}]
        return self.input or []

    @property
    def format(self) -> dict[str, Any]:
        """``text.format``; plain text unless the client asks for more."""
        return (self.text or {}).get("format") or {"type": "text"}

    @property
    def logprobs(self) -> bool:
        """Whether the client wants log probabilities in the answer."""
        return "message.output_text.logprobs" in (self.include or ())

    def warnings(self) -> list[str]:
        """What was accepted although it has no effect here."""
        ignored = [f"{name} has no effect" for name in _WITHOUT_EFFECT if getattr(self, name)]
        if self.reasoning and self.reasoning.mode:
            ignored.append("reasoning.mode has no effect")
        if self.truncation == "auto":
            ignored.append("truncation auto is treated as disabled")
        return ignored


_decode = msgspec.json.Decoder(Request).decode
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `(?P<place>.*)`)?$", re.DOTALL)


def parse(body: bytes) -> Request:
    """Read a request body.

    Raises ApiError (400, with ``param`` where one is to blame) for what is malformed, out of range, or asks
    for something that cannot be honoured and must not be ignored.
    """
    request = _read(body)
    for name in _UNSUPPORTED:
        if getattr(request, name):
            raise invalid(f"'{name}' is not supported by this server.", name, "unsupported_parameter")
    if request.generate is False:
        raise invalid("'generate: false' is not supported by this server.", "generate", "unsupported_parameter")
    if request.input is None and request.previous_response_id is None:
        raise invalid("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    if request.input == [] and request.previous_response_id is None:
        raise invalid("'input' must hold at least one item.", "input", "empty_array")
    _check_text(request)
    return request


def _read(body: bytes) -> Request:
    try:
        request, given = _decode(body), msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise invalid("We could not parse the JSON body of your request. It must be one JSON object.") from None
    request.extras = {name: value.copy() for name, value in given.items() if name not in request.__struct_fields__}
    return request


def _explain(problem: str) -> ApiError:
    """Name the parameter that a msgspec message is about."""
    match = _PLACE.match(problem)
    what, place = (match["what"], match["place"] or "") if match else (problem, "")
    missing = re.search(r"missing required field `(\w+)`", what)
    if missing:
        return invalid(f"Missing required parameter: '{missing[1]}'.", missing[1], "missing_required_parameter")
    param = place.removeprefix("$").removeprefix(".").replace("[...]", "") or None
    return invalid(f"Invalid value for '{param}': {what.lower()}." if param else what, param, "invalid_value")


def _check_text(request: Request) -> None:
    if (request.text or {}).get("verbosity") not in (None, "low", "medium", "high"):
        raise invalid("'text.verbosity' must be low, medium or high.", "text.verbosity", "invalid_value")
    form = request.format
    if not isinstance(form, dict) or form.get("type") not in ("text", "json_object", "json_schema"):
        raise invalid("'text.format.type' must be text, json_object or json_schema.", "text.format", "invalid_value")
    if form["type"] != "json_schema":
        return
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(form.get("name", ""))):
        raise invalid("'text.format.name' must be 1-64 letters, digits, _ or -.", "text.format.name", "invalid_value")
    if not isinstance(form.get("schema"), dict):
        raise invalid("'text.format.schema' must be a JSON schema.", "text.format.schema", "invalid_value")
