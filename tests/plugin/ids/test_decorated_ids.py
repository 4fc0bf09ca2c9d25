"""What a scheduler or a repeat plugin writes into a test's id makes no other test."""

from __future__ import annotations

import json
import os

import pytest
from conftest_text import add_to_conftest
from parameters import first_of

from pytest_editmetrics.cli.main import main

both = pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])

# what plugins do, without them
GROUPS = """
def pytest_collection_modifyitems(items):
    for item in items:
        rename(item, item.nodeid + "@gpu")
"""
# as xdist's loadgroup does on pytest 8; on pytest 9 that has no effect
RENAME = """
def rename(item, nodeid):
    if hasattr(item, "_nodeid"):
        item._nodeid = nodeid
    else:
        from _pytest.nodeid import coerce_node_id

        item._id = coerce_node_id(nodeid)
"""
REPEAT = """
@pytest.fixture
def __repeat_step_number(request):
    return request.param
@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc):
    metafunc.fixturenames.append("__repeat_step_number")
    metafunc.parametrize("__repeat_step_number", range(3), indirect=True,
                         ids=lambda i: f"{i + 1}-3")
"""
FLAKEFINDER = """
@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc):
    name = f"__flakefinder_{metafunc.function.__name__}"
    metafunc.fixturenames.append(name)
    metafunc.parametrize(argnames=name, argvalues=list(range(3)))
"""
CONFTEST_LOOP = """
def pytest_generate_tests(metafunc):
    metafunc.fixturenames.append("tmp_ct")
    metafunc.parametrize("tmp_ct", range(3))
"""
REPEATS = {"repeat": REPEAT, "flakefinder": FLAKEFINDER, "conftest": CONFTEST_LOOP}
repeats = pytest.mark.parametrize("repeat", REPEATS.values(), ids=list(REPEATS))


def golden(suite):
    return (suite.path / "goldens" / "test_x.py.yaml").read_text(encoding="utf-8").splitlines()


@both
def test_a_schedulers_suffix_is_no_part_of_the_id(suite, mode):
    (suite.path / "goldens").mkdir()
    (suite.path / "goldens/test_x.py.yaml").write_text('"test_it[a]":\n  score: {max: 0.04}\n')
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 60}}\n")
    suite.makepyfile(
        test_x="""
        import pytest

        @pytest.mark.parametrize("p", ["a"])
        def test_it(check, p): check(30)
        """
    )
    add_to_conftest(suite, RENAME + GROUPS)
    result = suite.runpytest("--editmetrics-results=r.jsonl", *mode)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*score 0.300 > max 0.040*",
            "*bound     golden goldens/test_x.py.yaml:2",
            "*to accept pytest 'test_x.py::test_it[[]a]' --editmetrics-update=failed",
        ]
    )
    result.stdout.no_fnmatch_line("*obsolete*")
    gate, end = map(json.loads, (suite.path / "r.jsonl").read_text().splitlines()[1:])
    assert gate["nodeid"] == "test_x.py::test_it[a]"
    assert end["full"] is True
    assert main(["approve", str(suite.path / "r.jsonl"), "--rootdir", str(suite.path)]) == 0
    assert golden(suite)[1] == '  score: {max: 0.33, measured: 0.3, size: "8x8"}'


def test_pytest_xdist_groups_themselves(suite):
    suite.makepyfile(
        test_x="""
        import pytest

        @pytest.mark.xdist_group("gpu")
        def test_it(check): check(30)
        """
    )
    suite.runpytest("--editmetrics-update=missing", "-n2", "--dist=loadgroup")
    assert golden(suite)[0] == '"test_it":'
    result = suite.runpytest("-n2", "--dist=loadgroup")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*obsolete*")


@repeats
def test_repetitions_count_once_towards_what_is_required(suite, repeat):
    suite.makepyfile(test_x="def test_it(check): check(1, 0.1)\ndef test_other(): pass\n")
    add_to_conftest(suite, repeat)
    assert suite.runpytest("--editmetrics-require=1").ret == 0
    result = suite.runpytest("--editmetrics-require=2")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: fewer gates were measured *: 1 of 2 in all (score 1)*"])


@pytest.mark.quick(1)
@repeats
def test_repetitions_share_one_golden_that_holds_the_worst(suite, repeat):
    suite.makepyfile(
        test_x="""
        import pytest

        @pytest.mark.parametrize("p", ["a", "b"])
        class TestIt:
            def test_it(self, check, p, request):
                last = [int(c) for c in request.node.name if c.isdigit()]
                check(20 + 5 * (last[0] if last else 0))

        def test_plain(check): check(1)
        """
    )
    add_to_conftest(suite, repeat)
    result = suite.runpytest("--editmetrics-update=missing", "--editmetrics-results=r.jsonl")
    result.assert_outcomes(passed=9)
    worst = 35 if repeat is REPEAT else 30
    assert golden(suite)[:4] == [
        '"TestIt::test_it[a]":',
        f'  score: {{max: {worst * 1.1 / 100:.3g}, measured: {worst / 100:.2g}, size: "8x8"}}',
        '"TestIt::test_it[b]":',
        f'  score: {{max: {worst * 1.1 / 100:.3g}, measured: {worst / 100:.2g}, size: "8x8"}}',
    ]
    result = suite.runpytest()
    result.assert_outcomes(passed=9)
    result.stdout.no_fnmatch_line("*obsolete*")
    result.stdout.no_fnmatch_line("*approved but not measured*")
    text = "\n".join(golden(suite)).replace("max: 0.3", "max: 0.2")
    (suite.path / "goldens" / "test_x.py.yaml").write_text(text)
    suite.runpytest("--editmetrics-results=r.jsonl").assert_outcomes(passed=5, failed=4)
    assert main(["approve", str(suite.path / "r.jsonl"), "--rootdir", str(suite.path)]) == 0
    suite.runpytest().assert_outcomes(passed=9)
    add_to_conftest(suite, "def pytest_generate_tests(metafunc): pass")
    suite.runpytest().assert_outcomes(passed=3)


def test_workers_share_the_golden_of_repetitions(suite):
    suite.makepyfile(
        test_x="""
        def test_it(check, request): check(20 + 5 * int(request.node.name[8]))
        """
    )
    add_to_conftest(suite, CONFTEST_LOOP)
    suite.runpytest("--editmetrics-update=missing", "-n2").assert_outcomes(passed=3)
    assert golden(suite) == ['"test_it":', '  score: {max: 0.33, measured: 0.3, size: "8x8"}']


@pytest.mark.parametrize(
    "text",
    [
        "@pytest.fixture(params=[1, 2])\ndef step(request): return request.param",
        "def pytest_generate_tests(metafunc): metafunc.parametrize('step', [1, 2])",
        "@pytest.fixture\ndef step(n): return n\n"
        "def pytest_generate_tests(metafunc): metafunc.parametrize('n', [1, 2])",
    ],
    ids=["fixture", "hook", "of a fixture"],
)
def test_a_parameter_that_somebody_asks_for_is_one(suite, text):
    suite.makepyfile(test_x="def test_it(check, step): check(10 * step)")
    add_to_conftest(suite, text)
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    assert golden(suite)[::2] == ['"test_it[1]":', '"test_it[2]":']


IMAGES = """
    import os, numpy as np

    def test_it(golden_image, request):
        values = [int(c) for c in os.environ["VALUES"]]
        n = int(request.node.name[8]) if "[" in request.node.name else 0
        image = np.full((8, 8, 3), 20 * values[n], np.uint8)
        golden_image.check(image, comparator="pixel", tolerance=0.1)
"""


@pytest.fixture
def images(suite, monkeypatch):
    suite.makepyfile(test_x=IMAGES)
    add_to_conftest(suite, CONFTEST_LOOP)
    monkeypatch.setenv("VALUES", "111")
    return suite


@both
def test_the_first_of_equal_images_is_the_golden(images, mode):
    result = images.runpytest("--editmetrics-update=missing", *mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["recorded: 1 golden image in goldens/test_x.py*"])
    assert len(list(images.path.glob("goldens/test_x.py/*.png"))) == 1
    result = images.runpytest(*mode)
    result.assert_outcomes(passed=3)
    result.stdout.no_fnmatch_line("*obsolete*")


def test_the_others_are_compared_with_the_first(images, monkeypatch):
    monkeypatch.setenv("VALUES", "119")
    result = images.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(passed=2, failed=1)
    monkeypatch.setenv("VALUES", "111")
    images.runpytest().assert_outcomes(passed=3)


def test_another_image_of_another_worker_fails_the_session(images, monkeypatch):
    monkeypatch.setenv("VALUES", "159")
    result = images.runpytest("--editmetrics-update=missing", "-n3")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*: recorded from test_x.py::test_it[[]0]; *made another image*"])
    monkeypatch.setenv("VALUES", "111")
    images.runpytest().assert_outcomes(passed=3)


def test_an_id_that_a_conftest_decodes_is_the_test_that_ran(suite):
    """Some conftests write unicode into the ids of items, and of reports."""
    assert os.environ.get("CI") is None
    (suite.path / "editmetrics.yaml").write_text("suite: {score: {mean: {max: 9}}}\n")
    suite.makepyfile(
        test_x="""
        import pytest

        @pytest.mark.parametrize("p", ["\\u732b"])
        def test_it(check, p): check(30, 1)
        """
    )
    add_to_conftest(
        suite,
        RENAME + "def pytest_collection_modifyitems(items):\n"
        "    for item in items:\n"
        "        item.name = item.name.encode().decode('unicode_escape')\n"
        "        rename(item, item.nodeid.encode().decode('unicode_escape'))\n"
        "@pytest.hookimpl(wrapper=True)\n"
        "def pytest_runtest_makereport():\n"
        "    report = yield\n"
        "    report.nodeid += '!'\n"
        "    return report\n",
    )
    result = suite.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["suite score mean 0.300 <= max 9.000*"])


@pytest.mark.parametrize(
    "asks",
    [
        "@pytest.fixture\ndef had(request): return request.getfixturevalue('size')\n"
        "def test_it(check, had): check(had)",
        "def test_it(check, request): check(request.getfixturevalue('size'))",
        "import numpy as np\nSIZE = 'size'\nA = np.zeros(3)\n"
        "class Test:\n"
        "    def test_it(self, check, request):\n"
        "        A.sum(), b'size' in (b'', 'a')\n"
        "        def had(): return request.getfixturevalue(SIZE)\n"
        "        check(had())",
        "def test_it(check, request): check(request.node.callspec.params['size'])",
    ],
)
def test_a_parameter_that_is_had_by_its_name_is_no_repetition(suite, asks):
    add_to_conftest(
        suite, CONFTEST_LOOP.replace("tmp_ct", "size").replace("range(3)", "[1, 2, 30]")
    )
    suite.makepyfile(test_x=f"import pytest\n{asks}\n")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=3)
    golden = (suite.path / "goldens/test_x.py.yaml").read_text()
    assert [f"test_it[{size}]" in golden for size in (1, 2, 30)] == [True] * 3
