"""The command ``editmetrics``: one function per subcommand adds its parser.

Exit status: 0 done, 1 it could not be done, 2 it was asked for wrongly, 130 interrupted, 141 nobody
read the output to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.audit import add_audit
from pytest_editmetrics.cli.cache import add_cache
from pytest_editmetrics.cli.calibrate import add_calibrate
from pytest_editmetrics.cli.prune import add_prune
from pytest_editmetrics.cli.runs import add_approve, add_merge, add_report
from pytest_editmetrics.cli.score import add_score
from pytest_editmetrics.cli.selftest import add_selftest
from pytest_editmetrics.cli.suggest import add_suggest_region
from pytest_editmetrics.cli.weights import add_weights
from pytest_editmetrics.errors import EditMetricsError, InputError

if TYPE_CHECKING:
    from pytest_editmetrics.config.suite import SuiteSettings
    from pytest_editmetrics.session.state import EditSession
    from pytest_editmetrics.suites.gate import SuiteGate

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Run = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with ``argv`` (default: the process's arguments); return its exit status."""
    args = make_parser().parse_args(argv)
    run: Run = args.run
    try:
        status = run(args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # `editmetrics audit a b | head`: what it would have said is lost
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except EditMetricsError as error:
        print(f"editmetrics: error: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except OSError as error:
        what = error.filename
        if what is None:  # what was printed does not fit on the disk, and never will
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            what = "the output cannot be written"
        print(f"editmetrics: error: {what}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("editmetrics: interrupted", file=sys.stderr)
        return 130


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command and all its subcommands."""
    parser = argparse.ArgumentParser(
        prog="editmetrics", description="Regression tests for image-editing models."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (
        add_init,
        add_weights,
        add_report,
        add_approve,
        add_calibrate,
        add_score,
        add_merge,
        add_compare,
        add_selftest,
        add_suggest_region,
        add_audit,
        add_prune,
        add_cache,
        add_schema,
    ):
        add(commands)
    return parser


def add_init(commands: Commands) -> None:
    """Add ``init``."""
    parser = commands.add_parser(
        "init",
        help="write a commented editmetrics.yaml and a first test that runs",
        description="Write editmetrics.yaml and tests/test_first_edit.py; existing files stay.",
    )
    parser.add_argument("folder", metavar="DIR", nargs="?", default=".", help="default: here")
    parser.set_defaults(run=_init)


def _init(args: argparse.Namespace) -> int:
    from importlib.resources import files
    from pathlib import Path

    starter = files("pytest_editmetrics.cli") / "starter"
    targets = {
        name: Path(args.folder) / place
        for name, place in (
            ("editmetrics.yaml", "editmetrics.yaml"),
            ("test_first_edit.py", "tests/test_first_edit.py"),
        )
    }
    for target in targets.values():
        if target.exists():
            raise EditMetricsError(f"{target} exists and is left as it is; nothing was written")
    for name, target in targets.items():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text((starter / name).read_text(encoding="utf-8"), encoding="utf-8")
        except OSError as error:
            raise EditMetricsError(f"cannot write {target}: {error.strerror}") from None
        print(f"wrote {target}")
    print("next: pytest, then put your model in place of `edit` in the test")
    return 0


def add_compare(commands: Commands) -> None:
    """Add ``compare``."""
    parser = commands.add_parser(
        "compare",
        help="what moved between two runs, gate by gate; fails beyond a bound",
        description="Pair the gates of two runs by test, metric and name, and tell what moved."
        " Exit status 1: beyond a bound, nothing to compare, or other weights; 2: a bound that"
        " makes no sense.",
    )
    runs = "a run directory or a results file"
    parser.add_argument("base", metavar="BASE_RESULTS", help=f"{runs}: what to compare with")
    parser.add_argument("head", metavar="HEAD_RESULTS", help=f"{runs}: what is judged")
    parser.add_argument(
        "--fail",
        metavar="METRIC:BOUND",
        action="append",
        default=[],
        help="fail if a gate of METRIC is worse by more than BOUND, a share of the base (lpips:5%%)"
        " or an amount (emd:0.5), or is not measured any more; repeat for more metrics",
    )
    parser.add_argument(
        "--suite",
        metavar="CONFIG",
        help="hold the head to the suite section of this configuration file too, with BASE_RESULTS"
        " as its base, whatever base it names: for shards that were merged",
    )
    parser.add_argument(
        "--allow-other-weights",
        action="store_true",
        help="compare gates that were measured with other weights than in the base",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.set_defaults(run=_compare)


def _compare(args: argparse.Namespace) -> int:
    if args.suite is None:
        return _compared(args)
    from pytest_editmetrics.saved_runs.project import in_project

    def work(session: EditSession) -> int:
        if session.suite is None:
            raise InputError(f"--suite: {args.suite} has no suite section")
        return _compared(args, session.suite)

    return in_project(work, config=args.suite)


def _compared(args: argparse.Namespace, suite: SuiteSettings | None = None) -> int:
    from pathlib import Path

    from pytest_editmetrics.report.comparison import comparison_json, comparison_lines
    from pytest_editmetrics.runs.folder import read_run
    from pytest_editmetrics.suites.compare import compare_runs, parse_bound

    bounds, allow = [parse_bound(text) for text in args.fail], args.allow_other_weights
    base, head = read_run(Path(args.base)), read_run(Path(args.head))
    found = compare_runs(base, head, bounds, allow_other_weights=allow)
    gates: list[SuiteGate] = []
    if suite is not None:
        from pytest_editmetrics.suites.judge import judge_suite, side_of

        sides = [side_of(r, suite.metrics, name) for r, name in ((head, "head"), (base, "base"))]
        gates = judge_suite(suite, *sides, allow_other_weights=allow)
    if args.json:
        print(json.dumps(comparison_json(found, base, head, gates), indent=2))
    else:
        print("\n".join(comparison_lines(found, base, head, gates)))
    return 1 if found.failures or any(gate.verdict == "fail" for gate in gates) else 0


def add_schema(commands: Commands) -> None:
    """Add ``schema``."""
    parser = commands.add_parser(
        "schema",
        help="print a JSON Schema of the YAML files, for editors",
        description="Print the JSON Schema of one kind of YAML file, or of all three.",
    )
    parser.add_argument("kind", nargs="?", choices=("settings", "goldens", "cases"))
    parser.set_defaults(run=_schema)


def _schema(args: argparse.Namespace) -> int:
    from pytest_editmetrics.config.schema import json_schema
    from pytest_editmetrics.pipes.registry import PipeRegistry

    print(json.dumps(json_schema(PipeRegistry(), args.kind), indent=2))
    return 0


def _version() -> str:
    from importlib.metadata import version

    return version("pytest-editmetrics")


if __name__ == "__main__":
    sys.exit(main())
