"""What is said of a keyword that a check does not take."""

from __future__ import annotations

import inspect

import pytest

from pytest_editmetrics.checks.edit_gate import EditGate
from pytest_editmetrics.checks.golden_image import GoldenImage
from pytest_editmetrics.checks.keywords import unknown_keyword
from pytest_editmetrics.plugin import helpers

BOUNDS = "; a bound stands in @pytest.mark.editmetrics(thresholds={...}), in a golden, or"


@pytest.mark.parametrize(
    ("check", "key", "says"),
    [
        (EditGate.check, "thresold", BOUNDS),
        (EditGate.check, "max_lpips", BOUNDS),
        (EditGate.check, "lpips_max", BOUNDS),
        (EditGate.check, "lpips", BOUNDS),
        (EditGate.check, "min_ssim", BOUNDS),
        (EditGate.check, "masks", " (did you mean 'coords'?)"),
        (EditGate.check, "ref", " (did you mean 'reference'?)"),
        (EditGate.check, "image", " (did you mean 'reference' or 'edited'?)"),
        (EditGate.check, "metric", " (did you mean 'metrics'?)"),
        (EditGate.check, "comparator", "; golden_image.check does"),
        (EditGate.check, "max_size", " (valid: "),
        (EditGate.check, "device", " (valid: "),
        (EditGate.check, "", " (valid: "),
        ("assert_unedit_lpips_below", "expect", "; edit_gate.check does"),
        ("assert_unedit_lpips_below", "metric", "; edit_gate.check takes metrics="),
        ("assert_unedit_lpips_below", "min", "; its bound is a max: threshold="),
        ("assert_unedit_lpips_below", "max", " (did you mean 'threshold'?)"),
        ("assert_unedit_lpips_below", "aspct", " (did you mean 'aspect'?)"),
        ("assert_object_sim_above", "max", "; its bound is a min: threshold="),
        ("assert_object_sim_above", "min", " (did you mean 'threshold'?)"),
        (GoldenImage.check, "thresold", " (did you mean 'tolerance'?)"),
        (GoldenImage.check, "max_lpips", "; write comparator={'lpips': ...}"),
        (GoldenImage.check, "min", " (did you mean 'tolerance'?)"),
        (GoldenImage.check, "metrics", " (did you mean 'comparator'?)"),
        (GoldenImage.check, "expect", "; edit_gate.check does"),
    ],
)
def test_a_hint_says_what_is_meant_or_where_it_stands(check, key, says):
    if isinstance(check, str):  # a name alone: a helper as an argument asks for a gate
        check = getattr(helpers, check)
    known = [name for name in inspect.signature(check).parameters if name != "self"]
    said = unknown_keyword(check.__name__, key, known)
    assert said.startswith(f"{check.__name__} takes no keyword {key!r}{says}"), said
