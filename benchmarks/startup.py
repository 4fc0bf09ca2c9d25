"""What it costs to start: pytest with the plugin, the first LPIPS verdict, the first EMD verdict.

    python benchmarks/startup.py [repetitions]

Each figure is the time of a whole process, the runs of a row taken in turn, medians. Only this
plugin is loaded into pytest, since the others of a development environment cost more than it does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from models import clip_b32
from table import Row, at_least, markdown
from timing import Times

REPETITIONS = 9
PYTEST = ("-m", "pytest", "-q", "-p")
PLUGIN = (*PYTEST, "pytest_editmetrics.plugin")
NO_PLUGIN = (
    *PYTEST,
    "nothing",
)  # a plugin of no lines: for -p pytest looks through what is installed
PAIR = """
import numpy as np

BOX = [(100, 100, 200, 200)]


def pair():
    reference = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    edited = reference.copy()
    edited[100:200, 100:200] = 255 - edited[100:200, 100:200]
    edited[300:310, 300:310] = 0
    return reference, edited
"""
OURS = """
from pair import BOX, pair


def test_{metric}(edit_gate):
    edit_gate.check(*pair(), BOX, metrics=["{metric}"])
"""
# What a maintainer would write without the plugin: the usual imports on top, pretrained models.
PLAIN = """
import lpips
import numpy as np
import ot
import torch
import torchvision
from pair import BOX, pair
from reference import PlainEMD, PlainLPIPS
from transformers import CLIPImageProcessor, CLIPVisionModel


def test_lpips():
    assert PlainLPIPS()(*pair(), BOX, "outer") < 1e9


def test_emd():
    assert PlainEMD({clip!r})(*pair(), BOX, "outer") < 1e9
"""
SETTINGS = """
pipes_default: {{clip-pipe: {{model_path: {clip!r}}}}}
thresholds: {{lpips: {{max: 1.0e+9}}, emd: {{max: 1.0e+9}}}}
"""


def rows(repetitions: int = REPETITIONS) -> list[Row]:
    """Measure; the processes start in a folder of their own, with an empty feature cache."""
    clip = str(clip_b32())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in (
            ("pytest.ini", "[pytest]\npythonpath = .\n"),
            ("pair.py", PAIR),
            ("nothing.py", ""),
            ("test_lpips.py", OURS.format(metric="lpips")),
            ("test_emd.py", OURS.format(metric="emd")),
            ("test_plain.py", PLAIN.format(clip=clip)),
            ("editmetrics.yaml", SETTINGS.format(clip=clip)),
        ):
            (folder / file).write_text(text, encoding="utf-8")
        return [
            _collecting(folder, 3 * repetitions),
            _first_lpips(folder, repetitions),
            _first_emd(folder, repetitions),
        ]


def _collecting(folder: Path, repetitions: int) -> Row:
    collect = ("--collect-only", "test_lpips.py")
    times = _compared(
        folder, repetitions, {"on": (*PLUGIN, *collect), "off": (*NO_PLUGIN, *collect)}
    )
    more = 1000 * (times["on"] - times["off"])
    figure = f"{more:.1f} ms more ({1000 * times['on']:.0f} against {1000 * times['off']:.0f})"
    what = "`pytest --collect-only` on one file, plugin on against off"
    return Row(what, "at most 15 ms more", figure, more <= 15)


def _first_lpips(folder: Path, repetitions: int) -> Row:
    times = _compared(
        folder,
        repetitions,
        {"ours": (*PLUGIN, "test_lpips.py"), "torch": ("-c", "import torch")},
    )
    ratio = times["ours"] / times["torch"]
    figure = f"{ratio:.2f} times ({times['ours']:.2f} s against {times['torch']:.2f} s)"
    what = "a pytest process with one LPIPS test at 512 px, against `import torch`"
    return Row(what, "at most 1.25 times", figure, ratio <= 1.25)


def _first_emd(folder: Path, repetitions: int) -> Row:
    times = _compared(
        folder,
        repetitions,
        {
            "ours": (*PLUGIN, "test_lpips.py", "test_emd.py"),
            "plain": ("-m", "pytest", "-q", "test_plain.py"),
        },
    )
    detail = f"{times['ours']:.2f} s against {times['plain']:.2f} s"
    what = "a pytest process with one EMD and one LPIPS test, against the reference implementation"
    return at_least(what, times["plain"] / times["ours"], 1.3, detail, agrees=True)


def _compared(folder: Path, repetitions: int, commands: dict[str, tuple[str, ...]]) -> Times:
    for command in commands.values():  # fills the system's caches
        _process(folder, command)
    times = Times()
    for _ in range(repetitions):
        for name, command in commands.items():
            times.add(name, _process(folder, command))
    return times


def _process(folder: Path, command: tuple[str, ...]) -> float:
    """Run a Python process to its end and return the seconds; compiled files are kept, as usual."""
    with tempfile.TemporaryDirectory() as cache:
        env = {
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "EDITMETRICS_CACHE": cache,
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": str(Path(__file__).parent),
        }
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *command],
            cwd=folder, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds


if __name__ == "__main__":
    print(markdown(rows(int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS)))
