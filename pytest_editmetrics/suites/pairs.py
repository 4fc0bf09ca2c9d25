"""A gate in two runs: by how much it became worse, and how much worse it may become.

A golden image's gate is looked at twice: as a whole and by its worst tile, since either decides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from pytest_editmetrics.errors import InputError
from pytest_editmetrics.gates.decided import WORST_TILE, Decided, whole, worst_tile
from pytest_editmetrics.gates.verdict import Gate

NOISE = 1e-6
"""Changes up to this are none; also what a relative bound allows where the base is 0."""

_NUMBER = re.compile(r"\d+(\.\d*)?(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Bound:
    """How much worse a metric may become: a share of the base (``relative``) or an amount."""

    metric: str
    amount: float
    relative: bool

    def allowed(self, base: float) -> float:
        """Return the change that ``base`` allows; a share of nearly 0 allows ``NOISE``."""
        return max(self.amount * abs(base), NOISE) if self.relative else self.amount

    def __str__(self) -> str:
        return f"{100 * self.amount:g} %" if self.relative else f"{self.amount:g}"


def parse_bound(text: str, option: str = "--fail") -> Bound:
    """Read ``METRIC:AMOUNT`` or ``METRIC:SHARE%``.

    Raises:
        InputError: another form, or an amount that is no finite number of at least 0.

    >>> parse_bound("lpips:5%")
    Bound(metric='lpips', amount=0.05, relative=True)
    >>> parse_bound("emd:0.5")
    Bound(metric='emd', amount=0.5, relative=False)
    """
    metric, _, amount = text.rpartition(":")
    metric, amount = metric.strip(), amount.strip()
    number = amount.removesuffix("%").strip()
    if not metric or not _NUMBER.fullmatch(number) or not math.isfinite(float(number)):
        raise InputError(
            f"{option} {text!r} is no bound: give METRIC:SHARE% or METRIC:AMOUNT, of at least 0,"
            " such as lpips:5% or emd:0.5"
        )
    relative = amount.endswith("%")
    return Bound(metric, float(number) / 100 if relative else float(number), relative)


@dataclass(frozen=True)
class Step:
    """A value in both runs; ``what`` is empty for the gate's own, as of ``Decided``."""

    base: float
    head: float
    better: str
    what: str = ""

    @property
    def worse_by(self) -> float:
        """How much worse the head is, in the metric's units."""
        change = self.head - self.base
        return change if self.better == "lower" else -change

    def is_beyond(self, bound: Bound) -> bool:
        """Tell whether the head is worse than the bound allows."""
        allowed = bound.allowed(self.base)
        return self.worse_by > allowed and not math.isclose(self.worse_by, allowed)


def worst_of(steps: Iterable[Step], by: Callable[[Step], float] = lambda s: s.worse_by) -> Step:
    """Return the step that became worse by most; where none did, the one that changed most.

    >>> worst_of([Step(0.1, 0.0, "lower"), Step(0.2, 0.25, "lower", "worst tile")]).what
    'worst tile'
    >>> worst_of([Step(0.1, 0.0, "lower"), Step(0.2, 0.2, "lower", "worst tile")]).worse_by
    -0.1
    """
    return max(steps, key=lambda step: (by(step) > NOISE, abs(by(step))))


@dataclass(frozen=True)
class Pair:
    """One gate in both runs."""

    nodeid: str
    base: Gate
    head: Gate

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """How it moved, as a whole and at its worst tile; both sides are measured."""
        assert self.base.value is not None
        assert self.head.value is not None
        own = Step(self.base.value, self.head.value, self.base.better)
        base, head = map(worst_tile, (self.base, self.head))
        if base is None or head is None:
            return (own,)
        return own, Step(base.value, head.value, self.base.better, WORST_TILE)

    @cached_property
    def step(self) -> Step:
        """The step that became worse by most."""
        return worst_of(self.steps)

    @property
    def worse_by(self) -> float:
        """How much worse the head is, in the metric's units; both sides are measured."""
        return self.step.worse_by

    def beyond(self, bound: Bound) -> Step | None:
        """Return the step that is worse than the bound allows, the one that is so by most."""
        steps = [step for step in self.steps if step.is_beyond(bound)]
        return max(steps, key=lambda step: step.worse_by - bound.allowed(step.base), default=None)

    def held(self, step: Step) -> Decided | None:
        """Return what the head's value of a step was held to."""
        return worst_tile(self.head) if step.what else whole(self.head)

    @property
    def fails_now(self) -> bool:
        """Whether the head fails what the base measured and let through."""
        return self.head.failing and not self.base.failing
