"""A test that mocks ``sys.modules`` takes nothing away from the gates after it."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from types import ModuleType, SimpleNamespace
from unittest import mock

import pytest

from pytest_editmetrics.session.modules import KeptModules

HEAD = """
import sys
from unittest import mock
import pytest

BEFORE = [[[x, y, 0] for x in range(64)] for y in range(64)]

def images(shift):
    import numpy as np
    before = np.array(BEFORE, np.uint8)
    return before, before + np.uint8(shift)

pytestmark = pytest.mark.editmetrics(
    metrics=["lpips", "unedit_ssim"], thresholds={"lpips": 1, "unedit_ssim": 0}
)
"""
LATER = """
def test_later(edit_gate):
    edit_gate.check(*images(2))

def test_golden(golden_image):
    golden_image.check(images(3)[0])
"""
MOCKED = {
    "the test": """
@mock.patch.dict("sys.modules", {"xformers": None})
def test_without(edit_gate):
    edit_gate.check(*images(1))
""",
    "a fixture": """
@pytest.fixture(autouse=True)
def no_xformers():
    with mock.patch.dict(sys.modules, {"xformers": None}):
        yield

def test_without(edit_gate):
    edit_gate.check(*images(1))
""",
    "the golden's test": """
@mock.patch.dict("sys.modules", {"xformers": None})
def test_without(golden_image):
    golden_image.check(images(1)[1])
""",
}


@pytest.mark.parametrize("how", MOCKED)
def test_the_gates_after_it_are_right(pytester, cold_processes, how: str) -> None:
    pytester.makepyfile(HEAD + MOCKED[how] + LATER)
    options = (
        "--editmetrics-device=cpu",
        f"--editmetrics-cache-dir={pytester.path / 'cache'}",
        "--editmetrics-update=missing",
    )
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(passed=3)


def test_what_is_the_users_goes_with_the_mock(pytester) -> None:
    pytester.makepyfile(
        mine="",
        test_x=HEAD
        + """
@mock.patch.dict("sys.modules")
def test_it(edit_gate):
    import mine
    edit_gate.check(*images(0), metrics=["unedit_ssim"])

def test_next():
    assert "mine" not in sys.modules
""",
    )
    pytester.makeini("[pytest]\npythonpath = .\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_pytest_reads_no_module_of_ours_while_a_test_runs(pytester, cold_processes) -> None:
    """It would read what a mock of ``Path.read_bytes`` gives, and keep what it makes of it."""
    pytester.makepyfile(
        HEAD
        + """
from pathlib import Path

@pytest.mark.editmetrics(metrics="unedit_psnr", thresholds={"unedit_psnr": 20})
def test_it(edit_gate):
    there = set(sys.modules)
    with mock.patch.object(Path, "read_bytes", return_value=b"raise ValueError"):
        edit_gate.check(*images(1))
    came = {name for name in sys.modules if name.startswith("pytest_editmetrics.")} - there
    kinds = {type(sys.modules[name].__loader__).__name__ for name in came}
    assert kinds == {"SourceFileLoader"}
"""
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_what_finds_our_modules_ends_with_the_session(pytester) -> None:
    before = list(sys.meta_path)
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    assert sys.meta_path == before


@pytest.fixture
def kept() -> KeptModules:
    kept = KeptModules()
    kept.look()
    return kept


def test_what_is_there_is_put_back(kept: KeptModules) -> None:
    import json

    with mock.patch.dict(sys.modules):
        del sys.modules["json"]
        kept.look()
        assert sys.modules["json"] is json


@pytest.mark.parametrize("looks", [0, 1])
def test_what_a_test_takes_away_itself_is_back_for_a_check_alone(
    kept: KeptModules, looks: int
) -> None:
    import json

    kept.begin_test()
    with mock.patch.dict(sys.modules):
        del sys.modules["json"]
        for _ in range(looks):
            kept.look()
            assert "json" not in sys.modules
        kept.look(to_check=True)
        assert sys.modules["json"] is json


@pytest.mark.parametrize("stub", [mock.MagicMock(), ModuleType("ot"), SimpleNamespace(), None])
def test_no_stub_is_put_back(kept: KeptModules, stub: object) -> None:
    kept.begin_test()
    with mock.patch.dict(sys.modules, {"ot.more": stub}):
        kept.look()
        assert sys.modules["ot.more"] is stub
    kept.look(to_check=True)
    assert "ot.more" not in sys.modules


@pytest.mark.parametrize("why", ["it is being imported", "a fake file system"])
def test_what_may_not_stay(kept: KeptModules, why: str) -> None:
    spec = ModuleSpec("ot.more", SourceFileLoader("ot.more", "more.py"))
    module = module_from_spec(spec)
    spec._initializing = why == "it is being imported"
    files = {"os": SimpleNamespace()} if why == "a fake file system" else {}
    with mock.patch.dict(sys.modules, {"ot.more": module, **files}):
        kept.look()
    kept.look(to_check=True)
    assert "ot.more" not in sys.modules
