"""What ``editmetrics doctor`` shows: one screen, or the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import counted
from pytest_editmetrics.report.numbers import with_digits
from pytest_editmetrics.report.summary import fetch_line

if TYPE_CHECKING:
    from pytest_editmetrics.pipes.witness.checkup import Checkup, Difference

_WIDE = 12


def screen(around: Any, checkups: Sequence[Checkup], foreign: Sequence[str]) -> list[str]:
    """Return the lines of surroundings and models.

    Args:
        around: a ``Surroundings``.
        checkups: of each model.
        foreign: pipes that are not ours, and so not checked.
    """
    versions = ", ".join(
        f"{name} {version or 'NOT INSTALLED'}"
        for name, version in around.versions.items()
        if version or name != "pytest-xdist"
    )
    set_to = ", ".join(f"{name}={value}" for name, value in around.variables.items())
    ci = "a CI run: nothing is recorded, smoke weights fail" if around.ci else "no CI run"
    counts = (around.golden_files, around.golden_tests, around.golden_images)
    goldens = ", ".join(map(counted, counts, ("file", "test", "image")))
    on = (
        around.device
        if around.device == around.device_name
        else (f"{around.device} ({around.device_name})")
    )
    rows = [
        ("versions", versions),
        ("system", around.system),
        (
            "computes",
            f"on {on}; {counted(around.threads, 'thread')} of {counted(around.cores, 'core')},"
            f" {around.instructions}",
        ),
        ("settings", around.configuration or "no editmetrics.yaml: the built-in defaults"),
        ("goldens", goldens),
        *((one.what, f"{one.path}{_room(one)}") for one in around.folders),
        ("environment", f"{ci}{'; ' if set_to else ''}{set_to}"),
    ]
    wide = max(len(name) for name, _ in rows)
    lines = [f"{name:<{wide}}  {text}" for name, text in rows]
    lines += [f"PROBLEM  {problem}" for problem in around.problems]
    lines += ["", *_models(checkups)]
    lines += [f"not checked: {key}, a pipe of this project" for key in foreign]
    return lines


def as_json(around: Any, checkups: Sequence[Checkup], foreign: Sequence[str]) -> dict[str, Any]:
    """Return the same as plain values."""
    models = [
        {
            **asdict(one),
            "differences": [{**asdict(each), "within": each.within} for each in one.differences],
        }
        for one in checkups
    ]
    return {"surroundings": asdict(around), "models": models, "not_checked": list(foreign)}


def _models(checkups: Sequence[Checkup]) -> list[str]:
    if not checkups:
        return ["no model: the configuration names metrics without one"]
    lines = []
    for one in checkups:
        head = f"{one.status.upper() if one.status != 'same' else 'same':<9}  {one.model}"
        if one.sha256:
            head += f"  sha256 {one.sha256[:_WIDE]}, {one.device}, {one.dtype}"
        if one.seconds:
            ours, theirs = one.seconds
            head += f"; {ours:.1f} s, the other way {theirs:.1f} s"
        lines.append(head)
        if one.differences:
            lines.append(f"           {', '.join(map(_difference, one.differences))}")
        if one.through:
            lines.append(f"           runs through {one.through}")
        if one.problem:
            lines.append(f"           {one.problem}")
    missing = [words for one in checkups for words in one.fetch]
    return [*lines, fetch_line(missing)] if missing else lines


def _difference(one: Difference) -> str:
    sign = "<=" if one.within else ">"
    largest, allowed = with_digits(one.largest, one.allowed, digits=2)
    return f"{one.what} differ by {largest} {sign} {allowed}"


def _room(folder: Any) -> str:
    state = "" if folder.there else ", not there yet"
    return state if folder.free is None else f"{state}, {folder.free / 1e9:,.1f} GB free"
