"""JUnit XML: one test case a rule and dialect; failures are failures, errors errors, the rest is skipped."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from conformance.report.document import ResultDocument, VerdictEntry
from conformance.report.failure import item_name, verdict_message
from conformance.report.style import clean
from conformance.report.tally import headline
from conformance.verdict import Outcome

__all__ = ["junit_xml", "write_junit"]

SUITE = "responses-conformance"

_TAGS: dict[str, str] = {
    Outcome.FAIL: "failure",
    Outcome.STALE: "failure",
    Outcome.SETUP_ERROR: "error",
    Outcome.HARNESS_ERROR: "error",
    Outcome.EXPECTED_FAIL: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
}


def junit_xml(document: ResultDocument) -> str:
    """The document as JUnit XML. What hindered the whole run is an error of a test case of its own, `run`."""
    suite = ET.Element("testsuite", name=SUITE)
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(document).items():
        ET.SubElement(properties, "property", name=name, value=clean(value))
    counts = {"failure": 0, "error": 0, "skipped": 0}
    for verdict in document["verdicts"]:
        tag = _verdict(suite, verdict, document["rerun"])
        if tag:
            counts[tag] += 1
    for trouble in document["trouble"]:
        case = ET.SubElement(
            suite, "testcase", classname=SUITE, name=item_name("run", trouble["dialect"]), time="0.000"
        )
        error = ET.SubElement(case, "error", type=f"{trouble['blame']}-error", message=_first_line(trouble["message"]))
        error.text = clean("\n".join(filter(None, (trouble["message"], trouble["log"]))))
        counts["error"] += 1
    totals: dict[str, str] = {
        "tests": str(len(document["verdicts"]) + len(document["trouble"])),
        "failures": str(counts["failure"]),
        "errors": str(counts["error"]),
        "time": f"{document['seconds']:.3f}",
    }
    suite.attrib.update(totals, skipped=str(counts["skipped"]))
    if document["started"]:
        suite.set("timestamp", document["started"])
    root = ET.Element("testsuites", {"name": SUITE, **totals})
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def write_junit(document: ResultDocument, file: Path) -> None:
    """Write the XML, in UTF-8."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(junit_xml(document), encoding="utf-8")


def _properties(document: ResultDocument) -> dict[str, str]:
    target, suite = document["target"], document["suite"]
    return {
        "target": " ".join(filter(None, (target["name"], target["version"]))),
        "profile": document["profile"],
        "suite-version": suite["version"],
        "requirements": suite["requirements"] or "newest",
        "verdict": headline(document),
        "exit-code": str(document["exit_code"]),
    }


def _verdict(suite: ET.Element, verdict: VerdictEntry, rerun: list[str]) -> str | None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"{SUITE}.{verdict['area']}",
        name=item_name(verdict["rule"], verdict["dialect"]),
        time="0.000",
    )
    tag = _TAGS.get(verdict["outcome"])
    if tag is None:
        return None
    element = ET.SubElement(case, tag, type=verdict["outcome"], message=_message(verdict))
    if verdict["violations"] and tag != "skipped":
        element.text = clean(verdict_message(verdict, rerun))
    return tag


def _message(verdict: VerdictEntry) -> str:
    if verdict["reason"]:
        return _first_line(verdict["reason"])
    if not verdict["violations"]:
        return verdict["outcome"]
    first = verdict["violations"][0]
    return _first_line(first["expected_reason"] or f"{first['case']}: {first['message']}")


def _first_line(text: str) -> str:
    return clean(text.partition("\n")[0])
