"""Programs of the extra `dev` that tests run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def run_tool(name: str, *args: str | Path, cwd: Path | None = None) -> tuple[int, str]:
    """Run a program that is installed beside Python; return its status and what it said."""
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    program = shutil.which(name, path=path)
    assert program is not None, f"{name} is not installed: pip install -e '.[dev]'"
    done = subprocess.run(
        [program, *map(str, args)], cwd=cwd, env={**os.environ, "PATH": path}, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout
