"""The JSON Schema of the YAML files, for editors that complete and check while one types.

It knows the registered pipes and metrics. A key of one's own that only ``${...}`` refers to is
accepted when a file is read, not by the schema; in a file attached by ``_base_`` it is no matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, Literal

from pytest_editmetrics.config.case_file import MARKS_OF_OTHER_KEYS
from pytest_editmetrics.config.expect import EXPECTATIONS
from pytest_editmetrics.config.golden_images import (
    COMPARATORS,
    FORMATS,
    LARGEST_TILE,
    LIMITS,
    SMALLEST_TILE,
    WITH_TOLERANCE,
)
from pytest_editmetrics.config.settings import AUTOPIPELINE_KEYS, AUTOPIPELINE_PIPES
from pytest_editmetrics.config.suite import AVERAGES, BASE, PERCENTILE
from pytest_editmetrics.measurement import SCOPES, Metric
from pytest_editmetrics.pipes.declared import Option, PipeSpec
from pytest_editmetrics.pipes.registry import PipeRegistry

Schema = dict[str, Any]
Kind = Literal["settings", "goldens", "cases"]

KINDS: tuple[Kind, ...] = ("settings", "goldens", "cases")
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_REFERENCE: Schema = {"type": "string", "pattern": r"\$\{[^${}]*\}"}
_TEXT: Schema = {"type": "string", "pattern": r"\S"}
_NUMBER: Schema = {"type": "number"}
_NAMES: Schema = {"type": "array", "items": {"type": "string", "pattern": r"^[^\W\d]\w*$"}}
_IMAGE: Schema = {"type": "string", "pattern": r"^(?!/|[A-Za-z]:).*\S"}
_WEIGHTS: Schema = {"type": "string", "pattern": "^(none|[0-9a-f]{8,64}( [0-9a-f]{8,64})*)$"}
_BOX: Schema = {"type": "array", "items": _NUMBER, "minItems": 4, "maxItems": 4}
_EXPECT: Schema = {"enum": [*EXPECTATIONS, None]}
_BOXES: Schema = {"type": ["array", "null"], "items": _BOX}
_REGION: Schema = {
    "type": "object",
    "properties": {
        "boxes": {"type": "array", "items": _BOX},
        "polygons": {
            "type": "array",
            "items": {
                "type": "array",
                "items": {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2},
                "minItems": 3,
            },
        },
        "mask": _IMAGE,
        "dilate": {"type": "integer", "minimum": 0},
    },
    "additionalProperties": False,
    "anyOf": [{"required": [key]} for key in ("boxes", "polygons", "mask")],
}
_COLOUR: Schema = {
    "type": "array",
    "items": {"type": "integer", "minimum": 0, "maximum": 255},
    "minItems": 3,
    "maxItems": 3,
}
_AREA: Schema = {"anyOf": [_IMAGE, {"type": "array", "items": {"anyOf": [_BOX, _REGION]}}, _REGION]}


def json_schema(registry: PipeRegistry, kind: Kind | None = None) -> Schema:
    """Return a JSON Schema (draft 2020-12) of the YAML files.

    Args:
        registry: the known pipes and metrics.
        kind: ``settings`` (``editmetrics.yaml``), ``goldens`` or ``cases`` for a schema of just
            these files; ``None`` for one that holds the three under ``$defs``.

    >>> sorted(json_schema(PipeRegistry())["$defs"])
    ['cases', 'goldens', 'settings']
    >>> json_schema(PipeRegistry(), "goldens")["title"]
    'pytest-editmetrics: golden thresholds'
    """
    schemas: dict[Kind, Schema] = {
        "settings": _settings(registry),
        "goldens": _goldens(registry),
        "cases": _cases(registry),
    }
    if kind is not None:
        return {"$schema": DIALECT, **schemas[kind]}
    return {"$schema": DIALECT, "title": "pytest-editmetrics", "$defs": schemas}


def _object(properties: Mapping[str, Schema], *, required: Iterable[str] = ()) -> Schema:
    schema: Schema = {"type": "object", "properties": dict(properties)}
    return {**schema, "additionalProperties": False, "required": list(required)}


def _anything(keys: Iterable[str]) -> dict[str, Schema]:
    return {key: {} for key in keys}


def _or_empty(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _or_reference(schema: Schema) -> Schema:
    return {"anyOf": [schema, _REFERENCE]}


def _with_references(schema: Schema) -> Schema:
    """Return a schema in which every value below may be a ``${...}``."""
    changed = dict(schema)
    for children in ("properties", "patternProperties"):
        if children in schema:
            changed[children] = {
                key: _or_reference(_with_references(child))
                for key, child in schema[children].items()
            }
    if "items" in schema:
        changed["items"] = _or_reference(_with_references(schema["items"]))
    if "anyOf" in schema:
        changed["anyOf"] = [_with_references(child) for child in schema["anyOf"]]
    return changed


def _settings(registry: PipeRegistry) -> Schema:
    paths = {"type": "string", "minLength": 1}
    base: Schema = {
        "anyOf": [
            paths,
            {"type": "array", "items": paths},
            {"type": "object", "additionalProperties": paths},
        ]
    }
    pipes = {key: _or_empty(_options(spec, registry)) for key, spec in registry.pipes.items()}
    named = _named(registry)
    blocks = {name: _or_empty(_block(metric, registry)) for name, metric in named.items()}
    bounds = {name: _bounds(metric) for name, metric in named.items()}
    ours = _object(
        {
            "metrics": _or_empty(_metric_names(registry)),
            "expect": _EXPECT,
            "pipes_default": _or_empty(_object({**_anything(AUTOPIPELINE_PIPES), **pipes})),
            "metric_configs": _or_empty(_object(blocks)),
            "thresholds": _or_empty(_object(bounds)),
            "golden_images": _or_empty(_golden_images()),
            "suite": _or_empty(_suite(registry)),
        }
    )
    ours = _with_references(ours)
    ours["properties"] |= {"_base_": base, **_anything(AUTOPIPELINE_KEYS)}
    return {"title": "pytest-editmetrics: editmetrics.yaml", **_or_empty(ours)}


def _suite(registry: PipeRegistry) -> Schema:
    by = {"type": "number", "minimum": 0}
    most = {"type": "integer", "minimum": 0}
    alpha = {"type": "number", "minimum": 1e-6, "maximum": 0.5}
    metrics = {}
    for name, metric in _named(registry).items():
        bound, kind = _bound(metric), metric.bound_kind
        average: Schema = {"anyOf": [bound, _object({kind: bound}, required=[kind])]}
        of_metric = {
            **dict.fromkeys(AVERAGES, average),
            "regressions": _object({"max": most, "by": by}, required=["max"]),
            "paired": _object({"alpha": alpha, "by": by}, required=["alpha"]),
        }
        metrics[name] = {
            **_object(of_metric),
            "patternProperties": {f"^{PERCENTILE}$": average},
            "minProperties": 1,
        }
    return _object({BASE: {"type": ["string", "null"], "pattern": r"\S"}, **metrics})


def _golden_images() -> Schema:
    tolerance = _object({name: _between(*LIMITS[name]) for name in WITH_TOLERANCE})
    size = {"type": "integer", "minimum": SMALLEST_TILE, "maximum": LARGEST_TILE}
    return _object(
        {
            "comparator": {"enum": [*COMPARATORS, None]},
            "format": {"enum": [*FORMATS, None]},
            "tolerance": _or_empty(tolerance),
            "tile": _or_empty(
                _object({"size": _or_empty(size), "tolerance": _or_empty(tolerance)})
            ),
            "distance": _or_empty({"type": "integer", "minimum": 0, "maximum": 254}),
        }
    )


def _options(spec: PipeSpec, registry: PipeRegistry, *more: str) -> Schema:
    if spec.options is None:
        return {"type": "object"}
    options = {key: _option(option, registry) for key, option in spec.takes.items()}
    return _object({**options, **{key: {"enum": [*SCOPES, None]} for key in more}})


def _option(option: Option, registry: PipeRegistry) -> Schema:
    schema: Schema = {}
    if option.kind == "pipe":
        schema = _options(registry.pipe("sam-pipe"), registry)
    elif option.kind == "choice":
        schema = {"enum": list(option.choices)}
    elif option.kind == "number":
        schema = _between(option.low, option.high)
    elif option.kind == "colour":
        schema = _COLOUR
    elif option.kind != "any":
        schema = _TEXT
    return _or_empty(schema) if option.empty else schema


def _block(metric: Metric, registry: PipeRegistry) -> Schema:
    spec = registry.pipe_of(metric.name)
    options = _or_empty(_options(spec, registry, "scope"))
    scopes = SCOPES if metric.compares == "region" else (metric.scope,)
    part = {"type": "number", "minimum": 0}
    declared = {key: spec.param(key) for key in metric.params}
    params = {key: {} if p is None else _option(p, registry) for key, p in declared.items()}
    return _object(
        {
            "pipe_name": {"enum": [spec.key, *spec.aliases]},
            "default_config": options,
            "init_config": options,
            "scope": {"enum": [*scopes, None]},
            "runtime_params": _or_empty(_object(params)),
            "margin": _or_empty(_object({"relative": part, "absolute": part})),
        }
    )


def _named(registry: PipeRegistry) -> dict[str, Metric]:
    """Return every metric by each of its names."""
    return {name: registry.metric(name) for name in registry.names}


def _metric_names(registry: PipeRegistry) -> Schema:
    names = {"enum": list(_named(registry))}
    return {"type": "array", "items": names, "minItems": 1, "uniqueItems": True}


def _bound(metric: Metric) -> Schema:
    low, high = metric.low, metric.high
    within = _between(low, high)
    end = "maximum" if metric.bound_kind == "max" else "minimum"
    if end in within:
        within[f"exclusive{end.capitalize()}"] = within.pop(end)
    return within


def _between(low: float, high: float) -> Schema:
    ends = {"minimum": low, "maximum": high}
    return {**_NUMBER, **{key: end for key, end in ends.items() if isfinite(end)}}


def _bounds(metric: Metric) -> Schema:
    bound, kind = _bound(metric), metric.bound_kind
    return {"anyOf": [bound, _object({kind: bound, "review": bound}, required=[kind])]}


def _goldens(registry: PipeRegistry) -> Schema:
    gates: Schema = {"type": ["object", "null"], "additionalProperties": False}
    gates["patternProperties"] = {
        f"^{re.escape(name)}(@.*\\S.*)?$": _golden(metric)
        for name, metric in registry.metrics.items()
    }
    title = "pytest-editmetrics: golden thresholds"
    return {"title": title, "type": ["object", "null"], "additionalProperties": gates}


def _golden(metric: Metric) -> Schema:
    kind, bound = metric.bound_kind, _bound(metric)
    values = {kind: bound, "review": bound, "measured": _NUMBER, "weights": _WEIGHTS}
    together = {"dependentRequired": {"review": [kind]}}
    env: Schema = {"type": ["object", "null"], "propertyNames": {"pattern": "^[^A-Z]+$"}}
    env["additionalProperties"] = _or_empty({**_object(values), **together})
    return _or_empty({**_object({**values, "env": env}), **together})


def _cases(registry: PipeRegistry) -> Schema:
    identifier: Schema = {"type": "string", "pattern": r"^\S([^\x00-\x1f\x7f]*\S)?$"}
    identifier["not"] = {"pattern": "::"}
    bounds = {name: _bounds(metric) for name, metric in _named(registry).items()}
    name: Schema = {**_NAMES["items"], "not": {"enum": list(MARKS_OF_OTHER_KEYS)}}
    with_arguments: Schema = {"type": "object", "minProperties": 1, "maxProperties": 1}
    with_arguments |= {"propertyNames": name, "additionalProperties": {"type": ["object", "null"]}}
    marks: Schema = {"type": "array", "items": {"anyOf": [name, with_arguments]}}
    case = _object(
        {
            "id": identifier,
            "reference": _IMAGE,
            "edited": _or_empty(_IMAGE),
            "coords": {"anyOf": [_AREA, {"type": "null"}]},
            "ref_boxes": _BOXES,
            "edited_boxes": _BOXES,
            "metrics": _or_empty(_metric_names(registry)),
            "thresholds": _or_empty(_object(bounds)),
            "params": {"type": ["object", "null"]},
            "marks": _or_empty(marks),
            "usefixtures": _or_empty(_NAMES),
            "resize": {"enum": ["reference", None]},
            "expect": _EXPECT,
        },
        required=["id", "reference"],
    )
    cases = {"type": "array", "items": case, "minItems": 1}
    whole = {"metrics": _or_empty(_metric_names(registry)), "cases": cases}
    return {"title": "pytest-editmetrics: cases", **_object(whole, required=["cases"])}
