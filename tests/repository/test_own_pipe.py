"""docs/how-to/own-pipe.md: its files are written and run as a reader does, with and without the plugin."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "own-pipe.md").read_text(encoding="utf-8")
BLOCKS = {
    text.splitlines()[0].removeprefix("# "): text
    for text in re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
}
PAIR = """
import numpy as np
import pytest

@pytest.fixture
def portrait():
    return np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)

@pytest.fixture
def edited_portrait(portrait):
    made = portrait.copy()
    made[8:56, 24:72] //= 4  # the edit, and nothing else
    return made

def test_that_needs_nothing():
    pass
"""
WITHOUT = """
import sys
sys.modules["pytest_editmetrics"] = None  # as if it were not installed
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.fixture
def project(pytester, programs):
    """The project of a reader who has done all the page says."""
    assert len(BLOCKS) == 5
    for name, text in BLOCKS.items():
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    tests = pytester.path / "tests"
    (tests / "test_portrait.py").write_text(PAIR + BLOCKS["tests/test_portrait.py"])
    pytester.makeini("[pytest]\n")
    return pytester


def run(project, *args):
    """Run pytest in a process of its own; the plugin comes by its name or not at all."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTEST_PLUGINS"}
    return subprocess.run(
        args,
        cwd=project.path,
        env=environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_pipe_of_the_page_honours_its_region_and_gates_an_edit(project):
    ran = run(project, "pytest", "-p", "editmetrics", "--editmetrics-update=missing")
    assert ran.returncode == 0, ran.stdout
    assert "3 passed" in ran.stdout
    golden = project.path / "tests" / "goldens" / "test_portrait.py.yaml"
    assert "sharpness_change: {max: 0.05, measured: 0" in golden.read_text()


@pytest.mark.parametrize(
    ("args", "came"),
    [
        (["pytest", "-p", "no:editmetrics"], "2 passed, 1 skipped"),
        ([sys.executable, "-c", WITHOUT], "1 passed, 2 skipped"),
    ],
    ids=["turned off", "not installed"],
)
def test_without_the_plugin_the_other_tests_run(project, args, came):
    ran = run(project, *args)
    assert (ran.returncode, came in ran.stdout) == (0, True), ran.stdout + ran.stderr
    conftest = project.path / "tests" / "conftest.py"
    conftest.write_text(conftest.read_text().replace("optionalhook=True", ""))
    ran = run(project, *args)
    assert ran.returncode != 0
    assert "unknown hook 'pytest_editmetrics_register_pipes'" in ran.stdout + ran.stderr


def test_a_command_in_a_project_whose_pytest_does_not_load_the_plugin_says_so(project):
    ran = run(project, "editmetrics", "metrics", "--rootdir", "tests")
    assert ran.returncode == 1
    assert "pytest does not load the plugin here" in ran.stderr


def test_the_pipe_with_a_model_keeps_the_contract(project, monkeypatch):
    monkeypatch.syspath_prepend(project.path / "tests")
    import features

    from pytest_editmetrics import MissingResourceError
    from pytest_editmetrics.testing import check_pipe

    pair = (np.zeros((8, 8, 3), np.uint8),) * 2
    with pytest.raises(MissingResourceError, match=r"there is no model models/features\.pt"):
        features.FeaturePipe()(*pair, None, "outer", metric="feature_change")
    model = project.path / "features.pt"
    torch.manual_seed(0)
    torch.save(torch.nn.Conv2d(3, 8, 5).state_dict(), model)
    pipe = features.FeaturePipe(model, device="cpu")
    check_pipe(pipe, features.CHANGE, gain=2.0)
    pipe.release()
    check_pipe(pipe, features.CHANGE)


def test_what_the_page_says_of_a_pipe_that_takes_all_of_the_image(project, monkeypatch):
    monkeypatch.syspath_prepend(project.path / "tests")
    import sharpness

    from pytest_editmetrics.testing import check_pipe

    class WholeImagePipe(sharpness.SharpnessPipe):
        def __call__(self, reference, edited, coords, mask_mode, metric, **params):
            return super().__call__(reference, edited, None, "outer", metric)

    with pytest.raises(AssertionError) as caught:
        check_pipe(WholeImagePipe(), sharpness.CHANGE)
    (said,) = re.findall(r"^```text\nAssertionError: (.*?)\n^```$", PAGE, re.M | re.S)
    assert str(caught.value).startswith(said)
