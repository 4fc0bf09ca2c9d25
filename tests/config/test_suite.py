"""The section ``suite`` of editmetrics.yaml."""

from __future__ import annotations

import os
import re

import pytest

from pytest_editmetrics.config.settings import load_settings
from pytest_editmetrics.config.suite import SuiteBound, SuiteSettings, read_suite
from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.pipes.registry import PipeRegistry


@pytest.fixture
def read(tmp_path):
    path = tmp_path / "conf" / "editmetrics.yaml"
    path.parent.mkdir()

    def read(text, *, through=read_suite):
        path.write_text(text, encoding="utf-8")
        return through(path, PipeRegistry(), tmp_path)

    return read


def test_every_gate_is_read_with_its_line(read, tmp_path):
    suite = read(
        "suite:\n"
        "  base: results/base.jsonl\n"
        "  lpips:\n"
        "    mean: {max: 0.03}\n"
        "    median: 0.02\n"
        "    p95: {max: 0.08}\n"
        "    regressions: {max: 3, by: 0.005}\n"
        "    paired: {alpha: 0.01}\n"
        "  sam_clip_cls_sim:\n"
        "    p5: {min: 0.8}\n"
    )
    where = "conf/editmetrics.yaml"
    assert suite == SuiteSettings(
        (
            SuiteBound("lpips", "lower", "mean", "max", 0.03, f"{where}:4"),
            SuiteBound("lpips", "lower", "median", "max", 0.02, f"{where}:5"),
            SuiteBound("lpips", "lower", "p95", "max", 0.08, f"{where}:6"),
            SuiteBound("lpips", "lower", "regressions", "max", 3, f"{where}:7", 0.005),
            SuiteBound("lpips", "lower", "paired", "min", 0.01, f"{where}:8"),
            SuiteBound("sam_clip_cls_sim", "higher", "p5", "min", 0.8, f"{where}:10"),
        ),
        tmp_path / "conf/results/base.jsonl",
        f"{where}:2",
    )


@pytest.mark.parametrize("text", ["", "suite:\n", "suite: {}\n"])
def test_without_a_section_there_is_no_suite(read, text):
    assert read(text) is None
    assert read(text, through=load_settings) is not None


def test_a_base_may_come_from_the_environment(read, monkeypatch, tmp_path):
    monkeypatch.setenv("BASE", "/somewhere/run")
    suite = read("suite: {base: '${env:BASE}', lpips: {mean: 1}}")
    assert str(suite.base) == "/somewhere/run"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("suite: [lpips]", 1, "suite must be a mapping"),
        ("suite: {base: b.jsonl}", 1, "suite holds no metric to anything"),
        (
            "suite:\n  lpisp: {mean: 1}",
            2,
            "unknown metric 'lpisp' (did you mean 'lpips'?)",
        ),
        ("suite:\n  lpips:", 2, "suite.lpips is empty; write `mean: {max: ...}`"),
        (
            "suite:\n  lpips:\n    meen: 1",
            3,
            "unknown key 'meen' in suite.lpips (did you mean 'mean'?)",
        ),
        ("suite:\n  lpips:\n    p0: 1", 3, "unknown key 'p0' in suite.lpips"),
        ("suite:\n  lpips:\n    p100: 1", 3, "unknown key 'p100' in suite.lpips"),
        ("suite:\n  lpips:\n    mean: {min: 1}", 3, "'min' on lpips, which is lower-is-better"),
        ("suite:\n  lpips:\n    mean: {max: -1}", 3, "can never hold"),
        (
            "suite:\n  lpips:\n    mean: {max: 1, review: 0}",
            3,
            "unknown key 'review' in mean of lpips",
        ),
        ("suite:\n  lpips:\n    mean: {}", 3, "mean of lpips without max: write {max: ...}"),
        ("suite:\n  lpips:\n    mean:", 3, "max of lpips must be a number, not empty"),
        (
            "suite:\n  base: b\n  lpips:\n    regressions: {by: 1}",
            4,
            "regressions of lpips without 'max'",
        ),
        (
            "suite:\n  base: b\n  lpips:\n    regressions: {max: 1.5}",
            4,
            "must be a whole number from 0, not 1.5",
        ),
        (
            "suite:\n  base: b\n  lpips:\n    regressions: {max: -1}",
            4,
            "must be a whole number from 0, not -1",
        ),
        (
            "suite:\n  base: b\n  lpips:\n    regressions: {max: 1, by: -1}",
            4,
            "must not be negative: -1",
        ),
        ("suite:\n  base: b\n  lpips:\n    paired: 0.01", 4, "must be a mapping"),
        ("suite:\n  base: b\n  lpips:\n    paired: {}", 4, "paired of lpips without 'alpha'"),
        (
            "suite:\n  base: b\n  lpips:\n    paired: {alpha: 0}",
            4,
            "is 0, outside [1e-06, 0.5]: the share of false alarms",
        ),
        (
            "suite:\n  base: b\n  lpips:\n    paired: {alpha: 5}",
            4,
            "is 5, outside [1e-06, 0.5]: the share of false alarms",
        ),
        ("suite:\n  base: [b]\n  lpips: {mean: 1}", 2, "base of suite must be text, not a list"),
    ],
)
@pytest.mark.parametrize("through", [read_suite, load_settings])
def test_what_makes_no_sense_is_an_error_with_its_line(read, text, line, message, through):
    pattern = rf"^conf/editmetrics.yaml:{line}: .*{re.escape(message)}"
    with pytest.raises(ConfigError, match=pattern):
        read(text, through=through)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links")
def test_a_base_beside_a_link_is_the_one_that_the_system_finds(read, tmp_path):
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "conf" / "plain").mkdir()
    (tmp_path / "conf" / "link").symlink_to(tmp_path / "far" / "away")
    through = read("suite: {base: link/../run, lpips: {mean: 1}}").base
    assert through.resolve() == tmp_path / "far" / "run"
    assert read("suite: {base: plain/../run, lpips: {mean: 1}}").base == tmp_path / "conf" / "run"


@pytest.mark.parametrize("alpha", [0.000001, 0.5])
def test_the_least_and_the_largest_share_of_false_alarms(read, alpha):
    bounds = read(f"suite: {{base: b, lpips: {{paired: {{alpha: {alpha}}}}}}}").bounds
    assert bounds[0].bound == alpha


def test_which_metrics_a_suite_holds_and_what_needs_its_base(read):
    suite = read("suite: {base: b, lpips: {mean: 1, regressions: {max: 1}}, emd: {p95: 3}}")
    assert suite.metrics == {"lpips", "emd"}
    needs = {bound.statistic: bound.compares for bound in suite.bounds}
    assert needs == {"mean": False, "regressions": True, "p95": False}
