"""`main`: parse, run a subcommand, and say in one line what went wrong.

Subcommands live in a module each and are imported when they are named: `--help` answers at once.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from types import FrameType
from typing import NoReturn, TextIO

from conformance.errors import ConformanceError, ExitCode, TargetError, UsageError

__all__ = ["COMMANDS", "PROG", "Parser", "main"]

PROG = "responses-conformance"
DEBUG = "RESPONSES_CONFORMANCE_DEBUG"
"""The environment variable that makes internal errors show their traceback."""

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("conformance.cli.run", "judge a target"),
    "list": ("conformance.cli.listing", "list rules, cases, profiles, features, or what a result observed"),
    "explain": ("conformance.cli.explain", "say what a rule demands, why, and who says so"),
    "show": ("conformance.cli.show", "show a saved transcript: both sides, in the order of time"),
    "compare": ("conformance.cli.compare", "say what got better and worse from one result to another"),
    "matrix": ("conformance.cli.matrix", "put several results side by side"),
    "fuzz": ("conformance.cli.fuzz", "search for turns and conversations that a target gets wrong"),
    "lint": ("conformance.cli.lint", "judge saved streams (.sse) and transcripts, without a target"),
    "fake": ("conformance.cli.fake", "serve a fake upstream for development"),
    "targets": ("conformance.cli.targets", "list the known targets, or install one"),
    "recordings": ("conformance.cli.recordings", "check recordings of upstream traffic"),
}

DESCRIPTION = """\
A conformance suite for servers that speak OpenAI's Responses API (POST /v1/responses, streamed and not) on top of
an upstream that speaks chat completions, Anthropic Messages or vLLM's dialect of chat completions.

It plays the upstream and the client, and judges what your server makes of it."""

EPILOG = """\
examples:
  # judge your proxy: the suite starts it and plays its upstream
  responses-conformance run --target-command "my-proxy --port {port} --upstream {upstream}" --dialect messages

  # judge one that already runs, and whose upstream is http://127.0.0.1:9000
  responses-conformance run --target-url http://127.0.0.1:8001/v1 --fake-port 9000 --dialect vllm

  # judge a stream that you saved
  responses-conformance lint capture.sse

  # what does a rule want?
  responses-conformance explain stream.created-first

exit codes: 0 conforms, 1 violations, 2 could not do its job or nothing was judged, 4 wrong usage"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are UsageError, and whose help keeps its examples' lines."""

    def __init__(self, **values: object) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **values)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Raise UsageError; `main` words it."""
        raise UsageError(f"{message} (see `{self.prog} --help`)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns an `ExitCode` and never raises. `argv` defaults to the process's arguments."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the parent (`>&-`): nobody reads it
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        _never_fail_to_encode(getattr(sys, name))
    try:
        return int(_run(list(sys.argv[1:] if argv is None else argv)))
    except SystemExit as end:  # argparse, after --help and --version
        return int(end.code or 0) if isinstance(end.code, int | None) else int(ExitCode.USAGE)
    except BrokenPipeError:
        _give_up_output()  # the reader (`| head`) has seen enough
        return int(ExitCode.CONFORMS)
    except KeyboardInterrupt:
        return _complain(ExitCode.TROUBLE, "interrupted: nothing was decided")
    except OSError as error:
        if error.filename is None and error.errno in _FULL:
            _give_up_output()
            return _complain(ExitCode.TROUBLE, f"the output could not be written: {error.strerror}")
        return _complain(*_blame(error))
    except Exception as error:  # noqa: BLE001 - strangers get a line and an exit code, not a traceback
        return _complain(*_blame(error))


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def _give_up_output() -> None:
    """Send what standard output still holds nowhere: Python would complain once more when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(argv: list[str]) -> int:
    named = argv[0] if argv and argv[0] in COMMANDS else None
    if argv and named is None and not argv[0].startswith("-"):
        near = get_close_matches(argv[0], COMMANDS, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
        raise UsageError(f"there is no command {argv[0]!r}: {hint} (see `{PROG} --help`)")
    parser = Parser(prog=PROG, description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action=_Version, nargs=0, help="show the suite's version and exit")
    subparsers = parser.add_subparsers(metavar="COMMAND", parser_class=Parser, title="commands")
    for name, (module, summary) in COMMANDS.items():
        if name == named:
            import_module(module).add_parser(subparsers, name, summary)
        else:
            subparsers.add_parser(name, help=summary, add_help=False)
    if not argv:
        parser.print_help()
        return int(ExitCode.USAGE)
    arguments = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    with _terminable():
        code = run(arguments)
    sys.stdout.flush()
    return code


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does: a CI job that is cancelled must not leave targets behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    owner = os.getpid()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:  # in a forked helper
            os._exit(int(ExitCode.TROUBLE))
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: that takes a tenth of a second."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from conformance.report.suite import suite_version

        sys.stdout.write(f"{PROG} {suite_version()}\n")
        parser.exit()


def _blame(error: Exception) -> tuple[ExitCode, str]:
    from fakes.errors import FakeError, RecordingError

    if isinstance(error, UsageError | RecordingError):
        return ExitCode.USAGE, str(error)
    if isinstance(error, TargetError):
        log = "".join(f"\n  | {line}" for line in error.log.splitlines()[-20:])
        return ExitCode.TROUBLE, f"the target: {error}{log}"
    if isinstance(error, OSError) and error.filename is not None:
        return ExitCode.USAGE, f"{error.filename}: {error.strerror}"
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    kind = "" if isinstance(error, ConformanceError | FakeError) else f"{type(error).__name__}: "
    where = traceback.extract_tb(error.__traceback__)[-1]
    return ExitCode.TROUBLE, (
        f"internal error, a fault of this suite and not of the target: {kind}{error} "
        f"({where.filename}:{where.lineno}; {DEBUG}=1 shows more)"
    )


def _complain(code: ExitCode, message: str) -> int:
    text = message if code is not ExitCode.USAGE else " ".join(message.split())
    print(f"{PROG}: {text}", file=sys.stderr)  # noqa: T201
    return int(code)


def _never_fail_to_encode(stream: TextIO) -> None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
