"""``emd``, ``emd_excess`` and ``sam_clip_cls_sim``: how a CLIP vision model sees the edit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isqrt, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_editmetrics.errors import InputError, did_you_mean
from pytest_editmetrics.images.load import Array, ImageLike
from pytest_editmetrics.images.regions import Framing, Mask
from pytest_editmetrics.pipes.base import Request, Score
from pytest_editmetrics.pipes.clip.model import POOLED, has_cls, load_clip, read_clip_input
from pytest_editmetrics.pipes.clip.spec import SPEC
from pytest_editmetrics.pipes.clip.transport import Tokens, emd, transport_costs
from pytest_editmetrics.pipes.declared import REFERENCE_PATCHES
from pytest_editmetrics.pipes.sam.pipe import SAMPipe
from pytest_editmetrics.pipes.vision import VisionPipe
from pytest_editmetrics.pipes.vision_model import VisionEncoder, VisionInput
from pytest_editmetrics.pipes.with_model import Using

if TYPE_CHECKING:
    from pytest_editmetrics.weights.find import FoundWeights


class CLIPPipe(VisionPipe):
    """Compares reference and edited image through the tokens of a CLIP vision model.

    - ``emd`` (lower is better): earth mover's distance from the reference's patch tokens to the
      edited image's in the region; squared Euclidean cost, uniform weights. It is above zero for an
      unedited image as soon as a patch is masked out: that is the ``floor`` of the measurement.
    - ``emd_excess`` (lower is better): ``emd`` minus its floor; below zero where the edit comes
      closer to the rest of the reference than the region itself did, which
      ``reference_patches="selected"`` rules out.
    - ``sam_clip_cls_sim`` (higher is better, in [-1, 1]): cosine between the CLS tokens of objects
      that SAM isolates in boxes; the mean over pairs. ``coords`` holds the reference boxes, then
      the edited boxes, paired in order; ``mask_mode`` is ignored.

    The metrics, and their names, are those of AutoPipeline (GEditBench v2).

    Args:
        model_path: a hub id in the local hub cache, a local directory, or ``smoke``.
        revision: of a hub id.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        sam: configuration of a ``SAMPipe`` (``model_type``, ``model_path``, ``model_cfg``,
            ``device``) or one itself; only ``sam_clip_cls_sim`` needs it.
        framing: ``stretch`` resizes the whole frame to the input; ``center-crop`` crops image and
            mask as the checkpoint does; ``autopipeline`` crops the image and stretches the mask.
        dtype: ``float32``, or ``bfloat16`` or ``float16``, which the model then computes in.

    Runtime parameters of ``emd`` and ``emd_excess``: ``patch_mask_threshold`` (default 0.1, the
    share of a patch that must be measured, in [0, 1)) and ``reference_patches`` (``all`` by
    default; ``selected`` masks the reference like the edited image). Of ``sam_clip_cls_sim``:
    ``bg_color`` (default white).

    >>> CLIPPipe("smoke").loaded
    False
    """

    spec = SPEC
    ahead = ("emd", "emd_excess")
    object_metric = "sam_clip_cls_sim"
    short = "clip"

    def __init__(
        self,
        model_path: str | Path = "openai/clip-vit-base-patch32",
        revision: str | None = None,
        device: str = "auto",
        sam: Mapping[str, Any] | SAMPipe | None = None,
        framing: Framing = "stretch",
        dtype: str = "float32",
    ):
        super().__init__(model_path, revision, device, sam, framing, dtype)

    @property
    def img_input_size(self) -> int:
        """Edge of the model's square input, in pixels."""
        return self._input().input_size

    def calc_emd(
        self, ref_image: ImageLike, edited_image: ImageLike, bool_mask: Mask | None = None
    ) -> float | None:
        """Return ``emd`` over ``bool_mask``, or ``None`` if it selects no patch.

        Args:
            ref_image: the image before the edit.
            edited_image: the image after it, of the same size.
            bool_mask: true where measured: pixels (H, W), reduced to patches at the default
                threshold; or patches, (n, n) or (n * n,) row by row. ``None`` is everywhere.

        Raises:
            InputError: a mask of another type or shape.
        """
        reference, edited, mask = self._masked_pair(ref_image, edited_image, bool_mask)
        if not mask.any():
            return None
        with self.explained("calc_emd"):
            source, after, _ = self._patches(reference, edited, mask, "all")
            return emd(source, after)

    def _find(self) -> FoundWeights:
        from pytest_editmetrics.weights.find import find_clip

        return find_clip(str(self.model_path), self.revision)

    def _build(self, using: Using) -> VisionEncoder:
        return load_clip(using.found, self._input(), using.device, using.dtype)

    def _read_input(self, folder: Path) -> VisionInput:
        return read_clip_input(folder, self.framing)

    def _object_score(self, request: Request) -> Score:
        score = super()._object_score(request)
        if has_cls(self._input()):
            return score
        return replace(score, details={**score.details, "object_vector": POOLED})

    def _check_params(self, metric: str, params: dict[str, Any]) -> dict[str, Any]:
        checked = super()._check_params(metric, params)
        if metric == self.object_metric:
            return checked
        reference_patches = params.get("reference_patches", REFERENCE_PATCHES.default)
        if reference_patches not in REFERENCE_PATCHES.choices:
            raise InputError(
                f"unknown reference_patches {reference_patches!r}"
                f"{did_you_mean(reference_patches, REFERENCE_PATCHES.choices)}"
            )
        return {**checked, "reference_patches": reference_patches}

    def _region_score(self, request: Request) -> Score:
        reference_patches = request.params["reference_patches"]
        measured = self._selected(request)
        if isinstance(measured, Score):
            return measured
        selected, details = measured
        details["reference_patches"] = reference_patches
        source, after, own = self._patches(
            request.reference, request.edited, selected, reference_patches
        )
        value, floor = emd(source, after), emd(source, own)
        excess = value - floor
        if request.evidence is not None:
            request.evidence.patches = lambda: _grid(selected, transport_costs(source, after))
        shown = excess if request.metric == "emd_excess" else value
        return Score(shown, floor=floor, excess=excess, details=details)

    def _patches(
        self, reference: Array, edited: Array, selected: Mask, reference_patches: str
    ) -> tuple[Tokens, Tokens, Tokens]:
        """Return the patches to move from, the edited ones to move to, the reference's own."""
        before, after = self._tokens([reference, edited])
        every = before[1:]
        own = every[selected]
        source = own if reference_patches == "selected" else every
        return source, after[1:][selected], own


def _grid(selected: Mask, costs: Tokens) -> Tokens:
    """Return the costs of the selected patches where they lie, NaN elsewhere."""
    count = isqrt(len(selected))
    grid = np.full(len(selected), nan)
    grid[selected] = costs
    return grid.reshape(count, count)
