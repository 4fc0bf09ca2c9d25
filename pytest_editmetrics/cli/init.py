"""``editmetrics init``: writes a configuration and a first test that runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.lines import say
from pytest_editmetrics.errors import EditMetricsError

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add ``init``."""
    parser = commands.add_parser(
        "init",
        help="write a commented editmetrics.yaml and a first test that runs",
        description="Write editmetrics.yaml and tests/test_first_edit.py; existing files stay.",
        epilog="example: editmetrics init",
    )
    parser.add_argument("folder", metavar="DIR", nargs="?", default=".", help="default: here")
    parser.set_defaults(run=_init)


def _init(args: argparse.Namespace) -> int:
    from importlib.resources import files

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
        say(f"wrote {target}")
    say("next: pytest, then put your model in place of `edit` in the test")
    return 0
