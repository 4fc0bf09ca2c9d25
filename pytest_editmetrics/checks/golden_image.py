"""``golden_image``: holds an image to the golden image that was approved for the test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_editmetrics.checks.calls import call_site, check_name, raise_failures
from pytest_editmetrics.checks.image_job import ImageJob, run_job
from pytest_editmetrics.errors import (
    InputError,
    MissingResourceError,
    did_you_mean,
)
from pytest_editmetrics.measurement import SCOPES, Measurement, Metric, Scope, Threshold
from pytest_editmetrics.session.fixture_record import FixtureRecord
from pytest_editmetrics.session.marker import Marker
from pytest_editmetrics.session.record import TestRecord, said
from pytest_editmetrics.session.running import invocation_of, record_now
from pytest_editmetrics.session.state import session_of

if TYPE_CHECKING:
    from pytest_editmetrics.config.golden_images import Comparator
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.goldens.images import ImageAddress
    from pytest_editmetrics.images.colour_words import Colour
    from pytest_editmetrics.images.load import ImageLike
    from pytest_editmetrics.images.shapes import RegionLike

_claimed = pytest.StashKey[dict[Path, tuple[str, str]]]()


class GoldenImage:
    """Compares images of one running test with its golden images, and records them on request."""

    def __init__(self, record: TestRecord | FixtureRecord):
        self._record = record
        with record.errors("golden_image"):
            self._owner = record.owner
        self._test = self._owner.test
        self._session = session_of(record.item.config)
        self._facts: dict[str, Any] = {}

    def provenance(self, **facts: Any) -> None:
        """Add facts to what is written beside the golden images that later checks record.

        Args:
            facts: texts, numbers, and lists or mappings of them, as ``model="sdxl-edit", seed=7``.
                A later value of a name replaces an earlier one.

        Raises:
            InputError: a value that cannot be written down.
        """
        from pytest_editmetrics.goldens.provenance import checked_facts

        self._facts |= checked_facts(facts)

    def check(
        self,
        image: ImageLike,
        name: str | None = None,
        *,
        comparator: Comparator | None = None,
        tolerance: float | None = None,
        coords: RegionLike | None = None,
        scope: Scope | None = None,
        colour: Colour | None = None,
    ) -> Measurement | None:
        """Hold an image to its golden image; size, mode (grey, RGB) and alpha must agree.

        Args:
            image: PIL image, path, uint8 or float [0, 1] array (H, W, C), tensor (C, H, W), or a
                batch of one of these.
            name: tells several images of one test apart; part of the golden's address.
            comparator: ``exact``, ``pixel``, ``ssim`` or ``lpips``; default: the configuration's
                ``golden_images: {comparator: ...}``, else ``lpips``.
            tolerance: the inclusive bound: for ``pixel`` the share of pixels in [0, 1] and for
                ``lpips`` the distance that it may reach, for ``ssim`` the similarity that it must;
                default: the configuration's. The worst tile is held to a bound of its own, never
                stricter than this one.
            coords: boxes ``(x1, y1, x2, y2)`` in pixels, half-open, or another region, as
                ``edit_gate.check`` takes it.
            scope: with boxes, compare inside them (``edit_area``) or outside (``unedit_area``, the
                default).
            colour: ``"seen"`` applies the colour profiles of image and golden; ``"numbers"`` leaves
                them aside. Default: the configuration's ``colour:``, else ``"seen"``. ``exact``
                notices in either way that a profile went which is not sRGB's.

        Returns:
            The measurement, which may be a soft failure (no pixel to compare); ``None`` where
            nothing was compared, as the golden is only now recorded.

        Raises:
            GateFailure: the image, or a tile of it, lies outside its tolerance, its size or mode
                is another, or it has no golden.
            EditMetricsError: something could not be compared at all: the golden cannot be read,
                weights are missing, a box that makes no sense.
        """
        __tracebackhide__ = True
        record = record_now(self._record)
        if record is not self._record:
            other = GoldenImage(record)
            other._facts = self._facts
            return other.check(
                image, name, comparator=comparator, tolerance=tolerance, coords=coords, scope=scope
            )
        with self._record.checking():
            return self._checked(image, name, comparator, tolerance, coords, scope, colour)

    def __repr__(self) -> str:
        return f"golden_image of {self._test.nodeid}"

    def __reduce__(self) -> NoReturn:
        """A test's checks belong to its process."""
        raise self._record.not_elsewhere("golden_image")

    def _checked(
        self,
        image: ImageLike,
        name: str | None,
        comparator: Comparator | None,
        tolerance: float | None,
        coords: RegionLike | None,
        scope: Scope | None,
        colour: Colour | None,
    ) -> Measurement | None:
        __tracebackhide__ = True
        with self._record.errors("golden_image"):
            Marker.of(self._owner.node, self._session)
            chosen = self._comparator(comparator)
            argument = self._argument(chosen, tolerance)
            check_name(name)
            if scope is not None and scope not in SCOPES:
                raise InputError(f"unknown scope {scope!r}{did_you_mean(scope, SCOPES)}")
            address = self._claim(name)
        job = ImageJob(
            self._owner,
            chosen,
            argument,
            image,
            address,
            coords,
            scope,
            self._facts,
            colour=colour or self._session.settings.colour,
        )
        clock, label = self._session.clock, "golden_image" + (f"@{name}" if name else "")
        try:
            with clock.gate(f"{self._test.nodeid}: {label}"), clock.of("goldens"):
                result = run_job(self._session, job)
        except Exception as error:
            gate, measurement = self._not_measured(chosen, name, error), None
        else:
            gate, measurement = result.gate, result.measurement
            if result.staged is not None:
                self._record.stage(result.staged)
        kept = self._record.add(gate)
        raise_failures([kept], self._test.nodeid, self._session.config.get_verbosity())
        return measurement

    def _comparator(self, given: str | None) -> Comparator:
        from pytest_editmetrics.config.golden_images import COMPARATORS

        if given is None:
            return self._session.settings.golden_images.comparator
        for known in COMPARATORS:
            if given == known:
                return known
        raise InputError(f"unknown comparator {given!r}{did_you_mean(given, COMPARATORS)}")

    def _argument(self, comparator: Comparator, tolerance: float | None) -> Threshold | None:
        from pytest_editmetrics.config.golden_images import bound_kind, checked_tolerance

        if tolerance is None:
            return None
        bound = checked_tolerance(comparator, tolerance)
        where = call_site(self._owner.path, self._session.rootdir)
        return Threshold(bound_kind(comparator), bound, "argument", where)

    def _claim(self, name: str | None) -> ImageAddress:
        """Return where the golden lies, and see to it that no other check shares it."""
        from pytest_editmetrics.goldens.images import image_address

        self._record.claim("golden_image", name, invocation_of(self._record))
        address = image_address(self._session.goldens, self._owner.path, self._test.key, name)
        claimed = self._owner.config.stash.setdefault(_claimed, {})
        own = (address.test, self._test.nodeid)
        owner, nodeid = claimed.setdefault(address.folder / address.stem, own)
        if owner != address.test:
            raise InputError(
                f"{nodeid} has the golden image {address.stem} already; give this check another"
                " name="
            )
        return address

    def _not_measured(self, comparator: Comparator, name: str | None, error: Exception) -> Gate:
        from pytest_editmetrics.config.golden_images import better
        from pytest_editmetrics.gates.verdict import error_gate, skipped_gate

        metric = Metric(f"golden_{comparator}", better(comparator))
        if not isinstance(error, MissingResourceError):
            return error_gate(metric, said(error), name=name)
        skipped = error.pipe in self._session.options["skip-missing"]
        gate = skipped_gate if skipped else error_gate
        return gate(metric, said(error), name=name, fetch=error.fetch)
