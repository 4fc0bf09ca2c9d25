"""Run the demo suite on a good and on a broken release of its editor, and say what was shown.

    python tools/run_demo.py

``fixtures/demo`` is copied to ``build/demo`` and tested there as a user would test it. Everything
the closing summary says is read from the results files of the two runs; the exit status is 1 if a
gate came out otherwise than ``EXPECTED`` says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
RULE = "=" * 100


class Key(NamedTuple):
    """Which gate of which test."""

    nodeid: str
    name: str | None = None

    def __str__(self) -> str:
        return self.nodeid if self.name is None else f"{self.nodeid} @{self.name}"


class Expected(NamedTuple):
    """The verdicts of a gate on version 1 and 2, and the regression that it is there to catch."""

    version_1: str
    version_2: str
    regression: str | None = None


MOVED = "a removal returns the frame 1 px off and JPEG-compressed"
SPILL = "a recolouring spills over the table"
COMPRESSED = "an added object comes with a JPEG-compressed frame"

PY = "tests/test_edits.py::"
YAML = "tests/test_edits.edit.yaml::"
EXPECTED = {
    Key(f"{PY}test_background_is_untouched[remove-badge]"): Expected("pass", "fail", MOVED),
    Key(f"{PY}test_background_is_untouched[blue-cup]"): Expected("pass", "fail", SPILL),
    Key(f"{PY}test_background_is_untouched[second-rocket]"): Expected("pass", "fail", COMPRESSED),
    Key(f"{PY}test_portrait_survives_the_removal"): Expected("pass", "fail", MOVED),
    Key(f"{PY}test_two_turns", "matcha"): Expected("pass", "pass"),
    Key(f"{PY}test_two_turns", "blue-cup"): Expected("pass", "fail", SPILL),
    Key(f"{PY}test_style_change"): Expected("unmeasured", "unmeasured"),
    Key(f"{YAML}remove-badge"): Expected("pass", "fail", MOVED),
    Key(f"{YAML}blue-cup"): Expected("pass", "fail", SPILL),
    Key(f"{YAML}matcha"): Expected("pass", "pass"),
    Key(f"{YAML}second-rocket-by-guess"): Expected("pass", "pass"),
}


class BadResults(Exception):
    """The results file is missing, cut off, or not what it should be."""


@dataclass(frozen=True)
class Run:
    """One pytest run: the editor's version, the exit status, and its final gates."""

    version: int
    status: int
    gates: Mapping[Key, Mapping[str, Any]]

    def verdicts(self) -> Counter[str]:
        """Count the gates by verdict."""
        return Counter(gate["verdict"] for gate in self.gates.values())


def run_suite(suite: Path, version: int) -> Run:
    """Run pytest in ``suite`` on one version of the editor, its output going to the terminal."""
    results = suite / f"results-version-{version}.jsonl"
    command = ["pytest", f"--editmetrics-results={results.name}"]
    print(f"\n{RULE}\n$ EDITOR_VERSION={version} {' '.join(command)}\n{RULE}", flush=True)
    environment = {**os.environ, "EDITOR_VERSION": str(version)}
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run([sys.executable, "-m", *command], cwd=suite, env=environment, check=False)
    return Run(version, done.returncode, read_gates(results))


def read_gates(results: Path) -> dict[Key, Mapping[str, Any]]:
    """Return the final gates of a results file; raise ``BadResults`` for one that is not whole."""
    try:
        records = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise BadResults(f"no usable results in {results.name}: {error}") from error
    if not records or records[-1].get("record") != "end":
        raise BadResults(f"{results.name} was cut off before its closing line")
    final = [record for record in records if record["record"] == "gate" and record["final"]]
    gates = {Key(record["nodeid"], record["name"]): record for record in final}
    if len(gates) != len(final):
        raise BadResults(f"{results.name} lists a gate twice")
    return gates


def problems(run: Run) -> list[str]:
    """Return everything about a run that is not as expected, in words."""
    found = []
    status = 0 if run.version == 1 else 1
    if run.status != status:
        found.append(f"pytest ended with exit status {run.status}, not {status}")
    for key, expected in EXPECTED.items():
        wanted = expected.version_1 if run.version == 1 else expected.version_2
        got = run.gates[key]["verdict"] if key in run.gates else "not there"
        if got != wanted:
            found.append(f"{key}: {got}, not {wanted}")
    found += [f"{key}: not expected" for key in run.gates if key not in EXPECTED]
    found += [f"{key}: judged on smoke weights" for key, gate in run.gates.items() if gate["smoke"]]
    return [f"version {run.version}: {problem}" for problem in found]


def summary(run: Run) -> list[str]:
    """Return what a run showed, one line a fact."""
    counts = run.verdicts()
    other = {name: n for name, n in counts.items() if name not in ("pass", "unmeasured", "fail")}
    lines = [
        f"Version {run.version}: exit status {run.status}, {len(run.gates)} gates, "
        + ", ".join(
            [
                f"{counts['pass']} passed",
                f"{counts['unmeasured']} unmeasured",
                f"{counts['fail']} failed",
                *(f"{n} {name}" for name, n in other.items()),
            ]
        )
    ]
    for key, gate in run.gates.items():
        if gate["verdict"] == "unmeasured":
            lines.append(f"  unmeasured: {key} ({gate['reason']})")
    failed = {key: gate for key, gate in run.gates.items() if gate["verdict"] == "fail"}
    for regression in (MOVED, SPILL, COMPRESSED):
        caught = {
            key: gate
            for key, gate in failed.items()
            if key in EXPECTED and EXPECTED[key].regression == regression
        }
        if caught:
            metrics = ", ".join(sorted({gate["metric"] for gate in caught.values()}))
            lines.append(f"  caught by {metrics}: {regression}")
            lines += [f"    {_comparison(gate)}  {key}" for key, gate in caught.items()]
    return lines


def let_through(run: Run) -> list[str]:
    """Return the gates that passed although the background is measurably not the reference's."""
    lines = [
        f"    {_comparison(gate)}  {key}"
        for key, gate in run.gates.items()
        if gate["verdict"] == "pass" and gate["value"] > 0
    ]
    return ["  changed, and let through by a bound that is wide enough:", *lines] if lines else []


def _comparison(gate: Mapping[str, Any]) -> str:
    sign = ">" if gate["verdict"] == "fail" else "<="
    return f"{float(gate['value']):.4f} {sign} {gate['bound']:.4f} ({gate['origin']})"


def main() -> int:
    """Run both versions, print what was shown; 0 if it is what the demo promises."""
    suite = ROOT / "build" / "demo"
    shutil.rmtree(suite, ignore_errors=True)
    unwanted = shutil.ignore_patterns("__pycache__", ".pytest_cache", "results-*")
    shutil.copytree(ROOT / "fixtures" / "demo", suite, ignore=unwanted)
    try:
        runs = [run_suite(suite, version) for version in (1, 2)]
    except BadResults as error:
        print(f"\nThe demo did not run: {error}", file=sys.stderr)
        return 1

    print(f"\n{RULE}\nWhat was shown (read from {suite.relative_to(ROOT)}/results-*.jsonl)\n{RULE}")
    good, broken = runs
    print("\n".join([*summary(good), "", *summary(broken), *let_through(broken)]))
    wrong = [problem for run in runs for problem in problems(run)]
    if wrong:
        print("\nNot as the demo promises:", *wrong, sep="\n  ", file=sys.stderr)
        return 1
    print("\nBoth runs came out as promised.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
