"""Fake upstreams: scripted and recorded replies in the dialects of real services.

    with FakeUpstream("vllm") as upstream:
        token = new_token()
        expectation = upstream.expect(token, [Script(parts=(Text(("Hello", " world")),))])
        ...  # a client of upstream.url asks for the model `token`
        expectation.calls
"""

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
