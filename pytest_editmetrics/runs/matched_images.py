"""Which new image each golden image may be whose test is gone: one of each, where that is clear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from pytest_editmetrics.goldens.renamed import similar

_COMPARED = 2000  # names


class ImageOf(NamedTuple):
    """Whose a golden image is, as provenance tells: the test's key, and the name it gave.

    Of one that a test made and that has no golden: ``nodeid`` is the test, ``picture`` what
    ``image_name`` calls its pixels. One that nobody recorded is not ``known``.
    """

    test: str
    name: str
    nodeid: str = ""
    picture: str = ""
    known: bool = True

    @classmethod
    def entry(cls, entry: Mapping[str, Any] | None) -> ImageOf:
        """Read it from what provenance holds, or proposes, of an image; ``None`` for nothing."""
        if entry is None:
            return cls("", "", known=False)
        return cls(str(entry.get("test") or ""), str(entry.get("name") or ""))

    def may_be(self, new: ImageOf) -> bool:
        """Tell whether a new image is this one: of the same function, or with the same parameters.

        >>> old = ImageOf("test_a[cup]", "")
        >>> [old.may_be(ImageOf(test, "")) for test in ("test_b[cup]", "test_a[mug]", "test_b")]
        [True, True, False]
        """
        same = self.of_function(new) or self.test.partition("[")[2] == new.test.partition("[")[2]
        return bool(self.test) and same and self.name == new.name

    def of_function(self, new: ImageOf) -> bool:
        """Tell whether a new image is of the same function, with whatever parameters."""
        return self.test.partition("[")[0] == new.test.partition("[")[0]

    def fitting(self, targets: Sequence[str], new: Mapping[str, ImageOf]) -> Sequence[str]:
        """Return which of new images of its picture this one is: of its name, best of its test."""
        own = [one for one in targets if self.name == new[one].name]
        return [one for one in own if self.may_be(new[one])] or own


class Unclear(NamedTuple):
    """New images, of which an image may be each, and others that may be these, too."""

    targets: Sequence[str]
    rivals: Sequence[str]


def shared_out(
    options: Mapping[str, Sequence[str]],
    taken: Collection[str],
    gone: Mapping[str, ImageOf],
    new: Mapping[str, ImageOf],
) -> tuple[dict[str, str], dict[str, Unclear]]:
    """Return which new image each of these is, one of each, and of which that is unclear.

    A pair of similar names comes first, then what is left for one alone.
    """
    left = {file: [one for one in of if one not in taken] for file, of in options.items()}
    near: dict[str, list[str]] = {}
    if sum(map(len, left.values())) <= _COMPARED:
        near = {
            file: [one for one in of if similar(gone[file].test, new[one].test)]
            for file, of in left.items()
        }
    clear: dict[str, str] = {}
    while lone := _lone_pairs(near) or _lone_pairs(left):
        clear |= lone
        gone_to = {*lone.values()}
        near, left = (
            {f: [t for t in of if t not in gone_to] for f, of in one.items() if f not in lone}
            for one in (near, left)
        )
    unclear = {}
    alike: dict[tuple[str, ...], list[str]] = {}
    for file, targets in left.items():
        if targets:
            alike.setdefault(tuple(targets), []).append(file)
    for wanted, files in alike.items():
        claimants = [f for of, among in alike.items() if {*of} & {*wanted} for f in among]
        for file in files:
            first = near.get(file, [])
            rivals = [one for one in claimants if one != file]
            unclear[file] = Unclear([*first, *(one for one in wanted if one not in first)], rivals)
    return clear, unclear


def _lone_pairs(pairs: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the files that have one new image, which no other file has."""
    wanted = Counter(target for targets in pairs.values() for target in targets)
    return {f: of[0] for f, of in pairs.items() if len(of) == 1 and wanted[of[0]] == 1}
