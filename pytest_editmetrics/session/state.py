"""What one pytest session shares: options, settings, goldens and pipes, each made on first use."""

from __future__ import annotations

import json
import os
import threading
import traceback
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.errors import ConfigError, EditMetricsError
from pytest_editmetrics.session.fixture_users import FixtureUsers
from pytest_editmetrics.session.ledger import Ledger
from pytest_editmetrics.session.option_list import RIGHT_NAME
from pytest_editmetrics.session.options import named_path, resolve_options
from pytest_editmetrics.session.unread import (
    files_that_may_be_unread,
    may_be_unread,
    refuse_unusable,
)

if TYPE_CHECKING:
    from pytest_editmetrics.cache.clock import Clock
    from pytest_editmetrics.cache.features import FeatureCache
    from pytest_editmetrics.config.asset_roots import AssetRoots
    from pytest_editmetrics.config.settings import MetricConfig, Settings
    from pytest_editmetrics.config.suite import SuiteSettings
    from pytest_editmetrics.goldens.environment import Environment
    from pytest_editmetrics.goldens.store import Goldens
    from pytest_editmetrics.goldens.variant_files import VariantFiles
    from pytest_editmetrics.pipes.models import ModelStore, Tell
    from pytest_editmetrics.pipes.registry import PipeRegistry
    from pytest_editmetrics.runs.writing import RunDir
    from pytest_editmetrics.session.cases_ahead import CasesAhead
    from pytest_editmetrics.session.fixture_record import FixtureRecord

_GOLDENS = "goldens"
_ENDINGS = (pytest.skip.Exception, pytest.fail.Exception, pytest.exit.Exception, SystemExit)
RUN_DIR_KEY = "editmetrics_run_dir"
MADE_WITH = ("pytest-editmetrics", "torch", "transformers")


class EditSession:
    """The plugin's state of one session; hangs on ``config.stash`` and nowhere else."""

    def __init__(self, config: pytest.Config):
        self.config = config
        self.options: Mapping[str, Any] = resolve_options(config)
        self.rootdir: Path = config.rootpath
        self._pipes: dict[tuple[str, frozenset[Any]], Any] = {}
        given = getattr(config, "workerinput", {}).get(RUN_DIR_KEY)
        self.run_path: Path | None = Path(given) if given else None
        self.items: Sequence[pytest.Item] = ()
        self._golden_files: frozenset[str] = frozenset()
        self.golden_folders_seen: set[Path] = set()
        """Those that pytest came by as it collected."""
        self.unread_files_seen: set[Path] = set()
        """Files it came by that look as if they were ours and may not be read."""
        self._said: list[str | tuple[str, ...]] = []
        self.ledger = Ledger()
        self.fixtures = threading.RLock()
        self.tell: Tell | None = None
        self.measured_fixtures: list[FixtureRecord] = []
        self.users = FixtureUsers()

    def __getstate__(self) -> dict[str, Any]:
        """What a process without pytest needs to measure: no pytest, goldens or pipes go there."""
        named = self.options["cache-dir"]
        folder = str(named_path(self.config, "cache-dir", named).absolute()) if named else named
        return {
            "options": {**self.options, "cache-dir": folder},
            "rootdir": self.rootdir,
            "registry": self.registry,
            "settings": self.settings,
            "run_path": None,
            "_pipes": {},
            "_said": [],
            "tell": None,
        }

    @property
    def run_dir(self) -> RunDir | None:
        """The run directory, if this run has one; xdist workers are told by the controller."""
        if self.run_path is None:
            return None
        from pytest_editmetrics.runs.writing import RunDir

        return RunDir(self.run_path)

    @cached_property
    def clock(self) -> Clock:
        """What adds up where the time goes; off without ``--editmetrics-profile``."""
        from pytest_editmetrics.cache.clock import Clock

        return Clock(self.options["profile"])

    @cached_property
    def registry(self) -> PipeRegistry:
        """The built-in pipes and those that the user's hooks registered."""
        registry = self.collecting_registry()
        for key in self.options["skip-missing"]:
            registry.pipe(key)
        return registry

    def collecting_registry(self) -> PipeRegistry:
        """Return the pipes known so far: a conftest of a later folder may register more."""
        from pytest_editmetrics.pipes.registry import PipeRegistry

        registry = PipeRegistry()
        try:
            self.config.hook.pytest_editmetrics_register_pipes(registry=registry)
        except EditMetricsError:
            raise
        except (Exception, *_ENDINGS) as error:  # a conftest may raise as it likes
            frames = traceback.extract_tb(error.__traceback__)
            own = [one for one in frames if Path(one.filename).parent.name != "_pytest"]
            said = f"pytest_editmetrics_register_pipes raised {type(error).__name__}: {error}"
            if isinstance(error, _ENDINGS):
                said += (
                    "; it skips or ends no test: register the pipe in any case, and raise"
                    " MissingResourceError when it measures"
                )
            raise ConfigError(said, Path(own[-1].filename), own[-1].lineno) from error
        return registry

    @cached_property
    def settings(self) -> Settings:
        """The configuration file, or the defaults without one."""
        from pytest_editmetrics.config.settings import load_settings

        refuse_unusable(self)
        path = self.config_path
        if path is not None and (path.is_dir() or not os.path.lexists(path)):
            raise ConfigError(
                "no such configuration file (named by --editmetrics-config, or editmetrics_config"
                " in the ini file); `editmetrics init` writes one",
                path,
            )
        return load_settings(path, self.registry, self.rootdir)

    def read_configuration(self) -> None:
        """Read all of the configuration file, and the pipes that the user's hooks register.

        Raises:
            EditMetricsError: it cannot be used.
        """
        _ = self.settings, self.suite

    @cached_property
    def suite(self) -> SuiteSettings | None:
        """What the configuration holds all gates together to; without a file nothing is read."""
        if self.config_path is None or not self.config_path.is_file():
            return None
        from pytest_editmetrics.config.suite import read_suite

        return read_suite(self.config_path, self.registry, self.rootdir)

    def shown(self, path: Path) -> Path:
        """Return a path as messages show it: relative to the rootdir where it lies inside."""
        return path.relative_to(self.rootdir) if path.is_relative_to(self.rootdir) else path

    @cached_property
    def config_path(self) -> Path | None:
        """The configuration file: the one named, else the nearest at or above the rootdir.

        Without an ini file pytest's rootdir is the folder of the tests named on the command line,
        so the search goes up, as far as the folder that holds ``.git``.
        """
        if named := self.options["config"]:
            return named_path(self.config, "config", named)
        for start in (self.rootdir, self.config.invocation_params.dir):
            for folder in (start, *start.parents):
                if os.path.lexists(path := folder / RIGHT_NAME) and not path.is_dir():
                    return path
                if (folder / ".git").exists():
                    break
        return None

    @cached_property
    def goldens(self) -> Goldens:
        """The golden thresholds of this rootdir."""
        from pytest_editmetrics.goldens.store import Goldens

        where = self.goldens_root
        return Goldens(where, self.rootdir, self.registry, self.asset_roots, self._golden_files)

    @property
    def goldens_root(self) -> Path | None:
        """The folder that holds all goldens; ``None`` where they lie beside the tests."""
        root = self.options["goldens"]
        return named_path(self.config, "goldens", root) if root else None

    @cached_property
    def asset_roots(self) -> AssetRoots:
        """Where images of cases and linked goldens may lie besides the rootdir.

        Folders of the command line count from where it was typed, those of the ini file from it.
        """
        from pytest_editmetrics.config.asset_roots import AssetRoots

        ini = self.config.inipath
        start = self.rootdir if ini is None else ini.parent
        if self.config.getoption("editmetrics_asset_roots") is not None:
            start = self.config.invocation_params.dir
        named = tuple(start / root for root in self.options["asset-roots"])
        return AssetRoots(self.rootdir, self.config_path, named)

    def has_goldens(self, file: Path) -> bool:
        """Tell whether goldens may lie beside a file, without reading any."""
        return self.golden_file(file).is_file()

    @property
    def runs_tests(self) -> bool:
        """Whether tests are called: ``--setup-only`` and ``--setup-plan`` only set them up."""
        return not any(self.config.getoption(name, False) for name in ("setuponly", "setupplan"))

    def came_by(self, path: Path, *, folder: bool) -> None:
        """Remember a folder that pytest collects from, if goldens lie in it, and like files."""
        if folder and path.name == _GOLDENS:
            self.golden_folders_seen.add(path)
        elif not folder and may_be_unread(path):
            self.unread_files_seen.add(path)

    def golden_folders(self, files: Iterable[str]) -> list[Path]:
        """Return the folders in which goldens of test files may lie, also of files that are gone.

        ``files`` are relative to the rootdir. Beside their folders those count that pytest came by
        as it collected, or all below the folder of all goldens.
        """
        root = self.goldens_root
        if root is not None:
            from pytest_editmetrics.goldens.file_names import files_below

            found = (folder for path in files_below(root) for folder in path.parents[:2])
            return sorted({folder for folder in found if folder.is_relative_to(root)})
        own = {self.golden_file(self.rootdir / file).parent for file in files if file}
        return sorted(folder for folder in own | self.golden_folders_seen if folder.is_dir())

    def collected(self, items: Sequence[pytest.Item]) -> None:
        """Take the tests, in order, and note which of their files have goldens.

        A test may make the file system another, as pyfakefs does.
        """
        self.items = items
        folders = {item.path.parent for item in items}
        self.unread_files_seen.update(
            path
            for folder in folders
            if not folder.is_relative_to(self.rootdir)
            for path in files_that_may_be_unread(folder)
        )
        plugins = self.config.pluginmanager.get_plugins()
        own = [Path(str(getattr(one, "__file__", ""))) for one in plugins]
        files = {*(item.path for item in items), *(f for f in own if f.name == "conftest.py")}
        files_of = map(self.golden_file, filter(self.has_goldens, files))
        self._golden_files = frozenset(map(str, files_of))

    def golden_file(self, file: Path) -> Path:
        """Return the golden file of a test file, whether or not it exists."""
        root, own = self.goldens_root, file.parent / _GOLDENS / f"{file.name}.yaml"
        return own if root is None else root / f"{self.shown(file)}.yaml"

    @cached_property
    def made_with(self) -> Mapping[str, str | None]:
        """The versions of the packages that a golden image's provenance names."""
        from pytest_editmetrics.session.outputs import package_version

        return {name: package_version(name) for name in MADE_WITH}

    @cached_property
    def environment(self) -> Environment:
        """Where edits run; the accelerator is asked for when a golden needs it."""
        from pytest_editmetrics.goldens.environment import environment_here

        return environment_here(self.options["env"])

    @cached_property
    def variant_files(self) -> VariantFiles:
        """Which golden images have variants."""
        from pytest_editmetrics.goldens.variant_files import VariantFiles

        return VariantFiles()

    def default_init(self, key: str) -> dict[str, Any]:
        """Return the constructor keywords of the pipe ``key`` when no metric says otherwise."""
        return self._with_device(key, dict(self.settings.pipe_defaults.get(key, {})))

    def metric_init(self, metric: MetricConfig) -> dict[str, Any]:
        """Return the constructor keywords of the pipe that computes ``metric``."""
        return self._with_device(metric.pipe_name, dict(metric.init))

    def _with_device(self, key: str, init: dict[str, Any]) -> dict[str, Any]:
        device = self.options["device"]
        if device is None:
            return init
        if self.registry.pipe(key).accepts("device"):
            init["device"] = device
        if isinstance(init.get("sam"), Mapping):
            init["sam"] = {**init["sam"], "device": device}
        return init

    @cached_property
    def features(self) -> FeatureCache:
        """The features that all pipes of the session share."""
        from pytest_editmetrics.cache.features import FeatureCache

        if not self.options["cache"]:
            return FeatureCache(clock=self.clock)
        from pytest_editmetrics.cache.folder import CacheFolder
        from pytest_editmetrics.weights.kept import NoHomeError, features_folder

        named = self.options["cache-dir"]
        try:
            folder = named_path(self.config, "cache-dir", named) if named else features_folder()
        except NoHomeError as error:
            note = f"feature cache: {error}; this run goes on without"
            return FeatureCache(note=note, clock=self.clock)
        return FeatureCache(CacheFolder(folder, self.options["cache-size"]), clock=self.clock)

    @cached_property
    def cases_ahead(self) -> CasesAhead | None:
        """The YAML cases that come next, where their order is known."""
        if hasattr(self.config, "workerinput"):
            return None
        from pytest_editmetrics.session.cases_ahead import CasesAhead

        ahead = CasesAhead(self.items, lambda: self.settings)
        self.config.add_cleanup(ahead.close)
        return ahead

    def take_notes(self) -> list[str | tuple[str, ...]]:
        """Return, once, what the summary should say of the features, if any were kept."""
        features: FeatureCache | None = self.__dict__.get("features")
        said, self._said = self._said, []
        return [*said, *([] if features is None else features.take_notes())]

    def say(self, note: str) -> None:
        """Let the summary say something once."""
        self._said.append(note)

    def say_of(self, nodeid: str, title: str, words: str) -> None:
        """Let the summary say something of a test, in a list of those below a title."""
        self._said.append((title, words, nodeid))

    def pipe(self, key: str, init: Mapping[str, Any]) -> Any:
        """Return the session's one pipe of these constructor keywords; loads no weights."""
        address = (key, frozenset((name, _identity(value)) for name, value in init.items()))
        if address not in self._pipes:
            self._pipes[address] = self.share(self.registry.create(key, init))
        return self._pipes[address]

    @cached_property
    def models(self) -> ModelStore:
        """The models that all pipes of the session share."""
        from pytest_editmetrics.pipes.models import ModelStore

        return ModelStore(self.clock, self.tell)

    def share(self, pipe: Any) -> Any:
        """Return a pipe that keeps its features and model in the session, if it is one of ours."""
        from pytest_editmetrics.pipes.base import BuiltInPipe

        if isinstance(pipe, BuiltInPipe):
            pipe.share(self.features, self.models)
        return pipe

    def default_pipe(self, key: str, sam: Any = None) -> Any:
        """Return the pipe that the fixture of ``key`` gives; ``sam`` isolates for it."""
        init = self.default_init(key)
        if sam is not None:
            init["sam"] = sam
        return self.pipe(key, init)


def _identity(value: Any) -> Any:
    """Return what equal constructor arguments share: their JSON; an object is only itself."""
    if isinstance(value, str):
        return value
    try:
        return "json", json.dumps(value, sort_keys=True)
    except TypeError:
        return id(value)


session_key = pytest.StashKey[EditSession]()


def session_of(config: pytest.Config) -> EditSession:
    """Return the plugin's state of this session."""
    return config.stash[session_key]
