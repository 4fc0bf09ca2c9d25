"""An audit of thresholds: as lines for people, and as Markdown for a pull request's comment."""

from __future__ import annotations

from collections import Counter

from pytest_editmetrics.errors import counted
from pytest_editmetrics.goldens.audit import KINDS, Audit, Change
from pytest_editmetrics.goldens.audited_areas import AreaChange
from pytest_editmetrics.goldens.audited_images import ImageChange
from pytest_editmetrics.goldens.versions import Thresholds
from pytest_editmetrics.report.markdown import escape
from pytest_editmetrics.report.numbers import moved_text

_LIMIT = 60_000
"""Characters of Markdown; GitHub takes 65,536 in a comment."""


def audit_lines(audit: Audit) -> list[str]:
    """Return the audit as text."""
    lines = [_version("base", audit.base), _version("head", audit.head)]
    lines += [f"{_direction(name, better)}: {counts}" for (name, better), counts in _table(audit)]
    for kind in KINDS:
        found = [change for change in audit.changes if change.kind == kind]
        lines += [f"{kind}: {len(found)}"] if found else []
        lines += [f"  {change.source}: {_where(change)}: {_moved(change)}" for change in found]
    if audit.images:
        lines.append(f"golden images: {len(audit.images)}")
        lines += [f"  {_image(image)}" for image in audit.images]
    for what, number in _areas(audit).items():
        lines.append(f"{what}s: {number}")
        lines += [f"  {_area(area)}" for area in audit.areas if area.kind == what]
    lines += [_learned(name) for name in audit.learned]
    lines.append(_verdict(audit))
    return lines


def audit_markdown(audit: Audit) -> str:
    """Return the audit as Markdown; what does not fit in a comment is counted."""
    lines = [f"### Thresholds: {escape(_verdict(audit))}", ""]
    lines.append(f"{escape(audit.base.shown)} → {escape(audit.head.shown)}")
    if audit.changes:
        lines += ["", "| | metric | test | bound | where |", "| --- | --- | --- | --- | --- |"]
    rows = [_row(change) for change in audit.changes]
    images = [f"- golden image {escape(_image(image))}" for image in audit.images]
    areas = [f"- {area.kind} {escape(_area(area))}" for area in audit.areas]
    learned = [f"- {escape(_learned(name))}" for name in audit.learned]
    for block in (rows, areas + images + learned):
        if block and block is not rows:
            lines.append("")
        size = sum(len(line) + 1 for line in lines)
        for number, line in enumerate(block):
            size += len(line) + 1
            if size > _LIMIT:
                lines += ["", f"and {len(block) - number} more"]
                break
            lines.append(line)
    return "\n".join(lines) + "\n"


def _row(change: Change) -> str:
    mark = f"**{change.kind}**" if change.lets_more_through else change.kind
    test = "default" if change.test is None else change.test
    env = f" on {change.env}" if change.env else ""
    metric = f"{change.gate}{env} ({change.metric.better} is better)"
    cells = (escape(text) for text in (metric, test, _moved(change), change.source))
    return f"| {mark} | {' | '.join(cells)} |"


def _version(name: str, version: Thresholds) -> str:
    gates = sum(len(test) for file in version.goldens.values() for test in file.tests.values())
    defaults = sum(len(found) for found in version.defaults.values())
    return (
        f"{name}  {version.shown}: {counted(len(version.goldens), 'golden file')} with"
        f" {counted(gates, 'gate')}, {counted(defaults, 'default threshold')},"
        f" {counted(len(version.images), 'golden image')}"
    )


def _table(audit: Audit) -> list[tuple[tuple[str, str], str]]:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for change in audit.changes:
        key = change.metric.name, change.metric.better
        counts.setdefault(key, Counter())[change.kind] += 1
    return [
        (key, ", ".join(f"{found[kind]} {kind}" for kind in KINDS if found[kind]))
        for key, found in counts.items()
    ]


def _direction(name: str, better: str) -> str:
    return f"{name} ({better} is better)"


def _where(change: Change) -> str:
    env = f" (env {change.env})" if change.env else ""
    return f"{'default' if change.test is None else change.test} {change.gate}{env}"


def _moved(change: Change) -> str:
    kind = change.metric.bound_kind
    note = f" ({change.note})" if change.note else ""
    if change.before is None:
        return f"{kind} {change.after:g}{note}"
    if change.after is None:
        return f"{kind} {change.before:g} -> none{note}"
    if change.kind == "moved":
        return f"{kind} {change.after:g}{note}"
    looser = change.kind == "loosened"
    return moved_text(kind, change.before, change.after, looser=looser) + note


def _image(image: ImageChange) -> str:
    return f"{image.kind}: {image.path}{f' ({image.note})' if image.note else ''}"


def _areas(audit: Audit) -> Counter[str]:
    """Return how many edit areas, and pictures' sizes, changed."""
    return Counter(area.kind for area in audit.areas)


def _area(area: AreaChange) -> str:
    return f"{area.source}: {area.what}: {area.before} -> {area.after}"


def _learned(name: str) -> str:
    return f"{name} is not built in: its direction is the one that its bounds state"


def _verdict(audit: Audit) -> str:
    counts = Counter(change.kind for change in audit.changes)
    told = [f"{counts[kind]} {kind}" for kind in KINDS if counts[kind]]
    told += [f"{audit.unchanged} unchanged"]
    images = Counter(image.kind for image in audit.images)
    told += [f"{counted(number, 'golden image')} {kind}" for kind, number in images.items()]
    told += [f"{counted(number, kind)} changed" for kind, number in _areas(audit).items()]
    return ", ".join(told)
