"""What the plugin must get along with: releases of what it needs, and other plugins of pytest.

`compatibility` has four environments, chosen pairwise, and the newest Python. Any two of pytest,
transformers and numpy meet in every combination. pytest-xdist is absent in two, the other plugins
are present in all. The oldest environment has every dependency of pyproject.toml at its lower
bound. Of a Python that is not installed nox says that it is skipped. `plugins` has three,
with every plugin that changes how tests are run: under pytest 9, under pytest 8, and pytest-retry,
which takes no pytest-rerunfailures beside it. An environment takes 6 GB: it is removed once its
tests have passed.

    nox                             all eight
    nox -s 'compatibility(oldest)'  one of them
    nox -s plugins                  those with other plugins
    nox -s ... -- tests/config -x    these tests instead; the environment stays
"""

from __future__ import annotations

import shutil

import nox

nox.options.default_venv_backend = "uv"

OTHER_PLUGINS = [
    "pytest-cov>=5",
    "pytest-html>=4.0",
    "pytest-randomly>=3.15",
    "pytest-rerunfailures>=16.0.1",
    "pytest-timeout>=2.2",
]
# how tests are run, by the names of tests/support/ways_to_run.py; pytest-forked takes no pytest 9
RUNNERS = {
    "repeat": "pytest-repeat",
    "flakefinder": "pytest-flakefinder",
    "shard": "pytest-shard",
    "split": "pytest-split",
    "test-groups": "pytest-test-groups",
    "randomly": "pytest-randomly",
    "random-order": "pytest-random-order",
    "asyncio": "pytest-asyncio",
    "asyncio-auto": "pytest-asyncio",
    "anyio": "anyio",
    "run-parallel": "pytest-run-parallel",
    "check": "pytest-check",
    "timeout": "pytest-timeout",
    "html": "pytest-html",
    "allure": "allure-pytest",
    "cov": "pytest-cov",
    "xdist": "pytest-xdist",
}
RERUNS, SUBTESTS = {"rerunfailures": "pytest-rerunfailures"}, {"subtests": "pytest-subtests"}
# pyarrow 26 cannot be imported with numpy 1.26, and does not say so in its metadata
LAST_PYARROW_FOR_NUMPY_1 = "pyarrow<26"
XDIST = "pytest-xdist>=3.6"

# what can differ by an environment; not the browser, nor what only computes on what was read
PLUGIN = [
    *("outcomes/test_outcomes.py", "outcomes/test_never_green.py", "outcomes/test_modes.py"),
    *("run_dirs/test_results.py", "run_dirs/test_run_dir.py", "settings/test_options.py"),
    *("goldens/test_golden_flow.py", "goldens/test_review.py", "suites/test_yaml_cases.py"),
    *("suites/test_helpers.py", "models/test_model_metrics.py", "ids/test_other_plugins.py"),
    *("processes/test_workers.py", "processes/test_light.py", "processes/test_startup.py"),
]
UNIT = [
    *("images", "pipes", "background/motion/test_drift.py", "config/test_reader.py"),
    *("config/test_settings.py", "config/test_cases.py", "config/test_manifest.py"),
    *("goldens/test_file.py", "goldens/test_store.py", "suites/test_judge.py", "cli/test_runs.py"),
]
TESTS = [
    *(f"tests/plugin/{name}" for name in PLUGIN),
    *(f"tests/{name}" for name in UNIT),
]


@nox.session
@nox.parametrize(
    ("python", "pytest", "transformers", "numpy", "xdist", "resolution"),
    [
        nox.param("3.10", "==8.0.*", "==4.57.*", "==1.26.*", False, "lowest-direct", id="oldest"),
        nox.param("3.11", ">=9", ">=5", "==1.26.*", False, "highest", id="numpy-1.26"),
        nox.param("3.12", ">=9", "==4.57.*", ">=2", True, "highest", id="transformers-4.57"),
        nox.param("3.13", "==8.*", ">=5", ">=2", True, "highest", id="pytest-8"),
        nox.param("3.14", ">=9", ">=5", ">=2", True, "highest", id="newest"),
    ],
)
def compatibility(
    session: nox.Session,
    pytest: str,
    transformers: str,
    numpy: str,
    xdist: bool,
    resolution: str,
) -> None:
    """Install the wheel into one of the environments and run the tests against it."""
    pins = [f"pytest{pytest}", f"transformers{transformers}", f"numpy{numpy}"]
    if numpy == "==1.26.*":
        pins.append(LAST_PYARROW_FOR_NUMPY_1)
    plugins = [*OTHER_PLUGINS, XDIST] if xdist else OTHER_PLUGINS
    requirements = ["-r", "pyproject.toml", "--extra", "test", *plugins, *pins]
    session.install("--resolution", resolution, *requirements)
    session.install("--no-deps", ".")
    session.run("uv", "pip", "list", external=True)
    # what other people's releases warn of is no error here
    tests = ["pytest", "-q", "-W", "default", "-m", "", *(session.posargs or TESTS)]
    session.run(*tests, env={"TEST_WITH_EVERY_PLUGIN": "1"})
    if not session.posargs:
        shutil.rmtree(session.virtualenv.location)


@nox.session(python="3.12")
@nox.parametrize(
    ("pytest", "runners"),
    [
        nox.param(">=9", {**RUNNERS, **RERUNS, "subtests": "pytest>=9"}, id="pytest-9"),
        nox.param(
            "==8.*", {**RUNNERS, **RERUNS, **SUBTESTS, "forked": "pytest-forked"}, id="pytest-8"
        ),
        nox.param(">=9", {"retry": "pytest-retry"}, id="retry"),
    ],
)
def plugins(session: nox.Session, pytest: str, runners: dict[str, str]) -> None:
    """Run one suite under each plugin that changes how tests are run, alone and among the others.

    A plugin that is not installed, or is called by another name, is an error, and no test is
    skipped.
    """
    session.install("-r", "pyproject.toml", f"pytest{pytest}", "hypothesis", *runners.values())
    session.install("--no-deps", ".")
    session.run("uv", "pip", "list", external=True)
    # the plugins are for the suites under test, which name them
    outer = ["pytest", "-W", "default", "-p", "no:cacheprovider", "-m", ""]
    tests = session.posargs or ["tests/other_plugins"]
    alone = {"TEST_WITH_PLUGINS": " ".join(runners), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    for among in ({}, {"TEST_WITH_EVERY_PLUGIN": "1"}):
        session.run(*outer, *tests, env={**alone, **among})
    if not session.posargs:
        shutil.rmtree(session.virtualenv.location)
