"""A network's layers, and only those of their cells that a change in the picture reaches.

The composite that LPIPS compares equals the reference except in the box of the pixels that differ.
With the layers of the reference at hand only the cells that this box reaches are computed, layer by
layer, with the padding of the true borders: the result is that of the full computation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.masks import bounds
from pytest_editmetrics.images.regions import Box, Mask

if TYPE_CHECKING:
    import torch

_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_EPSILON = 1e-10


@dataclass(frozen=True)
class Step:
    """A convolution with ReLU, or, without ``weight``, a max-pooling without padding.

    ``linear`` weighs the channels of what comes out, (1, channels, 1, 1), where LPIPS compares.
    """

    kernel: int
    stride: int
    padding: int = 0
    weight: torch.Tensor | None = None
    bias: torch.Tensor | None = None
    linear: torch.Tensor | None = None


@dataclass(frozen=True)
class Layer:
    """What comes out of a step, (1, channels, H, W); where LPIPS compares, each cell's length.

    ``lengths`` is float32 (H, W): a reference that is compared again needs no more of them.
    """

    cells: torch.Tensor
    lengths: torch.Tensor | None

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return int(self.cells.nbytes) + (0 if self.lengths is None else int(self.lengths.nbytes))


@dataclass(frozen=True)
class Place:
    """Rows and columns of a layer, half-open."""

    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def empty(self) -> bool:
        """Whether it holds no cell."""
        return self.rows[0] >= self.rows[1] or self.columns[0] >= self.columns[1]

    @property
    def here(self) -> tuple[Any, slice, slice]:
        """The index of these cells in a tensor (1, channels, H, W)."""
        return (..., slice(*self.rows), slice(*self.columns))

    def inside(self, other: Place) -> tuple[Any, slice, slice]:
        """Return the index of these cells in a tensor that holds only the cells of ``other``."""
        top, left = other.rows[0], other.columns[0]
        rows = slice(self.rows[0] - top, self.rows[1] - top)
        return (..., rows, slice(self.columns[0] - left, self.columns[1] - left))

    def common(self, other: Place) -> Place:
        """Return the cells that both hold."""
        return Place(
            (max(self.rows[0], other.rows[0]), min(self.rows[1], other.rows[1])),
            (max(self.columns[0], other.columns[0]), min(self.columns[1], other.columns[1])),
        )

    def within(self, other: Place) -> bool:
        """Tell whether ``other`` holds all of these cells."""
        return self.common(other) == self

    def reached(self, step: Step, height: int, width: int) -> Place:
        """Return which cells of a step's output, of that size, see one of these of its input."""

        def reached(cells: tuple[int, int], size: int) -> tuple[int, int]:
            first = (cells[0] + step.padding - step.kernel) // step.stride + 1
            return max(first, 0), min(ceil((cells[1] + step.padding) / step.stride), size)

        out = Place(reached(self.rows, height), reached(self.columns, width))
        return Place((0, 0), (0, 0)) if self.empty or out.empty else out

    def needed(self, step: Step, height: int, width: int) -> tuple[Place, tuple[int, ...]]:
        """Return what these cells of a step's output see of its input, of that size.

        The second value is how many cells they see beyond its left, right, upper and lower border.
        """

        def needed(cells: tuple[int, int], size: int) -> tuple[tuple[int, int], int, int]:
            first = cells[0] * step.stride - step.padding
            after = (cells[1] - 1) * step.stride - step.padding + step.kernel
            return (max(first, 0), min(after, size)), max(-first, 0), max(after - size, 0)

        rows, above, below = needed(self.rows, height)
        columns, left, right = needed(self.columns, width)
        return Place(rows, columns), (left, right, above, below)


@dataclass(frozen=True)
class LayerMaps:
    """Where two images differ for each compared layer: the weighted squared differences.

    ``blocks`` are float32 (h, w), the cells that can differ; ``places`` says where each lies, one
    row ``(top, left, height, width)`` a layer, the last two being the size of the whole layer.
    Everything outside a block is exactly zero.
    """

    blocks: tuple[NDArray[np.float32], ...]
    places: NDArray[np.int64]

    @property
    def distance(self) -> float:
        """The LPIPS distance: the sum of the means of the layers."""
        means = [
            float(block.sum(dtype=np.float64)) / float(height * width)
            for block, (_, _, height, width) in zip(self.blocks, self.places, strict=True)
        ]
        return float(sum(means))

    def whole(self) -> list[NDArray[np.float32]]:
        """Return the map of each whole layer, float32 (height, width)."""
        maps = []
        for block, (top, left, height, width) in zip(self.blocks, self.places, strict=True):
            layer = np.zeros((height, width), np.float32)
            layer[top : top + block.shape[0], left : left + block.shape[1]] = block
            maps.append(layer)
        return maps


def changed_box(reference: Array, edited: Array, mask: Mask) -> Box | None:
    """Return the bounding box of the pixels in ``mask`` that differ, or ``None`` if none does.

    Args:
        reference: uint8, (H, W, 3).
        edited: uint8, (H, W, 3).
        mask: boolean (H, W), true where measured.

    >>> one, other = np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)
    >>> other[1, 2:4, 0] = 9
    >>> changed_box(one, other, np.ones((4, 5), bool))
    (2, 1, 4, 2)
    """
    differs = reference != edited
    rows = np.flatnonzero(differs.reshape(len(differs), -1).any(axis=1))
    if not rows.size:
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    strip = differs[top:bottom]
    pixels = (strip[..., 0] | strip[..., 1] | strip[..., 2]) & mask[top:bottom]
    box = bounds(pixels)
    return None if box is None else (box[0], top + box[1], box[2], top + box[3])


def layers_of(steps: Sequence[Step], image: Array, like: torch.Tensor) -> list[Layer]:
    """Return what comes out of each step for a whole image (H, W, 3), RGB, uint8.

    ``like`` has the type and device to compute with.
    """
    current, layers = normalised(image, like), []
    for step in steps:
        current = _run(step, current, step.padding)
        lengths = None if step.linear is None else _lengths(current[0].float())
        layers.append(Layer(current, lengths))
    return layers


def maps_of(
    steps: Sequence[Step], reference: Array, layers: Sequence[Layer], box: Box, changed: Array
) -> LayerMaps:
    """Compare an image that differs from the reference only in ``box`` with it.

    Args:
        steps: of the network.
        reference: RGB, uint8, (H, W, 3).
        layers: of the reference, see ``layers_of``.
        box: half-open, in pixels, not empty.
        changed: what the other image holds in the box, RGB, uint8.
    """
    at = Place((box[1], box[3]), (box[0], box[2]))
    like = layers[0].cells
    current = normalised(changed, like)
    height, width = reference.shape[:2]
    blocks, places = [], []
    for number, (step, layer) in enumerate(zip(steps, layers, strict=True)):
        rows, columns = map(int, layer.cells.shape[2:])
        out = at.reached(step, rows, columns)
        if out.empty:
            current = layer.cells[..., :0, :0]
        else:
            seen, sides = out.needed(step, height, width)
            if seen.within(at):
                given = current[seen.inside(at)]
            else:
                given = (
                    layers[number - 1].cells[seen.here].clone()
                    if number
                    else normalised(reference[seen.here[1:]], like)
                )
                common = seen.common(at)
                given[common.inside(seen)] = current[common.inside(at)]
            current = _padded(step, given, sides)
        height, width = rows, columns
        if step.linear is not None and layer.lengths is not None:
            one, lengths = layer.cells[out.here], layer.lengths[out.here]
            blocks.append(_difference(one, lengths, current, step.linear))
            places.append((out.rows[0], out.columns[0], height, width))
        at = out
    return LayerMaps(tuple(blocks), np.array(places, np.int64))


def normalised(image: Array, like: torch.Tensor) -> torch.Tensor:
    """Return the network's input (1, 3, H, W) for an RGB image, uint8 (H, W, 3)."""
    import torch

    pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].copy()).to(like.device)
    shift = torch.tensor(_SHIFT, dtype=torch.float32, device=like.device).view(1, 3, 1, 1)
    scale = torch.tensor(_SCALE, dtype=torch.float32, device=like.device).view(1, 3, 1, 1)
    return pixels.float().div_(127.5).sub_(1).sub_(shift).div_(scale).to(like.dtype)


def _run(step: Step, given: torch.Tensor, padding: int) -> torch.Tensor:
    from torch.nn import functional as F

    if step.weight is None:
        return F.max_pool2d(given, step.kernel, step.stride)
    return F.relu(F.conv2d(given, step.weight, step.bias, step.stride, padding), inplace=True)


def _padded(step: Step, given: torch.Tensor, sides: tuple[int, ...]) -> torch.Tensor:
    from torch.nn import functional as F

    if len(set(sides)) == 1:
        return _run(step, given, sides[0])
    return _run(step, F.pad(given, sides), 0)


def _difference(
    one: torch.Tensor, lengths: torch.Tensor, other: torch.Tensor, linear: torch.Tensor
) -> NDArray[np.float32]:
    """Return the weighted squared difference of two layers' cells at length 1, (h, w)."""
    height, width = other.shape[2:]
    if not other.numel():
        return np.zeros((0, 0), np.float32)
    cells = other[0].float()
    squared = (one[0].float() / lengths).sub_(cells / _lengths(cells)).square_()
    weighed = linear.view(1, -1) @ squared.flatten(1)
    found: NDArray[np.float32] = weighed.view(height, width).cpu().numpy()
    return found


def _lengths(cells: torch.Tensor) -> torch.Tensor:
    """Return the length of each cell, (H, W), of float32 (channels, H, W); never quite zero."""
    return cells.square().sum(dim=0).sqrt_().add_(_EPSILON)
