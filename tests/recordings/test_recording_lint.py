"""The lint: what ships is clean, and everything that must not be in it is found."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fakes.recording import Recording, default_root, write
from fakes.recording_lint import lint, scan


def test_the_shipped_are_clean() -> None:
    """Nothing is wrong with the recordings that ship."""
    assert [str(problem) for problem in lint()] == []


def test_a_good_folder_is_clean(folder: Path, tmp_path: Path) -> None:
    """Nothing is wrong with a recording that is right."""
    assert folder.is_dir()
    assert lint(tmp_path) == []


SECRETS = {
    "API key": "an API key: sk-abcdefghijklmnop",
    "Anthropic key": "sk-ant-api03-abcdefghijkl",
    "AWS key": "AKIAABCDEFGHIJKLMNOP",
    "Google key": "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "GitHub token": "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "Hugging Face token": "hf_abcdefghijklmnopqrstuvwxyz",
    "bearer": "Authorization: Bearer abcdef123456",
    "web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc",
    "cookie": '["set-cookie", "a=b"]',
    "key header": '{"x-api-key": "anything"}',
    "organisation header": '{"openai-organization": "acme"}',
    "organisation": "in organization org-abcdefghijklmnop1234",
    "project": "proj_abcdefghijklmnop1234",
    "loopback": "listening on 127.0.0.1:8000",
    "private 10": "from 10.1.2.3",
    "private 172": "from 172.20.1.1",
    "private 192": "from 192.168.0.17",
    "link-local": "from 169.254.169.254",
    "host and port": "http://localhost:8000/v1",
    "home": "File /home/alice/server.py",
    "root": 'loading "/root/models/x.gguf"',
    "macOS home": "/Users/alice/models",
    "file URL": "file:///home/alice/x",
    "temporary": "/tmp/model",
    "mail": "alice@example.com",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_secrets_are_found(tmp_path: Path, recording: Recording, text: str) -> None:
    """Keys, tokens, cookies, organisation ids, private addresses and paths are found, with their line."""
    body = f"first line\nsecond {text} line\n".encode()
    leaky = dataclasses.replace(
        recording, headers=(), body=body, chunks=(dataclasses.replace(recording.chunks[0], n=len(body)),)
    )
    write(tmp_path / leaky.name, leaky)
    problems = lint(tmp_path)
    assert [(problem.file.name, problem.line) for problem in problems] == [("body.bin", 2)] * len(problems)
    assert problems
    assert "redactions" in problems[0].fix


def test_secrets_are_not_repeated(tmp_path: Path) -> None:
    """A report shows only the beginning of what it found."""
    file = tmp_path / "x"
    file.write_text("sk-abcdefghijklmnop", "utf-8")
    assert [problem.problem for problem in scan(file)] == ["an API key: sk-abcdef..."]


@pytest.mark.parametrize(
    "text",
    [
        "vLLM 0.32.0, llama.cpp 0.5.0-dev, 1.2.3",
        "https://docs.claude.com/en/api/errors",
        '{"id":"chatcmpl-a8f095f275e5198d","model":"models-dir/tiny-llama@main"}',
        "call_a1B2c3D4e5F6g7H8i9J0k1L2 toolu_01T1x1fJ34qAmk2tNTrN7Up6 task-1",
        "the words cookie, bearer and authorization in a sentence",
        "risk-averse disk-based",
        "8.8.8.8 is public",
    ],
)
def test_ordinary_text_is_left_alone(tmp_path: Path, text: str) -> None:
    """What only looks a little like a secret is not reported."""
    file = tmp_path / "x"
    file.write_text(text, "utf-8")
    assert list(scan(file)) == []


def test_wrong_place(folder: Path, tmp_path: Path) -> None:
    """A recording lies where its own words put it."""
    folder.parent.rename(folder.parent.with_name("example-2.0"))
    (problem,) = lint(tmp_path)
    assert "belongs in chat_completions/example-1.0/one" in problem.problem
    assert "move it" in problem.fix


def test_configuration_is_part_of_the_place(tmp_path: Path, recording: Recording) -> None:
    """A configuration stands in the folder's name."""
    write(tmp_path / "chat_completions/example-1.0-fast/one", dataclasses.replace(recording, configuration="fast"))
    assert lint(tmp_path) == []


def test_strays(folder: Path, tmp_path: Path) -> None:
    """Files that belong to no recording, or are none of the format's, are named."""
    (folder / "notes.txt").write_text("", "utf-8")
    half = tmp_path / "vllm" / "example-1.0" / "half"
    half.mkdir(parents=True)
    (half / "body.sse").write_bytes(b"")
    assert {(problem.file.name, problem.problem) for problem in lint(tmp_path)} == {
        ("notes.txt", "a recording has no such file"),
        ("body.sse", "this belongs to no recording"),
    }


def test_format_problems_are_reported(folder: Path, tmp_path: Path) -> None:
    """What the loader would refuse, the lint reports."""
    (folder / "response.json").write_text("{", "utf-8")
    assert [problem.file.name for problem in lint(tmp_path)] == ["response.json"]


def test_nothing_there(tmp_path: Path) -> None:
    """An empty folder is a problem, not a success."""
    (problem,) = lint(tmp_path)
    assert "no recordings" in problem.problem


def test_default_root_is_the_package() -> None:
    """Without a root the recordings are those of the installed package."""
    import recordings

    assert recordings.__file__ is not None
    assert default_root() == Path(recordings.__file__).parent
