"""What transformers, segment-anything and lpips make of photos, loading the files by themselves."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Box, Mask
from pytest_editmetrics.pipes.pretrained import (
    image_processor,
    image_processor_class,
    own_model,
)
from pytest_editmetrics.pipes.vision_model import VisionInput

if TYPE_CHECKING:
    from pytest_editmetrics.pipes.lpips.pipe import LPIPSPipe
    from pytest_editmetrics.pipes.sam.pipe import SAMPipe
    from pytest_editmetrics.pipes.vision import VisionPipe


def tokens(pipe: VisionPipe, photos: Sequence[Array]) -> list[NDArray[np.float64]]:
    """Return the tokens of photos, float64 (1 + patches, hidden), as the pipe keeps them.

    Raises:
        ImportError: transformers cannot be imported.
        WeightsError: it does not load these weights by itself.
    """
    import torch

    using = pipe.use()
    taken: VisionInput = pipe.load().model.input
    model = own_model(taken.model_class or "CLIPVisionModel", using.found).to(using.device)
    processor = _processor(taken)
    stretched = {
        "do_resize": True,
        "size": {"height": taken.input_size, "width": taken.input_size},
        "do_center_crop": False,
        "do_pad": False,
    }
    naflex = taken.model_class == "Siglip2VisionModel"
    changed = stretched if pipe.framing == "stretch" and not naflex else {}
    found = []
    for photo in photos:
        inputs = processor(
            images=photo.copy(), input_data_format="channels_last", return_tensors="pt", **changed
        )
        with torch.inference_mode():
            given = {name: value.to(using.device) for name, value in inputs.items()}
            said = model(**given)
        found.append(_arranged(said, model, taken).cpu().numpy().astype(np.float64))
    return found


def _arranged(said: Any, model: Any, taken: VisionInput) -> Any:
    """Return one image's tokens: CLS, or what stands for it, then the patches."""
    import torch

    hidden = said.last_hidden_state[0]
    if "Siglip" in taken.model_class:
        return torch.cat([said.pooler_output, hidden])
    registers = getattr(model.config, "num_register_tokens", 0)
    return torch.cat([hidden[:1], hidden[1 + registers :]])


def _processor(taken: VisionInput) -> Any:
    """Return transformers' image processor, which reads its own file where there is one."""
    from pathlib import Path

    source = Path(taken.preprocessor.source)
    found = image_processor_class(taken.preprocessor.kind)
    if source.is_file():
        return found.from_pretrained(source.parent, local_files_only=True)
    numbers = dict(taken.preprocessor.numbers)
    if numbers["crop_size"] is not None:
        numbers["crop_size"] = dict(zip(("height", "width"), numbers["crop_size"], strict=True))
    return image_processor(taken.preprocessor.kind, numbers, str(source))


def masks(pipe: SAMPipe, photos: Sequence[Array], box: Box) -> list[Mask]:
    """Return the best mask of a box of each photo, boolean (H, W).

    Raises:
        ImportError: the library cannot be imported.
        WeightsError: it does not load these weights by itself.
    """
    find = _sam2_mask if pipe.model_type == "sam2" else _sam_mask
    return find(pipe, photos, box)


def _sam_mask(pipe: SAMPipe, photos: Sequence[Array], box: Box) -> list[Mask]:
    from segment_anything import SamPredictor, sam_model_registry

    from pytest_editmetrics.pipes.checkpoint import read_state_dict
    from pytest_editmetrics.pipes.sam.model import load_sam

    using = pipe.use()
    found = using.found
    if found.config is None:
        model = sam_model_registry[pipe.model_type](checkpoint=None)
        model.load_state_dict(read_state_dict(found.path))
    else:  # the registry knows the published sizes only
        model = load_sam(found.path, found.config, pipe.model_type, "cpu", "float32")
    predictor = SamPredictor(model.eval().to(using.device))
    best = []
    for photo in photos:
        predictor.set_image(photo)
        several, scores, _ = predictor.predict(box=np.array(box), multimask_output=True)
        best.append(several[scores.argmax()])
    return best


def _sam2_mask(pipe: SAMPipe, photos: Sequence[Array], box: Box) -> list[Mask]:
    import torch
    from transformers import Sam2Processor

    from pytest_editmetrics.pipes.sam.model_2 import read_sam2_input

    using = pipe.use()
    taken = read_sam2_input(using.found.path)
    model = own_model(taken.model_class, using.found).to(using.device)
    processor = Sam2Processor(_processor(taken), target_size=taken.input_size)
    best = []
    for photo in photos:
        inputs = processor(images=photo.copy(), input_boxes=[[list(box)]], return_tensors="pt")
        with torch.inference_mode():
            said = model(**inputs.to(using.device), multimask_output=True)
        sizes = inputs["original_sizes"]
        found = processor.post_process_masks(said.pred_masks.cpu(), sizes)[0][0]
        best.append(found[int(said.iou_scores[0, 0].argmax())].numpy())
    return best


def distance(pipe: LPIPSPipe, reference: Array, edited: Array) -> float:
    """Return LPIPS of a pair by the package ``lpips``.

    Raises:
        ImportError: lpips cannot be imported.
    """
    import torch

    from pytest_editmetrics.pipes.checkpoint import read_state_dict

    using = pipe.use()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lpips

        model = lpips.LPIPS(net=pipe.net, pnet_rand=True, verbose=False).eval()
    state = read_state_dict(using.found.path)
    names = {f"features.{name.partition('.')[2]}": name for name in model.net.state_dict()}
    lacking = sorted(names.keys() - state.keys())
    if lacking:
        raise WeightsError(f"{using.found.path} has no {lacking[0]}, which lpips needs")
    model.net.load_state_dict({own: state[name] for name, own in names.items()})
    model = model.to(using.device)
    with torch.inference_mode():
        one, other = (
            (torch.from_numpy(image.transpose(2, 0, 1)[None].copy()).float() / 127.5 - 1).to(
                using.device
            )
            for image in (reference, edited)
        )
        return float(model(one, other))
