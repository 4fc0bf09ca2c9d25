"""``EditSuite``: a suite in a folder of its own, which a test writes, runs and looks at."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.session.options import CI_VARIABLES
from pytest_editmetrics.whole_file import real_path

if TYPE_CHECKING:
    from pytest_editmetrics.images.load import ImageLike

_INI_FILES = ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
_OF_THE_OUTER_RUN = (*CI_VARIABLES, "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "EDITMETRICS_JOURNAL")
_PREFIXES = ("GITHUB_", "PYTEST_XDIST_")
_OWN = ".edit-suite"


@dataclass(frozen=True)
class SuiteRun:
    """What a run of an ``EditSuite`` came to.

    ``status`` is pytest's exit status, ``output`` all that it printed, ``outcomes`` how many tests
    ended how (``{"passed": 2}``), and ``gates`` the lines of the results file that are gates, as
    docs/reference/run.md tells them.
    """

    status: int
    output: str
    outcomes: Mapping[str, int]
    gates: tuple[Mapping[str, Any], ...] = field(repr=False)

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each gate, by test, metric and name: ``test_a.py::test_b lpips@hat``."""
        return {
            f"{gate['nodeid']} {gate['metric']}{_named(gate['name'])}": gate["verdict"]
            for gate in self.gates
            if gate["final"]
        }


class EditSuite:
    """A suite under test: files in an empty folder, and pytest run on them in a process of its own.

    The fixture ``edit_suite`` gives one. It wants pytest's own plugin for such tests, so the
    ``conftest.py`` at your rootdir names both::

        pytest_plugins = ["pytester", "pytest_editmetrics.testing"]

    Each ``run`` starts a pytest, which takes seconds; it does not see that the outer run is in CI,
    since goldens are not recorded there, nor its ``PYTEST_ADDOPTS``. What your ini file states as
    ``pythonpath`` can be imported there too.

    A test of a fixture of yours, here one that holds each edit to its pixels::

        import numpy as np

        CONFTEST = '''
        import pytest

        @pytest.fixture
        def assert_kept(edit_gate):
            def assert_kept(reference, edited, box):
                edit_gate.check(reference, edited, [box], metrics=["unedit_max_diff"])
            return assert_kept
        '''
        TEST = '''
        def test_edit(assert_kept):
            assert_kept("before.png", "after.png", (0, 0, 16, 16))
        '''


        def test_our_fixture_notices_another_background(edit_suite):
            picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
            edit_suite.write("conftest.py", CONFTEST)
            edit_suite.write("test_edit.py", TEST)
            edit_suite.write("before.png", picture)
            edit_suite.write("after.png", picture)
            edit_suite.check_cycle(lambda suite: suite.write("after.png", picture // 2))
    """

    __test__ = False

    def __init__(self, pytester: pytest.Pytester, pythonpath: tuple[str, ...] = ()):
        """Begin with an empty suite.

        Args:
            pytester: pytest's fixture of that name.
            pythonpath: folders that the suite may import from.
        """
        self._pytester = pytester
        self._pythonpath = pythonpath
        self._runs = 0

    @property
    def path(self) -> Path:
        """The suite's folder, its rootdir."""
        return self._pytester.path

    @property
    def goldens(self) -> dict[str, bytes]:
        """The content of each file below a folder ``goldens``, by its path in the suite."""
        found = {}
        for path in sorted(self.path.rglob("*")):
            name = path.relative_to(self.path)
            if "goldens" in name.parts[:-1] and path.is_file():
                found[name.as_posix()] = path.read_bytes()
        return found

    def write(self, name: str, content: str | bytes | ImageLike) -> Path:
        """Write a file of the suite, over one that is there.

        Args:
            name: its path in the suite, as ``"tests/test_edit.py"``; folders are made.
            content: a text, whose common indentation is taken away; bytes; or an image of any kind
                that ``load_image`` takes (but a path), which is written as PNG.

        Returns:
            Where it lies.

        Raises:
            ValueError: the path leads out of the suite.
            ImageError: the image cannot be used.
        """
        path = self.path / name
        if not real_path(path).is_relative_to(real_path(self.path)):
            raise ValueError(f"{name} leads out of the suite")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(textwrap.dedent(content).lstrip("\n"), encoding="utf-8")
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            from PIL import Image

            from pytest_editmetrics.images.load import load_image

            Image.fromarray(load_image(content, name)).save(path, "PNG")
        return path

    def run(self, *args: str) -> SuiteRun:
        """Run pytest in the suite, with these arguments, and return what it came to.

        Its output is also that of the test, which pytest shows where the test fails.
        """
        self._runs += 1
        results = self.path / _OWN / f"results-{self._runs}.jsonl"
        if not any((self.path / name).exists() for name in _INI_FILES):
            self.write("pytest.ini", "[pytest]\n")
        if not (self.path / "editmetrics.yaml").exists():
            self.write("editmetrics.yaml", "")  # else one in a folder above would be read
        with pytest.MonkeyPatch.context() as patch:
            for name in os.environ:
                if name in _OF_THE_OUTER_RUN or name.startswith(_PREFIXES):
                    patch.delenv(name)
            for folder in reversed(self._pythonpath):
                patch.setenv("PYTHONPATH", folder, prepend=os.pathsep)
            ran = self._pytester.runpytest_subprocess(f"--editmetrics-results={results}", *args)
        lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
        records = map(json.loads, lines)
        return SuiteRun(
            int(ran.ret),
            f"{ran.stdout}\n{ran.stderr}",
            _outcomes(ran),
            tuple(record for record in records if record["record"] == "gate"),
        )

    def check_cycle(self, change: Callable[[EditSuite], object]) -> None:
        """Take the suite through a golden's life: create, pass, change, fail, update, pass.

        Goldens are recorded, then the suite passes and leaves them alone; after ``change`` it fails
        by a gate, without an error, and leaves them alone; they are recorded again, and it passes.

        Args:
            change: changes what the suite looks at, as a broken release of the model would.

        Raises:
            AssertionError: a step came otherwise; the message says which, and what pytest printed.
        """
        __tracebackhide__ = True
        assert not self.goldens, f"create: goldens are there already: {', '.join(self.goldens)}"
        created = self._step("create", {"recorded"}, "--editmetrics-update=missing")
        _check(bool(created), "create", "no golden was written: is every bound stated by hand?")
        passed = self._step("pass", {"pass", "review"})
        _check(passed == created, "pass", "the goldens changed though nothing was to be recorded")
        change(self)
        failed = self.run()
        verdicts = set(failed.verdicts.values())
        _check(failed.status == 1 and "fail" in verdicts, "fail", _told(failed, "a gate to fail"))
        _check("error" not in verdicts, "fail", _told(failed, "no gate in an error"))
        _check(self.goldens == created, "fail", "a failing run changed the goldens")
        updated = self._step(
            "update", {"recorded", "pass", "review"}, "--editmetrics-update=failed"
        )
        _check(updated != created, "update", "the goldens are as before")
        again = self._step("pass again", {"pass", "review"})
        _check(again == updated, "pass again", "the goldens changed")

    def _step(self, step: str, verdicts: set[str], *args: str) -> dict[str, bytes]:
        """Run a step that has to succeed, with gates of these verdicts; return the goldens."""
        __tracebackhide__ = True
        ran = self.run(*args)
        _check(ran.status == 0, step, _told(ran, "exit status 0"))
        _check(bool(ran.verdicts), step, _told(ran, "a gate"))
        wrong = {name: one for name, one in ran.verdicts.items() if one not in verdicts}
        expected = " or ".join(sorted(verdicts))
        _check(not wrong, step, _told(ran, f"every gate to come to {expected}, not {wrong}"))
        return self.goldens


@pytest.fixture
def edit_suite(pytester: pytest.Pytester, pytestconfig: pytest.Config) -> EditSuite:
    """An empty suite to write, run and look at: an ``EditSuite``."""
    return EditSuite(pytester, tuple(map(str, pytestconfig.getini("pythonpath"))))


def _named(name: str | None) -> str:
    return "" if name is None else f"@{name}"


def _outcomes(ran: pytest.RunResult) -> Mapping[str, int]:
    try:
        return ran.parseoutcomes()
    except ValueError:  # pytest ended before it could count
        return {}


def _told(ran: SuiteRun, expected: str) -> str:
    return f"expected {expected}; pytest ended with {ran.status}:\n{ran.output}"


def _check(holds: bool, step: str, text: str) -> None:
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(f"{step}: {text}")
