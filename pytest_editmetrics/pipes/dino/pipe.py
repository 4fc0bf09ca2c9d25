"""``dino_structure_sim`` and ``sam_dino_cls_sim``: how a DINO vision model sees the edit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.load import ImageLike
from pytest_editmetrics.images.regions import Framing, Mask
from pytest_editmetrics.pipes.base import Request, Score, soft
from pytest_editmetrics.pipes.dino.model import DINOEncoder, load_dino, read_dino_input
from pytest_editmetrics.pipes.dino.spec import SPEC
from pytest_editmetrics.pipes.sam.pipe import SAMPipe
from pytest_editmetrics.pipes.vision import Tokens, VisionPipe
from pytest_editmetrics.pipes.vision_model import VisionInput
from pytest_editmetrics.pipes.with_model import Using

if TYPE_CHECKING:
    from pytest_editmetrics.weights.find import FoundWeights

_SHARPNESS = 100.0
_EPS = 1e-12
_FEWEST = 2  # one patch relates to no other


class DINOPipe(VisionPipe):
    """Compares reference and edited image through the tokens of a DINOv2 or DINOv3 model.

    - ``dino_structure_sim`` (higher is better, in [0, 1]): do the parts of the region relate to
      each other as they did, whatever their colours? The cosines between all pairs of its patch
      tokens make a matrix for each image; the score is ``1 / (1 + 100 * mse)`` of the two.
    - ``sam_dino_cls_sim`` (higher is better, in [-1, 1]): cosine between the CLS tokens of objects
      that SAM isolates in boxes; the mean over pairs. ``coords`` holds the reference boxes, then
      the edited boxes, paired in order; ``mask_mode`` is ignored.

    Tokens are those of ``last_hidden_state``, after the model's final layer norm, without register
    tokens. The definitions are those of AutoPipeline's ``dino-v3-pipe`` (GEditBench v2), which
    calls the first ``dinov3_structure_similarity``; it gives 0 where no patch is measured and 1
    for one patch alone, which here are the soft failure ``no-valid-patch``.

    Args:
        model_path: a hub id in the local hub cache, or a local directory: ``dinov2``,
            ``dinov2_with_registers`` or ``dinov3_vit`` of transformers.
        revision: of a hub id.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        sam: configuration of a ``SAMPipe`` (``model_type``, ``model_path``, ``model_cfg``,
            ``device``) or one itself; only ``sam_dino_cls_sim`` needs it.
        framing: ``stretch`` resizes the whole frame to the input; ``center-crop`` crops image and
            mask as the checkpoint does; ``autopipeline`` crops the image and stretches the mask.
            They are the same for a checkpoint that crops nothing, as those of DINOv3.
        dtype: ``float32``, or ``bfloat16`` or ``float16``, which the model then computes in.

    Runtime parameter of ``dino_structure_sim``: ``patch_mask_threshold`` (default 0.1, the share of
    a patch that must be measured, in [0, 1)). Of ``sam_dino_cls_sim``: ``bg_color`` (default
    white). Details: ``mse``, or ``similarities`` of each pair.

    >>> DINOPipe().loaded
    False
    """

    spec = SPEC
    ahead = ("dino_structure_sim",)
    object_metric = "sam_dino_cls_sim"
    short = "dino"

    def __init__(
        self,
        model_path: str | Path = "facebook/dinov2-base",
        revision: str | None = None,
        device: str = "auto",
        sam: Mapping[str, Any] | SAMPipe | None = None,
        framing: Framing = "stretch",
        dtype: str = "float32",
    ):
        super().__init__(model_path, revision, device, sam, framing, dtype)

    @property
    def input_image_size(self) -> int:
        """Edge of the model's square input, in pixels."""
        return self._input().input_size

    def calc_structure_similarity(
        self, ref_image: ImageLike, edited_image: ImageLike, bool_mask: Mask | None = None
    ) -> float | None:
        """Return ``dino_structure_sim`` over ``bool_mask``, or ``None`` for fewer than two patches.

        Takes and raises what ``CLIPPipe.calc_emd`` does.
        """
        reference, edited, mask = self._masked_pair(ref_image, edited_image, bool_mask)
        if np.count_nonzero(mask) < _FEWEST:
            return None
        with self.explained("calc_structure_similarity"):
            before, after = self._tokens([reference, edited])
            return similarity(structure_distance(before[1:][mask], after[1:][mask]))

    def _find(self) -> FoundWeights:
        from pytest_editmetrics.weights.find import find_dino

        return find_dino(str(self.model_path), self.revision)

    def _build(self, using: Using) -> DINOEncoder:
        return load_dino(using.found, self._input(), using.device, using.dtype)

    def _read_input(self, folder: Path) -> VisionInput:
        return read_dino_input(folder)

    def _region_score(self, request: Request) -> Score:
        measured = self._selected(request)
        if isinstance(measured, Score):
            return measured
        selected, details = measured
        if details["n_selected"] < _FEWEST:
            message = "one patch of the model's input is measured, and it relates to no other"
            return soft("no-valid-patch", message, details)
        before, after = self._tokens([request.reference, request.edited])
        distance = structure_distance(before[1:][selected], after[1:][selected])
        details["mse"] = distance
        return Score(similarity(distance), details=details)


def structure_distance(reference: Tokens, edited: Tokens) -> float:
    """Return how differently the patches of two images relate to each other.

    Args:
        reference: patch tokens, float64 (n, d).
        edited: those of the same patches of the edited image, float64 (n, d).

    Returns:
        The mean squared difference of the two matrices of cosines, (n, n); in [0, 4], NaN if a
        token is not finite.

    >>> structure_distance(np.eye(2), np.array([[1.0, 0.0], [1.0, 0.0]]))
    0.5
    """
    difference = _cosines(reference) - _cosines(edited)
    return float(np.mean(difference**2))


def similarity(distance: float) -> float:
    """Return ``1 / (1 + 100 * distance)``, in (0, 1].

    >>> similarity(0.0), similarity(0.01)
    (1.0, 0.5)
    """
    return 1 / (1 + _SHARPNESS * distance)


def _cosines(tokens: Tokens) -> NDArray[np.float64]:
    lengths = np.linalg.norm(tokens, axis=1, keepdims=True)
    unit = tokens / np.maximum(lengths, _EPS)
    cosines: NDArray[np.float64] = unit @ unit.T
    return cosines
