"""Calls that a client had ruled out: an upstream that makes them all the same may be told of as a failure."""

from __future__ import annotations

from dataclasses import replace

from conformance.asked import Asked
from conformance.said import EndState, Said

__all__ = ["tolerating"]

_TOLD: frozenset[EndState] = frozenset({"failed", "http-error"})


def tolerating(said: Said, asked: Asked | None) -> Said:
    """What the upstream said, with failure among its legal ends where it called a tool that the client had ruled out.

    Open Responses 2026-04-24 makes `allowed_tools` a hard constraint, and leaves open what a server does with an
    upstream that breaks it: it may keep the call back, or end the response, and has then no reason to read on.
    """
    if asked is None or not _breaks_a_choice(said, asked):
        return said
    return replace(said, ends=said.ends | _TOLD, abandoned=False)


def _breaks_a_choice(said: Said, asked: Asked) -> bool:
    choice = asked.choice
    if choice.kind == "none":
        return bool(said.calls)
    names = {"allowed": choice.names, "named": (choice.name,)}.get(choice.kind)
    declared = {tool.name for tool in asked.tools if tool.kind == "function" and not tool.namespace}
    return names is not None and any(call.name in declared - set(names) for call in said.calls)
