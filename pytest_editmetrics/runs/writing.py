"""A run directory while it is written: an earlier run stays until something replaces it.

Many processes may save images at once; one process writes the results.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.runs.claims import lock_name
from pytest_editmetrics.runs.folder import (
    IMAGES,
    OWN_IMAGE,
    REPORT,
    RESULTS,
    image_names,
    is_run_dir,
)
from pytest_editmetrics.runs.results import ResultsFile
from pytest_editmetrics.whole_file import is_whole_png, replacing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COMPRESSION = 4  # of 9: twice as fast as the default of 6, and files 2 % larger
MADE_BY = '<meta name="generator" content="pytest-editmetrics">'
"""By which a page of ours is known."""
_HEAD = 4096


class RunDir:
    """A run directory that is being written; making one touches nothing."""

    def __init__(self, path: Path):
        self.path = path

    @property
    def results_path(self) -> Path:
        """The results file."""
        return self.path / RESULTS

    def prepare(self) -> None:
        """Make the folder; an earlier run in it stays as it is.

        Raises:
            EditMetricsError: the folder holds something else than a run, or cannot be written.
        """
        try:
            if self.path.exists() and self._holds_something() and not is_run_dir(self.path):
                raise EditMetricsError(
                    f"{self.path} exists and is no run directory, so nothing in it is replaced;"
                    " give another folder, or an empty one"
                )
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EditMetricsError(
                f"cannot write the run directory {self.path}: {error.strerror or error}; give"
                " another folder"
            ) from None

    def _holds_something(self) -> bool:
        return any(path.name != lock_name(RESULTS) for path in self.path.iterdir())

    def tidy(self, images: Collection[str]) -> None:
        """Remove the images that the run, whose ``images`` are named, does not hold.

        Those of an earlier run and of writers that were killed; what is not ours stays.

        Raises:
            OSError: one cannot be removed.
        """
        kept = {name.removeprefix(f"{IMAGES}/") for name in images}
        for path in (self.path / IMAGES).glob("*.*"):
            if OWN_IMAGE.fullmatch(path.name) and path.name not in kept:
                path.unlink(missing_ok=True)

    def save_image(self, array: NDArray[np.uint8], icc: bytes | None = None) -> str:
        """Save an image losslessly and return its path relative to the run directory.

        Args:
            array: uint8, (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA.
            icc: the colour profile that they are to be seen with.

        Returns:
            ``images/<hash>.png``: the same for equal pixels with equal profiles, which are written
            only once.

        Raises:
            InputError: an array of another type or shape.
            OSError: it cannot be written.
        """
        import numpy as np
        from PIL import Image

        channels = array.shape[2:]
        if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in ((), (3,), (4,)):
            raise InputError(
                f"a run directory keeps uint8 images (H, W), (H, W, 3) or (H, W, 4), not"
                f" {array.dtype} {array.shape}"
            )
        pixels = np.ascontiguousarray(array)
        profile = {} if icc is None else {"icc_profile": icc}
        name = image_name(pixels, icc)
        target = self.path / name
        if is_whole_png(target):
            return name
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            Image.fromarray(pixels).save(temporary, "PNG", compress_level=_COMPRESSION, **profile)
        return name

    def add_file(self, name: str, data: bytes) -> None:
        """Add an image's file that was saved as ``name`` in another run directory.

        Raises:
            EditMetricsError: it cannot be written.
        """
        target = self.path / name
        try:
            if not is_whole_png(target):
                target.parent.mkdir(exist_ok=True)
                with replacing(target) as temporary:
                    temporary.write_bytes(data)
        except OSError as error:
            raise EditMetricsError(f"cannot write {target}: {error.strerror or error}") from None


def image_name(pixels: NDArray[np.uint8], icc: bytes | None) -> str:
    """Return what an image is called in a run directory: its pixels and its profile name it."""
    known = f"{pixels.shape}".encode() + pixels.tobytes() + (icc or b"")
    return f"{IMAGES}/{hashlib.sha256(known).hexdigest()[:20]}.png"


class RunResults(ResultsFile):
    """The results file of a run directory, which takes the images along.

    Images of the new run lie beside those of the earlier one, named by their content. When the new
    run begins, the earlier one's results and report go; when it ends, so do images that no gate of
    the new one names. A process that is killed before leaves the earlier run whole, one that is
    killed after that a run that says it was cut off.

    Args:
        run_dir: made where it is not there.
        versions: of the packages that a measurement depends on.
        started: when, as ISO 8601.
        more: what the session line tells besides.

    Raises:
        EditMetricsError: the folder holds something else than a run, cannot be written, or is being
            written by another session.
    """

    def __init__(
        self, run_dir: RunDir, versions: Mapping[str, str | None], started: str, **more: Any
    ):
        self._run_dir = run_dir
        self._images: set[str] = set()
        run_dir.prepare()
        super().__init__(run_dir.results_path, versions, started, **more)
        with suppress(OSError):  # an image that cannot be saved says so
            (run_dir.path / IMAGES).mkdir(exist_ok=True)

    def begin(self) -> None:
        """Replace the earlier run, now that something runs."""
        if not self.begun:
            report = self._run_dir.path / REPORT
            with suppress(OSError):
                if is_report(report):
                    report.unlink()
        super().begin()

    def gate(
        self,
        nodeid: str,
        attempt: int,
        final: bool,
        outcome: str,
        gate: Any,
        other_failure: bool = False,
    ) -> None:
        """Append one gate, and keep its images."""
        self._images.update(image_names(gate.images))
        super().gate(nodeid, attempt, final, outcome, gate, other_failure)

    def leave(self) -> None:
        """Close the file as it is, and remove the images that it does not name."""
        if self.begun:
            with suppress(OSError):  # what stays costs room and nothing else
                self._run_dir.tidy(self._images)
        super().leave()


def is_report(page: Path) -> bool:
    """Tell whether a file is a page of an HTML report of ours."""
    try:
        with page.open("rb") as file:
            return MADE_BY.encode() in file.read(_HEAD)
    except OSError:
        return False
