"""What only moved between two versions: the same is held in another file, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import NamedTuple

from pytest_editmetrics.goldens.file import GoldenEntry, GoldenFile


class Move(NamedTuple):
    """A gate of a test that is in another golden file than before."""

    file: str
    to: str
    test: str
    gate: str


def moved_gates(base: Mapping[str, GoldenFile], head: Mapping[str, GoldenFile]) -> list[Move]:
    """Return the gates that have the same test and the same bounds in another file now."""
    gone, new = _only(base, head), _only(head, base)
    return [
        Move(was, now, key[0], key[1])
        for key, files in gone.items()
        for was, now in zip(files, new.get(key, ()), strict=False)
    ]


def _only(
    own: Mapping[str, GoldenFile], other: Mapping[str, GoldenFile]
) -> dict[tuple[str, str, tuple[object, ...]], list[str]]:
    """Return the files that have a gate, by its test, name and bounds, and have not in the other
    version."""
    found: dict[tuple[str, str, tuple[object, ...]], list[str]] = {}
    for file in sorted(own, key=_by_name):
        there = other[file].tests if file in other else {}
        for test, gates in own[file].tests.items():
            for gate, entry in gates.items():
                if gate not in there.get(test, {}):
                    found.setdefault((test, gate, tuple(_bounds(entry))), []).append(file)
    return found


def _bounds(entry: GoldenEntry) -> Iterator[tuple[object, ...]]:
    for env, one in (("", entry), *sorted(entry.env.items())):
        if one.bound is not None:
            yield env, one.bound, one.review


def as_moved(
    base: Mapping[str, GoldenFile], head: Mapping[str, GoldenFile], moves: Iterable[Move]
) -> dict[str, GoldenFile]:
    """Return the golden files of a version as if what moved had been where it is now."""
    tests = {
        file: {test: dict(gates) for test, gates in one.tests.items()} for file, one in base.items()
    }
    for move in moves:
        entry = tests[move.file][move.test].pop(move.gate)
        tests.setdefault(move.to, {}).setdefault(move.test, {})[move.gate] = entry
    return {file: replace(base.get(file) or head[file], tests=of) for file, of in tests.items()}


def moved_images(base: Mapping[str, str], head: Mapping[str, str]) -> dict[str, str]:
    """Return where images of the same content were before that lie elsewhere now."""

    def only(own: Mapping[str, str], other: Mapping[str, str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(own.keys() - other.keys(), key=_by_name):
            found.setdefault(own[path], []).append(path)
        return found

    new = only(head, base)
    return {
        now: was
        for sha256, paths in only(base, head).items()
        for was, now in zip(paths, new.get(sha256, ()), strict=False)
    }


def _by_name(file: str) -> tuple[str, str]:
    return PurePosixPath(file).name, file
