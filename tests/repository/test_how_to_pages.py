"""Pages under docs/: what they tell to type exists, and the tests that they show run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pytest_editmetrics.cli.main import make_parser
from pytest_editmetrics.config.case_file import read_case_file
from pytest_editmetrics.config.settings import load_settings
from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.goldens.file import read_golden_file
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.session.option_list import OPTIONS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
BY_HAND = [DOCS / "reference" / f"{name}.md" for name in ("checks", "images", "configuration")]
FLAGS = {flag for option in OPTIONS for flag in (option.flag, f"--no-{option.flag[2:]}")}


def blocks(page: Path, language: str) -> list[str]:
    """Return the blocks of a page in one language, their indentation taken off."""
    found = re.findall(
        rf"^( *)```{language}[^\n]*\n(.*?)^\1```$", page.read_text(encoding="utf-8"), re.M | re.S
    )
    return [re.sub(f"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def commands(page: Path) -> list[str]:
    """Return each command of ours that the page's shell blocks give."""
    lines = "\n".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
    parts = (part.strip() for line in lines for part in line.partition(" #")[0].split("&&"))
    return [part for part in parts if part.startswith("editmetrics ")]


COMMANDS = sorted({command for page in PAGES for command in commands(page)})


def test_there_is_something_to_check():
    assert len(PAGES) > 30
    assert len(COMMANDS) > 40


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_that_the_parser_takes(command):
    assert callable(make_parser().parse_args(shlex.split(command)[1:]).run)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_every_option_exists(page):
    named = set(re.findall(r"--(?:no-)?editmetrics-[a-z-]*[a-z]", page.read_text(encoding="utf-8")))
    assert named <= FLAGS


OURS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in (*DOCS.glob("how-to/*.md"), *DOCS.glob("explanation/*.md"), *BY_HAND)
    for number, block in enumerate(blocks(page, "yaml"))
    if not re.search("^(on|stages):", block, re.MULTILINE)  # a workflow
    and block.count("\ncoords:") < 2  # the same key in several forms
]


@pytest.mark.parametrize("block", OURS)
def test_a_block_of_yaml_reads_as_settings_goldens_or_cases(block, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "editmetrics.yaml").touch()
    file = tmp_path / "a" / "b" / "editmetrics.yaml"
    file.write_text(block, encoding="utf-8")
    registry, said = PipeRegistry(), []
    for read in (
        lambda: load_settings(file, registry, tmp_path),
        lambda: read_golden_file(file, registry, tmp_path),
        lambda: read_case_file(file, registry, tmp_path),
    ):
        try:
            read()
        except ConfigError as error:
            said.append(str(error))
    assert len(said) < 3, said


@pytest.mark.parametrize(
    ("name", "passed"), [("inpainting-mask", 1), ("hand-written-gates", 2), ("flaky-models", 1)]
)
def test_the_tests_of_a_page_run(name, passed, pytester):
    tests = [
        block
        for block in blocks(DOCS / "how-to" / f"{name}.md", "python")
        if "def test_" in block and re.match(r"(import|from) ", block)
    ]
    for number, test in enumerate(tests):
        pytester.path.joinpath(f"test_{number}.py").write_text(test, encoding="utf-8")
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=passed)


def test_without_room_for_the_models_blur_the_gate_tells_a_seam(pytester):
    (test,) = blocks(DOCS / "how-to" / "inpainting-mask.md", "python")
    assert "dilate=8" in test
    pytester.makepyfile(test.replace("dilate=8", "dilate=0"))
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    (said,) = re.findall(
        r"`(a seam[^`]*)`", (DOCS / "how-to" / "inpainting-mask.md").read_text(encoding="utf-8")
    )
    result.stdout.fnmatch_lines([f"*{said}*"])
