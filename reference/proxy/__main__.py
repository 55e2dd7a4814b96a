"""The command line: ``responses-proxy --upstream URL --dialect D --port N``.

This module imports nothing beyond the standard library until it runs, so that a missing extra is one clear
line and not a traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
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


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    cli = _Parser(prog="responses-proxy", description="The Responses API in front of another API.")
    add = cli.add_argument
    add("--upstream", required=True, metavar="URL", help="scheme, host and port, or with a path ending in /v1")
    add("--dialect", required=True, choices=("chat_completions", "messages", "vllm"), help="what the upstream speaks")
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--port", required=True, type=int, help="port to listen on; 0 takes a free one")
    key = cli.add_mutually_exclusive_group()
    key.add_argument("--upstream-api-key-env", metavar="NAME", help="environment variable with the upstream's key")
    key.add_argument("--forward-client-key", action="store_true", help="give the client's own key to the upstream")
    add("--api-key-env", metavar="NAME", help="environment variable with the key that clients must present")
    add("--reasoning", choices=("summary", "raw"), default="summary", help="form of an upstream's raw reasoning")
    add("--refusals", choices=("part", "text"), default="part", help="show refusals as ordinary text")
    add("--system-position", choices=("leading", "in-place"), default="leading", help="one leading message, or each")
    add("--developer-role", choices=("system", "developer"), default="system", help="role of developer messages")
    add("--default-max-tokens", type=int, default=32_000, metavar="N", help="Messages: when none is asked")
    add("--keep-alive", type=float, default=15, metavar="S", help="seconds of silence before a sign of life")
    add("--connect-timeout", type=float, default=10, metavar="S", help="seconds to reach the upstream")
    add("--idle-timeout", type=float, default=300, metavar="S", help="seconds the upstream may be silent")
    add("--max-event-bytes", type=int, default=16 << 20, metavar="N", help="largest upstream event")
    add("--max-body-bytes", type=int, default=64 << 20, metavar="N", help="largest request, decompressed")
    add("--store", default=":memory:", metavar="FILE", help="SQLite file for stored responses (memory)")
    add("--store-limit", type=int, metavar="N", help="most stored responses (1000 in memory, 100000 in a file)")
    add("--secret-env", metavar="NAME", help="environment variable with the secret behind encrypted_content")
    add("--quiet", action="store_true", help="no line for each request")
    return cli


def _configure(args: argparse.Namespace) -> Config:
    """Settings from the command line and the environment; exits when one is not usable."""
    try:
        upstream = upstream_root(args.upstream)
    except ValueError as error:
        _die(str(error))
    numbers = ("default_max_tokens", "keep_alive", "connect_timeout", "idle_timeout", "max_event_bytes")
    for name in (*numbers, "max_body_bytes", "store_limit"):
        if getattr(args, name) is not None and getattr(args, name) <= 0:
            _die(f"--{name.replace('_', '-')} must be positive")
    if not 0 <= args.port <= 65_535:
        _die("--port must be between 0 and 65535")
    in_memory = args.store == ":memory:"
    secret = _environment(args.secret_env)
    return Config(
        upstream=upstream,
        dialect=args.dialect,
        upstream_api_key=_environment(args.upstream_api_key_env),
        forward_client_key=args.forward_client_key,
        api_key=_environment(args.api_key_env),
        reasoning=args.reasoning,
        refusals=args.refusals,
        system_position=args.system_position,
        developer_role=args.developer_role,
        default_max_tokens=args.default_max_tokens,
        keep_alive=args.keep_alive,
        connect_timeout=args.connect_timeout,
        idle_timeout=args.idle_timeout,
        max_event=args.max_event_bytes,
        max_body=args.max_body_bytes,
        store=args.store,
        store_limit=args.store_limit or (1000 if in_memory else 100_000),
        store_bytes=256 << 20 if in_memory else 1 << 40,
        secret=secret.encode() if secret else None,
    )


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
    proxy = _load()(config)
    from .serve import run

    return run(proxy, args.host, args.port, quiet=args.quiet)


if __name__ == "__main__":
    raise SystemExit(main())
