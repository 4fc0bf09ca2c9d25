"""The verdict on each of your pairs under its ``expect``, beside a person's, and what decides it.

    python benchmarks/given_pairs.py PAIRS

PAIRS is a folder with ``pairs.json``: a mapping of names to ``reference``, ``edited``, ``coords``,
``expect`` and ``should_pass``, what a person says. Of a pair that fails the table gives each gate
that does, with value and bound; of one that passes, the gate that is nearest to its bound. Behind
that stand the verdicts under the other expectations, which is where two persons differ most: they
agree on what happened and not on what the model was to do. Exit status 1 if a verdict is not the
person's.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from diagnosis import ALL, MODES, Gates

from pytest_editmetrics.config.expect import EXPECTATIONS, Expect
from pytest_editmetrics.images.load import load_pair
from pytest_editmetrics.measurement import Measurement, Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry

REGISTRY = PipeRegistry()


@dataclass(frozen=True)
class Held:
    """A gate with a bound; ``reached`` is how much of the bound the value is, above 1 fails."""

    said: str
    reached: float


@dataclass(frozen=True)
class Row:
    """A pair: what a person says, which gates fail, which is nearest, and under which it passes."""

    name: str
    expect: Expect
    person: bool
    failing: list[Held]
    nearest: Held
    passes: list[Expect]

    @property
    def right(self) -> bool:
        """Whether the verdict is the person's."""
        return self.person == (not self.failing)


def held(bound: Threshold, name: str, found: Measurement) -> Held:
    """Return how a measurement lies to its bound.

    >>> held(Threshold("max", 3.0, "default", ""), "tone", Measurement("tone", 1.5, None))
    Held(said='`tone` 1.5 of max 3', reached=0.5)
    """
    if found.value is None:
        assert found.soft_failure is not None
        return Held(f"`{name}` {found.soft_failure.reason}", float("inf"))
    value, least = found.value, 1e-9
    lower = bound.kind == "max"
    reached = value / bound.bound if lower else bound.bound / max(value, least)
    return Held(f"`{name}` {value:.3g} of {bound.kind} {bound.bound:g}", reached)


def of_gates(
    gates: Gates, expect: Expect, found: Mapping[str, Measurement]
) -> tuple[list[Held], Held]:
    """Return the gates that fail under an expectation, and of those that hold the nearest."""
    fails, failing, holding = gates.failing(expect, found), [], []
    for name in EXPECTATIONS[expect].metrics:
        bound = EXPECTATIONS[expect].default(REGISTRY.metric(name), expect)
        if bound is None:
            continue
        if name in fails:
            failing.append(held(bound, name, found[name]))
        elif found[name].value is not None:
            holding.append(held(bound, name, found[name]))
    failing.sort(key=lambda one: -one.reached)
    return failing, max(holding, key=lambda one: one.reached)


def rows(folder: Path) -> Iterator[Row]:
    """Measure every pair that says what to expect."""
    gates = Gates()
    for name, pair in json.loads((folder / "pairs.json").read_text(encoding="utf-8")).items():
        if "expect" not in pair:
            continue
        before, after = load_pair(folder / pair["reference"], folder / pair["edited"], "reference")
        found, _ = gates.measured(ALL, before, after, pair["coords"])
        failing, nearest = of_gates(gates, pair["expect"], found)
        passes = [mode for mode in MODES if not gates.failing(mode, found)]
        yield Row(name, pair["expect"], pair["should_pass"], failing, nearest, passes)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pairs", type=Path, help="a folder with pairs.json")
    parser.add_argument("--names", action="store_true", help="print names, not numbers")
    args = parser.parse_args()
    print("| pair | `expect` | a person | verdict | decided by | passes as |")
    print("| --- | --- | --- | --- | --- | --- |")
    right = count = 0
    for count, row in enumerate(rows(args.pairs), 1):
        right += row.right
        told = row.failing or [row.nearest]
        print(
            f"| {row.name if args.names else count} | {row.expect} |"
            f" {'pass' if row.person else 'fail'} | {'fail' if row.failing else 'pass'} |"
            f" {', '.join(one.said for one in told)} | {', '.join(row.passes) or '-'} |",
            flush=True,
        )
    print(f"\n{right} of {count} as a person has it")
    return 0 if right == count else 1


if __name__ == "__main__":
    sys.exit(main())
