"""Every example of a docstring runs and prints what it says."""

from __future__ import annotations

import doctest
import linecache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "pytest_editmetrics").rglob("*.py"))
WITH_EXAMPLES = [
    path for path in SOURCES if "data" not in path.parts and ">>> " in path.read_text("utf-8")
]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_examples_of_a_module_run(path, monkeypatch):
    # doctest's debugger, which none of them calls, looks at each file whose lines are kept
    monkeypatch.setattr(linecache, "checkcache", lambda *_: None)
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    came = doctest.testmod(import_module(name))
    assert came.attempted > 0
    assert came.failed == 0
