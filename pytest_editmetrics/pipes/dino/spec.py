"""What ``dino-v3-pipe`` declares: structure, and objects, as DINO sees them."""

from __future__ import annotations

from pytest_editmetrics.measurement import Margin, Metric
from pytest_editmetrics.pipes.declared import (
    BG_COLOR,
    DEVICE,
    DTYPE,
    FRAMING,
    OF_ISOLATED,
    OF_PATCHES,
    PATCH_MASK_THRESHOLD,
    REVISION,
    SAM,
    Option,
    PipeSpec,
)

_SOURCE = "AutoPipeline (GEditBench v2)"

SPEC = PipeSpec(
    "dino-v3-pipe",
    "pytest_editmetrics.pipes.dino:DINOPipe",
    (
        Metric(
            "dino_structure_sim",
            "higher",
            scope="edit_area",
            margin=Margin(relative=0.0, absolute=0.02),
            params=(PATCH_MASK_THRESHOLD.name,),
            low=0.0,
            high=1.0,
            summary="likeness of how the DINO patch tokens of the region relate to each other",
            definition="1 / (1 + 100 * mse) of the two matrices of cosines between all pairs of"
            " patch tokens of the region",
            source=_SOURCE,
            blind="colours and textures, as long as the parts relate to each other as before",
            aliases=("dinov3_structure_similarity",),
        ),
        Metric(
            "sam_dino_cls_sim",
            "higher",
            scope="edit_area",
            compares="objects",
            margin=Margin(relative=0.0, absolute=0.02),
            params=(BG_COLOR.name,),
            low=-1.0,
            high=1.0,
            summary="cosine of the DINO CLS tokens of objects isolated by SAM",
            definition="as sam_clip_cls_sim, with DINO's CLS token after the last layer norm",
            source=_SOURCE,
            blind="where the object is and how large it is",
        ),
    ),
    (
        Option(
            "model_path",
            "a hub id in the local hub cache, or a local folder: dinov2, dinov2_with_registers or"
            " dinov3_vit of transformers",
            "file",
            default="facebook/dinov2-base",
            example="facebook/dinov3-vitb16-pretrain-lvd1689m",
        ),
        REVISION,
        DEVICE,
        SAM,
        FRAMING,
        DTYPE,
    ),
    params=(PATCH_MASK_THRESHOLD, BG_COLOR),
    chosen_by="model_path",
    summary="a DINOv2 or DINOv3 vision model",
    details={**OF_PATCHES, "mse": "of the two matrices", **OF_ISOLATED},
)
