"""``lpips``, ``edit_lpips``, ``edit_ratio``: how differently a network sees the edit, full size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.cache.features import feature_key, pixels_digest
from pytest_editmetrics.cache.replaced_library import Computes
from pytest_editmetrics.errors import ImageError, InputError, did_you_mean
from pytest_editmetrics.images.load import Array, ImageLike, load_pair
from pytest_editmetrics.images.plain import no_plain_array
from pytest_editmetrics.images.regions import Mask
from pytest_editmetrics.images.tone_difference import largest_tone
from pytest_editmetrics.pipes.base import Request, Score, soft
from pytest_editmetrics.pipes.computing import inference
from pytest_editmetrics.pipes.explain import spatial_map
from pytest_editmetrics.pipes.lpips.layers import Layer, LayerMaps, changed_box
from pytest_editmetrics.pipes.lpips.nets import BACKBONES, Distance, build_distance, linear_path
from pytest_editmetrics.pipes.lpips.spec import LEAST_TONE, MIN_EDGE, RATIO_CEILING, SPEC
from pytest_editmetrics.pipes.with_model import ModelPipe, Using
from pytest_editmetrics.weights.check import sha256_of

if TYPE_CHECKING:
    from pytest_editmetrics.weights.find import FoundWeights


class LPIPSPipe(ModelPipe[Distance]):
    """Learned perceptual image patch similarity: 0 is equal, there is no upper end.

    - ``lpips`` (lower is better): the measured region looks the same.
    - ``edit_lpips`` (higher is better): did the edit happen? The same number, always inside the
      boxes; an image that was not edited scores 0.
    - ``edit_ratio`` (higher is better, [1, 10]): did more happen than what an encoder does to all
      of the picture? ``edit_lpips`` divided by the ``lpips`` outside the boxes, or ``tone_max``
      inside by that outside, if that is more; below 1 it is 1.

    Pixels outside the measured region are taken from the reference, the composite is compared with
    the reference at full size, and the distance is divided by the fraction of the image that is
    measured. Formula: Zhang et al. 2018 (https://arxiv.org/abs/1801.03924), linear layers v0.1.

    Args:
        net: backbone, ``alex`` (its weights are packaged), ``vgg`` or ``squeeze``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        model_path: a torchvision checkpoint of ``net`` or only its ``features.*`` layers.
        dtype: ``float32``, or ``bfloat16`` or ``float16``, which the network then computes in.

    Details of a measurement: ``net``, ``unscaled`` (before the division) and
    ``measured_fraction`` in [0, 1]. An empty region is the soft failure
    ``empty-region``, because nothing was compared.

    ``pie_bench_lpips`` is LPIPS as the PIE-Bench tables have it (Ju et al. 2023, PnPInversion; net
    ``squeeze``): both images times the mask, not divided by the measured fraction. It is for
    comparing with published numbers only: the border of the mask is a strong edge in both images.

    >>> LPIPSPipe().loaded
    False
    """

    spec = SPEC
    variants = ("net",)

    def __init__(
        self,
        net: str = "alex",
        device: str = "auto",
        model_path: str | Path | None = None,
        dtype: str = "float32",
    ):
        super().__init__(device, dtype)
        if net not in tuple(MIN_EDGE):
            raise InputError(f"lpips-pipe: unknown net {net!r}{did_you_mean(net, MIN_EDGE)}")
        self.net = net
        self.model_path = model_path
        self._linear: str | None = None

    def calc_lpips(
        self, ref_image: ImageLike, edited_image: ImageLike, mask: Mask | None = None
    ) -> float:
        """Return LPIPS over ``mask``, boolean (H, W), true where measured; ``None`` is everywhere.

        The original's own function: a mask without a pixel gives its 0.0. Calling the pipe gives
        ``None`` there, since nothing was compared.

        Raises:
            InputError: the mask's shape is not that of the images.
        """
        if why := no_plain_array(mask):
            raise InputError(f"mask: {why}")
        reference, edited = load_pair(ref_image, edited_image)
        if mask is None:
            mask = np.ones(reference.shape[:2], dtype=np.bool_)
        mask = np.asarray(mask)
        if mask.dtype != np.bool_ or mask.shape != reference.shape[:2]:
            raise InputError(
                f"mask must be boolean of shape {reference.shape[:2]}, not {mask.dtype} "
                f"{mask.shape}"
            )
        using = self.use()
        with self.explained("calc_lpips"):
            unscaled = self._maps(using, reference, edited, mask).distance
        fraction = _fraction(mask)
        return unscaled / fraction if fraction else 0.0

    def _check_params(self, metric: str, params: dict[str, Any]) -> dict[str, Any]:
        if metric == "pie_bench_lpips" and self.net != "squeeze":
            raise InputError(
                f"pie_bench_lpips with net {self.net!r} cannot be compared with a"
                " published table: those of PIE-Bench are of net squeeze. In editmetrics.yaml:"
                " metric_configs: {pie_bench_lpips: {init_config: {net: squeeze}}}"
            )
        return params

    def _find(self) -> FoundWeights:
        from pytest_editmetrics.weights.find import find_lpips

        self._linear = sha256_of(linear_path(self.net))
        return find_lpips(self.net, None if self.model_path is None else str(self.model_path))

    def _build(self, using: Using) -> Distance:
        return build_distance(self.net, using.found.path, using.device, using.dtype)

    def _score(self, using: Using, request: Request) -> Score:
        if request.metric in ("edit_lpips", "edit_ratio") and request.mask_mode != "inner":
            raise InputError(
                f"{request.metric} tells whether the edit happened, so it measures inside the"
                " boxes: its scope is edit_area (mask_mode='inner'); the rest of the image is"
                " measured by lpips"
            )
        mask = request.mask
        fraction = _fraction(mask)
        pair = request.reference, request.edited
        if request.metric == "pie_bench_lpips":
            pair = _times(mask, pair[0]), _times(mask, pair[1])
        if not fraction:
            nothing = {"net": self.net, "measured_fraction": 0.0}
            return soft("empty-region", request.nothing_measured, nothing)
        maps = self._maps(using, *pair, mask)
        unscaled = maps.distance
        details = {"net": self.net, "unscaled": unscaled, "measured_fraction": fraction}
        if request.evidence is not None:
            request.evidence.heat = lambda: spatial_map(maps.whole(), *mask.shape)
        scaled = unscaled if request.metric == "pie_bench_lpips" else unscaled / fraction
        if request.metric != "edit_ratio":
            return Score(scaled, details=details)
        if fraction == 1:
            why = "all of the image is edit area: there is no background to compare it with"
            return soft("empty-region", why, details)
        outside = self._maps(using, *pair, ~mask).distance / (1 - fraction)
        if not scaled:
            return Score(1.0, details={**details, "outside": outside})
        tone, around = (largest_tone(*pair, where)[0] for where in (mask, ~mask))
        of_detail = scaled / outside if outside else RATIO_CEILING
        ratio = max(1.0, of_detail, tone / max(around, LEAST_TONE))
        tones = [round(tone, 3), round(around, 3)]
        details = {**details, "outside": outside, "tone": tones}
        return Score(min(ratio, RATIO_CEILING), details=details)

    def _maps(self, using: Using, reference: Array, edited: Array, mask: Mask) -> LayerMaps:
        """Return where the reference and the composite differ: from the cache, or computed."""
        height, width = reference.shape[:2]
        if min(height, width) < (edge := MIN_EDGE[self.net]):
            raise ImageError(
                f"the images are {width}x{height} pixels; LPIPS with net {self.net!r} needs at "
                f"least {edge}x{edge}"
            )
        box = changed_box(reference, edited, mask)
        if box is None:
            return LayerMaps((), np.zeros((0, 4), np.int64))
        x1, y1, x2, y2 = box
        here = np.s_[y1:y2, x1:x2]
        changed = np.where(mask[here][..., None], edited[here], reference[here])
        digest = pixels_digest(changed)

        def compute() -> list[NDArray[Any]]:
            distance = self.load().model
            with inference(using.device):
                layers = self._layers(using, distance, reference)
                maps = distance.maps(reference, layers, box, changed)
            return [*maps.blocks, maps.places]

        def key() -> str:
            return self._key("lpips-maps-1", reference, box=box, changed=digest)

        *blocks, places = self.cache.get(key, compute)
        return LayerMaps(tuple(blocks), places)

    def _layers(self, using: Using, distance: Distance, reference: Array) -> list[Layer]:
        if using.device != "cpu":  # a GPU's memory belongs to the editing model
            return distance.layers(reference)
        return self.cache.layers(
            lambda: self._key("lpips-layers-1", reference), lambda: distance.layers(reference)
        )

    def _key(self, kind: str, reference: Array, **more: Any) -> str:
        return feature_key(
            kind, net=self.net, linear=self._linear, **more, **self.depends(reference)
        )

    def _computes(self, using: Using) -> Computes:
        return Computes("lpips" if self.net in BACKBONES else "lpips-package")


def _times(mask: Mask, image: Array) -> Array:
    return np.where(mask[..., None], image, np.uint8(0))


def _fraction(mask: Mask) -> float:
    """Return the share of the pixels that are measured."""
    return np.count_nonzero(mask) / mask.size
