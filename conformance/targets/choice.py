"""Which target a run judges, as the command line names it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.errors import UsageError
from conformance.features import check_features
from conformance.targets.loader import load_target
from conformance.targets.target import Target, Way, ad_hoc_target
from conformance.transcript import Transcript
from fakes.script import Dialect
from fakes.wire import listening_trouble

__all__ = ["MINIATURE", "TargetChoice", "choose_target"]

MINIATURE = "miniature:"
"""`--target miniature:NAME` judges the reference's transcripts as that wrong proxy would have made them."""

Edit = Callable[[Transcript], Transcript]


@dataclass(frozen=True, kw_only=True)
class TargetChoice:
    """Exactly one of `target` (a name, a TOML file or miniature:NAME), `target_command`, `target_url`, `live_url`.

    A live endpoint has no fake behind it, and needs a `model`; `api_key_env` names the variable that holds its key.

    The rest overrides what the target's file says: `features` are added to those that it declares, `env` to its
    environment; None leaves the file's word. `dialects` empty means all that it supports.
    """

    target: str | None = None
    target_command: str | None = None
    target_url: str | None = None
    live_url: str | None = None
    api_key_env: str | None = None
    dialects: tuple[Dialect, ...] = ()
    features: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    path: str | None = None
    ready: str | None = None
    fake_host: str | None = None
    fake_port: int | None = None


def choose_target(choice: TargetChoice) -> tuple[Target, Edit | None]:
    """The target, and what is done to its transcripts before they are judged (None: nothing).

    Raises UsageError when none or several are named, or a file, a name or an option is wrong.
    """
    if choice.live_url is not None:
        raise UsageError("a live endpoint has no upstream that could be played: only `run` can judge it")
    if sum(one is not None for one in (choice.target, choice.target_command, choice.target_url)) != 1:
        raise UsageError("name one target: --target, --target-command or --target-url")
    edit: Edit | None = None
    if choice.target is None:
        target = _given(choice)
    elif choice.target.startswith(MINIATURE):
        from conformance import miniatures

        edit = miniatures.get(choice.target.removeprefix(MINIATURE))
        target = replace(load_target("reference"), name=choice.target, version=None, baseline=None)
    else:
        target = load_target(choice.target)
    return _overridden(target, choice), edit


def _given(choice: TargetChoice) -> Target:
    command = None
    if choice.target_command is not None:
        try:
            command = tuple(shlex.split(choice.target_command))
        except ValueError as trouble:
            raise UsageError(f"--target-command cannot be split into words: {trouble}") from trouble
        if not command:
            raise UsageError("--target-command is empty: give the command that starts the target")
    return ad_hoc_target(
        command=command,
        url=choice.target_url,
        dialects=choice.dialects,
        fake_port=choice.fake_port or 0,
    )


def _overridden(target: Target, choice: TargetChoice) -> Target:
    for dialect in choice.dialects:
        target.way(dialect)  # raises where it is not supported
    check_features(choice.features)
    if choice.path is not None and not (choice.path.startswith("/") and choice.path.endswith("/responses")):
        raise UsageError(f"--path {choice.path!r} does not end in /responses; write for example /v1/responses")
    given: dict[str, Any] = {"model": choice.model, "path": choice.path}
    changes = {name: value for name, value in given.items() if value is not None}
    ways = {dialect: _changed(way, choice, changes) for dialect, way in target.ways.items()}
    host = choice.fake_host or target.fake_host
    port = target.fake_port if choice.fake_port is None else choice.fake_port
    if (choice.fake_host or port) and (trouble := listening_trouble(host, port)):
        raise UsageError(f"the fake upstream {trouble} (--fake-host, --fake-port)")
    return replace(target, ways=ways, fake_host=host, fake_port=port)


def _changed(way: Way, choice: TargetChoice, changes: Mapping[str, Any]) -> Way:
    return replace(
        way,
        **changes,
        features=way.features | frozenset(choice.features),
        env={**way.env, **choice.env},
        probe=way.probe if choice.ready is None else replace(way.probe, url=choice.ready),
    )
