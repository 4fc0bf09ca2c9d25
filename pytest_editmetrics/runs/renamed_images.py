"""Which test a golden image may be meant for whose own test is gone."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from pytest_editmetrics.goldens.images import golden_stem, sha256_of, stem_of
from pytest_editmetrics.goldens.provenance import PROVENANCE

GONE = "is gone"


class ImageOf(NamedTuple):
    """Whose a golden image is, as provenance tells: the test's key, and the name it gave."""

    test: str
    name: str

    @classmethod
    def entry(cls, entry: Mapping[str, Any]) -> ImageOf:
        """Read it from what provenance holds, or proposes, of an image."""
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


class Meant(NamedTuple):
    """What to say of an image whose test is gone, and whether a test looks for it in vain."""

    hint: str
    wanted: bool

    def reason(self, why: str) -> str:
        """Return why the image is not used; what to do comes first where a test looks for it."""
        return f"{self.hint} ({why})" if self.wanted else f"{why} ({self.hint})"


def meant_for(
    gone: Mapping[str, ImageOf],
    new: Mapping[str, ImageOf],
    used: Collection[str],
    open_tests: Mapping[str, Collection[str]],
    rootdir: Path,
) -> dict[str, Meant]:
    """Return what to say of the images whose test is gone, where there is no doubt, by file.

    Args:
        gone: these, and whose they were.
        new: the files that tests looked for in vain, and whose they are.
        used: all that tests looked for.
        open_tests: the keys of tests that did not pass, by the folder of their golden images: they
            may not have come to looking for theirs.
        rootdir: what files are relative to.
    """
    found: dict[str, str] = {}
    now = {file: one.test for file, one in new.items()}
    for file, image in gone.items():
        moved = [one for one in used if _stem(one) == _stem(file) and _other_folder(one, file)]
        renamed = [
            one for one, its in new.items() if not _other_folder(one, file) and image.may_be(its)
        ]
        same = [one for one in renamed if image.of_function(new[one])]
        name = PurePath(file).name
        waiting = [f"{folder}/{name}" for folder, keys in open_tests.items() if image.test in keys]
        waiting = [one for one in waiting if _other_folder(one, file)]
        for candidates in (moved, same, renamed, waiting):
            if len(candidates) == 1:
                found[file] = candidates[0]
                break
    for file, image in gone.items():
        if file not in found:  # a test looks for one image after the other
            tests = {
                now[found[one]]
                for one, other in gone.items()
                if found.get(one) in new
                and other.test == image.test
                and not _other_folder(one, file)
                and not _other_folder(one, found[one])
            }
            if len(tests) == 1:
                path, test = PurePath(file), tests.pop()
                rest = path.name.removeprefix(str(_stem(file)))
                place = path.with_name(f"{stem_of(test, image.name or None)}{rest}").as_posix()
                found[file], now[place] = place, test
    wanted = Counter(found.values())
    meant: dict[str, Meant] = {}
    going = {file: PurePath(target).parent for file, target in found.items()}
    for file, target in found.items():
        if wanted[target] == 1 and sha256_of(rootdir / file) != sha256_of(rootdir / target):
            one = _meant(
                rootdir, file, target, now.get(target, ""), whole=_all_go(rootdir, file, going)
            )
            told = one in meant.values()  # how to move a folder, which is typed once
            meant[file] = Meant("it moves with its folder", True) if told else one
    return meant


def _all_go(rootdir: Path, file: str, going: Mapping[str, PurePath]) -> bool:
    """Tell whether all golden images of a file's folder are now looked for in one other folder."""
    folder = PurePath(file).parent
    there = [path.name for path in (rootdir / folder).iterdir() if golden_stem(path.name)]
    return all(going.get((folder / name).as_posix()) == going[file] for name in there)


def _meant(rootdir: Path, file: str, shown: str, test: str, *, whole: bool) -> Meant:
    path, target = rootdir / file, rootdir / shown
    compare = "compare the two before you remove this one"
    if target.parent == path.parent:
        now = f"is it {test} now"
        if target.exists():
            return Meant(f"{now}, recorded as {target.name}? Then {compare}", False)
        move = f"git mv {_typed(PurePath(file))} {_typed(PurePath(shown))}"
        return Meant(f"{now}? Then {move}, and name it so in {PROVENANCE}, of test {test!r}", True)
    if target.exists():
        return Meant(f"did it move? {shown} is of such a test; then {compare}", False)
    new_folder = PurePath(shown).parent
    if target.parent.exists() or not whole:
        make = "" if target.parent.is_dir() else f"mkdir -p {_typed(new_folder)} && "
        move = f"{make}git mv {_typed(PurePath(file))} {_typed(PurePath(shown))}"
        hint = f"a test looks for {shown}: move it there, with its entry of {PROVENANCE}: {move}"
        return Meant(hint, True)
    make = "" if target.parent.parent.is_dir() else f"mkdir -p {_typed(new_folder.parent)} && "
    move = f"{make}git mv {_typed(PurePath(file).parent)} {_typed(new_folder)}"
    hint = f"a test looks for it in {new_folder.as_posix()}: move the folder there: {move}"
    return Meant(hint, True)


def _typed(path: PurePath) -> str:
    return shlex.quote(path.as_posix())


def _stem(file: str) -> str | None:
    return golden_stem(PurePath(file).name)


def _other_folder(one: str, other: str) -> bool:
    return PurePath(one).parent != PurePath(other).parent
