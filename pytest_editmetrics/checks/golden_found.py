"""Whether the golden image that was found is one to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_editmetrics.errors import EditMetricsError, ImageError
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.checks.image_job import ImageJob
    from pytest_editmetrics.goldens.images import Found


def check_other_file(session: EditSession, job: ImageJob, found: Found) -> None:
    """Raise ``ImageError`` if the image is to be read from its golden's own file."""
    from pytest_editmetrics.config.reader import shown_path
    from pytest_editmetrics.images.one_place import check_two_places

    try:
        check_two_places(found.path, job.image)
    except ImageError:
        raise ImageError(
            f"the image is the golden image itself ({shown_path(found.path, session.rootdir)}, or a"
            " link to it), so nothing can have changed between them: let the editor write"
            " to another path; if it wrote over the golden, bring that back (git checkout)"
        ) from None


def check_approved(session: EditSession, job: ImageJob, found: Found) -> None:
    """Raise ``EditMetricsError`` if a golden that nobody recorded stands in the place of one.

    Not where goldens are recorded: then its entry is written if the test passes.
    """
    from pytest_editmetrics.config.reader import shown_path
    from pytest_editmetrics.goldens.unapproved import stands_for, why_unapproved

    if job.owner is None or session.options["update"] != "none":
        return
    name = found.path.name
    of = stands_for(session.goldens.provenance(found.path.parent), name)
    if of is not None:
        raise EditMetricsError(
            f"the golden image {shown_path(found.path, session.rootdir)} was not approved:"
            f" {why_unapproved(name, of)}; bring back what was recorded (`git checkout`), or, if"
            " it is right, let --editmetrics-update=missing write its entry, which it does where"
            " the test passes"
        )
