"""A part of the suite is not taken for the whole, whoever left the rest out."""

from __future__ import annotations

import json

import pytest
from conftest_text import add_to_conftest
from parameters import first_of

from pytest_editmetrics.cli.main import main

both = pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])

# ways to leave half of the tests out that pytest_deselected is not told of
CUTS = {
    "modifyitems": "def pytest_collection_modifyitems(items): del items[::2]",
    "outermost wrapper": """
import pytest
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items):
    del items[::2]
    return (yield)
""",
    "collection_finish": """
import pytest
@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session): del session.items[::2]
""",
    "first collection_finish": """
import pytest
@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session): del session.items[::2]
""",
    "protocol": """
import pytest
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item): return True if "0" in item.name or "2" in item.name else None
""",
    "loop": """
def pytest_runtestloop(session):
    for item in session.items[1::2]:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    return True
""",
}


@pytest.fixture
def four(suite):
    """Four tests, a suite gate that they do not keep, and a threshold for each."""
    (suite.path / "editmetrics.yaml").write_text("suite: {score: {mean: {max: 0}}}\n")
    suite.makepyfile(
        test_x="""
        import pytest

        @pytest.mark.parametrize("n", range(4))
        def test_it(check, n): check(10, 1)
        """
    )
    return suite


def cut(suite, text):
    """Let a plugin of the user's leave tests out."""
    (suite.path / "cutter.py").write_text(text)
    return ("-p", "cutter")


@pytest.mark.parametrize("way", CUTS)
def test_tests_that_are_left_out_without_a_word_make_a_part(four, way):
    four.syspathinsert()
    result = four.runpytest_inprocess("--editmetrics-results=r.jsonl", *cut(four, CUTS[way]))
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "suite gates not judged: only a part of the suite ran: 2 of 4 tests that pytest found"
            " did not, as test_x.py::test_it[[]0]; a plugin or conftest.py took them out*"
        ]
    )
    last = json.loads((four.path / "r.jsonl").read_text().splitlines()[-1])
    assert (last["record"], last.get("full")) in [("end", False), ("problem", None)]
    assert ("never ran" in result.stdout.str()) == (last["record"] == "problem")


def test_workers_tell_of_tests_that_were_left_out(four):
    add_to_conftest(four, CUTS["modifyitems"])
    result = four.runpytest("--editmetrics-results=r.jsonl", "-n2")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["suite gates not judged: *: 2 of 4 tests that pytest found did*"])
    assert json.loads((four.path / "r.jsonl").read_text().splitlines()[-1])["full"] is False


def test_the_golden_images_of_what_was_left_out_stay(suite, capsys):
    suite.makepyfile(
        test_x="""
        import numpy as np, pytest

        @pytest.mark.parametrize("n", range(4))
        def test_it(golden_image, n):
            golden_image.check(np.full((8, 8, 3), n, np.uint8), comparator="exact")
        """
    )
    suite.syspathinsert()
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=4)
    suite.runpytest("--editmetrics-results=r", *cut(suite, CUTS["modifyitems"]))
    assert main(["prune", "r", "--rootdir", str(suite.path), "--yes"]) == 1
    assert "the run left tests out" in capsys.readouterr().err
    assert len(list(suite.path.glob("goldens/test_x.py/*.png"))) == 4


def test_what_cannot_be_collected_makes_a_part(four):
    """With --continue-on-collection-errors pytest goes on without it."""
    (four.path / "test_y.py").write_text("class TestIt:\n  def __getattr__")
    result = four.runpytest("--continue-on-collection-errors")
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(["suite gates not judged: *: not every file could be collected"])


@both
def test_an_ordinary_run_is_the_whole(four, mode):
    (four.path / "test_z.py").write_text(
        "import pytest, unittest\n"
        "@pytest.mark.skip\ndef test_s(): pass\n"
        "@pytest.mark.xfail\ndef test_f(): assert 0\n"
        "def test_sub(subtests):\n  with subtests.test('a'): pass\n"
        "class Test(unittest.TestCase):\n  def test_u(self): pass\n"
        "def test_again(tmp_path_factory):\n"
        "  seen = tmp_path_factory.getbasetemp().parent / 'seen'\n"
        "  there, _ = seen.exists(), seen.touch()\n  assert there\n"
        if pytest.version_tuple >= (9,)
        else "def test_s(): pass\n"
    )
    result = four.runpytest("--reruns=1", "--editmetrics-results=r.jsonl", *mode)
    result.stdout.fnmatch_lines(["FAILED: suite score mean 0.100 > max 0.000*"])
    assert json.loads((four.path / "r.jsonl").read_text().splitlines()[-1])["full"] is True


@pytest.mark.parametrize(
    "body",
    [
        "assert_unedit_lpips_below(image(0), image(9), None, 1)",
        "measured()",
        "pytest_editmetrics.assert_unedit_lpips_below(image(0), image(9), None, 1)",
    ],
)
def test_a_test_whose_only_gate_is_a_helper_that_a_hook_took_over(suite, body):
    suite.makepyfile(
        test_x=f"""
        import pytest_editmetrics
        from conftest import image
        from pytest_editmetrics import assert_unedit_lpips_below
        def measured(): assert_unedit_lpips_below(image(0), image(9), None, 1)
        def test_ok(check): check(1, 1)
        def test_it(): {body}
        """,
        conftest=(suite.path / "conftest.py").read_text()
        + "\ndef pytest_runtest_protocol(item): return item.name == 'test_it' or None",
    )
    result = suite.runpytest()
    assert result.ret == 1
    said = "FAILED: 1 test with gates never ran, though pytest was to run test_x.py::test_it: *"
    result.stdout.fnmatch_lines([said])


def test_one_whose_golden_alone_tells_of_its_gate_too(suite):
    suite.makepyfile(
        test_x="def get(request): return request.getfixturevalue('check')\n"
        "def test_ok(check): check(3)\ndef test_it(request): get(request)(3)\n"
    )
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    suite.makeconftest(
        (suite.path / "conftest.py").read_text()
        + "\ndef pytest_runtest_protocol(item): return item.name == 'test_it' or None"
    )
    result = suite.runpytest()
    assert result.ret == 1
    said = "FAILED: 1 test with gates never ran, though pytest was to run test_x.py::test_it: *"
    result.stdout.fnmatch_lines([said])


def test_a_test_that_a_hook_took_over_and_nobody_ran_fails_the_session(suite):
    suite.makepyfile(
        test_x="def test_it(check): check(1, 0.1)\ndef test_plain(): pass\n",
        conftest=(suite.path / "conftest.py").read_text()
        + "\ndef pytest_runtest_protocol(item): return item.name == TAKEN or None\nTAKEN = 'test_it'",
    )
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["FAILED: 1 test with gates never ran, though pytest was to run test_x.py::test_it: *"]
    )
    (suite.path / "conftest.py").write_text(
        (suite.path / "conftest.py").read_text().replace("= 'test_it'", "= 'test_plain'")
    )
    assert suite.runpytest().ret == 0  # it uses no gate
