"""What a case shows: its images with their sizes, the boxes on them, the overlays, the crops."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.numbers import format_numbers
from pytest_editmetrics.report.tally import beyond
from pytest_editmetrics.runs.folder import Run

LAYERS = ("reference", "edited", "golden")
_PNG_HEAD = struct.Struct(">8s4x4sII")
_MOST_PATCHES = 256
_LOCAL = ("spill", "local", "transparent")


@dataclass(frozen=True)
class Earlier:
    """The edited image of a case as an earlier run has it, in which it passed."""

    run: Run
    image: str


def earlier_images(run: Run) -> dict[tuple[str, str], Earlier]:
    """Return the edited images of a run's gates that passed or were recorded, by test and gate."""
    return {
        (record.nodeid, record.gate.label): Earlier(run, record.gate.images["edited"])
        for record in run.gates
        if record.final
        and record.gate.verdict in ("pass", "review", "recorded")
        and isinstance(record.gate.images.get("edited"), str)
    }


@dataclass
class Gallery:
    """The images that a report uses, each once."""

    run: Run
    files: dict[str, Path] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    _sizes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def use(self, name: str, run: Run | None = None) -> dict[str, Any] | None:
        """Return an image's id and size in pixels; ``None`` if the run does not hold it.

        ``run`` is another run than the gallery's, of whose images none is missed.
        """
        image = Path(name).stem
        if image not in self.files:
            try:
                path = (run or self.run).image_path(name)
                size = _png_size(path)
            except (OSError, EditMetricsError):
                if run is None and name not in self.missing:
                    self.missing.append(name)
                return None
            self.files[image], self._sizes[image] = path, size
        width, height = self._sizes[image]
        return {"image": image, "w": width, "h": height}

    def size(self, image: str) -> tuple[int, int]:
        """Return width and height of an image that is used."""
        return self._sizes[image]


def picture_images(picture: Mapping[str, Any]) -> Iterator[str]:
    """Give the id of every image in what ``case_picture`` returned, some more than once."""
    shown = (*picture["layers"], *picture["overlays"], *chain.from_iterable(picture["crops"]))
    return (one["image"] for one in shown if "image" in one)


def _png_size(path: Path) -> tuple[int, int]:
    with path.open("rb") as file:
        head = file.read(_PNG_HEAD.size)
    if len(head) == _PNG_HEAD.size:
        magic, chunk, width, height = _PNG_HEAD.unpack(head)
        if magic == b"\x89PNG\r\n\x1a\n" and chunk == b"IHDR" and width and height:
            return width, height
    raise EditMetricsError(f"{path} is not a PNG image")


def case_picture(
    gates: Sequence[Gate], gallery: Gallery, where: str, earlier: Earlier | None = None
) -> dict[str, Any] | None:
    """Return, JSON-ready, what the viewer of one case draws; ``None`` for a case without images.

    ``layers`` are the full-size images by name, as they were compared; ``boxes`` and ``overlays``
    lie over them, in their pixels; ``focus`` is the box that a zoom goes to, ``None`` for the
    middle; ``crops`` are pairs of isolated objects. ``earlier`` is what an earlier run has of the
    case.

    Raises:
        EditMetricsError: patch costs that are no grid of numbers; ``where`` begins the message.
    """
    layers = [
        {"name": name, **found}
        for name in LAYERS
        if (found := _first(gates, name, gallery)) is not None
    ]
    if not layers:
        return None
    if earlier is not None and (found := gallery.use(earlier.image, earlier.run)) is not None:
        layers.append({"name": "earlier", **found})
    return {
        "layers": layers,
        "boxes": list(_boxes(gates)),
        "focus": _focus(gates),
        "overlays": list(_overlays(gates, gallery, layers[0], where)),
        "crops": list(_crops(gates, gallery)),
        "default": _default_view(gates, [layer["name"] for layer in layers]),
    }


def _default_view(gates: Sequence[Gate], names: Sequence[str]) -> str:
    """Return the view that a case opens with; empty leaves it to the width of the screen."""
    if len(names) < 2:
        return ""
    background = any(
        gate.verdict == "fail" and gate.compares == "region" and gate.scope != "edit_area"
        for gate in gates
    )
    return "difference" if background else ""


def _first(gates: Sequence[Gate], name: str, gallery: Gallery) -> dict[str, Any] | None:
    failing_first = sorted(gates, key=lambda gate: not gate.failing)
    kept = ({**gate.images, **_mapping(gate.images.get("compared"))} for gate in failing_first)
    used = next((images[name] for images in kept if name in images), None)
    return None if used is None else gallery.use(used)


def _boxes(gates: Sequence[Gate]) -> Iterator[dict[str, Any]]:
    seen: list[tuple[str, Any]] = []
    for gate in gates:
        shown = _mapping(gate.region.get("drawn")) or gate.region
        if gate.compares == "objects":
            kinds = [
                ("reference", "ref_boxes", "object in the reference"),
                ("edited", "edited_boxes", "object in the edited image"),
            ]
        else:
            kinds = [("area", "coords", "edit area")]
        for kind, key, label in kinds:
            boxes = _drawable(shown.get(key))
            if key == "coords" and (around := gate.region.get("bounds")):
                boxes, label = _drawable([around]), "box around the edit area"
            if boxes and (kind, boxes) not in seen:
                seen.append((kind, boxes))
                numbered = len(boxes) > 1
                for number, box in enumerate(boxes, 1):
                    text = f"{label} {number}" if numbered else label
                    yield {"kind": kind, "label": f"{text} {_text(box)}", "box": box}
        for box in _spills(gate):
            if ("tile", [box]) not in seen:
                seen.append(("tile", [box]))
                yield {"kind": "tile", "label": f"local change {_text(box)}", "box": box}
        tile = (gate.snapshot or {}).get("tile")
        if isinstance(tile, Mapping) and (boxes := _drawable([tile.get("box")])):
            text = f"worst tile of {gate.label} {_text(boxes[0])}"
            yield {"kind": "tile", "label": text, "box": boxes[0]}


def _focus(gates: Sequence[Gate]) -> list[float] | None:
    """Return where the worst failing gate is worst, or what changed; else the edit area."""
    failing = sorted((gate for gate in gates if gate.failing), key=beyond, reverse=True)
    for gate in failing:
        tile = _mapping(_mapping(gate.snapshot).get("tile"))
        for box in (*_drawable([tile.get("box"), gate.details.get("part")]), *_spills(gate)):
            return box
    for gate in (*failing, *gates):
        shown = _mapping(gate.region.get("drawn")) or gate.region
        keys = ("edited_boxes", "ref_boxes") if gate.compares == "objects" else ("bounds", "coords")
        boxes = [_drawable(shown.get(key)) or _drawable([shown.get(key)]) for key in keys]
        for box in chain.from_iterable(boxes):
            return box
    return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _spills(gate: Gate) -> Iterator[list[float]]:
    """Give the boxes of local changes that the diagnosis found."""
    for cause in gate.details.get("causes") or ():
        if isinstance(cause, Mapping) and cause.get("kind") in _LOCAL:
            yield from _drawable(cause.get("boxes"))


def _text(box: Sequence[float]) -> str:
    return "(" + ", ".join(f"{number:g}" for number in box) + ")"


def _drawable(boxes: Any) -> list[list[float]]:
    """Return the boxes that are four finite numbers; what else was given is the gate's error."""
    if not isinstance(boxes, (list, tuple)):
        return []
    return [
        [float(number) for number in box]
        for box in boxes
        if isinstance(box, (list, tuple))
        and len(box) == 4
        and all(isinstance(number, (int, float)) and math.isfinite(number) for number in box)
    ]


def _overlays(
    gates: Sequence[Gate], gallery: Gallery, frame: Mapping[str, Any], where: str
) -> Iterator[dict[str, Any]]:
    masks: dict[str, list[str]] = {}
    for gate in gates:
        if "mask" in gate.images:
            masks.setdefault(gate.images["mask"], []).append(gate.label)
    for name, labels in masks.items():
        if (mask := gallery.use(name)) is not None:
            of = f" of {', '.join(labels)}" if len(masks) > 1 else ""
            yield {"kind": "mask", "label": f"Mask{of}", **mask}
    for gate in gates:
        heat = gate.images.get("heat")
        if not isinstance(heat, Mapping):
            continue
        if "lpips" in heat and (image := gallery.use(heat["lpips"])) is not None:
            yield {
                "kind": "heat",
                "label": f"LPIPS of {gate.label}, by place",
                "max": _number_text(heat.get("max")),
                **image,
            }
        if "patches" in heat:
            yield {
                "kind": "patches",
                "label": f"Patch costs of {gate.label}",
                "area": _patch_area(gate, frame["w"], frame["h"]),
                **_patches(heat["patches"], f"{where}: {gate.label}"),
            }


def _number_text(value: Any) -> str:
    return format_numbers(float(value))[0] if isinstance(value, (int, float)) else "the largest"


def _patch_area(gate: Gate, width: int, height: int) -> list[float]:
    """Return the part of the image that CLIP saw: all of it, or the middle square of a crop."""
    if gate.details.get("framing", "stretch") == "stretch":
        return [0, 0, width, height]
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return [left, top, left + side, top + side]


def _patches(patches: Any, where: str) -> dict[str, Any]:
    try:
        rows, columns, cost = patches["rows"], patches["columns"], patches["cost"]
        grid = [[None if value is None else float(value) for value in row] for row in cost]
    except (KeyError, TypeError, ValueError):
        raise EditMetricsError(f"{where}: images.heat.patches is no grid of costs") from None
    if len(grid) != rows or {len(row) for row in grid} != {columns} or rows > _MOST_PATCHES:
        raise EditMetricsError(
            f"{where}: images.heat.patches says {rows} x {columns} and holds another grid"
        )
    costs = [value for row in grid for value in row if value is not None]
    if not all(math.isfinite(value) for value in costs):
        raise EditMetricsError(f"{where}: images.heat.patches holds a cost that is not a number")
    largest = max(costs, default=0.0)
    return {
        "rows": rows,
        "columns": columns,
        "cost": [[None if v is None else round(v, 4) for v in row] for row in grid],
        "max": format_numbers(largest)[0],
        "largest": largest,
    }


def _crops(gates: Iterable[Gate], gallery: Gallery) -> Iterator[list[dict[str, Any]]]:
    for gate in gates:
        for pair in gate.images.get("crops", ()):
            found = [image for name in pair if (image := gallery.use(name)) is not None]
            if found:
                yield found
