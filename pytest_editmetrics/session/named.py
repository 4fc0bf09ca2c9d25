"""Which importable helpers a test names: in its own function, or in what that function calls.

Functions are read and not run. Of what a function calls, those of the project count, whose files
lie below the rootdir: those of a test's module or class, of modules that it imports, of its
fixtures, and what its parameters are.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

METRICS = {
    "assert_unedit_emd_below": "emd",
    "assert_unedit_lpips_below": "lpips",
    "assert_object_sim_above": "sam_clip_cls_sim",
}
"""The helpers, by name, and the metric of each."""
PACKAGE = __name__.partition(".")[0]
_HELPERS = f"{PACKAGE}.plugin.helpers"
_INSTALLED = ("site-packages", "dist-packages")
_known_key = pytest.StashKey["dict[tuple[object, CodeType], bool]"]()


def function_of(item: pytest.Item) -> Any:
    """Return the function that a test's author wrote, under what decorators made of it."""
    function = getattr(item, "obj", None)
    function = getattr(function, "__func__", function)
    if (given := getattr(function, "hypothesis", None)) is not None:
        function = getattr(given, "inner_test", function)
    return inspect.unwrap(function) if callable(function) else None


def named_in(function: Any) -> Iterator[str]:
    """Yield the names of the importable helpers that a function names, under any name."""
    known = getattr(function, "__globals__", {})
    for code in _codes(getattr(function, "__code__", None)):
        for name in code.co_names:
            named = _bare(known.get(name))
            if _is_helper(named):
                yield named.__name__
            elif name in METRICS and name not in known:  # of a module, or imported here
                yield name


def has_text(function: Any, text: str) -> bool:
    """Tell whether a text stands in a function, itself or as a name of its module."""
    function = inspect.unwrap(function) if callable(function) else None
    known = getattr(function, "__globals__", {})
    return any(
        type(value) is str and value == text
        for code in _codes(getattr(function, "__code__", None))
        for found in (*code.co_consts, *map(known.get, code.co_names))
        for value in (found if type(found) is tuple else (found,))
    )


def calls_a_helper(item: pytest.Item, fixtures: Iterable[Any]) -> bool:
    """Tell whether what a test calls or is given names a helper; ``fixtures`` are those it has."""
    return _HELPERS in sys.modules and _leads(item, fixtures, _names_a_helper)


def gets_fixtures(item: pytest.Item, fixtures: Iterable[Any]) -> bool:
    """Tell whether what a test calls or is given asks for a fixture as it runs, as any may be."""
    return _leads(item, fixtures, _gets_a_fixture)


def _leads(item: pytest.Item, fixtures: Iterable[Any], to: Callable[[Any], bool]) -> bool:
    own = function_of(item)
    given = getattr(getattr(item, "callspec", None), "params", {}).values()
    functions = [own, *fixtures, *given]
    project = _Project(item, to)
    return any(project.leads(_bare(one), getattr(item, "cls", None)) for one in functions)


def _names_a_helper(function: Any) -> bool:
    return _is_helper(function) or any(named_in(function))


def _gets_a_fixture(function: Any) -> bool:
    codes = _codes(getattr(function, "__code__", None))
    return any("getfixturevalue" in code.co_names for code in codes)


class _Project:
    """The functions below the rootdir, of which each is read once a session."""

    def __init__(self, item: pytest.Item, to: Callable[[Any], bool]):
        self._to = to
        self._root = f"{item.config.rootpath}"
        self._known = item.config.stash.setdefault(_known_key, {})

    def leads(self, function: Any, cls: type | None = None) -> bool:
        """Tell whether a function is a helper, or of the project and such, or names one that is."""
        if _is_helper(function):
            return self._to(function)
        function = inspect.unwrap(function) if type(function) is FunctionType else None
        if type(function) is not FunctionType or not self._has(function.__code__.co_filename):
            return False
        code = function.__code__
        key = self._to, code
        if key not in self._known:
            self._known[key] = False  # while it is looked at: functions may call each other
            self._known[key] = self._to(function) or any(
                self.leads(one, cls) for one in self._called(function, cls)
            )
        return self._known[key]

    def _has(self, file: str) -> bool:
        return file.startswith(self._root) and not any(name in file for name in _INSTALLED)

    def _called(self, function: FunctionType, cls: type | None) -> Iterator[Any]:
        known = function.__globals__
        for code in _codes(function.__code__):
            named = [known.get(name) for name in code.co_names]
            yield from map(_bare, named)
            modules = [
                vars(one)
                for one in named
                if type(one) is ModuleType and self._has(vars(one).get("__file__") or "")
            ]
            places = [*modules, *map(vars, cls.__mro__ if cls is not None else ())]
            yield from (_bare(place.get(name)) for place in places for name in code.co_names)


def _bare(value: Any) -> Any:
    return value.func if type(value) is partial else value


def _is_helper(value: Any) -> bool:
    return type(value) is FunctionType and value.__module__ == _HELPERS


def _codes(code: Any) -> Iterator[CodeType]:
    if isinstance(code, CodeType):
        yield code
        for inner in code.co_consts:
            yield from _codes(inner)
