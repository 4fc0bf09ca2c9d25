"""A model that returns its input: the first line says that, and nothing like it is said twice."""

from __future__ import annotations

import pytest

SAME = "edit_gate.check(scene(), scene(), BOX{more})"


def shown(scene: pytest.Pytester, *options: str, more: str = "") -> list[str]:
    scene.makepyfile(
        test_edit=f"from scene import *\n\ndef test_it(edit_gate):\n    {SAME.format(more=more)}\n"
    )
    result = scene.runpytest(*options)
    result.assert_outcomes(failed=1)
    return [line.removeprefix("E").strip() for line in result.outlines if line.startswith("E  ")]


METRICS = ["unedit_psnr", "unedit_ssim", "unedit_max_diff", "drift_px", "edit_lpips"]


def test_without_a_golden_the_lost_edit_comes_first_and_the_others_are_one_line(scene):
    first, second, *rows = shown(scene, more=f", metrics={METRICS}")
    lost = "the edit area is the reference's, pixel by pixel"
    assert first == f"GateFailure: edit_lpips 0.000 has no threshold and no golden: {lost}"
    assert second.startswith("unedit_psnr 100.0, unedit_ssim 1.000, unedit_max_diff 0.000, ")
    assert second.endswith(" have no threshold and no golden")
    assert not any("no threshold" in line for line in rows)
    (record,) = (line for line in rows if line.startswith("to record unedit_psnr, "))
    assert "first end the failure of edit_lpips, which no golden can hold (the edit was" in record


def test_beside_others_that_fail_it_comes_first(scene):
    (scene.path / "editmetrics.yaml").write_text("thresholds: {edit_lpips: 0.1}\n")
    scene.makepyfile(
        test_edit="from scene import *\n\ndef test_it(edit_gate):\n"
        "    edited = np.roll(scene(), 1, 0)\n"
        "    x1, y1, x2, y2 = BOX[0]\n"
        "    edited[y1:y2, x1:x2] = scene()[y1:y2, x1:x2]\n"
        "    edit_gate.check(scene(), edited, BOX, expect='composited')\n"
    )
    lines = [line for line in scene.runpytest().outlines if line.startswith("E  ")]
    assert "GateFailure: edit_lpips 0.000 < min 0.100: the edit area is" in lines[0]
    assert "unedit_max_diff" in lines[1]


def test_what_was_not_measured_for_one_reason_is_one_line(scene):
    scene.makepyfile(
        test_edit="from scene import *\n\ndef test_it(edit_gate):\n"
        "    flat = np.full((96, 96, 3), 90, np.uint8)\n"
        "    edit_gate.check(flat, flat.copy(), [(9, 9, 50, 50)], expect='reencoded')\n"
    )
    lines = scene.runpytest().outlines
    (line,) = (line for line in lines if line.startswith("E ") and "no-texture" in line)
    assert "unedit drift_px, warp_px, moved_share unmeasured (no-texture): " in line


def test_approve_says_once_why_it_leaves_gates_of_a_test(scene, capsys, monkeypatch):
    from pytest_editmetrics.cli.main import main

    checks = "[dict(reference=scene(), edited=scene(), coords=BOX, name=n) for n in 'abcde']"
    scene.makepyfile(
        test_edit="from scene import *\n\ndef test_it(edit_gate):\n"
        f"    edit_gate.check_all({checks})\n"
    )
    (scene.path / "editmetrics.yaml").write_text("metrics: [edit_lpips]\n")
    scene.runpytest("--editmetrics-run-dir=run")
    monkeypatch.chdir(scene.path)
    capsys.readouterr()
    main(["approve", "run"])
    left, nothing = capsys.readouterr().out.splitlines()
    names = ", ".join(f"edit_lpips@{n}" for n in "abcde")
    assert left.startswith(f"left: test_edit.py::test_it {names}: edit_lpips is 0: ")
    assert nothing == "nothing to approve"
