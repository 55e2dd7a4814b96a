"""Running the application under uvicorn: one line when it listens, streams ended well when it stops."""

from __future__ import annotations

import logging
import socket
import sys
from contextlib import suppress
from types import FrameType

import uvicorn

from .app import Proxy


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, proxy: Proxy) -> None:
        super().__init__(config)
        self._proxy = proxy

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            config = self._proxy.config
            shown = f"[{host}]" if ":" in host else host
            sys.stderr.write(f"responses-proxy: http://{shown}:{port}/v1 in front of a {config.dialect} upstream\n")
            sys.stderr.flush()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, at the second signal at once; uvicorn's own would die of the signal after a clean shutdown."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._proxy.stop()
        await super().shutdown(sockets)


def run(proxy: Proxy, host: str, port: int, *, quiet: bool) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit status: 0, or 1 when the address cannot be used."""
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(message)s", level=logging.WARNING)
    logging.getLogger("reference.proxy").setLevel(logging.WARNING if quiet else logging.INFO)
    config = uvicorn.Config(
        proxy.app,
        host=host,
        port=port,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="critical",
        server_header=False,
        timeout_graceful_shutdown=proxy.config.shutdown_timeout,
    )
    server = _Server(config, proxy)
    with suppress(SystemExit, OSError):
        server.run()
    if not server.started:
        sys.stderr.write(f"responses-proxy: cannot listen on {host}:{port}\n")
        return 1
    return 0
