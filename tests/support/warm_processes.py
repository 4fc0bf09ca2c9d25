"""Processes of pytest, forked from one that has imported already what they import.

A suite under test that is run with ``-n2`` in this process starts two workers, and each takes longer
to import pytest, numpy, torch and the plugin than to run its tests; so does a suite in a process of
its own. Such a suite starts its workers as a user's does.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib.metadata
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook
from _pytest.config import default_plugins
from quick_suites import quicken

SUPPORTED = sys.platform == "linux"
_NUMBER = 8


class WarmProcesses:
    """The process that forks the others; started with the first of them."""

    def __init__(self, modules: list[str]) -> None:
        """Name what is imported before the first is forked, besides pytest and its own plugins."""
        self.modules = modules
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start_workers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fork the workers that this process would start."""
        from execnet.gateway_io import Popen2IO, Popen2IOMaster

        def start(master: Popen2IOMaster, args: list[str], execmodel: object) -> None:
            (read_in, write_in), (read_out, write_out) = os.pipe(), os.pipe()
            master.popen = self.start(None, dict(os.environ), read_in, write_out, 2)
            os.close(read_in)
            os.close(write_out)
            Popen2IO.__init__(
                master, os.fdopen(write_in, "wb"), os.fdopen(read_out, "rb"), execmodel=execmodel
            )

        monkeypatch.setattr(Popen2IOMaster, "__init__", start)

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
                return self.start(words[2:], environment, nothing.fileno(), *outputs)

        monkeypatch.setattr(pytester, "popen", popen)

    def start(
        self, pytest_args: list[str] | None, environment: dict[str, str], *files: int
    ) -> WarmProcess:
        """Fork a process of pytest, or a worker that execnet tells what to do, in this folder.

        ``files`` are what it reads, and where its output and its errors go.
        """
        line = self._connected()
        ended, tell = os.pipe()
        told = {"cwd": os.getcwd(), "env": environment, "args": pytest_args}
        request = json.dumps(told).encode()
        socket.send_fds(line, [len(request).to_bytes(_NUMBER, "big")], [*files, tell])
        line.sendall(request)
        os.close(tell)
        return WarmProcess(int.from_bytes(_received(line, _NUMBER), "big"), ended)

    def stop(self) -> None:
        """End the process, if it was started."""
        if self._line is not None and self._process is not None:
            self._line.close()
            self._process.wait()

    def _connected(self) -> socket.socket:
        if self._line is None:
            self._line, theirs = socket.socketpair()
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno()), *self.modules],
                cwd=Path(__file__).parent,
                env={key: value for key, value in os.environ.items() if "COVERAGE" not in key},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
            theirs.close()
        return self._line


class WarmProcess:
    """What execnet and pytester ask of a process."""

    stdin = None

    def __init__(self, pid: int, ended: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = os.fdopen(ended, "rb")

    def wait(self, timeout: float | None = None) -> int:
        """Return its status when it has ended."""
        if self.returncode is None:
            with self._ended:
                status = int.from_bytes(self._ended.read(_NUMBER), "big")
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def kill(self) -> None:
        """End it now."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def _received(line: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = line.recv(count - len(data))
        if not more:
            raise EOFError("the process that forks others has ended")
        data += more
    return data


class Server:
    """Forks a process for each request, and tells how each ended."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._tell: dict[int, int] = {}
        self._ended: dict[int, int] = {}

    def serve(self) -> dict[str, Any] | None:
        """Return what the process is asked for that this one has become; ``None`` at the end."""
        signal.signal(signal.SIGCHLD, lambda *_: self._reap())
        while True:
            head, files, _, _ = socket.recv_fds(self._line, _NUMBER, 4)
            if not head:
                return None
            request = json.loads(_received(self._line, int.from_bytes(head, "big")))
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                self._line.close()
                for tell in (files.pop(), *self._tell.values()):
                    os.close(tell)
                _become(files, request)
                return request
            self._tell[pid] = files.pop()
            for file in files:
                os.close(file)
            self._line.sendall(pid.to_bytes(_NUMBER, "big"))
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
                os.write(tell, self._ended.pop(pid).to_bytes(_NUMBER, "big"))
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
    line = socket.socket(fileno=int(sys.argv[1]))
    own = [f"_pytest.{name}" for name in default_plugins]
    for name in (*own, *sys.argv[2:]):
        import_module(name)
    AssertionRewritingHook._warn_already_imported = lambda self, name: None
    quicken()
    for installed_one in importlib.metadata.distributions():
        _ = installed_one.entry_points
    first = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    installed = [folder for folder in sys.path[1:] if folder not in first]
    gc.freeze()
    request = Server(line).serve()
    if request is None:
        return
    try:
        _run(request["args"], installed)
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        _leave(end.code)
    _leave(0)


def _run(pytest_args: list[str] | None, installed: list[str]) -> None:
    sys.modules["__main__"] = ModuleType("__main__")
    if pytest_args is None:
        sys.argv = ["-c"]
        exec("import sys;exec(eval(sys.stdin.readline()))", sys.modules["__main__"].__dict__)
    else:
        folders = filter(None, os.environ["PYTHONPATH"].split(os.pathsep))
        sys.path[:] = [*dict.fromkeys([os.getcwd(), *folders, *installed])]
        sys.argv = ["pytest", *pytest_args]
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)


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
