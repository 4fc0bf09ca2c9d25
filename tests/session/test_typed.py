from __future__ import annotations

import ntpath
import os
from pathlib import Path, PureWindowsPath

import pytest

from pytest_editmetrics.session import typed


def test_a_path_is_typed_from_the_folder(tmp_path: Path) -> None:
    assert typed.seen_from(tmp_path / "a", tmp_path / "b" / "c") == os.path.join("..", "b", "c")


def test_one_on_another_drive_is_typed_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed.os, "path", ntpath)
    here, there = PureWindowsPath("C:/else"), PureWindowsPath("D:/proj/tests")
    assert typed.seen_from(here, there) == r"D:\proj\tests"
    assert typed.seen_from(here, PureWindowsPath("C:/proj")) == r"..\proj"
