"""What SAM costs on this machine: an image with one box, for each model and precision.

    python benchmarks/sam.py [--only sam2-tiny-float32 ...]

SAM ViT-B and SAM 2 tiny and small at full size, with random weights, each in a process of its own:
the time of loading is told apart, then one image of 1024 px is looked at that no cache knows. Wall
time depends on what else runs; processor time, of all threads together, hardly. Memory is the most
that the process held, an import of torch and the model included. The rows inform: there is no
target. A processor without arithmetic in bfloat16 takes up to twenty times as long in it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import models
from made_images import place, references
from table import Row, machine, markdown, seconds

SIZE = 1024
DTYPES = ("float32", "bfloat16")
MODELS = ("sam-vit-b", "sam2-tiny", "sam2-small")
KINDS = tuple(f"{model}-{dtype}" for model in MODELS for dtype in DTYPES)


def _options(kind: str) -> dict[str, Any]:
    """Return the options of the SAM pipe of a kind; its weights are made if they are not there."""
    model, _, dtype = kind.rpartition("-")
    if model == "sam-vit-b":
        return {"model_type": "vit_b", "model_path": str(models.sam_vit_b()), "dtype": dtype}
    path = str(models.sam2(model.removeprefix("sam2-")))
    return {"model_type": "sam2", "model_path": path, "dtype": dtype}


def look(kind: str) -> dict[str, float]:
    """Look at one image in this process; return what that took."""
    import numpy as np

    from pytest_editmetrics.pipes.sam import SAMPipe

    pipe = SAMPipe(device="cpu", **_options(kind))
    image = references(1, SIZE)[0]
    box = place(np.random.default_rng(0), SIZE, SIZE // 4, SIZE // 4)
    start = time.perf_counter()
    pipe.load()
    loaded, processor = time.perf_counter(), time.process_time()
    pipe.mask_of(image, box)
    return {
        "loading": loaded - start,
        "wall": time.perf_counter() - loaded,
        "processor": time.process_time() - processor,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }


def row_of(kind: str) -> Row:
    """Look at one image in a process of its own."""
    _options(kind)
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "EDITMETRICS_CACHE": cache, "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, __file__, "--look", kind]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{kind} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    took = json.loads(done.stdout.splitlines()[-1])
    return Row(
        f"{kind}, an image of {SIZE} px with one box",
        "",
        f"{seconds(took['wall'])}, {seconds(took['processor'])} of the processor; loading"
        f" {seconds(took['loading'])}; at most {took['memory']:.0f} MB",
        None,
    )


def main() -> None:
    """Measure what was asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--look", choices=KINDS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.look:
        print(json.dumps(look(args.look)))
        return
    found = []
    for kind in args.only:
        found.append(row_of(kind))
        print(markdown(found[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    print(f"{machine()}\n\n{markdown(found)}")


if __name__ == "__main__":
    main()
