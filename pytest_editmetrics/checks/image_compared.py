"""What each comparator finds between an image and its golden, and what ends that early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.checks.calls import ENDED, NO_TEST
from pytest_editmetrics.checks.image_held import Held
from pytest_editmetrics.checks.image_made import lpips_weights
from pytest_editmetrics.checks.image_prepared import Prepared
from pytest_editmetrics.checks.measure import bind, measure
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.measurement import Measurement, Threshold
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.checks.image_job import ImageJob
    from pytest_editmetrics.config.golden_images import Comparator
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.goldens.comparators import Comparison, Map
    from pytest_editmetrics.images.load import Array


@dataclass
class Results:
    """What comparators found, and the gates of those that could not compare.

    ``weights`` are those that compare the image, or will. ``ended`` is what ended the test at the
    comparator ``last``, in a pipe or fixture of the user's.
    """

    found: dict[Comparator, Comparison] = field(default_factory=dict)
    failed: dict[Comparator, Gate] = field(default_factory=dict)
    weights: Any = ()
    ended: BaseException | None = None
    last: Comparator | None = None

    def of(self, held: Held) -> Mapping[Comparator, Threshold | None]:
        """Return those of the comparators that can be judged: all that come before the end."""
        return dict(takewhile(lambda one: one[0] != self.last, held.comparators.items()))


def compared_with(
    golden: Array | None, session: EditSession, job: ImageJob, image: Prepared, held: Held
) -> Results:
    """Compare an image with its golden; with none only the weights are looked up."""
    results = Results()
    for comparator in held.comparators if golden is not None else ():
        assert golden is not None
        try:
            results.found[comparator] = _compared(comparator, golden, session, job, image)
        except ENDED as error:
            results.ended, results.last = _end(job, error), comparator
            return results
        except Exception as error:
            if job.failed is None:
                raise
            results.failed[comparator] = job.failed(comparator, error)
    if "lpips" in held.comparators and "lpips" not in results.failed:
        measured = results.found["lpips"].measurement if "lpips" in results.found else None
        try:
            results.weights = (measured and measured.weights) or lpips_weights(session, job.owner)
        except ENDED as error:
            results.ended, results.last = _end(job, error), "lpips"
    return results


def _end(job: ImageJob, error: BaseException) -> BaseException:
    """Return what ends a test; where there is none, raise what says so."""
    if job.owner is None:
        raise EditMetricsError(f"{type(error).__name__}: {error}; {NO_TEST}") from error
    return error


def _compared(
    comparator: Comparator, golden: Array, session: EditSession, job: ImageJob, image: Prepared
) -> Comparison:
    from pytest_editmetrics.goldens.comparators import compare

    def lpips(before: Array, after: Array) -> tuple[Measurement, Map]:
        return _lpips(session, job, image, before, after)

    settings = session.settings.golden_images
    with session.clock.of("comparing"):
        return compare(
            comparator,
            golden,
            image.pixels,
            image.mask,
            tile=settings.tile,
            distance=settings.distance,
            lpips=lpips,
        )


def _lpips(
    session: EditSession, job: ImageJob, image: Prepared, golden: Array, after: Array
) -> tuple[Measurement, Map]:
    from pytest_editmetrics.pipes.explain import Evidence

    config = session.settings.metric_configs["lpips"]
    bound = bind(job.owner, session, config, {})
    area = None if image.scope is None else image.area
    config = replace(config, scope=image.scope or "unedit_area")
    evidence = Evidence()
    try:
        measurement = measure(bound, config, (golden, after), area, evidence)
    except EditMetricsError:
        raise
    except ENDED:
        raise
    except Exception as error:  # the pipe may be the user's
        name = type(error).__name__
        raise EditMetricsError(f"{config.pipe_name} raised {name}: {error}") from error
    if bound.fixture is not None:
        details = {**measurement.details, "fixture": bound.fixture}
        measurement = replace(measurement, details=details)
    if measurement.value is None or evidence.heat is None:
        raise EditMetricsError(
            f"golden_image needs an LPIPSPipe, and {type(bound.pipe).__name__}, which the fixture"
            " lpips_pipe gives, tells no places; give another comparator="
        )
    return measurement, evidence.heat()
