"""Which gates are of a known fault: those of tests that are marked xfail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.errors import GateFailure
from pytest_editmetrics.session.state import session_of

if TYPE_CHECKING:
    from pytest_editmetrics.session.owner import Owner

_known = pytest.StashKey[dict[int, bool]]()


def marked_xfail(item: pytest.Item) -> bool:
    """Tell whether a mark expects a test to fail by such an error as a gate raises.

    The mark may have been added while the test runs.
    """
    from _pytest.skipping import evaluate_xfail_marks, xfailed_key

    if item.config.getoption("runxfail", True):  # without it (-p no:skipping) no mark is heeded
        return False
    try:
        mark = item.stash.get(xfailed_key, None) or evaluate_xfail_marks(item)
    except pytest.fail.Exception:  # its condition cannot be read: that test says so
        return False
    if mark is None:
        return False
    others = isinstance(mark.raises, (type, tuple)) and not issubclass(GateFailure, mark.raises)
    return not others


def known_fault(owner: Owner) -> bool:
    """Tell whether a test is marked xfail, or each test that uses a fixture."""
    if not marked_xfail(owner.item):
        return False
    return owner.definition is None or _all_marked(owner.definition, owner.config)


def _all_marked(definition: Any, config: pytest.Config) -> bool:
    """Look at the tests that use a fixture, once, also at those that do not run."""
    known = config.stash.setdefault(_known, {})
    if id(definition) not in known:
        users = session_of(config).users.of(definition)
        known[id(definition)] = all(map(marked_xfail, users))
    return known[id(definition)]
