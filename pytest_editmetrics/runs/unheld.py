"""Goldens of no test that a session found: a part of the suite tells them, and all parts judge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.goldens.file_names import SUFFIX
from pytest_editmetrics.goldens.places import is_fixture_key
from pytest_editmetrics.goldens.renamed import ObsoleteGolden
from pytest_editmetrics.runs.folder import Run
from pytest_editmetrics.runs.obsolete import ObsoleteImage

_DIGITS = 16


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
    """

    strict: bool
    files: Mapping[str, bool]
    found: str
    ran: str
    entries: tuple[ObsoleteGolden, ...]
    images: tuple[ObsoleteImage, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as the end of the results holds it: names that a file shares stand once."""
        return {
            "strict": self.strict,
            "files": dict(self.files),
            "found": self.found,
            "ran": self.ran,
            "new": {_file(one): list(one.new) for one in self.entries if one.new},
            "entries": [
                {"source": one.source, "test": one.test, "of_parameter": one.of_parameter}
                for one in self.entries
            ],
            "images": [asdict(one) for one in self.images],
        }

    @property
    def number(self) -> int:
        """How many goldens there are."""
        return len(self.entries) + len(self.images)

    @property
    def unseen(self) -> list[str]:
        """The golden files of which nobody found all tests, so that they cannot be judged."""
        return [file for file, whole in self.files.items() if not whole]


def sum_of(nodeids: Iterable[str]) -> str:
    """Return a number that the ids add up to: parts that share no test have its parts.

    >>> sum_of(["a", "b"]) == sum_of(["b", "a", "b"]), sum_of([])
    (True, '0000000000000000')
    """
    return _hex(int(sha256(one.encode()).hexdigest()[:_DIGITS], 16) for one in {*nodeids})


def _hex(numbers: Iterable[int]) -> str:
    return f"{sum(numbers) % 16**_DIGITS:0{_DIGITS}x}"


def obsolete_of(run: Run) -> Unheld | None:
    """Return the goldens that a run found obsolete; ``None`` if it may not judge, as a part.

    Raises:
        EditMetricsError: what it tells makes no sense.
    """
    return told_by(run) if "obsolete" in run.end else None


def told_by(run: Run) -> Unheld | None:
    """Return what a run tells of goldens, be it a part of the suite; ``None`` if nothing.

    Raises:
        EditMetricsError: what it tells makes no sense.
    """
    data = run.end.get("unheld")
    if data is None:
        return None
    try:
        new = {file: tuple(map(_text, names)) for file, names in data["new"].items()}
        entries = [
            ObsoleteGolden(_text(one["source"]), _text(one["test"]), (), _flag(one["of_parameter"]))
            for one in data["entries"]
        ]
        listed = run.end.get("obsolete", data["images"])
        return Unheld(
            _flag(data["strict"]),
            {_text(file): _flag(whole) for file, whole in data["files"].items()},
            _sum(data["found"]),
            _sum(data["ran"]) or _hex(()),
            tuple(replace(one, new=new.get(_file(one), ())) for one in entries),
            tuple(ObsoleteImage(**{k: _text(v) for k, v in one.items()}) for one in listed),
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
            new = dict.fromkeys(name for one in told for name in one.new)
            entries.append(replace(told[0], new=tuple(new)))
    of_shards = [{one.file: one for one in shard.images} for shard in shards]
    every = {name: image for of_shard in of_shards for name, image in of_shard.items()}
    images = [
        image
        for name, image in sorted(every.items())
        if stands(f"{PurePosixPath(name).parent}{SUFFIX}", [name in one for one in of_shards])
    ]
    strict = any(shard.strict for shard in shards)
    same = found.pop() if len(found) == 1 else ""
    return Unheld(strict, files, same, ran, tuple(entries), tuple(images))


def _file(entry: ObsoleteGolden) -> str:
    return entry.source.rpartition(":")[0]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise TypeError
    return value


def _sum(value: Any) -> str:
    if not re.fullmatch(rf"[0-9a-f]{{{_DIGITS}}}|", value):
        raise ValueError
    return str(value)
