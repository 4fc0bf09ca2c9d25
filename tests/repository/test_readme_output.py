"""What the README shows of a terminal is what the demo prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_output_in_the_readme_is_the_demos():
    command = [sys.executable, str(ROOT / "tools/demo_output.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
