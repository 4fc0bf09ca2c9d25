"""Which pipes exist, which metrics they compute, and how to make one. Making one loads nothing.

A pipe's module is imported when the first pipe of its key is made, never before.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_editmetrics.errors import InputError, did_you_mean
from pytest_editmetrics.measurement import Margin, Metric

PipeFactory = Callable[..., Any]

_REGION_PARAMS = ("patch_mask_threshold", "reference_patches")


@dataclass(frozen=True)
class PipeSpec:
    """A registered pipe: its key, what makes it, the metrics it computes, its constructor keys.

    ``factory`` is a callable or ``"package.module:Name"``, imported on first use. ``options`` of
    ``None`` means that the factory's own signature decides. ``aliases`` are taken as a metric's
    ``pipe_name`` too. ``isolates`` tells that the option ``sam`` is a SAM pipe, or its
    configuration.
    """

    key: str
    factory: PipeFactory | str
    metrics: tuple[Metric, ...]
    options: tuple[str, ...] | None = None
    aliases: tuple[str, ...] = ()
    isolates: bool = False

    def load_factory(self) -> PipeFactory:
        """Return the callable that makes the pipe, importing its module if it is named."""
        if not isinstance(self.factory, str):
            return self.factory
        module, _, name = self.factory.partition(":")
        factory: PipeFactory = getattr(importlib.import_module(module), name)
        return factory

    def accepts(self, option: str) -> bool:
        """Tell whether the pipe's constructor takes the keyword ``option``."""
        if self.options is not None:
            return option in self.options
        parameters = inspect.signature(self.load_factory()).parameters
        return option in parameters or any(
            parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()
        )


BUILTIN = (
    PipeSpec(
        "lpips-pipe",
        "pytest_editmetrics.pipes.lpips:LPIPSPipe",
        (
            Metric(
                "lpips",
                "lower",
                margin=Margin(relative=0.15, absolute=0.005),
                summary="learned perceptual distance, full size, scaled by the measured area",
            ),
            Metric(
                "edit_lpips",
                "higher",
                scope="edit_area",
                asks="change",
                margin=Margin(relative=0.5),
                summary="lpips inside the edit area: did the edit happen",
            ),
            Metric(
                "pie_bench_lpips",
                "lower",
                margin=Margin(relative=0.15, absolute=0.005),
                summary="lpips as PIE-Bench's tables have it: both images times the mask, unscaled",
            ),
        ),
        ("net", "device", "model_path", "dtype"),
    ),
    PipeSpec(
        "clip-pipe",
        "pytest_editmetrics.pipes.clip:CLIPPipe",
        (
            Metric(
                "emd",
                "lower",
                margin=Margin(relative=0.10, absolute=0.5),
                params=_REGION_PARAMS,
                summary="earth mover's distance between CLIP patch tokens",
            ),
            Metric(
                "emd_excess",
                "lower",
                margin=Margin(relative=0.10, absolute=0.5),
                params=_REGION_PARAMS,
                summary="emd minus its floor, which the unedited reference scores in the region",
            ),
            Metric(
                "sam_clip_cls_sim",
                "higher",
                scope="edit_area",
                compares="objects",
                margin=Margin(relative=0.0, absolute=0.02),
                params=("bg_color",),
                summary="cosine of the CLIP CLS tokens of objects isolated by SAM",
            ),
        ),
        ("model_path", "revision", "device", "sam", "framing", "dtype"),
        isolates=True,
    ),
    PipeSpec(
        "dino-v3-pipe",
        "pytest_editmetrics.pipes.dino:DINOPipe",
        (
            Metric(
                "dino_structure_sim",
                "higher",
                scope="edit_area",
                margin=Margin(relative=0.0, absolute=0.02),
                params=("patch_mask_threshold",),
                summary="likeness of how the DINO patch tokens of the region relate to each other",
                aliases=("dinov3_structure_similarity",),
            ),
            Metric(
                "sam_dino_cls_sim",
                "higher",
                scope="edit_area",
                compares="objects",
                margin=Margin(relative=0.0, absolute=0.02),
                params=("bg_color",),
                summary="cosine of the DINO CLS tokens of objects isolated by SAM",
            ),
        ),
        ("model_path", "revision", "device", "sam", "framing", "dtype"),
        isolates=True,
    ),
    PipeSpec(
        "sam-pipe",
        "pytest_editmetrics.pipes.sam:SAMPipe",
        (
            Metric(
                "mask_iou",
                "higher",
                scope="edit_area",
                compares="objects",
                margin=Margin(relative=0.0, absolute=0.05),
                summary="intersection over union of the masks SAM finds of an object",
                aliases=("iou",),
            ),
        ),
        ("model_type", "model_path", "model_cfg", "device", "dtype"),
    ),
    PipeSpec(
        "pixels-pipe",
        "pytest_editmetrics.pipes.pixels:PixelPipe",
        (
            Metric(
                "unedit_psnr",
                "higher",
                margin=Margin(relative=0.0, absolute=1.0),
                summary="peak signal-to-noise ratio over the measured pixels, dB, at most 100",
            ),
            Metric(
                "unedit_ssim",
                "higher",
                margin=Margin(relative=0.0, absolute=0.01),
                summary="structural similarity, mean over the measured pixels",
                aliases=("ssim",),
            ),
            Metric(
                "unedit_max_diff",
                "lower",
                margin=Margin(relative=0.15, absolute=1.0),
                summary="largest difference of a channel in the measured pixels, of 255",
            ),
            Metric(
                "l_channel_ssim",
                "higher",
                scope="edit_area",
                margin=Margin(relative=0.0, absolute=0.02),
                summary="structural similarity of the lightness, histograms matched",
                aliases=("L_channel_ssim",),
            ),
            Metric(
                "pie_bench_psnr",
                "higher",
                margin=Margin(relative=0.0, absolute=1.0),
                summary="PSNR as PIE-Bench's tables have it: images times the mask",
            ),
        ),
        (),
        aliases=("ssim-pipe",),
    ),
    PipeSpec(
        "drift-pipe",
        "pytest_editmetrics.pipes.drift:DriftPipe",
        (
            Metric(
                "drift_px",
                "lower",
                margin=Margin(relative=0.15, absolute=0.1),
                summary="how far the background moved, in pixels",
            ),
            Metric(
                "zoom",
                "lower",
                margin=Margin(relative=0.15, absolute=0.0005),
                summary="by what share the background grew or shrank",
            ),
        ),
        (),
    ),
)


class PipeRegistry:
    """The pipes of one session, by key, and their metrics, by name.

    >>> registry = PipeRegistry()
    >>> registry.metric("emd").better
    'lower'
    >>> registry.pipe_of("emd").key
    'clip-pipe'
    """

    def __init__(self, specs: Iterable[PipeSpec] = BUILTIN):
        self._pipes: dict[str, PipeSpec] = {}
        self._metrics: dict[str, Metric] = {}
        self._owners: dict[str, PipeSpec] = {}
        self._aliases: dict[str, str] = {}
        for spec in specs:
            self._add(spec)

    def register(
        self,
        key: str,
        factory: PipeFactory | str,
        *,
        metrics: Iterable[Metric],
        options: Iterable[str] | None = None,
    ) -> None:
        """Add a pipe of your own.

        Args:
            key: name used in YAML as ``pipe_name``; a fixture of that name with ``-`` written
                ``_`` overrides the pipe in tests.
            factory: class or callable (or ``"module:Name"``) whose result is called as
                ``pipe(reference, edited, coords, mask_mode, metric=..., **params)`` and returns
                ``float | None``; a ``measure`` method returning a ``Measurement`` is preferred.
            metrics: what it computes; each name must be new.
            options: constructor keywords, if the factory's signature does not tell.

        Raises:
            InputError: the key or a metric's name is taken, or no metric is given.
        """
        declared = tuple(metrics)
        if not declared:
            raise InputError(f"pipe {key!r} declares no metric, so no gate could ever use it")
        self._add(PipeSpec(key, factory, declared, None if options is None else tuple(options)))

    def _add(self, spec: PipeSpec) -> None:
        if spec.key in self._pipes:
            raise InputError(f"a pipe {spec.key!r} is registered already; choose another key")
        for metric in spec.metrics:
            if metric.name in self._metrics:
                owner = self._owners[metric.name].key
                raise InputError(
                    f"pipe {spec.key!r} declares metric {metric.name!r}, which {owner!r} has"
                    " already"
                )
        self._pipes[spec.key] = spec
        for metric in spec.metrics:
            self._metrics[metric.name] = metric
            self._owners[metric.name] = spec
            self._aliases.pop(metric.name, None)
        for metric in spec.metrics:
            for alias in metric.aliases:
                if alias in self.names:
                    raise InputError(
                        f"{alias!r}, another name of {metric.name} of pipe {spec.key!r}, is taken"
                        f" by {self.metric(alias).name!r}"
                    )
                self._aliases[alias] = metric.name

    @property
    def pipes(self) -> Mapping[str, PipeSpec]:
        """Every registered pipe by key."""
        return self._pipes

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Every known metric by name."""
        return self._metrics

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that ``metric`` takes, other names of a metric included."""
        return (*self._metrics, *self._aliases)

    def metric(self, name: str) -> Metric:
        """Return the metric called ``name``, or also called so.

        A metric of a user's pipe comes before another name of a metric that is built in.

        Raises:
            InputError: there is none; the message names the nearest one.

        >>> PipeRegistry().metric("dinov3_structure_similarity").name
        'dino_structure_sim'
        """
        known = self._aliases.get(name, name) if isinstance(name, str) else name
        if not isinstance(known, str) or known not in self._metrics:
            raise InputError(f"unknown metric {name!r}{did_you_mean(name, self.names)}")
        return self._metrics[known]

    def pipe_of(self, metric: str) -> PipeSpec:
        """Return the pipe that computes ``metric``; raise ``InputError`` if none does."""
        return self._owners[self.metric(metric).name]

    def pipe(self, key: str) -> PipeSpec:
        """Return the pipe registered as ``key``; raise ``InputError`` naming the nearest one."""
        if key not in self._pipes:
            raise InputError(f"unknown pipe {key!r}{did_you_mean(key, self._pipes)}")
        return self._pipes[key]

    def create(self, key: str, config: Mapping[str, Any]) -> Any:
        """Make the pipe ``key`` with the constructor keywords ``config``; loads no weights.

        Raises:
            InputError: unknown key, or a keyword that the pipe does not take.
        """
        spec = self.pipe(key)
        for option in config:
            if not spec.accepts(option):
                hint = did_you_mean(option, spec.options or ())
                raise InputError(f"{key} takes no option {option!r}{hint}")
        return spec.load_factory()(**config)
