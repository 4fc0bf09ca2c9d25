"""What ``sam-pipe`` declares: whether objects kept their place and outline."""

from __future__ import annotations

from pytest_editmetrics.measurement import Margin, Metric
from pytest_editmetrics.pipes.declared import DEVICE, DTYPE, OF_OBJECTS, Option, PipeSpec

SPEC = PipeSpec(
    "sam-pipe",
    "pytest_editmetrics.pipes.sam:SAMPipe",
    (
        Metric(
            "mask_iou",
            "higher",
            scope="edit_area",
            compares="objects",
            margin=Margin(relative=0.0, absolute=0.05),
            low=0.0,
            high=1.0,
            summary="intersection over union of the masks SAM finds of an object",
            definition="SAM's best mask in each box of the reference and of the edited image, as"
            " far as it lies in the box; intersection over union, mean over the pairs",
            source="Kirillov et al. 2023, https://arxiv.org/abs/2304.02643",
            blind="what the object looks like inside its outline",
            aliases=("iou",),
        ),
    ),
    (
        Option(
            "model_type",
            "the size of SAM, sam2 for SAM 2, or smoke for tiny random weights",
            "choice",
            default="vit_b",
            choices=("vit_b", "vit_l", "vit_h", "sam2", "smoke"),
        ),
        Option(
            "model_path",
            "the checkpoint, .pth or .safetensors (default: what `editmetrics weights fetch`"
            " brought); of sam2 a hub id or a folder",
            "file",
            empty=True,
            example="./weights/sam_vit_b_01ec64.pth",
        ),
        Option(
            "model_cfg",
            "a JSON of dimensions, for any other size",
            "file",
            empty=True,
            example="./weights/sam.json",
        ),
        DEVICE,
        DTYPE,
    ),
    chosen_by="model_type",
    summary="Segment Anything, which isolates objects",
    details={**OF_OBJECTS, "ious": "of each pair of objects"},
)
