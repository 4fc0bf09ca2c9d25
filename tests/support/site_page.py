"""Where the site is built."""

from __future__ import annotations

from pathlib import Path

SITE = Path(__file__).parents[2] / "build" / "site"
if not (SITE / "index.html").is_file():
    raise FileNotFoundError(f"{SITE} is not built: make docs")
