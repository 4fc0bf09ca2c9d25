"""What became of edit areas and pictures between two versions: less may be left to hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from pytest_editmetrics.config.node import Node
from pytest_editmetrics.config.reader import read_yaml
from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.goldens.environment import SMOKE
from pytest_editmetrics.goldens.file import GoldenEntry, GoldenFile
from pytest_editmetrics.goldens.file_names import files_below
from pytest_editmetrics.measurement import NO_WEIGHTS, pixels_of

_CASES = "*.edit.yaml"
_SHOWN = 100  # characters; run lengths of a mask may be thousands


class Area(NamedTuple):
    """The edit area of a case as it is written, and its line."""

    text: str
    line: int


Areas = Mapping[str, Mapping[str, Area]]
Goldens = Mapping[str, GoldenFile]


@dataclass(frozen=True)
class AreaChange:
    """An edit area that a case states otherwise, or what a golden was measured on.

    That is the share of the picture, its size, whether there was an edit, and the model's weights.
    Or what a golden image is held by, or where goldens are looked for.

    ``less`` tells that the golden holds less than half of what it held before, or may.
    """

    source: str
    what: str
    before: str
    after: str
    less: bool = False
    kind: Literal["edit area", "picture size", "edit", "model", "comparator", "golden folder"] = (
        "edit area"
    )


def case_areas(folder: Path) -> dict[str, dict[str, Area]]:
    """Return the edit area of each case below a folder, by file and id.

    A file that cannot be read has none: a session says what is wrong with it.
    """
    found = {}
    for path in files_below(folder):
        if path.match(_CASES):
            with suppress(ConfigError):
                cases = read_yaml(path, folder).root.get("cases")
                found[path.relative_to(folder).as_posix()] = dict(_of_cases(cases))
    return found


def _of_cases(cases: Node | None) -> Iterator[tuple[str, Area]]:
    listed = cases.value if cases is not None and isinstance(cases.value, list) else []
    for case in listed:
        if case.is_mapping and "id" in case.value:
            coords = case.get("coords")
            text = "none" if coords is None else json.dumps(coords.plain, ensure_ascii=False)
            yield (
                str(case.value["id"].value),
                Area(text, case.line if coords is None else coords.line),
            )


def changed_areas(base: Areas, head: Areas) -> Iterator[AreaChange]:
    """Give the cases of both versions that state another edit area, be their file moved."""
    gone = {name: area for file in base.keys() - head.keys() for name, area in base[file].items()}
    for file, cases in head.items():
        before = base.get(file, gone)
        for name, area in cases.items():
            if name in before and before[name].text != area.text:
                was, now = _short(before[name].text), _short(area.text)
                yield AreaChange(f"{file}:{area.line}", f"{name} coords", was, now)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def changed_pictures(base: Goldens, head: Goldens) -> Iterator[AreaChange]:
    """Give the golden thresholds of both versions measured on another share, size or edit."""
    for file, golden_file in head.items():
        before = base[file].tests if file in base else {}
        for test, gates in golden_file.tests.items():
            for gate, entry in gates.items():
                old = before.get(test, {}).get(gate)
                if old is not None:
                    yield from _of_entry(golden_file.shown, f"{test} {gate}", old, entry)
                    for env, variant in entry.env.items():
                        was = _held(old, env)
                        if was is not None and variant.bound is not None:
                            what = f"{test} {gate} (env {env})"
                            yield from _of_entry(golden_file.shown, what, was, variant)


def _held(entry: GoldenEntry, env: str) -> GoldenEntry | None:
    """Return what held in an environment; a variant that states no bound waits to be recorded."""
    variant = entry.env.get(env)
    if variant is not None and variant.bound is not None:
        return variant
    return None if env == SMOKE else entry


def _of_entry(shown: str, what: str, old: GoldenEntry, new: GoldenEntry) -> Iterator[AreaChange]:
    if old.share is not None and old.share != new.share:
        less = new.share is None or new.share < old.share / 2
        now = "none" if new.share is None else f"{new.share:g}{', less than half' if less else ''}"
        yield AreaChange(f"{shown}:{new.line}", f"{what} share", f"{old.share:g}", now, less)
    if old.size is not None and old.size != new.size:
        less = new.size is None or pixels_of(new.size) < pixels_of(old.size) / 2
        now = "none" if new.size is None else f"{new.size}{', less than half' if less else ''}"
        yield AreaChange(
            f"{shown}:{new.line}", f"{what} size", old.size, now, less, kind="picture size"
        )
    if old.weights not in (None, NO_WEIGHTS) and new.weights is None:
        yield AreaChange(
            f"{shown}:{new.line}",
            f"{what} weights",
            _short(str(old.weights)),
            "none, so that a value of other weights passes",
            less=True,
            kind="model",
        )
    if old.measured is not None and new.measured is None:
        yield AreaChange(
            f"{shown}:{new.line}",
            f"{what} measured",
            f"{old.measured:g}",
            "none, so that a lost edit passes",
            less=True,
            kind="edit",
        )
    elif old.measured is not None and (was := old.edit or "made") != (today := new.edit or "made"):
        less = today == "none"
        yield AreaChange(f"{shown}:{new.line}", f"{what} edit", was, today, less, kind="edit")
