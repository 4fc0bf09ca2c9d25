"""``golden_image`` as a user meets it: create, pass, change, fail, update."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path, PurePath

import numpy as np
import pytest
from conftest_text import add_to_conftest
from PIL import Image

import pytest_editmetrics
from pytest_editmetrics.cli.main import main
from pytest_editmetrics.goldens.image_names import stem_of
from pytest_editmetrics.goldens.images import sha256_of
from pytest_editmetrics.goldens.provenance import PROVENANCE, entry_of, read_provenance
from pytest_editmetrics.images.load import read_pixels

# one worker: the suites hold one test
both = pytest.mark.parametrize("mode", [(), ("-n1",)], ids=["serial", "xdist"])
with_two = pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["serial", "xdist"])

CONFTEST = '''
import os

import numpy as np
import pytest


def picture(value=0, width=40, height=32, mode="RGB"):
    """Return a gradient with a square of ``value`` in it."""
    from PIL import Image

    rows, columns = np.mgrid[:height, :width]
    pixels = np.stack([rows * 3, columns * 3, (rows + columns) * 2], axis=2).astype(np.uint8)
    pixels[8:24, 8:24] = value
    return Image.fromarray(pixels).convert(mode)


@pytest.fixture
def made():
    return picture(int(os.environ.get("V", "0")))
'''
YAML = "golden_images: {comparator: exact}\npipes_default: {lpips-pipe: {device: cpu}}\n"


@pytest.fixture
def suite(pytester, monkeypatch):
    """A suite whose image is chosen by the variable V, compared exactly."""
    monkeypatch.setenv("V", "0")
    pytester.makeconftest(CONFTEST)
    (pytester.path / "editmetrics.yaml").write_text(YAML)
    return pytester


@pytest.fixture
def value(monkeypatch):
    return lambda value: monkeypatch.setenv("V", str(value))


def goldens(suite, file="test_x.py"):
    folder = suite.path / "goldens" / file
    return sorted(path for path in folder.iterdir() if path.name != PROVENANCE)


def files(suite):
    folder = suite.path / "goldens"
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def results(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.quick(1)
@both
def test_the_whole_cycle(suite, value, mode):
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made, 'hat')")
    name = stem_of("test_it", "hat") + ".png"
    result = suite.runpytest(*mode)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"*golden_exact@hat has no golden image goldens/test_x.py/{name}",
            "*to record pytest test_x.py::test_it --editmetrics-update=missing",
        ]
    )
    assert not (suite.path / "goldens").exists()
    result = suite.runpytest("--editmetrics-update=missing", *mode)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["recorded: 1 golden image in goldens/test_x.py; look at*"])
    assert [path.name for path in goldens(suite)] == [name]
    suite.runpytest(*mode).assert_outcomes(passed=1)

    value(200)
    before = files(suite)
    result = suite.runpytest(*mode)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*golden_exact@hat 0.200 > max 0.000*",
            "*bound     default built in",
            f"*golden    goldens/test_x.py/{name}",
            "*tile      worst 0.200 > max 0.000 at (0, 0, 40, 32)",
            "*look at   *.png (golden | image | difference)",
            "*to accept pytest test_x.py::test_it --editmetrics-update=failed",
            "*change    20.0 % of the measured pixels differ*",
        ]
    )
    suite.runpytest("--editmetrics-update=missing", *mode).assert_outcomes(failed=1)
    assert files(suite) == before
    suite.runpytest("--editmetrics-update=failed", *mode).assert_outcomes(passed=1)
    assert read_pixels(goldens(suite)[0]).pixels[10, 10].tolist() == [200, 200, 200]
    suite.runpytest(*mode).assert_outcomes(passed=1)


MANY = """
import pytest, time
from conftest import picture

@pytest.mark.parametrize("i", range(6))
def test_it(golden_image, i):
    time.sleep(0.02 * (6 - i))
    golden_image.provenance(seed=i)
    golden_image.check(picture(i * 10))
    golden_image.check(picture(i * 10 + 5), "other", comparator="pixel")
"""


@pytest.mark.long
def test_serial_and_xdist_write_the_same_bytes_and_the_same_results(suite):
    suite.makepyfile(test_x=MANY)
    written, lines = [], []
    for mode in ((), ("-n2",)):
        result = suite.runpytest("--editmetrics-update=missing", "--editmetrics-results=r", *mode)
        result.assert_outcomes(passed=6)
        written.append(files(suite))
        text = (suite.path / "r").read_text()
        text = re.sub(r"\d{4}-\d\d-\d\dT[^\"]+|(?<=\"id\": \")\w+", "TOLD", text)
        lines.append(sorted(text.splitlines()))
        shutil.rmtree(suite.path / "goldens")
    dates = re.compile(rb"\d{4}-\d\d-\d\dT[^\"]+")
    plain = [{name: dates.sub(b"", data) for name, data in one.items()} for one in written]
    assert plain[0] == plain[1]
    assert len(plain[0]) == 13
    assert lines[0] == lines[1]


def test_failed_leaves_a_golden_within_tolerance_untouched(suite, value):
    suite.makepyfile(
        test_x="""
        def test_near(golden_image, made): golden_image.check(made, comparator="pixel")
        def test_far(golden_image, made): golden_image.check(made)
        """
    )
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    before = files(suite)
    value(3)  # within the distance of 8, but not equal
    suite.runpytest("--editmetrics-update=failed").assert_outcomes(passed=2)
    near, far = (f"test_x.py/{stem_of(test, None)}.png" for test in ("test_near", "test_far"))
    after = files(suite)
    assert after[near] == before[near]
    assert after[far] != before[far]
    old, new = (one[f"test_x.py/{PROVENANCE}"].split(b'"test_near')[1] for one in (before, after))
    assert old == new
    suite.runpytest("--editmetrics-update=all").assert_outcomes(passed=2)
    assert files(suite)[near] != before[near]


@pytest.mark.parametrize("update", ["failed", "all"])
def test_recording_keeps_the_reason_of_a_golden_image(suite, value, update):
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    provenance = suite.path / "goldens/test_x.py" / PROVENANCE
    text = provenance.read_text()
    provenance.write_text(text + '  reason: "torch 2.9, #12"\n')
    value(3)
    suite.runpytest(f"--editmetrics-update={update}").assert_outcomes(passed=1)
    assert provenance.read_text().partition("sha256")[2] != text.partition("sha256")[2]
    assert 'reason: "torch 2.9, #12"' in provenance.read_text()


HOSTILE = [
    "<script>alert(1)</script>", "'\"`$(x)`\"'", "../../../up", "..\\..\\up", "n" * 300,
    "日本語の名前", "\U0001f9e2é", "A", "a", "con", "a/b", "|", "-rf *",
]  # fmt: skip


@with_two
def test_hostile_ids_and_names_stay_inside_the_golden_folder(suite, mode):
    suite.makepyfile(
        test_x=f"""
        import pytest
        IDS = {HOSTILE!r}

        @pytest.mark.parametrize("i", range(len(IDS)), ids=IDS)
        def test_it(golden_image, made, i):
            golden_image.check(made)
            golden_image.check(made, IDS[i])
        """
    )
    there = {path for path in suite.path.rglob("*") if "goldens" not in path.parts}
    result = suite.runpytest("--editmetrics-update=missing", "-p", "no:cacheprovider", *mode)
    result.assert_outcomes(passed=len(HOSTILE))
    names = [path.name for path in goldens(suite)]
    assert len({name.lower() for name in names}) == 2 * len(HOSTILE)
    assert all(len(name.encode()) <= 120 and name.isascii() for name in names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+\.png", name) for name in names)
    now = {path for path in suite.path.rglob("*") if "goldens" not in path.parts}
    assert {path for path in now - there if "__pycache__" not in path.parts} == set()
    assert len(list((suite.path / "goldens").iterdir())) == 1
    suite.runpytest(*mode).assert_outcomes(passed=len(HOSTILE))


def test_two_checks_of_one_name_are_an_error(suite):
    suite.makepyfile(
        test_x="""
        def test_it(golden_image, made):
            golden_image.check(made, "a")
            golden_image.check(made, "a", comparator="pixel")
        """
    )
    result = suite.runpytest("--editmetrics-update=all")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*second gate 'golden_image@a'*name=*"])
    assert not (suite.path / "goldens" / "test_x.py").exists()


COLLIDING = """
from pytest_editmetrics.goldens import images as snapshots
snapshots.stem_of = lambda test, name: "same-00000000"
"""


def test_a_second_test_that_would_share_a_golden_fails(suite):
    suite.makepyfile(
        test_x=COLLIDING
        + "def test_a(golden_image, made): golden_image.check(made)\n"
        + "def test_b(golden_image, made): golden_image.check(made)\n"
    )
    result = suite.runpytest_subprocess("--editmetrics-update=missing")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*test_x.py::test_a has the golden image same-00000000 already*"])


@pytest.mark.long
def test_a_second_writer_in_another_worker_fails_the_session_and_nothing_is_written(suite):
    suite.makepyfile(
        test_x=COLLIDING
        + "import time\n"
        + "def test_a(golden_image, made): time.sleep(1); golden_image.check(made)\n"
        + "def test_b(golden_image, made): time.sleep(1); golden_image.check(made)\n"
    )
    result = suite.runpytest_subprocess("--editmetrics-update=missing", "-n2")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: goldens/test_x.py/same-00000000.png: not written*name=*"])
    assert list((suite.path / "goldens").iterdir()) == []


def _png():
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (32, 40, 3), np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


CONFLICT = b"<<<<<<< HEAD\n%b=======\n%b>>>>>>> main\n"
PNG = _png()
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"


def test_an_lfs_pointer_says_git_lfs_pull_and_only_all_replaces_it(suite):
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    (golden,) = goldens(suite)
    golden.write_bytes(LFS)
    for update in ("none", "missing", "failed"):
        result = suite.runpytest(f"--editmetrics-update={update}")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*EditMetricsError*golden image*git lfs pull*"])
        result.stdout.no_fnmatch_line("*is not the file that was recorded*")
        assert golden.read_bytes() == LFS
    suite.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    suite.runpytest().assert_outcomes(passed=1)


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty (0 bytes)"),
        (b"\x89PNG\r\n\x1a\n broken", "is no image that Pillow can read"),
        (PNG[:-60], "is truncated or damaged (*)"),
        (b"hello", "is no image that Pillow can read"),
        (PNG.replace(b"\r\n", b"\n"), "*line ends*`[*].png binary` into .gitattributes*"),
        (PNG.replace(b"\n", b"\r\n"), "*line ends*`[*].png binary` into .gitattributes*"),
        (CONFLICT % (LFS, LFS), "*marks of a merge conflict*`git checkout --ours`*git lfs pull*"),
        (LFS + b"=======\n" + LFS, "*a merge conflict (=======); *git lfs pull*"),
        (b">>>>>>> main\n" + LFS, "*a merge conflict (>>>>>>>); *git lfs pull*"),
        (CONFLICT % (PNG, PNG), "*marks of a merge conflict*`git checkout --ours`*"),
    ],
    ids=[
        "empty",
        "broken",
        "truncated",
        "text",
        "LF",
        "CRLF",
        "pointers in conflict",
        "middle",
        "end",
        "conflict",
    ],
)
def test_a_damaged_golden_is_an_error_and_not_a_missing_one(suite, content, says):
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    (golden,) = goldens(suite)
    golden.write_bytes(content)
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(failed=1)
    lost = "*is not the file that was recorded: *(`git checkout`), or *--editmetrics-update=all"
    result.stdout.fnmatch_lines([f"*EditMetricsError*{golden.name}: {says}{lost}"])
    assert golden.read_bytes() == content


@pytest.mark.quick(1)
@pytest.mark.parametrize("comparator", ["exact", "pixel", "ssim", "lpips"])
@pytest.mark.parametrize(
    ("then", "says"),
    [
        ("picture(width=41)", "the image is 41x32 px, its golden 40x32 px"),
        ("picture(mode='RGBA')", "the image is RGBA (with alpha), its golden RGB (no alpha)"),
        ("picture(mode='L')", "the image is grey, its golden RGB (no alpha)"),
    ],
    ids=["size", "alpha", "mode"],
)
def test_another_size_mode_or_alpha_fails_and_says_so(suite, comparator, then, says):
    test = "from conftest import picture\ndef test_it(golden_image): golden_image.check({}, comparator={!r})"
    suite.makepyfile(test_x=test.format("picture()", comparator))
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    suite.makepyfile(test_x=test.format(then, comparator))
    result = suite.runpytest("--editmetrics-results=r")
    result.assert_outcomes(failed=1)
    assert f"GateFailure: golden_{comparator}: {says}" in result.stdout.str()
    result.stdout.fnmatch_lines(
        ["*to accept pytest test_x.py::test_it --editmetrics-update=failed"]
    )
    (gate,) = [line for line in results(suite.path / "r") if line["record"] == "gate"]
    assert (gate["verdict"], gate["value"], gate["message"]) == ("fail", None, says)
    suite.runpytest("--editmetrics-update=failed").assert_outcomes(passed=1)
    suite.runpytest().assert_outcomes(passed=1)


@pytest.mark.slow
def test_a_variant_decides_on_its_device_and_is_recorded_there(suite, value):
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    (plain,) = goldens(suite)
    before = plain.read_bytes()
    variant = plain.with_name(f"{plain.stem}@cpu.png")
    variant.touch()
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*has no golden image goldens/test_x.py/{variant.name}"])
    value(9)
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    assert read_pixels(variant).pixels[10, 10].tolist() == [9, 9, 9]
    assert plain.read_bytes() == before
    value(20)
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*golden    goldens/test_x.py/{variant.name}"])
    suite.runpytest("--editmetrics-update=failed").assert_outcomes(passed=1)
    assert plain.read_bytes() == before
    assert set(read_provenance(plain.with_name(PROVENANCE), suite.path)) == {
        plain.name,
        variant.name,
    }


def test_provenance_tells_what_made_a_golden(suite):
    suite.makepyfile(
        test_x="""
        def test_it(golden_image, made):
            golden_image.provenance(model="sdxl-edit", seed=1)
            golden_image.provenance(seed=2)
            golden_image.check(made, "hat", comparator="lpips")
        """
    )
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    (golden,) = goldens(suite)
    entry = read_provenance(golden.with_name(PROVENANCE), suite.path)[golden.name]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", entry.pop("date"))
    weights = (
        Path(pytest_editmetrics.__file__).parent / "weights" / "data" / "lpips_alex.safetensors"
    )
    versions = entry.pop("versions")
    assert all(versions[name] for name in ("pytest-editmetrics", "torch", "transformers"))
    assert entry == {
        "test": "test_it",
        "name": "hat",
        "device": "cpu",
        "comparator": ["lpips"],
        "weights": [
            {"name": "lpips:alex", "sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
        ],
        "facts": {"model": "sdxl-edit", "seed": 2},
        "sha256": hashlib.sha256(golden.read_bytes()).hexdigest(),
    }


def test_recording_what_did_not_change_changes_no_file(suite, value):
    """Else each ``all`` is a diff of dates, in which what did change is not seen."""
    suite.makepyfile(
        test_x="def test_it(golden_image, made):\n"
        "    golden_image.check(made, 'a')\n    golden_image.check(made, 'b')\n"
    )
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    path = suite.path / "goldens" / "test_x.py" / PROVENANCE
    path.write_text(re.sub('date: "2[0-9]{3}', 'date: "1999', path.read_text()))
    files = [one for one in sorted((suite.path / "goldens").rglob("*")) if one.is_file()]
    before = [one.read_bytes() for one in files]
    for update in ("all", "failed", "missing"):
        result = suite.runpytest(f"--editmetrics-update={update}")
        result.assert_outcomes(passed=1)
        result.stdout.no_fnmatch_line("recorded: *")
        assert [one.read_bytes() for one in files] == before
    path.write_text(re.sub('"torch": "[^"]*"', '"torch": "1.0"', path.read_text(), count=1))
    suite.runpytest("--editmetrics-update=all").stdout.fnmatch_lines(
        ["recorded: 1 golden image in goldens/test_x.py; *"]
    )
    assert path.read_text().count('date: "1999') == 1
    value(7)
    suite.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    assert 'date: "1999' not in path.read_text()


def test_a_comparison_across_devices_says_so(suite, value):
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    path = suite.path / "goldens" / "test_x.py" / PROVENANCE
    path.write_text(path.read_text().replace('device: "cpu"', 'device: "NVIDIA H100"'))
    result = suite.runpytest("--editmetrics-results=r")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "golden images compared across devices: 1",
            "*made on NVIDIA H100, compared with one made on cpu",
        ]
    )
    gate = results(suite.path / "r")[1]
    assert gate["snapshot"]["across"] == "made on NVIDIA H100, compared with one made on cpu"
    value(7)
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*devices   made on NVIDIA H100, compared with one made on cpu*"])


def test_provenance_of_another_file_is_not_believed(suite):
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    (golden,) = goldens(suite)
    Image.open(golden).save(golden, compress_level=0)  # the same pixels by another hand
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*was not approved: it is not the file that its entry*"])


def test_provenance_that_cannot_be_read_is_an_error(suite):
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    (suite.path / "goldens" / "test_x.py" / PROVENANCE).write_text("<<<<<<< ours\n")
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*EditMetricsError*goldens/test_x.py/{PROVENANCE}:1*"])


@pytest.mark.quick(1)
@both
def test_what_a_test_that_fails_otherwise_made_is_not_recorded(suite, mode):
    suite.makepyfile(
        test_x="def test_it(golden_image, made):\n    golden_image.check(made)\n    assert False, 'other'"
    )
    result = suite.runpytest("--editmetrics-update=all", *mode)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["not recorded: 1 golden image of a test that failed*"])
    assert list((suite.path / "goldens").iterdir()) == []


@both
def test_a_rerun_does_not_turn_a_missing_golden_green(suite, mode):
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)")
    outcomes = suite.runpytest("--reruns", "2", *mode).parseoutcomes()
    assert outcomes == {"failed": 1, "rerun": 2}
    assert not (suite.path / "goldens").exists()


@both
@pytest.mark.parametrize("phase", ["call", "teardown"])
def test_only_the_last_attempt_is_recorded(suite, mode, phase):
    suite.makepyfile(
        test_x=f"""
        import pathlib
        import pytest
        from conftest import picture

        @pytest.fixture
        def first():
            first = not pathlib.Path("seen").exists()
            pathlib.Path("seen").touch()
            yield first
            assert not (first and {phase == "teardown"})

        def test_it(golden_image, first):
            golden_image.check(picture(1 if first else 2))
            assert not (first and {phase == "call"})
        """
    )
    outcomes = suite.runpytest("--editmetrics-update=all", "--reruns", "1", *mode).parseoutcomes()
    assert outcomes["passed"] >= 1
    assert outcomes["rerun"] == 1
    (golden,) = goldens(suite)
    assert read_pixels(golden).pixels[10, 10].tolist() == [2, 2, 2]
    assert [path.name for path in (suite.path / "goldens").iterdir()] == ["test_x.py"]


def test_updating_is_refused_in_ci_unless_forced(suite, monkeypatch):
    monkeypatch.setenv("CI", "true")
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)")
    assert suite.runpytest("--editmetrics-update=all").ret == pytest.ExitCode.USAGE_ERROR
    assert not (suite.path / "goldens").exists()
    result = suite.runpytest("--editmetrics-update=all", "--editmetrics-force-update")
    result.assert_outcomes(passed=1)


def test_what_finished_before_ctrl_c_is_recorded(suite):
    suite.makepyfile(
        test_x="""
        def test_a(golden_image, made): golden_image.check(made)
        def test_b(golden_image, made):
            golden_image.check(made)
            raise KeyboardInterrupt
        """
    )
    result = suite.runpytest(
        "--editmetrics-update=missing", "--editmetrics-results=r", no_reraise_ctrlc=True
    )
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert [path.stem for path in goldens(suite)] == [stem_of("test_a", None)]
    assert all(line["record"] != "end" for line in results(suite.path / "r"))


def test_what_finished_before_a_worker_crash_is_recorded(suite):
    suite.makepyfile(
        test_x="""
        import os
        def test_a(golden_image, made): golden_image.check(made)
        def test_b(golden_image, made):
            golden_image.check(made)
            os._exit(3)
        """
    )
    result = suite.runpytest("--editmetrics-update=missing", "-n1")
    assert result.ret == 1
    assert [path.stem for path in goldens(suite)] == [stem_of("test_a", None)]
    suite.makepyfile(test_x="def test_a(golden_image, made): golden_image.check(made)")
    suite.runpytest("--editmetrics-update=all")  # removes what the killed worker had staged
    assert [path.name for path in (suite.path / "goldens").iterdir()] == ["test_x.py"]


def test_goldens_that_cannot_be_written_fail_the_test(suite):
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)")
    (suite.path / "goldens").write_text("a file where the folder should be")
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*EditMetricsError*goldens: the golden image cannot be written:*"])


def test_a_golden_that_cannot_be_promoted_fails_the_session(suite):
    suite.makepyfile(
        test_x="""
        from pathlib import Path

        def test_it(golden_image, made):
            golden_image.check(made)
            Path("goldens/test_x.py").mkdir()
            Path("goldens/test_x.py/provenance.yaml").write_text("- not ours")
        """
    )
    result = suite.runpytest("--editmetrics-update=missing")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: goldens/test_x.py/provenance.yaml:1: *"])
    assert [path.name for path in (suite.path / "goldens").iterdir()] == ["test_x.py"]


def test_by_default_a_small_defect_fails_by_its_tile(suite):
    (suite.path / "editmetrics.yaml").unlink()
    test = """
        import numpy as np
        from conftest import picture

        def test_it(golden_image):
            image = np.asarray(picture(width=512, height=384)).copy()
            image[200:216, 300:316] = {}
            golden_image.check(image)
        """
    suite.makepyfile(test_x=test.format("image[200:216, 300:316]"))
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    suite.makepyfile(test_x=test.format("(255, 0, 0)"))
    result = suite.runpytest("--editmetrics-results=r", "--editmetrics-run-dir=run")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*golden_lpips worst tile * > max 0.200 at (2??, 1??, 3??, 2??)*",
            "*image     golden_lpips: 0.0* <= max 0.120*",
            "*weights   golden_lpips: lpips:alex sha256 94bbe0919378",
            "golden_lpips *worst tile *(max 0.200, * beyond)*",
        ]
    )
    gate = results(suite.path / "r")[1]
    assert gate["value"] < gate["bound"]
    assert gate["distance"] == gate["snapshot"]["tile"]["value"] - 0.2 > 0
    assert set(gate["images"]) >= {"edited", "golden", "heat"}
    assert all((suite.path / "run" / gate["images"][key]).is_file() for key in ("edited", "golden"))


@both
def test_a_golden_whose_entry_is_gone_is_named(suite, mode):
    suite.makepyfile(test_x="def test_it(made, golden_image): golden_image.check(made)")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    entries = suite.path / "goldens" / "test_x.py" / PROVENANCE
    entries.unlink()
    result = suite.runpytest("--editmetrics-results=r", *mode)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["warning: golden images of which *Restore the file from git*: 1", "  goldens/test_x*.png"]
    )
    assert results(suite.path / "r")[1]["snapshot"]["no_entry"] is True
    (image,) = goldens(suite)
    before = image.read_bytes()
    result = suite.runpytest("--editmetrics-update=missing", *mode)
    result.assert_outcomes(passed=1)
    assert image.read_bytes() == before
    (entry,) = read_provenance(entries, suite.path).values()
    assert entry["sha256"] == sha256_of(image)
    assert set(entry) == {"test", "comparator", "sha256"}
    suite.runpytest(*mode).stdout.no_fnmatch_line("warning: golden images of which*")


def test_a_passing_golden_image_shows_the_part_nearest_to_its_bound(suite):
    (suite.path / "editmetrics.yaml").unlink()
    test = """
        import numpy as np
        from conftest import picture

        def test_it(golden_image):
            image = np.asarray(picture(width=512, height=384)).astype(int)
            image[200:216, 300:316] += {}
            golden_image.check(np.minimum(image, 255).astype(np.uint8), comparator="structure")
        """
    suite.makepyfile(test_x=test.format(0))
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    suite.makepyfile(test_x=test.format(2))
    shown = "golden_structure worst tile 0.* <= max 0.900 at (2??, 1??, 3??, 2??)"
    asked = ("--editmetrics-results=r", "--editmetrics-summary=s.md", "--junitxml=j.xml")
    result = suite.runpytest("-v", "-o", "editmetrics_junit=full", *asked)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [f"PASS *{shown} (0.* inside)", "golden_structure *worst tile 0.* (max 0.900, * inside)*"]
    )
    gate = results(suite.path / "r")[1]
    tile = gate["snapshot"]["tile"]["value"]
    assert gate["value"] < tile < 0.9
    assert gate["distance"] == pytest.approx(tile - 0.9)
    assert "worst tile" in (suite.path / "s.md").read_text()
    assert f"tile={tile:.6g} tile_max=0.9" in (suite.path / "j.xml").read_text()


def test_boxes_and_scope_choose_what_counts(suite, value):
    suite.makepyfile(
        test_x="""
        import pytest
        BOX = [(8, 8, 24, 24)]

        @pytest.mark.parametrize("comparator", ["exact", "pixel", "ssim", "lpips"])
        @pytest.mark.parametrize("scope", ["edit_area", "unedit_area", None])
        def test_it(golden_image, made, comparator, scope):
            golden_image.check(made, comparator=comparator, coords=BOX, scope=scope)
        """
    )
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=12)
    value(250)  # inside the box only
    result = suite.runpytest()
    result.assert_outcomes(passed=8, failed=4)
    result.stdout.fnmatch_lines(["*region    edit_area: inside (8, 8, 24, 24)*of 40x32 px"])
    assert len(re.findall(r"FAILED test_x.py::test_it\[edit_area-\w+\]", result.stdout.str())) == 4


def test_a_region_without_pixels_xfails(suite):
    suite.makepyfile(
        test_x="""
        def test_it(golden_image, made):
            golden_image.check(made, coords=[(0, 0, 40, 32)])
        def test_inside_nothing(golden_image, made):
            golden_image.check(made, scope="edit_area")
        """
    )
    result = suite.runpytest("--editmetrics-update=all", "-rx")
    result.assert_outcomes(xfailed=2)
    result.stdout.fnmatch_lines(["*golden_exact unmeasured (empty-region): no pixel*"])
    assert not (suite.path / "goldens").exists()


def test_a_region_without_pixels_is_a_regression_where_an_image_was_approved(suite, value):
    suite.makepyfile(
        test_x="""
        import os
        BOXES = [(0, 0, 40, 32)] if os.environ["V"] == "1" else []
        def test_old(golden_image, made): golden_image.check(made, coords=BOXES)
        def test_other(edit_gate, made):
            edit_gate.check(made, made.copy(), metrics="unedit_max_diff")
        """
    )
    (suite.path / "editmetrics.yaml").write_text(YAML + "thresholds: {unedit_max_diff: {max: 2}}\n")
    strict = "--editmetrics-strict=regressed"
    value(1)
    suite.runpytest(strict).assert_outcomes(passed=1, xfailed=1)
    value(0)
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    value(1)
    said = (
        "*unmeasured (empty-region): no pixel*; its golden image goldens/test_x.py/test_old-*.png"
    )
    result = suite.runpytest("--editmetrics-html=r.html")
    result.assert_outcomes(passed=1, xfailed=1)
    result.stdout.fnmatch_lines([f"{said} was approved"])
    assert "its golden image goldens/test_x.py/" in (suite.path / "r.html").read_text()
    result = suite.runpytest(strict)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([f"*GateFailure: {said} was approved"])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("made, comparator='lpisp'", "unknown comparator 'lpisp' (did you mean 'lpips'?)"),
        ("made, tolerance=0.1", "exact allows no difference"),
        ("made, comparator='ssim', tolerance=3", "give a number in [-1, 1]"),
        ("made, comparator='lpips', tolerance=float('nan')", "give a number in [0, inf]"),
        ("made, comparator='pixel', tolerance='0.1'", "give a number in [0, 1]"),
        ("made, scope='inside'", "unknown scope 'inside'"),
        ("made, 'a@b'", "cannot be part of a golden's address"),
        ("made, made", "is a name of the check, not an object of "),
        ("made, name=__import__('pathlib').Path('a.png')", "write golden_image.check(image), or"),
        ("made, coords=[(5, 5, 1, 1)]", "inverted"),
        ("made, coords=(1, 2, 3, 4)", "is one box"),
        ("'missing.png'", "there is no such file"),
        ("object()", "object is not an image"),
    ],
)
def test_a_call_that_makes_no_sense_says_why(suite, call, says):
    suite.makepyfile(test_x=f"def test_it(golden_image, made): golden_image.check({call})")
    result = suite.runpytest("--editmetrics-update=all")
    result.assert_outcomes(failed=1)
    assert says in result.stdout.str()
    assert not (suite.path / "goldens").exists()


def test_a_tolerance_of_the_call_is_named_with_its_line_and_updating_still_records(suite, value):
    suite.makepyfile(
        test_x="""
        def test_it(golden_image, made):
            golden_image.check(made, comparator="pixel", tolerance=0.1)
        """
    )
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    value(250)
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["* 0.200 > max 0.100*", "*bound     argument test_x.py:2"])
    suite.runpytest("--editmetrics-update=failed").assert_outcomes(passed=1)


def test_missing_weights_are_an_error_or_skipped_on_request(suite, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(suite.path / "nothing"))
    (suite.path / "editmetrics.yaml").write_text(
        "pipes_default: {lpips-pipe: {net: vgg, device: cpu}}\n"
    )
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)")
    result = suite.runpytest("--editmetrics-update=all")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*EditMetricsError*golden_lpips*editmetrics weights fetch lpips:vgg*"]
    )
    result = suite.runpytest("--editmetrics-skip-missing=lpips-pipe")
    result.assert_outcomes(skipped=1)
    assert result.ret == 1  # nothing was measured


LARGE = """
import numpy as np

def test_it(golden_image):
    golden_image.check(np.random.default_rng(0).integers(0, 256, (640, 640, 3), dtype=np.uint8))
"""


@both
def test_a_large_golden_is_recorded_with_a_warning_and_both_sizes(suite, mode):
    suite.makepyfile(test_x=LARGE)
    result = suite.runpytest("--editmetrics-update=missing", *mode)
    result.assert_outcomes(passed=1)
    (golden,) = goldens(suite)
    megabytes = f"{golden.stat().st_size / 1e6:.2f}"
    result.stdout.fnmatch_lines(
        [
            f"*{golden.name} is large: it takes {megabytes} MB as optimised PNG or 1.* MB as lossless*"
        ]
    )


def test_webp_is_chosen_in_the_configuration_and_replaces_png(suite, value):
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    (suite.path / "editmetrics.yaml").write_text(YAML.replace("exact", "exact, format: webp"))
    suite.runpytest().assert_outcomes(passed=1)  # what is there still counts
    assert goldens(suite)[0].suffix == ".png"
    value(99)
    suite.runpytest("--editmetrics-update=failed").assert_outcomes(passed=1)
    (golden,) = goldens(suite)
    assert golden.suffix == ".webp"
    assert golden.read_bytes()[8:12] == b"WEBP"
    suite.runpytest().assert_outcomes(passed=1)
    value(98)
    suite.runpytest().assert_outcomes(failed=1)


def test_a_golden_image_of_a_yaml_case_lies_beside_its_thresholds(suite):
    add_to_conftest(
        suite,
        "@pytest.fixture\ndef edit_image(golden_image):\n"
        "    def edit(case):\n        image = picture(7)\n        golden_image.check(image)\n"
        "        return image\n    return edit\n",
    )
    Image.fromarray(np.zeros((32, 40, 3), np.uint8)).save(suite.path / "a.png")
    (suite.path / "test_x.edit.yaml").write_text(
        "cases:\n  - {id: a, reference: a.png, thresholds: {lpips: 5}}\n"
    )
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    assert len(goldens(suite, "test_x.edit.yaml")) == 1
    result = suite.runpytest()
    result.assert_outcomes(passed=1)
    assert "not checked" not in result.stdout.str()


# Obsolete golden images


@pytest.mark.quick(1)
@with_two
def test_obsolete_goldens_are_reported_by_full_runs_and_removed_by_prune_only(suite, mode, capsys):
    suite.makepyfile(
        test_x="""
        def test_a(golden_image, made): golden_image.check(made)
        def test_b(golden_image, made): golden_image.check(made)
        def test_s(golden_image, made): golden_image.check(made)
        """
    )
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=3)
    suite.makepyfile(
        test_x="""
        import pytest
        def test_a(golden_image, made): golden_image.check(made)
        @pytest.mark.skip
        def test_s(golden_image, made): golden_image.check(made)
        """
    )
    root, gone = str(suite.path), f"goldens/test_x.py/{stem_of('test_b', None)}.png"
    before = files(suite)
    for partial in (("-k", "test_a"), ("test_x.py::test_a",), ("--deselect", "test_x.py::test_s")):
        result = suite.runpytest("--editmetrics-results=part", *partial, *mode)
        result.stdout.no_fnmatch_line("obsolete*")
        assert main(["prune", "part", "--rootdir", root, "--yes"]) == 1
        assert "left tests out" in capsys.readouterr().err
    result = suite.runpytest("--editmetrics-update=all", "--editmetrics-results=full", *mode)
    result.stdout.fnmatch_lines(
        [
            "obsolete golden images (`editmetrics prune full --yes` removes them, where that is certain)*: 1",
            f"*{gone}: its test test_b is gone",
        ]
    )
    assert set(files(suite)) == set(before)
    capsys.readouterr()
    run = (suite.path / "full").read_text()
    assert main(["prune", "full", "--rootdir", root]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"in the run full, started {json.loads(run.splitlines()[0])['started']}:",
        f"{gone}: its test test_b is gone",
        "1 to remove; nothing was removed yet, give --yes",
    ]
    assert set(files(suite)) == set(before)
    assert main(["prune", "full", "--rootdir", root, "--yes"]) == 0
    assert not (suite.path / gone).exists()
    assert [path.stem for path in goldens(suite)] == [stem_of(f"test_{x}", None) for x in "as"]
    suite.runpytest(*mode).assert_outcomes(passed=1, skipped=1)


def test_prune_refuses_a_run_that_was_cut_off(suite, capsys):
    suite.makepyfile(test_x="def test_a(golden_image, made): golden_image.check(made)")
    suite.runpytest("--editmetrics-update=missing", "--editmetrics-results=r")
    path = suite.path / "r"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    assert main(["prune", "r", "--rootdir", str(suite.path), "--yes"]) == 1
    assert "cut off" in capsys.readouterr().err
    assert main(["prune", "r", "--rootdir", str(suite.path / "no")]) == 2


# What git leaves out of a commit


@pytest.mark.quick(1)
@with_two
def test_a_recorded_golden_that_git_ignores_is_named_and_missed_in_a_clone(suite, mode, capsys):
    subprocess.run(["git", "init", "-q"], cwd=suite.path, check=True)
    (suite.path / ".gitignore").write_text("*.png\ntest_y.py.yaml\n")
    suite.makepyfile(
        test_x="def test_a(golden_image, made): golden_image.check(made)",
        test_y="def test_b(edit_gate, made):"
        ' edit_gate.check(made, made.copy(), None, metrics=["unedit_max_diff"])',
    )
    png = f"goldens/test_x.py/{stem_of('test_a', None)}.png"
    result = suite.runpytest("--editmetrics-update=missing", *mode)
    said = "warning: 1 of the recorded goldens is ignored by git ({}), so a commit leaves out *"
    result.stdout.fnmatch_lines_random(
        [
            said.format(png) + "below the pattern ('[*].png', .gitignore:1) except goldens:"
            " ![*][*]/goldens/[*][*]/[*].png; or git add -f",
            said.format("goldens/test_y.py.yaml"),
        ]
    )
    (suite.path / png).unlink()
    result = suite.runpytest("--editmetrics-run-dir=run", *mode)
    result.assert_outcomes(failed=1, passed=1)
    capsys.readouterr()
    assert main(["approve", "run", "--rootdir", str(suite.path)]) == 0
    assert said.format(png)[:-1] in capsys.readouterr().out
    (suite.path / png).unlink()
    result.stdout.fnmatch_lines(
        [f"*no golden image {png}, though provenance.yaml has its entry: was it not committed*"]
    )
    (suite.path / ".gitignore").write_text("run\n")
    (suite.path / "goldens/test_x.py" / PROVENANCE).unlink()
    result = suite.runpytest("--editmetrics-update=missing", *mode)
    result.stdout.no_fnmatch_line("*ignored by git*")
    (suite.path / png).unlink()
    (suite.path / "goldens/test_x.py" / PROVENANCE).unlink()
    suite.runpytest(*mode).stdout.no_fnmatch_line("*though provenance*")


@pytest.mark.parametrize("pattern", ["goldens/", "*", "goldens/**", "test_x.py/", "*.png"])
def test_what_is_advised_about_an_ignored_golden_works(suite, pattern):
    subprocess.run(["git", "init", "-q"], cwd=suite.path, check=True)
    ignore = suite.path / ".gitignore"
    ignore.write_text(f"# mine\n{pattern}\n")
    suite.makepyfile(test_x="def test_a(golden_image, made): golden_image.check(made)")
    result = suite.runpytest("--editmetrics-update=missing")
    line = next(line for line in result.outlines if "ignored by git" in line)
    if f"take out the pattern that excludes their folder ({pattern!r}, .gitignore:2)" in line:
        ignore.write_text("# mine\n")
    else:
        assert pattern == "*.png"
        ignore.write_text(
            f"{ignore.read_text()}{line.partition('except goldens: ')[2].partition(';')[0]}\n"
        )
    shutil.rmtree(suite.path / "goldens")
    result = suite.runpytest("--editmetrics-update=missing")
    result.stdout.fnmatch_lines(["recorded: *"])
    result.stdout.no_fnmatch_line("*ignored by git*")


# Killed at random moments

SERVER = """
import os, sys
sys.path.insert(0, sys.argv[1])
import numpy, PIL.Image, PIL.PngImagePlugin, pytest, yaml
import pytest_editmetrics.plugin, pytest_editmetrics.checks.image_job, pytest_editmetrics.goldens.images
import pytest_editmetrics.goldens.comparators, pytest_editmetrics.runs.obsolete, pytest_editmetrics.report.text
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.environ["V"] = line.strip()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        arguments = ["-q", "-p", "pytest_editmetrics.plugin", "-p", "no:cacheprovider"]
        os._exit(pytest.main([*arguments, "--editmetrics-update=all", "test_x.py"]))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

COUNT = 15
KILLED = f"""
import os
import pytest
from conftest import picture

@pytest.mark.parametrize("i", range({COUNT}))
def test_it(golden_image, i):
    value = int(os.environ["V"])
    golden_image.provenance(value=value)
    golden_image.check(picture(value))
"""


class Server:
    """Runs the suite in processes forked from one that has imported everything already."""

    def __init__(self, folder):
        package = str(Path(pytest_editmetrics.__file__).parent.parent)
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER, package], cwd=folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def start(self, value):
        self._process.stdin.write(f"{value}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self):
        return int(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def wait_for(process, reached):
    """Wait until a run has come as far as ``reached()`` tells, or is over."""
    with contextlib.suppress(ProcessLookupError):
        while not reached():
            os.kill(process, 0)


def check_goldens(folder, values):
    """Check that each golden is one of ``values``, with its own entry; return which there are."""
    entries = read_provenance(folder / PROVENANCE, folder)
    paths = [path for path in folder.glob("*.png") if not path.name.startswith(".")]
    assert len(paths) == COUNT
    held = set()
    for path in paths:
        pixel = read_pixels(path).pixels[10, 10].tolist()
        assert pixel[0] in values
        assert pixel == [pixel[0]] * 3
        entry = entry_of(entries, path.name, sha256_of(path))
        assert entry is not None, f"{path.name} has no entry of its own"
        assert entry["facts"] == {"value": pixel[0]}
        held.add(pixel[0])
    return held


@pytest.mark.slow
@pytest.mark.usefixtures("no_other_plugin")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 and fork are POSIX")
def test_killed_at_any_moment_of_an_update_every_golden_is_old_or_new(suite):
    suite.makepyfile(test_x=KILLED)
    folder = suite.path / "goldens"
    server = Server(suite.path)
    chance = random.Random()
    died = mixed = 0

    def staged(process):
        return len(list(folder.glob(f".editmetrics-*-{process}-*.staged")))

    try:
        server.start(0)
        assert server.wait() == 0
        for value in range(1, 51):
            process = server.start(value)
            many = chance.randint(0, COUNT)
            wait_for(process, lambda: staged(process) >= many)  # noqa: B023
            if value % 2:  # in the middle of putting the images in their places
                wait_for(process, lambda: staged(process) == COUNT)  # noqa: B023
                wait_for(process, lambda: staged(process) <= many)  # noqa: B023
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            died += server.wait() == -signal.SIGKILL
            mixed += len(check_goldens(folder / "test_x.py", range(value + 1))) > 1
        print(f"killed {died} of 50 updates; {mixed} left old and new goldens side by side")
        assert died >= 15, "the kills came too late to prove anything"
        server.start(99)
        assert server.wait() == 0
    finally:
        server.close()
    assert check_goldens(folder / "test_x.py", [99]) == {99}
    assert [path.name for path in folder.iterdir()] == ["test_x.py"]
    assert len(list((folder / "test_x.py").iterdir())) == COUNT + 1
    assert "previous" not in (folder / "test_x.py" / PROVENANCE).read_text()


def test_an_entry_of_another_environment_is_no_image_that_was_not_committed(suite):
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)\n")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    (golden,) = goldens(suite)
    other = golden.with_name(f"{golden.stem}@gpu-a.png")
    provenance = golden.parent / PROVENANCE
    provenance.write_text(provenance.read_text().replace(golden.name, other.name))
    golden.rename(other)
    result = suite.runpytest("--editmetrics-env=other")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*was it not committed*")
    other.unlink()
    result = suite.runpytest("--editmetrics-env=other")
    result.stdout.fnmatch_lines(["*was it not committed*"])


def test_from_elsewhere_the_command_that_prunes_names_the_rootdir(suite, monkeypatch, capsys):
    (suite.path / "proj").mkdir()
    test = suite.path / "proj/test_x.py"
    test.write_text(
        "import numpy as np\ndef test_it(golden_image):"
        " golden_image.check(np.zeros((8, 8, 3), np.uint8))\n"
    )
    (suite.path / "proj/pytest.ini").write_text("[pytest]\n")
    (suite.path / "else").mkdir()
    monkeypatch.chdir(suite.path / "else")
    run = ("../proj", "--editmetrics-run-dir=run")
    suite.runpytest(*run, "--editmetrics-update=missing").assert_outcomes(passed=1)
    test.write_text("def test_other(): pass\n")
    suite.runpytest(*run).stdout.fnmatch_lines(
        ["*`editmetrics prune run --rootdir ../proj --yes` removes them*"]
    )
    capsys.readouterr()
    assert main(["prune", "run", "--rootdir", "../proj", "--yes"]) == 0
    assert "removed 1" in capsys.readouterr().out
    assert main(["prune", "run", "--rootdir", "../proj", "--yes"]) == 0
    assert "found no golden image" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("linked", "update"), [("the image", "none"), ("the image", "all"), ("the folder", "all")]
)
def test_a_link_out_of_the_project_is_not_followed(suite, tmp_path_factory, linked, update):
    suite.makepyfile(test_x="def test_it(golden_image, made): golden_image.check(made)\n")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    (golden,) = goldens(suite)
    place = golden if linked == "the image" else golden.parent
    secret = tmp_path_factory.mktemp("secret") / place.name
    shutil.move(place, secret)
    place.symlink_to(secret)
    before = sha256_of(golden)
    result = suite.runpytest(f"--editmetrics-update={update}")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*a link leads to {secret}*, out of the project;*"])
    assert sha256_of(golden) == before
    assert place.is_symlink()


def test_recording_compares_no_path_with_all_others(suite, monkeypatch):
    compared = count()
    equal = PurePath.__eq__

    def comparisons(images: int) -> int:
        suite.makepyfile(
            f"""
import pytest
@pytest.mark.parametrize("number", range({images}))
def test_it(golden_image, made, number):
    golden_image.check(made)
"""
        )
        shutil.rmtree(suite.path / "goldens", ignore_errors=True)
        with monkeypatch.context() as patch:
            patch.setattr(
                PurePath, "__eq__", lambda one, other: (next(compared), equal(one, other))[1]
            )
            before = next(compared)
            suite.runpytest_inprocess("--editmetrics-update=missing").assert_outcomes(passed=images)
        return next(compared) - before

    comparisons(1)  # imports
    one, some, many = map(comparisons, (1, 11, 41))
    assert (many - some) / 30 < 1.05 * (some - one) / 10


@pytest.mark.parametrize(("name", "noted"), [("goldens/hat.png", True), ("hat", False)])
def test_a_name_that_reads_as_a_file_is_told_where_there_is_no_golden(suite, name, noted):
    suite.makepyfile(test_x=f"def test_it(golden_image, made): golden_image.check(made, {name!r})")
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    said = f"{name!r} is the name of this check, and not read as a file"
    assert (said in result.stdout.str()) is noted
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    suite.runpytest().assert_outcomes(passed=1)
