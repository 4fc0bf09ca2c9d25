"""Options that stand where pytest does not read them, or under a name that is none of ours."""

from __future__ import annotations

import pytest
from parameters import first_of

both = pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
TEST = "def test_it(check): check(1, 1)\n"
STRICT = '[tool.pytest.ini_options]\neditmetrics_strict = "all"\n'


def assert_refused(result, *words):
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{'*'.join(words)}*"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", STRICT),
        ("pyproject.toml", "[tool.pytest]\neditmetrics_strict = 'all'\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = "-q --editmetrics-strict=all"\n'),
        ("tox.ini", "[pytest]\neditmetrics_strict = all\n"),
        ("setup.cfg", "[tool:pytest]\nxfail_strict = 1\neditmetrics_strict: all\n"),
        ("pytest.toml", "[pytest]\neditmetrics_strict = 'all'\n"),
    ],
)
def test_options_beside_the_file_that_is_read_are_refused(suite, name, text):
    (suite.path / ".pytest.toml").write_text("")
    (suite.path / "pytest.ini").write_text("")
    (suite.path / name).write_text(text)
    suite.makepyfile(test_x=TEST)
    result = suite.runpytest("-c", "pytest.ini", "--collect-only")
    assert result.ret == 0
    if name != "pytest.toml":
        (suite.path / ".pytest.toml").unlink()
        assert_refused(suite.runpytest(), name, "editmetrics_strict", "reads", "pytest.ini", "move")


@both
def test_a_worker_refuses_them_and_a_suite_without_gates_does_not(suite, mode):
    (suite.path / "pytest.ini").write_text("")
    (suite.path / "pyproject.toml").write_text(STRICT)
    suite.makepyfile(test_x=TEST)
    assert_refused(suite.runpytest(*mode), "pyproject.toml", "editmetrics_strict")
    suite.makepyfile(test_x="def test_it(): pass")
    assert suite.runpytest(*mode).ret == 0


def test_an_imported_helper_refuses_them(suite):
    (suite.path / "pytest.ini").write_text("")
    (suite.path / "pyproject.toml").write_text(STRICT)
    suite.makepyfile(
        test_x="""
        from conftest import image
        from pytest_editmetrics import assert_unedit_lpips_below

        def test_it(): assert_unedit_lpips_below(image(0), image(1), None, 1)
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*pyproject.toml: *editmetrics_strict*"])


def test_options_of_the_invocation_folder_and_between_are_refused(suite):
    folder = suite.path / "tests" / "edits"
    folder.mkdir(parents=True)
    (folder / "test_x.py").write_text("def test_it(edit_gate): pass\n")
    (suite.path / "pyproject.toml").write_text(STRICT)
    (suite.path / "tests/pytest.ini").write_text("[pytest]\n")
    assert_refused(
        suite.runpytest("tests"), "pyproject.toml", "editmetrics_strict", "tests/pytest.ini"
    )
    (suite.path / "tests/pytest.ini").rename(suite.path / "pytest.ini")
    (suite.path / "pyproject.toml").rename(suite.path / "tests/pyproject.toml")
    assert_refused(suite.runpytest(), "tests/pyproject.toml", "editmetrics_strict", "pytest.ini")


@pytest.mark.parametrize(
    ("ini", "given"),
    [
        ("editmetrics_strict = none", []),
        ("addopts = --editmetrics-strict=none", []),
        ("", ["--editmetrics-strict=none"]),
        ("", ["-o", "editmetrics_strict=none"]),
    ],
)
def test_an_option_that_is_given_where_it_is_read_is_not_missed(suite, ini, given):
    (suite.path / "pytest.ini").write_text(f"[pytest]\n{ini}\n")
    (suite.path / "pyproject.toml").write_text(STRICT)
    suite.makepyfile(test_x=TEST)
    assert suite.runpytest(*given).ret == 0


@pytest.mark.parametrize("value", ["editmetrics.yaml", ""])
def test_the_configuration_that_is_found_by_its_name_is_not_missed(suite, value):
    (suite.path / "pytest.ini").write_text("[pytest]\n")
    (suite.path / "tox.ini").write_text(f"[pytest]\neditmetrics_config = {value}\n")
    suite.makepyfile(test_x=TEST)
    result = suite.runpytest()
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*not read*")


def test_a_misspelt_option_is_said_where_it_was_given(suite):
    suite.makeini("[pytest]\n")
    result = suite.runpytest("-o", "editmetrics_stict=all")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: -o: no option is called 'editmetrics_stict'*"])


def test_a_file_that_was_chosen_leaves_others_aside_and_they_are_named(suite):
    (suite.path / "pyproject.toml").write_text(STRICT)
    (suite.path / "nightly.ini").write_text("[pytest]\n")
    suite.makepyfile(test_x=TEST)
    result = suite.runpytest("-c", "nightly.ini")
    assert result.ret == 0
    said = "pyproject.toml: not read: editmetrics_strict; "
    result.stdout.fnmatch_lines([f"editmetrics: {said}*nightly.ini*"])
    result = suite.runpytest("-c", "nightly.ini", "-o", "editmetrics_strict=regressed")
    assert result.ret == 0


def test_a_section_that_is_not_read_in_the_file_that_is(suite):
    (suite.path / "pytest.ini").write_text("[tool:pytest]\neditmetrics_strict = all\n")
    suite.makepyfile(test_x=TEST)
    assert_refused(suite.runpytest(), "pytest.ini", "editmetrics_strict", "section")


@pytest.mark.parametrize(
    "content",
    [
        b"[tool.pytest.ini_options\neditmetrics_strict",
        b"\xff\xfe\x00editmetrics_strict = all",
        b"[tool.black]\neditmetrics_strict = 1\n[pytest]\n# editmetrics_strict = all\n",
        b"[tool.pytest.ini_options]\nmarkers = ['editmetrics: x']  # --editmetrics-strict=all\n",
    ],
)
def test_a_foreign_file_that_is_broken_or_says_nothing_is_left_alone(suite, content):
    (suite.path / "pytest.ini").write_text("[pytest]\n")
    (suite.path / "sub").mkdir()
    (suite.path / "sub/test_x.py").write_text(TEST)
    (suite.path / "sub/pyproject.toml").write_bytes(content)
    (suite.path / "sub/tox.ini").mkdir()
    assert suite.runpytest().ret == 0


@pytest.mark.parametrize(
    "key",
    ["editmetrics-strict", "editmetrics_strickt", "EditMetrics_Strict", "edit_metrics_strict"],
)
@pytest.mark.parametrize("where", ["ini", "toml", "command"])
def test_an_unknown_key_is_refused_with_the_nearest(suite, key, where):
    suite.makepyfile(test_x=TEST)
    if where == "ini":
        suite.makeini(f"[pytest]\n{key} = all\n")
    if where == "toml":
        suite.makepyprojecttoml(f'[tool.pytest.ini_options]\n{key} = "all"\n')
    given = ["-o", f"{key}=all"] if where == "command" else []
    result = suite.runpytest("--disable-warnings", *given)
    assert_refused(result, repr(key), "did you mean 'editmetrics_strict'?")


def test_a_key_that_another_plugin_declares_is_its_own(suite):
    suite.makeini("[pytest]\neditmetrics_extra = 1\n")
    (suite.path / "extra.py").write_text(
        "def pytest_addoption(parser): parser.addini('editmetrics_extra', 'help')\n"
    )
    suite.makepyfile(test_x=TEST)
    suite.syspathinsert()
    assert suite.runpytest("-p", "extra").ret == 0


@pytest.fixture
def two_packages(suite):
    """One folder with a gate, and one of which a plain test is run with it."""
    (suite.path / "pytest.ini").write_text("[pytest]\n")
    for folder, text in (("gated", TEST), ("plain", "def test_it(): pass\n")):
        (suite.path / folder).mkdir()
        (suite.path / folder / f"test_{folder}.py").write_text(text)
    return suite


@both
def test_options_beside_tests_without_gates_stop_nobody(two_packages, mode):
    (two_packages.path / "plain/pyproject.toml").write_text(STRICT)
    result = two_packages.runpytest(*mode)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*not read*")
    (two_packages.path / "gated/pyproject.toml").write_text(STRICT)
    assert_refused(two_packages.runpytest(*mode), "gated/pyproject.toml", "editmetrics_strict")


@both
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tox.ini", "[pytest]\nmarkers =\n    gpu: see --editmetrics-env\n"),
        ("tox.ini", "[pytest]\nmarkers =\n    gpu --editmetrics-strict=all\naddopts = -q\n"),
        ("tox.ini", "[pytest]\neditmetrics_strict = none\neditmetrics_selftest = no\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\neditmetrics_strict = "none"\n'),
        ("pyproject.toml", "[tool.pytest.ini_options]\neditmetrics_require = []\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = ["--editmetrics-strict=none"]\n'),
    ],
)
def test_what_would_change_nothing_is_not_missed(two_packages, mode, name, text):
    (two_packages.path / "gated" / name).write_text(text)
    result = two_packages.runpytest(*mode)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*not read*")


@pytest.mark.parametrize(
    "text",
    [
        "addopts = [\n  '-q',\n  '--editmetrics-strict', 'all',\n]\n",
        "addopts = '-q --editmetrics-cache --editmetrics-strict=all'\n",
        "editmetrics_require = [\n  'lpips=3',\n]\n",
        "editmetrics_selftest = true\n",
        "editmetrics_html = 'x.html'\neditmetrics_goldens = 'held'\n",
    ],
)
def test_what_decides_is_refused_however_it_is_written(two_packages, text):
    path = two_packages.path / "gated/pyproject.toml"
    path.write_text(f"[tool.pytest.ini_options]\n{text}")
    assert_refused(two_packages.runpytest(), "gated/pyproject.toml: not read: editmetrics_")


@both
@pytest.mark.parametrize("text", ["editmetrics_html = r.html", "addopts = --editmetrics-run-dir=r"])
def test_options_that_decide_nothing_are_only_named(two_packages, mode, text):
    (two_packages.path / "gated/tox.ini").write_text(f"[pytest]\n{text}\n")
    for strict in ((), ("--editmetrics-strict=all",)):
        result = two_packages.runpytest(*mode, *strict)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["gated/tox.ini: not read: editmetrics_*pytest.ini*"])
    (two_packages.path / "gated/tox.ini").rename(two_packages.path / "plain/tox.ini")
    two_packages.runpytest(*mode).stdout.no_fnmatch_line("*not read*")


@both
@pytest.mark.parametrize("by_variable", [False, True])
@pytest.mark.parametrize(
    "text", ["'--editmetrics-strict=all -q'", "['-q',\n  '--editmetrics-strict=all']"]
)
def test_addopts_that_were_put_aside_are_not_missed(suite, monkeypatch, mode, by_variable, text):
    (suite.path / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\naddopts = {text}\n")
    suite.makepyfile(test_x=TEST)
    if by_variable:
        monkeypatch.setenv("PYTEST_ADDOPTS", "-o addopts=")
    result = suite.runpytest(*mode, *([] if by_variable else ["-o", "addopts="]))
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*not read*")


@both
def test_a_file_that_was_chosen_fails_nobody_under_strictness_either(suite, mode):
    (suite.path / "pytest.ini").write_text(
        "[pytest]\neditmetrics_html = report.html\neditmetrics_review = fail\n"
    )
    (suite.path / "ci.ini").write_text("[pytest]\neditmetrics_strict = regressed\n")
    suite.makepyfile(test_x=TEST)
    result = suite.runpytest("-c", "ci.ini", *mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["pytest.ini: not read: editmetrics_review and 1 more; *ci.ini*"])
    result.stdout.no_fnmatch_line("FAILED*")
    suite.makepyfile(test_x="def test_it(): pass\n")
    suite.runpytest("-c", "ci.ini", *mode).stdout.no_fnmatch_line("*not read*")


@both
@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("pyproject.toml", "[tool.editmetrics]"),
        ("pyproject.toml", "[tool.editmetrics.thresholds]"),
        ("pyproject.toml", "[tool.pytest-editmetrics]"),
        ("setup.cfg", "[tool:editmetrics]"),
        ("tox.ini", "[editmetrics]"),
    ],
)
def test_a_section_of_ours_is_named(suite, mode, name, header):
    suite.makepyfile(test_x=TEST)
    (suite.path / name).write_text(f"{header}  # ours\nstrict = 'all'\n")
    said = f"not read: [[]{header[1:]} in {name}; options are keys editmetrics_* *"
    result = suite.runpytest(*mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines([said])
    result = suite.runpytest("--editmetrics-strict=all", *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"FAILED: {said}"])
    suite.makepyfile(test_x="def test_it(): pass\n")
    suite.runpytest(*mode).stdout.no_fnmatch_line("*not read*")


@pytest.mark.parametrize(
    "text", ["[tool.mypy]\n# [tool.editmetrics]\n", "[tool.editmetricsplus]\n"]
)
def test_a_section_of_another_tool_is_not(suite, text):
    suite.makepyfile(test_x=TEST)
    (suite.path / "pyproject.toml").write_text(text)
    suite.runpytest().stdout.no_fnmatch_line("*not read*")
