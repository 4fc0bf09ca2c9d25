"""Golden thresholds that nothing was held to: approved and not measured, or of what is gone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import ConfigError, EditMetricsError, counted
from pytest_editmetrics.plugin.found_tests import AllFound, has_goldens
from pytest_editmetrics.plugin.names import Names
from pytest_editmetrics.plugin.successors import Successors
from pytest_editmetrics.plugin.unreached import Unreached

if TYPE_CHECKING:
    from pytest_editmetrics.goldens.renamed import Moved, ObsoleteGolden
    from pytest_editmetrics.plugin.attempts import Attempt
    from pytest_editmetrics.plugin.image_recorder import ImageRecorder
    from pytest_editmetrics.runs.unheld import Move
    from pytest_editmetrics.session.state import EditSession


class UnheldGoldens:
    """Finds them at the end of a session; ``problems`` fail it, ``notes`` do not.

    ``unusable`` are notes of files that are called as goldens are, cannot be read, and may be
    somebody else's. ``found`` takes what the session's processes found, where it leaves results.
    ``renamed`` tells whether a golden is to be renamed or moved, as its test was. ``unreached``
    and ``successors`` take the gates of tests.
    """

    def __init__(self, session: EditSession, names: Names):
        self._session = session
        self._names = names
        self._strict = session.options["strict"] != "none"
        self._or_strict = "" if self._strict else " (--editmetrics-strict=regressed fails)"
        self._new: Mapping[Path, Mapping[str, Collection[str]]] = {}
        self._by_default: Collection[str] = ()
        self.notes: list[str] = []
        self.problems: list[str] = []
        self.unusable: list[str] = []
        self.renamed = False
        self._bound_lost = ""
        self.found = AllFound()
        self.unreached = Unreached(session, names)
        self.successors = Successors()

    def folders(self, collected: Iterable[str]) -> list[Path]:
        """Return the folders in which goldens lie, for the tests that were collected."""
        return self._session.golden_folders([*self._by_file(collected), *self.found.tests])

    def files(self, nodeids: Iterable[str]) -> dict[Path, set[str]]:
        """Return the keys of these tests, of each file; none of a file that stands for itself."""
        files = self._by_file(nodeids).items()
        return {self._session.rootdir / path: {*keys.values()} - {""} for path, keys in files}

    def ended(self, attempt: Attempt, gates: Collection[Mapping[str, Any]]) -> None:
        """Take an attempt of a test, and its own gates as they travel."""
        self.unreached.ended(attempt, gates)
        self.successors.ended(attempt)

    def before_recording(self, by_default: Collection[str]) -> None:
        """Remember which of the tests that made gates have no golden, before they get some.

        ``by_default`` are those of which a gate passed by the bound of a default or of ``expect``.
        """
        self._by_default = by_default
        made = self.successors.tests
        if not self.folders(made):
            return
        labels: dict[Path, dict[str, frozenset[str]]] = {}
        for path, keys in self._by_file(made).items():
            of_file = labels.setdefault(self._session.rootdir / path, {})
            for nodeid, key in keys.items():
                of_file[key] = of_file.get(key, frozenset()) | made[nodeid]
        left = self._session.goldens.without_entry(labels)
        self._new = {file: {key: labels[file][key] for key in keys} for file, keys in left.items()}

    def not_measured(self, of_tests: Mapping[str, frozenset[str]]) -> None:
        """Name goldens of tests that passed and measured only these gates, by node id.

        And count those that tests which failed did not come to.
        """
        self.notes += self.unreached.notes()
        if not self._session.runs_tests:
            return
        measured: dict[tuple[Path, str], frozenset[str]] = {}
        for path, nodeids in self._by_file(of_tests).items():
            test_file = self._session.rootdir / path
            if path and self._session.has_goldens(test_file):
                for nodeid, test in nodeids.items():
                    before = measured.get((test_file, test), frozenset())
                    measured[test_file, test] = before | of_tests[nodeid]
        if not measured:
            return
        from pytest_editmetrics.goldens.file_names import states_approved

        try:
            missed = list(self._session.goldens.not_measured(measured))
        except ConfigError as error:
            own = error.path is None or states_approved(self._session.rootdir / error.path)
            said = self.problems if own else self.unusable
            said.append(f"goldens that cannot be read: {error}")
            return
        if missed:
            from pytest_editmetrics.report.listed import first_of

            head = (
                f"approved but not measured: {counted(len(missed), 'golden')} that no gate was"
                f" held to in this run; measure or delete what is listed{self._or_strict}"
            )
            self._say([head, *first_of(missed)])

    def obsolete(
        self,
        collected: Collection[str],
        fixtures: Callable[[], Mapping[Path, Collection[str]] | None],
        *,
        whole: bool = True,
    ) -> None:
        """Name the entries of tests, or fixtures, that are gone, where all tests were found.

        Args:
            collected: the node ids of those that were to run.
            fixtures: gives those that ``Goldens.obsolete`` takes.
            whole: not if only a part of the suite ran, where what was found and does not run is
                known of files with goldens alone: it names tests that lost their bound.
        """
        folders = self.folders(collected)
        if not folders:
            return
        from pytest_editmetrics.goldens.file_names import states_approved

        broken: dict[Path, str] = {}
        goldens = self._session.goldens
        tests = self.files(self.found.and_more(collected if whole else ()))
        digests = self._names.digests | self.found.digests
        known = fixtures() if whole else None
        obsolete = goldens.obsolete(tests, digests, known, self._new, folders, broken=broken)
        for path, wrong in broken.items() if whole else ():
            line = f"not checked for obsolete goldens: {wrong}"
            if states_approved(path):
                self._say([line])
            else:
                self.unusable.append(line)
        if obsolete:
            from pytest_editmetrics.goldens.renamed import (
                lost_bound,
                misnamed_lines,
                moved_to,
                obsolete_lines,
                renamed_to,
            )

            moved = moved_to(obsolete, tests, self._new, goldens.test_file_of)
            lost = self._lost_bound(obsolete, moved)
            if not whole:
                told = {*lost, *self._without_golden(obsolete, moved)}
                obsolete = [one for one in obsolete if (one.file, one.test) in told]
                moved = {key: to for key, to in moved.items() if key in told}
                if not obsolete:
                    return
            self.renamed |= bool(moved) or bool(renamed_to(obsolete, moved))
            misnamed = misnamed_lines(
                self._misnamed({goldens.test_file_of(one.file) for one in obsolete})
            )
            head, *lines = obsolete_lines(
                obsolete, moved, keep=bool(misnamed), recorded=self._recorded()
            )
            lines += misnamed
            lines += self._moved_lines(obsolete, moved)
            lines += self._shared()
            self._bound_lost = next(iter(lost.values()), "")
            why = lost_bound(self._bound_lost) if lost else self._or_strict
            head = f"obsolete goldens: {head}{why if whole or lost else ''}"
            lines = [head, *(f"  {line}" for line in lines)]
            if whole or lost:
                self._say(lines, fails=bool(lost))
            else:  # its tests fail, each for itself
                self.notes += lines

    def _without_golden(
        self, obsolete: Sequence[ObsoleteGolden], moved: Moved
    ) -> set[tuple[Path, str]]:
        """Return which obsolete goldens may be of tests that ran and have none: of a file that
        moved, or of a similar name."""
        from pytest_editmetrics.goldens.renamed import renamed_to

        recorded, file_of = self._recorded(), self._session.goldens.file_of
        renamed = renamed_to(obsolete, moved, lone=False)
        now = {key: (key[0], one.test) for key, one in renamed.items()}
        now |= {
            key: (file_of(to), key[1])
            for key, to in moved.items()
            if key[1] in self._new.get(to, ())
        }
        return {key for key, one in now.items() if one not in recorded}

    def _recorded(self) -> set[tuple[Path, str]]:
        """Return the golden files and keys that have an entry since this session."""
        goldens = self._session.goldens
        left = goldens.without_entry(self._new)
        return {
            (goldens.file_of(file), key)
            for file, keys in self._new.items()
            for key in set(keys).difference(left.get(file, keys))
        }

    def _lost_bound(
        self, obsolete: Sequence[ObsoleteGolden], moved: Moved
    ) -> dict[tuple[Path, str], str]:
        """Return what ``left_to_a_default`` does; what was recorded meanwhile holds its test."""
        from pytest_editmetrics.goldens.renamed import left_to_a_default

        goldens, of_default = self._session.goldens, self.files(self._by_default)
        recorded = self._recorded()

        def by_default(file: Path, test: str) -> bool:
            return (
                test in of_default.get(file, ()) and (goldens.file_of(file), test) not in recorded
            )

        return left_to_a_default(obsolete, moved, by_default, goldens.test_file_of)

    def told(
        self,
        ran: Iterable[str],
        images: ImageRecorder,
        fixtures: Callable[[], Mapping[Path, Collection[str]] | None],
        *,
        whole: bool,
        asked: bool,
    ) -> dict[str, Any] | None:
        """Return what the results tell of goldens of no test that was found, for a merge.

        Args:
            ran: the node ids of all tests that ran.
            images: knows the golden images that tests used.
            fixtures: gives those that ``Goldens.obsolete`` takes.
            whole: whether the files that were looked at gave all of their tests, or classes.
            asked: whether the session was asked for some files only.
        """
        session, found = self._session, self.found
        if not found or not session.runs_tests:
            return None
        from pytest_editmetrics.goldens.file_names import SUFFIX
        from pytest_editmetrics.plugin.whole_run import choosing
        from pytest_editmetrics.runs.obsolete import obsolete_images
        from pytest_editmetrics.runs.unheld import Unheld, sum_of
        from pytest_editmetrics.session.unread import misnamed_cases

        root, goldens = session.rootdir, session.goldens
        folders = session.golden_folders(found.tests)
        tests = {root / file: keys for file, keys in found.tests.items()}
        try:
            entries = goldens.obsolete(
                tests,
                self._names.digests | found.digests,
                fixtures() if whole and not found.part else None,
                self._new,
                folders,
                broken={},
            )
            unused = obsolete_images(
                goldens,
                root,
                found.nodeids,
                (),
                images.used,
                folders,
                {},
                images.new,
                images.open_tests,
                misnamed_cases,
            )
        except EditMetricsError:  # its tests lie where goldens have no place, and their gates fail
            return None
        files = {file: session.golden_file(root / file) for file in found.tests}
        looked = {
            session.shown(golden).as_posix(): whole and file not in found.part
            for file, golden in files.items()
            if file in found.of_goldens or has_goldens(golden)  # recorded meanwhile
        }
        gone = {one.file for one in entries}
        folders_of = ((root / one.file).parent for one in unused)
        gone |= {folder.with_name(folder.name + SUFFIX) for folder in folders_of}
        return Unheld(
            self._strict,
            looked,
            found.sum,
            sum_of(ran),
            tuple(entries),
            tuple(unused),
            self._moves(entries, tests),
            found.left,
            choosing(session.config),
            self._passed_by(folders, looked),
            asked,
            (*sorted(found.part), *self._misnamed(map(goldens.test_file_of, gone))),
            {
                file: tuple(
                    key
                    for key, named in keys.items()
                    if images.may_come_to(f"{file}::{key}", named=named)
                )
                for file, keys in found.pictured.items()
            },
            self._bound_lost,
        ).to_dict()

    def _passed_by(self, folders: Iterable[Path], looked: Collection[str]) -> dict[str, bool]:
        """Return the other golden files in these folders whose test file is there, or, where there
        is only one, the folder of golden images.

        And whether it was collected: such a file was skipped as a whole, or broken.
        """
        from pytest_editmetrics.goldens.file_names import SUFFIX, holds_thresholds
        from pytest_editmetrics.goldens.provenance import PROVENANCE

        session = self._session
        part = {session.golden_file(session.rootdir / file) for file in self.found.part}
        told = {}
        for folder in folders:
            of_images = (path.parent for path in folder.glob(f"*/{PROVENANCE}"))
            images = (path.with_name(path.name + SUFFIX) for path in of_images)
            for path in sorted({*folder.glob(f"*{SUFFIX}"), *images}):
                test_file, shown = (
                    session.goldens.test_file_of(path),
                    session.shown(path).as_posix(),
                )
                if not holds_thresholds(path) or shown in looked:
                    continue
                if test_file.name != "conftest.py" and test_file.is_file():
                    there = shown if path.is_file() else shown.removesuffix(SUFFIX) + "/"
                    told[there] = path in part
        return told

    def _moves(
        self, entries: Sequence[ObsoleteGolden], tests: Mapping[Path, Collection[str]]
    ) -> dict[str, Move]:
        """Return where the tests of these entries are now, by golden file."""
        from pytest_editmetrics.goldens.renamed import moved_to
        from pytest_editmetrics.runs.unheld import Move

        goldens, session = self._session.goldens, self._session
        moved = moved_to(entries, tests, self._new, goldens.test_file_of)
        moves = {}
        for file in dict.fromkeys(file for file, _ in moved):
            own = {key: target for key, target in moved.items() if key[0] == file}
            of_file = [one for one in entries if one.file == file]
            lines = self._moved_lines(of_file, own)
            to = {test: session.shown(path).as_posix() for (_, test), path in own.items()}
            moves[of_file[0].source.rpartition(":")[0]] = Move(to, tuple(lines))
        return moves

    def _moved_lines(self, obsolete: Sequence[ObsoleteGolden], moved: Moved) -> Iterator[str]:
        from pytest_editmetrics.goldens.renamed import moved_lines

        goldens = self._session.goldens
        return moved_lines(
            obsolete, moved, goldens.file_of, goldens.test_file_of, self._session.rootdir
        )

    def _misnamed(self, test_files: Iterable[Path]) -> list[str]:
        """Return files beside test files that are gone which may be these, under another name."""
        from pytest_editmetrics.session.unread import misnamed_cases

        found = {path: None for file in sorted(test_files) for path in misnamed_cases(file)}
        return [self._session.shown(path).as_posix() for path in found]

    def _shared(self) -> list[str]:
        """Say that entries may be another project's, which has the same folder of all goldens."""
        root, rootdir = self._session.goldens_root, self._session.rootdir
        if root is None or root.is_relative_to(rootdir):
            return []
        return [
            f"{root} lies outside the rootdir {rootdir}: if another project keeps its goldens there"
            " too, give each a folder of its own, since neither knows the other's tests"
        ]

    def _say(self, lines: Sequence[str], *, fails: bool = False) -> None:
        if self._strict or fails:
            from pytest_editmetrics.report.listed import Headed

            self.problems.append(Headed(lines[0], lines[1:]))
        else:
            self.notes += lines

    def _by_file(self, nodeids: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the tests' keys by node id, of each file: a file is looked at once."""
        files: dict[str, dict[str, str]] = {}
        for nodeid in nodeids:
            path, _, test = self._names.golden_id(nodeid).partition("::")
            files.setdefault(path, {})[nodeid] = test
        return files
