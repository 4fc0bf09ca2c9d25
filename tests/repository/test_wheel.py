"""What a release contains: the plugin, its weights and its licences, and nothing else."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
from configparser import ConfigParser
from email import message_from_bytes
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "pytest_editmetrics"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel, built without a network and without what lies in the environment's site-packages."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheel(built):
    with ZipFile(built) as opened:
        yield opened


def info(wheel, name):
    (path,) = [path for path in wheel.namelist() if path.endswith(f".dist-info/{name}")]
    return wheel.read(path)


def test_it_is_small_enough_to_download(built):
    assert 10 * MEGABYTE < built.stat().st_size < 15 * MEGABYTE


def test_it_holds_the_package_and_nothing_else(wheel):
    tops = {PurePosixPath(name).parts[0] for name in wheel.namelist()}
    assert tops == {PACKAGE, info_folder(wheel)}
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", PACKAGE],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    ours = {name for name in wheel.namelist() if name.startswith(f"{PACKAGE}/")}
    assert ours == {name for name in tracked.stdout.split("\0") if (ROOT / name).is_file()}


def info_folder(wheel):
    return next(name for name in wheel.namelist() if ".dist-info/" in name).split("/")[0]


@pytest.mark.parametrize(
    "path",
    [
        "py.typed",
        "weights/data/lpips_alex.safetensors",
        "weights/data/smoke_clip/model.safetensors",
        "weights/data/smoke_sam.safetensors",
        "weights/data/smoke_sam.json",
        "cli/starter/data/editmetrics.yaml",
        "cli/starter/data/test_first_edit.py",
        "cli/starter/data/github.yml",
        "cli/starter/data/gitlab.yml",
        "report/html/static/report.css",
        "report/html/static/report.js",
        "report/html/templates/report.html",
    ],
)
def test_it_holds_what_is_no_module(wheel, path):
    assert wheel.read(f"{PACKAGE}/{path}") == (ROOT / PACKAGE / path).read_bytes()


def test_pytest_and_the_shell_find_it(wheel):
    entry_points = ConfigParser()
    entry_points.read_string(info(wheel, "entry_points.txt").decode())
    assert dict(entry_points["pytest11"]) == {"editmetrics": f"{PACKAGE}.plugin"}
    assert dict(entry_points["console_scripts"]) == {"editmetrics": f"{PACKAGE}.cli.main:main"}


def test_it_carries_the_licences_of_what_it_carries(wheel):
    metadata = message_from_bytes(info(wheel, "METADATA"))
    assert metadata["License-Expression"] == "MIT AND BSD-3-Clause"
    assert metadata.get_all("License-File") == ["LICENSE", "NOTICE"]
    notice = info(wheel, "licenses/NOTICE").decode()
    assert info(wheel, "licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    weights = [name for name in wheel.namelist() if name.endswith(".safetensors")]
    assert len(weights) == 3
    for name in weights:
        assert name in notice or f"{PurePosixPath(name).parent}/" in notice
    alex = wheel.read(f"{PACKAGE}/weights/data/lpips_alex.safetensors")
    assert hashlib.sha256(alex).hexdigest() in notice


def test_its_metadata_say_who_it_is_for(wheel):
    metadata = message_from_bytes(info(wheel, "METADATA"))
    classifiers = metadata.get_all("Classifier")
    assert "Framework :: Pytest" in classifiers
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_the_source_holds_the_package_its_documents_and_nothing_else(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (path,) = tmp_path.iterdir()
    assert path.stat().st_size < 15 * MEGABYTE
    with tarfile.open(path) as opened:
        names = [PurePosixPath(name).parts[1] for name in opened.getnames()]
    assert set(names) == {
        PACKAGE, "docs", "README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md",
        "SECURITY.md", "LICENSE", "NOTICE", "pyproject.toml", "PKG-INFO", ".gitignore",
    }  # fmt: skip
