"""The command line: ``responses-proxy --upstream URL --dialect D --port N``.

This module imports nothing beyond the standard library until it runs, so that a missing extra is one clear
line and not a traceback.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, NoReturn

from .config import Config, upstream_root

if TYPE_CHECKING:
    from .app import Proxy

USAGE = 4
"""Exit status for a wrong command line, a missing key or a missing extra."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _die(message)


def _die(message: str) -> NoReturn:
    sys.stderr.write(f"responses-proxy: {message}\n")
    raise SystemExit(USAGE)


_DESCRIPTION = """Serve OpenAI's Responses API (POST /v1/responses) in front of a server that speaks another API.
Defaults stand in parentheses; a variable is the name of an environment variable."""
_EPILOG = """examples:
  vLLM on this machine; clients use http://127.0.0.1:8080/v1
    responses-proxy --upstream http://127.0.0.1:8000 --dialect vllm --port 8080
  Anthropic with the proxy's own key, and conversations that outlive a restart
    responses-proxy --upstream https://api.anthropic.com --dialect messages --port 8080 \\
        --upstream-api-key-env ANTHROPIC_API_KEY --store responses.db
  a chat-completions service for which every client has a key of its own
    responses-proxy --upstream https://host.example/api/v1 --dialect chat_completions --port 8080 \\
        --forward-client-key

Keys are read from the environment, never from the command line. SIGTERM and SIGINT end running streams with
response.failed, within the shutdown timeout; a second one ends the process at once. The exit status is 0 after
that, 1 when the address cannot be used and 4 for a wrong command line.
"""


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    cli = _Parser(
        prog="responses-proxy",
        usage="%(prog)s --upstream URL --dialect DIALECT --port N [options]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = cli.add_argument_group("required").add_argument
    add("--upstream", required=True, metavar="URL", help="scheme, host and port, or with a path ending in /v1")
    add("--dialect", required=True, choices=("chat_completions", "messages", "vllm"), help="what the upstream speaks")
    add("--port", required=True, type=int, metavar="N", help="port to listen on; 0 takes a free one and says which")
    _access(cli.add_argument_group("clients, keys and the log"))
    _translation(cli.add_argument_group("translation"))
    _limits(cli.add_argument_group("times (seconds) and sizes (bytes)"))
    _storage(cli.add_argument_group("stored responses"))
    return cli


def _access(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    group.add_argument("--api-key-env", metavar="NAME", help="variable with the key that clients must present (none)")
    key = group.add_mutually_exclusive_group()
    key.add_argument("--upstream-api-key-env", metavar="NAME", help="variable with the key for the upstream (none)")
    key.add_argument("--forward-client-key", action="store_true", help="give the client's own key to the upstream")
    group.add_argument("--quiet", action="store_true", help="no line on stderr for each request")


def _translation(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--reasoning", choices=("summary", "raw"), default="summary", help="show an upstream's reasoning as summary "
        "or as reasoning_text (%(default)s)")  # fmt: skip
    add("--refusals", choices=("part", "text"), default="part", help="show a refusal as a part of its own or, for "
        "clients that ignore it, as text (%(default)s)")  # fmt: skip
    add("--system-position", choices=("leading", "in-place"), default="leading", help="gather system and developer "
        "messages in one leading message, or leave each where it is (%(default)s)")  # fmt: skip
    add("--developer-role", choices=("system", "developer"), default="system", help="role that developer messages "
        "get upstream (%(default)s)")  # fmt: skip
    add("--default-max-tokens", type=int, default=32_000, metavar="N", help="max_tokens for messages when a request "
        "has no max_output_tokens (%(default)s)")  # fmt: skip


def _limits(group: argparse._ArgumentGroup) -> None:
    def add(name: str, kind: type, default: float, text: str) -> None:
        metavar = "BYTES" if "bytes" in name else "S"
        group.add_argument(name, type=kind, default=default, metavar=metavar, help=f"{text} (%(default)s)")

    add("--keep-alive", float, 15, "silence before response.in_progress is repeated")
    add("--connect-timeout", float, 10, "time to reach the upstream, else 504")
    add("--idle-timeout", float, 300, "silence of the upstream before the response has failed")
    add("--shutdown-timeout", int, 10, "time for clients to take in response.failed after SIGTERM")
    add("--max-event-bytes", int, 16 << 20, "largest event, or unfinished line, of the upstream")
    add("--max-body-bytes", int, 64 << 20, "largest request, decompressed, else 413")


def _storage(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--store", default=":memory:", metavar="FILE", help="SQLite file that survives a restart (in memory)")
    add("--store-limit", type=int, metavar="N", help="most responses kept; the least recently used go first "
        "(1000, and 256 MiB, in memory; 100000 in a file)")  # fmt: skip
    add("--secret-env", metavar="NAME", help="variable with the secret that seals encrypted_content (a random one, "
        "kept in the store)")  # fmt: skip


def _configure(args: argparse.Namespace) -> Config:
    """Settings from the command line and the environment; exits when one is not usable."""
    try:
        upstream = upstream_root(args.upstream)
    except ValueError as error:
        _die(str(error))
    numbers = ("default_max_tokens", "keep_alive", "connect_timeout", "idle_timeout", "shutdown_timeout")
    for name in (*numbers, "max_event_bytes", "max_body_bytes", "store_limit"):
        if getattr(args, name) is not None and getattr(args, name) <= 0:
            _die(f"--{name.replace('_', '-')} must be positive")
    if not 0 <= args.port <= 65_535:
        _die("--port must be between 0 and 65535")
    in_memory = args.store == ":memory:"
    args.store_limit = args.store_limit or (1000 if in_memory else 100_000)
    args.store_bytes = 256 << 20 if in_memory else 1 << 40
    args.upstream_api_key = _environment(args.upstream_api_key_env)
    args.api_key = _environment(args.api_key_env)
    secret = _environment(args.secret_env)
    args.secret = secret.encode() if secret else None
    args.upstream = upstream
    return Config(**{field.name: getattr(args, field.name) for field in fields(Config)})


def _environment(name: str | None) -> str | None:
    if name is None:
        return None
    value = os.environ.get(name)
    if not value:
        _die(f"the environment variable {name} is not set")
    return value


def _load() -> type[Proxy]:
    """Import the server; exits with one line when the extra is not installed."""
    try:
        import uvicorn  # noqa: F401

        from .app import Proxy
    except ImportError as error:
        _die(f"{error.name} is missing: pip install 'responses-conformance[reference]'")
    return Proxy


def main(argv: list[str] | None = None) -> int:
    """Run the proxy until it is told to stop; returns the exit status."""
    args = parser().parse_args(argv)
    config = _configure(args)
    make = _load()
    try:
        proxy = make(config)
    except sqlite3.Error as error:
        _die(f"--store {config.store}: {error}")
    from .serve import run

    return run(proxy, args.host, args.port, quiet=args.quiet)


if __name__ == "__main__":
    raise SystemExit(main())
