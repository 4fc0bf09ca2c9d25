"""A run of strangers that is scored here: it chooses no file that is opened."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.runs.writing import RunDir, RunResults

SMOKE = "pipes_default: {clip-pipe: {model_path: smoke}, sam-pipe: {model_type: smoke}}\n"
PIPE = """
from pytest_editmetrics import Metric

class StylePipe:
    def __init__(self, style="soft"):
        self.style = style

    def __call__(self, reference, edited, coords, mask_mode, metric, **params):
        return len(self.style)

def pytest_editmetrics_register_pipes(registry):
    registry.register("style-pipe", StylePipe, metrics=[Metric("style", "lower")])
"""


@pytest.fixture
def scored(project, tmp_path, capsys):
    """Scores a run of one gate; returns the gate that came of it."""

    def score(metric: str, nodeid: str = "tests/test_x.py::test_a", **values: object) -> Gate:
        run_dir = RunDir(tmp_path / "run")
        with RunResults(run_dir, {}, "2026") as results:
            name = run_dir.save_image(np.full((32, 32, 3), 9, np.uint8))
            gate = Gate(
                metric,
                "pass",
                value=0.0,
                scope="unedit_area",
                bound_kind="max",
                bound=99.0,
                origin="argument",
                source="test_x.py:3",
                region={"coords": [[0, 0, 9, 9]], "width": 32, "height": 32},
                images={"reference": name, "edited": name},
            )
            results.gate(nodeid, 1, True, "passed", replace(gate, **values))
            results.close({})
        main(["score", str(tmp_path / "run"), "-o", str(tmp_path / "scored")])
        capsys.readouterr()
        (record,) = read_run(tmp_path / "scored").gates
        return record.gate

    (project / "editmetrics.yaml").write_text(SMOKE)
    (project / "conftest.py").write_text(PIPE)
    return score


@pytest.mark.parametrize(
    ("metric", "options", "said"),
    [
        ("lpips", {"model_path": "/etc/passwd"}, "model_path='/etc/passwd'"),
        ("lpips", {"model_path": 0}, "model_path=0"),
        ("lpips", {"model_path": ["x"]}, r"model_path=\['x'\]"),
        ("emd", {"model_path": "../elsewhere"}, "model_path='../elsewhere'"),
        ("emd", {"model_path": "openai/clip-vit-base-patch32"}, "model_path='openai/clip"),
        ("emd", {"sam": {"model_path": "sam.pth"}}, "model_path='sam.pth'"),
        ("emd", {"sam": {"model_cfg": "sam.json"}}, "model_cfg='sam.json'"),
        ("emd", {"sam": "/models/sam"}, "sam='/models/sam'"),
        ("emd", {"revision": "refs/pr/1"}, "revision='refs/pr/1'"),
        ("style", {"style": "/etc/passwd"}, "style='/etc/passwd'"),
        ("style", {"style": "https://example.org/x"}, "style='https:"),
        ("style", {"style": "tests"}, "style='tests'"),
        ("style", {"style": [{"deep": "../x"}]}, "deep='../x'"),
    ],
)
def test_an_option_that_may_name_a_file_is_refused(scored, metric, options, said):
    gate = scored(metric, details={"options": options})
    assert gate.verdict == "error"
    assert gate.message is not None
    assert f"the run states {said}".replace("\\", "") in gate.message
    assert "state it in the configuration" in gate.message


@pytest.mark.parametrize("options", ["model_path", ["model_path"], 3])
def test_options_that_are_none_are_an_error(scored, options):
    gate = scored("lpips", details={"options": options})
    assert gate.verdict == "error"
    assert "the options of lpips cannot be" in (gate.message or "")


@pytest.mark.parametrize(
    ("metric", "options"),
    [
        ("emd", {"framing": "center-crop", "patch_mask_threshold": 0.5, "device": "cpu"}),
        ("emd", {"model_path": "smoke", "sam": {"model_type": "smoke"}}),
        ("lpips", {"net": "alex", "model_path": None}),
        ("style", {"style": "quite soft"}),
    ],
)
def test_what_names_no_file_is_the_runs(scored, metric, options):
    gate = scored(metric, details={"options": options})
    assert (gate.verdict, gate.details["options"]) == ("pass", options)


@pytest.mark.parametrize("configured", ["weights/mine", "./weights/mine"])
def test_what_the_project_configures_too_may_be_opened(scored, project, configured):
    """Then it is the project that chooses; here the file is not there, and that is said."""
    (project / "editmetrics.yaml").write_text(
        f"pipes_default: {{lpips-pipe: {{model_path: {configured}}}}}\n"
    )
    gate = scored("lpips", details={"options": {"model_path": "weights/mine"}})
    assert gate.verdict == "error"
    assert "does not choose" not in (gate.message or "")
    assert "weights/mine" in (gate.message or "")


@pytest.mark.parametrize("file", ["../other/test_x.py", "/etc/test_x.py", "C:/test_x.py", ""])
@pytest.mark.parametrize("metric", ["lpips", "golden_exact"])
def test_goldens_outside_the_project_are_not_read(scored, file, metric):
    gate = scored(metric, nodeid=f"{file}::test_a", snapshot={"proposed": "x"})
    assert gate.verdict == "error"
    assert f"{file!r}, the test file that the run names, does not lie inside" in (
        gate.message or ""
    )


def test_selftest_asks_the_same(scored, tmp_path, capsys):
    scored("lpips", details={"options": {"model_path": "/etc/passwd"}})
    assert main(["selftest", str(tmp_path / "run")]) == 1
    assert "not tried: the run states model_path='/etc/passwd'" in capsys.readouterr().out
