"""`python -m conformance.generate`: draw the saved set anew."""

from __future__ import annotations

from conformance.cases.saved import SAVED
from conformance.generate.kept import save

print(f"wrote {save()} cases to {SAVED}")  # noqa: T201
