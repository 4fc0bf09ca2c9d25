"""A calibration as lines for people."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_editmetrics.calibration.values import Calibrated, Calibration
from pytest_editmetrics.errors import counted
from pytest_editmetrics.measurement import bound_kind_of
from pytest_editmetrics.report.numbers import significant
from pytest_editmetrics.runs.folder import Run
from pytest_editmetrics.suites.compare import weights_of

_HARDLY = 0.1
"""The share of the margin by which a bound may move without a word of how it was found."""


def run_lines(runs: Mapping[str, Run], calibration: Calibration) -> list[str]:
    """Return what was read, and what is asked of the bounds."""
    demand = calibration.demand
    lines = [
        f"run  {name}, {run.session.get('started')}:"
        f" {counted(sum(r.final for r in run.gates), 'gate')}"
        + ("" if run.complete else "; CUT OFF: only what finished is taken")
        for name, run in runs.items()
    ]
    lines += [f"package  {text}" for text in _versions(runs)]
    lines.append(
        f"{counted(len(runs), 'run')}; bounds inside which {100 * demand.coverage:g} % of all runs"
        f" lie, with {100 * demand.confidence:g} % confidence"
    )
    return lines


def _versions(runs: Mapping[str, Run]) -> list[str]:
    """Return the packages whose version is not the same in all runs."""
    told: dict[str, dict[str, list[str]]] = {}
    for name, run in runs.items():
        versions = run.session.get("versions")
        for package, version in (versions if isinstance(versions, Mapping) else {}).items():
            told.setdefault(package, {}).setdefault(str(version), []).append(name)
    return [
        f"{package} differs: "
        + "; ".join(f"{version} in {', '.join(names)}" for version, names in found.items())
        for package, found in told.items()
        if len(found) > 1
    ]


def calibration_lines(calibration: Calibration) -> list[str]:
    """Return what each gate measured and the bound proposed for it."""
    lines: list[str] = []
    for one in calibration.gates:
        if not _as_before(one):
            lines.append(_named(one))
            lines += [f"  {name:<9} {text}" for name, text in _rows(one)]
    for what, why in calibration.without_value:
        lines += [what, f"  {'left':<9} {why}"]
    if as_before := [one for one in calibration.gates if _as_before(one)]:
        moved = "its bound" if len(as_before) == 1 else "their bounds"
        lines.append(
            f"{counted(len(as_before), 'proposal')} without a warning, nearer to {moved} of today"
            " than a tenth of the margin:"
        )
        lines += [
            f"  {_named(one)}: {_proposal(one)}; present {_present(one)}" for one in as_before
        ]
    return lines


def _named(one: Calibrated) -> str:
    return f"{one.nodeid} {one.gate.label}{f' (env {one.env})' if one.env else ''}"


def _as_before(one: Calibrated) -> bool:
    """Tell whether a proposal is so much like the present bound that a line is enough."""
    if one.bound is None or one.present is None or one.left is not None or one.warnings:
        return False
    return abs(one.bound - one.present.bound) <= _HARDLY * one.margin


def _proposal(one: Calibrated) -> str:
    return f"{bound_kind_of(one.gate.better)} {one.bound:.12g}"


def _rows(one: Calibrated) -> list[tuple[str, str]]:
    numbers = (one.typical, min(one.values), max(one.values))
    spread = "median {}, from {} to {}".format(*(significant(number, 4) for number in numbers))
    rows = [("values", f"{len(one.values)} on {', '.join(one.devices)}: {spread}")]
    if weights := sorted(weights_of(one.gate)):
        rows.append(("weights", ", ".join(f"{name} {sha256[:12]}" for name, sha256 in weights)))
    if one.bound is not None:
        distance = f"{significant(abs(one.bound - one.typical))} from the median"
        rows.append(("proposal", f"{_proposal(one)} ({distance})"))
    if one.tolerance is not None:
        rows.append(("method", _method(one)))
    if one.bound is not None:
        rows.append(("present", _present(one)))
    rows += [("warning", text) for text in one.warnings]
    if one.left is not None:
        rows.append(("left", one.left))
    return rows


def _method(one: Calibrated) -> str:
    assert one.tolerance is not None
    tolerance = one.tolerance
    scale = "as they are"
    if tolerance.scale.limit is not None:
        scale = f"as log(distance to {tolerance.scale.limit:g} + {tolerance.scale.start:g})"
    if tolerance.method == "normal":
        text = (
            f"normal tolerance bound, {tolerance.factor:.3f} standard deviations from the mean,"
            f" values counted {scale}"
        )
    elif tolerance.method == "order-statistic":
        rank = "the worst value" if tolerance.rank == 1 else f"worst value number {tolerance.rank}"
        text = f"{rank}, which needs no assumption of the distribution"
    else:
        text = "no spread"
    reached = f"{text}: {significant(tolerance.value, 4)}"
    if one.by_margin:
        return f"{reached}; the smallest margin decides, {significant(one.margin)} from the median"
    return f"{reached}; the smallest margin is {significant(one.margin)}"


def _present(one: Calibrated) -> str:
    if one.present is None or one.bound is None:
        return "none"
    now, new = one.present.bound, one.bound
    text = f"{one.present.kind} {now:g}, {one.present.origin} {one.present.source}"
    if now == new:
        return f"{text}: the same"
    looser = (new > now) == (one.present.kind == "max")
    word = "looser" if looser else "tighter"
    return f"{text}: the proposal is {word} by {significant(abs(new - now))}"
