"""Put what the demo prints into the README: a failure, and the last screen of the broken release.

    python tools/demo_output.py            writes it
    python tools/demo_output.py --check    says where the README differs; exit status 1 if it does

Each block of the README that it owns follows ``<!-- made by tools/demo_output.py: NAME -->``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "README.md"
COLUMNS = "100"
FAILURE = "test_background_is_untouched[blue-cup]"
_BLOCK = re.compile(
    r"(<!-- made by tools/demo_output\.py: (?P<name>\w+) -->\n+```text\n)(?P<text>.*?)(?=```\n)",
    re.DOTALL,
)


def demo(folder: Path) -> str:
    """Return what pytest prints of the broken release."""
    suite = folder / "demo"
    unwanted = shutil.ignore_patterns("__pycache__", ".pytest_cache", "results-*")
    shutil.copytree(ROOT / "fixtures" / "demo", suite, ignore=unwanted)
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS")}
    environment = {**kept, "EDITOR_VERSION": "2", "COLUMNS": COLUMNS, "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests"],
        cwd=suite,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 1:
        raise SystemExit(f"the demo ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def blocks(shown: str) -> dict[str, str]:
    """Return the parts of what was printed that the README shows."""
    failure = shown.partition(f" {FAILURE} ")[2].partition("\n\ntests/")[0]
    lines = [line for line in failure.splitlines() if line.startswith("E  ")]
    section = shown[shown.index("= editmetrics =") :].partition("\n")[2]
    section = section.partition("short test summary")[0].rpartition("\n")[0]
    return {"failure": "\n".join(lines) + "\n", "end": section + "\n"}


def main() -> int:
    """Write the blocks, or compare them."""
    with tempfile.TemporaryDirectory() as folder:
        made = blocks(demo(Path(folder)))
    before = PAGE.read_text(encoding="utf-8")
    after = _BLOCK.sub(lambda found: found[1] + made[found["name"]], before)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(after, encoding="utf-8")
        return 0
    if missing := made.keys() - {found["name"] for found in _BLOCK.finditer(before)}:
        print(f"README.md has no block for {', '.join(sorted(missing))}")
        return 1
    for old, new in zip(_BLOCK.finditer(before), _BLOCK.finditer(after), strict=True):
        if old["text"] != new["text"]:
            print(f"README.md differs from the demo; run tools/demo_output.py. Now:\n{new['text']}")
    return int(before != after)


if __name__ == "__main__":
    raise SystemExit(main())
