"""What README and docs show of a terminal is what their test and the demo print."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_output_that_is_shown_is_what_is_printed():
    command = [sys.executable, str(ROOT / "tools/demo_output.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
