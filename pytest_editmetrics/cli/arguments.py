"""The arguments that several subcommands take, each declared once."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]

RUN = "run directory (pytest --editmetrics-run-dir=DIR)"
RUN_OR_RESULTS = "a run directory or a results file"


def add_rootdir(parser: argparse.ArgumentParser) -> None:
    """Add ``--rootdir`` of a subcommand that works in a project."""
    parser.add_argument(
        "--rootdir",
        metavar="DIR",
        help="the project's root (default: what pytest finds from here)",
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add ``-c``, the configuration file."""
    parser.add_argument(
        "-c",
        "--config",
        metavar="PATH",
        help="configuration file (default: the project's editmetrics.yaml)",
    )


def add_expression(parser: argparse.ArgumentParser) -> None:
    """Add ``-k``, which gates are meant."""
    parser.add_argument(
        "-k",
        dest="expression",
        metavar="EXPR",
        help="only gates whose test id, metric or name in check_all match, as with pytest -k:"
        " 'test_cup and lpips', or 'mug' for the gates of name=\"mug\"; or one whole test id",
    )


def add_json(parser: argparse.ArgumentParser, instead_of: str = "text") -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help=f"print JSON instead of {instead_of}")


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add ``DIR``, one run directory."""
    parser.add_argument("folder", metavar="DIR", type=Path, help=RUN)
