"""A file that looks like ours is not read, and what it holds is not held"""

from __future__ import annotations

import pytest

TEST = "def test_it(check): check(30)\n"


@pytest.fixture
def loose(suite):
    """A test whose value is far from the bound that the misplaced files state."""
    suite.makepyfile(test_x=TEST)
    return suite


@pytest.mark.parametrize("name", ["editmetrics.yml", ".editmetrics.yaml", "edit-metrics.yaml"])
def test_a_misspelt_configuration(loose, assert_came, name):
    """The configuration's name is misspelt."""
    (loose.path / name).write_text("suite: {score: {mean: {max: 0.1}}}\n")
    result = loose.runpytest_subprocess()
    assert_came(
        result, 4, "ERROR: *it is not read: the configuration is called editmetrics.yaml; *"
    )


def test_a_misspelt_configuration_under_workers(loose, assert_came):
    """The configuration's name is misspelt, and pytest-xdist's workers collect the tests."""
    (loose.path / "editmetrics.yml").write_text("suite: {score: {mean: {max: 0.1}}}\n")
    result = loose.runpytest_subprocess("-n2")
    assert_came(result, 4, "*editmetrics.yml: it is not read: *is called editmetrics.yaml; *")


def test_a_configuration_beside_the_tests(suite, assert_came, workers):
    """The configuration lies beside the tests, below the rootdir, whose own holds."""
    (suite.path / "tests").mkdir()
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 60}}\n")
    (suite.path / "tests/editmetrics.yaml").write_text("thresholds: {score: {max: 0.1}}\n")
    (suite.path / "tests/test_x.py").write_text(TEST)
    result = suite.runpytest_subprocess("--editmetrics-strict=all", *workers)
    assert_came(result, 1, "FAILED: not read: tests/editmetrics.yaml; only one configuration is, *")


@pytest.mark.parametrize("name", ["test_x.py.yml", "test_x.yaml"])
def test_a_misspelt_golden_file(loose, assert_came, workers, name):
    """A golden file's name is misspelt, and a default of 60 holds."""
    (loose.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 60}}\n")
    (loose.path / "goldens").mkdir()
    (loose.path / "goldens" / name).write_text('"test_it":\n  score: {max: 0.1}\n')
    result = loose.runpytest_subprocess(*workers)
    assert_came(result, 1, "*it is not read: the goldens of test_x.py lie in test_x.py.yaml; *")


@pytest.mark.parametrize("name", ["mug.edit.yaml", "test_mug.edits.yaml", "Test_mug.edit.YML"])
def test_a_misspelt_file_of_cases(suite, assert_came, name):
    """A file of cases has a name that is not collected, beside tests that are."""
    (suite.path / "test_x.py").write_text("def test_it(check): check(1, 0.1)\n")
    (suite.path / name).write_text("cases: []\n")
    said = f"not read: {name}; files of cases are called test_[*].edit.yaml: rename it"
    assert_came(suite.runpytest(), 0, f"*{said}")
    assert_came(suite.runpytest("--editmetrics-strict=all"), 1, f"FAILED: {said}")
