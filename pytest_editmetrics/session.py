"""What one pytest session shares: options, settings, goldens and pipes, each made on first use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.options import resolve_options

if TYPE_CHECKING:
    from pytest_editmetrics.config.settings import MetricConfig, Settings
    from pytest_editmetrics.goldens import Goldens
    from pytest_editmetrics.pipes.registry import PipeRegistry
    from pytest_editmetrics.rundir import RunDir

DEFAULT_CONFIG = "editmetrics.yaml"
RUN_DIR_KEY = "editmetrics_run_dir"


class EditSession:
    """The plugin's state of one session; hangs on ``config.stash`` and nowhere else."""

    def __init__(self, config: pytest.Config):
        self.config = config
        self.options: Mapping[str, Any] = resolve_options(config)
        self.rootdir: Path = config.rootpath
        self._pipes: dict[str, Any] = {}
        given = getattr(config, "workerinput", {}).get(RUN_DIR_KEY)
        self.run_path: Path | None = Path(given) if given else None

    @property
    def run_dir(self) -> RunDir | None:
        """The run directory, if this run has one; xdist workers are told by the controller."""
        if self.run_path is None:
            return None
        from pytest_editmetrics.rundir import RunDir

        return RunDir(self.run_path)

    @cached_property
    def registry(self) -> PipeRegistry:
        """The built-in pipes and those that the user's hooks registered."""
        from pytest_editmetrics.pipes.registry import PipeRegistry

        registry = PipeRegistry()
        self.config.hook.pytest_editmetrics_register_pipes(registry=registry)
        return registry

    @cached_property
    def settings(self) -> Settings:
        """The configuration file, or the defaults without one."""
        from pytest_editmetrics.config.settings import load_settings

        named = self.options["config"]
        if named:
            if not (self.rootdir / named).is_file():
                raise ConfigError(
                    "no such configuration file (named by editmetrics_config);"
                    " `editmetrics init` writes one",
                    self.rootdir / named,
                )
            return load_settings(self.rootdir / named, self.registry, self.rootdir)
        # without an ini file pytest's rootdir is the folder of the tests named on the command line
        folders = (self.rootdir, self.config.invocation_params.dir)
        found = (folder / DEFAULT_CONFIG for folder in folders)
        path = next((path for path in found if path.is_file()), None)
        return load_settings(path, self.registry, self.rootdir)

    @cached_property
    def goldens(self) -> Goldens:
        """The golden thresholds of this rootdir."""
        from pytest_editmetrics.goldens import Goldens

        root = self.options["goldens"]
        return Goldens(self.rootdir / root if root else None, self.rootdir, self.registry)

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

    def pipe(self, key: str, init: Mapping[str, Any]) -> Any:
        """Return the session's one pipe of these constructor keywords; loads no weights."""
        address = json.dumps([key, {k: _identity(v) for k, v in init.items()}], sort_keys=True)
        if address not in self._pipes:
            self._pipes[address] = self.registry.create(key, init)
        return self._pipes[address]

    def default_pipe(self, key: str, sam: Any = None) -> Any:
        """Return the pipe that the fixture of ``key`` gives; ``sam`` isolates for ``clip-pipe``."""
        init = self.default_init(key)
        if sam is not None:
            init["sam"] = sam
        return self.pipe(key, init)


def _identity(value: Any) -> Any:
    try:
        json.dumps(value)
    except TypeError:
        return id(value)
    return value


session_key = pytest.StashKey[EditSession]()


def session_of(config: pytest.Config) -> EditSession:
    """Return the plugin's state of this session."""
    return config.stash[session_key]
