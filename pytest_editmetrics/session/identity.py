"""Which test an item is: its node id, and the key of its goldens, made from the item itself.

A scheduler may write into an item's node id (pytest-xdist's ``--dist loadgroup``), and a plugin
that repeats tests adds a parameter that nobody asks for. Neither makes another test.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cached_property
from itertools import islice
from json import dumps
from pathlib import Path, PurePath
from types import FunctionType, SimpleNamespace
from typing import Any

import pytest

from pytest_editmetrics.session.id_parts import Part, parts_of
from pytest_editmetrics.session.named import function_of, has_text

_test = pytest.StashKey["TestId"]()
_LONGEST = 100  # characters of a text that pytest 9 writes into an id
_SHOWN = 5  # words of a text in an id that is suggested
_READ = 1000  # characters of a text in which they are looked for


@dataclass(frozen=True)
class TestId:
    """``nodeid`` is what pytest calls the test; ``key`` what its goldens are filed under.

    The key is the node id after the file, without what tells repetitions apart. Where pytest makes
    a part of it from the place of a parameter (``prompt0``), or appends a number to ids that are
    equal (``add0``), ``automatic`` has the argument and an id to write instead.
    ``digest`` is of the values of such parameters, and of texts that are longer than the ids of
    some version of pytest; ``None`` if there are none, or none can be digested. Both are looked for
    when they are asked for: values may be large, and most tests have no golden.
    """

    __test__ = False

    nodeid: str
    key: str
    _of_values: Callable[[], tuple[str | None, Mapping[str, str]]] = field(compare=False)

    @cached_property
    def _told(self) -> tuple[str | None, Mapping[str, str]]:
        return self._of_values()

    @property
    def digest(self) -> str | None:
        """See above."""
        return self._told[0]

    @property
    def automatic(self) -> Mapping[str, str]:
        """See above."""
        return self._told[1]


def id_of(item: pytest.Item) -> TestId:
    """Return which test an item is."""
    if _test not in item.stash:
        item.stash[_test] = _id_of(item)
    return item.stash[_test]


def _id_of(item: pytest.Item) -> TestId:
    parent = item.parent.nodeid if item.parent is not None else ""
    plain = f"{parent}::{item.name}"
    nodeid = plain if item.nodeid.startswith(plain) else item.nodeid
    key = nodeid.partition("::")[2]
    parts = parts_of(item)
    kept = [part.text for part in parts if not _repeats(item, part.names)]
    if len(kept) < len(parts):
        inside = parent.partition("::")[2]
        name = getattr(item, "originalname", item.name) + (f"[{'-'.join(kept)}]" if kept else "")
        key = f"{inside}::{name}" if inside else name
    return id_of_params(item, nodeid, key, parts)


def id_of_params(item: pytest.Item, nodeid: str, key: str, parts: Sequence[Part]) -> TestId:
    """Return an id, with what these parts of the test's parameters say of its values."""

    def of_values() -> tuple[str | None, Mapping[str, str]]:
        values, automatic = _by_place(item, parts)
        root = item.config.rootpath
        texts = [text for text in (text_of(value, root) for value in values) if text is not None]
        return _digest(texts) if texts else None, automatic

    return TestId(nodeid, key, of_values)


def _digest(texts: Sequence[str]) -> str:
    from hashlib import sha256

    return sha256("\n".join(texts).encode()).hexdigest()[:12]


def _by_place(item: pytest.Item, parts: Sequence[Part]) -> tuple[list[Any], dict[str, str]]:
    """Return the values that an id does not state in every version of pytest, and the arguments
    that it names by their place, with an id to write instead."""
    values: list[Any] = []
    automatic = {}
    for part in parts:
        if _repeats(item, part.names):
            continue
        given = {name: item.callspec.params[name] for name in part.names}  # type: ignore[attr-defined]
        if part.numbered:
            own = {name: _lasting(value) for name, value in given.items()}
            values += own.values()
            automatic[", ".join(part.names)] = _distinct(part, own)
            continue
        for name, value in given.items():
            token = f"{name}{part.place}"
            text = isinstance(value, (str, bytes))
            placed = f"-{token}-" in f"-{part.text}-"
            if placed and not (text and value == token):
                own_words = _suggested(value, token)
                # another text may begin with the same words
                automatic[name] = f"{own_words}-{part.place}" if _cut(value) else own_words
                values.append(value)
            elif text and len(value) > _LONGEST and len(part.text) > _LONGEST:
                values.append(value)
    return values, automatic


def _lasting(value: Any) -> Any:
    """Return a value, or of a function or class of a module its full name."""
    if isinstance(value, (FunctionType, type)) and _is_found(value):
        return f"{value.__module__}.{value.__qualname__}"
    return value


def _is_found(value: FunctionType | type) -> bool:
    """Tell whether its full name leads to it: ``functools.wraps`` gives another one's."""
    found: Any = sys.modules.get(value.__module__)
    for name in value.__qualname__.split("."):
        if name.startswith("<"):
            return False
        found = getattr(found, name, None)
    return found is value


def _distinct(part: Part, own: Mapping[str, Any]) -> str:
    """Return an id for one of the parameter sets that have the same: of its values, or where these
    may say no more than others' do, the id with its number apart."""
    words = "-".join(_suggested(value, f"{name}{part.place}") for name, value in own.items())
    numbered = re.fullmatch(r"(.*?)_?(\d+)", part.text)
    if numbered is None:
        return words
    base, number = numbered.groups()
    cut = any(map(_cut, own.values()))
    return f"{base}-{number}" if cut or words == base.lower() else words


def _cut(value: Any) -> bool:
    """Tell whether an id made of a text leaves some of it out."""
    return len(_words(value)) > _SHOWN or (isinstance(value, (str, bytes)) and len(value) > _READ)


def _words(value: Any) -> list[str]:
    """Return the words of a text, one more than are shown at most."""
    if not isinstance(value, (str, bytes)):
        return []
    text = value if isinstance(value, str) else str(value[:_READ])
    words = re.finditer(r"[A-Za-z0-9]+", text[:_READ])
    return [word.group() for word in islice(words, _SHOWN + 1)]


def _suggested(value: Any, token: str) -> str:
    if not isinstance(value, (str, bytes)):
        return f"name-of-{token}"
    return "-".join(_words(value)[:_SHOWN]).lower() or f"name-of-{token}"


def text_of(value: Any, root: Path) -> str | None:
    """Return the text of a value that is plain, or made of such values; of others none.

    Plain are strings, numbers, paths and members of an enum, and containers of these; made of them
    are named tuples, dataclasses and their like, of which what is not plain is left out. A path
    below ``root``, the rootdir, has the same text on every machine, also where it is a string.
    """
    try:
        return dumps(_plain(value, root))
    except (TypeError, ValueError, RecursionError):
        return None


def _plain(value: Any, root: Path) -> Any:
    kind = type(value)
    if kind is str:
        return ["str", value.replace(f"{root}{os.sep}", "")]
    if value is None or kind in (bool, int, float):
        return [kind.__name__, value]
    if kind is bytes:
        return ["bytes", value.hex()]
    if isinstance(value, PurePath):
        inside = value.is_relative_to(root)
        return ["path", value.relative_to(root).as_posix() if inside else value.name]
    if isinstance(value, Enum):
        return [kind.__name__, value.name]
    if kind in (list, tuple):
        return [kind.__name__, [_plain(one, root) for one in value]]
    if kind in (set, frozenset):
        return [kind.__name__, sorted(dumps(_plain(one, root)) for one in value)]
    if kind is dict:
        pairs = [[_plain(key, root), _plain(one, root)] for key, one in value.items()]
        return ["dict", sorted(pairs, key=dumps)]
    return [kind.__name__, dict(_stated(value, root))]


def _stated(value: Any, root: Path) -> Iterator[tuple[str, Any]]:
    """Yield the plain ones of the values that an object is made of.

    Raises:
        TypeError: its class does not say what it is made of.
    """
    for name in _names(value):
        try:
            yield name, _plain(getattr(value, name), root)
        except (TypeError, ValueError, AttributeError):
            continue


def _names(value: Any) -> Iterable[str]:
    kind = type(value)
    if is_dataclass(value):
        return [one.name for one in fields(value) if one.compare]
    if kind is SimpleNamespace:
        return list(vars(value))
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return [str(name) for name in kind._fields]
    if hasattr(kind, "__attrs_attrs__"):
        return [str(one.name) for one in kind.__attrs_attrs__ if one.eq]
    if isinstance(made_of := getattr(kind, "model_fields", None), dict):  # pydantic
        return list(map(str, made_of))
    raise TypeError(kind)


def _repeats(item: pytest.Item, names: Sequence[str]) -> bool:
    """Tell whether a parameter only counts repetitions: nobody asks for it, by its name as a text
    either, as ``getfixturevalue`` does.

    pytest-repeat and pytest-flakefinder give it a name with two underscores; others, as a conftest
    does it, the number of the repetition as its value.
    """
    info = getattr(item, "_fixtureinfo", None)
    if len(names) != 1 or info is None:
        return False
    asked = {*info.initialnames}
    functions = [function_of(item)]
    for fixtures in info.name2fixturedefs.values():
        for fixture in fixtures:
            asked.update(fixture.argnames)
            functions.append(fixture.func)
    (name,) = names
    if name in asked or name.startswith("__"):
        return name not in asked
    counts = type(item.callspec.params.get(name)) is int  # type: ignore[attr-defined]
    return counts and not any(has_text(function, name) for function in functions)
