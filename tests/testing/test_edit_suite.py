"""`pytest_editmetrics.testing.EditSuite`: users' tests of suites of their own."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import pytest_editmetrics
from pytest_editmetrics.testing import EditSuite

ROOT = Path(pytest_editmetrics.__file__).parents[1]
PICTURE = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
CONFTEST = """
    import numpy as np
    from pytest_editmetrics import Metric

    class MeanPipe:
        def __call__(self, reference, edited, coords, mask_mode, metric, **params):
            return float(np.abs(edited.astype(float) - reference).mean())

    def pytest_editmetrics_register_pipes(registry):
        registry.register("mean-pipe", MeanPipe, metrics=[Metric("mean_change", "lower")])
"""
TEST = """
    def test_edit(edit_gate):
        edit_gate.check("before.png", "after.png", metrics=["mean_change"])
"""


@pytest.fixture
def edits(pytester):
    """A suite of one test, which measures arithmetic."""
    suite = EditSuite(pytester)
    suite.write("conftest.py", CONFTEST)
    suite.write("test_edit.py", TEST)
    suite.write("before.png", PICTURE)
    suite.write("after.png", PICTURE)
    return suite


def another(suite):
    suite.write("after.png", 255 - PICTURE)


@pytest.mark.long
def test_a_suite_goes_through_create_pass_change_fail_update_also_in_ci(edits, monkeypatch):
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("TF_BUILD", "True")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--editmetrics-strict=nonsense")
    edits.check_cycle(another)
    assert list(edits.goldens) == ["goldens/test_edit.py.yaml"]
    ran = edits.run()
    assert (ran.status, ran.outcomes) == (0, {"passed": 1})
    assert ran.verdicts == {"test_edit.py::test_edit mean_change": "pass"}
    assert ran.gates[0]["value"] > 50


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda suite: None, "fail: expected a gate to fail; pytest ended with 0"),
        (lambda suite: suite.write("after.png", b"no image"), "fail: expected a gate to fail"),
    ],
    ids=["nothing", "no image"],
)
def test_a_change_that_no_gate_notices_is_told(edits, change, said):
    with pytest.raises(AssertionError, match=said):
        edits.check_cycle(change)


def test_a_suite_that_records_nothing_is_told(edits):
    mark = "import pytest\n\n@pytest.mark.editmetrics(thresholds={'mean_change': 1})"
    edits.write("test_edit.py", mark + textwrap.dedent(TEST))
    with pytest.raises(AssertionError, match=r"create: .* every gate to come to recorded, not "):
        edits.check_cycle(another)


def test_neither_ini_file_nor_configuration_of_a_folder_above_holds(edits):
    above = edits.path.parent
    (above / "pytest.ini").write_text("[pytest]\naddopts = --nonsense\n")
    (above / "editmetrics.yaml").write_text("nonsense: 1\n")
    try:
        assert edits.run("--editmetrics-update=missing").outcomes == {"passed": 1}
    finally:
        (above / "pytest.ini").unlink()
        (above / "editmetrics.yaml").unlink()


def test_a_run_that_cannot_start_says_why(edits):
    ran = edits.run("--nonsense")
    assert (ran.status, ran.outcomes, ran.gates) == (4, {}, ())
    assert "unrecognized arguments: --nonsense" in ran.output


def test_what_leads_out_of_the_suite_is_not_written(edits):
    with pytest.raises(ValueError, match=r"\.\./x\.py leads out of the suite"):
        edits.write("../x.py", "")


@pytest.mark.long
def test_the_example_of_the_docstring_runs_and_the_suite_imports_what_pythonpath_names(
    pytester, programs, monkeypatch
):
    text = inspect.getdoc(EditSuite)
    example = textwrap.dedent(text.partition("holds each edit to its pixels::\n")[2])
    assert "check_cycle" in example
    imported = """
def test_path(edit_suite):
    edit_suite.write("test_x.py", "import ours_to_import")
    assert edit_suite.run().status == 5
"""
    pytester.makeconftest(re.search(r"pytest_plugins = .*", text)[0])
    pytester.makeini("[pytest]\npythonpath = src\n")
    pytester.mkdir("src").joinpath("ours_to_import.py").write_text("")
    pytester.makepyfile(test_ours=example + imported)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    pytester.runpytest().assert_outcomes(passed=2)


@pytest.mark.usefixtures("no_other_plugin")
def test_importing_the_module_loads_nothing_that_starting_pytest_does_not(pytester):
    code = f"""
import json, sys
sys.path.insert(0, {str(ROOT)!r})
import pytest
pytest.main(["-p", "pytest_editmetrics.plugin", "-q", "--collect-only"])
before = set(sys.modules)
import pytest_editmetrics.testing
print("RESULT", json.dumps(sorted(set(sys.modules) - before)))
"""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", code],
        cwd=pytester.path,
        capture_output=True,
        text=True,
        check=False,
    )
    new = json.loads(ran.stdout.partition("RESULT ")[2])
    own = "pytest_editmetrics.testing"
    assert own in new
    assert [name for name in new if not name.startswith(own)] == []
