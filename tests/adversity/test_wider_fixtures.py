"""A gate in a fixture that serves more than one test"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

HEAD = """
from pathlib import Path

import numpy as np
import pytest
from pytest_editmetrics.checks.edit_gate import Check, EditGate
from pytest_editmetrics.session.running import running_record

ROOT = Path({root!r})

def image(value): return np.full((8, 8, 3), value, np.uint8)

def gate(value=None, name=None):
    value = int((ROOT / "model").read_text()) if value is None else value
    EditGate(running_record()).run(Check(image(0), image(value), metrics="score", name=name))
    return value
"""
A_B = """
def test_a(edited): assert edited
def test_b(edited): assert edited
"""


@pytest.fixture
def wide(suite):
    """A suite whose helper ``gate`` measures what the file ``model`` says, with a loose default."""
    suite.makeini("[pytest]\npythonpath = .\n")
    suite.path.joinpath("gates.py").write_text(HEAD.format(root=str(suite.path)))
    suite.path.joinpath("editmetrics.yaml").write_text("thresholds: {score: {max: 0.6}}\n")
    suite.path.joinpath("model").write_text("3")
    return suite


@pytest.fixture
def assert_held(wide, assert_came) -> Callable[..., pytest.RunResult]:
    """``assert_held(file, key, *args)`` records, breaks the model, and runs with ``args``.

    The gate is to be held to the entry ``key`` of the golden file ``file``.
    """

    def assert_held(file: str, key: str, *args: str, record: tuple[str, ...] = ()):
        recording = wide.runpytest("--editmetrics-update=missing", *record)
        assert recording.ret == 0
        text = (wide.path / file).read_text()
        assert f'"{key}":' in text.splitlines(), text
        assert "test_a" not in text
        wide.path.joinpath("model").write_text("30")
        result = wide.runpytest(*(args or ("-k", "test_b")))
        assert_came(result, 1, f"E*bound     golden {file}:*")
        return result

    return assert_held


def conftest_too(wide: pytest.Pytester, text: str) -> None:
    path = wide.path / "conftest.py"
    path.write_text(f"{path.read_text()}\n{text}")


def module(wide: pytest.Pytester, text: str, **files: str) -> None:
    wide.makepyfile(test_x="from gates import *\n" + text, **files)


def test_module_fixture(wide, assert_held):
    """A model is broken, and a test runs that was not the first to use the module's fixture."""
    module(wide, "@pytest.fixture(scope='module')\ndef edited(): return gate()\n" + A_B)
    assert_held("goldens/test_x.py.yaml", "fixture edited")


def test_workers(wide, assert_held, workers):
    """The same with a session's fixture of conftest.py, where each worker sets it up."""
    conftest_too(
        wide,
        "from gates import gate\n@pytest.fixture(scope='session')\ndef edited(): return gate()\n",
    )
    module(wide, A_B + "def test_c(edited): pass\n")
    assert_held(
        "goldens/conftest.py.yaml",
        "fixture edited",
        *workers,
        "-k",
        "test_b or test_c",
        record=workers,
    )


def test_own_parameters(wide, assert_held):
    """A parametrised fixture has a golden for each parameter, also where a test of one runs alone."""
    module(
        wide,
        "@pytest.fixture(scope='module', params=['sdxl', 'flux'])\n"
        "def edited(request): return gate()\n" + A_B,
    )
    assert_held("goldens/test_x.py.yaml", "fixture edited[flux]", "-k", "test_b and flux")


def test_parameters_of_another_fixture(wide, assert_held):
    """A fixture is made anew for each parameter of a fixture that it requests, through a third one."""
    module(
        wide,
        "@pytest.fixture(scope='session', params=['sdxl', 'flux'])\n"
        "def model(request): return request.param\n"
        "@pytest.fixture(scope='session', params=['other'])\ndef unrelated(): pass\n"
        "@pytest.fixture(scope='module')\ndef pipeline(model): return model\n"
        "@pytest.fixture(scope='module')\ndef edited(pipeline): return gate()\n"
        "def test_a(unrelated, edited): pass\ndef test_b(edited): pass\n",
    )
    assert_held("goldens/test_x.py.yaml", "fixture edited[flux]", "-k", "test_b and flux")


def test_indirect_parameters(wide, assert_held):
    """The parameter comes from the test, indirectly, in one test together with another fixture's."""
    module(
        wide,
        "@pytest.fixture(scope='module')\ndef edited(request): return gate()\n"
        "@pytest.fixture(scope='module')\ndef other(request): return request.param\n"
        "@pytest.mark.parametrize('other,edited', [(1, 'hat')], indirect=True)\n"
        "def test_a(other, edited): pass\n"
        "@pytest.mark.parametrize('edited', ['hat'], indirect=True)\n"
        "def test_b(edited): pass\n",
    )
    assert_held("goldens/test_x.py.yaml", "fixture edited[hat]")


def test_asked_for_by_hand(wide, assert_held):
    """Fixtures are asked for by getfixturevalue, by the test and by the fixture."""
    module(
        wide,
        "@pytest.fixture(scope='session', params=['sdxl'])\n"
        "def model(request): return request.param\n"
        "@pytest.fixture(scope='module')\n"
        "def edited(request): request.getfixturevalue('model'); return gate()\n"
        "def test_a(request, model): request.getfixturevalue('edited')\n"
        "def test_b(request, model): request.getfixturevalue('edited')\n",
    )
    assert_held("goldens/test_x.py.yaml", "fixture edited[sdxl]")


def test_other_name_and_class(wide, assert_held):
    """A class's fixture is requested by the name= that it was given, and has a finalizer."""
    module(
        wide,
        "class TestHat:\n"
        "    @pytest.fixture(scope='class', name='edited')\n"
        "    def make(self, request):\n"
        "        request.addfinalizer(lambda: None)\n"
        "        return gate()\n"
        "    def test_a(self, edited): pass\n"
        "    def test_b(self, edited): pass\n"
        "class TestCap:\n"
        "    @pytest.fixture(scope='class')\n"
        "    def edited(self): return gate(1)\n"
        "    def test_c(self, edited): pass\n",
    )
    assert_held("goldens/test_x.py.yaml", "TestHat::fixture edited")


def test_overridden(wide, assert_held):
    """A module overrides a fixture of the conftest.py of its folder, and both measure."""
    folder = wide.mkdir("sub")
    make = "from gates import *\n@pytest.fixture(scope='module')\ndef edited({}): return gate(name={})\n"
    (folder / "conftest.py").write_text(make.format("", None))
    (folder / "test_x.py").write_text(make.format("edited", "'own'") + A_B)
    result = assert_held("sub/goldens/conftest.py.yaml", "fixture edited")
    assert '"fixture edited":' in (folder / "goldens" / "test_x.py.yaml").read_text()
    assert "fixture edited" in result.stdout.str()


def test_installed_plugin(wide, assert_held, monkeypatch):
    """The fixture is a plugin's that is installed in a virtual environment inside the rootdir."""
    site = wide.path / ".venv" / "lib" / "site-packages"
    site.mkdir(parents=True)
    (site / "vendor.py").write_text(
        "from gates import *\n@pytest.fixture(scope='session')\ndef edited(): return gate()\n"
    )
    wide.makeini("[pytest]\npythonpath = . .venv/lib/site-packages\n")
    conftest_too(wide, "pytest_plugins = ['vendor']\n")
    module(wide, A_B)
    assert_held("goldens/_fixtures.yaml", "fixture edited")


@pytest.mark.parametrize("recorded_from", ["above", "below"])
def test_another_rootdir(wide, assert_came, recorded_from):
    """A plugin's fixture was recorded from a rootdir that has its file, and runs from one that has
    not, or the other way round."""
    wide.path.joinpath("plug.py").write_text(
        "from gates import *\n@pytest.fixture(scope='session')\ndef edited(): return gate()\n"
    )
    conftest_too(wide, "pytest_plugins = ['plug']\n")
    wide.mkdir("suite").joinpath("test_x.py").write_text(A_B)
    above, below = ("suite",), ("suite", "--rootdir=suite", "--confcutdir=.")
    held = {"above": "goldens/plug.py.yaml", "below": "suite/goldens/_fixtures.yaml"}
    first, then = (above, below) if recorded_from == "above" else (below, above)
    assert wide.runpytest(*first, "--editmetrics-update=missing").ret == 0
    assert (wide.path / held[recorded_from]).is_file()
    wide.path.joinpath("model").write_text("30")
    result = wide.runpytest(*then, "-k", "test_b")
    assert_came(
        result, 1, "golden of *fixture edited: held to * which was recorded from another rootdir*"
    )
    result = wide.runpytest(*then, "--editmetrics-update=failed")
    result = wide.runpytest(*then)
    result.stdout.no_fnmatch_line("*another rootdir*")


def test_setup_functions(wide, assert_held):
    """The gates are made in setup_module and in a unittest's setUpClass."""
    module(
        wide,
        "import unittest\n"
        "def setup_module(): gate()\n"
        "class TestOld(unittest.TestCase):\n"
        "    @classmethod\n"
        "    def setUpClass(cls): gate(1)\n"
        "    def test_a(self): pass\n"
        "    def test_b(self): pass\n"
        "class TestPlain:\n"
        "    def setup_class(self): gate(1)\n"
        "    def test_c(self): pass\n",
    )
    assert_held("goldens/test_x.py.yaml", "fixture setup_module")
    text = (wide.path / "goldens" / "test_x.py.yaml").read_text()
    assert '"TestOld::fixture setUpClass":' in text
    assert '"TestPlain::fixture setup_class":' in text


def test_other_order(wide, assert_held):
    """Another plugin, as pytest-randomly, changes the order of the tests."""
    conftest_too(
        wide,
        "def pytest_addoption(parser): parser.addoption('--backwards', action='store_true')\n"
        "def pytest_collection_modifyitems(config, items):\n"
        "    if config.getoption('backwards'): items.reverse()\n",
    )
    module(wide, "@pytest.fixture(scope='module')\ndef edited(): return gate()\n" + A_B)
    assert_held("goldens/test_x.py.yaml", "fixture edited", "--backwards")


def test_earlier_recording(wide, assert_came):
    """An earlier recording left the fixture's golden under the test that ran first."""
    module(wide, "@pytest.fixture(scope='module')\ndef edited(): return gate()\n" + A_B)
    wide.mkdir("goldens").joinpath("test_x.py.yaml").write_text("test_a:\n  score: {max: 0.04}\n")
    wide.path.joinpath("model").write_text("30")
    for args in (("-k", "test_b"), ("test_x.py::test_b",)):
        result = wide.runpytest(*args)
        result.stdout.fnmatch_lines(
            [
                "*held to goldens/test_x.py.yaml:2 of 'test_a', which an earlier recording left under*"
            ]
        )
        assert_came(result, 1, "E*bound     golden goldens/test_x.py.yaml:2")


@pytest.mark.parametrize("late", ["yield", "finalizer", "factory", "thread"])
def test_teardown(wide, assert_came, late):
    """A gate is made in the teardown of a wider fixture: after its yield, in a finalizer, in one
    that a test added, or in a thread of it."""
    fixture = {
        "yield": "def edited():\n    yield 1\n    gate()\n",
        "finalizer": "def edited(request): request.addfinalizer(gate); return 1\n",
        "factory": "def edited(request): return lambda: request.addfinalizer(gate)\n",
        "thread": "def edited():\n    yield 1\n    import contextvars, threading\n"
        "    thread = threading.Thread(target=contextvars.copy_context().run, args=(gate,))\n"
        "    thread.start(); thread.join()\n",
    }[late]
    call = "edited()" if late == "factory" else "assert edited"
    module(wide, f"@pytest.fixture(scope='session')\n{fixture}def test_a(edited): {call}\n")
    result = wide.runpytest("-W", "ignore")  # pytest warns of a thread's exception
    assert_came(
        result, 1, "*a gate in the teardown of the fixture 'edited', which serves more than one*"
    )
    assert not wide.path.joinpath("goldens").exists()


def test_soft_failure(wide, assert_came):
    """The gate of a fixture cannot be measured: the test it was set up for says so, for all."""
    module(
        wide,
        "@pytest.fixture(scope='module')\ndef edited(): return gate(255)\n"
        + A_B
        + "def test_c(check): check(1)\n",
    )
    result = wide.runpytest()
    assert result.parseoutcomes() == {"xfailed": 1, "passed": 2}
    assert_came(
        result,
        0,
        "  test_x.py::fixture edited: *unmeasured*(used by test_x.py::test_a, test_x.py::test_b)",
    )


def test_failed_fixture_is_kept(wide, assert_came, workers):
    """pytest keeps the failure of a fixture for the tests that come next."""
    module(wide, "@pytest.fixture(scope='module')\ndef edited(): return gate(70)\n" + A_B)
    result = wide.runpytest(*workers, "--editmetrics-results=r.jsonl")
    assert result.parseoutcomes() == {"errors": 2}
    assert_came(result, 1, "E*fixture   test_x.py::fixture edited, set up for*")
    from pytest_editmetrics.runs.folder import read_run

    (record,) = read_run(wide.path / "r.jsonl").gates
    assert (record.nodeid, record.gate.verdict) == ("test_x.py::fixture edited", "fail")


def test_rerun_of_the_test(wide, assert_came):
    """The test that set a fixture up fails for another reason and is run again: the fixture is not."""
    module(
        wide,
        "@pytest.fixture(scope='module')\ndef edited(): return gate()\nTIMES = []\n"
        "def test_a(edited): TIMES.append(1); assert len(TIMES) == 2\ndef test_b(edited): pass\n",
    )
    result = wide.runpytest("--reruns=1", "--editmetrics-update=missing")
    assert_came(result, 0, "recorded: goldens/test_x.py.yaml; review the change and commit it")


def test_rerun_of_the_fixture(wide, assert_came):
    """A fixture fails its gate and is set up anew by a rerun."""
    module(
        wide,
        "TIMES = []\n@pytest.fixture(scope='module')\n"
        "def edited(): TIMES.append(1); return gate(70 if len(TIMES) == 1 else 3)\n" + A_B,
    )
    result = wide.runpytest("--reruns=1")
    assert_came(result, 0, "passed only after a rerun: 1")


def test_marker_of_the_first_test(wide, assert_came):
    """The test that runs first has a marker with a loose bound, which is not the fixture's."""
    module(
        wide,
        "@pytest.fixture(scope='module')\ndef edited(): return gate(70)\n"
        "@pytest.mark.editmetrics(thresholds={'score': 100})\ndef test_a(edited): pass\n",
    )
    assert_came(wide.runpytest(), 1, "E*bound     default editmetrics.yaml:1")


@pytest.mark.parametrize("order", ["forwards", "backwards"])
def test_asked_beside_a_fixture(wide, assert_came, order):
    """A test asks for edit_gate, makes no gate, and uses a fixture that made one."""
    tests = [
        "def test_a(edited): pass\n",
        "def test_b(edited, edit_gate): pass\n",
        "@pytest.mark.editmetrics\ndef test_c(edited): pass\n",
    ]
    module(
        wide,
        "@pytest.fixture(scope='module')\ndef edited(): return gate()\n"
        + "".join(tests if order == "forwards" else reversed(tests)),
    )
    result = wide.runpytest()
    assert result.parseoutcomes() == {"failed": 1, "passed": 2}
    assert_came(result, 1, "FAILED test_x.py::test_b - *asked for gates and made non*")


def test_autouse_of_a_session(wide, assert_came):
    """A session's autouse fixture measures once: it is no gate of a marked test that makes none."""
    module(
        wide,
        "@pytest.fixture(scope='session', autouse=True)\ndef smoke(): return gate()\n"
        "@pytest.mark.editmetrics\ndef test_a(): pass\n",
    )
    assert_came(wide.runpytest(), 1, "*this test asked for gates and made none*")


@pytest.mark.parametrize("how", ["fork", "thread", "async"])
def test_elsewhere_in_the_set_up(wide, assert_held, how):
    """The set-up measures in a forked process, in a thread, or in a coroutine."""
    body = {
        "fork": "    import multiprocessing\n"
        "    child = multiprocessing.get_context('fork').Process(target=gate)\n"
        "    child.start(); child.join()\n",
        "thread": "    import contextvars, threading\n"
        "    thread = threading.Thread(target=contextvars.copy_context().run, args=(gate,))\n"
        "    thread.start(); thread.join()\n",
        "async": "    import asyncio\n    async def measured(): await asyncio.to_thread(gate)\n"
        "    asyncio.run(measured())\n",
    }[how]
    module(wide, f"@pytest.fixture(scope='module')\ndef edited():\n{body}    return 1\n" + A_B)
    assert_held("goldens/test_x.py.yaml", "fixture edited")


def test_anyio(wide, assert_held):
    """The fixture and the tests are coroutines in anyio's one event loop."""
    pytest.importorskip("anyio")
    wide.makeini("[pytest]\npythonpath = .\naddopts = -p anyio.pytest_plugin\n")
    module(
        wide,
        "pytestmark = pytest.mark.anyio\n"
        "@pytest.fixture(scope='session')\ndef anyio_backend(): return 'asyncio'\n"
        "@pytest.fixture(scope='session')\nasync def model(anyio_backend): return 1\n"
        "@pytest.fixture(scope='module')\nasync def edited(model): return gate()\n"
        "@pytest.fixture(scope='module')\nasync def more(edited): yield gate(1)\n"
        "async def test_a(edited, more): pass\nasync def test_b(edited): pass\n",
    )
    assert_held("goldens/test_x.py.yaml", "fixture edited")
    assert '"fixture more":' in (wide.path / "goldens" / "test_x.py.yaml").read_text()


def test_gate_object_of_a_test(wide, assert_held):
    """The set-up uses an edit_gate that a test left in a global variable."""
    module(
        wide,
        "@pytest.fixture(autouse=True)\ndef left(edit_gate): global GATE; GATE = edit_gate\n"
        "@pytest.fixture(scope='module')\n"
        "def edited(): GATE.run(Check(image(0), image(int((ROOT / 'model').read_text())),"
        " metrics='score'))\n"
        "@pytest.mark.editmetrics(gates='none')\n"
        "def test_a(request): request.getfixturevalue('edited')\n"
        "@pytest.mark.editmetrics(gates='none')\n"
        "def test_b(request): request.getfixturevalue('edited')\n",
    )
    assert_held("goldens/test_x.py.yaml", "fixture edited")


def test_golden_image_object_of_a_test(wide, assert_came):
    """The set-up uses a golden_image that a test left in a global variable."""
    module(
        wide,
        "@pytest.fixture(autouse=True)\ndef left(golden_image): global GATE; GATE = golden_image\n"
        "@pytest.fixture(scope='module')\n"
        "def edited(): GATE.check(image(int((ROOT / 'model').read_text())), comparator='pixel')\n"
        "@pytest.mark.editmetrics(gates='none')\n"
        "def test_a(request): request.getfixturevalue('edited')\n"
        "@pytest.mark.editmetrics(gates='none')\n"
        "def test_b(request): request.getfixturevalue('edited')\n",
    )
    assert wide.runpytest("--editmetrics-update=missing").ret == 0
    assert len(list(wide.path.joinpath("goldens", "test_x.py").glob("fixture-edited-*.png"))) == 1
    wide.path.joinpath("model").write_text("30")
    result = wide.runpytest("-k", "test_b")
    assert_came(result, 1, "E*look at*test-x-py-fixture-edited-golden-pixel-*")


def test_one_name_twice(wide, assert_came):
    """One file makes two fixtures of one name, for the conftest.py of two folders."""
    wide.path.joinpath("made.py").write_text(
        "from gates import *\ndef make(value):\n"
        "    @pytest.fixture(scope='session')\n    def edited(): return gate(value)\n"
        "    return edited\n"
    )
    for name, value in (("one", 1), ("two", 50)):
        folder = wide.mkdir(name)
        (folder / "conftest.py").write_text(f"from made import make\nedited = make({value})\n")
        (folder / f"test_{name}.py").write_text("def test_it(edited): pass\n")
    result = wide.runpytest()
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    assert_came(result, 1, "E*two fixtures 'edited' are made in one file (made.py)*")


def test_one_id_of_two_values(wide, assert_came):
    """Two tests give a fixture, indirectly, different values under one id."""
    module(
        wide,
        "@pytest.fixture(scope='module')\ndef edited(request): return gate(request.param)\n"
        "@pytest.mark.parametrize('edited', [1], indirect=True, ids=['hat'])\n"
        "def test_a(edited): pass\n"
        "@pytest.mark.parametrize('edited', [50], indirect=True, ids=['hat'])\n"
        "def test_b(edited): pass\n",
    )
    assert_came(
        wide.runpytest(),
        1,
        "E*'fixture edited[[]hat]' (test_x.py) is the fixture's id of two values*",
    )


def test_pipe_of_one_test(wide, assert_came):
    """A module overrides the pipe for each test, and its session's fixture measures."""
    module(
        wide,
        "@pytest.fixture\ndef pixel_pipe(): return lambda *args, **more: 0.0\n"
        "@pytest.fixture(scope='session')\ndef edited(): return gate()\n"
        "def test_a(pixel_pipe, edited): pass\n",
    )
    assert_came(wide.runpytest(), 1, "E*serves more than one test and cannot be measured by*")


def test_module_fixture_of_two_modules(wide, assert_came, workers):
    """A module's fixture of conftest.py is set up for two modules: one golden holds the worse."""
    conftest_too(
        wide,
        "from gates import *\n@pytest.fixture(scope='module')\n"
        "def edited(request): return gate(request.module.VALUE)\n",
    )
    for name, value in (("one", 2), ("two", 20)):
        wide.makepyfile(**{f"test_{name}": f"VALUE = {value}\ndef test_it(edited): pass\n"})
    assert_came(
        wide.runpytest(*workers, "--editmetrics-update=missing"),
        0,
        "recorded: goldens/conftest.py.yaml; review the change and commit it",
    )
    assert "measured: 0.2, size: " in (wide.path / "goldens" / "conftest.py.yaml").read_text()


def test_saved_runs(wide, assert_came):
    """Two runs in which other tests set the fixture up are compared, merged, shown and approved."""
    module(wide, "@pytest.fixture(scope='module')\ndef edited(): return gate()\n" + A_B)
    wide.runpytest("--editmetrics-update=missing", "--editmetrics-run-dir=base", "-k", "test_a")
    wide.path.joinpath("model").write_text("30")
    wide.runpytest("--editmetrics-run-dir=head", "-k", "test_b")
    wide.runpytest("--editmetrics-run-dir=other", "-k", "test_a")
    commands = {
        "compare base head --fail score:5%": (1, "*score*1 of 1 gate is worse by more than 5 %*"),
        "merge head other -o both --shards 2": (0, "*"),
        "report both": (0, "*"),
        "approve both": (0, "approved: test_x.py::fixture edited score 0.300, max 0.033 -> 0.33*"),
    }
    for command, (status, said) in commands.items():
        result = wide.run(sys.executable, "-m", "pytest_editmetrics.cli.main", *command.split())
        assert_came(result, status, said)
    assert "set up for test_x.py::test_" in (wide.path / "both" / "report.html").read_text()
    wide.runpytest("-k", "test_b").assert_outcomes(passed=1, deselected=1)


def test_suite_gate(wide, assert_came, workers):
    """The suite as a whole is judged, and each worker set the fixture up."""
    conftest_too(
        wide,
        "from gates import *\n@pytest.fixture(scope='session')\ndef edited(): return gate()\n",
    )
    wide.path.joinpath("editmetrics.yaml").write_text(
        "thresholds: {score: {max: 0.6}}\nsuite: {score: {mean: {max: 0.01}}}\n"
    )
    module(wide, A_B)
    assert_came(
        wide.runpytest(*workers),
        1,
        "FAILED: suite score mean 0.030 > max 0.010*",
    )


def test_obsolete(wide, assert_came, workers):
    """Only a run of the whole suite tells of a fixture that is gone."""
    make = "@pytest.fixture(scope='session')\ndef {}(): return gate()\n"
    conftest_too(wide, "from gates import *\n" + make.format("edited") + make.format("kept"))
    module(
        wide,
        "def test_a(edited): pass\n@pytest.mark.skipif('NOT' in ROOT.name, reason='')\n"
        "def test_b(kept): pass\n",
    )
    wide.makepyfile(test_y="def test_c(kept): pass\n")
    wide.runpytest("--editmetrics-update=missing")
    path = wide.path / "conftest.py"
    path.write_text(path.read_text().replace("def edited(): return gate()", "def edited(): pass"))
    for args in (("test_x.py",), ("-k", "test_c")):
        result = wide.runpytest(*workers, *args)
        result.stdout.no_fnmatch_line("*obsolete goldens*")
    path.write_text(path.read_text().replace("def edited", "def made"))
    wide.path.joinpath("test_x.py").write_text("def test_a(made): pass")
    result = wide.runpytest(*workers)
    result.stdout.fnmatch_lines(["  goldens/conftest.py.yaml:1: fixture edited"])
    result.stdout.no_fnmatch_line("*: fixture kept")
    assert_came(
        result, 0, "obsolete goldens: 1 entry of a test, or fixture, that no longer exists*"
    )


def test_gate_that_is_gone(wide, assert_came, workers):
    """A fixture stays, and makes its gate no more."""
    make = "@pytest.fixture(scope='session')\ndef edited(): return gate()\n"
    conftest_too(wide, "from gates import *\n" + make)
    module(wide, A_B)
    wide.runpytest("--editmetrics-update=missing")
    path = wide.path / "conftest.py"
    path.write_text(
        path.read_text().replace("def edited(): return gate()", "def edited(): return 1")
    )
    result = wide.runpytest(*workers, "--editmetrics-strict=regressed", "-k", "test_b")
    result.stdout.fnmatch_lines(["  goldens/conftest.py.yaml:2: fixture edited score"])
    assert_came(result, 1, "FAILED: approved but not measured: 1 golden that no gate was held to*")


def test_caught_failure(wide, assert_came):
    """The fixture catches the exception of its failing gate, and the test that needs it is rerun."""
    module(
        wide,
        "@pytest.fixture(scope='module')\ndef edited():\n"
        "    try: gate(70)\n    except Exception: pass\n    return 1\n" + A_B,
    )
    result = wide.runpytest("--reruns=2")
    assert result.parseoutcomes() == {"failed": 1, "passed": 1, "rerun": 2}
    assert_came(
        result, 1, "*fixture   test_x.py::fixture edited, set up for test_x.py::test_a, used*"
    )


def test_yaml_case(wide, assert_held):
    """A case of a YAML file uses the fixture, too."""
    conftest_too(
        wide,
        "from gates import *\n@pytest.fixture(scope='session')\ndef edited(): return gate()\n",
    )
    from PIL import Image

    for name in ("a", "b"):
        Image.new("RGB", (8, 8)).save(wide.path / f"{name}.png")
    wide.makefile(
        ".edit.yaml",
        test_cases="metrics: [unedit_max_diff]\ncases:\n  - {id: test_b, reference: a.png,"
        " edited: b.png, usefixtures: [edited], thresholds: {unedit_max_diff: {max: 1}}}\n",
    )
    module(wide, "def test_a(edited): pass\n")
    assert_held("goldens/conftest.py.yaml", "fixture edited")


def test_automatic_id(wide, assert_came):
    """pytest names a fixture's parameter by its place, and another is inserted before it."""
    text = (
        "PARAMS = [{{'value': 3}}, {{'value': 30}}]\n"
        "@pytest.fixture(scope='module', params={})\n"
        "def edited(request): return gate(request.param['value'])\n" + A_B
    )
    module(wide, text.format("PARAMS"))
    wide.runpytest("--editmetrics-update=missing").stdout.fnmatch_lines(
        ["*place of a parameter (test_x.py::fixture edited, edited): write pytest.param(*"]
    )
    module(wide, text.format("PARAMS[::-1]"))
    assert_came(
        wide.runpytest(), 1, "E*'fixture edited[[]edited0]' was recorded for another value*"
    )


def test_failure_after_the_gate(wide, assert_came):
    """The fixture fails after its gate, whose value is not recorded then."""
    module(
        wide,
        "@pytest.fixture(scope='module')\ndef edited(): gate(); raise RuntimeError('no')\n" + A_B,
    )
    result = wide.runpytest("--editmetrics-update=all")
    assert not (wide.path / "goldens" / "test_x.py.yaml").exists()
    assert_came(result, 1, "not recorded: 1 gate of a test that failed for another reason")


def test_failure_of_the_first_test(wide, assert_came):
    """The test that set the fixture up fails for another reason: the fixture's golden is recorded."""
    module(
        wide,
        "@pytest.fixture(scope='module')\ndef edited(): return gate()\n"
        "def test_a(edited): assert 0\ndef test_b(edited): pass\n",
    )
    result = wide.runpytest("--editmetrics-update=missing")
    assert_came(result, 1, "recorded: goldens/test_x.py.yaml; review the change and commit it")


def test_own_gate_of_an_old_entry(wide, assert_came):
    """A test may have recorded an entry for a gate of its own: it is not taken for the fixture's."""
    module(
        wide,
        "@pytest.fixture(scope='module')\ndef edited(): return gate(name='x')\n"
        "def test_a(edited, check): check(3, name='x')\ndef test_b(edited): pass\n",
    )
    wide.mkdir("goldens").joinpath("test_x.py.yaml").write_text("test_a:\n  score@x: {max: 0.01}\n")
    result = wide.runpytest("-k", "test_b")
    assert_came(
        result, 0, "*goldens/test_x.py.yaml:2 of 'test_a' is not taken for it, since that test*"
    )


def test_earlier_recording_of_a_sound_model(wide, assert_came):
    """An entry that an earlier recording left holds a sound model: it is not called unmeasured."""
    module(wide, "@pytest.fixture(scope='module')\ndef edited(): return gate()\n" + A_B)
    wide.mkdir("goldens").joinpath("test_x.py.yaml").write_text("test_a:\n  score: {max: 0.04}\n")
    result = wide.runpytest("--editmetrics-strict=regressed")
    result.stdout.no_fnmatch_line("*approved but not measured*")
    assert_came(
        result, 0, "golden of test_x.py::fixture edited: held to goldens/test_x.py.yaml:2 of*"
    )


def test_users_by_hand(wide, assert_came):
    """Tests that ask for the fixture by getfixturevalue are named, too."""
    module(
        wide,
        "@pytest.fixture(scope='module')\ndef edited(): return gate(255)\n"
        "def test_a(request): request.getfixturevalue('edited')\n"
        "def test_b(request): request.getfixturevalue('edited')\n"
        "def test_c(check): check(1)\n",
    )
    result = wide.runpytest()
    assert_came(result, 0, "  *unmeasured*(used by test_x.py::test_a, test_x.py::test_b)")


def test_moving_an_earlier_recording(wide, assert_came):
    """What an earlier recording left under a test is recorded anew, for the fixture."""
    module(wide, "@pytest.fixture(scope='module')\ndef edited(): return gate()\n" + A_B)
    path = wide.mkdir("goldens") / "test_x.py.yaml"
    path.write_text("test_a:\n  score: {max: 0.04}\n")
    result = wide.runpytest("--editmetrics-update=missing")
    assert_came(result, 0, "recorded: goldens/test_x.py.yaml; review the change and commit it")
    assert '"fixture edited":' in path.read_text()
    result = wide.runpytest()
    assert_came(
        result, 0, "approved but not measured: 1 golden that no gate was held to in this run*"
    )


def test_marked_test_that_asks_by_hand(wide, assert_came):
    """A marked test makes no gate, and asks by getfixturevalue for a fixture that made one."""
    module(
        wide,
        "@pytest.fixture(scope='session')\ndef edited(): return gate()\n"
        "def test_a(edited): pass\n"
        "@pytest.mark.editmetrics\ndef test_b(request): request.getfixturevalue('edited')\n",
    )
    assert_came(wide.runpytest("--editmetrics-strict=regressed"), 0, "*2 passed*")


def test_the_xfail_mark_of_the_first_test(wide, assert_came, workers):
    """The fixture catches its failing gate; the test that it was set up for is marked xfail, not the other."""
    wide.makepyfile(
        test_x="from gates import *\n@pytest.fixture(scope='module')\ndef edited():\n"
        "    try: return gate(90)\n    except Exception: return 90\n"
        "@pytest.mark.xfail\ndef test_a(edited): assert edited\ndef test_b(edited): assert edited\n"
    )
    came = wide.runpytest_subprocess(*workers, "--dist=loadfile" if workers else "-v")
    assert_came(
        came, 1, "FAILED: test_x.py::fixture edited: *0.900 > max 0.600; test_x.py::test_b*"
    )
