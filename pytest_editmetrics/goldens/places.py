"""What the goldens of a fixture are filed under, and where those of other people's fixtures lie."""

from __future__ import annotations

from collections.abc import Sequence

OUTSIDE = "_fixtures"
"""The golden file, at the rootdir, of fixtures that no file of the project defines."""
_WORD = "fixture "


def fixture_key(inside: str, name: str, params: Sequence[str]) -> str:
    """Return what a fixture's goldens are filed under.

    Args:
        inside: the class that has the fixture, as ``TestHat``; empty for one of a module.
        name: what tests call the fixture.
        params: the ids of the parameters that it depends on.

    >>> fixture_key("", "edited", ["sdxl"])
    'fixture edited[sdxl]'
    >>> fixture_key("TestHat", "edited", [])
    'TestHat::fixture edited'
    """
    key = f"{_WORD}{name}" + (f"[{'-'.join(params)}]" if params else "")
    return f"{inside}::{key}" if inside else key


def is_fixture_key(key: str) -> bool:
    """Tell whether a key of a golden file is a fixture's: no test's name has a space.

    >>> is_fixture_key("TestHat::fixture edited[a::b]"), is_fixture_key("test_a[fixture a]")
    (True, False)
    """
    return key.partition("[")[0].rpartition("::")[2].startswith(_WORD)


def fixture_name(key: str) -> str | None:
    """Return what tests call the fixture that a key is of; ``None`` for a test's key.

    >>> fixture_name("TestHat::fixture edited[a::b]"), fixture_name("test_a")
    ('edited', None)
    """
    if not is_fixture_key(key):
        return None
    return key.partition("[")[0].rpartition("::")[2].removeprefix(_WORD)
