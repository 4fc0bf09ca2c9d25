"""Print the benchmark's whole table, or parts of it.

    python benchmarks/run.py [--only NAME ...] [--write]

Exit status 1 if a target is missed. With ``--write`` the table goes to ``benchmarks/RESULTS.md``
too; that takes a whole run. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import warnings
from pathlib import Path

from table import Row, machine, markdown

MODULES = {
    "startup": "startup",
    "metrics": "metric_rows",
    "sam": "sam_rows",
    "lpips": "lpips_rows",
    "failing": "failing",
    "scale": "scale",
    "goldens": "golden_rows",
    "growth": "growth",
    "overhead": "overhead",
    "precision": "precision",
}
RESULTS = Path(__file__).parent / "RESULTS.md"
NOT_MEASURED = "Not measured: throughput on a GPU (benchmarks/gpu.py). All rows are of the CPU."


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--only", nargs="+", choices=list(MODULES), default=list(MODULES), help="parts to measure"
    )
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} as well")
    args = parser.parse_args()
    if args.write and args.only != list(MODULES):
        parser.error("--write takes a whole run, so no --only")
    warnings.filterwarnings("ignore", module="torchvision|transformers")
    rows: list[Row] = []
    for name in args.only:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        found = importlib.import_module(MODULES[name]).rows()
        print(markdown(found), file=sys.stderr, flush=True)
        rows += found
    text = f"{machine()}\n\n{markdown(rows)}\n"
    print(text)
    if args.write:
        RESULTS.write_text(f"# Results\n\n{text}\n{NOT_MEASURED}\n", encoding="utf-8")
    missed = [row.measured for row in rows if row.holds is False]
    for measured in missed:
        print(f"missed: {measured}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
