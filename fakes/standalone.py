"""A fake upstream on its own, for anybody's development: every request gets an answer and a line in the log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO, get_args

from fakes.errors import FakeError, RecordingError
from fakes.log import UpstreamCall
from fakes.recording import Recording, find, load
from fakes.reply import Answer, AsFramed, ByteByByte, Delivery, Hostile, Whole
from fakes.script import Dialect
from fakes.scriptfile import ScriptFileError, load_answers
from fakes.serving import LineLog, interruptible
from fakes.small_talk import small_talk
from fakes.upstream import AnswerSource, FakeUpstream

__all__ = ["DELIVERIES", "StandaloneDelivery", "StandaloneOptions", "answer_source", "run"]

StandaloneDelivery = Literal["as-framed", "whole", "bytes", "hostile"]

_DELIVERIES: Mapping[StandaloneDelivery, Delivery] = {
    "as-framed": AsFramed(),
    "whole": Whole(),
    "bytes": ByteByByte(),
    "hostile": Hostile(),
}
DELIVERIES: tuple[StandaloneDelivery, ...] = get_args(StandaloneDelivery)

_DONE, _TROUBLE, _USAGE = 0, 2, 4  # exit statuses, the same that `responses-conformance` documents


@dataclass(frozen=True, kw_only=True)
class StandaloneOptions:
    """What `responses-conformance fake` is told.

    At most one of `recording` (a folder of one recording, or one above several: the first of the form that a
    request asks for is replayed) and `script` (see `fakes.scriptfile`); with neither, small talk
    (see `fakes.small_talk`). `port` 0 takes a free one. `strict` refuses what the real service would.
    """

    dialect: Dialect
    host: str = "127.0.0.1"
    port: int = 9000
    recording: Path | None = None
    script: Path | None = None
    strict: bool = False
    delivery: StandaloneDelivery = "as-framed"


def run(options: StandaloneOptions, output: TextIO | None = None, until: threading.Event | None = None) -> int:
    """Serve until interrupted, terminated or `until` is set; return the exit status.

    0 when it was stopped, 2 when it cannot listen, 4 when the options or a file they name are wrong. The first
    line of `output` (default: stdout) has the URL; then follows a line for each request and objection.
    """
    output, until = output or sys.stdout, until or threading.Event()
    with interruptible(until):
        return _run(options, _Log(output), until)


def _run(options: StandaloneOptions, log: _Log, until: threading.Event) -> int:
    try:
        source = answer_source(options)
        upstream = FakeUpstream(
            options.dialect,
            host=options.host,
            port=options.port,
            strict=options.strict,
            fallback=source,
            fallback_delivery=_DELIVERIES[options.delivery],
            on_call=log.note,
            keep_log=False,
        )
        upstream.start()
    except FakeError as error:
        sys.stderr.write(f"{error}\n")
        return _USAGE if isinstance(error, RecordingError | ScriptFileError | _OptionError) else _TROUBLE
    try:
        log.write(f"{options.dialect} fake on {upstream.url}, POST {upstream.dialect.completion_path}; Ctrl-C stops it")
        until.wait()
    finally:
        upstream.stop()
    return _DONE


class _OptionError(FakeError):
    """Raised when two options exclude each other, or one names nothing that could be served."""


def answer_source(options: StandaloneOptions) -> AnswerSource:
    """What answers the requests. Raises FakeError when the options name nothing that could be served."""
    if options.recording is not None and options.script is not None:
        raise _OptionError("a recording and a script were given; choose one of them")
    if options.recording is not None:
        return _replaying(options.recording)
    if options.script is not None:
        return _scripted(options.script)
    return small_talk


def _scripted(file: Path) -> AnswerSource:
    answers: tuple[Answer, ...] = load_answers(file)
    lock = threading.Lock()
    given = iter(range(len(answers) - 1))

    def answer(call: UpstreamCall) -> Answer:
        with lock:
            return answers[next(given, len(answers) - 1)]

    return answer


def _replaying(folder: Path) -> AnswerSource:
    recordings = [load(found) for found in find(folder)]
    if not recordings:
        raise _OptionError(f"{folder}: there is no recording; give a folder that holds a recording.toml")
    forms: dict[bool, Recording] = {}
    for recording in recordings:
        forms.setdefault(recording.streamed, recording)

    def answer(call: UpstreamCall) -> Answer:
        streamed = isinstance(call.json, dict) and call.json.get("stream") is True
        return forms.get(streamed) or recordings[0]

    return answer


class _Log(LineLog):
    """One line a request, and one more for each objection and problem."""

    def note(self, call: UpstreamCall) -> None:
        body = call.json if isinstance(call.json, dict) else {}
        told = [f"model={body['model']!r}"] if "model" in body else []
        told += ["stream"] if body.get("stream") is True else []
        milliseconds = ((call.ended_at or call.received_at) - call.received_at) * 1000
        answered = f"{call.status or 'no status'} {len(call.sent_body)} bytes in {milliseconds:.1f} ms, {call.ended}"
        line = " ".join([time.strftime("%H:%M:%S"), call.method, call.path, *told, "->", answered])
        objections = [
            f"  the real service would refuse it with {objection.status}: {objection.path}: "
            f"{' '.join(objection.message.split())} [{objection.rule}]"
            for objection in call.objections
        ]
        problems = [f"  {part}" for part in (call.problem or "").splitlines()]
        self.write(line, *objections, *problems)
