"""The LPIPS distance: a trained backbone and the linear layers of Zhang et al. 2018.

"The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018, version 0.1
of the linear layers, as the package ``lpips`` carries them.
"""

from __future__ import annotations

import importlib.util
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import MissingResourceError
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Box
from pytest_editmetrics.pipes.checkpoint import check_fit, read_state_dict
from pytest_editmetrics.pipes.lpips.layers import Layer, LayerMaps, Step, layers_of, maps_of
from pytest_editmetrics.pipes.lpips.spec import SPEC

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class _Conv:
    """A convolution of a backbone: its number in torchvision's ``features``, and its dimensions."""

    index: int
    channels: int
    inputs: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    compared: bool = True

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The names and shapes of its weights."""
        name = f"features.{self.index}"
        return {
            f"{name}.weight": (self.channels, self.inputs, self.kernel, self.kernel),
            f"{name}.bias": (self.channels,),
        }


# An integer is the edge of a max-pooling with stride 2.
BACKBONES: dict[str, tuple[_Conv | int, ...]] = {
    "alex": (
        _Conv(0, 64, 3, kernel=11, stride=4, padding=2),
        3,
        _Conv(3, 192, 64, kernel=5, padding=2),
        3,
        _Conv(6, 384, 192),
        _Conv(8, 256, 384),
        _Conv(10, 256, 256),
    ),
    "vgg": (
        _Conv(0, 64, 3, compared=False),
        _Conv(2, 64, 64),
        2,
        _Conv(5, 128, 64, compared=False),
        _Conv(7, 128, 128),
        2,
        _Conv(10, 256, 128, compared=False),
        _Conv(12, 256, 256, compared=False),
        _Conv(14, 256, 256),
        2,
        _Conv(17, 512, 256, compared=False),
        _Conv(19, 512, 512, compared=False),
        _Conv(21, 512, 512),
        2,
        _Conv(24, 512, 512, compared=False),
        _Conv(26, 512, 512, compared=False),
        _Conv(28, 512, 512),
    ),
}


class Distance(Protocol):
    """LPIPS between a reference and an image that differs from it only in a box."""

    def layers(self, reference: Array) -> list[Layer]:
        """Return what ``maps`` needs of a reference, RGB, uint8, (H, W, 3)."""

    def maps(
        self, reference: Array, layers: Sequence[Layer], box: Box, changed: Array
    ) -> LayerMaps:
        """Return where they differ; ``changed`` (h, w, 3) is what the image holds in ``box``."""


class ChainDistance:
    """LPIPS with a backbone that is one chain of convolutions: AlexNet, VGG-16.

    Only the cells of each layer that the box reaches are computed, see ``lpips_layers``.
    """

    def __init__(self, steps: Sequence[Step]):
        self._steps = steps

    def layers(self, reference: Array) -> list[Layer]:
        """Return what comes out of each step for the reference."""
        like = self._steps[0].weight
        assert like is not None
        return layers_of(self._steps, reference, like)

    def maps(
        self, reference: Array, layers: Sequence[Layer], box: Box, changed: Array
    ) -> LayerMaps:
        """Return where the images differ, see ``Distance``."""
        return maps_of(self._steps, reference, layers, box, changed)


class PackagedDistance:
    """LPIPS as the package ``lpips`` computes it, in full: its SqueezeNet is no chain."""

    def __init__(self, model: Any, like: torch.Tensor):
        self.model = model
        self._like = like

    def layers(self, reference: Array) -> list[Layer]:
        """Return nothing: the package computes the reference's layers again."""
        return []

    def maps(
        self, reference: Array, layers: Sequence[Layer], box: Box, changed: Array
    ) -> LayerMaps:
        """Return where the images differ, see ``Distance``."""
        x1, y1, x2, y2 = box
        edited = reference.copy()
        edited[y1:y2, x1:x2] = changed
        thread = threading.get_ident()
        found: list[NDArray[np.float32]] = []

        def keep(module: torch.nn.Module, given: object, layer: torch.Tensor) -> None:
            if threading.get_ident() == thread:
                found.append(layer[0, 0].float().cpu().numpy())

        hooks = [layer.register_forward_hook(keep) for layer in self.model.lins]
        try:
            self.model(self._input(reference), self._input(edited))
        finally:
            for hook in hooks:
                hook.remove()
        return LayerMaps(tuple(found), np.array([(0, 0, *layer.shape) for layer in found]))

    def _input(self, image: Array) -> torch.Tensor:
        import torch

        pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].copy()).to(self._like.device)
        return (pixels.float() / 127.5 - 1).to(self._like.dtype)


def build_distance(net: str, path: Path, device: str, dtype: str) -> Distance:
    """Return the LPIPS distance of ``net`` with the convolution layers in ``path``.

    Raises:
        MissingResourceError: the package ``lpips``, which carries the linear layers, is missing.
        WeightsError: the file does not hold the layers of ``net``.
    """
    import torch

    state = read_state_dict(path)
    kind = getattr(torch, dtype)
    if net not in BACKBONES:
        return _packaged_distance(net, state, path, device, kind)
    backbone = BACKBONES[net]
    needed: dict[str, tuple[int, ...]] = {}
    for conv in backbone:
        if isinstance(conv, _Conv):
            needed.update(conv.shapes)
    check_fit(needed, _only(needed, state), path, f"LPIPS net {net!r}")
    linear = read_state_dict(linear_path(net))
    lins = iter(range(len(linear)))

    def step(conv: _Conv | int) -> Step:
        if isinstance(conv, int):
            return Step(conv, 2)
        weight, bias = (state[name].to(device, kind) for name in conv.shapes)
        weighed = (
            linear[f"lin{next(lins)}.model.1.weight"].to(device, torch.float32)
            if conv.compared
            else None
        )
        return Step(conv.kernel, conv.stride, conv.padding, weight, bias, weighed)

    return ChainDistance([step(conv) for conv in backbone])


def _packaged_distance(
    net: str, state: Mapping[str, torch.Tensor], path: Path, device: str, dtype: torch.dtype
) -> Distance:
    # pnet_rand keeps lpips from downloading; torchvision deprecates the argument it passes then.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lpips

        model = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    # Its backbone names a layer sliceN.3.weight, torchvision features.3.weight.
    backbone = model.net.state_dict()
    sources = {name: f"features.{name.partition('.')[2]}" for name in backbone}
    needed = {sources[name]: tensor.shape for name, tensor in backbone.items()}
    check_fit(needed, _only(needed, state), path, f"LPIPS net {net!r}")
    model.net.load_state_dict({name: state[source] for name, source in sources.items()})
    model = model.eval().requires_grad_(False).to(device, dtype)
    return PackagedDistance(model, next(model.parameters()))


def _only(names: Iterable[str], state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Leave out what a whole classifier holds besides."""
    return {name: state[name] for name in names if name in state}


def linear_path(net: str) -> Path:
    """Return the file of the linear layers of ``net``.

    Raises:
        MissingResourceError: the package ``lpips``, which carries them, is missing.
    """
    spec = importlib.util.find_spec("lpips")
    if spec is None or spec.origin is None:
        raise MissingResourceError(
            "the package lpips, which carries the linear layers, is not installed: pip install "
            "lpips",
            pipe=SPEC.key,
        )
    return Path(spec.origin).parent / "weights" / "v0.1" / f"{net}.pth"
