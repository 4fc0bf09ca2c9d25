from __future__ import annotations

import gc
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings
from quick_suites import import_once, quicken
from warm_processes import SUPPORTED, WarmProcesses

from pytest_editmetrics.session.options import CI_VARIABLES

# how long one example takes says nothing on a busy machine
settings.register_profile("unhurried", deadline=None, max_examples=40)
settings.load_profile("unhurried")

# a shell lets what it starts in the background ignore Ctrl-C, and so would all that tests start
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# what is imported while tests are collected stays
gc.disable()

# before torch is imported, as in the processes that the tests start: the last bits depend on the
# number of threads
os.environ["OMP_NUM_THREADS"] = "1"

XDIST = find_spec("xdist") is not None
PLUGINS = [
    "pytest_editmetrics.plugin",
    *(["xdist.plugin"] if XDIST else []),  # before rerunfailures, which imports it
    *(["pytest_rerunfailures"] if find_spec("pytest_rerunfailures") else []),
]
# set by noxfile.py: the suites under test load every plugin that is installed
EVERY_PLUGIN = "TEST_WITH_EVERY_PLUGIN" in os.environ


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as long what a test's ``quick`` leaves: before pytest chooses by marks."""
    seen: Counter[tuple[pytest.Item | pytest.Collector | None, str]] = Counter()
    for item in items:
        mark = item.get_closest_marker("quick")
        if mark is not None:
            test = item.parent, item.name.partition("[")[0]
            seen[test] += 1
            if seen[test] > mark.args[0]:
                item.add_marker("long")


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


CONFTEST = '''
import numpy as np
import pytest
from pytest_editmetrics import Metric
from pytest_editmetrics.errors import MissingResourceError

NOT_FOUND, NAN, MISSING = 255, 254, 253


class PixelPipe:
    """Scores an edited image by its first pixel, in hundredths; some values are special."""

    def __call__(self, reference, edited, coords, mask_mode, metric, **params):
        value = int(edited[0, 0, 0])
        if value == MISSING:
            raise MissingResourceError("no weights; run `editmetrics weights fetch px`", "pixel-pipe")
        if value == NOT_FOUND:
            return None
        return float("nan") if value == NAN else value / 100


def pytest_editmetrics_register_pipes(registry):
    registry.register(
        "pixel-pipe",
        PixelPipe,
        metrics=[Metric("score", "lower"), Metric("likeness", "higher")],
    )


def image(value):
    return np.full((8, 8, 3), value, dtype=np.uint8)


@pytest.fixture
def check(edit_gate):
    def check(value, threshold=None, metric="score", name=None):
        from pytest_editmetrics.checks.edit_gate import Check

        return edit_gate.run(
            Check(image(0), image(value), metrics=metric, name=name,
                  thresholds=edit_gate.argument(metric, threshold))
        )
    return check
'''

# a picture, its edit, and what may happen to it: suites under test import it
SCENE = """
import io
import os
import sys

import numpy as np
import pytest
from PIL import Image

BOX = [(20, 24, 60, 64)]


def scene():
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(30, 220, (24, 24, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((128, 128), Image.Resampling.BICUBIC))


def edited():
    made = scene().copy()
    made[24:64, 20:60] = 255 - made[24:64, 20:60]
    return made


def noisy(image):
    noise = np.random.default_rng(int(os.environ["SEED"])).normal(0, 1, image.shape)
    return (image + noise).clip(0, 255).round().astype(np.uint8)


def jpeg(image, quality=40):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
"""


@pytest.fixture(autouse=True)
def outside_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The suites under test decide for themselves whether they run in CI; they start cold."""
    monkeypatch.setenv("EDITMETRICS_CACHE", str(tmp_path / "cache"))
    github = ("GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE")
    worker = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_AUTO_NUM_WORKERS")
    for name in (*CI_VARIABLES, "PYTEST_ADDOPTS", *worker, *github):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    # a test file that is written anew within a second would be taken for the one compiled before
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    if not EVERY_PLUGIN:
        # the suites under test start faster without the plugins that they do not need
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        monkeypatch.setenv("PYTEST_PLUGINS", ",".join(PLUGINS))


@pytest.fixture(scope="session")
def warm_processes() -> Iterator[WarmProcesses]:
    """What forks the workers and processes of suites; all that suites import is imported here, too."""
    package = import_once()
    quicken()
    of_workers = ["execnet.gateway_base", "xdist.workermanage"] if XDIST else []
    processes = WarmProcesses(
        ["numpy", "yaml", "PIL.Image", "torch", *of_workers, *PLUGINS, *package]
    )
    yield processes
    processes.stop()


def _are_warm(request: pytest.FixtureRequest) -> bool:
    """Tell whether the processes that a test starts are forked from one that has imported all."""
    return SUPPORTED and not EVERY_PLUGIN and "cold_processes" not in request.fixturenames


def _skip_workers(run: Callable[..., pytest.RunResult]) -> Callable[..., pytest.RunResult]:
    def run_without_workers(*args: object, **options: object) -> pytest.RunResult:
        if any(str(arg).startswith(("-n", "--dist")) for arg in args):
            pytest.skip("needs pytest-xdist")
        return run(*args, **options)

    return run_without_workers


@pytest.fixture
def pytester(
    request: pytest.FixtureRequest,
    warm_processes: WarmProcesses,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> pytest.Pytester:
    """Silence what pytest 8 says of a plugin that the outer run imported from an editable install.

    Otherwise every suite under test has one warning more than under pytest 9.
    """
    hook = "_pytest.assertion.rewrite.AssertionRewritingHook"
    monkeypatch.setattr(f"{hook}._warn_already_imported", lambda self, name: None)
    if EVERY_PLUGIN and find_spec("pytest_randomly"):
        monkeypatch.setenv("PYTEST_ADDOPTS", "--randomly-dont-reorganize")
    if _are_warm(request):
        warm_processes.start_suites(pytester, monkeypatch)
        if XDIST:
            warm_processes.start_workers(monkeypatch)
    if not XDIST:
        for name in ("runpytest_inprocess", "runpytest_subprocess"):
            monkeypatch.setattr(pytester, name, _skip_workers(getattr(pytester, name)))
    return pytester


@pytest.fixture
def cold_processes() -> None:
    """Let the processes that the test starts import what they need, as a user's do."""


@pytest.fixture
def programs(
    request: pytest.FixtureRequest,
    warm_processes: WarmProcesses,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Let what the test starts find `pytest`, `editmetrics` and `python -m` of either.

    Each call is a fork, but where processes start cold. Return the folder in which they lie.
    """
    folder = tmp_path_factory.mktemp("programs")
    warm_processes.programs(folder, warm=_are_warm(request))
    found = [str(folder), str(Path(sys.executable).parent), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(found))
    return folder


@pytest.fixture
def no_other_plugin(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes that the test starts load the plugins they name, and no other."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("PYTEST_PLUGINS", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """An empty test suite with a pipe whose scores the tests choose: ``check(value, threshold)``."""
    pytester.makeconftest(CONFTEST)
    return pytester


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one test file; the current folder."""
    root = tmp_path / "project"
    (root / "tests").mkdir(parents=True)
    (root / "pytest.ini").write_text("[pytest]\n")
    (root / "tests" / "test_x.py").write_text("raise AssertionError('never imported')")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def scene(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite whose tests may do ``from scene import *``."""
    pytester.makepyfile(scene=SCENE)
    pytester.makeini("[pytest]\npythonpath = .\n")
    return pytester
