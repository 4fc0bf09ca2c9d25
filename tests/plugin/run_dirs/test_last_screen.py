"""What a session's output begins and ends with: six sessions, as a user reads them."""

from __future__ import annotations

import re
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
from parameters import first_of

from pytest_editmetrics.cli.main import main

XDIST = find_spec("xdist") is not None

SHIFTED = "edit_gate.check(scene(), np.roll(edited(), 2, axis=1), BOX{more})"


def screen(result: pytest.RunResult) -> list[str]:
    """The lines of the section, without what follows it."""
    shown = result.stdout.str().partition("= editmetrics =")[2]
    return shown.partition("short test summary")[0].splitlines()[1:]


def written(scene: pytest.Pytester, *calls: str) -> None:
    tests = (
        f"def test_{number}(edit_gate):\n    {call}\n" for number, call in enumerate(calls, start=1)
    )
    scene.makepyfile(test_edit="from scene import *\n\n" + "\n".join(tests))


def test_all_passed(scene):
    (scene.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 30}\n")
    written(scene, "edit_gate.check(scene(), edited(), BOX, metrics='unedit_psnr')")
    lines = screen(scene.runpytest())
    assert lines[0].split() == [
        "metric",
        "gates",
        "passed",
        "failed",
        "unmeasured",
        "worst",
        "value",
    ]
    assert len(lines) == 3  # the table, and pytest's last line
    scene.runpytest("-q").stdout.no_fnmatch_line("*= editmetrics =*")


def test_failures_begin_with_their_cause_and_end_with_what_to_type(scene):
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_psnr]\nthresholds: {unedit_psnr: 45}\n"
    )
    written(
        scene,
        SHIFTED.format(more=""),
        SHIFTED.format(more=", name='again'"),
        "edit_gate.check(scene(), jpeg(edited(), 40), BOX)",
    )
    result = scene.runpytest()
    result.assert_outcomes(failed=3)
    result.stdout.re_match_lines(
        [
            r"E +GateFailure: unedit_psnr 1\d\.\d\d < min 45\.00: background moved 2\.00 px right \(\d+ %\)",
            r"E +bound     default editmetrics.yaml:2",
            r"E +look at   .*\.png \(reference \| edited \| difference\)",
            r"E +to accept pytest test_edit.py::test_1 --editmetrics-update=failed",
        ],
        consecutive=True,
    )
    lines = screen(result)
    assert "3 gates failed: 2 shift, 1 jpeg" in lines
    assert any(
        re.fullmatch(r"worst picture: \.pytest_cache/.*test-1.*\.png", line) for line in lines
    )
    assert [line.partition(": ")[0] for line in lines[-3:-1]] == [
        "to look",
        "to accept all 3, if meant",
    ]
    assert lines[-2].endswith(" --editmetrics-update=failed")
    result.stdout.fnmatch_lines(["FAILED test_edit.py::test_1 - unedit_psnr 1* < min 45.00*"])


def test_missing_goldens_are_recorded_by_one_command(scene):
    written(scene, "edit_gate.check(scene(), edited(), BOX, metrics='unedit_psnr')")
    result = scene.runpytest("test_edit.py")
    lines = screen(result)
    assert "1 gate failed: 1 without a golden" in lines
    assert lines[-2].startswith("to record it, if right: pytest test_edit.py ")
    assert lines[-2].endswith(" --editmetrics-update=missing")
    result.stdout.fnmatch_lines(
        [
            "*look at *test-edit-py-test-1-unedit-psnr-*.png (reference |*",
            "*to record pytest test_edit.py::test_1 --editmetrics-update=missing",
        ]
    )
    kept = screen(scene.runpytest("--editmetrics-run-dir=run"))
    assert re.fullmatch("to record it, if right: editmetrics approve .*run", kept[-2])


def test_what_was_to_be_recorded_is_typed_once(scene):
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_psnr]\nthresholds: {unedit_psnr: 45}\n"
    )
    written(scene, SHIFTED.format(more=""))
    for mode in (["--editmetrics-update=missing"], ["--editmetrics-update", "missing"]):
        lines = screen(scene.runpytest("test_edit.py", *mode))
        assert [line.count("--editmetrics-update") for line in lines[-3:-1]] == [0, 1]
        assert lines[-2].endswith(" --editmetrics-update=failed")


def test_what_an_error_keeps_from_being_recorded_is_not_offered(scene):
    (scene.path / "editmetrics.yaml").write_text(
        "pipes_default: {clip-pipe: {model_path: gone}}\n"
        "metrics: [unedit_psnr, emd]\nthresholds: {emd: 9}\n"
    )
    written(
        scene,
        "edit_gate.check(scene(), edited(), BOX)",
        "edit_gate.check(scene(), edited(), BOX, metrics='unedit_psnr')",
    )
    result = scene.runpytest("--editmetrics-update=missing", "-k", "test_1")
    lines = screen(result)
    assert "not recorded: 1 gate of a test that failed for another reason" in lines
    assert not any("--editmetrics-update" in line for line in lines)
    result = scene.runpytest()
    result.stdout.fnmatch_lines(
        ["E *to record unedit_psnr: mend the error of emd first: nothing of*"]
    )
    lines = screen(result)
    assert any(line.startswith("to record 1 of 2 without a golden, if right: ") for line in lines)
    assert (
        "not to be recorded yet: 1 of 2 without a golden, as its test fails for another reason,"
        " too; mend that first" in lines
    )


CUT = """
from scene import *
import pytest

@pytest.mark.parametrize("n", range({errors}))
def test_edit(edit_gate, n): edit_gate.check(scene(), edited()[:{height}], BOX, name=f"n{{n}}")
def test_image(golden_image): golden_image.check(edited()[:{height}], comparator="exact")
def test_new(edit_gate): edit_gate.check(scene(), edited(), BOX, metrics="unedit_psnr")
"""


@pytest.mark.parametrize(
    "kept", [(), pytest.param(("--editmetrics-run-dir=run",), marks=pytest.mark.long)]
)
def test_where_most_gates_could_not_be_judged_nothing_is_offered_to_be_accepted(scene, kept):
    """A model that returns another size fails the golden images too, and these could be approved."""
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: 254}\n"
    )
    scene.makepyfile(test_edit=CUT.format(errors=4, height=128))
    scene.runpytest("--editmetrics-update=missing", "-k", "not new").assert_outcomes(passed=5)
    scene.makepyfile(test_edit=CUT.format(errors=4, height=96))
    lines = screen(scene.runpytest(*kept))
    assert not any(line.startswith(("to accept", "to record")) for line in lines)
    why = "as 4 of 6 gates could not be judged; mend that first"
    assert f"not to be accepted yet: 1 of 1, {why}" in lines
    assert f"not to be recorded yet: 1 of 1 without a golden, {why}" in lines
    scene.makepyfile(test_edit=CUT.format(errors=2, height=96))
    lines = screen(scene.runpytest(*kept))
    assert any(line.startswith("to accept it") for line in lines)


LOST = """
from scene import *
import pytest

@pytest.mark.parametrize("n", range(3))
def test_edit(edit_gate, n): edit_gate.check(scene(), edited() if n >= {lost} else scene(), BOX)
def test_image(golden_image): golden_image.check(edited() if not {lost} else scene())
"""


def test_where_most_edits_came_to_nothing_no_golden_image_without_its_edit_is_offered(scene):
    (scene.path / "editmetrics.yaml").write_text("expect: composited\n")
    scene.makepyfile(test_edit=LOST.format(lost=0))
    scene.runpytest("--editmetrics-update=missing").assert_outcomes(passed=4)
    scene.makepyfile(test_edit=LOST.format(lost=2))
    lines = screen(scene.runpytest("--editmetrics-run-dir=run"))
    assert not any(line.startswith("to accept") for line in lines)
    why = "as 2 of 3 edits came to nothing (edit_lpips); mend that first"
    assert any(one.startswith("not to be accepted yet: ") and one.endswith(why) for one in lines)
    scene.makepyfile(test_edit=LOST.format(lost=1))
    assert any(line.startswith("to accept") for line in screen(scene.runpytest()))
    scene.makepyfile(
        "import pytest\nfrom scene import *\n"
        "@pytest.mark.editmetrics(thresholds={'edit_lpips': 0.1})\n"
        "def test_it(edit_gate): edit_gate.check(scene(), scene(), BOX, metrics='edit_lpips')"
    )
    why = "as 1 of 1 edit came to nothing (edit_lpips); mend that first"
    assert f"not to be loosened yet: 1 bound written by hand, {why}" in screen(
        scene.runpytest("-k", "test_it")
    )


@pytest.mark.long
@pytest.mark.parametrize("other", ["unedit_psnr", "no match"])
def test_what_a_failure_that_no_golden_can_hold_keeps_from_being_recorded_is_not_offered(
    scene, other
):
    settings = "metrics: [lpips, unedit_psnr]\nthresholds: {lpips: 0.0001, unedit_psnr: 20}\n"
    mark, call = "@pytest.mark.editmetrics(thresholds={'unedit_psnr': 90})", SHIFTED.format(more="")
    if other == "no match":
        mark, call = "", "edit_gate.check(scene(), texture(), BOX, expect='reencoded')"
    (scene.path / "editmetrics.yaml").write_text(settings)
    written(scene, call)
    test = scene.path / "test_edit.py"
    made = "from skimage import data\n\ndef texture(): return data.brick()[:128, :128]\n\n"
    test.write_text(made + test.read_text().replace("def test_1", f"{mark}\ndef test_1"))
    result = scene.runpytest("--editmetrics-run-dir=run")
    result.assert_outcomes(failed=1)
    which, how = {
        "unedit_psnr": ("unedit_psnr", r"mend the model, or edit the marker on .*test_1"),
        "no match": (".*", "it has no number to record"),
    }[other]
    first = f"first end the failure of {which}, which no golden can hold \\({how}\\)"
    result.stdout.re_match_lines(
        [f"E *to accept .*lpips.*: {first}: until then nothing of this test"]
    )
    result.stdout.re_match_lines(["not to be accepted yet: . of ., as (its|their) test fails"])
    result.stdout.no_fnmatch_line("*--editmetrics-update=*")
    result.stdout.no_fnmatch_line("*editmetrics approve*")
    approved = scene.run(sys.executable, "-m", "pytest_editmetrics.cli.main", "approve", "run")
    approved.stdout.re_match_lines(
        [f"left: .*lpips.*: its test fails by {which}, which no golden can hold; -k"]
        if other == "unedit_psnr"
        else ["left: "]
    )
    again = scene.runpytest("--editmetrics-update=failed")
    again.stdout.re_match_lines(
        ["not recorded: . gates? of (a test|tests) that failed for another"]
    )
    assert not list(scene.path.rglob("*.py.yaml"))


def test_missing_weights_are_no_failure(scene):
    written(scene, "edit_gate.check(scene(), edited(), BOX, metrics='emd')")
    (scene.path / "editmetrics.yaml").write_text(
        "pipes_default: {clip-pipe: {model_path: gone}}\nthresholds: {emd: 9}\n"
    )
    result = scene.runpytest()
    result.assert_outcomes(failed=1)
    lines = screen(result)
    assert lines[0].split()[4] == "errors"
    assert lines[1].split()[:6] == ["emd", "1", "0", "0", "1", "0"]
    assert any(line.startswith("1 gate could not be judged: ") for line in lines)
    assert not any("failed:" in line for line in lines)


NOWHERE = "edit_gate.check(scene(), edited(), [(0, 0, 128, 128)], metrics='unedit_psnr')"


def test_unmeasured_is_listed_and_the_session_says_what_to_do_about_it(scene):
    written(scene, NOWHERE)
    lines = screen(scene.runpytest())
    assert "unmeasured: 1" in lines
    assert any("test_1: unedit_psnr unmeasured (empty-region)" in line for line in lines)
    *_, todo, look, _ = lines
    assert todo.startswith("what to do about empty-region: give boxes ")
    assert re.fullmatch(r"to look: pytest .*--editmetrics-html=report\.html", look)


def test_what_is_unmeasured_beside_others_is_only_listed_unless_it_is_to_fail(scene):
    (scene.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 30}\n")
    written(scene, NOWHERE, "edit_gate.check(scene(), edited(), BOX, metrics='unedit_psnr')")
    lines = screen(scene.runpytest())
    assert lines[-2].lstrip().startswith("test_edit.py::test_1: ")
    strict = scene.runpytest("--editmetrics-strict=all")
    strict.stdout.fnmatch_lines(["E *to do     give boxes *", "E *to accept run without *"])
    assert screen(strict)[-3].startswith("what to do about empty-region: ")


def test_bounds_written_by_hand_are_named_where_they_stand(scene):
    mark = "@pytest.mark.editmetrics(metrics='unedit_psnr', thresholds={'unedit_psnr': 45})\n"
    test = f"def test_%d(edit_gate):\n    {SHIFTED.format(more='')}\n"
    tests = "".join(mark + test % number for number in range(6))
    scene.makepyfile(test_edit=f"from scene import *\n{tests}")
    (line,) = (line for line in screen(scene.runpytest()) if "by hand" in line)
    places = re.fullmatch(
        r"to loosen 6 bounds written by hand, if meant: edit (.*) and 2 more", line
    )
    assert places is not None
    assert places[1].split(", ") == [
        f"the marker on test_edit.py::test_{number}" for number in range(4)
    ]


def test_a_run_that_was_kept_is_looked_at_and_accepted_by_one_command(scene):
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_psnr]\nthresholds: {unedit_psnr: 45}\n"
    )
    written(scene, SHIFTED.format(more=""))
    lines = screen(scene.runpytest("--editmetrics-run-dir=run", "--editmetrics-html=report.html"))
    assert lines[-3:-1] == [
        "to look, and accept case by case: editmetrics review run",
        "to accept it, if meant: editmetrics approve run",
    ]
    lines = screen(scene.runpytest("--editmetrics-html=report.html"))
    assert lines[-3] == "to look: open report.html in a browser"


def test_from_above_the_project_its_commands_name_its_root(scene, monkeypatch):
    """As in a repository of several packages: the commands work as they stand."""
    (scene.path / "editmetrics.yaml").write_text("metrics: [unedit_psnr]\n")
    scene.makeini("[pytest]\npythonpath = .\n")
    written(scene, SHIFTED.format(more=""))
    name = scene.path.name
    monkeypatch.chdir(scene.path.parent)
    result = scene.runpytest(name, "--editmetrics-run-dir=run")
    picture = re.search(r"E +look at +(.+\.png) \(", result.stdout.str())
    assert picture is not None
    assert Path(picture[1]).is_file()
    lines = screen(result)
    commands = [line.partition(": ")[2] for line in lines if ": editmetrics " in line]
    assert commands == [
        f"editmetrics review run --rootdir {name}",
        f"editmetrics approve run --rootdir {name}",
    ]
    assert main(shlex.split(commands[-1])[1:]) == 0
    assert [path.name for path in (scene.path / "goldens").iterdir()] == ["test_edit.py.yaml"]
    scene.runpytest(name).assert_outcomes(passed=1)


@pytest.mark.parametrize("columns", [60, 80, 160, 200])
def test_a_terminal_breaks_lines_between_words_and_no_command(scene, columns, monkeypatch):
    scene.makeconftest(
        "def pytest_sessionstart(session):\n"
        "    reporter = session.config.pluginmanager.getplugin('terminalreporter')\n"
        "    reporter.isatty = type(reporter.isatty)(True)\n"
    )
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.delenv("CI", raising=False)
    written(scene, NOWHERE)
    name = "test_with_a_long_name_" * 3 + ".py"
    (scene.path / "test_edit.py").rename(scene.path / name)
    lines = screen(scene.runpytest(name, "--color=no"))
    (look,) = (line for line in lines if line.startswith("to look: "))
    assert look.startswith(f"to look: pytest {name} --color=no ")
    assert look.endswith(" --editmetrics-html=report.html")
    first = next(n for n, line in enumerate(lines) if line.startswith("what to do about"))
    told = lines[first : lines.index(look)]
    assert all(len(line) <= columns for line in told)
    assert all(line.startswith("  ") for line in told[1:])
    assert " ".join(line.strip() for line in told).endswith("leave this metric out")
    assert (len(told) > 1) is (columns < 190)


def test_what_to_type_stands_out_in_colour_and_without_it_is_the_same(scene):
    written(scene, NOWHERE)
    coloured = scene.runpytest("--color=yes").stdout.str()
    assert re.search(r"\x1b\[1mto look: pytest .*--editmetrics-html=report\.html\x1b\[0m", coloured)
    assert "\x1b" not in scene.runpytest("--color=no").stdout.str()


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
def test_a_configuration_that_cannot_be_used_is_one_usage_error(scene, mode):
    (scene.path / "editmetrics.yaml").write_text("metric: [unedit_psnr]\n")
    written(scene, *["edit_gate.check(scene(), edited(), BOX)"] * 4)
    result = scene.runpytest(*mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: editmetrics.yaml:1: unknown key 'metric' (did you mean 'metrics'?)"]
    )
    result.stdout.no_fnmatch_line("*edit_gate*")


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
def test_a_hook_that_raises_is_a_usage_error_too(scene, mode):
    hook = "def pytest_editmetrics_register_pipes(registry):\n    import nothing_there\n"
    scene.makeconftest(hook)
    written(scene, "edit_gate.check(scene(), edited(), BOX)")
    result = scene.runpytest(*mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = "pytest_editmetrics_register_pipes raised ModuleNotFoundError: *nothing_there*"
    result.stderr.fnmatch_lines([f"ERROR: *conftest.py:2: {said}"])


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
@pytest.mark.parametrize(
    "does",
    [
        "pytest.importorskip('nothing_there')",
        "pytest.skip('no GPU', allow_module_level=True)",
        "pytest.fail('no GPU')",
        "pytest.xfail('no GPU')",
        "pytest.exit('no GPU', returncode=0)",
        "raise SystemExit(0)",
    ],
)
def test_a_hook_that_skips_or_ends_the_session_is_one(scene, mode, does):
    hook = f"import pytest\ndef pytest_editmetrics_register_pipes(registry):\n    {does}\n"
    scene.makeconftest(hook)
    written(scene, "edit_gate.check(scene(), edited(), BOX)")
    result = scene.runpytest(*mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = "conftest.py:3: pytest_editmetrics_register_pipes raised *"
    result.stderr.fnmatch_lines([f"ERROR: *{said}register the pipe*"])
    (scene.path / "cases").mkdir()
    (scene.path / "cases/test_c.edit.yaml").write_text(
        "cases:\n- {id: a, reference: r.png, edited: b.png}\n"
    )
    scene.makepyfile(test_plain="def test_it(): pass")
    if not mode:
        result = scene.runpytest("cases", "test_plain.py")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines([f"*{said}"])


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
def test_without_a_gate_it_is_not_read(scene, mode):
    (scene.path / "editmetrics.yaml").write_text("metric: [unedit_psnr]\n")
    scene.makepyfile("def test_plain(): pass")
    result = scene.runpytest(*mode)
    result.assert_outcomes(passed=1)
    assert "= editmetrics =" not in result.stdout.str()


def test_a_case_of_yaml_and_a_marker_read_it_too(scene):
    (scene.path / "editmetrics.yaml").write_text("metric: [unedit_psnr]\n")
    scene.makepyfile("import pytest\n@pytest.mark.editmetrics(gates='none')\ndef test_it(): pass")
    assert scene.runpytest().ret == pytest.ExitCode.USAGE_ERROR


def test_several_metrics_of_a_check_share_what_explains_them(scene):
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_psnr, unedit_ssim]\nthresholds: {unedit_psnr: 90, unedit_ssim: 0.999}\n"
    )
    written(scene, SHIFTED.format(more=""))
    result = scene.runpytest()
    message = [line for line in result.outlines if line.startswith("E ")]
    assert len(message) <= 12
    assert sum("moved 2.00 px right" in line for line in message) == 2  # the first line, the cause


def test_an_input_error_is_said_once_a_check(scene):
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_psnr, unedit_ssim]\nthresholds: {unedit_psnr: 90, unedit_ssim: 0.999}\n"
    )
    written(scene, "edit_gate.check(scene(), 'gone.png', BOX)")
    result = scene.runpytest()
    (line,) = (line for line in result.outlines if line.startswith("E ") and "gone.png" in line)
    assert "unedit_psnr, unedit_ssim could not be judged: " in line


def test_verbosity_does_what_a_pytest_user_expects(scene):
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_psnr]\nthresholds: {unedit_psnr: 45}\n"
    )
    written(scene, SHIFTED.format(more=""), "edit_gate.check(scene(), edited(), BOX)")
    quiet = scene.runpytest("-q")
    assert any(line.startswith("E           to accept ") for line in quiet.outlines)
    quietest = scene.runpytest("-qq")
    assert sum(line.startswith("E ") for line in quietest.outlines) == 1
    assert not any(line.startswith("metric ") for line in screen(quiet))
    plain = screen(scene.runpytest())
    assert not any(line.startswith(("PASS", "FAIL ")) for line in plain)
    verbose = screen(scene.runpytest("-v"))
    assert [line.split()[0] for line in verbose[:2]] == ["FAIL", "PASS"]
    assert re.search(r"unedit_psnr inf >= min 45\.00", verbose[1]) or "inside)" in verbose[1]
    details = scene.runpytest("-vv").stdout.str()
    assert re.search(r"E +details   measured_fraction ", details) is not None
    assert re.search(r"E +details   causes shift: share [01]\.\d+, ", details) is not None
    assert "details   change" not in details
    assert "details   measured_fraction" not in quiet.stdout.str()


def test_no_picture_is_lost_without_the_cache_of_pytest(scene, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(scene.path / "home"))
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_psnr]\nthresholds: {unedit_psnr: 45}\n"
    )
    written(scene, SHIFTED.format(more=""))
    result = scene.runpytest("-p", "no:cacheprovider")
    (line,) = (line for line in result.outlines if "look at" in line)
    picture = re.search(r"look at +(\S+\.png)", line)
    assert picture is not None
    assert (scene.path / picture[1]).is_file()


def test_junit_holds_totals_and_pictures_and_no_property_of_a_case(scene):
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_psnr]\nthresholds: {unedit_psnr: 45}\n"
    )
    written(scene, SHIFTED.format(more=""))
    scene.runpytest("--junitxml=j.xml")
    xml = ElementTree.parse(scene.path / "j.xml")
    totals = {p.get("name"): p.get("value") for p in xml.iterfind("testsuite/properties/property")}
    assert totals["editmetrics:gates"] == totals["editmetrics:failed"] == "1"
    (case,) = xml.iter("testcase")
    assert {child.tag for child in case} == {"failure", "system-out"}
    attached = re.fullmatch(r"\[\[ATTACHMENT\|(.+\.png)\]\]", case.findtext("system-out") or "")
    assert attached is not None
    assert attached[1].startswith("/")
    failure = case.find("failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith("unedit_psnr ")
    scene.runpytest("--junitxml=j.xml", "--editmetrics-junit=off")
    assert "editmetrics" not in (scene.path / "j.xml").read_text().partition("<testcase")[0]


BLURRED_AND_DARKER = """
import os

import numpy as np
from scipy.ndimage import gaussian_filter

from scene import *


def worse():
    blurred = gaussian_filter(noise().astype(float), (2, 2, 0))
    return (blurred - 4).clip(0, 255).round().astype(np.uint8)


def noise():
    grain = np.random.default_rng(0).normal(0, 25, scene().shape)
    return (scene() + grain).clip(10, 255).round().astype(np.uint8)


def gone():
    made = scene().copy()
    made[70:120, 70:120] = made[70:120, 70:120].mean((0, 1))
    return made

"""


def first_lines(result: pytest.RunResult) -> list[str]:
    """Return the lines of the failing gates, without where and how."""
    found = re.findall(r"^E {7}(?:GateFailure: )?(\S.* [<>] m.*)$", result.stdout.str(), re.M)
    return [line.rstrip() for line in found]


def test_what_the_failing_metric_sees_is_alone_in_its_line(scene, monkeypatch):
    scene.makepyfile(
        test_edit=BLURRED_AND_DARKER
        + "def test_tone(edit_gate):\n"
        + "    edit_gate.check(noise(), worse(), BOX, metrics=['tone', 'unedit_psnr'])\n\n"
        + "def test_psnr(edit_gate):\n"
        + "    edit_gate.check(noise(), worse(), BOX, metrics='unedit_psnr')\n\n"
        + "def test_golden(golden_image):\n"
        + "    image = noise() if os.environ['STATE'] == 'was' else worse()\n"
        + "    golden_image.check(image, comparator='tone')\n"
    )
    (scene.path / "editmetrics.yaml").write_text("thresholds: {tone: 0.2, unedit_psnr: 45}\n")
    monkeypatch.setenv("STATE", "was")
    scene.runpytest("-k", "golden", "--editmetrics-update=missing").assert_outcomes(passed=1)
    monkeypatch.setenv("STATE", "is")
    result = scene.runpytest()
    tone, beside, psnr, golden = first_lines(result)
    said = r"exposure -\d\.\d of 255 \(\d+ %\)$"
    assert re.match(r"unedit tone \d.* > max 0\.\d+: " + said, tone)
    assert re.match(r"golden_tone \d.* > max 0\.\d+: " + said, golden)
    for line in (beside, psnr):
        assert re.match(r"unedit_psnr .* < min 45\.\d+: blurred \(\d+ %\), exposure -", line)
    assert any(line == "4 gates failed: 2 exposure, 2 blur" for line in screen(result))


@pytest.mark.parametrize("metrics", ["'altered'", "['unedit_psnr', 'altered']"])
def test_what_became_of_a_part_is_said_first(scene, metrics):
    scene.makepyfile(
        test_edit=BLURRED_AND_DARKER
        + "def test_gone(edit_gate):\n"
        + f"    edit_gate.check(scene(), gone(), BOX, metrics={metrics})\n"
    )
    (scene.path / "editmetrics.yaml").write_text("thresholds: {altered: 0.1, unedit_psnr: 45}\n")
    result = scene.runpytest()
    first, *others = first_lines(result)
    assert re.match(r"unedit altered \d.* > max 0\.1\d*: something is gone in \(\d+, ", first)
    assert all(": a local change in (" in line for line in others)
    assert len(others) == metrics.count(",")


def test_the_command_of_a_test_runs_from_where_pytest_was_started(scene, monkeypatch):
    (scene.path / "editmetrics.yaml").write_text("metrics: [unedit_psnr]\n")
    (scene.path / "strict.yaml").write_text("thresholds: {unedit_psnr: 45}\n")
    folder = scene.mkdir("tests")
    call = SHIFTED.format(more=", metrics='unedit_psnr'")
    body = f"from scene import *\ndef test_1(edit_gate):\n    {call}\n"
    (folder / "test_a b.py").write_text(body)
    monkeypatch.chdir(folder)
    given = ("--editmetrics-config=../strict.yaml", "--editmetrics-goldens", "my goldens")
    said = []
    for mode in (["-n1"] if XDIST else [], []):
        result = scene.runpytest("-c", "../tox.ini", "-o", "xfail_strict=true", *given, *mode)
        (line,) = (line for line in result.outlines if re.match("E +to accept pytest ", line))
        said.append(line.partition("pytest ")[2])
    assert len(set(said)) == 1
    assert said[0].startswith("'test_a b.py::test_1' -c ../tox.ini -o xfail_strict=true --")
    scene.runpytest(*shlex.split(said[0])).assert_outcomes(passed=1)
    assert (folder / "my goldens/tests/test_a b.py.yaml").is_file()
    scene.runpytest(*given).assert_outcomes(passed=1)


def test_no_traceback_of_a_users_own_fixture_shows_our_frames(pytester):
    fixture = "@pytest.fixture{scope}\ndef {name}():\n    {body}\n    raise ValueError('{name}')\n"
    pytester.makeconftest(
        "import pytest\n"
        + fixture.format(scope="", name="own", body="pass")
        + fixture.format(scope="(scope='module')", name="wide", body="pass")
        + fixture.format(scope="", name="down", body="yield")
        + "def pytest_generate_tests(metafunc):\n"
        + "    if metafunc.module.__name__ == 'test_made':\n        raise ValueError('made')\n"
    )
    pytester.makepyfile(
        test_x="def test_a(own): pass\ndef test_b(wide): pass\ndef test_c(down): pass",
        test_made="def test_d(): pass",
    )
    result = pytester.runpytest("--continue-on-collection-errors")
    result.assert_outcomes(passed=1, errors=4)
    result.stdout.no_fnmatch_line("*pytest_editmetrics*.py:*")
    result.stdout.no_fnmatch_line("*phase_of*")


def test_what_has_no_number_or_was_left_is_counted_as_such(suite):
    suite.makepyfile(
        test_x="""
        from conftest import *
        def test_nan(check): check(NAN, 1)
        def test_left(edit_gate):
            edit_gate.check(image(0), image(90), metrics="score")
            assert 0
        """
    )
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: 0.5}\n")
    lines = screen(suite.runpytest("--editmetrics-update=failed"))
    assert "2 gates failed: 1 without a number, 1 not recorded" in lines


def test_a_test_case_of_junit_has_one_system_out(scene):
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_psnr]\nthresholds: {unedit_psnr: 45}\n"
    )
    written(scene, f"print('said'); {SHIFTED.format(more='')}")
    scene.runpytest("--junitxml=j.xml", "-o", "junit_logging=all")
    (case,) = ElementTree.parse(scene.path / "j.xml").iter("testcase")
    (said,) = case.iter("system-out")
    first, *others = (said.text or "").splitlines()
    assert re.fullmatch(r"\[\[ATTACHMENT\|(.+\.png)\]\]", first) is not None
    assert "said" in others
    assert len(list(case.iter("system-err"))) == 1


def test_a_case_of_yaml_is_named_as_its_file_names_it(scene):
    scene.path.joinpath("test_c.edit.yaml").write_text(
        "cases: [{id: 'a [b] c.d', reference: gone.png, edited: gone.png, metrics: [unedit_psnr]}]"
    )
    scene.runpytest("--junitxml=j.xml")
    (case,) = ElementTree.parse(scene.path / "j.xml").iter("testcase")
    assert (case.get("classname"), case.get("name")) == ("test_c_edit_yaml", "a [b] c.d")


@pytest.mark.parametrize("columns", [40, 60, 70, 80, 100])
def test_no_row_of_the_table_is_broken_where_its_counts_have_room(columns):
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.report.summary import summary_lines
    from pytest_editmetrics.report.tally import Tally, TestGates

    held = {"value": 18.59, "bound": 45.0, "bound_kind": "min", "distance": 26.41}
    gates = (Gate("unedit_psnr", "fail", **held), Gate("emd", "error", message="gone"))
    test = TestGates("test_a.py::test_it", 1, True, "failed", True, gates)
    lines = summary_lines(Tally([test]), width=columns)[:3]
    assert [line.split()[0] for line in lines] == ["metric", "unedit_psnr", "emd"]
    counts = len("metric       gates  passed  failed  errors  unmeasured")
    assert max(map(len, lines)) <= max(columns, counts)
    shown = {40: "", 60: "", 70: "18.59", 80: "18.59", 100: "18.59 (min 45.00, 26.41 beyond)"}
    worst = lines[1][counts:].strip()
    assert worst.partition(":")[0] == shown[columns]


def test_what_has_no_golden_is_recorded_without_what_fails(scene):
    """The command to record takes no failing gate with it."""
    (scene.path / "goldens").mkdir()
    golden = scene.path / "goldens" / "test_edit.py.yaml"
    golden.write_text("test_1:\n  unedit_psnr: {min: 45, measured: 46}\n")
    psnr = ", metrics='unedit_psnr'"
    plain = f"edit_gate.check(scene(), edited(), BOX{psnr})"
    written(scene, SHIFTED.format(more=psnr), plain)
    lines = screen(scene.runpytest())
    typed = dict(line.split(": ", 1) for line in lines if line.startswith("to "))
    assert typed["to accept it, and record what has no golden, if meant"].endswith("=failed")
    record = typed["to record the one without a golden, if right"]
    assert record.endswith(" --editmetrics-update=missing")
    lines = screen(scene.runpytest("--editmetrics-run-dir=run"))
    typed = dict(line.split(": ", 1) for line in lines if line.startswith("to "))
    record = typed["to record the one without a golden, if right"]
    assert record.endswith("run --missing")
    before = golden.read_text()
    main([*record.split()[1:]])
    after = golden.read_text()
    assert before.strip() in after
    assert '"test_2":' in after


@pytest.mark.parametrize("kept", [(), ("--editmetrics-run-dir=run",)], ids=["plain", "kept"])
def test_every_failing_gate_is_in_exactly_one_count(suite, kept):
    suite.makepyfile(
        test_x="""
        import pytest
        from conftest import *

        def test_one(check): check(95)
        def test_two(check): check(96)
        def test_hand(check): check(97, 0.1)
        def test_nan(check): check(NAN)
        def test_both(edit_gate, check):
            try:
                check(98)
            finally:
                assert 0
        """
    )
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: 0.5}\n")
    lines = screen(suite.runpytest(*kept))
    total = next(int(line.split()[0]) for line in lines if " gates failed: " in line)
    counts = [
        re.match(pattern, line)
        for line in lines
        for pattern in (
            r"to accept (\d+) of 5, if meant",
            r"to loosen (\d+) bounds? written by hand",
            r"what to do about (\d+) gates? without a number",
            r"not to be accepted yet: (\d+) of 5, as its test fails for another reason, too",
        )
    ]
    found = [int(match[1]) for match in counts if match]
    assert (total, sorted(found)) == (5, [1, 1, 1, 2])


@pytest.mark.quick(1)
@pytest.mark.parametrize("options", [(), ("--tb=short",), ("--tb=native",), ("-v",), ("-n2",)])
def test_what_was_told_of_an_edit_steers_no_terminal(scene, monkeypatch, options):
    if "-n2" in options and not XDIST:
        pytest.skip("needs pytest-xdist")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    (scene.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 45}\n")
    prompt = r'"a hat\x1b[8A\x00\x9b##[error]\u202e\u2028 now"'
    written(
        scene,
        SHIFTED.format(more=f", facts={{'prompt': {prompt}}}, metrics='unedit_psnr'"),
        SHIFTED.format(more=f", metrics={prompt}"),
        f"edit_gate.check({prompt}, edited(), BOX)",
    )
    result = scene.runpytest_subprocess(*options, "--color=no", "-pno:cacheprovider")
    result.assert_outcomes(failed=3)
    text = result.stdout.str()
    assert r"prompt: a hat\x1b[8A\x00\x9b#\x23[error]\u202e now" in text
    assert not [c for c in text if not (c.isprintable() or c == "\n")]
