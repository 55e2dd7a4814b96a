"""`python -m conformance.miniatures [--update] [NAME ...]`: compare the lock with what miniatures fail now."""

from __future__ import annotations

import argparse
import sys

from conformance.errors import ExitCode
from conformance.miniatures import all_miniatures, get
from conformance.miniatures.lock import LOCK, differences, measured, read_lock, write_lock


def main(arguments: list[str] | None = None) -> int:
    """Exit 0 when the lock is true (or was updated), 1 when it is not."""
    parser = argparse.ArgumentParser(prog="python -m conformance.miniatures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these miniatures (default: all)")
    parser.add_argument("--update", action="store_true", help=f"write what they fail to {LOCK.name}")
    options = parser.parse_args(arguments)
    chosen = [get(name) for name in options.names] or list(all_miniatures())
    locked, now = read_lock(), measured(chosen)
    wanted = {name: rules for name, rules in locked.items() if not options.names or name in now}
    changed = list(differences(wanted, now))
    for line in changed:
        sys.stdout.write(line + "\n")
    if options.update:
        write_lock({**(locked if options.names else {}), **now})
        return ExitCode.CONFORMS
    return ExitCode.VIOLATIONS if changed else ExitCode.CONFORMS


if __name__ == "__main__":
    sys.exit(main())
