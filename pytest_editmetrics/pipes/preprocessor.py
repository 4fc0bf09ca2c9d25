"""What a checkpoint's preprocessor makes of an image, bit by bit as transformers' own class does.

The classes that published CLIP, DINO, SigLIP and SAM 2 models name are written out here, so that
transformers need not be imported; whatever else a preprocessor asks for runs through its class.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Framing, Geometry, Mask, centre_crop

if TYPE_CHECKING:
    import torch

Three: TypeAlias = "tuple[float, float, float]"
Numbers: TypeAlias = "Mapping[str, Any]"

BILINEAR, BICUBIC = 2, 3
RESAMPLED = {BILINEAR: "bilinear", BICUBIC: "bicubic"}
RESCALED_FIRST = "DINOv3ViTImageProcessor"


@dataclass(frozen=True)
class Preprocessor:
    """How an image becomes a model's input.

    ``kind`` is the class of transformers whose numbers it gives; ``numbers`` are the fields that
    decide them, defaults filled in: ``size`` is a mapping as transformers knows it, ``crop_size``
    (height, width), means and deviations of RGB in [0, 1]. ``source`` names the file for messages.
    ``through`` says why transformers' class itself computes, and is empty where this one does;
    ``given`` is then what that class is made of, and ``known_geometry`` tells whether ``geometry``
    holds of it.
    """

    kind: str
    numbers: Numbers
    source: str
    through: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    known_geometry: bool = True

    @property
    def input_size(self) -> int | None:
        """Edge of the square that comes of every image; ``None`` if there is no such."""
        size = self.numbers["size"]
        if self.numbers["do_center_crop"]:
            height, width = self.numbers["crop_size"]
        elif self.numbers["do_resize"] and set(size) == {"height", "width"}:
            height, width = size["height"], size["width"]
        else:
            return None
        return int(height) if height == width else None

    def described(self, framing: Framing) -> dict[str, Any]:
        """Return what decides the numbers under ``framing``, as plain values."""
        placing = ("size", "do_resize", "crop_size", "do_center_crop")
        kept = {
            name: value
            for name, value in self.numbers.items()
            if framing != "stretch" or name not in placing
        }
        order = {"rescaled_first": True} if self.kind == RESCALED_FIRST else {}
        given = {"kind": self.kind, "given": dict(self.given)} if self.through else {}
        return {**kept, **order, **given}

    def geometry(self, shape: tuple[int, ...], framing: Framing, edge: int) -> Geometry:
        """Return how an image of this shape, (H, W, ...), comes to an input of ``edge`` pixels."""
        height, width = shape[:2]
        if framing == "stretch":
            return Geometry(edge, edge, 0, 0)
        if self.numbers["do_resize"]:
            height, width = _resized(height, width, self.numbers["size"])
        if self.numbers["do_center_crop"]:
            return centre_crop(height, width, edge)
        return Geometry(height, width, 0, 0)

    def pixels(self, image: Array, framing: Framing, edge: int) -> torch.Tensor:
        """Return the model's input, float32 (1, 3, edge, edge), on the CPU.

        Args:
            image: RGB, uint8, (H, W, 3).
            framing: ``stretch`` resizes the whole frame to the input; ``center-crop`` and
                ``autopipeline`` resize and crop as the checkpoint does.
            edge: of the input, in pixels.

        Raises:
            WeightsError: another size comes of it.
        """
        import torch

        if self.through:
            return self._theirs(image, framing, edge)
        pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
        first = self.kind == RESCALED_FIRST
        if first and self.numbers["do_rescale"]:
            pixels = pixels * self.numbers["rescale_factor"]
        height, width, top, left = self.geometry(image.shape, framing, edge)
        pixels = _interpolated(pixels, height, width, RESAMPLED[self.numbers["resample"]])
        if self.numbers["do_center_crop"] and framing != "stretch":
            pixels = _cut(pixels, top, left, edge)
        self._check_size(pixels, image, edge)
        return self._normalised(pixels, rescaled=first and self.numbers["do_rescale"])

    def placed(self, mask: Mask, framing: Framing, edge: int) -> Mask | None:
        """Return the mask of an input of ``edge`` pixels, where only transformers can tell it.

        Elsewhere ``None``: ``geometry`` tells it.
        """
        if framing == "stretch" or self.known_geometry:
            return None
        levels = np.repeat(mask[..., None].astype(np.uint8) * 255, 3, axis=2)
        plain = {"do_rescale": False, "do_normalize": False, "resample": 0}
        pixels = self._processed(levels, plain)
        self._check_size(pixels, levels, edge)
        placed: Mask = pixels[0, 0].numpy() > 127
        return placed

    def _normalised(self, pixels: torch.Tensor, rescaled: bool) -> torch.Tensor:
        import torch

        factor = self.numbers["rescale_factor"]
        mean, std = (
            torch.tensor(self.numbers[name], dtype=torch.float32, device="cpu")
            for name in ("image_mean", "image_std")
        )
        if self.numbers["do_rescale"] and not rescaled:
            if not self.numbers["do_normalize"]:
                rescaled_only: torch.Tensor = pixels * factor
                return rescaled_only
            # as transformers does it: levels against a mean of levels
            mean, std = mean * (1.0 / factor), std * (1.0 / factor)
        pixels = pixels.to(torch.float32)
        if not self.numbers["do_normalize"]:
            return pixels
        return pixels.sub(mean.view(1, 3, 1, 1)).div_(std.view(1, 3, 1, 1))

    def _theirs(self, image: Array, framing: Framing, edge: int) -> torch.Tensor:
        stretched = {
            "do_resize": True,
            "size": {"height": edge, "width": edge},
            "do_center_crop": False,
            "do_pad": False,
        }
        pixels = self._processed(image, stretched if framing == "stretch" else {})
        self._check_size(pixels, image, edge)
        return pixels.float()

    def _processed(self, image: Array, changed: Mapping[str, Any]) -> torch.Tensor:
        from pytest_editmetrics.pipes.pretrained import image_processor

        processor = image_processor(self.kind, {**self.given, **changed}, self.source)
        try:
            pixels: torch.Tensor = processor(
                images=image.copy(), input_data_format="channels_last", return_tensors="pt"
            )["pixel_values"]
        except Exception as error:
            raise WeightsError(
                f"{self.source}: transformers' {self.kind} cannot prepare an image of"
                f" {image.shape[1]}x{image.shape[0]} pixels with it: {error}"
            ) from error
        return pixels

    def _check_size(self, pixels: torch.Tensor, image: Array, edge: int) -> None:
        if pixels.shape == (1, 3, edge, edge):
            return
        found = "x".join(map(str, pixels.shape[:1:-1]))
        raise WeightsError(
            f"{self.source} makes {found} pixels of an image of {image.shape[1]}x{image.shape[0]},"
            f" the model's input is {edge}x{edge}; only framing 'stretch' can measure with this"
            " checkpoint"
        )


def _resized(height: int, width: int, size: Mapping[str, int]) -> tuple[int, int]:
    """Return (height, width) of an image that was resized as ``size`` says.

    >>> _resized(100, 200, {"shortest_edge": 50})
    (50, 100)
    >>> _resized(100, 200, {"shortest_edge": 50, "longest_edge": 80})
    (40, 80)
    >>> _resized(100, 200, {"max_height": 50, "max_width": 50})
    (25, 50)
    """
    if "height" in size:
        return size["height"], size["width"]
    if "max_height" in size:
        scale = min(size["max_height"] / height, size["max_width"] / width)
        return int(height * scale), int(width * scale)
    edge = size["shortest_edge"]
    short, long = sorted((height, width))
    exact: float = edge
    if "longest_edge" in size and long / short * edge > size["longest_edge"]:
        exact = size["longest_edge"] * float(short) / long
        edge = round(exact)
    if short == edge and "longest_edge" in size:
        return height, width
    if "longest_edge" in size:
        longer = int(exact * height / width) if width < height else int(exact * width / height)
    else:
        longer = int(edge * long / short)
    return (longer, edge) if width < height else (edge, longer)


def _interpolated(pixels: torch.Tensor, height: int, width: int, mode: str) -> torch.Tensor:
    """Resize (1, 3, H, W) of uint8 or float as torchvision does; uint8 stays uint8."""
    from torch.nn import functional as F

    if pixels.shape[2:] == (height, width):
        return pixels
    through_float = not pixels.is_floating_point() and not _whole_levels(mode)
    given = pixels.float() if through_float else pixels
    resized = F.interpolate(given, (height, width), mode=mode, antialias=True, align_corners=False)
    return resized.round_().to(pixels.dtype) if through_float else resized


def _whole_levels(mode: str) -> bool:
    """Tell whether torchvision resizes uint8 as such on this processor."""
    import torch

    fast = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
    return mode == "bicubic" or fast or platform.machine() in ("aarch64", "arm64")


def _cut(pixels: torch.Tensor, top: int, left: int, edge: int) -> torch.Tensor:
    """Cut a square from (1, 3, H, W), padded with zeros where it is smaller."""
    from torch.nn import functional as F

    pixels = pixels[..., max(top, 0) : max(top, 0) + edge, max(left, 0) : max(left, 0) + edge]
    height, width = pixels.shape[2:]
    above, before = max(-top, 0), max(-left, 0)
    return F.pad(pixels, (before, edge - width - before, above, edge - height - above))
