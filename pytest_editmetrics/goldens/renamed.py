"""Which test an obsolete golden may be meant for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

from pytest_editmetrics.errors import counted

if TYPE_CHECKING:
    from pytest_editmetrics.goldens.store import ObsoleteGolden

_TRIED, _AMONG = 10, 1000


def obsolete_lines(obsolete: Sequence[ObsoleteGolden]) -> Iterator[str]:
    """Yield how many there are, then a line for each entry.

    The first of these name a test that made gates and has no golden.
    """
    yield counted(
        len(obsolete),
        "entry of a test, or fixture, that no longer exists, so it holds nothing; delete it",
        "entries of tests, or fixtures, that no longer exist, so they hold nothing; delete them",
    )
    for number, one in enumerate(obsolete):
        nearest = _nearest(one) if number < _TRIED else None
        hint = f" (is it {nearest!r} now? Then rename the entry)" if nearest else ""
        if not hint and one.of_parameter:
            hint = (
                " (if other machines have this parameter, keep it and skip it here: a skipif mark)"
            )
        yield f"{one.source}: {one.test}{hint}"


def _nearest(one: ObsoleteGolden) -> str | None:
    new = list(islice(one.new, _AMONG))
    for name in (one.test, one.test.rpartition("::")[2]):
        if close := get_close_matches(name, new, n=1):
            return close[0]
    return None
