"""What stands in the place of a model's code is no number, in this session and in the next."""

from __future__ import annotations

import sys
from types import ModuleType
from unittest import mock

import pytest

from pytest_editmetrics.plugin import fake_files

HEAD = """
import numpy as np
import pytest

A = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
B = A.copy()
B[10:50, 10:50] = B[10:50, 10:50] * 0.7
pytestmark = pytest.mark.editmetrics(metrics="lpips", thresholds={"lpips": 0.01})
"""
PLAIN = """
def test_it(edit_gate):
    edit_gate.check(A, B)
"""
REPLACED = {
    "a bound method": """
class Backend:
    def conv2d(self, *args, **options):
        return REAL(*args, **options) * 0

def test_it(edit_gate, monkeypatch):
    monkeypatch.setattr(F, "conv2d", Backend().conv2d)
    edit_gate.check(A, B)
""",
    "another of torch's": """
def test_it(edit_gate, monkeypatch):
    monkeypatch.setattr(F, "max_pool2d", F.avg_pool2d)
    edit_gate.check(A, B)
""",
    "weights": """
import safetensors.torch
load = safetensors.torch.load_file

def test_it(edit_gate, monkeypatch):
    zeros = lambda path: {name: one * 0 for name, one in load(path).items()}
    monkeypatch.setattr(safetensors.torch, "load_file", zeros)
    edit_gate.check(A, B)
""",
}
TORCH = "import torch\nimport torch.nn.functional as F\n\nREAL = F.conv2d\n"


@pytest.fixture
def options(pytester: pytest.Pytester) -> tuple[str, str]:
    return "--editmetrics-device=cpu", f"--editmetrics-cache-dir={pytester.path / 'cache'}"


@pytest.mark.parametrize("how", REPLACED)
def test_it_is_no_number_and_is_not_kept(pytester, options, how):
    pytester.makepyfile(HEAD + TORCH + REPLACED[how])
    result = pytester.runpytest(*options)
    result.stdout.fnmatch_lines(["*lpips could not be judged: * is replaced by *while the check*"])
    pytester.makepyfile(HEAD + PLAIN)
    pytester.runpytest(*options).stdout.fnmatch_lines(["*whole-image lpips 0.089 > max 0.010*"])


def test_what_a_model_does_not_call_is_no_matter(pytester, options):
    pytester.makepyfile(
        HEAD.replace("0.01", "1")
        + TORCH
        + "F.scaled_dot_product_attention, real = None, F.scaled_dot_product_attention\n"
        + PLAIN
        + "    F.scaled_dot_product_attention = real\n"
    )
    pytester.runpytest(*options).assert_outcomes(passed=1)


@pytest.mark.long
def test_torch_that_is_replaced_as_it_is_imported(pytester, options, cold_processes):
    """The first gate of the session imports torch, after it was asked."""
    pytester.makeconftest(
        """
import importlib.abc, importlib.util, sys

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "torch.nn.functional":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            real = module.conv2d
            module.conv2d = lambda *args, **options: real(*args, **options) * 0

        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Finder())
"""
    )
    pytester.makepyfile(HEAD + PLAIN + PLAIN.replace("test_it", "test_next"))
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*torch.nn.functional.conv2d is replaced by a function of*"] * 2)
    pytester.makeconftest("")
    result = pytester.runpytest(*options)
    result.stdout.fnmatch_lines(["*whole-image lpips 0.089 > max 0.010*"])


def test_a_mock_of_torch_is_not_asked(pytester, monkeypatch):
    pytester.makepyfile(HEAD.replace("lpips", "unedit_psnr").replace("0.01", "5") + PLAIN)
    for stub in (mock.MagicMock(), ModuleType("torch")):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "torch", stub)
            pytester.runpytest().assert_outcomes(passed=1)


def test_a_gpu_that_a_mock_tells_of(pytester):
    pytester.makepyfile(
        HEAD
        + TORCH
        + "\ndef test_it(edit_gate, monkeypatch):\n"
        + "    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)\n"
        + "    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)\n"
        + "    def no_driver(device): raise RuntimeError('Found no NVIDIA driver')\n"
        + "    monkeypatch.setattr(torch.cuda, 'get_device_name', no_driver)\n"
        + "    edit_gate.check(A, B)\n"
    )
    said = "*no GPU here, as torch.cuda.is_available says, which is replaced by a function of*"
    pytester.runpytest("--editmetrics-device=auto").stdout.fnmatch_lines([said])


@pytest.mark.long
def test_pyfakefs(pytester, options, cold_processes):
    """A gate in a fake file system loads no model, and those after it are right."""
    pytest.importorskip("pyfakefs")
    pytester.makepyfile(
        HEAD.replace("0.01", "1")
        + PLAIN.replace("test_it(", "test_fake(fs, ")
        + PLAIN
        + PLAIN.replace("test_it(", "test_loaded(fs, ")
    )
    result = pytester.runpytest_subprocess(*options, "-ppyfakefs.pytest_plugin")
    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines(["*its model is not loaded while the module os is replaced*"])


@pytest.mark.more
def test_pyfakefs_in_a_fixture_of_ones_own(pytester, options, cold_processes):
    pytest.importorskip("pyfakefs")
    pytester.makeconftest(
        """
import pytest
from pyfakefs import fake_filesystem_unittest

@pytest.fixture
def own_files():
    with fake_filesystem_unittest.Patcher():
        yield
"""
    )
    body = PLAIN.replace("test_it(edit_gate", "test_fake(edit_gate, own_files") + PLAIN
    pytester.makepyfile(HEAD.replace("0.01", "1") + body)
    result = pytester.runpytest_subprocess(*options, "-ppyfakefs.pytest_plugin")
    result.assert_outcomes(failed=1, passed=1)


def test_the_names_of_a_file_are_looked_at_once_not_once_a_test(pytester, monkeypatch):
    pytest.importorskip("pyfakefs.fake_filesystem_unittest")
    looked_at, is_pyfakefs = [], fake_files._is_pyfakefs
    monkeypatch.setattr(
        fake_files, "_is_pyfakefs", lambda value: looked_at.append(value) or is_pyfakefs(value)
    )

    def looks(tests: int) -> int:
        pytester.makepyfile(
            "import pytest\n"
            f"@pytest.mark.parametrize('number', range({tests}))\n"
            "def test_it(number, request):\n    assert 'edit_gate' not in request.fixturenames\n"
            "def test_gate(edit_gate):\n    pass\n"
        )
        looked_at.clear()
        pytester.runpytest_inprocess().assert_outcomes(passed=tests, failed=1)
        return len(looked_at)

    assert looks(30) == looks(1) > 0
