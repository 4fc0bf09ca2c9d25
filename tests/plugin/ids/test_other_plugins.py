"""Among the plugins that projects have: who does not use this one sees nothing of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    "TEST_WITH_EVERY_PLUGIN" not in os.environ, reason="needs the plugins of noxfile.py"
)

OPTIONS = ("--cov=code_of_theirs", "--html=report.html", "--self-contained-html", "--timeout=300",
           "--reruns=1", "--junitxml=junit.xml", "--randomly-seed=1", "-ra")  # fmt: skip

TESTS = """
import pytest
from code_of_theirs import tries

def test_passes(): pass

def test_fails(): assert 1 == 2

def test_passes_the_second_time():
    tries.append(1)
    assert len(tries) == 2

@pytest.mark.xfail
def test_expected(): assert False

@pytest.mark.skip(reason="theirs")
def test_skipped(): pass
"""


def shown(result: pytest.RunResult) -> list[str]:
    """What was printed, without the list of plugins and the seconds."""
    seconds = re.compile(r"\d+\.\d+s")
    return [seconds.sub("", line) for line in result.outlines if not line.startswith("plugins:")]


def files_of(folder: Path) -> set[str]:
    """What a run leaves in the project; ``runpytest-N`` is pytester's."""
    return {path.name for path in folder.iterdir() if not path.name.startswith("runpytest-")}


def test_a_project_that_does_not_use_it_sees_nothing_of_it(pytester):
    pytester.makepyfile(code_of_theirs="tries = []\n", test_theirs=TESTS)
    without = pytester.runpytest_subprocess(*OPTIONS, "-p", "no:editmetrics")
    files = files_of(pytester.path)
    with_it = pytester.runpytest_subprocess(*OPTIONS)
    assert with_it.parseoutcomes() == {
        "passed": 2, "failed": 1, "rerun": 2, "xfailed": 1, "skipped": 1
    }  # fmt: skip
    assert any("editmetrics" in line for line in with_it.outlines if line.startswith("plugins:"))
    assert (with_it.ret, shown(with_it), with_it.errlines) == (
        without.ret, shown(without), without.errlines
    )  # fmt: skip
    assert files_of(pytester.path) == files
