"""Whose code stands in the place of a library's function: its own, another's, or a test's."""

from __future__ import annotations

import os
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

_INSTALLED = {"site-packages", "dist-packages"}
_STANDARD = Path(os.__file__).parent
_MOCKS = ("unittest", "mock", "flexmock", "mockito")


def package_of(function: Any) -> str:
    """Return whose code a function runs: an autospec, or a wrapper, has another's name and module.

    It is empty of what is no function of Python.
    """
    if type(function) is not FunctionType:
        return ""
    return str(function.__globals__.get("__name__")).partition(".")[0]


def is_of_library(function: Any, own: str) -> bool:
    """Tell whether it is a function of an installed library other than ``own``, and no mock."""
    if type(function) is not FunctionType or hasattr(function, "mock"):
        return False
    if package_of(function) in (own, *_MOCKS):
        return False
    return is_installed(function.__globals__.get("__file__") or function.__code__.co_filename)


def is_installed(file: object) -> bool:
    """Tell whether a file of Python is an installed library's, or Python's own."""
    path = Path(str(file))
    return not _INSTALLED.isdisjoint(path.parts) or _STANDARD in path.parents


def told(instead: Any) -> str:
    """Say what stands in the place of a function."""
    code = getattr(instead, "__code__", None)
    if isinstance(code, CodeType) and not hasattr(instead, "mock"):
        return f"a function of {code.co_filename}, line {code.co_firstlineno},"
    return "a mock" if type(instead) is FunctionType else f"a {type(instead).__name__}"
