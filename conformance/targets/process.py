"""A target's process: started in a group of its own, its output kept (bounded), stopped by the group."""

from __future__ import annotations

import atexit
import contextlib
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from conformance.errors import TargetError

__all__ = ["LOG_SIZE", "TargetProcess"]

LOG_SIZE = 65536
"""So many bytes of a target's output are kept: the last ones."""

_TERM_PATIENCE = 3.0  # seconds between SIGTERM and SIGKILL


class TargetProcess:
    """One running command. Raises TargetError when it cannot be started at all."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        self.command = tuple(command)
        self._log = bytearray()
        self._stopped = False
        self._lock = threading.Lock()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - running the user's target is the purpose
                self.command,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as trouble:
            raise TargetError(f"the target cannot be started: {_why_not(trouble, self.command, cwd)}") from trouble
        self._reader = threading.Thread(target=self._keep_log, name=f"log of {command[0]}", daemon=True)
        self._reader.start()
        atexit.register(self.stop)

    @property
    def pid(self) -> int:
        """The process id, which is that of its group."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """The status that it exited with, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def log(self) -> str:
        """The end of what it wrote to stdout and stderr."""
        with self._lock:
            return self._log.decode(errors="replace")

    def wait(self, seconds: float) -> bool:
        """Wait for its exit; whether it came."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def whole_log(self) -> str:
        """The log, after giving the output of an exited process a moment to arrive."""
        if self.exit_status is not None:
            self._reader.join(0.5)
        return self.log

    def terminate(self) -> None:
        """Ask the whole group to end (SIGTERM), and wait for nothing."""
        self._signal(signal.SIGTERM)

    def stop(self) -> None:
        """End the whole group: SIGTERM, and SIGKILL for what does not go. A second call does nothing."""
        atexit.unregister(self.stop)
        if self._stopped:
            return
        self._stopped = True
        self._signal(signal.SIGTERM)
        self.wait(_TERM_PATIENCE)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join(1)
        if not self._reader.is_alive() and self._process.stdout is not None:
            self._process.stdout.close()

    def _signal(self, number: signal.Signals) -> None:
        # The group outlives its leader where the leader has left children behind.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _keep_log(self) -> None:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(descriptor, LOG_SIZE):
                with self._lock:
                    self._log += data
                    del self._log[:-LOG_SIZE]


def _why_not(trouble: OSError, command: Sequence[str], cwd: Path) -> str:
    """Why a command did not start, in words for whoever wrote it."""
    program, whole = command[0], shlex.join(command)
    if isinstance(trouble, FileNotFoundError) and not cwd.is_dir():
        return f"there is no folder {cwd} to start it in ({whole})"
    if isinstance(trouble, FileNotFoundError):
        where = "in that place" if "/" in program else "on PATH"
        return f"there is no program {program!r} {where} ({whole})"
    if isinstance(trouble, PermissionError):
        return f"{program!r} may not be executed ({whole})"
    return f"{trouble.strerror}: {program!r} ({whole})"
