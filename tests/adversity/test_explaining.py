"""A failing gate is explained"""

from __future__ import annotations

import pytest

SECOND = """
    import concurrent.futures, threading
    from unittest.mock import Mock
    import numpy as np
    from pytest_editmetrics.report import picture

    def test_it(edit_gate, monkeypatch):
        before, box = np.zeros((64, 64, 3), np.uint8), [(0, 0, 32, 32)]
        way = {"metrics": ["unedit_max_diff"], "expect": "composited"}
        edit_gate.check(before, before.copy(), box, name="first", **way)
        monkeypatch.BROKEN
        try: edit_gate.check(before, before + 9, box, name="second", **way)
        except Exception: pass
"""


@pytest.mark.parametrize(
    "broken",
    [
        "setattr(picture, 'save_picture', Mock(side_effect=MemoryError))",
        "setattr(picture, 'describe_change', Mock(side_effect=ValueError))",
        "setattr(threading.Thread, 'join', Mock(side_effect=TimeoutError))",
        "setattr(threading.Thread, 'start', Mock(side_effect=RuntimeError))",
        "setattr(threading, 'Thread', Mock())",
    ],
)
def test_caught(suite, assert_came, workers, broken):
    """What explains the second of two checks breaks, or its thread does, and the test catches it."""
    suite.makepyfile(test_it=SECOND.replace("BROKEN", broken))
    result = suite.runpytest_subprocess(*workers)
    assert_came(result, 1, "*unedit_max_diff@second 9.000 > max 2.000*")


def test_missing_golden_image_that_xfail_hides(suite, assert_came, workers):
    """The golden image of a test that is marked xfail is gone, and goldens are required."""
    suite.makepyfile(
        test_it="""
        import numpy as np, pytest

        @pytest.mark.xfail
        def test_it(golden_image):
            golden_image.check(np.zeros((64, 64, 3), np.uint8), comparator="pixel")
        """
    )
    result = suite.runpytest_subprocess(*workers, "--editmetrics-require=golden=1")
    assert_came(result, 1, "FAILED: fewer gates were *: 0 of 1 held to a golden: *")
