"""Put what pytest prints into README and docs: of the README's test, of the demo's broken release.

    python tools/demo_output.py            writes it
    python tools/demo_output.py --check    says where a page differs; exit status 1 if one does

Each block that it owns follows ``<!-- made by tools/demo_output.py: NAME -->``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES: Mapping[Path, tuple[str, ...]] = {
    README: ("first",),
    ROOT / "docs" / "how-to" / "read-a-failure.md": ("failure", "end"),
}
COLUMNS = "100"
FIRST = "test_sticker.py"
FAILURE = "test_background_is_untouched[blue-cup]"
_BLOCK = re.compile(
    r"(<!-- made by tools/demo_output\.py: (?P<name>\w+) -->\n+```text\n)(?P<text>.*?)(?=```\n)",
    re.DOTALL,
)


def failing(folder: Path, *asked: str) -> str:
    """Return what pytest prints in a folder, of tests of which some must fail."""
    ours = ("CI", "GITHUB_", "PYTEST_", "EDITMETRICS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *asked],
        cwd=folder,
        env={**kept, "EDITOR_VERSION": "2", "COLUMNS": COLUMNS},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 1:
        raise SystemExit(f"{asked} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def first(folder: Path) -> str:
    """Return what pytest prints of the test that the README tells its reader to paste."""
    (folder / "first").mkdir()
    (test,) = re.findall(r"```python\n(.*?)```\n", README.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "first" / FIRST).write_text(test, encoding="utf-8")
    return failing(folder / "first", FIRST)


def demo(folder: Path) -> str:
    """Return what pytest prints of the broken release."""
    suite = folder / "demo"
    unwanted = shutil.ignore_patterns("__pycache__", ".pytest_cache", "results-*")
    shutil.copytree(ROOT / "fixtures" / "demo", suite, ignore=unwanted)
    return failing(suite, "tests")


def _marked(printed: str) -> str:
    return "".join(f"{line}\n" for line in printed.splitlines() if line.startswith("E  "))


def blocks(folder: Path) -> Mapping[str, str]:
    """Return the parts of what was printed that the pages show."""
    shown = demo(folder)
    section = shown[shown.index("= editmetrics =") :].partition("\n")[2]
    section = section.partition("short test summary")[0].rpartition("\n")[0]
    return {
        "first": _marked(first(folder)),
        "failure": _marked(shown.partition(f" {FAILURE} ")[2].partition("\n\ntests/")[0]),
        "end": section + "\n",
    }


def main() -> int:
    """Write the blocks, or compare them."""
    with tempfile.TemporaryDirectory() as folder:
        made = blocks(Path(folder))
    wrong = False
    for page, owned in PAGES.items():
        name, before = page.relative_to(ROOT), page.read_text(encoding="utf-8")
        if missing := set(owned) - {found["name"] for found in _BLOCK.finditer(before)}:
            raise SystemExit(f"{name} has no block for {', '.join(sorted(missing))}")
        after = _BLOCK.sub(lambda found: found[1] + made[found["name"]], before)
        if "--check" not in sys.argv[1:]:
            page.write_text(after, encoding="utf-8")
            continue
        for old, new in zip(_BLOCK.finditer(before), _BLOCK.finditer(after), strict=True):
            if old["text"] != new["text"]:
                wrong = True
                print(f"{name} is stale; run tools/demo_output.py. Now:\n{new['text']}")
    return int(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
