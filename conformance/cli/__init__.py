"""The command line: `responses-conformance`."""

from conformance.cli.main import main

__all__ = ["main"]
