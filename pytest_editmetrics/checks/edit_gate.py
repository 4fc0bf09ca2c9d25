"""``edit_gate``: measures a pair of images and holds each metric to its threshold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_editmetrics.checks.calls import (
    ENDED,
    call_site,
    check_name,
    drawn,
    each_check,
    raise_ended,
    raise_failures,
)
from pytest_editmetrics.checks.drawing import drawing
from pytest_editmetrics.checks.given_boxes import boxes_of, check_paired, edit_area
from pytest_editmetrics.checks.judge import Job, Judged, encode_ahead, exited, explained, judged
from pytest_editmetrics.checks.keywords import check_keywords, takes_only_its_keywords
from pytest_editmetrics.checks.left_out import say_left_out
from pytest_editmetrics.checks.measure import Boxes
from pytest_editmetrics.errors import InputError
from pytest_editmetrics.images.resize_modes import Aspect, Resize
from pytest_editmetrics.measurement import Measurement, Scope, Threshold
from pytest_editmetrics.session.fixture_record import FixtureRecord
from pytest_editmetrics.session.marker import Marker, check_metrics
from pytest_editmetrics.session.record import TestRecord
from pytest_editmetrics.session.running import invocation_of, record_now
from pytest_editmetrics.session.state import session_of

if TYPE_CHECKING:
    from pytest_editmetrics.config.expect import Expect
    from pytest_editmetrics.config.settings import MetricConfig
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.images.colour_words import Colour
    from pytest_editmetrics.images.shapes import RegionLike

_TOGETHER = 16  # checks whose images are held at once


@dataclass(frozen=True)
class Check:
    """One call of a helper, of ``edit_gate.check`` or of a YAML case, before it is measured.

    ``object_coords`` is the pipe's own list, reference boxes then edited boxes; ``thresholds`` are
    the ones that the caller gives, by metric.
    """

    reference: Any
    edited: Any
    coords: RegionLike | None = None
    ref_boxes: Boxes | None = None
    edited_boxes: Boxes | None = None
    object_coords: Boxes | None = None
    metrics: Sequence[str] | str | None = None
    name: str | None = None
    resize: Resize | None = None
    aspect: Aspect | None = None
    colour: Colour | None = None
    expect: Expect | None = None
    scope: Scope | None = None
    facts: Mapping[str, Any] | None = None
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)

    def listed(self) -> Check:
        """Return the check with every kind of boxes as a list, so that iterators are read once."""
        return replace(
            self,
            coords=edit_area(self.coords),
            ref_boxes=boxes_of("ref_boxes", self.ref_boxes),
            edited_boxes=boxes_of("edited_boxes", self.edited_boxes),
            object_coords=boxes_of("coords", self.object_coords),
        )


class EditGate:
    """Measures, judges and records the gates of one running test, or of a fixture's set-up."""

    def __init__(self, record: TestRecord | FixtureRecord):
        self._record = record
        self.item = record.item
        with record.errors(None):
            self._owner = record.owner
        self._test = self._owner.test
        self._session = session_of(record.item.config)

    @takes_only_its_keywords(lambda gate: gate._record.errors(None))
    def check(
        self,
        reference: Any,
        edited: Any,
        coords: RegionLike | None = None,
        *,
        ref_boxes: Boxes | None = None,
        edited_boxes: Boxes | None = None,
        metrics: Sequence[str] | str | None = None,
        name: str | None = None,
        resize: Resize | None = None,
        aspect: Aspect | None = None,
        expect: Expect | None = None,
        colour: Colour | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> list[Measurement]:
        """Measure every metric asked for and hold each to its threshold.

        Args:
            reference: the image before the edit: PIL image, path, uint8 or float [0, 1] array
                (H, W, C), tensor (C, H, W), or a batch of one of these.
            edited: the image after it, in any of these forms.
            coords: the edit area in the reference: boxes ``(x1, y1, x2, y2)`` in pixels,
                half-open; a ``Region`` of boxes, polygons or a mask; a mask itself; a mask's path.
            ref_boxes: the objects in the reference that object metrics compare.
            edited_boxes: the same objects in the edited image, in the same order.
            metrics: names of metrics; default: the marker's, else those of ``expect``, else the
                configuration's ``metrics:``, else ``["lpips"]``.
            name: tells gates of one metric in one test apart; part of the golden's address.
            resize: what to do where the images differ in size, which is an error otherwise:
                ``"reference"`` (the edited image is brought to the reference's size), ``"edited"``
                (the reference and its regions to the edited image's), ``"crop-center"``,
                ``"crop-top-left"``, ``"pad"`` (likewise, after the reference was cropped, or the
                edited image's padding left out). Default: the configuration's ``resize:``.
            aspect: ``"any"`` lets ``"reference"`` and ``"edited"`` stretch by more than rounding a
                side to a multiple of up to 64 px does. Default: the configuration's ``aspect:``.
            expect: how the model writes the background, which decides the bounds that hold where
                there is no other: ``"composited"`` (the reference's pixels), ``"composited-jpeg"``
                (the same, saved as JPEG), ``"reencoded"`` (through an encoder and back),
                ``"generative"`` (drawn anew). Default: the configuration's ``expect:``.
            colour: ``"seen"`` applies the images' colour profiles, so that they are measured as
                they are seen; ``"numbers"`` leaves them aside. Default: the configuration's
                ``colour:``, else ``"seen"``.
            facts: what the report shows beside the images, as ``{"prompt": text, "seed": 7}``.

        Returns:
            One ``Measurement`` a metric, in the order asked for. A soft failure is among them; it
            makes the test xfail when its report is made.

        Raises:
            GateFailure: a value lies outside its threshold, or has neither threshold nor golden;
                the message holds every gate of the check.
            EditMetricsError: something could not be measured at all: weights or a package missing,
                an image that cannot be read, a box that makes no sense.
        """
        __tracebackhide__ = True
        return self.run(
            Check(
                reference,
                edited,
                coords,
                ref_boxes,
                edited_boxes,
                metrics=metrics,
                name=name,
                resize=resize,
                aspect=aspect,
                colour=colour,
                expect=expect,
                facts=facts,
            )
        )

    @takes_only_its_keywords(lambda gate: gate._record.errors(None))
    def check_all(self, checks: Iterable[Mapping[str, Any]]) -> list[list[Measurement]]:
        """Do several checks, each the keywords of ``check`` with a ``name`` of its own.

        All are measured, some of their images encoded together, and all failures are raised as one.
        ``checks`` may be a generator: a few are held at a time.

        Returns:
            The measurements of each check, in order.

        Raises:
            InputError: no check at all, or one with a keyword that ``check`` does not take.
            GateFailure, EditMetricsError: see ``check``.
        """
        __tracebackhide__ = True
        return self._run_all(map(self._check_of, each_check(checks, self._record.errors(None))))

    def _check_of(self, keywords: Mapping[str, Any]) -> Check:
        with self._record.errors(None):
            return Check(**check_keywords(keywords, EditGate.check, ["reference", "edited"]))

    def argument(self, metric: str, threshold: float | None) -> dict[str, Threshold]:
        """Return the threshold that a caller outside this package gave, with its line."""
        if threshold is None:
            return {}
        from pytest_editmetrics.config.bounds import parse_bounds

        with self._record.errors(metric):
            known = self._session.registry.metric(metric)
            where = call_site(self._owner.path, self._session)
            return {known.name: parse_bounds(known, threshold, origin="argument", source=where)}

    def run(
        self, check: Check, together: Callable[[], Sequence[Any]] | None = None
    ) -> list[Measurement]:
        """Measure, judge and record the gates of ``check``; raise if one of them fails.

        ``together`` gives the images of this check and of those like it that come next.
        """
        __tracebackhide__ = True
        return self._run_all([check], together)[0]

    def __repr__(self) -> str:
        return f"edit_gate of {self._test.nodeid}"

    def __reduce__(self) -> NoReturn:
        """A test's checks belong to its process."""
        raise self._record.not_elsewhere("edit_gate")

    def _run_all(
        self, checks: Iterable[Check], together: Callable[[], Sequence[Any]] | None = None
    ) -> list[list[Measurement]]:
        __tracebackhide__ = True
        record = record_now(self._record)
        if record is not self._record:
            return EditGate(record)._run_all(checks, together)
        with self._record.checking():
            return self._checked(checks, together)

    def _checked(
        self, checks: Iterable[Check], together: Callable[[], Sequence[Any]] | None
    ) -> list[list[Measurement]]:
        __tracebackhide__ = True
        gates: list[Gate] = []
        measurements: list[list[Measurement]] = []
        ended: BaseException | None = None
        # each is read as it comes: what makes the next may use the same file or array again
        waiting = map(self._prepared, checks)
        while ended is None:
            prepared, ended = drawn(waiting, _TOGETHER)
            if not prepared:
                break
            jobs = [job for of_check in prepared for job in of_check if isinstance(job, Job)]
            if len(prepared) > 1 or together is not None:
                encode_ahead(self._session, jobs, together)
            for of_check in prepared:
                made, measured, stopped = self._measured(of_check)
                made = [self._record.add(gate) for gate in made]
                gates += made
                measurements.append(measured)
                if stopped is not None:
                    ended = stopped
                    break
                if self._session.options["selftest"]:
                    gates += self._selftest(of_check, made)
        if ended is not None:
            raise_ended(ended, gates, self._test.nodeid, self._session.config)
        if not measurements:
            with self._record.errors(None):
                raise InputError("check_all was given no check, so nothing would be measured")
        raise_failures(gates, self._test.nodeid, self._session.config)
        return measurements

    def _selftest(self, jobs: Sequence[Job | Gate], gates: Sequence[Gate]) -> list[Gate]:
        """Record, as a gate, whether the gates of a check would notice a fault."""
        from pytest_editmetrics.checks.self_tested import add_edit

        of_check = [job for job in jobs if isinstance(job, Job)]
        return [add_edit(self._session, self._record, of_check, gates)] if of_check else []

    def _prepared(self, check: Check) -> list[Job | Gate]:
        """Return the jobs of a check; an error gate for each if what it takes cannot be used."""
        from pytest_editmetrics.config.expect import check_expect
        from pytest_editmetrics.goldens.provenance import checked_facts

        with self._record.errors(check.metrics):
            marker = Marker.of(self._owner.node, self._session)
            check_expect(check.expect)
            configs, unnamed = self._configs(check, marker)
            if check.expect is None and self._session.settings.expect is not None:
                check = replace(check, expect=self._session.settings.expect)
            if check.metrics is None and not unnamed:
                say_left_out(self._session, self._owner.path, check.expect, configs, marker)
            check_name(check.name)
            facts = checked_facts(check.facts or {}, "facts")
            for config in configs:
                self._record.claim(config.metric.name, check.name, invocation_of(self._record))
        try:
            check = replace(check.listed(), facts=facts)
            return list(self._jobs(check, configs, marker, unnamed=unnamed))
        except Exception as error:
            from pytest_editmetrics.checks.not_prepared import not_prepared

            return list(not_prepared(self._session, self._owner, configs, check.name, error))

    def _configs(self, check: Check, marker: Marker) -> tuple[list[MetricConfig], bool]:
        """Return what is measured, and whether an expectation chose it and nobody named it."""
        settings, unnamed = self._session.settings, False
        asked = check.metrics if check.metrics is not None else marker.metrics
        if asked is None:
            asked, unnamed = settings.measured(check.expect)
        check_metrics(asked)
        asked = (asked,) if isinstance(asked, str) else tuple(asked)
        if not asked:
            raise InputError("metrics is empty, so nothing would be measured; name at least one")
        asked = tuple(self._session.registry.metric(name).name for name in asked)
        configs = [settings.metric_configs[name] for name in asked]
        for name in check.thresholds:
            if name not in asked:
                raise InputError(
                    f"{check.thresholds[name].source}: a threshold of {name}, which is not measured"
                    f" here; add it to metrics (now {', '.join(asked)})"
                )
        if check.scope is not None:
            configs = [replace(config, scope=check.scope) for config in configs]
        return configs, unnamed

    def _jobs(
        self, check: Check, configs: Sequence[MetricConfig], marker: Marker, *, unnamed: bool
    ) -> list[Job]:
        from pytest_editmetrics.checks.grounds import seen_by
        from pytest_editmetrics.checks.measured_twice import beside_earlier
        from pytest_editmetrics.checks.pairs import pair_of
        from pytest_editmetrics.images.one_place import check_two_places

        check_paired(check.ref_boxes, check.edited_boxes, configs)
        settings, objects = self._session.settings, check.object_coords
        half = len(objects) // 2 if objects else 0
        with self._session.clock.of("reading images"):
            check_two_places(check.reference, check.edited)
            pair = pair_of(
                check.reference,
                check.edited,
                resize=check.resize or settings.resize,
                aspect=check.aspect or settings.aspect,
                colour=check.colour or settings.colour,
                area=check.coords,
                ref_boxes=objects[:half] if objects else check.ref_boxes,
                edited_boxes=objects[half:] if objects else check.edited_boxes,
            )
            pair = beside_earlier(self.item, check, pair, configs)
        return [
            Job(
                nodeid=self._test.nodeid,
                test=self._test.key,
                digest=self._test.digest,
                automatic=self._test.automatic,
                config=config,
                pair=seen_by(pair, config),
                ref_boxes=check.ref_boxes,
                edited_boxes=check.edited_boxes,
                object_coords=objects,
                name=check.name,
                explicit=_explicit(config.metric.name, check, marker),
                options=marker.options,
                owner=self._owner,
                expect=check.expect,
                unnamed=unnamed,
                facts=check.facts or {},
            )
            for config in configs
        ]

    def _measured(
        self, jobs: Sequence[Job | Gate]
    ) -> tuple[list[Gate], list[Measurement], BaseException | None]:
        """Return the gates of a check and their measurements: all judged, then those explained.

        And what ended the test before all were judged, if a pipe or fixture of the user's did.
        """
        of_check: list[Judged | Gate] = []
        ended: BaseException | None = None
        try:
            try:
                for job in jobs:
                    of_check.append(judged(self._session, job) if isinstance(job, Job) else job)
            except ENDED as error:
                ended = error
                of_check += exited(job, error)
            gates = [self._explained(one) if isinstance(one, Judged) else one for one in of_check]
        except BaseException:  # a verdict stands, whatever ends the search for its cause
            for one in of_check:
                self._record.add(one.gate if isinstance(one, Judged) else one)
            raise
        pair = next((one.job.pair for one in of_check if isinstance(one, Judged)), None)
        for told in () if pair is None else pair.worth_a_look(gates):
            self._session.say_of(self._test.nodeid, *told)
        measurements = (one.measurement for one in of_check if isinstance(one, Judged))
        return gates, [one for one in measurements if one is not None], ended

    def _explained(self, judged: Judged) -> Gate:
        gate, pair = judged.gate, judged.job.pair
        if gate.verdict not in ("fail", "missing-golden"):
            return explained(self._session, judged)
        if gate.compares in pair.pictures:
            gate = explained(self._session, judged)
        else:
            images = (pair.reference, pair.edited)
            with drawing(self._session, gate, images, self._test.nodeid) as picture:
                gate = explained(self._session, judged)
                with self._session.clock.gate(f"{self._test.nodeid}: {gate.label}"):
                    pair.pictures[gate.compares] = picture()
        return replace(gate, picture=pair.pictures[gate.compares])


def _explicit(metric: str, check: Check, marker: Marker) -> Threshold | None:
    return check.thresholds.get(metric) or marker.thresholds.get(metric)
