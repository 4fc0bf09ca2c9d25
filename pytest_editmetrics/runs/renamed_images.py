"""Which test a golden image may be meant for whose own test is gone."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import NamedTuple

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.goldens.image_names import golden_stem, stem_of
from pytest_editmetrics.goldens.images import sha256_of
from pytest_editmetrics.goldens.provenance import PROVENANCE
from pytest_editmetrics.goldens.renamed import ObsoleteGolden, renamed_to
from pytest_editmetrics.runs.matched_images import ImageOf, Unclear, shared_out

GONE = "is gone"
BEFORE = "before you remove this one"
_NAMED = 3  # how many tests, or files, are told


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
    made: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict[str, Meant]:
    """Return what to say of the images whose test is gone, and that others may be now, by file.

    Args:
        gone: these, and whose they were.
        new: the files that tests looked for in vain, and whose they are.
        used: all that tests looked for.
        open_tests: the keys of tests that did not pass, by the folder of their golden images: they
            may not have come to looking for theirs.
        rootdir: what files are relative to.
        made: the files of ``new`` whose picture one of these is: one of each is certain.
    """
    found: dict[str, str] = {}
    several: dict[str, Sequence[str]] = {}
    of_target = Counter(target for targets in made.values() for target in targets)
    sure = {
        file: targets[0]
        for file, targets in made.items()
        if len(targets) == 1 and of_target[targets[0]] == 1
    }
    now = {file: one.test for file, one in new.items()}
    of_stem: dict[str | None, list[str]] = {}
    for place in used:
        of_stem.setdefault(_stem(place), []).append(place)
    of_sure, free = {*sure.values()}, dict[PurePath, dict[str, ImageOf]]()
    for place, its in new.items():
        if place not in of_sure:
            free.setdefault(PurePath(place).parent, {})[place] = its
    options: dict[str, list[str]] = {}
    for file, image in gone.items():
        moved = [one for one in of_stem.get(_stem(file), ()) if _other_folder(one, file)]
        here = PurePath(file).parent
        renamed = [one for one, its in free.get(here, {}).items() if image.may_be(its)]
        same = [one for one in renamed if image.of_function(new[one])]
        waits = open_tests.get(here.as_posix(), ())
        if any(image.of_function(ImageOf(key, "")) for key in waits):
            renamed = same  # rather one of these, which did not come to it
        name = PurePath(file).name
        waiting = [f"{folder}/{name}" for folder, keys in open_tests.items() if image.test in keys]
        waiting = [one for one in waiting if _other_folder(one, file)]
        pictured = [sure[file]] if file in sure else []
        for candidates in (pictured, moved, same, waiting):
            if len(candidates) == 1:
                found[file] = candidates[0]
                break
        else:
            if len(same) > 1 and "[" not in image.test:
                several[file] = same
            elif renamed and file not in made:
                options[file] = renamed
    clear, unclear = shared_out(options, {*found.values()}, gone, new)
    found |= clear
    for file, image in gone.items():
        if file not in found:  # a test looks for one image after the other
            tests = {
                (PurePath(found[one]).parent, now[found[one]])
                for one, other in gone.items()
                if found.get(one) in new
                and other.test == image.test
                and not _other_folder(one, file)
            }
            if len(tests) == 1:
                folder, test = tests.pop()
                rest = PurePath(file).name.removeprefix(str(_stem(file)))
                place = (folder / f"{stem_of(test, image.name or None)}{rest}").as_posix()
                found[file], now[place] = place, test
    wanted = Counter(found.values())
    meant: dict[str, Meant] = {}
    going = {file: PurePath(target).parent for file, target in found.items()}
    for file, target in found.items():
        certain = file in sure
        if (certain or wanted[target] == 1) and sha256_of(rootdir / file) != sha256_of(
            rootdir / target
        ):
            whose = new.get(target, ImageOf(now.get(target, ""), ""))
            whole = _all_go(rootdir, file, going)
            one = _meant(rootdir, file, target, whose, gone[file], whole=whole, certain=certain)
            told = one in meant.values()  # how to move a folder, which is typed once
            meant[file] = Meant("it moves with its folder", True) if told else one
    for file, targets in several.items():  # its test got parameters
        one = _one_of(rootdir, file, targets, new, gone[file], certain=False)
        meant.setdefault(file, one)
    meant |= {file: _unclear(rootdir, one, new) for file, one in unclear.items()}
    for file, one in _alike(rootdir, made, of_sure, gone, new).items():
        if file not in meant or not meant[file].wanted:
            meant[file] = one
    return meant


def _alike(
    rootdir: Path,
    made: Mapping[str, Sequence[str]],
    taken: Collection[str],
    gone: Mapping[str, ImageOf],
    new: Mapping[str, ImageOf],
) -> dict[str, Meant]:
    """Return what to say of images whose picture new tests make, alike: each its own one first."""
    fitting = {
        file: [
            one
            for one in gone[file].fitting(targets, new)
            if not (one in taken or (rootdir / one).exists())
        ]
        for file, targets in made.items()
    }
    clear, _ = shared_out(fitting, taken, gone, new)
    turns: Counter[tuple[str, ...]] = Counter()
    meant: dict[str, Meant] = {}
    for file, targets in fitting.items():
        if not targets:
            tests = _either(made[file], lambda target: new[target].nodeid)
            makes = "makes" if len(made[file]) == 1 else "make"
            meant[file] = Meant(f"{tests} {makes} this picture now", True)
            continue
        left = [one for one in targets if one not in clear.values()] or targets
        first = clear.get(file) or left[turns[tuple(left)] % len(left)]
        turns[tuple(left)] += file not in clear
        in_order = [first, *(one for one in targets if one != first)]
        meant[file] = _one_of(rootdir, file, in_order, new, gone[file], certain=True)
    return meant


def _one_of(
    rootdir: Path,
    file: str,
    targets: Sequence[str],
    new: Mapping[str, ImageOf],
    old: ImageOf,
    *,
    certain: bool,
) -> Meant:
    """Say what to do where an image is one of several new ones: of the first, or likewise."""
    first, *others = [new[target] for target in targets]
    hint = _meant(rootdir, file, targets[0], first, old, whole=False, certain=certain).hint
    if others:
        more = f" or of {len(others) - 1} more" if len(others) > 1 else ""
        makes = ", which makes it, too" if certain and not more else ""
        hint += f"; or likewise of {others[0].test}{more}{makes}"
    return Meant(hint, True)


def _unclear(rootdir: Path, one: Unclear, new: Mapping[str, ImageOf]) -> Meant:
    tests = _either(one.targets, lambda target: new[target].test)
    lead = f"unclear: {tests} may be its test now"
    if one.rivals:
        lead += f", or that of {_either(one.rivals, _name)}"
    target = next((one for one in one.targets if not (rootdir / one).exists()), None)
    if target is None:
        there = _either(one.targets, _name)
        return Meant(f"{lead}, recorded as {there}; compare them {BEFORE}", False)
    path, whose = PurePath(target), new[target].test
    do = f"look which picture it is, and if it is this one of {whose}, git mv it to"
    entry = f"in {path.with_name(PROVENANCE)} make its key {path.name!r} with test: {whose!r}"
    return Meant(f"{lead}; {do} {_typed(path)}, and {entry}", True)


def _either(files: Sequence[str], name: Callable[[str], str]) -> str:
    more = f" or {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    return " or ".join(map(name, files[:_NAMED])) + more


def _name(file: str) -> str:
    return PurePath(file).name


def stopped_before(
    gone: Mapping[str, ImageOf], open_tests: Mapping[str, Mapping[str, bool]], rootdir: Path
) -> dict[str, Meant]:
    """Return what to say of images whose test may be one that did not come to its own, by file.

    It is the test that its golden thresholds, which say so too, may be of now.

    Args:
        gone: images whose test is gone, and whose they were.
        open_tests: the keys of tests that did not pass, by the folder of their golden images, and
            whether a gate failed each, that has none, before it came to one that it may ask for.
        rootdir: what files are relative to.
    """
    meant: dict[str, Meant] = {}
    for folder, tests in open_tests.items():
        stopped = [test for test, by_gate in tests.items() if by_gate]
        own = {
            file: image
            for file, image in gone.items()
            if image.test and PurePath(file).parent == PurePath(folder)
        }
        keys = dict.fromkeys(image.test for image in own.values())
        place, new = Path(folder), dict.fromkeys(stopped, ())
        now = renamed_to([ObsoleteGolden(f"{folder}:0", key, new, file=place) for key in keys])
        for file, image in own.items():
            if (one := now.get((place, image.test))) is not None:
                rest = PurePath(file).name.removeprefix(str(_stem(file)))
                target = f"{folder}/{stem_of(one.test, image.name or None)}{rest}"
                whose = ImageOf(one.test, image.name)
                if one.rivals:
                    rivals = [f for f, its in own.items() if its.test in one.rivals]
                    meant[file] = _unclear(rootdir, Unclear([target], rivals), {target: whose})
                else:
                    which = rootdir, file, target, whose, image
                    meant[file] = _meant(*which, whole=False, certain=False)
    return meant


def made_anew(
    files: Collection[str], new: Mapping[str, ImageOf], rootdir: Path
) -> dict[str, Sequence[str]]:
    """Return the new images of which one of these files is the very picture, by file."""
    made: dict[str, list[str]] = {}
    for target, one in new.items():
        if one.picture:
            made.setdefault(one.picture, []).append(target)
    if not made:
        return {}
    from pytest_editmetrics.images.load import read_pixels
    from pytest_editmetrics.runs.writing import image_name

    found: dict[str, Sequence[str]] = {}
    for file in files:
        try:
            pixels = read_pixels(rootdir / file, colour="numbers")
        except EditMetricsError:  # no picture that a test could have made
            continue
        if targets := made.get(image_name(pixels.bare, pixels.icc)):
            found[file] = targets
    return found


def _all_go(rootdir: Path, file: str, going: Mapping[str, PurePath]) -> bool:
    """Tell whether all golden images of a file's folder are now looked for in one other folder."""
    folder = PurePath(file).parent
    there = [path.name for path in (rootdir / folder).iterdir() if golden_stem(path.name)]
    return all(going.get((folder / name).as_posix()) == going[file] for name in there)


def _meant(
    rootdir: Path,
    file: str,
    shown: str,
    whose: ImageOf,
    was: ImageOf,
    *,
    whole: bool,
    certain: bool,
) -> Meant:
    path, target = rootdir / file, rootdir / shown
    compare = f"compare the two {BEFORE}"
    same_folder = target.parent == path.parent
    now = f"is it {whose.test} now" if same_folder else "did it move"
    if target.exists():
        if same_folder:
            return Meant(f"{now}, recorded as {target.name}? Then {compare}", False)
        return Meant(f"{now}? {shown} is of such a test; then {compare}", False)
    old, new = PurePath(file), PurePath(shown)
    makes = f"{whose.nodeid} makes this picture now: "
    move = "git mv" if was.known else "mv"
    if same_folder:
        lead = makes if certain else f"{now}? Then "
        do = f"{lead}{move} {_typed(old)} {_typed(new)}"
        return Meant(f"{do}, {_entry(old, new, whose, was)}", True)
    lead = makes if certain else f"a test looks for {shown}: "
    if whole and not target.parent.exists():
        parent = new.parent.parent
        make = "" if target.parent.parent.is_dir() else f"mkdir -p {_typed(parent)} && "
        along = f"{make}git mv {_typed(old.parent)} {_typed(new.parent)}"
        if _stem(file) == _stem(shown):
            where = new.parent.as_posix()
            return Meant(f"a test looks for it in {where}: move the folder there: {along}", True)
        there = new.with_name(old.name)
        rename = f"{move} {_typed(there)} {_typed(new)}, {_entry(there, new, whose, was)}"
        return Meant(f"{lead}when its folder is in place ({along}), {rename}", True)
    make = "" if target.parent.is_dir() else f"mkdir -p {_typed(new.parent)} && "
    return Meant(
        f"{lead}{make}{move} {_typed(old)} {_typed(new)}, {_entry(old, new, whose, was)}", True
    )


def _entry(old: PurePath, new: PurePath, whose: ImageOf, was: ImageOf) -> str:
    """Say what becomes of the entry of an image that moves: its place, key and test."""
    if not was.known:
        return "and let --editmetrics-update=missing write its entry, which it lacks"
    here, there = old.with_name(PROVENANCE), new.with_name(PROVENANCE)
    place = f"in {here} " if here == there else f"move its entry from {here} to {there}"
    if old.name == new.name:
        return f"and {place}"
    does = "make" if here == there else ", and make"
    return f"and {place}{does} its key {old.name!r} {new.name!r} with test: {whose.test!r}"


def _typed(path: PurePath) -> str:
    return shlex.quote(path.as_posix())


def _stem(file: str) -> str | None:
    return golden_stem(PurePath(file).name)


def _other_folder(one: str, other: str) -> bool:
    return PurePath(one).parent != PurePath(other).parent
