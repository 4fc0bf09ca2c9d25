"""A bound that was written is held, or the test says why not."""

from __future__ import annotations

import pytest

HEAD = "import pytest\nfrom conftest import image\n"
BODY = "def test_it(edit_gate): edit_gate.check(image(0), image(50))\n"
CONFIG = "metrics: [score]\nthresholds: {score: {max: 0.9}, likeness: {min: 0.0}}\n"


@pytest.fixture
def lax(suite):
    """A suite whose default bound holds for the values that its tests measure."""
    (suite.path / "editmetrics.yaml").write_text(CONFIG)
    return suite


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (
            "pytestmark = pytest.mark.editmetrics(threshold={'score': 0.1})\n",
            "*marker of test_*.py has 'threshold', *'thresholds'*",
        ),
        (
            "pytestmark = pytest.mark.editmetrics(metrics={'score': 0.1})\n",
            "*bounds would hold nothing*",
        ),
        ("pytestmark = pytest.mark.editmetrics(thresholds=0)\n", "*must be a mapping, not 0*"),
        ("pytestmark = pytest.mark.editmetrics(framin='stretch')\n", "*'framin'*'framing'*"),
        ("pytestmark = pytest.mark.editmetrics({'score': 0.1})\n", "*takes keywords only*"),
    ],
    ids=["threshold", "mapping", "zero", "misspelt", "positional"],
)
def test_a_modules_marker_that_nothing_takes_is_an_error(lax, head, said):
    lax.makepyfile(HEAD + head + BODY)
    result = lax.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])


@pytest.mark.parametrize("file", ["conftest.py", "sub/conftest.py", "sub/__init__.py"])
def test_a_marker_where_pytest_reads_none_is_an_error(lax, file):
    sub = lax.mkdir("sub")
    for name in ("conftest.py", "__init__.py"):
        (sub / name).touch()
    with (lax.path / file).open("a") as other:
        other.write(
            "\nimport pytest\npytestmark = pytest.mark.editmetrics(thresholds={'score': 0.1})\n"
        )
    (sub / "test_it.py").write_text(HEAD.replace("from conftest", "from sub_images") + BODY)
    lax.makepyfile(sub_images="from conftest import image")
    result = lax.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*pytestmark of *{file} has an editmetrics marker, and pytest*"])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnknownMarkWarning")
@pytest.mark.parametrize("name", ["edit_metrics", "editmetric", "editmetics", "EditMetrics"])
def test_a_misspelt_marker_is_an_error_unless_somebody_registered_it(lax, name):
    lax.makepyfile(HEAD + f"@pytest.mark.{name}(thresholds={{'score': 0.1}})\n" + BODY)
    result = lax.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*has the mark '{name}', which holds nothing: write*"])
    lax.makeini(f"[pytest]\nmarkers =\n    {name}(thresholds): mine\n")
    lax.runpytest().assert_outcomes(passed=1)


def test_other_marks_are_left_alone(lax):
    lax.makeini("[pytest]\nmarkers =\n    slow\n    edits\n    metrics\n")
    marks = "@pytest.mark.slow\n@pytest.mark.edits\n@pytest.mark.metrics\n"
    lax.makepyfile(
        HEAD + marks + "@pytest.mark.parametrize('n', [1])\n" + BODY.replace("(e", "(n, e")
    )
    lax.runpytest().assert_outcomes(passed=1)


def test_a_classs_marker_and_a_golden_image_are_no_way_round(lax):
    lax.makepyfile(
        HEAD
        + """
@pytest.mark.editmetrics(threshold={"score": 0.1})
class TestIt:
    def test_gate(self, edit_gate): edit_gate.check(image(0), image(50))
    def test_image(self, golden_image): golden_image.check(image(0), comparator="exact")
"""
    )
    result = lax.runpytest()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*the editmetrics marker of *::TestIt has 'threshold'*"])


def test_a_functions_thresholds_leave_those_of_its_module(lax):
    lax.makepyfile(
        HEAD
        + "pytestmark = pytest.mark.editmetrics(thresholds={'score': 0.1})\n"
        + "@pytest.mark.editmetrics(metrics=['score', 'likeness'], thresholds={'likeness': 0.2})\n"
        + BODY
    )
    result = lax.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*score 0.500 > max 0.100*"])


def test_a_pipe_that_takes_any_keyword_takes_no_misspelt_bound(lax):
    conftest = lax.path / "conftest.py"
    conftest.write_text(
        conftest.read_text().replace(
            "    def __call__", "    def __init__(self, **options): pass\n\n    def __call__", 1
        )
    )
    lax.makepyfile(
        HEAD + "pytestmark = pytest.mark.editmetrics(threshold={'score': 0.1}, strength=3)\n" + BODY
    )
    lax.runpytest().assert_outcomes(failed=1)
    lax.makepyfile(HEAD + "pytestmark = pytest.mark.editmetrics(strength=3)\n" + BODY)
    lax.runpytest().assert_outcomes(passed=1)


def test_metrics_with_bounds_in_a_call_are_refused_with_the_right_spelling(lax):
    lax.makepyfile(
        HEAD
        + """
def test_check(edit_gate): edit_gate.check(image(0), image(50), metrics={"score": 0.1})
def test_all(edit_gate):
    edit_gate.check_all([dict(reference=image(0), edited=image(50), metrics={"score": 0.1})])
"""
    )
    result = lax.runpytest()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["*metrics=?'score'?, and the bounds in *thresholds={'score': 0.1}*"]
    )


def test_a_modules_marker_speaks_for_tests_of_other_metrics_too(lax):
    lax.makepyfile(
        HEAD
        + "pytestmark = pytest.mark.editmetrics(thresholds={'emd': 1}, framing='stretch')\n"
        + BODY
    )
    lax.runpytest().assert_outcomes(passed=1)
