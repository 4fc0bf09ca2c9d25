"""A test replaces a part of Python, or of the file system, and checks while it is replaced"""

from __future__ import annotations

import pytest
from no_files import NO_FILES

PYFAKEFS = "def test_it(fs, check): check(20)\ndef test_other(fs): pass\n"


@pytest.fixture
def approved(suite):
    """A suite whose golden is strict and whose default is not."""
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 60}}\n")
    (suite.mkdir("goldens") / "test_x.py.yaml").write_text("test_it:\n  score: {max: 0.1}\n")
    return suite


def test_files_that_a_mock_hides(approved, assert_came, workers):
    """The golden cannot be seen while the test runs: `Path.exists` is mocked."""
    approved.makepyfile(test_x=NO_FILES + "def test_it(no_files, check): check(20)")
    result = approved.runpytest(*workers)
    assert_came(result, 1, "*test_x.py.yaml: it was there when the session began*")


def test_pyfakefs(approved, assert_came, workers):
    """The same with the file system of pyfakefs, whose other tests pass."""
    pytest.importorskip("pyfakefs")
    approved.makepyfile(test_x=PYFAKEFS)
    result = approved.runpytest_subprocess(*workers, "-ppyfakefs.pytest_plugin")
    result.assert_outcomes(failed=1, passed=1)
    assert_came(result, 1, "*test_x.py.yaml: it was there when the session began*")


def test_a_golden_image_under_pyfakefs(suite, assert_came, workers):
    """The first check of a session compares an image in the file system of pyfakefs."""
    pytest.importorskip("pyfakefs")
    suite.makepyfile(
        test_x="import numpy as np\n"
        "IMAGE = np.tile(np.arange(64, dtype=np.uint8), (64, 1))\n"
        "def test_it(fs, golden_image): golden_image.check(IMAGE)\n"
        "def test_other(fs): pass\n"
    )
    result = suite.runpytest_subprocess(*workers, "-ppyfakefs.pytest_plugin")
    result.assert_outcomes(failed=1, passed=1)
    assert_came(
        result, 1, "*could not be judged: *the test has a fake file system (pyfakefs, a mock)*"
    )


def test_a_golden_that_a_test_removes(approved, assert_came, workers):
    """A test removes the folder of goldens before it checks."""
    approved.makepyfile(
        test_x="import pathlib, shutil\n"
        "def test_it(check):\n"
        "    shutil.rmtree(pathlib.Path(__file__).parent / 'goldens')\n"
        "    check(20)\n"
    )
    result = approved.runpytest(*workers)
    assert_came(result, 1, "*test_x.py.yaml: it was there when the session began*")


def test_json(approved, assert_came, workers):
    """`json.dumps` is mocked until the test's reports are made, and the exception is caught."""
    approved.makepyfile(
        test_x="import json\n"
        "def test_it(check, monkeypatch):\n"
        "    monkeypatch.setattr(json, 'dumps', lambda *a, **k: '{}')\n"
        "    try: check(20)\n"
        "    except AssertionError: pass\n"
    )
    assert_came(approved.runpytest(*workers), 1, "*score 0.200 > max 0.100*")
