"""What several files of these tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from conformance.generate.stand import Stand, chosen_target, open_stand
from conformance.targets.choice import TargetChoice
from fakes.script import Dialect

OpenStand = Callable[..., Stand]


@pytest.fixture(scope="session")
def stands() -> Iterator[OpenStand]:
    """Opens a stand of the reference, or of a miniature's edit of it; each is started once for all tests."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        opened: dict[tuple[str, Dialect], Stand] = {}

        def stand(dialect: Dialect = "chat_completions", target: str = "reference") -> Stand:
            if (target, dialect) not in opened:
                chosen = chosen_target(TargetChoice(target=target))
                opened[target, dialect] = stack.enter_context(open_stand(chosen, dialect))
            return opened[target, dialect]

        yield stand
