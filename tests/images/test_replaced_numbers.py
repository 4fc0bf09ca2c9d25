"""A mock in the place of what metrics of pixels compute with gives no number."""

from __future__ import annotations

import ast
import functools
import math
import operator
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import skimage.color
import skimage.exposure
import skimage.metrics
from scipy import ndimage

from pytest_editmetrics.config.golden_images import COMPARATORS
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.goldens.comparators import compare
from pytest_editmetrics.images import tone_difference
from pytest_editmetrics.images.replaced_numbers import (
    _CALLED,
    _OF_ALL,
    _function,
    check_numbers,
)
from pytest_editmetrics.pipes.drift.spec import SPEC as DRIFT
from pytest_editmetrics.pipes.lpips import LPIPSPipe
from pytest_editmetrics.pipes.pixels import PixelPipe
from pytest_editmetrics.pipes.pixels.spec import SPEC as PIXELS

BEFORE = np.random.default_rng(3).integers(0, 255, (32, 32, 3), dtype=np.uint8)
AFTER = BEFORE // 2
FUNCTIONS = [
    (skimage.metrics, "structural_similarity", "unedit_ssim", "ssim"),
    (ndimage, "gaussian_filter", "unedit_ssim", "structure"),
    (skimage.color, "rgb2lab", "l_channel_ssim", None),
    (math, "log10", "unedit_psnr", "psnr"),
    (np, "ascontiguousarray", "unedit_max_diff", "pixel"),
    (np, "maximum", "unedit_max_diff", "tone"),
]
KINDS = {
    "mock": lambda real: mock.MagicMock(return_value=0.0),
    "autospec": lambda real: mock.create_autospec(real),
    "function": lambda real: lambda *given, **options: real(*given, **options) * 0,
    "wrapped": lambda real: functools.wraps(real)(lambda *given: real(*given)),
    "partial": lambda real: functools.partial(lambda *given: given[0]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("owner", "name", "metric", "comparator"), FUNCTIONS)
def test_what_is_no_librarys(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, metric: str, comparator: str, kind: str
) -> None:
    stub = KINDS[kind](getattr(owner, name))
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, stub)
        said = rf"^{owner.__name__}\.{name} is replaced by .* while the check runs, .*: end that"
        with pytest.raises(EditMetricsError, match=said):
            PixelPipe().measure(BEFORE, AFTER, metric=metric)
        if comparator is not None:
            with pytest.raises(EditMetricsError, match=said):
                compare(comparator, BEFORE, AFTER, np.ones((32, 32), bool))
    measured = PixelPipe().measure(BEFORE, AFTER, metric=metric)
    assert measured.value == PixelPipe().measure(BEFORE, AFTER, metric=metric).value


@pytest.mark.parametrize("name", ["gaussian_filter", "binary_erosion"])
def test_a_ratio_of_tones_is_a_number_of_pixels_too(monkeypatch: pytest.MonkeyPatch, name) -> None:
    box = [(4, 4, 20, 20)]
    monkeypatch.setattr(ndimage, name, mock.MagicMock(return_value=0.0))
    with pytest.raises(EditMetricsError, match=rf"^scipy\.ndimage\.{name} is replaced by "):
        LPIPSPipe().measure(BEFORE, AFTER, box, "inner", "edit_ratio")


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        ("arange", ("tone", "tone_max")),
        ("unravel_index", ("tone_max", "beyond_detail_max")),
        ("count_nonzero", ("unedit_max_diff", "unedit_psnr")),
    ],
)
def test_so_is_one_by_which_a_table_a_place_or_a_share_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, metrics: tuple[str, ...]
) -> None:
    real = getattr(np, name)
    monkeypatch.setattr(np, name, lambda *given, **options: real(*given, **options) * 0)
    for metric in metrics:
        with pytest.raises(EditMetricsError, match=rf"^numpy\.{name} is replaced by "):
            PixelPipe().measure(BEFORE, AFTER, metric=metric)


def called_in(source: Path) -> Iterator[str]:
    """Return the functions of numpy and scipy that a file calls, by their whole names."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("scipy"):
            yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Call):
            module, _, name = ast.unparse(node.func).partition(".")
            plain = module == "np" and name.replace(".", "").isidentifier()
            if plain and not isinstance(operator.attrgetter(name)(np), type):
                yield f"numpy.{name}"


def test_all_that_tone_detail_and_motion_may_call_is_looked_at() -> None:
    package = Path(tone_difference.__file__).parents[1]
    images = ("tone_difference", "detail", "local_mean", "masks", "srgb", "channels", "structure")
    files = [
        *package.glob("background/*.py"),
        *package.glob("pipes/drift/*.py"),
        *(file for name in images for file in package.glob(f"images/{name}*.py")),
    ]
    assert len(files) > 40
    of_no_number = {"numpy.random.default_rng", "numpy.maximum.accumulate", "numpy.add.at"}
    of_no_number |= {"numpy.frombuffer", "numpy.packbits", "numpy.unpackbits"}
    called = {name for file in files for name in called_in(file)}
    assert called - of_no_number - {*_OF_ALL, *_CALLED["tone"]} == set()


def test_another_librarys(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a library puts it there that computes faster."""
    for owner, name in ((np, "abs"), (ndimage, "gaussian_filter"), (np, "array")):
        monkeypatch.setattr(owner, name, ndimage.median_filter)
        check_numbers("structure")
    monkeypatch.setattr(np, "abs", abs)
    check_numbers("structure")


def test_what_no_metric_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "random", mock.MagicMock())
    monkeypatch.setattr(np, "save", mock.MagicMock())
    monkeypatch.setattr(ndimage, "zoom", lambda image, *given: image)
    monkeypatch.setattr(ndimage, "gaussian_filter", lambda image, *given: image)
    check_numbers("unedit_psnr")
    assert PixelPipe().measure(BEFORE, AFTER, metric="unedit_psnr").value < 20


def test_what_is_looked_at_is_there() -> None:
    for name in (*_OF_ALL, *(one for names in _CALLED.values() for one in names)):
        import_module(name.rpartition(".")[0])
        assert callable(_function(name)), name
    known = {one.name for spec in (PIXELS, DRIFT) for one in spec.metrics} | {"edit_ratio"}
    assert known | set(COMPARATORS) - {"lpips"} == set(_CALLED)


def test_a_check_of_a_test_that_stubs_its_feathering(suite) -> None:
    suite.makepyfile(
        """
        import numpy as np
        import pytest
        from scipy import ndimage

        @pytest.mark.editmetrics(metrics="unedit_ssim", thresholds={"unedit_ssim": 0.1})
        def test_it(edit_gate, monkeypatch):
            before = np.random.default_rng(3).integers(0, 255, (32, 32, 3), np.uint8)
            monkeypatch.setattr(ndimage, "gaussian_filter", lambda image, *given, **options: image)
            edit_gate.check(before, before // 2)
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    said = "*unedit_ssim could not be judged: scipy.ndimage.gaussian_filter is replaced by a funct*"
    result.stdout.fnmatch_lines([said])
