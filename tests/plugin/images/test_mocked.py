"""A test may replace parts of Python or the file system: its gates, and all other tests, stay."""

from __future__ import annotations

import pytest
from no_files import NO_FILES


def test_a_test_without_files_that_has_no_gates_is_left_alone(suite):
    suite.makepyfile(NO_FILES + "def test_it(no_files): pass")
    suite.runpytest().assert_outcomes(passed=1)


def test_a_golden_that_a_test_cannot_see_is_no_golden_that_is_not_there(suite):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 60}}\n")
    (suite.path / "goldens").mkdir()
    golden = suite.path / "goldens" / "test_x.py.yaml"
    golden.write_text("test_it:\n  score: {max: 0.1}\n")
    suite.makepyfile(test_x=NO_FILES + "def test_it(no_files, check): check(20)")
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*test_x.py.yaml: it was there when the session began*"])
    golden.unlink()
    result = suite.runpytest()
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("phase", ["body", "whole"])
def test_a_mock_of_json_costs_no_gate(suite, phase):
    suite.makepyfile(
        """
        import json

        def test_it(check, monkeypatch):
            with monkeypatch.context() as patch:
                (patch if {inside} else monkeypatch).setattr(json, "dumps", lambda *a, **k: "{{}}")
                monkeypatch.setattr(json, "loads", json.loads if {inside} else lambda *a, **k: {{}})
                try: check(20, 0.1)
                except AssertionError: pass
        """.format(inside=phase == "body")
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*score 0.200 > max 0.100*"])


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "mock",
    [
        "setattr(threading, 'Thread', Mock())",
        "setattr(threading.Thread, 'start', Mock(side_effect=RuntimeError('no thread left')))",
        "setattr(threading.Thread, 'start', Mock())",
        "setattr(concurrent.futures, 'ThreadPoolExecutor', None)",
    ],
)
def test_a_failing_gate_has_its_picture_where_no_thread_starts(suite, mock):
    suite.makepyfile(
        f"""
        import concurrent.futures, threading
        from unittest.mock import Mock
        import numpy as np

        def test_it(edit_gate, monkeypatch):
            before = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
            edited = before.copy()
            edited[40:, 40:] //= 2
            monkeypatch.{mock}
            edit_gate.check(before, edited, [(0, 0, 32, 32)], metrics=["unedit_max_diff"],
                            expect="composited")
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E   *GateFailure: *", "E  *look at * (reference | edited | *"])
    (picture,) = (suite.path / ".pytest_cache" / "d" / "editmetrics").glob("*.png")
    assert picture.stat().st_size


def test_a_timeout_that_ends_a_test_while_its_picture_is_drawn_is_kept(suite):
    suite.makepyfile(
        """
        import threading
        from unittest.mock import Mock
        import numpy as np

        def test_it(edit_gate, monkeypatch):
            before = np.zeros((64, 64, 3), np.uint8)
            late = Mock(side_effect=TimeoutError("too slow"))
            monkeypatch.setattr(threading.Thread, "join", late)
            edit_gate.check(before, before + 9, [(0, 0, 32, 32)], metrics=["unedit_max_diff"],
                            expect="composited")
        """
    )
    suite.runpytest().stdout.fnmatch_lines(["E   *TimeoutError: too slow"])


def test_a_verdict_stands_whatever_ends_the_search_for_its_cause(suite):
    suite.makepyfile(
        """
        from unittest.mock import Mock
        import numpy as np
        from pytest_editmetrics.report import picture

        def test_it(edit_gate, monkeypatch):
            before, box = np.zeros((64, 64, 3), np.uint8), [(0, 0, 32, 32)]
            way = {"metrics": ["unedit_max_diff"], "expect": "composited"}
            edit_gate.check(before, before.copy(), box, name="first", **way)
            monkeypatch.setattr(picture, "save_picture", Mock(side_effect=MemoryError))
            try: edit_gate.check(before, before + 9, box, name="second", **way)
            except MemoryError: pass
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unedit_max_diff@second 9.000 > max 2.000*", "unedit_max_diff *"])
