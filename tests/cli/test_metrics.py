"""`editmetrics metrics`."""

from __future__ import annotations

import json
import sys

import pytest

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.pipes import autopipeline
from pytest_editmetrics.pipes.registry import BUILTIN, PipeRegistry

CONFTEST = """
from pytest_editmetrics import Metric


def pytest_editmetrics_register_pipes(registry):
    depth = Metric("depth_ssim", "higher", params=("gamma",), summary="depth \\x1b[31m")
    registry.register("depth-pipe", dict, metrics=[depth])
"""


def told(capsys, *argv):
    assert main(["metrics", *argv]) == 0
    return capsys.readouterr().out


def row(text, name):
    (line,) = [line for line in text.splitlines() if line.split()[:1] == [name]]
    return line.split()


def test_every_metric_is_a_row_and_those_not_provided_come_below(pytester, capsys):
    above, _, below = told(capsys).partition("not provided here")
    for name in PipeRegistry().metrics:
        assert row(above, name)
    assert row(above, "drift_px")[:6] == [
        "drift_px", "lower", "from", "0", "px", "unedit_area",
    ]  # fmt: skip
    for name in autopipeline.metrics():
        assert row(below, name)[1:] == ", ".join(autopipeline.pipes_of(name)).split()
        assert name not in above


def test_a_pipe_of_the_conftest_is_listed_and_no_longer_missing(pytester, capsys):
    pytester.makeconftest(CONFTEST)
    above, _, below = told(capsys).partition("not provided here")
    assert row(above, "depth_ssim")[1:6] == ["higher", "any", "number", "unedit_area", "depth-pipe"]
    assert "depth \\x1b[31m" in above
    assert "depth_ssim" not in below
    assert "parameter    gamma\n" in told(capsys, "depth_ssim")


@pytest.mark.parametrize("spec", BUILTIN, ids=lambda spec: spec.key)
def test_of_one_all_that_is_declared_is_told(spec, pytester, capsys):
    metric = spec.metrics[0]
    for name in (metric.name, *metric.aliases):
        text = told(capsys, name)
        for part in (metric.name, *metric.aliases, spec.key, metric.scope, metric.bound_kind):
            assert part in text
        for part in (metric.summary, metric.definition, metric.source, metric.blind):
            assert part
            assert part in text
        for param in metric.params:
            option = spec.param(param)
            assert f"{param}: {option.text}; " in text
            assert f" (default: {option.default})\n" in text


def test_as_json(pytester, capsys):
    every = json.loads(told(capsys, "--json"))
    assert [one["name"] for one in every["metrics"]] == list(PipeRegistry().metrics)
    assert every["not_provided"]["depth_ssim"] == ["depth-anything-v2-pipe"]
    one = json.loads(told(capsys, "ssim", "--json"))
    assert one in every["metrics"]
    assert one["name"] == "unedit_ssim"
    assert one["params"][0]["default"] == 11
    assert one["margin"] == {"relative": 0.0, "absolute": 0.01}
    (lpips,) = [one for one in every["metrics"] if one["name"] == "lpips"]
    assert (lpips["low"], lpips["high"]) == (0.0, None)


@pytest.mark.parametrize(
    ("name", "says"),
    [("lpisp", "did you mean 'lpips'"), ("depth_ssim", "depth-anything-v2-pipe, which is not")],
)
def test_an_unknown_one_is_an_error(name, says, pytester, capsys):
    assert main(["metrics", name]) == 2
    assert says in capsys.readouterr().err


def test_a_project_whose_warnings_are_errors(pytester, monkeypatch):
    for name in ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_PLUGINS"):  # as at a user's
        monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    command = "from pytest_editmetrics.cli.main import main; raise SystemExit(main(['metrics']))"
    done = pytester.run(sys.executable, "-c", command)
    assert done.ret == 0
    done.stderr.no_fnmatch_line("*Traceback*")
    done.stdout.fnmatch_lines(["lpips *"])
