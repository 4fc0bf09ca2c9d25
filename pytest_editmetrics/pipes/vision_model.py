"""What vision transformers share: what they take, and their tokens, of one image or of many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.cache.threads import thread_count
from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Framing, Mask, crop_geometry, patch_coverage
from pytest_editmetrics.pipes.computing import inference

if TYPE_CHECKING:
    import torch

Three = tuple[float, float, float]

IMAGENET_MEAN: Three = (0.485, 0.456, 0.406)
IMAGENET_STD: Three = (0.229, 0.224, 0.225)

_BATCH = {"cpu": 4, "mps": 8, "cuda": 32}
_FEW_PATCHES = 64


@dataclass(frozen=True)
class VisionInput:
    """What a vision model takes, without the model. Sizes are edges of squares, in pixels.

    ``config`` holds the dimensions of the model as its configuration names them; ``shortest_edge``
    is what the checkpoint resizes to before it crops ``input_size`` from the centre, ``None`` if
    it stretches the whole frame; ``whole_levels`` tells whether resized pixels are rounded.
    """

    config: Mapping[str, Any]
    mean: Three
    std: Three
    input_size: int
    patch_size: int
    shortest_edge: int | None
    resample: Literal["bicubic", "bilinear"] = "bicubic"
    whole_levels: bool = True

    def pixels(self, image: Array, framing: Framing) -> torch.Tensor:
        """Return the model's input, float32 (1, 3, S, S), on the CPU.

        Args:
            image: RGB, uint8, (H, W, 3).
            framing: ``stretch`` resizes the whole frame to the input; ``center-crop`` and
                ``autopipeline`` resize and crop as the checkpoint does.
        """
        import torch
        from torch.nn import functional as F

        size = self.input_size
        height, width, top, left = size, size, 0, 0
        if framing != "stretch" and self.shortest_edge is not None:
            height, width, top, left = crop_geometry(
                image.shape[0], image.shape[1], size, self.shortest_edge
            )
        pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
        if not self.whole_levels:
            pixels = pixels.float()
        if (height, width) != image.shape[:2]:
            pixels = F.interpolate(pixels, (height, width), mode=self.resample, antialias=True)
        pixels = pixels[..., top : top + size, left : left + size].float() / 255
        mean = torch.tensor(self.mean, dtype=torch.float32, device="cpu").view(1, 3, 1, 1)
        std = torch.tensor(self.std, dtype=torch.float32, device="cpu").view(1, 3, 1, 1)
        return (pixels - mean) / std

    def coverage(self, mask: Mask, framing: Framing) -> NDArray[np.float64]:
        """Return how much of each patch is measured; see ``regions.patch_coverage``."""
        if self.shortest_edge is None:
            framing = "stretch"
        return patch_coverage(mask, self.input_size, self.patch_size, framing, self.shortest_edge)


@dataclass
class VisionEncoder(ABC):
    """A vision model on its device, computing in ``dtype``."""

    model: Any
    device: str
    dtype: str
    input: VisionInput
    _exact: dict[int, bool] = field(default_factory=dict)

    @abstractmethod
    def hidden(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return (images, 1 + patches, hidden) of a batch of inputs on the model's device."""

    def encode(self, images: Sequence[Array], framing: Framing) -> list[NDArray[np.float32]]:
        """Return the tokens of each image: together where that gives the bits of one at a time.

        Of a long list the first batch is encoded both ways, once for each number of CPU threads:
        if the bits differ, as they may by processor and library, nothing is encoded together.
        """
        batch = _BATCH[self.device.partition(":")[0]]
        threads = thread_count()
        done: list[NDArray[np.float32]] = []
        if threads not in self._exact and len(images) >= 2 * batch and self._gains:
            done = [self.tokens([image], framing)[0] for image in images[:batch]]
            together = self.tokens(images[:batch], framing)
            self._exact[threads] = all(map(np.array_equal, together, done))
        if self._exact.get(threads):
            while len(done) + batch <= len(images):
                done += list(self.tokens(images[len(done) : len(done) + batch], framing))
        return done + [self.tokens([image], framing)[0] for image in images[len(done) :]]

    @property
    def _gains(self) -> bool:
        """Whether one image leaves the device idle: a CPU is busy with more than a few patches."""
        patches = (self.input.input_size // self.input.patch_size) ** 2
        return self.device != "cpu" or patches <= _FEW_PATCHES

    def tokens(self, images: Sequence[Array], framing: Framing) -> NDArray[np.float32]:
        """Return the tokens of ``last_hidden_state`` of a batch.

        Args:
            images: RGB, uint8, (H, W, 3), of any sizes.
            framing: see ``VisionInput.pixels``.

        Returns:
            float32 (images, 1 + patches, hidden): the CLS token, then the patches, row by row.
        """
        import torch

        with inference(self.device):
            pixels = torch.cat([self.input.pixels(image, framing) for image in images])
            hidden = self.hidden(pixels.to(self.device, getattr(torch, self.dtype)))
            tokens: NDArray[np.float32] = hidden.float().cpu().numpy()
        return tokens


def normalisation(
    config: Mapping[str, Any], mean: Three, std: Three, path: Path
) -> tuple[Three, Three]:
    """Return mean and deviation of RGB in [0, 1] that a preprocessor states, else those given."""
    return (
        _three(config.get("image_mean", mean), f"{path}: image_mean"),
        _three(config.get("image_std", std), f"{path}: image_std"),
    )


def pixel_count(value: Any, what: str) -> int:
    """Return a number of pixels; raise ``WeightsError`` unless it is a whole one above zero."""
    if type(value) is not int or value < 1:
        raise WeightsError(f"{what} is {value!r}, not a number of pixels")
    return value


def _three(values: Any, what: str) -> Three:
    try:
        red, green, blue = map(float, values)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{what} is {values!r}, not three numbers") from error
    return red, green, blue
