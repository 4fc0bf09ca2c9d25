"""What takes long is shown while it takes long, where somebody looks, and nowhere else."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Callable

import pytest

TEST = """
from scene import *
def test_it(edit_gate): edit_gate.check(scene(), np.roll(edited(), 1, 0), BOX, metrics="lpips")
"""


@pytest.fixture
def on_a_terminal(pytester: pytest.Pytester) -> Callable[..., str]:
    """Runs pytest with a terminal for its output, as a person does; returns what it was sent."""

    def run(*options: str, **variables: str) -> str:
        ours, theirs = pty.openpty()
        with pytest.MonkeyPatch.context() as monkeypatch, open(theirs, "w") as terminal:
            for name in ("CI", "BUILD_NUMBER"):
                monkeypatch.delenv(name, raising=False)
            for name, value in variables.items():
                monkeypatch.setenv(name, value)
            command = [sys.executable, "-mpytest", "-p", "no:cacheprovider", *options]
            process = pytester.popen(command, stdout=terminal, stderr=terminal)
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
        assert process.wait() == 0, shown
        return shown.decode()

    return run


@pytest.fixture
def passing(scene: pytest.Pytester) -> pytest.Pytester:
    (scene.path / "editmetrics.yaml").write_text("thresholds: {lpips: 0.5}\n")
    scene.makepyfile(test_it=TEST)
    return scene


def test_a_loading_model_is_named_and_the_line_goes(passing, on_a_terminal):
    shown = on_a_terminal()
    assert "editmetrics: loading lpips:alex (10 MB) on cpu ..." in shown
    assert shown.index("\r\x1b[K", shown.index("loading lpips:alex")) > 0


@pytest.mark.parametrize(
    ("options", "variables"), [(("-q",), {}), ((), {"CI": "1"})], ids=["quiet", "in CI"]
)
def test_elsewhere_nothing_is_shown(passing, on_a_terminal, options, variables):
    assert "loading" not in on_a_terminal(*options, **variables)


def test_a_file_gets_nothing(passing):
    assert "loading" not in passing.runpytest_subprocess().stdout.str()
