from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from loopback import Answer, Server
from safetensors.numpy import save

from pytest_editmetrics.errors import EditMetricsError, InputError, WeightsError
from pytest_editmetrics.weights import catalog
from pytest_editmetrics.weights.catalog import Checkpoint
from pytest_editmetrics.weights.fetch import fetch

CONTENT = b"\x80\x02" + bytes(range(256)) * 4096
REAL = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITMETRICS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def publish(
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    name: str = "sam:vit_b",
    size: int | None = len(CONTENT),
    sha256: str = REAL,
) -> Checkpoint:
    checkpoint = Checkpoint(
        name, catalog.PUBLISHED[name].file, size, "1 MB", sha256, f"{url}/models/"
    )
    monkeypatch.setattr(catalog, "PUBLISHED", {**catalog.PUBLISHED, name: checkpoint})
    return checkpoint


@pytest.fixture
def vit_b(server: Server, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    server.answers["/models/sam_vit_b_01ec64.pth"] = Answer(CONTENT)
    return publish(monkeypatch, server.url)


def left(checkpoint: Checkpoint) -> list[str]:
    """What lies in the checkpoint's folder, apart from the lock."""
    folder = checkpoint.path.parent
    names = [file.name for file in folder.iterdir()] if folder.exists() else []
    return [name for name in names if not name.endswith(".lock")]


def nothing_left(checkpoint: Checkpoint) -> bool:
    return left(checkpoint) == []


class TestCheckpoints:
    def test_the_right_file(self, vit_b: Checkpoint, tmp_path: Path) -> None:
        said: list[str] = []
        found = fetch("sam:vit_b", say=said.append)
        assert found.path == tmp_path / "cache/sam/sam_vit_b_01ec64.pth"
        assert found.path.read_bytes() == CONTENT
        assert found.sha256 == REAL
        assert left(vit_b) == ["sam_vit_b_01ec64.pth"]
        assert vit_b.url is not None
        assert vit_b.url in said[0]
        assert said[-1] == "sam:vit_b: 100 %"
        assert len(said) == len(set(said))

    def test_a_second_fetch_asks_nobody(self, vit_b: Checkpoint, server: Server) -> None:
        fetch("sam:vit_b", say=lambda line: None)
        asked = len(server.asked)
        said: list[str] = []
        fetch("sam:vit_b", say=said.append)
        assert said == ["sam:vit_b is here already, and its hash is right"]
        assert len(server.asked) == asked == 1

    def test_a_damaged_file_is_replaced(self, vit_b: Checkpoint) -> None:
        vit_b.path.parent.mkdir(parents=True)
        vit_b.path.write_bytes(CONTENT[:1000])
        said: list[str] = []
        assert fetch("sam:vit_b", say=said.append).sha256 == REAL
        assert "is 1,000 bytes, should be 1,048,578: the download was cut off" in said[0]

    def test_a_damaged_file_is_kept_until_there_is_a_better_one(
        self, vit_b: Checkpoint, server: Server
    ) -> None:
        vit_b.path.parent.mkdir(parents=True)
        vit_b.path.write_bytes(CONTENT[:1000])
        server.answers.clear()
        with pytest.raises(EditMetricsError):
            fetch("sam:vit_b", say=lambda line: None)
        assert left(vit_b) == [vit_b.path.name]

    def test_a_wrong_hash(
        self, vit_b: Checkpoint, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checkpoint = publish(monkeypatch, server.url, sha256="0" * 64)
        with pytest.raises(WeightsError) as caught:
            fetch("sam:vit_b", say=lambda line: None)
        text = str(caught.value)
        assert f"what came from {checkpoint.url} has sha256 {REAL}" in text
        assert "nothing was kept" in text
        assert str(checkpoint.path) in text
        assert nothing_left(checkpoint)

    def test_another_size(self, vit_b: Checkpoint, server: Server) -> None:
        server.answers["/models/sam_vit_b_01ec64.pth"] = Answer(CONTENT[:-1])
        with pytest.raises(WeightsError, match="is 1,048,577 bytes, should be 1,048,578"):
            fetch("sam:vit_b", say=lambda line: None)
        assert nothing_left(vit_b)

    def test_a_log_in_page(self, vit_b: Checkpoint, server: Server) -> None:
        server.answers["/models/sam_vit_b_01ec64.pth"] = Answer(b"<html>Please log in</html>")
        with pytest.raises(WeightsError, match="is a web page, not weights"):
            fetch("sam:vit_b", say=lambda line: None)
        assert nothing_left(vit_b)

    def test_404(self, vit_b: Checkpoint, server: Server) -> None:
        server.answers.clear()
        with pytest.raises(EditMetricsError, match=r"404.*run `editmetrics weights fetch sam"):
            fetch("sam:vit_b", say=lambda line: None)
        assert nothing_left(vit_b)

    def test_nobody_answers(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        checkpoint = publish(monkeypatch, "http://127.0.0.1:9")
        with pytest.raises(EditMetricsError, match=r"Connection refused\. Check the network"):
            fetch("sam:vit_b", say=lambda line: None)
        assert nothing_left(checkpoint)

    def test_a_cache_that_is_a_file(self, vit_b: Checkpoint, tmp_path: Path) -> None:
        (tmp_path / "cache").write_text("")
        with pytest.raises(EditMetricsError, match="Not a directory"):
            fetch("sam:vit_b", say=lambda line: None)

    def test_an_interrupted_transfer_goes_on_where_it_stopped(
        self, vit_b: Checkpoint, server: Server
    ) -> None:
        server.answers["/models/sam_vit_b_01ec64.pth"] = Answer(CONTENT, ranges=True)

        def interrupt(line: str) -> None:
            if "50 %" in line:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fetch("sam:vit_b", say=interrupt)
        assert left(vit_b) == ["sam_vit_b_01ec64.part.pth"]
        kept = (vit_b.path.parent / "sam_vit_b_01ec64.part.pth").stat().st_size
        assert 0 < kept < len(CONTENT)

        said: list[str] = []
        assert fetch("sam:vit_b", say=said.append).path.read_bytes() == CONTENT
        assert f"sam:vit_b: going on after {kept:,} of 1,048,578 bytes" in said
        assert server.ranges == [None, f"bytes={kept}-"]
        assert left(vit_b) == [vit_b.path.name]

    def test_a_terminal_gets_a_bar(
        self,
        vit_b: Checkpoint,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        said: list[str] = []
        fetch("sam:vit_b", say=said.append)
        assert len(said) == 1
        assert re.search(r"100%\|.*1\.05M/1\.05M", capsys.readouterr().err)

    def test_an_lpips_backbone_by_the_hash_in_its_name(
        self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.answers["/models/squeezenet1_1-b8a52dc0.pth"] = Answer(CONTENT)
        checkpoint = publish(monkeypatch, server.url, "lpips:squeeze", None, "b8a52dc0")
        with pytest.raises(WeightsError, match="lpips:squeeze should have b8a52dc0"):
            fetch("lpips:squeeze", say=lambda line: None)
        assert nothing_left(checkpoint)
        publish(monkeypatch, server.url, "lpips:squeeze", None, REAL[:8])
        found = fetch("lpips:squeeze", say=lambda line: None)
        assert found.path == tmp_path / "torch/hub/checkpoints/squeezenet1_1-b8a52dc0.pth"

    @pytest.mark.parametrize("name", ["lpips:alex", "clip:smoke", "sam:smoke"])
    def test_packaged_weights_need_no_fetching(self, name: str) -> None:
        said: list[str] = []
        assert fetch(name, say=said.append).name == name
        assert said == [f"{name} is part of this package; there is nothing to fetch"]

    def test_damaged_packaged_weights_cannot_be_fetched(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(catalog, "DATA", tmp_path)
        with pytest.raises(WeightsError, match="reinstall it: pip install"):
            fetch("lpips:alex")

    def test_an_unknown_name(self) -> None:
        with pytest.raises(InputError, match="did you mean 'sam:vit_l'"):
            fetch("sam:vitl")


COMMIT = "a" * 40
SAFETENSORS = save({"visual.weight": np.ones(5000, np.float32)})
PICKLE = CONTENT


class Hub:
    """The few endpoints of a model hub that huggingface_hub uses, on a loopback server."""

    def __init__(self, server: Server, tmp_path: Path):
        self.server = server
        self.home = tmp_path / "hf"

    def has(self, hub_id: str, files: dict[str, bytes], revision: str | None = None) -> None:
        about = {
            "id": hub_id,
            "sha": COMMIT,
            "siblings": [{"rfilename": name, "size": len(files[name])} for name in files],
        }
        api = f"/api/models/{hub_id}" + (f"/revision/{revision}" if revision else "")
        self.server.answers[api] = Answer(json.dumps(about).encode())
        for name, content in files.items():
            self.server.answers[f"/{hub_id}/resolve/{revision or 'main'}/{name}"] = Answer(
                content,
                headers={
                    "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
                    "X-Repo-Commit": COMMIT,
                },
            )

    def fetch(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        return self.run("fetch", *args, **env)

    def run(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "HF_ENDPOINT": self.server.url,
            "HF_HOME": str(self.home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DOWNLOAD_TIMEOUT": "5",
            **env,
        }
        for name in ("HF_HUB_CACHE", "HF_TOKEN"):
            environment.pop(name, None)
        return subprocess.run(
            ["editmetrics", "weights", *args],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def weights(self) -> list[Path]:
        """What lies under a weights file's final name."""
        return [
            path
            for path in self.home.rglob("*")
            if path.name in ("model.safetensors", "pytorch_model.bin")
        ]


@pytest.fixture
def hub(server: Server, tmp_path: Path, programs: Path) -> Hub:
    return Hub(server, tmp_path)


def failed(run: subprocess.CompletedProcess[str], status: int, message: str) -> bool:
    assert run.returncode == status, run.stderr
    assert "Traceback" not in run.stderr
    assert re.search(message, run.stderr), run.stderr
    return run.stdout == ""


class TestHub:
    FILES = {  # noqa: RUF012
        "config.json": b'{"model_type": "clip"}',
        "preprocessor_config.json": b"{}",
        "model.safetensors": SAFETENSORS,
        "pytorch_model.bin": PICKLE,
        "tf_model.h5": b"big",
        "README.md": b"read me",
    }

    def test_three_files_and_no_more(self, hub: Hub) -> None:
        hub.has("acme/clip", self.FILES)
        run = hub.fetch("clip:acme/clip")
        assert run.returncode == 0, run.stderr
        folder = Path(run.stdout.strip().removeprefix("clip:acme/clip: "))
        assert sorted(path.name for path in folder.iterdir()) == [
            "config.json",
            "model.safetensors",
            "preprocessor_config.json",
        ]
        assert (folder / "model.safetensors").read_bytes() == SAFETENSORS
        assert "fetching clip:acme/clip (0.0 MB) from" in run.stderr

        asked = len(hub.server.asked)
        again = hub.fetch("clip:acme/clip")
        assert again.returncode == 0
        assert "clip:acme/clip is here already, and its hash is right" in again.stderr
        path = hub.run("path", "clip:acme/clip")
        assert path.stdout.strip() == str(folder)
        assert len(hub.server.asked) == asked

    def test_pytorch_model_bin_where_there_is_nothing_better(self, hub: Hub) -> None:
        files = {name: self.FILES[name] for name in ("config.json", "pytorch_model.bin")}
        hub.has("acme/clip", files)
        run = hub.fetch("clip:acme/clip")
        assert run.returncode == 0, run.stderr
        assert [path.name for path in hub.weights()] == ["pytorch_model.bin"]

    def test_shards_and_every_preprocessor(self, hub: Hub) -> None:
        index = {"weight_map": {"visual.weight": "model-1.safetensors", "b": "model-2.safetensors"}}
        files = {
            "config.json": self.FILES["config.json"],
            "processor_config.json": b"{}",
            "model.safetensors.index.json": json.dumps(index).encode(),
            "model-1.safetensors": SAFETENSORS,
            "model-2.safetensors": save({"b": np.ones(3, np.float32)}),
            "model.fp16.safetensors": SAFETENSORS,
        }
        hub.has("acme/clip", files)
        run = hub.fetch("clip:acme/clip")
        assert run.returncode == 0, run.stderr
        folder = Path(run.stdout.strip().removeprefix("clip:acme/clip: "))
        assert {path.name for path in folder.iterdir()} == files.keys() - {"model.fp16.safetensors"}
        hub.has(
            "acme/other", {name: files[name] for name in files if name != "model-2.safetensors"}
        )
        assert failed(hub.fetch("clip:acme/other"), 1, "has no model-2.safetensors on the hub")

    def test_a_revision(self, hub: Hub) -> None:
        hub.has("acme/clip", self.FILES, revision="v2")
        assert hub.fetch("clip:acme/clip@v2").returncode == 0
        assert hub.run("path", "clip:acme/clip@v2").returncode == 0
        assert hub.run("path", "clip:acme/clip").returncode == 1

    def test_weights_that_another_revision_brought_come_once(self, hub: Hub) -> None:
        hub.has("acme/clip", self.FILES)
        hub.has("acme/clip", self.FILES, revision="v2")
        assert hub.fetch("clip:acme/clip").returncode == 0
        assert hub.fetch("clip:acme/clip@v2").returncode == 0
        came = [asked for asked in hub.server.asked if asked.startswith("GET")]
        assert [one for one in came if one.endswith("/model.safetensors")] == [
            "GET /acme/clip/resolve/main/model.safetensors"
        ]

    def test_no_such_model(self, hub: Hub) -> None:
        hub.server.answers["/api/models/acme/clip"] = Answer(
            b"{}", 404, {"X-Error-Code": "RepoNotFound"}
        )
        assert failed(hub.fetch("clip:acme/clip"), 1, "clip:acme/clip is not on http.*HF_TOKEN")

    def test_no_such_revision(self, hub: Hub) -> None:
        hub.server.answers["/api/models/acme/clip/revision/v9"] = Answer(
            b"{}", 404, {"X-Error-Code": "RevisionNotFound"}
        )
        run = hub.fetch("clip:acme/clip@v9")
        assert failed(run, 1, "clip:acme/clip has no revision 'v9' .*check what stands after @")

    @pytest.mark.parametrize(
        "files",
        [
            {"config.json": b"{}", "model.bin.index.json": b"{}"},
            {"model.safetensors": SAFETENSORS},
        ],
    )
    def test_not_a_model_we_can_use(self, hub: Hub, files: dict[str, bytes]) -> None:
        hub.has("acme/clip", files)
        assert failed(hub.fetch("clip:acme/clip"), 1, "is no CLIP model in the transformers layout")
        assert not hub.home.exists() or hub.weights() == []

    def test_nobody_answers(self, hub: Hub) -> None:
        run = hub.fetch("clip:acme/clip", HF_ENDPOINT="http://127.0.0.1:9")
        assert failed(run, 1, "could not be fetched from http://127.0.0.1:9: Connection refused")

    def test_offline(self, hub: Hub) -> None:
        run = hub.fetch("clip:acme/clip", HF_HUB_OFFLINE="1")
        assert failed(run, 1, "HF_HUB_OFFLINE is set; unset it")
        assert hub.server.asked == []

    def test_a_connection_that_breaks_off(self, hub: Hub) -> None:
        hub.has("acme/clip", self.FILES)
        hub.server.answers["/acme/clip/resolve/main/model.safetensors"].short = 1000
        assert failed(hub.fetch("clip:acme/clip"), 1, "clip:acme/clip could not be fetched from")
        assert hub.weights() == []

    def test_a_mirror_whose_connection_breaks_off_and_goes_on(self, hub: Hub) -> None:
        large = save({"visual.weight": np.ones(250_000, np.float32)})
        hub.has("acme/clip", {**self.FILES, "model.safetensors": large})
        path = "/acme/clip/resolve/main/model.safetensors"
        whole = hub.server.answers[path]
        assert isinstance(whole, Answer)
        whole.ranges = True
        hub.server.answers[path] = [replace(whole, short=500_000), whole]
        run = hub.fetch(
            "clip:acme/clip", "--mirror", hub.server.url, HF_ENDPOINT="http://127.0.0.1:9"
        )
        assert run.returncode == 0, run.stderr
        assert re.search(r"after \d\d\d,\d\d\d bytes; going on", run.stderr)
        assert [path.read_bytes() for path in hub.weights()] == [large]
        assert hub.server.ranges.count(None) == len(hub.server.ranges) - 1

    def test_content_that_is_not_what_its_hash_says(self, hub: Hub) -> None:
        hub.has("acme/clip", self.FILES)
        answer = hub.server.answers["/acme/clip/resolve/main/model.safetensors"]
        answer.body = answer.body[:-1] + b"\x01"
        assert failed(hub.fetch("clip:acme/clip"), 1, "it is damaged; nothing was kept")
        assert hub.weights() == []

        answer.body = SAFETENSORS
        assert hub.fetch("clip:acme/clip").returncode == 0

    def test_a_damaged_cache_is_fetched_again(self, hub: Hub) -> None:
        hub.has("acme/clip", self.FILES)
        assert hub.fetch("clip:acme/clip").returncode == 0
        blob = hub.weights()[0].resolve()
        blob.write_bytes(SAFETENSORS[:-1] + b"\x01")
        assert failed(hub.run("path", "clip:acme/clip"), 1, "it is damaged; run `editmetrics")
        run = hub.fetch("clip:acme/clip")
        assert run.returncode == 0, run.stderr
        assert "fetching again, because" in run.stderr
        assert hub.weights()[0].read_bytes() == SAFETENSORS

    def test_a_malformed_id(self, hub: Hub) -> None:
        assert failed(hub.fetch("clip:acme/cl..ip"), 2, "neither a directory here nor a hub id")
