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
