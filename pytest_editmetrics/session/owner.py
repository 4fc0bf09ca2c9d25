"""Whose a gate is: a test's, or that of a fixture which serves more than one test.

A fixture's gate is filed under the fixture, so that it does not matter which test ran first.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.goldens.places import OUTSIDE, fixture_key
from pytest_editmetrics.session.id_parts import Part, parts_of
from pytest_editmetrics.session.identity import TestId, id_of, id_of_params, text_of
from pytest_editmetrics.session.known_faults import known_fault
from pytest_editmetrics.whole_file import real_path

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import UpdateMode

_INSTALLED = {"site-packages", "dist-packages"}
_XUNIT = re.compile(r"_?(?:xunit|unittest)_(\w+?)_fixture_")


@dataclass(frozen=True)
class Owner:
    """What a gate takes from the test or the fixture that it belongs to.

    ``test`` says what the owner is called and what its goldens are filed under; they lie beside
    ``path``. ``node`` has the markers that hold for it, ``item`` is the test that runs. A fixture
    has its ``request``, which gives the pipes there, its ``definition``, and the names of the
    fixtures that it is ``made_with``.
    """

    test: TestId
    path: Path
    node: Any
    config: pytest.Config
    item: pytest.Item
    request: Any = None
    definition: Any = None
    made_with: tuple[str, ...] = ()


def update_of(options: Mapping[str, Any], owner: Owner | None) -> UpdateMode:
    """Return what ``--editmetrics-update`` records of an owner's gates.

    Of a known fault that is nothing: it would be what the test is held to.
    """
    mode: UpdateMode = options["update"]
    return "none" if mode == "none" or (owner is not None and known_fault(owner)) else mode


def owner_of_test(item: pytest.Item) -> Owner:
    """Return a test as the owner of its gates."""
    return Owner(id_of(item), item.path, item, item.config, item)


@dataclass(frozen=True)
class Made:
    """What a fixture is made of, before a plugin puts something else there while it is set up."""

    source: Any
    argnames: tuple[str, ...]

    @classmethod
    def of(cls, definition: Any) -> Made:
        """Read a ``FixtureDef`` of pytest."""
        return cls(source_of(definition), tuple(definition.argnames))


def owner_of_fixture(
    definition: Any, item: pytest.Item, made: Made | None = None, request: Any = None
) -> Owner:
    """Return a fixture as the owner of its gates.

    Args:
        definition: pytest's ``FixtureDef``.
        item: a test that uses it, whose parameters decide which of its goldens hold.
        made: of the definition, if it was read before.
        request: its request, while it is set up.
    """
    root = item.config.rootpath
    made = made or Made.of(definition)
    path, inside, name = _defined(definition, made.source, item, root)
    needed = _needed(definition, made.argnames, item, request)
    parts = list(_parts(item, needed))
    key = fixture_key(inside, name, [part.text for part in parts])
    outside = definition.baseid if inside else item.nodeid
    file = path.relative_to(root).as_posix() if path.is_relative_to(root) else outside
    test = id_of_params(item, f"{file.partition('::')[0]}::{key}", key, parts)
    node = item if request is None else request.node
    return Owner(test, path, node, item.config, item, request, definition, tuple(needed))


def values_of(owner: Owner) -> list[str] | None:
    """Return the parameters that a fixture depends on, as text; ``None`` if one has no text."""
    params = getattr(getattr(owner.item, "callspec", None), "params", {})
    texts = [
        text_of(params[name], owner.item.config.rootpath)
        for name in owner.made_with
        if name in params
    ]
    return None if None in texts else [str(text) for text in texts]


def depends_alike(owner: Owner, item: pytest.Item) -> bool:
    """Tell whether a fixture that was set up for one test serves another, by its parameters."""
    own = _parts(owner.item, owner.made_with)
    other = _parts(item, owner.made_with)
    return [part.text for part in own] == [part.text for part in other]


def source_of(definition: Any) -> Any:
    """Return the function that a fixture was made of, whatever a plugin wrapped around it."""
    function = inspect.unwrap(definition.func)
    while hasattr(function, "func"):  # functools.partial
        function = inspect.unwrap(function.func)
    return getattr(function, "__func__", function)


def is_xunit(definition: Any) -> bool:
    """Tell whether pytest made a fixture of a ``setup_module``, ``setUpClass`` or the like."""
    module = str(getattr(definition.func, "__module__", ""))
    return module.startswith("_pytest.") and _XUNIT.match(definition.argname) is not None


def _defined(
    definition: Any, source: Any, item: pytest.Item, rootdir: Path
) -> tuple[Path, str, str]:
    """Return the file that defines a fixture, the class in it, and the fixture's name."""
    inside = definition.baseid.partition("::")[2]
    name = str(definition.argname)
    if is_xunit(definition):
        match = _XUNIT.match(name)
        return item.path, inside, match[1] if match else name
    if inside:  # of a class, whose attributes it may use: also where it inherited the fixture
        return item.path, inside, name
    return _project_file(source, rootdir) or rootdir / OUTSIDE, "", name


def file_of(function: Any, rootdir: Path) -> Path | None:
    """Return the file that a function stands in, ``None`` for one without code in Python."""
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return None if code is None else rootdir / code.co_filename


def _project_file(function: Any, rootdir: Path) -> Path | None:
    """Return the project's file that a function stands in, ``None`` for one of elsewhere."""
    path = file_of(function, rootdir)
    if path is None:
        return None
    for one, root in ((path, rootdir), (real_path(path), real_path(rootdir))):
        if one.is_relative_to(root) and one.is_file():
            below = one.relative_to(root)
            prefix = Path(sys.prefix)
            own = prefix.is_relative_to(root) and prefix != root and one.is_relative_to(prefix)
            return None if own or _INSTALLED.intersection(below.parts) else rootdir / below
    return None


def _needed(definition: Any, own: Sequence[str], item: Any, request: Any) -> list[str]:
    """Return the names of the fixtures that a fixture's value depends on, its own first."""
    known = item._fixtureinfo.name2fixturedefs if request is None else request._arg2fixturedefs
    by_hand = () if request is None else vars(request).get("asked", ())
    found = {str(definition.argname): None}
    waiting = [definition]
    seen = set()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        for name in (*own, *by_hand) if one is definition else one.argnames:
            found[name] = None
            chain = list(known.get(name) or ())
            if name == one.argname and one in chain:
                chain = chain[: chain.index(one)]
            waiting += chain[-1:]
    return list(found)


def _parts(item: Any, needed: Sequence[str]) -> Iterator[Part]:
    """Yield what of a test's id stands for the parameters that a fixture depends on.

    In the order in which the fixture needs them, since that of the id is the test's.
    """
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return
    parts = parts_of(item)
    told: set[str] = set()
    for name in needed:
        if name not in callspec.params or name in told:
            continue
        for part in parts:
            if name in part.names and set(part.names) <= set(needed):
                told.update(part.names)
                yield part
                break
        else:
            value = callspec.params[name]
            plain = value is None or isinstance(value, (str, int, float, bool))
            place = callspec.indices[name]
            yield Part((name,), str(value) if plain else f"{name}{place}", place)
