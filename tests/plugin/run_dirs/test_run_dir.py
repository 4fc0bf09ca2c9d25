"""The run directory of a session: what it keeps, when it is refused, what is done with it later."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest_text import add_to_conftest
from parameters import first_of

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.images.load import load_image
from pytest_editmetrics.runs.folder import Run, read_run

CONFIG = """
pipes_default:
  clip-pipe: {model_path: smoke}
  sam-pipe: {model_type: smoke}
thresholds: {lpips: {max: 0.02}, emd: {max: 1000}, emd_excess: {max: 1000}, sam_clip_cls_sim: {min: 0.5}}
"""
IMAGES = """
import numpy as np
import pytest

noise = np.random.default_rng(0)
BEFORE = noise.integers(0, 256, (48, 64, 3), dtype=np.uint8)
AFTER = BEFORE.copy()
AFTER[10:30, 10:40] = 255 - AFTER[10:30, 10:40]
BOX = (10, 10, 40, 30)
"""


def gates(run: Run) -> dict[tuple[str, str], object]:
    return {(r.nodeid.partition("::")[2], r.gate.label): r.gate for r in run.gates if r.final}


def pixels(run: Run, name: str) -> np.ndarray:
    return load_image(run.image_path(name))


@pytest.fixture
def real(pytester):
    """A project that measures with the packaged models."""
    (pytester.path / "editmetrics.yaml").write_text(CONFIG)
    pytester.makepyfile(images=IMAGES)
    return pytester


@pytest.fixture
def editmetrics(pytester, capsys):
    def run(*args: object) -> pytest.RunResult:
        capsys.readouterr()
        status = main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return pytest.RunResult(status, out.splitlines(), err.splitlines(), 0)

    return run


# What is kept


def test_what_a_gate_looked_at_is_kept(real):
    real.makepyfile(
        test_x="""
        from images import *
        def test_area(edit_gate):
            edit_gate.check(BEFORE, AFTER, [BOX], metrics=["lpips", "emd"])
        def test_objects(edit_gate):
            edit_gate.check(BEFORE, AFTER, ref_boxes=[BOX], edited_boxes=[BOX],
                            metrics="sam_clip_cls_sim")
        def test_inner(edit_gate):
            edit_gate.check(BEFORE, AFTER, [BOX], metrics=["lpips"], name="all")
            edit_gate.check(BEFORE, AFTER, metrics=["lpips"], name="whole")
        """
    )
    real.runpytest("--editmetrics-run-dir=out/run").assert_outcomes(passed=2, failed=1)
    run = read_run(real.path / "out" / "run")
    assert run.complete
    found = gates(run)
    sys.path.insert(0, str(real.path))
    try:
        import images
    finally:
        sys.path.remove(str(real.path))
        del sys.modules["images"]
    lpips = found["test_area", "lpips"]
    assert (pixels(run, lpips.images["reference"]) == images.BEFORE).all()
    assert (pixels(run, lpips.images["edited"]) == images.AFTER).all()
    mask = pixels(run, lpips.images["mask"])[..., 0]
    assert set(np.unique(mask)) == {0, 255}
    assert (mask == 0).sum() == 20 * 30
    assert (mask[10:30, 10:40] == 0).all()
    assert lpips.details["unscaled"] == 0
    assert lpips.images["heat"]["max"] == 0
    assert not pixels(run, lpips.images["heat"]["lpips"]).any()
    emd = found["test_area", "emd"]
    patches = emd.images["heat"]["patches"]
    cost = np.array(patches["cost"], dtype=float)
    assert cost.shape == (patches["rows"], patches["columns"])
    assert np.nansum(cost) == pytest.approx(emd.value, abs=1e-4)
    assert np.isfinite(cost).sum() == emd.details["n_selected"]
    objects = found["test_objects", "sam_clip_cls_sim"]
    assert "mask" not in objects.images
    (crops,) = objects.images["crops"]
    assert [pixels(run, crop).shape for crop in crops] == [(20, 30, 3)] * 2
    whole = found["test_inner", "lpips@whole"]
    assert (pixels(run, whole.images["mask"]) == 255).all()
    heat = pixels(run, whole.images["heat"]["lpips"])[..., 0] / 255 * whole.images["heat"]["max"]
    assert heat.mean() == pytest.approx(whole.value, rel=0.02)
    assert heat[10:30, 10:40].mean() > 2 * heat[:, 50:].mean()
    kept = {path.name for path in (run.path / "images").iterdir()}
    named = json.dumps([gate.images for gate in found.values()])
    assert all(f"images/{name}" in named for name in kept)


def test_an_image_that_was_resized_is_kept_as_it_was(real):
    real.makepyfile(
        test_x="""
        from images import *
        def test_it(edit_gate):
            edit_gate.check(BEFORE, AFTER.repeat(2, 0).repeat(2, 1), [BOX], resize="reference")
        """
    )
    real.runpytest("--editmetrics-run-dir=run")
    run = read_run(real.path / "run")
    gate = gates(run)["test_it", "lpips"]
    assert gate.region["resize"] == "reference"
    assert pixels(run, gate.images["edited"]).shape == (96, 128, 3)
    assert pixels(run, gate.images["mask"]).shape == (48, 64, 3)


def test_without_the_option_nothing_is_kept(suite):
    suite.makepyfile("def test_it(check): check(5, 1)")
    suite.runpytest("--editmetrics-results=r.jsonl")
    assert not gates(read_run(suite.path / "r.jsonl"))["test_it", "score"].images
    assert not list(suite.path.glob("**/images"))


def test_pictures_of_what_could_not_be_measured_are_kept(suite):
    suite.makepyfile(
        test_x="""
        from conftest import *
        def test_missing(check): check(MISSING, 1)
        def test_soft(check): check(NOT_FOUND, 1)
        def test_size(edit_gate): edit_gate.check(image(0), image(1)[:4], metrics="score")
        """
    )
    suite.runpytest("--editmetrics-run-dir=run")
    found = gates(read_run(suite.path / "run"))
    for test in ("test_missing", "test_soft"):
        gate = found[test, "score"]
        assert set(gate.images) == {"reference", "edited", "mask"}
        assert (gate.bound, gate.origin) == (1, "argument")
        assert gate.scope == "unedit_area"
    assert found["test_size", "score"].images == {}


@pytest.mark.slow
def test_workers_and_one_process_keep_the_same(real):
    real.makepyfile(
        test_x="""
        from images import *
        @pytest.mark.parametrize("level", range(5))
        def test_it(edit_gate, level):
            edit_gate.check(BEFORE, AFTER, [BOX] * level, metrics=["lpips", "emd"])
        """
    )
    real.runpytest("--editmetrics-run-dir=serial")
    real.runpytest("--editmetrics-run-dir=xdist", "-n2")
    runs = [read_run(real.path / name) for name in ("serial", "xdist")]
    serial, xdist = (sorted(run.gates, key=lambda r: (r.nodeid, r.gate.metric)) for run in runs)
    assert serial == xdist
    assert len(serial) == 10
    images = [
        {path.name: path.read_bytes() for path in (run.path / "images").iterdir()} for run in runs
    ]
    assert images[0] == images[1]
    lines = [sorted((run.path / "results.jsonl").read_text().splitlines()[1:]) for run in runs]
    assert lines[0] == lines[1]


def test_every_attempt_is_kept(suite):
    suite.makepyfile(
        test_x="""
        import pathlib
        def test_flaky(check):
            again = pathlib.Path("seen").exists()
            pathlib.Path("seen").touch()
            check(5 if again else 14, 0.1)
        """
    )
    suite.runpytest("--reruns", "1", "--editmetrics-run-dir=run")
    run = read_run(suite.path / "run")
    assert [(r.attempt, r.final, r.gate.verdict) for r in run.gates] == [
        (1, False, "fail"),
        (2, True, "pass"),
    ]
    assert [pixels(run, r.gate.images["edited"])[0, 0, 0] for r in run.gates] == [14, 5]


def test_a_box_of_one_pixel_in_the_corner_is_no_fraction(suite):
    suite.makepyfile(
        test_x="""
        from conftest import *
        def test_it(edit_gate):
            edit_gate.check(image(0), image(5), [(0, 0, 1, 1)], metrics="score")
        """
    )
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=1)
    gate = gates(read_run(suite.path / "run"))["test_it", "score"]
    assert gate.verdict == "missing-golden"
    assert gate.region["coords"] == [[0, 0, 1, 1]]
    assert "not_kept" not in gate.details


# Verdicts stand, whatever happens to the pictures


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_a_full_disk_changes_no_verdict(suite, mode):
    add_to_conftest(
        suite,
        """
def full(*args):
    raise OSError(28, "No space left on device")

@pytest.fixture(autouse=True)
def no_space(monkeypatch):
    monkeypatch.setattr("pytest_editmetrics.runs.writing.RunDir.save_image", full)
""",
    )
    suite.makepyfile("def test_ok(check): check(5, 1)\ndef test_bad(check): check(20, 0.1)")
    suite.runpytest("--editmetrics-run-dir=run", *mode).assert_outcomes(passed=1, failed=1)
    found = gates(read_run(suite.path / "run"))
    assert [found["test_ok", "score"].verdict, found["test_bad", "score"].verdict] == [
        "pass",
        "fail",
    ]
    for gate in found.values():
        assert gate.images == {}
        assert "edited: [Errno 28] No space left on device" in gate.details["not_kept"]


def test_a_failure_to_explain_changes_no_verdict(real):
    real.makeconftest(
        """
        from importlib import import_module
        import pytest
        def broken(*args):
            raise RuntimeError("no explanation")
        @pytest.fixture(autouse=True)
        def no_explanation(monkeypatch):
            pipes = "pytest_editmetrics.pipes."
            monkeypatch.setattr(import_module(pipes + "lpips.pipe"), "spatial_map", broken)
            monkeypatch.setattr(import_module(pipes + "clip.pipe"), "transport_costs", broken)
        """
    )
    real.makepyfile(
        test_x="""
        from images import *
        def test_it(edit_gate):
            edit_gate.check(BEFORE, AFTER, [BOX], metrics=["lpips", "emd"])
        """
    )
    real.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=1)
    found = gates(read_run(real.path / "run"))
    assert found["test_it", "lpips"].details["not_kept"] == "heat map: no explanation"
    assert found["test_it", "emd"].details["not_kept"] == "patch costs: no explanation"
    assert set(found["test_it", "lpips"].images) == {"reference", "edited", "mask"}


# Where it is written


def test_a_second_run_replaces_the_first(suite):
    suite.makepyfile("def test_it(check): check(20, 0.1)")
    suite.runpytest("--editmetrics-run-dir=run")
    first = {path.name for path in (suite.path / "run" / "images").iterdir()}
    suite.makepyfile("def test_other(check): check(30, 0.1)")
    suite.runpytest("--editmetrics-run-dir=run")
    run = read_run(suite.path / "run")
    assert list(gates(run)) == [("test_other", "score")]
    edited = {Path(run.gates[0].gate.images["edited"]).name}
    second = {path.name for path in (suite.path / "run" / "images").iterdir()}
    assert edited <= second
    assert not edited & first
    assert len(second) == len(first)


def test_another_folder_is_refused_before_the_first_test(suite):
    (suite.path / "mine").mkdir()
    (suite.path / "mine" / "thesis.tex").write_text("years of work")
    suite.makepyfile("def test_it(): print('ran')")
    result = suite.runpytest("--editmetrics-run-dir=mine", "-s")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*mine exists and is no run directory, so nothing in it is replaced*"]
    )
    result.stdout.no_fnmatch_line("*ran*")
    assert [path.name for path in (suite.path / "mine").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    "option", ["--editmetrics-run-dir=file/run", "--editmetrics-html=file/r.html"]
)
def test_a_path_that_cannot_be_written_stops_before_the_first_test(suite, option):
    (suite.path / "file").write_text("")
    suite.makepyfile("def test_it(): print('ran')")
    result = suite.runpytest(option, "-s")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*cannot write the *"])
    result.stdout.no_fnmatch_line("*ran*")


def test_the_path_is_relative_to_where_pytest_was_started(suite, monkeypatch):
    suite.makeini("[pytest]\n")
    suite.makepyfile(
        "import os\ndef test_it(check, tmp_path):\n    os.chdir(tmp_path)\n    check(5, 1)"
    )
    (suite.path / "sub").mkdir()
    monkeypatch.chdir(suite.path / "sub")
    result = suite.runpytest("--editmetrics-run-dir=run", "--editmetrics-html=r.html", "..")
    result.assert_outcomes(passed=1)
    assert read_run(suite.path / "sub" / "run").complete
    assert (suite.path / "sub" / "r.html").is_file()
    result.stdout.fnmatch_lines([f"run directory: {suite.path / 'sub' / 'run'}", "report: *r.html"])


def test_collecting_only_touches_nothing(suite):
    suite.makepyfile("def test_it(check): check(5, 1)")
    suite.runpytest("--collect-only", "--editmetrics-run-dir=run", "--editmetrics-html=r.html")
    assert not (suite.path / "run").exists()
    assert not (suite.path / "r.html").exists()


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_a_report_alone_leaves_no_run_directory(suite, mode, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    suite.makepyfile("def test_it(check): check(20, 0.1)")
    suite.runpytest("--editmetrics-html=r.html", *mode).assert_outcomes(failed=1)
    report = (suite.path / "r.html").read_text()
    assert "test_it" in report
    assert report.count("data:image/png;base64,") + report.count("iVBORw0KGgo") >= 2
    assert not list(temporary.iterdir())


def test_an_interrupted_run_is_not_complete(suite):
    suite.makepyfile(
        """
        def test_a(check): check(5, 1)
        def test_b(): raise KeyboardInterrupt
        """
    )
    suite.runpytest_subprocess("--editmetrics-run-dir=run", "-Werror")
    run = read_run(suite.path / "run")
    assert not run.complete
    assert list(gates(run)) == [("test_a", "score")]


def test_errors_of_collection_leave_a_run_that_is_not_complete(suite):
    suite.makepyfile(test_a="def test_a(check): check(5, 1)", test_b="import nothing_there")
    suite.runpytest("--editmetrics-run-dir=run")
    assert not read_run(suite.path / "run").complete


def test_a_run_without_gates_is_a_run(suite):
    suite.makepyfile("def test_it(): pass")
    suite.runpytest("--editmetrics-run-dir=run", "--editmetrics-html=r.html").assert_outcomes(
        passed=1
    )
    assert read_run(suite.path / "run").gates == ()


# Approving and scoring


def test_a_run_is_approved_after_it_was_moved(suite, editmetrics, tmp_path):
    suite.makeini("[pytest]\n")
    suite.mkdir("tests")
    (suite.path / "tests" / "test_x.py").write_text(
        "def test_new(check): check(5)\n"
        "def test_worse(check): check(14, name='hat')\n"
        "def test_stated(check): check(14, 0.1)\n"
        "def test_other(check): check(3, metric='likeness')\n"
    )
    golden = suite.path / "tests" / "goldens" / "test_x.py.yaml"
    golden.parent.mkdir()
    golden.write_text('"test_worse":  # keep me\n  score@hat: {max: 0.1, measured: 0.05}\n')
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=4)
    moved = tmp_path / "downloads" / "artifact"
    shutil.move(suite.path / "run", moved)
    result = editmetrics("approve", moved, "-k", "not likeness")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "approved: tests/test_x.py::test_new score 0.0*",
            "approved: tests/test_x.py::test_worse score@hat 0.1*",
            "wrote tests/goldens/test_x.py.yaml*",
        ]
    )
    assert "bound is the argument's; edit tests/test_x.py:3" in result.stdout.str()
    assert golden.read_text().startswith('"test_worse":  # keep me\n')
    suite.runpytest().assert_outcomes(passed=2, failed=2)
    assert editmetrics("approve", moved).ret == 0
    suite.runpytest("-k", "not stated").assert_outcomes(passed=3)


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_a_test_that_failed_for_another_reason_is_left_unless_it_is_named(
    suite, mode, monkeypatch, capsys
):
    suite.makepyfile(
        test_x="""
        import numpy as np
        def test_new(check): check(5)
        def test_size(check):
            try:
                check(5)
            finally:
                assert 0, "the wrong size"
        def test_image(golden_image):
            try:
                golden_image.check(np.zeros((8, 8, 3), np.uint8), comparator="exact")
            finally:
                assert 0, "the wrong size"
        """
    )
    suite.runpytest("--editmetrics-run-dir=run", *mode).assert_outcomes(failed=3)
    monkeypatch.chdir(suite.path)
    assert main(["approve", "run", "-k", "test_"]) == 0
    out = capsys.readouterr().out
    assert (
        "left: test_x.py::test_size score: its test failed for another reason, too;"
        " -k test_x.py::test_size approves it all the same\n" in out
    )
    assert "left: test_x.py::test_image golden_exact: its test failed for another reason" in out
    assert "approved: test_x.py::test_new score" in out
    golden = suite.path / "goldens" / "test_x.py.yaml"
    assert "test_size" not in golden.read_text()
    assert not (suite.path / "goldens" / "test_x.py").exists()
    assert main(["approve", "run", "-k", "test_x.py::test_size"]) == 0
    assert "test_size" in golden.read_text()


def test_scores_are_those_of_the_run(real, editmetrics):
    real.makepyfile(
        test_x="""
        from images import *
        BIG = AFTER.repeat(2, 0).repeat(2, 1)
        LARGE = tuple(2 * edge for edge in BOX)
        def test_area(edit_gate):
            edit_gate.check(BEFORE, AFTER, [BOX], metrics=["lpips", "emd", "emd_excess"])
            edit_gate.check(BEFORE, AFTER, metrics=["lpips"], name="whole")
        def test_stated(assert_unedit_lpips_below):
            assert_unedit_lpips_below(BEFORE, AFTER, [(0, 0, 20, 20)], 0.01)
        def test_resized(edit_gate):
            edit_gate.check(BEFORE, BIG, [BOX], ref_boxes=[BOX], edited_boxes=[LARGE],
                            metrics=["lpips", "sam_clip_cls_sim"], resize="reference")
        @pytest.mark.editmetrics(framing="center-crop", patch_mask_threshold=0.5)
        def test_marked(edit_gate):
            edit_gate.check(BEFORE, AFTER, [BOX], metrics=["emd"])
        def test_soft(edit_gate):
            edit_gate.check(BEFORE, AFTER, ref_boxes=[BOX], edited_boxes=[(200, 200, 300, 300)],
                            metrics=["sam_clip_cls_sim"])
        """
    )
    real.runpytest("--editmetrics-run-dir=run")
    result = editmetrics("score", "run", "-o", "again")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["metric * gates *", "FAILED: * fail*"])
    result.stderr.no_fnmatch_line("scoring*")  # a bar is for a terminal
    before, after = (gates(read_run(real.path / name)) for name in ("run", "again"))
    assert before.keys() == after.keys()
    for key, gate in before.items():
        again = after[key]
        for field in (
            "value",
            "floor",
            "excess",
            "verdict",
            "bound",
            "origin",
            "source",
            "scope",
            "region",
            "images",
            "details",
            "distance",
            "weights",
            "reason",
            "golden",
        ):
            assert getattr(again, field) == getattr(gate, field), (key, field)  # fmt: skip
    assert before["test_marked", "emd"].details["framing"] == "center-crop"
    assert before["test_stated", "lpips"].verdict == "fail"


def test_scores_are_judged_by_what_is_approved_now(real, editmetrics):
    real.makepyfile(
        test_x="""
        from images import *
        def test_it(edit_gate): edit_gate.check(BEFORE, AFTER)
        """
    )
    real.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=1)
    assert editmetrics("score", "run").ret == 1
    assert gates(read_run(real.path / "run-scored"))["test_it", "lpips"].verdict == "fail"
    (real.path / "other.yaml").write_text("thresholds: {lpips: {max: 9}}")
    assert editmetrics("score", "run", "-c", "other.yaml").ret == 0
    assert editmetrics("approve", "run").ret == 0
    assert editmetrics("score", "run").ret == 0
    scored = gates(read_run(real.path / "run-scored"))["test_it", "lpips"]
    assert (scored.verdict, scored.origin) == ("pass", "golden")


def test_what_only_a_test_can_make_is_an_error_unless_configured(real, editmetrics):
    real.makeconftest(
        """
        import pytest
        from pytest_editmetrics.pipes.lpips import LPIPSPipe
        @pytest.fixture(scope="session")
        def lpips_pipe():
            return LPIPSPipe(device="cpu")
        """
    )
    real.makepyfile(
        test_x="""
        from images import *
        def test_it(edit_gate): edit_gate.check(BEFORE, BEFORE.copy())
        """
    )
    real.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=1)
    assert editmetrics("score", "run").ret == 1
    gate = gates(read_run(real.path / "run-scored"))["test_it", "lpips"]
    assert gate.verdict == "error"
    assert "measured by the fixture lpips_pipe" in gate.message
    assert editmetrics("score", "run", "-c", "editmetrics.yaml").ret == 0


def test_pipes_of_the_conftest_score_too_and_errors_are_made_good(suite, editmetrics):
    suite.makeini("[pytest]\n")
    suite.makepyfile(
        test_x="""
        from conftest import *
        def test_ok(check): check(5, 1)
        def test_missing(check): check(MISSING, 3)
        def test_unread(edit_gate): edit_gate.check("gone.png", image(1), metrics="score")
        """
    )
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=1, failed=2)
    text = (suite.path / "conftest.py").read_text().replace("if value == MISSING:", "if False:")
    (suite.path / "conftest.py").write_text(text)
    assert editmetrics("score", "run").ret == 1
    found = gates(read_run(suite.path / "run-scored"))
    assert found["test_ok", "score"].verdict == "pass"
    missing = found["test_missing", "score"]
    assert (missing.verdict, missing.value, missing.bound) == ("pass", 2.53, 3)
    unread = found["test_unread", "score"]
    assert unread.verdict == "error"
    assert "keeps no images" in unread.message


def test_a_run_that_was_cut_off_or_crashed_is_no_success(suite, editmetrics):
    suite.makeini("[pytest]\n")
    suite.makepyfile(
        test_x="import os\ndef test_a(check): check(5, 1)\ndef test_dies(check): os._exit(3)"
    )
    suite.runpytest("-n1", "--editmetrics-run-dir=run")
    result = editmetrics("score", "run")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: 1 test of the run crashed, so gates may lack"])
    lines = (suite.path / "run" / "results.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if '"crashed", "nodeid"' not in line][:-1]
    (suite.path / "run" / "results.jsonl").write_text("".join(kept))
    result = editmetrics("score", "run")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: the run was cut off, so gates are missing"])
    assert not read_run(suite.path / "run-scored").complete


def test_a_golden_image_is_approved_and_scored_from_a_run(real, editmetrics):
    real.makeini("[pytest]\n")
    real.makepyfile(
        test_x="""
        from images import *
        def test_it(golden_image):
            golden_image.provenance(model="m", seed=3)
            golden_image.check(AFTER)
            golden_image.check(BEFORE, "alpha", comparator="exact")
        """
    )
    real.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=1)
    assert editmetrics("score", "run").ret == 1
    result = editmetrics("approve", "run")
    result.stdout.fnmatch_lines(
        [
            "approved: *test_it golden_lpips, golden_structure, golden_tone",
            "wrote goldens/test_x.py/*.png*",
        ]
    )
    (image,) = (real.path / "goldens" / "test_x.py").glob("*.png")
    provenance = (image.parent / "provenance.yaml").read_text()
    assert 'facts: {"model": "m", "seed": 3}' in provenance
    assert editmetrics("score", "run").ret == 0
    assert not list((real.path / "goldens").glob(".editmetrics-*"))


@pytest.mark.parametrize(
    "file", ["../out.png", "goldens/test_x.py/other-00000000.png", "/tmp/x.png"]
)
def test_a_golden_image_elsewhere_is_refused(real, editmetrics, file):
    real.makeini("[pytest]\n")
    real.makepyfile(
        test_x="""
        from images import *
        def test_it(golden_image): golden_image.check(AFTER)
        """
    )
    real.runpytest("--editmetrics-run-dir=run")
    results = real.path / "run" / "results.jsonl"
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    lines[1]["snapshot"]["file"] = file
    results.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = editmetrics("approve", "run")
    assert result.ret == 1
    assert "nothing was written" in result.stderr.str()
    assert not (real.path / "goldens").exists()
    assert not (real.path.parent / "out.png").exists()
