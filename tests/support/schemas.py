"""What the JSON Schemas say of files that the readers take or refuse."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_editmetrics.cli.schema import json_schema
from pytest_editmetrics.config.interpolate import load_tree, references
from pytest_editmetrics.config.reader import read_yaml
from pytest_editmetrics.config.settings_keys import SETTINGS
from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.pipes.registry import PipeRegistry

# why a file may be refused that no schema can refuse: what compares values, or looks elsewhere
NOT_OF_A_SCHEMA = re.compile(
    r"must lie (below max|above min), "
    r"|so every value that passes would be for review"
    r"|ref_boxes and edited_boxes are paired in order"
    r"|is taken, on line |differs from '.*' in case only|looks like .* and is not"
    r"|lies outside .*, the rootdir"
    r"|the counts add up to|an odd count|a run starts at|has \d+ pixels; give"
    r"|is no text of (pycocotools|whole numbers)|a length below 0|in the middle of a number"
    r"|are one metric, "
    r"|is inverted: x1 <= x2|looks like fractions of the image|number beyond every image"
    r"|must be a finite number"  # JSON has no other
    r"|a threshold of \w+, which this (row|case) does not measure"
    r"|has a bound of \w+, and (so has )?`comparator`"
    r"|compares objects: the row needs"
    r"|has a character in it that cannot be shown"
    r"|[^\x00-\x7f].* is no name of a fixture"
    r"|unknown metric '.*' of [\w-]+\b"  # nearly one of a pipe of AutoPipeline
    r"|which its own bound, "  # of a value beside it
    r"|unknown environment"  # nearly one that is known
    r"|scope is '\w+' in the block and '\w+' in its init_config"
)

LARGEST = 100_000  # bytes: validating a larger file takes seconds
_VALIDATORS: dict[tuple[Any, ...], Any] = {}


def validator(kind: str, registry: PipeRegistry) -> Any:
    """Return the strict validator of a kind of file."""
    specs = tuple(registry.pipes.values())
    key = (kind, *map(id, specs))
    if key not in _VALIDATORS:
        schema = json_schema(registry, kind)
        jsonschema.Draft202012Validator.check_schema(schema)
        _VALIDATORS[key] = (jsonschema.Draft202012Validator(schema), specs)
    return _VALIDATORS[key][0]


def disagreement(kind: str, path: Path, registry: PipeRegistry, said: str | None) -> str | None:
    """Say how the schema and the reader disagree on a file, ``None`` if they do not.

    ``said`` is the reader's refusal.
    """
    try:
        root = read_yaml(path).root
    except ConfigError:
        return None  # no YAML, so no values
    made = root.plain
    with suppress(ConfigError):
        root = load_tree(path, path.parent).root if kind == "settings" else root
    referred = {name.partition(".")[0] for name in references(root)}
    if kind == "settings" and isinstance(made, dict):  # keys of one's own, see config/schema.py
        made = {key: value for key, value in made.items() if key not in referred - OURS}
    errors = [error.message for error in validator(kind, registry).iter_errors(_listed(made))]
    if said is None and errors:
        return f"is read, and the schema refuses it: {errors}"
    elsewhere = (isinstance(made, dict) and "_base_" in made) or any(references(root))
    if said and not errors and not elsewhere and not NOT_OF_A_SCHEMA.search(said):
        return f"the schema takes it, and it is refused: {said}"
    return None


OURS = frozenset(SETTINGS.names)


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value


READERS = {
    "load_settings": "settings",
    "read_golden_file": "goldens",
    "read_case_file": "cases",
}


@pytest.fixture(autouse=True)
def held_to_the_schema(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Hold every file that a test module reads to the schema of its kind."""
    problems: list[str] = []
    for name, kind in READERS.items():
        if hasattr(request.module, name):
            held = _held(getattr(request.module, name), kind, problems)
            monkeypatch.setattr(request.module, name, held)
    yield
    assert not problems, "\n\n".join(problems)


def _held(read: Callable[..., Any], kind: str, problems: list[str]) -> Callable[..., Any]:
    @functools.wraps(read)
    def hold(path: Path | None, registry: PipeRegistry, rootdir: Path) -> Any:
        said = None
        try:
            return read(path, registry, rootdir)
        except ConfigError as error:
            said = str(error)
            raise
        finally:
            small = path is not None and path.is_file() and path.stat().st_size < LARGEST
            if path is not None and small and path.name in (said or path.name):
                problem = disagreement(kind, path, registry, said)
                if problem is not None:
                    problems.append(f"{path.read_text()}\n{problem}")

    return hold
