"""What is said, once a session, of goldens that state no bound, and of environments of no name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.measurement import WRITTEN_BY_HAND
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.goldens.approved import Approved, GoldenAddress
    from pytest_editmetrics.goldens.environment import Environment

_HELD = {"golden": "the entry's own bound", "default": "the default"}


def say_of_entry(
    session: EditSession,
    environment: Environment,
    address: GoldenAddress,
    approved: Approved,
    gate: Gate,
) -> None:
    """Say what a reader of an entry could believe and is not so."""
    file = address.file.as_posix()
    empty = approved.threshold is None and approved.env is None and gate.origin == "default"
    if empty and gate.verdict != "recorded":
        entry = f"{address.test} {address.gate}"
        if environment.first("empty", file, entry):
            session.say(
                f"{file}: the golden of {entry} states no bound, so the default holds;"
                " --editmetrics-update=missing records one"
            )
    golden = approved.threshold
    if golden is not None and gate.origin in WRITTEN_BY_HAND and gate.bound is not None:
        looser = golden.distance(gate.bound) > 0
        if looser and environment.first("looser", golden.source):
            session.say(
                f"{golden.source}: the golden of {address.test} {address.gate} holds nothing, since"
                f" a looser bound comes before it ({gate.source}): delete one of the two"
            )
    if not approved.variants:
        return
    waits = approved.unstated and gate.verdict != "recorded" and gate.origin in _HELD
    if waits and environment.first("unstated", file, str(approved.env)):
        source = session.goldens.environments(address.file)[str(approved.env)][0]
        session.say(
            f"{source}: `env: {{{approved.env}: {{}}}}` states no bound, so"
            f" {_HELD[str(gate.origin)]} holds there; --editmetrics-update=missing records one"
        )
    if environment.first("names", file):
        named = session.goldens.environments(address.file)
        _say_unknown(session, environment, {env: source for env, (source, _) in named.items()})


def say_of_no_entry(
    session: EditSession, environment: Environment, address: GoldenAddress, gate: Gate
) -> None:
    """Say that a default holds though there is a file of goldens: what it held is gone."""
    file = address.file.as_posix()
    if gate.origin != "default" or not session.goldens.is_blank(address.file):
        return
    if environment.first("blank", file):
        session.say(f"{file} holds no golden, so defaults hold: restore what it held, or delete it")


def say_of_images(
    session: EditSession, environment: Environment, variants: Mapping[str, Path]
) -> None:
    """Say which variants of a golden image no environment will ever take."""
    from pytest_editmetrics.config.reader import shown_path

    if variants and environment.first("image", str(next(iter(variants.values())))):
        shown = {env: shown_path(path, session.rootdir) for env, path in variants.items()}
        _say_unknown(session, environment, shown)


def _say_unknown(session: EditSession, environment: Environment, named: Mapping[str, str]) -> None:
    for env, called in environment.unknown(named):
        session.say(
            f"warning: {named[env]}: the variant {env!r} holds nowhere here: this run's"
            f" environments are {called}"
        )
    seen = environment.known()
    if seen is not None and seen.others and environment.first("others"):
        session.say(
            f"warning: torch sees {seen.device}, which stands for the environment, and"
            f" {', '.join(seen.others)}, too: say which one edits run on with --editmetrics-env"
        )
