"""The HTML report in a browser: filters, addresses, keyboard, print, and no word to the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from conformance.report.document import ResultDocument
from conformance.report.html import write_html

SCRIPT = "<script>alert('from a transcript')</script><img src=x onerror=alert(1)>"


def _violation(case: str, actual: str) -> dict[str, Any]:
    return {
        "case": case,
        "summary": "A plain answer.",
        "case_source": "openai/codex#1",
        "message": f"expected a; got {actual}",
        "expected": "a",
        "actual": actual,
        "drive": "stream",
        "exchange": 0,
        "event_index": 1,
        "call": None,
        "expected_reason": None,
        "also_at": [],
        "more_places": 0,
        "evidence": {
            "request": "POST /v1/responses {}",
            "answer": "200, text/event-stream",
            "exchanges": 1,
            "events": [
                {"index": 0, "type": "response.created", "data": "{}", "t": 0.1, "marked": False},
                {"index": 1, "type": "response.completed", "data": actual, "t": 0.2, "marked": True},
            ],
            "events_total": 2,
            "body": None,
            "upstream_chunk": {"call": 0, "write": 0, "writes": 1, "t": 0.1, "word": None, "text": SCRIPT},
            "upstream_request": None,
        },
    }


def _verdict(rule: str, level: str, dialect: str, outcome: str, *violations: dict[str, Any]) -> dict[str, Any]:
    return {
        "rule": rule,
        "area": rule.partition(".")[0],
        "level": level,
        "decides": level in ("must", "integrity"),
        "dialect": dialect,
        "outcome": outcome,
        "reason": "",
        "observed": 1,
        "cases": 1,
        "requirement": f"The requirement of {rule}.",
        "why": "Something breaks.",
        "source": "openai/codex#2",
        "violations": list(violations),
    }


@pytest.fixture
def report(tmp_path: Path) -> str:
    """The address of a page with five rules in two dialects."""
    verdicts = [
        _verdict("stream.created-first", "must", "vllm", "fail", _violation("text.plain", SCRIPT)),
        _verdict("stream.created-first", "must", "messages", "pass"),
        _verdict("stream.done-marker", "recommended", "vllm", "pass"),
        _verdict("usage.total", "integrity", "vllm", "fail", _violation("usage.plain", "two")),
        _verdict("usage.total", "integrity", "messages", "not-applicable"),
        _verdict("usage.details", "should", "messages", "pass"),
        _verdict("error.code", "recommended", "messages", "pass"),
    ]
    document: Any = {
        "format": 1,
        "suite": {"version": "0.1.0", "requirements": None, "recordings": None},
        "target": {"name": "my-proxy", "version": None, "command": None, "features": []},
        "profile": "openai",
        "rerun": ["run", "--target", "my-proxy"],
        "dialects": ["vllm", "messages"],
        "started": None,
        "seconds": 1.0,
        "drives": 2,
        "verdicts": verdicts,
        "causes": [
            {"cause": "no created", "dialects": ["vllm"], "rules": ["stream.created-first"], "fix_first": "usage.total"}
        ],
        "clients": [],
        "trouble": [],
        "partial": [],
        "conformance": "does not conform",
        "exit_code": 1,
    }
    file = tmp_path / "report.html"
    write_html(ResultDocument(**document), file)
    return file.as_uri()


def shown(page: Page) -> list[str]:
    """The rules that are to be seen."""
    rules = page.locator(".rule").filter(visible=True)
    return [str(rule.get_attribute("id")) for rule in rules.all()]


def test_filters(page: Page, report: str) -> None:
    """Text, dialect, level, area and outcome each narrow the list, alone and together; the button takes all back."""
    page.goto(report)
    every = shown(page)
    assert len(every) == 5
    page.get_by_label("text").fill("usage det")
    assert shown(page) == ["usage.details"]
    page.get_by_role("button", name="all rules").click()
    expect(page.locator("output")).to_have_text("5 of 5 rules")
    page.get_by_label("level").select_option("recommended")
    assert shown(page) == ["error.code", "stream.done-marker"]
    page.get_by_label("area").select_option("stream")
    assert shown(page) == ["stream.done-marker"]
    page.get_by_role("button", name="all rules").click()
    expect(page.locator("output")).to_have_text("5 of 5 rules")
    page.get_by_label("outcome").select_option("fail")
    assert shown(page) == ["stream.created-first", "usage.total"]
    page.get_by_label("dialect").select_option("messages")
    assert shown(page) == []
    assert page.locator("output").inner_text() == "0 of 5 rules"


def test_a_filtered_dialect_is_not_told(page: Page, report: str) -> None:
    """With a dialect chosen, the verdicts of the others are hidden inside the rules too."""
    page.goto(f"{report}#stream.created-first")
    page.get_by_label("dialect").select_option("messages")
    rule = page.locator("[id='stream.created-first']")
    assert rule.get_by_role("heading", name="text.plain").is_hidden()
    assert page.locator("[id='stream.created-first.messages']").is_visible()


@pytest.mark.parametrize("address", ["usage.total", "usage.total.vllm"])
def test_addresses_open(page: Page, report: str, address: str) -> None:
    """A link to a rule or a verdict opens it and brings it into view."""
    page.goto(f"{report}#{address}")
    target = page.locator(f"[id='{address}']")
    assert page.locator("[id='usage.total']").get_attribute("open") is not None
    expect(target).to_be_in_viewport()


def test_an_address_undoes_filters_that_hide_it(page: Page, report: str) -> None:
    """Following a link to a rule that the filters hide shows it."""
    page.goto(report)
    page.get_by_label("area").select_option("error")
    page.get_by_role("link", name="usage.total").click()
    assert page.locator("[id='usage.total.vllm']").is_visible()


def test_keyboard(page: Page, report: str) -> None:
    """The slash goes to the text filter; tab and enter open a rule."""
    page.goto(report)
    page.keyboard.press("/")
    page.keyboard.type("done-marker")
    assert shown(page) == ["stream.done-marker"]
    page.locator("[id='stream.done-marker'] summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("[id='stream.done-marker.vllm']").is_visible()


def test_a_script_in_a_transcript_stays_text(page: Page, report: str) -> None:
    """What a target and its upstream said is shown as text: no element is made of it, nothing runs."""
    page.goto(f"{report}#stream.created-first.vllm")
    assert page.locator("[id='stream.created-first.vllm'] pre").filter(has_text=SCRIPT).is_visible()
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1


def test_nothing_is_asked_of_the_network(page: Page, report: str, asked: list[str]) -> None:
    """Opening, filtering and following its links asks for the file itself and nothing else."""
    page.goto(report)
    page.get_by_label("outcome").select_option("fail")
    page.locator("[id='usage.total'] summary").click()
    page.wait_for_load_state("networkidle")
    assert {url.partition("#")[0] for url in asked if not url.startswith("data:")} == {report}


def test_print_opens_failures(page: Page, report: str) -> None:
    """On paper the failures are open and the filters are gone."""
    page.goto(report)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("[id='usage.total.vllm']").is_visible()
    assert page.locator("#filters").is_hidden()


def test_without_script_all_can_be_read(browser: Any, report: str) -> None:
    """With scripts off there are no filters, and every rule is there to open."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report)
    assert page.locator("#filters").is_hidden()
    assert page.locator(".rule").count() == 5
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(page: Page, report: str, scheme: Any) -> None:
    """In light and in dark, text, links and outcomes have a contrast of 4.5 to 1 with the ground (WCAG 2.2, 1.4.3)."""
    page.emulate_media(color_scheme=scheme)
    page.goto(report)
    ratios = page.evaluate(
        """() => {
          const channels = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
          const light = (colour) => {
            const [r, g, b] = channels(colour).map((value) => {
              const part = value / 255;
              return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ground = light(getComputedStyle(document.body).backgroundColor);
          return [...document.querySelectorAll("body, a:not(.skip), .outcome, .requirement, dt")].map((part) => {
            const ink = light(getComputedStyle(part).color);
            return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
          });
        }"""
    )
    assert min(ratios) >= 4.5
