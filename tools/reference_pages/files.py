"""The pages of the YAML files and manifests: one entry a key."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import yaml

from pytest_editmetrics.config.areas import MASK, REGION
from pytest_editmetrics.config.case_file import CASE, FILE
from pytest_editmetrics.config.expect import EXPECTATIONS
from pytest_editmetrics.config.keys import Block, Key
from pytest_editmetrics.config.manifest import ROW
from pytest_editmetrics.config.settings_keys import SETTINGS, metric_block
from pytest_editmetrics.config.suite import BASE, of_metric
from pytest_editmetrics.goldens.file import entry_of
from pytest_editmetrics.measurement import Metric
from pytest_editmetrics.pipes.registry import PipeRegistry
from reference_pages.markdown import Entry, Group, Page, code, nested, sentence, table

METRIC = "<metric>"
SEE = {
    "metrics": "[metrics.md](metrics.md)",
    "expect": "[background.md](../explanation/background.md)",
    "pipes_default": "[pipes.md](pipes.md)",
    "init_config": "[pipes.md](pipes.md)",
    "runtime_params": "[metrics.md](metrics.md)",
    "thresholds": "[goldens.md](goldens.md), which go before the configuration's",
    "coords": "[regions.md](regions.md)",
    "suite": "[suite.md](../how-to/suite.md)",
}
Frame = Callable[[Sequence[str]], str]


def stated(block: Block, key: Key) -> list[str]:
    """Return the example of a key with those that must stand beside it, each as ``name: value``."""
    beside = [one for one in block.keys if one.required or one.name == key.needs]
    return [f"{one.name}: {one.example}" for one in [*(k for k in beside if k != key), key]]


def entries(block: Block, frame: Frame, prefix: str = "", language: str = "yaml") -> list[Entry]:
    """Return the entries of a block's keys, and of the blocks below them."""
    found = []
    for key in block.keys:
        facts = [("value", key.kind.words)]
        if key.required:
            facts.append(("required", "yes"))
        else:
            facts.append(("default", code(key.default) if key.default else "not set"))
        if key.name in SEE:
            facts.append(("see", SEE[key.name]))
        if key.needs:
            facts.append(("needs", f"`{key.needs}`"))
        example = frame(stated(block, key))
        found.append(Entry(f"{prefix}{key.name}", key.text, facts, example, language))
        below = key.kind.block
        if below is not None and below not in (CASE, REGION):
            inner = _below(frame, key.name)
            found += entries(below, inner, f"{prefix}{key.name}.", language)
    return found


def _below(frame: Frame, name: str) -> Frame:
    return lambda lines: frame(nested([name], lines).splitlines())


def at(*names: str) -> Frame:
    """Return the frame of what lies below these keys."""
    return lambda lines: nested(names, lines)


def in_case(lines: Sequence[str]) -> str:
    """Return a file of one case with these keys."""
    first, *rest = lines
    return "\n".join(["cases:", f"  - {first}", *(f"    {line}" for line in rest)])


def in_region(lines: Sequence[str]) -> str:
    """Return a file of one case whose region has these keys."""
    given = [f"{key.name}: {key.example}" for key in CASE.keys if key.required]
    return in_case([*given, *nested(["coords"], lines).splitlines()])


def in_row(lines: Sequence[str]) -> str:
    """Return a row of a manifest with these keys."""
    return json.dumps(yaml.safe_load("\n".join(lines)))


def metric_entries(metric: Metric, registry: PipeRegistry) -> list[Entry]:
    """Return the entries of the keys under a metric of ``metric_configs``."""
    block = metric_block(metric, registry)
    return entries(block, at("metric_configs", metric.name), f"metric_configs.{METRIC}.")


def suite_entries(metric: Metric) -> list[Entry]:
    """Return the entries of the keys under a metric of ``suite``."""
    return entries(of_metric(metric), at("suite", metric.name), f"suite.{METRIC}.")


def golden_entries(metric: Metric) -> list[Entry]:
    """Return the entries of the keys of a golden."""
    return entries(entry_of(metric), at('"test_add_hat[sdxl]"', metric.name), f"{METRIC}.")


def region_entries() -> list[Entry]:
    """Return the entries of the keys of a region; what only changes one has nothing to change."""
    boxes = next(key for key in REGION.keys if key.name == "boxes")
    path = next(key for key in MASK.keys if key.name == "path")

    def frame(lines: Sequence[str]) -> str:
        alone = [f"{boxes.name}: {boxes.example}"] if lines[0].startswith("dilate") else []
        if lines[-1].strip().startswith("invert"):
            lines = [lines[0], f"  {path.name}: {path.example}", *lines[1:]]
        return in_region([*alone, *lines])

    return entries(REGION, frame)


def _base_entry() -> Entry:
    suite = Block("suite", "", (BASE,))
    held = "lpips: {regressions: {max: 3, by: 0.005}}"
    (entry,) = entries(suite, lambda lines: nested(["suite"], [*lines, held]), "suite.")
    return entry


def _expectations(registry: PipeRegistry) -> str:
    def held(name: str, bound: float) -> str:
        metric = registry.metric(name)
        side = "at most" if metric.bound_kind == "max" else "at least"
        return f"`{name}` {side} {bound:g} {metric.unit}".strip()

    rows = [
        (
            f"`{name}`",
            ", ".join(
                [
                    *(held(metric, bound) for metric, bound in expected.bounds.items()),
                    *(f"`{metric}` without a bound" for metric in expected.told),
                ]
            ),
            ", ".join(f"`{metric}`" for metric in expected.advisory) or "none",
        )
        for name, expected in EXPECTATIONS.items()
    ]
    head = ("`expect`", "what is measured by default, with its bound", "metrics that only warn")
    return f"{table(head, rows)}\n\nWhy these: [background.md](../explanation/background.md)."


def settings(registry: PipeRegistry) -> Page:
    """Return the page of ``editmetrics.yaml``."""
    top = entries(SETTINGS, at())
    for entry in top:
        if entry.name == "expect":
            entry.more = _expectations(registry)
    images = [entry for entry in top if entry.name.startswith("golden_images.")]
    emd, lpips = registry.metric("emd"), registry.metric("lpips")
    text = (
        "`editmetrics.yaml` lies at pytest's rootdir or above it. A file states only what differs"
        " from the defaults; an empty one is valid. `editmetrics schema settings` prints a JSON"
        " Schema with which an editor completes and checks.\n\n"
        "`${name.of.key}` stands for the value of another key, `${env:NAME:default}` for an"
        " environment variable. `_base_: [common.yaml]` builds on other files, whose values hold"
        " where this one states none. `!tuple [0, 0, 0]` is taken as a list."
    )
    return Page(
        "settings",
        "Settings: `editmetrics.yaml`",
        text,
        [
            Group("At the top", [one for one in top if one not in images]),
            Group(
                "Under a metric of `metric_configs`",
                metric_entries(emd, registry),
                "Here `emd`; which parameters, scopes and margin a metric has stands in"
                " [metrics.md](metrics.md), the options of its pipe in [pipes.md](pipes.md).",
            ),
            Group("Under `golden_images`", images),
            Group(
                "Under `suite`",
                [_base_entry(), *suite_entries(lpips)],
                "Here `lpips`; for a metric that is better when higher, bounds are `min`. How the"
                " suite is judged: [suite.md](../how-to/suite.md).",
            ),
        ],
    )


def goldens(registry: PipeRegistry) -> Page:
    """Return the page of golden thresholds."""
    text = (
        "`goldens/<test file name>.yaml` holds what was approved: below the test's id, below the"
        " metric (`lpips`, or `lpips@name` for a gate with a name), the keys of this page."
        " `pytest --editmetrics-update=missing` and `editmetrics approve` write it; you may too."
    )
    lower = golden_entries(registry.metric("lpips"))
    higher = golden_entries(registry.metric("sam_clip_cls_sim"))
    title = "Under a metric that is better when {}, here `{}`"
    return Page(
        "goldens",
        "Goldens: `goldens/*.yaml`",
        text,
        [
            Group(title.format("lower", "lpips"), lower),
            Group(title.format("higher", "sam_clip_cls_sim"), higher[:1], "As above, but:"),
        ],
    )


def cases() -> Page:
    """Return the page of cases."""
    return Page(
        "cases",
        "Cases: `test_*.edit.yaml`",
        "Tests without code: pytest collects each case of such a file as a test. Paths are relative"
        " to the file. `editmetrics schema cases` prints a JSON Schema for your editor.",
        [
            Group("At the top", entries(FILE, at())),
            Group(
                "Each case",
                entries(CASE, in_case),
                f"{sentence(CASE.text)} What `coords` may be besides boxes:"
                " [regions.md](regions.md).",
            ),
        ],
    )


def manifests() -> Page:
    """Return the page of manifests."""
    return Page(
        "manifests",
        "Manifests: pairs for `editmetrics score`",
        "JSON Lines (`.jsonl`, `.ndjson`), CSV (`.csv`, `.tsv`) or Parquet (`.parquet`, `.pq`):"
        " each row is one pair of images. Paths are relative to the manifest; URLs are taken too."
        " Columns that are no keys are kept in the results. How rows are scored, here and on a"
        " cluster: [score.md](../how-to/score.md).",
        [Group("Each row", entries(ROW, in_row, language="json"))],
    )


def regions() -> Page:
    """Return the page of regions."""
    return Page(
        "regions",
        "Regions: `coords`",
        "Wherever an edit area is written it may be a list of boxes, a mapping of these keys, the"
        " path of a mask, COCO's `{size, counts}`, or a list of boxes and mappings; what stands"
        " together is united. In Python it is `Region(boxes=..., polygons=..., mask=...,"
        " dilate=...)`, with the mask's `threshold` and `invert` beside it. What each means to the"
        " pixel: [regions.md](../how-to/regions.md).",
        [Group("Keys of a region", region_entries())],
    )
