"""Reports: the result document, and what is made from it.

verdicts ──▶ result document ──▶ console · JSON · JUnit XML · Markdown
"""

from conformance.report.causes import Pattern, group_causes
from conformance.report.console import LineProgress, console_report
from conformance.report.document import FORMAT, SCHEMA_FILE, ResultDocument, check_document, load_document
from conformance.report.failure import failure_message, item_name, rerun_line, verdict_message
from conformance.report.json_result import build_document, write_json
from conformance.report.junit import junit_xml, write_junit
from conformance.report.markdown import markdown_summary, write_markdown
from conformance.report.style import PLAIN, Style, clean, wants_colour
from conformance.report.tally import headline

__all__ = [
    "FORMAT",
    "PLAIN",
    "SCHEMA_FILE",
    "LineProgress",
    "Pattern",
    "ResultDocument",
    "Style",
    "build_document",
    "check_document",
    "clean",
    "console_report",
    "failure_message",
    "group_causes",
    "headline",
    "item_name",
    "junit_xml",
    "load_document",
    "markdown_summary",
    "rerun_line",
    "verdict_message",
    "wants_colour",
    "write_json",
    "write_junit",
    "write_markdown",
]
