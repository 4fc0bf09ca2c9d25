"""Whose functions a model of ours computes with: torch's own, or what stands in their place.

A test may stub the convolutions of its model, a repository may put a faster attention in the place
of torch's. What a metric's model computed with them is no number, and no later session may find it
in the cache. A library's replacements are let pass: they are part of what a feature depends on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import cache
from operator import is_
from pathlib import Path
from types import (
    BuiltinFunctionType,
    FunctionType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from pytest_editmetrics.cache.called_torch import LAYERS, called
from pytest_editmetrics.cache.importing import imported
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.images.replacements import (
    code_of,
    file_of,
    is_installed,
    is_mock,
    module_of,
    named,
    told,
)

# what torch has under a name of its own is called otherwise here
_CALLED_OTHERWISE = {
    "__call__": "_wrapped_call_impl",
    "__neg__": "neg",
    "__pow__": "pow",
    "__rtruediv__": "__rdiv__",
}
_OF_C = (BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType)
_HOOKS = (
    "_global_forward_pre_hooks",
    "_global_forward_hooks",
    "_global_buffer_registration_hooks",
    "_global_module_registration_hooks",
    "_global_parameter_registration_hooks",
)
_MODES = (
    ("a TorchFunctionMode", "torch.overrides", "_get_current_function_mode_stack"),
    ("a TorchDispatchMode", "torch.utils._python_dispatch", "_get_current_dispatch_mode_stack"),
)


def replaced_in_torch(kind: str) -> dict[str, str]:
    """Return what libraries put in the place of torch's functions, by name; mostly nothing.

    ``kind`` is that of the model, see ``called_torch``: nothing else than what it calls matters.

    Raises:
        EditMetricsError: one is mocked, or was replaced by code that is no installed library's; or
            a kernel, hook or mode of such code changes what torch computes.
    """
    torch = imported("torch")
    if torch is None:
        return {}
    check_torch()
    found = _replaced_functions(torch, kind)
    for what, code in _around(torch, kind):
        if module_of(code).partition(".")[0] == "torch":
            continue
        if is_mock(code) or not is_installed(file_of(code)):
            raise refused(f"{what}, {named(code)}, is active")
        found[named(code)] = what
    return {**found, **_kernels(torch)}


def _replaced_functions(torch: Any, kind: str) -> dict[str, str]:
    names = list(called(torch, kind))
    functions = [getattr(owner, name, None) for _, owner, name in names]
    now = [*functions, *(getattr(function, "__code__", None) for function in functions)]
    then = _torchs.get(kind, ())
    if len(now) == len(then) and all(map(is_, now, then)):
        return {}
    found: dict[str, str] = {}
    for (of, _, name), function in zip(names, functions, strict=True):
        if function is not None and not _is_torchs(function, name):
            found.update(_of_libraries(f"{of}.{name}", function))
    if not found:
        _torchs[kind] = now
    return found


_torchs: dict[str, Sequence[Any]] = {}
"""By kind of model: what was all torch's own, so that it is not asked again of each while it is."""


def check_torch() -> None:
    """Refuse to compute with what a test gives as the package torch.

    Raises:
        EditMetricsError: it is a mock, or a module that a test made.
    """
    torch = imported("torch")
    if torch is not None and not (isinstance(torch, ModuleType) and hasattr(torch, "__file__")):
        what = "a module without a file" if isinstance(torch, ModuleType) else told(torch)
        raise refused(f"the package torch is replaced by {what} in sys.modules")


def refused(what: str) -> EditMetricsError:
    """Return the error that says what would keep the model of a metric from computing as it is."""
    return EditMetricsError(
        f"{what} while the check runs, so the metric's model would not compute as it is. What a"
        " test does, end before the check (monkeypatch.undo(), hook.remove(), or the end of its"
        " with), or patch the modules of your own model alone. What your package does as it is"
        " imported, stays: check in a process that does not import it (editmetrics score measures"
        " saved images), or install it, not editable, so that it counts as a library"
    )


def _of_libraries(name: str, function: Any) -> dict[str, str]:
    """Return what installed libraries put in the place of ``name``, or refuse it."""
    found: dict[str, str] = {}
    last = name.rpartition(".")[2]
    while function is not None and not _is_torchs(function, last):
        inner = vars(function).get("__wrapped__") if hasattr(function, "__dict__") else None
        code = code_of(function)
        decorated = inner is not None and not _is_torchs(inner, last)
        if module_of(code).partition(".")[0] != "torch":
            if is_mock(function) or not _is_librarys(function, code):
                raise refused(f"{name} is replaced by {told(function)}")
            found[name] = named(code)
        elif not decorated:  # torch's autocast around torch's own
            raise refused(f"{name} is replaced by {told(function)}")
        function = inner
    return found


def _is_librarys(function: Any, code: Any) -> bool:
    if type(function) in _OF_C:
        package = str(getattr(function, "__module__", "")).partition(".")[0]
        file = getattr(sys.modules.get(package), "__file__", "")
        return package != "torch" and is_installed(str(file))
    return code is not type(function) and is_installed(file_of(code))


def _is_torchs(function: Any, name: str) -> bool:
    """Tell whether it is what torch itself has under ``name``."""
    kind, own = type(function), (name, _CALLED_OTHERWISE.get(name, name))
    if kind is FunctionType:
        inner = vars(function).get("__wrapped__")
        code = function.__code__
        if not _in_torch(code.co_filename):
            return False
        if inner is not None:
            return _is_torchs(inner, name)
        if code.co_name == "fn" and Path(code.co_filename).name == "_jit_internal.py":
            return function.__name__ in own and all(map(_is_choice, function.__closure__ or ()))
        return code.co_name in own
    if kind in _OF_C:
        module = getattr(function, "__module__", None) or "torch"
        of_torch = str(module).partition(".")[0] == "torch"
        return of_torch and function.__name__ in own
    if issubclass(kind, type):
        return function.__name__ in own and module_of(function).startswith("torch.nn.modules.")
    return False


def _is_choice(cell: Any) -> bool:
    """Tell whether what torch chooses from, as the two kinds of ``max_pool2d``, is its own."""
    chosen = cell.cell_contents
    return type(chosen) is not FunctionType or _in_torch(chosen.__code__.co_filename)


@cache
def _in_torch(file: str) -> bool:
    """Tell whether a file of Python is one of those of torch that change no number they wrap.

    ``torch.autocast`` and ``torch.compile`` make functions too, and those do.
    """
    try:
        below = Path(file).relative_to(Path(str(sys.modules["torch"].__file__)).parent)
    except ValueError:
        return False
    return len(below.parts) == 1 or below.parts[0] in ("nn", "utils")


def _around(torch: Any, kind: str) -> Iterator[tuple[str, Any]]:
    """Give the function or class of each hook and mode that torch calls whatever it computes."""
    for name in _HOOKS if kind in LAYERS else ():
        for hook in getattr(torch.nn.modules.module, name, {}).values():
            yield "a hook of all modules", code_of(hook)
    for what, where, stack in _MODES:
        for mode in getattr(sys.modules.get(where), stack, list)():
            yield what, type(mode)


def _kernels(torch: Any) -> dict[str, str]:
    """Return the kernels that libraries registered for torch's operators, by operator."""
    registered: set[str] = getattr(torch.library, "_impls", set())
    others = registered - _torchs_kernels
    found: dict[str, str] = {}
    for kernel in others:
        space, _, rest = kernel.partition("/")
        operator, _, key = rest.rpartition("/")
        if space != "aten" or key == "Meta":
            _torchs_kernels.add(kernel)
            continue
        file = _registered_in(torch, operator, key)
        if not file or _is_torchs_file(torch, file):
            _torchs_kernels.add(kernel)
        elif is_installed(file):
            found[f"aten::{operator} on {key}"] = "/".join(Path(file).parts[-3:])
        else:
            raise refused(f"a kernel of {file} for torch's operator {operator} is registered")
    return found


_torchs_kernels: set[str] = set()


def _registered_in(torch: Any, operator: str, key: str) -> str:
    """Return the file that registered the kernel of an operator; torch tells no more of it."""
    try:
        dump = torch._C._dispatch_dump(f"aten::{operator}")
    except (AttributeError, RuntimeError):
        return ""
    line = next((line for line in dump.splitlines() if line.startswith(f"{key}: ")), "")
    return line.partition("registered at ")[2].partition(" :: ")[0].rpartition(":")[0]


def _is_torchs_file(torch: Any, file: str) -> bool:
    """Tell whether torch registered it by itself, and nobody through what torch offers for it."""
    path = Path(file)
    offered = path.name == "library.py" or path.parent.name == "attention"
    return Path(str(torch.__file__)).parent in path.parents and not offered
