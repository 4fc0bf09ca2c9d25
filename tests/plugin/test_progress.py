"""What takes long is shown while it takes long, where somebody looks, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

TEST = """
from scene import *
def test_it(edit_gate): edit_gate.check(scene(), np.roll(edited(), 1, 0), BOX, metrics="lpips")
"""


def on_a_terminal(scene: pytest.Pytester, *options: str, **variables: str) -> str:
    """Run pytest with a terminal for its output, as a person does, and return what it was sent."""
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("CI", "BUILD_NUMBER")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    with subprocess.Popen(
        command, cwd=scene.path, stdout=theirs, stderr=theirs, env={**environment, **variables}
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert process.returncode == 0, shown
    return shown.decode()


@pytest.fixture
def passing(scene: pytest.Pytester) -> pytest.Pytester:
    (scene.path / "editmetrics.yaml").write_text("thresholds: {lpips: 0.5}\n")
    scene.makepyfile(test_it=TEST)
    return scene


def test_a_loading_model_is_named_and_the_line_goes(passing):
    shown = on_a_terminal(passing)
    assert "editmetrics: loading lpips:alex (10 MB) on cpu ..." in shown
    assert shown.index("\r\x1b[K", shown.index("loading lpips:alex")) > 0


@pytest.mark.parametrize(
    ("options", "variables"), [(("-q",), {}), ((), {"CI": "1"})], ids=["quiet", "in CI"]
)
def test_elsewhere_nothing_is_shown(passing, options, variables):
    assert "loading" not in on_a_terminal(passing, *options, **variables)


def test_a_file_gets_nothing(passing):
    assert "loading" not in passing.runpytest_subprocess().stdout.str()
