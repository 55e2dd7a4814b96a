"""Transcripts survive being saved, byte for byte, and what is none is refused with the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.said import Said, SaidAnnotation, SaidItem, SaidUsage
from conformance.transcript import ClientRequest, Drive, Exchange, Received, Transcript
from conformance.transcript_file import file_name, load_transcript, save_transcript
from fakes.log import Lag, Objection, Sent, UpstreamCall


def full(body: Any = None, data: bytes = b"data: 1\n\n") -> Transcript:
    """A transcript in which every field holds something."""
    call = UpstreamCall(
        "POST",
        "/v1/messages",
        "beta=true",
        (("X-Api-Key", "k"),),
        data,
        body,
        0.01,
        token="cfxaaaaaaaaaa",
        answer=0,
        retry_of=0,
        objections=(Objection("chat.role", "messages[0]", "no", "openai.types", 400, {"error": body}),),
        status=200,
        sent_headers=(("content-type", "text/event-stream"),),
        sent=[Sent(0.02, data)],
        ended="complete",
        ended_at=0.03,
        lags=[Lag(2, 1)],
        problem="none",
    )
    item = SaidItem("text", "hi", 2, annotations=(SaidAnnotation("u", "t", 1, None),), signature="s")
    usage = SaidUsage(1, 2, None, None, 3)
    said = Said((item,), usage, frozenset({"completed", "failed"}), finish="stop")
    exchange = Exchange(
        ClientRequest("POST", "/v1/responses", (("accept", "*"),), body),
        200,
        (("content-type", "text/event-stream"),),
        (Received(0.1, data), Received(0.2, b"\xff\x00")),
        "reset",
        "the connection was reset",
        0.3,
        (call,),
        said,
    )
    drives = [
        Drive("stream", [exchange]),
        Drive("json", [], "it died", "target"),
        Drive("hostile", [], ingredients=("crlf",)),
    ]
    facts = {"tags": frozenset({"x", "y"}), "refusal_statuses": frozenset({400, 404}), "timing": {"idle": 1.5}}
    return Transcript("text.plain", "vllm", drives, "s", "src", frozenset({"store"}), facts)


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"model": "m", "input": [1, 2.5, True, None, "é\ud800"]},
        b"{not json",
        b"\xff\xfe",
        {"$bytes": "a user's key"},
        {"$dict": {"$set": [1]}, "$base64": 1},
        10**30,
    ],
)
def test_what_is_saved_is_loaded(tmp_path: Path, body: Any) -> None:
    """Every field comes back as it was, bytes that are no text and keys that look like our marks included."""
    transcript = full(body)
    file = save_transcript(transcript, tmp_path / "new" / "folder")
    assert load_transcript(file) == transcript


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from(["$bytes", "$set"]), inner),
    max_leaves=8,
)


@given(JSON, st.binary())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_value_survives(tmp_path: Path, body: Any, data: bytes) -> None:
    """No value of a body, and no bytes, are changed by saving."""
    transcript = full(body, data)
    assert load_transcript(save_transcript(transcript, tmp_path)) == transcript


def test_text_stays_readable(tmp_path: Path) -> None:
    """Bytes that are text stand as text, so that a person can read and diff the file."""
    file = save_transcript(full({"q": "größer"}), tmp_path)
    assert file.name == "vllm.text.plain.json"
    assert "data: 1" in file.read_text()
    assert "größer" in file.read_text()


def test_names_are_safe() -> None:
    """A case's id makes a file name without folders, and without a dialect says so."""
    assert file_name(Transcript("recorded.a/../b c", None, [])) == "any.recorded.a_.._b_c.json"


def broken(change: Any) -> str:
    document = json.loads(json.dumps({"format": "responses-conformance transcript 1"}))
    document |= {
        "case": "c",
        "dialect": "vllm",
        "drives": [],
        "summary": "",
        "source": "",
        "features": [],
        "facts": {},
    }
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "no transcript; give"),
        ("{", "not JSON"),
        (broken(lambda d: d.update(format="x")), "format is 'x'"),
        (broken(lambda d: d.pop("case")), "Transcript.case is missing"),
        (broken(lambda d: d.update(extra=1)), "Transcript.extra is unknown"),
        (broken(lambda d: d.update(dialect="klingon")), "dialect is 'klingon' and not one of chat_completions"),
        (broken(lambda d: d.update(drives=[3])), "drives[0] is '3' and not a Drive"),
        (broken(lambda d: d.update(drives={})), "drives is '{}' and not a list"),
        (broken(lambda d: d.update(summary=3)), "summary is '3' and not str"),
    ],
)
def test_what_is_none_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """A file that is no transcript is an error of usage that names the file and the place."""
    file = tmp_path / "t.json"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_transcript(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert words in str(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A path that is not there says how such files are made."""
    with pytest.raises(UsageError, match="run --transcripts"):
        load_transcript(tmp_path / "none.json")
