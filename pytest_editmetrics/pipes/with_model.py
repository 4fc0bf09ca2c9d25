"""Pipes with a model: weights found and checked first, loaded when something must be computed."""

from __future__ import annotations

import json
import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pytest_editmetrics.cache.device import device_name, numerics, resolve_device
from pytest_editmetrics.cache.features import FeatureCache, pixels_digest
from pytest_editmetrics.cache.precision import FULL, resolve_dtype
from pytest_editmetrics.cache.replaced_library import Computes, check_model, replaced
from pytest_editmetrics.errors import InputError, WeightsError, did_you_mean
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.replaced_files import check_real_files
from pytest_editmetrics.measurement import CONFIGURATION, Measurement, WeightsUsed
from pytest_editmetrics.pipes.base import BuiltInPipe, Request, Score
from pytest_editmetrics.pipes.computing import quiet_random
from pytest_editmetrics.pipes.declared import DTYPE
from pytest_editmetrics.pipes.models import ModelStore
from pytest_editmetrics.weights.seen import SeenAll

if TYPE_CHECKING:
    from pytest_editmetrics.weights.find import FoundWeights

ModelT = TypeVar("ModelT")


@dataclass(frozen=True)
class Loaded(Generic[ModelT]):
    """A model on its device, and the weights it was made from."""

    model: ModelT
    device: str
    weights: WeightsUsed


@dataclass(frozen=True)
class Using:
    """What a measurement uses: weights that were found and checked, and a device that is there.

    The model itself is loaded only when something must be computed; ``seen`` tells whether the
    files are still those that were checked.
    """

    found: FoundWeights
    device: str
    dtype: str
    seen: SeenAll

    @property
    def weights(self) -> WeightsUsed:
        """The weights, as a measurement names them."""
        return WeightsUsed(self.found.name, self.found.sha256, self.found.smoke)


def _size(weights: Sequence[Path]) -> str:
    sizes = [file.stat().st_size for file in weights if file.is_file()]
    return f" ({sum(sizes) / 1e6:.0f} MB)" if sizes else ""


def configuration_used(name: str, described: Mapping[str, Any]) -> WeightsUsed:
    """Return the stamp of what decides a model's numbers besides its weights.

    It stands in a measurement beside the weights, so that a golden notices another preprocessing.
    """
    text = json.dumps(described, sort_keys=True)
    return WeightsUsed(f"{name} {CONFIGURATION}", sha256(text.encode()).hexdigest())


def stated_dtype(own: str, sam: str | None) -> str:
    """Return the precision of a measurement as goldens and results state it.

    >>> stated_dtype("bfloat16", None), stated_dtype("float32", "bfloat16")
    ('bfloat16', 'float32, sam bfloat16')
    """
    return own if sam is None else f"{own}, sam {sam}"


class ModelPipe(BuiltInPipe, Generic[ModelT]):
    """A pipe with a model. Making one loads nothing.

    A subclass also names its ``variants`` (the constructor's keywords that decide the model besides
    weights, device and dtype), and implements ``_find``, ``_build``, ``_computes`` and ``_score``.
    Loading is thread-safe; after ``release`` the next measurement loads again.

    ``cache`` keeps features and ``models`` the model; a pipe on its own has its own in memory, the
    pipes of a pytest session share them: those that differ in ``framing`` share one model.
    """

    variants: ClassVar[tuple[str, ...]] = ()

    def __init__(self, device: str = "auto", dtype: str = FULL):
        if dtype not in DTYPE.choices:
            hint = did_you_mean(dtype, DTYPE.choices)
            raise InputError(f"{self.key}: unknown dtype {dtype!r}{hint}")
        self.device = device
        self.dtype = dtype
        self.cache = FeatureCache()
        self.models = ModelStore()
        self._lock = threading.RLock()
        self._using: Using | None = None

    @property
    def loaded(self) -> bool:
        """Whether the weights are in memory."""
        using = self._using
        return using is not None and self._model_key(using) in self.models

    def share(self, cache: FeatureCache, models: ModelStore | None = None) -> None:
        """Keep features in ``cache``, and the model in ``models``, from now on."""
        self.cache = cache
        if models is not None:
            self.models = models

    def use(self) -> Using:
        """Find and check the weights and the device; loads nothing.

        Raises:
            MissingResourceError: they are not on this machine; the message says how to get them.
            WeightsError: they are damaged.
            EditMetricsError: the device is not available.
        """
        with self._lock:
            if self._using is None:
                check_real_files(f"{self.key}: its model")
                with self.models.clock.of("loading models"):
                    device = resolve_device(self.device)
                    with self.explained(f"finding the weights of {self.key}"):
                        found = self._find()
                    dtype = resolve_dtype(self.dtype, device)
                    seen = SeenAll(found.path)
                    self._using = Using(found, device, dtype, seen)
            return self._using

    def used(self) -> tuple[WeightsUsed, ...]:
        """Return what a measurement names as its weights; raises as ``use`` does."""
        using = self.use()
        described = self._described(using)
        if described is None:
            return (using.weights,)
        return using.weights, configuration_used(using.found.name, described)

    def load(self) -> Loaded[ModelT]:
        """Load the weights, unless they are loaded already.

        Raises:
            MissingResourceError: they are not on this machine; the message says how to get them.
            WeightsError: they are damaged or do not fit the model.
            EditMetricsError: the device is not available, or out of memory.
        """
        using = self.use()

        def build() -> Loaded[ModelT]:
            check_real_files(f"{self.key}: its model", opens=True)
            if not using.seen.still():
                raise WeightsError(
                    f"{using.found.path} was replaced after its hash was taken; run again"
                )
            with self.explained(f"loading {self.key} on {using.device}"), quiet_random():
                model = self._build(using)
            replaced(self._computes(using))  # building may have imported what replaces a function
            return Loaded(model, using.device, using.weights)

        what = f"{using.found.name}{_size(using.found.files)} on {using.device}"
        loaded: Loaded[ModelT] = self.models.get(self._model_key(using), build, what)
        check_model(getattr(loaded.model, "model", loaded.model))
        return loaded

    def depends(self, image: Array) -> dict[str, Any]:
        """Return what the bits of every feature of ``image`` depend on, for its key.

        Raises:
            EditMetricsError: a function that the model calls is mocked, see ``numerics``.
        """
        using = self.use()
        return {
            "pixels": pixels_digest(image),
            "weights": using.found.sha256,
            "dtype": using.dtype,
            **numerics(using.device, self._computes(using)),
        }

    def release(self) -> None:
        """Free the weights, so that the editing model has the memory; the pipe stays usable.

        A model that pipes share is freed for all of them; the next that needs it loads it again.
        """
        with self._lock:
            using, self._using = self._using, None
        if using is None or not self.models.release(self._model_key(using)):
            return
        if using.device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()

    def _model_key(self, using: Using) -> tuple[object, ...]:
        """Return what decides the model: pipes of equal keys share it."""
        found = using.found
        weights = (found.path, found.sha256, found.config)
        variant = tuple(getattr(self, name) for name in self.variants)
        return (self.key, *weights, using.device, using.dtype, *variant)

    def _measured(self, request: Request, details: Mapping[str, Any]) -> Measurement:
        height, width = request.reference.shape[:2]
        using = self.use()
        doing = (
            f"{request.metric} of a {width}x{height} image with {using.found.name} on"
            f" {using.device}"
        )
        with self.explained(doing):
            score = self._score(using, request)
        dtypes = {using.dtype, score.sam_dtype or using.dtype}
        dtype = {} if dtypes == {FULL} else {"dtype": stated_dtype(using.dtype, score.sam_dtype)}
        return Measurement(
            request.metric,
            score.value,
            self._scope(request),
            score.soft_failure,
            score.floor,
            score.excess,
            using.device,
            device_name(using.device),
            (*self.used(), *score.weights),
            {**score.details, **dtype, **details},
        )

    def _described(self, using: Using) -> Mapping[str, Any] | None:
        """Return what decides the model's numbers besides its weights, ``None`` for nothing."""
        return None

    @abstractmethod
    def _find(self) -> FoundWeights:
        """Find and check the weights."""

    @abstractmethod
    def _build(self, using: Using) -> ModelT:
        """Put the model on its device."""

    @abstractmethod
    def _computes(self, using: Using) -> Computes:
        """Return what computes the features: nothing else that is replaced matters."""

    @abstractmethod
    def _score(self, using: Using, request: Request) -> Score:
        """Compute ``request.metric``."""
