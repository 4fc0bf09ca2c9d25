"""The LPIPS distance: a trained backbone and the linear layers of Zhang et al. 2018.

"The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018, version 0.1
of the linear layers, as the package ``lpips`` carries them.
"""

from __future__ import annotations

import importlib.util
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_editmetrics.errors import MissingResourceError
from pytest_editmetrics.pipes.base import check_fit, read_state_dict

if TYPE_CHECKING:
    import torch

# of two float32 tensors (1, 3, H, W) in [-1, 1]; appends what each layer found, (1, 1, h, w)
Distance: TypeAlias = "Callable[[torch.Tensor, torch.Tensor, list[torch.Tensor]], torch.Tensor]"

# The smallest edge in pixels that leaves every layer at least one value.
MIN_EDGE = {"alex": 31, "vgg": 16, "squeeze": 17}

_ALEX_LAYERS = (
    # index in torchvision's features, stride, padding, max-pooled before, channels, inputs, kernel
    (0, 4, 2, False, 64, 3, 11),
    (3, 1, 2, True, 192, 64, 5),
    (6, 1, 1, True, 384, 192, 3),
    (8, 1, 1, False, 256, 384, 3),
    (10, 1, 1, False, 256, 256, 3),
)
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_EPSILON = 1e-10


class AlexDistance:
    """LPIPS with the convolution layers of AlexNet.

    Called with two float32 tensors (1, 3, H, W) in [-1, 1], H and W of at least 31, it returns a
    scalar tensor, zero for equal images. ``convolutions`` holds
    ``features.{0,3,6,8,10}.{weight,bias}``, ``linear`` holds ``lin{0..4}.model.1.weight``.
    """

    def __init__(
        self,
        convolutions: Mapping[str, torch.Tensor],
        linear: Mapping[str, torch.Tensor],
        device: str,
    ):
        import torch

        def on_device(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.to(device=device, dtype=torch.float32)

        self._layers = [
            (
                on_device(convolutions[f"features.{index}.weight"]),
                on_device(convolutions[f"features.{index}.bias"]),
                on_device(linear[f"lin{number}.model.1.weight"]),
                stride,
                padding,
                pooled,
            )
            for number, (index, stride, padding, pooled, *_) in enumerate(_ALEX_LAYERS)
        ]
        self._shift = torch.tensor(_SHIFT, dtype=torch.float32, device=device).view(1, 3, 1, 1)
        self._scale = torch.tensor(_SCALE, dtype=torch.float32, device=device).view(1, 3, 1, 1)

    def __call__(
        self, one: torch.Tensor, other: torch.Tensor, layers: list[torch.Tensor]
    ) -> torch.Tensor:
        """Return the distance of two images, the sum of the means of the layers."""
        from torch.nn import functional as F

        one, other = (one - self._shift) / self._scale, (other - self._shift) / self._scale
        total = one.new_zeros(())
        for weight, bias, linear, stride, padding, pooled in self._layers:
            if pooled:
                one, other = F.max_pool2d(one, 3, 2), F.max_pool2d(other, 3, 2)
            one = F.relu(F.conv2d(one, weight, bias, stride, padding))
            other = F.relu(F.conv2d(other, weight, bias, stride, padding))
            difference = (_unit(one) - _unit(other)) ** 2
            layers.append(F.conv2d(difference, linear))
            total = total + layers[-1].mean()
        return total


class PackagedDistance:
    """LPIPS as the package ``lpips`` computes it; called like ``AlexDistance``."""

    def __init__(self, model: Any):
        self._model = model

    def __call__(
        self, one: torch.Tensor, other: torch.Tensor, layers: list[torch.Tensor]
    ) -> torch.Tensor:
        """Return the distance of two images, the sum of the means of the layers."""

        thread = threading.get_ident()

        def keep(module: torch.nn.Module, given: object, found: torch.Tensor) -> None:
            if threading.get_ident() == thread:
                layers.append(found)

        hooks = [layer.register_forward_hook(keep) for layer in self._model.lins]
        try:
            distance: torch.Tensor = self._model(one, other)
        finally:
            for hook in hooks:
                hook.remove()
        return distance


def _unit(features: torch.Tensor) -> torch.Tensor:
    return features / (features.square().sum(dim=1, keepdim=True).sqrt() + _EPSILON)


def build_distance(net: str, path: Path, device: str) -> Distance:
    """Return the LPIPS distance of ``net`` with the convolution layers in ``path``.

    Raises:
        MissingResourceError: the package ``lpips``, which carries the linear layers, is missing.
        WeightsError: the file does not hold the layers of ``net``.
    """
    state = read_state_dict(path)
    if net != "alex":
        return _packaged_distance(net, state, path, device)
    needed = {
        name: shape
        for index, _, _, _, channels, inputs, edge in _ALEX_LAYERS
        for name, shape in (
            (f"features.{index}.weight", (channels, inputs, edge, edge)),
            (f"features.{index}.bias", (channels,)),
        )
    }
    check_fit(needed, _only(needed, state), path, "LPIPS net 'alex'")
    linear = read_state_dict(_lpips_folder() / "weights" / "v0.1" / "alex.pth")
    return AlexDistance(state, linear, device)


def _packaged_distance(
    net: str, state: Mapping[str, torch.Tensor], path: Path, device: str
) -> Distance:
    _lpips_folder()
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
    return PackagedDistance(model.eval().requires_grad_(False).to(device))


def _only(names: Iterable[str], state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Leave out what a whole classifier holds besides."""
    return {name: state[name] for name in names if name in state}


def _lpips_folder() -> Path:
    spec = importlib.util.find_spec("lpips")
    if spec is None or spec.origin is None:
        raise MissingResourceError(
            "the package lpips, which carries the linear layers, is not installed: pip install "
            "lpips",
            pipe="lpips-pipe",
        )
    return Path(spec.origin).parent
