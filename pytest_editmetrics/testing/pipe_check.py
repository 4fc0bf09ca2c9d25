"""``check_pipe``: does a pipe keep the contract of ``pytest_editmetrics.Pipe``?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_editmetrics.images.load import ImageLike
    from pytest_editmetrics.measurement import Metric, Scope
    from pytest_editmetrics.pipes.contract import Pipe


def check_pipe(
    pipe: Pipe,
    metric: Metric,
    *,
    reference: ImageLike | None = None,
    tolerance: float = 0.0,
    leak: float = 0.0,
    scopes: Sequence[Scope] = ("edit_area", "unedit_area"),
    **params: Any,
) -> None:
    """Check that a pipe keeps the contract of ``Pipe`` for one of its metrics.

    The pipe is asked about some eighty pairs, as a gate asks it: inside and outside boxes and other
    regions, with all kinds of changes. It must

    - give the same value for the same pair, also after others were measured;
    - honour its region: a change of pixels that are not measured leaves the value as it is, some
      change of those that are measured does not;
    - stay between ``metric.low`` and ``metric.high``, and never be NaN;
    - be no worse for an unchanged image than for every changed one (``metric.better``; the other
      way round for a metric that ``asks="change"``);
    - return ``None`` where the region holds no pixel, and a value where it does;
    - leave images and boxes as they were given to it;
    - take the keywords that ``metric.params`` names, and return what ``Pipe`` says.

    Of a metric with ``compares="objects"``, whose boxes are no region, the region is not checked,
    and ``None`` is asked for an odd number of boxes, or none.

    Args:
        pipe: the pipe, as its constructor makes it.
        metric: as it is registered.
        reference: a picture of yours, of any kind that ``load_image`` takes, for a pipe that needs
            a face or a text to say anything; default: a made one of 131x90 pixels.
        tolerance: how far values of the same pair may differ, as on a GPU.
        leak: how far pixels that are not measured may move the value. A model with attention sees
            all of the image: state how much you allow.
        scopes: where the metric is asked for; name one if the pipe refuses the other.
        params: runtime parameters of the metric.

    Raises:
        AssertionError: the pipe does not keep the contract; the message tells all findings.

    >>> import numpy as np
    >>> from pytest_editmetrics import Metric, Region
    >>> from pytest_editmetrics.testing import check_pipe
    >>> class MeanChangePipe:
    ...     def __call__(self, reference, edited, coords, mask_mode, metric, **params):
    ...         inside = Region.of(coords).inside(*reference.shape[:2])
    ...         measured = inside if mask_mode == "inner" else ~inside
    ...         if not measured.any():
    ...             return None
    ...         return float(np.abs(edited.astype(float) - reference)[measured].mean())
    >>> check_pipe(MeanChangePipe(), Metric("mean_change", "lower", low=0, high=255))

    One that takes all of the image, whatever the region, and says 0 where there is none:

    >>> class CarelessPipe:
    ...     def __call__(self, reference, edited, coords, mask_mode, metric, **params):
    ...         return float(np.abs(edited.astype(float) - reference).mean())
    >>> try:
    ...     check_pipe(CarelessPipe(), Metric("mean_change", "lower", low=0, high=255))
    ... except AssertionError as error:
    ...     print(str(error).splitlines()[0])
    CarelessPipe does not keep the contract of pytest_editmetrics.Pipe for mean_change, 2 findings:
    """
    __tracebackhide__ = True
    from pytest_editmetrics.testing.findings import Inquiry

    inquiry = Inquiry(pipe, metric, reference, tolerance, leak, tuple(scopes), params)
    found = inquiry.findings()
    if found:
        name = getattr(pipe, "__name__", type(pipe).__name__)
        number = counted(len(found), "finding")
        raise AssertionError(
            f"{name} does not keep the contract of pytest_editmetrics.Pipe for {metric.name},"
            f" {number}:\n" + "\n".join(f"- {text}" for text in found)
        )
