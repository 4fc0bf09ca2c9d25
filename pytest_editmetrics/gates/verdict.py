"""A gate: one measurement, the threshold it is held to, and the verdict that follows.

Pure decisions over plain values. How a gate is shown lives in ``report``, how it changes a test's
outcome in ``outcomes``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pytest_editmetrics.cache.precision import FULL
from pytest_editmetrics.errors import InputError
from pytest_editmetrics.gates.other_golden import OTHER_GOLDEN, other_way
from pytest_editmetrics.goldens.approved import Approved, GoldenAddress
from pytest_editmetrics.goldens.recording import recorded_bound
from pytest_editmetrics.images.resize_modes import NOT_RESIZED
from pytest_editmetrics.measurement import (
    Margin,
    Measurement,
    Metric,
    SoftReason,
    Threshold,
    weights_text,
)

Verdict = Literal["pass", "review", "fail", "unmeasured", "missing-golden", "recorded", "error"]
UpdateMode = Literal["none", "missing", "failed", "all"]

VERDICTS: Mapping[Verdict, str] = {
    "pass": "the value lies inside its bound",
    "review": "the value lies inside its bound and beyond its `review`: it passes, and is listed;"
    " --editmetrics-review=fail fails it",
    "fail": "the value lies outside its bound, or is no finite number",
    "unmeasured": "the region gives no valid comparison, for a soft reason: the test is xfailed;"
    " --editmetrics-strict=all fails it, =regressed where a value was approved",
    "missing-golden": "there is neither a bound nor a golden: the test fails, and says what records"
    " one",
    "recorded": "the bound was written to the golden, as --editmetrics-update asked",
    "error": "nothing could be measured: weights or a package missing, bad input or configuration;"
    " the test fails, and no xfail mark hides it",
}
"""What each verdict says, for readers."""
SKIPPED_MISSING = "skipped-missing"
"""The reason of a gate that --editmetrics-skip-missing let through without its weights."""

SELFTEST = "selftest"
"""What results call the gate of a self-test, which compares gates and no images."""
NO_BOUND = "only reported: no bound is stated"
"""The message of a gate that passes although nothing holds it."""
UNSTATED = "env_unstated"
"""The detail of a gate whose golden waits for a bound of this environment: another holds."""
HELD = "fails_its_test"
"""The detail of a gate that fails its test as an option asks: for review, or unmeasured."""
FETCH = "fetch"
"""The detail of a gate whose weights were missing: what ``editmetrics weights fetch`` takes."""
APPROVED_IMAGE = "approved_image"
"""The detail of a golden image's gate that compared no pixel: the image that was approved."""
FAILING: frozenset[str] = frozenset({"fail", "missing-golden", "error"})
MEASURED: frozenset[str] = frozenset({"pass", "review", "fail", "missing-golden", "recorded"})


@dataclass(frozen=True)
class Checked:
    """The area and boxes of a check (pixels, half-open), and the size at which it was measured.

    ``coords`` is JSON that ``shapes.Region.of`` takes: boxes as the user gave them, or a mapping;
    then ``bounds`` is the box around it. Where images of unlike sizes were brought to this one,
    ``resize`` is the mode, ``sizes`` tells the rest of it (``sizes.Fit.to_json``), boxes are in the
    pixels of their own images, and ``drawn`` holds those that can be drawn on what was compared.
    """

    coords: Any = None
    bounds: tuple[int, int, int, int] | None = None
    ref_boxes: tuple[tuple[float, ...], ...] | None = None
    edited_boxes: tuple[tuple[float, ...], ...] | None = None
    width: int | None = None
    height: int | None = None
    resize: str | None = None
    sizes: Mapping[str, Any] | None = None
    drawn: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Gate:
    """What one gate came to, in JSON-ready values: it travels from xdist workers as it is.

    ``distance`` is how far the value lies beyond the bound: positive fails. A value inside the
    bound and beyond ``review`` has the verdict ``review``. ``golden`` and ``env`` say where a
    golden is looked up; ``environment`` names where the edit ran, empty if that was not to be asked
    for; ``proposal`` is the bound to write there (``recorded``), see ``written.as_written``.
    ``images`` are what a run directory keeps of the gate, as paths relative to it; ``snapshot``
    tells of the golden image that it compared with; ``xfail``: its test is marked so. ``fixture``
    tells of the fixture that made the gate for more than one test: its ``id``, the ``set_up`` (one
    of several), the ``test`` that it was set up for, some that it is ``used_by``, the number of
    these ``users``, whether it ``failed``, whether for an ``other_failure`` than goldens can hold.
    """

    metric: str
    verdict: Verdict
    better: str = "lower"
    compares: str = "region"
    name: str | None = None
    value: float | None = None
    floor: float | None = None
    excess: float | None = None
    scope: str | None = None
    bound_kind: str | None = None
    bound: float | None = None
    review: float | None = None
    origin: str | None = None
    source: str | None = None
    distance: float | None = None
    reason: str | None = None
    message: str | None = None
    approved: float | None = None
    golden: Mapping[str, str] | None = None
    env: str | None = None
    environment: tuple[str, ...] = ()
    proposal: float | None = None
    device: str | None = None
    device_name: str | None = None
    weights: tuple[Mapping[str, Any], ...] = ()
    smoke: bool = False
    region: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    picture: str | None = None
    images: Mapping[str, Any] = field(default_factory=dict)
    snapshot: Mapping[str, Any] | None = None
    fixture: Mapping[str, Any] | None = None
    xfail: bool = False

    @property
    def set_up(self) -> str | None:
        """Which set-up of a fixture made the gate; ``None`` for a gate of a test."""
        return None if self.fixture is None else str(self.fixture.get("set_up"))

    @property
    def label(self) -> str:
        """The gate's address inside its test: ``lpips`` or ``lpips@name``."""
        return self.metric if self.name is None else f"{self.metric}@{self.name}"

    @property
    def failing(self) -> bool:
        """Whether it fails the test."""
        return self.verdict in FAILING or HELD in self.details

    @property
    def regressed(self) -> bool:
        """Whether this soft failure had a measured value, or an image, when it was approved."""
        was = self.approved is not None or APPROVED_IMAGE in self.details
        return self.verdict == "unmeasured" and was

    @property
    def no_number(self) -> bool:
        """Whether its value is NaN or infinite, which no golden can hold."""
        return self.value is not None and not math.isfinite(self.value)

    @property
    def weights_text(self) -> str | None:
        """The weights as a golden states them."""
        return weights_text(str(weights["sha256"]) for weights in self.weights)

    @property
    def resize(self) -> str:
        """The mode that brought the images to one size, as a golden states it."""
        return str(self.region.get("resize") or NOT_RESIZED)

    @property
    def dtype(self) -> str:
        """The precision that the models computed in, as a golden states it."""
        return str(self.details.get("dtype") or FULL)

    @property
    def of_other_golden(self) -> bool:
        """Whether it is an error only in that its golden was measured in another way."""
        return not OTHER_GOLDEN.isdisjoint(self.details)

    def golden_key(self, nodeid: str) -> str:
        """Return the key of the test in its golden file, which the repetitions of it share.

        A gate that says another test's is not believed.

        >>> Gate("lpips", "pass", golden={"test": "test_a"}).golden_key("test_x.py::test_a[1-3]")
        'test_a'
        """
        key = nodeid.partition("::")[2]
        stated = self.golden or (self.snapshot or {}).get("proposed")
        said = stated.get("test") if isinstance(stated, Mapping) else None
        same = isinstance(said, str) and said.partition("[")[0] == key.partition("[")[0]
        return str(said) if same else key

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Gate:
        """Return the gate that ``to_dict`` wrote."""
        return cls(**data)


def soft_failures(gates: Iterable[Gate], of_test: Iterable[Gate]) -> list[Gate]:
    """Return the unmeasured among ``gates`` that count as soft failures of their test.

    A metric that nobody named, since ``expect`` chose it, does not where its check measured others
    of ``of_test``: a plain background has no texture to see a shift by, and is no reason to xfail
    for ever.
    """
    measured = {gate.name for gate in of_test if gate.verdict != "unmeasured"}
    return [
        gate
        for gate in gates
        if gate.verdict == "unmeasured"
        and not (gate.details.get("unnamed") and gate.name in measured)
    ]


def judge(
    measurement: Measurement,
    metric: Metric,
    *,
    margin: Margin,
    name: str | None = None,
    explicit: Threshold | None = None,
    approved: Approved | None = None,
    default: Threshold | None = None,
    address: GoldenAddress | None = None,
    update: UpdateMode = "none",
    advisory: bool = False,
    fatal: Mapping[SoftReason, str] | None = None,
    told: bool = False,
    region: Checked = Checked(),
) -> Gate:
    """Hold ``measurement`` to the first of the explicit, the golden and the default threshold.

    With an ``update`` mode other than ``none`` a bound that is not explicit may be recorded instead
    (``missing``: where no golden is; ``failed``: where the gate would fail; ``all``: everywhere).
    Where the golden waits for a bound of this environment, ``missing`` records that, whatever holds
    until then. A value that is NaN or infinite is never recorded, nor, under ``missing``, one
    outside a default bound, nor, under ``failed``, one for review. One that no golden can hold says
    why in the detail ``no_golden``. A gate that is only ``advisory`` is for review where it would
    fail, unless the bound is explicit or the value no number. A value is not held to a golden that
    was measured with other weights, under another resize mode, in another precision, or for another
    value of the test's parameter: that is an ``error``, and recorded as what would fail is. A soft
    failure of a reason in ``fatal`` fails, and says the way out that stands there. A gate that is
    only ``told`` passes where no bound is stated.

    Raises:
        InputError: a threshold's kind does not fit the metric's direction.
    """
    golden = approved.threshold if approved else None
    unstated = approved is not None and approved.unstated and explicit is None
    threshold = explicit or golden or default
    if approved is not None and approved.left_under is not None:
        default = golden
    if threshold is not None and threshold.kind != metric.bound_kind:
        raise InputError(
            f"{threshold.source}: {metric.name} is {metric.better}-is-better and takes "
            f"{metric.bound_kind!r}, not {threshold.kind!r}"
        )
    measured = None if measurement.soft_failure is not None else measurement.value
    distance = None if threshold is None or measured is None else threshold.distance(measured)
    gate = Gate(
        metric=metric.name,
        verdict="pass",
        better=metric.better,
        compares=metric.compares,
        name=name,
        value=measured,
        distance=distance,
        floor=measurement.floor,
        excess=measurement.excess,
        scope=measurement.scope,
        approved=approved.measured if approved else None,
        golden=None if address is None else address.to_dict(),
        env=approved.env if approved else None,
        device=measurement.device,
        device_name=measurement.device_name,
        weights=tuple(dict(vars(weights)) for weights in measurement.weights),
        smoke=measurement.smoke,
        region=dict(vars(region)),
        details={**measurement.details, **({UNSTATED: True} if unstated else {})},
    )
    gate = held_to(gate, threshold)
    if measurement.soft_failure is not None:
        soft = measurement.soft_failure
        if fatal and soft.reason in fatal:
            said = f"{soft.message}; {fatal[soft.reason]}"
            lost = {**gate.details, "no_golden": "there is no value to record"}
            return replace(gate, verdict="fail", reason=soft.reason, message=said, details=lost)
        return replace(gate, verdict="unmeasured", reason=soft.reason, message=soft.message)
    assert measurement.value is not None
    value = measurement.value
    if not math.isfinite(value):
        return replace(gate, verdict="fail", message=f"{metric.name} is {value}, not a number")
    advisory = advisory and explicit is None
    holds = threshold is not None and threshold.holds(value)
    other = (
        explicit is None
        and golden is not None
        and approved is not None
        and (approved.moved is not None or other_way(approved, gate) is not None)
    )
    try:
        bound = recorded_bound(value, metric, margin)
    except InputError as error:
        gate = replace(gate, details={**gate.details, "no_golden": str(error)})
    else:
        if explicit is None and address is not None:
            own = golden if approved is None or approved.left_under is None else None
            waits = unstated and approved is not None and approved.moved is None
            holds_still = (holds or advisory) and not other
            if _records(update, own, default, holds_still, waits):
                return replace(gate, verdict="recorded", proposal=bound)
            if update == "failed" and (own is None or waits):
                gate = replace(gate, proposal=bound)  # written if another gate of the test is
    if threshold is None and told:
        return replace(gate, message=NO_BOUND)
    if threshold is None:
        return replace(gate, verdict="missing-golden")
    if other and approved is not None and approved.moved is not None:
        return replace(gate, verdict="error", message=approved.moved)
    if other and approved is not None:
        way = other_way(approved, gate)
        assert way is not None
        message = way.message(gate, threshold.source, way.stated)
        details = {**gate.details, way.detail: way.stated}
        return replace(gate, verdict="error", message=message, details=details)
    if not holds:
        return replace(gate, verdict="review" if advisory else "fail")
    return replace(gate, verdict="review") if threshold.reviews(value) else gate


def held_to(gate: Gate, threshold: Threshold | None) -> Gate:
    """Return the gate with the bound that it is, or would have been, held to."""
    if threshold is None:
        return gate
    return replace(
        gate,
        bound_kind=threshold.kind,
        bound=threshold.bound,
        review=threshold.review,
        origin=threshold.origin,
        source=threshold.source,
    )


def _records(
    update: UpdateMode,
    golden: Threshold | None,
    default: Threshold | None,
    holds: bool,
    waits: bool,
) -> bool:
    if update == "missing":
        return waits if golden is not None else default is None or holds
    if update == "failed":
        return not holds
    return update == "all"


def error_gate(
    metric: Metric,
    message: str,
    *,
    name: str | None = None,
    region: Checked = Checked(),
    fetch: Sequence[str] = (),
) -> Gate:
    """Return the gate of a measurement that could not be made at all.

    ``fetch`` names weights that were missing, as ``editmetrics weights fetch`` takes them.
    """
    return Gate(
        metric=metric.name,
        verdict="error",
        better=metric.better,
        compares=metric.compares,
        name=name,
        message=message,
        region=dict(vars(region)),
        details={FETCH: list(fetch)} if fetch else {},
    )


def skipped_gate(
    metric: Metric,
    message: str,
    *,
    name: str | None = None,
    region: Checked = Checked(),
    fetch: Sequence[str] = (),
) -> Gate:
    """Return the gate whose pipe is missing and may be (``--editmetrics-skip-missing``)."""
    gate = error_gate(metric, message, name=name, region=region, fetch=fetch)
    return replace(gate, verdict="unmeasured", reason=SKIPPED_MISSING)
