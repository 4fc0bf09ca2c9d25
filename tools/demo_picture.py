"""Make the report's picture for the docs, from the demo's broken release.

    python tools/demo_picture.py

The demo is run on its good and on its broken release; the report of the latter, with the former
beside it, is opened in Chromium with one case open. Writes ``docs/images/report.png``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "report.png"
CASE = "tests/test_edits.edit.yaml::blue-cup"
SIZE = {"width": 1360, "height": 960}


def run(suite: Path, version: int) -> Path:
    """Run the demo on a release of its editor and return its run directory."""
    output = suite.parent / f"run-{version}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"--editmetrics-run-dir={output}"],
        cwd=suite,
        env={**os.environ, "EDITOR_VERSION": str(version), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != version - 1:
        raise SystemExit(f"version {version} ended with {done.returncode}:\n{done.stdout}")
    return output


def take(report: Path, picture: Path) -> None:
    """Open the report and its case, and save what is seen."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from chromium import ARGUMENTS, chromium_path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(ARGUMENTS))
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(report.as_uri())
        page.locator(f'[data-test="{CASE}"] summary').first.click()
        page.wait_for_function(
            "() => [...document.querySelectorAll('.world canvas')].every((c) => c.width > 300)"
        )
        page.evaluate("document.activeElement.blur()")
        page.evaluate("scrollTo(0, 0)")
        page.mouse.move(0, 0)
        page.wait_for_timeout(500)
        page.screenshot(path=picture)
        browser.close()


def main() -> int:
    """Make the picture."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        suite = Path(folder) / "demo"
        unwanted = shutil.ignore_patterns("__pycache__", ".pytest_cache", "results-*")
        shutil.copytree(ROOT / "fixtures" / "demo", suite, ignore=unwanted)
        good, broken = run(suite, 1), run(suite, 2)
        report, shot = Path(folder) / "report.html", Path(folder) / "shot.png"
        command = ["report", str(broken), "-o", str(report), "--earlier", str(good)]
        subprocess.run([sys.executable, "-m", "pytest_editmetrics.cli.main", *command], check=True)
        take(report, shot)
        with Image.open(shot) as image:
            image.convert("RGB").save(PICTURE, optimize=True)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
