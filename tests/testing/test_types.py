"""What type checkers make of `Pipe`: pipes with type hints are pipes, and others are not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_editmetrics

ROOT = Path(pytest_editmetrics.__file__).parents[1]
TYPED = """
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics import CLIPPipe, LPIPSPipe, Measurement, Pipe

Picture = NDArray[np.uint8]


class Number:
    def __call__(
        self, before: Picture, after: Picture, coords: Any, mask_mode: str | None, metric: str,
        **params: Any,
    ) -> float | None: ...


class Told:
    def __call__(
        self, reference: Picture, edited: Picture, coords: Any, mask_mode: str | None, metric: str,
        gain: float = 1.0,
    ) -> Measurement: ...


class Text:
    def __call__(
        self, reference: Picture, edited: Picture, coords: Any, mask_mode: str | None, metric: str
    ) -> str: ...


class TooFew:
    def __call__(self, reference: Picture, edited: Picture) -> float: ...


pipes: list[Pipe] = [Number(), Told(), LPIPSPipe(), CLIPPipe()]
wrong: list[Pipe] = [Text(), TooFew()]
"""


@pytest.mark.slow
def test_pipes_with_type_hints_are_pipes(tmp_path):
    file = tmp_path / "typed.py"
    file.write_text(TYPED)
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", file],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    wrong = TYPED.splitlines().index("wrong: list[Pipe] = [Text(), TooFew()]") + 1
    errors = [line for line in ran.stdout.splitlines() if "typed.py" in line and " error: " in line]
    said = [line for line in errors if f"typed.py:{wrong}: " in line and "List item" in line]
    assert len(said) == 2, ran.stdout
    bodies = [line for line in errors if "[empty-body]" in line]
    assert len(errors) == len(said) + len(bodies), ran.stdout
