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
_kept: dict[str, ModuleType] = {}
_looked_at = [0]


def keep_modules() -> None:
    """Put back what this package stands on where it is gone, and keep what came since.

    Only where ``sys.modules`` is as long as it was the last time nothing is looked at. No module of
    the user's is kept, nor a stand-in for one of these.
    """
    if len(_modules) == _looked_at[0] or sys.modules is not _modules:
        return
    if type(_modules.get("os")) is not ModuleType:  # pyfakefs: what is imported now may not stay
        return
    for name in _kept.keys() - _modules.keys():
        _modules[name] = _kept[name]
    for name, module in list(_modules.items()):
        if name.partition(".")[0] in _STANDS_ON and name not in _kept and _is_whole(module):
            _kept[name] = module
    _looked_at[0] = len(_modules)


def _is_whole(module: object) -> bool:
    """Tell whether it is a module that was imported, to its end; a mock or a stub is none."""
    if not issubclass(type(module), ModuleType):
        return False
    spec = vars(module).get("__spec__")
    return type(spec) is ModuleSpec and spec.loader is not None and not _imports(spec)


def _imports(spec: ModuleSpec) -> bool:
    return bool(getattr(spec, "_initializing", False))
