"""A test leaves the process in a folder that is gone: the session ends as it would elsewhere."""

from __future__ import annotations

import sys

import pytest
from parameters import first_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="such a folder cannot be removed")
OPTIONS = {
    "page": ["--editmetrics-run-dir=run", "--editmetrics-html=r.html"],
    "folder": ["--editmetrics-run-dir=run", "--editmetrics-html=site/"],
    "results": ["--editmetrics-results=r.jsonl"],
    "record": ["--editmetrics-update=all", "--editmetrics-run-dir=run"],
    "junit": ["--junitxml=j.xml", "--editmetrics-junit=full", "--editmetrics-run-dir=run"],
    "gates": ["-v"],
}
TESTS = """
import os
import numpy as np

def test_a(check):
    check(30, 0.9)

def test_images(golden_image):
    golden_image.check(np.full((8, 8, 3), 9, np.uint8))

def test_leaves(tmp_path, check):
    folder = tmp_path / "gone"
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()
    check({value}, 0.9)
"""


@pytest.mark.quick(1)
@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
@pytest.mark.parametrize("kind", OPTIONS)
def test_a_session_that_ends_in_no_folder(suite, monkeypatch, kind, mode):
    monkeypatch.chdir(suite.path)  # back, when this test ends
    suite.makepyfile(test_x=TESTS.format(value=30))
    suite.runpytest("-k", "not leaves", "--editmetrics-update=missing")
    suite.makepyfile(test_x=TESTS.format(value=95))
    result = suite.runpytest(*OPTIONS[kind], *mode)
    text = "\n".join([*result.outlines, *result.errlines])
    assert "INTERNALERROR" not in text
    assert "Traceback" not in text
    assert result.ret == 1  # of the gate, and of nothing else
    result.assert_outcomes(passed=2, failed=1)
