"""One helper per gate; each finds the running test, so it also works in ``unittest.TestCase``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_editmetrics.checks.edit_gate import Check, EditGate
from pytest_editmetrics.checks.keywords import takes_only_its_keywords
from pytest_editmetrics.checks.measure import Boxes
from pytest_editmetrics.errors import InputError
from pytest_editmetrics.images.resize_modes import Aspect, Resize
from pytest_editmetrics.measurement import Measurement
from pytest_editmetrics.session.running import running_record

if TYPE_CHECKING:
    from pytest_editmetrics.images.colour_words import Colour
    from pytest_editmetrics.images.shapes import RegionLike


@takes_only_its_keywords(lambda _: running_record().errors("emd"))
def assert_unedit_emd_below(
    reference: Any,
    edited: Any,
    coords: RegionLike | None,
    threshold: float | None = None,
    *,
    name: str | None = None,
    resize: Resize | None = None,
    aspect: Aspect | None = None,
    colour: Colour | None = None,
) -> Measurement:
    """Assert that CLIP sees the same content outside the boxes: metric ``emd``, lower is better.

    Args:
        reference: the image before the edit (see ``EditGate.check`` for the accepted forms).
        edited: the image after it.
        coords: the edit area, boxes ``(x1, y1, x2, y2)`` in pixels, a mask, or a
            ``Region``; ``None`` measures everything.
        threshold: the inclusive bound (``emd`` has the units of squared token distance); without
            one the golden's holds, else the configuration's default.
        name: tells gates of one metric in one test apart.
        resize: what to do where the images differ in size, see ``EditGate.check``.
        aspect: ``"any"`` lets a mode stretch, see ``EditGate.check``.
        colour: ``"seen"`` applies the images' colour profiles, ``"numbers"`` leaves them aside;
            default: the configuration's.

    Returns:
        The measurement; a soft failure is one too, and makes the test xfail.

    Raises:
        GateFailure: the value lies above the bound, or there is none.
        EditMetricsError: nothing could be measured, or no test is running.
    """
    __tracebackhide__ = True
    how = {"resize": resize, "aspect": aspect, "colour": colour, "scope": "unedit_area"}
    return _one("emd", threshold, reference, edited, coords=coords, name=name, **how)


@takes_only_its_keywords(lambda _: running_record().errors("lpips"))
def assert_unedit_lpips_below(
    reference: Any,
    edited: Any,
    coords: RegionLike | None,
    threshold: float | None = None,
    *,
    name: str | None = None,
    resize: Resize | None = None,
    aspect: Aspect | None = None,
    colour: Colour | None = None,
) -> Measurement:
    """Assert that the pixels outside the boxes look the same: metric ``lpips``, lower is better.

    Takes, returns and raises what ``assert_unedit_emd_below`` does; ``lpips`` is 0 for identical
    images and divided by the measured fraction of the image.
    """
    __tracebackhide__ = True
    how = {"resize": resize, "aspect": aspect, "colour": colour, "scope": "unedit_area"}
    return _one("lpips", threshold, reference, edited, coords=coords, name=name, **how)


@takes_only_its_keywords(lambda _: running_record().errors("sam_clip_cls_sim"))
def assert_object_sim_above(
    reference: Any,
    edited: Any,
    coords: Boxes | None = None,
    threshold: float | None = None,
    *,
    ref_boxes: Boxes | None = None,
    edited_boxes: Boxes | None = None,
    name: str | None = None,
    resize: Resize | None = None,
    aspect: Aspect | None = None,
    colour: Colour | None = None,
) -> Measurement:
    """Assert that the objects are still the same: metric ``sam_clip_cls_sim``, higher is better.

    Args:
        reference: the image before the edit (see ``EditGate.check`` for the accepted forms).
        edited: the image after it.
        coords: reference boxes, then edited boxes, paired in order; or give the two lists below.
        threshold: the inclusive bound, a cosine in [-1, 1]; without one the golden's holds, else
            the configuration's default.
        ref_boxes: the objects in the reference, boxes ``(x1, y1, x2, y2)`` in pixels.
        edited_boxes: the same objects in the edited image, in the same order.
        name: tells gates of one metric in one test apart.
        resize: what to do where the images differ in size, see ``EditGate.check``.
        aspect: ``"any"`` lets a mode stretch, see ``EditGate.check``.
        colour: ``"seen"`` applies the images' colour profiles, ``"numbers"`` leaves them aside;
            default: the configuration's.

    Returns:
        The measurement; a soft failure (an odd list, an object that SAM does not find) is one too,
        and makes the test xfail.

    Raises:
        GateFailure: the mean cosine lies below the bound, or there is none.
        EditMetricsError: nothing could be measured, or no test is running.
    """
    __tracebackhide__ = True
    if coords is not None and (ref_boxes is not None or edited_boxes is not None):
        raise InputError("give coords (reference boxes, then edited boxes) or the two lists")
    boxes = {"ref_boxes": ref_boxes, "edited_boxes": edited_boxes, "object_coords": coords}
    how = {"resize": resize, "aspect": aspect, "colour": colour}
    return _one("sam_clip_cls_sim", threshold, reference, edited, name=name, **how, **boxes)


def _one(
    metric: str, threshold: float | None, reference: Any, edited: Any, **given: Any
) -> Measurement:
    __tracebackhide__ = True
    gate = EditGate(running_record())
    bounds = gate.argument(metric, threshold)
    check = Check(reference, edited, metrics=metric, thresholds=bounds, **given)
    (measurement,) = gate.run(check)
    return measurement
