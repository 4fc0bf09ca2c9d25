"""Recording golden thresholds: which bound a measured value gives, and writing it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from math import inf, isfinite
from pathlib import Path
from typing import Any

from pytest_editmetrics.config.bounds import always_holds
from pytest_editmetrics.config.reader import shown_path
from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.goldens.approved import GoldenAddress
from pytest_editmetrics.goldens.changes import Change
from pytest_editmetrics.goldens.images import sha256_of
from pytest_editmetrics.goldens.write import preview_golden_file, write_golden_file
from pytest_editmetrics.measurement import Edit, Margin, Metric, Threshold, least_size
from pytest_editmetrics.pipes.registry import PipeRegistry

_DIGITS = 3
# a test may set that of the process, and its defaults, so nothing is left to them
_ARITHMETIC = Context(
    prec=28,
    rounding=ROUND_HALF_EVEN,
    Emin=-999999,
    Emax=999999,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
_TOLD = ("weights", "resize", "dtype", "share", "size", "edit", "reason")


def recorded_bound(value: float, metric: Metric, margin: Margin) -> float:
    """Return the bound to record for a measured ``value``: the margin added, rounded outward.

    Three digits of the distance are kept; the distance of a similarity that cannot exceed 1 is what
    it lacks to 1. The value always lies inside the bound.

    Raises:
        InputError: the value is NaN or infinite, or so bad that a bound around it holds always.

    >>> recorded_bound(0.0268, Metric("lpips", "lower"), Margin(0.15, 0.005))
    0.0318
    >>> recorded_bound(0.913, Metric("sam_clip_cls_sim", "higher"), Margin(0.0, 0.02))
    0.893
    >>> recorded_bound(0.0268, Metric("levels", "lower", low=0, high=255), Margin(0.15, 0.3))
    0.327
    """
    if not isfinite(value):
        raise InputError(f"{metric.name} is {value}; only a number can be recorded as a golden")
    recorded = _outward(value, metric, margin)
    if always_holds(metric, recorded):
        remedy = (
            worst_there_is(value, metric) or "give the metric a smaller margin (metric_configs)"
        )
        raise InputError(
            f"{metric.name} is {value:g}: a golden of {metric.bound_kind} {recorded:g} would never"
            f" fail, so none is written. Look at the images; if the value is right, {remedy}"
        )
    return recorded


def worst_there_is(value: float, metric: Metric) -> str:
    """Return what to do about a value around which every bound holds always; empty for others.

    >>> worst_there_is(255.0, Metric("levels", "lower", low=0, high=255)).partition(",")[0]
    'no margin changes that'
    """
    if not always_holds(metric, _outward(value, metric, Margin(0.0, 0.0))):
        return ""
    return "no margin changes that, so hold the images by another metric and leave this one out"


def _outward(value: float, metric: Metric, margin: Margin) -> float:
    exact, lower = _decimal(value), metric.better == "lower"
    with localcontext(_ARITHMETIC):
        room = max(abs(exact) * _decimal(margin.relative), _decimal(margin.absolute))
        outward = ROUND_CEILING if lower else ROUND_FLOOR
        bound = _rounded(exact + room if lower else exact - room, metric, outward)
    low, high = metric.low, metric.high
    within = min(max(float(bound), low), high)
    holds = Threshold(metric.bound_kind, within, "golden", "").holds(value)
    return within if holds else float(bound)


def recorded_measured(value: float, metric: Metric) -> float:
    """Return a measured value as a golden states it: three digits of the distance, to the nearest.

    >>> recorded_measured(7.1849, Metric("emd", "lower"))
    7.18
    """
    with localcontext(_ARITHMETIC):
        return float(_rounded(_decimal(value), metric, ROUND_HALF_EVEN))


def _decimal(number: float) -> Decimal:
    return Decimal(repr(float(number)))


def _rounded(number: Decimal, metric: Metric, rounding: str) -> Decimal:
    to_best = metric.better == "higher" and isfinite(metric.high)
    distance = _decimal(metric.high) - number if to_best else number
    if distance == 0:
        return number
    step = Decimal(1).scaleb(distance.adjusted() - _DIGITS + 1)
    return (number / step).to_integral_value(rounding) * step


@dataclass(frozen=True)
class Proposal:
    """A bound to write; ``env`` of ``None`` is the top level of the entry.

    ``measured`` is written with three digits; ``None`` leaves what the golden has. So do
    ``weights``, which are written as ``measurement.weights_text`` gives them, ``resize``, the mode
    that brought the images to one size, or ``none``, ``dtype``, the precision, ``share``, how
    much of the picture was measured, 1 where no edit area leaves any of it out (``None`` inside
    one), ``size``, the picture's width and height, ``edit``, ``none`` where a picture was that of
    the reference, and ``reason``, why a person took the bound.
    """

    address: GoldenAddress
    metric: str
    bound: float
    measured: float | None = None
    env: str | None = None
    weights: str | None = None
    resize: str | None = None
    dtype: str | None = None
    share: float | None = None
    size: str | None = None
    edit: Edit | None = None
    reason: str | None = None


def write_proposals(
    proposals: Iterable[Proposal], registry: PipeRegistry, rootdir: Path
) -> tuple[list[Path], dict[Path, str]]:
    """Write recorded bounds into their golden files.

    Each file changes as a whole or not at all: the new text goes to a temporary file beside it, is
    read back, and must hold exactly what the old one held and the proposals. Comments, order and
    formatting of what is not recorded stay byte for byte. New tests are appended in the order of
    the proposals. Repetitions of a test share one golden, which records the worst of them. If one
    file cannot be written the others are all the same.

    Args:
        proposals: in the order of the tests.
        registry: the known metrics.
        rootdir: what addresses, and paths in messages, are relative to.

    Returns:
        The files that changed, and what is wrong with those that could not be written.

    Raises:
        EditMetricsError: two proposals of one address are of other weights, so nothing is written.
    """
    written: list[Path] = []
    problems: dict[Path, str] = {}
    for path, wanted in _grouped(proposals, registry, rootdir).items():
        try:
            if write_golden_file(path, wanted, registry, rootdir):
                written.append(path)
        except EditMetricsError as error:
            problems[path] = str(error)
    return written, problems


def bound_changes(
    proposals: Iterable[Proposal], registry: PipeRegistry, rootdir: Path, work: Path
) -> tuple[list[Change], dict[Path, str]]:
    """Return what ``write_proposals`` would change, and what is wrong with files that it could not.

    The new files are made in ``work``.

    Raises:
        EditMetricsError: as ``write_proposals``.
    """
    changes: list[Change] = []
    problems: dict[Path, str] = {}
    for number, (path, wanted) in enumerate(_grouped(proposals, registry, rootdir).items()):
        before, copy = sha256_of(path), work / f"bounds-{number}"
        try:
            left = preview_golden_file(path, wanted, registry, rootdir, copy)
        except EditMetricsError as error:
            problems[path] = str(error)
            continue
        if left:
            problems[path] = "\n".join(left)
        if copy.exists():
            changes.append(Change(path, before, sha256_of(copy), path.parent, copy))
    return changes, problems


def _grouped(
    proposals: Iterable[Proposal], registry: PipeRegistry, rootdir: Path
) -> dict[Path, dict[str, Any]]:
    files: dict[Path, dict[str, Any]] = {}
    for proposal in _worst(proposals, registry, rootdir):
        address, metric = proposal.address, registry.metric(proposal.metric)
        values: dict[str, float | str] = {metric.bound_kind: proposal.bound}
        if proposal.measured is not None:
            values["measured"] = recorded_measured(proposal.measured, metric)
        told = {name: getattr(proposal, name) for name in _TOLD}
        told["digest"] = address.digest
        values |= {name: text for name, text in told.items() if text is not None}
        gates = files.setdefault(rootdir / address.file, {}).setdefault(address.test, {})
        entry = gates.setdefault(address.gate, {})
        if proposal.env is not None:
            entry = entry.setdefault("env", {}).setdefault(proposal.env, {})
        nested = entry.pop("env", None)
        entry.update(values)
        if nested is not None:
            entry["env"] = nested
    return files


def _worst(
    proposals: Iterable[Proposal], registry: PipeRegistry, rootdir: Path
) -> Iterable[Proposal]:
    """Return one proposal for each address and ``env``: that of the worst repetition.

    It has the least share and size of them all, and no edit where one has none, since the golden
    holds for each.
    """
    worst: dict[tuple[GoldenAddress, str | None], Proposal] = {}
    for proposal in proposals:
        address, env = proposal.address, proposal.env
        other = worst.setdefault((address, env), proposal)
        if other.weights != proposal.weights:
            raise EditMetricsError(
                f"{shown_path(address.file, rootdir)}: {address.gate} of {address.test!r} was"
                f" measured with weights of sha256 {other.weights} and {proposal.weights}; a golden"
                " holds for one of them: use the same weights everywhere"
            )
        if other.resize != proposal.resize:
            raise EditMetricsError(
                f"{shown_path(address.file, rootdir)}: {address.gate} of {address.test!r} was"
                f" measured under resize {other.resize} and {proposal.resize}; a golden holds for"
                " one of them: use one mode, and images of one size or of unlike sizes throughout"
            )
        if other.dtype != proposal.dtype:
            raise EditMetricsError(
                f"{shown_path(address.file, rootdir)}: {address.gate} of {address.test!r} was"
                f" measured in dtype {other.dtype} and {proposal.dtype}; a golden holds for one of"
                " them: state one dtype for all"
            )
        sign = 1 if registry.metric(proposal.metric).better == "lower" else -1
        if (sign * proposal.bound, _signed(proposal, sign)) > (
            sign * other.bound,
            _signed(other, sign),
        ):
            worst[address, env] = proposal
        shares = (one.share for one in (other, proposal) if one.share is not None)
        size = least_size((other.size, proposal.size))
        edit: Edit | None = "none" if "none" in (other.edit, proposal.edit) else proposal.edit
        least = replace(worst[address, env], share=min(shares, default=None), size=size, edit=edit)
        worst[address, env] = least
    return worst.values()


def _signed(proposal: Proposal, sign: int) -> float:
    return -inf if proposal.measured is None else sign * proposal.measured
