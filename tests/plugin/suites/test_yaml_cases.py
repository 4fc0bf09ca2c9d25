"""Cases written in YAML are tests like any other."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest
from conftest_text import add_to_conftest
from PIL import Image

CASES = """\
metrics: [score]
cases:
  - id: remove-dog
    reference: ref.png
    edited: 20.png
    coords: [[0, 0, 4, 4]]
    thresholds: {score: {max: 0.5}}
  - id: red-mug
    reference: ref.png
    edited: 60.png
    thresholds:
      score: {max: 0.5}
    marks: [slow]
"""


@pytest.fixture
def cases(suite):
    for value in (20, 60, 255):
        Image.new("RGB", (8, 8), (value, value, value)).save(suite.path / f"{value}.png")
    Image.new("RGB", (8, 8)).save(suite.path / "ref.png")
    suite.makeini("[pytest]\nmarkers = slow: takes its time\n")
    return suite


def write(suite, text=CASES, name="test_edits.edit.yaml"):
    (suite.path / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["serial", "xdist"])
def test_a_case_passes_or_fails_with_its_own_line(cases, mode):
    write(cases)
    result = cases.runpytest("-v", *mode)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*test_edits.edit.yaml::r*",
            "*unedit score 0.600 > max 0.500*",
            "*bound     case test_edits.edit.yaml:12",
            "test_edits.edit.yaml:8:*",
        ]
    )


def test_selection_marks_and_reruns_work(cases):
    write(cases)
    cases.runpytest("-k", "dog").assert_outcomes(passed=1, deselected=1)
    cases.runpytest("-m", "not slow").assert_outcomes(passed=1, deselected=1)
    cases.runpytest("test_edits.edit.yaml::remove-dog").assert_outcomes(passed=1)
    outcomes = cases.runpytest("--reruns", "1").parseoutcomes()
    assert outcomes == {"passed": 1, "failed": 1, "rerun": 1}


def test_a_case_records_its_golden(cases):
    write(cases, "metrics: [score]\ncases:\n  - {id: a dog, reference: ref.png, edited: 20.png}\n")
    cases.runpytest().assert_outcomes(failed=1)
    cases.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    cases.runpytest().assert_outcomes(passed=1)
    golden = cases.path / "goldens" / "test_edits.edit.yaml.yaml"
    assert golden.read_text().splitlines()[0] == '"a dog":'


def test_yaml_drives_the_users_editor(cases):
    write(
        cases,
        "metrics: [score]\ncases:\n  - id: mug\n    reference: ref.png\n"
        "    params: {value: 20}\n    thresholds: {score: {max: 0.5}}\n",
    )
    add_to_conftest(
        cases,
        """
@pytest.fixture(params=["v1", "v2"])
def version(request):
    return request.param

@pytest.fixture
def edit_image(version):
    def edit(case):
        assert case.reference.is_file() and case.id == "mug" and case.coords is None
        return image(case.params["value"] if version == "v1" else 99)
    return edit
""",
    )
    result = cases.runpytest("-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*::mug?v1? PASSED*", "*::mug?v2? FAILED*"])


def test_without_the_fixture_the_error_names_it(cases):
    write(cases, "metrics: [score]\ncases:\n  - {id: mug, reference: ref.png}\n")
    result = cases.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["E*InputError: test_edits.edit.yaml:3: mug has no edited image: state `edited:`*"]
    )


def test_user_settings_and_autouse_fixtures_do_not_break_cases(cases):
    write(cases)
    cases.makeini("[pytest]\nmarkers = slow\npython_functions = check_*\npython_classes = Suite*\n")
    add_to_conftest(
        cases,
        """
@pytest.fixture(autouse=True, scope="module")
def around(request):
    yield

@pytest.fixture(autouse=True)
def each(around, tmp_path):
    yield
""",
    )
    cases.runpytest().assert_outcomes(passed=1, failed=1)


def test_marks_with_reasons(cases):
    write(
        cases,
        "metrics: [score]\ncases:\n  - id: later\n    reference: ref.png\n    edited: 60.png\n"
        "    thresholds: {score: {max: 0.5}}\n    marks: [{xfail: {reason: known}}]\n"
        "  - id: never\n    reference: ref.png\n    edited: 60.png\n    marks: [{skip: {reason: broken}}]\n",
    )
    result = cases.runpytest("-rxs")
    result.assert_outcomes(xfailed=1, skipped=1)
    result.stdout.fnmatch_lines(["*known*", "*broken*"])


def test_a_mark_that_is_misspelt_is_told_with_its_file_and_line(cases):
    write(
        cases,
        "metrics: [score]\ncases:\n  - id: later\n    reference: ref.png\n    edited: 20.png\n"
        "    thresholds: {score: {max: 0.5}}\n    marks: [slw]\n",
    )
    result = cases.runpytest("-W", "default")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*test_edits.edit.yaml:3: *Unknown pytest.mark.slw*"])
    cases.runpytest("-W", "ignore::pytest.PytestUnknownMarkWarning").assert_outcomes(passed=1)
    result = cases.runpytest("--strict-markers")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["test_edits.edit.yaml:3: 'slw' not found in `markers` *"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cases: []\n", "*test_edits.edit.yaml:1*"),
        ("cases:\n  - {id: a, reference: ref.png, tresholds: {}}\n", "*:2:*tresholds*thresholds*"),
        ("cases:\n  - {id: a, reference: r.png}\n  - {id: a, reference: r.png}\n", "*:3:*'a'*"),
        ("cases:\n  - {id: 'a::b', reference: r.png}\n", "*:2:*::*"),
        (
            "cases:\n  - {id: caf\u00e9, reference: r.png}\n  - {id: cafe\u0301, reference: r.png}\n",
            "*:3:*looks like 'caf?xe9' and is not the same text, on line 2*",
        ),
        ("cases:\n  - {reference: r.png}\n", "*:2:*id*"),
        ("metrics: [lpipz]\ncases:\n  - {id: a, reference: r.png}\n", "*:1:*lpipz*lpips*"),
        ("", "*test_edits.edit.yaml*"),
    ],
    ids=["empty", "typo", "twice", "colons", "accents", "no-id", "metric", "blank"],
)
def test_a_bad_case_file_is_a_collection_error_with_its_line(cases, text, says):
    write(cases, text)
    result = cases.runpytest()
    result.assert_outcomes(errors=1)
    assert result.ret == 2
    result.stdout.fnmatch_lines([says])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_missing_image_is_an_error_of_its_case_only(cases):
    write(
        cases,
        "metrics: [score]\ncases:\n  - {id: a, reference: gone.png, edited: 20.png}\n"
        "  - {id: b, reference: ref.png, edited: 20.png, thresholds: {score: {max: 1}}}\n",
    )
    result = cases.runpytest()
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*EditMetricsError: score could not be judged:*gone.png*"])


@pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["serial", "xdist"])
@pytest.mark.parametrize("edited", ["edited: 60.png", "marks: []"], ids=["file", "fixture"])
def test_a_case_whose_edit_gate_is_replaced_measures_nothing_and_fails(cases, mode, edited):
    add_to_conftest(
        cases,
        "@pytest.fixture\ndef edit_gate():\n"
        "    class Gate:\n        item = None\n        def run(self, *a): pass\n"
        "    return Gate()\n\n@pytest.fixture\ndef edit_image(): return lambda case: 1\n",
    )
    write(cases, f"cases: [{{id: hat, reference: ref.png, {edited}}}]\n")
    result = cases.runpytest(*mode)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the fixture edit_gate of this case is no edit_gate but*"])


@pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["serial", "xdist"])
def test_a_file_that_is_missing_is_named_with_where_it_was_looked_for(cases, mode):
    """Also where the user's editor would open it; a path that the editor returns is its own."""
    add_to_conftest(
        cases,
        """
from PIL import Image
@pytest.fixture
def edit_image():
    def edit(case):
        Image.open(case.reference).close()
        return "of/editor.png"
    return edit
""",
    )
    (cases.path / "tests").mkdir()
    text = """
cases:
  - {id: made, reference: no.png}
  - {id: late, reference: ../ref.png}
  - {id: static, reference: ../ref.png, edited: out/no.png}
  - {id: masked, reference: ../ref.png, edited: ../20.png, coords: {mask: m/no.png}}
"""
    write(cases, f"metrics: [score]{text}", "tests/test_x.edit.yaml")
    result = cases.runpytest(*mode)
    result.assert_outcomes(failed=4)
    folder = cases.path / "tests"
    where = f"there is no such file; what test_x.edit.yaml names lies relative to {folder}"
    result.stdout.fnmatch_lines_random(
        [
            f"E *InputError: *test_x.edit.yaml:3: reference image {folder}/no.png: {where}",
            "E *edited image of/editor.png: there is no such file (relative to *)",
            f"E *edited image {folder}/out/no.png: {where}",
            f"E *mask {folder}/m/no.png: {where}",
        ]
    )


OF_PATHS = """metrics: [score]
cases:
  - {id: one, reference: ref.png, thresholds: {score: {max: 0.5}}}
  - {id: two, reference: ref.png, thresholds: {score: {max: 0.5}}}
"""
EDITOR = """
import os, shutil
from PIL import Image
@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    path = tmp_path_factory.mktemp("made")
    Image.new("RGB", (8, 8), (20, 20, 20)).save(path / "out.png")
    return path
@pytest.fixture
def edit_image(outputs):
    def edit(case):
        OLD = os.path.join(os.path.dirname(case.reference), "20.png")
        {0}
    return edit
"""
OLD = {
    "a text": "return OLD",
    "a path": "from pathlib import Path; return Path(OLD)",
    "opened": "return Image.open(OLD)",
}
NEW = {
    "written now": "image = Image.open(OLD); image.load(); image.save(OLD); return OLD",
    "copied with its times": "shutil.copy2(OLD, outputs / 'b.png'); return outputs / 'b.png'",
    "of a fixture of the session": "return outputs / 'out.png'",
    "pixels": "return Image.open(OLD).convert('RGB')",
    "bytes": "import io, pathlib; return Image.open(io.BytesIO(pathlib.Path(OLD).read_bytes()))",
    "an editor of the picture it was given": "image = Image.open(case.reference); image.load(); image.paste((20,) * 3, (0, 0, 8, 8)); return image",
}  # fmt: skip
LINE = "old output: edit_image returned a file that was there before this session (first *::one: *20.png, last changed *"


@pytest.fixture
def older(cases, monkeypatch):
    """The cases, whose images were written longer ago than a file system's clock may be behind."""
    monkeypatch.setattr("pytest_editmetrics.session.began._CLOCK", 0)
    write(cases, OF_PATHS)
    time.sleep(0.05)
    return cases


@pytest.mark.parametrize("how", OLD)
def test_an_output_that_is_older_than_the_session_is_told_in_a_line(older, how):
    add_to_conftest(older, EDITOR.format(OLD[how]))
    result = older.runpytest("--editmetrics-strict=regressed", "-Wignore")  # of a file left open
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([LINE])
    assert result.stdout.str().count("old output") == 1


@pytest.mark.parametrize("how", NEW)
def test_one_that_was_written_since_is_not(older, how):
    add_to_conftest(older, EDITOR.format(NEW[how]))
    result = older.runpytest()
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*old output*")


AT_START = """
from pytest_editmetrics.session import began
began._CLOCK = 0.1
def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        Image.new("RGB", (8, 8), (20, 20, 20)).save("20.png")
        time.sleep(0.3)
"""


@pytest.mark.long
def test_a_worker_knows_when_the_session_began(cases, monkeypatch):
    monkeypatch.setattr("pytest_editmetrics.session.began._CLOCK", 0.1)
    write(cases, OF_PATHS)
    add_to_conftest(cases, f"import time\n{EDITOR.format('return OLD')}\n" + AT_START)
    for mode in ((), ("-n2",)):
        time.sleep(0.3)
        result = cases.runpytest(*mode)
        result.assert_outcomes(passed=2)
        result.stdout.no_fnmatch_line("*old output*")
    add_to_conftest(cases, "del pytest_configure")
    time.sleep(0.3)
    result = cases.runpytest("-n2")
    result.stdout.fnmatch_lines(["old output: *"])


def test_an_editor_may_link_to_the_reference(pytester):
    """Its times change, and its bytes do not."""
    old = pytester.path / "ref.png"
    Image.fromarray(np.arange(768, dtype=np.uint8).reshape(16, 16, 3)).save(old)
    os.utime(old, (1e9, 1e9))
    (pytester.path / "test_c.edit.yaml").write_text(
        "cases:\n  - {id: c, reference: ref.png, metrics: [unedit_max_diff], thresholds:"
        " {unedit_max_diff: 1}}\n"
    )
    pytester.makeconftest(
        """
        import os
        import pytest
        from PIL import Image

        @pytest.fixture
        def edit_image(tmp_path):
            def edit(case):
                os.link(case.reference, tmp_path / "in.png")
                os.utime(case.reference)
                return Image.open(tmp_path / "in.png").copy()
            return edit
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)
