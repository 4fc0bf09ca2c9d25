"""The subcommand ``suggest-region``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.lines import say
from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.images.colour_words import COLOURS
from pytest_editmetrics.images.resize_modes import ASPECTS, RESIZES

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add ``suggest-region``."""
    parser = commands.add_parser(
        "suggest-region",
        help="propose the region of an edit from what changed; look at it before you use it",
        description="Propose boxes, and with -o a mask, around what changed far more than the rest."
        " A proposal is made from the result that it would judge, so it is marked untrusted.",
        epilog="example: editmetrics suggest-region mug.png mug-red.png -o mask.png",
    )
    parser.add_argument("reference", metavar="REF", help="the image before the edit")
    parser.add_argument("edited", metavar="EDITED", help="the image after it")
    parser.add_argument("-o", "--output", metavar="PNG", type=Path, help="write the mask here")
    parser.add_argument(
        "--dilate", metavar="N", type=int, default=4, help="grow it by N pixels (default: 4)"
    )
    parser.add_argument(
        "--colour",
        choices=COLOURS,
        default=COLOURS[0],
        help="apply the images' colour profiles, or compare their bare numbers (default: seen)",
    )
    parser.add_argument(
        "--resize",
        metavar="MODE",
        choices=list(RESIZES),
        help=f"what to do where the sizes differ, as the key `resize`: {', '.join(RESIZES)}; the"
        " proposal is in the reference's pixels",
    )
    parser.add_argument(
        "--aspect",
        choices=list(ASPECTS),
        help="by how much a mode may stretch, as the key `aspect` (default: rounded)",
    )
    parser.set_defaults(run=_suggest)


def _suggest(args: argparse.Namespace) -> int:
    from pytest_editmetrics.background.suggest import save_mask, suggest_region
    from pytest_editmetrics.images.best_fit import brought_together
    from pytest_editmetrics.images.load import numbers_of, read_image
    from pytest_editmetrics.images.shapes import Region

    if args.dilate < 0:
        raise InputError(f"--dilate {args.dilate}: give 0 or more pixels")
    if args.output is not None and args.output.suffix.lower() != ".png":
        raise InputError(f"-o {args.output}: a mask is written as PNG; let the name end in .png")
    before = read_image(args.reference, "reference image", args.colour)
    after = read_image(args.edited, "edited image", args.colour)
    for image in (before, after):
        image.warn()
    reference, edited, bare = before.pixels, after.pixels, numbers_of(before, after)
    fit = brought_together(reference, edited, args.resize, args.aspect, numbers=bare)
    if fit is not None:
        reference, edited = fit.pictures(reference, edited)
    found = suggest_region(reference, edited, args.dilate, fit)
    whole = bool(Region(boxes=found.boxes).inside(*found.mask.shape).all())
    if whole and args.output is None:
        raise EditMetricsError(
            "the boxes around what changed cover the whole frame, which leaves no background to"
            " measure; write the mask with -o mask.png, or draw the region by hand"
        )
    if args.output is not None:
        save_mask(found, args.output)
    say("# SUGGESTED from the result it would judge, untrusted: look at it before you use it")
    if args.output is not None:
        say("# the path of a mask is relative to the file of cases, in which it is written")
    if whole:
        say("# boxes would cover the whole frame")
        say(f"coords: {{mask: {args.output.as_posix()}}}")
        return 0
    say("coords:")
    for box in found.boxes:
        say(f"  - [{', '.join(map(str, box))}]")
    if args.output is not None:
        say("# or, more closely:")
        say(f"# coords: {{mask: {args.output.as_posix()}}}")
    return 0
