"""Write the pages of ``docs/reference`` that are made, and the list of metrics in
``docs/explanation/metrics.md``, and the JSON Schemas in ``schemas``, from what is declared; what is
written by hand in ``docs`` stays.

python tools/make_reference.py
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import house_files
import schema_files
from reference_pages import files, measures, surface
from reference_pages.markdown import MADE, Page, sentence

from pytest_editmetrics.pipes.registry import PipeRegistry

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
EXPLAINED = ROOT / "docs" / "explanation" / "metrics.md"
# written by hand, and read before what is looked up
FIRST = ("checks.md", "configuration.md", "images.md", "api.md", "glossary.md")
BEGIN, END = "<!-- metrics: made by `make reference` -->", "<!-- end of metrics -->"


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
        measures.run(registry),
    ]


def texts() -> Mapping[str, str]:
    """Return what each file of the folder holds, by its name."""
    made = pages()
    lines = [
        "# Reference\n",
        f"{MADE}\n",
        "Everything that can be written, typed, asked for or read, a page each.\n",
    ]
    rendered = {f"{page.name}.md": page.render() for page in made}
    rendered["files.md"] = house_files.text()
    written = sorted({path.name for path in FOLDER.glob("*.md")} - rendered.keys() - {"README.md"})
    lines += [_listed(name) for name in FIRST]
    for page in made:
        first = page.text.split("\n\n")[0].split(". ")[0]
        links = [f"[{entry.heading}]({page.name}.md#{entry.slug})" for entry in page.entries]
        lines.append(f"## [{page.title}]({page.name}.md)\n\n{sentence(first)}\n")
        lines += [", ".join(links) + "\n"] if links else []
    lines += [_listed(name) for name in written if name not in FIRST]
    lines.append("## [Every file in a line](files.md)\n\nWhere what lives in the package.\n")
    return {"README.md": "\n".join(lines).rstrip("\n") + "\n", **rendered}


def _listed(name: str) -> str:
    """Return the entry of a page that is written by hand: its title and its first sentence."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    title, first = re.findall(r"^# (.+)|^(?![#<|-])(.+(?:\n.+)*)", text, re.MULTILINE)[:2]
    told = " ".join(first[1].split()).split(". ")[0].rstrip(":.")
    return f"## [{title[0]}]({name})\n\n{told}.\n"


def there() -> Mapping[str, str]:
    """Return what each made file of the folder holds today, by its name."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    return {name: text for name, text in texts.items() if MADE in text}


def explained(text: str) -> str:
    """Return the page that explains metrics, with their list as they are declared."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{measures.listed(PipeRegistry())}\n{END}{after}"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = texts()
    for name in there().keys() - made.keys():
        (FOLDER / name).unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    EXPLAINED.write_text(explained(EXPLAINED.read_text(encoding="utf-8")), encoding="utf-8")
    schema_files.write()


if __name__ == "__main__":
    main()
