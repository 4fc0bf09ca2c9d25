"""Options as they are given: on the command line, or in the ini file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_editmetrics.errors import InputError, did_you_mean
from pytest_editmetrics.session.option_list import OPTIONS, Option
from pytest_editmetrics.session.unread_options import refuse_unknown_options

_REPORT_URL = "EDITMETRICS_REPORT_URL"
_URL = re.compile(r"https?://[^/\s]", re.IGNORECASE)
_CI = (
    ("TF_BUILD",),
    ("JENKINS_URL", "BUILD_ID"),
    ("TEAMCITY_VERSION",),
    ("CODEBUILD_BUILD_ID",),
    ("GITHUB_ACTIONS",),
)
"""What Azure Pipelines, Jenkins, TeamCity, CodeBuild and GitHub set, not all of them ``CI`` too.

People set ``JENKINS_URL`` alone on their own machines, for the command line of Jenkins.
"""
CI_VARIABLES = ("CI", *(name for names in _CI for name in names))
_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def add_options(parser: pytest.Parser) -> None:
    """Declare every option on the command line and in the ini file."""
    group = parser.getgroup("editmetrics", "image-editing metrics")
    for option in OPTIONS:
        dest = option.ini
        default = " ".join(option.default) if option.kind == "args" else option.default
        shown = f" (default: {default})" if option.choices else ""
        if option.kind == "bool":
            group.addoption(
                option.flag, dest=dest, action="store_true", default=None, help=option.help
            )
            group.addoption(
                f"--no-{option.flag[2:]}",
                dest=dest,
                action="store_false",
                default=None,
                help=f"turn {option.flag} off",
            )
        else:
            metavar = option.metavar or "{" + ",".join(option.choices) + "}"
            action = "append" if option.kind == "args" else "store"
            group.addoption(
                option.flag,
                dest=dest,
                action=action,
                default=None,
                metavar=metavar,
                help=option.help + shown,
            )
        parser.addini(
            option.ini,
            f"same as {option.flag}: {option.help}",
            type=option.kind,
            default=None if option.kind != "args" else [],
        )


def resolve_options(config: pytest.Config) -> Mapping[str, Any]:
    """Return every option by name: command line, else ini file, else default.

    Raises:
        pytest.UsageError: a name or value that is not among the choices, or updating goldens in CI.
    """
    refuse_unknown_options(config)
    values = {option.name: _resolve(config, option) for option in OPTIONS}
    if values["update"] != "none" and in_ci() and not values["force-update"]:
        raise pytest.UsageError(
            f"--editmetrics-update={values['update']} is refused because {ci_variable()} is set: a"
            " run in CI must compare with goldens, not write them; record on your machine and"
            " commit, or give --editmetrics-force-update"
        )
    return values


def standing_update(config: pytest.Config) -> str | None:
    """Return what to say of an update that every session makes, as nobody typed it."""
    mode = resolve_options(config)["update"]
    arguments = (str(arg).replace("_", "-") for arg in config.invocation_params.args)
    typed = any("editmetrics-update" in arg for arg in arguments)
    if mode not in ("failed", "all") or typed:
        return None
    return (
        f"warning: --editmetrics-update={mode} stands in the ini file, addopts, PYTEST_ADDOPTS or a"
        " file of arguments: every session records what it would be held to, and no regression"
        " fails; give it on the command line"
    )


def _resolve(config: pytest.Config, option: Option) -> Any:
    value = config.getoption(option.ini)
    if value is None:
        value = config.getini(option.ini)
    if option.name == "asset-roots":
        return _checked_folders(option, value)
    if option.kind == "args":
        parts = tuple(part for text in value for part in text.replace(",", " ").split())
        if option.name == "require":
            return _checked_requirements(option, parts, given=bool(value))
        if option.name == "env":
            return _checked_environments(option, value, parts)
        return parts
    if value == "" and config.getoption(option.ini) == "":
        raise pytest.UsageError(
            f"{option.flag} is empty, as of a shell variable that is not set; give a value, or"
            " leave it out"
        )
    if value in (None, ""):
        value = option.default
    if option.name == "cache-size":
        return _checked_size(option, value)
    if option.name == "cache-dir" and value and named_path(config, option.name, value).is_file():
        raise pytest.UsageError(f"{option.flag} (ini: {option.ini}): {value} is a file, no folder")
    if option.name == "device" and value:
        return _checked_device(option, value)
    if option.name == "report-url":
        return _checked_url(option, value)
    if option.choices and value not in option.choices:
        raise pytest.UsageError(
            f"{option.flag} (ini: {option.ini}) cannot be {value!r}"
            f"{did_you_mean(value, option.choices)}; choose one of {', '.join(option.choices)}"
        )
    return value


def named_path(config: pytest.Config, name: str, value: str) -> Path:
    """Return a path that the option ``name`` gives: on the command line from there, in the ini file
    from the rootdir."""
    typed = config.getoption(f"editmetrics_{name.replace('-', '_')}") is not None
    return (config.invocation_params.dir if typed else config.rootpath) / value


def _checked_device(option: Option, value: str) -> str:
    """Return the name of a device, which may not be here: to know that, torch is imported."""
    from pytest_editmetrics.cache.device_names import wrong_device

    if wrong := wrong_device(value, others=True):
        raise pytest.UsageError(f"{option.flag} (ini: {option.ini}) {wrong}")
    return value


def _checked_url(option: Option, value: str | None) -> str | None:
    """Return where the report will lie, as the option or the environment says."""
    where = f"{option.flag} (ini: {option.ini})"
    if value is None:
        value, where = os.environ.get(_REPORT_URL) or None, _REPORT_URL
    if value is not None and not _URL.match(value):
        raise pytest.UsageError(
            f"{where} cannot be {value!r}: readers of CI's page follow it, so write a whole"
            " address, as https://example.org/report"
        )
    return value


def _checked_folders(option: Option, value: Sequence[str]) -> tuple[str, ...]:
    """Return folders as they are written: a name may have spaces and commas in it."""
    if not all(map(str.strip, value)):
        raise pytest.UsageError(
            f"{option.flag} (ini: {option.ini}) names an empty folder; leave it out"
        )
    return tuple(value)


def _checked_requirements(
    option: Option, parts: tuple[str, ...], *, given: bool
) -> tuple[tuple[str | None, int], ...]:
    """Return what is required, by metric; ``None`` stands for all together."""
    where = f"{option.flag} (ini: {option.ini})"
    if given and not parts:
        raise pytest.UsageError(
            f"{where} is empty, so it would require nothing; give a number of gates, or leave it"
            f" out (-o {option.ini}= takes back what the ini file requires)"
        )
    required: dict[str | None, int] = {}
    if parts:
        from pytest_editmetrics.measurement import EVERY, GOLDEN
    for part in parts:
        metric, equals, number = part.rpartition("=")
        count = int(number) if number.isascii() and number.isdigit() else 0
        if metric == GOLDEN and number == "all":
            count = EVERY
        if not count or bool(equals) != bool(metric):
            raise pytest.UsageError(
                f"{where} cannot be {part!r}: write a whole number of gates from 1 on, as 40 in"
                " all, lpips=12 of one metric, golden=30 that a golden holds, or golden=all"
            )
        if (metric or None) in required:
            raise pytest.UsageError(
                f"{where} is given twice for {metric or 'all gates'}: {required[metric or None]}"
                f" and {number}; give it once"
            )
        required[metric or None] = count
    return tuple(required.items())


def _checked_environments(
    option: Option, value: Sequence[str], parts: tuple[str, ...]
) -> tuple[str, ...]:
    where = f"{option.flag} (ini: {option.ini})"
    if not value:
        return ()
    from pytest_editmetrics.goldens.environment import SMOKE, environment_name, wrong_name

    if not parts:
        raise pytest.UsageError(
            f"{where} is empty, so it would name no environment; give a name, or leave it out"
            f" (-o {option.ini}= takes back what the ini file names)"
        )
    for part in parts:
        if wrong := wrong_name(part):
            whole = [text for text in value if part in text and text != part and "," not in text]
            one = f" ({whole[0]!r} as one name: {environment_name(whole[0])!r})" if whole else ""
            raise pytest.UsageError(f"{where} cannot be {part!r}: {wrong}{one}")
        if part == SMOKE:
            raise pytest.UsageError(
                f"{where} cannot be {part!r}: goldens use that name for what smoke weights measured"
            )
        if parts.count(part) > 1:
            raise pytest.UsageError(
                f"{where} names {part!r} twice; give it once, the most specific name first"
            )
    return parts


def _checked_size(option: Option, value: str) -> int:
    try:
        return parse_size(value)
    except InputError as error:
        raise pytest.UsageError(f"{option.flag} (ini: {option.ini}): {error}") from None


def parse_size(text: str) -> int:
    """Return the bytes of a size such as ``500MB`` or ``2GB``; 0 needs no unit.

    Raises:
        InputError: anything else.

    >>> parse_size("1.5 GB")
    1500000000
    """
    number = text.strip().upper()
    unit = next((unit for unit in reversed(_UNITS) if number.endswith(unit)), "")
    try:
        size = float(number.removesuffix(unit)) * _UNITS[unit]
        if not 0 <= size < 2**63 or (size and not unit):
            raise ValueError
    except ValueError:
        raise InputError(f"{text!r} is not a size; write it as 500MB or 2GB") from None
    return int(size)


def in_ci() -> bool:
    """Tell whether the environment says that this is a CI run."""
    return ci_variable() is not None


def ci_variable() -> str | None:
    """Return the environment variable that says so; ``CI`` decides alone where it is set."""
    if said := os.environ.get("CI", "").lower():
        return None if said in ("0", "false", "no") else "CI"
    return next((names[0] for names in _CI if all(map(os.environ.get, names))), None)
