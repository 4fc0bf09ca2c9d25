"""Numbers as reports write them: each is what it says, and none is taken for its bound."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.pipes.witness.checkup import Difference
from pytest_editmetrics.report.doctor import _difference
from pytest_editmetrics.report.numbers import format_numbers
from pytest_editmetrics.report.suite_text import suite_headline
from pytest_editmetrics.report.text import headline
from pytest_editmetrics.session.property_text import property_of
from pytest_editmetrics.suites.gate import SuiteGate

NUMBERS = st.builds(
    lambda digits, power: digits * 10.0**power, st.floats(-10, 10), st.integers(-9, 6)
)
NEAR = st.floats(0.9, 1.1)


@given(st.lists(NUMBERS, min_size=1, max_size=3))
def test_what_is_shown_is_within_5_percent_of_the_number(numbers):
    for number, text in zip(numbers, format_numbers(*numbers), strict=True):
        assert float(text) == pytest.approx(number, rel=0.05, abs=0)


@given(NUMBERS, NUMBERS | NEAR)
def test_a_value_and_its_bound_are_shown_in_their_order(bound, other):
    for value in (other, bound * other, math.nextafter(bound, math.inf)):
        shown, limit = map(float, format_numbers(value, bound))
        assert (shown > limit, shown < limit) == (value > bound, value < bound)


def test_a_small_bound_beside_a_large_value_is_shown_by_itself():
    assert format_numbers(150.0, 0.15) == ["150.0", "0.15"]
    assert format_numbers(12.345, 0.012) == ["12.35", "0.012"]
    assert format_numbers(300.0, 1e-6) == ["300.0", "1e-06"]


def test_every_line_of_a_gate_shows_a_small_bound_as_it_is():
    drift = Gate("drift_px", "fail", value=150.0, bound_kind="max", bound=0.15, scope="unedit_area")
    assert headline(drift) == "unedit drift_px 150.0 > max 0.15"


def test_a_p_value_that_falls_just_short_of_alpha_is_not_shown_as_alpha():
    tried = ("lpips", "lower", "paired", "fail", 0.0499999, "alpha", 0.05, 0.0, "a.yaml:1", 9, 9)
    assert suite_headline(SuiteGate(*tried)).startswith(
        "suite lpips paired p 0.0499999 < alpha 0.05, worse"
    )


def test_how_far_a_suite_is_from_a_tiny_bound_is_told():
    held = ("lpips", "lower", "mean", "fail", 0.5, "max", 1e-6, 0.0, "a.yaml:1", 9, 9)
    assert "mean 0.500 > max 1e-06 (+0.500)" in suite_headline(SuiteGate(*held))


def test_a_property_of_a_test_and_a_doctor_tell_a_value_just_beyond_its_bound():
    beyond = Gate("lpips", "fail", value=0.1000000001, bound_kind="max", bound=0.1)
    assert property_of(beyond) == "fail value=0.1000000001 max=0.1"
    assert _difference(Difference("tokens", 0.000101, 0.0001)) == (
        "tokens differ by 0.000101 > 0.0001"
    )
