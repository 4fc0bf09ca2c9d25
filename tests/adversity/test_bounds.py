"""A bound that was written is not held"""

from __future__ import annotations

import pytest

HEAD = "import pytest\nfrom conftest import image\n"
BODY = "def test_it(edit_gate): edit_gate.check(image(0), image(50))\n"
CONFIG = "metrics: [score]\nthresholds: {score: {max: 0.9}, likeness: {min: 0.0}}\n"


@pytest.fixture
def lax(suite):
    """A suite whose default bound holds for the values that its tests measure."""
    (suite.path / "editmetrics.yaml").write_text(CONFIG)
    return suite


def test_threshold_for_thresholds(lax, assert_came, workers):
    """A module's `pytestmark = pytest.mark.editmetrics(threshold={...})`."""
    lax.makepyfile(HEAD + "pytestmark = pytest.mark.editmetrics(threshold={'score': 0.1})\n" + BODY)
    assert_came(lax.runpytest(*workers), 1, "*marker of * has 'threshold', which no pipe takes*")


def test_metrics_with_bounds(lax, assert_came):
    """A call with `metrics={"score": 0.1}`."""
    lax.makepyfile(
        HEAD + "def test_it(edit_gate):\n"
        "    edit_gate.check(image(0), image(50), metrics={'score': 0.1})\n"
    )
    assert_came(lax.runpytest(), 1, "*a mapping's bounds would hold nothing*")


def test_a_tolerance_that_always_holds(lax, assert_came):
    """A golden image's `tolerance` of 1.0 for `pixel`, or -1.0 for `ssim`."""
    lax.makepyfile(
        HEAD + "@pytest.mark.parametrize('how', [('pixel', 1.0), ('ssim', -1.0)])\n"
        "def test_it(golden_image, how):\n"
        "    golden_image.check(image(0), comparator=how[0], tolerance=how[1])\n"
    )
    result = lax.runpytest()
    result.assert_outcomes(failed=2)
    assert_came(result, 1, "*always holds: ssim is never below -1*")


def test_a_fixture_that_wraps_edit_gate(lax, assert_came, workers):
    """A test has a fixture that wraps `edit_gate`, and measures nothing."""
    lax.makepyfile("def test_it(check):\n    for _ in []: check(1, 1)\n")
    assert_came(lax.runpytest(*workers), 1, "*this test asked for gates and made none*")


def test_an_autouse_fixture(lax, assert_came, workers):
    """An autouse fixture has `edit_gate`, and a test beside others measures nothing; under
    `--editmetrics-strict=regressed`."""
    lax.makepyfile(
        HEAD + "@pytest.fixture(autouse=True)\ndef auto(check): pass\n"
        "def test_it(): pass\ndef test_beside(check): check(1, 1)\n"
    )
    result = lax.runpytest("--editmetrics-strict=regressed", *workers)
    assert_came(result, 1, "FAILED: asked for a gate and made none: 1, *")


def test_only_a_suite_gate_fails(lax, assert_came, workers):
    """A session whose only failure is a suite gate."""
    (lax.path / "editmetrics.yaml").write_text(CONFIG + "suite: {score: {mean: 0.1}}\n")
    lax.makepyfile(HEAD + BODY)
    assert_came(
        lax.runpytest(*workers), 1, "FAILED editmetrics - suite score mean 0.500 > max 0.100*"
    )


def test_a_teardown_that_errs(lax, assert_came, workers):
    """A golden is recorded by a test whose teardown errs."""
    lax.makepyfile(
        HEAD + "@pytest.fixture\ndef erring():\n    yield\n    raise RuntimeError\n"
        "def test_it(edit_gate, erring): edit_gate.check(image(0), image(50))\n"
    )
    assert_came(
        lax.runpytest("--editmetrics-update=missing", *workers),
        1,
        "not recorded: 1 gate of a test that failed for another reason",
    )
    assert not (lax.path / "goldens").exists()
