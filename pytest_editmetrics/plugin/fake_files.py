"""Everything that gates need of this package is imported before a test has a fake file system.

pyfakefs gives what is imported under it a fake ``os`` for good, and forgets the modules afterwards:
the gates of all later tests would see no file.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType

import pytest

_PACKAGE = __name__.partition(".")[0]
_ROOMS = ("cache", "checks", "gates", "goldens", "images", "pipes", "report", "session", "weights")
_OTHERS = ("clip.vision", "html", "witness")  # import torch, or are not for gates
_FIXTURES = {"fs", "fs_class", "fs_module", "fs_session"}


def import_before_fake_files(items: Sequence[pytest.Item]) -> None:
    """Import it, if of the tests that were found one uses pyfakefs, and one has gates."""
    unittest = sys.modules.get("pyfakefs.fake_filesystem_unittest")
    if unittest is None or not any(map(_has_gates, items)):
        return
    plugins = items[0].config.pluginmanager.get_plugins()
    modules = (getattr(item, "module", None) for item in items)
    files = {id(file): file for file in (*filter(_is_conftest, plugins), *modules)}
    mixin = unittest.TestCaseMixin
    fakes = any(_fakes_files(item, mixin) for item in items)
    if not fakes and not any(map(_names_pyfakefs, files.values())):
        return
    folder = Path(__file__).parents[1]
    for room in _ROOMS:
        for module in walk_packages([str(folder / room)], f"{_PACKAGE}.{room}."):
            if not any(f".{other}" in module.name for other in _OTHERS):
                import_module(module.name)


def _fakes_files(item: pytest.Item, mixin: type) -> bool:
    """Tell whether a test asks for a fixture of pyfakefs, or is of its class."""
    if not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
        return True
    owner = getattr(item, "cls", None)
    return isinstance(owner, type) and issubclass(owner, mixin)


def _is_conftest(plugin: object) -> bool:
    return Path(str(getattr(plugin, "__file__", ""))).name == "conftest.py"


def _names_pyfakefs(module: object) -> bool:
    """Tell whether a file of tests names anything of pyfakefs: it may make the fake itself."""
    return any(map(_is_pyfakefs, list(getattr(module, "__dict__", {}).values())))


def _is_pyfakefs(value: object) -> bool:
    found = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
    return str(found).partition(".")[0] == "pyfakefs"


def _has_gates(item: pytest.Item) -> bool:
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    makers = (type(item), *(one.func for found in known.values() for one in found))
    modules = (str(getattr(maker, "__module__", "")) for maker in makers)
    return any(module.partition(".")[0] == _PACKAGE for module in modules)
