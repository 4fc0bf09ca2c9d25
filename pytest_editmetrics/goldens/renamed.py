"""Which test an obsolete golden may be meant for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_editmetrics.goldens.store import ObsoleteGolden

_TRIED, _AMONG = 10, 1000


def obsolete_lines(obsolete: Sequence[ObsoleteGolden]) -> Iterator[str]:
    """Yield a line for each entry, the first of which name a test that has no golden of its own."""
    for number, one in enumerate(obsolete):
        nearest = _nearest(one) if number < _TRIED else None
        hint = f" (is it {nearest!r} now? Then rename the entry)" if nearest else ""
        yield f"{one.source}: {one.test}{hint}"


def _nearest(one: ObsoleteGolden) -> str | None:
    new = list(islice(one.new, _AMONG))
    for name in (one.test, one.test.rpartition("::")[2]):
        if close := get_close_matches(name, new, n=1):
            return close[0]
    return None
