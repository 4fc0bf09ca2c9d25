"""What a pipe declares of itself: its options, its metrics and their parameters, as plain values.

Reading YAML, the JSON Schema, the reference pages and ``editmetrics metrics`` are made from it.
Nothing here imports anything heavy.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module  # by this name: a test may mock the other
from typing import Any, Literal

from pytest_editmetrics.cache.precision import AUTO, FULL
from pytest_editmetrics.measurement import Metric

PipeFactory = Callable[..., Any]
Kind = Literal["text", "file", "device", "choice", "number", "odd", "colour", "pipe", "any"]


@dataclass(frozen=True)
class Option:
    """A constructor keyword of a pipe, or a runtime parameter of a metric.

    ``kind`` is ``text``; ``file`` (a text that is made absolute where it is the path of a file or
    folder beside the YAML file); ``device``, by name; ``choice`` among ``choices``; ``number`` from
    ``low`` to ``high``; ``odd`` whole number among them; ``colour`` (three whole numbers from 0 to
    255); ``pipe`` (the options of the pipe ``sam-pipe``); ``any``, which only the pipe checks.
    ``empty`` tells that YAML may leave it empty. ``example`` is a value as YAML writes it; of a
    ``choice`` it may be left out.
    """

    name: str
    text: str
    kind: Kind = "any"
    default: Any = None
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    empty: bool = False
    example: str = ""

    @property
    def words(self) -> str:
        """What may be written, for readers."""
        span = f"from {self.low:g} to {self.high:g}"
        kinds = {
            "text": "a text",
            "file": "a text, which may be the path of a file or folder, relative to this file",
            "device": "`auto`, `cpu`, `cuda`, `cuda:1` or `mps`",
            "choice": " or ".join(f"`{name}`" for name in self.choices),
            "number": f"a number {span}",
            "odd": f"an odd whole number {span}",
            "colour": "three whole numbers from 0 to 255",
            "pipe": "options of `sam-pipe`",
            "any": "whatever the pipe takes",
        }
        return kinds[self.kind]

    @property
    def sample(self) -> str:
        """A value that it takes, other than its default where there is one."""
        other = next((choice for choice in self.choices if choice != self.default), "")
        return self.example or other


@dataclass(frozen=True)
class PipeSpec:
    """A registered pipe: its key, what makes it, the metrics it computes, its constructor keys.

    ``factory`` is a callable or ``"package.module:Name"``, imported on first use. ``options`` of
    ``None`` means that the factory's own signature decides. ``params`` are the runtime parameters
    that the metrics name. ``chosen_by`` is the option that names the model, whose default is part
    of the defaults of every configuration. ``aliases`` are taken as a metric's ``pipe_name`` too.
    ``details`` says what its measurements tell besides, by name.
    """

    key: str
    factory: PipeFactory | str
    metrics: tuple[Metric, ...]
    options: tuple[Option, ...] | None = None
    params: tuple[Option, ...] = ()
    chosen_by: str | None = None
    aliases: tuple[str, ...] = ()
    summary: str = ""
    details: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def takes(self) -> Mapping[str, Option]:
        """The declared options, by name."""
        return {option.name: option for option in self.options or ()}

    @cached_property
    def isolates(self) -> bool:
        """Whether an option is a SAM pipe, or its configuration."""
        return any(option.kind == "pipe" for option in self.options or ())

    @property
    def defaults(self) -> dict[str, Any]:
        """The defaults that every configuration starts from."""
        name = self.chosen_by
        return {} if name is None else {name: self.takes[name].default}

    def metric(self, name: object) -> Metric | None:
        """Return the metric called ``name``, or also called so, if there is one."""
        return next((m for m in self.metrics if name == m.name or name in m.aliases), None)

    def param(self, name: str) -> Option | None:
        """Return the declaration of a runtime parameter, if there is one."""
        return next((param for param in self.params if param.name == name), None)

    def load_factory(self) -> PipeFactory:
        """Return the callable that makes the pipe, importing its module if it is named."""
        if not isinstance(self.factory, str):
            return self.factory
        module, _, name = self.factory.partition(":")
        factory: PipeFactory = getattr(import_module(module), name)
        return factory

    def accepts(self, option: str) -> bool:
        """Tell whether the pipe's constructor takes the keyword ``option``."""
        if self.options is not None:
            return option in self.takes
        kinds = [parameter.kind for parameter in self._parameters]
        return option in self.option_names or inspect.Parameter.VAR_KEYWORD in kinds

    @property
    def option_names(self) -> tuple[str, ...]:
        """The keywords that the pipe's constructor names."""
        if self.options is not None:
            return tuple(self.takes)
        many = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        return tuple(one.name for one in self._parameters if one.kind not in many)

    @property
    def _parameters(self) -> tuple[inspect.Parameter, ...]:
        try:
            return tuple(inspect.signature(self.load_factory()).parameters.values())
        except ValueError:  # some classes that are written in C have none
            return (inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD),)


def class_of(package: str, name: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a pipe's package: its class, imported on first use."""

    def get(asked: str) -> Any:
        if asked != name:
            raise AttributeError(f"module {package!r} has no attribute {asked!r}")
        return getattr(import_module(f"{package}.pipe"), name)

    return get


DEVICE = Option(
    "device",
    "where it computes: auto, cpu, cuda, cuda:1, mps",
    "device",
    default="auto",
    example="cuda:1",
)
DTYPE = Option(
    "dtype",
    "the precision it computes in; auto: bfloat16 where the device multiplies in it (CUDA from"
    " capability 8.0, a processor with AMX or AVX512 instructions for it), else float32",
    "choice",
    default=FULL,
    choices=(FULL, "bfloat16", "float16", AUTO),
)
REVISION = Option(
    "revision",
    "branch, tag or commit of a hub model (default: main)",
    "text",
    empty=True,
    example="refs/pr/1",
)
SAM = Option(
    "sam",
    "options of the SAM that isolates objects, or a SAM pipe",
    "pipe",
    empty=True,
    example="{model_type: vit_l}",
)
FRAMING = Option(
    "framing",
    "how an image becomes the model's square input: the whole frame stretched, the checkpoint's own"
    " crop, or as AutoPipeline does it (image cropped, mask stretched)",
    "choice",
    default="stretch",
    choices=("stretch", "center-crop", "autopipeline"),
)
PATCH_MASK_THRESHOLD = Option(
    "patch_mask_threshold",
    "the share of a patch that must be measured for the patch to count",
    "number",
    default=0.1,
    example="0.5",
)
REFERENCE_PATCHES = Option(
    "reference_patches",
    "which patches of the reference are compared: all, as in the original, or those selected in the"
    " edited image, so that an unedited image scores zero",
    "choice",
    default="all",
    choices=("all", "selected"),
)
BG_COLOR = Option(
    "bg_color",
    "the colour around an isolated object",
    "colour",
    default=(255, 255, 255),
    example="[0, 0, 0]",
)
MEASURED_FRACTION = {"measured_fraction": "the share of the image that was measured"}
OF_PATCHES = {
    "n_patches": "patches of the model's input",
    "n_selected": "of them measured",
    "mixed_patches": "of those measured: patches that lie in the region in part only",
    "patch_mask_threshold": "as the metric's parameter",
    "framing": "as the pipe's option",
}
OF_OBJECTS = {
    "reference_boxes": "the boxes of the objects in the reference",
    "edited_boxes": "the boxes of the same objects in the edited image",
}
OF_ISOLATED = {
    **OF_OBJECTS,
    "bg_color": "the colour around the isolated objects",
    "similarities": "of each pair of objects",
}
