from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.weights import catalog, kept, remember, seen
from pytest_editmetrics.weights.catalog import Checkpoint
from pytest_editmetrics.weights.find import find_sam


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITMETRICS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def vit_b(monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    """sam:vit_b as a few bytes that lie in the cache; nobody serves them."""
    content = b"\x80\x02weights"
    checkpoint = Checkpoint(
        "sam:vit_b",
        "sam_vit_b_01ec64.pth",
        len(content),
        "1 kB",
        hashlib.sha256(content).hexdigest(),
        "http://127.0.0.1:9/",
    )
    monkeypatch.setattr(catalog, "PUBLISHED", {**catalog.PUBLISHED, "sam:vit_b": checkpoint})
    checkpoint.path.parent.mkdir(parents=True)
    checkpoint.path.write_bytes(content)
    return checkpoint


def rows(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    assert main(["weights", "list", "--json"]) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


class TestList:
    def test_a_table_of_name_size_state_and_place_or_command(
        self, vit_b: Checkpoint, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["weights", "list"]) == 0
        out, err = capsys.readouterr()
        lines = {line.split()[0]: line for line in out.splitlines()}
        assert lines["sam:vit_b"].split() == ["sam:vit_b", "1", "kB", "present", str(vit_b.path)]
        assert lines["sam:vit_h"].split(maxsplit=4) == [
            "sam:vit_h",
            "2.56",
            "GB",
            "missing",
            "editmetrics weights fetch sam:vit_h",
        ]
        assert "packaged" in lines["lpips:alex"]
        assert "packaged" in lines["clip:smoke"]
        assert "clip:openai/clip-vit-large-patch14-336" in lines
        assert err == ""

    def test_json(self, vit_b: Checkpoint, capsys: pytest.CaptureFixture[str]) -> None:
        found = rows(capsys)
        assert found["sam:vit_b"] == {
            "name": "sam:vit_b",
            "state": "present",
            "size": 9,
            "size_text": "1 kB",
            "path": str(vit_b.path),
            "sha256": vit_b.sha256,
            "problem": None,
            "command": None,
        }
        missing = found["clip:openai/clip-vit-base-patch32"]
        assert (missing["state"], missing["path"], missing["size"]) == ("missing", None, None)
        assert missing["command"] == "editmetrics weights fetch clip:openai/clip-vit-base-patch32"
        assert "is not on this machine" in str(missing["problem"])

    def test_what_is_damaged_is_told(
        self, vit_b: Checkpoint, capsys: pytest.CaptureFixture[str]
    ) -> None:
        vit_b.path.write_bytes(b"\x80\x02weighty")
        assert rows(capsys)["sam:vit_b"]["state"] == "damaged"
        assert main(["weights", "list"]) == 0
        out, err = capsys.readouterr()
        assert "damaged   editmetrics weights fetch sam:vit_b" in out
        assert err.startswith("sam:vit_b is damaged: ")
        assert "sha256" in err

    def test_a_damaged_installation_is_not_fetched_but_reinstalled(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(catalog, "DATA", tmp_path)
        alex = rows(capsys)["lpips:alex"]
        assert alex["state"] == "damaged"
        assert str(alex["command"]).startswith("pip install --force-reinstall")

    def test_a_cached_hub_model_has_the_size_of_its_file(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        repo = tmp_path / "hub/models--openai--clip-vit-base-patch32"
        snapshot = repo / "snapshots" / ("c" * 40)
        snapshot.mkdir(parents=True)
        (repo / "refs").mkdir()
        (repo / "refs/main").write_text("c" * 40)
        (snapshot / "config.json").write_text("{}")
        (snapshot / "pytorch_model.bin").write_bytes(b"\x80\x02" + b"x" * 2_000_000)
        row = rows(capsys)["clip:openai/clip-vit-base-patch32"]
        assert (row["state"], row["size"], row["size_text"]) == ("present", 2_000_002, "2 MB")


class TestPath:
    def test_only_the_path(self, vit_b: Checkpoint, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["weights", "path", "sam:vit_b"]) == 0
        assert capsys.readouterr() == (f"{vit_b.path}\n", "")

    def test_missing(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["weights", "path", "sam:vit_b"]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("editmetrics: error: sam:vit_b is not at ")
        assert "editmetrics weights fetch sam:vit_b" in err

    def test_unknown(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["weights", "path", "sam:vitb"]) == 2
        assert "did you mean 'sam:vit_b'" in capsys.readouterr().err


class TestFetch:
    def test_already_here(self, vit_b: Checkpoint, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["weights", "fetch", "sam:vit_b", "lpips:alex"]) == 0
        out, err = capsys.readouterr()
        assert out.splitlines()[0] == f"sam:vit_b: {vit_b.path}"
        assert "sam:vit_b is here already, and its hash is right" in err
        assert "lpips:alex is part of this package" in err

    def test_one_failure_does_not_stop_the_others(
        self, vit_b: Checkpoint, capsys: pytest.CaptureFixture[str]
    ) -> None:
        vit_b.path.unlink()
        assert main(["weights", "fetch", "sam:vit_b", "sam:smoke"]) == 1
        out, err = capsys.readouterr()
        assert "editmetrics: error: sam:vit_b could not be fetched" in err
        assert out.startswith("sam:smoke: ")

    def test_names_are_checked_before_anything_is_fetched(
        self, vit_b: Checkpoint, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["weights", "fetch", "sam:vit_b", "lpips:vg"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err == "editmetrics: error: unknown weights 'lpips:vg' (did you mean 'lpips:vgg'?)\n"

    def test_a_revision_of_what_has_none(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["weights", "fetch", "sam:vit_b@v1"]) == 2
        assert "revision 'v1' is for hub models only" in capsys.readouterr().err

    def test_interrupted(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupt(*args: object, **kwargs: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("pytest_editmetrics.weights.fetch.fetch", interrupt)
        assert main(["weights", "fetch", "sam:vit_b"]) == 130
        assert capsys.readouterr().err == "editmetrics: interrupted\n"


class TestVerify:
    def test_everything_on_this_machine(
        self, vit_b: Checkpoint, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["weights", "verify"]) == 0
        out, err = capsys.readouterr()
        lines = [line.split() for line in out.splitlines()]
        assert [line[:2] for line in lines] == [
            ["lpips:alex", "OK"],
            ["clip:smoke", "OK"],
            ["sam:smoke", "OK"],
            ["sam:vit_b", "OK"],
        ]
        assert lines[3][2] == vit_b.sha256
        assert err == ""

    def test_what_is_damaged_is_told_and_is_exit_status_1(
        self, vit_b: Checkpoint, capsys: pytest.CaptureFixture[str]
    ) -> None:
        vit_b.path.write_bytes(b"\x80\x02weighty")
        assert main(["weights", "verify"]) == 1
        out, err = capsys.readouterr()
        assert "sam:vit_b   damaged  editmetrics weights fetch sam:vit_b" in out
        assert re.match(r"sam:vit_b: .* has sha256 \w+, sam:vit_b should have ", err)
        assert main(["weights", "verify", "lpips:alex"]) == 0

    def test_one_that_is_named_and_missing(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["weights", "verify", "sam:vit_h"]) == 1
        assert "missing" in capsys.readouterr().out
        assert main(["weights", "verify", "sam:vit_x"]) == 2

    def test_json(self, vit_b: Checkpoint, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["weights", "verify", "sam:vit_b", "--json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["state"], row["sha256"], row["problem"]) == ("present", vit_b.sha256, None)

    def test_a_remembered_hash_is_not_believed_and_put_right(
        self, vit_b: Checkpoint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(remember, "WORTH_BYTES", 0)
        monkeypatch.setattr(seen, "_SETTLED_NS", -(10**18))
        assert find_sam("vit_b").sha256 == vit_b.sha256
        (note,) = (kept.own_cache() / "hashes").iterdir()
        before = vit_b.path.stat()
        with vit_b.path.open("r+b") as file:  # as a disk that lost a bit: nothing tells of it
            file.write(b"\x80\x02w\x00ights")
        vit_b.path.touch()
        os.utime(vit_b.path, ns=(before.st_atime_ns, before.st_mtime_ns))
        known = json.loads(note.read_text())
        note.write_text(json.dumps({**known, "ctime_ns": vit_b.path.stat().st_ctime_ns}))
        assert find_sam("vit_b").sha256 == vit_b.sha256

        assert main(["weights", "verify"]) == 1
        damaged = hashlib.sha256(vit_b.path.read_bytes()).hexdigest()
        assert json.loads(note.read_text())["sha256"] == damaged
        with pytest.raises(WeightsError, match="damaged or another file"):
            find_sam("vit_b")


class TestUsage:
    @pytest.mark.parametrize("argv", [[], ["weights"], ["weights", "fetch"], ["weigths"]])
    def test_asked_wrongly(self, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            main(argv)
        assert caught.value.code == 2
        assert "usage: editmetrics" in capsys.readouterr().err

    def test_the_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            main(["--version"])
        assert caught.value.code == 0
        assert capsys.readouterr().out.startswith("editmetrics 0.")

    def test_help_imports_nothing_heavy(self) -> None:
        code = (
            "import sys\nfrom pytest_editmetrics.cli.main import main\n"
            "try: main(['--help'])\nexcept SystemExit: pass\n"
            "heavy = {'torch', 'numpy', 'PIL', 'yaml', 'pydantic', 'huggingface_hub', 'pooch'}\n"
            "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        assert "weights" in run.stdout


@pytest.mark.parametrize("action", ["fetch", "path", "verify"])
def test_help_names_every_kind_of_model(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["weights", action, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name in (
        "sam:vit_b",
        "lpips:vgg",
        "clip:google/siglip2",
        "dino:facebook/",
        "sam2:facebook/",
    ):
        assert name in text
    assert "clip:acme/clip@v2" in text
