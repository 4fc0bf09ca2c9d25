"""The house: which rooms there are, what a room says of itself, and which names are public."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_editmetrics

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pytest_editmetrics"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))
PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
HEAVY = ("torch", "numpy", "PIL", "yaml", "transformers", "lpips", "segment_anything", "ot")


def test_what_stands_in_the_root():
    """Whatever is added belongs in a room; errors, measurement, progress and whole_file serve all."""
    names = {path.stem for path in PACKAGE.glob("*.py")}
    assert names == {"__init__", "errors", "measurement", "progress", "whole_file"}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_says_what_lives_there_and_what_may_not(room):
    text = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    assert text is not None
    assert len(re.findall(r"\.(?:\s|$)", text)) >= 2


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_is_in_the_page_and_has_its_tests(room):
    assert f"| `{room.name}` |" in PAGE
    assert list((ROOT / "tests" / room.name).rglob("test_*.py"))


def test_no_file_repeats_the_name_of_its_room():
    own = {path: path.parent.name.rstrip("s") for path in MODULES if path.parent != PACKAGE}
    assert not [path for path, room in own.items() if room in re.split(r"s?_|s$", path.stem)]


def test_the_tests_that_mutants_and_environments_are_held_to_exist():
    for tool in (ROOT / "tests" / "mutation" / "run_mutation.py", ROOT / "noxfile.py"):
        named = re.findall(r'"((?:\w+/)*test_\w+\.py)"', tool.read_text(encoding="utf-8"))
        assert named
        folders = (ROOT / "tests", ROOT / "tests" / "plugin")
        for name in named:
            assert any((folder / name).is_file() for folder in folders), (tool.name, name)


def test_a_file_is_one_idea():
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert not {path: count for path, count in lines.items() if count > 400}
    assert lines[PACKAGE / "plugin" / "__init__.py"] < 200


def test_the_page_names_files_that_exist():
    for name in re.findall(r"`((?:pytest_editmetrics|tests|docs)/[\w/.<>]+)`", PAGE):
        assert "<" in name or (ROOT / name).exists(), name
    rooms = "|".join(room.name for room in ROOMS)
    for name in re.findall(rf"`((?:{rooms})/[\w/]+\.py)`", PAGE):
        assert (PACKAGE / name).exists(), name


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_the_page_says_what_is_in_a_room(room):
    row = PAGE.partition(f"| `{room.name}` |")[2].partition("\n")[0]
    for name in re.findall(r"`(\w+(?:\.py|/))`", row):
        of_pipe = room.name == "pipes" and name in ("spec.py", "pipe.py")
        assert (room / ("clip" if of_pipe else ".") / name).exists(), name


def test_every_public_name_is_there_and_in_the_page():
    for name in pytest_editmetrics.__all__:
        assert getattr(pytest_editmetrics, name).__name__ == name
        assert f"`{name}`" in PAGE
    assert set(pytest_editmetrics._HOME) == set(pytest_editmetrics.__all__)
    assert set(pytest_editmetrics.__all__) <= set(dir(pytest_editmetrics))


def test_another_name_is_an_error():
    with pytest.raises(AttributeError, match="no attribute 'lpips_pipe'"):
        pytest_editmetrics.lpips_pipe  # noqa: B018


def test_importing_the_face_imports_nothing_heavy():
    code = f"import sys, pytest_editmetrics; print([m for m in {HEAVY} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
