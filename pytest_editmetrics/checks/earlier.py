"""A fixture's golden that another recording left elsewhere: it holds until there is another.

Gates of a wider fixture were once filed under whichever test ran first. Those of a fixture whose
file lies inside one rootdir and outside another have a place for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_editmetrics.errors import InputError
from pytest_editmetrics.goldens.approved import Approved, GoldenAddress
from pytest_editmetrics.goldens.environment import SMOKE
from pytest_editmetrics.goldens.places import OUTSIDE
from pytest_editmetrics.session.asked import may_make
from pytest_editmetrics.session.identity import id_of
from pytest_editmetrics.session.owner import Owner, depends_alike, file_of, source_of
from pytest_editmetrics.session.state import EditSession, session_of

if TYPE_CHECKING:
    from pytest_editmetrics.goldens.environment import Environment
    from pytest_editmetrics.measurement import Measurement


def earlier_golden(
    session: EditSession,
    owner: Owner,
    address: GoldenAddress,
    measurement: Measurement,
    environment: Environment,
) -> tuple[Approved | None, list[str]]:
    """Return the entry of a test that holds for a gate of a fixture without one of its own.

    Of several the strictest, and the tests of all; none of a test that may have recorded it for a
    gate of its own. Where another rootdir recorded one, that holds, and there are no tests.

    Args:
        session: of the project.
        owner: the fixture.
        address: where its own golden would lie.
        measurement: of the gate.
        environment: where the edit ran.
    """
    if owner.request is None or session.goldens.has_entry(address):
        return None, []
    env = SMOKE if measurement.smoke else None
    for place in _of_other_rootdirs(session, owner, address):
        found = session.goldens.lookup(place, environment, measurement.smoke)
        if found is None or found.threshold is None:
            continue
        where = f"{found.threshold.source} of {address.test!r}"
        session.say(
            f"golden of {owner.test.nodeid}: held to {where}, which was recorded from another"
            " rootdir; --editmetrics-update=missing records it for this one"
        )
        return replace(found, env=env, left_under=where, unstated=False, variants=()), []
    strictest: Approved | None = None
    tests: list[str] = []
    for item, place in _places(session, owner, address):
        found = session.goldens.lookup(place, environment, measurement.smoke)
        if found is None or found.threshold is None:
            continue
        where = f"{found.threshold.source} of {place.test!r}"
        if may_make(item, measurement.metric):
            session.say(
                f"{owner.test.nodeid} has no golden of {address.gate}; {where} is not taken for it,"
                " since that test may make such a gate itself"
            )
            continue
        tests.append(id_of(item).nodeid)
        own = replace(found, env=env, left_under=where, unstated=False, variants=())
        if strictest is None or own.stricter_than(strictest):
            strictest = own
    if strictest is not None:
        session.say(
            f"golden of {owner.test.nodeid}: held to {strictest.left_under}, which an earlier"
            " recording left under a test; --editmetrics-update=missing records the fixture's own,"
            " then delete it"
        )
    return strictest, tests


def _of_other_rootdirs(
    session: EditSession, owner: Owner, address: GoldenAddress
) -> Iterator[GoldenAddress]:
    """Yield where the golden of a fixture would lie if another folder were the rootdir.

    Beside the fixture's file, or in a folder between the test and the top of its repository.
    """
    if owner.path == owner.item.path:
        return
    defined = file_of(source_of(owner.definition), session.rootdir)
    paths = [] if defined is None else [defined]
    folders = owner.item.path.parents
    top = next((folder for folder in folders if (folder / ".git").exists()), session.rootdir)
    paths += [folder / OUTSIDE for folder in folders if folder.is_relative_to(top)]
    metric, _, name = address.gate.partition("@")
    for path in paths:
        with suppress(InputError):  # the goldens have one folder, which takes none from outside
            place = session.goldens.address(
                path, address.test, metric, name or None, address.digest
            )
            if place.file != address.file and place.file.is_file():
                yield place


def _places(
    session: EditSession, owner: Owner, address: GoldenAddress
) -> Iterator[tuple[pytest.Item, GoldenAddress]]:
    metric, _, name = address.gate.partition("@")
    users = session_of(owner.config).users.of(owner.definition)
    recorded = {path for path in {item.path for item in users} if session.has_goldens(path)}
    for item in users if recorded else ():
        if item.path in recorded and depends_alike(owner, item):
            test = id_of(item)
            yield (
                item,
                session.goldens.address(item.path, test.key, metric, name or None, test.digest),
            )
