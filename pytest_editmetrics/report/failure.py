"""The message of a failed check: its failing gates, then what explains them, all said once."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.causes import causes_in_short, kind_of
from pytest_editmetrics.report.listed import LISTED, listed
from pytest_editmetrics.report.tally import TestGates, beyond
from pytest_editmetrics.report.text import (
    NO_GOLDEN,
    explanation_rows,
    headline,
    line_of_golden,
    rows_as_lines,
    subject,
    update_mode,
    with_source,
    without_line,
)
from pytest_editmetrics.runs.failed import and_more, in_the_same_words

_NO_GOLDENS = NO_GOLDEN.replace("has", "have")
_LOST = ("no-edit", "weaker-edit")
_SAID_OF_CAUSES = ("kind", "text", "long")


def failure_text(
    gates: Sequence[Gate],
    nodeid: str,
    verbosity: int = 0,
    typed: Callable[[str], str] = shlex.quote,
) -> str:
    """Return the message of one check: a line for each failing gate, then what explains them.

    Args:
        gates: all gates of the check.
        nodeid: the test's.
        verbosity: pytest's: -2 gives only the lines of the failing gates, 2 adds the details.
        typed: returns the words that run a test, given its id.
    """
    failing = [gate for gate in gates if gate.failing]
    lines = _headlines(_in_order(failing))
    if verbosity < -1:
        return "\n".join(lines)
    lines += rows_as_lines(_rows(failing, nodeid, verbosity, typed))
    others = [gate for gate in gates if not gate.failing]
    if others:
        lines.append("other gates of this check:")
        lines += [f"    {_beside(gates)}" for gates in alike(others)]
    return "\n".join(lines)


def of_one_error(pairs: Iterable[tuple[TestGates, Gate]]) -> list[tuple[TestGates, list[Gate]]]:
    """Return the gates of one check that all have the same error together, with their test."""
    found: dict[tuple[object, ...], tuple[TestGates, list[Gate]]] = {}
    for test, gate in pairs:
        key = (id(test), gate.name, without_line(gate).message)
        found.setdefault(key, (test, []))[1].append(gate)
    return list(found.values())


def of_the_same_error(
    errors: Iterable[tuple[TestGates, Gate]],
) -> list[list[tuple[TestGates, list[Gate]]]]:
    """Return, together, the tests whose checks have the same error, in the order of the first."""
    return in_the_same_words(of_one_error(errors), lambda pair: failure_text(pair[1], "", -2))


def error_lines(errors: Iterable[tuple[TestGates, Gate]]) -> list[tuple[str, int]]:
    """Return a line for gates that have the same error, which names the first test and counts the
    others, and for how many gates it stands."""
    return [
        (
            f"{test.nodeid}{and_more(others)}: {failure_text(gates, test.nodeid, -2)}",
            len(gates) + sum(len(of) for _, of in others),
        )
        for (test, gates), *others in of_the_same_error(errors)
    ]


def listed_errors(title: str, errors: Sequence[tuple[TestGates, Gate]]) -> list[str]:
    """Return the first errors below a title that counts them, those of the same words in one."""
    lines = error_lines(errors)
    shown = sum(number for _, number in lines[:LISTED])
    return listed(title, [line for line, _ in lines], len(errors), shown)


def _headlines(failing: Sequence[Gate]) -> list[str]:
    """Return a line for each failing gate; what several have in common is said once.

    >>> _headlines([Gate(metric, "error", message="no such file a.png") for metric in ("l", "p")])
    ['l, p could not be judged: no such file a.png']
    """
    lines: list[str] = []
    said: set[str] = set()
    for gates in alike(failing):
        if _without_number(gates[0]):
            lines.append(together(gates))
            continue
        if _new(gates[0]):
            continue
        causes = causes_in_short(gates[0])
        lines.append(headline(gates[0], cause=causes not in said))
        said.add(causes)
    new = [headline(gate).removesuffix(NO_GOLDEN) for gate in failing if _new(gate)]
    if new:
        lines.append(", ".join(new) + (NO_GOLDEN if len(new) == 1 else _NO_GOLDENS))
    return lines


def _new(gate: Gate) -> bool:
    """Tell whether a headline says that there is no golden, and nothing else."""
    return headline(gate).endswith(NO_GOLDEN)


def alike(gates: Iterable[Gate]) -> list[list[Gate]]:
    """Return the gates of one check that say the same, without a number of their own, together.

    >>> gates = [Gate(metric, "error", message="no such file a.png") for metric in ("l", "p")]
    >>> [[gate.metric for gate in of] for of in alike([*gates, Gate("ssim", "fail", value=0.1)])]
    [['l', 'p'], ['ssim']]
    """
    found: dict[object, list[Gate]] = {}
    for gate in gates:
        key = _why(without_line(gate)) if _without_number(gate) else id(gate)
        found.setdefault(key, []).append(gate)
    return list(found.values())


def together(gates: Sequence[Gate]) -> str:
    """Return the one line of gates that are ``alike``."""
    first, *others = gates
    if not others:
        return headline(first)
    if lines := {int(line) for gate in gates if (line := line_of_golden(gate))}:
        file = str(first.source).rpartition(":")[0]
        first = with_source(first, f"{file}:{_in_spans(lines)}")
    line, why = headline(first), _why(first)
    names = ", ".join([line.removesuffix(why), *(gate.label for gate in others)])
    return names + (" have " + why.removeprefix(" has ") if why.startswith(" has ") else why)


def _in_spans(lines: Iterable[int]) -> str:
    """Return numbers of lines, those that follow each other as one.

    >>> _in_spans([8, 4, 5, 6])
    '4-6, 8'
    """
    spans: list[list[int]] = []
    for line in sorted(lines):
        if spans and line == spans[-1][-1] + 1:
            spans[-1].append(line)
        else:
            spans.append([line])
    return ", ".join(f"{of[0]}-{of[-1]}" if len(of) > 1 else str(of[0]) for of in spans)


def _without_number(gate: Gate) -> bool:
    """Tell whether the headline of a gate holds no number of its own."""
    return gate.value is None or gate.verdict == "error"


def _in_order(failing: Sequence[Gate]) -> Sequence[Gate]:
    """Return the gates as their lines come: of each check the worst first, as elsewhere.

    An edit that was lost, or is weaker, is told before, and what became of a part before where it
    changed.

    >>> lpips, altered = (
    ...     Gate(metric, "fail", value=1.0, details={"causes": [{"kind": kind}]})
    ...     for metric, kind in (("lpips", "spill"), ("altered", "altered"))
    ... )
    >>> [gate.metric for gate in _in_order([lpips, altered])]
    ['altered', 'lpips']
    """
    checks = list(dict.fromkeys(gate.name for gate in failing))
    worst = sorted(failing, key=lambda gate: (checks.index(gate.name), -beyond(gate)))
    if any(kind_of(gate) in _LOST for gate in worst):
        return sorted(worst, key=lambda gate: kind_of(gate) not in _LOST)
    if not worst or kind_of(worst[0]) not in ("spill", "local"):
        return worst
    return sorted(worst, key=lambda gate: kind_of(gate) != "altered")


def _why(gate: Gate) -> str:
    """Return what the headline of a gate without a value says after its name."""
    line = headline(gate)
    return line.removeprefix(subject(gate) if line.startswith(subject(gate)) else gate.label)


def _rows(
    failing: Sequence[Gate], nodeid: str, verbosity: int, typed: Callable[[str], str]
) -> list[tuple[str, str]]:
    """Return the rows of all gates: one that several share is there once, else who says what."""
    mode = update_mode(failing)
    said: dict[str, dict[str, list[str]]] = {}
    order: list[str] = []
    for gate in failing:
        rows = explanation_rows(gate, nodeid, mode, typed)
        if verbosity >= 2:
            rows += [("details", detail) for detail in _details(gate)]
        _add_in_order(order, [label for label, _ in rows])
        for label, text in rows:
            said.setdefault(label, {}).setdefault(text, []).append(gate.label)
    lines = []
    for label, texts in said.items():
        shared = all(len(of) == len(failing) for of in texts.values())
        for text, of in texts.items():
            names = ", ".join(of)
            named = shared or len(failing) == 1 or text.startswith((f"{names}: ", f"{names} ("))
            lines.append((label, text if named else f"{names}: {text}"))
    return sorted(lines, key=lambda line: order.index(line[0]))


def _add_in_order(order: list[str], labels: Sequence[str]) -> None:
    """Add to ``order`` the labels that it lacks, each before the one that follows it here.

    >>> order = ["bound", "tile", "weights"]
    >>> _add_in_order(order, ["bound", "image", "tile", "note"])
    >>> order
    ['bound', 'image', 'tile', 'weights', 'note']
    """
    place = len(order)
    for label in reversed(labels):
        if label in order:
            place = order.index(label)
        else:
            order.insert(place, label)


def _details(gate: Gate) -> list[str]:
    """Return each detail that no row says, and the numbers of each cause."""
    listed = []
    for key, value in sorted(gate.details.items()):
        if key == "causes":
            for cause in value:
                numbers = (f"{k} {v}" for k, v in cause.items() if k not in _SAID_OF_CAUSES)
                listed.append(f"causes {cause['kind']}: {', '.join(numbers)}")
        elif key != "change":
            listed.append(f"{key} {value}")
    return listed


def _beside(gates: Sequence[Gate]) -> str:
    """Return the line of gates beside one that fails: what was to be recorded then is not."""
    gate = gates[0]
    if gate.verdict != "recorded":
        return f"{gate.verdict}: {together(gates)}"
    return f"not recorded, as this test fails: {headline(gate).replace(' recorded, ', ', ', 1)}"
