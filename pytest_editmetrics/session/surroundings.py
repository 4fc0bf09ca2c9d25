"""What a run would find here: versions, device, folders, configuration, goldens, variables."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.session.options import CI_VARIABLES, in_ci
from pytest_editmetrics.session.outputs import package_version, package_versions

if TYPE_CHECKING:
    from pytest_editmetrics.pipes.with_model import ModelPipe
    from pytest_editmetrics.pipes.witness.checkup import Checkup
    from pytest_editmetrics.session.state import EditSession

_MORE_VERSIONS = ("torchvision", "safetensors", "huggingface-hub", "scikit-image", "pytest-xdist")
_VARIABLES = (
    *CI_VARIABLES, "PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_PLUGINS",
    "EDITMETRICS_CACHE", "EDITMETRICS_MIRROR", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE",
    "HF_ENDPOINT", "TORCH_HOME", "XDG_CACHE_HOME", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
)  # fmt: skip
_SECRET = ("HF_TOKEN",)


@dataclass(frozen=True)
class Folder:
    """A folder that weights or features lie in; ``free`` is the room on its disk, in bytes."""

    what: str
    path: str
    there: bool
    free: int | None


@dataclass
class Surroundings:
    """What a run would find; ``problems`` are what would fail it."""

    versions: dict[str, str | None]
    system: str
    cores: int
    threads: int
    instructions: str
    device: str
    device_name: str
    configuration: str | None
    golden_files: int
    golden_tests: int
    golden_images: int
    folders: list[Folder]
    ci: bool
    variables: dict[str, str]
    problems: list[str] = field(default_factory=list)


def surroundings(session: EditSession) -> Surroundings:
    """Look at what a run of this session would find, and write nothing."""
    problems: list[str] = []
    device, name, threads, instructions = "none", "none", 0, "none"
    try:
        from pytest_editmetrics.cache.device import device_name, resolve_device
        from pytest_editmetrics.cache.threads import thread_count

        device = resolve_device(session.options["device"] or "auto")
        name, threads = device_name(device), thread_count()
        import torch

        instructions = torch.backends.cpu.get_cpu_capability()
    except EditMetricsError as error:
        problems.append(str(error))
    except ImportError as error:
        problems.append(f"torch cannot be imported: {error}")
    try:
        path = session.config_path
        session.settings  # noqa: B018 - read for its errors
    except EditMetricsError as error:
        path = None
        problems.append(str(error))
    files, tests, images = _goldens(session, problems)
    shown = None if path is None else str(session.shown(path))
    versions = package_versions()
    versions |= {one: package_version(one) for one in _MORE_VERSIONS}
    return Surroundings(
        versions=versions,
        system=f"Python {platform.python_version()} on {platform.platform()}",
        cores=os.cpu_count() or 1,
        threads=threads,
        instructions=instructions,
        device=device,
        device_name=name,
        configuration=shown,
        golden_files=files,
        golden_tests=tests,
        golden_images=images,
        folders=list(_folders(session, problems)),
        ci=in_ci(),
        variables=_variables(),
        problems=problems,
    )


def examined(session: EditSession) -> tuple[Surroundings, list[Checkup], list[str]]:
    """Return the surroundings, each model that is named, checked, and pipes that cannot be."""
    around = surroundings(session)
    try:
        pipes, foreign = models_named(session)
        from pytest_editmetrics.pipes.witness.checkup import check_up, photos

        taken = photos() if pipes else []
    except EditMetricsError as error:
        if str(error) not in around.problems:
            around.problems.append(str(error))
        return around, [], []
    except ImportError as error:
        around.problems.append(f"{error.name} cannot be imported: {error}")
        return around, [], []
    checkups = []
    for pipe in pipes:
        checkups.append(check_up(pipe, taken))
        pipe.release()
    return around, checkups, foreign


def models_named(session: EditSession) -> tuple[list[ModelPipe[Any]], list[str]]:
    """Return a pipe of each model that the configuration names, and the pipes that are not ours.

    Named are the metrics that a test measures by default, those that the file bounds or says
    anything of, and pipes of ``pipes_default``; SAM too, where a metric isolates objects with it.
    """
    from pytest_editmetrics.pipes.registry import BUILTIN
    from pytest_editmetrics.pipes.with_model import ModelPipe

    settings, registry = session.settings, session.registry
    named = {*settings.measured(None)[0], *settings.metrics, *settings.named}
    metrics = {registry.metric(name).name for name in named if name in registry.names}
    asked: list[tuple[str, dict[str, Any]]] = [
        (config.pipe_name, session.metric_init(config))
        for name, config in settings.metric_configs.items()
        if name in metrics
    ]
    asked += [(key, session.default_init(key)) for key in registry.pipes if key in named]
    found: dict[Any, ModelPipe[Any]] = {}
    foreign: list[str] = []
    for key, init in asked:
        if key not in {spec.key for spec in BUILTIN}:
            foreign.append(key)
            continue
        pipe = session.pipe(key, init)
        for one in (pipe, getattr(pipe, "sam_block", None)):
            if isinstance(one, ModelPipe):
                found.setdefault(_same(one), one)
    return list(found.values()), sorted(set(foreign))


def _same(pipe: Any) -> tuple[object, ...]:
    """Return what two pipes of one model, prepared alike, have in common."""
    names = (
        "model_path",
        "revision",
        "model_type",
        "model_cfg",
        "net",
        "device",
        "dtype",
        "framing",
    )
    return (pipe.key, *(str(getattr(pipe, name, None)) for name in names))


def _goldens(session: EditSession, problems: list[str]) -> tuple[int, int, int]:
    """Return how many files of thresholds there are, of how many tests, and golden images."""
    from pytest_editmetrics.goldens.file import read_golden_file
    from pytest_editmetrics.goldens.file_names import holds_thresholds

    files = tests = images = 0
    for path in _golden_files(session):
        if not holds_thresholds(path):
            images += 1
            continue
        files += 1
        try:
            tests += len(read_golden_file(path, session.registry, session.rootdir).tests)
        except EditMetricsError as error:
            problems.append(str(error))
    return files, tests, images


def _golden_files(session: EditSession) -> Iterator[Path]:
    """Find what goldens lie below the rootdir, in folders of that name."""
    from pytest_editmetrics.goldens.file_names import files_below, holds_thresholds
    from pytest_editmetrics.goldens.image_names import is_golden_name
    from pytest_editmetrics.goldens.store import FOLDER

    root = session.options["goldens"]
    named = (session.rootdir / root) if root else None
    for path in files_below(named or session.rootdir):
        if holds_thresholds(path):
            folder = path.parent
        elif is_golden_name(path.name):
            folder = path.parent.parent
        else:
            continue
        if named is not None or folder.name == FOLDER:
            yield path


def _folders(session: EditSession, problems: list[str]) -> Iterator[Folder]:
    from pytest_editmetrics.weights.kept import own_cache, torch_folder

    places = {
        "SAM, features": own_cache,
        "hub models": _hub_cache,
        "LPIPS backbones": torch_folder,
    }
    for what, place in places.items():
        try:
            path = place()
        except EditMetricsError as error:
            problems.append(f"{what}: {error}")
            continue
        yield Folder(what, str(path), path.is_dir(), _room(path))


def _hub_cache() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _room(path: Path) -> int | None:
    for folder in (path, *path.parents):
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            continue
    return None


def _variables() -> dict[str, str]:
    from pytest_editmetrics.weights.transfer import without_login

    shown = {name: without_login(os.environ[name]) for name in _VARIABLES if name in os.environ}
    return shown | {name: "set" for name in _SECRET if os.environ.get(name)}
