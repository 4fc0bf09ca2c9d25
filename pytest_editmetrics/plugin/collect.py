"""YAML cases as real tests: a module of functions, one a case, that pytest collects by itself.

A synthetic module, and not items of our own, so that the user's autouse and parametrised fixtures,
marks, ``-k``, xdist and reruns work as in any test file.
"""

from __future__ import annotations

import json
import types
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.checks.edit_gate import Check, EditGate
from pytest_editmetrics.errors import NO_FILE, EditMetricsError, InputError
from pytest_editmetrics.session.began import first_older_file
from pytest_editmetrics.session.cases_ahead import CASE
from pytest_editmetrics.session.state import EditSession, session_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_editmetrics.config.case_file import CaseFile, CaseSpec


class CaseModule(pytest.Module):
    """One ``test_*.edit.yaml`` file."""

    def _getobj(self) -> types.ModuleType:
        session = session_of(self.config)
        from pytest_editmetrics.config.case_file import read_case_file

        try:
            registry = session.collecting_registry()
            file = read_case_file(self.path, registry, session.rootdir, session.asset_roots)
            module = types.ModuleType(self.path.name)
            module.__file__ = str(self.path)
            for case in file.cases:
                setattr(module, case.id, _test_function(session, file, case))
        except EditMetricsError as error:
            raise self.CollectError(str(error)) from None
        return module

    def istestfunction(self, obj: object, name: str) -> bool:
        """Every case is a test, whatever ``python_functions`` says."""
        return isinstance(obj, types.FunctionType)

    def istestclass(self, obj: object, name: str) -> bool:
        """A case file holds no classes."""
        return False

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Collect the cases; one that gives no test is an error."""
        items = list(super().collect())
        collected = {getattr(item, "originalname", None) for item in items}
        for name, value in vars(self.obj).items():
            if isinstance(value, types.FunctionType) and name not in collected:
                raise self.CollectError(f"{self.path}: case {name!r} gives no test; rename it")
        return items


def _test_function(session: EditSession, file: CaseFile, case: CaseSpec) -> Callable[..., None]:
    """Return the test of a case: one line of code, which tracebacks place at the case's line."""
    function: Any
    if case.edited is None:
        function = lambda edit_gate, edit_image: _run_made(edit_gate, file, case, edit_image)  # noqa: E731
    else:
        function = lambda edit_gate: _run_static(edit_gate, session, file, case)  # noqa: E731
    function.__code__ = function.__code__.replace(
        co_filename=str(file.path), co_firstlineno=case.line, co_name=case.id
    )
    function.__name__ = function.__qualname__ = case.id
    setattr(function, CASE, case)
    marked: Any = function
    for name in reversed(case.usefixtures):
        marked = pytest.mark.usefixtures(name)(marked)
    for mark in case.marks:
        marked = _mark(mark.name, file, case)(**mark.kwargs)(marked)
    result: Callable[..., None] = marked
    return result


def _mark(name: str, file: CaseFile, case: CaseSpec) -> pytest.MarkDecorator:
    """Return a mark; that pytest does not know it is said of the case, and not of this line."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            found: pytest.MarkDecorator = getattr(pytest.mark, name)
        except pytest.fail.Exception as error:  # --strict-markers
            pytest.fail(f"{file.path.name}:{case.line}: {error.msg}", pytrace=False)
    for one in seen:
        warnings.warn_explicit(one.message, one.category, str(file.path), case.line)
    return found


def refuse_without_image(item: pytest.Item) -> None:
    """Say of a case that cannot be set up that it has no edited image, where nothing makes one.

    Raises:
        InputError: it says what does.
    """
    __tracebackhide__ = True
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    if "edit_image" in getattr(item, "fixturenames", ()) and not known.get("edit_image"):
        file, line, name = item.location
        raise InputError(
            f"{file}:{(line or 0) + 1}: {name} has no edited image: state `edited:`, the path of"
            " one, or define the fixture `edit_image` in a conftest.py, which returns what makes"
            " one of a case"
        ) from None


def _run_static(edit_gate: EditGate, session: EditSession, file: CaseFile, case: CaseSpec) -> None:
    """Run a case whose images are files, decoded ahead where the order of tests is known."""
    __tracebackhide__ = True
    if session.cases_ahead is None or not isinstance(edit_gate, EditGate):
        _run(edit_gate, file, case, case.edited)
        return
    with session.clock.of("reading images"):
        reference, edited, together = session.cases_ahead.take(edit_gate.item)
    _run(edit_gate, file, case, edited, reference, together)


def _run_made(
    edit_gate: EditGate, file: CaseFile, case: CaseSpec, edit_image: Callable[[CaseSpec], Any]
) -> None:
    """Run a case whose edited image is made now."""
    __tracebackhide__ = True
    if not case.reference.exists():
        raise InputError(
            f"{file.path}:{case.line}: reference image {case.reference}: {NO_FILE}{_relative(file)}"
        )
    before = _hash(case.reference)
    edited = edit_image(case)
    if _hash(case.reference) != before:
        raise InputError(
            f"{file.path}:{case.line}: the fixture edit_image changed the file of the reference,"
            f" {case.reference}, so the edited image would be compared with an edited one: write"
            " the edit to another path, and take the reference back from version control"
        )
    if isinstance(edit_gate, EditGate):
        older = first_older_file(edit_gate.item.config, edited)
        if older is not None:
            session_of(edit_gate.item.config).say(
                "old output: edit_image returned a file that was there before this session (first"
                f" {edit_gate.item.nodeid}: {older}); did the edit fail to write it? Cases of saved"
                " images state them as `edited:`"
            )
    _run(edit_gate, file, case, edited)


def _hash(path: Path) -> str | None:
    from pytest_editmetrics.weights.check import sha256_of

    try:
        return sha256_of(path)
    except EditMetricsError:
        return None


def _run(
    edit_gate: EditGate,
    file: CaseFile,
    case: CaseSpec,
    edited: Any,
    reference: Any = None,
    together: Any = None,
) -> None:
    __tracebackhide__ = True
    if not isinstance(edit_gate, EditGate):
        raise InputError(
            f"{file.path}:{case.line}: the fixture edit_gate of this case is no edit_gate but"
            f" {edit_gate!r:.80}, so nothing would be measured: give the fixture or the parameter"
            " that replaces it another name, or return what it wraps"
        )
    if edited is None:
        raise InputError(f"{file.path}:{case.line}: the fixture edit_image returned None")
    from pytest_editmetrics.checks.left_out import say_left_out_of_case

    say_left_out_of_case(session_of(edit_gate.item.config), file, case)
    check = Check(
        case.reference if reference is None else reference,
        edited,
        case.coords,
        case.ref_boxes,
        case.edited_boxes,
        metrics=case.metrics or file.metrics or None,
        resize=case.resize,
        aspect=case.aspect,
        colour=case.colour,
        expect=case.expect,
        thresholds=case.thresholds,
        facts=json.loads(json.dumps(case.params, default=str)),
    )
    try:
        edit_gate.run(check, together)
    except EditMetricsError as error:
        made = case.edited is None and "edited image" in str(error)
        if NO_FILE in str(error) and not made:
            error.args = (f"{error}{_relative(file)}",)
        raise


def _relative(file: CaseFile) -> str:
    return f"; what {file.path.name} names lies relative to {file.path.parent}"
