"""Where numbers, lists and texts of YAML and of calls begin and end to be taken."""

from __future__ import annotations

import dataclasses
import importlib
from math import inf, nextafter
from pathlib import Path

import numpy as np
import pytest

from pytest_editmetrics.config import golden_block, golden_images
from pytest_editmetrics.config.bounds import bound_schema, parse_bounds
from pytest_editmetrics.config.expect import EXPECTATIONS
from pytest_editmetrics.config.golden_images import LIMITS, checked_tolerance
from pytest_editmetrics.config.interpolate import Resolver, load_tree
from pytest_editmetrics.config.metric_keys import metric_names
from pytest_editmetrics.config.node import Node, Source
from pytest_editmetrics.config.option_values import runtime_params
from pytest_editmetrics.errors import ConfigError, InputError, RegionError
from pytest_editmetrics.goldens.lock import PATIENCE
from pytest_editmetrics.goldens.provenance import checked_facts
from pytest_editmetrics.images.masks import bounds, is_mask, packed
from pytest_editmetrics.images.shapes import Region
from pytest_editmetrics.measurement import Margin
from pytest_editmetrics.pipes.registry import PipeRegistry

METRICS = PipeRegistry().metrics
VALUES = {
    "lpips": (0, inf),
    "edit_lpips": (0, inf),
    "edit_ratio": (1, 10),
    "pie_bench_lpips": (0, inf),
    "emd": (0, inf),
    "emd_excess": (-inf, inf),
    "sam_clip_cls_sim": (-1, 1),
    "sam_dino_cls_sim": (-1, 1),
    "dino_structure_sim": (0, 1),
    "mask_iou": (0, 1),
    "unedit_psnr": (0, 100),
    "pie_bench_psnr": (0, 100),
    "unedit_ssim": (-1, 1),
    "l_channel_ssim": (-1, 1),
    "unedit_max_diff": (0, 255),
    "drift_px": (0, inf),
    "zoom": (0, inf),
    "warp_px": (0, inf),
    "moved_share": (0, 1),
    "altered": (0, 100),
    "beyond_detail": (0, 255),
    "beyond_detail_max": (0, 255),
    "tone": (0, 258.69),
    "tone_max": (0, 258.69),
}
TOLERANCES = {  # lowest, highest, of a whole image, of its worst tile
    "exact": (0, 1, 0, 0),
    "pixel": (0, 1, 0.005, 0.05),
    "ssim": (-1, 1, 0.98, 0.9),
    "psnr": (0, 100, 38, 32),
    "lpips": (0, inf, 0.02, 0.15),
    "tone": (0, 258.69, 0.5, 0.7),
    "structure": (0, 255, 0.9, 0.9),
}
PARTS = (
    *("measurement", "images.boxes", "images.regions", "images.shapes", "gates.verdict"),
    *(f"goldens.{name}" for name in ("file", "lock", "provenance", "store", "text", "write")),
    *(f"config.{path.stem}" for path in Path(golden_images.__file__).parent.glob("[a-z]*.py")),
)


def node(data: object) -> Node:
    return Node.of(data, Source(None, "here"))


def image_settings(data: object) -> golden_images.ImageSettings:
    read = golden_block.BLOCK.read(node(data), PipeRegistry())
    return golden_block.image_settings(read)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_bound_is_a_value_that_the_metric_can_have_and_that_can_fail(name):
    metric, (low, high) = METRICS[name], VALUES[name]
    assert (metric.low, metric.high) == (low, high)
    never = {"max": low, "min": high}[metric.bound_kind]
    always = {"max": high, "min": low}[metric.bound_kind]
    if abs(never) < inf:
        assert parse_bounds(metric, never, origin="case", source="x").bound == never
        beyond = nextafter(never, -inf if never == low else inf)
        with pytest.raises(ConfigError):
            parse_bounds(metric, beyond, origin="case", source="x")
    if abs(always) < inf:
        with pytest.raises(ConfigError):
            parse_bounds(metric, always, origin="case", source="x")
        within = nextafter(always, never)
        assert parse_bounds(metric, within, origin="case", source="x").bound == within


def test_the_schema_has_the_same_limits():
    for name, (low, high) in VALUES.items():
        bound = bound_schema(METRICS[name])
        ends = {"max": ("minimum", "exclusiveMaximum"), "min": ("exclusiveMinimum", "maximum")}
        lower, upper = ends[METRICS[name].bound_kind]
        assert bound.get(lower, -inf) == low
        assert bound.get(upper, inf) == high


@pytest.mark.parametrize("comparator", list(TOLERANCES))
def test_tolerances_of_golden_images(comparator):
    low, high, whole, tile = TOLERANCES[comparator]
    assert LIMITS[comparator] == (low, high)
    assert golden_images.TOLERANCE[comparator] == whole
    assert golden_images.TILE_TOLERANCE[comparator] == tile
    if comparator == "exact":
        return
    always, strictest = (
        (high, low) if golden_images.bound_kind(comparator) == "max" else (low, high)
    )
    loosest = nextafter(always, strictest) if always < inf else 1e300
    for within in (strictest, loosest):
        assert checked_tolerance(comparator, within) == within
    for wrong in (always, nextafter(low, -inf), nextafter(high, inf), inf, True, "0.5"):
        with pytest.raises(InputError):
            checked_tolerance(comparator, wrong)
    if always < inf:
        with pytest.raises(InputError, match=f"always holds: {comparator} is never"):
            checked_tolerance(comparator, always)


def _with(schema, name):
    """Return the properties of the part of a schema that has this one."""
    if name in schema.get("properties", {}):
        return schema["properties"]
    return next(found for part in schema["anyOf"] if (found := _with(part, name)))


@pytest.mark.parametrize("key", ["tolerance", "tile"])
def test_the_schema_refuses_a_tolerance_that_always_holds(key):
    block = golden_block.BLOCK.key(key).kind.schema(PipeRegistry())["properties"]
    if key == "tile":
        block = _with(block["tolerance"], "ssim")
    assert (block["pixel"]["exclusiveMaximum"], "maximum" in block["pixel"]) == (1.0, False)
    assert (block["ssim"]["exclusiveMinimum"], "minimum" in block["ssim"]) == (-1.0, False)


def test_a_margin_is_a_tenth_unless_it_says_otherwise():
    assert Margin() == Margin(relative=0.1, absolute=0.0)
    assert Margin(0.1, 0.5).around(-20) == 2
    assert Margin(0.1, 0.5).around(1) == 0.5


@pytest.mark.parametrize(("share", "taken"), [(0, True), (1, True), (-1e-9, False), (1.01, False)])
def test_the_share_of_a_patch(share, taken):
    data = node({"patch_mask_threshold": share})
    if taken:
        assert runtime_params(METRICS["emd"], data, PipeRegistry()) == {
            "patch_mask_threshold": share
        }
    else:
        with pytest.raises(ConfigError, match="between 0 and 1"):
            runtime_params(METRICS["emd"], data, PipeRegistry())


@pytest.mark.parametrize(
    ("colour", "taken"),
    [([0, 0, 255], True), ([0, 0, 256], False), ([0, -1, 0], False), ([0.5, 0, 0], False),
     ([True, 0, 0], False), ([0, 0], False)],
)  # fmt: skip
def test_a_colour_is_three_whole_levels(colour, taken):
    data = node({"bg_color": colour})
    if taken:
        assert runtime_params(METRICS["sam_clip_cls_sim"], data, PipeRegistry()) == {
            "bg_color": tuple(colour)
        }
    else:
        with pytest.raises(ConfigError):
            runtime_params(METRICS["sam_clip_cls_sim"], data, PipeRegistry())


def test_a_long_value_is_cut_in_messages():
    assert node("x" * 58).shown == f"text '{'x' * 58}'"
    assert node("x" * 59).shown == f"text '{'x' * 56}..."
    assert node(True).shown == "true"
    assert Node("x", Source(None, "here")).where == "here"
    assert node(["a"]).shown == "a list"


def test_a_metric_is_named_once_whatever_it_is_called():
    with pytest.raises(ConfigError, match="'lpips' stands twice in metrics"):
        metric_names(node(["lpips", "emd", "lpips"]), "metrics", PipeRegistry())
    with pytest.raises(ConfigError, match="'mask_iou' and 'iou' are one metric, mask_iou"):
        metric_names(node(["mask_iou", "iou"]), "metrics", PipeRegistry())
    with pytest.raises(ConfigError, match="'iou' and 'mask_iou' are one metric, mask_iou"):
        metric_names(node(["iou", "mask_iou"]), "metrics", PipeRegistry())


def nested(depth: int, inner: object, kind: type) -> object:
    for _ in range(depth):
        inner = [inner] if kind is list else {"a": inner}
    return inner


@pytest.mark.parametrize("kind", [list, dict])
def test_facts_may_be_nested_ten_deep(kind):
    assert checked_facts({"x": nested(10, 1, kind)}) == {"x": nested(10, 1, kind)}
    with pytest.raises(InputError, match=r"provenance\(x="):
        checked_facts({"x": nested(11, 1, kind)})
    with pytest.raises(InputError):
        checked_facts({"x": {1: 2}})


def test_the_kinds_of_a_mask():
    mask = np.array([[0, 255], [255, 255]], np.uint8)
    inside = mask > 0
    grey_alpha = np.dstack([mask, mask, mask, np.full_like(mask, 255)])
    for given in (mask, mask[None], mask[..., None], np.dstack([mask] * 3), grey_alpha):
        assert (Region(mask=given).inside(2, 2) == inside).all()
    for wrong in (mask[:0], np.stack([mask, mask]), np.dstack([mask, mask, 255 - mask])):
        with pytest.raises(RegionError):
            Region(mask=wrong).read()


@pytest.mark.parametrize("size", [[0, 5], [-1, -8], [100_000, 100_000], [2], "2x2"])
def test_a_packed_mask_of_no_size_is_refused(size):
    whole = Region(mask=np.eye(8, dtype=bool)).to_json()
    assert Region.of(whole).inside(8, 8).sum() == 8
    with pytest.raises(RegionError):
        Region.of({**whole, "mask": {**whole["mask"], "size": size}}).inside(8, 8)


@pytest.mark.parametrize("pixels", [9, 15, 16])
def test_a_packed_mask_holds_every_pixel(pixels):
    whole = Region(mask=np.ones((1, pixels), bool)).to_json()
    assert whole["mask"]["size"] == [pixels, 1]
    assert Region.of(whole).inside(1, pixels).all()
    for other in (pixels - 8, pixels + 8):  # a byte less, a byte more
        with pytest.raises(RegionError, match="damaged"):
            Region.of({"mask": {**whole["mask"], **packed(np.ones((1, other), bool)),
                                "size": [pixels, 1]}})  # fmt: skip


@pytest.mark.parametrize(
    ("array", "mask"),
    [
        (np.zeros((3, 4), bool), True),
        (np.zeros((1, 3, 4), bool), True),
        (np.zeros((3, 4), np.uint8), False),
        (np.zeros((3, 5), np.uint8), True),
        (np.zeros((3, 2), np.uint8), True),
        (np.zeros((3, 4)), False),
        (np.zeros((3, 8)), False),
        (np.zeros((3, 9)), True),
        (np.zeros((2, 3, 9)), True),
        (np.zeros(8, bool), False),
        (np.zeros(8), False),
    ],
)
def test_a_mask_is_told_from_an_array_of_boxes(array, mask):
    assert is_mask(array) is mask


def test_values_are_not_changed_where_they_are_held():
    """But for the nodes of a YAML file, which are made one after the other."""
    changing = set()
    for name in PARTS:
        module = importlib.import_module(f"pytest_editmetrics.{name}")
        for value in vars(module).values():
            own = dataclasses.is_dataclass(value) and value.__module__ == module.__name__
            if own and not value.__dataclass_params__.frozen:
                changing.add(value.__name__)
    assert changing == {"Node"}


def test_what_an_expectation_holds():
    bounds = {name: dict(expectation.bounds) for name, expectation in EXPECTATIONS.items()}
    assert bounds["reencoded"] == {
        "beyond_detail": 6, "tone": 3, "tone_max": 8, "lpips": 0.6, "drift_px": 0.5,
        "warp_px": 1, "moved_share": 0.05, "altered": 0.1, "edit_lpips": 0.02, "edit_ratio": 2,
    }  # fmt: skip
    assert bounds["generative"] == {
        "lpips": 0.7, "drift_px": 4, "warp_px": 6, "moved_share": 0.2, "altered": 0.1,
        "edit_lpips": 0.02,
    }  # fmt: skip
    assert bounds["composited-jpeg"] == {
        "beyond_detail_max": 10, "tone": 1, "tone_max": 7, "lpips": 0.08, "drift_px": 0.15,
        "warp_px": 0.25, "moved_share": 0.02, "edit_lpips": 0.02, "edit_ratio": 2,
    }  # fmt: skip
    assert EXPECTATIONS["generative"].told == ("tone",)


@pytest.mark.parametrize(
    ("name", "bound", "good", "bad", "side"),
    [("lpips", 0.1, 0.05, 0.2, "below max, 0.1"), ("unedit_psnr", 30, 31, 29, "above min, 30")],
)
def test_a_review_bound_lies_on_the_good_side(name, bound, good, bad, side):
    metric = METRICS[name]

    def review(value):
        data = node({metric.bound_kind: bound, "review": value})
        return parse_bounds(metric, data, origin="case", source="x").review

    assert review(good) == good
    for wrong in (bound, bad):
        with pytest.raises(
            ConfigError, match=rf"review of {name} is {wrong:g} and must lie {side}"
        ):
            review(wrong)


@pytest.mark.parametrize(
    ("name", "bound", "says"),
    [
        ("unedit_ssim", 1.5, "min of unedit_ssim is 1.5, which can never hold: .* never above 1"),
        ("unedit_ssim", -1, "min of unedit_ssim is -1, which always holds: .* never below -1"),
        ("unedit_max_diff", 255, "max of .* is 255, which always holds: .* never above 255"),
        ("lpips", -0.1, "max of lpips is -0.1, which can never hold: lpips is never below 0"),
    ],
)
def test_why_a_bound_is_refused(name, bound, says):
    with pytest.raises(ConfigError, match=says):
        parse_bounds(METRICS[name], bound, origin="case", source="x")


def test_how_long_a_writer_of_goldens_waits():
    assert PATIENCE == 60


def test_where_a_bound_comes_from_is_named():
    with pytest.raises(TypeError):
        parse_bounds(METRICS["lpips"], 0.1, "case")


@pytest.mark.parametrize(
    "region",
    [
        {"boxes": [(-6, -5, -1, 3), (10, 8, 14, 30)]},
        {"polygons": [[(-8, 2), (-1, 2), (-1, 9), (-8, 9)], [(11, 11), (20, 11), (15, 20)]]},
        {"mask": np.eye(16, dtype=bool)},
    ],
)
@pytest.mark.parametrize("dilate", [1, 3])
def test_what_lies_beside_the_image_grows_into_it(region, dilate):
    """Against a plain Euclidean distance to the region on a canvas with room around the image."""
    room, size = 12, 16
    plain = dict(region)
    if "mask" in plain:
        plain["mask"] = np.pad(plain["mask"], room)
    for kind in ("boxes", "polygons"):
        if kind in plain:
            plain[kind] = [
                tuple(v + room for v in one)
                if kind == "boxes"
                else [(x + room, y + room) for x, y in one]
                for one in plain[kind]
            ]
    canvas = Region(**plain).inside(size + 2 * room, size + 2 * room)
    rows, columns = np.nonzero(canvas)
    y, x = np.mgrid[0:size, 0:size]
    away = np.hypot(y[..., None] + room - rows, x[..., None] + room - columns).min(axis=-1)
    assert (Region(**region, dilate=dilate).inside(size, size) == (away <= dilate)).all()


@pytest.mark.parametrize(
    ("key", "low", "high"), [("distance", 0, 254), ("tile", 8, 4096)], ids=["distance", "tile"]
)
def test_sizes_of_golden_images(key, low, high):
    def settings(value):
        data = {"tile": {"size": value}} if key == "tile" else {key: value}
        return getattr(image_settings(data), key)

    assert (settings(low), settings(high)) == (low, high)
    for wrong in (low - 1, high + 1, low + 0.5, True):
        with pytest.raises(ConfigError):
            settings(wrong)


@pytest.mark.parametrize("name", ["exact", "pixel", "ssim", "psnr", "structure", "tone", "lpips"])
def test_a_comparator_is_the_one_that_is_named(name):
    assert image_settings({"comparator": name}).comparators == {name: None}


def test_the_box_around_a_mask():
    mask = np.zeros((9, 12), bool)
    assert bounds(mask) is None
    mask[2:5, 3:11] = True
    assert bounds(mask) == (3, 2, 11, 5)
    mask[7, 1] = True
    assert bounds(mask) == (1, 2, 11, 8)
    mask[8, 0] = True
    assert bounds(mask) == (0, 2, 11, 9)
    assert bounds(np.ones((2, 2), bool)) == (0, 0, 2, 2)
    assert bounds(np.pad(np.ones((4, 3), bool), ((1, 0), (3, 0)))) == (3, 1, 6, 5)


def test_a_mask_that_is_transparent_in_places_is_refused():
    white = np.full((2, 2, 4), 255, np.uint8)
    assert Region(mask=white).inside(2, 2).all()
    white[1, 1, 3] = 254
    with pytest.raises(RegionError, match="transparent in places"):
        Region(mask=white).read()


@pytest.mark.parametrize(("levels", "taken"), [(98, True), (99, False)])
def test_references_may_lead_a_hundred_levels_deep_the_mapping_and_the_link_among_them(
    tmp_path, levels, taken
):
    path = tmp_path / "a.yaml"
    half = levels // 2
    path.write_text(
        f"a: {'[' * half}1{']' * half}\nb: {'[' * (levels - half)}'${{a}}'{']' * (levels - half)}\n"
    )
    tree = load_tree(path, tmp_path)
    resolver = Resolver(tree)
    if taken:
        resolver.resolve(tree.root)
    else:
        with pytest.raises(ConfigError, match="nested deeper than 100 levels"):
            resolver.resolve(tree.root)
