"""Each row of the outcome table, as a user meets it: serial, xdist, reruns, --runxfail, junit."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from parameters import first_of
from reruns import ends_again_with

from pytest_editmetrics.cli.main import main

MODES = {
    "serial": (),
    "xdist": ("-n2",),
    "reruns": ("--reruns", "1"),
    "runxfail": ("--runxfail",),
    "xdist-reruns-runxfail": ("-n2", "--reruns", "1", "--runxfail"),
}
modes = pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())

ROWS = """
    import pytest
    from conftest import *

    def test_inside(check): check(5, 0.05)
    def test_outside(check): check(14, 0.1)
    def test_nan(check): check(NAN, 1e9)
    def test_soft(check): check(NOT_FOUND, 1)
    def test_soft_then_failure(check):
        check(NOT_FOUND, 1, name="first")
        check(14, 0.1, name="second")
    def test_soft_then_pass(check):
        check(NOT_FOUND, 1, name="first")
        check(5, 0.1, name="second")
    @pytest.mark.xfail
    def test_soft_marked(check): check(NOT_FOUND, 1)
    @pytest.mark.xfail(strict=True)
    def test_soft_marked_strict(check): check(NOT_FOUND, 1)
    def test_missing_golden(check): check(14)
    def test_missing_weights(check): check(MISSING, 1)
    def test_vanished(check): check(NOT_FOUND)
"""
GOLDEN = """
"test_vanished":
  score: {max: 0.2, measured: 0.14}
"""
OUTCOMES = {
    "test_inside": ("passed", ""),
    "test_outside": ("failed", "unedit score 0.140 > max 0.100"),
    "test_nan": ("failed", "unedit score nan is not a number (max 1000000000.0)"),
    "test_soft": ("xfailed", "unedit score unmeasured (no-value): pixel-pipe returned None"),
    "test_soft_then_failure": ("failed", "unedit score@second 0.140 > max 0.100"),
    "test_soft_then_pass": ("xfailed", "unedit score@first unmeasured (no-value)"),
    "test_soft_marked": ("xfailed", "no-value"),
    "test_soft_marked_strict": ("xfailed", "no-value"),
    "test_missing_golden": ("failed", "unedit score 0.140 has no threshold and no golden"),
    "test_missing_weights": ("failed", "score could not be judged: no weights"),
    "test_vanished": ("xfailed", "was 0.140 when approved"),
}


def outcomes(suite):
    """Return each test's last outcome and message, as the junit file tells them."""
    found = {}
    for case in ElementTree.parse(suite.path / "junit.xml").iter("testcase"):
        name, outcome, message = case.attrib["name"], "passed", ""
        for child in case:
            if child.tag in ("failure", "error"):
                outcome, message = "failed", child.attrib["message"]
            elif child.tag == "skipped":
                message = child.attrib["message"]
                outcome = "xfailed" if child.attrib["type"] == "pytest.xfail" else "skipped"
        found[name] = (outcome, message)
    return found


def expect(found, table):
    assert found.keys() == table.keys()
    wrong = {
        name: (found[name], expected)
        for name, expected in table.items()
        if found[name][0] != expected[0] or expected[1] not in found[name][1]
    }
    assert not wrong


@pytest.fixture
def table(suite):
    suite.makepyfile(test_x=ROWS)
    suite.mkdir("goldens").joinpath("test_x.py.yaml").write_text(GOLDEN, encoding="utf-8")
    return suite


@modes
def test_every_row_of_the_outcome_table(table, mode):
    result = table.runpytest("--junitxml=junit.xml", *mode)
    assert result.ret == 1
    expect(outcomes(table), OUTCOMES)


@pytest.mark.quick(1)
@modes
def test_the_rows_under_strict_all(table, mode):
    result = table.runpytest("--junitxml=junit.xml", "--editmetrics-strict=all", *mode)
    assert result.ret == 1
    strict = dict(OUTCOMES)
    for name in ("test_soft", "test_soft_then_pass", "test_vanished"):
        strict[name] = ("failed", "unmeasured (no-value)")
    for name in ("test_soft_marked", "test_soft_marked_strict"):
        strict[name] = ("failed", "no-value") if "--runxfail" in mode else ("xfailed", "")
    expect(outcomes(table), strict)


def test_strict_regressed_fails_only_what_was_measured_when_approved(table):
    table.runpytest("--junitxml=junit.xml", "--editmetrics-strict=regressed")
    strict = {**OUTCOMES, "test_vanished": ("failed", "was 0.140 when approved")}
    expect(outcomes(table), strict)


def test_missing_weights_skip_only_the_pipe_that_was_named(table):
    result = table.runpytest("--junitxml=junit.xml", "--editmetrics-skip-missing=pixel-pipe", "-rs")
    skip = {**OUTCOMES, "test_missing_weights": ("skipped", "no weights; run `editmetrics weights")}
    expect(outcomes(table), skip)
    result.stdout.fnmatch_lines(["unmeasured: *", "*test_missing_weights*skipped-missing*"])
    table.runpytest("--junitxml=junit.xml", "--editmetrics-skip-missing=sam-pipe")
    expect(outcomes(table), OUTCOMES)


def test_a_failure_says_where_how_and_what_to_do(suite):
    suite.makepyfile(
        test_x="def test_it(check):\n    check(14, 0.1)\n\ndef test_golden(check): check(9)"
    )
    result = suite.runpytest()
    result.stdout.fnmatch_lines(
        [
            "*GateFailure: unedit score 0.140 > max 0.100*",
            "*bound     argument test_x.py:2",
            "*look at*editmetrics*.png*",
            "*to accept*edit test_x.py:2, a bound written by hand*",
            "*change*by at most 14 of 255*",
            "*region*whole image*8x8*",
            "*measured*on cpu*",
            "*to record*pytest test_x.py::test_golden --editmetrics-update=missing",
        ]
    )


@pytest.mark.parametrize("mode", [(), ("-n1",)], ids=["serial", "xdist"])
def test_a_session_that_measured_nothing_exits_with_1_and_says_so(suite, mode):
    suite.makepyfile("from conftest import *\ndef test_it(check): check(NOT_FOUND, 1)")
    result = suite.runpytest(*mode)
    result.assert_outcomes(xfailed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*FAILED: not one gate of this session could be measured*"])


def test_a_later_skip_leaves_the_test_skipped_and_its_gate_unmeasured(suite):
    suite.makepyfile(
        "import pytest\nfrom conftest import *\ndef test_it(check):\n    check(NOT_FOUND, 1)\n    pytest.skip('no')"
    )
    result = suite.runpytest()
    result.assert_outcomes(skipped=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["unmeasured: 1", "FAILED: not one gate*"])


SKIPS = """
    import unittest
    import pytest
    from conftest import *

    @pytest.fixture
    def caught(check):
        try:
            check(14, 0.1)
        except AssertionError:
            pass
    @pytest.fixture
    def caught_then_skip(caught): pytest.skip("no")
    @pytest.fixture
    def skip_late(check):
        yield
        try:
            check(14, 0.1, name="late")
        except AssertionError:
            pytest.skip("no")

    def test_caught(caught): pytest.skip("no")
    def test_unittest_skip(caught): raise unittest.SkipTest("no")
    def test_setup(caught_then_skip): pass
    def test_teardown(skip_late): pass
    @pytest.mark.xfail
    def test_marked(caught): pytest.skip("no")
    def test_error(check):
        try:
            check(MISSING, 1)
        except Exception:
            pytest.skip("no weights")
    def test_innocent(check):
        check(5, 0.1)
        pytest.skip("no")
    class TestIt(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def measured(self, request): request.getfixturevalue("caught")
        def test_case(self): self.skipTest("no")
"""


@pytest.mark.parametrize(
    "mode", [(), ("-n2",), ("--runxfail",)], ids=["serial", "xdist", "runxfail"]
)
def test_a_skip_hides_no_failing_gate(suite, mode):
    suite.makepyfile(test_x=SKIPS)
    result = suite.runpytest("-rfEsx", *mode)
    marked = {"failed": 5} if "--runxfail" in mode else {"failed": 4, "xfailed": 1}
    assert result.parseoutcomes() == {**marked, "passed": 1, "skipped": 1, "errors": 2}
    result.stdout.fnmatch_lines_random(
        [
            "FAILED test_x.py::test_caught - unedit score*",
            "FAILED test_x.py::test_unittest_skip - *",
            "FAILED test_x.py::TestIt::test_case - *",
            "FAILED test_x.py::test_error - score could not be judged*",
            "ERROR test_x.py::test_setup - *",
            "ERROR test_x.py::test_teardown - *",
            "SKIPPED * no",
        ]
    )


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
                assert_unedit_lpips_below(image, image.copy(), [(0, 0, 64, 64)], 0.1)
                with self.subTest("one"):
                    self.fail("inside")
        """
    )
    result = suite.runpytest()
    assert result.ret == 1
    outcomes = result.parseoutcomes()
    assert outcomes.get("failed", 0) >= 1
    assert "xfailed" not in outcomes


def test_a_failing_gate_that_a_mark_hides_is_named_and_no_test_can_swallow_one(suite):
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
    result.assert_outcomes(xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["*a gate failed and its exception was caught*"])
    result.stdout.fnmatch_lines(
        [
            "failing gates that did not fail their test*: 1",
            "  test_x.py::test_marked: unedit score 0.140 > max 0.100*",
        ]
    )


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("body", "called"),
    [
        ("in_thread(check_it, edit_gate)", "helpers.py:2"),
        ("try: check_it(edit_gate)\n    except Exception: pass", "test_x.py:6"),
        ("try: edit_gate.check(A)\n    except Exception: pass", "test_x.py:6"),
        (
            "for name in 'ab':\n        try: edit_gate.check(A, B, name=name)\n"
            "        except Exception: pass",
            "test_x.py:7",
        ),
        (
            "try: edit_gate.check(A, B, name='a')\n    except Exception: pass\n"
            "    try: golden_image.check(A, nane='b')\n    except Exception: pass",
            "score@a, likeness@a: test_x.py:6; golden_image: test_x.py:8",
        ),
        ("in_thread(lambda: edit_gate.check(A, B))", "test_x.py:6"),
        (
            "in_thread(edit_gate.check, A)",
            "by the thread 'ThreadPoolExecutor-* itself, from no line of the project",
        ),
    ],
    ids=["helper", "by-test", "caught", "loop", "several", "thread", "target"],
)
@pytest.mark.parametrize("mode", [(), ("-n1",)], ids=["serial", "xdist"])
def test_a_failure_that_could_not_raise_tells_who_called(suite, mode, body, called):
    suite.makepyfile(
        helpers="def check_it(gate):\n    gate.check(None, None)\n",
        test_x="from concurrent.futures import ThreadPoolExecutor\nimport pytest\n"
        "from helpers import check_it\n"
        "from conftest import image; A, B = image(0), image(14)\n"
        "def test_it(edit_gate, golden_image):\n"
        f"    {body}\n"
        "def in_thread(target, *args):\n"
        "    with ThreadPoolExecutor(1) as pool: pool.submit(target, *args)\n",
    )
    suite.path.joinpath("editmetrics.yaml").write_text(
        "metrics: [score, likeness]\nthresholds: {score: 0.1, likeness: 0.5}\n"
    )
    result = suite.runpytest(*mode)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*    called    {called}"])


def test_a_wrong_keyword_of_a_check_with_a_name_tells_the_name(suite):
    suite.makepyfile("def test_it(edit_gate): edit_gate.check(None, None, nane=1, name='late')\n")
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*no keyword 'nane' (did you mean 'name'?) (in the check of name='late')"]
    )


def test_a_second_gate_without_a_name_is_an_error_that_says_so(suite):
    suite.makepyfile("def test_it(check):\n    check(1, 1)\n    check(1, 1)")
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*a second score gate in one test*tell them apart with name=*"])


def test_every_gate_of_one_check_is_in_one_failure_the_worst_first(suite):
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
        [
            "*GateFailure: unedit likeness 0.140 < min 0.500*",
            "*unedit score 0.140 > max 0.100*",
            "*bound     *marker on*",
        ]
    )


@pytest.mark.parametrize("mode", [(), ("-n1",)], ids=["serial", "xdist"])
def test_each_gate_is_one_junit_property_even_when_rerun(suite, capsys, mode):
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
    result = suite.runpytest(
        *("--reruns", "1", "--junitxml=junit.xml", "-o", "editmetrics_junit=full", *mode),
        "--editmetrics-run-dir=run",
    )
    assert result.parseoutcomes() == {"passed": 1, "rerun": 1}
    xml = ElementTree.parse(suite.path / "junit.xml")
    properties = [p.attrib for case in xml.iter("testcase") for p in case.iter("property")]
    assert properties == [{"name": "editmetrics:score", "value": "pass value=0.05 max=0.1"}]
    result.stdout.fnmatch_lines(["passed only after a rerun*", "*test_flaky"])
    capsys.readouterr()
    assert main(["comment", str(suite.path / "run")]) == 0
    assert re.search("### Passed only after a rerun: 1\n.*test_flaky", capsys.readouterr().out)


def test_a_project_without_gates_sees_nothing_of_the_plugin(pytester):
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    assert (
        "editmetrics" not in result.stdout.str().replace("plugins: ", "").split("collected", 1)[1]
    )


def test_a_crashed_worker_is_listed(suite):
    suite.makepyfile(
        "import os\ndef test_ok(check): check(1, 1)\ndef test_dies(check):\n    check(1, 1)\n    os._exit(3)"
    )
    result = suite.runpytest("-n1")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["crashed, so not measured to the end: 1", "*test_dies"])


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    "mode", first_of(1, [(), ("-n1",), ("--tb=short",)]), ids=["serial", "xdist", "short"]
)
@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("edit_gate.check_all([{'refernce': A}])",
         "InputError: check takes no keyword 'refernce' (did you mean 'reference'?)"),
        ("edit_gate.check(A, A.copy(), expect='composite')",
         "InputError: unknown expect='composite' (did you mean 'composited'?)"),
        ("golden_image.check(A, comparator='pixl')",
         "InputError: unknown comparator 'pixl' (did you mean 'pixel'?)"),
        ("edit_gate.check(A, A.copy(), thresholds={'lpips': 0.1})",
         "InputError: check takes no keyword 'thresholds'; a bound stands in"
         " @pytest.mark.editmetrics(thresholds={...}), in a golden, or under thresholds: in editmetrics.yaml"),
        ("edit_gate.check(A, A.copy(), boxes=[(0, 0, 4, 4)])",
         "InputError: check takes no keyword 'boxes' (did you mean 'coords'?)"),
        ("edit_gate.check(A, A.copy(), [(0, 0, 4, 4)], ['lpips'])",
         "InputError: check: too many positional arguments; write check(reference, edited, coords), and"
         " all else as keywords"),
        ("golden_image.check(A, threshold=0.1)",
         "InputError: check takes no keyword 'threshold' (did you mean 'tolerance'?)"),
        ("pytest_editmetrics.assert_unedit_lpips_below(A, A.copy(), None, max=0.1)",
         "InputError: assert_unedit_lpips_below takes no keyword 'max' (did you mean 'threshold'?)"),
        ("pytest_editmetrics.assert_unedit_emd_below(A, A.copy())",
         "InputError: assert_unedit_emd_below: missing a required argument: 'coords'; write"
         " assert_unedit_emd_below(reference, edited, coords, threshold), and all else as keywords"),
        ("pytest_editmetrics.assert_object_sim_above(A, A.copy(), refboxes=[(0, 0, 4, 4)])",
         "InputError: assert_object_sim_above takes no keyword 'refboxes' (did you mean 'ref_boxes'?)"),
        ("golden_image.check(A, A.copy())",
         "InputError: the second argument of golden_image.check is a name of the check, not an object of"
         " ndarray: the golden is found by itself, *; write golden_image.check(image), or*"),
        ("pytest_editmetrics.assert_unedit_lpips_below(A, A.copy(), None, expect='seamless')",
         "InputError: assert_unedit_lpips_below takes no keyword 'expect'; edit_gate.check does"),
    ],
    ids=["key", "expect", "comparator", "bound", "boxes", "many", "golden", "max", "none", "object",
         "name", "other"],
)  # fmt: skip
def test_an_error_is_one_of_the_line_that_called(suite, mode, call, says):
    suite.makepyfile(
        "import numpy as np\nimport pytest_editmetrics\nA = np.zeros((16, 16, 3), np.uint8)\n"
        f"def helper(edit_gate, golden_image): {call}\n"
        "def test_it(edit_gate, golden_image):\n    helper(edit_gate, golden_image)\n"
    )
    result = suite.runpytest(*mode)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E * {says}".replace("[", "[[]")])
    shown = result.stdout.str()
    assert "def helper" in shown
    assert "helper(edit_gate, golden_image)" in shown
    for inner in ("During handling", "direct cause", "pytest_editmetrics/", "contextlib.py"):
        assert inner not in shown.partition("short test summary")[0].partition("FAILURES")[2]
    if not mode:
        whole = suite.runpytest("--full-trace").stdout.str()
        assert "pytest_editmetrics/" in whole.partition("FAILURES")[2]


ALONE = {
    "asked and made none": "def test_it(edit_gate): pass",
    "caught": """
import contextlib
def test_it(check):
    with contextlib.suppress(BaseException): check(50, 0.1)
""",
    "in a thread": """
import threading
def test_it(check):
    thread = threading.Thread(target=lambda: check(50, 0.1)); thread.start(); thread.join()
""",
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("way", ALONE)
def test_what_no_line_of_the_test_raised_shows_no_line_of_ours(suite, way):
    suite.makepyfile(test_it=ALONE[way])
    result = suite.runpytest("-p", "no:threadexception")
    assert result.ret == 1
    result.stdout.no_fnmatch_line("*outcomes.py*")
    result.stdout.no_fnmatch_line("*def pytest_runtest_call*")
    whole = suite.runpytest("-p", "no:threadexception", "--full-trace")
    whole.stdout.fnmatch_lines(["*outcomes.py:*"])


def test_a_failing_gate_is_made_good_by_a_rerun_that_measures_it_and_by_no_other_gate(suite):
    pytest.importorskip("pytest_rerunfailures")
    suite.makepyfile(
        test_x="""
        import pytest
        runs = {}
        @pytest.fixture
        def first(request):
            runs[request.node.name] = runs.get(request.node.name, 0) + 1
            return runs[request.node.name] == 1
        def test_other_name(check, first):
            check(1, 0.1, name="always")
            if first: check(20, 0.1, name="once")
        def test_same(check, first): check(20 if first else 1, 0.1)
        def test_error(check, first): check(1, 0.1, name="bad" if not first else 7)
        """
    )
    result = suite.runpytest("--reruns", "1")
    assert result.ret == 1
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "passed only after a rerun: 2",
            "  test_x.py::test_same",
            "  test_x.py::test_error",
            "FAILED: test_x.py::test_other_name failed its gate, was run again, ended as passed and"
            " measured others, but not it: unedit score@once 0.200 > max*",
        ]
    )


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        ("pytest.skip('not now')", "skipped"),
        ("return", "passed"),
        ("check(NOT_FOUND, 1); return", "xfailed"),
    ],
)
def test_a_failing_gate_is_not_made_good_by_a_rerun_that_measures_nothing(suite, last, outcome):
    pytest.importorskip("pytest_rerunfailures")
    suite.makepyfile(test_x=ends_again_with(last))
    result = suite.runpytest("--reruns", "1")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [f"FAILED: test_x.py::test_it failed its gate, was run again, ended as {outcome} and me*"]
    )
    result.stdout.no_fnmatch_line("passed only after a rerun*")


def test_a_line_of_a_folder_named_like_a_module_of_pythons_is_shown(suite):
    package = suite.mkpydir("profile")
    (package / "test_it.py").write_text(
        "def test_it(edit_gate):\n    edit_gate.check('no.png', 'such.png')  # the user's line\n"
    )
    result = suite.runpytest_subprocess("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines([">*the user's line", "profile/test_it.py:2: *"])


def test_an_error_that_a_check_was_made_in_the_wake_of_is_shown_too(suite):
    suite.makepyfile(
        """
        def test_it(edit_gate):
            try:
                raise RuntimeError("CUDA out of memory")
            except RuntimeError:
                edit_gate.check("no.png", "such.png")
        """
    )
    result = suite.runpytest()
    result.stdout.fnmatch_lines(
        ["*RuntimeError: CUDA out of memory", "During handling of the above*", "*no.png*"]
    )
    assert (
        result.outlines.count("During handling of the above exception, another exception occurred:")
        == 1
    )
