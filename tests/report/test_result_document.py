"""The result document: its schema, its exit code, and its verdict in words."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from conformance.errors import UsageError
from conformance.report import SCHEMA_FILE, ResultDocument, check_document, headline, load_document, write_json
from conformance.rules import Level, Place
from conformance.verdict import Outcome


def test_the_schema_is_a_schema() -> None:
    """The schema is valid by its own meta-schema."""
    Draft202012Validator.check_schema(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


def test_the_sample_is_valid(document: ResultDocument) -> None:
    """A document with every outcome is accepted."""
    assert check_document(document) is document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("verdicts", 0, "outcome"), "passed"),
        (("verdicts", 0, "level"), "may"),
        (("verdicts", 0, "observed"), -1),
        (("verdicts", 0, "violations", 0, "event_index"), "0"),
        (("verdicts", 0, "violations", 0, "evidence", "events", 0, "marked"), 1),
        (("conformance",), "passes"),
        (("exit_code",), 3),
        (("suite", "version"), None),
        (("causes", 0, "rules"), []),
        (("trouble",), [{"blame": "me", "message": "", "log": ""}]),
    ],
)
def test_the_schema_refuses_a_wrong_leaf(document: ResultDocument, path: tuple[Any, ...], value: object) -> None:
    """One wrong value at any depth is refused, and the message says where it stands."""
    wrong: Any = copy.deepcopy(document)
    holder = wrong
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    with pytest.raises(UsageError, match=str(path[0])):
        check_document(wrong)


def test_every_key_of_the_document_is_in_the_schema(document: ResultDocument) -> None:
    """The schema describes all keys that the suite writes, at every level: none is forgotten."""
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))

    def closed(node: Any) -> Any:
        if isinstance(node, dict):
            more = {"additionalProperties": False} if "properties" in node else {}
            return {key: closed(value) for key, value in node.items()} | more
        return [closed(value) for value in node] if isinstance(node, list) else node

    Draft202012Validator(closed(schema)).validate(document)


def test_a_document_survives_its_file(document: ResultDocument, tmp_path: Path) -> None:
    """What was written is what is read."""
    write_json(document, tmp_path / "new" / "result.json")
    assert load_document(tmp_path / "new" / "result.json") == document


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99, "verdicts": []}', '{"verdicts": 3}'])
def test_a_file_that_is_no_document_is_refused_by_name(text: str, tmp_path: Path) -> None:
    """A wrong file is a usage error that names the file."""
    file = tmp_path / "wrong.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"wrong\.json"):
        load_document(file)


def _document(samples: Any, *outcomes: tuple[Outcome, Level], **more: Any) -> ResultDocument:
    transcript = samples.make_transcript()
    finding = samples.make_finding(transcript, Place("stream", 0, 0), "a", "b")
    broken = (Outcome.FAIL, Outcome.EXPECTED_FAIL)
    verdicts = [
        samples.make_verdict(
            samples.make_rule(f"area.rule-{at}", level), outcome, *([finding] if outcome in broken else [])
        )
        for at, (outcome, level) in enumerate(outcomes)
    ]
    document: ResultDocument = samples.document_of(verdicts, **more)
    return document


TARGET_TROUBLE = [{"blame": "target", "message": "it did not start", "log": "", "dialect": "vllm"}]


@pytest.mark.parametrize(
    ("outcomes", "more", "exit_code", "conformance"),
    [
        ([(Outcome.PASS, Level.MUST)], {}, 0, "conforms"),
        ([(Outcome.PASS, Level.MUST), (Outcome.NOT_APPLICABLE, Level.MUST)], {}, 0, "conforms"),
        ([(Outcome.PASS, Level.MUST)], {"partial": ["no images"]}, 0, "partial"),
        ([(Outcome.PASS, Level.MUST), (Outcome.FAIL, Level.SHOULD)], {}, 0, "conforms"),
        ([(Outcome.PASS, Level.MUST), (Outcome.FAIL, Level.RECOMMENDED)], {}, 0, "conforms"),
        ([(Outcome.PASS, Level.MUST), (Outcome.FAIL, Level.MUST)], {}, 1, "does not conform"),
        ([(Outcome.PASS, Level.MUST), (Outcome.FAIL, Level.INTEGRITY)], {}, 1, "does not conform"),
        ([(Outcome.EXPECTED_FAIL, Level.MUST)], {}, 0, "does not conform"),
        ([(Outcome.EXPECTED_FAIL, Level.SHOULD)], {}, 0, "conforms"),
        ([(Outcome.STALE, Level.SHOULD)], {}, 1, "conforms"),
        ([(Outcome.FAIL, Level.MUST), (Outcome.SETUP_ERROR, Level.MUST)], {}, 2, "does not conform"),
        ([(Outcome.PASS, Level.MUST), (Outcome.HARNESS_ERROR, Level.SHOULD)], {}, 2, "could not be judged"),
        ([(Outcome.NOT_APPLICABLE, Level.MUST)], {}, 2, "could not be judged"),
        ([], {}, 2, "could not be judged"),
        ([], {"trouble": TARGET_TROUBLE}, 2, "could not be judged"),
        ([(Outcome.PASS, Level.MUST)], {"trouble": TARGET_TROUBLE}, 2, "could not be judged"),
    ],
)
def test_exit_code_and_verdict(
    samples: Any, outcomes: list[tuple[Outcome, Level]], more: dict[str, Any], exit_code: int, conformance: str
) -> None:
    """Only `must` and `integrity` decide; trouble beats violations; judging nothing is trouble, not success."""
    document = _document(samples, *outcomes, **more)
    assert (document["exit_code"], document["conformance"]) == (exit_code, conformance)
    assert "my-proxy 1.2" in headline(document)


def test_no_percentage_anywhere(document: ResultDocument) -> None:
    """Outcomes are counted apart; no report adds them into one percentage."""
    from conformance.report import console_report, markdown_summary

    assert "%" not in console_report(document, verbose=True) + markdown_summary(document)
