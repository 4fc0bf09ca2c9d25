"""The project's side: its pipes, measured as ``edit_gate`` does, and their cache."""

from __future__ import annotations

from pathlib import Path

import models

from pytest_editmetrics.cache.features import FeatureCache
from pytest_editmetrics.cache.folder import CacheFolder
from pytest_editmetrics.measurement import Measurement
from pytest_editmetrics.pipes.clip import CLIPPipe
from pytest_editmetrics.pipes.lpips import LPIPSPipe
from pytest_editmetrics.pipes.sam import SAMPipe

CACHE_BYTES = 2 << 30


def clip_pipe(sam: SAMPipe | None = None, dtype: str = "float32") -> CLIPPipe:
    """Return a pipe of the seeded CLIP ViT-B/32."""
    return CLIPPipe(models.clip_b32(), device="cpu", sam=sam, dtype=dtype)


def lpips_pipe(dtype: str = "float32") -> LPIPSPipe:
    """Return a pipe of LPIPS with AlexNet on its genuine weights."""
    return LPIPSPipe(device="cpu", dtype=dtype)


def sam_pipe(dtype: str = "float32") -> SAMPipe:
    """Return a pipe of the seeded SAM ViT-B."""
    return SAMPipe("vit_b", models.sam_vit_b(), device="cpu", dtype=dtype)


def fresh_cache(folder: Path) -> FeatureCache:
    """Return a cache as a new session has: nothing in memory, on disk what ``folder`` holds."""
    return FeatureCache(CacheFolder(folder, CACHE_BYTES))


def unscaled(measurement: Measurement) -> float:
    """Return the LPIPS distance before it is divided by the measured fraction."""
    return float(measurement.details["unscaled"])
