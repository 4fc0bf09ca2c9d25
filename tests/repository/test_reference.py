"""docs/reference: its pages are made from the declarations of today, and every example reads."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_editmetrics.cli.main import make_parser
from pytest_editmetrics.config.case_file import read_case_file
from pytest_editmetrics.config.manifest import Manifest
from pytest_editmetrics.config.settings import load_settings
from pytest_editmetrics.config.settings_keys import SETTINGS
from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.gates.verdict import VERDICTS, Verdict
from pytest_editmetrics.goldens.file import read_golden_file
from pytest_editmetrics.measurement import REMEDIES, SOFT_REASONS, SoftReason
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.session.option_list import OPTIONS
from pytest_editmetrics.session.options import resolve_options

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
sys.path.insert(0, str(ROOT / "tools"))
import make_reference  # noqa: E402
from reference_pages import files, measures, surface  # noqa: E402

REGISTRY = PipeRegistry()
METRICS = [pytest.param(metric, id=name) for name, metric in REGISTRY.metrics.items()]
PAGES = {page.name: page for page in make_reference.pages()}
MADE = make_reference.texts()


def test_the_pages_are_those_that_make_reference_writes():
    there = make_reference.there()
    assert there.keys() == MADE.keys(), "make reference"
    assert [name for name in MADE if there[name] != MADE[name]] == [], "make reference"


LINKS = [
    (name, link) for name, text in MADE.items() for link in re.findall(r"\]\(([^):]+)\)", text)
]


def test_every_link_leads_somewhere():
    anchors = {f"{page.name}.md": {entry.slug for entry in page.entries} for page in PAGES.values()}
    assert len(LINKS) > 200
    for name, link in LINKS:
        path, _, anchor = link.partition("#")
        if anchor:
            assert anchor in anchors[path or name], link
        else:
            assert (FOLDER / path).is_file(), link


def test_every_entry_has_a_sentence_and_an_example():
    entries = [(page.name, entry) for page in PAGES.values() for entry in page.entries]
    assert len(entries) > 150
    for page, entry in entries:
        assert entry.text, (page, entry.name)
        assert entry.example or entry.more, (page, entry.name)


def examples(*names):
    return [
        pytest.param(entry.example, id=f"{name}-{entry.name}")
        for name in names
        for entry in PAGES[name].entries
    ]


def read_settings(text, folder):
    (folder / "editmetrics.yaml").write_text(text, encoding="utf-8")
    return load_settings(folder / "editmetrics.yaml", REGISTRY, folder)


@pytest.mark.parametrize("text", examples("settings", "pipes", "metrics"))
def test_an_example_of_the_settings_is_read_and_says_something(text, tmp_path):
    assert read_settings(text, tmp_path) is not None
    broken = text.replace(":", "x:", 1)
    with pytest.raises(ConfigError, match=r"editmetrics\.yaml:1: "):
        read_settings(broken, tmp_path)


@pytest.mark.quick(6)
@pytest.mark.parametrize("metric", METRICS)
def test_the_examples_of_every_metric_read_not_only_those_shown(metric, tmp_path):
    for entry in (*files.metric_entries(metric, REGISTRY), *files.suite_entries(metric)):
        read_settings(entry.example, tmp_path)
    for entry in files.golden_entries(metric):
        (tmp_path / "g.yaml").write_text(entry.example, encoding="utf-8")
        assert read_golden_file(tmp_path / "g.yaml", REGISTRY, tmp_path).tests


@pytest.mark.parametrize("text", examples("cases", "regions"))
def test_an_example_of_the_cases_is_read(text, tmp_path):
    (tmp_path / "test_a.edit.yaml").write_text(text, encoding="utf-8")
    assert read_case_file(tmp_path / "test_a.edit.yaml", REGISTRY, tmp_path).cases


@pytest.mark.parametrize("text", examples("manifests"))
def test_an_example_of_the_manifests_is_read(text, tmp_path):
    (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
    manifest = Manifest(
        tmp_path / "a.jsonl", REGISTRY, tmp_path, lambda expect: (("lpips",), False)
    )
    assert len(list(manifest.rows())) == 1


@pytest.mark.quick(7)
@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_example_of_an_option_is_taken_and_so_is_its_ini_twin(option, pytester, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    (entry,) = [one for one in PAGES["options"].entries if one.name == option.flag]
    assert entry.example == f"pytest {option.sample}"
    typed = resolve_options(pytester.parseconfig(option.sample))[option.name]
    assert typed != resolve_options(pytester.parseconfig())[option.name] or (
        option.name == "cache-size" and typed == 500_000_000
    )
    pytester.makeini(f"[pytest]\n{dict(entry.facts)['ini'].strip('`')}\n")
    assert resolve_options(pytester.parseconfig())[option.name] == typed


COMMANDS = PAGES["commands"].entries


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_an_example_of_a_command_is_one_that_its_parser_takes(entry):
    assert entry.example.startswith(entry.name)
    assert callable(make_parser().parse_args(shlex.split(entry.example)[1:]).run)


def test_examples_of_tests_are_python_that_names_what_it_shows():
    for entry in PAGES["plugin"].entries:
        if entry.example:
            ast.parse(entry.example)
            assert entry.name.partition("(")[0] in entry.example.replace("release()", "")
        for block in re.findall(r"```python\n(.*?)```", entry.more, re.DOTALL):
            ast.parse(block)
    shown = {entry.name.partition(".")[0] for entry in PAGES["plugin"].entries}
    assert {name for name, _, _ in surface.declared_fixtures()} <= shown


def test_every_verdict_and_reason_has_a_sentence():
    assert tuple(VERDICTS) == Verdict.__args__  # type: ignore[attr-defined]
    assert tuple(sorted(SOFT_REASONS)) == tuple(sorted(SoftReason.__args__))  # type: ignore[attr-defined]
    assert REMEDIES.keys() == SOFT_REASONS.keys()
    for name in (*VERDICTS, *SOFT_REASONS):
        assert f"| `{name}` | " in measures.outcomes().render()


def test_what_init_writes_says_of_each_key_what_its_declaration_says():
    starter = ROOT / "pytest_editmetrics" / "cli" / "starter" / "data" / "editmetrics.yaml"
    text = starter.read_text(encoding="utf-8")
    keys = re.findall(r"((?:^#.*\n)+)^(\w+):", text, re.MULTILINE)
    assert len(keys) == len(re.findall(r"^\w+:", text, re.MULTILINE)) == 3
    for comment, name in keys:
        said = " ".join(line.lstrip("# ") for line in comment.splitlines())
        assert files.sentence(SETTINGS.key(name).text) in said


def test_the_list_of_explained_metrics_is_the_one_that_make_reference_writes():
    text = make_reference.EXPLAINED.read_text(encoding="utf-8")
    assert make_reference.explained(text) == text, "make reference"
    assert all(
        f"| [`{name}`](../reference/metrics.md#{name}) | " in text for name in REGISTRY.metrics
    )


def test_the_pages_are_the_same_in_every_process(tmp_path):
    code = "import json, sys, make_reference; json.dump(make_reference.texts(), sys.stdout)"
    world = {"PYTHONHASHSEED": "7", "COLUMNS": "40", "HOME": "/nowhere", "LANG": "C", "CI": "1"}
    path = os.pathsep.join([str(ROOT / "tools"), str(ROOT)])
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        env={**os.environ, **world, "PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout) == MADE
