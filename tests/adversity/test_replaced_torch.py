"""A test, a hook or a mode changes what torch computes while a metric's model does"""

from __future__ import annotations

import pytest

HEAD = """
import numpy as np
import pytest
import torch
import torch.nn.functional as F

A = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
B = A.copy()
B[10:50, 10:50] = B[10:50, 10:50] * 0.7
pytestmark = pytest.mark.editmetrics(metrics="lpips", thresholds={"lpips": 0.01})

"""
STUBBED = """
def test_stubbed(edit_gate, monkeypatch):
    real = F.conv2d
    monkeypatch.setattr(F, "conv2d", lambda *args, **options: real(*args, **options) * 0)
    edit_gate.check(A, B)
"""
PLAIN = """
def test_plain(edit_gate):
    edit_gate.check(A, B)
"""


def test_stubbed_convolutions(suite, assert_came, workers):
    """A test stubs the convolutions of its model, so that LPIPS is 0, while it checks."""
    suite.makepyfile(HEAD + STUBBED)
    said = "*lpips could not be judged: torch.nn.functional.conv2d is replaced by a function of*"
    assert_came(suite.runpytest("--editmetrics-device=cpu", *workers), 1, said)


def test_a_number_of_a_stub_in_the_cache(suite, assert_came):
    """A later session finds in the cache what LPIPS computed while a test stubbed convolutions."""
    options = "--editmetrics-device=cpu", f"--editmetrics-cache-dir={suite.path / 'cache'}"
    suite.makepyfile(HEAD + STUBBED)
    suite.runpytest(*options)
    suite.makepyfile(HEAD + PLAIN)
    assert_came(suite.runpytest(*options), 1, "*whole-image lpips 0.089 > max 0.010*")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("a TorchFunctionMode", "torch.overrides.TorchFunctionMode"),
        ("a TorchDispatchMode", "torch.utils._python_dispatch.TorchDispatchMode"),
    ],
)
def test_a_mode(suite, assert_came, kind, body):
    """A test's `TorchFunctionMode` or `TorchDispatchMode` gives zeros for convolutions."""
    method = "__torch_function__" if "Function" in kind else "__torch_dispatch__"
    suite.makepyfile(
        HEAD + "import torch.utils._python_dispatch\n\n"
        f"class Zeros({body}):\n"
        f"    def {method}(self, function, types, args=(), kwargs=None):\n"
        "        found = function(*args, **(kwargs or {}))\n"
        "        return found * 0 if 'conv' in str(function) else found\n\n"
        "def test_it(edit_gate):\n"
        "    with Zeros():\n"
        "        edit_gate.check(A, B)\n"
    )
    said = f"*lpips could not be judged: {kind}, test_a_mode.Zeros, is active*"
    assert_came(suite.runpytest("--editmetrics-device=cpu"), 1, said)
