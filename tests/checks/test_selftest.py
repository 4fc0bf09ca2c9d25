"""``--editmetrics-selftest`` and ``editmetrics selftest``: would the gates notice a fault?"""

from __future__ import annotations

import json

import pytest

from pytest_editmetrics.cli.main import main

SUITE = """
from scene import *


def test_tight(edit_gate):
    edit_gate.check(scene(), edited(), BOX, expect="composited")


def test_loose(edit_gate):
    edit_gate.check(scene(), edited(), BOX, metrics="unedit_psnr", name="loose")
"""


@pytest.fixture
def suite(scene: pytest.Pytester) -> pytest.Pytester:
    scene.makepyfile(test_edit=SUITE)
    (scene.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 1}\n")
    return scene


def test_a_blind_case_fails_and_says_what_it_lets_through(suite):
    result = suite.runpytest("--editmetrics-selftest")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*GateFailure: selftest@loose 0.000 < min 0.125*",
            "*bound     *--editmetrics-selftest*",
            "*    to accept tighten a bound, or measure a metric that sees one of them*",
            "*    unnoticed shift-1px, shift-3px, blur, exposure, colour-cast, jpeg-60, spill-32px,"
            " edit-undone*",
        ]
    )
    result.stdout.fnmatch_lines(["selftest * 2 * 1 * 1 *"])


def test_without_the_option_nothing_is_tried(suite):
    result = suite.runpytest("-q")
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*selftest*")


def test_it_works_on_workers_and_from_the_ini_file(suite):
    suite.makeini("[pytest]\npythonpath = .\neditmetrics_selftest = true\n")
    result = suite.runpytest("-q", "-n2", "--editmetrics-results=results.jsonl")
    result.assert_outcomes(passed=1, failed=1)
    lines = (suite.path / "results.jsonl").read_text().splitlines()
    gates = {
        gate["name"]: gate for gate in map(json.loads, lines) if gate.get("metric") == "selftest"
    }
    assert gates["loose"]["details"]["caught"] == {}
    assert gates[None]["details"]["let_through"] == []
    assert gates[None]["details"]["caught"]["edit-undone"] == ["edit_lpips"]


def test_a_case_that_fails_anyway_is_not_tried(suite):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 99}\n")
    suite.makepyfile(
        test_edit=SUITE.replace("edited(), BOX, metrics", "np.roll(edited(), 1, 0), BOX, metrics")
    )
    result = suite.runpytest("-q", "--editmetrics-selftest", "-k", "loose")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*selftest*0.*")


def test_goldens_are_left_alone(suite):
    (suite.path / "editmetrics.yaml").unlink()
    result = suite.runpytest("-q", "--editmetrics-update=all", "--editmetrics-selftest")
    golden = (suite.path / "goldens" / "test_edit.py.yaml").read_text()
    assert "selftest" not in golden
    result.assert_outcomes(passed=2)


def test_a_case_that_measures_nothing_is_not_made_green(suite):
    suite.makepyfile(
        test_edit=SUITE.split("def test_tight")[0] + "def test_flat(edit_gate):\n"
        "    flat = np.full((96, 96, 3), 9, np.uint8)\n"
        "    edit_gate.check(flat, flat.copy(), metrics='drift_px')\n"
    )
    result = suite.runpytest("--editmetrics-selftest")
    result.assert_outcomes(xfailed=1)
    assert result.ret == 1


@pytest.fixture
def run(suite, monkeypatch):
    suite.runpytest("-q", "--editmetrics-run-dir=run").assert_outcomes(passed=2)
    monkeypatch.chdir(suite.path)
    return suite


def test_an_image_that_is_damaged_is_no_success(run, capsys):
    lines = (run.path / "run/results.jsonl").read_text().splitlines()
    gates = [json.loads(line) for line in lines]
    loose = next(g for g in gates if g["record"] == "gate" and g["name"] == "loose")
    (run.path / "run" / loose["images"]["edited"]).write_bytes(b"nothing")
    (run.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 30}\n")
    assert main(["selftest", "run"]) == 1
    out = capsys.readouterr().out
    assert "test_loose@loose: not tried: edited image" in out
    assert "FAILED: 2 of 2 cases have a gate that could not be judged" in out


def test_the_command_lists_what_each_case_lets_through(run, capsys):
    assert main(["selftest", "run"]) == 1
    out = capsys.readouterr().out
    assert "test_edit.py::test_tight: 8 of 8 faults noticed" in out
    assert "test_edit.py::test_loose@loose: BLIND, 0 of 8 faults noticed" in out
    assert "    let through  jpeg-60: background through JPEG 60" in out
    assert "shift-3px           1            1" in out
    assert "FAILED: 1 of 2 cases notice no fault at all" in out


def test_the_command_takes_other_bounds(run, capsys):
    (run.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 30}\n")
    assert main(["selftest", "run"]) == 0
    assert "test_loose@loose: 4 of 8 faults noticed" in capsys.readouterr().out


def test_a_gate_without_its_weights_is_not_blind_but_an_error(run, capsys):
    (run.path / "editmetrics.yaml").write_text(
        "pipes_default: {lpips-pipe: {net: vgg}}\nthresholds: {unedit_psnr: 30}\n"
    )
    assert main(["selftest", "run"]) == 1
    out = capsys.readouterr().out
    assert "test_edit.py::test_tight: not tried: lpips could not be judged: " in out
    assert "editmetrics weights fetch lpips:vgg" in out
    assert "test_loose@loose: 4 of 8 faults noticed" in out
    assert "FAILED: 1 of 2 cases have a gate that could not be judged" in out
    assert "BLIND" not in out


def test_a_pipe_that_may_be_skipped_leaves_what_the_others_notice(run, capsys):
    (run.path / "editmetrics.yaml").write_text(
        "pipes_default: {lpips-pipe: {net: vgg}}\nthresholds: {unedit_psnr: 30}\n"
    )
    run.makeini("[pytest]\npythonpath = .\neditmetrics_skip_missing = lpips-pipe\n")
    assert main(["selftest", "run"]) == 0
    assert "test_edit.py::test_tight: 7 of 8 faults noticed" in capsys.readouterr().out


def test_a_measurement_that_breaks_on_a_fault_is_an_error(suite):
    suite.makeconftest(
        """
        from pytest_editmetrics import Metric

        class Fragile:
            def __call__(self, reference, edited, coords, mask_mode, metric, **params):
                if (reference[:9, :9] != edited[:9, :9]).any():
                    raise RuntimeError("out of memory")
                return 0.0

        def pytest_editmetrics_register_pipes(registry):
            registry.register("fragile-pipe", Fragile, metrics=[Metric("fragile", "lower")])
        """
    )
    suite.makepyfile(
        test_edit=SUITE.split("def test_tight")[0] + "def test_it(edit_gate):\n"
        "    edit_gate.check(scene(), edited(), BOX, metrics='fragile')\n"
    )
    (suite.path / "editmetrics.yaml").write_text("thresholds: {fragile: 1}\n")
    result = suite.runpytest("--editmetrics-selftest")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*EditMetricsError: selftest could not be judged: fragile could not be judged: *out of memory*"
        ]
    )


def test_the_command_prints_json(run, capsys):
    assert main(["selftest", "run", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    by_case = {case["case"]: case for case in found["cases"]}
    assert by_case["test_edit.py::test_loose@loose"]["blind"] is True
    assert by_case["test_edit.py::test_tight"]["caught"]["blur"] == ["unedit_max_diff", "lpips"]
    assert set(found["faults"]) >= {"blur", "edit-undone"}


def test_a_results_file_without_images_proves_nothing(run, capsys):
    results = run.path / "alone.jsonl"
    results.write_bytes((run.path / "run" / "results.jsonl").read_bytes())
    assert main(["selftest", "alone.jsonl"]) == 1
    out = capsys.readouterr().out
    assert "not tried: " in out
    assert "FAILED: no case could be tried, so this proves nothing" in out
