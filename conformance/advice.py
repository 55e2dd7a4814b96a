"""How to fix what a rule finds: a sentence a rule, in `conformance/requirements/fixes.toml`.

Rules that decide have one; where it would only repeat the requirement, others have none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from conformance.errors import HarnessError

__all__ = ["fix_of", "fixes"]

FORMAT = 1


@lru_cache(maxsize=1)
def fixes() -> Mapping[str, str]:
    """Every fix by the rule's id. Raises HarnessError when the file is malformed."""
    document = tomllib.loads(files("conformance").joinpath("requirements", "fixes.toml").read_text("utf-8"))
    if document.pop("format", None) != FORMAT or not all(isinstance(text, str) and text for text in document.values()):
        raise HarnessError(f"conformance/requirements/fixes.toml: wants `format = {FORMAT}` and a sentence a rule")
    return MappingProxyType(document)


def fix_of(rule_id: str) -> str | None:
    """The fix for a rule, None where there is none."""
    return fixes().get(rule_id)
