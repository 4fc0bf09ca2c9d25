"""Runs the tests of a mutant in a process forked from one that has imported the rest of the world."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import fsspec  # noqa: F401
import hypothesis.strategies  # noqa: F401
import numpy  # noqa: F401
import ot  # noqa: F401
import PIL.Image  # noqa: F401
import pytest
import segment_anything  # noqa: F401
import skimage.metrics  # noqa: F401
import torch
import yaml  # noqa: F401
from mutants import Mutant
from transformers import (  # noqa: F401
    CLIPVisionModel,
    Dinov2Model,
    DINOv3ViTModel,
    Sam2Model,
)

Tests = tuple[str, ...]

_PLUGINS = ("pytest_editmetrics.plugin", "pytest_rerunfailures", "_hypothesis_pytestplugin")
_ARGUMENTS = ["-q", "-x", "--no-header", "--tb=short", "-W", "default", "--hypothesis-seed=0",
              "-p", "no:cacheprovider", "-m", "not slow", *(word for name in _PLUGINS for word in ("-p", name))]  # fmt: skip


class Loader(importlib.abc.Loader, importlib.abc.MetaPathFinder):
    """Finds the changed source where the import system would find the module."""

    def __init__(self, mutant: Mutant):
        self._mutant = mutant

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        """Find the one module that is changed."""
        if name != self._mutant.module:
            return None
        return importlib.util.spec_from_file_location(name, self._mutant.path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed source in the module."""
        exec(compile(self._mutant.after, str(self._mutant.path), "exec"), module.__dict__)


@dataclass
class Run:
    """A process that runs tests, with ``mutant`` or without."""

    mutant: Mutant | None
    tests: Tests
    deadline: float
    folder: Path
    started: float = field(default_factory=time.monotonic)


class Judge:
    """Runs as many processes at once as ``jobs`` says, each in a folder of its own in ``folder``."""

    def __init__(self, folder: Path, jobs: int):
        self._folder = folder
        self._jobs = jobs
        self._count = 0
        self._seconds: dict[Tests, float] = {}
        torch.set_num_threads(1)
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(folder / "hypothesis")
        imported = [name for name in sys.modules if name.startswith("pytest_editmetrics")]
        assert not imported, f"imported too early to be changed: {imported}"

    def baseline(self, selections: set[Tests]) -> list[Tests]:
        """Run each selection of tests as it is; return those that fail, and remember how long."""
        verdicts = self._run([(None, tests) for tests in sorted(selections)])
        return [tests for _, tests, killed in verdicts if killed]

    def verdicts(self, selections: dict[Mutant, Tests]) -> dict[Mutant, bool]:
        """Return for each mutant whether its tests killed it."""
        verdicts = self._run(list(selections.items()))
        return {mutant: killed for mutant, _, killed in verdicts if mutant is not None}

    def _run(
        self, waiting: list[tuple[Mutant | None, Tests]]
    ) -> list[tuple[Mutant | None, Tests, bool]]:
        running: dict[int, Run] = {}
        verdicts = []
        total = len(waiting)
        waiting = waiting[::-1]
        while waiting or running:
            while waiting and len(running) < self._jobs:
                pid, run = self._start(*waiting.pop())
                running[pid] = run
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                self._end_overdue(running)
                time.sleep(0.02)
                continue
            run = running.pop(pid)
            log = run.folder.with_suffix(".log")
            if run.mutant is None and status != 0:
                print(log.read_text(encoding="utf-8", errors="replace")[-4000:])
            shutil.rmtree(run.folder, ignore_errors=True)
            log.unlink(missing_ok=True)
            if run.mutant is None:
                self._seconds[run.tests] = time.monotonic() - run.started
            verdicts.append((run.mutant, run.tests, status != 0))
            word = "killed" if status else "survived" if run.mutant else "passed"
            what = f"{run.mutant.path.name}:{run.mutant.line}" if run.mutant else "without a mutant"
            seconds = time.monotonic() - run.started
            print(f"{len(verdicts)}/{total} {word} {what}, {seconds:.1f} s", flush=True)
        return verdicts

    def _start(self, mutant: Mutant | None, tests: Tests) -> tuple[int, Run]:
        self._count += 1
        folder = self._folder / str(self._count)
        # a slow machine is no mutant killed
        allowed = 60 + 10 * self._seconds.get(tests, 60)
        pid = os.fork()
        if pid == 0:
            os._exit(_judged(mutant, tests, folder))
        return pid, Run(mutant, tests, time.monotonic() + allowed, folder)

    @staticmethod
    def _end_overdue(running: dict[int, Run]) -> None:
        for pid, run in running.items():
            if time.monotonic() > run.deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)


def _judged(mutant: Mutant | None, tests: Sequence[str], folder: Path) -> int:
    os.setsid()
    log = os.open(folder.with_suffix(".log"), os.O_RDWR | os.O_CREAT)
    for stream in (0, 1, 2):
        os.dup2(log, stream)
    if mutant is not None:
        sys.meta_path.insert(0, Loader(mutant))
    # workers of pytest-xdist are processes that would import the unchanged module
    return int(pytest.main([*_ARGUMENTS, "-k", "not xdist", f"--basetemp={folder}", *tests]))
