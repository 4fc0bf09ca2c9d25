"""Gates that a base has and a head lacks: whether their tests failed before they made them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from pytest_editmetrics.gates.decided import worst_tile
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.runs.folder import Run

Key = tuple[str, str, "str | None"]
"""Node id, metric and name of a gate."""

_WORKER = re.compile(r"gw\d+")


@dataclass(frozen=True)
class Gone:
    """The gates, by their keys in the base."""

    gates: Mapping[Key, Gate]

    def in_tests(self, metric: str, tests: Iterable[str]) -> tuple[str, ...]:
        """Return those of the ``tests`` of which a measured gate of the metric is gone."""
        lost = {
            key[0] for key, gate in self.gates.items() if key[1] == metric and is_measured(gate)
        }
        return tuple(nodeid for nodeid in dict.fromkeys(tests) if nodeid in lost)

    def failed(self, head: Run) -> list[str]:
        """Return the tests, or fixtures, whose gates are gone since something failed before them.

        By another gate of the test, too. A file, or a folder, that cannot be collected takes all of
        its tests along; under pytest-xdist it may be a worker that collected something else.
        """
        tests = {test.nodeid for test in head.failed}
        tests |= {one.nodeid for one in head.gates if one.final and one.outcome == "failed"}
        files = {test.nodeid for test in head.failed if test.when == "collect"}
        every = any(map(_WORKER.fullmatch, files))
        found = []
        for (nodeid, _, _), gate in self.gates.items():
            file = nodeid.partition("::")[0]
            above = {file, *map(str, PurePosixPath(file).parents)}
            users = (gate.fixture or {}).get("used_by", ())
            if every or above & files or tests & {nodeid, *users}:
                found.append(nodeid)
        return found


def is_measured(gate: Gate) -> bool:
    """Tell whether the gate holds a number: not a soft failure, an error, NaN or infinity.

    Of a golden image, its worst tile has to hold one too.
    """
    tile = worst_tile(gate)
    values = (gate.value, *(() if tile is None else (tile.value,)))
    return all(value is not None and math.isfinite(value) for value in values)
