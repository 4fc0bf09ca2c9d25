"""What the controller does about golden images: promotes the staged, finds the obsolete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.errors import EditMetricsError, counted
from pytest_editmetrics.goldens.places import is_fixture_key
from pytest_editmetrics.report.listed import Headed, listed

if TYPE_CHECKING:
    from pytest_editmetrics.goldens.images import Staged
    from pytest_editmetrics.plugin.attempts import Attempt
    from pytest_editmetrics.plugin.found_tests import AllFound
    from pytest_editmetrics.runs.matched_images import ImageOf
    from pytest_editmetrics.runs.obsolete import ObsoleteImage
    from pytest_editmetrics.session.state import EditSession


@dataclass(frozen=True)
class _Wanted:
    """A staged image of a test's last attempt; ``failed`` if the test failed for another reason."""

    nodeid: str
    failed: bool
    staged: Staged


class ImageRecorder:
    """Golden images over one session: what was staged, what was used, which tests passed.

    ``obsolete`` are golden images that no test uses, ``moved`` those that a test without one may
    mean, which a part of the suite knows, too.
    ``open_tests`` are the tests that did not pass, and whether a gate failed each before it came to
    a golden image that it may ask for. ``done`` are the tests that passed, or came to looking for
    one.
    ``unusable`` are notes of files that are called as ours are, cannot be read, and may be
    somebody else's.
    """

    def __init__(self, session: EditSession):
        self._session = session
        self._wanted: list[_Wanted] = []
        self._unwanted: list[Staged] = []
        self.used: set[str] = set()
        self.new: dict[str, ImageOf] = {}
        self.open_tests: Mapping[str, bool] = {}
        self._stopped: set[str] = set()
        self._came: set[str] = set()
        self._done: set[str] = set()
        self._looked: set[str] = set()
        self._across: dict[str, None] = {}
        self._unstated: set[str] = set()
        self._no_entry: dict[str, None] = {}
        self._passed: set[str] = set()
        self.notes: list[str] = []
        self.problems: list[str] = []
        self.unusable: list[str] = []
        self.obsolete: list[ObsoleteImage] = []
        self.moved: list[ObsoleteImage] = []

    def finished(self, attempt: Attempt, *, failed: bool) -> None:
        """Take one attempt of a test, its gates as they travel; the last one's images count."""
        nodeid, gates, staged = attempt.nodeid, attempt.gates, attempt.staged
        final, outcome = not attempt.rerun, attempt.outcome
        if final and outcome == "passed":
            self._passed.add(nodeid)
        elif final and outcome == "failed" and gates and "golden_image" in attempt.kinds:
            self._stopped.add(nodeid)
        for gate in gates:
            if snapshot := gate["snapshot"]:
                self.used.add(snapshot["file"])
                self._looked.add(nodeid)
                if gate["verdict"] in ("missing-golden", "recorded") and not snapshot["provenance"]:
                    from pytest_editmetrics.runs.matched_images import ImageOf

                    whose = ImageOf.entry(snapshot["proposed"])
                    whose = whose._replace(nodeid=nodeid, picture=snapshot.get("picture", ""))
                    self.new[snapshot["file"]] = whose
                if final and snapshot["across"]:
                    self._across[f"{nodeid}: {snapshot['file']} {snapshot['across']}"] = None
                if final and snapshot.get("unstated"):
                    self._unstated.add(snapshot["file"])
                if final and snapshot.get("no_entry"):
                    self._no_entry[snapshot["file"]] = None
        if not staged:
            return
        from pytest_editmetrics.goldens.images import Staged

        for one in map(Staged.from_dict, staged):
            if final:
                self._wanted.append(_Wanted(nodeid, failed, one))
            else:
                self._unwanted.append(one)

    def close(
        self,
        collected: Mapping[str, int],
        full: bool,
        golden_id: Callable[[str], str],
        folders: Collection[Path],
        found: AllFound,
    ) -> None:
        """Write what was staged; find what tests that passed did not use, and after a full run what
        no test uses any more.

        ``golden_id`` gives the node id that the repetitions of a test share, ``folders`` are those
        in which goldens lie, ``found`` has tests that need not have been to run.
        """
        if self._across:
            self.notes += listed("golden images compared across devices", list(self._across))
        if self._unstated:
            self.notes.append(_held_by_lpips(len(self._unstated)))
        if self._no_entry and self._session.options["update"] == "none":
            title = (
                "warning: golden images of which provenance.yaml has no entry: nothing tells what"
                " made them, and the default comparators hold them where neither call nor settings"
                " name any. Restore the file from git, or let pytest --editmetrics-update=missing"
                " write what is known"
            )
            self.notes += listed(title, list(self._no_entry))
        if self._session.options["update"] != "none":
            self._promote(collected, golden_id)
            self._remove_stale(collected, folders)
        stopped = self._stopped - self._looked
        self.open_tests = {
            golden_id(one): one in stopped for one in collected if one not in self._passed
        }
        tests = {golden_id(one) for one in collected}
        passed = tests - self.open_tests.keys()
        self._came, self._done = set(map(golden_id, self._looked)), passed
        self._find_unused(set(found.and_more(tests)) if full else None, passed, folders)
        if not full and self.new:
            self._find_moved(set(found.and_more(())), passed, folders)

    def may_come_to(self, nodeid: str, *, named: bool) -> bool:
        """Tell whether a test that came to no golden image may come to one another time: it did not
        pass, or requests them by name, ``named``."""
        return nodeid not in self._came and (named or nodeid not in self._done)

    def _promote(self, collected: Mapping[str, int], golden_id: Callable[[str], str]) -> None:
        from pytest_editmetrics.goldens.git_files import ignored_note
        from pytest_editmetrics.goldens.images import discard, promote

        rootdir = self._session.rootdir
        lost = [one for one in self._wanted if one.failed]
        if lost:
            of = counted(len(lost), "golden image of a test", "golden images of tests")
            self.notes.append(f"not recorded: {of} that failed for another reason")
        good = [one for one in self._wanted if not one.failed]
        good.sort(key=lambda one: collected.get(one.nodeid, len(collected)))
        kept = self._one_writer(good, golden_id)
        chosen = [one.staged for one in kept]
        try:
            written = promote(chosen, rootdir)
        except EditMetricsError as error:
            self.problems.append(str(error))
            written = []
        same = {rootdir / one.target for one in chosen if one.same}
        unknown = same & {rootdir / file for file in self._no_entry}
        self.notes += [
            f"recorded: {counted(count, 'golden image')} in {folder}; look at what"
            " changed and commit it"
            for folder, count in _by_folder((p for p in written if p not in same), rootdir)
        ]
        self.notes += [
            f"approved: {counted(count, 'golden image')} in {folder}, which nobody had recorded;"
            " look at what is there and commit its entry in provenance.yaml"
            for folder, count in _by_folder((p for p in written if p in unknown), rootdir)
        ]
        self.notes += [
            f"comparators named: {count} entr{'ies' if count > 1 else 'y'} of"
            f" {folder}/provenance.yaml; the images are as they were; commit it"
            for folder, count in _by_folder((p for p in written if p in same - unknown), rootdir)
        ]
        there = set(written)
        self.notes += _alike([one for one in kept if rootdir / one.staged.target in there])
        self.notes += ignored_note([path for path in written if path not in same], rootdir)
        self.notes += [f"warning: {one.warning}" for one in chosen if one.warning]
        discard([*self._unwanted, *(one.staged for one in self._wanted)], rootdir)

    def _one_writer(self, wanted: list[_Wanted], golden_id: Callable[[str], str]) -> list[_Wanted]:
        """Leave out files that two tests, or two different images of a test, would write.

        Of the repetitions of a test the first one's image is kept. Those of one process were
        compared with it; of another worker's, which could not be, only an equal image is right.
        """
        first: dict[str, _Wanted] = {}
        clashing: set[str] = set()
        for one in wanted:
            other = first.setdefault(one.staged.target, one)
            same = other.staged.entry.get("sha256") == one.staged.entry.get("sha256")
            alike = golden_id(other.nodeid) == golden_id(one.nodeid) or _of_fixture(other, one)
            if other.nodeid != one.nodeid and alike:
                if not same:
                    self.problems.append(
                        f"{one.staged.target}: recorded from {other.nodeid}; {one.nodeid}, which"
                        " ran in another worker, made another image: run again without"
                        " --editmetrics-update, which compares them"
                    )
            elif other.nodeid != one.nodeid or not same:
                clashing.add(one.staged.target)
                self.problems.append(
                    f"{one.staged.target}: not written, as {other.nodeid} and {one.nodeid} would"
                    " both write it; tell their images apart with name="
                )
        return [one for target, one in first.items() if target not in clashing]

    def _remove_stale(self, collected: Collection[str], folders: Collection[Path]) -> None:
        from pytest_editmetrics.goldens.leftovers import remove_stale

        goldens, rootdir = self._session.goldens, self._session.rootdir
        files = {rootdir / nodeid.partition("::")[0] for nodeid in collected}
        count = remove_stale({goldens.file_of(file).parent for file in files} | set(folders))
        if count:
            left = counted(count, "unfinished golden", "unfinished goldens")
            self.notes.append(f"removed: {left} of sessions that were killed")

    def _find_unused(
        self, collected: Collection[str] | None, passed: Collection[str], folders: Collection[Path]
    ) -> None:
        from pytest_editmetrics.goldens.file_names import states_approved
        from pytest_editmetrics.runs.obsolete import obsolete_images
        from pytest_editmetrics.session.unread import misnamed_cases

        session = self._session
        if not session.runs_tests:
            return
        broken: dict[Path, str] = {}
        ran = collected, passed, self.used
        new = self.new, self.open_tests, misnamed_cases
        found = obsolete_images(session.goldens, session.rootdir, *ran, folders, broken, *new)
        strict = session.options["strict"] != "none"
        for path, wrong in broken.items():
            named = self.problems if strict else self.notes
            where = named if states_approved(path) else self.unusable
            where.append(f"not checked for obsolete golden images: {wrong}")
        self.obsolete = found if collected is not None else []
        self.moved = [one for one in self.obsolete if one.wanted]
        if not found:
            return
        or_strict = "" if strict else " (--editmetrics-strict=regressed fails)"
        if collected is None:
            title = "approved but not measured: golden images that no check compared with"
            lines = listed(title + or_strict, [f"{one.file}: {one.reason}" for one in found])
        else:
            from pytest_editmetrics.report.unheld import images_lines

            lines = images_lines(found, self._prune(), or_strict)
        if strict:
            self.problems.append(Headed(lines[0], lines[1:]))
        else:
            self.notes += lines

    def _find_moved(
        self, found: Collection[str], passed: Collection[str], folders: Collection[Path]
    ) -> None:
        """Say of a part of the suite which goldens of tests that are gone its new ones may be."""
        from pytest_editmetrics.report.unheld import images_lines
        from pytest_editmetrics.runs.obsolete import obsolete_images

        session, ran = self._session, (found, passed, self.used)
        images = obsolete_images(session.goldens, session.rootdir, *ran, folders, {}, self.new)
        self.moved = [one for one in images if one.wanted]
        self.notes += images_lines([one for one in images if one.wanted or one.recorded], "")

    def _prune(self) -> str:
        """Say which command removes ``{}``, from the results that this session leaves."""
        from pytest_editmetrics.report.next_steps import typed_path
        from pytest_editmetrics.session.typed import rootdir_from_here

        options, root = self._session.options, rootdir_from_here(self._session.config)
        of = "" if root is None else f" --rootdir {typed_path(Path(root))}"
        if kept := options["run-dir"] or options["results"]:
            command = f"editmetrics prune {typed_path(Path(kept))}{of} --yes"
            return f"`{command}` removes {{}}, where that is certain"
        then = f"`editmetrics prune run{of} --yes`"
        return f"to remove {{}}, run with --editmetrics-run-dir=run, then {then}"


def _alike(recorded: Iterable[_Wanted]) -> list[str]:
    """Say which golden images were recorded as one picture: of one test, under two names, or of
    two tests."""
    first: dict[object, _Wanted] = {}
    in_test: dict[tuple[str, object], _Wanted] = {}
    of_test, of_tests = [], []
    for one in recorded:
        picture = one.staged.entry.get("sha256")
        other, own = first.setdefault(picture, one), in_test.setdefault((one.nodeid, picture), one)
        if one.staged.same:
            continue
        if own is not one:
            of_test.append(f"{one.nodeid}: {own.staged.target}, {one.staged.target}")
        elif other is not one:
            of_tests.append(f"{one.nodeid}: {one.staged.target}, as of {other.nodeid}")
    buffer = (
        "recorded as one picture under two names (does the model give one buffer, or one file, for"
        " all edits? Copy each before the next)"
    )
    prompt = "recorded as the picture of another test (does the model read the prompt?)"
    return [*listed(buffer, of_test), *listed(prompt, of_tests)]


def _by_folder(paths: Iterable[Path], rootdir: Path) -> Iterable[tuple[str, int]]:
    folders = (
        (path.parent.relative_to(rootdir) if path.is_relative_to(rootdir) else path.parent)
        for path in paths
    )
    return Counter(folder.as_posix() for folder in folders).items()


def _held_by_lpips(number: int) -> str:
    """Say how many goldens are older than the guard of tone, and how they come to have it."""
    which = counted(number, "golden image names", "golden images name")
    are, them = ("is", "it") if number == 1 else ("are", "them")
    return (
        f"{which} no comparator and {are} held by lpips alone, which hardly sees"
        f" tone: pytest --editmetrics-update=missing holds {them} to structure and tone as well and"
        " writes that down"
    )


def _of_fixture(first: _Wanted, second: _Wanted) -> bool:
    """Tell whether two images are of one fixture, which was set up for either test."""
    keys = {str(one.staged.entry.get("test")) for one in (first, second)}
    return len(keys) == 1 and all(map(is_fixture_key, keys))
