"""YAML files that are made from the declarations of their keys, and what may be wrong with one."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from pytest_editmetrics.config.areas import REGION
from pytest_editmetrics.config.bounds import bounds as stated_bounds
from pytest_editmetrics.config.case_file import CASE, FILE
from pytest_editmetrics.config.keys import Block, Key, Schema
from pytest_editmetrics.config.manifest import ROW
from pytest_editmetrics.config.option_values import option_schema
from pytest_editmetrics.config.settings_keys import SETTINGS, metric_block
from pytest_editmetrics.config.suite import BASE, of_metric
from pytest_editmetrics.goldens.file import entry_of, variant_of
from pytest_editmetrics.measurement import Metric
from pytest_editmetrics.pipes.declared import PipeSpec
from pytest_editmetrics.pipes.registry import PipeRegistry

REGISTRY = PipeRegistry()
METRICS = tuple(REGISTRY.metrics.values())


@dataclass(frozen=True)
class Leaf:
    """A value that has no declared keys below it."""

    schema: Schema
    stated: st.SearchStrategy[Any] | None = None

    @cached_property
    def values(self) -> st.SearchStrategy[Any]:
        """The values that it takes."""
        return from_schema(self.schema) if self.stated is None else self.stated


@dataclass(frozen=True)
class ListOf:
    """A list of what ``item`` is."""

    item: Map


@dataclass(frozen=True)
class Map:
    """A mapping whose keys are declared: those of a block, or names of metrics, pipes, options."""

    inner: Mapping[str, Leaf | ListOf | Map]
    block: Block | None = None
    one_of: tuple[str, ...] = ()  # must stand; the first, if no other does

    def key(self, name: str) -> Key | None:
        """Return the declaration of a key."""
        return None if self.block is None else self.block.key(name)

    def beside(self, *names: str) -> list[str]:
        """Return the keys that must stand where these do, themselves included."""
        keys = [key for name in names if (key := self.key(name))]
        required = [key.name for key in self.block.keys if key.required] if self.block else []
        shape = self.one_of[:1] if not set(self.one_of) & set(names) else ()
        return list(dict.fromkeys([*required, *shape, *names, *(k.needs for k in keys if k.needs)]))


Shape = Leaf | ListOf | Map


def of_block(block: Block, **inner: Shape) -> Map:
    """Return the shape of a block; ``inner`` are those of keys whose kind does not tell it."""
    shapes: dict[str, Shape] = {}
    for key in block.keys:
        if key.name in inner:
            shapes[key.name] = inner[key.name]
        elif key.kind.block is not None:
            shapes[key.name] = of_block(key.kind.block)
        else:
            shapes[key.name] = Leaf(key.kind.schema(REGISTRY))
    return Map(shapes, block)


def by_metric(shape: Any) -> Map:
    """Return the shape of a mapping by metric."""
    return Map({metric.name: shape(metric) for metric in METRICS})


def options(spec: PipeSpec) -> Map:
    return Map({name: Leaf(option_schema(one, REGISTRY)) for name, one in spec.takes.items()})


def params(metric: Metric) -> Map:
    spec = REGISTRY.pipe_of(metric.name)
    declared = {name: spec.param(name) for name in metric.params}
    return Map({name: Leaf(option_schema(one, REGISTRY)) for name, one in declared.items() if one})


def numbers(metric: Metric) -> st.SearchStrategy[float]:
    low, high = (
        float(np.float32(edge if math.isfinite(edge) else where))
        for edge, where in ((metric.low, -1e6), (metric.high, 1e6))
    )
    return st.floats(low, high, exclude_min=True, exclude_max=True, width=32)


def pair(metric: Metric) -> st.SearchStrategy[tuple[float, float]]:
    """Give a bound, and a review on its good side."""
    two = st.lists(numbers(metric), min_size=2, max_size=2, unique=True)
    return two.map(lambda both: tuple(sorted(both, reverse=metric.bound_kind == "max")))  # type: ignore[arg-type,return-value]


def bounds(metric: Metric) -> Leaf:
    kind = metric.bound_kind
    both = pair(metric).map(lambda two: {kind: two[0], "review": two[1]})
    values = st.one_of(numbers(metric), numbers(metric).map(lambda value: {kind: value}), both)
    return Leaf(stated_bounds(metric, "default").schema(REGISTRY), values)


def metric_shape(metric: Metric) -> Map:
    taken = options(REGISTRY.pipe_of(metric.name))
    given = {"default_config": taken, "init_config": taken, "runtime_params": params(metric)}
    block = metric_block(metric, REGISTRY)
    return of_block(block, **given)


def suite() -> Map:
    base = Leaf(BASE.kind.schema(REGISTRY))
    names = tuple(REGISTRY.metrics)
    held = {m.name: replace(of_block(block := of_metric(m)), one_of=block.names) for m in METRICS}
    return Map({BASE.name: base, **held}, one_of=names)


_PATHS = st.sampled_from(["a.png", "sub/b.png", "sub/../c.png", "été.png"])
_SIDES = st.lists(st.integers(0, 64), min_size=2, max_size=2).map(sorted)
_BOX = st.tuples(_SIDES, _SIDES).map(lambda s: [s[0][0], s[1][0], s[0][1], s[1][1]])
_BOXES = st.lists(_BOX, min_size=1, max_size=3)
_CORNERS = [[[0, 0], [64, 0], [0, 64]], [[0, 0], [64, 0], [64, 64], [0, 64]]]


def region() -> Map:
    inner = {
        "boxes": Leaf(REGION.key("boxes").kind.schema(REGISTRY), _BOXES),  # type: ignore[union-attr]
        "polygons": Leaf(
            REGION.key("polygons").kind.schema(REGISTRY),
            st.lists(st.sampled_from(_CORNERS), min_size=1, max_size=2),
        ),  # type: ignore[union-attr]
        "mask": Leaf(REGION.key("mask").kind.schema(REGISTRY), _PATHS),  # type: ignore[union-attr]
    }
    return Map({**of_block(REGION).inner, **inner}, REGION, one_of=tuple(inner))


def pair_keys(block: Block) -> Map:
    """Return the shape of a case or a row."""
    plain = {key.name: key.kind.schema(REGISTRY) for key in block.keys}
    inner: dict[str, Shape] = {
        "reference": Leaf(plain["reference"], _PATHS),
        "edited": Leaf(plain["edited"], _PATHS),
        "ref_boxes": Leaf(plain["ref_boxes"], _BOXES),
        "edited_boxes": Leaf(plain["edited_boxes"], _BOXES),
        "coords": region(),
        "thresholds": by_metric(bounds),
    }
    return of_block(block, **inner)


def golden(metric: Metric) -> Map:
    kind = metric.bound_kind
    variant = of_block(variant_of(metric))
    env = Map({"cpu": variant, "cuda": variant, "nvidia-h200": variant, "smoke": variant})
    shape = of_block(entry_of(metric), env=env)
    assert kind in shape.inner
    return shape


def shapes() -> dict[str, Map]:
    """Return the shape of each kind of file."""
    every = REGISTRY.pipes.values()
    return {
        "settings": of_block(
            SETTINGS,
            pipes_default=Map({spec.key: options(spec) for spec in every}),
            metric_configs=by_metric(metric_shape),
            thresholds=by_metric(bounds),
            suite=suite(),
        ),
        "goldens": Map({"test_a[x]": by_metric(golden)}),
        "cases": of_block(FILE, cases=ListOf(pair_keys(CASE))),
        "manifest": pair_keys(ROW),
    }


SHAPES = shapes()


@dataclass(frozen=True)
class Place:
    """Where a key may be written: the mappings and lists that hold it, and what it may be."""

    path: tuple[str | int, ...]
    holders: tuple[Map | ListOf, ...]
    shape: Shape

    def __str__(self) -> str:
        return ".".join(map(str, self.path))

    @property
    def name(self) -> str:
        """The key."""
        return str(self.path[-1])

    @property
    def holder(self) -> Map:
        """The shape of the mapping that holds the key."""
        held = self.holders[-1]
        assert isinstance(held, Map)
        return held

    def holding(self, made: Any) -> Any:
        """Return the mapping of a file that holds the key."""
        for part in self.path[:-1]:
            made = made[part]
        return made

    def stands_in(self, made: Any) -> bool:
        """Tell whether a file states the key."""
        for part in self.path[:-1]:
            if isinstance(made, dict) and part not in made:
                return False
            made = made[part]
        return self.path[-1] in made


@cache
def places(kind: str) -> tuple[Place, ...]:
    """Return every place of a kind of file where a key is declared."""
    return tuple(_places(SHAPES[kind], (), ()))


def _places(
    shape: Shape, path: tuple[str | int, ...], holders: tuple[Map | ListOf, ...]
) -> Iterator[Place]:
    if isinstance(shape, ListOf):
        yield from _places(shape.item, (*path, 0), (*holders, shape))
    elif isinstance(shape, Map):
        for name, inner in shape.inner.items():
            place = Place((*path, name), (*holders, shape), inner)
            yield place
            yield from _places(inner, place.path, place.holders)


@st.composite
def files(draw: st.DrawFn, kind: str, place: Place) -> Any:
    """Give files of a kind that state the key of a place, and in which nothing is wrong."""
    shape = SHAPES[kind]
    return _agreeing(kind, draw(_drawn(shape, place.path)))


@st.composite
def _drawn(draw: st.DrawFn, shape: Shape, path: tuple[str | int, ...]) -> Any:
    """Give what a shape takes, with the key that ``path`` leads to, and perhaps one beside it."""
    if isinstance(shape, Leaf):
        return draw(shape.values)
    if isinstance(shape, ListOf):
        return [
            draw(_drawn(shape.item, path[1:])),
            *draw(st.lists(_drawn(shape.item, ()), max_size=1)),
        ]
    stated = [str(path[0])] if path else []
    if shape.inner and draw(st.booleans()):
        stated.append(draw(st.sampled_from(tuple(shape.inner))))
    names = shape.beside(*stated)
    return {
        name: draw(_drawn(shape.inner[name], path[1:] if path and name == path[0] else ()))
        for name in names
    }


def _agreeing(kind: str, made: dict[str, Any]) -> dict[str, Any]:
    """Return a file in which values that belong together do not contradict each other."""
    made = copy.deepcopy(made)
    for held in (made, *(made.get("cases", ()) if kind == "cases" else ())):
        if "metrics" in held and kind != "goldens":
            held["metrics"] = list({REGISTRY.metric(name).name: None for name in held["metrics"]})
    if kind == "settings":
        for block in made.get("metric_configs", {}).values():
            for name in ("init_config", "default_config"):
                block.get(name, {}).pop("scope", None)
        _bounds_of_what_is_compared(made.get("golden_images", {}))
    if kind == "goldens":
        for gates in made.values():
            for name, entry in gates.items():
                for each in (entry, *entry.get("env", {}).values()):
                    _ordered(REGISTRY.metrics[name], each)
    for number, case in enumerate(made.get("cases", ()) if kind == "cases" else ()):
        # an id of underscores is a name that is taken, once it ends in a number
        case["id"] = f"{case['id'].strip('_ ') or 'case'}{number}"
    for pair in {"cases": made.get("cases", []), "manifest": [made]}.get(kind, []):
        both = [name for name in ("ref_boxes", "edited_boxes") if name in pair]
        fewest = min((len(pair[name]) for name in both), default=0)
        pair.update({name: pair[name][:fewest] for name in both})
        if kind == "manifest":
            _measure_what_is_bounded(pair)
            _give_boxes(pair)
        elif "metrics" in made or "metrics" in pair:
            pair.setdefault("metrics", list(made.get("metrics", ())))
            _measure_what_is_bounded(pair)
    return made


def _bounds_of_what_is_compared(images: dict[str, Any]) -> None:
    """Leave out bounds of comparators that ``comparator`` leaves out, or gives a bound itself."""
    if "comparator" not in images:
        return
    named = images["comparator"]
    bounded = named if isinstance(named, dict) else {}
    names = [named] if isinstance(named, str) else list(named)
    free = {name for name in names if bounded.get(name) is None}
    for held in (images, images.get("tile", {})):
        if "tolerance" in held:
            held["tolerance"] = {k: v for k, v in held["tolerance"].items() if k in free}


def _ordered(metric: Metric, entry: dict[str, Any]) -> None:
    kind = metric.bound_kind
    if "review" in entry:
        low, high = sorted((entry[kind], entry["review"]))
        if low == high:
            del entry["review"]
        else:
            entry[kind], entry["review"] = (high, low) if kind == "max" else (low, high)


def _measure_what_is_bounded(row: dict[str, Any]) -> None:
    bounded = list(row.get("thresholds", ()))
    if bounded or "metrics" in row:
        row["metrics"] = list(dict.fromkeys([*row.get("metrics", ()), *bounded]))


def _give_boxes(row: dict[str, Any]) -> None:
    """Give a row the boxes that its metrics need."""
    objects = any(REGISTRY.metric(name).compares == "objects" for name in row.get("metrics", ()))
    if objects and not row.get("ref_boxes"):
        row.update(ref_boxes=[[0, 0, 9, 9]], edited_boxes=[[1, 0, 10, 9]])


def from_schema(schema: Schema) -> st.SearchStrategy[Any]:
    """Give values that a schema takes."""
    if "anyOf" in schema:
        return st.one_of(*map(from_schema, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type", ["string", "integer", "boolean"])
    made = [_of_type(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return st.one_of(*made)


def _of_type(kind: str, schema: Schema) -> st.SearchStrategy[Any]:
    if kind in ("number", "integer"):
        return _number(kind, schema)
    if kind == "string":
        return _text(schema.get("pattern", ""))
    if kind == "array":
        least, most = schema.get("minItems", 0), schema.get("maxItems", 3)
        unique = (lambda item: repr(item)) if schema.get("uniqueItems") else None
        items = from_schema(schema.get("items", {}))
        return st.lists(items, min_size=least, max_size=most, unique_by=unique)
    if kind == "object":
        if "properties" in schema:
            inner = {name: from_schema(each) for name, each in schema["properties"].items()}
            needed = {name: inner.pop(name) for name in schema.get("required", ())}
            least = schema.get("minProperties", 0)
            made = st.fixed_dictionaries(needed, optional=inner)
            return made.filter(lambda made: len(made) >= least) if least else made
        names = schema.get("propertyNames", {"type": "string"})
        inner = schema.get("additionalProperties", {})
        low, high = schema.get("minProperties", 0), schema.get("maxProperties", 2)
        return st.dictionaries(from_schema(names), from_schema(inner), min_size=low, max_size=high)
    return {"null": st.none(), "boolean": st.booleans()}[kind]


@cache
def _text(pattern: str) -> st.SearchStrategy[str]:
    plain = st.text("abxz_9é. flot012346,smucdp:", min_size=1, max_size=8)
    named = st.sampled_from(["a", "b", "none", "94bbe0919378", "512x384"])
    return st.one_of(named, plain).filter(re.compile(pattern.replace("$", r"\Z")).search)


def _number(kind: str, schema: Schema) -> st.SearchStrategy[Any]:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -1e6))
    high = schema.get("maximum", schema.get("exclusiveMaximum", 1e6))
    if kind == "integer":
        whole = st.integers(math.ceil(low), math.floor(high))
        return whole.filter(lambda value: value % 2 == 1) if "not" in schema else whole
    return st.floats(
        low,
        high,
        exclude_min="exclusiveMinimum" in schema,
        exclude_max="exclusiveMaximum" in schema,
    )
