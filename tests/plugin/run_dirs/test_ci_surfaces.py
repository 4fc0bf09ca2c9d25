"""The Markdown summary and the GitHub annotations of a session, serial and under xdist."""

from __future__ import annotations

import os
import re
from xml.etree import ElementTree

import pytest
from conftest_text import add_to_conftest
from junit_rules import broken_rules
from parameters import first_of
from PIL import Image
from reruns import ends_again_with

from pytest_editmetrics.cli.main import main

SUITE = """
    import pytest
    from conftest import *

    def test_good(check): check(5, 0.1)

    def test_bad(check): check(19, 0.1, name="a,b: 50%")

    def test_new(check): check(90)

    def test_missing(check): check(MISSING)

    @pytest.mark.xfail
    def test_hidden(check): check(90, 0.1)
"""

both_modes = pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])


def annotations(result: pytest.RunResult) -> list[str]:
    return sorted(line for line in result.outlines if line.startswith(("::error", "::warning")))


@both_modes
def test_the_summary_is_written_where_asked_and_on_githubs_page(suite, monkeypatch, mode):
    step = suite.path / "step.md"
    step.write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    suite.makepyfile(test_x=SUITE)
    result = suite.runpytest("--editmetrics-summary=out/s.md", *mode)
    text = (suite.path / "out/s.md").read_text(encoding="utf-8")
    assert step.read_text(encoding="utf-8") == f"# before\n\n{text}"
    assert text.startswith(
        "## ❌ editmetrics failed: 2 of 5 gates failed, 1 could not be judged,"
        " 1 failed as expected\n"
    )
    assert text.count("<details>") == 4
    assert "to record pytest test_x.py::test_new --editmetrics-update=missing" in text
    assert "pytest-editmetrics 0." in text
    result.stdout.fnmatch_lines([f"summary: {suite.path / 'out/s.md'}"])


def test_every_surface_gives_the_command_that_records_the_whole_test(suite, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    suite.mkdir("goldens").joinpath("test_x.py.yaml").write_text("test_it:\n  score: {max: 0.05}\n")
    suite.makepyfile(
        test_x="""
        import pytest
        from conftest import image
        @pytest.mark.editmetrics(metrics=["score", "likeness"])
        def test_it(edit_gate): edit_gate.check(image(0), image(14))
        """
    )
    result = suite.runpytest("--editmetrics-summary=s.md", "--editmetrics-html=r.html")
    result.assert_outcomes(failed=1)
    surfaces = {
        "terminal": "\n".join(result.outlines).partition("::error")[0],
        "annotations": "\n".join(annotations(result)),
        "summary": (suite.path / "s.md").read_text(encoding="utf-8"),
        "report": (suite.path / "r.html").read_text(encoding="utf-8"),
    }
    command = "pytest test_x.py::test_it --editmetrics-update="
    for name, text in surfaces.items():
        assert command + "failed" in text, name
        assert command + "missing" not in text, name
    monkeypatch.delenv("GITHUB_ACTIONS")
    result = suite.runpytest("test_x.py::test_it", "--editmetrics-update=failed")
    result.assert_outcomes(passed=1)
    suite.runpytest().assert_outcomes(passed=1)


@both_modes
def test_each_failing_test_is_annotated(suite, monkeypatch, mode):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    suite.makepyfile(test_x=SUITE)
    error, bad, new, hidden = annotations(suite.runpytest(*mode))
    assert bad == (
        "::error file=test_x.py,line=6,title=editmetrics score@a%2Cb%3A 50%25::test_x.py::test_bad:"
        " unedit score@a,b: 50%25 0.190 > max 0.100"
        "%0Ato accept: edit test_x.py:6, a bound written by hand"
    )
    assert error.startswith("::error file=test_x.py,line=10,title=editmetrics score::")
    assert new.startswith("::error file=test_x.py,line=8,title=editmetrics score::")
    assert new.endswith("%0Ato record: pytest test_x.py::test_new --editmetrics-update=missing")
    assert hidden.startswith("::warning file=test_x.py,line=12,title=editmetrics score::")


def test_outside_github_nothing_is_annotated(suite):
    suite.makepyfile(test_x=SUITE)
    assert annotations(suite.runpytest()) == []


def test_only_the_last_attempt_is_annotated(suite, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    suite.makepyfile(test_x="def test_bad(check): check(19, 0.1)")
    assert len(annotations(suite.runpytest("--reruns", "2"))) == 1


@both_modes
def test_a_yaml_case_is_annotated_in_its_file(suite, monkeypatch, mode):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    # the checkout's root lies above the rootdir, as in a repository of several projects
    monkeypatch.setenv("GITHUB_WORKSPACE", str(suite.path.parent))
    from PIL import Image

    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 8), (90, 90, 90)).save(suite.path / name)
    (suite.path / "test_x.edit.yaml").write_text(
        "metrics: [score]\n"
        "cases:\n"
        "  - {id: good, reference: a.png, edited: b.png, thresholds: {score: 1}}\n"
        "\n"
        "  - id: bad\n"
        "    reference: a.png\n"
        "    edited: b.png\n"
        "    thresholds: {score: 0.1}\n"
    )
    (line,) = annotations(suite.runpytest(*mode))
    assert line.startswith(f"::error file={suite.path.name}/test_x.edit.yaml,line=5,title=")


def test_a_gate_that_regressed_unmeasured_warns(suite, monkeypatch):
    suite.makepyfile(
        test_x="""
        import os
        def test_it(check): check(int(os.environ["VALUE"]))
        """
    )
    monkeypatch.setenv("VALUE", "5")
    suite.runpytest("--editmetrics-update=all")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("VALUE", "255")
    session, line = annotations(suite.runpytest())
    assert session.startswith("::error title=editmetrics::not one gate of this session could")
    assert line.startswith("::warning file=test_x.py,line=2,title=editmetrics score::")
    assert line.endswith("was 0.050 when approved")


@pytest.mark.parametrize(("failing", "shown"), [(10, 10), (13, 10)])
def test_github_shows_ten(suite, monkeypatch, failing, shown):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    suite.makepyfile(
        test_x=f"""
        import pytest
        @pytest.mark.parametrize("n", range({failing}))
        def test_bad(check, n): check(19, 0.1)
        """
    )
    result = suite.runpytest()
    assert len(annotations(result)) == shown
    rest = [line for line in result.outlines if "are not annotated" in line]
    assert [line.partition(":")[0] for line in rest] == (
        [f"{failing - shown} more failing tests are not annotated"] if failing > shown else []
    )


def test_every_surface_names_the_files_that_were_given(suite, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    suite.makepyfile(test_x="def test_new(check): check(90)")
    result = suite.runpytest("--editmetrics-goldens=my goldens", "--editmetrics-summary=s.md")
    said = "pytest test_x.py::test_new '--editmetrics-goldens=my goldens' --editmetrics-update="
    assert f"to record {said}missing" in result.stdout.str()
    assert f"to record {said}missing" in (suite.path / "s.md").read_text(encoding="utf-8")
    (line,) = annotations(result)
    assert f"to record: {said}missing" in line


def test_what_fails_the_session_is_among_the_ten(suite, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    suite.makepyfile(
        test_x="""
        import pytest
        @pytest.mark.parametrize("n", range(10))
        def test_bad(check, n): check(19, 0.1)
        """
    )
    result = suite.runpytest("--editmetrics-require=99")
    assert len(annotations(result)) == 10
    assert sum(line.startswith("::error title=") for line in annotations(result)) == 1
    result.stdout.fnmatch_lines(["1 more failing tests are not annotated: *"])


@pytest.mark.parametrize("style", ["no", "line", "native"])
def test_the_line_of_the_check_is_known_however_tracebacks_are_shown(suite, monkeypatch, style):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    suite.makepyfile(
        test_x="""
        from conftest import image
        def test_bad(edit_gate):

            edit_gate.check(image(0), image(14), metrics="score")
        """
    )
    (line,) = annotations(suite.runpytest(f"--tb={style}"))
    assert line.startswith("::error file=test_x.py,line=4,")


def test_a_session_without_gates_leaves_githubs_page_alone(suite, monkeypatch):
    step = suite.path / "step.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    suite.makepyfile("def test_plain(): pass")
    suite.runpytest().assert_outcomes(passed=1)
    assert not step.exists()


def test_a_summary_asked_for_is_written_without_gates_too(suite):
    (suite.path / "s.md").write_text("## ✅ editmetrics passed: 9 gates, last week")
    suite.makepyfile("def test_plain(): pass")
    suite.runpytest("--editmetrics-summary=s.md")
    nothing = "## ➖ editmetrics: no gate was made, so nothing was judged\n"
    assert (suite.path / "s.md").read_text(encoding="utf-8").startswith(nothing)


def test_a_killed_session_leaves_a_summary_that_says_so(suite):
    suite.makepyfile("import os\ndef test_dies(): os._exit(9)")
    suite.runpytest_subprocess("--editmetrics-summary=s.md")
    text = (suite.path / "s.md").read_text(encoding="utf-8")
    assert text == "## ❌ editmetrics failed: the session did not finish\n"


@both_modes
def test_a_stopped_session_is_not_a_pass(suite, mode):
    suite.makepyfile(
        test_x="""
        def test_a(check): check(5, 0.1)
        def test_b(check):
            raise KeyboardInterrupt
        """
    )
    suite.runpytest_subprocess("--editmetrics-summary=s.md", *mode)
    first = (suite.path / "s.md").read_text(encoding="utf-8").partition("\n")[0]
    assert first.startswith("## ❌ editmetrics failed: 1 gate")
    assert first.endswith("interrupted, so not every test ran")


def test_the_summary_tells_what_failed_the_session(suite, monkeypatch):
    suite.makepyfile(test_x="from conftest import *\ndef test_a(check): check(NOT_FOUND, 1)")
    suite.runpytest("--editmetrics-summary=s.md")
    text = (suite.path / "s.md").read_text(encoding="utf-8")
    assert text.startswith("## ❌ editmetrics failed: 1 gate, 1 unmeasured\n")
    assert "❌ <code>not one gate of this session could be measured" in text


LIKE_COV = """
@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session):
    result = yield
    session.testsfailed += 1
    return result
"""
AT_THE_END = """
def pytest_sessionfinish(session):
    session.exitstatus = 7
"""


@both_modes
@pytest.mark.parametrize(("hook", "status"), [(LIKE_COV, 1), (AT_THE_END, 7)])
@pytest.mark.parametrize("value", [5, 30])
def test_what_fails_the_session_besides_its_tests_is_no_failed_test(
    suite, monkeypatch, capsys, hook, status, value, mode
):
    """As pytest-cov does by ``--cov-fail-under``, or a plugin that sets the exit status."""
    add_to_conftest(suite, hook)
    suite.makepyfile(test_x=f"def test_a(check): check({value}, 0.1)")
    step = suite.path / "step.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    result = suite.runpytest("--editmetrics-summary=s.md", "--editmetrics-run-dir=run", *mode)
    assert result.ret == status
    failed = "1 gate" if value == 5 else "1 of 1 gate failed"
    said = f"the session failed besides its tests, exit status {status}: "
    for path in (suite.path / "s.md", step):
        text = path.read_text(encoding="utf-8").lstrip()
        assert text.startswith(f"## ❌ editmetrics failed: {failed}\n")
        assert (f"❌ <code>{said}" in text) == (value == 5 or hook == LIKE_COV)
    assert "FAILED: the session" not in result.stdout.str()
    capsys.readouterr()
    main(["comment", "run"])
    comment = capsys.readouterr().out
    assert "failed test of the session" not in comment
    assert (said in comment) == (value == 5 or hook == LIKE_COV)


def test_a_flaky_test_that_fails_the_session_is_no_pass(suite):
    suite.makepyfile(
        test_x=ends_again_with("check = lambda *_: request.getfixturevalue('check')(5, 1)")
    )
    result = suite.runpytest("--reruns=1", "--fail-on-flaky", "--editmetrics-summary=s.md")
    assert result.ret == 7
    text = (suite.path / "s.md").read_text(encoding="utf-8")
    assert text.startswith(
        "## ❌ editmetrics failed: 2 gates\n\n❌ <code>the session failed besides"
    )
    assert "### Passed only after a rerun: 1" in text


def test_a_crashed_worker_is_in_the_summary(suite, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    suite.makepyfile(
        test_x="import os\ndef test_a(check): check(5, 0.1)\ndef test_dies(): os._exit(3)"
    )
    result = suite.runpytest("-n1", "--editmetrics-summary=s.md", "--editmetrics-run-dir=run")
    result.stdout.fnmatch_lines(
        ["::error file=test_x.py,line=1,title=crashed::test_x.py::test_dies: its worker ended *"]
    )
    text = (suite.path / "s.md").read_text(encoding="utf-8")
    assert text.startswith("## ❌ editmetrics failed: 1 gate, 1 test crashed")
    crashed = "### Crashed, so not measured to the end: 1\n- <code>test_x.py::test_dies</code>"
    assert crashed in text
    capsys.readouterr()
    main(["comment", "run"])
    assert crashed in capsys.readouterr().out


def test_a_path_that_cannot_be_written_stops_before_the_first_test(suite):
    suite.makepyfile("def test_it(check): check(1, 1)")
    (suite.path / "file").write_text("")
    result = suite.runpytest("--editmetrics-summary=file/s.md")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*cannot write the summary */file/s.md:*"])


@both_modes
@pytest.mark.parametrize("name", ["option", "github"])
def test_a_path_that_becomes_unwritable_fails_the_session(suite, monkeypatch, name, mode):
    suite.makepyfile(
        test_x="""
        import pathlib
        def test_it(check):
            check(5, 0.1)
            path = pathlib.Path("s.md")
            path.unlink(missing_ok=True)
            path.mkdir()
        """
    )
    if name == "github":
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(suite.path / "s.md"))
        result = suite.runpytest(*mode)
    else:
        result = suite.runpytest("--editmetrics-summary=s.md", *mode)
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED: cannot write the summary */s.md:*"])
    assert not [line for line in result.outlines if line.startswith("summary: ")]


def test_one_path_for_both_is_written_once(suite, monkeypatch):
    step = suite.path / "step.md"
    step.write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    suite.makepyfile("def test_it(check): check(5, 0.1)")
    suite.runpytest(f"--editmetrics-summary={step}")
    text = step.read_text(encoding="utf-8")
    assert text.startswith("# before\n")
    assert text.count("editmetrics passed") == 1


@pytest.mark.parametrize("left", [2_000, 100])
def test_githubs_page_never_passes_its_limit(suite, monkeypatch, left):
    step = suite.path / "step.md"
    step.write_bytes(b"x" * ((1 << 20) - left))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    suite.makepyfile(
        test_x="""
        import pytest
        @pytest.mark.parametrize("n", range(9))
        def test_bad(check, n): check(19, 0.1)
        """
    )
    result = suite.runpytest()
    assert os.path.getsize(step) <= 1 << 20
    written = step.read_text(encoding="utf-8").lstrip("x")
    if left == 100:
        assert written == ""
        result.stdout.fnmatch_lines(["no summary on GitHub's page: *step.md holds 1 MiB already"])
    else:
        assert re.search(r"\*\*Truncated\*\*: \d more entries", written)


def test_collecting_writes_nothing(suite):
    suite.makepyfile("def test_it(check): check(5, 0.1)")
    suite.runpytest("--collect-only", "--editmetrics-summary=s.md")
    assert not (suite.path / "s.md").exists()


EVERY_END = """
from conftest import *
import pytest
def test_passes(check): check(5, 0.1)
def test_fails(check): check(30, 0.1)
def test_is_soft(check): check(NOT_FOUND, 0.1)
def test_errs(check): check(MISSING, 0.1)
def test_fails_in_its_teardown(late): pass
def test_prints(check): print("said"); check(30, 0.1)
@pytest.fixture
def late(check):
    yield
    check(30, 0.1)
@pytest.mark.skip
def test_skipped(check): pass
@pytest.mark.xfail
def test_expected(check): check(30, 0.1)
"""


@pytest.mark.parametrize("family", ["xunit2", "xunit1"])
def test_junit_is_what_jenkins_xunit_takes(suite, family):
    suite.makepyfile(test_x=EVERY_END)
    told = ("--junitxml=j.xml", "-o", f"junit_family={family}", "-o", "junit_logging=all")
    suite.runpytest(*told, "--reruns=1")
    root = ElementTree.parse(suite.path / "j.xml").getroot()
    broken = set(broken_rules(root))
    if family == "xunit1":  # pytest's older family states file and line of each test
        broken -= {f"/testsuites/testsuite/testcase has {name}" for name in ("file", "line")}
    assert broken == set()
    assert root.find("testsuite/properties/property[@name='editmetrics:failed']") is not None
    suite.runpytest(*told, "-o", "editmetrics_junit=full")
    root = ElementTree.parse(suite.path / "j.xml").getroot()
    assert "/testsuites/testsuite/testcase holds properties" in set(broken_rules(root))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--editmetrics-require=9",), "fewer gates were measured than"),
        (("--editmetrics-require=9", "-n1"), "fewer gates were measured than"),
        (("--editmetrics-config=nowhere.yaml",), "no such configuration file"),
    ],
)
def test_junit_tells_what_fails_the_session_besides_its_tests(suite, options, said):
    suite.makepyfile(test_x="def test_passes(check): check(5, 0.1)")
    assert suite.runpytest("--junitxml=j.xml", *options).ret in (1, 4)
    suites = ElementTree.parse(suite.path / "j.xml").getroot()
    assert suites.find("testsuite").get("errors") == "1"
    error = suites.find("testsuite/testcase[@classname='editmetrics']/error")
    assert said in error.text
    assert set(broken_rules(suites)) == set()
    suite.runpytest("--junitxml=j.xml").assert_outcomes(passed=1)
    suites = ElementTree.parse(suite.path / "j.xml").getroot()
    assert suites.find("testsuite").get("errors") == "0"


@pytest.mark.long
def test_a_case_that_crashed_is_of_the_class_of_its_file(suite):
    Image.new("RGB", (8, 8)).save(suite.path / "a.png")
    Image.new("RGB", (8, 8), "blue").save(suite.path / "b.png")
    suite.makeconftest(
        """
        import os, pytest
        from PIL import Image

        @pytest.fixture
        def edit_image():
            def edit(case):
                if case.params["dies"]:
                    os._exit(1)
                return Image.open(case.reference).transpose(Image.Transpose.ROTATE_90)
            return edit
        """
    )
    (suite.path / "test_a.edit.yaml").write_text(
        "metrics: [unedit_psnr]\ncases:\n"
        "- {id: lives, reference: a.png, params: {dies: false}}\n"
        "- {id: dies, reference: b.png, params: {dies: true}}\n"
    )
    suite.runpytest("-n1", "--junitxml=j.xml")
    suites = ElementTree.parse(suite.path / "j.xml").getroot()
    cases = {(one.get("classname"), one.get("name")) for one in suites.iter("testcase")}
    assert cases >= {("test_a_edit_yaml", "lives"), ("test_a_edit_yaml", "dies")}
