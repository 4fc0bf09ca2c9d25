"""What ``pixels-pipe`` declares: PSNR, SSIM, the largest difference, tone, and detail."""

from __future__ import annotations

from pytest_editmetrics.measurement import Margin, Metric
from pytest_editmetrics.pipes.declared import MEASURED_FRACTION, Option, PipeSpec

PSNR_CEILING = 100.0
TONE_CEILING = 258.69  # of CIELAB: blue and green of sRGB, which lie farthest apart
WIN_SIZE = Option(
    "win_size",
    "edge of the window of SSIM, in pixels",
    "odd",
    default=11,
    low=3,
    high=255,
    example="7",
)
WIN_SIGMA = Option(
    "win_sigma",
    "sigma of the window of SSIM, in pixels",
    "number",
    default=1.5,
    low=0.1,
    high=50,
    example="2",
)
_WINDOW = (WIN_SIZE.name, WIN_SIGMA.name)
WANG = "Wang et al. 2004, as scikit-image computes it, Gaussian window of 11 pixels"

SPEC = PipeSpec(
    "pixels-pipe",
    "pytest_editmetrics.pipes.pixels:PixelPipe",
    (
        Metric(
            "unedit_psnr",
            "higher",
            margin=Margin(relative=0.0, absolute=1.0),
            low=0.0,
            high=PSNR_CEILING,
            unit="dB",
            summary="peak signal-to-noise ratio over the measured pixels, dB, at most 100",
            definition="10 log10(255^2 / MSE), the mean over measured pixels and channels",
            source="ITU-T J.340",
            blind="where the difference lies: a small fault and light noise may score alike",
        ),
        Metric(
            "unedit_ssim",
            "higher",
            margin=Margin(relative=0.0, absolute=0.01),
            params=_WINDOW,
            low=-1.0,
            high=1.0,
            summary="structural similarity, mean over the measured pixels",
            definition="SSIM of RGB, pixels outside the region taken from the reference",
            source=WANG,
            blind="a small fault on a large image, slow changes of tone, and most of what happens"
            " in the outermost 5 px, which its window leaves out",
            aliases=("ssim",),
        ),
        Metric(
            "unedit_max_diff",
            "lower",
            margin=Margin(relative=0.15, absolute=1.0),
            low=0.0,
            high=255.0,
            unit="levels",
            summary="largest difference of a channel in the measured pixels, of 255",
            definition="the largest absolute difference of one channel of one measured pixel",
            source="this project",
            blind="how many pixels differ: one is enough",
        ),
        Metric(
            "beyond_detail",
            "lower",
            margin=Margin(relative=0.15, absolute=0.3),
            low=0.0,
            high=255.0,
            unit="levels",
            summary="what differs beyond the fine detail of the reference, tone left aside, of 255",
            definition="the root mean square of sqrt(max(0, E - D)); E is the mean square of the"
            " difference less its Gaussian mean of sigma 8 px, D that of the reference less its"
            " Gaussian mean of sigma 1.5 px, both over the channels and a Gaussian of sigma 4 px",
            source="this project",
            blind="a blur of less than 1.5 px, lost texture, and changes of tone, on purpose",
        ),
        Metric(
            "beyond_detail_max",
            "lower",
            margin=Margin(relative=0.15, absolute=2.0),
            low=0.0,
            high=255.0,
            unit="levels",
            summary="the most that differs in one place beyond the fine detail of the reference",
            definition="the largest sqrt(max(0, E - D)), as for beyond_detail; 2 px beside the edit"
            " area are left out, or 1 or none where less than a quarter of the measured pixels"
            " would be left",
            source="this project",
            blind="what is alike everywhere: light noise, a blur, changes of tone",
        ),
        Metric(
            "tone",
            "lower",
            margin=Margin(relative=0.15, absolute=0.1),
            low=0.0,
            high=TONE_CEILING,
            unit="CIELAB",
            summary="how far brightness and colours differ; 2.3 is just noticeable",
            definition="mean length of the difference in CIELAB (1976, D65) after a Gaussian mean"
            " of sigma 8 px over the measured pixels",
            source="this project, over CIE 1976",
            blind="fine structure, and a small part whose colours changed: tone_max sees it",
        ),
        Metric(
            "tone_max",
            "lower",
            margin=Margin(relative=0.15, absolute=0.5),
            low=0.0,
            high=TONE_CEILING,
            unit="CIELAB",
            summary="the most that brightness and colours differ in one place",
            definition="the largest length of the difference in CIELAB, as for tone; 8 px beside"
            " the edit area are left out, or 4, 2, 1 or none where less than a quarter of the"
            " measured pixels would be left, and where less than a quarter of the Gaussian is"
            " measured the rest counts as equal",
            source="this project, over CIE 1976",
            blind="text and stripes of less than some 10 px, dark parts that became darker, and"
            " what lies close beside the edit area",
        ),
        Metric(
            "l_channel_ssim",
            "higher",
            scope="edit_area",
            margin=Margin(relative=0.0, absolute=0.02),
            params=_WINDOW,
            low=-1.0,
            high=1.0,
            summary="structural similarity of the lightness, histograms matched",
            definition="SSIM of CIELAB L in the region, after the edited image's histogram was"
            " matched to the reference's",
            source=WANG,
            blind="changes of colour and of tone, on purpose",
            aliases=("L_channel_ssim",),
        ),
        Metric(
            "pie_bench_psnr",
            "higher",
            margin=Margin(relative=0.0, absolute=1.0),
            low=0.0,
            high=PSNR_CEILING,
            unit="dB",
            summary="PSNR as PIE-Bench's tables have it: images times the mask",
            definition="PSNR of both images times the mask, mean over the whole image; for"
            " comparing with published numbers only",
            source="Ju et al. 2023, PnPInversion",
            blind="a large edit area: the less is measured, the better the score",
        ),
    ),
    (),
    params=(WIN_SIZE, WIN_SIGMA),
    aliases=("ssim-pipe",),
    summary="arithmetic on pixels, no model",
    details={
        **MEASURED_FRACTION,
        "at": "where it is largest, x and y in pixels",
        "changed_pixels": "measured pixels that differ",
        "win_size": "as the metric's parameter",
        "win_sigma": "as the metric's parameter",
    },
)
