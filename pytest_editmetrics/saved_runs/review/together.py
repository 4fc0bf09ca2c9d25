"""Several runs looked at as one: shards of a CI matrix, each with its own folder and decisions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.runs.folder import RESULTS, GateRecord, Run, image_names, read_run
from pytest_editmetrics.saved_runs.merge import joined_failures, joined_tests, versions_of
from pytest_editmetrics.weights.seen import Seen
from pytest_editmetrics.whole_file import real_path


@dataclass(frozen=True)
class Together(Run):
    """The gates of several runs. ``parts`` are the runs, ``of_test`` which of them has a test."""

    parts: tuple[Run, ...] = ()
    of_test: Mapping[str, Run] = None  # type: ignore[assignment]
    seen: tuple[Seen, ...] = ()

    def image_path(self, name: str) -> Path:
        """Return where an image lies that a gate's ``images`` name, in whichever run.

        Raises:
            EditMetricsError: there is no such file in any of them.
        """
        for part in self.parts[:-1]:
            try:
                return part.image_path(name)
            except EditMetricsError:
                continue
        return self.parts[-1].image_path(name)

    def check_unchanged(self) -> None:
        """Hold the runs to what was read of them.

        Raises:
            EditMetricsError: their results are others by now, or gone.
        """
        if not all(seen.still() for seen in self.seen):
            raise EditMetricsError(
                "the run was replaced or changed since it was opened, so what you see is not what"
                " it holds; end `editmetrics review` and start it again"
            )


def read_together(paths: Sequence[Path]) -> Together:
    """Read runs that are to be looked at as one.

    Raises:
        InputError: one is given twice.
        EditMetricsError: one cannot be read, or is no folder; two tell different things of a test,
            or hold different images under one name.
    """
    twice = {path for path in paths if [real_path(one) for one in paths].count(real_path(path)) > 1}
    if twice:
        raise InputError(f"{min(twice)} is given twice")
    for path in paths:
        if path.is_file():
            raise InputError(f"{path} is a file; give the run directory that holds the images")
        if (path / RESULTS).is_symlink():
            raise EditMetricsError(f"{path / RESULTS} is a link, which a run may not hold")
    seen = tuple(Seen(path / RESULTS) for path in paths)
    runs = {str(path): read_run(path) for path in paths}
    _check_images(list(runs.values()))
    tests = joined_tests(runs)
    gates: list[GateRecord] = []
    for test in tests.values():
        gates += test.records
    parts = tuple(runs.values())
    shards = [{"path": name, "complete": run.complete} for name, run in runs.items()]
    failed, problems = joined_failures(runs)
    end = {"failed_tests": sum(run.failed_tests for run in parts)}
    session = dict(parts[0].session)
    if len(parts) > 1:
        session |= {"shards": shards, "versions": versions_of(parts)}
    return Together(
        path=parts[0].path,
        session=session,
        gates=tuple(gates),
        crashed=tuple(nodeid for nodeid, test in tests.items() if test.crashed),
        run_again=tuple(dict.fromkeys(nodeid for run in parts for nodeid in run.run_again)),
        complete=all(run.complete for run in parts),
        end=parts[0].end if len(parts) == 1 else end,
        failed=failed,
        problems=problems if len(parts) > 1 else parts[0].problems,
        given=parts[0].given,
        parts=parts,
        of_test={nodeid: runs[test.shard] for nodeid, test in tests.items()},
        seen=seen,
    )


def _check_images(runs: Sequence[Run]) -> None:
    """Refuse two images of one name: what is shown would not be what is written."""
    first: dict[str, Path] = {}
    for run in runs if len(runs) > 1 else ():
        for name in {name for record in run.gates for name in image_names(record.gate.images)}:
            try:
                path = run.image_path(name)
            except EditMetricsError:
                continue
            other = first.setdefault(name, path)
            if other is not path and not _same(other, path):
                raise EditMetricsError(
                    f"{other} and {path} are different images of one name, so one of the runs was"
                    " changed; download them again"
                )


def _same(one: Path, other: Path) -> bool:
    if os.path.getsize(one) != os.path.getsize(other):
        return False
    return one.read_bytes() == other.read_bytes()
