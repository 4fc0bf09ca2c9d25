"""Which tests are missed where they do not run: those that ask for gates, and those that goldens
hold, whatever way they ask."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.session.asked import gets_one_of
from pytest_editmetrics.session.state import EditSession, session_of
from pytest_editmetrics.session.unread import asks_for_gates

_fixtures_key = pytest.StashKey[dict[Path, frozenset[str]]]()
_images_key = pytest.StashKey[dict[Path, frozenset[str]]]()


def has_gates(item: pytest.Item) -> bool:
    """Tell whether a test asks for gates, or goldens hold what it measured.

    What it asks for as it runs (``getfixturevalue``, in what it calls too) is known of goldens,
    also of those of a fixture that it, or a fixture of it, names.
    """
    session = session_of(item.config)
    return asks_for_gates(item) or _is_held(session, item) or _gets_a_held_fixture(session, item)


def _is_held(session: EditSession, item: pytest.Item) -> bool:
    golden_file = session.golden_file(item.path)
    if not (golden_file.is_file() or golden_file.with_suffix("").is_dir()):
        return False
    from pytest_editmetrics.goldens.images import image_address
    from pytest_editmetrics.session.identity import id_of

    test = id_of(item).key
    without = session.goldens.without_entry({item.path: [test]})
    if without.get(item.path) == []:
        return True
    if not (known := _known_images(session, item)):
        return False
    stem = image_address(session.goldens, item.path, test).stem
    return not known.isdisjoint({stem, test})


def _known_images(session: EditSession, item: pytest.Item) -> frozenset[str]:
    """Return what tells whose the golden images of a test's file are; looked at once."""
    from pytest_editmetrics.goldens.images import tests_with_images

    of_files = session.config.stash.setdefault(_images_key, {})
    if item.path not in of_files:
        of_files[item.path] = frozenset()
        with suppress(EditMetricsError):  # who compares with these images tells what is wrong
            of_files[item.path] = tests_with_images(session.goldens, item.path)
    return of_files[item.path]


def _gets_a_held_fixture(session: EditSession, item: pytest.Item) -> bool:
    """Tell whether a test gets a fixture as it runs that has the name of one that goldens hold."""
    from pytest_editmetrics.goldens.places import OUTSIDE

    above = [one for one in item.path.parents if one.is_relative_to(session.rootdir)]
    files = [item.path, *(one / "conftest.py" for one in above), session.rootdir / OUTSIDE]
    known = session.config.stash.setdefault(_fixtures_key, {})
    names: set[str] = set()
    for file in files:
        if file not in known:
            known[file] = _fixtures_of(session, session.golden_file(file))
        names |= known[file]
    return bool(names) and gets_one_of(item, names)


def _fixtures_of(session: EditSession, golden_file: Path) -> frozenset[str]:
    """Return the names of the fixtures that a golden file holds, or golden images beside it."""
    from pytest_editmetrics.config.reader import read_yaml
    from pytest_editmetrics.goldens.places import fixture_name

    keys: list[str] = []
    folder = golden_file.with_suffix("")
    with suppress(EditMetricsError):  # who is held by these goldens tells what is wrong
        if golden_file.is_file():
            keys += read_yaml(golden_file, session.rootdir).root.mapping("a file of goldens")
        if folder.is_dir():
            entries = session.goldens.provenance(folder).values()
            keys += [str(entry.get("test")) for entry in entries]
    return frozenset(name for key in keys if (name := fixture_name(key)) is not None)
