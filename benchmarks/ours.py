"""The project's side: its pipes, measured as ``edit_gate`` does, and their cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import models

from pytest_editmetrics.measurement import Measurement
from pytest_editmetrics.pipes.base import Pipe
from pytest_editmetrics.pipes.clip import CLIPPipe
from pytest_editmetrics.pipes.lpips import LPIPSPipe
from pytest_editmetrics.pipes.sam import SAMPipe


def clip_pipe(sam: SAMPipe | None = None) -> CLIPPipe:
    """Return a pipe of the seeded CLIP ViT-B/32."""
    return CLIPPipe(models.clip_b32(), device="cpu", sam=sam)


def lpips_pipe() -> LPIPSPipe:
    """Return a pipe of LPIPS with AlexNet on its genuine weights."""
    return LPIPSPipe(device="cpu")


def sam_pipe() -> SAMPipe:
    """Return a pipe of the seeded SAM ViT-B."""
    return SAMPipe("vit_b", models.sam_vit_b(), device="cpu")


def fresh_cache(folder: Path | None, *pipes: Pipe[Any]) -> None:
    """Give the pipes one new cache, as a new process has, over what ``folder`` holds already."""


def unscaled(measurement: Measurement) -> float:
    """Return the LPIPS distance before it is divided by the measured fraction."""
    return float(measurement.details["unscaled"])
