"""Goldens that no test uses any more, and tests that ran in no shard, as a saved run tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_editmetrics.errors import counted
from pytest_editmetrics.goldens.renamed import lost_bound, misnamed_lines, obsolete_lines
from pytest_editmetrics.report.listed import Headed, listed
from pytest_editmetrics.runs.obsolete import ObsoleteImage
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


def images_lines(images: Sequence[ObsoleteImage], prune: str, more: str = "") -> list[str]:
    """Return a title of obsolete golden images, and a line for each; those to be moved come first.

    Args:
        images: what to tell of.
        prune: how ``{}`` are removed; empty if that is not known.
        more: the end of the title.
    """
    wanted = [one for one in images if one.wanted]
    others = [one for one in images if not one.wanted]
    do = ["move or rename what a test looks for, as is said of them"] if wanted else []
    if prune and any(one.removable for one in others):
        do.append(prune.format("the others" if wanted else "them"))
    what = f" ({'; '.join(do)})" if do else ""
    told = [f"{one.file}: {one.reason}" for one in (*wanted, *others)]
    return listed(f"obsolete golden images{what}{more}", told)


def told_once(
    problems: Iterable[Headed], texts: Sequence[Headed], unheld: Unheld | None
) -> tuple[list[Headed], list[Headed]]:
    """Return what failed a session, and these texts of goldens, without what both tell.

    Where all such goldens fail the texts tell it: their titles name the run. Else the problem does,
    which says why these fail.
    """
    problems = list(problems)
    one_of_each = [
        (problem, text) for problem in problems for text in texts if problem.entries == text.entries
    ]
    if unheld is not None and unheld.strict:
        told = [problem for problem, _ in one_of_each]
        return [one for one in problems if one not in told], list(texts)
    told = [text for _, text in one_of_each]
    return problems, [one for one in texts if one not in told]


def told_by_all(problem: Headed, texts: Iterable[Headed]) -> bool:
    """Tell whether these texts, of all shards, tell of each golden that a shard's problem does."""
    told = {_golden(entry) for text in texts for entry in text.entries}
    kind = any(problem.startswith(str(text).partition(" (")[0].partition(":")[0]) for text in texts)
    goldens = [one for one in problem.entries if " of these tests: " not in one]
    return kind and all(_golden(one) in told for one in goldens)


def _golden(entry: str) -> str:
    """Return what of an entry names a golden, without what to do about it."""
    return entry.partition(" (")[0] if ".yaml:" in entry else entry.partition(": ")[0]


def failing_words(unheld: Unheld | None) -> list[str]:
    """Return in few words what of it fails the run: tests in no shard do whatever the options."""
    if unheld is None:
        return []
    lost = [f"{counted(len(unheld.lost), 'test')} ran in no shard"] if unheld.lost else []
    obsolete = unheld.strict and unheld.number
    return [*lost, *([counted(unheld.number, "obsolete golden")] if obsolete else [])]


def failing_texts(unheld: Unheld | None) -> list[Headed]:
    """Return those of ``obsolete_texts`` that fail the run."""
    if unheld is None:
        return []
    return obsolete_texts(unheld) if unheld.strict else _lost_texts(unheld)


def _lost_texts(unheld: Unheld) -> list[Headed]:
    title = (
        "in no shard: tests with gates that the shards found and none of them ran (does their"
        " number agree with the matrix? What is left out on purpose is skipped, or left out by one"
        " -k, -m or --deselect that all shards have)"
    )
    lines = listed(title, unheld.lost)
    return [Headed(lines[0], lines[1:])] if lines else []


def obsolete_texts(unheld: Unheld | None) -> list[Headed]:
    """Return what the end of a session says of them: a headed list of images, one of thresholds.

    And of shards, one of tests that ran in none.
    """
    found: list[Headed] = []
    if unheld is None:
        return found
    found += _lost_texts(unheld)
    if unheld.images:
        lines = images_lines(
            unheld.images, "`editmetrics prune RUN --yes` removes {}, where that is certain"
        )
        found.append(Headed(lines[0], lines[1:]))
    if unheld.entries:
        moved = unheld.moved
        misnamed = misnamed_lines(unheld.unread)
        head, *lines = obsolete_lines(unheld.entries, moved, keep=bool(misnamed))
        lines += misnamed
        lines += [line for move in unheld.moves.values() for line in move.lines]
        why = lost_bound(unheld.bound_lost) if unheld.bound_lost else ""
        found.append(Headed(f"obsolete goldens: {head}{why}", [f"  {line}" for line in lines]))
    return found
