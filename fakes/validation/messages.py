"""Validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fakes.log import Objection


def messages_objections(headers: Mapping[str, str], body: Any, profile: Any = None) -> tuple[Objection, ...]:
    """Nothing yet."""
    return ()
