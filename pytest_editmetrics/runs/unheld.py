"""Goldens of no test that a session found: a part of the suite tells them, and all parts judge."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_editmetrics.errors import EditMetricsError, counted
from pytest_editmetrics.goldens.file_names import SUFFIX, golden_file_of
from pytest_editmetrics.goldens.places import is_fixture_key
from pytest_editmetrics.goldens.renamed import ObsoleteGolden, renamed_to
from pytest_editmetrics.runs.folder import Run
from pytest_editmetrics.runs.obsolete import ObsoleteImage

_DIGITS = 16
_OF_ENTRY = ("source", "test", "of_parameter", "none_left", "no_test", "gates")
Left = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Tests with gates that were found and not to run: of each test file, by the option that left them
out (empty, where a node id or a plugin did)."""


@dataclass(frozen=True)
class Move:
    """Where tests of a golden file are now: ``to`` has their files, ``lines`` say what to do."""

    to: Mapping[str, str]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Unheld:
    """What a run tells of goldens: candidates of a part of the suite, obsolete ones of the whole.

    Args:
        strict: whether they fail.
        files: each golden file that it looked at, there or not, and whether it found all tests of
            its test file; golden images lie in the folder of that name without ``.yaml``.
        found: the sum of the ids of all tests that it found, see ``sum_of``.
        ran: that of those which ran.
        entries: golden thresholds of no test, or fixture, that it found.
        images: such golden images.
        moves: of the golden files of entries, where their tests are now.
        left: tests that were found and not to run; of several shards, those that ran in none.
        options: the values of the options that may have left them out.
        passed_by: golden files beside those of ``files``, or folders of images (with a ``/``),
            whose test file is there, and whether it was collected: skipped as a whole, or broken.
            Of several shards, those of none.
        asked: whether the run was asked for some files only; not of all shards.
        unread: files that may have tests and gave none: skipped as a whole, broken, or misnamed.
        open: by test file, the tests that may compare golden images, came to none, and did not
            pass or request them by name.
        bound_lost: a test that may be one of the entries', and that only a default bound let pass.
    """

    strict: bool
    files: Mapping[str, bool]
    found: str
    ran: str
    entries: tuple[ObsoleteGolden, ...]
    images: tuple[ObsoleteImage, ...]
    moves: Mapping[str, Move] = field(default_factory=dict)
    left: Left = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    passed_by: Mapping[str, bool] = field(default_factory=dict)
    asked: bool = False
    unread: tuple[str, ...] = ()
    open: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bound_lost: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as the end of the results holds it: names that a file shares stand once."""
        return {
            "strict": self.strict,
            "files": dict(self.files),
            "found": self.found,
            "ran": self.ran,
            "new": {
                _file(one): {test: sorted(gates) for test, gates in one.new.items()}
                for one in self.entries
                if one.new
            },
            "entries": [{name: getattr(one, name) for name in _OF_ENTRY} for one in self.entries],
            "images": [asdict(one) for one in self.images],
            "moves": {file: asdict(move) for file, move in self.moves.items()},
            "left": self.left,
            "options": self.options,
            "passed_by": dict(self.passed_by),
            "asked": self.asked,
            "unread": list(self.unread),
            "open": {file: list(tests) for file, tests in self.open.items()},
            "bound_lost": self.bound_lost,
        }

    def uncertain(self, has_image: Callable[[str, str], bool]) -> str:
        """Return why a golden image of a test that is gone may be of another; empty if it cannot.

        Another test has it, renamed or moved, that did not come to looking for it.

        Args:
            has_image: tells whether a golden image is of a test, of this file and key, by its
                provenance: it is not renamed then.
        """
        if self.asked:
            return "the run was asked for some files only"
        for file in (*self.unread, *self.passed_by):
            return f"of {file} no test was found"
        for file, tests in self.open.items():
            for test in tests:
                if not has_image(file, test):
                    return f"{file}::{test} did not come to its golden images"
        return ""

    @property
    def moved(self) -> dict[tuple[Path, str], Path]:
        """The test files that have tests of these golden files and keys now."""
        return {
            (Path(file), test): Path(target)
            for file, move in self.moves.items()
            for test, target in move.to.items()
        }

    @property
    def renamed(self) -> bool:
        """Whether goldens are to be renamed or moved, as their tests were."""
        moved = self.moved
        wanted = any(one.wanted for one in self.images)
        return wanted or bool(moved) or bool(renamed_to(self.entries, moved))

    def of_part(self) -> Unheld:
        """Return what a part of the suite knows: which of them tests without one may mean."""
        moved = self.moved
        known = {*moved, *renamed_to(self.entries, moved, lone=False)}
        return replace(
            self,
            strict=False,
            entries=tuple(one for one in self.entries if (one.file, one.test) in known),
            images=tuple(one for one in self.images if one.wanted),
            left={},
            passed_by={},
        )

    @property
    def number(self) -> int:
        """How many goldens there are."""
        return len(self.entries) + len(self.images)

    @property
    def lost(self) -> list[str]:
        """The node ids of tests that ran nowhere, though no option was to leave them out."""
        return [f"{file}::{test}" for file, by in self.left.items() for test in by.get("", ())]

    @property
    def unseen(self) -> list[str]:
        """The golden files of which nobody found all tests, so that they cannot be judged."""
        return [file for file, whole in self.files.items() if not whole]


def sum_of(nodeids: Iterable[str]) -> str:
    """Return a number that the ids add up to: parts that share no test have its parts.

    >>> sum_of(["a", "b"]) == sum_of(["b", "a", "b"]), sum_of([])
    (True, '0000000000000000')
    """
    return _hex(
        int(sha256(one.encode(errors="surrogatepass")).hexdigest()[:_DIGITS], 16)
        for one in {*nodeids}
    )


def _hex(numbers: Iterable[int]) -> str:
    return f"{sum(numbers) % 16**_DIGITS:0{_DIGITS}x}"


def obsolete_of(run: Run) -> Unheld | None:
    """Return the goldens that a run found obsolete; of a part, those that its tests may mean.

    ``None`` if it tells of none. Of one session it is no matter which files it passed by: it may
    have been asked for a few.

    Raises:
        EditMetricsError: what it tells makes no sense.
    """
    told = told_by(run)
    if told is None or "obsolete" not in run.end:
        return told and told.of_part()
    return told if "shards" in run.session else replace(told, passed_by={})


def in_no_shard(run: Run) -> str:
    """Return how many tests ran in no shard of a run, in words; empty for none."""
    unheld = obsolete_of(run)
    lost = 0 if unheld is None else len(unheld.lost)
    return f"{counted(lost, 'test')} ran in no shard" if lost else ""


def told_by(run: Run) -> Unheld | None:
    """Return what a run tells of goldens, be it a part of the suite; ``None`` if nothing.

    Raises:
        EditMetricsError: what it tells makes no sense.
    """
    data = run.end.get("unheld")
    if data is None:
        return None
    try:
        new = {
            file: {_text(test): tuple(map(_text, gates)) for test, gates in tests.items()}
            for file, tests in data["new"].items()
        }
        entries = [
            ObsoleteGolden(
                _text(one["source"]),
                _text(one["test"]),
                of_parameter=_flag(one["of_parameter"]),
                none_left=_flag(one["none_left"]),
                no_test=_flag(one["no_test"]),
                gates=tuple(map(_text, one["gates"])),
            )
            for one in data["entries"]
        ]
        entries = [replace(one, new=new.get(_file(one), {}), file=_path(one)) for one in entries]
        listed = run.end.get("obsolete", data["images"])
        return Unheld(
            _flag(data["strict"]),
            {_text(file): _flag(whole) for file, whole in data["files"].items()},
            _sum(data["found"]),
            _sum(data["ran"]) or _hex(()),
            tuple(entries),
            tuple(map(_image, listed)),
            {
                _text(file): Move(_texts(one["to"]), tuple(map(_text, one["lines"])))
                for file, one in data["moves"].items()
            },
            {
                _text(file): {_text(by): tuple(map(_text, tests)) for by, tests in of.items()}
                for file, of in data["left"].items()
            },
            _texts(data["options"]),
            {_text(file): _flag(collected) for file, collected in data["passed_by"].items()},
            _flag(data["asked"]),
            tuple(map(_text, data["unread"])),
            {_text(file): tuple(map(_text, tests)) for file, tests in data["open"].items()},
            _text(data["bound_lost"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise EditMetricsError(
            f"{run.shown}: the end of the results tells of goldens what makes no sense; was the"
            " file edited?"
        ) from None


def joined(shards: Sequence[Unheld]) -> Unheld:
    """Return what all shards of a suite come to: what none of them holds, and one can judge.

    One that did not look at a golden file has no say; one that found only some of its test file's
    tests can hold an entry, not judge it. A fixture's entry may be of a test that asks for the
    fixture as it runs, so all tests have to have run.
    """
    files: dict[str, bool] = {}
    for shard in shards:
        for file, whole in shard.files.items():
            files[file] = files.get(file, False) or whole
    found = {shard.found for shard in shards}
    ran = _hex(int(shard.ran, 16) for shard in shards)
    all_ran = found == {ran}

    def stands(file: str, told: Sequence[bool], fixture: bool = False) -> bool:
        if fixture:
            return all_ran and all(told)
        looked = [tells for tells, shard in zip(told, shards, strict=True) if file in shard.files]
        return all(looked) and files.get(file, True)

    tests = [{(_file(one), one.test): one for one in shard.entries} for shard in shards]
    entries = []
    for key in sorted({key for of_shard in tests for key in of_shard}):
        if stands(key[0], [key in one for one in tests], is_fixture_key(key[1])):
            told = [one[key] for one in tests if key in one]
            new = {test: gates for one in told for test, gates in one.new.items()}
            no_test = all(one.no_test for one in told)
            entries.append(replace(told[0], new=new, no_test=no_test))
    of_shards = [{one.file: one for one in shard.images} for shard in shards]
    every: dict[str, ObsoleteImage] = {}
    for image in (image for of_shard in of_shards for image in of_shard.values()):
        every[image.file] = max(
            every.get(image.file, image),
            image,
            key=lambda one: (one.wanted, not one.keep, len(one.reason)),
        )
    images = [
        image
        for name, image in sorted(every.items())
        if stands(f"{PurePosixPath(name).parent}{SUFFIX}", [name in one for one in of_shards])
    ]
    strict = any(shard.strict for shard in shards)
    same = found.pop() if len(found) == 1 else ""
    return Unheld(
        strict,
        files,
        same,
        ran,
        tuple(entries),
        tuple(images),
        _moves(entries, shards),
        _left(shards),
        passed_by=_passed_by(files, shards),
        unread=tuple(sorted({file for shard in shards for file in shard.unread})),
        open=_open(shards),
    )


def _open(shards: Sequence[Unheld]) -> dict[str, tuple[str, ...]]:
    """Return the tests that came to it in none of the shards that found tests of their file."""
    return {
        file: tuple(test for test in told[0] if all(test in one for one in told))
        for file in sorted({file for shard in shards for file in shard.open})
        if (told := [shard.open[file] for shard in shards if file in shard.open])
    }


def _passed_by(files: Collection[str], shards: Sequence[Unheld]) -> dict[str, bool]:
    """Return the golden files whose test file none of the shards collected."""
    told = [item for shard in shards for item in shard.passed_by.items()]
    collected = {*files, *(golden_file_of(file) for file, there in told if there)}
    left = sorted({file for file, _ in told if golden_file_of(file) not in collected})
    return dict.fromkeys(left, False)


def _moves(entries: Sequence[ObsoleteGolden], shards: Sequence[Unheld]) -> dict[str, Move]:
    """Return what a shard tells of golden files of which it tells no more entries than all do."""
    moves = {}
    for file in {_file(one) for one in entries}:
        tests = {one.test for one in entries if _file(one) == file}
        for shard in shards:
            own = {one.test for one in shard.entries if _file(one) == file}
            if file in shard.moves and own == tests:
                moves[file] = shard.moves[file]
    return dict(sorted(moves.items()))


def _left(shards: Sequence[Unheld]) -> Left:
    """Return the tests that ran in none of the shards that found tests in their file.

    An option that is the same in all shards is none that tells them apart: it left its tests out on
    purpose.
    """
    names = {name for shard in shards for name in shard.options}
    alike = {name for name in names if len({one.options.get(name) for one in shards}) == 1}
    left: dict[str, dict[str, tuple[str, ...]]] = {}
    for file in sorted({file for shard in shards for file in shard.left}):
        told = [
            {test: by for by, tests in shard.left[file].items() for test in tests}
            for shard in shards
            if file in shard.left
        ]
        for test in told[0]:
            if all(test in one for one in told):
                by = min(alike.intersection(one[test] for one in told), default="")
                of_file = left.setdefault(file, {})
                of_file[by] = (*of_file.get(by, ()), test)
    return left


def _file(entry: ObsoleteGolden) -> str:
    return entry.source.rpartition(":")[0]


def _path(entry: ObsoleteGolden) -> Path:
    return Path(_file(entry))


def _texts(value: Mapping[str, Any]) -> dict[str, str]:
    return {_text(key): _text(one) for key, one in value.items()}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _image(told: Mapping[str, Any]) -> ObsoleteImage:
    texts = {key: _text(value) for key, value in told.items() if key != "wanted"}
    return ObsoleteImage(**texts, wanted=_flag(told["wanted"]))


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise TypeError
    return value


def _sum(value: Any) -> str:
    if not re.fullmatch(rf"[0-9a-f]{{{_DIGITS}}}|", value):
        raise ValueError
    return str(value)
