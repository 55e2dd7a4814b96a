"""A key is sent to the server that it is for, and stands nowhere else, whatever that server does with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import UsageError
from conformance.live.secrecy import Secret, read_key
from conformance.transcript import ClientRequest, Exchange, Received

KEY = 'sk-"secret"/0123456789abcdef'
FORMS = (KEY, json.dumps(KEY)[1:-1], KEY.replace("/", "\\/"), "sk-%22secret%22%2F0123456789abcdef", "0123456789abcdef")
VARIABLE = "HOST_API_KEY"
REPORTS = ("--html", "--junitxml", "--summary", "--transcripts")


def _echoing(vllm: Any) -> Callable[[Any], Any]:
    """A server that writes the key that it was sent into headers, texts, events and errors, across chunks too."""

    def answer(request: Any) -> Any:
        status, headers, chunks = vllm(request)
        key = request.headers["authorization"].removeprefix("Bearer ")
        body = b"".join(chunks).replace(b"Hello!", json.dumps(f"for {key}")[1:-1].encode())
        body = body.replace(b'"The', json.dumps(f"{key} The").encode()[:-1]).replace(b"does not exist", KEY.encode())
        cut = body.find(b"0123456") + 3
        return status, {**headers, "x-key": key, "x-url": f"/?k={FORMS[3]}"}, (body[:cut], body[cut:])

    return answer


def test_no_report_holds_the_key_though_the_server_echoes_it(
    serve: Callable[..., Any], live: Callable[..., Any], vllm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither console, JSON, HTML, Markdown, JUnit, baseline nor any transcript holds the key, in any form of it."""
    monkeypatch.setenv(VARIABLE, KEY)
    server = serve(_echoing(vllm))
    words = [word for option in REPORTS for word in (option, tmp_path / option.strip("-"))]
    baseline = ("--write-baseline", tmp_path / "known.toml", "--reason", "Known.")
    first = live(server.url, "--api-key-env", VARIABLE, "-v", *words, *baseline, model=vllm.model, json_to="")
    second = live(server.url, "--api-key-env", VARIABLE, model=vllm.model)
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {KEY}"}
    assert first.code == second.code == 1
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(written) > len(REPORTS)
    texts = {str(file): file.read_text() for file in written}
    texts |= {"console": first.out + first.err, "json": second.out + second.err}
    assert [(name, form) for name, text in texts.items() for form in FORMS if form in text] == []
    assert "[api-key-taken-out]" in texts["json"]


def test_an_error_that_holds_the_key_is_a_finding(
    serve: Callable[..., Any], live: Callable[..., Any], vllm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose error message repeats the client's key is told so."""
    monkeypatch.setenv(VARIABLE, KEY)
    server = serve(_echoing(vllm))
    rule = ("--rule", "failure.no-credentials", "--case", "live.unknown-model")
    done = live(server.url, "--api-key-env", VARIABLE, *rule, model=vllm.model)
    assert done.failing == {"failure.no-credentials"}


def test_the_line_that_reruns_a_failure_names_the_variable(
    serve: Callable[..., Any], live: Callable[..., Any], vllm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rerun line repeats URL, model and the variable's name, so that it works as it stands."""
    monkeypatch.setenv(VARIABLE, KEY)
    server = serve(vllm)
    case = ("--case", "live.cut", "--rule", "stream.*")
    done = live(server.url, "--api-key-env", VARIABLE, *case, model=vllm.model, json_to="")
    (line,) = {line.strip() for line in done.out.splitlines() if "responses-conformance run --live-url" in line}
    assert f"--live-url {server.url} --api-key-env {VARIABLE} --model {vllm.model}" in line
    assert "--rule stream.terminal-agrees-with-status" in line
    assert "--case live.cut" in line


def test_a_key_is_taken_out_wherever_it_lies_in_chunks() -> None:
    """A key that lies across any two chunks is replaced once, and all other bytes stay in their chunks."""
    secret = Secret("k3y-0123456789abcdef")
    body = b"before k3y-0123456789abcdef, k3y-0123456789abcdef after"
    for cut in range(len(body) + 1):
        received = (Received(0.1, body[:cut]), Received(0.2, body[cut:]))
        exchange = Exchange(ClientRequest("POST", "/v1/responses", (), {}), 200, (), received)
        cleaned = secret.cleaned(exchange)
        assert cleaned.body == b"before [api-key-taken-out], [api-key-taken-out] after"
        assert [chunk.t for chunk in cleaned.received] == [0.1, 0.2]


def test_a_word_is_no_secret() -> None:
    """A placeholder such as "dummy" is taken out of the request alone: an answer may hold the word by itself."""
    sent = (("authorization", "Bearer dummy"),)
    exchange = Exchange(
        ClientRequest("POST", "/v1/responses", sent, {}), 200, (), (Received(0.1, b"a crash test dummy"),)
    )
    cleaned = Secret("dummy").cleaned(exchange)
    assert cleaned.request.headers == (("authorization", "Bearer [key]"),)
    assert cleaned.body == b"a crash test dummy"


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "ключ"])
def test_what_can_be_no_key_is_refused_unseen(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is empty or that no header can carry is refused, in words that do not hold it."""
    monkeypatch.setenv(VARIABLE, key)
    with pytest.raises(UsageError) as refused:
        read_key(VARIABLE)
    assert not key or key not in str(refused.value)


def test_a_secret_shows_in_no_repr() -> None:
    """Neither repr nor str of a secret holds the key."""
    secret = Secret(KEY)
    assert "0123456789" not in f"{secret!r} {secret}"
