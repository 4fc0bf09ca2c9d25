"""A test that mocks ``sys.modules`` takes nothing away from the gates after it.

``mock.patch.dict("sys.modules", {"xformers": None})`` puts back all of ``sys.modules`` at its end,
also without torch, if the first gate of the session was inside. NumPy and torch cannot be imported
twice in a process, and of a class of ours there would be two.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

# nobody else's module has one of these names
_OURS = frozenset(
    {
        *(__name__.partition(".")[0], "PIL", "lpips", "numpy", "safetensors", "scipy", "skimage"),
        *("segment_anything", "torch", "torchvision", "transformers"),
    }
)
# and what they bring along, if a check imported it
_STANDS_ON = frozenset(
    {
        *_OURS,
        *sys.stdlib_module_names,
        *("functorch", "huggingface_hub", "mpmath", "ot", "regex", "sympy", "tokenizers"),
        *("torchgen", "triton", "typing_extensions", "yaml"),
    }
)
REPLACED = (
    "sys.modules is replaced by another dictionary, so that nothing can be imported: what was begun"
    ' would stay half imported. Change what is in it (mock.patch.dict("sys.modules", {...}) or'
    " monkeypatch.setitem), or check before"
)
_modules = sys.modules


class KeptModules:
    """The modules of what this package stands on, as checks found or imported them.

    A session without checks keeps none. What else a test imported, or took away, is its own.
    """

    def __init__(self) -> None:
        self._kept: dict[str, ModuleType] = {}
        self._of_test: dict[str, ModuleType] = {}
        self._seen: set[str] = set()
        self._looked_at = 0
        self._complete = True

    @property
    def replaced(self) -> bool:
        """Whether ``sys.modules`` is another object: nothing can be imported then."""
        return sys.modules is not _modules

    def begin_test(self) -> None:
        """Forget what came in the test before: it was put back as that one ended."""
        self._of_test.clear()

    def end_phase(self) -> None:
        """Put back what the test's checks used, where a mock that ended took it away."""
        if not _faked():
            self._put_back(self._of_test)

    def begin_check(self) -> None:
        """Put back whatever checks know, and keep those of this package's libraries that came."""
        if (len(_modules) == self._looked_at and self._complete) or _faked():
            return
        self._put_back(self._kept)
        self._of_test.update(self._keep(_OURS))

    def end_check(self) -> None:
        """Keep what the check imported."""
        if len(_modules) != self._looked_at and not _faked():
            self._of_test.update(self._keep(_STANDS_ON))

    def _put_back(self, known: dict[str, ModuleType]) -> None:
        for name, module in known.items():
            if name not in _modules:
                _modules[name] = module

    def _keep(self, names: frozenset[str]) -> dict[str, ModuleType]:
        """Keep the modules of these names that came since, and return them; no mock or stub."""
        came: dict[str, ModuleType] = {}
        stubs = set()
        for name in _modules.keys() - self._seen:
            module, top = _modules.get(name), name.partition(".")[0]
            if top in _STANDS_ON and (module is None or not _is_whole(module)):
                stubs.add(name)
            elif top in names and module is not None:
                came[name] = module
        self._kept |= came
        self._seen = _modules.keys() - stubs
        self._looked_at = len(_modules)
        self._complete = self._kept.keys() <= _modules.keys()
        return came


kept_modules = KeptModules()


def _faked() -> bool:
    """Tell whether pyfakefs stands in: what is imported under it may not stay."""
    return type(_modules.get("os")) is not ModuleType


def _is_whole(module: object) -> bool:
    """Tell whether it is a module that was imported, to its end; a mock or a stub is none."""
    if not issubclass(type(module), ModuleType):
        return False
    spec = vars(module).get("__spec__")
    return type(spec) is ModuleSpec and spec.loader is not None and not _imports(spec)


def _imports(spec: ModuleSpec) -> bool:
    return bool(getattr(spec, "_initializing", False))
