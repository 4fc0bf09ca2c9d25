"""Which tests use a fixture that serves more than one, as far as they say so before they run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_editmetrics.session.fixture_record import FixtureRecord

_PACKAGE = __name__.partition(".")[0]
_NOT_THE_USERS = (_PACKAGE, "_pytest")


class FixtureUsers:
    """Knows the tests that pytest found, also those that do not run."""

    def __init__(self) -> None:
        self._items: dict[int, tuple[Any, list[pytest.Item]]] = {}

    def add(self, item: pytest.Item) -> None:
        """Take a test that exists."""
        for definition in definitions_of(item):
            self._items.setdefault(id(definition), (definition, []))[1].append(item)

    def of(self, definition: Any) -> list[pytest.Item]:
        """Return the tests that use a fixture."""
        return self._items.get(id(definition), (None, []))[1]

    def all(self) -> list[tuple[Any, list[pytest.Item]]]:
        """Return every fixture that tests use, with these."""
        return list(self._items.values())


def definitions_of(item: pytest.Item, *, autouse: bool = True) -> Iterator[Any]:
    """Yield the wider fixtures, of the user or his plugins, that a test uses.

    Without ``autouse`` those that its function, and what that asks for, names.
    """
    info = getattr(item, "_fixtureinfo", None)
    known = dict(getattr(info, "name2fixturedefs", {}))
    waiting = list(known if autouse else getattr(info, "argnames", ()))
    if not autouse:
        waiting += [name for mark in item.iter_markers("usefixtures") for name in mark.args]
    seen = set()
    for name in waiting:
        if name in seen:
            continue
        seen.add(name)
        for definition in reversed(known.get(name) or ()):
            waiting += definition.argnames
            if definition.scope != "function" and not _is_ours(definition):
                yield definition
            if name not in definition.argnames:
                break


def _is_ours(definition: Any) -> bool:
    """Tell whether a fixture is of this package or of pytest, and not of a ``setup_module``."""
    module = str(getattr(definition.func, "__module__", "")).partition(".")[0]
    return module in _NOT_THE_USERS and not definition.argname.startswith(("_xunit_", "_unittest_"))


def serves(fixtures: Iterable[FixtureRecord], item: pytest.Item) -> bool:
    """Tell whether a test asked for one of its fixtures, or one belongs to its class or module.

    One that serves every test of a session or package, asked or not, says nothing of a test.
    """
    asked = set(definitions_of(item, autouse=False))
    everyone = set(definitions_of(item)) - asked
    return any(
        one.definition not in everyone or one.definition.scope in ("class", "module")
        for one in fixtures
    )


def active_of(item: pytest.Item) -> Mapping[str, Any]:
    """Return pytest's definitions of the fixtures that a running test has, by name."""
    active: Mapping[str, Any] = getattr(getattr(item, "_request", None), "_fixture_defs", {})
    return active
