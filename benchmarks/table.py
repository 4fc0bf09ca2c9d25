"""The benchmark's table: one row for each thing measured, and the machine it was measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("torch", "transformers", "lpips", "segment-anything", "pot", "numpy", "pytest")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``figure`` is what was found, with its unit; ``holds`` is whether it meets ``target``, and
    ``None`` where the row informs and has no target.
    """

    measured: str
    target: str
    figure: str
    holds: bool | None


def at_least(measured: str, ratio: float, target: float, detail: str, agrees: bool) -> Row:
    """Return the row of something that must be ``target`` times as fast as what it replaces.

    A ratio of numbers that do not agree meets no target.
    """
    times = f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
    wrong = "" if agrees else "; WRONG NUMBERS"
    figure = f"{times} times ({detail}{wrong})"
    return Row(measured, f"{target:g} times", figure, agrees and ratio >= target)


def seconds(value: float) -> str:
    """Return a duration in words.

    >>> seconds(0.0123), seconds(12.3)
    ('12.3 ms', '12.3 s')
    """
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.1f} ms"


def markdown(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| measured | target | figure | ok |", "| --- | --- | --- | --- |"]
    for row in rows:
        ok = {True: "yes", False: "**NO**", None: ""}[row.holds]
        lines.append(f"| {row.measured} | {row.target} | {row.figure} | {ok} |")
    return "\n".join(lines)


def machine() -> str:
    """Return one line: processor, cores, Python and the versions that decide the speed."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_processor()}, {cores} cores, Python {platform.python_version()}, {versions}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
