"""Whether a test asked for gates, so that one that then makes none is no pass.

A test has asked itself if its function, or a fixture that it requests, names a gate fixture, or if
its own function carries the marker. What holds for many tests (a module's or class's marker, an
autouse fixture) or is decided while the test runs (``getfixturevalue``, a call of an imported
helper, by the test or by what it calls) may be more than a test needs: that is only named.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pytest

from pytest_editmetrics.errors import InputError
from pytest_editmetrics.session.named import (
    METRICS,
    PACKAGE,
    calls_a_helper,
    function_of,
    gets_fixtures,
    has_text,
    named_in,
)

GATE_FIXTURES = (
    "edit_gate",
    "golden_image",
    "assert_unedit_emd_below",
    "assert_unedit_lpips_below",
    "assert_object_sim_above",
)
USES_A_GATE = re.compile(
    r"(?<![\w.])(edit_gate|golden_image|assert_(?:unedit|edit|object)_\w+_(?:below|above))(?!\w)"
)
"""Finds the name of one, of a helper of any metric too, in a file that nobody may run."""


class Asked(NamedTuple):
    """What a test says before it runs.

    ``itself``: it asked for gates by its own function; ``widely``: something that holds for more
    than this test did. ``late``: a fixture of it may measure in its teardown. ``excused``: its
    marker says that it may make none. ``by_fixture``: a gate fixture is among what it asked by, and
    not only a marker; ``by_call``: what it calls names a helper, perhaps for other tests only.
    """

    itself: bool = False
    widely: bool = False
    late: bool = False
    excused: bool = False
    by_fixture: bool = False
    by_call: bool = False

    @classmethod
    def of(cls, item: pytest.Item) -> Asked:
        """Read a test's function, fixtures and markers; nothing of it runs."""
        if _gates(item)[0] == "none":
            return cls(excused=True)
        fixtures = _Fixtures(item)
        own = [mark for mark in item.own_markers if mark.name == "usefixtures"]
        requested = (*fixtures.arguments, *(name for mark in own for name in mark.args))
        marked = any(mark.name == "editmetrics" for mark in item.own_markers)
        by_fixture = fixtures.reach(fixtures.all)
        return cls(
            itself=marked or fixtures.reach(requested),
            widely=item.get_closest_marker("editmetrics") is not None
            or by_fixture
            or any(named_in(function_of(item))),
            by_call=calls_a_helper(item, fixtures.functions),
            by_fixture=by_fixture,
            late=any(fixtures.may_measure_late(name) for name in fixtures.all),
        )


class _Fixtures:
    """The fixtures of a test, and which of them lead to one that makes gates."""

    def __init__(self, item: pytest.Item):
        info = getattr(item, "_fixtureinfo", None)
        self.arguments: tuple[str, ...] = tuple(getattr(info, "argnames", ()))
        self.all: tuple[str, ...] = tuple(getattr(info, "names_closure", ()))
        self._definitions: dict[str, Any] = dict(getattr(info, "name2fixturedefs", {}))
        self._known: dict[str, bool] = {}

    @property
    def functions(self) -> Iterator[Any]:
        """The functions of the fixtures, the plugin's own left out."""
        used = (used for name in self.all for used in self._used(name))
        return (one.func for one in used if not _is_ours(one))

    def reach(self, names: Iterable[str]) -> bool:
        """Tell whether one of these is, or needs, a fixture of ours that makes gates.

        A fixture of the user's own that only has the name of one of ours is none.
        """
        return any(self._reaches(name) for name in names)

    def may_measure_late(self, name: str) -> bool:
        """Tell whether a fixture has a teardown, and a fixture of ours to measure in it."""
        return self._reaches(name) and any(
            "request" in used.argnames
            or inspect.isgeneratorfunction(used.func)
            or inspect.isasyncgenfunction(used.func)
            for used in self._used(name)
            if not _is_ours(used)
        )

    def _reaches(self, name: str) -> bool:
        if name not in self._known:
            self._known[name] = False  # while it is looked at: a fixture may need its namesake
            self._known[name] = any(
                (name in GATE_FIXTURES and _is_ours(used)) or self.reach(used.argnames)
                for used in self._used(name)
            )
        return self._known[name]

    def _used(self, name: str) -> Iterator[Any]:
        """Yield the definition that holds for a name, and those of its name that it needs."""
        for definition in reversed(self._definitions.get(name) or ()):
            yield definition
            if name not in definition.argnames:
                return


def may_make(item: pytest.Item, metric: str) -> bool:
    """Tell whether a test may make a gate of a metric itself, by what its function names."""
    names = {
        *getattr(getattr(item, "_fixtureinfo", None), "names_closure", ()),
        *named_in(function_of(item)),
    }
    return any(METRICS.get(name, metric) == metric for name in names.intersection(GATE_FIXTURES))


def names_images(item: pytest.Item) -> bool:
    """Tell whether a test itself, no fixture of it, requests ``golden_image``."""
    return "golden_image" in _Fixtures(item).arguments


def may_get_images(item: pytest.Item) -> bool:
    """Tell whether a test requests ``golden_image``, or what it requests is known as it runs."""
    fixtures = _Fixtures(item)
    return "golden_image" in fixtures.all or gets_fixtures(item, fixtures.functions)


def gets_one_of(item: pytest.Item, names: Iterable[str]) -> bool:
    """Tell whether a test, or a fixture of it, names one of these fixtures and gets one as it runs.

    A name that only what it calls has is not seen.
    """
    fixtures = _Fixtures(item)
    functions = [function_of(item), *fixtures.functions]
    named = any(has_text(function, name) for function in functions for name in names)
    return named and gets_fixtures(item, fixtures.functions)


def kinds_of(item: pytest.Item) -> list[str]:
    """Return which of ``edit_gate`` and ``golden_image`` a test may ask for.

    Both, where that is known only as it runs. The helpers have bounds of their own, and no golden.
    """
    fixtures, both = _Fixtures(item), ["edit_gate", "golden_image"]
    named = not {*fixtures.all}.isdisjoint(GATE_FIXTURES)
    if named and not gets_fixtures(item, fixtures.functions):
        return [one for one in both if one in fixtures.all]
    return both


def _is_ours(definition: Any) -> bool:
    return str(getattr(definition.func, "__module__", "")).partition(".")[0] == PACKAGE


def check_gates(item: pytest.Item | pytest.Collector) -> None:
    """Raise ``InputError`` if a marker's ``gates`` says something else than ``"none"``."""
    gates, where = _gates(item)
    if gates not in (None, "none"):
        raise InputError(
            f"the editmetrics marker of {where} has gates={gates!r}; what it can say is"
            " gates='none': the test may make no gate"
        )


def check_made(item: pytest.Item) -> None:
    """Raise ``InputError``, for a test that asked for gates and made none."""
    check_gates(item)
    raise InputError(
        "this test asked for gates and made none, so it proves nothing: measure in it, or say"
        ' @pytest.mark.editmetrics(gates="none") if it may make none'
    )


def _gates(item: pytest.Item | pytest.Collector) -> tuple[Any, str]:
    """Return what the nearest marker with ``gates`` says, and what it stands on."""
    for node, mark in item.iter_markers_with_node("editmetrics"):
        if mark.kwargs.get("gates") is not None:
            return mark.kwargs["gates"], node.nodeid or node.name
    return None, ""
