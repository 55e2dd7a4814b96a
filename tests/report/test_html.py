"""The HTML page: what it shows, and that nothing of a target's or an upstream's words is markup."""

from __future__ import annotations

import copy
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conformance.report.document import ResultDocument
from conformance.report.html import html_page, write_html

Golden = Callable[[str, str], None]
HOSTILE = "</code></pre></script><script>alert(1)</script><img src=x onerror=alert(2)> \"'{{ 7 * 7 }}"


class Elements(HTMLParser):
    """The elements of a page, by name with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == name]


def test_page(document: ResultDocument, golden: Golden) -> None:
    """The page of the sample that has every outcome."""
    golden("report.html", html_page(document))


def test_every_rule_and_verdict_has_an_address(document: ResultDocument) -> None:
    """Ids are unique, and each rule and each verdict has one."""
    ids = [attributes["id"] for _, attributes in Elements(html_page(document)).found if "id" in attributes]
    assert len(ids) == len(set(ids))
    for verdict in document["verdicts"]:
        assert {verdict["rule"], f"{verdict['rule']}.{verdict['dialect'] or 'any'}"} <= set(ids)


@pytest.fixture
def hostile(document: ResultDocument) -> ResultDocument:
    """The sample with a hostile text wherever a target, an upstream or a user could put one."""
    changed: Any = copy.deepcopy(document)

    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: spoil(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [spoil(inner) for inner in value]
        return value + HOSTILE if isinstance(value, str) else value

    for verdict in changed["verdicts"]:
        verdict["violations"] = spoil(verdict["violations"])
        verdict["reason"] += HOSTILE
    for key in ("target", "rerun", "trouble"):
        changed[key] = spoil(changed[key])
    changed["trouble"] = [{"blame": "target", "message": HOSTILE, "log": HOSTILE, "dialect": None}]
    return changed  # type: ignore[no-any-return]


def test_a_hostile_text_stays_text(hostile: ResultDocument, document: ResultDocument) -> None:
    """Script, event handlers and template code in a transcript are shown and do nothing."""
    page = Elements(html_page(hostile))
    assert len(page.named("script")) == 1
    assert page.named("img") == []
    assert not [name for _, attributes in page.found for name in attributes if name.startswith("on")]
    assert "{{ 7 * 7 }}" in page.text
    assert "alert(2)" in page.text


def test_nothing_is_fetched(hostile: ResultDocument) -> None:
    """The page names no style sheet, script, image or font elsewhere, and forbids fetching any."""
    page = Elements(html_page(hostile))
    assert [link["href"] for link in page.named("link")] == ["data:,"]
    assert not [attributes for _, attributes in page.found if "src" in attributes or "srcset" in attributes]
    policy = next(meta["content"] for meta in page.named("meta") if "http-equiv" in meta)
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert all(str(link["href"]).startswith(("#", "https://github.com/")) for link in page.named("a"))


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("BerriAI/litellm#20975", "https://github.com/BerriAI/litellm/issues/20975"),
        ("openai/codex PR#1234", "https://github.com/openai/codex/pull/1234"),
    ],
)
def test_threads_are_links(document: ResultDocument, source: str, url: str) -> None:
    """A public thread among the sources can be opened."""
    document["verdicts"][0]["source"] = f"a specification; {source}, and more"
    links = [link["href"] for link in Elements(html_page(document)).named("a")]
    assert url in links


def test_file_is_written(document: ResultDocument, tmp_path: Path) -> None:
    """The page goes where it is asked for, folders included."""
    file = tmp_path / "deep" / "report.html"
    write_html(document, file)
    assert file.read_text(encoding="utf-8") == html_page(document)
