"""Write ``docs/reference``, from what is declared, and ``docs/files.md``, from the docstrings.

python tools/make_reference.py
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import house_files
from reference_pages import files, measures, surface
from reference_pages.markdown import MADE, Page, sentence

from pytest_editmetrics.pipes.registry import PipeRegistry

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"


def pages() -> list[Page]:
    registry = PipeRegistry()
    return [
        files.settings(registry),
        files.goldens(registry),
        files.cases(),
        files.manifests(),
        files.regions(),
        measures.metrics(registry),
        measures.pipes(registry),
        surface.options(),
        surface.commands(),
        surface.plugin_page(),
        measures.outcomes(),
    ]


def texts() -> Mapping[str, str]:
    """Return what each file of the folder holds, by its name."""
    made = pages()
    lines = [
        "# Reference\n",
        f"{MADE}\n",
        "Everything that can be written, typed or asked for, a page each. The fields of a run's"
        " results stand in [results.md](../results.md).\n",
    ]
    for page in made:
        first = page.text.split("\n\n")[0].split(". ")[0]
        links = [f"[{entry.heading}]({page.name}.md#{entry.slug})" for entry in page.entries]
        lines.append(f"## [{page.title}]({page.name}.md)\n\n{sentence(first)}\n")
        lines += [", ".join(links) + "\n"] if links else []
    index = "\n".join(lines).rstrip("\n") + "\n"
    return {"README.md": index, **{f"{page.name}.md": page.render() for page in made}}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = texts()
    for path in FOLDER.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    house_files.PAGE.write_text(house_files.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
