"""One row of a manifest, from its images to its gates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pytest_editmetrics.checks.judge import Job, Judged, encode_ahead, explained, judged
from pytest_editmetrics.errors import EditMetricsError, ImageError, counted
from pytest_editmetrics.session.options import ci_variable, in_ci
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.checks.pairs import Pair
    from pytest_editmetrics.config.manifest import Row
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.images.colour_words import Colour
    from pytest_editmetrics.images.encoded import Encoded
    from pytest_editmetrics.images.load import Loaded
    from pytest_editmetrics.report.tally import RunningTally, Tally

Keep = Literal["none", "failing", "all"]

NODE = "manifest::"
"""What the ids of rows follow in results: not the file's name, so that two manifests compare."""


@dataclass(frozen=True)
class Outcome:
    """The gates of one row, and the row's place among the results."""

    nodeid: str
    gates: tuple[Gate, ...]


def outcome_of(gates: Sequence[Gate]) -> str:
    """Return how a test with these gates would have ended: the worst of them decides."""
    from pytest_editmetrics.gates.verdict import soft_failures

    if any(gate.failing for gate in gates):
        return "failed"
    return "xfailed" if soft_failures(gates, gates) else "passed"


def no_success(session: EditSession, tally: Tally | RunningTally) -> list[str]:
    """Say why gates that were measured without a test are no success; nothing if they are one."""
    found, counts = [], tally.counts()
    if failed := counts["failed"]:
        found.append(counted(failed, "gate fails", "gates fail"))
    if errors := counts["errors"]:
        found.append(f"{counted(errors, 'gate')} could not be judged")
    if (review := counts["review"]) and session.options["review"] == "fail":
        found.append(
            f"{counted(review, 'gate is', 'gates are')} for review (editmetrics_review is fail)"
        )
    if tally.nothing_measured:
        found.append("not one gate could be measured, so this proves nothing")
    if tally.smoke and in_ci() and not session.options["allow-smoke"]:
        found.append(
            f"{counted(tally.smoke, 'gate was', 'gates were')} judged on random smoke weights"
            f" and {ci_variable()} is set"
        )
    return found


class RowScorer:
    """Measures rows with the pipes of a session; it may be sent to another process.

    Args:
        session: of the project.
        keep: of which gates images are kept in the run directory.
        output: the run directory.
    """

    def __init__(self, session: EditSession, keep: Keep, output: Path):
        self._session = session
        self._keep = keep
        self.output = output
        self.keep_in(output)

    def keep_in(self, path: Path) -> None:
        """Keep images, if any are, in another folder: elsewhere there is none of the run's."""
        self._session.run_path = None if self._keep == "none" else path

    def decode(self, row: Row) -> Pair | EditMetricsError:
        """Return the images of a row, or why there are none. Threads may decode meanwhile."""
        from pytest_editmetrics.checks.pairs import pair_of

        colour = row.colour or self._session.settings.colour
        try:
            _check_two_files(row)
            return pair_of(
                _load(row, "reference", colour),
                _load(row, "edited", colour),
                resize=row.resize or self._session.settings.resize,
                aspect=row.aspect or self._session.settings.aspect,
                colour=colour,
                area=row.coords,
                ref_boxes=row.ref_boxes,
                edited_boxes=row.edited_boxes,
            )
        except EditMetricsError as error:
            return error
        except Exception as error:  # the other rows still count
            return EditMetricsError(f"{row.where}: {type(error).__name__}: {error}")

    def score(self, decoded: Sequence[tuple[Row, Pair | EditMetricsError]]) -> Iterator[Outcome]:
        """Give the gates of a few rows, whose images are encoded together where that gains.

        What cannot be measured is a gate with the verdict ``error``. A value that no bound holds is
        ``recorded``: whoever starts a run has to allow such rows.
        """
        prepared = [(row, self._prepared(row, pair)) for row, pair in decoded]
        if len(prepared) > 1:
            jobs = (job for _, of_row in prepared for job in of_row if isinstance(job, Job))
            encode_ahead(self._session, jobs)
        for row, of_row in prepared:
            made = [judged(self._session, one) if isinstance(one, Job) else one for one in of_row]
            yield Outcome(NODE + row.id, tuple(self._gate(row, one) for one in made))

    def _prepared(self, row: Row, pair: Pair | EditMetricsError) -> list[Job | Gate]:
        from pytest_editmetrics.checks.grounds import seen_by
        from pytest_editmetrics.gates.verdict import Checked, error_gate, held_to

        prepared: list[Job | Gate] = []
        for name in row.metrics:
            config = self._session.settings.metric_configs[name]
            explicit = row.thresholds.get(name)
            if isinstance(pair, EditMetricsError):
                boxes = row.coords if isinstance(row.coords, tuple) else None
                region = Checked(boxes, None, row.ref_boxes, row.edited_boxes)
                gate = error_gate(config.metric, str(pair), region=region)
                prepared.append(held_to(replace(gate, scope=config.scope), explicit))
                continue
            prepared.append(
                Job(
                    nodeid=NODE + row.id,
                    test=row.id,
                    config=config,
                    pair=seen_by(pair, config),
                    ref_boxes=row.ref_boxes,
                    edited_boxes=row.edited_boxes,
                    explicit=explicit,
                    golden=False,
                    expect=row.expect or self._session.settings.expect,
                    unnamed=row.unnamed,
                )
            )
        return prepared

    def _gate(self, row: Row, one: Judged | Gate) -> Gate:
        from pytest_editmetrics.config.manifest import image_text

        gate = one
        if isinstance(gate, Judged):
            gate = explained(self._session, gate, keep_failing_only=self._keep == "failing")
        if gate.verdict == "missing-golden":
            gate = replace(gate, verdict="recorded")
        facts = {
            "row": row.where,
            "reference": image_text(row.reference),
            "edited": image_text(row.edited),
            **({"columns": row.more} if row.more else {}),
        }
        return replace(gate, details={**gate.details, "manifest": facts})


def _check_two_files(row: Row) -> None:
    """Raise ``ImageError`` if both images of a row are one file; a copy is another."""
    from pytest_editmetrics.config.manifest import image_text
    from pytest_editmetrics.images.one_place import check_two_places

    try:
        check_two_places(_place(row, row.reference), _place(row, row.edited))
    except ImageError:
        raise ImageError(
            f"reference and edited image are one and the same file ({image_text(row.edited)}), so"
            " nothing can have changed between them: name the file that the editor wrote, or a copy"
            " where an image is to be compared with itself"
        ) from None


def _place(row: Row, image: str | Encoded) -> str | Path | Encoded:
    """Return where an image of a row lies: a URL, a path, or the bytes themselves."""
    from pytest_editmetrics.images.data_url import is_data_url
    from pytest_editmetrics.images.remote import is_url

    if not isinstance(image, str) or is_url(image) or is_data_url(image):
        return image
    return Path(row.folder) / image


def _load(row: Row, which: Literal["reference", "edited"], colour: Colour) -> Loaded:
    from pytest_editmetrics.images.encoded import Encoded
    from pytest_editmetrics.images.load import read_encoded, read_image
    from pytest_editmetrics.images.remote import is_url, read_url

    what = f"{which} image"
    place = _place(row, getattr(row, which))
    if isinstance(place, Encoded):
        return read_encoded(place.data, f"{what} {place.text}", colour)
    if isinstance(place, str) and is_url(place):
        return read_encoded(read_url(place, what), f"{what} {place}", colour)
    return read_image(place, what, colour)


Engine = Callable[[RowScorer, "Iterable[Row]", int], Iterator[Outcome]]
"""Takes what scores a row, the rows, and how many there are; gives outcomes in any order."""
