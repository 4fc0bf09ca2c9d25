"""YAML cases that come next are decoded ahead, and never measured as they were before."""

from __future__ import annotations

import os
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from pytest_editmetrics.session import cases_ahead

CASES = "metrics: [METRIC]\ncases:\n" + "".join(
    f"  - {{id: c{n}, reference: ref.png, edited: out{n}.png}}\n" for n in range(10)
)
SETTINGS = (
    "pipes_default: {clip-pipe: {model_path: smoke}}\n"
    "thresholds: {lpips: {max: 0.5}, emd: {max: 1000}}\n"
)
COUNTING = """
import threading
from pathlib import Path
import pytest_editmetrics.session.cases_ahead as module
from pytest_editmetrics.pipes.clip import CLIPPipe

decoded, encode = module._decoded, CLIPPipe.encode_ahead
LOG = Path(__file__).parent / "log.txt"

def log(*words):
    with LOG.open("a") as file:
        print(*words, file=file)

def counting(path, what, colour):
    log("ahead", path.name, threading.current_thread().name)
    return decoded(path, what, colour)

def encode_ahead(self, metric, images):
    log("together", metric, len(images))
    return encode(self, metric, images)

module._decoded, CLIPPipe.encode_ahead = counting, encode_ahead

def pytest_unconfigure():
    module._decoded, CLIPPipe.encode_ahead = decoded, encode
"""


def save(path, value: int) -> None:
    Image.fromarray(np.full((64, 64, 3), value, np.uint8)).save(path)


def logged(pytester: pytest.Pytester) -> list[str]:
    path = pytester.path / "log.txt"
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def cases(pytester: pytest.Pytester) -> pytest.Pytester:
    save(pytester.path / "ref.png", 100)
    for number in range(10):
        save(pytester.path / f"out{number}.png", 100 + number)
    (pytester.path / "test_all.edit.yaml").write_text(CASES.replace("METRIC", "lpips"))
    (pytester.path / "editmetrics.yaml").write_text(SETTINGS)
    pytester.makeconftest(COUNTING)
    return pytester


@pytest.mark.parametrize("metric", ["lpips", "emd"])
@pytest.mark.parametrize(
    ("of", "thread"), [("small", "MainThread"), ("large", "editmetrics-decode")]
)
def test_every_image_is_decoded_once_and_a_large_one_in_a_thread(
    cases, monkeypatch, of, thread, metric
):
    (cases.path / "test_all.edit.yaml").write_text(CASES.replace("METRIC", metric))
    if of == "large":
        monkeypatch.setattr(cases_ahead, "_SMALL", 0)
    cases.runpytest("-q").assert_outcomes(passed=10)
    ahead = [line.split() for line in logged(cases) if line.startswith("ahead ")]
    assert sorted(name for _, name, _ in ahead) == sorted(
        ["ref.png", *(f"out{number}.png" for number in range(10))]
    )
    assert all(where.startswith(thread) for _, _, where in ahead)


def test_references_are_kept_up_to_a_size_those_used_last(tmp_path, monkeypatch):
    for name in "abc":
        save(tmp_path / f"{name}.png", 1)
    decoded, read = cases_ahead._decoded, []
    monkeypatch.setattr(
        cases_ahead, "_decoded", lambda path, *args: read.append(path.stem) or decoded(path, *args)
    )
    monkeypatch.setattr(cases_ahead, "_KEPT", 2 * 64 * 64 * 3)
    references = cases_ahead._References()
    for name in "abacabc":
        references.decoded(tmp_path / f"{name}.png", "seen")
    assert "".join(read) == "abcbc"


def test_a_reference_that_was_replaced_is_read_again(tmp_path):
    references, path = cases_ahead._References(), tmp_path / "ref.png"
    for value in (1, 1, 2):
        save(path, value)
        assert references.decoded(path, "seen").image.pixels.max() == value
    assert references.decoded(tmp_path / "none.png", "seen").image is None
    save(tmp_path / "none.png", 3)
    assert references.decoded(tmp_path / "none.png", "seen").image.pixels.max() == 3


def test_images_of_a_group_are_encoded_together(cases):
    (cases.path / "test_all.edit.yaml").write_text(CASES.replace("METRIC", "emd"))
    cases.runpytest("-q").assert_outcomes(passed=10)
    together = [line for line in logged(cases) if line.startswith("together")]
    assert together == ["together emd 8", "together emd 8", "together emd 4"]


def test_a_file_that_is_written_just_before_its_case_is_read_then(cases):
    """A fixture that runs the model writes the edited image after it was decoded ahead."""
    cases.makeconftest(
        COUNTING
        + """
import numpy as np
import pytest
from PIL import Image

@pytest.fixture(autouse=True)
def model(request):
    number = request.node.name[1:]
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    if number == "3":
        Image.fromarray(noise).save(request.path.parent / "out3.png")
    if number == "7":
        (request.path.parent / "out7.png").unlink()
"""
    )
    result = cases.runpytest("-q")
    result.assert_outcomes(passed=8, failed=2)
    result.stdout.fnmatch_lines(["*lpips * > max 0.500*", "*out7.png: there is no such file*"])


def test_a_file_that_only_its_own_case_makes(cases):
    (cases.path / "out5.png").unlink()
    cases.makeconftest(
        COUNTING
        + """
import pytest

@pytest.fixture(autouse=True)
def model(request):
    if request.node.name == "c5":
        (request.path.parent / "out5.png").write_bytes(
            (request.path.parent / "out4.png").read_bytes()
        )
"""
    )
    cases.runpytest("-q").assert_outcomes(passed=10)


def test_broken_images_fail_their_own_case_only(cases):
    (cases.path / "out4.png").write_bytes(b"no image")
    result = cases.runpytest("-q")
    result.assert_outcomes(passed=9, failed=1)
    result.stdout.fnmatch_lines(["*out4.png: is no image that Pillow can read*"])


@pytest.mark.parametrize("args", [["-n2"], ["--reruns", "1"], ["-k", "c2 or c8"]])
def test_every_way_to_run_gives_the_same_gates(cases, args):
    (cases.path / "out8.png").write_bytes((cases.path / "ref.png").read_bytes()[:90])
    result = cases.runpytest("-q", *args)
    wanted = 2 if args[0] == "-k" else 10
    assert result.parseoutcomes()["failed"] == 1
    assert result.parseoutcomes()["passed"] == wanted - 1


def test_workers_decode_nothing_ahead(cases):
    cases.runpytest("-q", "-n2").assert_outcomes(passed=10)
    assert logged(cases) == []


KEEPING = """
import os
import pytest

@pytest.fixture(autouse=True)
def model(request):
    # each case's picture takes the same place, with the size and times of the first
    path = request.path.parent / "out.png"
    made = request.path.parent / f"{request.node.name}.png"
    times = path.stat()
    path.write_bytes(made.read_bytes())
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
"""


@pytest.mark.parametrize("args", [(), ("-p", "no:randomly", "-k", "c")], ids=["all", "k"])
def test_two_cases_that_share_a_rewritten_path_are_each_judged_on_their_own_picture(
    pytester: pytest.Pytester, args: tuple[str, ...]
) -> None:
    """Equal size, times and inode: only the bytes tell."""
    picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    for name, pixels in {
        "ref": picture,
        "out": picture,
        "c0": picture,
        "c1": 255 - picture,
    }.items():
        Image.fromarray(pixels).save(pytester.path / f"{name}.bmp")
        (pytester.path / f"{name}.bmp").rename(pytester.path / f"{name}.png")
    (pytester.path / "test_all.edit.yaml").write_text(
        "metrics: [unedit_psnr]\ncases:\n"
        "  - {id: c0, reference: ref.png, edited: out.png}\n"
        "  - {id: c1, reference: ref.png, edited: out.png}\n"
    )
    (pytester.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: {min: 40}}\n")
    pytester.makeconftest(KEEPING)
    result = pytester.runpytest("-q", *args)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*psnr * < min 40.0*"])


def copied(path, other, mapping):
    shutil.copy2(other, path)


def mapped(path, other, mapping):
    mapping[:] = np.frombuffer(other.read_bytes(), np.uint8)


@pytest.mark.parametrize("put", [copied, mapped])
def test_a_picture_that_another_one_replaces_is_read_again(tmp_path, monkeypatch, put):
    """Size, times and inode are the first picture's, whenever either was written."""
    monkeypatch.setattr(time, "time_ns", lambda: 4 * 10**18)
    path, other = tmp_path / "out.bmp", tmp_path / "other.bmp"
    for place, value in ((path, 1), (other, 2)):
        save(place, value)
        os.utime(place, ns=(10**18, 10**18))
    mapping = np.memmap(path, np.uint8, "r+")
    mapping[:] = mapping.copy()  # the system notes the first time that a page is written
    decoded = cases_ahead._decoded(path, "edited image", "seen")
    assert decoded.current
    put(path, other, mapping)
    assert not decoded.current


LINKING = """
import os
import pytest

@pytest.fixture(autouse=True)
def link(request):
    yield
    if "c0" in request.node.name:
        os.remove("out3.png")
        os.LINK("ref.png", "out3.png")
"""


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("link", ["symlink", "link"])
def test_a_link_to_the_reference_that_comes_between_is_told(cases, monkeypatch, link, size):
    if size == "large":
        monkeypatch.setattr(cases_ahead, "_SMALL", 0)
    cases.makeconftest(LINKING.replace("LINK", link))
    result = cases.runpytest("-q")
    result.assert_outcomes(passed=9, failed=1)
    result.stdout.fnmatch_lines(["*are one and the same file*", "FAILED *::c3 *"])
