"""LPIPS where something changed: equal to the full computation, with as little of it as possible."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import pytest_editmetrics.pipes.lpips.layers as lpips_layers
from pytest_editmetrics.pipes.lpips import LPIPSPipe
from pytest_editmetrics.pipes.lpips.layers import changed_box
from pytest_editmetrics.weights.find import find_lpips


def package(net: str, state: dict[str, torch.Tensor] | None = None) -> torch.nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lpips

        model = lpips.LPIPS(net=net, pnet_rand=True, verbose=False).eval()
    if state is not None:
        model.net.load_state_dict(
            {name: state[f"features.{name.partition('.')[2]}"] for name in model.net.state_dict()}
        )
    return model


@pytest.fixture(scope="module")
def alex_package() -> torch.nn.Module:
    return package("alex", load_file(find_lpips("alex").path))


@pytest.fixture(scope="module")
def vgg(tmp_path_factory) -> tuple[LPIPSPipe, torch.nn.Module]:
    torch.manual_seed(5)
    model = package("vgg")
    state = model.net.state_dict()
    path = tmp_path_factory.mktemp("vgg") / "vgg.safetensors"
    save_file({f"features.{name.partition('.')[2]}": state[name].clone() for name in state}, path)
    return LPIPSPipe("vgg", device="cpu", model_path=path), model


def plain(model: torch.nn.Module, one: np.ndarray, other: np.ndarray) -> float:
    def given(image: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(image.transpose(2, 0, 1)[None].copy()).float() / 127.5 - 1

    with torch.inference_mode():
        return float(model(given(one), given(other)))


@st.composite
def changes(draw, most: int):
    """Two images that differ in a box, often on a border, and the box."""
    height, width = draw(st.integers(32, most)), draw(st.integers(32, most))
    x1 = draw(st.sampled_from([0, 1]) | st.integers(0, width - 1))
    y1 = draw(st.sampled_from([0, 1]) | st.integers(0, height - 1))
    x2 = draw(st.sampled_from([width, x1 + 1]) | st.integers(x1 + 1, width))
    y2 = draw(st.sampled_from([height, y1 + 1]) | st.integers(y1 + 1, height))
    random = np.random.default_rng(draw(st.integers(0, 9)))
    reference = random.integers(0, 256, (height, width, 3), np.uint8)
    edited = reference.copy()
    edited[y1:y2, x1:x2] = random.integers(0, 256, (y2 - y1, x2 - x1, 3), np.uint8)
    return reference, edited, (x1, y1, x2, y2)


@pytest.mark.slow
@settings(max_examples=200)
@given(change=changes(most=150))
def test_a_change_in_a_box_scores_as_the_package_does(alex, alex_package, change):
    reference, edited, _ = change
    expected = plain(alex_package, reference, edited)
    assert alex(reference, edited) == pytest.approx(expected, rel=0, abs=1e-6)


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=changes(most=80))
def test_vgg_too(vgg, change):
    pipe, model = vgg
    reference, edited, _ = change
    expected = plain(model, reference, edited)
    assert pipe(reference, edited) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@given(change=changes(most=60))
def test_the_box_holds_every_change_and_no_more(change):
    reference, edited, _ = change
    differs = (reference != edited).any(axis=2)
    box = changed_box(reference, edited, np.ones(differs.shape, bool))
    if box is None:
        assert not differs.any()
        return
    x1, y1, x2, y2 = box
    inside = differs[y1:y2, x1:x2]
    assert inside.sum() == differs.sum()
    assert inside[0].any()
    assert inside[-1].any()
    assert inside[:, 0].any()
    assert inside[:, -1].any()


def test_a_change_beside_the_mask_is_none(photo):
    edited = photo.copy()
    edited[10:20, 30:40] ^= 255
    mask = np.ones((256, 256), bool)
    mask[10:20, 30:40] = False
    assert changed_box(photo, edited, mask) is None
    mask[19, 39] = True
    assert changed_box(photo, edited, mask) == (39, 19, 40, 20)


@pytest.fixture
def ran(monkeypatch) -> list[int]:
    """How many cells each convolution or pooling gave from now on."""
    cells: list[int] = []
    original = lpips_layers._run

    def run(step, given, padding):
        found = original(step, given, padding)
        cells.append(found.shape[-1] * found.shape[-2])
        return found

    monkeypatch.setattr(lpips_layers, "_run", run)
    return cells


def test_an_untouched_outside_is_zero_without_a_pass(photo, ran):
    pipe = LPIPSPipe(device="cpu")
    edited = photo.copy()
    edited[60:170, 40:150] ^= 255
    assert pipe(photo, edited, [(40, 60, 150, 170)], "outer") == 0.0
    assert ran == []
    assert not pipe.loaded


def test_a_small_change_computes_few_cells_once_the_reference_is_known(photo, ran):
    pipe = LPIPSPipe(device="cpu")
    edited = photo.copy()
    edited[100:116, 40:56] ^= 255
    pipe(photo, edited)
    whole = sum(ran[:7])
    assert len(ran) == 14
    ran.clear()
    edited[100:116, 40:56] ^= 1
    pipe(photo, edited)
    assert len(ran) == 7
    assert sum(ran) < whole / 10


def test_the_same_pair_again_computes_nothing(photo, ran):
    pipe = LPIPSPipe(device="cpu")
    edited = np.roll(photo, 3, axis=0)
    before = pipe(photo, edited)
    ran.clear()
    pipe.release()
    assert pipe(photo, edited) == before
    assert ran == []
    assert not pipe.loaded


def test_a_mask_of_many_pieces(photo, alex, alex_package):
    random = np.random.default_rng(3)
    mask = random.random((256, 256)) < 0.01
    edited = 255 - photo
    composite = np.where(mask[..., None], edited, photo)
    expected = plain(alex_package, photo, composite) / mask.mean()
    assert alex.calc_lpips(photo, edited, mask) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_lower_precision_is_close_and_stamped(photo, alex, dtype):
    pipe = LPIPSPipe(device="cpu", dtype=dtype)
    edited = np.roll(photo, 3, axis=0)
    measured = pipe.measure(photo, edited)
    assert measured.details["dtype"] == dtype
    assert "dtype" not in alex.measure(photo, edited).details
    assert measured.value != alex(photo, edited)
    assert measured.value == pytest.approx(alex(photo, edited), rel=0.05)
