"""The subcommand ``score``: measures the images of a run again, or the pairs of a manifest."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import add_config, add_rootdir
from pytest_editmetrics.cli.lines import say, say_all
from pytest_editmetrics.errors import InputError
from pytest_editmetrics.whole_file import real_path

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.config.manifest import Measured
    from pytest_editmetrics.saved_runs.rows import Engine
    from pytest_editmetrics.session.state import EditSession


def add(commands: Commands) -> None:
    """Add ``score``."""
    parser = commands.add_parser(
        "score",
        help="measure saved images: of a run again, or the pairs of a manifest",
        description=(
            "Measure the images of a run again, with today's configuration, thresholds and goldens;"
            " or the pairs that a manifest lists. Exit status 1 if a gate fails or the run was cut"
            " off."
        ),
        epilog="example: editmetrics score pairs.jsonl --metrics lpips,emd -o run",
    )
    parser.add_argument(
        "target",
        metavar="DIR|MANIFEST",
        type=Path,
        help="run directory (pytest --editmetrics-run-dir=DIR), or a manifest: JSON Lines (.jsonl),"
        " CSV (.csv) or Parquet (.parquet) with a reference and an edited image in each row",
    )
    add_config(parser)
    parser.add_argument(
        "-o",
        dest="output",
        metavar="DIR",
        type=Path,
        help="run directory to write (default: DIR-scored, or MANIFEST-scored)",
    )
    add_rootdir(parser)
    group = parser.add_argument_group("manifests")
    group.add_argument(
        "--engine",
        choices=("local", "ray"),
        help="where pairs are measured: in this process (default), or by actors on the Ray cluster"
        " that RAY_ADDRESS names or that runs here",
    )
    group.add_argument(
        "--metrics",
        metavar="NAMES",
        help="what rows measure that name no metrics, such as lpips,emd (default: the"
        " configuration's)",
    )
    group.add_argument(
        "--columns",
        metavar="KEY=COLUMN",
        help="the columns of a manifest that are called otherwise, such as"
        " reference=source_img,edited=target_img,coords=mask_img; KEY=none reads none",
    )
    group.add_argument(
        "--mask-threshold",
        metavar="LEVEL",
        type=int,
        help="of soft masks in `coords`, which are images and state no threshold themselves, the"
        " first of the levels 1 to 255 that belongs to the mask",
    )
    group.add_argument(
        "--mask-invert",
        action="store_true",
        help="black is the edit area of masks in `coords` that do not say it themselves",
    )
    group.add_argument(
        "--keep-images",
        choices=("none", "failing", "all"),
        help="of which gates images go into the run directory, for the report (default: none)",
    )
    group.add_argument(
        "--allow-unbounded",
        action="store_true",
        help="record values that no threshold of a row or the configuration holds",
    )
    parser.set_defaults(run=_score)


def _score(args: argparse.Namespace) -> int:
    return _score_run(args) if _is_run(args.target) else _score_manifest(args)


def _is_run(target: Path) -> bool:
    """Tell a run directory, or a results file, from a manifest."""
    from pytest_editmetrics.runs.folder import RESULTS, is_results_file

    if target.is_dir():
        return os.path.lexists(target / RESULTS)
    return target.is_file() and target.stat().st_size > 0 and is_results_file(target)


_OF_MANIFESTS = (
    *("engine", "metrics", "columns", "mask_threshold", "mask_invert"),
    *("keep_images", "allow_unbounded"),
)


def _score_run(args: argparse.Namespace) -> int:
    from pytest_editmetrics.report.summary import summary_lines
    from pytest_editmetrics.runs.folder import read_run
    from pytest_editmetrics.saved_runs.project import in_project
    from pytest_editmetrics.saved_runs.score import problems, score_run

    for name in _OF_MANIFESTS:
        given = getattr(args, name)
        if given is not None and given is not False:
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option} is for manifests, and {args.target} is not one")
    run = read_run(args.target)
    output = args.output or run.path.with_name(f"{real_path(run.path).name}-scored")

    def work(session: EditSession) -> int:
        tally = score_run(session, run, output.absolute(), configured=args.config is not None)
        return _told(summary_lines(tally), output, problems(session, run, tally))

    return in_project(work, args.rootdir, args.config)


def _score_manifest(args: argparse.Namespace) -> int:
    from pytest_editmetrics.config.manifest import ROW, Manifest, check_manifest
    from pytest_editmetrics.config.row_columns import named_columns
    from pytest_editmetrics.config.row_files import COMPRESSED
    from pytest_editmetrics.report.summary import running_lines
    from pytest_editmetrics.saved_runs.project import in_project
    from pytest_editmetrics.saved_runs.score_manifest import check_rows, problems, score_manifest

    name = args.engine or "local"
    from pytest_editmetrics.images.masks import Cut

    check_manifest(args.target)
    cut = Cut(args.mask_threshold, args.mask_invert)
    columns = named_columns(args.columns, ROW.names) if args.columns is not None else {}
    stem = Path(args.target.name.removesuffix(COMPRESSED)).stem
    output = args.output or args.target.with_name(f"{stem}-scored")

    def work(session: EditSession) -> int:
        metrics = _metrics(args.metrics, session)
        manifest = Manifest(args.target, session.registry, session.rootdir, metrics, columns, cut)
        total = check_rows(session, manifest, allow_unbounded=args.allow_unbounded)
        with _engine(name, session) as engine:
            scored = score_manifest(
                session,
                manifest,
                output.absolute(),
                engine,
                total=total,
                keep=args.keep_images or "none",
                facts={"engine": name, **({"columns": columns} if columns else {})},
            )
        if manifest.kept:
            say(f"columns that are no keys, kept in the results: {', '.join(manifest.kept)}")
        return _told(running_lines(scored.tally), output, problems(session, scored))

    return in_project(work, args.rootdir, args.config)


def _metrics(names: str | None, session: EditSession) -> Measured:
    """Return what gives the metrics of a row that names none, by what it expects."""
    if names is None:
        return session.settings.measured
    asked: dict[str, str] = {}
    for written in map(str.strip, names.split(",")):
        name = session.registry.metric(written).name
        if asked.setdefault(name, written) != written:
            raise InputError(
                f"--metrics: {asked[name]!r} and {written!r} are one metric, {name}; name it once"
            )
    return lambda expect: (tuple(asked), False)


def _told(summary: Iterable[str], output: Path, problems: Iterable[str]) -> int:
    """Print what came of it and return the exit status."""
    say_all(summary)
    say(f"run directory: {output}")
    failed = False
    for problem in problems:
        say(f"FAILED: {problem}")
        failed = True
    return int(failed)


@contextmanager
def _engine(name: str, session: EditSession) -> Iterator[Engine]:
    if name == "local":
        from pytest_editmetrics.saved_runs.engines.local import score_rows

        yield lambda scorer, rows, _: score_rows(scorer, rows)
    else:
        from pytest_editmetrics.saved_runs.engines.ray import connected

        with connected(session) as engine:
            yield engine
