"""Golden thresholds: ``goldens/<test file name>.yaml``, what was approved for each gate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pytest_editmetrics.config.asset_roots import AssetRoots
from pytest_editmetrics.config.bounds import (
    bound_schema,
    checked_bound,
    checked_review,
    example_bounds,
    refuse_other_bound,
)
from pytest_editmetrics.config.keys import (
    END,
    TEXT,
    Block,
    Key,
    Schema,
    between,
    choice,
    or_empty,
    unread,
)
from pytest_editmetrics.config.metric_keys import metric_name
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.config.reader import read_yaml, shown_path
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.goldens.entry_values import (
    DIGEST,
    DTYPE,
    EDITS,
    WEIGHTS,
    checked_edit,
    checked_share,
    checked_text,
)
from pytest_editmetrics.goldens.environment import LONGEST, wrong_name
from pytest_editmetrics.images.resize_modes import NOT_RESIZED, RESIZES
from pytest_editmetrics.measurement import LITTLE, NO_WEIGHTS, SIZE, Edit, Metric
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.whole_file import real_path

_RESIZED = (*RESIZES, NOT_RESIZED)
_RESIZE = choice(*_RESIZED)


@dataclass(frozen=True)
class GoldenEntry:
    """What was approved for one gate, or for one gate in one environment (``env``).

    ``bound`` is the metric's ``max`` or ``min``; ``measured`` is the value when it was approved;
    values beyond ``review`` are to be looked at; ``weights`` are those that gave ``measured``, as
    ``measurement.weights_text`` writes them; ``digest`` is of the parameter that the test's id
    names by its place only; ``resize`` is the mode that brought the images to one size then,
    ``dtype`` the precision that models computed in, ``share`` how much of the picture was measured,
    ``size`` the picture's width and height, ``edit`` whether there was an edit; ``reason`` is why a
    person took the bound.
    """

    bound: float | None
    measured: float | None
    env: Mapping[str, GoldenEntry]
    line: int
    review: float | None = None
    weights: str | None = None
    digest: str | None = None
    resize: str | None = None
    dtype: str | None = None
    share: float | None = None
    size: str | None = None
    edit: Edit | None = None
    reason: str | None = None

    @property
    def digests(self) -> frozenset[str | None]:
        """The digests that it and its variants were recorded with."""
        return frozenset(one.digest for one in (self, *self.env.values()))

    @property
    def empty(self) -> bool:
        """Whether nothing was approved yet (apart from what ``env`` holds)."""
        return self.bound is None and self.measured is None


@dataclass(frozen=True)
class GoldenFile:
    """One file of goldens: test key -> gate key (``lpips``, ``lpips@name``) -> entry."""

    path: Path
    shown: str
    tests: Mapping[str, Mapping[str, GoldenEntry]]
    test_lines: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def by_digest(self) -> Mapping[tuple[str, str, str | None], Sequence[str]]:
        """The keys of tests by their function, a gate, and what its parameters were digested to."""
        found: dict[tuple[str, str, str | None], list[str]] = {}
        for test, gates in self.tests.items():
            for gate, entry in gates.items():
                for digest in entry.digests:
                    found.setdefault((test.partition("[")[0], gate, digest), []).append(test)
        return found

    def environments(self) -> dict[str, tuple[str, bool]]:
        """Return where each environment is named first, and whether a bound is stated there.

        Of one that states none somewhere, that place is told.
        """
        found: dict[str, tuple[str, bool]] = {}
        for entry in (entry for gates in self.tests.values() for entry in gates.values()):
            for env, variant in entry.env.items():
                stated = variant.bound is not None
                if env not in found or (found[env][1] and not stated):
                    found[env] = (f"{self.shown}:{variant.line}", stated)
        return found

    def waiting(self) -> list[str]:
        """Return, as ``file:line: test [gate]``, where nothing is approved (yet, or any more)."""
        found = [(line, test) for test, line in self.test_lines.items() if not self.tests[test]]
        for test, gates in self.tests.items():
            found += [
                (entry.line, f"{test} {gate}")
                for gate, entry in gates.items()
                if all(one.bound is None for one in (entry, *entry.env.values()))
            ]
        return [f"{self.shown}:{line}: {what}" for line, what in sorted(found)]


def golden_schema(registry: PipeRegistry) -> Schema:
    """Return the JSON Schema of a file of golden thresholds."""
    gates: Schema = {"type": ["object", "null"], "additionalProperties": False}
    gates["patternProperties"] = {
        f"^{re.escape(name)}(@.*\\S.*)?$": or_empty(entry_of(metric).schema(registry))
        for name, metric in registry.metrics.items()
    }
    return {"type": ["object", "null"], "additionalProperties": gates}


def entry_of(metric: Metric) -> Block:
    """Return the keys of what was approved for a gate of ``metric``."""
    variant = variant_of(metric)
    name = {"pattern": f"^[a-z0-9]+(-[a-z0-9]+)*{END}", "maxLength": LONGEST}
    texts = {"type": ["object", "null"], "propertyNames": name}
    env = unread(
        "entries by environment, each with the keys above",
        lambda registry: {**texts, "additionalProperties": or_empty(variant.schema(registry))},
    )
    key = Key(
        "env",
        env,
        "entries that hold where the edit ran: a name of `--editmetrics-env`, an accelerator's"
        " name, capability (`cuda-sm90`) or kind, `cpu`, or `smoke` for smoke weights",
        f"{{cuda: {{{metric.bound_kind}: {example_bounds(metric)[0]}}}}}",
    )
    return replace(variant, keys=(*variant.keys, key))


def variant_of(metric: Metric) -> Block:
    """Return the keys of what was approved for a gate in one environment."""
    bound = unread("a number that the metric can reach", lambda registry: bound_schema(metric))
    held, review = example_bounds(metric)
    kind = metric.bound_kind
    weights: Schema = {"type": "string", "pattern": f"^({WEIGHTS.pattern})$"}
    dtype: Schema = {"type": "string", "pattern": f"^{DTYPE.pattern}$"}
    size: Schema = {"type": "string", "pattern": f"^{SIZE.pattern}$"}
    digest: Schema = {"type": "string", "pattern": f"^{DIGEST.pattern}$"}
    return Block(
        f"the golden of {metric.name}",
        "what was approved for a gate",
        (
            Key(kind, bound, "the bound, inclusive", held, empty=False),
            Key(
                "review",
                bound,
                "values between it and the bound pass, and are listed",
                review,
                empty=False,
                needs=kind,
            ),
            Key(
                "measured",
                unread("a number", lambda _: {"type": "number"}),
                "the value when the bound was approved",
                review,
                empty=False,
            ),
            Key(
                "weights",
                unread(f"a text in quotes, or `{NO_WEIGHTS}`", lambda _: weights),
                "the first digits of the SHA-256 of each model that gave the value",
                '"94bbe0919378"',
                "whatever weights are there",
                empty=False,
            ),
            Key(
                "digest",
                unread("12 digits of a SHA-256, in quotes", lambda _: digest),
                "of the parameter's value, where pytest names the test by the parameter's place",
                '"5feceb66ffc8"',
                "whatever value the parameter has",
                empty=False,
            ),
            Key(
                "resize",
                _RESIZE,
                "the mode that brought images of unlike sizes to one when `measured` was measured",
                "edited",
                "the images were of one size; of a bound without `measured` nothing is known",
                empty=False,
            ),
            Key(
                "dtype",
                unread("a precision, and that of the SAM", lambda _: dtype),
                "the precision that the models computed in when `measured` was measured",
                "bfloat16",
                "float32; of a bound without `measured` nothing is known",
                empty=False,
            ),
            Key(
                "share",
                unread("a number from 0 to 1", lambda _: between(0, 1)),
                "how much of the picture was measured, outside the edit area, when `measured` was"
                " (of repetitions and runs the least): less than half of it today is an error",
                "0.832",
                f"all of it, or an unknown part of at least {LITTLE}",
                empty=False,
            ),
            Key(
                "size",
                unread("a text: width, x, height", lambda _: size),
                "the size in px of the picture that was compared when `measured` was (of"
                " repetitions and runs the least): less than half of its pixels today is an error",
                '"512x512"',
                "whatever size it has",
                empty=False,
            ),
            Key(
                "edit",
                choice(*EDITS),
                "`none`: the edited image equalled its reference when `measured` was measured (of"
                " repetitions and runs one did), so that it may today",
                "none",
                "there was an edit: an image that equals its reference is an error; of a bound"
                " without `measured` nothing is known",
                empty=False,
            ),
            Key(
                "reason",
                TEXT,
                "why the bound is what it is, for a reviewer: `editmetrics audit` prints it"
                " (`editmetrics approve --reason` writes it)",
                '"JPEG 40 is wanted: half the traffic, #12"',
                empty=False,
            ),
        ),
    )


def gate_key(metric: str, name: str | None) -> str:
    """Return the key of a gate inside its test.

    >>> gate_key("lpips", None), gate_key("lpips", "sky")
    ('lpips', 'lpips@sky')
    """
    return metric if name is None else f"{metric}@{name}"


def check_inside(path: Path, roots: Iterable[Path], rootdir: Path, assets: AssetRoots) -> None:
    """Refuse a golden that a link leads out of all ``roots`` and ``assets``.

    Raises:
        EditMetricsError: the message names where it lies.
    """
    real = real_path(path)
    if not any(real.is_relative_to(real_path(root)) for root in roots) and not assets.hold(real):
        raise EditMetricsError(
            f"{shown_path(path, rootdir)}: a link leads to {real}, out of the project; goldens are"
            " neither read nor written there: put the file itself here, name another root for"
            " all goldens with the ini option editmetrics_goldens, or name the folder there under"
            " `asset_roots` in editmetrics.yaml (Bazel links every file)"
        )


def read_golden_file(path: Path, registry: PipeRegistry, rootdir: Path) -> GoldenFile:
    """Read one file of golden thresholds; an empty file holds none.

    Args:
        path: the file.
        registry: the known metrics.
        rootdir: paths in messages are relative to it.

    Raises:
        ConfigError: with file and line, for anything unknown, misspelt or impossible.
    """
    document = read_yaml(path, rootdir)
    tests = document.root.mapping("a file of goldens")
    blocks: _Blocks = {}
    return GoldenFile(
        path=path,
        shown=shown_path(path, rootdir),
        tests={test: _gates(test, node, registry, blocks) for test, node in tests.items()},
        test_lines={test: node.line for test, node in tests.items()},
    )


# of each metric that the file names: the keys of an entry, and of one in an environment
_Blocks = dict[str, tuple[Block, Block]]


def _gates(
    test: str, node: Node, registry: PipeRegistry, blocks: _Blocks
) -> dict[str, GoldenEntry]:
    gates = {}
    for key, child in node.mapping(f"the goldens of {test!r}").items():
        name, separator, gate_name = key.partition("@")
        own = metric_name(name, child, registry)
        if own != name:
            child.fail(f"{name!r} is another name of {own}; goldens know a metric by its own name")
        if separator and not gate_name.strip():
            child.fail(f"the gate {key!r} has no name after its '@'")
        metric = registry.metrics[name]
        if name not in blocks:
            blocks[name] = (entry_of(metric), variant_of(metric))
        gates[key] = _entry(metric, key, child, *blocks[name])
    return gates


def _entry(metric: Metric, gate: str, node: Node, entry: Block, variant: Block) -> GoldenEntry:
    env = {}
    if node.is_mapping and "env" in node.value:
        for key, child in node.value["env"].mapping(f"env of {gate}").items():
            _check_environment(key, child)
            env[key] = _variant(metric, f"{gate} on {key}", child, variant)
    bare = _variant(metric, gate, node, entry)
    return replace(bare, env=env, line=node.line)


def _variant(metric: Metric, what: str, node: Node, block: Block) -> GoldenEntry:
    if node.is_mapping:
        refuse_other_bound(metric, node)
    elif isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        node.mapping(f"the golden of {what}", like=f"{{{metric.bound_kind}: {node.shown}}}")
    entries = block.nodes(node, f"the golden of {what}")
    bound, measured = entries.get(metric.bound_kind), entries.get("measured")
    weights, digest = entries.get("weights"), entries.get("digest")
    resize, dtype, reason = (entries.get(key) for key in ("resize", "dtype", "reason"))
    share, size, edit = (entries.get(key) for key in ("share", "size", "edit"))
    return GoldenEntry(
        bound=None if bound is None else checked_bound(metric, bound),
        measured=None if measured is None else measured.number(f"measured of {what}"),
        env={},
        line=node.line,
        review=checked_review(metric, entries),
        weights=None if weights is None else checked_text("weights", what, weights),
        digest=None if digest is None else checked_text("digest", what, digest),
        resize=None if resize is None else resize.one_of(f"resize of {what}", _RESIZED),
        dtype=None if dtype is None else checked_text("dtype", what, dtype),
        share=None if share is None else checked_share(what, share),
        size=None if size is None else checked_text("size", what, size),
        edit=None if edit is None else checked_edit(what, edit),
        reason=None if reason is None else reason.text(f"reason of {what}"),
    )


def _check_environment(key: str, node: Node) -> None:
    if wrong := wrong_name(key):
        node.fail(f"the environment {key!r} cannot be: {wrong}")
