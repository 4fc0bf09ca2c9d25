"""`pytest_editmetrics.testing.check_pipe`: each fault of a pipe is found, and none where none is."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_editmetrics import Measurement, Metric, Region, SoftFailure
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.testing import check_pipe, scenes

METRIC = Metric("mean_change", "lower", low=0, high=255)
REGISTRY = PipeRegistry()


class GoodPipe:
    """The mean difference of the measured pixels."""

    def measured(self, reference, coords, mask_mode):
        inside = Region.of(coords).inside(*reference.shape[:2])
        return inside if mask_mode == "inner" else ~inside

    def value(self, reference, edited):
        return float(np.abs(edited.astype(float) - reference).mean())

    def __call__(self, reference, edited, coords, mask_mode, metric, **params):
        measured = self.measured(reference, coords, mask_mode)
        if not measured.any():
            return None
        return self.value(reference[measured], edited[measured])


class Told(GoodPipe):
    """Returns a Measurement from `measure`, and a number when it is called."""

    def measure(self, reference, edited, coords, mask_mode, metric, **params):
        value = self(reference, edited, coords, mask_mode, metric)
        scope = "edit_area" if mask_mode == "inner" else "unedit_area"
        soft = SoftFailure("empty-region", "nothing") if value is None else None
        return Measurement(metric, value, scope, soft, details={"pixels": np.int64(3)})


class Random(GoodPipe):
    def __init__(self):
        self.random = np.random.default_rng()

    def value(self, reference, edited):
        return super().value(reference, edited) + self.random.random() / 1000


class Remembers(GoodPipe):
    """Gives the value of the image that it was asked about first."""

    seen: dict = {}  # noqa: RUF012

    def __call__(self, reference, edited, coords, mask_mode, metric, **params):
        key = (str(coords), mask_mode)
        return self.seen.setdefault(
            key, super().__call__(reference, edited, coords, mask_mode, metric)
        )


class WholeImage(GoodPipe):
    def measured(self, reference, coords, mask_mode):
        return np.ones(reference.shape[:2], bool)


class Swapped(GoodPipe):
    """Measures inside where outside is meant."""

    def measured(self, reference, coords, mask_mode):
        return ~super().measured(reference, coords, mask_mode)


class FirstBoxOnly(GoodPipe):
    def measured(self, reference, coords, mask_mode):
        region = Region.of(coords)
        return super().measured(
            reference, list(region.boxes[:1]) if region.plain else region, mask_mode
        )


class BoxesOnly(GoodPipe):
    def measured(self, reference, coords, mask_mode):
        return super().measured(reference, [tuple(box) for box in coords or []], mask_mode)


class Blind(GoodPipe):
    def value(self, reference, edited):
        return 0.5


class Upside(GoodPipe):
    """A similarity that was declared as a difference."""

    def value(self, reference, edited):
        return 255 - super().value(reference, edited)


class Percent(GoodPipe):
    def value(self, reference, edited):
        return super().value(reference, edited) * 100


class NaN(GoodPipe):
    def __call__(self, reference, edited, coords, mask_mode, metric, **params):
        value = super().__call__(reference, edited, coords, mask_mode, metric)
        return float("nan") if value is None else value


class Zero(NaN):
    def __call__(self, *args, **params):
        value = super().__call__(*args, **params)
        return 0.0 if np.isnan(value) else value


class Nothing(GoodPipe):
    def __call__(self, reference, edited, coords, mask_mode, metric, **params):
        return None


class InPlace(GoodPipe):
    def __call__(self, reference, edited, coords, mask_mode, metric, **params):
        value = super().__call__(reference, edited, coords, mask_mode, metric)
        edited[:] = 0
        return value


class EatsBoxes(GoodPipe):
    def __call__(self, reference, edited, coords, mask_mode, metric, **params):
        value = super().__call__(reference, edited, coords, mask_mode, metric)
        if isinstance(coords, list):
            coords.clear()
        return value


class NoKeyword(GoodPipe):
    def __call__(self, reference, edited, coords, mask_mode, metric):
        return super().__call__(reference, edited, coords, mask_mode, metric)


class Text(GoodPipe):
    def __call__(self, *args, **params):
        value = super().__call__(*args, **params)
        return value if value is None else f"{value} %"


class Flag(GoodPipe):
    def __call__(self, *args, **params):
        return True


class WithoutScope(Told):
    def measure(self, *args, **params):
        told = super().measure(*args, **params)
        return Measurement(told.metric, told.value, None, told.soft_failure)


def assert_found(pipe, *said, metric=METRIC, **allowed):
    """The findings are these and no others, in whatever order."""
    with pytest.raises(AssertionError) as caught:
        check_pipe(pipe, metric, **allowed)
    first, *lines = str(caught.value).splitlines()
    found = [line for line in lines if line.startswith("- ")]
    assert f" for {metric.name}, {len(said)} finding" in first, "\n".join(lines)
    for text in said:
        assert any(line.startswith(f"- {text}") for line in found), "\n".join(lines)


@pytest.mark.parametrize("pipe", [GoodPipe(), Told()], ids=["number", "Measurement"])
def test_a_pipe_that_keeps_the_contract_is_left_alone(pipe):
    check_pipe(pipe, METRIC)
    check_pipe(pipe, METRIC, reference=scenes.made_picture(61, 40))


REGION = "does not honour its region"
RANGE = "leaves the range that its metric states, 0 to 255"
NONE = "returns a value where the region holds no pixel"
SAME = "gives another value for the same pair"
BLIND = "does not see what it measures"
ERROR = "raises an error"


@pytest.mark.quick(5)
@pytest.mark.parametrize(
    ("pipe", "said"),
    [
        (Random(), [SAME, REGION]),
        (Remembers(), [BLIND]),
        (WholeImage(), [REGION, NONE]),
        (Swapped(), [REGION, BLIND, NONE, "returns None where there are pixels"]),
        (FirstBoxOnly(), [REGION]),
        (BoxesOnly(), [ERROR, "returns None where there are pixels"]),
        (Blind(), [BLIND]),
        (Upside(), ["finds every changed image better than an unchanged one"]),
        (Percent(), [RANGE]),
        (NaN(), ["returns NaN or infinity"]),
        (Zero(), [NONE]),
        (Nothing(), ["returns None where there are pixels"]),
        (InPlace(), ["changes the images"]),
        (EatsBoxes(), ["changes the boxes"]),
        (Text(), [ERROR, "returns None where there are pixels"]),
        (Flag(), [ERROR, "returns None where there are pixels"]),
        (WithoutScope(), ["returns a Measurement of another scope"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, GoodPipe) else "",
)
def test_each_fault_is_found(pipe, said):
    assert_found(pipe, *said)


def test_a_keyword_that_the_pipe_does_not_take_is_found_before_a_gate_gives_it():
    metric = Metric("mean_change", "lower", low=0, high=255, params=("window",))
    assert_found(NoKeyword(), "takes no keyword that a gate gives it", metric=metric)
    check_pipe(GoodPipe(), metric, window=7)


def test_what_is_stated_is_allowed():
    check_pipe(Random(), METRIC, tolerance=0.01, leak=0.01)
    assert_found(WholeImage(), REGION, NONE, leak=0.01)


def test_the_first_place_is_told_and_how_many_more_there_are():
    with pytest.raises(AssertionError) as caught:
        check_pipe(WholeImage(), METRIC)
    text = str(caught.value)
    assert text.startswith("WholeImage does not keep the contract of pytest_editmetrics.Pipe")
    assert "\n    measured inside one box, the rest inverted: " in text
    assert "(and 29 more times)" in text
    assert "no edit area, measured inside (coords=None): " in text


NAMES = ("lpips", "unedit_psnr", "unedit_ssim", "unedit_max_diff", "tone", "beyond_detail")


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", NAMES)
def test_our_own_pipes_keep_the_contract(name):
    check_pipe(REGISTRY.create(REGISTRY.pipe_of(name).key, {}), REGISTRY.metric(name))


def test_a_metric_of_one_scope_is_asked_for_that():
    pipe, metric = REGISTRY.create("lpips-pipe", {}), REGISTRY.metric("edit_lpips")
    check_pipe(pipe, metric, scopes=["edit_area"])
    assert_found(pipe, ERROR, "returns None where there are pixels", metric=metric)


def test_attention_leaks():
    pipe = REGISTRY.create("clip-pipe", {"model_path": "smoke"})
    assert_found(pipe, REGION, metric=REGISTRY.metric("emd"), reference_patches="selected")


class PairsPipe:
    """How alike objects are, pair by pair."""

    def __call__(self, reference, edited, coords, mask_mode, metric, **params):
        if not coords or len(coords) % 2:
            return self.unpaired
        half = len(coords) // 2
        return 1 - np.mean(
            [
                abs(reference[y1:y2, x1:x2].mean() - edited[v1:v2, u1:u2].mean()) / 255
                for (x1, y1, x2, y2), (u1, v1, u2, v2) in zip(
                    coords[:half], coords[half:], strict=True
                )
            ]
        )

    unpaired = None


def test_of_objects_the_pairing_is_checked_and_no_region():
    metric = Metric("alike", "higher", "edit_area", "objects", low=0, high=1)
    check_pipe(PairsPipe(), metric)
    careless = PairsPipe()
    careless.unpaired = 1.0
    assert_found(careless, "returns a value where objects do not pair", metric=metric)
