"""What real services refuse, and how: the validation of requests that reach a fake upstream.

A request is judged by the parameter types of the service's official SDK, walked to the leaves, and by rules that
types cannot say. Each objection has a rule's id, the place, the service's words, a public source, its status and body.
"""

from __future__ import annotations

from fakes.validation.chat import SOURCES as CHAT_RULES
from fakes.validation.chat import chat_objections
from fakes.validation.messages import SOURCES as MESSAGES_RULES
from fakes.validation.messages import messages_objections
from fakes.validation.profile import MessagesProfile, profile_of
from fakes.validation.vllm import SOURCES as VLLM_RULES
from fakes.validation.vllm import vllm_objections

__all__ = [
    "CHAT_RULES",
    "MESSAGES_RULES",
    "VLLM_RULES",
    "MessagesProfile",
    "chat_objections",
    "messages_objections",
    "profile_of",
    "vllm_objections",
]
