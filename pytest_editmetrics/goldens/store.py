"""Golden thresholds: where each gate's lies, and what it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pytest_editmetrics.cache.held import HeldFiles
from pytest_editmetrics.config.asset_roots import AssetRoots, wider_rootdir
from pytest_editmetrics.errors import ConfigError, EditMetricsError, InputError
from pytest_editmetrics.goldens.approved import Approved, GoldenAddress
from pytest_editmetrics.goldens.environment import SMOKE, Environment
from pytest_editmetrics.goldens.file import (
    GoldenEntry,
    GoldenFile,
    check_inside,
    gate_key,
    read_golden_file,
)
from pytest_editmetrics.goldens.file_names import SUFFIX, holds_thresholds, refuse_lost
from pytest_editmetrics.goldens.places import OUTSIDE, is_fixture_key
from pytest_editmetrics.goldens.provenance import PROVENANCE, Entry, read_provenance
from pytest_editmetrics.goldens.renamed import ObsoleteGolden
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry

FOLDER = "goldens"
_LONGEST = 101  # characters that pytest 9 writes of a parameter, and a bracket


class Goldens:
    """The goldens of one rootdir; each file is read when first needed, and again if it changed.

    Args:
        root: folder that holds them all (``<root>/<folder of the test>/<test file>.yaml``);
            ``None`` for ``goldens/`` beside each test file.
        rootdir: paths in sources and messages are relative to it.
        registry: the known metrics.
        assets: where links may lead besides.
        there: the files that are known to have goldens, however they are seen later.
    """

    def __init__(
        self,
        root: Path | None,
        rootdir: Path,
        registry: PipeRegistry,
        assets: AssetRoots | None = None,
        there: Collection[str] = (),
    ):
        self._root = root
        self._assets = assets or AssetRoots(rootdir)
        self._rootdir = rootdir
        self._registry = registry
        self._there = there
        self._files = HeldFiles(self._golden_file)
        self._provenance = HeldFiles(lambda path: read_provenance(path, rootdir))
        self._places: dict[Path, Path] = {}
        self._paths: dict[Path, Path] = {}

    def address(
        self,
        test_file: Path,
        test_key: str,
        metric: str,
        name: str | None = None,
        digest: str | None = None,
    ) -> GoldenAddress:
        """Return where the golden of a gate lies, whether or not there is one.

        Args:
            test_file: the test's file.
            test_key: the node id after the file, as ``TestHat::test_add[sdxl]``.
            metric: name of the metric.
            name: the gate's name, if the test has several gates of the metric.
            digest: of the parameters that the key names by their place.

        Raises:
            InputError: the goldens have a root, and the test file lies outside the rootdir.
        """
        return GoldenAddress(self._addressed(test_file), test_key, gate_key(metric, name), digest)

    def file_of(self, test_file: Path) -> Path:
        """Return the golden file of a test file, whether or not it exists."""
        if self._root is None:
            return test_file.parent / FOLDER / (test_file.name + SUFFIX)
        if not test_file.is_relative_to(self._rootdir):
            option = wider_rootdir(self._rootdir, test_file)
            raise InputError(
                f"{test_file} lies outside the rootdir {self._rootdir}, so its goldens have no"
                f" place under {self._root} (editmetrics_goldens)"
                + ("" if option is None else f"; give {option}")
            )
        return self._root / (test_file.relative_to(self._rootdir).as_posix() + SUFFIX)

    def test_file_of(self, golden_file: Path) -> Path:
        """Return the test file whose golden file this is, whether or not either exists."""
        tests = golden_file.parent.parent
        if self._root is not None:
            tests = self._rootdir / golden_file.parent.relative_to(self._root)
        return tests / golden_file.name.removesuffix(SUFFIX)

    def has_entry(self, address: GoldenAddress) -> bool:
        """Tell whether there is an entry at an address, be it empty or of other environments only.

        Raises:
            ConfigError: the file is there and cannot be used.
        """
        golden_file = self._read(address.file)
        return golden_file is not None and address.gate in golden_file.tests.get(address.test, {})

    def is_blank(self, file: Path) -> bool:
        """Tell whether there is a file of goldens that holds none."""
        golden_file = self._read(file)
        return golden_file is not None and not golden_file.tests

    def lookup(
        self, address: GoldenAddress, environment: Environment, smoke: bool
    ) -> Approved | None:
        """Return what was approved for a gate where its edit ran; ``None`` if it has no entry.

        The most specific variant counts, else the top level. An empty variant waits to be
        recorded: until then what would hold without it does. The environment is asked for only
        where the entry has variants. Measurements on smoke weights see the variant ``smoke`` and
        nothing else, real ones never.

        Args:
            address: see ``address``.
            environment: where the edit ran.
            smoke: whether the measurement was made with smoke weights.

        Raises:
            ConfigError: the file is there and cannot be used.
            EditMetricsError: the environment could not be asked for.
        """
        golden_file = self._read(address.file)
        if golden_file is None or address.digest is None:
            return self._looked_up(address, golden_file, environment, smoke)
        own = golden_file.tests.get(address.test, {}).get(address.gate)
        found = self._looked_up(address, golden_file, environment, smoke)
        if own is not None and found is not None and found.digest in (None, address.digest):
            return found
        fits = fitting(golden_file, address)
        if own is None:
            if fits is None:
                return None
            place = replace(address, test=fits)
            found = self._looked_up(place, golden_file, environment, smoke)
        if found is None or (own is None and other_version(fits or "", address.test)):
            return found and replace(found, found_under=fits)
        return replace(found, moved=moved_text(golden_file, address, fits))

    def _looked_up(
        self,
        address: GoldenAddress,
        golden_file: GoldenFile | None,
        environment: Environment,
        smoke: bool,
    ) -> Approved | None:
        entry = None
        if golden_file is not None:
            entry = golden_file.tests.get(address.test, {}).get(address.gate)
        if smoke:
            variant = None if entry is None else entry.env.get(SMOKE)
            found = self._approved(address, golden_file, variant, SMOKE)
            return replace(found, digest=found.digest or (None if entry is None else entry.digest))
        if entry is None:
            return None
        own = self._approved(address, golden_file, entry, None)
        variants = tuple(env for env in entry.env if env != SMOKE)
        named = environment.among(variants)
        stated = [self._approved(address, golden_file, entry.env[env], env) for env in named]
        holding = next((one for one in stated if one.threshold is not None), own)
        return replace(
            holding,
            env=named[0] if named else None,
            unstated=bool(named) and holding.env != named[0],
            variants=variants,
            digest=holding.digest or entry.digest,
        )

    def environments(self, file: Path) -> Mapping[str, tuple[str, bool]]:
        """Return the environments that a file of goldens names, see ``GoldenFile.environments``."""
        golden_file = self._read(file)
        return {} if golden_file is None else golden_file.environments()

    def _approved(
        self,
        address: GoldenAddress,
        golden_file: GoldenFile | None,
        entry: GoldenEntry | None,
        env: str | None,
    ) -> Approved:
        if entry is None or golden_file is None:
            return Approved(None, None, env)
        threshold = None
        if entry.bound is not None:
            metric = self._registry.metric(address.gate.partition("@")[0])
            source = f"{golden_file.shown}:{entry.line}"
            threshold = Threshold(metric.bound_kind, entry.bound, "golden", source, entry.review)
        return Approved(
            threshold,
            entry.measured,
            env,
            entry.weights,
            digest=entry.digest,
            resize=entry.resize,
            dtype=entry.dtype,
            share=entry.share,
            size=entry.size,
            edit=entry.edit,
        )

    def not_measured(self, measured: Mapping[tuple[Path, str], Collection[str]]) -> dict[str, str]:
        """Return, by ``file:line: test gate``, the keys of the goldens that no gate measured.

        Args:
            measured: the gate keys of each test that ran to its end, by (test file, test key).
        """
        found: dict[str, str] = {}
        for (test_file, test), gates in measured.items():
            golden_file = self._read(self._addressed(test_file))
            if golden_file is not None:
                found |= {
                    f"{golden_file.shown}:{entry.line}: {test} {gate}": gate
                    for gate, entry in golden_file.tests.get(test, {}).items()
                    if gate not in gates
                }
                if golden_file.tests.get(test) == {}:
                    line = golden_file.test_lines[test]
                    found[f"{golden_file.shown}:{line}: {test}, of which no metric is left"] = ""
        return found

    def without_entry(self, tests: Mapping[Path, Collection[str]]) -> dict[Path, list[str]]:
        """Return, of the keys of each test file, those that have no golden; all, if it has none."""
        found = {}
        for test_file, keys in tests.items():
            try:
                golden_file = self._read(self._addressed(test_file))
            except EditMetricsError:
                continue
            approved = () if golden_file is None else golden_file.tests
            found[test_file] = [key for key in keys if key not in approved]
        return found

    def obsolete(
        self,
        collected: Mapping[Path, Collection[str]],
        digests: Collection[str] = (),
        fixtures: Mapping[Path, Collection[str]] | None = None,
        new: Mapping[Path, Mapping[str, Collection[str]]] | None = None,
        folders: Iterable[Path] = (),
        *,
        broken: dict[Path, str],
    ) -> list[ObsoleteGolden]:
        """Return the goldens whose test, or fixture, does not exist any more, by file and line.

        Golden files without a test file are looked for in the folders of the collected ones, too.

        Args:
            collected: the keys of all tests of each test file; only files collected completely.
            digests: of their parameters; an entry of one of these is still wanted.
            fixtures: the keys of all of each file that defines some; ``None`` where more may exist.
            new: those that made gates and had no golden: keys, and the labels of these gates.
            folders: in which goldens lie.
            broken: takes what is wrong with each file that cannot be used.
        """
        new_in = {self.file_of(file): tests for file, tests in (new or {}).items()}
        keys = {self.file_of(file): tests for file, tests in collected.items()}
        folders = {file.parent for file in keys}.union(folders)
        gone = dict.fromkeys(self._without_test_file(folders), ())
        known = {self.file_of(file): names for file, names in (fixtures or {}).items()}
        if fixtures is not None:
            outside = self.file_of(self._rootdir / OUTSIDE)
            gone |= dict.fromkeys((outside, *(one / f"conftest.py{SUFFIX}" for one in folders)), ())
            gone |= dict.fromkeys(known, ())
        found = []
        for path, tests in sorted({**gone, **keys}.items()):
            try:
                golden_file = self._read(self._inside(path))
            except EditMetricsError as error:
                broken[path] = str(error)
                continue
            if golden_file is not None:
                functions = {_function(test) for test in tests if "[" in test}
                lost = [
                    test
                    for test, gates in golden_file.tests.items()
                    if test not in tests
                    and not (is_fixture_key(test) and test in known.get(path, ()))
                    and not any(one.digests.intersection(digests) for one in gates.values())
                ]
                held = {_function(test) for test in golden_file.tests.keys() - set(lost)}
                found += [
                    ObsoleteGolden(
                        f"{golden_file.shown}:{golden_file.test_lines[test]}",
                        test,
                        new_in.get(path, {}),
                        "[" in test and _function(test) in functions,
                        _function(test) not in held,
                        path,
                        not (tests or is_fixture_key(test)) and self.test_file_of(path).exists(),
                        tuple(golden_file.tests[test]),
                    )
                    for test in lost
                    if fixtures is not None or not is_fixture_key(test)
                ]
        return found

    def _without_test_file(self, folders: Collection[Path]) -> Iterator[Path]:
        for folder in folders:
            for path in folder.glob(f"*{SUFFIX}"):
                own = self.test_file_of(path)
                wanted = holds_thresholds(path) and own.name != OUTSIDE
                if wanted and path.is_file() and not own.exists():
                    yield path

    def check_inside(self, path: Path) -> None:
        """Refuse a golden that a link leads out of the project: neither read nor written there.

        It must lie in the rootdir, in the folder of all goldens, in one of ``asset_roots``, or,
        for a test outside the rootdir, in that test's folder.

        Raises:
            EditMetricsError: it does not; the message names where it lies.
        """
        roots = [self._rootdir, *([] if self._root is None else [self._root])]
        if not any(path.is_relative_to(root) for root in roots):
            roots = [folder.parent for folder in path.parents if folder.name == FOLDER][:1]
        check_inside(path, roots, self._rootdir, self._assets)

    def provenance(self, folder: Path) -> Mapping[str, Entry]:
        """Return the provenance entries of a folder of golden images, by file name.

        Raises:
            ConfigError: they cannot be read.
        """
        return self._provenance[folder / PROVENANCE]

    def _addressed(self, test_file: Path) -> Path:
        if test_file not in self._places:
            self._places[test_file] = self._inside(self.file_of(test_file))
        return self._places[test_file]

    def _inside(self, path: Path) -> Path:
        return path.relative_to(self._rootdir) if path.is_relative_to(self._rootdir) else path

    def _read(self, file: Path) -> GoldenFile | None:
        """Return what a file holds, ``None`` if there is none; its path is as addresses have it."""
        if file not in self._paths:
            self._paths[file] = self._rootdir / file
        return self._files[self._paths[file]]

    def _golden_file(self, path: Path) -> GoldenFile | None:
        self.check_inside(path)
        if not path.exists():
            if str(path) in self._there:
                raise ConfigError(
                    "it was there when the session began and cannot be seen now, so what was"
                    " approved would hold nothing: the test replaced the file system (pyfakefs, a"
                    " mock) or removed the file; check outside of that",
                    path,
                )
            refuse_lost(path)
            return None
        return read_golden_file(path, self._registry, self._rootdir)


def _function(test: str) -> str:
    return test.partition("[")[0]


def fitting(golden_file: GoldenFile, address: GoldenAddress) -> str | None:
    """Return the key of the same test under which the value of this parameter was recorded."""
    same = (address.test.partition("[")[0], address.gate, address.digest)
    return next((t for t in golden_file.by_digest.get(same, ()) if t != address.test), None)


def other_version(key: str, own: str) -> bool:
    """Tell whether one key holds a long text that the other has in no version of pytest."""
    return (len(key.partition("[")[2]) > _LONGEST) != (len(own.partition("[")[2]) > _LONGEST)


def moved_text(golden_file: GoldenFile, address: GoldenAddress, fits: str | None) -> str:
    """Say that a golden is of another value of the parameter, and which one is of this."""
    lines = golden_file.test_lines
    where = lines.get(address.test)
    told = (
        f"{golden_file.shown} has no golden of {address.test!r}"
        if where is None
        else f"the golden {golden_file.shown}:{where} of {address.test!r} was recorded for another"
        " value of its parameter, which pytest names by its place only"
    )
    if fits is None:
        return f"{told}; none fits this value: record it again with --editmetrics-update=failed"
    return (
        f"{told}; the entry of this value is {fits!r} ({golden_file.shown}:{lines[fits]}): rename"
        f" its key to {address.test!r}, or give ids= and record again"
    )
