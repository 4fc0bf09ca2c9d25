"""AutoPipeline's task files load as they stand; what is not provided is said where it is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import convolve2d
from tiny_models import make_dino

from pytest_editmetrics.config.settings import load_settings
from pytest_editmetrics.errors import ConfigError, InputError
from pytest_editmetrics.measurement import Metric
from pytest_editmetrics.pipes import autopipeline
from pytest_editmetrics.pipes.pixels import PixelPipe
from pytest_editmetrics.pipes.registry import PipeRegistry

FIXTURES = Path(__file__).parents[2] / "fixtures" / "autopipeline"
FILES = sorted(FIXTURES.glob("*_centric/*.yaml"))
BOX = (16, 16, 48, 48)


@pytest.fixture(scope="module")
def dino(tmp_path_factory):
    return make_dino("dinov3_vit", tmp_path_factory.mktemp("dinov3"))


def written(path):
    blocks = path.read_text().partition("metric_configs:\n")[2].splitlines()
    return [line.strip(" :") for line in blocks if line.startswith("  ") and line[2] != " "]


def test_there_are_eleven():
    assert len(FILES) == 11


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_loads_and_measures_what_is_provided(path, dino):
    registry = PipeRegistry()
    settings = load_settings(path, registry, FIXTURES)
    random = np.random.default_rng(0)
    before = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    after = before.copy()
    after[16:48, 16:48] = 255 - after[16:48, 16:48]
    measured = [name for name in written(path) if name in registry.names]
    assert measured
    for name in measured:
        metric = registry.metric(name)
        config = settings.metric_configs[metric.name]
        init = dict(config.init)
        if config.pipe_name == "dino-v3-pipe":
            init["model_path"] = str(dino)
        pipe = registry.create(config.pipe_name, init)
        objects = metric.compares == "objects"
        coords = [BOX, BOX] if objects else [BOX]
        mode = {"edit_area": "inner", "unedit_area": "outer"}[config.scope]
        found = pipe.measure(
            before, after, coords, mode, metric=metric.name, **config.runtime_params
        )
        assert found.value is not None or found.soft_failure is not None
        if metric.name == "lpips":
            assert found.value == 0
        if metric.name == "unedit_ssim":
            assert found.value == pytest.approx(1)


@pytest.mark.parametrize("metric", autopipeline.metrics())
def test_asking_for_what_is_not_provided_says_so_and_what_to_do(metric):
    says = f"^{metric} is a metric of AutoPipeline's .*-pipe, which is not provided here: register"
    with pytest.raises(InputError, match=says):
        PipeRegistry().metric(metric)


class Depth:
    def __init__(self, encoder):
        self.encoder = encoder


def test_a_conftest_may_provide_it(tmp_path):
    path = tmp_path / "editmetrics.yaml"
    path.write_text(
        "pipes_default: {depth-anything-v2-pipe: {encoder: vitl}}\n"
        "metric_configs: {depth_ssim: {pipe_name: depth-anything-v2-pipe, scope: edit_area}}\n"
    )
    registry = PipeRegistry()
    registry.register("depth-anything-v2-pipe", Depth, metrics=[Metric("depth_ssim", "higher")])
    config = load_settings(path, registry, tmp_path).metric_configs["depth_ssim"]
    assert (config.init, config.scope) == ({"encoder": "vitl"}, "edit_area")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("depth_sim: {pipe_name: depth-anything-v2-pipe}", r"did you mean 'depth_ssim'\?"),
        ("depth_sim: {}", "unknown metric 'depth_sim'"),
        ("lpisp: {pipe_name: lpips-pipe}", r"did you mean 'lpips'\?"),
        ("ssim: {pipe_name: ssim-pipe, runtime_params: {win_sise: 11}}", "win_size"),
        ("ssim: {pipe_name: ssim-pipe, runtime_params: {win_size: 8}}", "an odd number from 3"),
        ("ssim: {pipe_name: ssim-pipe, runtime_params: {win_sigma: 0}}", "between 0.1 and 50"),
        ("lpips: {runtime_params: {win_size: 11}}", "takes no runtime parameter 'win_size'"),
    ],
)
def test_what_is_misspelt_stays_an_error(tmp_path, text, says):
    path = tmp_path / "editmetrics.yaml"
    path.write_text(f"metric_configs:\n  {text}\n")
    with pytest.raises(ConfigError, match=f"^editmetrics.yaml:2: .*{says}"):
        load_settings(path, PipeRegistry(), tmp_path)


@pytest.mark.parametrize(("window", "sigma"), [(7, 1.5), (11, 2.0), (5, 0.8)])
def test_another_window_of_ssim_is_honoured(window, sigma):
    """Against the formula, written out with a plain two-dimensional convolution."""
    random = np.random.default_rng(1)
    before = random.integers(0, 256, (40, 48, 3), dtype=np.uint8)
    after = np.clip(before + random.normal(0, 20, before.shape), 0, 255).astype(np.uint8)
    offsets = np.arange(window) - window // 2
    row = np.exp(-(offsets**2) / (2 * sigma**2))
    kernel = np.outer(row, row) / row.sum() ** 2
    maps = []
    for channel in range(3):
        x, y = (image[..., channel].astype(float) for image in (before, after))
        blur = lambda values: convolve2d(values, kernel, mode="valid")  # noqa: E731
        ux, uy = blur(x), blur(y)
        vx, vy, vxy = blur(x * x) - ux**2, blur(y * y) - uy**2, blur(x * y) - ux * uy
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        maps.append((2 * ux * uy + c1) * (2 * vxy + c2) / ((ux**2 + uy**2 + c1) * (vx + vy + c2)))
    found = PixelPipe().measure(
        before, after, metric="unedit_ssim", win_size=window, win_sigma=sigma
    )
    assert found.value == pytest.approx(np.mean(maps), abs=1e-9)
    assert (found.details["win_size"], found.details["win_sigma"]) == (window, sigma)


@pytest.mark.parametrize("params", [{"win_size": 8}, {"win_size": 7.0}, {"win_sigma": -1}])
def test_a_window_that_makes_no_sense(params):
    image = np.zeros((16, 16, 3), np.uint8)
    with pytest.raises(InputError, match=next(iter(params))):
        PixelPipe()(image, image, metric="unedit_ssim", **params)
