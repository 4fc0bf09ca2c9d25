"""What ``clip-pipe`` declares: patches of the background, and objects, as CLIP sees them."""

from __future__ import annotations

from math import inf

from pytest_editmetrics.measurement import Margin, Metric
from pytest_editmetrics.pipes.declared import (
    BG_COLOR,
    DEVICE,
    DTYPE,
    FRAMING,
    OF_ISOLATED,
    OF_PATCHES,
    PATCH_MASK_THRESHOLD,
    REFERENCE_PATCHES,
    REVISION,
    SAM,
    Option,
    PipeSpec,
)

_PATCHES = (PATCH_MASK_THRESHOLD.name, REFERENCE_PATCHES.name)
_SOURCE = "AutoPipeline (GEditBench v2)"
_ATTENTION = "an edit inside the area moves the patches around it: attention sees the whole image"

SPEC = PipeSpec(
    "clip-pipe",
    "pytest_editmetrics.pipes.clip:CLIPPipe",
    (
        Metric(
            "emd",
            "lower",
            margin=Margin(relative=0.10, absolute=0.5),
            params=_PATCHES,
            low=0.0,
            high=inf,
            summary="earth mover's distance between CLIP patch tokens",
            definition="from the patch tokens of the reference to those of the edited image in the"
            " region: last_hidden_state without CLS, squared Euclidean cost, uniform weights",
            source=_SOURCE,
            blind=_ATTENTION,
        ),
        Metric(
            "emd_excess",
            "lower",
            margin=Margin(relative=0.10, absolute=0.5),
            params=_PATCHES,
            summary="emd minus its floor, which the unedited reference scores in the region",
            definition="emd minus the emd of the reference with its own selected patches",
            source=_SOURCE,
            blind=_ATTENTION,
        ),
        Metric(
            "sam_clip_cls_sim",
            "higher",
            scope="edit_area",
            compares="objects",
            margin=Margin(relative=0.0, absolute=0.02),
            params=(BG_COLOR.name,),
            low=-1.0,
            high=1.0,
            summary="cosine of the CLIP CLS tokens of objects isolated by SAM",
            definition="SAM's best mask isolates the object in each box; the crop is padded to a"
            " square; cosine of the CLS tokens of last_hidden_state, mean over the pairs",
            source=_SOURCE,
            blind="where the object is, how large it is, and how it is turned",
        ),
    ),
    (
        Option(
            "model_path",
            "a CLIP or SigLIP model: a hub id in the local hub cache, a local folder, or smoke for"
            " tiny random weights",
            "file",
            default="openai/clip-vit-base-patch32",
            example="openai/clip-vit-large-patch14",
        ),
        REVISION,
        DEVICE,
        SAM,
        FRAMING,
        DTYPE,
    ),
    params=(PATCH_MASK_THRESHOLD, REFERENCE_PATCHES, BG_COLOR),
    chosen_by="model_path",
    summary="a CLIP or SigLIP vision model",
    details={
        **OF_PATCHES,
        "reference_patches": "as the metric's parameter",
        **OF_ISOLATED,
        "object_vector": "what stands for an object where the model has no CLS token",
    },
)
