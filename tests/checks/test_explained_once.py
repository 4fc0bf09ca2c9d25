"""What several failing metrics of one check need is looked at once."""

from __future__ import annotations

import re

import numpy as np

from pytest_editmetrics.background import diagnosis, drift
from pytest_editmetrics.pipes.drift import pipe as drift_pipe
from pytest_editmetrics.report import picture

TESTS = """
from scene import *

def test_shifted(edit_gate):
    edit_gate.check(
        scene(), np.roll(edited(), 2, axis=1), BOX, metrics=["unedit_psnr", "drift_px", "lpips"]
    )
"""
SETTINGS = "thresholds: {lpips: 0.0001, unedit_psnr: 90, drift_px: 0.1}\n"


def test_a_failing_check_is_looked_at_once(scene, monkeypatch):
    scene.makefile(".yaml", editmetrics=SETTINGS)
    scene.makepyfile(test_it=TESTS)
    calls: list[str] = []

    def counting(name, function):
        def counted(*args):
            calls.append(name)
            return function(*args)

        return counted

    for module in (diagnosis, drift_pipe):
        monkeypatch.setattr(module, "measure_drift", counting("drift", drift.measure_drift))
    monkeypatch.setattr(diagnosis, "diagnose", counting("diagnosis", diagnosis.diagnose))
    monkeypatch.setattr(picture, "describe_change", counting("change", picture.describe_change))
    monkeypatch.setattr(picture, "save_picture", counting("picture", picture.save_picture))
    result = scene.runpytest()
    result.assert_outcomes(failed=1)
    assert sorted(calls) == ["change", "diagnosis", "drift", "picture"]
    said = result.stdout.str()
    assert said.count("E           cause     shift (100 %): background moved") == 1
    assert said.count("(100 %)") == 2  # the first line, and the cause with its kind
    assert len(set(re.findall(r"(\S+\.png) \(reference \| edited", said))) == 1


def test_a_known_drift_gives_the_same_diagnosis():
    random = np.random.default_rng(3)
    before = random.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    after, mask = np.roll(before, 2, axis=0), np.ones((96, 96), np.bool_)
    known = drift.measure_drift(before, after, mask)
    assert diagnosis.diagnose(before, after, mask, known) == diagnosis.diagnose(before, after, mask)
