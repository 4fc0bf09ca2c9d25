"""Recording, comparing and updating golden thresholds, as a user does it."""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap

import pytest

# one worker: the suites hold one test
both = pytest.mark.parametrize("mode", [(), ("-n1",)], ids=["serial", "xdist"])
with_two = pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["serial", "xdist"])


@pytest.fixture
def golden(suite):
    folder = suite.path / "goldens"
    folder.mkdir()
    return folder / "test_x.py.yaml"


@both
def test_the_whole_cycle(suite, mode):
    suite.makepyfile(
        test_x="import os\ndef test_it(check): check(int(os.environ['V']), name='hat')\n"
    )
    os.environ["V"] = "20"
    result = suite.runpytest(*mode)
    result.assert_outcomes(failed=1)
    result = suite.runpytest("--editmetrics-update=missing", *mode)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*recorded*", "recorded: goldens/test_x.py.yaml; review*"])
    golden = suite.path / "goldens" / "test_x.py.yaml"
    assert golden.read_text(encoding="utf-8").splitlines() == [
        '"test_it":',
        '  score@hat: {max: 0.22, measured: 0.2, size: "8x8"}',
    ]
    suite.runpytest(*mode).assert_outcomes(passed=1)
    os.environ["V"] = "23"
    result = suite.runpytest(*mode)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*unedit score@hat 0.230 > max 0.220*",
            "*bound     golden goldens/test_x.py.yaml:2",
            "*to accept*pytest test_x.py::test_it --editmetrics-update=failed",
        ]
    )
    before = golden.read_text(encoding="utf-8")
    suite.runpytest("--editmetrics-update=missing", *mode).assert_outcomes(failed=1)
    assert golden.read_text(encoding="utf-8") == before
    suite.runpytest("--editmetrics-update=failed", *mode).assert_outcomes(passed=1)
    assert "max: 0.253, measured: 0.23" in golden.read_text(encoding="utf-8")
    suite.runpytest(*mode).assert_outcomes(passed=1)


@both
def test_a_recorded_bound_beyond_the_default_is_said(suite, mode):
    suite.makepyfile(test_x="def test_it(check): check(19)\ndef test_low(check): check(9)\n")
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 0.2}}\n")
    result = suite.runpytest("--editmetrics-update=missing", *mode)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "warning: 1 recorded bound looser than the default:",
            "  test_x.py::test_it: score max 0.209, looser than max 0.2 of editmetrics.yaml:1",
        ]
    )
    result.stdout.no_fnmatch_line("*test_low: score max*")


@with_two
def test_update_all_rewrites_what_passes_and_keeps_comments_and_order(suite, golden, mode):
    golden.write_text(
        "# approved by Ada\n"
        '"test_b":  # the hat\n'
        "  score: {max: 0.5, measured: 0.3}  # loose on purpose\n"
        '"test_a":\n'
        "  score: {max: 0.5, measured: 0.3}\n",
        encoding="utf-8",
    )
    suite.makepyfile(test_x="def test_a(check): check(20)\ndef test_b(check): check(10)")
    suite.runpytest("--editmetrics-update=failed", *mode).assert_outcomes(passed=2)
    assert "max: 0.5" in golden.read_text(encoding="utf-8")
    suite.runpytest("--editmetrics-update=all", *mode).assert_outcomes(passed=2)
    assert golden.read_text(encoding="utf-8") == (
        "# approved by Ada\n"
        '"test_b":  # the hat\n'
        '  score: {max: 0.11, measured: 0.1, size: "8x8"}  # loose on purpose\n'
        '"test_a":\n'
        '  score: {max: 0.22, measured: 0.2, size: "8x8"}\n'
    )


def test_a_bound_of_the_test_is_never_written(suite):
    suite.makepyfile(test_x="def test_it(check): check(20, 0.1)")
    result = suite.runpytest("--editmetrics-update=all")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*to accept*edit test_x.py:1, a bound written by hand*"])
    assert not (suite.path / "goldens").exists()


def test_missing_records_where_only_a_default_held_but_not_beyond_it(suite):
    (suite.path / "editmetrics.yaml").write_text("thresholds:\n  score: {max: 0.5}\n")
    suite.makepyfile(test_x="def test_in(check): check(20)\ndef test_out(check): check(60)")
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*0.600 > max 0.500*", "*bound     default editmetrics.yaml:2"])
    text = (suite.path / "goldens" / "test_x.py.yaml").read_text()
    assert "test_in" in text
    assert "test_out" not in text


def test_lookup_order_is_argument_marker_golden_default(suite, golden):
    (suite.path / "editmetrics.yaml").write_text("thresholds:\n  score: {max: 0.4}\n")
    golden.write_text('"test_golden":\n  score: {max: 0.3}\n"test_marker":\n  score: {max: 0.3}\n')
    suite.makepyfile(
        test_x="""
        import pytest
        def test_default(check): check(60)
        def test_golden(check): check(60)
        @pytest.mark.editmetrics(thresholds={"score": 0.2})
        def test_marker(check): check(60)
        @pytest.mark.editmetrics(thresholds={"score": 0.2})
        def test_argument(check): check(60, 0.1)
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(
        [
            "*max 0.400*",
            "*bound     default editmetrics.yaml:2",
            "*max 0.300*",
            "*bound     golden goldens/test_x.py.yaml:2",
            "*max 0.200*",
            "*bound     marker on test_x.py::test_marker",
            "*max 0.100*",
            "*bound     argument test_x.py:7",
        ]
    )


def test_updating_is_refused_in_ci_unless_forced(suite, monkeypatch):
    monkeypatch.setenv("CI", "true")
    suite.makepyfile(test_x="def test_it(check): check(20)")
    result = suite.runpytest("--editmetrics-update=missing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*refused because CI is set*"])
    result = suite.runpytest("--editmetrics-update=missing", "--editmetrics-force-update")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("TF_BUILD", []),
        ("JENKINS_URL", ["BUILD_ID"]),
        ("TEAMCITY_VERSION", []),
        ("CODEBUILD_BUILD_ID", []),
    ],
)
def test_a_ci_that_does_not_set_ci_is_one_unless_ci_says_no(suite, monkeypatch, name, more):
    for variable in (name, *more):
        monkeypatch.setenv(variable, "1")
    suite.makepyfile(test_x="def test_it(check): check(20)")
    result = suite.runpytest("--editmetrics-update=missing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*refused because {name} is set*"])
    monkeypatch.setenv("CI", "false")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)


def test_the_address_of_jenkins_makes_no_ci_of_a_desk(suite, monkeypatch):
    monkeypatch.setenv("JENKINS_URL", "https://jenkins.example.com")  # as its command line reads
    suite.makepyfile(test_x="def test_it(check): check(20)")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)


def test_an_update_that_nobody_typed_is_warned_of(suite, monkeypatch):
    suite.makepyfile(test_x="def test_it(check): check(20)")
    warning = "warning: --editmetrics-update=all stands in *"
    suite.runpytest("--editmetrics-update=all").stdout.no_fnmatch_line(warning)
    suite.runpytest("--editmetrics-update", "all").stdout.no_fnmatch_line(warning)
    suite.runpytest("-o", "editmetrics_update=all").stdout.no_fnmatch_line(warning)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--editmetrics-update=all")
    suite.runpytest().stdout.fnmatch_lines([warning])
    monkeypatch.delenv("PYTEST_ADDOPTS")
    for line in ("addopts = --editmetrics-update=all", "editmetrics_update = all"):
        suite.makeini(f"[pytest]\n{line}\n")
        suite.runpytest().stdout.fnmatch_lines([warning])
    suite.makeini("[pytest]\neditmetrics_update = missing\n")
    suite.runpytest().stdout.no_fnmatch_line("warning: --editmetrics-update*")


@both
def test_a_test_that_fails_otherwise_records_nothing(suite, mode):
    suite.makepyfile(test_x="def test_it(check):\n    check(20)\n    assert False, 'other'")
    result = suite.runpytest("--editmetrics-update=all", *mode)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["not recorded: 1 gate *"])
    assert not (suite.path / "goldens").exists()


def test_only_the_last_attempt_is_recorded(suite):
    suite.makepyfile(
        test_x="""
        import pathlib
        def test_it(check):
            first = not pathlib.Path("seen").exists()
            pathlib.Path("seen").touch()
            check(10 if first else 20)
            assert not first
        """
    )
    outcomes = suite.runpytest("--editmetrics-update=all", "--reruns", "1").parseoutcomes()
    assert outcomes == {"passed": 1, "rerun": 1}
    assert "measured: 0.2" in (suite.path / "goldens" / "test_x.py.yaml").read_text()


def test_a_nan_is_never_recorded(suite):
    suite.makepyfile(test_x="from conftest import *\ndef test_it(check): check(NAN)")
    suite.runpytest("--editmetrics-update=all").assert_outcomes(failed=1)
    assert not (suite.path / "goldens").exists()


def test_nobody_is_told_to_accept_a_nan(suite):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 0.9}}\n")
    suite.makepyfile(
        test_x="""
        from conftest import *
        def test_it(check): check(NAN)
        def test_more(check): check(95)
        def test_hand(check): check(NAN, 1)
        """
    )
    result = suite.runpytest("-k", "test_it", "--editmetrics-run-dir=run")
    result.stdout.no_fnmatch_line("*to accept*if meant*")
    result.stdout.fnmatch_lines(
        [
            "E *to do     look at the edited image, then*",
            "what to do about 1 gate without a number (score): look at the edited image, then*",
        ]
    )
    approved = suite.run(sys.executable, "-m", "pytest_editmetrics.cli.main", "approve", "run")
    approved.stdout.fnmatch_lines(
        ["left: test_x.py::test_it score: nan is no number and cannot be a golden: look at*"]
    )
    result = suite.runpytest()
    result.stdout.fnmatch_lines(["to accept 1 of 3, if meant: *--editmetrics-update=failed"])
    result.stdout.no_fnmatch_line("*written by hand, if meant*")


@pytest.mark.parametrize("entry", ["test_ti", "test_x.py::test_it", "test_it ", "test_it()"])
def test_a_golden_under_another_name_fails_and_names_the_test(suite, golden, entry):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 0.9}}\n")
    golden.write_text(f'"{entry}":\n  score: {{max: 0.1}}\n')
    suite.makepyfile(test_x="def test_it(check): check(20)")
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "FAILED: obsolete goldens: 1 entry of a test, or fixture, that no longer exists, so it*",
            f"  *test_x.py.yaml:1: {entry} (is it 'test_it' now? Then rename*",
        ]
    )


def test_an_obsolete_golden_is_meant_for_no_test_without_gates_nor_gone_with_its_parameter(
    suite, golden
):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 0.9}}\n")
    golden.write_text('"test_it":\n  score: {max: 0.5}\n"test_two[cuda]":\n  score: {max: 0.5}\n')
    suite.makepyfile(
        test_x="""
        import pytest
        def test_its(): pass
        def test_ut(check): check(20)
        @pytest.mark.parametrize("device", ["cpu"])
        def test_two(device, check): check(20)
        """
    )
    suite.runpytest().stdout.fnmatch_lines(
        [
            "*obsolete goldens: 2 *",
            "  *yaml:1: test_it (is it 'test_ut' now? Then rename the entry)",
            "  *yaml:3: test_two[[]cuda] (*",
        ]
    )
    golden.write_text('"test_ut":\n  score: {max: 0.5}\n"test_two[cuda]":\n  score: {max: 0.5}\n')
    suite.makepyfile(
        test_x="""
        import pytest
        def test_twoo(): pass
        def test_ut(check): check(20)
        @pytest.mark.parametrize("device", ["cpu"])
        def test_two(device, check): pytest.skip()
        """
    )
    suite.runpytest().stdout.fnmatch_lines(
        [
            "  *yaml:3: test_two[[]cuda] (if other machines have this parameter, keep it and skip it *"
        ]
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "null\n", "{}\n"])
def test_a_golden_file_that_holds_nothing_is_said(suite, golden, text):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 0.9}}\n")
    golden.write_text(text)
    suite.makepyfile(test_x="def test_it(check): check(20)\ndef test_two(check): check(20)")
    result = suite.runpytest()
    assert result.ret == 0
    said = "goldens*test_x.py.yaml holds no golden, so defaults hold: restore*"
    result.stdout.fnmatch_lines([said], consecutive=False)
    assert sum("holds no golden" in line for line in result.outlines) == 1


def test_a_bound_of_the_test_that_is_looser_than_its_golden_is_said(suite, golden):
    golden.write_text('"test_it":\n  score: {max: 0.1}\n"test_two":\n  score: {max: 0.9}\n')
    suite.makepyfile(
        test_x="def test_it(check): check(20, 0.8)\ndef test_two(check): check(20, 0.8)\n"
    )
    result = suite.runpytest()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*yaml:2: the golden of test_it score holds nothing, since a lo*"])
    result.stdout.no_fnmatch_line("*golden of test_two score holds nothing*")


@both
def test_goldens_of_tests_that_are_gone_are_reported_on_full_runs_only(suite, golden, mode):
    golden.write_text('"test_it":\n  score: {max: 0.3}\n"test_gone[a]":\n  score: {max: 0.3}\n')
    golden.with_name("test_deleted.py.yaml").write_text('"test_y":\n  score: {max: 0.3}\n')
    suite.makepyfile(test_x="def test_it(check): check(20)")
    result = suite.runpytest(*mode)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["obsolete goldens: 2 entries*", "*test_deleted.py.yaml:1*", "*test_x.py.yaml:3*test_gone*"]
    )
    result = suite.runpytest("-k", "it", *mode)
    result.stdout.no_fnmatch_line("obsolete*")
    result = suite.runpytest("test_x.py::test_it", *mode)
    result.stdout.no_fnmatch_line("obsolete*")


def test_a_golden_folder_of_its_own(suite):
    suite.makepyfile(test_x="def test_it(check): check(20)")
    suite.makeini("[pytest]\neditmetrics_goldens = approved\n")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    assert (suite.path / "approved" / "test_x.py.yaml").is_file()


def test_goldens_that_cannot_be_written_fail_the_session(suite):
    suite.makepyfile(test_x="def test_it(check): check(20)")
    (suite.path / "goldens").write_text("a file where the folder should be")
    result = suite.runpytest("--editmetrics-update=missing")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: *goldens*"])


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('"test_it":\n  score: {max: 1}\n"test_it":\n  score: {max: 2}\n', 3, "*test_it*"),
        ('"test_it":\n  score: {treshold: 1}\n', 2, "*treshold*"),
        ('"test_it":\n  score: {min: 1}\n', 2, "*min*lower*"),
        ('"test_it":\n  score: !!python/object/apply:os.system ["touch owned"]\n', 2, "*tag*"),
    ],
    ids=["duplicate", "typo", "direction", "python-tag"],
)
def test_a_bad_golden_fails_with_file_and_line_and_runs_nothing(suite, golden, text, line, says):
    golden.write_text(text)
    suite.makepyfile(test_x="def test_it(check): check(20)")
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*EditMetricsError*goldens/test_x.py.yaml:{line}: {says}"])
    assert not (suite.path / "owned").exists()


def test_a_circle_in_the_configuration_fails_with_file_and_line(suite):
    (suite.path / "editmetrics.yaml").write_text(
        "pipes_default:\n  a: ${pipes_default.b}\n  b: ${pipes_default.a}\n"
    )
    suite.makepyfile(test_x="def test_it(check): check(20, 1)")
    result = suite.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: editmetrics.yaml:*circular*"])


def test_what_finished_before_ctrl_c_is_recorded(suite):
    suite.makepyfile(
        test_x="def test_a(check): check(20)\ndef test_b(check):\n    check(20)\n    raise KeyboardInterrupt"
    )
    result = suite.runpytest("--editmetrics-update=missing", no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    text = (suite.path / "goldens" / "test_x.py.yaml").read_text()
    assert "test_a" in text
    assert "test_b" not in text


def test_what_finished_before_a_worker_crash_is_recorded(suite):
    suite.makepyfile(
        test_x="import os\ndef test_a(check): check(20)\ndef test_b(check):\n    check(20)\n    os._exit(3)"
    )
    result = suite.runpytest("--editmetrics-update=missing", "-n1")
    assert result.ret == 1
    text = (suite.path / "goldens" / "test_x.py.yaml").read_text()
    assert "test_a" in text
    assert "test_b" not in text


def test_a_variant_of_a_device_is_recorded_where_it_was_asked_for(suite, golden):
    golden.write_text('"test_it":\n  score: {max: 0.1, measured: 0.05, env: {cpu: {}}}\n')
    suite.makepyfile(test_x="def test_it(check): check(20)")
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*bound *golden goldens/test_x.py.yaml:2 (env cpu states no bound)",
            "goldens/test_x.py.yaml:2: `env: {cpu: {}}` states no bound, so the entry's own bound"
            " holds there; --editmetrics-update=missing records one",
        ]
    )
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    assert golden.read_text() == (
        '"test_it":\n  score: {max: 0.1, measured: 0.05, env: {cpu: {max: 0.22, measured: 0.2, size: "8x8"}}}\n'
    )
    suite.runpytest().assert_outcomes(passed=1)


@pytest.mark.long
def test_xdist_and_serial_write_the_same_bytes(suite):
    body = "import pytest, time\n@pytest.mark.parametrize('i', range(8))\ndef test_it(check, i):\n    time.sleep(0.02 * (8 - i))\n    check(10 + i)\n"
    suite.makepyfile(test_x=body)
    golden = suite.path / "goldens" / "test_x.py.yaml"
    suite.runpytest("--editmetrics-update=missing")
    serial = golden.read_bytes()
    golden.unlink()
    suite.runpytest("--editmetrics-update=missing", "-n2").assert_outcomes(passed=8)
    assert golden.read_bytes() == serial


TWO = """
    import pytest
    from conftest import *

    @pytest.fixture
    def erring():
        yield
        if TEARDOWN: raise RuntimeError("the teardown")

    @pytest.mark.editmetrics(metrics=["score", "likeness"])
    def test_it(edit_gate, erring): edit_gate.check(image(0), image(50))
"""


def gate_lines(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {line["metric"]: line["verdict"] for line in lines if line["record"] == "gate"}


@pytest.mark.parametrize("mode", [(), ("-n1",)], ids=["serial", "xdist"])
def test_a_golden_of_a_test_whose_teardown_erred_is_not_written_and_not_called_so(suite, mode):
    suite.makepyfile(test_x="TEARDOWN = True\n" + textwrap.dedent(TWO))
    args = ("--editmetrics-update=missing", "--editmetrics-results=r.jsonl", *mode)
    result = suite.runpytest(*args)
    result.assert_outcomes(passed=1, errors=1)
    assert not (suite.path / "goldens").exists()
    result.stdout.fnmatch_lines(["not recorded: 2 gates of tests that failed*"])
    assert gate_lines(suite.path / "r.jsonl") == dict.fromkeys(
        ("score", "likeness"), "missing-golden"
    )


def test_what_is_called_recorded_is_written_and_failed_records_the_gates_beside(suite):
    """``missing`` leaves a gate out of its default, so the test fails and none of it is written."""
    (suite.path / "editmetrics.yaml").write_text(
        "thresholds: {score: {max: 0.1}, likeness: {min: 0.2}}\n"
    )
    suite.makepyfile(test_x="TEARDOWN = False\n" + textwrap.dedent(TWO))
    golden, results = suite.path / "goldens" / "test_x.py.yaml", suite.path / "r.jsonl"
    result = suite.runpytest("--editmetrics-update=missing", "--editmetrics-results=r.jsonl")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*not recorded, as this test fails: *likeness 0.500, min 0.4*"])
    assert not golden.exists()
    assert gate_lines(results) == {"score": "fail", "likeness": "pass"}
    result = suite.runpytest("--editmetrics-update=failed", "--editmetrics-results=r.jsonl")
    result.assert_outcomes(passed=1)
    assert gate_lines(results) == dict.fromkeys(("score", "likeness"), "recorded")
    assert {"score", "likeness"} <= set(re.findall(r"[a-z]+", golden.read_text()))
    suite.runpytest("--editmetrics-update=failed", "--editmetrics-results=r.jsonl")
    assert gate_lines(results) == dict.fromkeys(("score", "likeness"), "pass")


def test_failed_records_nothing_of_a_test_whose_gates_hold(suite):
    (suite.path / "editmetrics.yaml").write_text(
        "thresholds: {score: {max: 0.9}, likeness: {min: 0.2}}\n"
    )
    suite.makepyfile(test_x="TEARDOWN = False\n" + textwrap.dedent(TWO))
    suite.runpytest("--editmetrics-update=failed").assert_outcomes(passed=1)
    assert not (suite.path / "goldens").exists()


def test_a_golden_image_of_a_test_whose_teardown_erred_is_not_written(suite):
    suite.makepyfile(
        test_x="TEARDOWN = True\n"
        + textwrap.dedent(TWO.partition("    @pytest.mark")[0])
        + "def test_it(golden_image, erring): golden_image.check(image(9), comparator='exact')\n"
    )
    args = ("--editmetrics-update=missing", "--editmetrics-results=r.jsonl")
    suite.runpytest(*args).assert_outcomes(passed=1, errors=1)
    assert not list(suite.path.rglob("goldens/**/*.png"))
    assert gate_lines(suite.path / "r.jsonl") == {"golden_exact": "missing-golden"}


def test_a_golden_that_could_not_be_written_is_not_said_to_be_looser(suite, golden, monkeypatch):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 0.1}}\n")
    suite.makepyfile(test_x="def test_it(check): check(20)", test_y="def test_it(check): check(20)")
    golden.write_text("'test_old': &a\n  score: {max: 0.5}\n'test_it': *a\n")
    result = suite.runpytest("--editmetrics-update=all")
    result.stdout.fnmatch_lines(
        ["warning: 1 recorded bound looser than the default:", "*test_y.py*"]
    )
    result.stdout.fnmatch_lines(["FAILED: goldens/test_x.py.yaml: the golden was not written*"])


# each sets, and leaves behind, what the arithmetic of decimal numbers is in the whole process
DECIMALS = {
    "prec": "decimal.getcontext().prec = 1",
    "traps": "decimal.setcontext(decimal.Context(prec=2, traps=list(decimal.Context().flags)))",
    "range": "decimal.setcontext(decimal.Context(prec=3, Emin=-1, Emax=1, clamp=1))",
    "default": "decimal.DefaultContext.prec = 1; decimal.setcontext(decimal.Context())",
}


@pytest.mark.quick(1)
@pytest.mark.parametrize("setting", DECIMALS.values(), ids=DECIMALS)
def test_the_decimal_arithmetic_of_a_test_sets_no_bound(suite, golden, setting):
    suite.makepyfile(
        test_x="import decimal\n"
        f"def test_it(check):\n    {setting}\n"
        "    check(37); check(37, metric='likeness')\n"
    )
    result = suite.runpytest_subprocess("--editmetrics-update=all")
    result.assert_outcomes(passed=1)
    assert golden.read_text(encoding="utf-8").splitlines() == [
        '"test_it":',
        '  score: {max: 0.407, measured: 0.37, size: "8x8"}',
        '  likeness: {min: 0.333, measured: 0.37, size: "8x8"}',
    ]
    suite.runpytest_subprocess().assert_outcomes(passed=1)
