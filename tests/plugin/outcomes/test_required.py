"""``--editmetrics-require``: a session that measured fewer gates than stated fails."""

from __future__ import annotations

import pytest
from parameters import first_of

from pytest_editmetrics.errors import InputError
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.measurement import Metric
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.plugin.required import Required
from pytest_editmetrics.session.state import session_of

SUITE = """
    import pathlib
    import pytest
    from conftest import *

    def first(name):
        seen = pathlib.Path(name).exists()
        pathlib.Path(name).touch()
        return not seen

    def test_pass(check):
        check(5, 0.1)
        check(90, 0.8, metric="likeness")
    def test_fail(check): check(14, 0.1)
    def test_new(check): check(14)
    def test_flaky(check): check(14 if first("flaky") else 5, 0.1)
    def test_lost(check):
        now = first("lost")
        check(5 if now else NOT_FOUND, 0.1)
        assert not now
    def test_soft(check): check(NOT_FOUND, 1)
    def test_error(check): check(MISSING, 1)
    @pytest.mark.skip
    def test_skipped(check): check(5, 0.1)
    @pytest.mark.xfail
    def test_marked(check): check(14, 0.1)
"""
GREEN = (
    "from conftest import *\ndef test_a(check): check(5, 0.1)\ndef test_b(check): check(5, 0.1)\n"
)


def test_what_would_notice_that_tests_are_gone_is_said(suite):
    suite.makepyfile(GREEN)
    result = suite.runpytest("--editmetrics-require=1")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "--editmetrics-require=1 notices nothing before 2 of 2 gates are gone; for a run of all"
            " tests state --editmetrics-require=2"
        ]
    )
    suite.runpytest("--editmetrics-require=2").stdout.no_fnmatch_line("*notices*")


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
def test_each_gate_is_to_have_a_golden_or_a_written_bound(suite, mode):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: 0.9}\n")
    by_hand = "def test_c(check): check(5, 0.1)\n"
    suite.makepyfile(GREEN.replace("check(5, 0.1)", "check(5)") + by_hand)
    result = suite.runpytest("--editmetrics-require=1,golden=all", *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "FAILED: fewer gates * asks for: 2 held by a default bound alone, without a golden:"
            " exit status 1 (first *::test_*); are the goldens recorded, and committed[?]"
        ]
    )
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=3)
    result = suite.runpytest("--editmetrics-require=1,golden=all", *mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*for a run of all tests state --editmetrics-require=3,golden=all"]
    )
    suite.runpytest("--editmetrics-require=3,golden=all").stdout.no_fnmatch_line("*notices*")


@pytest.mark.parametrize("known", ["check(5)", "check(20)"], ids=["mended", "as it was"])
def test_no_golden_is_asked_of_a_test_that_is_expected_to_fail(suite, known):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: 9}\n")
    suite.makepyfile(
        "import pytest\ndef test_a(check): check(5)\n@pytest.mark.xfail\n"
        f"def test_b(check):\n    check(5, name='other')\n    {known}\n"
    )
    suite.runpytest("--editmetrics-update=missing")
    result = suite.runpytest("--editmetrics-require=1,golden=all")
    excused = r"\(and 2 of tests that are expected to fail\)"
    said = rf"required .* 0 held by a default bound alone, without a golden {excused}"
    result.stdout.re_match_lines([said])
    assert result.ret == 0


def test_one_is_asked_where_a_gate_beside_it_could_not_be_measured(suite):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: 9}\n")
    suite.makepyfile("def test_a(check):\n    check(5, name='other')\n    check(None)\n")
    result = suite.runpytest("--editmetrics-require=1,golden=all")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: fewer gates *: 1 held by a default bound alone*"])


@pytest.mark.parametrize("default", [True, False])
def test_a_gate_that_nothing_holds_is_not_said_to_be_held_by_a_default(suite, default):
    picture = "import numpy as np\ndef test_c(golden_image): golden_image.check(np.ones((8, 8, 3), np.uint8))\n"
    bound = "thresholds: {score: 0.9}\n" if default else ""
    settings = f"{bound}golden_images: {{comparator: exact}}\n"
    (suite.path / "editmetrics.yaml").write_text(settings)
    suite.makepyfile(picture + ("def test_d(check): check(5)\n" if default else ""))
    result = suite.runpytest("--editmetrics-require=golden=all")
    assert result.ret == 1
    held = (
        "1 held by a default bound alone, without a golden, and 1 that nothing holds"
        if default
        else "1 that nothing holds, without a golden"
    )
    line = f"FAILED: fewer gates *: {held}: exit status 1 (first *"
    result.stdout.fnmatch_lines([line])


def test_goldens_of_each_gate_are_asked_of_a_session_that_has_none(suite):
    suite.makepyfile("import pytest\n@pytest.mark.skip\ndef test_a(check): check(5, 0.1)")
    result = suite.runpytest("--editmetrics-require=golden=all")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["FAILED: fewer gates *: no gate to hold to a golden: exit status 1"]
    )


def test_what_would_notice_that_goldens_are_gone_is_said(suite):
    suite.makepyfile(GREEN.replace("check(5, 0.1)", "check(5)"))
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    said = "; for a run of all tests state --editmetrics-require=2,golden=all"
    for asked, lost in (
        (1, "nothing before 2 of 2 gates are gone"),
        (2, "no golden that is gone, of 2"),
    ):
        result = suite.runpytest(f"--editmetrics-require={asked}")
        result.stdout.fnmatch_lines([f"--editmetrics-require={asked} notices {lost}{said}"])
    many = "\n".join(f"def test_{name}(check): check(5)" for name in "abcd")
    suite.makepyfile(many)
    suite.runpytest("--editmetrics-update=missing")
    for asked, lost in (
        ("1,golden=1", "nothing before 4 of 4 gates are gone"),
        ("4,golden=1", "nothing before 4 goldens are gone, of 4"),
    ):
        result = suite.runpytest(f"--editmetrics-require={asked}")
        said = "; for a run of all tests state --editmetrics-require=4,golden=all"
        result.stdout.fnmatch_lines([f"--editmetrics-require={asked} notices {lost}{said}"])
    suite.makepyfile(GREEN.replace("check(5, 0.1)", "check(5)"))
    for asked in ("2,golden=2", "2,golden=0", "golden=2"):
        suite.runpytest(f"--editmetrics-require={asked}").stdout.no_fnmatch_line("*notices*")


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_what_counts_is_measured_in_a_last_attempt(suite, mode):
    suite.makepyfile(SUITE)
    required = ("--editmetrics-require=7", "--editmetrics-require", "score=5,likeness=1")
    result = suite.runpytest("--reruns", "1", *required, *mode)
    found = [line for line in result.outlines if line.startswith("FAILED: fewer")]
    assert found == [
        "FAILED: fewer gates were measured than --editmetrics-require asks for: 6 of 7 in all"
        " (likeness 1, score 5): exit status 1"
    ]


@pytest.mark.parametrize(("required", "status"), [("2,score=2", 0), ("3", 1), ("score=3", 1)])
def test_a_green_session_fails_where_gates_are_missing(suite, required, status):
    suite.makepyfile(GREEN)
    result = suite.runpytest(f"--editmetrics-require={required}")
    result.assert_outcomes(passed=2)
    assert result.ret == status
    said = "FAILED: fewer gates*2 of 3 *" if status else "required gates were measured: 2 of 2 *"
    result.stdout.fnmatch_lines([said])


def test_a_test_that_every_worker_ran_counts_once(pytester):
    required = Required(session_of(pytester.parseconfigure("--editmetrics-require=2")))
    for _ in range(2):
        required.add("test_x.py::test_it", [Gate("lpips", "pass", value=0.0)])
    required.close()
    assert ["1 of 2 in all (lpips 1)" in problem for problem in required.problems] == [True]


def test_a_selection_of_nothing_fails_and_githubs_page_says_so(suite, monkeypatch):
    step = suite.path / "step.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    suite.makepyfile(test_x=GREEN)
    result = suite.runpytest("--editmetrics-require=1", "-k", "nothing")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED: fewer gates*: 0 of 1 in all: exit status 1"])
    text = step.read_text(encoding="utf-8")
    assert text.startswith("\n## ❌ editmetrics failed: 0 gates\n")
    assert "❌ <code>fewer gates were measured" in text


def test_collecting_requires_nothing(suite):
    suite.makepyfile(GREEN)
    assert suite.runpytest("--collect-only", "--editmetrics-require=9").ret == 0


def test_golden_images_and_other_names_count_and_self_tests_do_not(suite):
    suite.makepyfile(
        """
        import numpy as np
        import pytest
        from conftest import image
        def test_golden(golden_image): golden_image.check(image(5), comparator="pixel")
        @pytest.mark.editmetrics(metrics="unedit_ssim", thresholds={"unedit_ssim": 0.5})
        def test_it(edit_gate):
            before = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
            edit_gate.check(before, before.copy())
        """
    )
    required = "--editmetrics-require=golden_pixel=1,ssim=1,3"
    result = suite.runpytest(required, "--editmetrics-update=missing", "--editmetrics-selftest")
    result.stdout.fnmatch_lines(
        ["FAILED: fewer gates*: 2 of 3 in all (golden_pixel 1, unedit_ssim 1): *"]
    )
    assert "selftest  " in result.stdout.str()


EXPECTED = """
    import numpy as np
    def test_it(edit_gate, golden_image):
        before = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
        edited = before.copy()
        edited[:32, :32] //= 2
        edit_gate.check(before, edited, [(0, 0, 32, 32)], metrics=["unedit_max_diff", "lpips"])
        golden_image.check(edited, comparator="pixel")
"""


def test_a_golden_that_is_gone_leaves_a_default_bound_and_that_is_said_and_can_be_required(suite):
    suite.path.joinpath("editmetrics.yaml").write_text("expect: composited\n")
    suite.makepyfile(EXPECTED)
    recorded = suite.runpytest("--editmetrics-update=missing", "--editmetrics-require=golden=1")
    required = "--editmetrics-require=golden=3"
    kept = suite.runpytest(required)
    kept.stdout.fnmatch_lines(["required gates were measured: 3 of 3 held to a golden"])
    assert recorded.ret == kept.ret == 0
    assert "no golden: " not in recorded.stdout.str() + kept.stdout.str()
    (golden,) = (suite.path / "goldens").glob("*.yaml")
    golden.unlink()
    summary = "--editmetrics-summary=summary.md"
    without = suite.runpytest(summary)
    assert without.ret == 0
    said = "no golden: 2 of 3 gates were held to the bounds of expect alone (--editmetrics-require=golden=N *"
    without.stdout.fnmatch_lines([said])
    assert "\nno golden: 2 of 3 gates" in (suite.path / "summary.md").read_text()
    held = suite.runpytest(required)
    held.stdout.fnmatch_lines([said, "FAILED: fewer gates were *: 1 of 3 held to a golden: *"])
    assert held.ret == 1


def test_a_golden_image_that_is_missing_holds_nothing_and_one_that_is_recorded_will(suite):
    (suite.path / "editmetrics.yaml").write_text("expect: composited\n")
    suite.makepyfile(EXPECTED.replace("    def test", "    @pytest.mark.xfail\n    def test", 1))
    suite.path.joinpath("test_x.py").write_text(
        "import pytest\n" + next(suite.path.glob("test_*.py")).read_text()
    )
    required = "--editmetrics-require=golden=3"
    missing = suite.runpytest("test_x.py", required)
    missing.assert_outcomes(xfailed=1)
    missing.stdout.fnmatch_lines(["FAILED: fewer gates were *: 0 of 3 held to a golden: *"])
    assert missing.ret == 1
    recorded = suite.runpytest("test_x.py", required, "--editmetrics-update=missing", "--runxfail")
    recorded.stdout.fnmatch_lines(["required gates were measured: 3 of 3 held to a golden"])
    assert recorded.ret == 0


@pytest.mark.parametrize("name", ["golden", "golden_pixel"])
def test_no_metric_takes_a_name_that_stands_for_goldens(name):
    with pytest.raises(InputError, match=f"^pipe 'x' declares metric '{name}', a name of goldens"):
        PipeRegistry().register("x", "a:B", metrics=[Metric(name, "lower")])
    with pytest.raises(InputError, match=f"^pipe 'x' declares metric '{name}', a name of goldens"):
        PipeRegistry().register("x", "a:B", metrics=[Metric("own", "lower", aliases=(name,))])


def test_the_ini_file_requires_and_the_command_line_wins(suite):
    suite.makeini("[pytest]\neditmetrics_require = score=3 40\n")
    suite.makepyfile(GREEN)
    suite.runpytest().stdout.fnmatch_lines(["FAILED: *: 2 of 3 score, 2 of 40 in all*"])
    assert suite.runpytest("--editmetrics-require=2").ret == 0
    assert suite.runpytest("-o", "editmetrics_require=").ret == 0


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("many", "cannot be 'many': write a whole number"),
        ("0", "cannot be '0'"),
        ("-3", "cannot be '-3'"),
        ("1.5", "cannot be '1.5'"),
        ("score=nan", "cannot be 'score=nan'"),
        ("score=", "cannot be 'score='"),
        ("=3", "cannot be '=3'"),
        ("", "is empty, so it would require nothing"),
        ("3,4", "given twice for all gates: 3 and 4"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(pytester, value, says):
    with pytest.raises(pytest.UsageError, match=f"^--editmetrics-require.*{says}"):
        pytester.parseconfigure(f"--editmetrics-require={value}")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("scoer=3", "unknown metric 'scoer' (did you mean 'score'?)"),
        ("golden_pixels=3", "unknown metric 'golden_pixels' (did you mean 'golden_pixel'?)"),
        ("ssim=1,unedit_ssim=1", "names unedit_ssim twice, as 'unedit_ssim' too; give it once"),
    ],
)
def test_a_metric_that_makes_no_sense_is_a_usage_error(suite, value, says):
    suite.makepyfile("def test_never(): open('ran', 'w')")
    result = suite.runpytest(f"--editmetrics-require={value}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert says in result.stderr.str()
    assert not (suite.path / "ran").exists()


def test_workers_may_know_a_metric_that_the_controller_does_not(suite):
    conftest = (suite.path / "conftest.py").read_text()
    (suite.path / "conftest.py").write_text("")
    (suite.path / "a" / "b").mkdir(parents=True)
    (suite.path / "a" / "b" / "conftest.py").write_text(conftest)
    (suite.path / "a" / "b" / "test_x.py").write_text(GREEN)
    assert suite.runpytest("--editmetrics-require=score=2").ret == 0
    result = suite.runpytest("--editmetrics-require=score=2,lpip=2", "-n1")
    assert result.ret == 1
    said = "FAILED: *: 0 of 2 lpip (did you mean 'lpips'?): exit status 1"
    result.stdout.fnmatch_lines([said])
