"""Do with ``examples/editing-model`` what a user does, then break its model and see the suite fail.

    python tools/run_example.py

The wheel is built, and installed with the example into a virtual environment of its own, in a
folder outside of the checkout. Its suite has to pass there, and its files have to be right. Then
one line of the model is broken, in three ways: each time the suite has to fail and name the cause.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "editing-model"
MODEL = Path("src/tinter/__init__.py")
WHERE = "import pytest_editmetrics as p; print(p.__file__)"


class Break(NamedTuple):
    """What is changed in the model, and what the suite has to say of it (a regular expression)."""

    what: str
    line: str
    broken: str
    said: str


RETURNED = "    return np.rint(before * (1 - weights) + painted * weights).astype(np.uint8)\n"
BREAKS = (
    Break(
        "the frame comes back 1 px to the right",
        RETURNED,
        RETURNED.replace("return np.rint(", "return np.roll(np.rint(").replace(
            ".astype(np.uint8)", ".astype(np.uint8), 1, axis=1)"
        ),
        r"background moved 1\.00 px right",
    ),
    Break(
        "the mask's edge is so soft that the colour spills",
        "    weights = np.where(mask > 127, soft, 0)[..., None]\n",
        "    weights = np.maximum(soft, cv2.GaussianBlur(soft, (0, 0), 28))[..., None]\n",
        r"a (?:local change|part) in \(\d+, \d+, \d+, \d+\)",
    ),
    Break(
        "the photo comes back as it was",
        RETURNED,
        "    return before\n",
        r"edit_lpips 0\.000 < min",
    ),
)


class Failed(Exception):
    """Something did not come as it should."""


def main() -> int:
    """Run the example; 0 if all came as it should."""
    folder = Path(tempfile.mkdtemp(prefix="editmetrics-example-"))
    try:
        tried(folder)
    except Failed as error:
        print(f"\nFAILED: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder)
    return 0


def tried(folder: Path) -> None:
    """Do it all in an empty folder."""
    began = time.monotonic()
    wheel = built(folder / "dist")
    unwanted = shutil.ignore_patterns("__pycache__", ".pytest_cache", "*.egg-info")
    project = shutil.copytree(EXAMPLE, folder / "project", ignore=unwanted)
    programs = installed(folder / "environment", wheel, project)
    print(f"installed in {time.monotonic() - began:.0f} s: {wheel.name}", flush=True)

    python = [str(programs / "python"), "-c", WHERE]
    home = Path(run(python, project)[1].strip())
    if not home.is_relative_to(folder / "environment"):
        raise Failed(f"the plugin is imported from {home}, not from the environment")
    status, said = shown([str(programs / "editmetrics"), "check"], project)
    if status:
        raise Failed("a file of the example is not right")

    pytest = [str(programs / "pytest"), "-p", "no:cacheprovider"]
    began = time.monotonic()
    status, said = shown(pytest, project)
    if status:
        raise Failed("the suite of the example fails")
    print(f"passed in {time.monotonic() - began:.0f} s", flush=True)
    good = (project / MODEL).read_text(encoding="utf-8")
    for one in BREAKS:
        if good.count(one.line) != 1:
            raise Failed(f"{MODEL} has not once the line {one.line!r}")
        (project / MODEL).write_text(good.replace(one.line, one.broken), encoding="utf-8")
        print(f"\nbroken: {one.what}", flush=True)
        status, said = run(pytest, project)
        found = next((line for line in said.splitlines() if re.search(one.said, line)), None)
        if status != 1 or found is None:
            print(said)
            raise Failed(f"exit status {status}, not 1, or nothing says {one.said!r}")
        print(f"  {found.strip()}", flush=True)
    print("\nThe suite passes, and fails for each of the three breaks with its cause.")


def built(folder: Path) -> Path:
    """Return the wheel, built from the checkout without a network."""
    done, said = run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], ROOT
    )
    if done:
        raise Failed(f"the wheel cannot be built:\n{said}")
    (wheel,) = folder.iterdir()
    return wheel


def installed(environment: Path, wheel: Path, project: Path) -> Path:
    """Return the folder of programs of a new environment with the wheel and the example."""
    venv.create(environment, with_pip=True, symlinks=os.name != "nt")
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    packages = [str(wheel), "--editable", f"{project}[test]"]
    done, said = run([str(programs / "python"), "-m", "pip", "install", "-q", *packages], project)
    if done:
        raise Failed(f"pip cannot install {packages}:\n{said}")
    return programs


def shown(command: list[str], folder: Path) -> tuple[int, str]:
    """Run a command and print what it said."""
    print(f"\n$ {Path(command[0]).name} {' '.join(command[1:])}", flush=True)
    status, said = run(command, folder)
    print(said, end="", flush=True)
    return status, said


def run(command: list[str], folder: Path) -> tuple[int, str]:
    """Run a command where nothing of the checkout is on the path; return status and output."""
    unwanted = ("PYTHONPATH", "PYTEST_ADDOPTS", "VIRTUAL_ENV")
    environment = {name: text for name, text in os.environ.items() if name not in unwanted}
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
