"""What became of the thresholds between two versions of a project: loosened, tightened, or gone.

What counts is the bound that holds. A variant (``env``) that is new is held against the top level
that held there before, a golden that is new against the default, if there was one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pytest_editmetrics.config.golden_images import (
    COMPARATORS,
    DEFAULT,
    Comparator,
    ImageSettings,
    Tolerance,
    image_metric,
)
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.goldens.audited_areas import AreaChange, changed_areas, changed_pictures
from pytest_editmetrics.goldens.audited_images import (
    ImageChange,
    because,
    changed_comparators,
    changed_images,
    unread_goldens,
)
from pytest_editmetrics.goldens.audited_moves import Move, as_moved, moved_gates
from pytest_editmetrics.goldens.environment import SMOKE, less_specific
from pytest_editmetrics.goldens.file import GoldenEntry, GoldenFile
from pytest_editmetrics.goldens.versions import Pair, Thresholds
from pytest_editmetrics.measurement import Metric, Threshold

Kind = Literal["loosened", "tightened", "added", "dropped", "moved"]
_BUILT_IN = Tolerance(0.0).source
KINDS: tuple[Kind, ...] = ("loosened", "dropped", "tightened", "added", "moved")


@dataclass(frozen=True)
class Change:
    """One threshold that changed, or moved. ``before`` or ``after`` is ``None`` where none holds.

    ``test`` is ``None`` for a default. ``source`` is ``file:line`` of the version that states it,
    the head's if both do; ``note`` tells where a bound comes from that the entry itself has not.
    """

    kind: Kind
    metric: Metric
    source: str
    test: str | None
    gate: str
    env: str | None
    before: float | None
    after: float | None
    note: str = ""

    @property
    def moved(self) -> float | None:
        """By how much the bound moved, in the metric's units; ``None`` for added and dropped."""
        if self.before is None or self.after is None:
            return None
        return abs(self.after - self.before)

    @property
    def lets_more_through(self) -> bool:
        """Whether it counts as loosening: a bound that is further out, or holds no more."""
        return self.kind in ("loosened", "dropped")


@dataclass(frozen=True)
class Audit:
    """All that changed, and how many thresholds are the same."""

    base: Thresholds
    head: Thresholds
    changes: tuple[Change, ...]
    images: tuple[ImageChange, ...]
    unchanged: int
    learned: tuple[str, ...]
    areas: tuple[AreaChange, ...] = ()

    @property
    def loosening(self) -> int:
        """How many thresholds let more through or hold much less, and golden images are gone or
        were not approved."""
        return (
            sum(change.lets_more_through for change in self.changes)
            + sum(image.kind in ("dropped", "unapproved") for image in self.images)
            + sum(area.less for area in self.areas)
        )


def audit(pair: Pair) -> Audit:
    """Compare the thresholds of two versions, and their golden images.

    Raises:
        EditMetricsError: a bare number changed of a metric whose direction nothing states.
    """
    base = pair.base
    moves = moved_gates(base.goldens, pair.head.goldens)
    moved = [change for move in moves for change in _moved(pair, move)]
    pair = replace(
        pair, base=replace(base, goldens=as_moved(base.goldens, pair.head.goldens, moves))
    )
    found = [*_goldens(pair), *_defaults(pair), *_tolerances(pair)]
    changes = [change for change in found if change is not None]
    for change in changes:
        if change.metric.name in pair.undirected and change.kind in ("loosened", "tightened"):
            raise EditMetricsError(
                f"{change.source}: {change.metric.name} is no metric of this package, so"
                f" {change.before:g} -> {change.after:g} may be looser or tighter; write"
                f" {{max: {change.after:g}}} or {{min: {change.after:g}}}"
            )
    unchanged = len(found) - len(changes) - len(moved)
    changes = sorted([*changes, *moved], key=lambda change: KINDS.index(change.kind))
    return Audit(
        base,
        pair.head,
        tuple(changes),
        tuple(changed_images(pair.base, pair.head)),
        unchanged,
        pair.learned,
        (
            *changed_areas(pair.base.areas, pair.head.areas),
            *changed_pictures(pair.base.goldens, pair.head.goldens),
            *changed_comparators(base, pair.head),
            *unread_goldens(base, pair.head),
        ),
    )


@dataclass(frozen=True)
class _Holding:
    """A bound that holds, and from where, if the entry itself does not state it."""

    bound: float
    inherited: str = ""
    review: float | None = None

    def same(self, other: _Holding) -> bool:
        """Whether both let the same values pass."""
        return (self.bound, self.review) == (other.bound, other.review)


@dataclass(frozen=True)
class _Gate:
    """The golden of one gate in both versions; ``gone`` says so of a file that the head lacks."""

    metric: Metric
    shown: str
    test: str
    gate: str
    before: GoldenEntry | None
    after: GoldenEntry | None
    default_before: _Holding | None
    default_after: _Holding | None
    gone: str

    def changes(self) -> Iterator[Change | None]:
        """Give what became of it in each environment, ``None`` where its bound is the same."""
        for env in _environments((self.before, self.after)):
            old = _stated(self.before, env) or _inherited(self.metric, self.before, env, min)
            new = _stated(self.after, env) or _inherited(self.metric, self.after, env, max)
            default = self.default_before
            if not old and new and default and _looser(self.metric, default.bound, new.bound):
                old = default
            if old and new and old.same(new):
                yield None
            elif old or new:
                source = f"{self.shown}:{self._line(env)}"
                note = self._note(old, new, env)
                yield _change(self.metric, source, self.test, self.gate, env, old, new, note)

    def _line(self, env: str | None) -> int:
        entries = [entry for entry in (self.after, self.before) if entry is not None]
        stating = [entry for entry in entries if env is None or env in entry.env]
        return stating[0].line if env is None else stating[0].env[env].line

    def _note(self, old: _Holding | None, new: _Holding | None, env: str | None) -> str:
        told = []
        if old is not None and old.inherited:
            told.append(f"{old.inherited} held before")
        if new is not None and new.inherited:
            told.append(f"{new.inherited} holds now")
        if (reason := _reason(self.after, env)) is not None:
            told.append(because(reason, _reason(self.before, env)))
        if new is None and self.gone:
            told.append(self.gone)
        if new is None and self.default_after is not None:
            told.append(f"{self.default_after.inherited} holds now")
        return "; ".join(told)


def _goldens(pair: Pair) -> Iterator[Change | None]:
    """Give each golden threshold that changed, and ``None`` for each that did not."""
    for file in _both(pair.base.goldens, pair.head.goldens):
        base, head = pair.base.goldens.get(file), pair.head.goldens.get(file)
        shown = next(one.shown for one in (head, base) if one is not None)
        for test in _both(base.tests if base else {}, head.tests if head else {}):
            before, after = _gates(base, test), _gates(head, test)
            for gate in _both(before, after):
                metric = pair.metrics[gate.partition("@")[0]]
                yield from _Gate(
                    metric,
                    shown,
                    test,
                    gate,
                    before.get(gate),
                    after.get(gate),
                    _default(pair.base, file, metric),
                    _default(pair.head, file, metric),
                    "the file is gone" if head is None else "",
                ).changes()


def _moved(pair: Pair, move: Move) -> Iterator[Change]:
    """Give the bounds of a gate that is in another golden file now."""
    now = pair.head.goldens[move.to]
    entry = now.tests[move.test][move.gate]
    metric = pair.metrics[move.gate.partition("@")[0]]
    for env in _environments((entry,)):
        one = entry if env is None else entry.env[env]
        if one.bound is not None:
            told = one.bound, one.bound, f"from {pair.base.goldens[move.file].shown}"
            source = f"{now.shown}:{one.line}"
            yield Change("moved", metric, source, move.test, move.gate, env, *told)


def _default(version: Thresholds, file: str, metric: Metric) -> _Holding | None:
    found = version.default(file, metric.name)
    if found is None:
        return None
    return _Holding(found.bound, f"the default {found.kind} {found.bound:g} ({found.source})")


def _change(
    metric: Metric,
    source: str,
    test: str | None,
    gate: str,
    env: str | None,
    old: _Holding | None,
    new: _Holding | None,
    note: str = "",
) -> Change:
    kind: Kind
    if old is None:
        kind = "added"
    elif new is None:
        kind = "dropped"
    else:
        kind = "loosened" if _lets_more(metric, old, new) else "tightened"
        if old.review != new.review:
            told = f"review {_or_none(old.review)} -> {_or_none(new.review)}"
            note = f"{note}; {told}" if note else told
    before, after = (None if one is None else one.bound for one in (old, new))
    return Change(kind, metric, source, test, gate, env, before, after, note)


def _lets_more(metric: Metric, old: _Holding, new: _Holding) -> bool:
    """Tell whether a change lets more through; without a review bound nothing is for review."""
    if old.bound != new.bound:
        return _looser(metric, old.bound, new.bound)
    if old.review is None or new.review is None:
        return new.review is None
    return _looser(metric, old.review, new.review)


def _or_none(review: float | None) -> str:
    return "none" if review is None else f"{review:g}"


def _looser(metric: Metric, old: float, new: float) -> bool:
    return new > old if metric.better == "lower" else new < old


def _environments(entries: Iterable[GoldenEntry | None]) -> list[str | None]:
    named = dict.fromkeys(env for entry in entries if entry is not None for env in entry.env)
    return [None, *named]


def _reason(entry: GoldenEntry | None, env: str | None) -> str | None:
    variant = entry if entry is None or env is None else entry.env.get(env)
    return None if variant is None else variant.reason


def _stated(entry: GoldenEntry | None, env: str | None) -> _Holding | None:
    variant = entry if entry is None or env is None else entry.env.get(env)
    if variant is None or variant.bound is None:
        return None
    return _Holding(variant.bound, review=variant.review)


def _inherited(
    metric: Metric, entry: GoldenEntry | None, env: str | None, pick: Callable[..., Any]
) -> _Holding | None:
    """Return what holds in an environment for which no bound is stated.

    That is a less specific variant, else the top level. Which of them it is, the file does not say:
    of several bounds the strictest (``min``) or loosest (``max``) is taken.
    """
    if entry is None or env is None or env == SMOKE or _stated(entry, env) is not None:
        return None
    held = []
    if entry.bound is not None:
        held.append(_Holding(entry.bound, "the top level", entry.review))
    held += [
        _Holding(variant.bound, f"the variant {other}", variant.review)
        for other, variant in entry.env.items()
        if variant.bound is not None and less_specific(other, env)
    ]
    sign = 1 if metric.better == "lower" else -1
    found: _Holding | None = pick(held, key=lambda one: sign * one.bound, default=None)
    return found


def _gates(golden_file: GoldenFile | None, test: str) -> Mapping[str, GoldenEntry]:
    return {} if golden_file is None else golden_file.tests.get(test, {})


def _defaults(pair: Pair) -> Iterator[Change | None]:
    for file in _both(pair.base.defaults, pair.head.defaults):
        base, head = (
            {**version.expected.get(file, {}), **version.defaults.get(file, {})}
            for version in (pair.base, pair.head)
        )
        for name in _both(base, head):
            old, new = base.get(name), head.get(name)
            if old is not None and new is not None and _of(old).same(_of(new)):
                yield None
                continue
            yield _change(
                pair.metrics[name],
                next(one.source for one in (new, old) if one is not None),
                None,
                name,
                None,
                None if old is None else _of(old),
                None if new is None else _of(new),
            )


def _of(threshold: Threshold) -> _Holding:
    return _Holding(threshold.bound, review=threshold.review)


def _tolerances(pair: Pair) -> Iterator[Change]:
    """Give what became of the bounds of golden images, of each comparator: whole and worst tile."""
    for file in _both(pair.base.tolerances, pair.head.tolerances):
        versions = (pair.base.tolerances.get(file), pair.head.tolerances.get(file))
        old, new = (one or ImageSettings() for one in versions)
        for comparator in COMPARATORS:
            metric = image_metric(comparator)
            before, after = _tolerance(old, comparator), _tolerance(new, comparator)
            for (what, was), (_, now) in zip(before.items(), after.items(), strict=True):
                if (was is None and now is None) or (was and now and was.bound == now.bound):
                    continue
                stating = [one.source for one in (now, was) if one and one.source != _BUILT_IN]
                yield _change(
                    metric,
                    next(iter(stating), file),
                    None,
                    f"{metric.name}{what}",
                    None,
                    None if was is None else _Holding(was.bound),
                    None if now is None else _Holding(now.bound),
                )


def _tolerance(settings: ImageSettings, comparator: Comparator) -> dict[str, Tolerance | None]:
    """Return what holds a whole image and its worst tile; ``None`` where nothing does by itself."""
    held = settings.comparators or DEFAULT
    whole, tile = settings.bounds(comparator, tuple(held))
    stated = comparator in held or comparator in settings.tolerances
    at_tile = comparator in held or comparator in settings.tile_tolerances
    return {"": whole if stated else None, " (worst tile)": tile if at_tile else None}


def _both(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    return list(dict.fromkeys([*one, *other]))
