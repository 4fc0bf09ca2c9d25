"""What vision transformers share: what they take, and their tokens, of one image or of many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.cache.replaced_library import Computes
from pytest_editmetrics.cache.threads import thread_count
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Framing, Mask, patch_coverage
from pytest_editmetrics.pipes.computing import inference
from pytest_editmetrics.pipes.preprocessor import Preprocessor

if TYPE_CHECKING:
    import torch

_BATCH = {"cpu": 4, "mps": 8, "cuda": 32}
_FEW_PATCHES = 64


@dataclass(frozen=True)
class VisionInput:
    """What a vision model takes, without the model. Sizes are edges of squares, in pixels.

    ``config`` holds what decides the model besides its weights, named as in its configuration.
    ``model_class`` is the class of transformers that computes it, and ``why`` what this project's
    own lacks; both are empty where that one computes.
    """

    config: Mapping[str, Any]
    preprocessor: Preprocessor
    input_size: int
    patch_size: int
    model_class: str = ""
    why: str = ""

    @property
    def through(self) -> str | None:
        """What of it runs through transformers though this project has its own, in words."""
        parts = []
        if self.why:
            parts.append(f"{self.model_class} ({self.why})")
        if self.preprocessor.through:
            parts.append(f"{self.preprocessor.kind} ({self.preprocessor.through})")
        return f"transformers {_version('transformers')}: {', '.join(parts)}" if parts else None

    @property
    def computes(self) -> Computes:
        """What computes, for which code that is replaced there matters."""
        kind = "transformers" if self.model_class else "clip"
        return Computes(kind, self.model_class, bool(self.preprocessor.through))

    def described(self, framing: Framing) -> dict[str, Any]:
        """Return what decides tokens under ``framing`` besides weights and arithmetic."""
        return {
            "config": dict(self.config),
            "input_size": self.input_size,
            "preprocessor": self.preprocessor.described(framing),
        }

    def arithmetic(self) -> dict[str, str]:
        """Return the versions that the last bits depend on, besides torch's."""
        theirs = bool(self.model_class or self.preprocessor.through)
        names = ("transformers", "torchvision") if self.preprocessor.through else ("transformers",)
        return {name: _version(name) for name in names} if theirs else {}

    def pixels(self, image: Array, framing: Framing) -> torch.Tensor:
        """Return the model's input, float32 (1, 3, S, S), see ``Preprocessor.pixels``."""
        return self.preprocessor.pixels(image, framing, self.input_size)

    def coverage(self, mask: Mask, framing: Framing) -> NDArray[np.float64]:
        """Return how much of each patch is measured; see ``regions.patch_coverage``.

        ``center-crop`` takes the mask through the same resize and crop as the image; ``stretch``
        and ``autopipeline`` stretch it to the input.
        """
        size, patch = self.input_size, self.patch_size
        if framing != "center-crop":
            return patch_coverage(mask, size, patch)
        placed = self.preprocessor.placed(mask, framing, size)
        if placed is not None:
            return patch_coverage(placed, size, patch)
        geometry = self.preprocessor.geometry(mask.shape, framing, size)
        return patch_coverage(mask, size, patch, geometry)


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


@cache
def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"
