"""``emd``, ``emd_excess`` and ``sam_clip_cls_sim``: how a CLIP vision model sees the edit."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from math import ceil, floor, isqrt, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.cache import FeatureCache, feature_key
from pytest_editmetrics.errors import EditMetricsError, InputError, did_you_mean
from pytest_editmetrics.images import Array, ImageLike, load_image, load_pair
from pytest_editmetrics.measurement import Scope
from pytest_editmetrics.pipes.base import ModelPipe, Request, Score, Using, soft
from pytest_editmetrics.pipes.clip_model import CLIPEncoder, CLIPInput, load_clip, read_clip_input
from pytest_editmetrics.pipes.models import ModelStore
from pytest_editmetrics.pipes.sam import WHITE, Colour, SAMPipe, check_colour
from pytest_editmetrics.pipes.square import pad_to_square
from pytest_editmetrics.pipes.transport import Tokens, emd, transport_costs
from pytest_editmetrics.regions import (
    FRAMINGS,
    Box,
    Framing,
    Mask,
    patch_coverage,
)

if TYPE_CHECKING:
    from pytest_editmetrics.weights.find import FoundWeights

REFERENCE_PATCHES = ("all", "selected")
_REGION = ("patch_mask_threshold", "reference_patches")
DEFAULT_THRESHOLD = 0.1
_SAM_KEYS = ("model_type", "model_path", "model_cfg", "device", "dtype")


def cosine(one: Tokens, other: Tokens) -> float:
    """Return the cosine of two vectors, float64 (d,), clamped to [-1, 1]; NaN if one is zero.

    >>> cosine(np.array([0.0, 2.0]), np.array([0.0, 3.0]))
    1.0
    """
    norm = float(np.linalg.norm(one) * np.linalg.norm(other))
    if not norm > 0:
        return nan
    return max(-1.0, min(1.0, float(one @ other) / norm))


class CLIPPipe(ModelPipe[CLIPEncoder]):
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

    key = "clip-pipe"
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "emd": _REGION,
        "emd_excess": _REGION,
        "sam_clip_cls_sim": ("bg_color",),
    }
    ahead = ("emd", "emd_excess")

    def __init__(
        self,
        model_path: str | Path = "openai/clip-vit-base-patch32",
        revision: str | None = None,
        device: str = "auto",
        sam: Mapping[str, Any] | SAMPipe | None = None,
        framing: Framing = "stretch",
        dtype: str = "float32",
    ):
        super().__init__(device, dtype)
        if framing not in FRAMINGS:
            hint = did_you_mean(framing, FRAMINGS)
            raise InputError(f"clip-pipe: unknown framing {framing!r}{hint}")
        self.model_path = model_path
        self.revision = revision
        self.framing = framing
        self.sam_block = _sam_pipe(sam, device)
        self._taken: CLIPInput | None = None

    @property
    def img_input_size(self) -> int:
        """Edge of the model's square input, in pixels."""
        return self._input().input_size

    @property
    def patch_size(self) -> int:
        """Edge of a patch of the model, in pixels."""
        return self._input().patch_size

    def share(self, cache: FeatureCache, models: ModelStore | None = None) -> None:
        """Keep features in ``cache``, and models in ``models``, from now on; those of SAM too."""
        super().share(cache, models)
        if self.sam_block is not None:
            self.sam_block.share(cache, models)

    def encode_ahead(self, metric: str, images: Sequence[Array]) -> None:
        """Encode images together, see ``Pipe.encode_ahead``."""
        with self.explained(f"encoding {len(images)} images for {metric}"):
            self._tokens(images)

    def release(self) -> None:
        """Free the weights, those of the SAM pipe too; the pipe stays usable."""
        super().release()
        self._taken = None
        if self.sam_block is not None:
            self.sam_block.release()

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
        reference, edited = load_pair(ref_image, edited_image)
        count = self.img_input_size // self.patch_size
        mask = np.ones((count, count), np.bool_) if bool_mask is None else np.asarray(bool_mask)
        if mask.dtype != np.bool_:
            raise InputError(f"bool_mask must be boolean, not {mask.dtype}")
        if mask.shape == reference.shape[:2]:
            mask = self._coverage(mask) > DEFAULT_THRESHOLD
        elif mask.size != count * count or mask.ndim > 2:
            raise InputError(
                f"bool_mask has shape {mask.shape}; it must be that of the image "
                f"{reference.shape[:2]} or of the patches {(count, count)}"
            )
        if not mask.any():
            return None
        with self.explained("calc_emd"):
            source, after, _ = self._patches(reference, edited, mask.ravel(), "all")
            return emd(source, after)

    def calc_object_pad_cls_sim(
        self,
        ref_image: ImageLike,
        edited_image: ImageLike,
        coords: Any,
        bg_color: Colour = WHITE,
    ) -> float | None:
        """Return ``sam_clip_cls_sim``, or ``None`` for a soft failure."""
        measured = self.measure(
            ref_image, edited_image, coords, metric="sam_clip_cls_sim", bg_color=bg_color
        )
        return measured.value

    def _pad_image_to_target_size(
        self, cropped_image: ImageLike, bg_color: Colour = WHITE
    ) -> Array:
        """Return the crop centred on a square of ``bg_color``, at the model's input size."""
        crop = load_image(cropped_image, "cropped image")
        return pad_to_square(crop, check_colour(bg_color), self.img_input_size)

    def _find(self) -> FoundWeights:
        from pytest_editmetrics.weights.find import find_clip

        return find_clip(str(self.model_path), self.revision)

    def _build(self, using: Using) -> CLIPEncoder:
        return load_clip(using.found.path, self._input(), using.device, using.dtype)

    def _input(self) -> CLIPInput:
        with self._lock:
            if self._taken is None:
                folder = self.use().found.path
                self._taken = read_clip_input(folder, self.framing != "stretch")
            return self._taken

    def _check_params(self, metric: str, params: dict[str, Any]) -> dict[str, Any]:
        if metric == "sam_clip_cls_sim":
            self._sam()
            return {"bg_color": check_colour(params.get("bg_color", WHITE))}
        reference_patches = params.get("reference_patches", "all")
        if reference_patches not in REFERENCE_PATCHES:
            raise InputError(
                f"unknown reference_patches {reference_patches!r}"
                f"{did_you_mean(reference_patches, REFERENCE_PATCHES)}"
            )
        threshold = params.get("patch_mask_threshold", DEFAULT_THRESHOLD)
        if (
            isinstance(threshold, bool)
            or not isinstance(threshold, numbers.Real)
            or not 0 <= float(threshold) < 1
        ):
            raise InputError(
                "patch_mask_threshold is the share of a patch that must be measured, from 0 to "
                f"below 1, not {threshold!r}"
            )
        return {
            "patch_mask_threshold": float(threshold),
            "reference_patches": reference_patches,
        }

    def _scope(self, request: Request) -> Scope | None:
        return "edit_area" if request.metric == "sam_clip_cls_sim" else super()._scope(request)

    def _score(self, using: Using, request: Request) -> Score:
        if request.metric == "sam_clip_cls_sim":
            return self._object_score(request)
        return self._region_score(request)

    def _region_score(self, request: Request) -> Score:
        threshold = request.params["patch_mask_threshold"]
        reference_patches = request.params["reference_patches"]
        coverage = self._coverage(request.mask).ravel()
        selected = coverage > threshold
        details = {
            "n_patches": len(selected),
            "n_selected": int(selected.sum()),
            "mixed_patches": int((selected & (coverage < 1)).sum()),
            "threshold": threshold,
            "framing": self.framing,
            "reference_patches": reference_patches,
        }
        if request.mask_mode == "inner" and not request.region:
            return soft("empty-region", "there are no boxes to measure inside", details)
        if not selected.any():
            message = (
                f"none of the {len(selected)} patches of the model's input is measured by more "
                f"than {threshold:g} of its area"
            )
            return soft("no-valid-patch", message, details)
        source, after, own = self._patches(
            request.reference, request.edited, selected, reference_patches
        )
        value, floor = emd(source, after), emd(source, own)
        excess = value - floor
        if request.evidence is not None:
            request.evidence.patches = lambda: _grid(selected, transport_costs(source, after))
        shown = excess if request.metric == "emd_excess" else value
        return Score(shown, floor=floor, excess=excess, details=details)

    def _coverage(self, mask: Mask) -> NDArray[np.float64]:
        taken = self._input()
        return patch_coverage(mask, taken.input_size, taken.patch_size, self.framing)

    def _patches(
        self, reference: Array, edited: Array, selected: Mask, reference_patches: str
    ) -> tuple[Tokens, Tokens, Tokens]:
        """Return the patches to move from, the edited ones to move to, the reference's own."""
        before, after = self._tokens([reference, edited])
        every = before[1:]
        own = every[selected]
        source = own if reference_patches == "selected" else every
        return source, after[1:][selected], own

    def _tokens(self, images: Sequence[Array]) -> list[Tokens]:
        """Return the tokens of each image, float64 (1 + patches, hidden), from the cache or new."""
        keys = [self._key("clip-tokens-1", image, self.framing) for image in images]

        def compute(missing: list[int]) -> list[list[NDArray[np.float32]]]:
            tokens = self.load().model.encode([images[n] for n in missing], self.framing)
            return [[of_image] for of_image in tokens]

        return [tokens.astype(np.float64) for (tokens,) in self.cache.get_many(keys, compute)]

    def _key(self, kind: str, image: Array, framing: Framing) -> str:
        taken = self._input()
        return feature_key(
            kind,
            framing=framing,
            config=dict(taken.config),
            mean=taken.mean,
            std=taken.std,
            **self.use().depends(image),
        )

    def _object_score(self, request: Request) -> Score:
        boxes = request.boxes
        if not boxes or len(boxes) % 2:
            message = (
                f"{len(boxes)} boxes make no pairs: coords holds the reference boxes, then as "
                "many edited boxes"
            )
            return soft("unpaired-coords", message, {"boxes": [list(box) for box in boxes]})
        half = len(boxes) // 2
        before, after = boxes[:half], _on_resized(boxes[half:], request)
        colour = request.params["bg_color"]
        details: dict[str, Any] = {
            "reference_boxes": [list(box) for box in before],
            "edited_boxes": [list(box) for box in after],
            "bg_color": list(colour),
        }
        sam = self._sam()
        weights = (sam.use().weights,)
        crops = sam.isolate_all(request.reference, before, colour)
        edited_crops = sam.isolate_all(request.edited, after, colour)
        if request.evidence is not None:
            request.evidence.crops = list(zip(crops, edited_crops, strict=True))
        similarities = []
        for number, (crop, edited_crop) in enumerate(zip(crops, edited_crops, strict=True), 1):
            if crop is None or edited_crop is None:
                which = "reference" if crop is None else "edited"
                message = f"no object in box {number} of {half} of the {which} image"
                return soft("empty-crop", message, details, weights=weights)
            similarities.append(cosine(self._cls(crop, colour), self._cls(edited_crop, colour)))
        details["similarities"] = similarities
        mean = float(np.mean(similarities))
        return Score(mean, weights=weights, details=details)

    def _cls(self, crop: Array, colour: Colour) -> Tokens:
        """Return the CLS token of a crop, float64 (hidden,)."""
        square = pad_to_square(crop, colour, self.img_input_size)

        def compute() -> list[NDArray[np.float32]]:
            return [self.load().model.tokens([square], "stretch")[0, 0]]

        (cls,) = self.cache.get(self._key("clip-cls-1", square, "stretch"), compute)
        return cls.astype(np.float64)

    def _sam(self) -> SAMPipe:
        if self.sam_block is None:
            raise EditMetricsError(
                "sam_clip_cls_sim needs SAM, and this clip-pipe has no `sam`. In the YAML write "
                "under the metric's init_config (or pipes_default.clip-pipe) "
                "`sam: ${pipes_default.sam-pipe}` or `sam: {model_type: vit_b}`; in Python, "
                "CLIPPipe(sam={'model_type': 'vit_b'})"
            )
        return self.sam_block


def _grid(selected: Mask, costs: Tokens) -> Tokens:
    """Return the costs of the selected patches where they lie, NaN elsewhere."""
    count = isqrt(len(selected))
    grid = np.full(len(selected), nan)
    grid[selected] = costs
    return grid.reshape(count, count)


def _sam_pipe(sam: Any, device: str) -> SAMPipe | None:
    if sam is None or isinstance(sam, SAMPipe):
        return sam
    if not isinstance(sam, Mapping):
        raise InputError(f"clip-pipe: sam must be a mapping of SAM's options, not {sam!r}")
    for option in sam:
        if option not in _SAM_KEYS:
            hint = did_you_mean(option, _SAM_KEYS)
            raise InputError(f"clip-pipe: sam takes no option {option!r}{hint}")
    return SAMPipe(**{"device": device, **sam})


def _on_resized(boxes: Sequence[Box], request: Request) -> list[Box]:
    """Move boxes of the edited image to where they lie after it was resized."""
    if request.resized_from is None:
        return list(boxes)
    height, width = request.edited.shape[:2]
    x, y = width / request.resized_from[0], height / request.resized_from[1]
    return [(floor(x1 * x), floor(y1 * y), ceil(x2 * x), ceil(y2 * y)) for x1, y1, x2, y2 in boxes]
