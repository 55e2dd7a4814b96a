"""Looking over a folder of recordings: the format, the places, and what must not be published."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fakes.recording import default_root, find
from fakes.recording_format import Problem, examine

__all__ = ["SECRETS", "lint", "scan"]

SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("an API key", re.compile(r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{6,}|\bhf_[A-Za-z0-9]{20,}|\bgsk_[A-Za-z0-9]{20,}")),
    ("an API key", re.compile(r"\bAKIA[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}|\bgh[pousr]_[A-Za-z0-9]{20,}")),
    ("a bearer value", re.compile(r"\bBearer\s+[A-Za-z0-9._~+/-]{6,}", re.IGNORECASE)),
    ("a JSON web token", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}")),
    (
        "a header that identifies somebody",
        re.compile(
            r'"(?:set-cookie|cookie|authorization|proxy-authorization|x-api-key|api-key|x-goog-api-key'
            r'|openai-organization|openai-project|anthropic-organization-id|x-forwarded-for|cf-ray)"\s*[:,]',
            re.IGNORECASE,
        ),
    ),
    ("an organisation or project id", re.compile(r"\b(?:org|proj|user)[-_][A-Za-z0-9]{16,}")),
    (
        "a private or local address",
        re.compile(
            r"\b(?:127\.\d+|10\.\d+|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+\b"
            r"|\blocalhost:\d+|\bf[cd][0-9a-f]{2}:[0-9a-f:]+|\bfe80::",
            re.IGNORECASE,
        ),
    ),
    (
        "a path of somebody's machine",
        re.compile(r"(?<![\w.])/(?:home|root|Users|tmp|work|mnt|srv)/[\w.-]+|\b[A-Z]:\\\\?Users"),
    ),
    ("an e-mail address", re.compile(r"\b[\w.+-]+@[\w-]+\.[A-Za-z]{2,}\b")),
)
"""What must not be in a recording, in words, and the pattern that finds it."""

_BESIDE = frozenset({"__init__.py", "README.md"})


def lint(root: Path | None = None) -> list[Problem]:
    """Everything wrong with the recordings below a root (default: those that ship), by file."""
    root = root or default_root()
    folders = find(root)
    if not folders:
        fix = "name a folder with <dialect>/<server>-<version>/<name>/recording.toml below it"
        return [Problem(root, "there are no recordings here", fix)]
    problems = [problem for folder in folders for problem in _folder(root, folder)]
    problems.extend(_strays(root, set(folders)))
    return sorted(problems, key=lambda problem: (str(problem.file), problem.line or 0))


def _folder(root: Path, folder: Path) -> Iterator[Problem]:
    contents = examine(folder)
    yield from contents.problems
    about = contents.documents.get("recording.toml")
    if about is not None:
        yield from _place(root, folder, about)
    for file in sorted(folder.iterdir()):
        if file.is_file():
            yield from scan(file)


def _place(root: Path, folder: Path, about: dict[str, Any]) -> Iterator[Problem]:
    words = [about["server"], about["version"], about.get("configuration")]
    wanted = f"{about['dialect']}/{'-'.join(filter(None, words))}/{folder.name}"
    actual = folder.relative_to(root).as_posix()
    if actual != wanted:
        said = f"by its recording.toml it belongs in {wanted}, it lies in {actual}"
        yield Problem(folder, said, "move it, or correct dialect, server, version or configuration")


def _strays(root: Path, folders: set[Path]) -> Iterator[Problem]:
    """Files that no recording owns; and incomplete recordings, which nothing would read."""
    known = {"recording.toml", "request.json", "response.json", "chunks.jsonl"}
    for file in sorted(root.rglob("*")):
        if file.is_dir() or "__pycache__" in file.parts or (file.parent == root and file.name in _BESIDE):
            continue
        if file.parent not in folders:
            yield Problem(file, "this belongs to no recording", "add the recording.toml beside it, or remove it")
        elif file.name not in known and not file.name.startswith("body."):
            yield Problem(file, "a recording has no such file", "remove it")


def scan(file: Path) -> Iterator[Problem]:
    """What in a file must not be published. What was found is shown shortened."""
    text = file.read_bytes().decode(errors="replace")
    for what, pattern in SECRETS:
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            shown = f"{match.group()[:9]}..." if len(match.group()) > 12 else match.group()
            fix = "replace it by something made up of the same length, and say so in redactions"
            yield Problem(file, f"{what}: {shown}", fix, line)
