"""What every pipe shares: checked inputs, weights loaded on first use, errors that explain."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from pytest_editmetrics.cache.features import FeatureCache
from pytest_editmetrics.errors import (
    EditMetricsError,
    InputError,
    MissingResourceError,
    RegionError,
    did_you_mean,
    nearest,
)
from pytest_editmetrics.images.best_fit import brought_together
from pytest_editmetrics.images.colour_words import Colour
from pytest_editmetrics.images.load import Array, ImageLike, numbers_of, read_image
from pytest_editmetrics.images.regions import Box, Mask, check_mask_mode, region_mask
from pytest_editmetrics.images.replaced_numbers import check_numbers
from pytest_editmetrics.images.resize_modes import Aspect, Resize
from pytest_editmetrics.images.shapes import Region
from pytest_editmetrics.images.sizes import Fit
from pytest_editmetrics.measurement import (
    SCOPE,
    MaskMode,
    Measurement,
    Scope,
    SoftFailure,
    SoftReason,
    WeightsUsed,
)
from pytest_editmetrics.pipes.checkpoint import is_no_memory
from pytest_editmetrics.pipes.declared import PipeSpec
from pytest_editmetrics.pipes.explain import Evidence
from pytest_editmetrics.pipes.models import ModelStore


@dataclass(frozen=True)
class Request:
    """One pair to measure: images (H, W, 3), RGB, uint8, of one size, and a checked region.

    ``fit`` is how images of unlike sizes were brought together, else ``None``: boxes of objects are
    still in the pixels of their own images, the region is not. ``evidence``, if it is asked for,
    takes what explains the score.
    """

    metric: str
    reference: Array
    edited: Array
    region: Region
    mask_mode: MaskMode | None
    params: Mapping[str, Any]
    fit: Fit | None = None
    evidence: Evidence | None = None

    @property
    def boxes(self) -> list[Box]:
        """The region where it must be boxes: those of objects.

        Raises:
            RegionError: it is another shape.
        """
        if not self.region.plain:
            raise RegionError(
                f"{self.metric} compares objects: coords must be boxes, not {self.region.text}"
            )
        return list(self.region.boxes)

    @cached_property
    def mask(self) -> Mask:
        """Boolean (H, W), true where measured."""
        height, width = self.reference.shape[:2]
        return region_mask(self.region, self.mask_mode, height, width)

    @property
    def nothing_measured(self) -> str:
        """Why ``mask`` holds no pixel, in words."""
        if not self.region:
            return "there are no boxes to measure inside"
        where = "inside" if self.mask_mode == "inner" else "outside"
        boxes = f"the box{'es' if len(self.region.boxes) > 1 else ''} " if self.region.plain else ""
        return f"no pixel of the image lies {where} {boxes}{self.region.text}"


@dataclass(frozen=True)
class Score:
    """What a pipe found; ``value`` of ``None`` needs a ``soft_failure``.

    ``weights`` are those used besides the pipe's own, ``sam_dtype`` the precision of the SAM among
    them.
    """

    value: float | None
    soft_failure: SoftFailure | None = None
    floor: float | None = None
    excess: float | None = None
    weights: tuple[WeightsUsed, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    sam_dtype: str | None = None


def soft(
    reason: SoftReason,
    message: str,
    details: Mapping[str, Any],
    weights: tuple[WeightsUsed, ...] = (),
) -> Score:
    """Return the score of a region that gives no valid comparison."""
    return Score(None, SoftFailure(reason, message), weights=weights, details=details)


def stamp(fit: Fit) -> dict[str, Any]:
    """Return what the details of a measurement say of images that were brought together."""
    told = fit.to_json()
    return {"resize": told.pop("resize"), "sizes": told}


class BuiltInPipe(ABC):
    """Computes metrics of (reference, edited) pairs. Making one loads nothing.

    A subclass names its ``spec``, which declares its metrics; ``ahead`` are the metrics that gain
    from images that are encoded together. Most pipes have a model: ``ModelPipe``; the others are a
    ``PlainPipe``.
    """

    spec: ClassVar[PipeSpec]
    ahead: ClassVar[tuple[str, ...]] = ()

    @property
    def key(self) -> str:
        """The key that the pipe is registered under."""
        return self.spec.key

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def __call__(
        self,
        ref_image: ImageLike,
        edited_image: ImageLike,
        coords: Any = None,
        mask_mode: MaskMode | None = None,
        metric: str | None = None,
        **kwargs: Any,
    ) -> float | None:
        """Return ``measure(...).value``."""
        return self.measure(ref_image, edited_image, coords, mask_mode, metric, **kwargs).value

    def measure(
        self,
        ref_image: ImageLike,
        edited_image: ImageLike,
        coords: Any = None,
        mask_mode: MaskMode | None = None,
        metric: str | None = None,
        *,
        resize: Resize | None = None,
        aspect: Aspect | None = None,
        colour: Colour = "seen",
        evidence: Evidence | None = None,
        **params: Any,
    ) -> Measurement:
        """Measure one metric of one pair.

        Args:
            ref_image: the image before the edit, of any kind that ``images.load_image`` takes.
            edited_image: the image after it.
            coords: boxes ``(x1, y1, x2, y2)`` in pixels, or another region (``Region.of``); none is
                none or an empty list.
            mask_mode: ``inner`` measures inside the boxes, ``outer`` outside, ``None`` everywhere.
            metric: which; the pipe's first by default.
            resize: how images of unlike sizes are brought together, see
                ``resize_modes.RESIZES``; regions are moved along.
            aspect: ``"any"`` lets a mode stretch by more than rounding a side does.
            resize: ``"reference"`` resizes an edited image of another size.
            colour: ``"seen"`` applies the images' colour profiles, ``"numbers"`` leaves them aside.
            evidence: filled with what explains the measurement in the picture.
            params: runtime parameters of the metric.

        Raises:
            InputError: unknown metric, mask mode or parameter.
            ImageError, RegionError: an image or a box that cannot be used.
            EditMetricsError: weights, device or memory, see ``load``; or a function that metrics
                call is mocked.
        """
        metric = self._check(metric, mask_mode, params)
        check_numbers(metric)
        params = self._check_params(metric, params)
        region = Region.of(coords).read()
        with self.explained(f"reading the images for {metric}"):
            read = {
                "reference": read_image(ref_image, "reference image", colour),
                "edited": read_image(edited_image, "edited image", colour),
            }
            for image in read.values():
                image.warn()
            reference, edited = read["reference"].pixels, read["edited"].pixels
            bare = numbers_of(read["reference"], read["edited"])
            fit = brought_together(reference, edited, resize, aspect, numbers=bare)
            if fit is not None:
                reference, edited = fit.pictures(reference, edited)
        details: dict[str, Any] = {}
        if notes := {which: image.notes for which, image in read.items() if image.notes}:
            details["read"] = notes
        if colour != "seen":
            details["colour"] = colour
        if fit is not None:
            details.update(stamp(fit))
            known = self.spec.metric(metric)
            if known is not None and known.compares == "region":
                region = fit.region(region)
        request = Request(metric, reference, edited, region, mask_mode, params, fit, evidence)
        return self._measured(request, details)

    def encode_ahead(self, metric: str, images: Sequence[Array]) -> None:
        """Compute together, and keep, what measuring ``metric`` of these images will need.

        ``metric`` is one of ``ahead``. Measuring gives the same bits with and without.
        """
        raise AssertionError(f"{self.key} computes nothing of {metric} ahead")

    @contextmanager
    def explained(self, doing: str) -> Iterator[None]:
        """Turn running out of memory and a missing package into errors that say what to do."""
        try:
            yield
        except ImportError as error:
            raise MissingResourceError(
                f"{self.key} needs the package {error.name!r}, which cannot be imported ({error}); "
                "reinstall with: pip install --upgrade pytest-editmetrics",
                pipe=self.key,
            ) from error
        except (RuntimeError, MemoryError) as error:
            if not is_no_memory(error):
                raise
            raise EditMetricsError(
                f"out of memory: {doing}. Call release() on the editing model or on other pipes "
                "first, use a smaller image, or another device (--editmetrics-device=cpu)"
            ) from error

    @abstractmethod
    def _measured(self, request: Request, details: Mapping[str, Any]) -> Measurement:
        """Compute ``request.metric``; ``details`` go with those of the score."""

    @abstractmethod
    def share(self, cache: FeatureCache, models: ModelStore | None = None) -> None:
        """Keep features in ``cache``, and the model in ``models``, from now on."""

    def _scope(self, request: Request) -> Scope | None:
        """Return what is measured; ``None`` for the whole image."""
        if request.mask_mode is None or (request.mask_mode == "outer" and not request.region):
            return None
        return SCOPE[request.mask_mode]

    def _check_params(self, metric: str, params: dict[str, Any]) -> dict[str, Any]:
        """Check the runtime parameters, before anything is loaded, and fill in the defaults."""
        return params

    def _check(self, metric: str | None, mask_mode: Any, params: Mapping[str, Any]) -> str:
        known = self.spec.metrics[0] if metric is None else self.spec.metric(metric)
        if known is None:
            near = nearest(metric, [one.name for one in self.spec.metrics])
            hint = f" (did you mean {near!r}?)" if near else ""
            raise InputError(f"Unsupported metric: {metric}{hint}")
        check_mask_mode(mask_mode)
        valid = (*known.params, "resize", "aspect", "colour")
        for name in params:
            if name not in valid:
                hint = did_you_mean(name, valid)
                raise InputError(f"{known.name} takes no parameter {name!r}{hint}")
        return known.name


class PlainPipe(BuiltInPipe):
    """A pipe without weights, which computes on the CPU; a subclass implements ``_score``."""

    def share(self, cache: FeatureCache, models: ModelStore | None = None) -> None:
        """Keep nothing: there is no feature that would cost more than to compute it again."""

    def _measured(self, request: Request, details: Mapping[str, Any]) -> Measurement:
        height, width = request.reference.shape[:2]
        with self.explained(f"{request.metric} of a {width}x{height} image"):
            score = self._score(request)
        return Measurement(
            request.metric,
            score.value,
            self._scope(request),
            score.soft_failure,
            details={**score.details, **details},
        )

    @abstractmethod
    def _score(self, request: Request) -> Score:
        """Compute ``request.metric``."""
