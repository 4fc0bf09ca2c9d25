"""Goldens of tests that are gone, where each session is a part of the suite and a merge the whole."""

from __future__ import annotations

import json
import shutil

import pytest
from conftest_text import add_to_conftest
from parameters import first_of

from pytest_editmetrics.cli.main import main

STRICT = "--editmetrics-strict=regressed"
ONE, TWO = ("a", "b"), ("c", "d")
BY_K = (("-k", "test_a or test_b"), ("-k", "not (test_a or test_b)"))
WAYS = {
    "-k": BY_K,
    "files": (("test_one.py",), ("test_two.py",)),
    "ids": (("test_one.py::test_b", "test_one.py::test_a"), ("test_two.py::test_d", "test_two.py::test_c")),
    "xdist": tuple((*one, "-n2") for one in BY_K),
    "a plugin": (("-p", "cutter", "--cut=0"), ("-p", "cutter", "--cut=1")),
}  # fmt: skip
by_way = pytest.mark.parametrize("way", WAYS)
CUTTER = """
def pytest_addoption(parser): parser.addoption("--cut", type=int)
def pytest_collection_modifyitems(config, items): items[:] = items[config.option.cut :: 2]
"""
HEAD = "import pytest\n@pytest.fixture(autouse=True)\ndef _made(): pass\n"


def checks(names, *, head=HEAD):
    return head + "".join(f"def test_{name}(check): check(3)\n" for name in names)


@pytest.fixture
def four(suite):
    """Four tests in two files, each with a golden."""
    suite.makeini("[pytest]\npythonpath = .\n")
    suite.path.joinpath("cutter.py").write_text(CUTTER)
    suite.path.joinpath("editmetrics.yaml").write_text("thresholds: {score: {max: 0.9}}\n")
    suite.makepyfile(test_one=checks(ONE), test_two=checks(TWO))
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=4)
    return suite


def run_shards(suite, way, *options):
    """Run the shards; return what they came to, and said."""
    results = [
        suite.runpytest(*of_way, *options, f"--editmetrics-run-dir=shard{number}")
        for number, of_way in enumerate(way)
    ]
    return [int(result.ret) for result in results], "\n".join(one.stdout.str() for one in results)


@pytest.fixture
def merge(capsys, monkeypatch, pytester):
    """Merge the shards; give the exit status, and all that was said."""
    monkeypatch.chdir(pytester.path)

    def run(*options):
        capsys.readouterr()
        shards = sorted(map(str, pytester.path.glob("shard*")))
        status = main(["merge", *shards, "-o", "run", *(options or ("--shards", str(len(shards))))])
        return status, "".join(capsys.readouterr())

    return run


@pytest.mark.quick(1)
@by_way
def test_a_test_that_was_renamed_is_named_by_the_merge_and_fails_it(four, merge, capsys, way):
    four.makepyfile(test_two=checks(("c", "new_d")))
    told = ["test_two.py.yaml:3: test_d (is it 'test_new_d' now? Then rename the entry)"]
    ways = [tuple(one.replace("::test_d", "::test_new_d") for one in of) for of in WAYS[way]]
    statuses, said = run_shards(four, ways, STRICT)
    assert statuses == [0, 1]  # each knows the tests of the file, and that a default let it pass
    assert said.count("FAILED: obsolete goldens: 1 entry of a test") == 1
    status, said = merge()
    assert status == 1
    assert "FAILED: obsolete goldens: 1 entry of a test" in said
    assert all(line in said for line in told)
    assert main(["comment", "run"]) == 0
    said = capsys.readouterr().out
    assert "❌ editmetrics failed: 4 gates, 1 obsolete golden" in said
    assert "### obsolete goldens: 1 entry" in said
    assert "test_two.py.yaml:3: test_d (is it" in said
    assert main(["report", "run", "-o", "r.html"]) == 0
    page = (four.path / "r.html").read_text()
    assert "1 obsolete golden; 4 cases, none of which failed" in page
    assert "test_two.py.yaml:3: test_d (is it" in page


LOST = "; '{}' may be one of them, under a new name, and only a default bound let"


def test_a_renamed_test_that_a_default_bound_let_pass_fails_its_shard_and_the_merge(
    four, merge, capsys
):
    four.makepyfile(test_two=checks(("c", "new_d")))
    ways = [tuple(one.replace("::test_d", "::test_new_d") for one in of) for of in WAYS["ids"]]
    assert run_shards(four, ways)[0] == [0, 1]
    status, said = merge()
    assert status == 1
    assert said.count("obsolete goldens") == said.count(LOST.format("test_new_d")) == 1
    assert "FAILED: obsolete goldens: 1 entry of a test" in said
    assert "problem of the session" not in said
    assert main(["comment", "run"]) == 0
    said = capsys.readouterr().out
    assert "❌ editmetrics failed: 4 gates" in said
    assert said.count(LOST.format("test_new_d")) == 1
    assert main(["report", "run", "-o", "r.html"]) == 0
    assert (four.path / "r.html").read_text().count("may be one of them") == 1


def test_a_test_file_that_moved_and_that_a_default_bound_let_pass_fails_all(four, merge):
    (four.path / "test_two.py").rename(four.path / "test_three.py")
    assert run_shards(four, WAYS["a plugin"])[0] == [1, 1]
    status, said = merge()
    assert status == 1
    assert LOST.format("test_c") in said or LOST.format("test_d") in said
    assert said.count("may be one of them") == 1


@pytest.mark.quick(1)
@by_way
def test_where_all_tests_are_there_nothing_is_said(four, merge, way):
    assert run_shards(four, WAYS[way], STRICT)[0] == [0, 0]
    status, said = merge()
    assert (status, "obsolete" in said, "gone" in said) == (0, False, False)
    end = json.loads((four.path / "run/results.jsonl").read_text().splitlines()[-1])
    assert (end["obsolete"], end["full"]) == ([], False)


EXCUSED = {
    "left out of every shard": ("@pytest.mark.slow\ndef test_d(check): check(3)\n", ("-m", "not slow")),
    "deselected by every shard": ("def test_d(check): check(3)\n", ("--deselect=test_two.py::test_d",)),
    "skipped": ("@pytest.mark.skip\ndef test_d(check): check(3)\n", ()),
    "failed before its gate": ("def test_d(check): assert 0\n", ()),
    "run again": ("def test_d(check): assert 0\n", ("--reruns=1",)),
    "of a class": (
        "class TestD:\n    def test_d(self, check): check(3)\n", ()
    ),
}  # fmt: skip


@pytest.mark.quick(1)
@pytest.mark.parametrize("how", EXCUSED)
def test_a_test_that_is_there_holds_its_golden(four, merge, how):
    text, options = EXCUSED[how]
    four.makepyfile(test_two=checks("c") + text)
    if "class" in text:
        golden = four.path / "goldens/test_two.py.yaml"
        golden.write_text(golden.read_text().replace("test_d", "TestD::test_d"))
    run_shards(four, WAYS["-k"], STRICT, *options)
    status, said = merge()
    assert "obsolete" not in said
    assert status == 0


def test_what_one_shards_machine_has_is_there(four, merge):
    first, second = WAYS["-k"]
    four.runpytest(*second, "--editmetrics-run-dir=shard0")
    four.makepyfile(test_two=checks("c"))
    four.runpytest(*first, "--editmetrics-run-dir=shard1")
    assert "obsolete" not in merge()[1]


def test_a_file_of_which_no_shard_found_all_tests_is_not_judged(four, merge):
    two = "class TestC:\n    def test_c(self): pass\nclass TestNew:\n    def test_d(self): pass\n"
    four.makepyfile(test_two=two)
    run_shards(four, [("test_one.py",), ("test_two.py::TestC::test_c",)], STRICT)
    status, said = merge()
    assert status == 0
    assert "not looked for goldens of tests that are gone: goldens/test_two.py.yaml; no" in said


def test_a_test_file_that_is_gone_is_named(four, merge):
    (four.path / "test_two.py").unlink()
    run_shards(four, [("-k", "test_a"), ("-k", "test_b")], STRICT)
    status, said = merge()
    assert status == 1
    assert "FAILED: obsolete goldens: 2 entries of tests" in said


def test_the_values_of_a_test_that_no_shard_ran_hold_its_golden(four, merge):
    text = (
        "import pytest\n@pytest.mark.parametrize('to', [{}])\n"
        "def test_d(check, to): check(3)\ndef test_e(check): check(3)\n"
    )
    four.makepyfile(test_two=text.format("{'x': 2}, {'x': 1}"))
    (four.path / "goldens/test_two.py.yaml").unlink()
    four.runpytest("--editmetrics-update=missing").assert_outcomes(passed=5)
    four.makepyfile(test_two=text.format("{'x': 1}"))
    for number, options in enumerate((("-k", "test_e"), ("-k", "test_a or test_b"))):
        four.runpytest(STRICT, *options, f"--editmetrics-run-dir=shard{number}")
    status, said = merge()
    assert status == 1
    assert "obsolete" not in said
    assert "in no shard" in said
    assert said.count("test_d[to0]") == 1


def test_they_fail_where_the_shards_ran_strict(four, merge, capsys):
    four.makepyfile(test_two=checks("c"))
    run_shards(four, WAYS["-k"])
    status, said = merge()
    assert status == 0
    assert "\nobsolete goldens: 1 entry of a test" in said
    main(["comment", "run"])
    said = capsys.readouterr().out
    assert "✅ editmetrics passed: 3 gates" in said
    assert "in no shard" not in said
    assert "### obsolete goldens: 1 entry" in said


def test_only_all_shards_may_judge(four, merge, capsys):
    four.makepyfile(test_two=checks("c"))
    run_shards(four, WAYS["-k"], STRICT)
    status, said = merge("--allow-incomplete")
    assert status == 0
    assert "1 golden is of no test of these runs; if they are all shards of the suite, give" in said
    assert "obsolete" not in said
    main(["comment", "run"])
    assert "obsolete" not in capsys.readouterr().out
    results = four.path / "shard1/results.jsonl"
    results.write_text("".join(results.read_text().splitlines(keepends=True)[:-1]))
    status, said = merge("--shards", "2", "--allow-incomplete")
    assert status == 0
    assert "not looked for goldens of tests that are gone: " in said
    assert "shard1 does not tell of them, as it was cut off" in said


@pytest.mark.quick(1)
@pytest.mark.parametrize("told", ["[]", '{"files": {}}', '{"strict": 1}'])
def test_an_end_that_was_edited_is_an_error(four, merge, told):
    run_shards(four, WAYS["-k"])
    results = four.path / "shard0/results.jsonl"
    *lines, last = results.read_text().splitlines()
    end = {**json.loads(last), "unheld": json.loads(told)}
    results.write_text("\n".join([*lines, json.dumps(end)]) + "\n")
    status, said = merge()
    assert status == 1
    assert "the end of the results tells of goldens what makes no sense" in said


def test_runs_that_no_tests_made_have_no_goldens_to_look_for(four, merge):
    run_shards(four, WAYS["-k"])
    for results in four.path.glob("shard*/results.jsonl"):
        first, *lines = results.read_text().splitlines()
        last = json.loads(lines.pop())
        del last["unheld"]
        records = {**json.loads(first), "scored": None}, last
        first, last = map(json.dumps, records)
        results.write_text("\n".join([first, *lines, last]) + "\n")
    status, said = merge()
    assert (status, "gone" in said) == (0, False)


IMAGE = """
import numpy as np
def test_{0}(golden_image): golden_image.check(np.zeros((8, 8, 3), np.uint8))
def test_other(): pass
"""


def test_golden_images_are_named_and_pruned(four, merge, capsys):
    (four.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    four.makepyfile(test_two=IMAGE.format("c") + "def test_c2" + IMAGE.partition("test_{0}")[2])
    (four.path / "goldens/test_two.py.yaml").unlink()
    four.runpytest("--editmetrics-update=missing")
    four.makepyfile(test_two=IMAGE.format("c"))
    assert run_shards(four, WAYS["-k"], STRICT)[0] == [0, 0]
    status, said = merge()
    assert status == 1
    assert (
        "FAILED: obsolete golden images (`editmetrics prune RUN --yes` removes them, where that is certain): 1\n"
        in said
    )
    assert ": its test test_c2 is gone" in said
    assert main(["prune", "run", "--yes"]) == 0
    assert "removed 1\n" in capsys.readouterr().out
    left = [path.name for path in (four.path / "goldens/test_two.py").glob("*.png")]
    assert len(left) == 1
    assert left[0].startswith("test_c-")


FIXTURES = """
import pytest
from pytest_editmetrics.checks.edit_gate import Check, EditGate
from pytest_editmetrics.session.running import running_record

@pytest.fixture(scope="session")
def {0}():
    import numpy as np
    images = np.zeros((2, 8, 8, 3), np.uint8)
    EditGate(running_record()).run(Check(*images, metrics="score"))
"""


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("asked", "options", "gone"),
    [
        ("def test_e({0}): pass", (), True),
        ("def test_e({0}): pass", ("-m", "not slow"), False),
        ("def test_e(request): request.getfixturevalue('{0}')", (), True),
        ("def test_e(request): request.getfixturevalue('{0}')", ("-m", "not slow"), False),
    ],
)
@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_a_fixture_is_gone_only_where_every_test_ran(four, merge, asked, options, gone, mode):
    add_to_conftest(four, FIXTURES.format("made"))
    text = checks(TWO) + "@pytest.mark.slow\n"
    four.makepyfile(test_two=text + asked.format("made"))
    four.runpytest("--editmetrics-update=missing").assert_outcomes(passed=5)
    run_shards(four, WAYS["-k"], STRICT, *options, *mode)
    status, said = merge()
    assert (status, "obsolete" in said) == (0, False)
    conftest = four.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("def made", "def draw"))
    four.makepyfile(test_two=text + asked.format("draw"))
    run_shards(four, WAYS["-k"], STRICT, *options, *mode)
    status, said = merge()
    assert ("conftest.py.yaml:1: fixture made" in said) == gone
    assert status == int(gone)


PLAIN = "def test_plain(): pass\n"


@pytest.mark.quick(1)
@by_way
@pytest.mark.parametrize("strict", first_of(1, [(), (STRICT,)]), ids=["", "strict"])
def test_a_test_that_no_shard_ran_is_named_and_fails_whatever_the_shards_ran_with(
    four, merge, capsys, way, strict
):
    first, second = WAYS[way]
    second = {
        "-k": ("-k", "test_c"),
        "files": ("test_two.py::test_c",),
        "ids": ("test_two.py::test_c",),
        "xdist": ("-k", "test_c", "-n2"),
        "a plugin": ("-p", "cutter", "--cut=3"),
    }[way]
    four.makepyfile(test_two=checks(TWO) + PLAIN)
    assert run_shards(four, (first, second), *strict)[0] == [0, 0]
    status, said = merge()
    assert status == 1
    assert "FAILED: in no shard: " in said
    lost = "test_one.py::test_b" if way == "a plugin" else "test_two.py::test_d"
    assert f": 1\n  {lost}\n" in said
    assert main(["comment", "run"]) == 0
    said = capsys.readouterr().out
    assert "❌ editmetrics failed: 3 gates, 1 test ran in no shard" in said
    assert "in no shard: tests with gates" in said
    assert main(["report", "run", "-o", "r.html"]) == 0
    page = (four.path / "r.html").read_text()
    assert "1 test ran in no shard; 3 cases, none of which failed" in page
    assert "in no shard: tests with gates" in page
    (four.path / "suite.yaml").write_text("suite: {lpips: {mean: 1}}")
    four.runpytest("--editmetrics-run-dir=base")
    capsys.readouterr()
    for held in (["--fail", "score:5%"], ["--suite", "suite.yaml"]):
        assert main(["compare", "base", "run", *held]) == 1
        assert "of the head 1 test ran in no shard, so gates" in capsys.readouterr().out


ASKED_AS_IT_RUNS = """
import numpy as np, pytest
def get(request, name): return request.getfixturevalue(name)
def test_c(check): check(3)
def test_d(request): get(request, "check")(3)
class TestD:
    @pytest.mark.parametrize("to", ["x", "y"])
    def test_d(self, request, to): get(request, "check")(3)
def test_i(request): get(request, "golden_image").check(np.zeros((8, 8, 3), np.uint8))
def test_n(request): get(request, "golden_image").check(np.zeros((8, 8, 3), np.uint8), name="n")
def test_plain(request): request.getfixturevalue("tmp_path")
"""
HELD = ("test_d", "TestD::test_d[x]", "TestD::test_d[y]", "test_i", "test_n")


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_what_goldens_hold_is_missed_whatever_way_the_test_asks(four, merge, capsys, mode):
    four.makepyfile(test_two=ASKED_AS_IT_RUNS)
    four.makefile(".yaml", editmetrics="golden_images: {comparator: exact}")
    four.runpytest("--editmetrics-update=missing").assert_outcomes(passed=9)
    run_shards(four, (("-k", "test_a or test_b"), ("-k", "test_c")), *mode)
    status, said = merge()
    assert status == 1
    assert "FAILED: in no shard: " in said
    assert all(f"\n  test_two.py::{test}\n" in said for test in HELD)
    assert "test_plain" not in said
    assert main(["comment", "run"]) == 0
    assert f"{len(HELD)} tests ran in no shard" in capsys.readouterr().out
    run_shards(four, (("-k", "test_i or test_n"), ("-k", "not (test_i or test_n)")), *mode)
    status, said = merge()
    assert (status, "in no shard" in said) == (0, False)


LATE = """
def get(request, name): return request.getfixturevalue(name)
def test_e(request): request.getfixturevalue("made")
def test_f(request): get(request, "made")
@pytest.fixture
def later(request): return request.getfixturevalue("made")
def test_g(later): pass
def test_plain(request): request.getfixturevalue("tmp_path")
def test_word(): print("made")
"""


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_what_asks_for_a_fixture_that_goldens_hold_as_it_runs_is_missed(four, merge, mode):
    add_to_conftest(four, FIXTURES.format("made"))
    four.makepyfile(test_two=checks(TWO) + LATE)
    four.runpytest("--editmetrics-update=missing").assert_outcomes(passed=9)
    assert "fixture made" in (four.path / "goldens/conftest.py.yaml").read_text()
    run_shards(four, (("-k", "test_a or test_b"), ("-k", "test_c or test_d")), *mode)
    status, said = merge()
    assert status == 1
    assert all(f"\n  test_two.py::test_{test}\n" in said for test in "efg")
    assert "test_plain" not in said
    assert "test_word" not in said
    run_shards(four, (("-k", "test_a or test_b"), ("-k", "not (test_a or test_b)")), *mode)
    status, said = merge()
    assert (status, "in no shard" in said) == (0, False)


MARKED = "@pytest.mark.slow\ndef test_d(check): check(3)\n"


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
@pytest.mark.parametrize("cutter", [False, True], ids=["-k", "a plugin"])
def test_what_all_shards_leave_out_by_the_same_option_is_meant_to_be(four, merge, cutter, mode):
    four.makepyfile(test_two=checks("c") + MARKED)
    way = WAYS["a plugin" if cutter else "-k"]
    run_shards(four, way, STRICT, "-m", "not slow", *mode)
    status, said = merge()
    assert (status, "in no shard" in said) == (0, False)


def test_what_the_shards_options_leave_out_between_them_is_not(four, merge):
    four.makepyfile(test_two=checks("c") + MARKED)
    run_shards(
        four, [("-m", "not slow", "-k", "not test_c"), ("-m", "slow", "-k", "test_c")], STRICT
    )
    status, said = merge()
    assert status == 1
    assert "  test_two.py::test_c\n  test_two.py::test_d\n" in said


def test_a_shard_that_found_a_test_and_skipped_or_crashed_ran_it(four, merge):
    four.makepyfile(test_two=checks("c") + "def test_d(check): pytest.skip()\n")
    run_shards(four, WAYS["-k"], STRICT)
    assert "in no shard" not in merge()[1]


@pytest.mark.quick(1)
@pytest.mark.parametrize("way", ["-k", "xdist", "a plugin"])  # each shard finds all tests
def test_goldens_of_a_test_file_that_was_moved_are_told_where_to_go(four, merge, capsys, way):
    (four.path / "test_two.py").rename(four.path / "test_three.py")
    assert run_shards(four, WAYS[way], STRICT)[0] == ([1, 1] if way == "a plugin" else [0, 1])
    status, said = merge()
    assert status == 1
    line = "test_three.py has 2 of these tests: move the file (git mv goldens/test_two.py.yaml"
    assert line in said
    assert "rename, move or delete them" in said
    main(["comment", "run"])
    assert line in capsys.readouterr().out


def test_a_golden_image_of_a_test_file_that_was_moved_too(four, merge):
    (four.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    four.makepyfile(test_two=IMAGE.format("c"))
    (four.path / "goldens/test_two.py.yaml").unlink()
    four.runpytest("--editmetrics-update=missing")
    (four.path / "test_two.py").rename(four.path / "test_three.py")
    run_shards(four, WAYS["-k"])
    said = merge()[1]
    assert (
        ".png: a test looks for it in goldens/test_three.py: move the folder there: git mv " in said
    )


BY_ONE = (("-k", "test_a"), ("-k", "test_b"))


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "way",
    [BY_ONE, tuple((*one, "-n2") for one in BY_ONE), WAYS["a plugin"]],
    ids=["-k", "xdist", "a plugin"],
)
def test_a_test_file_that_lost_its_last_test_is_named(four, merge, way):
    four.makepyfile(test_two=checks(TWO).replace("def test_", "def check_"))
    assert run_shards(four, way, STRICT)[0] == [0, 0]
    status, said = merge()
    assert status == 1
    assert "FAILED: obsolete goldens: 2 entries of tests" in said
    four.makepyfile(test_two="import pytest; pytest.skip('no GPU', allow_module_level=True)")
    run_shards(four, way, STRICT)
    assert merge()[0] == 0


BY_FILE = (("test_one.py",), ("test_two.py",))
FORGOTTEN = "in no shard: goldens of test files that are there and no shard collected (*: {}"


@pytest.mark.parametrize("workers", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_a_test_file_that_no_shard_collected_is_named(four, merge, capsys, workers):
    four.makepyfile(
        test_three=checks("e"), test_four=IMAGE.format("f"), test_five="def test_g(): pass"
    )
    four.runpytest("--editmetrics-update=missing").assert_outcomes(passed=8)
    assert run_shards(four, BY_FILE, STRICT, *workers)[0] == [0, 0]
    status, said = merge()
    assert status == 0  # a suite may leave files out on purpose
    files = ["goldens/test_four.py/", "goldens/test_three.py.yaml"]
    pytest.LineMatcher(said.splitlines()).fnmatch_lines(
        [FORGOTTEN.format(2), *(f"  {one}" for one in files)]
    )
    assert main(["comment", "run"]) == 0
    said = capsys.readouterr().out
    assert "editmetrics passed" in said
    lines = [f"### {FORGOTTEN.format(2)}", "", *(f"*{one}*" for one in files)]
    pytest.LineMatcher(said.splitlines()).fnmatch_lines([line for line in lines if line])
    assert main(["report", "run", "-o", "r.html"]) == 0
    assert files[1] in (four.path / "r.html").read_text()


@pytest.mark.quick(1)
@pytest.mark.parametrize("shard", ["its own", "skipped there", "broken there"])
def test_a_test_file_that_one_shard_collected_is_not(four, merge, shard):
    four.makepyfile(test_three=checks("e"), test_four=IMAGE.format("f"))
    four.runpytest("--editmetrics-update=missing")
    four.runpytest("test_one.py", "--editmetrics-run-dir=shard0")
    text = {
        "skipped there": "import pytest\npytest.skip('', allow_module_level=True)",
        "broken there": "0 / 0",
    }
    if shard in text:
        four.makepyfile(test_three=text[shard], test_four=text[shard])
    options = ("--continue-on-collection-errors", "--editmetrics-run-dir=shard1")
    four.runpytest("test_two.py", "test_three.py", "test_four.py", *options)
    assert "in no shard" not in merge()[1]


def test_of_one_session_nothing_is_said_of_what_it_was_not_asked_for(four, capsys):
    four.runpytest("test_one.py", STRICT, "--editmetrics-run-dir=run")
    for command in (["comment"], ["report", "-o", str(four.path / "r.html")]):
        assert main([command[0], str(four.path / "run"), *command[1:]]) == 0
    said = capsys.readouterr().out + (four.path / "r.html").read_text()
    assert "in no shard" not in said


@pytest.mark.parametrize("strict", [(), (STRICT,)], ids=["", "strict"])
def test_shards_that_record_miss_no_file_that_they_wrote(four, merge, strict):
    """Goldens that came with the run were "in no shard" right after it."""
    shutil.rmtree(four.path / "goldens")
    ended, _ = run_shards(four, WAYS["files"], "--editmetrics-update=missing", *strict)
    assert ended == [0, 0]
    assert sorted(path.name for path in (four.path / "goldens").iterdir()) == [
        "test_one.py.yaml",
        "test_two.py.yaml",
    ]
    status, said = merge()
    assert status == 0
    assert "in no shard" not in said
