"""What a run may not choose, since it may come from anywhere: which files are opened here."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pytest_editmetrics.cache.device_names import wrong_device
from pytest_editmetrics.config.settings import MetricConfig
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.session.state import EditSession

_WORDS = re.compile(r"[\w -]*")
_DEEPEST = 20


def inside(rootdir: Path, path: object) -> Path | None:
    """Return a path of a run in this project; ``None`` for one that is not relative or has ``..``.

    >>> inside(Path("p"), "tests/test_x.py").as_posix()
    'p/tests/test_x.py'
    >>> inside(Path("p"), "../test_x.py")
    """
    text = path if isinstance(path, str) else ""
    posix, windows = PurePosixPath(text), PureWindowsPath(text)
    plain = text and not posix.is_absolute() and not windows.anchor and "\\" not in text
    return rootdir / text if plain and ".." not in posix.parts else None


def named_test(session: EditSession, nodeid: str) -> tuple[Path, str]:
    """Return the file of a run's test in this project, there or not, and the test's key.

    Raises:
        EditMetricsError: it does not lie in the project, so goldens beside it are not read.
    """
    file, _, test = nodeid.partition("::")
    path = inside(session.rootdir, file)
    if path is None:
        raise EditMetricsError(
            f"{file!r}, the test file that the run names, does not lie inside {session.rootdir};"
            " give the project's root as --rootdir"
        )
    return path, test


def checked_options(session: EditSession, config: MetricConfig, options: object) -> dict[str, Any]:
    """Return the marker's options that a run states, if they can choose no file.

    Numbers and plain words pass, and any value that the project's configuration gives the same
    option. What may name a file or a model passes for ``smoke`` only.

    Raises:
        EditMetricsError: an option that may name something to open.
    """
    if not isinstance(options, Mapping):
        raise EditMetricsError(f"the options of {config.metric.name} cannot be {options!r:.80}")
    files = {
        option.name
        for spec in session.registry.pipes.values()
        for option in (*(spec.options or ()), *spec.params)
        if option.kind == "file"
    }
    own = {**config.runtime_params, **session.metric_init(config)}
    for name, value in _Openable(session.rootdir, files).leaves(options, own):
        raise EditMetricsError(
            f"the run states {name}={value!r:.200} for {config.metric.name}, which may name a file,"
            " and a run does not choose what is opened here; if it is right, state it in the"
            " configuration (pipes_default or metric_configs of editmetrics.yaml)"
        )
    return dict(options)


@dataclass(frozen=True)
class _Openable:
    """What in options may be opened; ``files`` are the options that name a file by declaration."""

    rootdir: Path
    files: Collection[str]

    def leaves(self, value: Any, own: Any, name: str = "", depth: int = 0) -> Iterator[Any]:
        """Give the name and value of everything that may be, and that the project does not say."""
        if value == own:
            return
        if name in self.files:
            if value not in (None, "smoke") and not _same_file(value, own, self.rootdir):
                yield name, value
        elif isinstance(value, Mapping) and depth < _DEEPEST:
            known = own if isinstance(own, Mapping) else {}
            for key, item in value.items():
                yield from self.leaves(item, known.get(key), str(key), depth + 1)
        elif isinstance(value, (list, tuple)) and depth < _DEEPEST:
            for item in value:
                yield from self.leaves(item, None, name, depth + 1)
        elif isinstance(value, str):
            words = _WORDS.fullmatch(value) and not os.path.exists(value)
            if not (words or wrong_device(value) is None):
                yield name, value
        elif value is not None and not isinstance(value, (bool, int, float)):
            yield name, value


def _same_file(value: Any, own: Any, rootdir: Path) -> bool:
    if not isinstance(value, str) or not isinstance(own, str):
        return False
    return os.path.abspath(rootdir / value) == os.path.abspath(rootdir / own)
