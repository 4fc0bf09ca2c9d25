"""A fake file system is told from the machine's, and from what only watches it."""

from __future__ import annotations

import io
import os
import sys
from types import ModuleType, SimpleNamespace

import pytest

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.images import replaced_files
from pytest_editmetrics.images.replaced_files import check_real_files

SAID = r"^a model is not loaded while the module os is replaced: the test has a fake file system"


def test_the_machines_own():
    check_real_files("a model")


@pytest.mark.parametrize("place", [(sys.modules, "os"), (vars(replaced_files), "os")])
def test_another_module(monkeypatch: pytest.MonkeyPatch, place: tuple[dict, str]):
    monkeypatch.setitem(*place, SimpleNamespace(stat=os.stat, open=os.open, __name__="os"))
    with pytest.raises(EditMetricsError, match=SAID):
        check_real_files("a model")


@pytest.mark.parametrize(("module", "name"), [(os, "stat"), (os, "open"), (io, "open")])
def test_a_function_that_sees_nothing(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str
):
    def nothing(path: object, *given: object, **options: object) -> None:
        raise FileNotFoundError(path)

    monkeypatch.setattr(module, name, nothing)
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    with pytest.raises(EditMetricsError, match=rf"while {module.__name__}\.{name} is replaced"):
        check_real_files("a model")


def test_a_function_that_watches(monkeypatch: pytest.MonkeyPatch):
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda *given, **options: real(*given, **options))
    check_real_files("a model")
