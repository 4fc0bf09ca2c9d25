"""The keys that the cases of YAML files and the rows of manifests have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.config.areas import BOXES, IMAGE, Box, area, raw
from pytest_editmetrics.config.bounds import BOUNDS, bounds
from pytest_editmetrics.config.expect import EXPECT, Expect
from pytest_editmetrics.config.keys import (
    END,
    PRINTED,
    Key,
    Schema,
    choice,
    of_metrics,
)
from pytest_editmetrics.config.metric_keys import METRICS
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.config.sizes import SIZES
from pytest_editmetrics.images.boxes import unpaired
from pytest_editmetrics.images.colour_words import COLOURS, Colour
from pytest_editmetrics.images.data_url import is_data_url, short
from pytest_editmetrics.images.resize_modes import Aspect, Resize
from pytest_editmetrics.measurement import Threshold

if TYPE_CHECKING:
    from pytest_editmetrics.images.shapes import Region


@dataclass(frozen=True, kw_only=True)
class PairFields:
    """What a case and a row state alike; boxes (x1, y1, x2, y2) in pixels, not yet clipped."""

    coords: tuple[Box, ...] | Region | None
    ref_boxes: tuple[Box, ...] | None
    edited_boxes: tuple[Box, ...] | None
    thresholds: Mapping[str, Threshold]
    resize: Resize | None
    aspect: Aspect | None
    expect: Expect | None
    colour: Colour | None


def identifier(node: Node, what: str) -> str:
    """Return the id that a case or row states; it must fit into a node id and be shown as it is."""
    name = node.text(what)
    if is_data_url(name):
        node.fail(f"{what} is an image ({short(name)}); an id is a name")
    if name != name.strip():
        node.fail(f"the id {name!r} begins or ends with a space")
    if "::" in name:
        node.fail(f"the id {name!r} has a '::' in it, which separates the parts of a node id")
    if not name.isprintable():
        node.fail(f"the id {name!r} has a character in it that cannot be shown")
    return name


def pair_fields(
    node: Node, given: Mapping[str, Any], mask: Callable[[Node], Any]
) -> dict[str, Any]:
    """Return the fields of ``PairFields`` of what ``node`` states; ``mask`` as in ``area``.

    Raises:
        ConfigError: ``ref_boxes`` and ``edited_boxes`` do not pair, or the area makes no sense.
    """
    reference, edited = (len(given.get(name, ())) for name in ("ref_boxes", "edited_boxes"))
    if said := unpaired(reference, edited):
        (node.get("edited_boxes") or node.get("ref_boxes") or node).fail(said)
    names = ("ref_boxes", "edited_boxes", "resize", "aspect", "expect", "colour")
    fields = {name: given.get(name) for name in names}
    coords, bounds = area(given.get("coords"), mask), given.get("thresholds", {})
    return {**fields, "coords": coords, "thresholds": bounds}


def check_measured(
    node: Node, thresholds: Mapping[str, Threshold], metrics: Sequence[str], what: str
) -> None:
    """Refuse a threshold of a metric that ``what``, which ``node`` states, does not measure.

    Raises:
        ConfigError: with file and line.
    """
    for name in thresholds:
        if name not in metrics:
            (node.get("thresholds") or node).fail(
                f"a threshold of {name}, which {what} does not measure; add it to metrics"
                f" (now {', '.join(metrics)})"
            )


IDENTIFIER: Schema = {
    "type": "string",
    "pattern": rf"^(?=\S)(?!.*(::|\s$)){PRINTED}+{END}",
}
ID = Key(
    "id",
    raw("a text without `::`", IDENTIFIER),
    "what the case is called, in reports and in the golden's address",
    "red mug",
)
REFERENCE = Key("reference", IMAGE, "the image before the edit", "mug.png")
EDITED = Key("edited", IMAGE, "the image after the edit", "mug-red.png")
COLOUR = Key(
    "colour",
    choice(*COLOURS),
    "whether an image's colour profile is applied, so that it is measured as it is `seen`, or left"
    " aside, so that its bare `numbers` are",
    "numbers",
    "what the configuration says, else `seen`",
    call="colour",
)
EXPECTED = Key(
    "expect",
    EXPECT,
    "how the model writes the background, which chooses metrics and bounds",
    "composited",
    "what the configuration says",
    call="expect",
)
# what cases and rows have in common, besides these three and ``coords``
FIELDS = (
    Key(
        "ref_boxes",
        BOXES,
        "objects in the reference, for metrics that compare objects",
        "[[10, 10, 90, 90]]",
        needs="edited_boxes",
        call="ref_boxes",
    ),
    Key(
        "edited_boxes",
        BOXES,
        "the same objects in the edited image, in the same order",
        "[[12, 10, 92, 90]]",
        needs="ref_boxes",
        call="edited_boxes",
    ),
    Key(
        "metrics",
        METRICS,
        "what is measured",
        "[lpips, emd]",
        "what `expect` or the configuration says",
        call="metrics",
    ),
    Key(
        "thresholds",
        of_metrics(BOUNDS, lambda metric, _: bounds(metric, "case")),
        "bounds that hold whatever a golden says",
        "{lpips: {max: 0.1}}",
        call="thresholds",
    ),
    *SIZES,
    EXPECTED,
    COLOUR,
)
