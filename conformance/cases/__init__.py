"""The cases: situations that are driven through a target."""

from __future__ import annotations

from functools import lru_cache

from conformance.cases.case import DEFAULT_DRIVES, Case, Turn

__all__ = ["DEFAULT_DRIVES", "Case", "Turn", "all_cases", "get"]


@lru_cache(maxsize=1)
def all_cases() -> tuple[Case, ...]:
    """Every case: scripted ones first, then the saved generated ones, then one a recording.

    Raises RecordingError for a broken recording, UsageError for a broken file of a saved case.
    """
    from conformance.cases import (
        attachments,
        bounds,
        burdens,
        call_ids,
        calls,
        clients,
        compacted,
        deviations,
        endings,
        endpoints,
        exact,
        failures,
        history,
        images,
        impossible,
        large,
        leaving,
        limits,
        live,
        loops,
        odd_requests,
        odd_streams,
        passed_settings,
        reasoning,
        requests,
        settings,
        special_tools,
        state,
        stored,
        text,
        tool_names,
        usage,
        wire,
    )
    from conformance.cases.recorded import recorded_cases
    from conformance.cases.saved import saved_cases

    # Those that wait come first: the others are driven while they do.
    families = (
        leaving,
        burdens,
        text,
        reasoning,
        calls,
        endings,
        endpoints,
        wire,
        deviations,
        odd_streams,
        usage,
        failures,
        requests,
        passed_settings,
        images,
        large,
        history,
        exact,
        loops,
        odd_requests,
        clients,
        special_tools,
        tool_names,
        limits,
        attachments,
        settings,
        bounds,
        call_ids,
        impossible,
        state,
        stored,
        compacted,
        live,
    )
    return tuple(case for family in families for case in family.CASES) + saved_cases() + recorded_cases()


def get(case_id: str) -> Case:
    """The case of that id. Raises KeyError when there is none."""
    return {case.id: case for case in all_cases()}[case_id]
