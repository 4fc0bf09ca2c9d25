from __future__ import annotations

import pytest


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one test file; the current folder."""
    root = tmp_path / "project"
    (root / "tests").mkdir(parents=True)
    (root / "pytest.ini").write_text("[pytest]\n")
    (root / "tests" / "test_x.py").write_text("raise AssertionError('never imported')")
    monkeypatch.chdir(root)
    return root
