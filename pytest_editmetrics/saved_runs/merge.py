"""Join the run directories of a CI matrix into one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_editmetrics.errors import EditMetricsError, InputError, counted
from pytest_editmetrics.gates.repetitions import badness, worst
from pytest_editmetrics.goldens.renamed import left_to_a_default
from pytest_editmetrics.progress import track
from pytest_editmetrics.report.listed import headed
from pytest_editmetrics.report.tally import Tally, tally_of
from pytest_editmetrics.report.unheld import obsolete_texts, told_by_all
from pytest_editmetrics.runs.failed import FailedTest
from pytest_editmetrics.runs.folder import (
    GateRecord,
    Run,
    holds_no_results,
    image_names,
    read_run,
    sessions_of,
)
from pytest_editmetrics.runs.obsolete import commit_of
from pytest_editmetrics.runs.results import json_line
from pytest_editmetrics.runs.review import Decision, change_review, read_review
from pytest_editmetrics.runs.unheld import Unheld, joined, told_by
from pytest_editmetrics.runs.writing import RunDir, RunResults
from pytest_editmetrics.suites.gate import SuiteResult, suite_of
from pytest_editmetrics.whole_file import real_path

_NO_TESTS = {"scored", "manifest"}
"""What a session line has of a run that no tests made."""


@dataclass(frozen=True)
class ShardTest:
    """What one shard tells of a test."""

    shard: str
    records: tuple[GateRecord, ...]
    crashed: bool
    failed: bool

    @property
    def text(self) -> list[str]:
        """The same for two shards that tell the same."""
        return [
            f"{self.crashed} {self.failed}",
            *(
                json_line({**vars(record), "gate": record.gate.to_dict()})
                for record in self.records
            ),
        ]


@dataclass(frozen=True)
class Merged:
    """What a merge came to; ``unheld`` is ``None`` where goldens could not be judged.

    ``runs`` counts what was merged; ``lacks`` says of what its tests are missing: of shards that
    were cut off, or are not there.
    ``failed`` are tests that failed in a shard though no gate of theirs does, ``problems`` what
    failed a shard besides its tests.
    """

    tally: Tally
    unheld: Unheld | None
    runs: int
    lacks: str
    failed: tuple[FailedTest, ...]
    problems: tuple[str, ...]


def merge_runs(
    paths: Sequence[Path],
    output: Path,
    *,
    whole: bool = False,
    missing: int = 0,
    say: Callable[[str], None],
) -> Merged:
    """Write one run directory that holds the gates and images of several.

    Where a shard was cut off, is missing, or is a folder without results, the merged run is marked
    incomplete.

    Args:
        paths: the run directories, each once.
        output: the run directory to write; an earlier run in it is replaced.
        whole: the runs are all shards of a suite, so that none of its tests ran in two.
        missing: how many of these are not there.
        say: is told which runs are of several commits, which tests ran in two, and why goldens of
            tests that are gone were not looked for.

    Returns:
        The merged gates, the goldens that hold none, and what is missing.

    Raises:
        InputError: a run is given twice, or would be overwritten by the output.
        EditMetricsError: a run that cannot be read, lacks an image, or tells of a test something
            else than another run does; or, of ``whole``, tells of it at all.
    """
    _check_paths(paths, output)
    empty = [str(path) for path in paths if holds_no_results(path)]
    kept = paths if len(empty) == len(paths) else [p for p in paths if str(p) not in empty]
    runs = {str(path): read_run(path) for path in kept}
    commits = commits_of(runs)
    if len(commits) > 1:
        told = ", ".join(f"{commit[:12]} ({name})" for commit, name in commits.items())
        say(
            f"the runs are of {len(commits)} commits, {told}: none of them has all that is merged;"
            " run those of one commit again"
        )
    tests = joined_tests(runs)
    if again := _ran_again(runs):
        if whole:
            raise EditMetricsError(
                f"not merged: {again}, so the same part of the suite ran twice, and another may not"
                " have run at all; see which number each shard is given, or leave out --shards if"
                " the tests are meant to run in both"
            )
        say(f"{again}, with the same results; they are taken once")
    run_dir = RunDir(output)
    images = {
        name: run.image_path(name)
        for run in runs.values()
        for record in run.gates
        for name in image_names(record.gate.images)
    }
    unheld = _unheld(list(runs.values()), say, whole=whole, missing=missing + len(empty))
    lacks = _lacks(runs, empty, missing)
    if unheld is not None and (lost := _left_to_a_default(unheld, runs.values())):
        unheld = replace(unheld, strict=True, bound_lost=lost)
    texts = obsolete_texts(None if lacks else unheld)
    failed, problems = joined_failures(runs, lambda problem: told_by_all(headed(problem), texts))
    tally = _write(run_dir, runs, tests, images, unheld, lacks, failed, problems)
    return Merged(tally, unheld, len(runs), lacks, failed, problems)


def _left_to_a_default(unheld: Unheld, runs: Iterable[Run]) -> str:
    """Return a test that may be one of a golden that is left and passed by a default alone, if any.

    A session that runs all tests fails then, whatever its strictness.
    """
    by_default = set()
    moved = {}
    for run in runs:
        for record in run.gates:
            gate = record.gate
            by_itself = gate.verdict in ("pass", "review") and gate.origin == "default"
            if record.final and by_itself and gate.golden:
                for file in (gate.golden["file"], record.nodeid.partition("::")[0]):
                    by_default.add((Path(file), gate.golden["test"]))
        told = told_by(run)
        for file, move in told.moves.items() if told else ():
            moved.update({(Path(file), test): Path(to) for test, to in move.to.items()})
    lost = left_to_a_default(
        unheld.entries,
        {
            (one.file, one.test): moved[one.file, one.test]
            for one in unheld.entries
            if (one.file, one.test) in moved
        },
        lambda file, test: (file, test) in by_default,
        lambda golden_file: golden_file,
    )
    return next(iter(lost.values()), "")


def _lacks(runs: Mapping[str, Run], empty: Sequence[str], missing: int) -> str:
    cut = [name for name, run in runs.items() if not (run.complete or run.lacks)]
    told = [f"{', '.join(cut)} {'was' if len(cut) == 1 else 'were'} cut off"] if cut else []
    told += [f"{name} lacks tests ({run.lacks})" for name, run in runs.items() if run.lacks]
    if empty:
        told.append(f"{', '.join(empty)} {'holds' if len(empty) == 1 else 'hold'} no results")
    told += [f"{counted(missing, 'shard is', 'shards are')} missing"] if missing else []
    return " and ".join(told)


def _unheld(
    runs: Sequence[Run], say: Callable[[str], None], *, whole: bool, missing: int
) -> Unheld | None:
    """Return the goldens of tests that no shard has; ``None`` where they cannot be judged."""
    if all(run.session.keys() & _NO_TESTS for run in runs):
        return None
    told = [one for one in map(told_by, runs) if one is not None]
    unheld = joined(told)
    if not whole:
        if len(told) == len(runs) and unheld.number:
            say(
                f"{counted(unheld.number, 'golden is', 'goldens are')} of no test of these runs; if"
                f" they are all shards of the suite, give --shards {len(runs)}, which judges that"
            )
        return None
    if missing:
        say("not looked for goldens of tests that are gone, since not all shards are there")
        return None
    if len(told) < len(runs):
        silent = next(run.shown for run in runs if told_by(run) is None)
        say(
            f"not looked for goldens of tests that are gone: {silent} does not tell of them, as it"
            " was cut off, collected no test, or is of an older version; one session of the whole"
            " suite finds them"
        )
        return None
    if unseen := unheld.unseen:
        more = f" (nor {counted(len(unseen) - 1, 'more file')})" if len(unseen) > 1 else ""
        say(
            f"not looked for goldens of tests that are gone: {unseen[0]}{more}; no shard found all"
            " tests of its test file (--lf, an error as it was collected, the node id of a class)"
        )
    return unheld


def commits_of(runs: Mapping[str, Run]) -> dict[str, str]:
    """Return the commits that the runs tell of, each with the first run of it."""
    commits: dict[str, str] = {}
    for name, run in runs.items():
        if (commit := commit_of(run)) is not None:
            commits.setdefault(commit, name)
    return commits


def _check_paths(paths: Sequence[Path], output: Path) -> None:
    seen: set[Path] = set()
    target = real_path(output)
    for path in paths:
        resolved = real_path(path)
        if resolved in seen:
            raise InputError(f"{path} is given twice")
        if target.is_relative_to(resolved) or resolved.is_relative_to(target):
            raise InputError(f"-o {output} would overwrite {path}; give another folder")
        seen.add(resolved)


def joined_tests(runs: Mapping[str, Run]) -> dict[str, ShardTest]:
    """Return every test once.

    Raises:
        EditMetricsError: two shards tell different things of a test.
    """
    tests: dict[str, ShardTest] = {}
    for shard, run in runs.items():
        crashed = set(run.crashed)
        failed = {test.nodeid for test in run.failed if test.when != "collect"}
        records: dict[str, list[GateRecord]] = {nodeid: [] for nodeid in (*run.crashed, *failed)}
        for record in run.gates:
            records.setdefault(record.nodeid, []).append(record)
        for nodeid, own in records.items():
            test = ShardTest(shard, tuple(own), nodeid in crashed, nodeid in failed)
            other = tests.setdefault(nodeid, test)
            if own and all(record.gate.fixture is not None for record in own):
                tests[nodeid] = _of_fixture(other, test)
                continue
            if other is not test and other.text != test.text:
                raise EditMetricsError(
                    f"not merged: {nodeid} ran in {other.shard} and in {shard}, with different"
                    " results; give each shard tests of its own"
                )
    return tests


def joined_failures(
    runs: Mapping[str, Run], told: Callable[[str], bool] = lambda _: False
) -> tuple[tuple[FailedTest, ...], tuple[str, ...]]:
    """Return what failed in the runs for another reason than a gate, each once, and problems.

    Without those that are ``told`` elsewhere.
    """
    every = (test for run in runs.values() for test in run.failed)
    failed = {(test.nodeid, test.when, test.message): test for test in every}
    problems = [
        f"{name}: {problem}"
        for name, run in runs.items()
        for problem in run.problems
        if not told(problem)
    ]
    return tuple(failed.values()), tuple(problems)


def _ran_again(runs: Mapping[str, Run]) -> str:
    """Say which tests ran in two shards; a wider fixture may be set up in each."""
    first: dict[str, str] = {}
    found = []
    for shard, run in runs.items():
        own = [record.nodeid for record in run.gates if record.gate.fixture is None]
        failed = [test.nodeid for test in run.failed if test.when != "collect"]
        for nodeid in dict.fromkeys((*own, *run.crashed, *failed)):
            if (other := first.setdefault(nodeid, shard)) != shard:
                found.append(f"{nodeid} ran in {other} and in {shard}")
    more = f" (and so did {counted(len(found) - 1, 'more test')})" if len(found) > 1 else ""
    return found[0] + more if found else ""


def _of_fixture(first: ShardTest, second: ShardTest) -> ShardTest:
    """Return what two shards tell of a fixture that both set up: of each gate the worse one."""
    if first is second:
        return first
    kept: dict[tuple[bool, int, str], GateRecord] = {}
    for record in (*first.records, *second.records):
        key = (record.final, 0 if record.final else record.attempt, record.gate.label)
        other = kept.setdefault(key, record)
        if other is not record:
            chosen = max(other, record, key=lambda one: badness(one.gate))
            kept[key] = replace(chosen, gate=worst(other.gate, record.gate))
    return replace(first, records=tuple(kept.values()))


def _write(
    run_dir: RunDir,
    runs: Mapping[str, Run],
    tests: Mapping[str, ShardTest],
    images: Mapping[str, Path],
    unheld: Unheld | None,
    lacks: str,
    failed: Iterable[FailedTest],
    problems: Iterable[str],
) -> Tally:
    shards = [
        {"path": name, "started": run.session.get("started"), "complete": run.complete}
        for name, run in runs.items()
    ]
    started = min((str(shard["started"]) for shard in shards if shard["started"]), default="")
    crashed = [nodeid for nodeid, test in tests.items() if test.crashed]
    records = [record for test in tests.values() for record in test.records]
    again = list(dict.fromkeys(nodeid for run in runs.values() for nodeid in run.run_again))
    tally = tally_of(records, crashed, again)
    versions = versions_of(runs.values())
    commits = list(commits_of(runs))
    commit = commits[0] if len(commits) == 1 else None
    sessions = sorted(frozenset[str]().union(*map(sessions_of, runs.values())))
    head = {"commit": commit, "shards": shards, "sessions": sessions, "lacks": lacks or None}
    with RunResults(run_dir, versions, started, **head) as results:
        for name, source in track(list(images.items()), "merging"):
            run_dir.add_file(name, source.read_bytes())
        results.begin()
        for one in records:
            results.gate(
                one.nodeid, one.attempt, one.final, one.outcome, one.gate, one.other_failure
            )
        for nodeid in crashed:
            results.crashed(nodeid)
        for nodeid in again:
            results.crashed(nodeid, again=True)
        for test in failed:
            results.failed(test)
        for problem in problems:
            results.problem(problem)
        if not lacks:
            obsolete, told = (None, None) if unheld is None else (unheld.images, unheld.to_dict())
            results.close(
                tally.counts(),
                obsolete=obsolete,
                suite=_suite(runs.values()),
                unheld=told,
                failed_tests=sum(run.failed_tests for run in runs.values()),
            )
    decisions: dict[str, Decision | None] = {}
    for run in reversed(list(runs.values())):
        decisions |= read_review(run.path, run.session.get("started"))
    if decisions:
        change_review(run_dir.path, started, decisions)
    return tally


def _suite(runs: Iterable[Run]) -> dict[str, Any] | None:
    """Return the suite gates that failed in a shard; a merged run has none of its own."""
    found = [suite for suite in map(suite_of, runs) if suite is not None]
    if not found:
        return None
    failed = tuple(gate for suite in found for gate in suite.gates if gate.verdict == "fail")
    why = "merged; judge the whole with: editmetrics compare BASE RUN --suite editmetrics.yaml"
    return SuiteResult(failed, found[0].base, why).to_dict()


def versions_of(runs: Iterable[Run]) -> dict[str, str | None]:
    """Return the versions of all shards; where they differ, all of them in one text."""
    found: dict[str, dict[str | None, None]] = {}
    for run in runs:
        versions = run.session.get("versions")
        for name, version in (versions if isinstance(versions, dict) else {}).items():
            found.setdefault(name, {})[None if version is None else str(version)] = None
    return {
        name: next(iter(values)) if len(values) == 1 else ", ".join(v or "absent" for v in values)
        for name, values in found.items()
    }
