"""Where the goldens of a run's gates lie in this project; a path that many name is seen once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.errors import EditMetricsError, did_you_mean
from pytest_editmetrics.goldens.places import OUTSIDE, is_fixture_key
from pytest_editmetrics.saved_runs.strangers import inside

if TYPE_CHECKING:
    from pytest_editmetrics.goldens.approved import GoldenAddress
    from pytest_editmetrics.goldens.file import GoldenFile
    from pytest_editmetrics.goldens.images import ImageAddress
    from pytest_editmetrics.runs.folder import GateRecord
    from pytest_editmetrics.session.state import EditSession


Stated = tuple[float, float | None]
"""A golden's bound, and the value when it was approved."""


def golden_reader(session: EditSession) -> Callable[[Path], GoldenFile]:
    """Return what reads the golden files of a project."""

    def read(path: Path) -> GoldenFile:
        from pytest_editmetrics.goldens.file import read_golden_file

        return read_golden_file(path, session.registry, session.rootdir)

    return read


class GoldenPlaces:
    """The places of one command; it holds what it found for as long as the command runs.

    Args:
        session: of the project.
        read: reads a golden file that is there.
    """

    def __init__(self, session: EditSession, read: Callable[[Path], GoldenFile] | None = None):
        self.session = session
        self._read = read or golden_reader(session)
        self._tests: dict[str, Path] = {}
        self._goldens: dict[str, Path] = {}
        self._files: dict[Path, GoldenFile | None] = {}
        self._cases: dict[Path, frozenset[str] | None] = {}

    def threshold(self, record: GateRecord) -> GoldenAddress:
        """Return where the golden threshold of a run's gate lies in this project.

        Raises:
            EditMetricsError: the project has no such test file, or keeps the golden elsewhere.
        """
        gate = record.gate
        digest = dict(gate.golden or {}).get("digest")
        goldens = self.session.goldens
        address = goldens.address(*self._test(record), gate.metric, gate.name, digest)
        said = dict(gate.golden or {}).get("file")
        self._golden(said, record)
        if address.to_dict() != gate.golden:
            raise EditMetricsError(
                f"nothing was written: the run keeps the golden of {record.nodeid} in {said}, this"
                f" project in {address.file}; run the tests here, or leave it out with -k"
            )
        return address

    def stated(self, address: GoldenAddress, env: str | None) -> Stated | None:
        """Return what an entry, or its variant ``env``, states; ``None`` if it states no bound.

        Raises:
            ConfigError: its file cannot be used.
        """
        file = address.file
        if file not in self._files:
            path = self.session.rootdir / file
            self._files[file] = self._read(path) if path.is_file() else None
        golden_file = self._files[file]
        entries = {} if golden_file is None else golden_file.tests.get(address.test, {})
        entry = entries.get(address.gate)
        if entry is not None and env is not None:
            entry = entry.env.get(env)
        return None if entry is None or entry.bound is None else (entry.bound, entry.measured)

    def image(self, record: GateRecord) -> tuple[Path, ImageAddress]:
        """Return the golden image that a run's gate names, and where this project keeps it.

        Raises:
            EditMetricsError: the project has no such test file, or the image lies outside.
        """
        from pytest_editmetrics.goldens.images import image_address

        gate = record.gate
        address = image_address(self.session.goldens, *self._test(record), gate.name)
        return self._golden(dict(gate.snapshot or {}).get("file"), record), address

    def _test(self, record: GateRecord) -> tuple[Path, str]:
        """Return the test's file, which must be there, and its key."""
        file = record.nodeid.partition("::")[0]
        if file not in self._tests:
            path = self._within(file, record)
            if not path.is_file() and file != OUTSIDE:
                raise EditMetricsError(
                    f"nothing was written: {self.session.rootdir} has no test file {file}; give"
                    " the project's root as --rootdir, or leave the test out with -k"
                )
            self._tests[file] = path
        key = record.gate.golden_key(record.nodeid)
        self._check_case(self._tests[file], key, record)
        return self._tests[file], key

    def _check_case(self, path: Path, key: str, record: GateRecord) -> None:
        """Refuse what was measured for a YAML case that its file does not have any more."""
        from pytest_editmetrics.session.unread import is_case_file

        if not is_case_file(path) or is_fixture_key(key):
            return
        if path not in self._cases:
            self._cases[path] = self._case_ids(path)
        ids = self._cases[path]
        if ids is None or key in ids or any(key.startswith(f"{one}[") for one in ids):
            return
        shown = self.session.shown(path).as_posix()
        raise EditMetricsError(
            f"nothing was written: {shown} has no case {key!r} any more, so no test would be held"
            f" to its golden{did_you_mean(key, ids)}; run the tests again, or leave it out with -k"
        )

    def _case_ids(self, path: Path) -> frozenset[str] | None:
        """Return the ids of a file's cases; ``None`` of one that cannot be read."""
        from pytest_editmetrics.config.case_file import read_case_file

        session = self.session
        try:
            file = read_case_file(path, session.registry, session.rootdir, session.asset_roots)
        except EditMetricsError:  # what is wrong with it the next run says
            return None
        return frozenset(case.id for case in file.cases)

    def _golden(self, path: object, record: GateRecord) -> Path:
        """Return a golden's path of the run in this project; refuse one where none may lie."""
        if not isinstance(path, str) or path not in self._goldens:
            found = self._within(path, record)
            self.check_inside(found, path, record)
            self._goldens[str(path)] = found
        return self._goldens[str(path)]

    def check_inside(self, found: Path, path: object, record: GateRecord) -> None:
        """Refuse a golden that a link leads out of the project; the run calls it ``path``.

        Raises:
            EditMetricsError: the message says where it lies.
        """
        try:
            self.session.goldens.check_inside(found)
        except EditMetricsError as error:
            raise self._outside(path, record, f" ({error})") from None

    def _within(self, path: object, record: GateRecord) -> Path:
        """Return a path of the run in this project; refuse one not relative or with ``..``."""
        found = inside(self.session.rootdir, path)
        if found is None:
            raise self._outside(path, record)
        return found

    def _outside(self, path: object, record: GateRecord, why: str = "") -> EditMetricsError:
        return EditMetricsError(
            f"nothing was written: {path!r}, a path of {record.nodeid} in the run, does not lie"
            f" inside {self.session.rootdir}{why}"
        )
