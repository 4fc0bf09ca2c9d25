"""``editmetrics metrics``: prints what is declared of the metrics."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import add_json, add_rootdir
from pytest_editmetrics.cli.lines import say, say_all, say_json

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.pipes.registry import PipeRegistry
    from pytest_editmetrics.session.state import EditSession


def add(commands: Commands) -> None:
    """Add ``metrics``."""
    parser = commands.add_parser(
        "metrics",
        help="list the metrics, or all that is declared of one",
        description="List the metrics with their direction, range, scope and pipe, and those of"
        " AutoPipeline that are not provided here; of one, print all that is declared. In a project"
        " it knows the pipes and metrics that its conftest registers.",
        epilog="example: editmetrics metrics lpips",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="a metric, by any of its names")
    add_json(parser)
    add_rootdir(parser)
    parser.set_defaults(run=_metrics)


def _metrics(args: argparse.Namespace) -> int:
    from pytest_editmetrics.saved_runs.project import in_project

    def work(session: EditSession) -> int:
        if args.name is None:
            _list(session.registry, as_json=args.json)
        else:
            _one(session.registry, args.name, as_json=args.json)
        return 0

    return in_project(work, args.rootdir)


def _list(registry: PipeRegistry, *, as_json: bool) -> None:
    from pytest_editmetrics.report.metrics import declared, not_provided, table

    missing = not_provided(registry)
    if as_json:
        every = [declared(m, registry.pipe_of(name)) for name, m in registry.metrics.items()]
        say_json({"metrics": every, "not_provided": missing})
        return
    rows = list(table(registry))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip())
    if missing:
        say("")
        say(
            "of AutoPipeline, not provided here; a conftest.py may register a pipe for one"
            " (hook pytest_editmetrics_register_pipes):"
        )
        wide = max(map(len, missing))
        say_all(f"  {name:<{wide}}  {', '.join(pipes)}" for name, pipes in missing.items())


def _one(registry: PipeRegistry, name: str, *, as_json: bool) -> None:
    from pytest_editmetrics.report.metrics import declared, facts

    metric, spec = registry.metric(name), registry.pipe_of(name)
    if as_json:
        say_json(declared(metric, spec))
        return
    say(metric.name)
    say_all(f"  {label:<11}  {text}" for label, text in facts(metric, spec))
