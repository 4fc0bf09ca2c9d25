"""Which files of a project hold goldens, by their names, and where to look for them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.goldens.places import OUTSIDE
from pytest_editmetrics.whole_file import leads_nowhere, read_whole

SUFFIX = ".yaml"
_TEST_FILE = r".+\.(py|edit\.ya?ml)"
_SKIPPED = ("node_modules", "__pycache__")
_APPROVED = re.compile(rb"\b(max|min|sha256)[\"']?:")
_THRESHOLDS = re.compile(rf"({_TEST_FILE}|{OUTSIDE})\.yaml")


def holds_thresholds(path: Path) -> bool:
    """Tell whether a file is called as golden thresholds are.

    >>> [holds_thresholds(Path(name)) for name in ("test_x.py.yaml", "_fixtures.yaml", "x.yaml")]
    [True, True, False]
    """
    return bool(_THRESHOLDS.fullmatch(path.name))


def holds_provenance(path: Path) -> bool:
    """Tell whether a file says what made the golden images beside it.

    >>> holds_provenance(Path("goldens/test_x.py/provenance.yaml"))
    True
    """
    from pytest_editmetrics.goldens.provenance import PROVENANCE  # which reads YAML

    return path.name == PROVENANCE and bool(re.fullmatch(_TEST_FILE, path.parent.name))


def golden_file_of(shown: str) -> str:
    """Return the golden file beside a folder of golden images, shown with a ``/``; else itself.

    >>> golden_file_of("goldens/test_x.py/"), golden_file_of("goldens/test_x.py.yaml")
    ('goldens/test_x.py.yaml', 'goldens/test_x.py.yaml')
    """
    return shown.removesuffix("/") + SUFFIX if shown.endswith("/") else shown


def states_approved(path: Path) -> bool:
    """Tell whether a file that cannot be read states bounds or hashes, as goldens do."""
    try:
        return _APPROVED.search(read_whole(path)) is not None
    except OSError:
        return False


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of a project, but what is hidden, installed or made by a tool."""
    for at, subfolders, files in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not is_foreign(Path(at, name)))
        yield from (Path(at, name) for name in sorted(files))


def is_foreign(folder: Path) -> bool:
    """Tell whether a folder is hidden, installed or made by a tool."""
    name = folder.name
    return name.startswith(".") or name in _SKIPPED or (folder / "pyvenv.cfg").exists()


def refuse_lost(path: Path) -> None:
    """Refuse what seems to be meant for a golden file, of which there is none.

    Raises:
        ConfigError: it is a link to nothing; or there is a file beside it, of which the message
            gives the right name.
    """
    if leads_nowhere(path):
        raise ConfigError(
            "a link that leads nowhere, so what was approved would hold nothing", path
        )
    test_file = path.name.removesuffix(SUFFIX)
    for name in (f"{test_file}.yml", f"{Path(test_file).stem}.yaml", f"{Path(test_file).stem}.yml"):
        other = path.with_name(name)
        if other.is_file():
            raise ConfigError(
                f"it is not read: the goldens of {test_file} lie in {path.name}; rename it", other
            )
