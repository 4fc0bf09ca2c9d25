"""What explains a measurement adds up to the measurement."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch.nn import functional as F

from pytest_editmetrics.pipes.clip.transport import emd, transport_costs
from pytest_editmetrics.pipes.explain import Evidence, spatial_map
from pytest_editmetrics.pipes.lpips import LPIPSPipe

BOX = [(40, 60, 140, 160)]


@pytest.fixture(scope="module")
def edited(wide: np.ndarray) -> np.ndarray:
    """The cat with noise in a box at the left."""
    copy = wide.copy()
    copy[60:160, 40:140] = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    return copy


@pytest.mark.parametrize(
    ("coords", "mode"), [(None, None), (BOX, "inner"), ([(0, 0, 90, 213)], "outer")]
)
def test_the_mean_of_the_map_is_the_unscaled_lpips(alex, wide, edited, coords, mode):
    evidence = Evidence()
    measured = alex.measure(wide, edited, coords, mode, evidence=evidence)
    assert measured == alex.measure(wide, edited, coords, mode)
    heat = evidence.heat()
    assert heat.shape == wide.shape[:2]
    assert heat.min() >= 0
    assert heat.mean() == pytest.approx(measured.details["unscaled"], rel=1e-5)


def test_the_map_is_hot_where_the_measured_pixels_differ(alex, wide, edited):
    evidence = Evidence()
    alex.measure(wide, edited, evidence=evidence)
    heat = evidence.heat()
    inside = heat[60:160, 40:140].mean()
    assert inside > 20 * heat[:, 220:].mean()
    alex.measure(wide, edited, [(0, 0, 140, 213)], "outer", evidence=evidence)
    assert not evidence.heat().any()  # the composite differs nowhere


@pytest.mark.long
@pytest.mark.parametrize("net", ["vgg", "squeeze"])
def test_the_map_of_the_other_nets(tmp_path, wide, edited, net):
    import torchvision

    name = {"vgg": "vgg16", "squeeze": "squeezenet1_1"}[net]
    torch.manual_seed(0)
    path = tmp_path / "net.pth"
    torch.save(
        getattr(torchvision.models, name)(weights=None).features.state_dict(prefix="features."),
        path,
    )
    pipe = LPIPSPipe(net, device="cpu", model_path=path)
    evidence = Evidence()
    measured = pipe.measure(wide, edited, evidence=evidence)
    assert evidence.heat().mean() == pytest.approx(measured.details["unscaled"], rel=1e-5)
    assert measured.value == pipe(wide, edited)


def test_layers_keep_their_mean_however_small():
    random = np.random.default_rng(1)
    layers = [random.random((3, 7), np.float32), np.zeros((2, 2), np.float32)]
    assert spatial_map(layers, 31, 40).mean() == pytest.approx(float(layers[0].mean()), rel=1e-6)


@given(
    cells=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    pixels=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    seed=st.integers(0, 99),
)
@example(cells=(255, 254), pixels=(1024, 1020), seed=0)
@example(cells=(1, 9), pixels=(17, 9), seed=1)
def test_layers_are_enlarged_as_torch_does(cells, pixels, seed):
    layer = np.random.default_rng(seed).random(cells, np.float32)
    values = torch.from_numpy(layer.astype(np.float64))[None, None]
    large = F.interpolate(values, pixels, mode="bilinear", align_corners=False)[0, 0].numpy()
    expected = large * (layer.astype(np.float64).mean() / large.mean())
    assert np.abs(spatial_map([layer], *pixels) - expected).max() < 1e-12


def test_nothing_is_shown_of_an_empty_region(alex, wide, edited):
    evidence = Evidence()
    alex.measure(wide, edited, [], "inner", evidence=evidence)
    assert evidence == Evidence()


@pytest.mark.parametrize("patches", ["all", "selected"])
@pytest.mark.parametrize("metric", ["emd", "emd_excess"])
def test_the_costs_of_the_patches_add_up_to_emd(tiny_clip, wide, edited, metric, patches):
    evidence = Evidence()
    measured = tiny_clip.measure(
        wide, edited, BOX, "outer", metric, reference_patches=patches, evidence=evidence
    )
    found = evidence.patches()
    value = measured.excess + measured.floor
    assert np.nansum(found) == pytest.approx(value, rel=1e-9)
    assert np.isfinite(found).sum() == measured.details["n_selected"]
    assert found.size == measured.details["n_patches"]


def test_costs_lie_where_their_patches_do(tiny_clip, wide, edited):
    evidence = Evidence()
    tiny_clip.measure(wide, edited, [(0, 0, 320, 60)], "inner", "emd", evidence=evidence)
    cost = evidence.patches()
    rows = np.isfinite(cost).all(axis=1)
    assert rows[0]
    assert not np.isfinite(cost[len(cost) // 2 :]).any()


def test_costs_of_tokens_that_are_no_numbers():
    tokens = np.array([[0.0], [np.nan]])
    assert np.isnan(transport_costs(tokens, tokens)).all()
    one, other = np.random.default_rng(0).random((2, 9, 4))
    assert transport_costs(one, other[:5]).sum() == pytest.approx(emd(one, other[:5]))


def test_the_crops_are_what_was_compared(tiny_clip, photo):
    boxes = [(20, 20, 120, 120), (30, 30, 200, 200)]
    evidence = Evidence()
    measured = tiny_clip.measure(
        photo, photo, boxes * 2, metric="sam_clip_cls_sim", evidence=evidence
    )
    assert measured.value == pytest.approx(1)
    assert [crop.shape for crop, _ in evidence.crops] == [(100, 100, 3), (170, 170, 3)]
    for (crop, other), box in zip(evidence.crops, boxes, strict=True):
        assert (crop == other).all()
        assert (crop == tiny_clip.sam_block.isolate(photo, box)).all()


def test_an_object_that_is_gone_leaves_an_empty_place(tiny_clip, photo):
    evidence = Evidence()
    outside = (300, 300, 400, 400)
    measured = tiny_clip.measure(
        photo, photo, [(20, 20, 120, 120), outside], metric="sam_clip_cls_sim", evidence=evidence
    )
    assert measured.soft_failure.reason == "empty-crop"
    assert evidence.crops[0][0] is not None
    assert evidence.crops[0][1] is None


def test_a_map_keeps_the_mean_of_a_layer_that_is_larger_than_the_image() -> None:
    layer = np.zeros((16, 24), np.float32)
    layer[5, 7] = 3  # which is no pixel's middle
    made = spatial_map([layer], 3, 4)
    assert made.mean() == pytest.approx(layer.mean())
    assert np.argwhere(made > 0).tolist() == [[0, 1]]
