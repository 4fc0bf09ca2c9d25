"""Which gates are of a known fault: those of tests that are marked xfail, or call themselves so."""

from __future__ import annotations

import ast
import inspect
from textwrap import dedent
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


def known_test(item: pytest.Item) -> bool:
    """Tell whether a test is marked xfail, or is recorded and catches its failure as one.

    A gate that is recorded raises nothing, so that the test would never come to its ``except``.
    """
    return marked_xfail(item) or (
        session_of(item.config).options["update"] != "none" and _caught_as_known(item)
    )


def _caught_as_known(item: pytest.Item) -> bool:
    """Tell whether a test's own ``except`` calls what it catches an xfail."""
    function = inspect.unwrap(getattr(item, "function", None) or _caught_as_known)
    names = getattr(getattr(function, "__code__", None), "co_names", ())
    if "xfail" not in names or item.config.getoption("runxfail", True):
        return False
    try:
        tree = ast.parse(dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):  # its source is not there
        return False
    caught = (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler))
    return any(_names_xfail(node) for handler in caught for node in ast.walk(handler))


def _names_xfail(node: ast.AST) -> bool:
    return "xfail" in (getattr(node, "attr", None), getattr(node, "id", None))


def known_fault(owner: Owner) -> bool:
    """Tell whether a test is known to fail, or each test that uses a fixture is marked so."""
    if owner.definition is None:
        return known_test(owner.item)
    return marked_xfail(owner.item) and _all_marked(owner.definition, owner.config)


def _all_marked(definition: Any, config: pytest.Config) -> bool:
    """Look at the tests that use a fixture, once, also at those that do not run."""
    known = config.stash.setdefault(_known, {})
    if id(definition) not in known:
        users = session_of(config).users.of(definition)
        known[id(definition)] = all(map(marked_xfail, users))
    return known[id(definition)]
