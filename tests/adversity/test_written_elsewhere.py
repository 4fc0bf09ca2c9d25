"""A bound stands where nothing reads it, or under a name that is not the test's"""

from __future__ import annotations

import pytest

HEAD = "import pytest\nfrom images import image\n"
BODY = "def test_it(edit_gate): edit_gate.check(image(0), image(50))\n"
CONFIG = "metrics: [score]\nthresholds: {score: {max: 0.9}}\n"
MARKER = "\nimport pytest\npytestmark = pytest.mark.editmetrics(thresholds={'score': 0.1})\n"
PLACES = """
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
import os
import pytest

@dataclass
class Case:
    n: int

class Row(NamedTuple):
    n: int

ORDER = [int(n) for n in os.environ["ORDER"]]
NUMBER = {"path": lambda one: int(one.stem), "case": lambda one: one.n, "row": lambda one: one.n}
MADE = {"path": lambda n: Path(__file__).with_name(f"{n}.png"), "case": Case, "row": Row}

@pytest.mark.parametrize("one", map(MADE["KIND"], ORDER))
def test_it(check, one): check(10 * NUMBER["KIND"](one))
"""


@pytest.fixture
def lax(suite):
    """A suite whose default bound holds for the values that its tests measure."""
    (suite.path / "editmetrics.yaml").write_text(CONFIG)
    suite.makepyfile(images="from conftest import image")
    return suite


def golden(suite, text):
    folder = suite.mkdir("goldens")
    (folder / "test_x.py.yaml").write_text(text)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnknownMarkWarning")
@pytest.mark.parametrize("name", ["edit_metrics", "editmetric", "Editmetrics"])
def test_a_misspelt_marker(lax, assert_came, workers, name):
    """A test's marker is called `edit_metrics`, of which pytest only warns."""
    lax.makepyfile(HEAD + f"@pytest.mark.{name}(thresholds={{'score': 0.1}})\n" + BODY)
    result = lax.runpytest(*workers)
    assert_came(
        result, 1, "*has the mark '*', which holds nothing: write @pytest.mark.editmetrics*"
    )


@pytest.mark.parametrize("file", ["conftest.py", "sub/conftest.py", "sub/__init__.py"])
def test_a_marker_in_a_conftest(lax, assert_came, workers, file):
    """`pytestmark` stands in a `conftest.py` or an `__init__.py`, where pytest reads none."""
    sub = lax.mkdir("sub")
    for name in ("conftest.py", "__init__.py"):
        (sub / name).touch()
    with (lax.path / file).open("a") as other:
        other.write(MARKER)
    (sub / "test_it.py").write_text(HEAD + BODY)
    result = lax.runpytest(*workers)
    assert_came(result, 1, "*has an editmetrics marker, and pytest reads none there: put it into*")


@pytest.mark.parametrize("entry", ["test_ti", "test_x.py::test_it", "test_it()"])
def test_a_golden_of_a_renamed_test(lax, assert_came, workers, entry):
    """A test was renamed, or the entry of its golden is misspelt: a default holds."""
    golden(lax, f'"{entry}":\n  score: {{max: 0.1}}\n')
    lax.makepyfile(test_x=HEAD + BODY)
    result = lax.runpytest(*workers)
    assert_came(result, 1, f"*{entry} (is it 'test_it' now? Then rename the entry)")
    assert_came(result, 1, "FAILED: obsolete goldens: 1 entry *only a default bound let it pass")


def test_a_golden_file_that_lost_what_it_held(lax, assert_came, workers):
    """A golden file is empty, as after a full disk: a default holds."""
    golden(lax, "")
    lax.makepyfile(test_x=HEAD + BODY)
    assert_came(lax.runpytest(*workers), 0, "*test_x.py.yaml holds no golden, so defaults hold*")


def test_a_looser_bound_before_a_golden(lax, assert_came, workers):
    """A marker states a bound that is looser than the test's golden."""
    golden(lax, '"test_it":\n  score: {max: 0.1}\n')
    marker = "@pytest.mark.editmetrics(thresholds={'score': 0.8})\n"
    lax.makepyfile(test_x=HEAD + marker + BODY)
    result = lax.runpytest(*workers)
    assert_came(result, 0, "*the golden of test_it score holds nothing, since a looser bound*")


@pytest.mark.parametrize("kind", ["path", "case", "row"])
def test_ids_by_place_of_paths_and_records(lax, assert_came, workers, monkeypatch, kind):
    """Parameters are paths, dataclasses or named tuples, which pytest names by their place, and
    one is inserted before them."""
    lax.makepyfile(test_x=PLACES.replace("KIND", kind))
    monkeypatch.setenv("ORDER", "25")
    lax.runpytest("--editmetrics-update=all")
    monkeypatch.setenv("ORDER", "125")
    result = lax.runpytest(*workers)
    assert_came(result, 1, "*'test_it[[]one0]' was recorded for another*")


def test_a_folder_of_goldens_that_is_not_there(lax, assert_came, workers):
    """`--editmetrics-goldens` names a folder that is not there: defaults hold."""
    lax.makepyfile(test_x=HEAD + BODY)
    absent = "--editmetrics-goldens=godlens"
    result = lax.runpytest(absent, *workers)
    assert_came(result, 0, "*godlens is no folder (editmetrics_goldens), so no golden holds*")
    result = lax.runpytest(absent, "--editmetrics-strict=regressed", *workers)
    assert_came(result, 1, "FAILED: *godlens is no folder (editmetrics_goldens)*")


@pytest.mark.parametrize("option", ["goldens", "strict", "review", "config"])
def test_an_option_that_a_shell_left_empty(lax, assert_came, option):
    """`--editmetrics-strict=$LEVEL`, or another option, whose variable is not set."""
    lax.makepyfile(test_x=HEAD + BODY)
    result = lax.runpytest(f"--editmetrics-{option}=")
    assert_came(result, 4, f"ERROR: --editmetrics-{option} is empty, as of a shell variable*")
