"""Which part of a test's id in square brackets stands for which of its arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import _pytest.python
import pytest

_Names = tuple[str, ...]


class Part(NamedTuple):
    """A part of an id: the arguments that it stands for, its text, which parameter set it is of,
    and whether others had the same text, so that pytest appended a number."""

    names: Sequence[str]
    text: str
    place: int
    numbered: bool = False


class _Call(NamedTuple):
    """One ``parametrize``: its arguments, and which of its parameter sets have an id that another
    has as well; and which have none (``pytest.HIDDEN_PARAM``)."""

    names: _Names
    alike: frozenset[int] = frozenset()
    hidden: frozenset[int] = frozenset()

    def place(self, spec: Any) -> int:
        """Return the number of the parameter set that a test has; later pytest counts anew."""
        place: int = spec.indices.get(self.names[0], -1) if self.names else -1
        return place


_parts = pytest.StashKey[dict[str, dict[_Names, list[Part]]]]()
_numbered = pytest.StashKey[dict[tuple[Any, ...], frozenset[int]]]()
"""Which ids were alike, by the ids made of them: tests that share a mark are given these."""


@contextmanager
def noted_calls(metafunc: pytest.Metafunc) -> Iterator[None]:
    """Remember what each part of the ids of a function's tests stands for."""
    calls: list[_Call] = []
    parametrize: Any = metafunc.parametrize

    def noted(argnames: Any, *args: Any, **options: Any) -> None:
        with _ids_before_numbers() as given:
            parametrize(argnames, *args, **options)
        names = argnames.split(",") if isinstance(argnames, str) else argnames
        names = tuple(name.strip() for name in names if name.strip())
        calls.append(_call(metafunc, names, given[-1] if given else []))

    metafunc.parametrize = noted  # type: ignore[method-assign]
    try:
        yield
    finally:
        del metafunc.parametrize
    collector = metafunc.definition.parent
    if calls and collector is not None:
        parts = {tuple(spec._idlist): _told(spec, calls) for spec in _specs(metafunc)}
        collector.stash.setdefault(_parts, {})[metafunc.definition.name] = parts


def _specs(metafunc: Any) -> Sequence[Any]:
    return getattr(metafunc, "_calls", ())


def _told(spec: Any, calls: Sequence[_Call]) -> list[Part]:
    """Return the parts of one test's id; nothing where they cannot be told apart."""
    places = [(call, call.place(spec)) for call in calls]
    shown = [(call, place) for call, place in places if place not in call.hidden]
    if len(shown) != len(spec._idlist):
        return []
    return [
        Part(call.names, text, place, place in call.alike)
        for (call, place), text in zip(shown, spec._idlist, strict=True)
    ]


@contextmanager
def _ids_before_numbers() -> Iterator[list[list[Any]]]:
    """Give the ids of parameter sets as they are before pytest makes equal ones different."""
    given: list[list[Any]] = []
    maker: Any = getattr(_pytest.python, "IdMaker", None)
    resolve = getattr(maker, "_resolve_ids", None)
    if resolve is None:
        yield given
        return

    def noted(self: Any) -> list[Any]:
        given.append(list(resolve(self)))
        return given[-1]

    maker._resolve_ids = noted
    try:
        yield given
    finally:
        maker._resolve_ids = resolve


def _call(metafunc: pytest.Metafunc, names: _Names, given: Sequence[Any]) -> _Call:
    call = _Call(names, hidden=frozenset(i for i, one in enumerate(given) if type(one) is not str))
    made = {
        call.place(spec): spec._idlist[-1]
        for spec in _specs(metafunc)
        if spec._idlist and call.place(spec) not in call.hidden
    }
    alike = frozenset(i for i, one in enumerate(given) if made.get(i, one) != one)
    known = metafunc.config.stash.setdefault(_numbered, {})
    if alike:
        known[names, tuple(made.get(i) for i in range(len(given)))] = alike
    else:
        hidden = (None if i in call.hidden else one for i, one in enumerate(given))
        alike = known.get((names, tuple(hidden)), alike)
    return call._replace(alike=alike)


def parts_of(item: pytest.Item) -> list[Part]:
    """Return the parts of a test's id in square brackets, with the arguments that each stands for.

    A parameter whose id is hidden has none. Nothing where they cannot be told apart.
    """
    spec = getattr(item, "callspec", None)
    if spec is None or item.parent is None:
        return []
    of_function = item.parent.stash.get(_parts, {}).get(getattr(item, "originalname", ""), {})
    return of_function.get(tuple(spec._idlist), [])
