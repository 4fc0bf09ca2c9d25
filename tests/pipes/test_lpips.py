from __future__ import annotations

import subprocess
import sys
import threading
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from pytest_editmetrics.errors import (
    EditMetricsError,
    ImageError,
    InputError,
    MissingResourceError,
    RegionError,
    WeightsError,
)
from pytest_editmetrics.pipes.lpips import LPIPSPipe
from pytest_editmetrics.weights.find import find_lpips

BOX = [(60, 50, 180, 200)]


def package(net: str):
    """The package's own LPIPS, its backbone not downloaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lpips

        return lpips.LPIPS(net=net, pnet_rand=True, verbose=False).eval()


def as_input(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.transpose(2, 0, 1)[None].copy()).float() / 127.5 - 1


def torchvision_names(net: torch.nn.Module) -> dict[str, torch.Tensor]:
    state = net.state_dict()
    return {f"features.{name.partition('.')[2]}": state[name].clone() for name in state}


@pytest.fixture(scope="module")
def edited(photo: np.ndarray) -> np.ndarray:
    return np.roll(photo, 5, axis=1)


@pytest.mark.quick(1)
@pytest.mark.parametrize("size", [(256, 256), (31, 31), (97, 64), (200, 35)])
def test_alex_is_the_package_to_1e_6(alex, photo, edited, size):
    reference_net = package("alex")
    state = load_file(find_lpips("alex").path)
    own = {
        name: state[f"features.{name.partition('.')[2]}"] for name in reference_net.net.state_dict()
    }
    reference_net.net.load_state_dict(own)
    one, other = photo[: size[0], : size[1]], edited[: size[0], : size[1]]
    with torch.inference_mode():
        expected = float(reference_net(as_input(one), as_input(other)))
    assert expected > 0.01
    assert alex(one, other) == pytest.approx(expected, rel=0, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("net", ["vgg", "squeeze"])
def test_other_nets_take_their_layers_from_a_file(tmp_path, photo, edited, net, suffix):
    torch.manual_seed(1)
    reference_net = package(net)
    state = torchvision_names(reference_net.net)
    path = tmp_path / f"backbone{suffix}"
    if suffix == ".pth":
        whole = {**state, "classifier.0.weight": torch.zeros(2)}
        torch.save(whole, path, _use_new_zipfile_serialization=net == "vgg")
    else:
        save_file(state, path)
    pipe = LPIPSPipe(net=net, device="cpu", model_path=path)
    one, other = photo[:64, :64], edited[:64, :64]
    with torch.inference_mode():
        expected = float(reference_net(as_input(one), as_input(other)))
    measured = pipe.measure(one, other)
    assert measured.value == pytest.approx(expected, rel=0, abs=1e-6)
    assert measured.details["net"] == net


def test_pie_bench_multiplies_the_mask_into_both_images(tmp_path, photo, edited):
    reference_net = package("squeeze")
    path = tmp_path / "squeeze.safetensors"
    save_file(torchvision_names(reference_net.net), path)
    pipe = LPIPSPipe(net="squeeze", device="cpu", model_path=path)
    box = (10, 20, 40, 44)
    one, other = photo[:64, :64].copy(), edited[:64, :64].copy()
    value = pipe.measure(one, other, [box], "outer", "pie_bench_lpips").value
    for image in (one, other):
        image[20:44, 10:40] = 0
    with torch.inference_mode():
        expected = float(reference_net(as_input(one), as_input(other)))
    assert value == pytest.approx(expected, rel=0, abs=1e-6)
    assert value != pytest.approx(pipe(photo[:64, :64], edited[:64, :64], [box], "outer"), rel=0.01)


@pytest.mark.parametrize("net", ["alex", "vgg", "squeeze"])
def test_layers_that_are_not_the_nets_are_an_error(tmp_path, photo, net):
    path = tmp_path / "other.safetensors"
    save_file({"features.0.weight": torch.zeros(1, 1, 1, 1), "head": torch.zeros(1)}, path)
    with pytest.raises(
        WeightsError, match=rf"other\.safetensors does not fit LPIPS net '{net}': no "
    ):
        LPIPSPipe(net=net, device="cpu", model_path=path)(photo, 255 - photo)


def test_alex_layers_of_another_shape_are_an_error(tmp_path, photo):
    state = load_file(find_lpips("alex").path)
    state["features.3.weight"] = state["features.3.weight"][:, :10].contiguous()
    save_file(state, tmp_path / "cut.safetensors")
    with pytest.raises(WeightsError, match=r"features\.3\.weight is \[192, 10, 5, 5\]"):
        LPIPSPipe(device="cpu", model_path=tmp_path / "cut.safetensors")(photo, 255 - photo)


def test_a_pickle_is_not_executed(tmp_path, photo):
    marker = tmp_path / "executed"

    class Bomb:
        def __reduce__(self):
            return Path.touch, (marker,)

    torch.save({"features.0.weight": Bomb()}, tmp_path / "bomb.pth")
    with pytest.raises(WeightsError, match=r"bomb\.pth cannot be read as weights"):
        LPIPSPipe(device="cpu", model_path=tmp_path / "bomb.pth")(photo, 255 - photo)
    assert not marker.exists()


def test_a_checkpoint_that_is_no_state_dict(tmp_path, photo):
    torch.save({"epoch": 3, "state_dict": {}}, tmp_path / "train.pth")
    with pytest.raises(WeightsError, match="no plain state dict"):
        LPIPSPipe(device="cpu", model_path=tmp_path / "train.pth")(photo, 255 - photo)


def test_missing_linear_layers_name_the_package(monkeypatch, photo):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingResourceError, match="pip install lpips") as caught:
        LPIPSPipe(device="cpu")(photo, photo)
    assert caught.value.pipe == "lpips-pipe"


@pytest.mark.quick(1)
@pytest.mark.parametrize(("net", "edge"), [("alex", 31), ("vgg", 16), ("squeeze", 17)])
def test_images_the_net_cannot_take(tmp_path, photo, net, edge):
    path = None
    if net != "alex":
        path = tmp_path / "net.safetensors"
        save_file(torchvision_names(package(net).net), path)
    pipe = LPIPSPipe(net=net, device="cpu", model_path=path)
    assert pipe(photo[:edge, :edge], photo[:edge, :edge]) == 0
    with pytest.raises(ImageError, match=rf"40x{edge - 1} pixels; .*{net}.*at least {edge}x{edge}"):
        pipe(photo[: edge - 1, :40], photo[: edge - 1, :40])


def test_measurement_says_how_it_was_obtained(alex, photo, edited):
    measured = alex.measure(photo, edited, BOX, "inner", metric="lpips")
    assert measured.scope == "edit_area"
    assert measured.device == measured.device_name == "cpu"
    assert measured.weights[0].name == "lpips:alex"
    assert len(measured.weights[0].sha256) == 64
    assert not measured.smoke
    fraction = 120 * 150 / 256**2
    assert measured.details["measured_fraction"] == fraction
    assert measured.value == pytest.approx(measured.details["unscaled"] / fraction)
    assert measured.soft_failure is None


def test_outside_the_region_nothing_counts(alex, photo, edited):
    composite = photo.copy()
    composite[50:200, 60:180] = edited[50:200, 60:180]
    assert alex(photo, edited, BOX, "inner") == alex(photo, composite, BOX, "inner")
    assert alex(photo, composite, BOX, "outer") == 0
    assert alex(photo, composite) > 0


@pytest.mark.parametrize(
    ("coords", "mode", "says"),
    [
        ([(0, 0, 256, 256)], "outer", "outside the box"),
        ([(7, 7, 7, 7)], "inner", "inside the box"),
        ([(300, 0, 400, 50)], "inner", "inside the box"),
        (None, "inner", "no boxes"),
        ([], "inner", "no boxes"),
    ],
)
def test_an_empty_region_is_no_value_and_says_so(alex, photo, edited, coords, mode, says):
    assert alex(photo, edited, coords, mode) is None
    measured = alex.measure(photo, edited, coords, mode)
    assert measured.soft_failure.reason == "empty-region"
    assert says in measured.soft_failure.message
    assert measured.details["measured_fraction"] == 0


@pytest.mark.parametrize(("coords", "mode"), [(None, None), ([], "outer"), (BOX, None)])
def test_the_whole_image_has_no_scope(alex, photo, edited, coords, mode):
    measured = alex.measure(photo, edited, coords, mode)
    assert measured.scope is None
    assert measured.value == alex(photo, edited)


def test_calc_lpips(alex, photo, edited):
    mask = np.zeros((256, 256), dtype=bool)
    assert alex.calc_lpips(photo, edited, mask) == 0
    mask[50:200, 60:180] = True
    assert alex.calc_lpips(photo, edited, mask) == alex(photo, edited, BOX, "inner")
    assert alex.calc_lpips(photo, edited) == alex(photo, edited)
    for wrong in (mask[:9], mask.astype(np.uint8), mask[None]):
        with pytest.raises(InputError, match="mask must be boolean"):
            alex.calc_lpips(photo, edited, wrong)
    with pytest.raises(InputError, match="mask: a masked array"):
        alex.calc_lpips(photo, edited, np.ma.masked_array(mask, mask=mask))


def test_same_call_same_bits_and_symmetric(alex, photo, edited):
    assert alex(photo, edited) == alex(photo, edited)
    assert alex(photo, edited) == pytest.approx(alex(edited, photo), abs=1e-6)


def test_every_kind_of_input(alex, tmp_path, photo, edited):
    expected = alex(photo, edited)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    tensor = torch.from_numpy(edited.transpose(2, 0, 1).copy()).float() / 255
    kinds = [
        (tmp_path / "photo.png", [Image.fromarray(edited)]),
        (str(tmp_path / "photo.png"), tensor),
        (photo[None], tensor[None]),
        (photo.astype(np.float32) / 255, edited[None].astype(np.float64) / 255),
    ]
    for reference, other in kinds:
        assert alex(reference, other) == expected


def test_resize_is_stamped(alex, photo):
    small = Image.fromarray(photo).resize((128, 64))
    with pytest.raises(ImageError, match="128x64"):
        alex(photo, small)
    measured = alex.measure(photo, small, resize="reference", aspect="any")
    assert measured.value > 0
    assert measured.details["resize"] == "reference"
    assert measured.details["sizes"]["edited"] == [128, 64]
    assert "resize" not in alex.measure(photo, photo, resize="reference").details


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        ({"metric": "emd"}, InputError, "^Unsupported metric: emd$"),
        ({"metric": "lpip"}, InputError, r"^Unsupported metric: lpip \(did you mean 'lpips'\?\)$"),
        ({"metric": ["lpips"]}, InputError, "Unsupported metric"),
        ({"mask_mode": "iner"}, InputError, "did you mean 'inner'"),
        ({"resise": "reference"}, InputError, "lpips takes no parameter 'resise'.*'resize'"),
        ({"patch_mask_threshold": 0.1}, InputError, "takes no parameter"),
        ({"resize": "edit"}, InputError, "no resize mode 'edit'"),
        ({"coords": [(9, 9, 1, 1)], "mask_mode": "inner"}, RegionError, "box 1 .* inverted"),
    ],
)
def test_wrong_calls_load_nothing(photo, call, error, says):
    pipe = LPIPSPipe(device="cpu")
    with pytest.raises(error, match=says) as caught:
        pipe(photo, photo, **call)
    assert isinstance(caught.value, ValueError)
    assert not pipe.loaded


@pytest.mark.parametrize("net", ["alexnet", ["alex"], None])
def test_an_unknown_net(net):
    with pytest.raises(InputError, match="unknown net"):
        LPIPSPipe(net=net)


def test_an_unknown_device_is_an_error(photo):
    with pytest.raises(EditMetricsError, match="'gpu' is unknown"):
        LPIPSPipe(device="gpu")(photo, photo)


def test_weights_that_are_replaced_after_their_hash_was_taken_are_an_error(tmp_path, photo, edited):
    path = tmp_path / "mine.safetensors"
    state = load_file(find_lpips("alex").path)
    save_file(state, path)
    pipe = LPIPSPipe(device="cpu", model_path=path)
    assert pipe(photo, photo) == 0
    assert not pipe.loaded
    state["features.0.weight"] = state["features.0.weight"] * 2
    save_file(state, tmp_path / "other.safetensors")
    (tmp_path / "other.safetensors").replace(path)
    with pytest.raises(WeightsError, match=r"mine\.safetensors was replaced after its hash"):
        pipe(photo, edited)
    pipe.release()
    assert pipe(photo, edited) > 0


def test_release_frees_and_the_pipe_stays_usable(photo, edited):
    pipe = LPIPSPipe(device="cpu")
    before = pipe(photo, edited)
    held = weakref.ref(pipe.load().model)
    pipe.release()
    assert not pipe.loaded
    assert held() is None
    assert pipe(photo, edited) == before
    pipe.release()
    pipe.release()


def test_loading_is_thread_safe(monkeypatch):
    from pytest_editmetrics.pipes.lpips import pipe as module

    built = []
    original = module.build_distance
    monkeypatch.setattr(
        module, "build_distance", lambda *args: built.append(args) or original(*args)
    )
    pipe = LPIPSPipe(device="cpu")
    results = []
    threads = [threading.Thread(target=lambda: results.append(pipe.load())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert len({id(result) for result in results}) == 1


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
        RuntimeError("could not create a primitive"),
    ],
)
def test_out_of_memory_names_metric_size_and_device(monkeypatch, photo, error):
    def fail(*args):
        raise error

    pipe = LPIPSPipe(device="cpu")
    monkeypatch.setattr(LPIPSPipe, "_maps", fail)
    with pytest.raises(
        EditMetricsError,
        match=r"out of memory: lpips of a 200x256 image with lpips:alex on cpu.*release\(\)",
    ):
        pipe(photo[:, :200], photo[:, :200])
    with pytest.raises(EditMetricsError, match="out of memory: calc_lpips"):
        pipe.calc_lpips(photo, photo)


def test_other_runtime_errors_pass(monkeypatch, photo):
    def fail(*args):
        raise RuntimeError("something else")

    monkeypatch.setattr(LPIPSPipe, "_maps", fail)
    with pytest.raises(RuntimeError, match=r"^something else$"):
        LPIPSPipe(device="cpu")(photo, photo)


def test_nothing_global_is_changed(tmp_path, photo, edited, alex):
    expected = alex(photo, edited)
    path = tmp_path / "squeeze.safetensors"
    save_file(torchvision_names(package("squeeze").net), path)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    torch.set_default_dtype(torch.float64)
    try:
        LPIPSPipe(net="squeeze", device="cpu", model_path=path)(photo, edited)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = LPIPSPipe(device="cpu")(photo, edited)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert value == expected
    assert torch.is_grad_enabled()
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.long
def test_alex_needs_neither_lpips_nor_torchvision_in_memory():
    code = (
        "import sys, numpy as np\n"
        "from pytest_editmetrics.pipes.lpips import LPIPSPipe\n"
        "assert 'torch' not in sys.modules\n"
        "pipe = LPIPSPipe(device='cpu')\n"
        "assert 'torch' not in sys.modules\n"
        "pipe(np.zeros((32, 32, 3)), np.ones((32, 32, 3)))\n"
        "heavy = {'lpips', 'torchvision', 'transformers', 'ot', 'segment_anything'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
