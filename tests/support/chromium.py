"""The browser of the tests and benchmarks: Debian's Chromium, silent about everything else."""

from __future__ import annotations

import shutil

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--no-first-run",
)


class ChromiumMissing(Exception):
    """There is no Chromium; the message says how to install one."""


def chromium_path() -> str:
    """Return the path of Chromium.

    Raises:
        ChromiumMissing: it is not installed.
    """
    path = shutil.which("chromium")
    if path is None:
        raise ChromiumMissing(
            "the report is tested in Chromium, which is not installed:"
            " apt-get update && apt-get install -y chromium"
        )
    return path
