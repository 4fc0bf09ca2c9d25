"""Workers of pytest-xdist share a machine: its cores, and no model twice."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

THREADS = """
import json
import os

import torch

from pytest_editmetrics.pipes.lpips import layers

torch.set_num_threads(4)  # the user's own model computes with four threads
plain = layers._run


def run(*args):
    with open("inside.jsonl", "a") as file:
        file.write(json.dumps(torch.get_num_threads()) + "\\n")
    return plain(*args)


layers._run = run
"""

LOADS = """
import json
import os

from pytest_editmetrics.pipes.clip import CLIPPipe
from pytest_editmetrics.pipes.lpips import LPIPSPipe
from pytest_editmetrics.pipes.sam import SAMPipe


def counted(pipe):
    build = pipe._build

    def _build(self, *args):
        with open("loads.jsonl", "a") as file:
            worker = os.environ.get("PYTEST_XDIST_WORKER", "")
            file.write(json.dumps([worker, self.key]) + "\\n")
        return build(self, *args)

    pipe._build = _build


for pipe in (CLIPPipe, LPIPSPipe, SAMPipe):
    counted(pipe)
"""

SETTINGS = """\
pipes_default:
  clip-pipe: {model_path: smoke}
  sam-pipe: {model_type: smoke}
thresholds: {lpips: 9, emd: 9000, emd_excess: 9000, sam_clip_cls_sim: -0.99}
"""

TESTS = """
import pytest
from pytest_editmetrics import assert_unedit_lpips_below

BOX = [(8, 8, 40, 40)]
PAIR = ("ref.png", "edited.png")


@pytest.mark.parametrize("n", range(2))
def test_all(edit_gate, n):
    edit_gate.check(*PAIR, BOX, ref_boxes=BOX, edited_boxes=BOX,
                    metrics=["lpips", "emd", "sam_clip_cls_sim"])


@pytest.mark.parametrize("n", range(2))
@pytest.mark.editmetrics(metrics=["emd", "emd_excess"], framing="center-crop")
def test_options(edit_gate, n):
    edit_gate.check(*PAIR, BOX)


def test_fixtures(clip_pipe, sam_pipe, lpips_pipe):
    clip_pipe(*PAIR, BOX, "outer", metric="emd")
    lpips_pipe(*PAIR, BOX, "outer")
    sam_pipe.isolate("ref.png", BOX[0])


def test_helpers(assert_object_sim_above):
    assert_unedit_lpips_below(*PAIR, BOX)
    assert_object_sim_above(*PAIR, ref_boxes=BOX, edited_boxes=BOX)
"""

CASES = """\
metrics: [lpips, emd, sam_clip_cls_sim]
cases:
""" + "".join(
    f"  - {{id: case-{n}, reference: ref.png, edited: edited.png, coords: [[8, 8, 40, 40]],\n"
    "     ref_boxes: [[8, 8, 40, 40]], edited_boxes: [[8, 8, 40, 40]]}\n"
    for n in range(3)
)


@pytest.fixture
def images(cold_processes, pytester):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(pytester.path / "ref.png")
    noise[10:60, 10:60] = 255 - noise[10:60, 10:60]
    Image.fromarray(noise).save(pytester.path / "edited.png")
    return pytester


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "stated", "inside"),
    [
        ((), None, lambda cores: 4),
        (("-n2",), None, lambda cores: min(4, max(1, cores // 2))),
        (("-n2",), "4", lambda cores: 4),
    ],
    ids=["serial", "workers", "stated"],
)
def test_workers_divide_the_cores_and_give_torch_its_number_back(
    images, monkeypatch, mode, stated, inside
):
    from pytest_editmetrics.cache.threads import _cores

    monkeypatch.delenv("OMP_NUM_THREADS")
    if stated:
        monkeypatch.setenv("OMP_NUM_THREADS", stated)
    images.makeconftest(THREADS)
    images.makepyfile(
        """
        import pytest, torch

        @pytest.mark.parametrize("n", range(4))
        def test_edit(lpips_pipe, n):
            lpips_pipe("ref.png", "edited.png")
            assert torch.get_num_threads() == 4
        """
    )
    images.runpytest_subprocess(*mode).assert_outcomes(passed=4)
    assert set(lines(images.path / "inside.jsonl")) == {inside(_cores())}


@pytest.mark.slow
@pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["serial", "xdist"])
def test_a_process_loads_each_model_once(images, mode):
    images.makeconftest(LOADS)
    images.makepyfile(TESTS)
    (images.path / "editmetrics.yaml").write_text(SETTINGS)
    (images.path / "test_cases.edit.yaml").write_text(CASES)
    result = images.runpytest_subprocess(*mode)
    result.assert_outcomes(passed=9)
    loads = [tuple(load) for load in lines(images.path / "loads.jsonl")]
    assert sorted(loads) == sorted(set(loads))
    assert {key for _, key in loads} == {"clip-pipe", "lpips-pipe", "sam-pipe"}


@pytest.mark.long
def test_a_worker_loads_only_what_its_tests_need(images):
    images.makeconftest(LOADS)
    images.makepyfile(
        test_a="""
        def test_lpips(lpips_pipe, clip_pipe):
            lpips_pipe("ref.png", "edited.png")
        """,
        test_b="""
        import pytest

        @pytest.mark.editmetrics(gates="none")
        def test_nothing(lpips_pipe, clip_pipe, sam_pipe, edit_gate):
            pass

        @pytest.mark.skip
        def test_skipped(edit_gate):
            edit_gate.check("ref.png", "edited.png", metrics=["emd"])
        """,
    )
    images.runpytest_subprocess("-n2", "--dist=loadfile").assert_outcomes(passed=2, skipped=1)
    ((_, key),) = lines(images.path / "loads.jsonl")
    assert key == "lpips-pipe"
