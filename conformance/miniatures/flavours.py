"""Flavours: the legal ways in which right targets differ."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["FLAVOURS", "Flavour"]


@dataclass(frozen=True, kw_only=True)
class Flavour:
    """One right way to write a stream. `profiles` are the specification profiles that allow it.

    `reasoning`: "summary" events, "raw" ones under OpenAI's names or "raw-open-responses" under the other's;
    `parts` false leaves out the parts around raw reasoning (legal for OpenAI only). `merge` joins so many upstream
    fragments into one delta; below 1 it cuts them. `split_parts` gives texts and summaries in two parts each.
    `id_form` is "prefixed" (`msg_...`) or "plain". `whole_response` false leaves out the fields of the Response
    that only Open Responses requires, and shortens a failed one to four keys as OpenAI does. `call_fields` false
    leaves `id` and `status` out of calls; `call_deltas` false announces a call whole, without deltas. `gaps`
    numbers the output items 0, 2, 4. `overlap` opens all calls before it closes one, `early` all items before any
    has content. Of the `keep_alives`, "slug" is an event of the implementation's own.
    """

    name: str
    summary: str
    profiles: tuple[str, ...]
    reasoning: Literal["summary", "raw", "raw-open-responses"] = "summary"
    parts: bool = True
    done_marker: bool = True
    first_number: int = 0
    named: bool = True
    merge: float = 1
    split_parts: bool = False
    id_form: Literal["prefixed", "plain"] = "prefixed"
    call_ids: Literal["upstream", "own"] = "upstream"
    whole_response: bool = True
    call_fields: bool = True
    call_deltas: bool = True
    gaps: bool = False
    overlap: bool = False
    early: bool = False
    keep_alives: tuple[Literal["in_progress", "keepalive", "comment", "slug"], ...] = ()
    obfuscation: bool = False
    reversed_keys: bool = False
    error_event: bool = False


_ALL = ("openai", "open-responses", "superset")

FLAVOURS: MappingProxyType[str, Flavour] = MappingProxyType(
    {
        flavour.name: flavour
        for flavour in (
            Flavour(
                name="plain",
                summary="Summaries, [DONE], numbers from 0: what every profile and every measured client takes.",
                profiles=_ALL,
            ),
            Flavour(
                name="patient",
                summary="Merged deltas, other ids, keys in another order, keep-alives with the items so far.",
                profiles=_ALL,
                merge=2,
                first_number=1,
                id_form="plain",
                call_ids="own",
                keep_alives=("in_progress", "comment"),
                reversed_keys=True,
            ),
            Flavour(
                name="openai",
                summary="As OpenAI itself: raw reasoning_text, no [DONE], obfuscation, keepalive, short failures.",
                profiles=("openai",),
                reasoning="raw",
                done_marker=False,
                whole_response=False,
                obfuscation=True,
                keep_alives=("keepalive",),
                error_event=True,
            ),
            Flavour(
                name="open-responses",
                summary="As Open Responses names it: response.reasoning.delta, everything present, [DONE].",
                profiles=("open-responses",),
                reasoning="raw-open-responses",
                id_form="plain",
                keep_alives=("slug",),
                error_event=True,
            ),
            Flavour(
                name="loose",
                summary="As little as OpenAI's types allow: no parts around raw reasoning, calls in one shot.",
                profiles=("openai",),
                reasoning="raw",
                parts=False,
                named=False,
                done_marker=False,
                whole_response=False,
                call_fields=False,
                call_deltas=False,
                gaps=True,
            ),
            Flavour(
                name="overlapping",
                summary="Parallel calls are all opened before the first is closed, and close in reverse order.",
                profiles=_ALL,
                overlap=True,
            ),
            Flavour(
                name="divided",
                summary="Two parts where others have one, two deltas a fragment, all items opened at the beginning.",
                profiles=_ALL,
                merge=0.5,
                split_parts=True,
                early=True,
            ),
        )
    }
)
