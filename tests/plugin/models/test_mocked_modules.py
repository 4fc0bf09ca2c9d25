"""A test that mocks ``sys.modules`` takes nothing away from the gates after it."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from unittest import mock

import pytest

from pytest_editmetrics.session import modules
from pytest_editmetrics.session.modules import keep_modules

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


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    monkeypatch.setattr(modules, "_kept", {})
    monkeypatch.setattr(modules, "_looked_at", [0])
    keep_modules()
    return modules._kept


def test_what_is_there_is_put_back(kept: dict[str, ModuleType]) -> None:
    import json

    with mock.patch.dict(sys.modules):
        del sys.modules["json"]
        keep_modules()
        assert sys.modules["json"] is json


@pytest.mark.parametrize("stub", [mock.MagicMock(), ModuleType("ot"), SimpleNamespace(), None])
def test_no_stub_is_kept(kept: dict[str, ModuleType], stub: object) -> None:
    kept.pop("ot", None)
    with mock.patch.dict(sys.modules, {"ot": stub, "ot.more": stub}):
        keep_modules()
        assert sys.modules["ot"] is stub
    assert "ot" not in kept
    assert "ot.more" not in kept


def test_a_module_that_is_being_imported_is_not_kept(kept: dict[str, ModuleType]) -> None:
    import json

    kept.pop("json")
    spec = json.__spec__
    spec._initializing = True
    try:
        with mock.patch.dict(sys.modules, {"one_more": None}):
            keep_modules()
    finally:
        del spec._initializing
    assert "json" not in kept


def test_nothing_is_kept_of_a_fake_file_system(kept: dict[str, ModuleType]) -> None:
    kept.pop("json")
    with mock.patch.dict(sys.modules, {"os": SimpleNamespace(), "one_more": None}):
        keep_modules()
    assert "json" not in kept
