"""Goldens that no test uses any more, and tests that ran in no shard, as a saved run tells."""

from __future__ import annotations

from pathlib import Path

from pytest_editmetrics.goldens.renamed import obsolete_lines
from pytest_editmetrics.report.listed import Headed, listed
from pytest_editmetrics.runs.unheld import Unheld


def passed_by_texts(unheld: Unheld | None) -> list[Headed]:
    """Return a note of the goldens whose test file no shard collected: a headed list, or none."""
    if unheld is None or not unheld.passed_by:
        return []
    title = (
        "in no shard: goldens of test files that are there and no shard collected (if the"
        " shards name their files, is one forgotten?)"
    )
    lines = listed(title, list(unheld.passed_by))
    return [Headed(lines[0], lines[1:])]


def obsolete_texts(unheld: Unheld | None) -> list[Headed]:
    """Return what the end of a session says of them: a headed list of images, one of thresholds.

    And of shards, one of tests that ran in none.
    """
    found: list[Headed] = []
    if unheld is None:
        return found
    if unheld.lost:
        title = (
            "in no shard: tests with gates that the shards found and none of them ran (does their"
            " number agree with the matrix, and do their options leave none out?)"
        )
        lines = listed(title, unheld.lost)
        found.append(Headed(lines[0], lines[1:]))
    if unheld.images:
        title = "obsolete golden images"
        if not all(one.keep for one in unheld.images):
            title += " (`editmetrics prune RUN --yes` removes them)"
        lines = listed(title, [f"{one.file}: {one.reason}" for one in unheld.images])
        found.append(Headed(lines[0], lines[1:]))
    if unheld.entries:
        moved = {
            (Path(file), test): Path(target)
            for file, move in unheld.moves.items()
            for test, target in move.to.items()
        }
        head, *lines = obsolete_lines(unheld.entries, moved)
        lines += [line for move in unheld.moves.values() for line in move.lines]
        found.append(Headed(f"obsolete goldens: {head}", [f"  {line}" for line in lines]))
    return found
