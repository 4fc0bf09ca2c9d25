"""A file that looks like ours and is not read is named, with what to call it and where to put it."""

from __future__ import annotations

import pytest
from parameters import first_of

# one worker: the suites hold one test
both = pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
BOUND = "thresholds: {score: {max: 0.1}}\n"
TEST = "def test_it(check): check(1, 1)\n"


@pytest.mark.parametrize(
    "name",
    [
        "editmetrics.yml",
        ".editmetrics.yaml",
        ".editmetrics.yml",
        "edit_metrics.yaml",
        "EditMetrics.yml",
    ],
)
def test_a_wrong_spelling_at_the_rootdir_is_a_usage_error(suite, name):
    (suite.path / name).write_text(BOUND)
    suite.makepyfile(test_x=TEST)
    result = suite.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *{name}: it is not read: *called editmetrics.yaml; *"])


def test_the_first_worker_ends_the_session(suite):
    (suite.path / "editmetrics.yml").write_text(BOUND)
    suite.makepyfile(test_x=TEST)
    result = suite.runpytest("-n2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*editmetrics.yml: it is not read: *called editmetrics.yaml; *"])


def test_it_is_refused_in_the_invocation_folder_too(suite, monkeypatch):
    (suite.path / "sub").mkdir()
    (suite.path / "sub/editmetrics.yml").write_text(BOUND)
    (suite.path / "sub/test_x.py").write_text(TEST)
    monkeypatch.chdir(suite.path / "sub")
    result = suite.runpytest(f"--rootdir={suite.path}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_helper_that_is_imported_finds_it_as_well(suite):
    (suite.path / "editmetrics.yml").write_text(BOUND)
    suite.makepyfile(
        test_x="""
        from conftest import image
        from pytest_editmetrics import assert_unedit_lpips_below

        def test_it(): assert_unedit_lpips_below(image(0), image(1), None, 1)
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*editmetrics.yml: it is not read*"])


@both
def test_a_suite_without_gates_passes_and_a_file_that_is_named_is_read(suite, mode):
    (suite.path / "editmetrics.yml").write_text(BOUND)
    suite.makepyfile(test_x="def test_it(): pass")
    result = suite.runpytest(*mode)
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["not read: editmetrics.yml; only one configuration is, *"])
    suite.makepyfile(test_x=TEST)
    result = suite.runpytest("--editmetrics-config=editmetrics.yml", *mode)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*not read*")


@both
@pytest.mark.parametrize("name", ["editmetrics.yaml", "editmetrics.yml"])
def test_one_beside_the_tests_is_named_and_fails_under_strictness(suite, mode, name):
    folder = suite.path / "tests" / "edits"
    folder.mkdir(parents=True)
    (suite.path / "tests" / name).write_text("suite: {score: {mean: {max: 0}}}\n")
    (folder / "test_x.py").write_text(TEST)
    result = suite.runpytest(*mode)
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"not read: tests/{name}; *at pytest's rootdir*"])
    if not mode:
        result.stdout.fnmatch_lines([f"editmetrics: not read: tests/{name}; *"])
    result = suite.runpytest("--editmetrics-strict=regressed", *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"FAILED: not read: tests/{name}; *"])


@pytest.mark.parametrize("name", ["test_x.py.yml", "test_x.yaml", "test_x.yml"])
def test_a_golden_file_of_another_name_is_an_error(suite, name):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 60}}\n")
    (suite.path / "goldens").mkdir()
    (suite.path / "goldens" / name).write_text('"test_it":\n  score: {max: 0.1}\n')
    suite.makepyfile(test_x="def test_it(check): check(30)")
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{name}: it is not read: the goldens of test_x.py lie in *"])


def test_a_file_of_cases_that_is_not_collected_is_named(suite):
    suite.makepyfile(test_x="def test_it(check): check(1, 0.1)")
    (suite.path / "mug.edit.yaml").write_text("cases: []\n")
    said = "not read: mug.edit.yaml; files of cases are called test_*.edit.yaml: rename it"
    result = suite.runpytest()
    assert (result.ret, f"editmetrics: {said}" in result.outlines) == (0, True)
    result = suite.runpytest("--editmetrics-strict=regressed")
    assert (result.ret, f"FAILED: {said}" in result.outlines) == (1, True)


@both
@pytest.mark.parametrize("name", ["dog.edit.yaml", "editmetrics.yaml", "edit-metrics.yml"])
def test_a_file_in_a_folder_without_tests_is_named(suite, mode, name):
    folder = suite.path / "tests" / "edits"
    folder.mkdir(parents=True)
    (suite.path / "tests/test_x.py").write_text(TEST)
    (folder / name).write_text(BOUND)
    result = suite.runpytest(*mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"not read: tests/edits/{name}; *"])
    assert str(result.stdout).count(f"\nnot read: tests/edits/{name}; ") == 1
    result = suite.runpytest("--editmetrics-strict=regressed", *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"FAILED: not read: tests/edits/{name}; *"])
    assert suite.runpytest("--editmetrics-strict=all", "--ignore=tests/edits", *mode).ret == 0


@both
@pytest.mark.parametrize("args", [["tests"], ["tests/test_x.py"]], ids=["folder", "file"])
@pytest.mark.parametrize("name", ["dog.edit.yaml", "editmetrics.yaml"])
def test_a_file_beside_tests_outside_the_rootdir_is_named(suite, mode, args, name):
    for folder in ("tests", "ci", "elsewhere"):
        (suite.path / folder).mkdir()
    (suite.path / "ci/pytest.ini").write_text("[pytest]\n")
    (suite.path / "ci/editmetrics.yaml").write_text(BOUND)
    (suite.path / "tests/test_x.py").write_text(TEST)
    (suite.path / "tests" / name).write_text("golden_images: {comparator: exact}\ncases: []\n")
    result = suite.runpytest("-c", "ci/pytest.ini", "--editmetrics-strict=all", *args, *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"FAILED: not read: *tests/{name}; *"])
    assert "ci/editmetrics.yaml;" not in str(result.stdout)


@pytest.mark.parametrize("name", ["godlens", "pytest.ini"])
def test_a_folder_of_goldens_that_is_not_there_is_said_and_fails_under_strict(suite, name):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 60}}\n")
    suite.makeini("[pytest]\n")
    (suite.path / "pytest.ini").write_text("[pytest]\n")
    suite.makepyfile(test_x="def test_it(check): check(20)")
    suite.runpytest("--editmetrics-goldens=goldens", "--editmetrics-update=missing")
    result = suite.runpytest("--editmetrics-goldens=goldens", "--editmetrics-strict=regressed")
    assert result.ret == 0
    result = suite.runpytest(f"--editmetrics-goldens={name}")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [f"*{name} is no folder (editmetrics_goldens), so no golden holds*"]
    )
    result = suite.runpytest(f"--editmetrics-goldens={name}", "--editmetrics-strict=regressed")
    assert result.ret == 1


FOREIGN = {
    "tests/goldens/foo/provenance.yaml": "who: me\n",
    "tests/goldens/x.py.yaml": "[1, 2\n",
    "tests/a.edit.yml": "# cases: none\nsteps: [trim]\n",
    "tests/b.edit.yml/inner.txt": "",
}


@both
@pytest.mark.parametrize("name", FOREIGN)
def test_a_session_without_gates_says_nothing_of_foreign_files(suite, mode, name):
    path = suite.path / name
    path.parent.mkdir(parents=True)
    path.write_text(FOREIGN[name])
    (suite.path / "tests/test_x.py").write_text("def test_it(): pass\n")
    for strict in ((), ("--editmetrics-strict=all",)):
        result = suite.runpytest(*mode, *strict)
        assert result.ret == 0
        result.stdout.no_fnmatch_line("*= editmetrics =*")
    (suite.path / "tests/test_y.py").write_text(TEST)
    if path.is_file() and "inner" not in name:
        suite.runpytest(*mode).stdout.fnmatch_lines(["*= editmetrics =*", f"*{path.name}*"])


@both
def test_misnamed_cases_are_named_without_a_gate_too(suite, mode):
    (suite.path / "mug.edit.yaml").write_text("# the mug\ncases: []\n")
    suite.makepyfile(test_x="def test_it(): pass\n")
    result = suite.runpytest(*mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["not read: mug.edit.yaml; files of cases are called *"])
    result = suite.runpytest(*mode, "--editmetrics-strict=regressed")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: not read: mug.edit.yaml; *"])


@both
@pytest.mark.parametrize("name", ["conf", ".github", "src"])
def test_a_configuration_one_folder_below_the_rootdir_is_named(suite, mode, name):
    (suite.path / "tests").mkdir()
    (suite.path / "tests/test_x.py").write_text(TEST)
    (suite.path / name).mkdir()
    (suite.path / name / "editmetrics.yaml").write_text(BOUND)
    said = f"not read: {name}/editmetrics.yaml; *move it there, or name it *"
    result = suite.runpytest("tests", *mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines([said])
    result = suite.runpytest("tests", "--editmetrics-strict=regressed", *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"FAILED: {said}"])
    named = f"--editmetrics-config={name}/editmetrics.yaml"
    suite.runpytest("tests", named, *mode).stdout.no_fnmatch_line("*not read*")
    (suite.path / "editmetrics.yaml").write_text(f"_base_: {name}/editmetrics.yaml\n")
    suite.runpytest("tests", *mode).stdout.no_fnmatch_line("*not read*")


@both
@pytest.mark.parametrize("named", ["examples", "exa*", "docs/examples"])
def test_a_sample_in_a_folder_that_norecursedirs_names_is_not(suite, mode, named):
    (suite.path / "tests").mkdir()
    (suite.path / "tests/test_x.py").write_text(TEST)
    (suite.path / "examples").mkdir()
    (suite.path / "examples/editmetrics.yaml").write_text(BOUND)
    (suite.path / "pytest.ini").write_text("[pytest]\n")
    result = suite.runpytest("tests", "--editmetrics-strict=regressed", *mode)
    assert result.ret == 1
    said = "FAILED: not read: examples/*; if it is a sample, name its folder in *norecursedirs"
    result.stdout.fnmatch_lines([said])
    (suite.path / "pytest.ini").write_text(f"[pytest]\nnorecursedirs = {named}\n")
    result = suite.runpytest("tests", "--editmetrics-strict=regressed", *mode)
    assert result.ret == (1 if "/" in named else 0)


@both
def test_one_beside_the_tests_is_no_sample(suite, mode):
    (suite.path / "tests").mkdir()
    (suite.path / "tests/test_x.py").write_text(TEST)
    (suite.path / "tests/editmetrics.yaml").write_text(BOUND)
    result = suite.runpytest("tests", *mode)
    result.stdout.fnmatch_lines(["not read: tests/editmetrics.yaml; *--editmetrics-config"])


@pytest.mark.parametrize("beside", ["env/pyvenv.cfg", "other/pyproject.toml", ".cache/x", ""])
def test_one_of_another_project_or_of_a_session_without_gates_is_not(suite, beside):
    (suite.path / "tests").mkdir()
    (suite.path / "tests/test_x.py").write_text(TEST if beside else "def test_it(): pass\n")
    file = suite.path / (beside or "conf/x")
    file.parent.mkdir()
    file.write_text("")
    file.with_name("editmetrics.yaml").write_text(BOUND)
    suite.runpytest("tests").stdout.no_fnmatch_line("*not read*")


@both
@pytest.mark.parametrize("name", ["test_more.yaml", "test_more.yml"])
def test_cases_whose_file_lacks_edit_in_its_name_are_named(suite, mode, name):
    (suite.path / "tests/more").mkdir(parents=True)
    (suite.path / "tests/test_x.py").write_text(TEST)
    cases = "cases:\n  - id: a\n    reference: a.png\n"
    (suite.path / "tests/more" / name).write_text(cases)
    (suite.path / "tests/test_theirs.yaml").write_text("cases:\n  - input: a\n")
    result = suite.runpytest(*mode)
    said = "not read: tests/more/{}; if these are cases *, call the file test_more.edit.yaml"
    result.stdout.fnmatch_lines([said.format(name)])
    result.stdout.no_fnmatch_line("*test_theirs*")
    result = suite.runpytest("--editmetrics-strict=all", *mode)
    assert result.ret == 0, "another tool may have such files"
    (suite.path / "tests/test_x.py").write_text("def test_it(): pass\n")
    suite.runpytest(*mode).stdout.no_fnmatch_line("*not read*")


def test_who_names_another_configuration_leaves_that_of_the_rootdir_aside(suite):
    """One beside the tests is still read by nobody."""
    (suite.path / "nightly.yaml").write_text("thresholds: {score: 0.5}\n")
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: 0.1}\n")
    (suite.path / "tests").mkdir(exist_ok=True)
    (suite.path / "tests/test_x.py").write_text("def test_it(check): check(3, None)\n")
    named = ("tests", "--editmetrics-config=nightly.yaml", "--editmetrics-strict=all")
    result = suite.runpytest(*named)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["editmetrics: configuration *nightly.yaml*"])
    result.stdout.no_fnmatch_line("*not read*")
    (suite.path / "tests/editmetrics.yaml").write_text("thresholds: {score: 0.1}\n")
    result = suite.runpytest(*named)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: not read: tests/editmetrics.yaml; *"])


def test_one_that_came_while_the_session_ran_is_not_to_be_moved(suite):
    suite.makepyfile(
        f"""
        from pathlib import Path
        def test_it(check):
            check(1, 20)
            Path("editmetrics.yaml").write_text({BOUND!r})
        """
    )
    suite.runpytest().stdout.fnmatch_lines(["*editmetrics.yaml; it was not there when*: run again"])


@pytest.mark.parametrize("at_first", [BOUND, None], ids=["changed", "came"])
def test_a_worker_that_begins_later_reads_no_other_configuration(suite, at_first):
    """Half of the gates would be held to other bounds, and nothing would say so."""
    pytest.importorskip("xdist")
    if at_first:
        suite.makefile(".yaml", editmetrics=at_first)
    bound = "" if at_first else ", 20"
    suite.makepyfile(
        f"""
        import os
        from pathlib import Path
        def test_first(check): check(1{bound})
        def test_dies(check):
            check(1{bound})
            Path("editmetrics.yaml").write_text("thresholds: {{score: {{max: 50}}}}")
            os._exit(9)
        def test_later(check): check(1{bound})
        """
    )
    result = suite.runpytest_subprocess("-n1")
    assert result.ret not in (0, 5)
    said = result.stdout.str() + result.stderr.str()
    assert "editmetrics.yaml: it changed while the session ran" in said
    assert "2 passed" not in said


@pytest.mark.quick(1)
@pytest.mark.parametrize("base", ["bounds.yaml", "[bounds.yaml]", "further.yaml"])
def test_nor_another_file_that_the_configuration_names(suite, base):
    pytest.importorskip("xdist")
    suite.makefile(".yaml", editmetrics=f"_base_: {base}\n", bounds=BOUND)
    suite.makefile(".yaml", further="_base_: bounds.yaml\n")
    suite.makepyfile(
        """
        import os
        from pathlib import Path
        def test_first(check): check(1)
        def test_dies(check):
            check(1)
            Path("bounds.yaml").write_text("thresholds: {score: {max: 50}}")
            os._exit(9)
        def test_later(check): check(1)
        """
    )
    result = suite.runpytest_subprocess("-n1")
    assert result.ret not in (0, 5)
    said = result.stdout.str() + result.stderr.str()
    assert "/bounds.yaml: it changed while the session ran" in said


def test_nor_does_one_whose_tests_use_helpers_alone(suite):
    """No fixture or marker tells that they make gates, so nothing is refused as they are collected."""
    pytest.importorskip("xdist")
    suite.makefile(".yaml", editmetrics="thresholds: {lpips: {max: 0.001}}\n")
    suite.makepyfile(
        """
        import os
        from pathlib import Path
        from conftest import *
        from pytest_editmetrics import assert_unedit_lpips_below
        def test_dies():
            Path("editmetrics.yaml").write_text("thresholds: {lpips: {max: 0.9}}")
            os._exit(9)
        def test_later():
            assert_unedit_lpips_below(image(0), image(200), None)
        """
    )
    result = suite.runpytest_subprocess("-n1")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*editmetrics.yaml: it changed while the session ran*"])
