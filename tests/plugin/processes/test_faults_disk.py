"""A disk that is full or read-only: verdicts stand, nothing is half-written, nothing stays unsaid."""

from __future__ import annotations

import json
import sys

import pytest
from hostile import EXACT, fill, read_only, small_disk

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.runs.folder import read_run

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts as Linux does")
TESTS = "def test_a(check): check(20)\ndef test_b(check): check(10)\n"
IMAGES = """
import os
import numpy as np
import pytest

@pytest.mark.parametrize("i", range(3))
def test_it(golden_image, i):
    golden_image.check(np.full((64, 64, 3), int(os.environ["V"]) + i, np.uint8))
"""


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "filler"}


@linux
def test_golden_thresholds_on_a_full_disk(suite):
    suite.makepyfile(test_x=TESTS)
    with small_disk(suite.path / "goldens", 4) as disk:
        golden = disk / "test_x.py.yaml"
        golden.write_text('"test_a":\n  score: {max: 0.1, measured: 0.05}\n')
        fill(disk)
        before = contents(disk)
        result = suite.runpytest("--editmetrics-update=all")
        assert result.ret == 1
        result.stdout.fnmatch_lines(
            ["FAILED: goldens/test_x.py.yaml: the golden was not written: No space left on device"]
        )
        assert contents(disk) == before
        (disk / "filler").unlink()
        suite.runpytest("--editmetrics-update=all").assert_outcomes(passed=2)
        assert golden.read_text().count("measured:") == 2


@linux
def test_golden_images_on_a_full_disk(suite, monkeypatch):
    (suite.path / "editmetrics.yaml").write_text(EXACT)
    suite.makepyfile(test_x=IMAGES)
    monkeypatch.setenv("V", "10")
    with small_disk(suite.path / "goldens", 12) as disk:
        suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=3)
        before = contents(disk)
        assert len(before) == 4
        fill(disk)
        monkeypatch.setenv("V", "100")
        result = suite.runpytest("--editmetrics-update=all")
        result.assert_outcomes(failed=3)
        result.stdout.fnmatch_lines(
            ["*EditMetricsError*golden image cannot be written: No space left on device*"]
        )
        assert contents(disk) == before
        (disk / "filler").unlink()
        monkeypatch.setenv("V", "10")
        suite.runpytest().assert_outcomes(passed=3)


@linux
@pytest.mark.parametrize("option", ["results", "summary"])
def test_an_output_that_is_full_from_the_start(suite, option):
    suite.makepyfile(test_x=TESTS)
    result = suite.runpytest(f"--editmetrics-{option}=/dev/full", "--editmetrics-update=missing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*cannot write*/dev/full*No space left on device*"])


@linux
def test_a_disk_that_fills_up_under_the_results(suite):
    """Gates that cannot be written fail the session; the file is read as far as it goes."""
    suite.makepyfile(
        test_x="""
        import pytest
        from pathlib import Path
        from hostile import EXACT, fill

        @pytest.mark.parametrize("i", range(20))
        def test_it(check, i):
            check(5, 1)
            if i == 10:
                fill(Path("disk"))
        """
    )
    with small_disk(suite.path / "disk", 8) as disk:
        result = suite.runpytest("--editmetrics-results=disk/r.jsonl")
        assert result.ret == 1
        result.assert_outcomes(passed=20)
        result.stdout.fnmatch_lines(["FAILED: cannot write the results file *No space left*"])
        run = read_run(disk / "r.jsonl")
        assert not run.complete
        assert 8 <= len(run.gates) < 20
        assert all(record.gate.verdict == "pass" for record in run.gates)


@linux
def test_a_run_directory_on_a_full_disk(suite):
    suite.makepyfile(
        test_x="""
        from pathlib import Path
        from hostile import EXACT, fill

        def test_a(check): check(5, 1)
        def test_b(check):
            fill(Path("disk"))
            check(50, 1)
        def test_c(check): check(90, 0.1)
        """
    )
    with small_disk(suite.path / "disk", 32) as disk:
        result = suite.runpytest("--editmetrics-run-dir=disk/run", "--editmetrics-results=r.jsonl")
        result.assert_outcomes(passed=2, failed=1)
        assert not [path for path in disk.rglob("*") if path.name.endswith(".tmp")]
    gates = [record.gate for record in read_run(suite.path / "r.jsonl").gates]
    assert [gate.verdict for gate in gates] == ["pass", "pass", "fail"]
    assert "not_kept" not in gates[0].details
    for gate in gates[1:]:
        assert "No space left on device" in gate.details["not_kept"]


@linux
def test_a_report_on_a_full_disk(suite):
    suite.makepyfile(test_x="from pathlib import Path\nfrom hostile import EXACT, fill\n"
                     "def test_it(check):\n    check(5, 1)\n    fill(Path('disk'))\n")  # fmt: skip
    with small_disk(suite.path / "disk", 16) as disk:
        result = suite.runpytest("--editmetrics-html=disk/report.html")
        assert result.ret == 1
        result.stdout.fnmatch_lines(["FAILED: *disk/report.html*No space left on device*"])
        assert sorted(path.name for path in disk.iterdir()) == ["filler", "report.html"]
        assert "did not finish" in (disk / "report.html").read_text(encoding="utf-8")


@linux
def test_features_on_a_full_disk(pytester):
    pytester.makepyfile(
        """
        import numpy as np
        from pytest_editmetrics import assert_unedit_lpips_below
        def test_it():
            image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
            assert_unedit_lpips_below(image, 255 - image, None, 9)
        """
    )
    with small_disk(pytester.path / "disk", 8) as disk:
        fill(disk)
        result = pytester.runpytest("--editmetrics-cache-dir=disk/features")
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(
            ["feature cache: *disk/features cannot be written*No space*this run goes on without"]
        )
        assert not [path for path in disk.rglob("*") if path.is_file() and path.stat().st_size == 0]


@linux
@pytest.mark.filterwarnings("ignore::pytest.PytestCacheWarning")
def test_a_checkout_that_is_read_only(suite, monkeypatch, tmp_path):
    """A plain run works; what is to be written there says that it cannot be."""
    monkeypatch.setenv("V", "10")
    (suite.path / "editmetrics.yaml").write_text(EXACT)
    suite.makepyfile(test_x=TESTS + "def test_c(check): check(90, 0.1)\n", test_y=IMAGES)
    suite.runpytest("--editmetrics-update=all", "-k", "test_a or test_it").assert_outcomes(passed=4)
    before = contents(suite.path)
    with read_only(suite.path):
        result = suite.runpytest("-k", "not test_b")
        result.assert_outcomes(passed=4, failed=1)
        result.stdout.fnmatch_lines(["*look at*no picture: *Read-only file system: */*"])
        result.stdout.no_fnmatch_line("worst picture: no picture*")

        result = suite.runpytest("--editmetrics-update=missing", "-k", "test_b or test_it")
        assert result.ret == 1
        result.stdout.fnmatch_lines(
            ["FAILED: goldens/test_x.py.yaml: the golden was not written: Read-only*"]
        )

        monkeypatch.setenv("V", "100")
        result = suite.runpytest("--editmetrics-update=all", "test_y.py")
        result.assert_outcomes(failed=3)
        result.stdout.fnmatch_lines(["*golden image cannot be written: Read-only file system*"])

        result = suite.runpytest("--editmetrics-run-dir=run", "-k", "test_a")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*cannot write the run directory *run: Read-only*another*"])
        elsewhere = tmp_path / "elsewhere"
        suite.runpytest(f"--editmetrics-run-dir={elsewhere}", "test_x.py")
        assert json.loads((elsewhere / "results.jsonl").read_text().splitlines()[-1])
        assert main(["approve", str(elsewhere)]) == 1
    assert contents(suite.path) == before
