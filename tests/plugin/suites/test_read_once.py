"""What a session reads does not grow with the number of its tests, and what changed is noticed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

WATCH = """
import os
import sys
from pathlib import Path

import pytest_editmetrics.config.case_file as case_file
import pytest_editmetrics.config.interpolate as interpolate
import pytest_editmetrics.goldens.file as file
import pytest_editmetrics.goldens.provenance as provenance

HERE = Path(__file__).parent
LOG = open(HERE / "log.txt", "w")
looking = [True]

def counting(module):
    read = module.read_yaml
    def read_yaml(*args):
        print("read_yaml", args[0].name, file=LOG)
        return read(*args)
    module.read_yaml = read_yaml
    return lambda: setattr(module, "read_yaml", read)

undo = [counting(module) for module in (case_file, interpolate, file, provenance)]

def opened(event, args):
    if looking and event == "open" and isinstance(args[0], (str, os.PathLike)):
        path = Path(args[0])
        if path.is_relative_to(HERE) and "__pycache__" not in path.parts and path.suffix != ".py":
            print("open", path.name, file=LOG)

sys.addaudithook(opened)
HOUR = 3600 * 10**9
import time
now = time.time_ns
time.time_ns = lambda: now() + HOUR

def pytest_unconfigure():
    looking.clear()
    time.time_ns = now
    for one in undo:
        one()
    LOG.close()
"""
GOLDENS = """
import numpy as np
import pytest

@pytest.mark.parametrize("n", range({count}))
def test_image(golden_image, n):
    golden_image.check(np.full((16, 16, 3), n, np.uint8))

@pytest.mark.parametrize("n", range({count}))
def test_gate(edit_gate, n):
    picture = np.full((16, 16, 3), n, np.uint8)
    edit_gate.check(picture, picture.copy(), [(4, 4, 8, 8)], metrics="unedit_max_diff")
"""
SETTINGS = "golden_images: {comparator: exact}\n"


def suite_of(pytester: pytest.Pytester, count: int) -> Counter[tuple[str, str]]:
    """Run a suite of so many golden images, threshold goldens and cases; return what it read."""
    (pytester.path / "editmetrics.yaml").write_text(SETTINGS)
    pytester.makepyfile(test_goldens=GOLDENS.format(count=count))
    cases = "".join(f"  - {{id: c{n}, reference: a.png, edited: b{n}.png}}\n" for n in range(count))
    head = "metrics: [unedit_max_diff]\ncases:\n"
    (pytester.path / "test_cases.edit.yaml").write_text(head + cases)
    for name in ("a", *(f"b{n}" for n in range(count))):
        Image.new("RGB", (16, 16)).save(pytester.path / f"{name}.png")
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=3 * count)
    pytester.makeconftest(WATCH)
    pytester.runpytest().assert_outcomes(passed=3 * count)
    (pytester.path / "conftest.py").unlink()
    lines = (pytester.path / "log.txt").read_text().splitlines()
    return Counter((kind, name) for kind, _, name in (line.partition(" ") for line in lines))


def test_no_file_is_read_more_often_because_there_are_more_tests(pytester):
    few, many = suite_of(pytester, 2), suite_of(pytester, 12)
    images = {key for key in many if key[1].endswith(".png")}
    assert {key: many[key] for key in many if key not in images} == {
        key: few[key] for key in few if key not in images
    }
    yaml = {name: count for (kind, name), count in many.items() if kind == "read_yaml"}
    assert yaml["provenance.yaml"] <= 2  # by the checks, and when the obsolete are looked for
    assert yaml["test_goldens.py.yaml"] == yaml["test_cases.edit.yaml.yaml"] == 1
    assert yaml["test_cases.edit.yaml"] == 1
    assert {many["open", f"b{n}.png"] for n in range(12)} == {1}
    assert many["open", "a.png"] == 12  # its bytes tell whether another picture stands there
    goldens = [many[key] for key in images if key[1].startswith("test_image")]
    assert len(goldens) == 12
    assert set(goldens) <= {1, 2}  # by its check, and its hash when the obsolete are looked for


CHANGING = """
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
BEFORE = np.zeros((16, 16, 3), np.uint8)
OTHER = '''
import re
from pathlib import Path
from PIL import Image

[last] = Path("goldens/test_changing.py").glob("test_image-2-*.png")
Image.new("RGB", (16, 16), (8, 7, 7)).save(last)
golden = Path("goldens/test_changing.py.yaml")
golden.write_text(re.sub("max: [0-9.]+", "max: 1", golden.read_text()))
'''

@pytest.mark.parametrize("n", range(3))
def test_image(golden_image, n):
    golden_image.check(BEFORE + 7)

@pytest.mark.parametrize("n", range(3))
def test_gate(edit_gate, n):
    edit_gate.check(BEFORE, BEFORE + 5, [(4, 4, 8, 8)], metrics="unedit_max_diff")
    if n == 0 and (HERE / "other").exists():
        subprocess.run([sys.executable, "-c", OTHER], cwd=HERE, check=True)
"""


def test_a_golden_that_another_process_changed_in_between_is_noticed(pytester):
    (pytester.path / "editmetrics.yaml").write_text(SETTINGS)
    pytester.makepyfile(test_changing=CHANGING)
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=6)
    (pytester.path / "other").touch()
    order = [
        f"test_changing.py::{name}" for name in ("test_image[0]", "test_gate", "test_image[2]")
    ]
    result = pytester.runpytest(*order)
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(["*unedit_max_diff 5* > max 1*"])


ASKING_AS_IT_RUNS = """
import numpy as np
import pytest

@pytest.mark.parametrize("n", range({count}))
def test_image(request, n):
    request.getfixturevalue("golden_image").check(np.full((16, 16, 3), n + 1, np.uint8))
"""


def test_no_folder_is_listed_more_often_because_more_tests_were_left_out(pytester, monkeypatch):
    (pytester.path / "editmetrics.yaml").write_text(SETTINGS)
    listed, found = Path.iterdir, Counter()

    def iterdir(self):
        found[self.name] += 1
        return listed(self)

    times = []
    for count in (3, 12):
        pytester.makepyfile(test_asking=ASKING_AS_IT_RUNS.format(count=count))
        pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=count)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "iterdir", iterdir)
            found.clear()
            run = pytester.runpytest("-k", "image and 2", "--editmetrics-run-dir=run")
            assert run.ret == 0
            times.append(found["test_asking.py"])
    assert times[0] == times[1]
    assert times[0] > 0
