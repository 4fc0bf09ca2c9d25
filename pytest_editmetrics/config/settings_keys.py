"""The keys of ``editmetrics.yaml``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pytest_editmetrics.config import asset_roots, golden_block, golden_bounds
from pytest_editmetrics.config.bounds import BOUNDS, bounds
from pytest_editmetrics.config.case_fields import COLOUR, EXPECTED
from pytest_editmetrics.config.keys import (
    Block,
    Key,
    Kind,
    Schema,
    mapping,
    number,
    of_metrics,
    or_empty,
    unread,
)
from pytest_editmetrics.config.metric_keys import METRICS
from pytest_editmetrics.config.option_values import options_schema, params_schema, runtime_params
from pytest_editmetrics.config.sizes import SIZES
from pytest_editmetrics.config.suite import SUITE
from pytest_editmetrics.measurement import SCOPES, Metric
from pytest_editmetrics.pipes import autopipeline
from pytest_editmetrics.pipes.declared import Option
from pytest_editmetrics.pipes.registry import PipeRegistry

NOT_PROVIDED: Schema = {
    "description": "of AutoPipeline, and not provided here: a block of it is taken and does nothing"
}
OPTIONS = "the constructor's keywords of the pipe"


def _samples(options: Iterable[Option]) -> str:
    """Return the example of a mapping of options: the first of them."""
    return "{" + next((f"{one.name}: {one.sample}" for one in options), "") + "}"


def _pipes_schema(registry: PipeRegistry) -> Schema:
    pipes = {
        key: or_empty({"description": spec.summary, **options_schema(spec, registry)})
        for key, spec in registry.pipes.items()
    }
    return mapping({**dict.fromkeys(autopipeline.PIPES, NOT_PROVIDED), **pipes})


def metric_block(metric: Metric, registry: PipeRegistry) -> Block:
    """Return the keys under a metric of ``metric_configs``."""
    spec = registry.pipe_of(metric.name)
    scopes = SCOPES if metric.compares == "region" else (metric.scope,)
    scope = {"scope": or_empty({"enum": list(scopes)})}
    options = options_schema(spec, registry)
    if spec.options is not None:
        options = {**options, "properties": {**options["properties"], **scope}}
    keywords = unread(OPTIONS, lambda _: options)
    params = Kind(
        "the metric's runtime parameters",
        lambda node, what, registry: runtime_params(metric, node, registry),
        lambda registry: params_schema(metric, registry),
    )
    share = number(0, 4, ": it is a share of the value, so write 0.15 for 15 %")
    relative, absolute = metric.margin.relative, metric.margin.absolute
    margin = Block(
        f"margin of {metric.name}",
        "how far a bound that --editmetrics-update or `editmetrics approve` records lies from the"
        " measured value: the larger of the two",
        (
            Key("relative", share, "a share of the value", "0.15", f"{relative:g}", empty=False),
            Key("absolute", number(0), "an amount", "0.005", f"{absolute:g}", empty=False),
        ),
    )
    return Block(
        f"metric_configs.{metric.name}",
        "how a metric is measured",
        (
            Key(
                "pipe_name",
                unread(f"`{spec.key}`", lambda _: {"enum": [spec.key, *spec.aliases]}),
                "the pipe that computes the metric",
                spec.key,
                spec.key,
                empty=False,
            ),
            Key(
                "default_config",
                keywords,
                "the pipe's options, in place of those under `pipes_default`, before `init_config`"
                " changes some",
                f"${{pipes_default.{spec.key}}}",
                f"${{pipes_default.{spec.key}}}",
            ),
            Key(
                "init_config",
                keywords,
                "options of the pipe for this metric: key by key they replace those of"
                " `default_config`",
                _samples(spec.options or ()),
            ),
            Key(
                "scope",
                unread(
                    " or ".join(f"`{name}`" for name in scopes), lambda _: {"enum": list(scopes)}
                ),
                "where it measures: inside the boxes (edit_area) or outside them (unedit_area)",
                metric.scope,
                metric.scope,
            ),
            Key(
                "runtime_params",
                params,
                "how it measures",
                _samples(param for name in metric.params if (param := spec.param(name))),
            ),
            Key("margin", margin.kind(), margin.text, "{relative: 0.15}", call=margin.call),
        ),
    )


def _blocks_schema(registry: PipeRegistry) -> Schema:
    blocks = of_metrics("", lambda m, registry: metric_block(m, registry).kind())
    schema = blocks.schema(registry)
    foreign: dict[str, Schema] = {
        name: NOT_PROVIDED for name in autopipeline.metrics() if name not in registry.names
    }
    ours = {name: or_empty(block) for name, block in schema["properties"].items()}
    pipes = [pipe for pipe in autopipeline.PIPES if pipe not in registry.aliases]
    pipe: Schema = {"pipe_name": {"enum": pipes}}
    theirs = {"type": "object", "properties": pipe, "required": list(pipe)}
    return {**schema, "properties": {**foreign, **ours}, "additionalProperties": theirs}


_BLOCKS = unread("blocks by metric", _blocks_schema)
SETTINGS = Block(
    "",
    "editmetrics.yaml: which pipe measures each metric, how, and the default thresholds",
    (
        Key(
            "metrics",
            METRICS,
            "what is measured where a test, case or row names no metrics",
            "[lpips, emd]",
            "[lpips]",
            call="metrics",
        ),
        replace(EXPECTED, default=""),
        *SIZES,
        replace(COLOUR, default="seen"),
        Key(
            "pipes_default",
            unread("options by pipe", _pipes_schema),
            "constructor options of the pipes",
            "{lpips-pipe: {net: alex}}",
        ),
        Key(
            "metric_configs",
            _BLOCKS,
            "how single metrics are measured",
            "{emd: {scope: unedit_area}}",
        ),
        Key(
            "thresholds",
            of_metrics(BOUNDS, lambda metric, _: bounds(metric, "default")),
            "bounds for a test, case or row without a golden of its own",
            "{lpips: {max: 0.1, review: 0.06}}",
            call="thresholds",
        ),
        Key(
            "golden_images",
            golden_bounds.KIND,
            golden_block.BLOCK.text,
            "{comparator: ssim}",
            call="golden_images",
        ),
        asset_roots.KEY,
        Key(
            "suite",
            SUITE,
            "what all gates of a metric are held to together",
            "{lpips: {mean: {max: 0.05}}}",
            call="suite",
        ),
    ),
)
