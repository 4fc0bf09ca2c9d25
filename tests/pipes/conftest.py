from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_models import make_dino, make_sam2

from pytest_editmetrics.images.load import load_image
from pytest_editmetrics.pipes.clip import CLIPPipe
from pytest_editmetrics.pipes.lpips import LPIPSPipe
from pytest_editmetrics.pipes.sam import SAMPipe

PARITY = Path(__file__).parents[2] / "fixtures" / "parity"
CLIP = str(PARITY / "models" / "clip")
SAM = {
    "model_path": str(PARITY / "models" / "sam.safetensors"),
    "model_cfg": str(PARITY / "models" / "sam.json"),
}


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """The astronaut, (256, 256, 3)."""
    return load_image(PARITY / "images" / "astronaut.png")


@pytest.fixture(scope="session")
def wide() -> np.ndarray:
    """The cat, (213, 320, 3)."""
    return load_image(PARITY / "images" / "chelsea.png")


@pytest.fixture(scope="session")
def alex() -> LPIPSPipe:
    return LPIPSPipe(device="cpu")


@pytest.fixture(scope="session")
def tiny_sam() -> SAMPipe:
    return SAMPipe(device="cpu", **SAM)


@pytest.fixture(scope="session")
def tiny_clip(tiny_sam: SAMPipe) -> CLIPPipe:
    return CLIPPipe(CLIP, device="cpu", sam=tiny_sam)


@pytest.fixture(scope="session")
def original_clip(tiny_sam: SAMPipe) -> CLIPPipe:
    """As the original measures: image cropped, mask stretched."""
    return CLIPPipe(CLIP, device="cpu", sam=tiny_sam, framing="autopipeline")


@pytest.fixture(scope="session", params=["dinov2", "dinov2_with_registers", "dinov3_vit"])
def dino_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of each kind, in the transformers layout."""
    return make_dino(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def dinov2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dino("dinov2", tmp_path_factory.mktemp("dinov2"))


@pytest.fixture(scope="session")
def sam2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sam2(tmp_path_factory.mktemp("sam2"))
