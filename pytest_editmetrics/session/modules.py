"""A test that mocks ``sys.modules`` takes nothing away from the gates after it.

``mock.patch.dict("sys.modules", {"xformers": None})`` puts back all of ``sys.modules`` at its end,
also without torch, if the first gate of the session was inside. NumPy and torch cannot be imported
twice in a process, and of a class of ours there would be two.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

_STANDS_ON = frozenset(
    {
        *sys.stdlib_module_names,
        *(__name__.partition(".")[0], "PIL", "lpips", "numpy", "ot", "safetensors", "scipy"),
        *("segment_anything", "skimage", "torch", "torchvision", "transformers", "yaml"),
        # what torch and transformers bring along
        *("functorch", "huggingface_hub", "mpmath", "regex", "sympy", "tokenizers", "torchgen"),
        *("triton", "typing_extensions"),
    }
)
_modules = sys.modules


class KeptModules:
    """The modules of what this package stands on, as they were imported."""

    def __init__(self) -> None:
        self._kept: dict[str, ModuleType] = {}
        self._of_test: dict[str, ModuleType] = {}
        self._others: set[str] = set()
        self._looked_at = 0
        self._complete = True

    def begin_test(self) -> None:
        """Keep what came before a test."""
        self.look()
        self._of_test.clear()

    def look(self, *, to_check: bool = False) -> None:
        """Keep what came since, and put back what is gone.

        Before a check that is all; else what came since the test began, so that nothing comes back
        that a test took away itself. Nothing is looked at where ``sys.modules`` is as long as it
        was. No module of the user's is kept, nor a stand-in for one of these.
        """
        due = to_check and not self._complete
        if sys.modules is not _modules or (len(_modules) == self._looked_at and not due):
            return
        if type(_modules.get("os")) is not ModuleType:  # pyfakefs: what is imported may not stay
            return
        known = self._kept if to_check else self._of_test
        for name in known.keys() - _modules.keys():
            _modules[name] = known[name]
        for name in _modules.keys() - self._kept.keys() - self._others:
            module = _modules.get(name)
            if name.partition(".")[0] not in _STANDS_ON:
                self._others.add(name)
            elif module is not None and _is_whole(module):
                self._kept[name] = self._of_test[name] = module
        self._looked_at = len(_modules)
        self._complete = self._kept.keys() <= _modules.keys()


kept_modules = KeptModules()


def _is_whole(module: object) -> bool:
    """Tell whether it is a module that was imported, to its end; a mock or a stub is none."""
    if not issubclass(type(module), ModuleType):
        return False
    spec = vars(module).get("__spec__")
    return type(spec) is ModuleSpec and spec.loader is not None and not _imports(spec)


def _imports(spec: ModuleSpec) -> bool:
    return bool(getattr(spec, "_initializing", False))
