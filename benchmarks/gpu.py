"""What a GPU makes of it, in at most ten minutes: throughput, memory, bfloat16, two processes.

    python benchmarks/gpu.py                        # on the GPU that torch sees
    python benchmarks/gpu.py --device cpu --quick   # does the script run? no figure of it counts

*Bare* is the forward pass alone, on tensors that are on the device, in batches of 32. *The pipe* is
everything from decoded images to tokens or numbers: preparing, hashing, copying, comparing. *score*
is `editmetrics score` on a manifest, from files on the disk to a results file, without a cache;
`encode_ahead` puts its images into batches of 32. *Two processes* score at once on one GPU.

Memory is torch's peak of allocated memory. Each part that would begin after the time is up is left
out, and the table says so. Exit status 2 without a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import models
import numpy as np
import torch
from made_images import Array, place, re_encoded, references
from PIL import Image
from table import Row, machine, markdown, seconds

BATCH = 32
MINUTES = 10.0
SIZE = 512
NO_GPU = (
    "no GPU: torch sees none here, so nothing was measured; run this where"
    " torch.cuda.is_available() is true, or try the script with --device cpu --quick"
)


@dataclass(frozen=True)
class Setting:
    """Where, and how much, is measured."""

    device: str
    images: int
    rows: int
    repetitions: int
    sam: bool

    def timed(self, run: Callable[[], Any]) -> tuple[float, float]:
        """Return the least seconds of a run, and the peak of memory in MB (0 on a CPU)."""
        on_gpu = self.device.startswith("cuda")
        run()  # kernels are chosen, memory is taken
        if on_gpu:
            torch.cuda.reset_peak_memory_stats()
        least = float("inf")
        for _ in range(self.repetitions):
            if on_gpu:
                torch.cuda.synchronize()
            start = time.perf_counter()
            run()
            if on_gpu:
                torch.cuda.synchronize()
            least = min(least, time.perf_counter() - start)
        return least, torch.cuda.max_memory_allocated() / 1e6 if on_gpu else 0.0


def _row(what: str, figure: str) -> Row:
    return Row(what, "", figure, None)


def _clip(setting: Setting, dtype: str) -> Any:
    from pytest_editmetrics.pipes.clip import CLIPPipe

    return CLIPPipe(models.clip_b32(), device=setting.device, dtype=dtype)


def encoding(setting: Setting) -> Iterator[Row]:
    """CLIP ViT-B/32: batches through the pipe against bare forward passes, in both precisions."""
    from pytest_editmetrics.cache.features import FeatureCache

    pictures = references(setting.images, SIZE)
    batch = min(BATCH, setting.images)
    for dtype in ("float32", "bfloat16"):
        pipe = _clip(setting, dtype)
        encoder = pipe.load().model
        kind = getattr(torch, dtype)
        ready = torch.zeros(batch, 3, 224, 224, device=setting.device, dtype=kind)

        @torch.inference_mode()
        def bare(encoder: Any = encoder, ready: torch.Tensor = ready) -> None:
            for _ in range(0, setting.images, batch):
                encoder.model(ready)

        def through(pipe: Any = pipe) -> None:
            pipe.share(FeatureCache())
            pipe.encode_ahead("emd", pictures)

        alone, _ = setting.timed(bare)
        ours, memory = setting.timed(through)
        yield _row(
            f"CLIP B/32 in {dtype}, {setting.images} images of {SIZE} px in batches of {batch}",
            f"{setting.images / ours:.1f} images a second through the pipe,"
            f" {setting.images / alone:.1f} bare; peak {memory:.0f} MB",
        )
        pipe.release()


def distances(setting: Setting) -> Iterator[Row]:
    """LPIPS outside a box of images whose every pixel differs, and how far numbers move."""
    from pytest_editmetrics.cache.features import FeatureCache
    from pytest_editmetrics.pipes.lpips import LPIPSPipe

    random = np.random.default_rng(5)
    picture = references(1, 1024)[0]
    edits = re_encoded(picture, 4, random)
    exact = [LPIPSPipe(device="cpu")(picture, edit.edited, [edit.box], "outer") for edit in edits]
    for dtype in ("float32", "bfloat16"):
        pipe = LPIPSPipe(device=setting.device, dtype=dtype)

        def through(pipe: Any = pipe) -> list[float]:
            pipe.share(FeatureCache())
            return [pipe(picture, edit.edited, [edit.box], "outer") for edit in edits]

        took, memory = setting.timed(through)
        numbers, again = through(), through()
        apart = max(abs(a - b) / b for a, b in zip(numbers, exact, strict=True))
        yield _row(
            f"LPIPS in {dtype}, a pair of 1024 px, every pixel new",
            f"{seconds(took / len(edits))}; peak {memory:.0f} MB; {100 * apart:.2g} % from float32"
            f" on the CPU; {'the same' if numbers == again else 'OTHER'} bits when run again",
        )
        pipe.release()


def objects(setting: Setting) -> Iterator[Row]:
    """SAM: an image that no cache knows, with one box."""
    from pytest_editmetrics.cache.features import FeatureCache
    from pytest_editmetrics.pipes.sam import SAMPipe

    picture = references(1, 1024)[0]
    box = place(np.random.default_rng(0), 1024, 256, 256)
    kinds: dict[str, dict[str, Any]] = {"the packaged SAM": {"model_type": "smoke"}}
    if setting.sam:
        tiny = {"model_type": "sam2", "model_path": models.sam2("tiny")}
        kinds = {
            "SAM ViT-B": {"model_type": "vit_b", "model_path": models.sam_vit_b()},
            "SAM 2 tiny": tiny,
        }
    for name, options in kinds.items():
        for dtype in ("float32", "bfloat16"):
            pipe = SAMPipe(device=setting.device, dtype=dtype, **options)

            def look(pipe: Any = pipe) -> None:
                pipe.share(FeatureCache())
                pipe.mask_of(picture, box)

            took, memory = setting.timed(look)
            yield _row(f"{name} in {dtype}, an image", f"{seconds(took)}; peak {memory:.0f} MB")
            pipe.release()


def _manifest(folder: Path, rows: int, device: str) -> Path:
    """Write a manifest of pairs that share no image, and the project that scores it."""
    folder.mkdir()
    random = np.random.default_rng(6)
    lines = []
    for number, picture in enumerate(references(rows, SIZE)):
        [edit] = re_encoded(picture, 1, random)
        pair: dict[str, Array] = {"reference": picture, "edited": edit.edited}
        row: dict[str, Any] = {"id": str(number), "coords": [list(edit.box)]}
        for which, pixels in pair.items():
            row[which] = f"{which}-{number}.png"
            Image.fromarray(pixels).save(folder / row[which], compress_level=1)
        lines.append(json.dumps(row))
    (folder / "pairs.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "pytest.ini").write_text(
        "[pytest]\naddopts = -p pytest_editmetrics.plugin --no-editmetrics-cache"
        f" --editmetrics-device={device}\n",
        encoding="utf-8",
    )
    clip = json.dumps(str(models.clip_b32()))
    config = f"pipes_default: {{clip-pipe: {{model_path: {clip}}}}}\n"
    (folder / "editmetrics.yaml").write_text(config, encoding="utf-8")
    return folder


def _score(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest_editmetrics.cli.main", "score", "pairs.jsonl"]
    options = ["--metrics", "lpips,emd", "--allow-unbounded"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(
        [*command, *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _all_scored(folders: list[Path]) -> float:
    """Score manifests at once; return the seconds until the last is done."""
    start = time.perf_counter()
    running = [_score(folder) for folder in folders]
    for process in running:
        said, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"score ended with {process.returncode}:\n{said}")
    return time.perf_counter() - start


def scoring(setting: Setting) -> Iterator[Row]:
    """``editmetrics score``: one process, then two at once on the same device."""
    few = max(2, setting.rows // 8)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        short = _manifest(root / "short", few, setting.device)
        one = _manifest(root / "one", setting.rows, setting.device)
        two = _manifest(root / "two", setting.rows, setting.device)
        _all_scored([short])  # fills the system's caches
        starting = _all_scored([short])
        alone = _all_scored([one])
        both = _all_scored([one, two])
    each = max(alone - starting, 1e-9) / (setting.rows - few)
    yield _row(
        f"`score` of {setting.rows} pairs of {SIZE} px, `lpips` and `emd`, batches of {BATCH}",
        f"{1 / each:.1f} pairs a second once it runs ({seconds(alone)} in all)",
    )
    yield _row(
        "two such processes at once on one device",
        f"{2 * alone / both:.2f} times the pairs of one ({seconds(both)} against"
        f" {seconds(alone)} for one)",
    )


PARTS = {"encoding": encoding, "lpips": distances, "sam": objects, "score": scoring}


def main() -> int:
    """Measure what there is time for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda (default), cuda:1 or cpu")
    parser.add_argument("--quick", action="store_true", help="a few images, to try the script")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--minutes", type=float, default=MINUTES, help="begin no part after")
    args = parser.parse_args()
    on_gpu = args.device.startswith("cuda")
    if on_gpu and not torch.cuda.is_available():
        print(NO_GPU, file=sys.stderr)
        return 2
    quick = Setting(args.device, 4, 4, 1, sam=False)
    setting = quick if args.quick else Setting(args.device, 8 * BATCH, 8 * BATCH, 3, sam=True)
    start, found = time.monotonic(), []
    for name in args.only:
        if time.monotonic() - start > 60 * args.minutes:
            found.append(_row(name, f"left out: {args.minutes:g} minutes were over"))
            continue
        for row in PARTS[name](setting):
            found.append(row)
            print(markdown([row]).splitlines()[-1], file=sys.stderr, flush=True)
    device = torch.cuda.get_device_name(args.device) if on_gpu else "on the CPU: no figure counts"
    print(f"{device}; {machine()}\n\n{markdown(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
