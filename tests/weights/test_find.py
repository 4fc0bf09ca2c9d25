from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from pytest_editmetrics.errors import InputError, MissingResourceError, WeightsError
from pytest_editmetrics.weights import catalog, kept
from pytest_editmetrics.weights.catalog import DATA, Checkpoint
from pytest_editmetrics.weights.check import check_format
from pytest_editmetrics.weights.find import find, find_clip, find_lpips, find_sam, sha256_of

LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n"
WEB_PAGE = b"\n<!DOCTYPE html>\n<html><body>403 Forbidden</body></html>"


def torch_bytes(content: bytes = b"x" * 100) -> bytes:
    """Bytes framed as torch.save frames them: a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", content)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EDITMETRICS_CACHE", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def clip_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "my_clip"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "clip"}')
    save_file({"a": np.ones(3, np.float32)}, folder / "model.safetensors")
    return folder


SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


@pytest.fixture
def sharded(clip_dir: Path) -> Path:
    """A directory whose weights lie in two files."""
    (clip_dir / "model.safetensors").unlink()
    for name, shard in zip("ab", SHARDS, strict=True):
        save_file({name: np.ones(3, np.float32)}, clip_dir / shard)
    index = {"weight_map": dict(zip("ab", SHARDS, strict=True))}
    (clip_dir / "model.safetensors.index.json").write_text(json.dumps(index))
    return clip_dir


@pytest.fixture
def small_vit_b(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Publish a few bytes as sam:vit_b, since no test can have the real 375 MB."""
    content = torch_bytes()
    checkpoint = Checkpoint(
        "sam:vit_b",
        "sam_vit_b_01ec64.pth",
        len(content),
        "1 kB",
        hashlib.sha256(content).hexdigest(),
        "http://127.0.0.1:9/",
    )
    monkeypatch.setattr(catalog, "PUBLISHED", {**catalog.PUBLISHED, "sam:vit_b": checkpoint})
    return content


def in_hub_cache(
    hub: Path, hub_id: str, files: dict[str, bytes], ref: str = "main", commit: str = "c" * 40
) -> Path:
    """Lay files out as huggingface_hub does: blobs by hash, a snapshot of links, a ref."""
    repo = hub / ("models--" + hub_id.replace("/", "--"))
    snapshot = repo / "snapshots" / commit
    for folder in (repo / "refs", repo / "blobs", snapshot):
        folder.mkdir(parents=True, exist_ok=True)
    (repo / "refs" / ref).write_text(commit)
    for name, content in files.items():
        blob = repo / "blobs" / hashlib.sha256(content).hexdigest()
        blob.write_bytes(content)
        (snapshot / name).symlink_to(blob)
    return snapshot


class TestPackaged:
    def test_alex_is_the_genuine_file(self) -> None:
        found = find_lpips()
        assert found.name == "lpips:alex"
        assert found.path == DATA / "lpips_alex.safetensors"
        assert found.sha256.startswith("94bbe0919378dc82")
        assert (found.smoke, found.config) == (False, None)

    @pytest.mark.parametrize("name", ["clip:smoke", "sam:smoke"])
    def test_smoke_models_are_marked(self, name: str) -> None:
        found = find(name)
        assert (found.name, found.smoke) == (name, True)

    def test_smoke_sam_brings_its_dimensions(self) -> None:
        config = find_sam("smoke").config
        assert config is not None
        assert json.loads(config.read_text())["image_size"] == 256

    def test_a_copy_of_smoke_weights_is_still_smoke(self, tmp_path: Path) -> None:
        copy = shutil.copytree(DATA / "smoke_clip", tmp_path / "production_clip")
        found = find_clip(str(copy))
        assert (found.name, found.smoke) == ("clip:production_clip", True)

    def test_a_damaged_installation_says_reinstall(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = bytearray((DATA / "lpips_alex.safetensors").read_bytes())
        content[-1] ^= 1
        monkeypatch.setattr(catalog, "DATA", tmp_path)
        (tmp_path / "lpips_alex.safetensors").write_bytes(content)
        with pytest.raises(WeightsError, match=r"sha256 .* should have 94bb.*reinstall"):
            find_lpips()
        (tmp_path / "lpips_alex.safetensors").unlink()
        with pytest.raises(WeightsError, match="part of this package, is not there; reinstall"):
            find_lpips()

    def test_smoke_takes_nothing_else(self) -> None:
        with pytest.raises(InputError, match="takes neither model_path nor model_cfg"):
            find_sam("smoke", model_path="x.pth")
        with pytest.raises(InputError, match="revision 'v1' is for hub models only"):
            find_clip("smoke", revision="v1")
        with pytest.raises(InputError, match="sam:vit_b is none"):
            find("sam:vit_b", revision="v1")


class TestClipDirectory:
    def test_found(self, clip_dir: Path) -> None:
        found = find_clip(str(clip_dir))
        assert found.name == "clip:my_clip"
        assert found.path == clip_dir
        assert found.sha256 == sha256_of(clip_dir / "model.safetensors")
        assert not found.smoke

    def test_path_objects_and_the_home_directory(
        self, clip_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(clip_dir.parent))
        assert find_clip(clip_dir) == find_clip("~/my_clip")  # type: ignore[arg-type]

    def test_pytorch_model_bin_is_taken_when_alone(self, clip_dir: Path) -> None:
        (clip_dir / "pytorch_model.bin").write_bytes(torch_bytes())
        assert find_clip(str(clip_dir)).sha256 == sha256_of(clip_dir / "model.safetensors")
        (clip_dir / "model.safetensors").unlink()
        assert find_clip(str(clip_dir)).sha256 == sha256_of(clip_dir / "pytorch_model.bin")

    def test_no_config(self, clip_dir: Path) -> None:
        (clip_dir / "config.json").unlink()
        with pytest.raises(MissingResourceError, match=r"no config.json \(it holds model.safe"):
            find_clip(str(clip_dir))

    def test_empty(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(MissingResourceError, match=r"no config.json \(it is empty\)") as caught:
            find_clip(str(tmp_path / "empty"))
        assert caught.value.pipe == "clip-pipe"

    def test_no_weights(self, clip_dir: Path) -> None:
        (clip_dir / "model.safetensors").unlink()
        for number in range(6):
            (clip_dir / f"tf_{number}.h5").touch()
        with pytest.raises(MissingResourceError, match=r"has no weights.*tf_3.h5 and 2 more"):
            find_clip(str(clip_dir))

    def test_shards(self, sharded: Path) -> None:
        found = find_clip(str(sharded))
        assert [file.name for file in found.files] == list(SHARDS)
        hashes = "\n".join(sha256_of(sharded / name) for name in SHARDS)
        assert found.sha256 == hashlib.sha256(hashes.encode()).hexdigest()
        save_file({"a": np.zeros(3, np.float32)}, sharded / SHARDS[0])
        assert find_clip(str(sharded)).sha256 != found.sha256

    def test_a_shard_that_is_not_there_is_named(self, sharded: Path) -> None:
        (sharded / SHARDS[1]).unlink()
        with pytest.raises(
            MissingResourceError, match=rf"lacks {SHARDS[1]}, of the 2 shards that model.safet"
        ):
            find_clip(str(sharded))

    def test_a_shard_that_was_cut_off(self, sharded: Path) -> None:
        file = sharded / SHARDS[1]
        file.write_bytes(file.read_bytes()[:-1])
        with pytest.raises(WeightsError, match=rf"{SHARDS[1]} is .*the copy was cut off"):
            find_clip(str(sharded))

    @pytest.mark.parametrize(
        "index",
        [
            "{}",
            '{"weight_map": {}}',
            '{"weight_map": 5}',
            '{"weight_map": {"a": "../x.safetensors"}}',
        ],
    )
    def test_an_index_that_lists_no_shards(self, sharded: Path, index: str) -> None:
        (sharded / "model.safetensors.index.json").write_text(index)
        with pytest.raises(WeightsError, match=r"index.json lists no shards: its weight_map must"):
            find_clip(str(sharded))

    def test_half_precision_is_taken_where_there_is_nothing_better(self, clip_dir: Path) -> None:
        half = clip_dir / "model.fp16.safetensors"
        save_file({"a": np.ones(3, np.float16)}, half)
        assert find_clip(str(clip_dir)).files == (clip_dir / "model.safetensors",)
        (clip_dir / "model.safetensors").unlink()
        assert find_clip(str(clip_dir)).files == (half,)

    def test_a_file_in_place_of_the_directory(self, clip_dir: Path) -> None:
        with pytest.raises(WeightsError, match=r"is a file; give the directory"):
            find_clip(str(clip_dir / "model.safetensors"))

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"{", "is not JSON"),
            (b"[1]", "holds no JSON object"),
            (b"", r"is empty \(0 bytes\)"),
            (LFS_POINTER, "git lfs pull"),
            (b"\xff\xfe{}", "is not JSON"),
        ],
    )
    def test_a_bad_config(self, clip_dir: Path, content: bytes, says: str) -> None:
        (clip_dir / "config.json").write_bytes(content)
        with pytest.raises(WeightsError, match=says):
            find_clip(str(clip_dir))

    def test_a_config_that_is_a_directory(self, clip_dir: Path) -> None:
        (clip_dir / "config.json").unlink()
        (clip_dir / "config.json").mkdir()
        with pytest.raises(WeightsError, match=r"config.json cannot be read: Is a directory"):
            find_clip(str(clip_dir))

    def test_weights_that_are_a_directory(self, clip_dir: Path) -> None:
        (clip_dir / "model.safetensors").unlink()
        (clip_dir / "model.safetensors").mkdir()
        with pytest.raises(WeightsError, match=r"model.safetensors cannot be read"):
            find_clip(str(clip_dir))

    def test_a_directory_that_may_not_be_read(
        self, clip_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(path: Path) -> None:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(Path, "iterdir", refuse)
        with pytest.raises(WeightsError, match="cannot be read: Permission denied"):
            find_clip(str(clip_dir))

    def test_a_revision_of_a_directory(self, clip_dir: Path) -> None:
        with pytest.raises(InputError, match=r"the local directory .* is none; leave it out"):
            find_clip(str(clip_dir), revision="main")

    @pytest.mark.parametrize("path", ["./nowhere", "/no/where", "~/nowhere", "a/b/c", "a\\b"])
    def test_a_path_that_is_not_there_is_not_taken_for_a_hub_id(self, path: str) -> None:
        with pytest.raises(MissingResourceError, match="there is no such directory"):
            find_clip(path)

    def test_a_name_no_file_can_have(self) -> None:
        with pytest.raises(WeightsError, match="cannot be read: File name too long"):
            find_clip("x" * 5000)

    @pytest.mark.parametrize("value", ["", "  ", None, 5, "a\0b", ["x"]])
    def test_model_path_must_be_text(self, value: object) -> None:
        with pytest.raises(InputError, match="clip-pipe: model_path must be a non-empty text"):
            find_clip(value)  # type: ignore[arg-type]

    def test_revision_must_be_text(self) -> None:
        with pytest.raises(InputError, match="clip-pipe: revision must be a non-empty text"):
            find_clip(revision=1234567)  # type: ignore[arg-type]

    def test_an_unknown_home(self) -> None:
        with pytest.raises(InputError, match="home directory that is unknown"):
            find_clip("~no_such_user_here/clip")


class TestClipFromTheHubCache:
    FILES: ClassVar = {
        "config.json": b"{}",
        "model.safetensors": save({"a": np.ones(2, np.float32)}),
    }

    def test_found(self, tmp_path: Path) -> None:
        snapshot = in_hub_cache(tmp_path / "hub", "openai/clip-vit-base-patch32", self.FILES)
        found = find_clip()
        assert found.name == "clip:openai/clip-vit-base-patch32"
        assert found.path == snapshot
        assert found == find("clip:openai/clip-vit-base-patch32")

    def test_missing_names_the_place_and_the_command(self, tmp_path: Path) -> None:
        with pytest.raises(MissingResourceError) as caught:
            find_clip("acme/clip", revision="v2")
        text = str(caught.value)
        assert text.startswith("revision 'v2' of CLIP model 'acme/clip' is not on this machine")
        assert str(tmp_path / "hub") in text
        assert text.endswith("editmetrics weights fetch clip:acme/clip@v2")
        assert caught.value.pipe == "clip-pipe"

    def test_a_revision_is_honoured(self, tmp_path: Path) -> None:
        hub = tmp_path / "hub"
        new = {**self.FILES, "model.safetensors": save({"a": np.zeros(2, np.float32)})}
        in_hub_cache(hub, "acme/clip", self.FILES)
        second = in_hub_cache(hub, "acme/clip", new, ref="v2", commit="d" * 40)
        assert find_clip("acme/clip", revision="v2").path == second
        assert find_clip("acme/clip", revision="d" * 40).path == second
        assert find_clip("acme/clip").sha256 == sha256_of(
            second.parent / ("c" * 40) / "model.safetensors"
        )
        with pytest.raises(MissingResourceError):
            find_clip("acme/clip", revision="v3")

    def test_a_config_without_weights_is_not_enough(self, tmp_path: Path) -> None:
        in_hub_cache(tmp_path / "hub", "acme/clip", {"config.json": b"{}"})
        with pytest.raises(MissingResourceError, match=r"only its config.json in the local hub"):
            find_clip("acme/clip")

    def test_without_refs_main_the_revisions_are_told(self, tmp_path: Path) -> None:
        hub = tmp_path / "hub"
        snapshot = in_hub_cache(hub, "acme/clip", self.FILES, ref="v2")
        in_hub_cache(hub, "acme/clip", self.FILES, ref="v3", commit="d" * 40)
        (hub / "models--acme--clip" / "refs" / "v3").unlink()
        with pytest.raises(MissingResourceError) as caught:
            find_clip("acme/clip")
        text = str(caught.value)
        assert f"no refs/main and only the revisions {'c' * 40} (v2), {'d' * 40} (name" in text
        assert str(snapshot) in text
        assert caught.value.fetch == ("clip:acme/clip",)
        with pytest.raises(MissingResourceError, match=r"fetch clip:acme/clip@v9$"):
            find_clip("acme/clip", revision="v9")

    @pytest.mark.parametrize(
        "name", ["config.json", "preprocessor_config.json", "processor_config.json"]
    )
    def test_a_configuration_that_was_edited_in_the_cache(self, tmp_path: Path, name: str) -> None:
        snapshot = in_hub_cache(tmp_path / "hub", "acme/clip", {**self.FILES, name: b"{}"})
        link = snapshot / name
        git = hashlib.sha1(b"blob 2\0{}").hexdigest()  # as the hub names what is not large
        blob = link.resolve().with_name(git)
        blob.write_bytes(b"{}")
        link.unlink()
        link.symlink_to(blob)
        assert find_clip("acme/clip").path == snapshot
        blob.write_bytes(b'{"resample": 2}')
        with pytest.raises(WeightsError, match=rf"{name} has hash .* the hub cache filed it under"):
            find_clip("acme/clip")

    def test_a_blob_that_rotted(self, tmp_path: Path) -> None:
        snapshot = in_hub_cache(tmp_path / "hub", "acme/clip", self.FILES)
        blob = (snapshot / "model.safetensors").resolve()
        blob.write_bytes(blob.read_bytes()[:-1] + b"\x01")
        with pytest.raises(WeightsError, match=r"damaged; run `editmetrics weights fetch clip"):
            find_clip("acme/clip")

    @pytest.mark.parametrize("hub_id", ["a b/c", "acme/cl..ip", "-x"])
    def test_a_malformed_id(self, hub_id: str) -> None:
        with pytest.raises(InputError, match="neither a directory here nor a hub id"):
            find_clip(hub_id)

    def test_the_environment_is_honoured(self, tmp_path: Path) -> None:
        in_hub_cache(tmp_path / "home" / "hub", "acme/clip", self.FILES)
        in_hub_cache(tmp_path / "elsewhere", "acme/clip", self.FILES, commit="e" * 40)
        code = (
            "from pytest_editmetrics.weights.find import find_clip;"
            "print(find_clip('acme/clip').path)"
        )
        home = {**os.environ, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
        home.pop("HF_HUB_CACHE", None)
        for environment, commit in (
            (home, "c" * 40),
            ({**home, "HF_HUB_CACHE": str(tmp_path / "elsewhere")}, "e" * 40),
        ):
            run = subprocess.run(
                [sys.executable, "-c", code], env=environment, capture_output=True, text=True
            )
            assert run.stdout.strip().endswith(commit), run.stderr


class TestSam:
    def test_missing_names_the_place_and_the_command(self, tmp_path: Path) -> None:
        with pytest.raises(MissingResourceError) as caught:
            find_sam()
        text = str(caught.value)
        assert str(tmp_path / "cache/pytest-editmetrics/sam/sam_vit_b_01ec64.pth") in text
        assert "(375 MB) with: editmetrics weights fetch sam:vit_b" in text
        assert caught.value.pipe == "sam-pipe"

    def test_our_own_cache_variable_comes_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_vit_b: bytes
    ) -> None:
        monkeypatch.setenv("EDITMETRICS_CACHE", str(tmp_path / "own"))
        path = tmp_path / "own/sam/sam_vit_b_01ec64.pth"
        path.parent.mkdir(parents=True)
        path.write_bytes(small_vit_b)
        found = find_sam("vit_b")
        assert (found.name, found.path, found.smoke, found.config) == (
            "sam:vit_b",
            path,
            False,
            None,
        )

    def test_without_variables_the_home_cache(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setenv("HOME", str(tmp_path))
        assert kept.sam_folder() == tmp_path / ".cache/pytest-editmetrics/sam"
        assert kept.torch_folder() == tmp_path / ".cache/torch/hub/checkpoints"

    def test_a_download_that_was_cut_off(self, tmp_path: Path) -> None:
        path = tmp_path / "sam_vit_b_01ec64.pth"
        path.write_bytes(torch_bytes(b"x" * 20_000)[:12_345])
        with pytest.raises(
            WeightsError,
            match="is 12,345 bytes, should be 375,042,383: the download was cut off; delete it, "
            "run `editmetrics weights fetch sam:vit_b`",
        ):
            find_sam(model_path=str(path))

    @pytest.mark.parametrize("in_cache", [True, False])
    def test_right_size_wrong_hash(
        self, tmp_path: Path, small_vit_b: bytes, in_cache: bool
    ) -> None:
        path = kept.sam_folder() if in_cache else tmp_path
        path.mkdir(parents=True, exist_ok=True)
        path /= "sam_vit_b_01ec64.pth"
        path.write_bytes(small_vit_b.replace(b"xxx", b"xyx", 1))
        with pytest.raises(WeightsError, match=r"sha256 .*run `editmetrics weights fetch sam"):
            find_sam(model_path=None if in_cache else str(path))

    def test_more_than_was_published(self, small_vit_b: bytes, tmp_path: Path) -> None:
        path = tmp_path / "sam_vit_b_01ec64.pth"
        path.write_bytes(torch_bytes(b"x" * 500))
        with pytest.raises(WeightsError, match="it is another file"):
            find_sam(model_path=str(path))

    def test_a_file_of_another_name_is_taken_as_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "finetuned.pth"
        path.write_bytes(torch_bytes())
        found = find_sam("vit_h", model_path=str(path))
        assert (found.name, found.path) == ("sam:finetuned.pth", path)

    def test_the_published_name_of_another_size(self, tmp_path: Path) -> None:
        path = tmp_path / "sam_vit_l_0b3195.pth"
        path.write_bytes(torch_bytes())
        with pytest.raises(InputError, match="of model_type 'vit_l', but model_type is 'vit_b'"):
            find_sam(model_path=str(path))

    def test_dimensions_of_another_size(self, tmp_path: Path) -> None:
        weights, config = tmp_path / "tiny.safetensors", tmp_path / "tiny.json"
        save_file({"a": np.ones(2, np.float32)}, weights)
        config.write_text('{"image_size": 256}')
        found = find_sam(model_path=str(weights), model_cfg=str(config))
        assert (found.name, found.config) == ("sam:tiny.safetensors", config)
        config.write_text("image_size: 256")
        with pytest.raises(WeightsError, match=r"tiny.json is not JSON"):
            find_sam(model_path=str(weights), model_cfg=str(config))
        with pytest.raises(MissingResourceError, match=r"model_cfg .*there is no such file"):
            find_sam(model_path=str(weights), model_cfg=str(tmp_path / "no.json"))

    def test_dimensions_without_weights(self) -> None:
        with pytest.raises(InputError, match="model_cfg needs model_path"):
            find_sam(model_cfg="tiny.json")

    def test_a_file_that_is_not_there(self) -> None:
        with pytest.raises(MissingResourceError, match=r"'no.pth': there is no such file"):
            find_sam(model_path="no.pth")
        with pytest.raises(MissingResourceError, match="there is no such file"):
            find_sam(model_path="/dev/null")

    def test_a_directory_in_place_of_the_file(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match="is a directory; give the file itself"):
            find_sam(model_path=str(tmp_path))

    @pytest.mark.parametrize(
        ("given", "hint"), [("vitb", "did you mean 'vit_b'"), (None, "valid: 'smoke', 'vit_b'")]
    )
    def test_an_unknown_model_type(self, given: object, hint: str) -> None:
        with pytest.raises(InputError, match=hint):
            find_sam(given)  # type: ignore[arg-type]


class TestLpips:
    @pytest.mark.parametrize(
        ("net", "file"), [("vgg", "vgg16-397923af.pth"), ("squeeze", "squeezenet1_1-b8a52dc0.pth")]
    )
    def test_missing_names_the_place_and_the_command(
        self, net: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "th"))
        with pytest.raises(MissingResourceError) as caught:
            find_lpips(net)
        assert str(tmp_path / "th/hub/checkpoints" / file) in str(caught.value)
        assert f"editmetrics weights fetch lpips:{net}" in str(caught.value)
        assert caught.value.pipe == "lpips-pipe"

    def test_the_folder_is_the_one_torch_uses(self) -> None:
        import torch.hub

        assert Path(torch.hub.get_dir()) / "checkpoints" == kept.torch_folder()

    def test_the_hash_in_the_name_is_checked_in_the_cache(self) -> None:
        path = catalog.PUBLISHED["lpips:vgg"].path
        path.parent.mkdir(parents=True)
        path.write_bytes(torch_bytes())
        with pytest.raises(WeightsError, match="lpips:vgg should have 397923af"):
            find_lpips("vgg")

    def test_the_hash_in_the_name_is_checked_at_model_path(self, tmp_path: Path) -> None:
        content = torch_bytes()
        digest = hashlib.sha256(content).hexdigest()
        good, bad = tmp_path / f"vgg16-{digest[:8]}.pth", tmp_path / "vgg16-397923af.pth"
        for path in (good, bad):
            path.write_bytes(content)
        assert find_lpips("vgg", str(good)).sha256 == digest
        with pytest.raises(WeightsError, match="its name says 397923af"):
            find_lpips("vgg", str(bad))

    def test_convolution_layers_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "vgg_features.safetensors"
        save_file({"features.0.weight": np.ones(2, np.float32)}, path)
        found = find_lpips("vgg", model_path=str(path))
        assert (found.name, found.path) == ("lpips:vgg_features.safetensors", path)

    def test_an_unknown_net(self) -> None:
        with pytest.raises(InputError, match="did you mean 'squeeze'"):
            find_lpips("squeez")


class TestFormat:
    """What only pretends to be weights is recognised before anything loads it."""

    @pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (LFS_POINTER, r"Git LFS pointer.*git lfs pull"),
            (WEB_PAGE, "is a web page, not weights"),
            (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "is a web page"),
            (b"", r"is empty \(0 bytes\)"),
        ],
    )
    def test_something_else_in_place_of_weights(
        self, tmp_path: Path, suffix: str, content: bytes, says: str
    ) -> None:
        path = tmp_path / f"weights{suffix}"
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=says):
            find_lpips("vgg", str(path))

    def test_pickles_of_before_torch_1_6_are_weights(self, tmp_path: Path) -> None:
        path = tmp_path / "old.pth"
        path.write_bytes(pickle.dumps({"a": 1}, protocol=2))
        check_format(path, "-")

    @pytest.mark.parametrize(
        ("name", "content", "says"),
        [
            ("a.pth", b"hello", "is not a PyTorch checkpoint"),
            ("a.ckpt", b"PK", "is not a weights file by its name"),
            ("a.safetensors", b"\xff" * 40, "no safetensors header"),
            ("a.safetensors", b"\x02\0\0\0\0\0\0\0[]", "no safetensors header"),
            ("a.safetensors", b'\x06\0\0\0\0\0\0\0{"a":1}'[:14], "no safetensors header"),
        ],
    )
    def test_another_format(self, tmp_path: Path, name: str, content: bytes, says: str) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WeightsError, match=says):
            check_format(tmp_path / name, "do something")

    def test_appended_bytes(self, tmp_path: Path) -> None:
        path = tmp_path / "a.safetensors"
        path.write_bytes(save({"a": np.ones(2, np.float32)}) + b"more")
        with pytest.raises(WeightsError, match="something was appended"):
            check_format(path, "-")

    def test_no_tensors_is_a_whole_file(self, tmp_path: Path) -> None:
        path = tmp_path / "a.safetensors"
        header = b'{"__metadata__": {"format": "pt"}}'  # safetensors 0.4 writes this one wrongly
        path.write_bytes(len(header).to_bytes(8, "little") + header)
        check_format(path, "-")

    @given(st.data())
    def test_every_cut_is_noticed(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        suffix, whole = data.draw(
            st.sampled_from(
                [
                    (".safetensors", save({"a": np.ones(50, np.float32)}, {"format": "pt"})),
                    (".pth", torch_bytes()),
                ]
            )
        )
        path = tmp_path_factory.mktemp("cut") / f"a{suffix}"
        path.write_bytes(whole)
        check_format(path, "-")
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
        with pytest.raises(WeightsError):
            check_format(path, "-")


class TestNames:
    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("vit_b", "did you mean 'sam:vit_b'"),
            ("openai/clip-vit-base-patch32", "did you mean 'clip:openai/clip-vit-base-patch32'"),
            ("lpips:vgg16", "did you mean 'lpips:vgg'"),
            ("dino:v2", "valid: 'clip:openai"),
            ("clip:nothing", "valid: 'clip:openai"),
        ],
    )
    def test_unknown(self, name: str, hint: str) -> None:
        with pytest.raises(InputError, match=hint):
            find(name)


def test_sha256_of_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    content = b"ab" * (1 << 20) + b"c"
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()
    with pytest.raises(WeightsError, match="cannot be read"):
        sha256_of(tmp_path)


def test_finding_local_weights_imports_nothing_heavy_and_opens_no_connection() -> None:
    code = """
import socket, sys
def refuse(*args, **kwargs): raise AssertionError("the network was touched")
socket.socket.connect = socket.getaddrinfo = refuse
from pytest_editmetrics.weights import find
for name in ("lpips:alex", "clip:smoke", "sam:smoke"):
    find.find(name)
heavy = {"torch", "numpy", "huggingface_hub", "pooch", "safetensors", "transformers", "requests"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
from pytest_editmetrics.errors import MissingResourceError
try:
    find.find_clip("acme/never-cached")
except MissingResourceError:
    print("fine")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout == "fine\n", run.stderr
