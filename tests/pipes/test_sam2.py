"""SAM 2 as an isolator, against transformers' own processor and model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pytest_editmetrics.errors import (
    EditMetricsError,
    InputError,
    MissingResourceError,
    WeightsError,
)
from pytest_editmetrics.pipes import vision_model
from pytest_editmetrics.pipes.clip import CLIPPipe
from pytest_editmetrics.pipes.sam import SAMPipe
from pytest_editmetrics.pipes.sam import model_2 as sam2_model

BOX, OTHER = (40, 60, 150, 170), (20, 20, 90, 120)
CLIP = Path(__file__).parents[2] / "fixtures" / "parity" / "models" / "clip"


@pytest.fixture(scope="module")
def sam2(sam2_folder: Path) -> SAMPipe:
    return SAMPipe("sam2", sam2_folder, device="cpu")


@pytest.fixture
def copied(sam2_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sam2_folder, tmp_path / "model"))


def best_mask(folder: Path, image: np.ndarray, box: tuple[int, ...]) -> np.ndarray:
    """The best-scoring mask by transformers alone, (H, W)."""
    import transformers
    from transformers import Sam2Model, Sam2Processor

    size = {"height": 128, "width": 128}
    # transformers 4 has the fast one only, and calls it so
    name = "Sam2ImageProcessor"
    image_processor = getattr(transformers, name, None) or getattr(transformers, f"{name}Fast")
    processor = Sam2Processor(image_processor(size=size), target_size=128)
    model = Sam2Model.from_pretrained(folder, local_files_only=True).eval()
    inputs = processor(images=image.copy(), input_boxes=[[list(box)]], return_tensors="pt")
    with torch.inference_mode():
        found = model(**inputs, multimask_output=True)
    masks = processor.post_process_masks(found.pred_masks, inputs["original_sizes"])[0][0]
    return masks[found.iou_scores[0, 0].argmax()].numpy()


@pytest.mark.parametrize("box", [BOX, OTHER])
@pytest.mark.parametrize("name", ["photo", "wide"])
def test_isolate_is_what_transformers_gives(sam2, sam2_folder, request, name, box):
    image = request.getfixturevalue(name)
    x1, y1, x2, y2 = box
    mask = best_mask(sam2_folder, image, box)[y1:y2, x1:x2]
    crop = sam2.isolate(image, box, (1, 2, 3))
    expected = np.where(mask[..., None], image[y1:y2, x1:x2], np.array([1, 2, 3], np.uint8))
    assert 0.02 < mask.mean() < 0.98
    # a resized pixel that differs in the last bit may move a pixel of the outline; torch 2.6 rounds
    # more of them otherwise than its torchvision
    old = tuple(int(part) for part in torch.__version__.split(".")[:2]) <= (2, 6)
    assert (crop != expected).any(axis=2).mean() < (0.01 if old else 0.002)


def test_an_image_is_encoded_once_and_masks_are_kept(sam2_folder, photo, monkeypatch):
    calls = []
    original = sam2_model.encode
    monkeypatch.setattr(sam2_model, "encode", lambda *args: calls.append(1) or original(*args))
    pipe = SAMPipe("sam2", sam2_folder, device="cpu")
    together = pipe.isolate_all(photo, [BOX, OTHER], (255, 255, 255))
    alone = [pipe.isolate(photo, box) for box in (BOX, OTHER)]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(calls) == 1
    monkeypatch.setattr(sam2_model, "best_masks", None)
    pipe.isolate_all(photo, [BOX, OTHER], (9, 9, 9))


def test_many_boxes(sam2, photo):
    boxes = [(4 * n, 3 * n, 4 * n + 100, 3 * n + 90) for n in range(18)]
    crops = sam2.isolate_all(photo, boxes, (255, 255, 255))
    for box, crop in list(zip(boxes, crops, strict=True))[14:]:
        np.testing.assert_array_equal(crop, sam2.isolate(photo, box))


def test_it_isolates_for_other_pipes_and_has_the_metric(sam2_folder, photo):
    sam = {"model_type": "sam2", "model_path": str(sam2_folder)}
    clip = CLIPPipe(CLIP, device="cpu", sam=sam)
    measured = clip.measure(photo, photo, [BOX, BOX], metric="sam_clip_cls_sim")
    assert measured.value == pytest.approx(1)
    assert measured.weights[2].name == f"sam2:{sam2_folder.name}"
    assert SAMPipe(device="cpu", **sam)(photo, photo, [BOX, BOX]) == 1.0


def test_its_features_are_not_those_of_another_configuration(copied, photo):
    pipe = SAMPipe("sam2", copied, device="cpu")
    pipe.isolate(photo, BOX)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vision_model, "_version", lambda name: "0.0")
        other = SAMPipe("sam2", copied, device="cpu")
        other.share(pipe.cache)
        other.isolate(photo, BOX)
        assert other.loaded


def test_a_checkpoint_of_the_video_model_is_taken(copied, photo, sam2):
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps({**config, "model_type": "sam2_video"}))
    state = load_file(copied / "model.safetensors")
    state["memory_attention.layer_norm.weight"] = torch.ones(4)
    save_file(state, copied / "model.safetensors", {"format": "pt"})
    video = SAMPipe("sam2", copied, device="cpu")
    np.testing.assert_array_equal(video.isolate(photo, BOX), sam2.isolate(photo, BOX))


def test_a_reduced_precision_is_close(sam2, sam2_folder, photo):
    rough = SAMPipe("sam2", sam2_folder, device="cpu", dtype="bfloat16")
    crop, exact = rough.isolate(photo, BOX), sam2.isolate(photo, BOX)
    changed = (crop != exact).any(axis=2).mean()
    assert 0 < changed < 0.1


def test_broken_weights_are_no_soft_failure(copied, photo):
    state = load_file(copied / "model.safetensors")
    state["no_memory_embedding"][:] = torch.nan
    save_file(state, copied / "model.safetensors", {"format": "pt"})
    with pytest.raises(EditMetricsError, match="NaN or infinite"):
        SAMPipe("sam2", copied, device="cpu").isolate(photo, BOX)


def test_what_is_no_sam2(dinov2, copied, photo, monkeypatch, tmp_path):
    with pytest.raises(WeightsError, match="type 'dinov2'; SAM 2 models are of type sam2, sam2_"):
        SAMPipe("sam2", dinov2, device="cpu").isolate(photo, BOX)
    with pytest.raises(InputError, match="takes no model_cfg"):
        SAMPipe("sam2", copied, model_cfg="x.json")
    state = load_file(copied / "model.safetensors")
    del state["no_memory_embedding"]
    save_file(state, copied / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=r"does not fit the Sam2Model.*: no no_memory_embedding"):
        SAMPipe("sam2", copied, device="cpu").isolate(photo, BOX)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        MissingResourceError, match=r"weights fetch sam2:facebook/sam2.1-hiera-tiny$"
    ):
        SAMPipe("sam2", device="cpu").isolate(photo, BOX)
