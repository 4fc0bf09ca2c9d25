"""``lpips``: how differently a trained network sees the edited image, at full size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pytest_editmetrics.errors import ImageError, InputError, did_you_mean
from pytest_editmetrics.images import Array, ImageLike, load_pair
from pytest_editmetrics.pipes.base import Loaded, Pipe, Request, Score, inference, soft
from pytest_editmetrics.pipes.explain import spatial_map
from pytest_editmetrics.pipes.lpips_nets import MIN_EDGE, Distance, build_distance
from pytest_editmetrics.regions import Mask

if TYPE_CHECKING:
    import torch

    from pytest_editmetrics.weights.find import FoundWeights


class LPIPSPipe(Pipe[Distance]):
    """Learned perceptual image patch similarity; lower is better, 0 is equal.

    Pixels outside the measured region are taken from the reference, the composite is compared with
    the reference at full size, and the distance is divided by the fraction of the image that is
    measured. Formula: Zhang et al. 2018 (https://arxiv.org/abs/1801.03924), linear layers v0.1.

    Args:
        net: backbone, ``alex`` (its weights are packaged), ``vgg`` or ``squeeze``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        model_path: a torchvision checkpoint of ``net`` or only its ``features.*`` layers.

    Details of a measurement: ``net``, ``unscaled`` (before the division) and
    ``measured_fraction`` in [0, 1]. An empty region gives 0.0 and the soft failure
    ``empty-region``, because nothing was compared.

    >>> LPIPSPipe().loaded
    False
    """

    key = "lpips-pipe"
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {"lpips": ()}

    def __init__(
        self, net: str = "alex", device: str = "auto", model_path: str | Path | None = None
    ):
        super().__init__(device)
        if net not in tuple(MIN_EDGE):
            raise InputError(f"lpips-pipe: unknown net {net!r}{did_you_mean(net, MIN_EDGE)}")
        self.net = net
        self.model_path = model_path

    def calc_lpips(
        self, ref_image: ImageLike, edited_image: ImageLike, mask: Mask | None = None
    ) -> float:
        """Return LPIPS over ``mask``, boolean (H, W), true where measured; ``None`` is everywhere.

        Raises:
            InputError: the mask's shape is not that of the images.
        """
        reference, edited = load_pair(ref_image, edited_image)
        if mask is None:
            mask = np.ones(reference.shape[:2], dtype=np.bool_)
        mask = np.asarray(mask)
        if mask.dtype != np.bool_ or mask.shape != reference.shape[:2]:
            raise InputError(
                f"mask must be boolean of shape {reference.shape[:2]}, not {mask.dtype} "
                f"{mask.shape}"
            )
        loaded = self.load()
        with self.explained("calc_lpips"):
            unscaled, fraction = self._distance(loaded, reference, edited, mask, [])
        return unscaled / fraction if fraction else 0.0

    def _build(self, device: str) -> tuple[Distance, FoundWeights]:
        from pytest_editmetrics.weights.find import find_lpips

        path = None if self.model_path is None else str(self.model_path)
        found = find_lpips(self.net, path)
        return build_distance(self.net, found.path, device), found

    def _score(self, loaded: Loaded[Distance], request: Request) -> Score:
        mask = request.mask
        layers: list[torch.Tensor] = []
        unscaled, fraction = self._distance(loaded, request.reference, request.edited, mask, layers)
        details = {"net": self.net, "unscaled": unscaled, "measured_fraction": fraction}
        if not fraction:
            where = "inside" if request.mask_mode == "inner" else "outside"
            message = (
                f"no pixel of the image lies {where} the boxes {request.boxes}"
                if request.boxes
                else "there are no boxes to measure inside"
            )
            return soft("empty-region", message, details, value=0.0)
        if request.evidence is not None:
            request.evidence.heat = lambda: spatial_map(layers, *mask.shape)
        return Score(unscaled / fraction, details=details)

    def _distance(
        self,
        loaded: Loaded[Distance],
        reference: Array,
        edited: Array,
        mask: Mask,
        layers: list[torch.Tensor],
    ) -> tuple[float, float]:
        """Return the distance before scaling, and the fraction of pixels measured.

        ``layers`` is filled with what each layer of the network found.
        """
        height, width = reference.shape[:2]
        if min(height, width) < (edge := MIN_EDGE[self.net]):
            raise ImageError(
                f"the images are {width}x{height} pixels; LPIPS with net {self.net!r} needs at "
                f"least {edge}x{edge}"
            )
        fraction = float(mask.mean(dtype=np.float64))
        if not fraction:
            return 0.0, 0.0
        composite = np.where(mask[..., None], edited, reference)
        with inference(loaded.device):
            distance = loaded.model(
                _tensor(reference, loaded.device), _tensor(composite, loaded.device), layers
            )
            return float(distance), fraction


def _tensor(image: Array, device: str) -> torch.Tensor:
    import torch

    pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].copy()).to(device)
    return pixels.float() / 127.5 - 1
