"""Chromium driven over a pipe: only what a benchmark asks for is switched on.

A test tool's own connection watches the network, for which Chromium keeps up to 200 MB of what a
page loaded: no page's memory can be measured with one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
from chromium import ARGUMENTS, chromium_path


class Chromium:
    """One headless Chromium with one page; a context manager."""

    def __init__(self, width: int = 1400, height: int = 1000):
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        command = [
            *(chromium_path(), *ARGUMENTS, "--headless=new", "--remote-debugging-pipe"),
            *(f"--user-data-dir={self._profile.name}", f"--window-size={width},{height}"),
        ]
        # Chromium reads commands from file descriptor 3 and answers on 4
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}', *command],
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._number = 0
        self._unread = b""
        target = self.send("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self.send("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._page = attached["sessionId"]

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(20)
        os.close(self._in)
        os.close(self._out)
        self._profile.cleanup()

    def send(self, method: str, params: dict[str, Any] | None = None, session: str = "") -> Any:
        """Send a command and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            chunk = os.read(self._in, 1 << 16)
            if not chunk:
                raise RuntimeError("Chromium ended")
            self._unread += chunk
        message, _, self._unread = self._unread.partition(b"\0")
        return dict(json.loads(message))

    def on_page(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """Send a command to the page."""
        return self.send(method, params, self._page)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        answer = self.on_page("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 120.0) -> None:
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            if time.monotonic() > end:
                raise TimeoutError(expression)
            time.sleep(0.01)

    def collect_garbage(self) -> None:
        """Let the page give up what it does not use."""
        self.on_page("HeapProfiler.collectGarbage")
        time.sleep(1.0)
        self.on_page("HeapProfiler.collectGarbage")

    def page_mb(self) -> float:
        """Return the resident memory of the page's process in MB, without what it shares.

        Of all renderer processes the page's is the largest: the others are spare ones.
        """
        processes = self.send("SystemInfo.getProcessInfo")["processInfo"]
        return max(_own_mb(p["id"]) for p in processes if p["type"] == "renderer")

    def heap_mb(self) -> float:
        """Return the JavaScript heap in use in MB."""
        return float(self.on_page("Runtime.getHeapUsage")["usedSize"]) / 2**20


def _own_mb(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0.0
    sizes = {key: value for key, _, value in (line.partition(":") for line in lines)}
    return sum(int(sizes[key].split()[0]) for key in ("RssAnon", "RssShmem")) / 1024
