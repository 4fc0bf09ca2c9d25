"""The command ``editmetrics``: the parser of each subcommand is added by its own file.

Exit status: 0 done, 1 it could not be done, 2 it was asked for wrongly, 130 interrupted, 141 nobody
read the output to its end.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pytest_editmetrics.cli import (
    approve,
    audit,
    cache,
    calibrate,
    check,
    comment,
    compare,
    doctor,
    expect,
    init,
    merge,
    metrics,
    prune,
    report,
    review,
    schema,
    score,
    selftest,
    suggest_region,
    weights,
)
from pytest_editmetrics.cli.lines import note, note_error
from pytest_editmetrics.errors import EditMetricsError, InputError

Run = Callable[[argparse.Namespace], int]

_YOUNG = 100_000  # objects; what a command reads of a run lives as long as the command


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with ``argv`` (default: the process's arguments); return its exit status."""
    args = make_parser().parse_args(argv)
    run: Run = args.run
    try:
        with _few_collections():
            status = run(args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # `editmetrics audit a b | head`: what it would have said is lost
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except EditMetricsError as error:
        note_error(error)
        return 2 if isinstance(error, InputError) else 1
    except OSError as error:
        what = error.filename
        if what is None:  # what was printed does not fit on the disk, and never will
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            what = "the output cannot be written"
        note_error(f"{what}: {error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        note("editmetrics: interrupted")
        return 130


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for garbage more rarely: the larger a run, the longer each look takes."""
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command and all its subcommands."""
    parser = argparse.ArgumentParser(
        prog="editmetrics", description="Regression tests for image-editing models."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (
        init,
        doctor,
        weights,
        report,
        review,
        approve,
        calibrate,
        score,
        merge,
        compare,
        comment,
        selftest,
        expect,
        suggest_region,
        audit,
        check,
        prune,
        cache,
        metrics,
        schema,
    ):
        command.add(commands)
    return parser


def _version() -> str:
    from importlib.metadata import version

    return version("pytest-editmetrics")


if __name__ == "__main__":
    sys.exit(main())
