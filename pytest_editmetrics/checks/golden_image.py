"""``golden_image``: holds an image to the golden image that was approved for the test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_editmetrics.checks.calls import (
    call_site,
    check_name,
    drawn,
    each_check,
    raise_ended,
    raise_failures,
)
from pytest_editmetrics.checks.image_job import ImageJob, run_job
from pytest_editmetrics.checks.keywords import check_keywords, in_short, takes_only_its_keywords
from pytest_editmetrics.errors import (
    InputError,
    MissingResourceError,
    did_you_mean,
)
from pytest_editmetrics.measurement import SCOPES, Measurement, Scope, Threshold
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

_NO_GOLDEN_TO_GIVE = (
    "the second argument of golden_image.check is a name of the check, not {}: the golden is found"
    " by itself, from the test's id; write golden_image.check(image), or, of several in one test,"
    ' golden_image.check(image, "hat"), and --editmetrics-update=missing records what is right'
)
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

    @takes_only_its_keywords(lambda golden: golden._record.errors("golden_image"))
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

    @takes_only_its_keywords(lambda golden: golden._record.errors("golden_image"))
    def check(
        self,
        image: ImageLike,
        name: str | None = None,
        *,
        comparator: Comparator
        | Sequence[Comparator]
        | Mapping[Comparator, float | None]
        | None = None,
        tolerance: float | None = None,
        coords: RegionLike | None = None,
        scope: Scope | None = None,
        colour: Colour | None = None,
    ) -> list[Measurement]:
        """Hold an image to its golden image; size, mode (grey, RGB) and alpha must agree.

        Args:
            image: PIL image, path, uint8 or float [0, 1] array (H, W, C), tensor (C, H, W), or a
                batch of one of these.
            name: tells several images of one test apart; part of the golden's address.
            comparator: ``exact``, ``pixel``, ``ssim``, ``psnr``, ``lpips``, ``tone`` or
                ``structure``; several as a list, or as a mapping with a bound of each
                (``{"ssim": 0.95, "psnr": 28}``, ``None`` for the configured one): all have to hold.
                Default: the configuration's ``golden_images: {comparator: ...}``, else what the
                golden was recorded with, else ``structure``, ``tone``, and from 31 px on ``lpips``.
            tolerance: of a single comparator, the inclusive bound: the share of pixels in [0, 1]
                (``pixel``), the distance (``lpips``, ``tone``, ``structure``) that it may reach,
                the similarity (``ssim``) or the decibels (``psnr``) that it must; default: the
                configuration's. The worst tile is held to a bound of its own, never stricter than
                this one.
            coords: boxes ``(x1, y1, x2, y2)`` in pixels, half-open, or another region, as
                ``edit_gate.check`` takes it.
            scope: with boxes, compare inside them (``edit_area``) or outside (``unedit_area``, the
                default).
            colour: ``"seen"`` applies the colour profiles of image and golden; ``"numbers"`` leaves
                them aside. Default: the configuration's ``colour:``, else ``"seen"``. ``exact``
                notices in either way that a profile went which is not sRGB's.

        Returns:
            One measurement a comparator, in their order, which may be a soft failure (no pixel to
            compare); none where nothing was compared, as the golden is only now recorded.

        Raises:
            GateFailure: the image, or a tile of it, lies outside a tolerance, its size or mode
                is another, or it has no golden; the message holds every comparator.
            EditMetricsError: something could not be compared at all: the golden cannot be read,
                weights are missing, a box that makes no sense.
        """
        __tracebackhide__ = True
        call = {
            "image": image,
            "name": name,
            "comparator": comparator,
            "tolerance": tolerance,
            "coords": coords,
            "scope": scope,
            "colour": colour,
        }
        return self._run([call])[0]

    @takes_only_its_keywords(lambda golden: golden._record.errors("golden_image"))
    def check_all(self, checks: Iterable[Mapping[str, Any]]) -> list[list[Measurement]]:
        """Do several checks, each the keywords of ``check`` with a ``name`` of its own.

        All are compared, and all failures are raised as one. ``checks`` may be a generator: one is
        held at a time.

        Returns:
            The measurements of each check, in order.

        Raises:
            InputError: no check at all, or one with a keyword that ``check`` does not take.
            GateFailure, EditMetricsError: see ``check``.
        """
        __tracebackhide__ = True
        each = each_check(checks, self._record.errors("golden_image"))
        return self._run(map(self._call_of, each))

    def _call_of(self, keywords: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._record.errors("golden_image"):
            return check_keywords(keywords, GoldenImage.check, ["image"])

    def _run(self, calls: Iterable[Mapping[str, Any]]) -> list[list[Measurement]]:
        __tracebackhide__ = True
        record = record_now(self._record)
        if record is not self._record:
            other = GoldenImage(record)
            other._facts = self._facts
            return other._run(calls)
        with self._record.checking():
            gates: list[Gate] = []
            measurements: list[list[Measurement]] = []
            waiting = iter(calls)
            ended: BaseException | None = None
            while ended is None:
                call, ended = drawn(waiting, 1)
                if not call:
                    break
                made, measured, ended = self._checked(**call[0])
                gates += made
                measurements.append(measured)
            if ended is not None:
                raise_ended(ended, gates, self._test.nodeid, self._session.config)
            if not measurements:
                with self._record.errors("golden_image"):
                    raise InputError("check_all was given no check, so nothing would be compared")
            raise_failures(gates, self._test.nodeid, self._session.config)
            return measurements

    def __repr__(self) -> str:
        return f"golden_image of {self._test.nodeid}"

    def __reduce__(self) -> NoReturn:
        """A test's checks belong to its process."""
        raise self._record.not_elsewhere("golden_image")

    def _checked(
        self,
        image: ImageLike,
        name: str | None = None,
        comparator: object = None,
        tolerance: float | None = None,
        coords: RegionLike | None = None,
        scope: Scope | None = None,
        colour: Colour | None = None,
    ) -> tuple[Sequence[Gate], list[Measurement], BaseException | None]:
        """Record the gates of one check, one a comparator, and return what was measured.

        And what ended the test before all had compared, if a pipe or fixture of the user's did.
        """
        with self._record.errors("golden_image"):
            Marker.of(self._owner.node, self._session)
            stated = self._stated(comparator, tolerance)
            if name is not None and not isinstance(name, (str, int, float)):
                raise InputError(_NO_GOLDEN_TO_GIVE.format(in_short(name)))
            check_name(name)
            if scope is not None and scope not in SCOPES:
                raise InputError(f"unknown scope {scope!r}{did_you_mean(scope, SCOPES)}")
            address = self._claim(name)
        job = ImageJob(
            self._owner,
            stated,
            image,
            address,
            coords,
            scope,
            self._facts,
            colour=colour or self._session.settings.colour,
            failed=lambda comparator, error: self._not_measured(comparator, name, error),
        )
        clock, kind = self._session.clock, "golden_image"
        label = f"{self._test.nodeid}: {kind}" + (f"@{name}" if name else "")
        try:
            with clock.gate(label, kind), clock.of("goldens"):
                result = run_job(self._session, job)
        except Exception as error:
            made = [self._not_measured(one, name, error) for one in self._named(stated)]
            return [self._record.add(gate) for gate in made], [], None
        if result.staged is not None:
            self._record.stage(result.staged)
        gates = [self._record.add(gate) for gate in result.gates]
        recorded = any(gate.verdict == "recorded" for gate in gates)
        if self._session.options["selftest"] and not recorded and result.ended is None:
            from pytest_editmetrics.checks.self_tested import add_image

            gates.append(add_image(self._session, self._record, job, gates))
        return gates, result.measurements, result.ended

    def _stated(
        self, comparator: object, tolerance: float | None
    ) -> dict[Comparator, Threshold | None] | None:
        """Return the comparators that the call names, each with its bound and the call's line."""
        from pytest_editmetrics.config.golden_images import (
            bound_kind,
            checked_tolerance,
            joined,
        )

        given: dict[Comparator, float | None]
        if comparator is not None:
            given = joined(comparator)
        elif tolerance is None:
            return None
        else:
            given = dict.fromkeys(self._named(None))
        if tolerance is not None:
            if len(given) > 1:
                raise InputError(
                    f"tolerance={tolerance!r} is of one comparator, and {', '.join(given)} compare;"
                    ' name it, as comparator="lpips", or give bounds, as'
                    ' comparator={"ssim": 0.95, "psnr": 28}'
                )
            (only,) = given
            if given[only] is not None:
                raise InputError(
                    f"tolerance={tolerance!r} beside comparator={{{only!r}: {given[only]:g}}}:"
                    " give one of the two"
                )
            given[only] = checked_tolerance(only, tolerance)
        where = call_site(self._owner.path, self._session)
        return {
            one: None if bound is None else Threshold(bound_kind(one), bound, "argument", where)
            for one, bound in given.items()
        }

    def _named(self, stated: Mapping[Comparator, Threshold | None] | None) -> Sequence[Comparator]:
        """Return the comparators that a check was to be of, before its golden is read."""
        from pytest_editmetrics.config.golden_images import DEFAULT

        return tuple(stated or self._session.settings.golden_images.comparators or DEFAULT)

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
        from pytest_editmetrics.config.golden_images import image_metric
        from pytest_editmetrics.gates.verdict import error_gate, skipped_gate

        metric = image_metric(comparator)
        if not isinstance(error, MissingResourceError):
            return error_gate(metric, said(error), name=name)
        skipped = error.pipe in self._session.options["skip-missing"]
        gate = skipped_gate if skipped else error_gate
        return gate(metric, said(error), name=name, fetch=error.fetch)
