"""The result document: the one JSON value that every report is made from (schema: `result.schema.json`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

from conformance.errors import UsageError

__all__ = [
    "FORMAT",
    "SCHEMA_FILE",
    "CauseEntry",
    "ClientEntry",
    "EventLine",
    "Evidence",
    "PlaceEntry",
    "ReasonEntry",
    "ResultDocument",
    "SuiteEntry",
    "TargetEntry",
    "TroubleEntry",
    "UpstreamChunk",
    "UpstreamRequest",
    "VerdictEntry",
    "ViolationEntry",
    "check_document",
    "load_document",
]

FORMAT = 1
"""Changes when a reader of the format before it would misread it; new keys alone do not change it."""

SCHEMA_FILE = Path(__file__).with_name("result.schema.json")


class SuiteEntry(TypedDict):
    """Which suite judged: version, frozen requirement set (None: newest rules), digest of the recordings."""

    version: str
    requirements: str | None
    recordings: str | None


class TargetEntry(TypedDict):
    """What was judged. `features` are those that it declares."""

    name: str
    version: str | None
    command: str | None
    features: list[str]


class PlaceEntry(TypedDict):
    """Where in the case's transcript; indexes count from 0."""

    drive: str
    exchange: int
    event_index: int | None
    call: int | None


class EventLine(TypedDict):
    """One event of the target's stream, its data shortened; `t` is seconds since the start of the drive."""

    index: int
    type: str
    data: str
    t: float
    marked: bool


class UpstreamChunk(TypedDict):
    """What the upstream had said that the event answers to, decoded: it ended with write `write` of `writes`.

    `word` is what it was found by; None where it is the last thing said before the event came.
    """

    call: int
    write: int
    writes: int
    t: float
    word: str | None
    text: str


class UpstreamRequest(TypedDict):
    """A request that the upstream received, and for what the real service would have refused it."""

    call: int
    line: str
    headers: list[str]
    body: str
    objections: list[str]


class Evidence(TypedDict):
    """What a reader needs to see of the transcript, already shortened."""

    request: str
    answer: str
    exchanges: int
    events: list[EventLine]
    events_total: int
    body: str | None
    upstream_chunk: UpstreamChunk | None
    upstream_request: UpstreamRequest | None


class ViolationEntry(TypedDict):
    """One violation. `message` is one line; `evidence` is None where enough others of its verdict have theirs.

    `also_at` has the first further places that say the same; `more_places` counts those that it leaves out.
    """

    case: str
    summary: str
    case_source: str
    message: str
    expected: str
    actual: str
    drive: str
    exchange: int
    event_index: int | None
    call: int | None
    expected_reason: str | None
    also_at: list[PlaceEntry]
    more_places: int
    evidence: Evidence | None


class VerdictEntry(TypedDict):
    """The outcome of one rule in one dialect."""

    rule: str
    area: str
    level: str
    decides: bool
    dialect: str | None
    outcome: str
    reason: str
    observed: int
    cases: int
    requirement: str
    why: str
    source: str
    violations: list[ViolationEntry]


class CauseEntry(TypedDict):
    """Failing rules that one thing explains, in each of the dialects; the most telling rule comes first."""

    cause: str
    dialects: list[str | None]
    rules: list[str]
    fix_first: str


class ReasonEntry(TypedDict):
    """A rule that a client needs and the target breaks: what becomes of its turn, and one violation that shows it."""

    rule: str
    effect: str
    how: str
    source: str
    dialects: list[str | None]
    case: str
    message: str


class ClientEntry(TypedDict):
    """Whether a client can be used with the target, by the rules that it needs; the worst reason comes first.

    `rules` are those of the dialects that were driven, `held` of them were seen to hold, `unjudged` had no evidence.
    """

    client: str
    title: str
    version: str
    state: str
    rules: int
    held: int
    unjudged: list[str]
    reasons: list[ReasonEntry]


class TroubleEntry(TypedDict):
    """Why the job could not be done. `blame`: "target" or "harness"; `log`: the end of the target's output."""

    blame: str
    message: str
    log: str
    dialect: str | None


class ResultDocument(TypedDict):
    """A whole run. `rerun` is the command line that repeats it, without selection: `["run", "--target", ...]`.

    `notes` are sentences for the reader; without any the key is absent.
    """

    format: int
    suite: SuiteEntry
    target: TargetEntry
    profile: str
    rerun: list[str]
    dialects: list[str]
    started: str | None
    seconds: float
    drives: int
    verdicts: list[VerdictEntry]
    causes: list[CauseEntry]
    clients: list[ClientEntry]
    trouble: list[TroubleEntry]
    partial: list[str]
    notes: NotRequired[list[str]]
    conformance: str
    exit_code: int


def check_document(document: Any) -> ResultDocument:
    """The document, if its schema accepts it. Raises UsageError with the first thing wrong and where it is."""
    from jsonschema import Draft202012Validator  # slow to import, and only files from outside need it

    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    found = isinstance(document, dict) and document.get("format")
    if isinstance(document, dict) and "verdicts" in document and found != FORMAT:
        raise UsageError(f"result format {found!r} is not {FORMAT}: read it with the suite that wrote it")
    errors = sorted(Draft202012Validator(schema).iter_errors(document), key=lambda error: list(map(str, error.path)))
    if errors:
        wrong = f"{errors[0].json_path}: {errors[0].message[:200]}"
        raise UsageError(f"no result of `run --json` ({wrong})")
    document.setdefault("clients", [])  # older suites did not write it
    return cast(ResultDocument, document)


def load_document(file: Path) -> ResultDocument:
    """Read a result that `run --json` wrote. Raises UsageError for a file that cannot be read or is none."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8; give a file that `run --json` wrote") from error
    except ValueError as error:
        raise UsageError(f"{file}: not JSON ({error}); give a file that `run --json` wrote") from error
    try:
        return check_document(document)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
