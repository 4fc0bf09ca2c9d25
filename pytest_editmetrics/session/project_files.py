"""The files of a project that people write: what each is, by its name, and whether it is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.config.case_file import read_case_file
from pytest_editmetrics.config.settings import load_settings
from pytest_editmetrics.config.suite import read_suite
from pytest_editmetrics.errors import ConfigError, counted
from pytest_editmetrics.goldens.file import read_golden_file
from pytest_editmetrics.goldens.file_names import files_below, holds_provenance, holds_thresholds
from pytest_editmetrics.goldens.image_names import is_golden_name
from pytest_editmetrics.goldens.provenance import PROVENANCE, read_provenance
from pytest_editmetrics.goldens.unapproved import image_folders, unapproved, why_unapproved
from pytest_editmetrics.session.option_list import RIGHT_NAME
from pytest_editmetrics.session.unread import (
    is_case_file,
    looks_like_cases,
    looks_like_settings,
)

if TYPE_CHECKING:
    from pytest_editmetrics.session.state import EditSession

_HEAD = 1000  # bytes
_APPROVE = (
    "bring back what was recorded (`git checkout`), or, if it is right, run its test with"
    " --editmetrics-update=missing, which writes its entry where the test passes"
)
NAMES = (
    f"{RIGHT_NAME}, test_*.edit.yaml (cases), goldens/<test file>.yaml (golden thresholds),"
    " goldens/<test file>/provenance.yaml (golden images)"
)


def written_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder whose names say that people or recording wrote them for us."""
    known = (
        looks_like_settings,
        looks_like_cases,
        holds_thresholds,
        holds_provenance,
    )
    for path in files_below(folder):
        alone = is_golden_name(path.name) and not (path.parent / PROVENANCE).exists()
        if any(is_it(path) for is_it in known) or (alone and path.parent in image_folders([path])):
            yield path


def _pointers(images: Sequence[Path], session: EditSession) -> list[str]:
    """Say how many images of a folder Git LFS keeps elsewhere: a job that only checks may."""
    from pytest_editmetrics.images.files import is_lfs_pointer

    pointers = 0
    for path in images:
        with suppress(OSError), path.open("rb") as file:
            pointers += is_lfs_pointer(file.read(_HEAD))
    if not pointers:
        return []
    are = counted(pointers, "golden image is", "golden images are")
    return [
        f"{session.shown(images[0].parent)}: {are} in Git LFS, not here; to compare: git lfs pull"
    ]


def check_file(path: Path, session: EditSession) -> list[str]:
    """Read a file as a run would; no image is decoded and nothing is measured.

    Args:
        path: an absolute path.
        session: knows the pipes and metrics of the project.

    Returns:
        What is worth a note: metrics that leave out what ``expect`` would hold, golden thresholds
        that state no bound, and golden images that are only pointers here.

    Raises:
        ConfigError: with file and line, for everything unknown, misspelt or impossible; or the name
            is none that a run reads.
    """
    registry, rootdir = session.registry, session.rootdir
    if path.name == RIGHT_NAME or path == session.config_path:
        narrowed = load_settings(path, registry, rootdir).narrowed(session.shown(path))
        read_suite(path, registry, rootdir)
        return [] if narrowed is None else [narrowed]
    elif is_case_file(path):
        file = read_case_file(path, registry, rootdir, session.asset_roots)
        shown = session.shown(path)
        told = (file.left_out(case, case.expect, registry, shown) for case in file.cases)
        return list(dict.fromkeys(line for line in told if line is not None))
    elif holds_thresholds(path):
        waiting = read_golden_file(path, registry, rootdir).waiting()
        return [f"{golden} states no bound: restore it, or record one" for golden in waiting]
    elif holds_provenance(path):
        entries = read_provenance(path, rootdir)
        found = list(unapproved(path.parent, entries))
        if wrong := next((image for image in found if image.of is not None), None):
            raise ConfigError(f"{wrong.why}: {_APPROVE}", session.shown(path.parent / wrong.name))
        without = [f"{session.shown(path.parent / one.name)}: {one.why}" for one in found]
        gone = [name for name in entries if not (path.parent / name).exists()]
        without += [
            f"{session.shown(path.parent / name)}: {PROVENANCE} has its entry, and it is not there"
            for name in gone
        ]
        return without + _pointers([path.parent / name for name in entries], session)
    elif is_golden_name(path.name) and image_folders([path]):
        return [f"{session.shown(path)}: {why_unapproved(path.name, None)}"]
    else:
        raise ConfigError(
            f"no run reads a file of this name; read are {NAMES}", session.shown(path)
        )
    return []
