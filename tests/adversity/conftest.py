"""Ways round the gates that strangers tried. A test is a way; together they make a table.

A test's docstring is the way in words, its module's docstring the kind. What came of it is held by
``assert_came(result, status, said)``, which writes the row; ``workers`` runs a way serially and under
pytest-xdist.
``make adversity`` runs all of them and writes the table into ``docs/explanation/reliability.md``.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "explanation" / "reliability.md"
BEGIN, END = "<!-- ways: written by make adversity -->\n", "<!-- end of ways -->\n"
MISSING = "it takes a plugin that is not installed here"
COLUMNS = "| way | exit status | what is said | test |\n| --- | --- | --- | --- |\n"
Came = Callable[..., None]


@pytest.fixture(autouse=True)
def as_a_stranger(cold_processes: None) -> None:
    """Let every process of a way import anew what it needs."""


@pytest.fixture(params=["serial", "xdist"])
def workers(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The options that run a way serially, or by two workers."""
    return () if request.param == "serial" else ("-n2",)


@pytest.fixture
def assert_came(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Came:
    """``assert_came(result, status, said)`` asserts that a run ended with ``status`` and said a line.

    ``said`` is a pattern of ``fnmatch`` that a whole line of the output must match; the table shows
    it without its outer stars.
    """

    def assert_came(result: pytest.RunResult, status: int, said: str) -> None:
        lines = [*result.outlines, *result.errlines]
        assert any(fnmatch(line, said) for line in lines), f"{said!r} is not in:\n" + "\n".join(
            lines
        )
        assert result.ret == status
        record_property("way", json.dumps([status, said.strip("*").strip()]))

    return assert_came


def _texts(path: Path) -> tuple[str, dict[str, str]]:
    """Return a module's kind, and what each of its tests tries, in words."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    tests = [n for n in module.body if isinstance(n, ast.FunctionDef) and n.name[:5] == "test_"]
    return _sentence(module), {test.name: _sentence(test) for test in tests}


def _sentence(node: ast.Module | ast.FunctionDef) -> str:
    text = ast.get_docstring(node)
    assert text, f"{getattr(node, 'name', 'a module')} does not say what it tries"
    return " ".join(text.partition("\n\n")[0].split())


class Table:
    """What came of each way, as the reports of its tests tell."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], dict[str, list[tuple[int, str]]]] = {}

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test that passed came to."""
        if report.when != "call" or not report.passed:
            return
        path, _, test = report.nodeid.partition("::")
        name, _, how = test.partition("[")
        for key, value in report.user_properties:
            if key == "way":
                of = self.rows.setdefault((Path(path).name, name), {})
                of.setdefault(how, []).append(tuple(json.loads(str(value))))

    @pytest.hookimpl
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the table, if every way was tried."""
        if exitstatus == 0:
            text = PAGE.read_text(encoding="utf-8")
            before, _, rest = text.partition(BEGIN)
            after = rest.partition(END)[2]
            PAGE.write_text(before + BEGIN + "".join(self.lines()) + END + after, encoding="utf-8")

    def lines(self) -> Iterator[str]:
        """Yield the lines of the table, a heading for each kind."""
        for path in sorted(HERE.glob("test_*.py")):
            kind, tests = _texts(path)
            yield f"\n**{kind.rstrip('.')}.**\n\n{COLUMNS}"
            for name, told in tests.items():
                where = f"`tests/adversity/{path.name}::{name}`"
                tried = self.rows.get((path.name, name))
                if tried is None:
                    yield f"| {told.rstrip('.')} | | not run: {MISSING} | {where} |\n"
                for status, said in _distinct(tried or {}):
                    yield f"| {told.rstrip('.')} | {status} | {_cell(said)} | {where} |\n"
        yield "\n"


def _distinct(tried: dict[str, list[tuple[int, str]]]) -> list[tuple[int, str]]:
    return list(dict.fromkeys(pair for pairs in tried.values() for pair in pairs))


def _cell(text: str) -> str:
    return "`" + text.replace("|", "\\|").replace("`", "'") + "`"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option that ``make adversity`` gives."""
    parser.addoption("--write-ways", action="store_true", help="write the table of ways")


def pytest_configure(config: pytest.Config) -> None:
    """Take the reports, where the table is to be written."""
    if config.getoption("--write-ways", False) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(), "ways")
