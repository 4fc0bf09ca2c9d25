"""Rows of growth: ten times the work may cost twelve times as much, and no more.

    python benchmarks/growth.py [--sizes 100 1000] [--only goldens merge]

*golden images*: tests of one file, each with a 64 px golden, compared exactly: recorded, then
compared. *threshold goldens*: tests of one file, each held to a golden of its own. *YAML cases*:
of one file, as `editmetrics` runs them from a warm cache. *report*, *compare*, *approve*,
*calibrate*: the commands, on runs with so many gates that fail. *merge* takes 5, then 50 shards,
*calibrate* 5, then 50 runs, too.

What counts is the time of the processor of a whole process, the least of several runs, less that of
the same with one gate, so that what a process costs anyway hides nothing. Below ``NOISE`` seconds
that difference is noise and counts as ``NOISE``.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from made_images import references
from PIL import Image
from table import Row, markdown, seconds

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.runs.results import ResultsFile
from pytest_editmetrics.runs.writing import RunDir

SIZES = (100, 1_000, 10_000)
RUNS = (5, 50)
GATES_OF_A_RUN = 200
MOST = 12.0
NOISE = 0.2
LONG = 10.0  # seconds: measured once, or twice where the row would not hold
SETTLED = 11  # seconds: a file that was just written is read again at each check
STARTED = "2031-05-06T07:08:09+00:00"
INI = "[pytest]\naddopts = -p pytest_editmetrics.plugin\n"
IMAGES = """\
import numpy as np
import pytest
from PIL import Image

PICTURE = np.asarray(Image.open("picture.png"))


@pytest.mark.parametrize("number", range({count}))
def test_image(golden_image, number):
    image = PICTURE.copy()
    image[:2, :64] = np.frombuffer(number.to_bytes(384, "big"), np.uint8).reshape(2, 64, 3)
    golden_image.check(image)
"""
THRESHOLDS = """\
import numpy as np
import pytest
from PIL import Image

PICTURE = np.asarray(Image.open("picture.png"))


@pytest.mark.parametrize("number", range({count}))
def test_gate(edit_gate, number):
    edit_gate.check(PICTURE, PICTURE.copy(), [(8, 8, 24, 24)], metrics="unedit_psnr")
"""

Measured = Callable[[int], float]


def _process(folder: Path, *command: str, status: int = 0) -> float:
    """Run a process; return the processor's seconds that it took."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OMP_NUM_THREADS": "1"}
    environment["EDITMETRICS_CACHE"] = str(folder / "cache")
    for name in ("PYTEST_ADDOPTS", "CI"):
        environment.pop(name, None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != status:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def run_pytest(folder: Path, *options: str) -> float:
    """Run pytest with the plugin in ``folder``; return the processor's seconds."""
    ours = ("-p", "pytest_editmetrics.plugin", "--editmetrics-device=cpu")
    return _process(folder, "pytest", "-q", "-p", "no:cacheprovider", *ours, *options)


def _editmetrics(folder: Path, *arguments: str, status: int = 0) -> float:
    return _process(folder, "pytest_editmetrics.cli.main", *arguments, status=status)


def project_in(folder: Path) -> Path:
    """Make a project that compares golden images exactly, with a picture of 64 px."""
    folder.mkdir(parents=True)
    (folder / "pytest.ini").write_text(INI, encoding="utf-8")
    config = "golden_images: {comparator: exact}\n"
    (folder / "editmetrics.yaml").write_text(config, encoding="utf-8")
    Image.fromarray(references(1, 64)[0]).save(folder / "picture.png")
    return folder


def golden_images(folder: Path, sizes: Sequence[int]) -> dict[str, Measured]:
    """Return what records, and what compares, so many golden images."""
    recording: dict[int, float] = {}
    for size in sizes:
        project = project_in(folder / f"{size}")
        (project / "test_image.py").write_text(IMAGES.format(count=size), encoding="utf-8")
        recording[size] = run_pytest(project, "--editmetrics-update=missing")
    time.sleep(SETTLED)
    return {
        "golden images, recorded": recording.__getitem__,
        "golden images, compared": lambda size: run_pytest(folder / f"{size}"),
    }


def threshold_goldens(folder: Path, sizes: Sequence[int]) -> dict[str, Measured]:
    """Return what holds so many tests to a golden threshold each."""
    for size in sizes:
        project = project_in(folder / f"{size}")
        (project / "test_gate.py").write_text(THRESHOLDS.format(count=size), encoding="utf-8")
        run_pytest(project, "--editmetrics-update=missing")
    time.sleep(SETTLED)
    return {"threshold goldens": lambda size: run_pytest(folder / f"{size}")}


def yaml_cases(folder: Path, sizes: Sequence[int]) -> dict[str, Measured]:
    """Return what runs so many YAML cases from a warm cache."""
    from scale import many_cases

    for size in sizes:
        run_pytest(many_cases(folder / f"{size}", size))
    time.sleep(SETTLED)
    return {"YAML cases": lambda size: run_pytest(folder / f"{size}")}


def _gates(size: int, seed: int) -> Iterator[tuple[str, Gate]]:
    random = np.random.default_rng(seed)
    for number in range(size):
        test, value = f"test_gate[{number}]", float(random.uniform(0.2, 0.3))
        yield (
            f"test_gate.py::{test}",
            Gate(
                metric="lpips",
                verdict="fail",
                value=value,
                scope="unedit_area",
                bound_kind="max",
                bound=0.1,
                origin="default",
                source="editmetrics.yaml:1",
                distance=value - 0.1,
                golden={"file": "goldens/test_gate.py.yaml", "test": test, "gate": "lpips"},
                device="cpu",
                device_name="cpu",
                weights=({"name": "lpips:alex", "sha256": "9" * 64, "smoke": False},),
                region={"coords": [[8, 8, 24, 24]], "width": 64, "height": 64},
            ),
        )


def _run(path: Path, size: int, seed: int, first: int = 0) -> None:
    run_dir = RunDir(path)
    run_dir.prepare()
    results = ResultsFile(run_dir.results_path, {"pytest": "9"}, STARTED)
    for nodeid, gate in _gates(size, seed):
        results.gate(
            nodeid.replace("test_gate.py", f"test_gate{first or ''}.py"), 1, True, "failed", gate
        )
    results.close({"gates": size})


def commands(folder: Path, sizes: Sequence[int]) -> dict[str, Measured]:
    """Return the commands that take one run, or two, of so many gates."""
    for size in sizes:
        project = project_in(folder / f"{size}")
        (project / "test_gate.py").write_text("", encoding="utf-8")
        for seed, name in enumerate(("base", "head")):
            _run(project / name, size, seed)

    def approve(size: int) -> float:
        (folder / f"{size}" / "goldens" / "test_gate.py.yaml").unlink(missing_ok=True)
        return _editmetrics(folder / f"{size}", "approve", "head")

    return {
        "gates, `report`": lambda size: _editmetrics(folder / f"{size}", "report", "head"),
        "gates, `compare`": lambda size: _editmetrics(
            folder / f"{size}", "compare", "base", "head"
        ),
        "gates, `approve`": approve,
        "gates, `calibrate`": lambda size: _editmetrics(
            folder / f"{size}", "calibrate", "--no-selftest", "base", "head"
        ),
    }


def merge(folder: Path, runs: Sequence[int]) -> dict[str, Measured]:
    """Return what merges so many shards."""
    project = project_in(folder / "project")
    for number in range(max(runs)):
        _run(project / f"shard-{number}", GATES_OF_A_RUN, number, number)

    def merged(count: int) -> float:
        shards = [f"shard-{number}" for number in range(count)]
        return _editmetrics(project, "merge", *shards, "-o", f"merged-{count}")

    return {f"shards of {GATES_OF_A_RUN} gates, `merge`": merged}


def calibrate(folder: Path, runs: Sequence[int]) -> dict[str, Measured]:
    """Return what proposes thresholds from so many runs."""
    project = project_in(folder / "project")
    (project / "test_gate.py").write_text("", encoding="utf-8")
    for number in range(max(runs)):
        _run(project / f"run-{number}", GATES_OF_A_RUN, number)

    def calibrated(count: int) -> float:
        names = [f"run-{number}" for number in range(count)]
        status = 0 if count > 1 else 2
        return _editmetrics(project, "calibrate", "--no-selftest", *names, status=status)

    return {f"runs of {GATES_OF_A_RUN} gates, `calibrate`": calibrated}


PARTS = {
    "images": golden_images,
    "thresholds": threshold_goldens,
    "cases": yaml_cases,
    "commands": commands,
    "merge": merge,
    "calibrate": calibrate,
}


def grown(what: str, costs: dict[int, float]) -> Row:
    """Return the row of one kind of work; ``costs`` are the seconds of each size, one included."""
    alone = costs[min(costs)]
    net = {size: max(cost - alone, NOISE) for size, cost in costs.items() if size != min(costs)}
    steps = [(few, many, net[many] / net[few]) for few, many in pairwise(sorted(net))]
    figure = ", ".join(f"{size:,}: {seconds(cost)}" for size, cost in sorted(costs.items()))
    ratios = ", ".join(f"{ratio:.1f}" for *_, ratio in steps)
    return Row(
        f"growth: {what}",
        f"ten times the work at most {MOST:g} times the time",
        f"{ratios} times ({figure})",
        all(ratio <= MOST * (many / few) / 10 for few, many, ratio in steps),
    )


def _least(measure: Measured, count: int) -> float:
    first = measure(count)
    return first if first > LONG else min(first, measure(count), measure(count))


def rows(sizes: Sequence[int] = SIZES, only: Sequence[str] = tuple(PARTS)) -> list[Row]:
    """Measure and return the rows."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        for part in only:
            counts = RUNS if part in ("merge", "calibrate") else sizes
            least = 2 if part == "calibrate" else 1
            folder = Path(name).resolve() / part
            for what, measure in PARTS[part](folder, [least, *counts]).items():
                costs = {count: _least(measure, count) for count in (least, *counts)}
                row = grown(what, costs)
                if not row.holds:  # another process may do that, to the time of one gate as well
                    row = grown(what, {n: min(cost, measure(n)) for n, cost in costs.items()})
                found.append(row)
                print(markdown(found[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="100 1000 is quick")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    args = parser.parse_args()
    found = rows(sorted(args.sizes), args.only)
    print(markdown(found))
    sys.exit(0 if all(row.holds for row in found) else 1)
