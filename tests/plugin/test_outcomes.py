"""Each row of the outcome table, as a user meets it: serial, xdist, reruns, --runxfail, junit."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

MODES = {
    "serial": (),
    "xdist": ("-n2",),
    "reruns": ("--reruns", "1"),
    "runxfail": ("--runxfail",),
    "xdist-reruns": ("-n2", "--reruns", "1"),
}
modes = pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())


@modes
def test_a_value_inside_its_threshold_passes(suite, mode):
    suite.makepyfile("def test_it(check): check(5, 0.05)")
    result = suite.runpytest(*mode)
    result.assert_outcomes(passed=1)
    assert result.ret == 0


@modes
def test_a_value_outside_its_threshold_fails_and_says_why(suite, mode):
    suite.makepyfile("def test_it(check):\n    check(14, 0.1)")
    result = suite.runpytest(*mode)
    result.assert_outcomes(failed=1, **({"rerun": 1} if "--reruns" in mode else {}))
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*GateFailure: unedit score 0.140 > max 0.100 (+0.040), argument *test_*.py:2",
            "*region*whole image*",
            "*measured*on cpu*",
            "*look at*editmetrics*.png*",
            "*to accept*edit the threshold in the test*",
        ]
    )


@modes
@pytest.mark.parametrize("value", ["NAN"])
def test_a_nan_fails_whatever_the_threshold(suite, mode, value):
    suite.makepyfile(f"from conftest import *\ndef test_it(check): check({value}, 1e9)")
    result = suite.runpytest(*mode)
    result.assert_outcomes(failed=1, **({"rerun": 1} if "--reruns" in mode else {}))
    result.stdout.fnmatch_lines(["*unedit score nan is not a number*"])


@modes
def test_a_soft_failure_is_an_xfail_with_its_reason(suite, mode):
    suite.makepyfile(
        "from conftest import *\ndef test_it(check): check(NOT_FOUND, 1)\ndef test_ok(check): check(1, 1)"
    )
    result = suite.runpytest("-rx", *mode)
    result.assert_outcomes(xfailed=1, passed=1)
    result.stdout.fnmatch_lines(["XFAIL*test_it*no-value*pixel-pipe returned None*"])
    assert result.ret == 0


@modes
def test_a_soft_failure_never_hides_a_later_failure(suite, mode):
    suite.makepyfile(
        """
        from conftest import *
        def test_it(check):
            check(NOT_FOUND, 1, name="first")
            check(14, 0.1, name="second")
        """
    )
    result = suite.runpytest(*mode)
    result.assert_outcomes(failed=1, **({"rerun": 1} if "--reruns" in mode else {}))
    result.stdout.fnmatch_lines(["*score@second 0.140 > max 0.100*", "*not measured*", "*score@first*"])


@modes
@pytest.mark.parametrize("mark", ["@pytest.mark.xfail", "@pytest.mark.xfail(strict=True)"])
def test_a_soft_failure_under_an_xfail_mark_is_no_xpass(suite, mode, mark):
    suite.makepyfile(
        f"import pytest\nfrom conftest import *\n{mark}\ndef test_it(check): check(NOT_FOUND, 1)\n"
        "def test_ok(check): check(1, 1)"
    )
    result = suite.runpytest(*mode)
    result.assert_outcomes(xfailed=1, passed=1)


@modes
def test_strict_all_makes_a_soft_failure_fail(suite, mode):
    suite.makepyfile("from conftest import *\ndef test_it(check): check(NOT_FOUND, 1)")
    result = suite.runpytest("--editmetrics-strict=all", *mode)
    result.assert_outcomes(failed=1, **({"rerun": 1} if "--reruns" in mode else {}))
    result.stdout.fnmatch_lines(["*GateFailure: unedit score unmeasured (no-value)*"])


@modes
def test_a_session_that_measured_nothing_exits_with_1_and_says_so(suite, mode):
    suite.makepyfile("from conftest import *\ndef test_it(check): check(NOT_FOUND, 1)")
    result = suite.runpytest(*mode)
    result.assert_outcomes(xfailed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*FAILED: not one gate of this session could be measured*"])


@modes
def test_no_threshold_and_no_golden_fails_with_the_value_and_the_command(suite, mode):
    suite.makepyfile(test_x="def test_it(check): check(14)")
    result = suite.runpytest(*mode)
    result.assert_outcomes(failed=1, **({"rerun": 1} if "--reruns" in mode else {}))
    result.stdout.fnmatch_lines(
        [
            "*unedit score 0.140 has no threshold and no golden",
            "*to accept*pytest test_x.py::test_it --editmetrics-update=missing",
        ]
    )


@modes
def test_missing_weights_fail_as_an_error_never_xfail(suite, mode):
    suite.makepyfile("from conftest import *\ndef test_it(check): check(MISSING, 1)")
    result = suite.runpytest(*mode)
    result.assert_outcomes(failed=1, **({"rerun": 1} if "--reruns" in mode else {}))
    result.stdout.fnmatch_lines(
        ["*EditMetricsError: score could not be measured: no weights; run*weights fetch px*"]
    )


@modes
def test_missing_weights_skip_only_the_pipe_that_was_named(suite, mode):
    suite.makepyfile(
        "from conftest import *\ndef test_it(check): check(MISSING, 1)\ndef test_ok(check): check(1, 1)"
    )
    result = suite.runpytest("-rs", "--editmetrics-skip-missing=pixel-pipe", *mode)
    result.assert_outcomes(skipped=1, passed=1)
    result.stdout.fnmatch_lines(["*unmeasured: 1", "*test_it*skipped-missing*", "SKIPPED*skipped-missing*"])
    result = suite.runpytest("--editmetrics-skip-missing=sam-pipe", *mode)
    result.assert_outcomes(failed=1, passed=1, **({"rerun": 1} if "--reruns" in mode else {}))


GOLDEN = """
"test_it":
  score: {max: 0.2, measured: 0.14}
"""


@modes
def test_what_vanished_since_it_was_approved_is_named_and_can_fail(suite, mode):
    suite.makepyfile(
        test_x="from conftest import *\ndef test_it(check): check(NOT_FOUND)\ndef test_ok(check): check(1, 1)"
    )
    suite.mkdir("goldens").joinpath("test_x.py.yaml").write_text(GOLDEN, encoding="utf-8")
    result = suite.runpytest("-rx", *mode)
    result.assert_outcomes(xfailed=1, passed=1)
    result.stdout.fnmatch_lines(["XFAIL*was 0.140 when approved*"])
    result = suite.runpytest("--editmetrics-strict=regressed", *mode)
    result.assert_outcomes(failed=1, passed=1, **({"rerun": 1} if "--reruns" in mode else {}))


def test_strict_regressed_leaves_other_soft_failures_alone(suite):
    suite.makepyfile(
        "from conftest import *\ndef test_it(check): check(NOT_FOUND)\ndef test_ok(check): check(1, 1)"
    )
    result = suite.runpytest("--editmetrics-strict=regressed")
    result.assert_outcomes(xfailed=1, passed=1)


def test_a_strict_failure_can_be_expected_by_a_mark(suite):
    suite.makepyfile(
        "import pytest\nfrom conftest import *\n@pytest.mark.xfail(strict=True)\n"
        "def test_it(check): check(NOT_FOUND, 1)\ndef test_ok(check): check(1, 1)"
    )
    result = suite.runpytest("--editmetrics-strict=all")
    result.assert_outcomes(xfailed=1, passed=1)


def test_a_later_skip_leaves_the_test_skipped_and_its_gate_unmeasured(suite):
    suite.makepyfile(
        "import pytest\nfrom conftest import *\ndef test_it(check):\n    check(NOT_FOUND, 1)\n    pytest.skip('no')"
    )
    result = suite.runpytest()
    result.assert_outcomes(skipped=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["unmeasured: 1", "FAILED: not one gate*"])


def test_a_soft_failure_in_a_fixture_counts_for_its_test(suite):
    suite.makepyfile(
        """
        import pytest
        from conftest import *
        @pytest.fixture
        def measured(check): check(NOT_FOUND, 1)
        def test_it(measured): pass
        def test_ok(check): check(1, 1)
        """
    )
    suite.runpytest().assert_outcomes(xfailed=1, passed=1)


def test_a_soft_failure_in_the_teardown_xfails_the_teardown(suite):
    suite.makepyfile(
        """
        import pytest
        from conftest import *
        @pytest.fixture
        def late(check):
            yield
            check(NOT_FOUND, 1)
        def test_it(late, check): check(1, 1, name="call")
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(passed=1, xfailed=1)
    result = suite.runpytest("--editmetrics-strict=all")
    result.assert_outcomes(passed=1, errors=1)


def test_a_failed_subtest_is_not_turned_into_an_xfail(suite):
    suite.makepyfile(
        """
        import unittest
        import numpy as np
        from pytest_editmetrics import assert_unedit_lpips_below
        class TestIt(unittest.TestCase):
            def test_it(self):
                image = np.zeros((64, 64, 3), np.uint8)
                assert_unedit_lpips_below(image, image, [(0, 0, 64, 64)], 0.1)
                with self.subTest("one"):
                    self.fail("inside")
        """
    )
    result = suite.runpytest()
    assert result.ret == 1
    outcomes = result.parseoutcomes()
    assert outcomes.get("failed", 0) >= 1
    assert "xfailed" not in outcomes


def test_a_failing_gate_that_a_mark_or_the_test_hides_is_named(suite):
    suite.makepyfile(
        test_x="""
        import pytest
        @pytest.mark.xfail
        def test_marked(check): check(14, 0.1)
        def test_caught(check):
            with pytest.raises(AssertionError):
                check(14, 0.1)
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(xfailed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "failing gates that did not fail their test*: 2",
            "  test_x.py::test_marked: unedit score 0.140 > max 0.100*",
            "  test_x.py::test_caught: unedit score 0.140 > max 0.100*",
        ]
    )


def test_a_second_gate_without_a_name_is_an_error_that_says_so(suite):
    suite.makepyfile("def test_it(check):\n    check(1, 1)\n    check(1, 1)")
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*a second score gate in one test*tell them apart with name=*"])


def test_every_gate_of_one_check_is_in_one_failure(suite):
    suite.makepyfile(
        """
        import pytest
        from conftest import image
        @pytest.mark.editmetrics(metrics=["score", "likeness"], thresholds={"score": 0.1, "likeness": 0.5})
        def test_it(edit_gate): edit_gate.check(image(0), image(14))
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*unedit score 0.140 > max 0.100 (+0.040), marker on*", "*unedit likeness 0.140 < min 0.500 (-0.360)*"]
    )


@pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["serial", "xdist"])
def test_each_gate_is_one_junit_property_even_when_rerun(suite, mode):
    suite.makepyfile(
        """
        import pathlib
        def test_flaky(check):
            seen = pathlib.Path("seen")
            first = not seen.exists()
            seen.touch()
            check(14 if first else 5, 0.1)
        """
    )
    result = suite.runpytest("--reruns", "1", "--junitxml=junit.xml", *mode)
    result.assert_outcomes(passed=1, rerun=1)
    xml = ElementTree.parse(suite.path / "junit.xml")
    properties = [p.attrib for p in xml.iter("property")]
    assert properties == [
        {"name": "editmetrics:score", "value": "pass value=0.05 max=0.1"}
    ]
    result.stdout.fnmatch_lines(["passed only after a rerun*", "*test_flaky"])


def test_an_xfail_in_junit_carries_the_reason(suite):
    suite.makepyfile("from conftest import *\ndef test_it(check): check(NOT_FOUND, 1)")
    suite.runpytest("--junitxml=junit.xml")
    skipped = next(ElementTree.parse(suite.path / "junit.xml").iter("skipped"))
    assert skipped.attrib["type"] == "pytest.xfail"
    assert "no-value" in skipped.attrib["message"]


def test_a_project_without_gates_sees_nothing_of_the_plugin(pytester):
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    assert "editmetrics" not in result.stdout.str().replace("plugins: ", "").split("collected", 1)[1]


def test_a_crashed_worker_is_listed(suite):
    suite.makepyfile(
        "import os\ndef test_ok(check): check(1, 1)\ndef test_dies(check):\n    check(1, 1)\n    os._exit(3)"
    )
    result = suite.runpytest("-n1")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["crashed, so never measured: 1", "*test_dies"])
