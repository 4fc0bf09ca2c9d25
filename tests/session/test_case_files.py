"""Which files are collected as cases, by their names: those that read, look for and report them ask for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_editmetrics.session.unread import is_case_file


@pytest.mark.parametrize(
    "name", ["test_mug.edit.yaml", "test_mug.edit.yml", "tests/test_.edit.yaml"]
)
def test_a_file_of_cases(name):
    assert is_case_file(Path(name))


@pytest.mark.parametrize(
    "name", ["mug.edit.yaml", "test_mug.yaml", "test_mug.edits.yaml", "test_mug.edit.yaml.bak"]
)
def test_another_file(name):
    assert not is_case_file(Path(name))
