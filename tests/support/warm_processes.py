"""Processes of pytest, forked from one that has imported already what they import.

A suite under test that is run with ``-n2`` in this process starts two workers, and each takes longer
to import pytest, numpy, torch and the plugin than to run its tests; so do a suite in a process of its
own, the workers that it starts, and a command that a page shows.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib.metadata
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from functools import partialmethod
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook
from _pytest.config import default_plugins
from quick_suites import quicken
from warm_line import NUMBER, ask, received, status

SUPPORTED = sys.platform == "linux"
PROGRAMS = {"pytest": "pytest", "editmetrics": "pytest_editmetrics.cli.main", "python": None}
"""Programs, and the modules that they run: Python that of them which follows ``-m``."""


class WarmProcesses:
    """The process that forks the others; started with the first of them."""

    def __init__(self, modules: list[str]) -> None:
        """Name what is imported before the first is forked, besides pytest and its own plugins."""
        self.modules = modules
        self._name = f"editmetrics-tests-{os.getpid()}"
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start_workers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fork the workers that this process would start."""
        from execnet.gateway_io import Popen2IOMaster

        monkeypatch.setattr(Popen2IOMaster, "__init__", partialmethod(_fork_worker, self.name))

    def start_suites(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fork the processes of ``pytester.runpytest_subprocess``."""
        plain = pytester.popen

        def popen(command: list[Any], **files: Any) -> Any:
            words = [str(word) for word in command]
            if words[:2] != [sys.executable, "-mpytest"]:
                return plain(command, **files)
            path = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH", "")]))
            environment = {**os.environ, "PYTHONPATH": path}
            with open(os.devnull) as nothing:
                outputs = (files[name].fileno() for name in ("stdout", "stderr"))
                run = ["python", "-m", "pytest", *words[2:]]
                return WarmProcess(*ask(self.name(), run, environment, nothing.fileno(), *outputs))

        monkeypatch.setattr(pytester, "popen", popen)

    def programs(self, folder: Path, warm: bool) -> None:
        """Put the programs into a folder: of each call the process is forked, if it is to be."""
        client = Path(__file__).with_name("warm_line.py")
        for name, module in PROGRAMS.items():
            called = f"-m {module}" if module else ""
            if warm:
                called = f"-IS {client} {self.name()} {name}"
            (folder / name).write_text(f'#!/bin/sh\nexec {sys.executable} {called} "$@"\n')
            (folder / name).chmod(0o755)

    def stop(self) -> None:
        """End the process, if it was started."""
        if self._line is not None and self._process is not None:
            self._line.close()
            self._process.wait()

    def name(self) -> str:
        """Return by what name the process is asked, which starts if it was not needed yet."""
        if self._line is None:
            self._line, theirs = socket.socketpair()
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(f"\0{self._name}")
            listener.listen()
            numbers = [theirs.fileno(), listener.fileno()]
            self._process = subprocess.Popen(
                [sys.executable, __file__, *map(str, numbers), self._name, *self.modules],
                cwd=Path(__file__).parent,
                env={key: value for key, value in os.environ.items() if "COVERAGE" not in key},
                pass_fds=numbers,
                stdin=subprocess.DEVNULL,
            )
            theirs.close()
            listener.close()
        return self._name


def _fork_worker(master: Any, name: Callable[[], str], args: list[str], execmodel: object) -> None:
    """Stand in for how execnet starts a process; ``name`` tells that of the one that forks."""
    from execnet.gateway_io import Popen2IO

    (read_in, write_in), (read_out, write_out) = os.pipe(), os.pipe()
    master.popen = WarmProcess(*ask(name(), None, dict(os.environ), read_in, write_out, 2))
    os.close(read_in)
    os.close(write_out)
    Popen2IO.__init__(
        master, os.fdopen(write_in, "wb"), os.fdopen(read_out, "rb"), execmodel=execmodel
    )


class WarmProcess:
    """What execnet and pytester ask of a process."""

    stdin = None

    def __init__(self, pid: int, ended: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = ended

    def wait(self, timeout: float | None = None) -> int:
        """Return its status when it has ended."""
        if self.returncode is None:
            self.returncode = status(self._ended)
        return self.returncode

    def kill(self) -> None:
        """End it now."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Server:
    """Forks a process for each request, and tells how each ended."""

    def __init__(self, line: socket.socket, listener: socket.socket) -> None:
        self._line = line
        self._listener = listener
        self._tell: dict[int, int] = {}
        self._ended: dict[int, int] = {}

    def serve(self) -> dict[str, Any] | None:
        """Return what the process is asked for that this one has become; ``None`` at the end."""
        signal.signal(signal.SIGCHLD, lambda *_: self._reap())
        while True:
            ready, _, _ = select.select([self._line, self._listener], [], [])
            if self._line in ready:
                return None
            line, _ = self._listener.accept()
            head, files, _, _ = socket.recv_fds(line, NUMBER, 4)
            if not head:  # whoever asked has ended
                continue
            request = json.loads(received(line, int.from_bytes(head, "big")))
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for one in (line, self._line, self._listener):
                    one.close()
                for tell in (files.pop(), *self._tell.values()):
                    os.close(tell)
                _become(files, request)
                return request
            self._tell[pid] = files.pop()
            for file in files:
                os.close(file)
            with line, contextlib.suppress(BrokenPipeError):
                line.sendall(pid.to_bytes(NUMBER, "big"))
            self._reap()

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):  # none is left
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                self._ended.update([ended])
        for pid in self._ended.keys() & self._tell.keys():
            tell = self._tell.pop(pid, None)
            if tell is None:  # told by this very function, which the signal interrupted
                continue
            with contextlib.suppress(BrokenPipeError):  # nobody waits
                os.write(tell, self._ended.pop(pid).to_bytes(NUMBER, "big"))
            os.close(tell)


def _become(files: list[int], request: dict[str, Any]) -> None:
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in os.environ
    if "COVERAGE_PROCESS_CONFIG" in os.environ:
        import coverage

        coverage.process_startup()


def _main() -> None:
    lines = [socket.socket(fileno=int(number)) for number in sys.argv[1:3]]
    own = [f"_pytest.{name}" for name in default_plugins]
    for name in (*own, *sys.argv[4:]):
        import_module(name)
    AssertionRewritingHook._warn_already_imported = lambda self, name: None
    quicken()
    for one in importlib.metadata.distributions():
        _ = one.entry_points
    first = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    installed = [folder for folder in sys.path[1:] if folder not in first]
    gc.freeze()
    for one in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        one.atexit = False  # torch would take back each of its operators, in every process
    request = Server(*lines).serve()
    if request is None:
        return
    try:
        _run(request["run"], installed, sys.argv[3])
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        _leave(end.code)
    _leave(0)


def _run(command: list[str] | None, installed: list[str], name: str) -> None:
    sys.modules["__main__"] = ModuleType("__main__")
    if command is None:
        sys.argv = ["-c"]
        exec("import sys;exec(eval(sys.stdin.readline()))", sys.modules["__main__"].__dict__)
        return
    if find_spec("execnet"):
        from execnet.gateway_io import Popen2IOMaster

        Popen2IOMaster.__init__ = partialmethod(_fork_worker, lambda: name)
    program, *args = command
    here = []
    if program == "python":
        (first, *args), here = args, [os.getcwd()]
        module = first.removeprefix("-m") or args.pop(0)
    else:
        module = PROGRAMS[program]
    folders = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [*dict.fromkeys([*here, *folders, *installed])]
    sys.argv = [program, *args]
    if module == "pytest":
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    sys.exit(import_module(module).main())


def _leave(status: int) -> None:
    """End as a process does, but leave to the system all that torch, transformers and others hold.

    To let go of each object costs three times what a small suite does, and copies each page of it.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _main()
