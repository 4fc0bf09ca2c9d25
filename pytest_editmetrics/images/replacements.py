"""Whose code stands in the place of a library's function: its own, another's, or a test's."""

from __future__ import annotations

import os
import re
import sys
from functools import cache, partial
from types import CodeType, FunctionType, MethodType
from typing import Any

_INSTALLED = {"site-packages", "dist-packages"}
_STANDARD = os.path.dirname(os.__file__)
_AROUND = (MethodType, partial, classmethod, staticmethod)
_MOCKS = ("unittest", "mock", "flexmock", "mockito")


def package_of(function: Any) -> str:
    """Return whose code a function runs: an autospec, or a wrapper, has another's name and module.

    It is empty of what is no function of Python.
    """
    if type(function) is not FunctionType:
        return ""
    return str(function.__globals__.get("__name__")).partition(".")[0]


def code_of(given: Any) -> Any:
    """Return the function or class whose code runs when ``given`` is called, as far as it is told.

    >>> code_of(partial(code_of)) is code_of
    True
    """
    while issubclass(type(given), _AROUND):
        given = given.func if issubclass(type(given), partial) else given.__func__
    return given if issubclass(type(given), (FunctionType, type)) else type(given)


def module_of(code: Any) -> str:
    """Return the module that a function or class was made in."""
    named = code.__globals__.get("__name__") if type(code) is FunctionType else code.__module__
    return str(named)


def file_of(code: Any) -> str:
    """Return the file that a function or class was made in; of a class of C's it is empty."""
    if type(code) is FunctionType:
        return str(code.__globals__.get("__file__") or code.__code__.co_filename)
    return str(getattr(sys.modules.get(module_of(code)), "__file__", None) or "")


def is_mock(given: Any) -> bool:
    """Tell whether it is a mock, or a function that ``unittest.mock`` made of one."""
    code = code_of(given)
    return hasattr(code, "mock") or module_of(code).partition(".")[0] in _MOCKS


def is_of_library(function: Any, own: str) -> bool:
    """Tell whether it is a function of an installed library other than ``own``, and no mock."""
    if type(function) is not FunctionType or is_mock(function):
        return False
    return package_of(function) != own and is_installed(file_of(function))


@cache
def is_installed(file: str) -> bool:
    """Tell whether a file of Python is an installed library's, or Python's own."""
    parts = re.split(r"[/\\]", file)  # as text: a test may have a file system of its own
    return not _INSTALLED.isdisjoint(parts) or file.startswith((f"{_STANDARD}/", f"{_STANDARD}\\"))


def named(code: Any) -> str:
    """Return a function or class by its name, with the version of its library."""
    module = module_of(code)
    version = getattr(sys.modules.get(module.partition(".")[0]), "__version__", "")
    return f"{module}.{code.__qualname__} {version}".rstrip()


def told(instead: Any) -> str:
    """Say what stands in the place of a function."""
    code = getattr(code_of(instead), "__code__", None)
    if isinstance(code, CodeType) and not is_mock(instead):
        return f"a function of {code.co_filename}, line {code.co_firstlineno},"
    if issubclass(type(instead), type):
        return f"the class {module_of(instead)}.{instead.__qualname__}"
    if type(instead) is FunctionType:
        return "a mock"
    if type(instead).__module__ == "builtins":
        of = getattr(instead, "__module__", None) or "builtins"
        return f"{of}.{getattr(instead, '__name__', type(instead).__name__)}"
    return f"a {type(instead).__name__}"
