"""Fake upstreams: scripted and recorded replies in the dialects of real services.

with FakeUpstream("vllm") as upstream:
    token = new_token()
    expectation = upstream.expect(token, [Script(parts=(Text(("Hello", " world")),))])
    ...  # a client of upstream.url asks for the model `token`
    expectation.calls
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fakes.correlation import new_token
    from fakes.errors import EncodingError, FakeError, RecordingError
    from fakes.expectation import Expectation
    from fakes.faults import Faults
    from fakes.log import Lag, Objection, Sent, UpstreamCall
    from fakes.recording import Recording
    from fakes.reply import (
        Answer,
        AsFramed,
        ByteByByte,
        Delivery,
        Fault,
        Frame,
        Gated,
        Hostile,
        HttpFailure,
        Reply,
        Verbatim,
        Whole,
    )
    from fakes.script import DIALECTS, Dialect, Finish, Part, Script, Usage
    from fakes.upstream import FakeUpstream

__all__ = [
    "DIALECTS",
    "Answer",
    "AsFramed",
    "ByteByByte",
    "Delivery",
    "Dialect",
    "EncodingError",
    "Expectation",
    "FakeError",
    "FakeUpstream",
    "Fault",
    "Faults",
    "Finish",
    "Frame",
    "Gated",
    "Hostile",
    "HttpFailure",
    "Lag",
    "Objection",
    "Part",
    "Recording",
    "RecordingError",
    "Reply",
    "Script",
    "Sent",
    "UpstreamCall",
    "Usage",
    "Verbatim",
    "Whole",
    "new_token",
]

# Loaded when asked for: who needs only the words of a script (a `--help`) does not wait for a server's imports.
_HOMES: dict[str, tuple[str, ...]] = {
    "fakes.correlation": ("new_token",),
    "fakes.errors": (
        "EncodingError",
        "FakeError",
        "RecordingError",
    ),
    "fakes.expectation": ("Expectation",),
    "fakes.faults": ("Faults",),
    "fakes.log": (
        "Lag",
        "Objection",
        "Sent",
        "UpstreamCall",
    ),
    "fakes.recording": ("Recording",),
    "fakes.reply": (
        "Answer",
        "AsFramed",
        "ByteByByte",
        "Delivery",
        "Fault",
        "Frame",
        "Gated",
        "Hostile",
        "HttpFailure",
        "Reply",
        "Verbatim",
        "Whole",
    ),
    "fakes.script": (
        "DIALECTS",
        "Dialect",
        "Finish",
        "Part",
        "Script",
        "Usage",
    ),
    "fakes.upstream": ("FakeUpstream",),
}


def __getattr__(name: str) -> Any:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
