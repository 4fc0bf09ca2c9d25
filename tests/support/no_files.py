"""A fixture that hides all files from a test but those that pytest imports, as pyfakefs does."""

from __future__ import annotations

NO_FILES = """
import pathlib
import pytest
from conftest import *

@pytest.fixture
def no_files(monkeypatch):  # as pyfakefs has it
    def hidden(name, real):
        def method(self, *args, **options):
            if self.suffix == ".py":  # what pytest imports
                return real(self, *args, **options)
            if name in ("stat", "open", "iterdir"):
                raise FileNotFoundError(str(self))
            return False
        return method

    for name in ("stat", "open", "iterdir", "exists", "is_file", "is_dir"):
        monkeypatch.setattr(pathlib.Path, name, hidden(name, getattr(pathlib.Path, name)))
"""
