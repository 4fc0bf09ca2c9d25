"""Rows of many cases, and of two workers.

    python benchmarks/scale.py

*10,000 YAML cases*, each with a golden and an edited image of its own (64 px, a 16 px box edited),
are measured with ``lpips`` once, which fills the cache, then again. A case costs what 9,900 more of
them add to a session of 100: collecting, decoding, hashing, reading the cache, judging, reporting.
Beside it stands what an empty test costs in the same pytest without the plugin, with torch
imported: pytest gives torch's loggers a handler in every phase of every test. Memory is resident
memory as ``/proc`` tells it, the most that was seen after every hundredth test and at the end: what
a session of 10,000 cases has more than one of 100 (Linux only).

*Two workers*: 64 cases of ``lpips`` and ``emd`` (CLIP ViT-B/32) at 512 px, nothing cached, as whole
pytest processes, once serial with torch's own number of threads and once with ``-n2``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import models
import numpy as np
from made_images import edit_at, re_encoded, references
from PIL import Image
from table import Row, markdown, seconds
from timing import Times

CASES, FEW = 10_000, 100
REFERENCES = 100
CASE_MS = 3.0
CASE_TIMES = 2.0
GROWTH_MB = 150.0
SUITE = 64
WORKERS_TARGET = 0.95
REPETITIONS = 3

WATCH = """
import os
from pathlib import Path

MEMORY = Path("memory.txt")
most = tests = 0


def look():
    global most
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    most = max(most, pages * os.sysconf("SC_PAGE_SIZE"))


def pytest_runtest_logfinish():
    global tests
    tests += 1
    if tests % 100 == 0:
        look()


def pytest_unconfigure():
    look()
    MEMORY.write_text(str(most))
"""
LOADS = """
import os

from pytest_editmetrics.pipes.clip import CLIPPipe
from pytest_editmetrics.pipes.lpips import LPIPSPipe


def counted(kind):
    build = kind._build

    def _build(self, *args):
        with open("loads.txt", "a") as file:
            file.write(f"{os.environ.get('PYTEST_XDIST_WORKER', 'serial')} {self.key}\\n")
        return build(self, *args)

    kind._build = _build


counted(CLIPPipe)
counted(LPIPSPipe)
"""
CONFIG = """\
metrics: [lpips, emd]
pipes_default:
  clip-pipe: {{model_path: {clip}}}
thresholds: {{lpips: 1.0e+9, emd: 1.0e+9}}
"""


def run(folder: Path, *options: str, plugin: bool = True) -> None:
    """Run pytest in ``folder`` as a process of its own; a failing suite is an error."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HF_HUB_OFFLINE": "1"}
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "PYTEST_ADDOPTS", "CI"):
        environment.pop(name, None)
    ours = ["-p", "pytest_editmetrics.plugin", "--editmetrics-device=cpu"] if plugin else []
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *ours, *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{folder} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def many_cases(folder: Path, count: int) -> Path:
    """Write ``count`` cases in one file, with their images and goldens; return their folder."""
    images, goldens = folder / "images", folder / "goldens"
    for path in (images, goldens):
        path.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "conftest.py").write_text(WATCH, encoding="utf-8")
    random = np.random.default_rng(64)
    pictures = references(REFERENCES, 64)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(images / f"{number}.png")
    cases, approved = ["metrics: [lpips]", "cases:"], []
    for number in range(count):
        x, y = (int(value) for value in random.integers(0, 48, 2))
        edit = edit_at(pictures[number % REFERENCES], (x, y, x + 16, y + 16), random)
        Image.fromarray(edit.edited).save(images / f"edited-{number}.png")
        cases += [
            f"  - id: case-{number}",
            f"    reference: images/{number % REFERENCES}.png",
            f"    edited: images/edited-{number}.png",
            f"    coords: [[{x}, {y}, {x + 16}, {y + 16}]]",
        ]
        approved += [f'"case-{number}":', "  lpips: {max: 100, measured: 0.5}"]
    config = "metric_configs: {lpips: {scope: edit_area}}\n"
    (folder / "editmetrics.yaml").write_text(config, encoding="utf-8")
    (folder / "test_many.edit.yaml").write_text("\n".join(cases) + "\n", encoding="utf-8")
    (goldens / "test_many.edit.yaml.yaml").write_text("\n".join(approved) + "\n", encoding="utf-8")
    return folder


def empty_tests(folder: Path, count: int) -> Path:
    """Write as many tests that ask for a fixture and do nothing."""
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "conftest.py").write_text("import torch\n", encoding="utf-8")
    head = "import pytest\n\n\n@pytest.fixture\ndef nothing():\n    return None\n"
    tests = (f"\n\ndef test_{number}(nothing):\n    pass\n" for number in range(count))
    (folder / "test_empty.py").write_text(head + "".join(tests), encoding="utf-8")
    return folder


def case_rows(folder: Path, repetitions: int) -> list[Row]:
    """Return the rows of 10,000 cases from a warm cache."""
    times = Times()
    memory: dict[int, list[float]] = {FEW: [], CASES: []}
    ours = {count: many_cases(folder / f"cases-{count}", count) for count in (FEW, CASES)}
    empty = {count: empty_tests(folder / f"empty-{count}", count) for count in (FEW, CASES)}
    options = {
        count: (f"--editmetrics-cache-dir={path / 'cache'}",) for count, path in ours.items()
    }
    for count, path in ours.items():
        run(path, *options[count])
    for _ in range(repetitions):
        for count, path in ours.items():
            times.of(f"ours {count}", lambda: run(path, *options[count]))  # noqa: B023
            memory[count].append(int((path / "memory.txt").read_text()) / 1e6)
            times.of(f"empty {count}", lambda: run(empty[count], plugin=False))  # noqa: B023

    def each(name: str) -> float:
        return 1000 * (times[f"{name} {CASES}"] - times[f"{name} {FEW}"]) / (CASES - FEW)

    grown = float(np.median(memory[CASES]) - np.median(memory[FEW]))
    return [
        Row(
            f"{CASES:,} YAML cases, warm: cost of a case (collect, run, report)",
            f"at most {CASE_MS:g} ms",
            f"{each('ours'):.2f} ms, of which an empty test without the plugin takes"
            f" {each('empty'):.2f} ms (the session {seconds(times[f'ours {CASES}'])})",
            each("ours") <= CASE_MS,
        ),
        Row(
            "the same against an empty test without the plugin",
            f"at most {CASE_TIMES:g} times",
            f"{each('ours') / each('empty'):.2f} times",
            each("ours") <= CASE_TIMES * each("empty"),
        ),
        Row(
            f"{CASES:,} YAML cases, warm: memory more than with {FEW} cases",
            f"under {GROWTH_MB:g} MB",
            f"{grown:.0f} MB",
            grown < GROWTH_MB,
        ),
    ]


def suite_of(folder: Path, count: int) -> Path:
    """Write a suite of cases whose images differ everywhere, so that all must be computed."""
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(2)
    lines = ["cases:"]
    for number, picture in enumerate(references(count, 512)):
        edit = re_encoded(picture, 1, random)[0]
        Image.fromarray(picture).save(folder / "images" / f"{number}.png", compress_level=1)
        edited = folder / "images" / f"edited-{number}.png"
        Image.fromarray(edit.edited).save(edited, compress_level=1)
        lines += [
            f"  - id: case-{number}",
            f"    reference: images/{number}.png",
            f"    edited: images/edited-{number}.png",
            f"    coords: [[{', '.join(map(str, edit.box))}]]",
        ]
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "conftest.py").write_text(LOADS, encoding="utf-8")
    (folder / "test_suite.edit.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = CONFIG.format(clip=models.clip_b32())
    (folder / "editmetrics.yaml").write_text(config, encoding="utf-8")
    return folder


def worker_rows(folder: Path, repetitions: int) -> list[Row]:
    """Return the rows of two workers against one process."""
    suite = suite_of(folder / "suite", SUITE)
    times, loads = Times(), suite / "loads.txt"
    most = 0
    for _ in range(repetitions):
        times.of("serial", lambda: run(suite, "--no-editmetrics-cache"))
        loads.unlink()
        times.of("workers", lambda: run(suite, "--no-editmetrics-cache", "-p", "xdist", "-n2"))
        most = max(most, *Counter(loads.read_text().splitlines()).values())
        loads.unlink()
    ratio = times["serial"] / times["workers"]
    what = f"suite of {SUITE} cases, `lpips` and `emd` B/32, 512 px, `-n2`"
    return [
        Row(
            f"{what} against serial",
            f"at least {WORKERS_TARGET:g} times as fast",
            f"{ratio:.2f} times ({seconds(times['workers'])} against {seconds(times['serial'])})",
            ratio >= WORKERS_TARGET,
        ),
        Row(f"{what}: models of a kind that a worker loads", "at most 1", str(most), most <= 1),
    ]


def rows(repetitions: int = REPETITIONS) -> Sequence[Row]:
    """Measure and return the rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        return [*case_rows(folder, repetitions), *worker_rows(folder, repetitions)]


if __name__ == "__main__":
    found = rows()
    print(markdown(found))
    sys.exit(0 if all(row.holds for row in found) else 1)
