"""What each suite under test would do anew in this process, though its answer stays the same."""

from __future__ import annotations

import gc
import importlib.metadata
import inspect
import logging
import pkgutil
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache, cached_property, partial, wraps
from importlib import import_module
from importlib.metadata import Distribution, EntryPoints, PathDistribution
from itertools import islice
from types import CodeType, FunctionType, ModuleType
from typing import Any

import _pytest.assertion.rewrite
import _pytest.config.argparsing
import _pytest.logging
import _pytest.pathlib
import _pytest.pytester
import pluggy._manager
from _pytest._code.code import TracebackEntry
from _pytest.assertion.rewrite import AssertionRewritingHook
from _pytest.fixtures import FixtureManager
from _pytest.pytester import SysModulesSnapshot
from pluggy import HookCaller, HookImpl, PluginManager

import pytest_editmetrics

# pytester forgets modules that a test imported first, and these cannot be imported twice
_ONCE = ("numpy", "ot", "PIL.Image", "segment_anything", "torch", "yaml")
_IF_INSTALLED = ("xdist.dsession", "xdist.looponfail", "xdist.remote")
_OF_TRANSFORMERS = ("CLIPVisionModel", "Dinov2Model", "DINOv3ViTModel", "Sam2Model")


def _import_others() -> None:
    for name in _ONCE:
        import_module(name)
    for name in _IF_INSTALLED:
        with suppress(ImportError):
            import_module(name)
    transformers = import_module("transformers")
    for name in _OF_TRANSFORMERS:
        getattr(transformers, name)


def import_once() -> list[str]:
    """Import every module of the package, which each suite would import for itself; return their names.

    Nor does this run's pytest rewrite them, but for those of the plugin, which suites under test
    have rewritten and find compiled then.
    """
    gc.disable()
    _untraced(_import_others)()
    package = pytest_editmetrics.__name__
    names = [it.name for it in pkgutil.walk_packages(pytest_editmetrics.__path__, f"{package}.")]
    rewritten = tuple(f"{package}.{room}" for room in ("plugin", "cli", "testing"))
    finders = sys.meta_path[:]
    sys.meta_path[:] = [it for it in finders if not isinstance(it, AssertionRewritingHook)]
    try:
        for name in names:
            if not name.startswith(rewritten):
                import_module(name)
    finally:
        sys.meta_path[:] = finders
    for name in names:
        import_module(name)
    return names


def quicken() -> None:
    """Let suites that run in this process find once what is installed, and which plugins have fixtures.

    A suite that adds a folder to ``sys.path`` finds what lies there. Loggers of libraries hand on what
    they are told: else pytest adds its handlers to each of torch's at every phase of a test. Coverage
    looks away where nothing of the package can run, and the collector of garbage where none can be.
    """
    gc.freeze()
    gc.enable()
    importlib.metadata.distributions = _distributions(tuple(sys.path))
    importlib.metadata.version = _versions(importlib.metadata.version)
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.propagate = True
    _list_only_hooks_and_fixtures()
    _parse_sources_once()
    _pass_over_known_loggers()
    _pytest.pathlib._force_symlink = lambda *_: None  # to the newest of numbered folders
    _find_hooks_of_modules()
    _verify_hooks_once()
    _keep_no_module_of_zope()
    _pass_over_objects_without_fixtures()
    for owner, name in (
        (_pytest.config, "get_config"),
        (_pytest.config.PytestPluginManager, "parse_hookimpl_opts"),
        (_pytest.config.argparsing.OptionGroup, "addoption"),
        (_pytest.assertion.rewrite, "_rewrite_test"),
        (_pytest.logging.catching_logs, "__enter__"),
        (_pytest.logging.catching_logs, "__exit__"),
        (SysModulesSnapshot, "__init__"),
        (SysModulesSnapshot, "restore"),
        (FixtureManager, "pytest_plugin_registered"),
        (pluggy._manager, "_static_hook_attr"),
    ):
        if hasattr(owner, name):  # in this release
            setattr(owner, name, _untraced(getattr(owner, name)))


def _untraced(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def untraced(*args: Any, **options: Any) -> Any:
        tracer = sys.gettrace()
        sys.settrace(None)
        try:
            return function(*args, **options)
        finally:
            sys.settrace(tracer)

    return untraced


class _Installed(PathDistribution):
    entry_points: EntryPoints = cached_property(PathDistribution.entry_points.fget)  # type: ignore[assignment]
    _normalized_name: str = cached_property(PathDistribution._normalized_name.fget)  # type: ignore[assignment]


def _distributions(known: tuple[str, ...]) -> Any:
    find = Distribution.discover

    @cache
    def in_folder(folder: str) -> list[Distribution]:
        found = find(path=[folder])
        return [_Installed(one._path) if type(one) is PathDistribution else one for one in found]

    def distributions(**context: Any) -> Any:
        if context:
            return find(**context)
        new = [folder for folder in sys.path if folder not in known]
        return [
            *(one for folder in sys.path if folder in known for one in in_folder(folder)),
            *find(path=new),
        ]

    return distributions


def _versions(version: Callable[[str], str]) -> Callable[[str], str]:
    @cache
    def where(name: str, path: tuple[str, ...]) -> str:
        return version(name)

    return lambda name: where(name, tuple(sys.path))


def _parse_sources_once() -> None:
    """Let each failure's traceback, which begins in this run's pytest, parse no file anew.

    Nor look through all modules for that of a file, which no loader but the usual one has.
    """
    getmodule = inspect.getmodule
    getsource = TracebackEntry.getsource
    known: dict[tuple[int, int], tuple[CodeType, Any]] = {}

    def source_of(self: TracebackEntry, astcache: Any = None) -> Any:
        code = self.frame.code.raw
        place = (id(code), self.lineno)
        if place not in known:
            inspect.getmodule = lambda *_: None
            try:
                known[place] = code, getsource(self, astcache)
            finally:
                inspect.getmodule = getmodule
        return known[place][1]

    TracebackEntry.getsource = source_of  # type: ignore[method-assign]


def _pass_over_known_loggers() -> None:
    """Let pytest look for loggers that do not propagate among those that came since."""
    enter, manager = _pytest.logging.catching_logs.__enter__, logging.root.manager
    known = len(manager.loggerDict)

    def __enter__(self: Any) -> Any:
        loggers = manager.loggerDict
        if self.level is None:
            came = islice(reversed(loggers.items()), len(loggers) - known)
            manager.loggerDict = dict(came)
        try:
            return enter(self)
        finally:
            manager.loggerDict = loggers

    _pytest.logging.catching_logs.__enter__ = __enter__  # type: ignore[method-assign]


def _find_hooks_of_modules() -> None:
    """Let pluggy look into a module's names alone: its search minds classes and what they inherit."""
    found = getattr(pluggy._manager, "_static_hook_attr", None)
    if found is None:  # in this release
        return

    def static_hook_attr(obj: object, name: str) -> Any:
        if type(obj) is not ModuleType:
            return found(obj, name)
        one = vars(obj).get(name)
        return (one, one) if isinstance(one, FunctionType) else None

    pluggy._manager._static_hook_attr = static_hook_attr


def _verify_hooks_once() -> None:
    """Let pluggy look once at the arguments of a hook of a plugin that is imported by now."""
    verify = PluginManager._verify_hook
    imported = {id(module) for module in sys.modules.values()}
    known: set[tuple[str, Any]] = set()

    def _verify_hook(self: PluginManager, hook: HookCaller, hookimpl: HookImpl) -> None:
        if (hook.name, hookimpl.function) not in known:
            verify(self, hook, hookimpl)
            if id(hookimpl.plugin) in imported:
                known.add((hook.name, hookimpl.function))

    PluginManager._verify_hook = _verify_hook  # type: ignore[method-assign]


def _keep_no_module_of_zope() -> None:
    """Let pytester put back all modules: it looks at each name for those of zope and readline."""
    init = SysModulesSnapshot.__init__
    SysModulesSnapshot.__init__ = lambda self, preserve=None: init(self)  # type: ignore[method-assign]


def _list_only_hooks_and_fixtures() -> None:
    """Let a plugin's module name what pytest looks for in it, at each start, and nothing else."""
    for name, module in sys.modules.items():
        if name.startswith("_pytest.") or "pytest_configure" in vars(module):
            listed = [
                name
                for name, one in vars(module).items()
                if name.startswith("pytest_") or _is_fixture(one)
            ]
            module.__dir__ = partial(list, listed)  # type: ignore[method-assign]


def _pass_over_objects_without_fixtures() -> None:
    registered = FixtureManager.pytest_plugin_registered

    def pytest_plugin_registered(self: FixtureManager, plugin: object, plugin_name: str) -> None:
        bases = type(plugin).__mro__
        if isinstance(plugin, ModuleType | type) or any(
            _is_fixture(one) for base in bases for one in vars(base).values()
        ):
            registered(self, plugin, plugin_name)

    FixtureManager.pytest_plugin_registered = pytest_plugin_registered  # type: ignore[method-assign]


def _is_fixture(one: object) -> bool:
    return type(one).__name__ == "FixtureFunctionDefinition" or (
        isinstance(one, FunctionType)
        and hasattr(one, "_pytestfixturefunction")  # before pytest 8.4
    )
