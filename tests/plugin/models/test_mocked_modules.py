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


@pytest.mark.long
@pytest.mark.parametrize(
    "how", ["the test", *(pytest.param(how, marks=pytest.mark.more) for how in [*MOCKED][1:])]
)
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


OWN = {
    "of the user's": ("regex", "X = 1"),
    "of Python's": ("colorsys", None),
}
FRESH = """
import sys
from unittest import mock
import pytest

@pytest.fixture
def fresh():
    with mock.patch.dict("sys.modules"):
        yield

def test_1(fresh{gates}):
    import {name}
    {name}.marked = True
    {check}

def test_2(fresh{gates}):
    import {name}
    assert not hasattr({name}, "marked")
    {check}

def test_3():
    assert "{name}" not in sys.modules
"""


@pytest.mark.quick(1)
@pytest.mark.parametrize("whose", OWN)
@pytest.mark.parametrize("check", ["", 'edit_gate.check(*images(0), metrics=["unedit_ssim"])'])
def test_what_a_test_imports_anew_is_new(pytester, cold_processes, whose: str, check: str) -> None:
    name, text = OWN[whose]
    if text:
        pytester.makepyfile(**{name: text})
    gates = ", edit_gate" if check else ""
    pytester.makepyfile(
        test_x=(HEAD if check else "") + FRESH.format(name=name, check=check, gates=gates)
    )
    pytester.makeini("[pytest]\npythonpath = .\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=3)


@pytest.mark.long
@pytest.mark.parametrize("mark", [pytest.param("", marks=pytest.mark.more), "@pytest.mark.xfail"])
def test_where_nothing_can_be_imported_nothing_is_checked(pytester, cold_processes, mark) -> None:
    """torch was half imported, and the next gate ended the process."""
    pytester.makepyfile(
        HEAD
        + f"""
{mark}
def test_it(edit_gate, monkeypatch):
    monkeypatch.setattr(sys, "modules", {{**sys.modules}})
    edit_gate.check(BEFORE, BEFORE)
"""
        + LATER
    )
    options = (f"--editmetrics-cache-dir={pytester.path / 'cache'}", "--editmetrics-update=missing")
    result = pytester.runpytest_subprocess("--editmetrics-device=cpu", *options)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["passed"] == 2
    result.stdout.fnmatch_lines(
        ["FAILED: *test_it: sys.modules is replaced by another dictionary*"]
    )


def test_a_session_without_checks_keeps_no_module(pytester, cold_processes) -> None:
    pytester.makepyfile(
        """
import numpy

def test_it():
    import colorsys

def test_kept():
    from pytest_editmetrics.session.modules import kept_modules
    assert not kept_modules._kept
"""
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


@pytest.fixture
def kept() -> KeptModules:
    kept = KeptModules()
    kept.begin_test()
    kept.begin_check()
    return kept


def module(name: str) -> ModuleType:
    return module_from_spec(ModuleSpec(name, SourceFileLoader(name, "more.py")))


def test_what_a_check_imported_is_back_as_the_phase_ends(kept: KeptModules) -> None:
    ours, others = module("ot.more"), module("mine")
    with mock.patch.dict(sys.modules):
        sys.modules.update({"ot.more": ours, "mine": others})
        kept.end_check()
    kept.end_phase()
    assert sys.modules.pop("ot.more") is ours
    assert "mine" not in sys.modules


def test_what_a_test_takes_away_itself_is_back_for_a_check_alone(kept: KeptModules) -> None:
    import numpy

    kept.begin_test()
    with mock.patch.dict(sys.modules):
        del sys.modules["numpy"]
        kept.end_phase()
        assert "numpy" not in sys.modules
        kept.begin_check()
        assert sys.modules["numpy"] is numpy


def test_what_came_before_a_check_is_the_tests(kept: KeptModules) -> None:
    with mock.patch.dict(sys.modules, {"regex.more": module("regex.more")}):
        kept.begin_check()
        kept.end_check()
    kept.end_phase()
    kept.begin_check()
    assert "regex.more" not in sys.modules


@pytest.mark.parametrize("stub", [mock.MagicMock(), ModuleType("ot"), SimpleNamespace(), None])
def test_no_stub_is_put_back_and_what_comes_in_its_place_is(
    kept: KeptModules, stub: object
) -> None:
    with mock.patch.dict(sys.modules, {"torch.more": stub}):
        kept.end_check()
    kept.end_phase()
    kept.begin_check()
    assert "torch.more" not in sys.modules
    with mock.patch.dict(sys.modules, {"torch.more": stub}):
        kept.begin_check()
        sys.modules["torch.more"] = real = module("torch.more")
        sys.modules["torch.another"] = module("torch.another")
        kept.end_check()
    kept.end_phase()
    assert sys.modules.pop("torch.more") is real
    del sys.modules["torch.another"]


@pytest.mark.parametrize("why", ["it is being imported", "a fake file system"])
def test_what_may_not_stay(kept: KeptModules, why: str) -> None:
    half = module("ot.more")
    assert half.__spec__ is not None
    half.__spec__._initializing = why == "it is being imported"
    files = {"os": SimpleNamespace()} if why == "a fake file system" else {}
    with mock.patch.dict(sys.modules, {"ot.more": half, **files}):
        kept.end_check()
    kept.end_phase()
    kept.begin_check()
    assert "ot.more" not in sys.modules
