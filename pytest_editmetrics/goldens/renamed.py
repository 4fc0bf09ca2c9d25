"""Which test an obsolete golden may be meant for: one of another name, or in another file."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import NamedTuple

from pytest_editmetrics.config.reader import shown_path
from pytest_editmetrics.errors import counted
from pytest_editmetrics.goldens.misspelt import Slips
from pytest_editmetrics.goldens.places import is_fixture_key

_TRIED, _AMONG, _NEAR, _NAMED = 10, 1000, 30, 2


@dataclass(frozen=True)
class ObsoleteGolden:
    """The goldens of a test that does not exist any more, and where they stand (``file:line``).

    ``file`` is the golden file. ``new`` are the tests of its test file that made gates and had no
    goldens, one of which may be the same one, renamed, and the labels of these gates; of one that
    failed before it made some there are none. ``of_parameter`` tells whether its test exists, with
    other parameters, and ``none_left`` whether none of these has an entry; ``no_test`` whether its
    test file is there and gave no test; ``gates`` are the labels of its goldens.
    """

    source: str
    test: str
    new: Mapping[str, Collection[str]] = field(default_factory=dict)
    of_parameter: bool = False
    none_left: bool = False
    file: Path = Path()
    no_test: bool = False
    gates: Collection[str] = ()


class Now(NamedTuple):
    """Which test the goldens of one that is gone may be of now, and whose others may be, too."""

    test: str
    rivals: tuple[str, ...] = ()


Moved = Mapping[tuple[Path, str], Path]
"""The test files that have tests of these golden files and keys now."""


def moved_to(
    obsolete: Sequence[ObsoleteGolden],
    tests: Mapping[Path, Collection[str]],
    new: Mapping[Path, Collection[str]],
    test_file_of: Callable[[Path], Path],
) -> Moved:
    """Return in which test files the tests of obsolete goldens are now, where there is no doubt.

    Args:
        obsolete: what to look for.
        tests: the keys of all tests, by test file: the test of a file that is gone may be of these.
        new: those that made gates and had no goldens: rather it is one of these, and the test of a
            file that is there can be no other.
        test_file_of: gives the test file of a golden file.
    """
    found = {}
    gone = {one.file: not test_file_of(one.file).exists() for one in obsolete}
    for one in obsolete:
        name = test_file_of(one.file).name
        for among in (tests, new) if gone[one.file] else (new,):
            files = [file for file, keys in among.items() if one.test in keys]
            same_name = [file for file in files if file.name == name]
            for only in (files, same_name):
                if len(only) == 1:
                    found[one.file, one.test] = only[0]
    return found


def moved_lines(
    obsolete: Sequence[ObsoleteGolden],
    moved: Moved,
    golden_file_of: Callable[[Path], Path],
    test_file_of: Callable[[Path], Path],
    rootdir: Path,
) -> Iterator[str]:
    """Yield how to move the goldens along, a line for each file that has their tests now."""
    of_file = Counter(one.file for one in obsolete if not is_fixture_key(one.test))
    for (golden, test_file), number in Counter(
        (golden, test_file) for (golden, _), test_file in moved.items()
    ).items():
        target = golden_file_of(test_file)
        here, there = (shown_path(path, rootdir) for path in (golden, target))
        if target.exists():
            how = f"if they moved, give their entries to {there}, in place of what it has of them"
        elif number < of_file[golden] or test_file_of(golden).exists():
            how = f"move the entries to {there}"
        else:
            folder = shlex.quote(shown_path(target.parent, rootdir))
            make = "" if target.parent.is_dir() else f"mkdir -p {folder} && "
            how = f"move the file ({make}git mv {shlex.quote(here)} {shlex.quote(there)})"
        yield f"{shown_path(test_file, rootdir)} has {number} of these tests: {how}"


def renamed_to(
    obsolete: Sequence[ObsoleteGolden],
    moved: Moved = MappingProxyType({}),
    *,
    lone: bool = True,
) -> dict[tuple[Path, str], Now]:
    """Return which test each of these may be now, of those that did not move as they are.

    It made gates and had no golden. A test is that of one golden: of several that may be it, the
    one that fits best, else any of them. ``lone`` takes one of any name where there is one of each.
    """
    in_file: dict[str, list[ObsoleteGolden]] = {}
    for one in obsolete:
        in_file.setdefault(golden_of(one), []).append(one)
    found: dict[tuple[Path, str], Now] = {}
    for of_file in in_file.values():
        left = [one for one in of_file if (one.file, one.test) not in moved]
        new = dict(of_file[0].new)
        for _ in range(_TRIED):
            claims = _claims(left, new, alone=lone and len(of_file) == 1)
            left = []
            for test, rivals in claims.items():
                slips = Slips([test])
                fits = {one.test: _fit(one, test, new[test], slips) for one in rivals}
                highest = max(fits.values())
                best = [one for one in rivals if fits[one.test] == highest]
                left += [one for one in rivals if fits[one.test] < highest]
                for one in best:
                    others = [other.test for other in best[: _NAMED + 1] if other is not one]
                    found[one.file, one.test] = Now(test, tuple(others[:_NAMED]))
            if not left:
                break
            new = {test: gates for test, gates in new.items() if test not in claims}
    return found


def _claims(
    obsolete: Iterable[ObsoleteGolden], new: Mapping[str, Collection[str]], *, alone: bool
) -> dict[str, list[ObsoleteGolden]]:
    """Return which of these may be each test: its gates, or some, are those of their goldens."""
    claims: dict[str, list[ObsoleteGolden]] = {}
    of_metrics: dict[frozenset[str], _New] = {}
    for one in obsolete:
        metrics = _metrics(one.gates)
        if metrics not in of_metrics:
            fitting = [test for test, of in new.items() if _same_metrics(metrics, _metrics(of))]
            of_metrics[metrics] = _New(fitting)
        nearest = of_metrics[metrics].nearest(one, alone=alone)
        if nearest is not None:
            claims.setdefault(nearest, []).append(one)
    return claims


def _metrics(labels: Iterable[str]) -> frozenset[str]:
    return frozenset(label.partition("@")[0] for label in labels)


def _same_metrics(golden: Collection[str], made: Collection[str]) -> bool:
    """Tell whether the two have one in common; of what is not known any may be."""
    return not (golden and made) or not set(golden).isdisjoint(made)


def _fit(
    one: ObsoleteGolden, test: str, gates: Collection[str], slips: Slips
) -> tuple[bool, bool, bool, bool]:
    """Return how well a test fits a golden: by its function, or a slip, parameters and gates."""
    function, _, parameter = one.test.partition("[")
    of_function, _, of_parameter = test.partition("[")
    same = function == of_function or slips.meant(one.test) is not None
    own, made = set(one.gates), set(gates)
    return same, parameter == of_parameter, made == own, made <= own


def left_to_a_default(
    obsolete: Sequence[ObsoleteGolden],
    moved: Moved,
    by_default: Callable[[Path, str], bool],
    test_file_of: Callable[[Path], Path],
) -> dict[tuple[Path, str], str]:
    """Return the tests that may be those of obsolete goldens, and lost the bounds of these.

    A bound that is no golden's let them pass, and whatever it lets pass is green.

    Args:
        obsolete: the goldens. A parameter that other machines may have is no other name, nor is
            any name at all; see ``of_tests``.
        moved: where their tests are now.
        by_default: tells whether a test, of a file and by its key, passed by such a bound.
        test_file_of: gives the test file of a golden file.
    """
    renamed = renamed_to(of_tests(obsolete), moved, lone=False)
    now = {key: (test_file_of(key[0]), one.test) for key, one in renamed.items()}
    now |= {key: (file, key[1]) for key, file in moved.items()}
    return {key: test for key, (file, test) in now.items() if by_default(file, test)}


def of_tests(obsolete: Iterable[ObsoleteGolden]) -> list[ObsoleteGolden]:
    """Return those that are more than one of a test's parameters, which other machines may have.

    Of such a test nothing else is left, or the parameter is the misspelt one of a test without.
    """
    slips: dict[str, Slips] = {}
    found = []
    for one in obsolete:
        file = golden_of(one)
        if one.of_parameter and not one.none_left and file not in slips:
            slips[file] = Slips(one.new)
        if not one.of_parameter or one.none_left or slips[file].meant(one.test):
            found.append(one)
    return found


def lost_bound(test: str) -> str:
    """Say of a test that it is one of those, as the end of what is said of obsolete goldens."""
    return f"; {test!r} may be one of them, under a new name, and only a default bound let it pass"


def obsolete_lines(
    obsolete: Sequence[ObsoleteGolden],
    moved: Moved = MappingProxyType({}),
    *,
    keep: bool = False,
    recorded: Collection[tuple[Path, str]] = (),
) -> Iterator[str]:
    """Yield how many there are, then a line for each entry.

    The first of these name the test that they may be of now. ``keep`` says that they may all be
    wanted still; ``recorded`` are keys in golden files that have an entry since this session. Of
    golden files whose test file gave no test, a line more says so.
    """
    lines, meant = [], bool(moved) or keep
    elsewhere_too = "if other machines have this parameter, keep it and skip it here: a skipif mark"
    renamed = renamed_to(obsolete, moved)
    elsewhere = {
        golden_of(one): None
        for one in obsolete
        if one.no_test and (one.file, one.test) not in moved
    }
    for one in obsolete:
        now, hint = renamed.get((one.file, one.test)), ""
        if now is not None:
            meant = True
            own = (one.file, now.test) in recorded
            do = "compare it with that test's own" if own else "rename the entry"
            other = f"; {elsewhere_too}" if one.of_parameter and one.none_left else ""
            hint = f" (is it {now.test!r} now? Then {do}{other})"
            if now.rivals:
                hint = f" (unclear: {_either(now)}; {do} if it is this one{other})"
        if not hint and one.of_parameter:
            hint = f" ({elsewhere_too})"
        lines.append(f"{one.source}: {one.test}{hint}")
    do = "rename, move or delete" if meant else "keep or delete" if elsewhere else "delete"
    does_not, do_not = "no longer exists", "no longer exist"
    if all(golden_of(one) in elsewhere for one in obsolete):
        does_not, do_not = "does not exist here", "do not exist here"
    yield counted(
        len(obsolete),
        f"entry of a test, or fixture, that {does_not}, so it holds nothing; {do} it",
        f"entries of tests, or fixtures, that {do_not}, so they hold nothing; {do} them",
    )
    yield from lines
    for file in elsewhere:
        yield (
            f"{file}: its test file gave no test here: if other machines have these tests, keep"
            " the goldens and skip the tests here: a skipif mark"
        )


def _either(now: Now) -> str:
    """Say that a test may be one of several that are gone."""
    return f"{now.test!r} may be this one, renamed, or {' or '.join(map(repr, now.rivals))}"


def misnamed_lines(unread: Iterable[str]) -> list[str]:
    """Return what to say of files of cases whose name is none, of files that gave no test."""
    return [
        f"{file} is not read, and may have these cases: rename it first"
        for file in unread
        if file.endswith((".yaml", ".yml")) and not PurePath(file).match("test_*.edit.yaml")
    ]


def golden_of(one: ObsoleteGolden) -> str:
    """Return the golden file of an entry, as it is shown."""
    return one.source.rpartition(":")[0]


class _New:
    """The tests of a file that made gates and had no golden: one of them may be a renamed one."""

    def __init__(self, tests: Collection[str]):
        tests = sorted(tests)  # whoever asks is told the same
        self._tests = dict.fromkeys(tests)
        self._of_function: dict[str, list[str]] = {}
        self._with: dict[str, list[str]] = {}
        for test in tests:
            function, _, parameter = test.partition("[")
            self._of_function.setdefault(function, []).append(test)
            self._with.setdefault(parameter, []).append(test)
        self._slips = Slips(tests)
        self._tried = 0
        self._known: dict[str, str | None] = {}
        self._of_bare: dict[str, list[str]] = {}
        self._having: dict[str, list[str]] = {}
        for function in self._of_function:
            self._of_bare.setdefault(_bare(function), []).append(function)
            for pair in _pairs(function):
                self._having.setdefault(pair, []).append(function)

    def nearest(self, one: ObsoleteGolden, *, alone: bool) -> str | None:
        """Return which test is meant: the same function, which has parameters now or has none any
        more, else one that is misspelt, or of a similar name, with the same parameters if it has
        them, else the only one, where the golden is ``alone`` too."""
        function, _, parameter = one.test.partition("[")
        own = self._of_function.get(function, [])
        if other := [test for test in own if ("[" in test) != bool(parameter)]:
            return other[0]
        if slip := self._slips.meant(one.test):
            return slip
        if own and self._tried < _TRIED:  # only shown: other machines may have its parameter
            self._tried += 1
            if close := get_close_matches(one.test, own[:_AMONG], n=1):
                return close[0]
        if own and one.none_left:
            return own[0]
        like = self._like(function)
        if like is not None:
            same = f"{like}[{parameter}"
            test = same if same in self._tests else self._of_function[like][0]
            if _alike(_words(function), _words(like)) or _alike(one.test, test):
                return test
        if parameter and (close := get_close_matches(one.test, self._with.get(parameter, ()), n=1)):
            return close[0]
        lone = (
            alone and len(self._tests) == 1 and not (one.of_parameter or is_fixture_key(one.test))
        )
        return next(iter(self._tests)) if lone else None

    def _like(self, function: str) -> str | None:
        """Return another function of a similar name: the same one of another class comes first."""
        if function not in self._known:
            name = _bare(function)
            near = [one for one in self._near(function) if one != function]
            same = [one for one in self._of_bare.get(name, ()) if "::" in one + function]
            same = [one for one in near if one in same] or [o for o in same if o != function]
            close = get_close_matches(function, same[:_NEAR], n=1, cutoff=0)
            close = close or get_close_matches(function, near, n=1)
            if not close and name != function:
                near = [one for one in self._near(name) if one != function]
                close = get_close_matches(name, near, n=1)
            self._known[function] = close[0] if close else None
        return self._known[function]

    def _near(self, name: str) -> list[str]:
        """Return the functions that have the most letters side by side with a name: comparing it
        with each of thousands takes minutes."""
        if len(self._of_function) <= _NEAR:
            return list(self._of_function)
        having = (self._having.get(pair, ()) for pair in _pairs(name))
        shared = Counter(chain.from_iterable(having))
        return [one for one, _ in shared.most_common(_NEAR)]


def _pairs(name: str) -> set[str]:
    """Return what two letters stand side by side in a name, with its ends."""
    text = f" {name} "
    return {text[at : at + 2] for at in range(len(text) - 1)}


def similar(test: str, other: str) -> bool:
    """Tell whether two tests have functions of similar names, whatever their parameters.

    >>> similar("test_cat_ball", "test_cat_with_ball"), similar("test_cat_ball", "test_coffee")
    (True, False)
    """
    return _alike(_words(test.partition("[")[0]), _words(other.partition("[")[0]))


def _alike(name: str, other: str) -> bool:
    return bool(get_close_matches(name, [other], n=1))


def _words(function: str) -> str:
    """Return what a name says: of short ones, what all tests are called would be the most."""
    return _bare(function).removeprefix("test_")


def _bare(function: str) -> str:
    """Return the name of a function without its class."""
    return function.rpartition("::")[2]
