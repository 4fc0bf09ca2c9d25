"""Which pipes exist, which metrics they compute, and how to make one. Making one loads nothing.

A pipe's module is imported when the first pipe of its key is made, never before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_editmetrics.errors import InputError, did_you_mean
from pytest_editmetrics.measurement import GOLDEN, GOLDEN_IMAGE, Metric
from pytest_editmetrics.pipes import autopipeline
from pytest_editmetrics.pipes.clip.spec import SPEC as CLIP
from pytest_editmetrics.pipes.declared import Option, PipeFactory, PipeSpec
from pytest_editmetrics.pipes.dino.spec import SPEC as DINO
from pytest_editmetrics.pipes.drift.spec import SPEC as DRIFT
from pytest_editmetrics.pipes.lpips.spec import SPEC as LPIPS
from pytest_editmetrics.pipes.pixels.spec import SPEC as PIXELS
from pytest_editmetrics.pipes.sam.spec import SPEC as SAM

BUILTIN = (LPIPS, CLIP, DINO, SAM, PIXELS, DRIFT)


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
            InputError: the key or a metric's name is taken, or one of goldens (``golden``,
                ``golden_lpips``), or no metric is given.
        """
        declared = tuple(metrics)
        if not declared:
            raise InputError(f"pipe {key!r} declares no metric, so no gate could ever use it")
        taken = None if options is None else tuple(Option(name, "") for name in options)
        self._add(PipeSpec(key, factory, declared, taken))

    def _add(self, spec: PipeSpec) -> None:
        if spec.key in self._pipes:
            raise InputError(f"a pipe {spec.key!r} is registered already; choose another key")
        for metric in spec.metrics:
            for name in (metric.name, *metric.aliases):
                if is_of_goldens(name):
                    raise InputError(
                        f"pipe {spec.key!r} declares metric {name!r}, a name of goldens; choose"
                        " another"
                    )
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
    def aliases(self) -> frozenset[str]:
        """Other names of pipes, which a metric's ``pipe_name`` takes too."""
        return frozenset(alias for spec in self._pipes.values() for alias in spec.aliases)

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
        if not isinstance(name, str):
            raise InputError(f"a metric is named by a text, not {name!r:.80}")
        if (known := self._aliases.get(name, name)) in self._metrics:
            return self._metrics[known]
        if pipes := autopipeline.pipes_of(name):
            raise InputError(autopipeline.not_provided(name, pipes))
        if len(several := [one.strip() for one in name.split(",")]) > 1:
            raise InputError(f"{name!r} names several metrics; write each as a text: {several}")
        raise InputError(f"unknown metric {name!r}{did_you_mean(name, self.names)}")

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
                hint = did_you_mean(option, spec.takes)
                raise InputError(f"{key} takes no option {option!r}{hint}")
        return spec.load_factory()(**config)


def is_of_goldens(name: str) -> bool:
    """Tell whether a name stands for gates of goldens, so that no metric may have it.

    >>> is_of_goldens("golden"), is_of_goldens("golden_lpips"), is_of_goldens("goldenness")
    (True, True, False)
    """
    return name == GOLDEN or name.startswith(GOLDEN_IMAGE)
