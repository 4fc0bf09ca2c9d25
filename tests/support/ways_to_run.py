"""Plugins that change how tests are run, each with one suite that is written for it.

Every suite makes the same gates, so that what comes of them is the same under each plugin.
``TEST_WITH_PLUGINS``, which noxfile.py sets, holds names that must be installed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points

import pytest

BODIES = {
    "test_passes": "check(5, 0.1)",
    "test_fails": "check(30, 0.1)",
    "test_is_not_measured": "check(255, 0.1)",
    "test_has_a_golden": "check(20)",
    "test_makes_two": 'check(1, 0.1, name="one"); check(90, 0.1, metric="likeness")',
    "test_has_none": 'check(90, metric="likeness", name="one");'
    ' check(80, metric="likeness", name="two")',
}
"""What each test does: a golden and a default that is far from it hold ``test_has_a_golden``."""
VERDICTS = {
    "test_passes": ("pass",),
    "test_fails": ("fail",),
    "test_is_not_measured": ("unmeasured",),
    "test_has_a_golden": ("fail",),
    "test_makes_two": ("pass", "pass"),
}
OUTCOMES = {
    "test_passes": "passed",
    "test_fails": "failed",
    "test_is_not_measured": "xfailed",
    "test_has_a_golden": "failed",
    "test_makes_two": "passed",
}


@dataclass(frozen=True)
class Way:
    """How tests run under a plugin.

    ``plugins`` are names of entry points, none for what pytest itself has; ``runs`` the options of
    the sessions that together run every test once. ``test`` is the template of a test, ``head`` what
    stands above them, ``below`` the first release of pytest that the plugin fails with itself.
    """

    plugins: tuple[str, ...]
    runs: tuple[tuple[str, ...], ...] = ((),)
    head: str = "import pytest"
    test: str = "def {name}(check): {body}"
    below: int | None = None

    @property
    def installed(self) -> bool:
        """Whether it can be tried here: its plugins are there, and work with this pytest."""
        release = pytest.version_tuple[0]
        if self.below is not None and release >= self.below:
            return False
        return set(self.plugins) <= _installed() or (self.plugins == ("subtests",) and release >= 9)

    def suite(self, *names: str) -> str:
        """Return a test file with these tests, or all."""
        tests = (self.test.format(name=n, body=BODIES[n]) for n in names or VERDICTS)
        return "\n\n".join([self.head, *tests]) + "\n"

    def load(self) -> tuple[str, ...]:
        """Return the options that load the plugins where they do not load themselves."""
        found = [name for name in self.plugins if name in _installed()]
        return tuple(option for name in found for option in ("-p", name))


def _installed() -> set[str]:
    return {point.name for point in entry_points(group="pytest11")}


WAYS = {
    "repeat": Way(("repeat",), (("--count=3",),)),
    "flakefinder": Way(("flakefinder",), (("--flake-finder", "--flake-runs=2"),)),
    "shard": Way(("pytest-shard",), tuple(("--num-shards=2", f"--shard-id={i}") for i in (0, 1))),
    "split": Way(("pytest-split",), tuple(("--splits=2", f"--group={i}") for i in (1, 2))),
    "test-groups": Way(
        ("test-groups",), tuple(("--test-group-count=2", f"--test-group={i}") for i in (1, 2))
    ),
    "randomly": Way(("randomly",), (("-p", "randomly", "-p", "no:random_order"),)),
    "random-order": Way(("random_order",), (("--random-order",),)),
    "asyncio": Way(
        ("asyncio",),
        head='import asyncio\nimport pytest\npytestmark = pytest.mark.asyncio(loop_scope="module")',
        test="async def {name}(check):\n    await asyncio.sleep(0)\n    {body}",
    ),
    "asyncio-auto": Way(
        ("asyncio",),
        (("-o", "asyncio_mode=auto"),),
        head="import asyncio",
        test="async def {name}(check):\n    async def checked(): {body}\n"
        "    await asyncio.create_task(checked())",
    ),
    "anyio": Way(
        ("anyio",),
        head="import anyio\nimport pytest\npytestmark = pytest.mark.anyio\n"
        '@pytest.fixture(scope="module")\ndef anyio_backend(): return "asyncio"',
        test="async def {name}(check):\n    def checked(): {body}\n"
        "    await anyio.to_thread.run_sync(checked)",
    ),
    "run-parallel": Way(("run-parallel",), (("--parallel-threads=2", "--iterations=2"),)),
    "subtests": Way(
        ("subtests",),
        test="def {name}(check, subtests):\n    with subtests.test('it'):\n        {body}",
    ),
    "check": Way(
        ("check",),
        head="from pytest_check import check as softly",
        test="def {name}(check):\n    with softly:\n        {body}",
    ),
    "timeout": Way(
        ("timeout",), (("--timeout=100",), ("--timeout=100", "--timeout-method=thread"))
    ),
    "forked": Way(("pytest_forked",), (("--forked",),), below=9),
    "rerunfailures": Way(("rerunfailures",), (("--reruns=1",),)),
    "retry": Way(("pytest-retry",), (("--retries=1",),)),
    "html": Way(("html", "html_fixtures", "metadata"), (("--html=page.html",),)),
    "allure": Way(("allure_pytest",), (("--alluredir=allure",),)),
    "cov": Way(("pytest_cov",), (("--cov=test_x",),)),
    "xdist": Way(("xdist",), (("-n2",), ("-n2", "--dist=loadgroup"))),
}
EXPECTED = os.environ.get("TEST_WITH_PLUGINS", "").split()


def tried() -> Iterator[str]:
    """Yield the names of the plugins that are installed.

    Raises:
        RuntimeError: one that noxfile.py expects is not.
    """
    absent = [name for name in EXPECTED if not WAYS[name].installed]
    if absent:
        raise RuntimeError(f"not installed, or another release: {', '.join(absent)}")
    yield from EXPECTED or (name for name, way in WAYS.items() if way.installed)
