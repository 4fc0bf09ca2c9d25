"""What a pipe of your own is called with, and what it returns: the public ``Pipe``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pytest_editmetrics.images.shapes import Region
    from pytest_editmetrics.measurement import MaskMode, Measurement

    Picture: TypeAlias = NDArray[np.uint8]
    Coords: TypeAlias = list[tuple[int, int, int, int]] | Region | None


class Pipe(Protocol):
    """A pipe of your own: any callable that compares a pair of images and returns a number.

    It need not inherit from this class, which says what is asked of it. Register it with the hook
    ``pytest_editmetrics_register_pipes``; ``pytest_editmetrics.testing.check_pipe`` checks it.

    A pipe is made when its first gate is measured, once for each set of options (``pipes_default``
    in ``editmetrics.yaml``, a metric's block, the marker), which its constructor takes as keywords.
    Load a model at the first call and keep it on the pipe. Nothing else is kept for it: neither
    images nor values, so keep there what is dear to compute. A pipe that has these, too, is used
    accordingly:

    - ``measure``, called like the pipe itself: it is called instead, so that ``pipe(...)`` may
      return a plain number to a notebook and ``measure`` the ``Measurement``;
    - a keyword ``device`` of the constructor: ``--editmetrics-device`` is given there, as it was
      written (``auto``, ``cpu``, ``cuda:1``, ``mps``); without the option the keyword is left out;
    - ``release()``: frees the memory. The plugin never calls it; tests do, before a large model of
      theirs is loaded. The next call loads again.

    A fixture named like the pipe (``sharpness_pipe`` of ``sharpness-pipe``) gives it in its place.

    >>> import numpy as np
    >>> from pytest_editmetrics import Pipe, Region
    >>> class MeanChangePipe:
    ...     def __call__(self, reference, edited, coords, mask_mode, metric, **params):
    ...         inside = Region.of(coords).inside(*reference.shape[:2])
    ...         measured = inside if mask_mode == "inner" else ~inside
    ...         if not measured.any():
    ...             return None
    ...         difference = edited.astype(float) - reference
    ...         return float(np.abs(difference[measured]).mean())
    >>> pipe: Pipe = MeanChangePipe()
    >>> reference = np.zeros((4, 8, 3), dtype=np.uint8)
    >>> edited = reference.copy()
    >>> edited[:, :4] = 10
    >>> box = [(0, 0, 4, 4)]
    >>> pipe(reference, edited, box, "inner", metric="mean_change")
    10.0
    >>> pipe(reference, edited, box, "outer", metric="mean_change")
    0.0
    """

    def __call__(
        self,
        reference: Picture,
        edited: Picture,
        coords: Coords,
        mask_mode: MaskMode | None,
        /,
        *,
        metric: str,
    ) -> float | Measurement | None:
        """Measure one metric of one pair.

        Args:
            reference: the image before the edit: numpy array, uint8, shape (H, W, 3), RGB, levels
                from 0 to 255. Orientation, transparency and colour profile are applied already.
                A gate gives a copy, which no other gate reads; who calls the pipe without one may
                not: copy what you change.
            edited: the image after it, likewise, of the same height and width: images of unlike
                sizes were brought together before, or the gate is an error.
            coords: the edit area. A list of boxes ``(x1, y1, x2, y2)``, whole numbers in pixels,
                half-open, origin top left, which may reach outside the image; a ``Region``, if it
                is more than boxes (polygons, a mask, grown boxes, a union); ``None`` if the test
                gave none. ``Region.of(coords)`` takes all of these, and
                ``Region.of(coords).inside(H, W)`` gives its pixels: boolean, shape (H, W). Of a
                metric with ``compares="objects"`` it is the boxes of the objects in the reference,
                then those in the edited image, in the same order.
            mask_mode: ``"inner"`` asks for what lies inside the edit area (scope ``edit_area``),
                ``"outer"`` for what lies outside (``unedit_area``), which is all of the image where
                ``coords`` is ``None`` or empty. A gate never gives ``None``; who calls the pipe
                without a gate may, and means the whole image.
            metric: the name of one of the metrics that the pipe was registered with. Runtime
                parameters of the metric come as further keywords: those that its ``Metric.params``
                names, where ``runtime_params`` in ``editmetrics.yaml`` or the marker states them.

        Returns:
            The value, a ``float`` or a number of numpy or torch with one element; a bool is an
            error, and so is a value outside the range that the ``Metric`` states. NaN and infinity
            fail the gate. ``None`` where the region gives no valid comparison: the test is then
            xfailed, with the reason ``no-value``. (A gate whose region holds no pixel is
            ``empty-region``, and does not call the pipe.) A ``Measurement`` tells more: ``details``
            (JSON values, shown in the report), ``device``, ``weights`` (a tuple of ``WeightsUsed``,
            which goldens are held to), or a ``SoftFailure`` in your own words; its ``metric`` must
            be the one asked for, and its ``scope`` what was measured, ``None`` if that was the
            whole image.

        Raises:
            MissingResourceError: the weights or a package are not there; the gate is an error, or,
                for a pipe that ``--editmetrics-skip-missing`` names, skipped and counted.
            EditMetricsError: anything else that must be put right first. Any other exception makes
                the gate an error too, which names its type and line; no xfail mark hides one.
        """
