"""No library is imported while a mock reads its files: it would stay half imported."""

from __future__ import annotations

import builtins
import importlib
import io
import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.images.replaced_files import check_importable, check_real_files

HARMFUL = {
    "builtins.open": mock.mock_open(read_data="add a hat"),
    "io.open": mock.mock_open(read_data="add a hat"),
    "importlib.import_module": mock.MagicMock(),
    "os.path.exists": mock.MagicMock(return_value=False),
    "os.stat": mock.MagicMock(),
    "pathlib.Path.open": mock.mock_open(read_data="add a hat"),
    "pathlib.Path.read_bytes": mock.MagicMock(return_value=b"add a hat"),
    "pathlib.Path.read_text": mock.MagicMock(return_value="add a hat"),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_a_mock_that_tells_of_no_file(name: str) -> None:
    with mock.patch(name, HARMFUL[name]):
        check_importable("pytest_editmetrics")  # it is there already
        with pytest.raises(EditMetricsError) as caught:
            check_importable("no_such_library.part")
    said = str(caught.value)
    assert said.startswith(f"no_such_library is not imported while {name} is replaced")
    assert said.endswith("(`import no_such_library.part` at the head of the test file)")
    check_importable("no_such_library.part")


def test_a_function_of_a_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda self, *given, **options: "add a hat")
    with pytest.raises(EditMetricsError, match=r"while pathlib\.Path\.read_text is replaced"):
        check_importable("no_such_library")


@pytest.mark.parametrize("name", HARMFUL)
def test_what_only_watches(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    owners: dict[str, Any] = {
        "builtins": builtins,
        "io": io,
        "importlib": importlib,
        "os.path": os.path,
        "os": os,
        "pathlib.Path": Path,
    }
    where, _, of = name.rpartition(".")
    real = getattr(owners[where], of)
    monkeypatch.setattr(owners[where], of, lambda *given, **options: real(*given, **options))
    check_importable("no_such_library")
    monkeypatch.undo()
    if where != "pathlib.Path":
        with mock.patch(name, wraps=real):
            check_importable("no_such_library")


@pytest.mark.parametrize(
    "name",
    [
        *("os.listdir", "os.remove", "os.makedirs", "os.path.getsize", "os.path.expanduser"),
        *("os.path.isfile", "glob.glob", "shutil.rmtree", "json.load", "subprocess.run"),
        *("pathlib.Path.write_bytes", "pathlib.Path.exists", "importlib.metadata.version"),
    ],
)
def test_what_importing_is_not_misled_by(name: str) -> None:
    with mock.patch(name):
        check_importable("no_such_library")


def test_weights_are_not_read_by_a_mock_of_open() -> None:
    with mock.patch("builtins.open", mock.mock_open(read_data="add a hat")):
        check_real_files("a model")
        with pytest.raises(EditMetricsError, match=r"^a model is not loaded while builtins\.open"):
            check_real_files("a model", opens=True)


COLD = """
from unittest import mock
import pytest

def images(shift):
    import numpy as np
    before = np.mgrid[0:64, 0:64, 0:3][0].astype(np.uint8)
    return before, before + np.uint8(shift)

pytestmark = pytest.mark.editmetrics(metrics="{metric}", thresholds={{"{metric}": {bound}}})

def test_prompt(edit_gate):
    with mock.patch("{name}"{more}):
        edit_gate.check(*images(1))

def test_later(edit_gate):
    edit_gate.check(*images(2))
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("metric", "bound", "name", "more", "package"),
    [
        ("lpips", 1, "pathlib.Path.read_text", ', return_value="add a hat"', "torch"),
        pytest.param(
            *("unedit_ssim", 0, "builtins.open", ", mock.mock_open(read_data='a hat')", "skimage"),
            marks=pytest.mark.more,
        ),
        pytest.param(*("lpips", 1, "importlib.import_module", "", "torch"), marks=pytest.mark.more),
    ],
)
def test_the_first_check_of_a_session_is_in_a_mock(
    pytester, cold_processes, metric: str, bound: int, name: str, more: str, package: str
) -> None:
    pytester.makepyfile(COLD.format(metric=metric, bound=bound, name=name, more=more))
    options = ("--editmetrics-device=cpu", f"--editmetrics-cache-dir={pytester.path / 'cache'}")
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(failed=1, passed=1)
    said = f"*{metric} could not be judged: {package} is not imported while {name} is replaced: *"
    result.stdout.fnmatch_lines([said])
