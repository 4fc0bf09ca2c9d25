"""Two versions of the thresholds of a project: from files, folders or git revisions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from pytest_editmetrics.cache.work import work_folder
from pytest_editmetrics.config import golden_block
from pytest_editmetrics.config.bounds import parse_bounds
from pytest_editmetrics.config.expect import EXPECTATIONS, check_expect
from pytest_editmetrics.config.golden_images import BEFORE, ImageSettings
from pytest_editmetrics.config.interpolate import Resolver, load_tree
from pytest_editmetrics.config.metric_keys import by_metric
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.config.reader import read_yaml
from pytest_editmetrics.errors import ConfigError, EditMetricsError, InputError
from pytest_editmetrics.goldens.audited_areas import Areas, case_areas
from pytest_editmetrics.goldens.file import GoldenFile, read_golden_file
from pytest_editmetrics.goldens.file_names import files_below, holds_provenance, holds_thresholds
from pytest_editmetrics.goldens.git_files import find_commit, repository_of, write_files
from pytest_editmetrics.goldens.image_names import is_golden_name
from pytest_editmetrics.goldens.options_of import Options, Say, configurations, golden_folders
from pytest_editmetrics.goldens.provenance import PROVENANCE, REASON, read_provenance
from pytest_editmetrics.goldens.unapproved import image_folders, unapproved
from pytest_editmetrics.measurement import Better, Metric, Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry, is_of_goldens
from pytest_editmetrics.whole_file import real_path

SETTINGS = "editmetrics.yaml"
_BETTER: Mapping[str, Better] = {"max": "lower", "min": "higher"}


@dataclass(frozen=True)
class Version:
    """Where the files of one version lie; ``shown`` is how it is called.

    ``only`` names the one file that is compared, below ``folder``, by the name it has there.
    ``named`` are the configurations that pytest's options name, by the folder of the options, and
    ``goldens`` the folders of goldens.
    """

    shown: str
    folder: Path
    only: str | None = None
    named: Mapping[Path, Path] = field(default_factory=dict)
    goldens: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Thresholds:
    """What one version holds: golden files, default thresholds and golden images, by path.

    ``goldens``, ``defaults`` and ``tolerances``, those of golden images, are by the path of the
    file, ``images`` by that of the image, with the sha256 that its provenance states, and
    ``reasons`` with why it was taken, where that is stated. ``expected`` are the bounds of
    ``expect``, which a test may have another of: goldens are not held against them. ``areas`` are
    the edit areas of YAML cases. ``comparators`` are those that an image's provenance names,
    ``unapproved`` the images without an entry of their own, with sha256 and why, ``absent`` those
    that have an entry and are not there, and ``folders`` those of goldens that pytest's options
    name, by the folder of the options.
    """

    shown: str
    goldens: Mapping[str, GoldenFile]
    defaults: Mapping[str, Mapping[str, Threshold]]
    images: Mapping[str, str]
    tolerances: Mapping[str, ImageSettings] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    expected: Mapping[str, Mapping[str, Threshold]] = field(default_factory=dict)
    areas: Areas = field(default_factory=dict)
    comparators: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unapproved: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        """Whether the version has nothing that could be compared."""
        images = self.images or self.unapproved
        return not (self.goldens or self.defaults or images or self.tolerances)

    def default(self, golden_file: str, metric: str) -> Threshold | None:
        """Return the default that holds beside a golden file: of the nearest settings above it."""
        for parent in PurePosixPath(golden_file).parents:
            if (settings := self.defaults.get((parent / SETTINGS).as_posix())) is not None:
                return settings.get(metric)
        return None


@dataclass(frozen=True)
class Pair:
    """Two versions and the metrics that their bounds name.

    ``learned`` are the metrics that are not built in; their bounds state their direction, but for
    those that are ``undirected``.
    """

    base: Thresholds
    head: Thresholds
    metrics: Mapping[str, Metric]
    learned: tuple[str, ...]
    undirected: frozenset[str]


@dataclass
class _Learned:
    """Metrics that are not built in, with the direction that a bound stated, and where."""

    registry: PipeRegistry = field(default_factory=PipeRegistry)
    where: dict[str, tuple[Better, str]] = field(default_factory=dict)

    def see(self, metric: str, node: Node, shown: str) -> None:
        """Take the direction of an unknown metric from ``max`` or ``min`` in a mapping."""
        if not node.is_mapping or metric in self.registry.metrics:
            return
        for kind, better in _BETTER.items():
            if kind in node.value:
                place = f"{shown}: {node.value[kind].where}"
                before, first = self.where.setdefault(metric, (better, place))
                if before != better:
                    raise EditMetricsError(
                        f"{metric} has a max and a min ({first} and {place}): what it was approved"
                        " for cannot be compared"
                    )
        env = node.get("env")
        for child in env.value.values() if env is not None and env.is_mapping else ():
            self.see(metric, child, shown)

    def register(self, names: set[str]) -> None:
        """Make every name that was seen a known metric."""
        for name in sorted(names - set(self.registry.metrics)):
            better = self.where.get(name, ("lower", ""))[0]
            self.registry.register(f"{name}-pipe", object, metrics=[Metric(name, better)])

    def own_name(self, name: str) -> str:
        """Return the name of a metric that may be written by an alias."""
        return self.registry.metric(name).name if name in self.registry.names else name


@contextmanager
def versions(
    base: str, head: str, here: Path, say: Say, options: Options
) -> Iterator[tuple[Version, Version]]:
    """Give two versions whose files lie in folders; revisions are written to temporary ones.

    Each is the path of a file or folder, or a git revision. A path wins over a revision of the same
    name, and ``say`` is told. Beside a path, a revision is read at the same place of its tree. What
    ``options`` name and cannot be read is told to ``say``, too.

    Raises:
        InputError: something that is neither, or a file beside a folder.
        EditMetricsError: git cannot be used.
    """
    paths = {text: here / text for text in (base, head) if text and os.path.exists(here / text)}
    for text in paths:
        if shutil.which("git") and find_commit(text, here) is not None:
            say(f"{text} is a path and a revision: the path is taken ({text}^0 is the revision)")
    if len({path.is_dir() for path in paths.values()}) > 1:
        raise InputError(f"{base} and {head} are a file and a folder; give two of a kind")
    with ExitStack() as stack:
        beside = next(iter(paths.values()), None)

        def opened(text: str) -> Version:
            if text in paths:
                version = _of_path(text, paths[text])
            else:
                folder = stack.enter_context(work_folder())
                version = _of_revision(text, here, beside, folder, options)
            if version.only is not None:
                return version
            named = configurations(version.folder, version.shown, options, say)
            return replace(version, named=named, goldens=golden_folders(version.folder, options))

        yield opened(base), opened(head)


def _of_path(text: str, path: Path) -> Version:
    if path.is_dir():
        return Version(text, path)
    return Version(text, path.parent, path.name)


def _of_revision(
    text: str, here: Path, beside: Path | None, folder: Path, options: Options
) -> Version:
    start = here
    if beside is not None:
        start = beside if beside.is_dir() else beside.parent
    try:
        repository = repository_of(start)
    except EditMetricsError as error:
        raise EditMetricsError(f"{text!r} is no path here, and {error}") from None
    commit = find_commit(text, start)
    if commit is None:
        raise InputError(
            f"{text!r} is no path and no git revision here; fetch it if it is one (in a shallow"
            " clone of CI: `fetch-depth: 0` for actions/checkout)"
        )

    def wanted(path: PurePosixPath) -> bool:
        named = path.name in options.files or is_golden_name(path.name)
        return path.suffix in (".yaml", ".yml") or named

    write_files(commit, repository, wanted, folder)
    shown = f"{text} ({commit[:12]})"
    if beside is None:
        return Version(shown, folder)
    place = folder / real_path(start).relative_to(repository)
    return Version(shown, place, None if beside.is_dir() else beside.name)


def read_pair(base: Version, head: Version) -> Pair:
    """Read both versions.

    Raises:
        EditMetricsError: a file that cannot be used, with version, file and line; a metric of which
            one version states a maximum and the other a minimum; or neither version has anything.
    """
    learned = _Learned()
    names: set[str] = set()
    for version in (base, head):
        with _named(version):
            names |= _learn(version, learned)
    learned.register(names)
    found = []
    for version in (base, head):
        with _named(version):
            found.append(_read(version, learned.registry))
    if all(one.empty for one in found):
        raise EditMetricsError(
            f"neither {base.shown} nor {head.shown} has golden files (named <test file>.yaml, such"
            f" as test_x.py.yaml), an {SETTINGS} with thresholds, or golden images"
        )
    own = tuple(sorted(names - set(PipeRegistry().metrics)))
    undirected = frozenset(own) - set(learned.where)
    return Pair(found[0], found[1], learned.registry.metrics, own, undirected)


@contextmanager
def _named(version: Version) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise EditMetricsError(f"{version.shown}: {error}") from None


def _learn(version: Version, learned: _Learned) -> set[str]:
    """Return the metrics that a version names, and learn the directions of those not built in."""
    names = set()
    for name, path in _files(version).items():
        if _is_golden(version, path):
            for test in read_yaml(path, version.folder).root.mapping("a file of goldens").values():
                for gate, node in test.mapping("the goldens of a test").items():
                    names.add(metric := _metric(gate.partition("@")[0], node))
                    learned.see(metric, node, version.shown)
        elif _is_settings(name):
            for written, node in _stated(path, version, "thresholds").mapping("thresholds").items():
                names.add(metric := _metric(learned.own_name(written), node))
                learned.see(metric, node, version.shown)
    return names


def _metric(name: str, node: Node) -> str:
    """Return the name of a metric, which is none of those that stand for golden images."""
    if is_of_goldens(name):
        node.fail(f"no metric is called {name}; golden_images sets the bounds of golden images")
    return name


def _stated(path: Path, version: Version, key: str) -> Node:
    """Return what a file of settings states under a key, what it refers to filled in."""
    tree = load_tree(path, version.folder)
    node = tree.root.get(key)
    return Node.of(None, tree.root.source) if node is None else Resolver(tree).resolve(node)


def _expected(path: Path, version: Version) -> dict[str, Threshold]:
    """Return the bounds of what a file of settings expects."""
    node = _stated(path, version, "expect")
    if node.value is None:
        return {}
    name = check_expect(node.one_of("expect", EXPECTATIONS))
    assert name is not None
    metrics, where = PipeRegistry().metrics, f"{node.where} (expect: {name})"
    return {
        metric: Threshold(metrics[metric].bound_kind, bound, "default", where)
        for metric, bound in EXPECTATIONS[name].bounds.items()
    }


def _read(version: Version, registry: PipeRegistry) -> Thresholds:
    goldens: dict[str, GoldenFile] = {}
    defaults: dict[str, Mapping[str, Threshold]] = {}
    images: dict[str, str] = {}
    tolerances: dict[str, ImageSettings] = {}
    reasons: dict[str, str] = {}
    expected: dict[str, Mapping[str, Threshold]] = {}
    comparators: dict[str, tuple[str, ...]] = {}
    for name, path in _files(version).items():
        if _is_golden(version, path):
            goldens[name] = read_golden_file(path, registry, version.folder)
        elif _is_settings(name):
            nodes = by_metric(_stated(path, version, "thresholds"), "thresholds", registry)
            defaults[name] = {
                metric: parse_bounds(registry.metric(metric), node, origin="default")
                for metric, node in nodes.items()
            }
            expected[name] = _expected(path, version)
            block = _stated(path, version, "golden_images")
            if block.value is not None:
                read = golden_block.BLOCK.kind().read(block, "golden_images", registry)
                tolerances[name] = golden_block.image_settings(read)
        else:
            for image, entry in read_provenance(path, version.folder).items():
                place = f"{PurePosixPath(name).parent}/{image}"
                images[place] = str(entry.get("sha256"))
                if reason := entry.get(REASON):
                    reasons[place] = str(reason)
                if isinstance(entry.get("comparator", BEFORE), (list, tuple)):
                    comparators[place] = tuple(map(str, entry.get("comparator", BEFORE)))
    areas = {} if version.only is not None else case_areas(version.folder)
    return Thresholds(
        version.shown,
        goldens,
        defaults,
        images,
        tolerances,
        reasons,
        expected,
        areas,
        comparators,
        {} if version.only is not None else _unapproved(version.folder),
        version.goldens,
        frozenset(one for one in images if not (version.folder / one).is_file()),
    )


def _unapproved(top: Path) -> dict[str, tuple[str, str]]:
    """Return the golden images without an entry of their own, by path: sha256 and why."""
    return {
        (folder / image.name).relative_to(top).as_posix(): (image.sha256, image.why)
        for folder in image_folders(files_below(top))
        for image in unapproved(folder, read_provenance(folder / PROVENANCE, top))
    }


def _is_golden(version: Version, path: Path) -> bool:
    if version.only is not None:
        return path.name not in (SETTINGS, PROVENANCE)
    return holds_thresholds(path)


def _is_settings(name: str) -> bool:
    return PurePosixPath(name).name == SETTINGS


def _files(version: Version) -> dict[str, Path]:
    """Return the files that are read, by path; the one file of a pair of files by no name.

    A configuration that pytest's options name has the path of the one that it replaces.
    """
    if version.only is not None:
        path = version.folder / version.only
        kind = path.name if path.name in (SETTINGS, PROVENANCE) else ""
        return {kind: path} if path.is_file() else {}
    files = {
        path.relative_to(version.folder).as_posix(): path
        for path in files_below(version.folder)
        if (path.name == SETTINGS and path not in version.named.values())
        or holds_thresholds(path)
        or holds_provenance(path)
    }
    for folder, path in version.named.items():
        files[(folder / SETTINGS).relative_to(version.folder).as_posix()] = path
    return files
