"""Other names of a metric: taken wherever a metric is written, and resolved to its own."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from pytest_editmetrics.cli.schema import json_schema
from pytest_editmetrics.config.case_file import read_case_file
from pytest_editmetrics.config.settings import load_settings
from pytest_editmetrics.config.suite import read_suite
from pytest_editmetrics.errors import ConfigError, InputError
from pytest_editmetrics.goldens.file import read_golden_file
from pytest_editmetrics.measurement import Metric
from pytest_editmetrics.pipes.registry import BUILTIN, PipeRegistry
from pytest_editmetrics.suites.compare import _by_metric
from pytest_editmetrics.suites.pairs import Bound

STRUCTURE, ALIAS = "dino_structure_sim", "dinov3_structure_similarity"


def settings(tmp_path: Path, text: str):
    path = tmp_path / "editmetrics.yaml"
    path.write_text(text)
    return load_settings(path, PipeRegistry(), tmp_path)


def test_the_registry_resolves_them():
    registry = PipeRegistry()
    assert registry.metric(ALIAS) is registry.metric(STRUCTURE)
    assert registry.metric("iou").name == "mask_iou"
    assert registry.pipe_of(ALIAS).key == "dino-v3-pipe"
    assert ALIAS in registry.names
    assert ALIAS not in registry.metrics
    with pytest.raises(InputError, match=f"did you mean '{ALIAS}'"):
        registry.metric("dinov3_structure_similarit")


def test_the_settings_know_the_metric_by_its_own_name(tmp_path):
    read = settings(
        tmp_path,
        f"metrics: [lpips, {ALIAS}]\nmetric_configs: {{{ALIAS}: {{scope: unedit_area}}}}\n"
        f"thresholds: {{{ALIAS}: {{min: 0.9}}}}\n",
    )
    assert read.metrics == ("lpips", STRUCTURE)
    assert read.metric_configs[STRUCTURE].scope == "unedit_area"
    assert read.thresholds[STRUCTURE].bound == 0.9


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"metrics:\n- {STRUCTURE}\n- {ALIAS}\n", 3),
        (f"thresholds:\n  {ALIAS}: 0.9\n  {STRUCTURE}: 0.9\n", 3),
        (f"metric_configs:\n  {STRUCTURE}:\n  {ALIAS}:\n", 3),
    ],
)
def test_both_names_are_one_too_many(tmp_path, text, line):
    with pytest.raises(ConfigError, match=f"yaml:{line}: .*are one metric, {STRUCTURE}"):
        settings(tmp_path, text)


def test_cases(tmp_path):
    path = tmp_path / "test_a.edit.yaml"
    path.write_text(
        f"metrics: [iou]\ncases:\n- {{id: a, reference: a.png, thresholds: {{iou: 0.5}}}}\n"
        f"- {{id: b, reference: a.png, metrics: [{ALIAS}]}}\n"
    )
    read = read_case_file(path, PipeRegistry(), tmp_path)
    assert read.cases[0].thresholds["mask_iou"].bound == 0.5
    assert read.cases[1].metrics == (STRUCTURE,)
    assert read.metrics == ("mask_iou",)


def test_a_golden_file_knows_own_names_only(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("test_a:\n  iou@mug: {min: 0.5}\n")
    with pytest.raises(ConfigError, match=r"x\.yaml:2: 'iou' is another name of mask_iou"):
        read_golden_file(path, PipeRegistry(), tmp_path)


def test_an_editor_completes_them():
    properties = json_schema(PipeRegistry(), "settings")["properties"]
    items = properties["metrics"]["anyOf"][0]["items"]["anyOf"][0]
    assert {ALIAS, STRUCTURE, "iou"} <= set(items["enum"])


def test_an_editor_takes_what_the_configuration_takes(tmp_path):
    text = "metric_configs: {ssim: {pipe_name: ssim-pipe}}\nsuite: {iou: {mean: 0.5}}\n"
    (bound,) = parse_suite_of(tmp_path, text)
    assert bound.metric == "mask_iou"
    assert settings(tmp_path, text).metric_configs["unedit_ssim"].pipe_name
    Draft202012Validator(json_schema(PipeRegistry(), "settings")).validate(yaml.safe_load(text))


def parse_suite_of(tmp_path, text):
    path = tmp_path / "editmetrics.yaml"
    path.write_text(text)
    suite = read_suite(path, PipeRegistry(), tmp_path)
    assert suite is not None
    return suite.bounds


def test_a_suite_holds_a_metric_once(tmp_path):
    with pytest.raises(ConfigError, match=r"yaml:3: .*are one metric, mask_iou"):
        parse_suite_of(tmp_path, "suite:\n  iou: {mean: 0.5}\n  mask_iou: {mean: 0.5}\n")


def test_bounds_of_compare():
    given = Bound("iou", 0.1, False)
    assert _by_metric([given], ["mask_iou"]) == {"mask_iou": Bound("mask_iou", 0.1, False)}
    assert _by_metric([given], ["iou"]) == {"iou": given}
    with pytest.raises(InputError, match="names mask_iou twice"):
        _by_metric([given, Bound("mask_iou", 0.2, False)], ["mask_iou"])


def test_a_users_metric_comes_before_another_name():
    registry = PipeRegistry()
    registry.register("my-pipe", object, metrics=[Metric("iou", "higher", aliases=("overlap",))])
    assert registry.pipe_of("iou").key == "my-pipe"
    assert registry.metric("overlap").name == "iou"
    assert registry.metric("mask_iou").name == "mask_iou"


@pytest.mark.parametrize("taken", ["lpips", ALIAS])
def test_a_name_that_is_taken(taken):
    with pytest.raises(InputError, match=f"'{taken}', another name of sharp of pipe 'a-pipe'"):
        PipeRegistry().register(
            "a-pipe", object, metrics=[Metric("sharp", "lower", aliases=(taken,))]
        )


@pytest.mark.parametrize("spec", BUILTIN, ids=lambda spec: spec.key)
def test_a_pipe_takes_what_it_declares_and_nothing_else(spec):
    pipe = spec.load_factory()
    assert pipe.spec is spec
    taken = inspect.signature(pipe).parameters
    assert {name: option.default for name, option in spec.takes.items()} == {
        name: parameter.default for name, parameter in taken.items()
    }
    for metric in spec.metrics:
        assert all(spec.param(name) is not None for name in metric.params)
        assert metric.summary, metric.definition
        assert metric.source, metric.blind
