"""Golden images that no test uses any more: found after a full run, removed by ``prune``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from pytest_editmetrics.config.reader import shown_path
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.goldens.file_names import SUFFIX, holds_provenance
from pytest_editmetrics.goldens.half_renamed import half_renamed, how_to_finish
from pytest_editmetrics.goldens.image_names import golden_stem, stem_prefix
from pytest_editmetrics.goldens.images import (
    SUFFIXES,
    of_files,
    remove_images,
    sha256_of,
)
from pytest_editmetrics.goldens.places import is_fixture_key
from pytest_editmetrics.goldens.provenance import PROVENANCE, Entry, read_provenance
from pytest_editmetrics.goldens.store import Goldens
from pytest_editmetrics.runs.folder import Run
from pytest_editmetrics.runs.matched_images import ImageOf
from pytest_editmetrics.runs.renamed_images import (
    BEFORE,
    GONE,
    made_anew,
    meant_for,
    stopped_before,
)
from pytest_editmetrics.whole_file import real_path

_NO_TEST = (
    "its test file gave no test here (prune leaves it: if other machines have these tests, skip"
    " them here: a skipif mark; else delete it)"
)


@dataclass(frozen=True)
class ObsoleteImage:
    """A golden image that is not used, relative to the rootdir, its hash, and why.

    It is ``wanted`` where a test looks in vain for what may be this one.
    """

    file: str
    sha256: str
    reason: str
    wanted: bool = False

    @property
    def keep(self) -> bool:
        """Whether it may be of a test that only other machines have."""
        return self.reason == _NO_TEST

    @property
    def of_gone(self) -> bool:
        """Whether its test is gone, by its name: it may have another now."""
        return GONE in self.reason

    @property
    def recorded(self) -> bool:
        """Whether the test that it may be of has another now."""
        return BEFORE in self.reason

    @property
    def removable(self) -> bool:
        """Whether ``prune`` removes it."""
        return not (self.keep or self.wanted)


def obsolete_images(
    goldens: Goldens,
    rootdir: Path,
    collected: Collection[str] | None,
    passed: Collection[str],
    used: Collection[str],
    folders: Collection[Path],
    broken: dict[Path, str],
    new: Mapping[str, ImageOf] | None = None,
    open_tests: Mapping[str, bool] = MappingProxyType({}),
    misnamed: Callable[[Path], Sequence[Path]] = lambda _: (),
) -> list[ObsoleteImage]:
    """Return the golden images that the tests of a run did not use, and will not.

    A golden that was not used is obsolete if its test is gone, or passed all the same; that of a
    test which failed, or was skipped, is not. Without provenance each test of the file counts as
    its test that may have an image of that name. Variants of a used golden are for other
    environments, and stay.

    Args:
        goldens: knows where those of a test file lie.
        rootdir: what node ids and files are relative to.
        collected: the node ids of all tests, and the test files that have none; ``None`` of a
            partial run, in which a golden counts only if its provenance names a test that passed.
        passed: those whose last attempt passed.
        used: the files that tests used.
        folders: in which goldens lie, looked at for those whose test file is gone.
        broken: takes what is wrong with each provenance file that cannot be read.
        new: the files that tests used, of which there were none, and whose they are: the reasons
            say which may be meant. ``None``: they do not.
        open_tests: the node ids of tests that did not pass, and whether a gate failed each before
            it came to a golden image.
        misnamed: gives the files that a test file which is gone may be, under a name that is not
            collected.
    """
    tests: dict[Path, dict[str, bool]] = {}
    for nodeid in passed if collected is None else collected:
        file, _, test = nodeid.partition("::")
        of_file = tests.setdefault(_folder(goldens, rootdir / file), {})
        if test:
            of_file[test] = nodeid in passed
    real = cache(real_path)
    files: dict[Path, set[str]] = {}
    for path in map(rootdir.joinpath, used):
        files.setdefault(real(path.parent), set()).add(path.name)
    if collected is not None:
        tests |= {folder: {} for folder in _without_test_file(goldens, folders)}
    found: list[ObsoleteImage] = []
    gone, elsewhere, finished, unknown = {}, set(), set(), set()
    owners: set[tuple[Path, str | None]] = set()
    for folder, keys in sorted(tests.items()):
        there = _test_file(goldens, folder).exists()
        cases = (
            [] if there else [shown_path(f, rootdir) for f in misnamed(_test_file(goldens, folder))]
        )
        try:
            written = read_provenance(folder / PROVENANCE, rootdir)
            entries = of_files(folder, written)
            names = files.get(real(folder), set())
            unused = list(_unused(folder, entries, keys, names, there, collected is not None))
            half = {} if collected is None else half_renamed(folder, written, keys)
        except EditMetricsError as error:
            broken[folder / PROVENANCE] = str(error)
            continue
        own = entries | {name: written[name] for name in half.values() if name in written}
        owners.update((folder, entry.get("test")) for entry in own.values())
        finished |= {shown_path(folder / name, rootdir) for name in half.values()}
        for path in (folder / name for name in half if name not in names):
            shown, entry = shown_path(path, rootdir), entries.get(path.name)
            why = how_to_finish(shown, half[path.name], entry)
            found.append(ObsoleteImage(shown, str(sha256_of(path)), why, wanted=True))
        for path, reason in unused:
            sha256 = None if path.name in half else sha256_of(path)
            if sha256 is not None and cases:
                why = (
                    f"{cases[0]} is not read, and may have these cases: rename it first ({reason})"
                )
                found.append(ObsoleteImage(shown_path(path, rootdir), sha256, why, wanted=True))
            elif sha256 is not None:
                found.append(ObsoleteImage(shown_path(path, rootdir), sha256, reason))
                whose = ImageOf.entry(entries.get(path.name))
                if not whose.known:
                    unknown.add(found[-1].file)
                if reason.endswith(GONE):
                    gone[found[-1].file] = whose
                    if there and not keys:
                        elsewhere.add(found[-1].file)
    if new is not None:
        new = {file: its for file, its in new.items() if file not in finished}
    made = made_anew([one.file for one in found if not one.wanted], new or {}, rootdir)
    gone |= {f: ImageOf("", "", known=f not in unknown) for f in made if f not in gone}
    if new is not None and gone:
        waiting: dict[str, dict[str, bool]] = {}
        for nodeid, stopped in open_tests.items():
            file, _, test = nodeid.partition("::")
            folder = _folder(goldens, rootdir / file)
            without = (folder, test) not in owners
            waiting.setdefault(shown_path(folder, rootdir), {})[test] = stopped and without
        told = meant_for(gone, new, used, waiting, rootdir, made)
        told |= stopped_before(
            {file: image for file, image in gone.items() if file not in told}, waiting, rootdir
        )
        elsewhere -= told.keys()
        found = [
            replace(one, reason=meant.reason(one.reason), wanted=meant.wanted)
            if (meant := told.get(one.file))
            else one
            for one in found
        ]
    return [replace(one, reason=_NO_TEST) if one.file in elsewhere else one for one in found]


def _folder(goldens: Goldens, test_file: Path) -> Path:
    file = goldens.file_of(test_file)
    return file.with_name(file.name.removesuffix(SUFFIX))


def _without_test_file(goldens: Goldens, folders: Collection[Path]) -> Iterator[Path]:
    for parent in folders:
        for folder in parent.iterdir() if parent.is_dir() else ():
            path = folder / PROVENANCE
            called = path.exists() or (folder.is_dir() and holds_provenance(path))
            if called and not _test_file(goldens, folder).exists():
                yield folder


def _test_file(goldens: Goldens, folder: Path) -> Path:
    return goldens.test_file_of(folder.with_name(folder.name + SUFFIX))


def _unused(
    folder: Path,
    entries: Mapping[str, Entry],
    tests: Mapping[str, bool],
    used: Collection[str],
    there: bool,
    whole: bool,
) -> Iterator[tuple[Path, str]]:
    if not folder.is_dir():
        return
    of_open = tuple(stem_prefix(test) for test, passed in tests.items() if not passed)
    stems = set(map(golden_stem, used))
    for path in sorted(folder.iterdir()):
        stem = golden_stem(path.name)
        if stem is None or path.name in used:
            continue
        if stem in stems:
            if whole and any(path.with_suffix(suffix).name in used for suffix in SUFFIXES):
                yield path, "it lies there in another format too"
            continue
        owner = entries.get(path.name, {}).get("test")
        if owner is not None and is_fixture_key(owner):  # a test that did not run may use it
            continue
        if not whole and owner not in tests:
            continue
        if not tests and not there:
            yield path, f"its test file {GONE}"
        elif not tests:
            yield path, f"its test {f'{owner} ' if owner else ''}{GONE}"
        elif owner is not None and owner not in tests:
            yield path, f"its test {owner} {GONE}"
        elif owner is None and not (of_open and _may_be_of(stem, of_open)):
            yield path, f"no test compares with it, and {PROVENANCE} has no entry of it"
        elif owner is not None and tests[owner]:
            here = "any more" if whole else "in this run"
            yield path, f"no test compares with it {here}"


def _may_be_of(stem: str, open_tests: tuple[str, ...]) -> bool:
    """Tell whether a stem may be that of a test which did not pass, by prefix, or of a fixture."""
    return stem.startswith((*open_tests, "fixture-")) or "-fixture-" in stem


def commit_of(run: Run) -> str | None:
    """Return the commit that was checked out where a run was made, if it tells."""
    commit = run.session.get("commit")
    return commit if isinstance(commit, str) else None


def listed_obsolete(run: Run, rootdir: Path) -> tuple[list[ObsoleteImage], int]:
    """Return the golden images that a run of the whole suite found obsolete and that still are what
    they were, and how many of its list are not.

    Args:
        run: a run that was read.
        rootdir: what its files are relative to.

    Raises:
        EditMetricsError: the run was cut off or partial, and says nothing of what is obsolete; or
            it lists something that is no golden image below ``rootdir``.
    """
    if not run.complete or run.crashed:
        raise EditMetricsError(
            f"{run.shown}: the run was cut off, so what it did not use may still be needed; nothing"
            " was removed"
        )
    if "obsolete" not in run.end:
        raise EditMetricsError(
            f"{run.shown}: the run left tests out (-k, -m, --lf, node ids, --maxfail, a plugin"
            " that picks tests, or a merge without --shards), so what it did not use may still be"
            " needed; nothing was removed"
        )
    listed = run.end.get("obsolete")
    images = [_checked(run, item, rootdir) for item in (listed if isinstance(listed, list) else ())]
    same = [image for image in images if sha256_of(rootdir / image.file) == image.sha256]
    return same, len(images) - len(same)


def _checked(run: Run, item: Any, rootdir: Path) -> ObsoleteImage:
    texts = dict(item) if isinstance(item, Mapping) else {}
    wanted = texts.pop("wanted", None)
    known = type(wanted) is bool and set(texts) == {"file", "sha256", "reason"}
    if known and all(type(t) is str for t in texts.values()):
        path = PurePosixPath(texts["file"])
        plain = golden_stem(path.name) and not path.is_absolute() and ".." not in path.parts
        if plain and real_path((rootdir / path).parent).is_relative_to(real_path(rootdir)):
            return ObsoleteImage(**texts, wanted=wanted)
    raise EditMetricsError(
        f"{run.shown}: the end of the run lists {item!r:.120}, which is no golden image below the"
        " rootdir; nothing was removed"
    )


def prune(images: Collection[ObsoleteImage], rootdir: Path) -> list[Path]:
    """Remove golden images and their provenance; return the files that were removed.

    Raises:
        EditMetricsError: a file cannot be removed.
    """
    return remove_images([rootdir / image.file for image in images], rootdir)
