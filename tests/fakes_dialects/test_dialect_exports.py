"""What the two packages promise to export."""

from __future__ import annotations

import pytest

import fakes.dialects
import fakes.validation
from fakes.script import DIALECTS


def test_exports():
    """The public names are these."""
    assert fakes.dialects.__all__ == [
        "QUIRKS",
        "QUIRK_DOCS",
        "ChatCompletions",
        "Messages",
        "MessagesProfile",
        "Quirk",
        "Vllm",
        "WireDialect",
        "get",
    ]
    assert fakes.validation.__all__ == [
        "CHAT_RULES",
        "MESSAGES_RULES",
        "VLLM_RULES",
        "MessagesProfile",
        "chat_objections",
        "messages_objections",
        "profile_of",
        "vllm_objections",
    ]


@pytest.mark.parametrize("name", DIALECTS)
def test_each_dialect_is_there(name):
    """Each dialect is got by its name; another name is a KeyError."""
    assert fakes.dialects.get(name).name == name
    with pytest.raises(KeyError):
        fakes.dialects.get("telepathy")
