"""What was decided in ``editmetrics review`` holds for ``editmetrics approve``, too."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from golden_gate import GOLDEN
from PIL import Image
from reviewed import STARTED, failing, image_gate, served, write_run

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.goldens.images import sha256_of
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.runs.review import read_review


@pytest.fixture
def run(project):
    golden = {"file": GOLDEN, "test": "test_a", "gate": "emd"}
    return write_run(
        project / "run",
        {
            "test_a": [failing("test_a"), failing("test_a", metric="emd", golden=golden)],
            "test_b": [failing("test_b")],
            "test_c": [failing("test_c")],
            "test_image": [image_gate("test_image")],
            "test_hand": [failing("test_hand", origin="argument", source="tests/test_x.py:7")],
        },
    )


def approved(capsys, *more: str) -> list[str]:
    assert main(["approve", "run", *more]) == 0
    return capsys.readouterr().out.splitlines()


def decisions(run) -> dict[str, tuple[str, bool]]:
    kept = read_review(run, STARTED).values()
    return {one.test.partition("::")[2]: (one.verb, one.written is not None) for one in kept}


def test_what_was_refused_or_put_off_is_not_approved(project, run, capsys):
    with served(run) as one:
        one.decide("refused", "test_a", note="the right eye\nis gone")
        one.decide("refused", "test_image")
        one.decide("put-off", "test_b")
    said = approved(capsys)
    left = [line for line in said if "in review" in line]
    assert len(left) == 4
    assert left[0].startswith("left: tests/test_x.py::test_a lpips, emd: refused in review")
    assert left[0].endswith(': "the right eye is gone"')
    assert left[1].startswith("left: tests/test_x.py::test_b lpips: put off in review")
    assert left[3] == (
        "not approved: 3 gates refused, 1 put off in review; to approve all the same, undo that in"
        " `editmetrics review run`"
    )
    assert list((project / "tests" / "goldens").iterdir()) == [project / GOLDEN]
    assert (
        project / GOLDEN
    ).read_text() == '"test_c":\n  lpips: {max: 0.575, measured: 0.5, size: "4x3"}\n'
    with served(run) as one:
        one.decide(None, "test_image")
    assert any("approved: tests/test_x.py::test_image" in line for line in approved(capsys))


def test_a_dry_run_shows_the_diff_and_writes_nothing(project, run, capsys):
    said = approved(capsys, "--dry-run", "--reason", "JPEG 40, #12")
    assert "--- /dev/null" in said
    assert f"+++ b/{GOLDEN}" in said
    assert '+  lpips: {max: 0.575, measured: 0.5, size: "4x3", reason: "JPEG 40, #12"}' in said
    assert any(line.startswith("golden image new: tests/goldens/test_x.py/") for line in said)
    assert "would approve: tests/test_x.py::test_b lpips 0.500, max 0.575" in said
    assert said[-1] == "nothing was written; leave --dry-run out to write it"
    assert not any("wrote" in line or line.startswith("approved") for line in said)
    assert not (project / "tests" / "goldens").exists()
    assert decisions(run) == {}


def test_a_reason_is_written_and_audited(project, run, capsys):
    approved(capsys, "--reason", 'half the "traffic"')
    assert 'reason: "half the \\"traffic\\""' in (project / GOLDEN).read_text()
    (project / "empty").mkdir()
    assert main(["audit", "empty", "."]) == 0
    out = capsys.readouterr().out
    assert 'test_b lpips: max 0.575 (reason: half the "traffic")' in out
    assert '.png (reason: half the "traffic")' in out
    for wrong in (" ", "two\nlines"):
        assert main(["approve", "run", "--reason", wrong]) == 2
        assert "--reason is one line of text" in capsys.readouterr().err


def test_a_bound_beyond_the_default_is_said_before_it_is_written(project, run):
    (project / "editmetrics.yaml").write_text("thresholds: {lpips: 0.55}\n")
    with served(run) as one:
        one.decide("accepted", "test_a")
        one.decide("accepted", "test_image")
        (looser,) = one.plan()["looser"]
    assert looser == {
        "test": "tests/test_x.py::test_a",
        "how": "lpips looser than max 0.55 of editmetrics.yaml:1",
    }


def test_no_expression_gets_round_a_refusal(project, run, capsys):
    with served(run) as one:
        one.decide("refused", "test_b")
    said = approved(capsys, "-k", "tests/test_x.py::test_b")
    assert said[-2].startswith("not approved: 1 gate refused in review")
    assert said[-1] == "nothing to approve"
    assert not (project / GOLDEN).exists()


def test_what_is_approved_is_marked_in_the_review(project, run, capsys):
    with served(run) as one:
        one.decide("accepted", "test_b")
        one.decide("refused", "test_c")
    approved(capsys)
    assert decisions(run) == {
        "test_a": ("accepted", True),
        "test_b": ("accepted", True),
        "test_c": ("refused", False),
        "test_image": ("accepted", True),
    }
    with served(run) as one:
        assert any("4 decided" in line for line in one.said)
        assert one.plan()["files"] == []


def test_a_case_of_which_a_part_is_approved_is_not_marked(project, run, capsys):
    approved(capsys, "-k", "test_a and emd")
    assert decisions(run) == {}
    approved(capsys, "-k", "test_a")
    assert decisions(run) == {"test_a": ("accepted", True)}


def test_decisions_that_cannot_be_read_or_kept(project, run, capsys):
    (run / "review.json").write_text("{")
    assert main(["approve", "run"]) == 1
    assert "not a review" in capsys.readouterr().err
    assert not (project / GOLDEN).exists()


def test_a_run_that_cannot_be_written_is_approved_and_said_to_be_unmarked(
    project, run, capsys, monkeypatch
):
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pytest_editmetrics.runs.review.write_through", full)
    said = approved(capsys)
    assert "not marked in review as accepted: run/review.json" in said[-1]
    assert "No space left" in said[-1]
    assert (project / GOLDEN).exists()


def test_the_reason_of_a_golden_image_is_kept_until_another_is_given(project, run, capsys):
    """The next picture has it too, in whatever format, and the audit says that it is not new."""
    approved(capsys, "--reason", "torch 2.9, #12")
    (provenance,) = project.glob("tests/goldens/test_x.py/provenance.yaml")
    (image,) = provenance.parent.glob("*.png")
    written = provenance.read_bytes()
    approved(capsys)
    assert provenance.read_bytes() == written
    shutil.copytree(project / "tests", project / "base/tests")
    shutil.rmtree(run)
    gate = image_gate("test_image")
    gate = replace(gate, snapshot={**gate.snapshot, "sha256": sha256_of(image)})
    write_run(run, {"test_image": [gate]})
    approved(capsys)
    assert provenance.read_bytes() != written
    assert 'reason: "torch 2.9, #12"' in provenance.read_text()
    assert main(["audit", "base", "."]) == 0
    assert ".png (reason (of before): torch 2.9, #12)" in capsys.readouterr().out
    (project / "editmetrics.yaml").write_text("golden_images: {format: webp}\n")
    approved(capsys)
    assert not image.exists()
    assert 'reason: "torch 2.9, #12"' in provenance.read_text()
    approved(capsys, "--reason", "#13")
    assert "#12" not in provenance.read_text()


def test_an_image_that_was_replaced_in_the_run_is_not_approved(project, run, capsys):
    (edited,) = {record.gate.images["edited"] for record in read_run(run).gates
                 if record.nodeid.endswith("test_image")}  # fmt: skip
    Image.fromarray(np.full((3, 4, 3), 77, np.uint8)).save(run / edited)
    assert main(["approve", "run"]) == 1
    said = capsys.readouterr().err
    assert f"run/{edited} is not the image that tests/test_x.py::test_image was judged by" in said
    assert not (project / "tests" / "goldens").exists()
