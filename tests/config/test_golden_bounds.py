"""A bound of a golden image that nothing would be held to is an error, not passed over."""

from __future__ import annotations

import pytest

from pytest_editmetrics.config.settings import load_settings
from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.pipes.registry import PipeRegistry


def settings_of(folder, text, base=None):
    if base is not None:
        (folder / "base.yaml").write_text("golden_images:\n" + base)
        text = "_base_: base.yaml\n" + text
    path = folder / "editmetrics.yaml"
    path.write_text(text)
    return load_settings(path, PipeRegistry(), folder).golden_images


def bounds_of(tolerances):
    """The bounds that the settings state, by their comparators."""
    return {
        name: one.bound for name, one in tolerances.items() if one.source.startswith("editmetrics")
    }


UNASKED = {
    "a list": "  comparator: [ssim]\n  tolerance: {tone: 0.5}\n",
    "a name": "  comparator: ssim\n  tolerance: {tone: 0.5}\n",
    "a mapping": "  comparator: {ssim: 0.9}\n  tolerance: {tone: 0.5}\n",
    "a variable": "  comparator: ['${env:NO_SUCH:ssim}']\n  tolerance: {tone: 0.5}\n",
    "of two, one": "  comparator: ssim\n  tolerance: {ssim: 0.9, tone: 0.5}\n",
}


@pytest.mark.parametrize("stated", UNASKED)
def test_a_bound_of_a_comparator_that_is_not_asked_for_is_an_error(tmp_path, stated):
    with pytest.raises(ConfigError) as error:
        settings_of(tmp_path, "golden_images:\n" + UNASKED[stated])
    assert str(error.value) == (
        "editmetrics.yaml:3: golden_images.tolerance has a bound of tone, and `comparator`"
        " (editmetrics.yaml:2) asks for ssim alone, so nothing would be held to it; name tone"
        " there too, or take the bound out (a check that names tone itself gives its bound, as"
        ' comparator={"tone": 0.5})'
    )


def test_so_is_one_of_the_worst_tile(tmp_path):
    text = "golden_images:\n  comparator: [ssim, psnr]\n  tile:\n    tolerance:\n      lpips: 0.1\n"
    with pytest.raises(
        ConfigError,
        match=r"^editmetrics.yaml:5: golden_images.tile.tolerance has a bound of lpips, and"
        r" `comparator` \(editmetrics.yaml:2\) asks for ssim and psnr alone",
    ):
        settings_of(tmp_path, text)


def test_that_of_a_tile_is_no_bound_for_the_whole_of_a_check(tmp_path):
    text = "golden_images:\n  comparator: ssim\n  tile: {tolerance: {tone: 9}}\n"
    with pytest.raises(ConfigError, match=r"name tone there too, or take the bound out$"):
        settings_of(tmp_path, text)


def test_a_bound_that_stands_twice_is_an_error(tmp_path):
    text = "golden_images:\n  comparator: {ssim: 0.95, psnr: }\n  tolerance:\n    ssim: 0.9\n"
    with pytest.raises(ConfigError) as error:
        settings_of(tmp_path, text + "    psnr: 28\n")
    assert str(error.value) == (
        "editmetrics.yaml:4: golden_images.tolerance has a bound of ssim, and so has `comparator`"
        " (editmetrics.yaml:2), which alone would hold; give one of the two"
    )


def test_all_of_them_are_told_at_once(tmp_path):
    text = (
        "golden_images:\n  comparator: {ssim: 0.95}\n  tolerance:\n    ssim: 0.9\n    tone: 1\n"
        "  tile: {tolerance: {pixel: 0.1}}\n  distance: 999\n"
    )
    with pytest.raises(ConfigError) as error:
        settings_of(tmp_path, text)
    told = [line.split(" ")[0] for line in str(error.value).splitlines()]
    assert told == [f"editmetrics.yaml:{line}:" for line in (4, 5, 6, 7)]


@pytest.mark.parametrize(
    ("block", "whole", "tile"),
    [
        (
            "  comparator: [ssim, tone]\n  tolerance: {tone: 0.5}\n"
            "  tile: {tolerance: {ssim: 0.5}}\n",
            {"tone": 0.5},
            {"ssim": 0.5},
        ),
        ("  comparator: {ssim: 0.95, psnr: }\n  tolerance: {psnr: 28}\n", {"psnr": 28}, {}),
        ("  comparator: {ssim: 0.95}\n  tile: {tolerance: {ssim: 0.5}}\n", {}, {"ssim": 0.5}),
        ("  comparator: ssim\n  tolerance:\n  tile:\n", {}, {}),
        # the golden's entry may name them
        ("  tolerance: {ssim: 0.9, pixel: 0.1}\n", {"ssim": 0.9, "pixel": 0.1}, {}),
        ("  comparator:\n  tolerance: {ssim: 0.9}\n", {"ssim": 0.9}, {}),
    ],
)
def test_what_something_is_held_to_is_none(tmp_path, block, whole, tile):
    got = settings_of(tmp_path, "golden_images:\n" + block)
    assert bounds_of(got.tolerances) == whole
    assert bounds_of(got.tile_tolerances) == tile


def test_a_file_asks_for_less_than_the_one_it_builds_on(tmp_path):
    base = "  comparator: [ssim, tone]\n  tolerance: {ssim: 0.9, tone: 0.5}\n"
    assert settings_of(tmp_path, "golden_images: {comparator: {ssim: 0.8}}\n", base)
    assert settings_of(tmp_path, "golden_images: {comparator: ssim}\n", base)
    assert settings_of(tmp_path, "golden_images: {format: webp}\n", base)


@pytest.mark.parametrize(
    ("own", "base", "where"),
    [
        ("tolerance: {tone: 0.5}", "  comparator: ssim\n", "editmetrics.yaml:2"),
        ("tolerance: {ssim: 0.5}", "  comparator: {ssim: 0.9}\n", "editmetrics.yaml:2"),
        ("tile: {tolerance: {tone: 1}}", "  comparator: ssim\n", "editmetrics.yaml:2"),
        ("format: webp", "  comparator: ssim\n  tolerance: {tone: 1}\n", "base.yaml:3"),
    ],
)
def test_one_that_is_put_on_top_of_another_file_is_held_by_something(tmp_path, own, base, where):
    with pytest.raises(ConfigError, match=rf"^{where}: .*\(base.yaml:2\)"):
        settings_of(tmp_path, f"golden_images: {{{own}}}\n", base)
