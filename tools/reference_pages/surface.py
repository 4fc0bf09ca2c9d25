"""The pages of what a person types or asks for: options, commands, fixtures, marker, hook."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from pytest_editmetrics import plugin
from pytest_editmetrics.checks.edit_gate import EditGate
from pytest_editmetrics.checks.golden_image import GoldenImage
from pytest_editmetrics.cli import main
from pytest_editmetrics.plugin import fixtures, helpers
from pytest_editmetrics.session import hookspec
from pytest_editmetrics.session.option_list import OPTIONS, Option
from reference_pages.markdown import Entry, Group, Page, prose, table

EXAMPLES = {
    "lpips_pipe": 'lpips_pipe(reference, edited, [(40, 60, 200, 180)], "outer")',
    "sam_pipe": "sam_pipe.isolate(reference, (40, 60, 200, 180), (255, 255, 255))",
    "clip_pipe": 'clip_pipe(reference, edited, [(40, 60, 200, 180)], "outer", metric="emd")',
    "dino_v3_pipe": "dino_v3_pipe.release()  # frees the memory for your own model",
    "edit_gate.check": 'edit_gate.check(reference, edited, [(0, 0, 64, 64)], metrics=["lpips"])',
    "edit_gate.check_all": 'edit_gate.check_all([dict(reference=a, edited=b, name="red")])',
    "golden_image.check": 'golden_image.check(edited, comparator={"ssim": 0.95, "psnr": 28})',
    "golden_image.check_all": 'golden_image.check_all([dict(image=edited, name="red")])',
    "golden_image.provenance": 'golden_image.provenance(model="mug-editor-2", seed=7)',
    "assert_unedit_emd_below": "assert_unedit_emd_below(reference, edited, [(0, 0, 64, 64)], 7.9)",
    "assert_unedit_lpips_below": "assert_unedit_lpips_below(reference, edited, [(0, 0, 64, 64)])",
    "assert_object_sim_above": "assert_object_sim_above(\n"
    "    reference, edited, ref_boxes=[(0, 0, 64, 64)], edited_boxes=[(2, 0, 66, 64)]\n)",
}
METHODS: dict[str, tuple[type, tuple[str, ...]]] = {
    "edit_gate": (EditGate, ("check", "check_all")),
    "golden_image": (GoldenImage, ("check", "check_all", "provenance")),
}
MARKED = """@pytest.mark.editmetrics(metrics=["lpips", "emd"], thresholds={"lpips": 0.05})
def test_red_mug(edit_gate):
    edit_gate.check("mug.png", "mug-red.png", [(120, 80, 300, 260)])"""


def options() -> Page:
    """Return the page of pytest's options."""
    groups: dict[str, list[Entry]] = {}
    for option in OPTIONS:
        groups.setdefault(option.group, []).append(_option(option))
    return Page(
        "options",
        "Options of pytest",
        "Each is given on the command line, or by its ini twin in `pytest.ini` or under"
        " `[tool.pytest.ini_options]`; the command line wins. Paths on the command line are"
        " relative to where pytest starts, `editmetrics_config` and `editmetrics_goldens` in the"
        " ini file to the rootdir.",
        [Group(title, found) for title, found in groups.items()],
    )


def _option(option: Option) -> Entry:
    value = ", ".join(f"`{choice}`" for choice in option.choices) or f"`{option.metavar}`"
    default = "not set" if option.default in (None, ()) else f"`{option.default}`"
    written = option.sample.partition("=")[2]
    if option.kind == "bool":
        value = f"none; `--no-{option.flag[2:]}` turns it off"
        default = "on" if option.default else "off"
        written = "false" if option.default else "true"
    given = [("value", value), ("default", default), ("ini", f"`{option.ini} = {written}`")]
    return Entry(option.flag, option.help, given, f"pytest {option.sample}", "bash")


def commands() -> Page:
    """Return the page of the command ``editmetrics``."""
    entries = [_command(name, parser) for name, parser in leaves(main.make_parser())]
    _, status = str(main.__doc__).split("\n\n", 1)
    return Page(
        "commands",
        "The command `editmetrics`",
        f"`editmetrics COMMAND --help` prints the same. {' '.join(status.split())}",
        [Group("Commands", entries)],
    )


def leaves(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Give every subcommand that does something, by all of its name."""
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not below:
        yield parser.prog, parser
    for action in below:
        for child in action.choices.values():
            yield from leaves(child)


def _command(name: str, parser: argparse.ArgumentParser) -> Entry:
    taken = [one for one in parser._actions if one.dest != "help"]
    rows = [(f"`{_called(one)}`", _help(parser, one)) for one in taken]
    text = parser.description or _summary(name) or name
    example = str(parser.epilog).removeprefix("example: ")
    arguments = table(("argument", "meaning"), rows) if rows else ""
    return Entry(name, text, [], example, "bash", arguments)


def _summary(name: str) -> str | None:
    """Return the help of an action that has no description, as its group lists it."""
    parser = main.make_parser()
    for word in name.split()[1:]:
        (action,) = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        told = next(choice.help for choice in action._choices_actions if choice.dest == word)
        parser = action.choices[word]
    return told


def _called(action: argparse.Action) -> str:
    choices = "|".join(map(str, action.choices or ()))
    value = str(action.metavar or choices or action.dest.upper())
    if not action.option_strings:
        many = {"+": f"{value} ...", "*": f"[{value} ...]", "?": f"[{value}]"}
        return many.get(str(action.nargs), value)
    flags = ", ".join(action.option_strings)
    called = flags if action.nargs == 0 else f"{flags} {value}"
    return f"{called} ..." if action.nargs in ("+", "*") else called


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    told = parser._get_formatter()._expand_help(action) if action.help else ""
    needed = " (required)" if action.required and action.option_strings else ""
    choices = ", ".join(f"`{choice}`" for choice in action.choices or ())
    if choices and not action.metavar and not action.option_strings:
        told = f"{told}; one of {choices}".removeprefix("; ")
    return told + needed


def plugin_page() -> Page:
    """Return the page of fixtures, functions, marker and hook."""
    asked, functions = [], []
    for name, scope, text in declared_fixtures():
        if name in METHODS:
            of, methods = METHODS[name]
            asked += [_function(f"{name}.{each}", getattr(of, each)) for each in methods]
        elif hasattr(helpers, name):
            functions.append(_function(name, getattr(helpers, name)))
        else:
            asked.append(Entry(name, text, [("scope", scope)], EXAMPLES[name], "python"))
    signature, _, text = plugin.MARKER.partition(": ")
    hook = hookspec.pytest_editmetrics_register_pipes
    return Page(
        "plugin",
        "Fixtures, functions, marker and hook",
        "What the plugin gives to tests and conftest files. A fixture that a test overrides is what"
        " the gates use.",
        [
            Group("Fixtures", asked),
            Group(
                "Helpers",
                functions,
                "Each is a fixture, and a function: `from pytest_editmetrics import"
                " assert_unedit_lpips_below` finds the running test.",
            ),
            Group("Marker", [Entry(f"pytest.mark.{signature}", text, [], MARKED, "python")]),
            Group("Hook", [_documented(hook.__name__, hook)]),
        ],
    )


def declared_fixtures() -> Iterator[tuple[str, str, str]]:
    """Give the name, scope and docstring of each fixture."""
    for node in ast.parse(inspect.getsource(fixtures)).body:
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            given = ast.unparse(node.decorator_list[0])
            scope = re.search(r"scope='(\w+)'", given)
            yield node.name, scope[1] if scope else "function", str(ast.get_docstring(node))


def _function(name: str, function: Callable[..., Any]) -> Entry:
    entry = _documented(name, function)
    return Entry(name, entry.text, [], f"{EXAMPLES[name]}", "python", _more(function, entry.more))


def _more(function: Callable[..., Any], text: str) -> str:
    signature = inspect.signature(function)
    bare = [
        one.replace(annotation=one.empty)
        for one in signature.parameters.values()
        if one.name != "self"
    ]
    plain = signature.replace(parameters=bare, return_annotation=signature.empty)
    return f"Signature: `{plain}`\n\n{text}".strip()


def _documented(name: str, function: Callable[..., Any]) -> Entry:
    first, _, rest = str(inspect.getdoc(function)).partition("\n\n")
    return Entry(name, prose(first.replace("\n", " ")), more=prose(rest))
