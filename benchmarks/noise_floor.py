"""How far every metric moves where nothing changed but how it is computed.

    python benchmarks/noise_floor.py [--save FILE] [--against FILE ...] [--quick]

Measures the same pairs again, with 1, 2 and 4 threads, and with 4 and 32 images encoded together,
and prints for each metric the largest difference from one thread and one image at a time, and how
often the metric's default margin holds it. ``--save`` keeps the numbers; ``--against`` adds the
differences from numbers that were kept elsewhere: under other versions of torch or transformers, or
with other instructions of the processor. ``--quick`` measures with one thread only.

CLIP is ViT-B/32 and DINO is DINOv3 ViT-S/16, both of full size with fixed random weights; LPIPS has
its genuine ones. SAM is the small one of ``fixtures/parity``. Models are made once, in the
machine's temporary directory: under other versions of torch the same files are read.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from made_images import Edit, edit_all, re_encoded, references
from models import FOLDER, clip_b32

from pytest_editmetrics.measurement import MASK_MODE, Metric
from pytest_editmetrics.pipes.registry import PipeRegistry

SIZE = 384
PHOTOS = 4
THREADS = (2, 4)
BATCHES = (4, 32)
PARITY = Path(__file__).parent.parent / "fixtures" / "parity" / "models"
SAM = {"model_path": str(PARITY / "sam.safetensors"), "model_cfg": str(PARITY / "sam.json")}
NOT_MEASURED = ("pie_bench_lpips",)  # its SqueezeNet cannot be downloaded here
PACKAGES = ("torch", "transformers", "numpy", "scipy", "pot")

Numbers = dict[str, list[float]]


def dino_s16() -> Path:
    """Return the directory of a DINOv3 ViT-S/16, made if it is not there."""
    folder = FOLDER / "dino-s16-11"
    if not (folder / "preprocessor_config.json").is_file():
        from transformers import DINOv3ViTConfig, DINOv3ViTModel

        sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
        from tiny_models import STRETCHING, save

        torch.manual_seed(11)
        model = DINOv3ViTModel(DINOv3ViTConfig()).eval()
        with torch.no_grad():
            for tensor in model.parameters():
                if tensor.ndim > 1:
                    tensor.normal_(0, 0.05)
        save(model, {**STRETCHING, "size": {"height": 224, "width": 224}}, folder)
    return folder


def pairs() -> list[Edit]:
    """Return photos, encoded anew all over and edited in a box."""
    random = np.random.default_rng(7)
    made = []
    for reference in references(PHOTOS, SIZE):
        for edit in re_encoded(reference, 2, random):
            edited = edit_all(edit.edited, [edit.box], random)
            made.append(Edit(reference, edited, edit.box))
    return made


def pipes() -> dict[str, Any]:
    """Return new pipes, by key: nothing that they compute is kept from those before."""
    options: dict[str, dict[str, Any]] = {
        "lpips-pipe": {"device": "cpu"},
        "clip-pipe": {"model_path": str(clip_b32()), "device": "cpu", "sam": SAM},
        "dino-v3-pipe": {"model_path": str(dino_s16()), "device": "cpu", "sam": SAM},
        "sam-pipe": {"device": "cpu", **SAM},
        "pixels-pipe": {},
        "drift-pipe": {},
    }
    registry = PipeRegistry()
    return {key: registry.create(key, init) for key, init in options.items()}


def metrics() -> Iterator[tuple[str, Metric]]:
    """Give each metric that is measured, with the key of its pipe."""
    registry = PipeRegistry()
    for name in sorted(registry.names):
        metric = registry.metric(name)
        if metric.name == name and name not in NOT_MEASURED:
            yield registry.pipe_of(name).key, metric


def measured(prepare: Callable[[dict[str, Any], list[Edit]], None] = lambda *_: None) -> Numbers:
    """Return every metric of every pair; ``prepare`` may encode images before."""
    made, edits = pipes(), pairs()
    prepare(made, edits)
    numbers: Numbers = {}
    for key, metric in metrics():
        for edit in edits:
            coords = [edit.box] * (2 if metric.compares == "objects" else 1)
            found = made[key].measure(
                edit.reference, edit.edited, coords, MASK_MODE[metric.scope], metric.name
            )
            assert found.value is not None, (metric.name, found.soft_failure)
            numbers.setdefault(metric.name, []).append(found.value)
    return numbers


def encoded_in(batch: int) -> Callable[[dict[str, Any], list[Edit]], None]:
    """Return what encodes images ``batch`` at a time, although bits may differ.

    The pipes encode together only where the bits stay; this asks what they guard against.
    """

    def prepare(made: dict[str, Any], edits: list[Edit]) -> None:
        images = [image for edit in edits for image in (edit.reference, edit.edited)] * 2
        for key, metric in (("clip-pipe", "emd"), ("dino-v3-pipe", "dino_structure_sim")):
            encoder = made[key].load().model

            def encode(some: Sequence[Any], framing: Any, encoder: Any = encoder) -> list[Any]:
                filled = [*some, *images][: max(batch, len(some))]
                parts = [filled[n : n + batch] for n in range(0, len(filled), batch)]
                tokens = [of_one for part in parts for of_one in encoder.tokens(part, framing)]
                return tokens[: len(some)]

            encoder.encode = encode
            made[key].encode_ahead(metric, images[: 2 * len(edits)])

    return prepare


def differences(numbers: Numbers, base: Numbers) -> dict[str, tuple[float, float]]:
    """Return for each metric the largest difference, absolute and relative to the value."""
    found = {}
    for name, values in base.items():
        absolute = [abs(a - b) for a, b in zip(numbers[name], values, strict=True)]
        relative = [d / abs(b) if b else 0.0 for d, b in zip(absolute, values, strict=True)]
        found[name] = max(absolute), max(relative)
    return found


def held(metric: Metric, variants: Mapping[str, Numbers], base: Numbers) -> float:
    """Return how many times the noise the margin is, at the pair where that is the least."""
    least = float("inf")
    for numbers in variants.values():
        for value, was in zip(numbers[metric.name], base[metric.name], strict=True):
            if value != was:
                least = min(least, metric.margin.around(was) / abs(value - was))
    return least


def table(variants: Mapping[str, Numbers], base: Numbers) -> str:
    """Return the differences as a Markdown table."""
    heads = ["metric", "values", *variants, "margin", "margin / noise"]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    found = {name: differences(numbers, base) for name, numbers in variants.items()}
    for _, metric in metrics():
        name, values = metric.name, base[metric.name]
        cells = [name, f"{min(values):.3g} to {max(values):.3g}"]
        for variant in variants:
            absolute, relative = found[variant][name]
            cells.append(f"{absolute:.1e} ({relative:.0e})" if absolute else "0")
        least = held(metric, variants, base)
        times = "no noise" if least == float("inf") else f"{float(f'{least:.2g}'):,g}"
        lines.append("| " + " | ".join([*cells, margin_text(metric), times]) + " |")
    return "\n".join(lines)


def margin_text(metric: Metric) -> str:
    """Return a metric's default margin in words.

    >>> margin_text(PipeRegistry().metric("lpips"))
    '15 % or 0.005'
    """
    margin = metric.margin
    parts = [f"{margin.relative * 100:g} %"] if margin.relative else []
    return " or ".join([*parts, *([f"{margin.absolute:g}"] if margin.absolute else [])])


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--save", type=Path, help="keep the numbers in this file")
    parser.add_argument("--against", type=Path, nargs="+", default=[], help="numbers kept before")
    parser.add_argument("--quick", action="store_true", help="measure with one thread only")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", module="torchvision|transformers")
    versions = {name: metadata.version(name) for name in PACKAGES}
    versions["instructions"] = torch.backends.cpu.get_cpu_capability()
    torch.set_num_threads(1)
    base = measured()
    if args.save:
        args.save.write_text(json.dumps({"versions": versions, "values": base}))
    runs = {} if args.quick else repeated()
    for path in args.against:
        kept = json.loads(path.read_text())
        other = {name: text for name, text in kept["versions"].items() if text != versions[name]}
        runs[", ".join(" ".join(one) for one in other.items()) or path.stem] = kept["values"]
    print(", ".join(" ".join(one) for one in versions.items()), end="\n\n")
    print(table(runs, base))
    return 0


def repeated() -> dict[str, Numbers]:
    """Measure again, with more threads, and with images encoded together."""
    runs = {"again": measured()}
    for count in THREADS:
        torch.set_num_threads(count)
        runs[f"{count} threads"] = measured()
    torch.set_num_threads(1)
    for batch in BATCHES:
        runs[f"batch of {batch}"] = measured(encoded_in(batch))
    return runs


if __name__ == "__main__":
    sys.exit(main())
