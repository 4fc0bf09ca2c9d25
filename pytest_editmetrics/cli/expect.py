"""``editmetrics expect``: what each expectation holds, and which faults it lets through."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import add_config, add_json, add_rootdir
from pytest_editmetrics.cli.lines import say, say_all, say_json

if TYPE_CHECKING:
    from pytest_editmetrics.checks.strengths import Strength
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.config.expect import Expect
    from pytest_editmetrics.session.state import EditSession


def add(commands: Commands) -> None:
    """Add ``expect``."""
    parser = commands.add_parser(
        "expect",
        help="tell which faults an expectation lets through, and from which strength they fail",
        description="Put faults of growing strength, made as by selftest, into clean edits of two"
        " photos (256 px), and tell from which strength the gates of an expectation fail, with the"
        " bounds that hold in this project. Takes a minute for each; without NAME, for all.",
        epilog="example: editmetrics expect reencoded",
    )
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="an expectation, as `expect=` has it"
    )
    add_config(parser)
    add_rootdir(parser)
    add_json(parser)
    parser.set_defaults(run=_expect)


def _expect(args: argparse.Namespace) -> int:
    from pytest_editmetrics.config.expect import EXPECTATIONS, check_expect
    from pytest_editmetrics.saved_runs.project import in_project

    named = check_expect(args.name)
    names = list(EXPECTATIONS) if named is None else [named]

    def work(session: EditSession) -> int:
        from pytest_editmetrics.checks.strengths import strengths
        from pytest_editmetrics.progress import track

        told = []
        for name in names:
            if not args.json:
                say_all(_head(session, name))
            rows = list(track(strengths(session, name), f"expect {name}"))
            if not args.json:
                say_all(_table(rows))
            told.append({"expect": name, "faults": [_plain(row) for row in rows]})
        if args.json:
            say_json(told)
        else:
            say("a strength counts from where all that is stronger fails too")
        return 0

    return in_project(work, args.rootdir, args.config)


def _head(session: EditSession, name: Expect) -> Iterator[str]:
    from pytest_editmetrics.config.expect import EXPECTATIONS

    yield name
    for metric in EXPECTATIONS[name].metrics:
        bound = session.settings.default(session.registry.metric(metric), name)
        held = "reported, held to no bound" if bound is None else f"{bound.kind} {bound.bound:g}"
        unit = "" if bound is None else session.registry.metric(metric).unit
        stated = metric in session.settings.thresholds
        where = f" ({bound.source})" if stated and bound is not None else ""
        yield f"  {metric:<19}{held} {unit}".rstrip() + where


def _table(rows: Iterable[Strength]) -> Iterator[str]:
    cells = [("fault", "tried", "one fails from", "both fail from", "by"), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield (
            "  "
            + "  ".join(
                f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)
            ).rstrip()
        )
    yield ""


def _cells(row: Strength) -> tuple[str, ...]:
    fault = row.fault
    if len(fault.strengths) == 1:
        first, last = ("fails" if at is not None else "passes" for at in (row.on_one, row.on_all))
        return fault.text, "", first, last, ", ".join(row.by)
    tried = f"{fault.strengths[0]:g} to {fault.strengths[-1]:g} {fault.unit}"
    first, last = ("passes" if at is None else f"{at:g}" for at in (row.on_one, row.on_all))
    return fault.text, tried, first, last, ", ".join(row.by)


def _plain(row: Strength) -> dict[str, object]:
    return {
        "fault": row.fault.text,
        "unit": row.fault.unit,
        "tried": list(row.fault.strengths),
        "one_fails_from": row.on_one,
        "both_fail_from": row.on_all,
        "by": list(row.by),
    }
