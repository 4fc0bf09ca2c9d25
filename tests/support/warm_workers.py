"""Workers of pytest-xdist, forked from a process that has imported already what they import.

A suite under test that is run with ``-n2`` in this process starts two of them, and each takes longer
to import pytest, numpy, torch and the plugin than to run its tests. Suites that run in a process of
their own start workers as a user's do.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook
from _pytest.config import default_plugins

SUPPORTED = sys.platform == "linux"
_LENGTH = 8


class WarmWorkers:
    """The process that forks workers; started with the first of them."""

    def __init__(self, modules: list[str]) -> None:
        """Name what is imported before the first worker is forked, besides pytest and its plugins."""
        self.modules = modules
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start_in_place_of(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fork the workers that this process would start."""
        from execnet.gateway_io import Popen2IO, Popen2IOMaster

        def start(master: Popen2IOMaster, args: list[str], execmodel: object) -> None:
            master.popen = self.start()
            Popen2IO.__init__(master, master.popen.stdin, master.popen.stdout, execmodel=execmodel)

        monkeypatch.setattr(Popen2IOMaster, "__init__", start)

    def start(self) -> WarmWorker:
        """Fork a worker, with the environment and the current folder of this process."""
        line = self._connected()
        (read_in, write_in), (read_out, write_out), (ended, alive) = (os.pipe() for _ in range(3))
        theirs = [read_in, write_out, alive]
        request = json.dumps({"cwd": os.getcwd(), "env": dict(os.environ)}).encode()
        socket.send_fds(line, [len(request).to_bytes(_LENGTH, "big")], [*theirs, 2])
        line.sendall(request)
        for fd in theirs:
            os.close(fd)
        pid = int.from_bytes(_received(line, _LENGTH), "big")
        return WarmWorker(pid, write_in, read_out, ended)

    def stop(self) -> None:
        """End the process, if it was started."""
        if self._line is not None and self._process is not None:
            self._line.close()
            self._process.wait()

    def _connected(self) -> socket.socket:
        if self._line is None:
            self._line, theirs = socket.socketpair()
            cold = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno()), *self.modules],
                cwd=Path(__file__).parent,
                env={**cold, "PYTHONPATH": os.pathsep.join(sys.path)},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
            theirs.close()
        return self._line


class WarmWorker:
    """What execnet asks of the process of a worker."""

    def __init__(self, pid: int, stdin: int, stdout: int, ended: int) -> None:
        self.pid = pid
        self.stdin = os.fdopen(stdin, "wb")
        self.stdout = os.fdopen(stdout, "rb")
        self._ended = os.fdopen(ended, "rb")

    def wait(self) -> int:
        """Return when the process has ended."""
        with contextlib.suppress(ValueError):  # waited for before
            self._ended.read()
            self._ended.close()
        return 0

    def kill(self) -> None:
        """End the process now."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def _received(line: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = line.recv(count - len(data))
        if not more:
            raise EOFError("the process that forks workers has ended")
        data += more
    return data


def _serve(line: socket.socket) -> bool:
    """Fork a worker for each request; return whether this is one."""
    while True:
        head, fds, _, _ = socket.recv_fds(line, _LENGTH, 4)
        with contextlib.suppress(ChildProcessError):  # none is left
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        if not head:
            return False
        request = json.loads(_received(line, int.from_bytes(head, "big")))
        pid = os.fork()
        if pid == 0:
            line.close()
            _become_worker(fds, request)
            return True
        for fd in fds:
            os.close(fd)
        line.sendall(pid.to_bytes(_LENGTH, "big"))


def _become_worker(fds: list[int], request: dict[str, object]) -> None:
    stdin, stdout, _, stderr = fds  # the third stays open until the process ends
    for fd, of in ((stdin, 0), (stdout, 1), (stderr, 2)):
        os.dup2(fd, of)
        os.close(fd)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    os.chdir(str(request["cwd"]))
    os.environ.clear()
    os.environ.update(request["env"])
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in os.environ
    sys.argv = ["-c"]
    sys.modules["__main__"] = ModuleType("__main__")
    if "COVERAGE_PROCESS_CONFIG" in os.environ:
        import coverage

        coverage.process_startup()


def _main() -> None:
    line = socket.socket(fileno=int(sys.argv[1]))
    own = [f"_pytest.{name}" for name in default_plugins]
    for name in (*own, "execnet.gateway_base", "xdist.workermanage", *sys.argv[2:]):
        import_module(name)
    AssertionRewritingHook._warn_already_imported = lambda self, name: None
    gc.freeze()
    if _serve(line):
        exec("import sys;exec(eval(sys.stdin.readline()))", sys.modules["__main__"].__dict__)


if __name__ == "__main__":
    _main()
