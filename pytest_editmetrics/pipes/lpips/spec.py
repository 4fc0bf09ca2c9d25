"""What ``lpips-pipe`` declares: LPIPS outside and inside the edit area."""

from __future__ import annotations

from math import inf

from pytest_editmetrics.measurement import Margin, Metric
from pytest_editmetrics.pipes.declared import DEVICE, DTYPE, MEASURED_FRACTION, Option, PipeSpec

ZHANG = "Zhang et al. 2018, https://arxiv.org/abs/1801.03924, linear layers v0.1"
PIE_BENCH = "Ju et al. 2023, PnPInversion"
RATIO_CEILING = 10.0
LEAST_TONE = 2.0  # CIELAB: what is hardly seen makes no ratio
MIN_EDGE = {"alex": 31, "vgg": 16, "squeeze": 17}
"""The smallest edge in pixels that leaves every layer of a net at least one value."""

SPEC = PipeSpec(
    "lpips-pipe",
    "pytest_editmetrics.pipes.lpips:LPIPSPipe",
    (
        Metric(
            "lpips",
            "lower",
            margin=Margin(relative=0.15, absolute=0.005),
            low=0.0,
            high=inf,
            summary="learned perceptual distance, full size, scaled by the measured area",
            definition="pixels outside the measured region are taken from the reference; the"
            " distance of the result to the reference is divided by the measured fraction",
            source=ZHANG,
            blind="changes of tone: a picture 10 % brighter scores little",
        ),
        Metric(
            "edit_lpips",
            "higher",
            scope="edit_area",
            asks="change",
            margin=Margin(relative=0.5),
            low=0.0,
            high=inf,
            summary="lpips inside the edit area: did the edit happen",
            definition="the number of lpips, always inside the edit area; 0 where nothing changed",
            source=ZHANG,
            blind="whether the edit is the one that was asked for",
        ),
        Metric(
            "edit_ratio",
            "higher",
            scope="edit_area",
            asks="change",
            margin=Margin(relative=0.5),
            low=1.0,
            high=RATIO_CEILING,
            unit="times",
            summary="how many times as much the edit area changed as the background, 1 to 10",
            definition="the larger of two: edit_lpips divided by the lpips outside the edit area,"
            " and tone_max inside divided by that outside, which counts as 2 if it is less; 1 at"
            " least, which says that nothing was edited, and 10 at most",
            source=f"this project, over {ZHANG}",
            blind="a lost edit in an area of texture beside a plain background, or that went"
            " through an encoder alone, and an edit that is fainter than what an encoder does",
        ),
        Metric(
            "pie_bench_lpips",
            "lower",
            margin=Margin(relative=0.15, absolute=0.005),
            low=0.0,
            high=inf,
            summary="lpips as PIE-Bench's tables have it: both images times the mask, unscaled",
            definition="LPIPS (net squeeze) of both images times the mask, not divided by the"
            " measured fraction; for comparing with published numbers only",
            source=PIE_BENCH,
            blind="a large edit area: the less is measured, the better the score",
        ),
    ),
    (
        Option(
            "net",
            "the backbone; the weights of alex come with the package",
            "choice",
            default="alex",
            choices=("alex", "vgg", "squeeze"),
        ),
        DEVICE,
        Option(
            "model_path",
            "a torchvision checkpoint of the net, or only its features.* layers",
            "file",
            empty=True,
            example="./weights/alexnet.pth",
        ),
        DTYPE,
    ),
    chosen_by="net",
    summary="learned perceptual image patch similarity",
    details={
        "net": "as the pipe's option",
        "unscaled": "the distance before it was divided by the measured fraction",
        "outside": "the distance outside the edit area, divided by the fraction that is measured",
        "tone": "the largest difference of tone inside and outside the edit area, CIELAB",
        **MEASURED_FRACTION,
    },
)
