"""The fixtures and the importable helpers, on the genuine LPIPS and the smoke models."""

from __future__ import annotations

import pytest

IMAGES = """
import numpy as np
import pytest

def photo(seed=0, size=96):
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 200, size)
    base = np.stack([np.add.outer(ramp, ramp) / 2] * 3, axis=2)
    return (base + rng.integers(0, 40, (size, size, 3))).clip(0, 255).astype(np.uint8)

def edited_inside(image):
    out = image.copy()
    out[32:64, 32:64] = 255 - out[32:64, 32:64]
    return out

BOX = [(32, 32, 64, 64)]
"""

SMOKE = """
pipes_default:
  clip-pipe: {model_path: smoke}
  sam-pipe: {model_type: smoke}
"""


@pytest.fixture
def images(pytester):
    pytester.makepyfile(images=IMAGES)
    pytester.syspathinsert()
    return pytester


def test_outside_a_test_the_functions_say_what_is_wrong_and_the_session_fails(pytester):
    pytester.makepyfile(
        """
        import threading
        import pytest_editmetrics
        from pytest_editmetrics.errors import InputError

        def test_thread():
            raised = []

            def call():
                try:
                    pytest_editmetrics.assert_unedit_lpips_below(None, None, None)
                except InputError as error:
                    raised.append(str(error))

            thread = threading.Thread(target=call)
            thread.start()
            thread.join()
            assert len(raised) == 1
            assert "no pytest test is running here" in raised[0]
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["FAILED: a gate reached no report: *test_thread: *no test was found*"]
    )


def test_lpips_is_exactly_zero_outside_a_composited_edit(images):
    images.makepyfile(
        """
        from images import *
        def test_fixture(assert_unedit_lpips_below):
            a = photo()
            assert assert_unedit_lpips_below(a, edited_inside(a), BOX, 0.0).value == 0.0
        def test_spill(assert_unedit_lpips_below):
            a = photo()
            b = edited_inside(a)
            b[:, 80:] = 0
            assert_unedit_lpips_below(a, b, BOX, 0.01)
        """
    )
    result = images.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*GateFailure: unedit lpips * > max 0.010*"])


def test_unittest_classes_use_the_functions(images):
    images.makepyfile(
        """
        import unittest
        from images import *
        from pytest_editmetrics import assert_unedit_lpips_below
        class TestEditor(unittest.TestCase):
            def test_it(self):
                a = photo()
                assert_unedit_lpips_below(a, edited_inside(a), BOX, 0.0)
            def test_nothing_outside(self):
                a = photo()
                assert_unedit_lpips_below(a, a.copy(), [(0, 0, 96, 96)], 0.0)
        """
    )
    result = images.runpytest()
    result.assert_outcomes(passed=1, xfailed=1)


def test_smoke_models_run_every_helper_and_are_stamped(images, monkeypatch):
    (images.path / "editmetrics.yaml").write_text(SMOKE)
    images.makepyfile(
        """
        from images import *
        def test_emd(assert_unedit_emd_below):
            a = photo()
            m = assert_unedit_emd_below(a, edited_inside(a), BOX, 1e6)
            assert m.smoke and m.floor is not None
        def test_object(assert_object_sim_above):
            a = photo()
            assert_object_sim_above(a, a.copy(), ref_boxes=BOX, edited_boxes=BOX, threshold=-0.99)
        """
    )
    result = images.runpytest("--editmetrics-results=r.jsonl")
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["smoke: 2 of 2 gates were measured with random smoke weights*"])
    monkeypatch.setenv("CI", "true")
    result = images.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["FAILED: 2 gates were judged on random smoke weights and CI is set*"]
    )
    assert images.runpytest("--editmetrics-allow-smoke").ret == 0


def test_smoke_and_real_goldens_never_meet(images):
    (images.path / "editmetrics.yaml").write_text(SMOKE)
    images.makepyfile(
        test_x="""
        from images import *
        def test_emd(assert_unedit_emd_below):
            a = photo()
            assert_unedit_emd_below(a, edited_inside(a), BOX)
        """
    )
    golden = images.mkdir("goldens") / "test_x.py.yaml"
    golden.write_text('"test_emd":\n  emd: {max: 1000000, measured: 5}\n')
    result = images.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*has no threshold and no golden"])
    images.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    text = golden.read_text()
    assert "max: 1000000, measured: 5" in text
    assert "smoke: {max:" in text
    images.runpytest().assert_outcomes(passed=1)


def test_emd_runs_without_sam_weights_and_loads_no_sam(images):
    (images.path / "editmetrics.yaml").write_text(
        "pipes_default:\n  clip-pipe: {model_path: smoke}\n  sam-pipe: {model_path: nowhere.pth}\n"
    )
    images.makepyfile(
        """
        import sys
        from images import *
        def test_emd(assert_unedit_emd_below, sam_pipe):
            a = photo()
            assert_unedit_emd_below(a, edited_inside(a), BOX, 1e6)
            assert not sam_pipe.loaded
        def test_object(assert_object_sim_above):
            a = photo()
            assert_object_sim_above(a, a.copy(), ref_boxes=BOX, edited_boxes=BOX, threshold=-0.99)
        """
    )
    result = images.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*EditMetricsError: sam_clip_cls_sim could not be judged*nowhere.pth*"]
    )


@pytest.mark.long
def test_only_lpips_imports_neither_torchvision_nor_transformers(cold_processes, images):
    images.makepyfile(
        """
        import sys
        from images import *
        def test_it(assert_unedit_lpips_below):
            a = photo()
            assert_unedit_lpips_below(a, edited_inside(a), None, 9)
            heavy = {"torchvision", "transformers", "lpips", "segment_anything", "ot"}
            assert not heavy & set(sys.modules)
        """
    )
    images.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_users_clip_pipe_serves_fixtures_and_functions(images):
    images.makeconftest(
        """
        import pytest
        class Mine:
            def __call__(self, reference, edited, coords, mask_mode, metric, **params):
                return 3.5
        @pytest.fixture
        def clip_pipe():
            return Mine()
        """
    )
    images.makepyfile(
        """
        from images import *
        from pytest_editmetrics import assert_unedit_emd_below as function
        def test_it(assert_unedit_emd_below):
            a = photo()
            assert assert_unedit_emd_below(a, a.copy(), BOX, 9, name="x").value == 3.5
            assert function(a, a.copy(), BOX, 9).value == 3.5
        @pytest.mark.editmetrics(framing="center-crop")
        def test_options_cannot_reach_it(edit_gate):
            a = photo()
            edit_gate.check(a, a.copy(), BOX, metrics=["emd"])
        """
    )
    result = images.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*marker's framing cannot be applied*clip_pipe is overridden*"])


def test_objects_need_pairs(images):
    (images.path / "editmetrics.yaml").write_text(SMOKE)
    images.makepyfile(
        """
        from images import *
        A = photo()
        def test_missing(edit_gate):
            edit_gate.check(A, A.copy(), BOX, metrics=["sam_clip_cls_sim"])
        def test_unequal(edit_gate):
            edit_gate.check(A, A.copy(), metrics=["sam_clip_cls_sim"], ref_boxes=BOX, edited_boxes=BOX + BOX)
        def test_halves(assert_object_sim_above):
            assert_object_sim_above(A, A.copy(), BOX + BOX, -0.99)
        def test_odd(assert_object_sim_above):
            assert_object_sim_above(A, A.copy(), BOX, -0.99)
        """
    )
    result = images.runpytest()
    result.assert_outcomes(failed=2, passed=1, xfailed=1)
    result.stdout.fnmatch_lines(
        ["*give ref_boxes= and edited_boxes=*", "*1 ref_boxes do not pair with 2*"]
    )


def test_marker_options_reach_the_pipe_and_unknown_ones_are_refused(images):
    (images.path / "editmetrics.yaml").write_text(SMOKE)
    images.makepyfile(
        """
        from images import *
        A = photo()
        @pytest.mark.editmetrics(metrics=["emd"], thresholds={"emd": 1e6}, framing="center-crop",
                                 reference_patches="selected")
        def test_it(edit_gate):
            (m,) = edit_gate.check(A, A.copy(), BOX)
            assert m.value == pytest.approx(0, abs=1e-6)
            assert m.details["framing"] == "center-crop"
        @pytest.mark.editmetrics(metrics=["emd"], thresholds={"emd": 1e6}, framming="center-crop")
        def test_typo(edit_gate):
            edit_gate.check(A, A.copy(), BOX)
        """
    )
    result = images.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*'framming'*did you mean 'framing'*"])


def test_release_frees_and_the_next_measurement_loads_again(images):
    images.makepyfile(
        """
        from images import *
        def test_it(lpips_pipe, assert_unedit_lpips_below):
            a = photo()
            assert not lpips_pipe.loaded
            first = assert_unedit_lpips_below(a, photo(1), None, 99, name="a").value
            assert lpips_pipe.loaded
            lpips_pipe.release()
            assert not lpips_pipe.loaded
            assert assert_unedit_lpips_below(a, photo(1), None, 99, name="b").value == first > 0
        """
    )
    images.runpytest().assert_outcomes(passed=1)


def test_different_sizes_are_an_error_unless_resized(images):
    images.makepyfile(
        """
        from images import *
        def test_error(assert_unedit_lpips_below):
            assert_unedit_lpips_below(photo(), photo(size=80), None, 9)
        def test_resized(assert_unedit_lpips_below):
            assert_unedit_lpips_below(photo(), photo(size=80), None, 9, resize="reference")
        """
    )
    result = images.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*lpips could not be judged*80*96*"])


def test_boxes_of_a_resized_edited_image_lie_in_its_own_pixels(images):
    (images.path / "editmetrics.yaml").write_text(SMOKE)
    images.makepyfile(
        """
        from images import *
        from PIL import Image
        def test_it(assert_object_sim_above):
            a = photo()
            b = Image.fromarray(a).resize((192, 192))
            m = assert_object_sim_above(a, b, ref_boxes=BOX, edited_boxes=[(64, 64, 128, 128)],
                                        threshold=-0.99, resize="reference")
            assert m.details["edited_boxes"] == m.details["reference_boxes"]
        """
    )
    images.runpytest().assert_outcomes(passed=1)
