"""What pipes of a vision transformer share: patches of a region, CLS tokens of isolated objects."""

from __future__ import annotations

import numbers
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.cache.features import FeatureCache, feature_key
from pytest_editmetrics.cache.replaced_library import Computes
from pytest_editmetrics.errors import (
    EditMetricsError,
    InputError,
    MissingResourceError,
    counted,
    did_you_mean,
)
from pytest_editmetrics.images.load import Array, ImageLike, load_image, load_pair
from pytest_editmetrics.images.plain import no_plain_array
from pytest_editmetrics.images.regions import FRAMINGS, Framing, Mask
from pytest_editmetrics.measurement import Measurement, Scope
from pytest_editmetrics.pipes.base import Request, Score, soft
from pytest_editmetrics.pipes.declared import PATCH_MASK_THRESHOLD
from pytest_editmetrics.pipes.models import ModelStore
from pytest_editmetrics.pipes.objects import boxes_used, cosine, mean_over_pairs, pair_boxes
from pytest_editmetrics.pipes.sam.pipe import WHITE, Colour, SAMPipe, check_colour
from pytest_editmetrics.pipes.sam.spec import SPEC as SAM_SPEC
from pytest_editmetrics.pipes.square import pad_to_square
from pytest_editmetrics.pipes.vision_model import VisionEncoder, VisionInput
from pytest_editmetrics.pipes.with_model import ModelPipe, Using

Tokens = NDArray[np.float64]


class VisionPipe(ModelPipe[VisionEncoder]):
    """Compares images through the tokens of a vision transformer.

    A subclass names its ``object_metric``, the one that compares what SAM isolates, and ``short``,
    what its features are kept under; it implements ``_read_input``, and ``_region_score`` for its
    other metrics.
    """

    object_metric: ClassVar[str]
    short: ClassVar[str]

    def __init__(
        self,
        model_path: str | Path,
        revision: str | None,
        device: str,
        sam: Mapping[str, Any] | SAMPipe | None,
        framing: Framing,
        dtype: str,
    ):
        super().__init__(device, dtype)
        if framing not in FRAMINGS:
            hint = did_you_mean(framing, FRAMINGS)
            raise InputError(f"{self.key}: unknown framing {framing!r}{hint}")
        self.model_path = model_path
        self.revision = revision
        self.framing = framing
        self.sam_block = self._sam_pipe(sam, device)
        self._taken: VisionInput | None = None

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
        """Encode images together, see ``BuiltInPipe.encode_ahead``."""
        with self.explained(f"encoding {counted(len(images), 'image')} for {metric}"):
            self._tokens(images)

    def release(self) -> None:
        """Free the weights, those of the SAM pipe too; the pipe stays usable."""
        super().release()
        self._taken = None
        if self.sam_block is not None:
            self.sam_block.release()

    def calc_object_pad_cls_sim(
        self,
        ref_image: ImageLike,
        edited_image: ImageLike,
        coords: Any,
        bg_color: Colour = WHITE,
    ) -> float | None:
        """Return the metric that compares objects, or ``None`` for a soft failure."""
        measured = self.measure(
            ref_image, edited_image, coords, metric=self.object_metric, bg_color=bg_color
        )
        return measured.value

    def _pad_image_to_target_size(
        self, cropped_image: ImageLike, bg_color: Colour = WHITE
    ) -> Array:
        """Return the crop centred on a square of ``bg_color``, at the model's input size."""
        crop = load_image(cropped_image, "cropped image")
        return pad_to_square(crop, check_colour(bg_color), self._input().input_size)

    def _masked_pair(
        self, ref_image: ImageLike, edited_image: ImageLike, bool_mask: Mask | None
    ) -> tuple[Array, Array, Mask]:
        """Return a pair and the patches that a mask selects, row by row; ``None`` is everywhere.

        The mask is of pixels (H, W), reduced to patches at the default threshold; or of patches,
        (n, n) or (n * n,).

        Raises:
            InputError: a mask of another type or shape.
        """
        if why := no_plain_array(bool_mask):
            raise InputError(f"bool_mask: {why}")
        reference, edited = load_pair(ref_image, edited_image)
        taken = self._input()
        count = taken.input_size // taken.patch_size
        mask = np.ones((count, count), np.bool_) if bool_mask is None else np.asarray(bool_mask)
        if mask.dtype != np.bool_:
            raise InputError(f"bool_mask must be boolean, not {mask.dtype}")
        if mask.shape == reference.shape[:2]:
            mask = self._coverage(mask) > PATCH_MASK_THRESHOLD.default
        elif mask.size != count * count or mask.ndim > 2:
            raise InputError(
                f"bool_mask has shape {mask.shape}; it must be that of the image "
                f"{reference.shape[:2]} or of the patches {(count, count)}"
            )
        return reference, edited, mask.ravel()

    @abstractmethod
    def _read_input(self, folder: Path) -> VisionInput:
        """Read what the model in ``folder`` takes, from its configuration alone."""

    @abstractmethod
    def _region_score(self, request: Request) -> Score:
        """Compute a metric of the region."""

    def _input(self) -> VisionInput:
        with self._lock:
            if self._taken is None:
                self._taken = self._read_input(self.use().found.path)
            return self._taken

    def _computes(self, using: Using) -> Computes:
        return self._input().computes

    def _check_params(self, metric: str, params: dict[str, Any]) -> dict[str, Any]:
        if metric == self.object_metric:
            self._sam()
            return {"bg_color": check_colour(params.get("bg_color", WHITE))}
        threshold = params.get("patch_mask_threshold", PATCH_MASK_THRESHOLD.default)
        if (
            isinstance(threshold, bool)
            or not isinstance(threshold, numbers.Real)
            or not 0 <= float(threshold) < 1
        ):
            raise InputError(
                "patch_mask_threshold is the share of a patch that must be measured, from 0 to "
                f"below 1, not {threshold!r}"
            )
        return {"patch_mask_threshold": float(threshold)}

    def _scope(self, request: Request) -> Scope | None:
        return "edit_area" if request.metric == self.object_metric else super()._scope(request)

    def _measured(self, request: Request, details: Mapping[str, Any]) -> Measurement:
        if request.metric == self.object_metric:
            _all_there(self, self._sam())
        return super()._measured(request, details)

    def _score(self, using: Using, request: Request) -> Score:
        objects = request.metric == self.object_metric
        score = self._object_score(request) if objects else self._region_score(request)
        taken = self._input()
        through = {} if taken.through is None else {"through": taken.through}
        return replace(score, details={**score.details, **through})

    def _described(self, using: Using) -> Mapping[str, Any]:
        return self._input().described(self.framing)

    def _selected(self, request: Request) -> tuple[Mask, dict[str, Any]] | Score:
        """Return which patches are measured, row by row, and what a measurement tells of them."""
        threshold = request.params["patch_mask_threshold"]
        coverage = self._coverage(request.mask).ravel()
        selected: Mask = coverage > threshold
        details = {
            "n_patches": len(selected),
            "n_selected": int(selected.sum()),
            "mixed_patches": int((selected & (coverage < 1)).sum()),
            "patch_mask_threshold": threshold,
            "framing": self.framing,
        }
        if request.mask_mode == "inner" and not request.region:
            return soft("empty-region", "there are no boxes to measure inside", details)
        if not selected.any():
            message = (
                f"none of the {counted(len(selected), 'patch', 'patches')} of the model's input is"
                f" measured by more than {threshold:g} of its area"
            )
            return soft("no-valid-patch", message, details)
        return selected, details

    def _coverage(self, mask: Mask) -> NDArray[np.float64]:
        return self._input().coverage(mask, self.framing)

    def _tokens(self, images: Sequence[Array]) -> list[Tokens]:
        """Return the tokens of each image, float64 (1 + patches, hidden), from the cache or new."""

        def keys() -> list[str]:
            return [self._key(f"{self.short}-tokens-1", image, self.framing) for image in images]

        def compute(missing: list[int]) -> list[list[NDArray[np.float32]]]:
            tokens = self.load().model.encode([images[n] for n in missing], self.framing)
            return [[of_image] for of_image in tokens]

        return [tokens.astype(np.float64) for (tokens,) in self.cache.get_many(keys, compute)]

    def _key(self, kind: str, image: Array, framing: Framing) -> str:
        taken = self._input()
        return feature_key(
            kind,
            framing=framing,
            input=taken.described(framing),
            **taken.arithmetic(),
            **self.depends(image),
        )

    def _object_score(self, request: Request) -> Score:
        pairs = pair_boxes(request)
        if isinstance(pairs, Score):
            return pairs
        before, after = pairs
        colour = request.params["bg_color"]
        details = {**boxes_used(before, after), "bg_color": list(colour)}
        sam = self._sam()
        weights = sam.used()
        crops = sam.isolate_all(request.reference, before, colour)
        edited_crops = sam.isolate_all(request.edited, after, colour)
        both = list(zip(crops, edited_crops, strict=True))
        if request.evidence is not None:
            request.evidence.crops = both

        def compare(crop: Array, edited_crop: Array) -> float:
            return cosine(self._cls(crop, colour), self._cls(edited_crop, colour))

        score = mean_over_pairs(both, compare, details, "similarities", weights)
        return replace(score, sam_dtype=sam.use().dtype)

    def _cls(self, crop: Array, colour: Colour) -> Tokens:
        """Return the CLS token of a crop, float64 (hidden,)."""
        square = pad_to_square(crop, colour, self._input().input_size)

        def compute() -> list[NDArray[np.float32]]:
            return [self.load().model.tokens([square], "stretch")[0, 0]]

        (cls,) = self.cache.get(
            lambda: self._key(f"{self.short}-cls-1", square, "stretch"), compute
        )
        return cls.astype(np.float64)

    def _sam(self) -> SAMPipe:
        if self.sam_block is None:
            name = type(self).__name__
            raise EditMetricsError(
                f"{self.object_metric} needs SAM, and this {self.key} has no `sam`. In the YAML "
                f"write under the metric's init_config (or pipes_default.{self.key}) "
                "`sam: ${pipes_default.sam-pipe}` or `sam: {model_type: vit_b}`; in Python, "
                f"{name}(sam={{'model_type': 'vit_b'}})"
            )
        return self.sam_block

    def _sam_pipe(self, sam: Any, device: str) -> SAMPipe | None:
        if sam is None or isinstance(sam, SAMPipe):
            return sam
        if not isinstance(sam, Mapping):
            raise InputError(f"{self.key}: sam must be a mapping of SAM's options, not {sam!r}")
        for option in sam:
            if option not in SAM_SPEC.takes:
                hint = did_you_mean(option, SAM_SPEC.takes)
                raise InputError(f"{self.key}: sam takes no option {option!r}{hint}")
        return SAMPipe(**{"device": device, **sam})


def _all_there(*pipes: ModelPipe[Any]) -> None:
    """Find the weights of each pipe; where those of several are missing, one error names all."""
    missing: list[MissingResourceError] = []
    for pipe in pipes:
        try:
            pipe.use()
        except MissingResourceError as error:
            missing.append(error)
    if len(missing) == 1:
        raise missing[0]
    if missing:
        fetch = [words for error in missing for words in error.fetch]
        at_once = f". Together: editmetrics weights fetch {' '.join(fetch)}" if fetch else ""
        raise MissingResourceError(
            f"{len(missing)} models are missing. {'. And '.join(map(str, missing))}{at_once}",
            missing[0].pipe,
            fetch,
        )
