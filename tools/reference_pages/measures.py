"""The pages of metrics, pipes and outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_editmetrics.gates.verdict import FAILING, SKIPPED_MISSING, VERDICTS
from pytest_editmetrics.goldens.file import entry_of
from pytest_editmetrics.measurement import REMEDIES, SOFT_REASONS
from pytest_editmetrics.pipes.declared import Option, PipeSpec
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.report.metrics import facts, margin_text, not_provided, range_text, table
from pytest_editmetrics.runs import fields
from reference_pages import endings
from reference_pages.markdown import Entry, Group, Page, code, nested
from reference_pages.markdown import table as table_of


def metrics(registry: PipeRegistry) -> Page:
    """Return the page of metrics."""
    head, *rows = table(registry)
    linked = [(f"[`{row[0]}`](#{row[0]})", *row[1:]) for row in rows]
    pipes = [spec for spec in registry.pipes.values() if spec.metrics]
    missing = [
        (f"`{name}`", ", ".join(f"`{pipe}`" for pipe in pipes))
        for name, pipes in not_provided(registry).items()
    ]
    return Page(
        "metrics",
        "Metrics",
        "What a metric asks, what it cannot see, and how far from the measured value a bound is"
        " recorded. `editmetrics metrics` prints the same, with the metrics of your own pipes."
        f" Traps, with numbers and pictures: [explanation](../explanation/metrics.md)."
        f"\n\n{table_of(head, linked)}",
        [
            *(
                Group(f"Of `{spec.key}`", _metric_entries(spec, registry), listed=False)
                for spec in pipes
            ),
            Group(
                "Not provided",
                [],
                "Metrics of AutoPipeline whose pipes are not here. Blocks of them in a settings"
                " file load and do nothing; asking for one is an error, until a `conftest.py`"
                f" registers a pipe for it ([plugin.md](plugin.md)).\n\n"
                f"{table_of(('metric', 'pipe there'), missing)}",
            ),
        ],
    )


def listed(registry: PipeRegistry) -> str:
    """Return the table of the page that explains them."""
    rows = [
        (
            f"[`{name}`](../reference/metrics.md#{name})",
            metric.better,
            range_text(metric),
            metric.scope,
            margin_text(metric.margin, metric.unit),
            metric.summary,
        )
        for name, metric in registry.metrics.items()
    ]
    return table_of(("metric", "better", "range", "scope", "margin", "what"), rows)


def _metric_entries(spec: PipeSpec, registry: PipeRegistry) -> list[Entry]:
    entries = []
    for metric in spec.metrics:
        told = [(name, text) for name, text in facts(metric, spec) if name != "what"]
        params = [param for name in metric.params if (param := spec.param(name))]
        given = [f"{param.name}: {param.sample}" for param in params]
        block = [
            f"scope: {metric.scope}",
            *(nested(["runtime_params"], given).splitlines() if given else ()),
        ]
        bound = entry_of(metric).keys[0]
        held = f"{metric.name}: {{{bound.name}: {bound.example}}}"
        example = [nested(["metric_configs", metric.name], block), nested(["thresholds"], [held])]
        summary = f"{metric.summary}".strip()
        entries.append(Entry(metric.name, summary, told, "\n".join(example)))
    return entries


def pipes(registry: PipeRegistry) -> Page:
    """Return the page of the pipes' options."""
    groups = []
    for spec in registry.pipes.values():
        options = spec.options or ()
        named = ", ".join(f"[`{m.name}`](metrics.md#{m.name})" for m in spec.metrics)
        text = f"`{spec.key}` is {spec.summary}; it computes {named}."
        if not options:
            text += " It has no options."
        groups.append(Group(f"`{spec.key}`", [_option(spec, one) for one in options], text))
    return Page(
        "pipes",
        "Pipes and their options",
        "A pipe computes metrics. Its options stand under `pipes_default` for all its metrics,"
        " under `init_config` of a metric for that one, and on the marker for one test. Runtime"
        " parameters of metrics stand in [metrics.md](metrics.md); how to register a pipe of your"
        " own in [plugin.md](plugin.md).",
        groups,
    )


def _option(spec: PipeSpec, option: Option) -> Entry:
    default = "not set" if option.default is None else code(str(option.default))
    given = [("value", option.words), ("default", default)]
    example = nested(["pipes_default", spec.key], [f"{option.name}: {option.sample}"])
    return Entry(f"{spec.key}.{option.name}", option.text, given, example)


def run(registry: PipeRegistry) -> Page:
    """Return the page of a run's results."""
    details = [(field.name, field.words, field.text) for field in fields.DETAILS]
    parts = [
        Group(f"`{spec.key}`", [], table_of(("detail", "meaning"), _told(spec.details.items())))
        for spec in registry.pipes.values()
    ]
    return Page(
        "run",
        "A run: the fields of its results",
        "A results file (`--editmetrics-results=PATH`) and the `results.jsonl` of a run directory"
        " (`--editmetrics-run-dir=DIR`) are JSON Lines: one object a line, of these kinds. A number"
        " that JSON cannot hold is the text `NaN`, `Infinity` or `-Infinity`. A run"
        " directory also has `images/`, PNG files that its gates name. When lines are written, and"
        " what becomes of an earlier run: [results.md](results.md).",
        [
            Group("The session: the first line", [], _fields(fields.SESSION)),
            Group("A gate", [], _fields((*fields.ATTEMPT, *fields.GATE))),
            Group("A crashed test", [], _fields(fields.CRASHED)),
            Group("A failure for another reason than a gate", [], _fields(fields.FAILED)),
            Group("A problem of the session", [], _fields(fields.PROBLEM)),
            Group("The end: the last line", [], _fields(fields.END)),
            Group(
                "`details` of a gate",
                [],
                "Each only where it applies.\n\n"
                + table_of(("detail", "value", "meaning"), _told(details))
                + "\n\nBesides, what the pipe tells that measured it; one of yours tells what it"
                " likes.",
            ),
            *parts,
        ],
    )


def _fields(given: Iterable[fields.Field]) -> str:
    return table_of(("field", "value", "meaning"), _told(_rows(given, "")))


def _rows(given: Iterable[fields.Field], above: str) -> Iterator[tuple[str, ...]]:
    for field in given:
        yield f"{above}{field.name}", field.words, field.text
        yield from _rows(field.inner, f"{above}{field.name}{'[]' if field.lists else ''}.")


def _told(rows: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [(f"`{name}`", *more) for name, *more in rows]


def outcomes() -> Page:
    """Return the page of verdicts and soft reasons."""
    verdicts = [
        (f"`{name}`", text, "yes" if name in FAILING else "no") for name, text in VERDICTS.items()
    ]
    reasons = [(f"`{name}`", text, REMEDIES[name]) for name, text in SOFT_REASONS.items()]
    skipped = "its pipe lacks its weights, and --editmetrics-skip-missing names the pipe"
    reasons.append((f"`{SKIPPED_MISSING}`", skipped, "fetch the weights"))
    return Page(
        "outcomes",
        "Outcomes: verdicts and soft reasons",
        "What a gate comes to, as failures, summary, report and the `verdict` and `reason` of the"
        " [results](run.md) say it, and what its test and the session end as. How to read"
        " a failure: [Read a failure](../how-to/read-a-failure.md).",
        [
            Group("Verdicts", [], table_of(("verdict", "what happened", "fails"), verdicts)),
            Group(
                "Soft reasons",
                [],
                "Why the region of an `unmeasured` gate gave no valid comparison.\n\n"
                + table_of(("reason", "what happened", "what to do"), reasons),
            ),
            Group("Tests", [], table_of(endings.HEAD, endings.TESTS)),
            Group("Sessions", [], table_of(endings.HEAD, endings.SESSIONS)),
        ],
    )
