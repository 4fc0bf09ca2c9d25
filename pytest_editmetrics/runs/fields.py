"""The fields of a run's results: declared once, for reading, the reference page and its test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_editmetrics.gates.verdict import OTHER_WEIGHTS, UNSTATED

Kind = Literal[
    "text", "number", "whole", "flag", "mapping", "list", "weights", "verdict", "name", "names"
]  # fmt: skip

WORDS: Mapping[Kind, str] = {
    "text": "a text",
    "number": "a number",
    "whole": "a whole number",
    "flag": "`true` or `false`",
    "mapping": "a mapping",
    "list": "a list",
    "weights": "a list of mappings",
    "verdict": "a verdict",
    "name": "the name of an environment",
    "names": "a list of names of environments",
}


@dataclass(frozen=True)
class Field:
    """One field: what it may be, and a sentence for a reader; ``null`` tells that it may be null.

    ``inner`` are the fields of the mapping, or of each mapping of the list; without any, it holds
    whatever keys the text says.
    """

    name: str
    kind: Kind
    text: str
    null: bool = False
    inner: tuple[Field, ...] = ()

    @property
    def lists(self) -> bool:
        """Whether ``inner`` are of each of several mappings."""
        return self.kind in ("list", "weights")

    @property
    def words(self) -> str:
        """What it may be, for readers."""
        return f"{WORDS[self.kind]}, or `null`" if self.null else WORDS[self.kind]


SESSION = (
    Field("record", "text", '`"session"`: the first line'),
    Field("schema", "text", '`"pytest-editmetrics/results"`'),
    Field("version", "whole", "of this format: 1"),
    Field("started", "text", "when, ISO 8601, UTC"),
    Field("versions", "mapping", "of packages that decide a measurement; `null` if not installed"),
    Field(
        "shards",
        "list",
        "of a merged run: each run in it",
        inner=(
            Field("path", "text", "where it lay"),
            Field("started", "text", "when it was started", null=True),
            Field("complete", "flag", "whether it was not cut off"),
        ),
    ),
    Field(
        "scored", "text", "of `editmetrics score`: when the run measured again started", null=True
    ),
    Field(
        "manifest",
        "mapping",
        "of a run that measured a [manifest](../score.md)",
        inner=(
            Field("path", "text", "the manifest"),
            Field("rows", "whole", "how many it has"),
            Field("engine", "text", "what measured them"),
        ),
    ),
)
ATTEMPT = (
    Field("record", "text", '`"gate"`: one gate of one attempt of a test'),
    Field("nodeid", "text", "the test; `manifest::` and the row's id for a manifest"),
    Field(
        "attempt",
        "whole",
        "1, 2, ...: each rerun counts, a crashed attempt too, and each worker of `--dist each`",
    ),
    Field("final", "flag", "whether this attempt was the test's last"),
    Field(
        "outcome",
        "text",
        "of the attempt: `passed`, `failed`, `xfailed`, `xpassed`, `skipped`, `rerun`, or another"
        " plugin's word",
    ),
    Field(
        "other_failure",
        "flag",
        "whether the attempt failed for another reason than its gates; then `approve` leaves them",
    ),
)
GATE = (
    Field("metric", "text", "the metric; `golden_` and the comparator for a golden image"),
    Field("verdict", "verdict", "what the gate came to: [outcomes.md](outcomes.md)"),
    Field("better", "text", "`lower` or `higher`"),
    Field("compares", "text", "`region` or `objects`; `gates` of a self-test"),
    Field("name", "text", "the gate's own name", null=True),
    Field("value", "number", "the score", null=True),
    Field("floor", "number", "what the unedited reference scores (emd, emd_excess)", null=True),
    Field("excess", "number", "the score minus the floor (emd, emd_excess)", null=True),
    Field("scope", "text", "`edit_area`, `unedit_area`, or `null` for the whole image", null=True),
    Field("bound_kind", "text", "`max` or `min`", null=True),
    Field("bound", "number", "what the value is held to", null=True),
    Field("review", "number", "inside `bound` and beyond it the verdict is `review`", null=True),
    Field(
        "origin",
        "text",
        "where the bound was written: `argument`, `marker`, `case`, `golden`, `default`",
        null=True,
    ),
    Field("source", "text", "the place, as `file:line`", null=True),
    Field(
        "distance",
        "number",
        "how far the value lies beyond the bound: positive fails; if only the worst tile of a"
        " golden image does, how far that lies beyond its own",
        null=True,
    ),
    Field("reason", "text", "of a soft failure: [outcomes.md](outcomes.md)", null=True),
    Field("message", "text", "what is to be said of a soft failure or an error", null=True),
    Field("approved", "number", "the golden's measured value", null=True),
    Field(
        "golden",
        "mapping",
        "where the golden is looked up",
        null=True,
        inner=(
            Field("file", "text", "the file, relative to the rootdir"),
            Field("test", "text", "the test's key in it"),
            Field("gate", "text", "the gate's key below that"),
            Field(
                "digest",
                "text",
                "of the parameter's value, where pytest names the test by the parameter's place",
            ),
        ),
    ),
    Field("env", "name", "which environment's entry of the golden holds", null=True),
    Field(
        "environment",
        "names",
        "of where the edit ran, most specific first; empty where it was not asked for, since no"
        " golden has a variant",
    ),
    Field("proposal", "number", "the bound that was recorded", null=True),
    Field("device", "text", "where it was computed: `cpu`, `cuda:0`", null=True),
    Field("device_name", "text", "the name of that device", null=True),
    Field(
        "weights",
        "weights",
        "each model that was used",
        inner=(
            Field("name", "text", "as `editmetrics weights list` calls it"),
            Field("sha256", "text", "the hash of its file"),
            Field("smoke", "flag", "whether it is random"),
        ),
    ),
    Field("smoke", "flag", "whether any of the models is random"),
    Field(
        "region",
        "mapping",
        "what was measured",
        inner=(
            Field("coords", "list", "the boxes, or the shape as a mapping", null=True),
            Field("bounds", "list", "the box around another shape than boxes", null=True),
            Field("ref_boxes", "list", "objects in the reference", null=True),
            Field("edited_boxes", "list", "the same objects in the edited image", null=True),
            Field("width", "whole", "of the reference", null=True),
            Field("height", "whole", "of the reference", null=True),
            Field("resized", "flag", "whether the edited image was resized"),
        ),
    ),
    Field("details", "mapping", "how it was measured, see below"),
    Field("picture", "text", "of a failed gate: where its picture lies", null=True),
    Field(
        "images",
        "mapping",
        "what a run directory keeps of the gate, as paths relative to it",
        inner=(
            Field("reference", "text", "the image before the edit"),
            Field("edited", "text", "the image after it, as the model made it"),
            Field("golden", "text", "the golden image"),
            Field("mask", "text", "white where it was measured"),
            Field(
                "heat",
                "mapping",
                "where it differs",
                inner=(
                    Field("lpips", "text", "LPIPS' map, 8-bit grey"),
                    Field("max", "number", "the value of its white"),
                    Field("patches", "mapping", "what each costs: `rows`, `columns`, `cost`"),
                ),
            ),
            Field("crops", "list", "the objects as SAM isolated them, in pairs"),
        ),
    ),
    Field(
        "snapshot",
        "mapping",
        "of a golden image",
        null=True,
        inner=(
            Field("file", "text", "the golden image, relative to the rootdir"),
            Field("variant", "text", "which environment's golden it is", null=True),
            Field("comparator", "text", "what compared it"),
            Field("tile", "mapping", "the worst tile: `box`, `value`, `bound`", null=True),
            Field("provenance", "mapping", "the golden's entry: what made it", null=True),
            Field("proposed", "mapping", "the entry that this image would get"),
            Field("across", "text", "that golden and image are from different devices", null=True),
        ),
    ),
)
CRASHED = (
    Field("record", "text", '`"crashed"`: a test whose worker died; it has no gates'),
    Field("nodeid", "text", "the test"),
)
END = (
    Field("record", "text", '`"end"`: the last line; a file without it was cut off'),
    Field("gates", "whole", "gates of the final attempts"),
    Field("passed", "whole", "of them with the verdict `pass`"),
    Field("review", "whole", "with `review`"),
    Field("recorded", "whole", "with `recorded`"),
    Field("failed", "whole", "with `fail` or `missing-golden`"),
    Field("errors", "whole", "with `error`"),
    Field("unmeasured", "whole", "with `unmeasured`"),
    Field("crashed", "whole", "tests whose worker died"),
    Field("full", "flag", "whether every test of the collected files ran"),
    Field(
        "obsolete",
        "list",
        "of a full run: golden images that no test uses, which `editmetrics prune` removes",
        inner=(
            Field("file", "text", "the image, relative to the rootdir"),
            Field("sha256", "text", "its hash"),
            Field("reason", "text", "why it is not used"),
        ),
    ),
    Field(
        "suite",
        "mapping",
        "where the configuration has a [suite](../suite.md)",
        inner=(
            Field("base", "text", "the run that it was compared with", null=True),
            Field("why", "text", "it was not judged", null=True),
            Field(
                "gates",
                "list",
                "each gate of the suite",
                inner=(
                    Field("metric", "text", "the metric"),
                    Field("statistic", "text", "as the configuration calls it"),
                    Field("verdict", "text", "`pass` or `fail`"),
                    Field("value", "number", "the statistic; of `paired` the p-value", null=True),
                    Field("kind", "text", "`max` or `min`"),
                    Field("bound", "number", "what it is held to; of `paired` alpha"),
                    Field("by", "number", "how much worse than in the base a gate may be"),
                    Field("source", "text", "where the bound is written"),
                    Field("gates", "whole", "gates of the metric"),
                    Field("measured", "whole", "of them with a value"),
                    Field("message", "text", "why it could not be judged", null=True),
                    Field("better", "text", "`lower` or `higher`"),
                    Field(
                        "change",
                        "mapping",
                        "of gates that compare: `pairs`, `worse`, `improved`, `lost`, `only_base`,"
                        " `only_head`, `mean` and `median` with their intervals (positive is"
                        " worse), and the pairs that `moved` most",
                        null=True,
                    ),
                ),
            ),
        ),
    ),
)
DETAILS = (
    Field("options", "mapping", "the marker's options of the pipe"),
    Field("expect", "text", "how the background was expected to be written"),
    Field("unnamed", "flag", "that `expect` chose the metric, and nobody named it"),
    Field("fixture", "text", "the fixture of the tests that gave the pipe"),
    Field("read", "mapping", "what had to be done to read an image, by `reference` and `edited`"),
    Field("resize", "text", "to which size the edited image was brought"),
    Field("resized_from", "list", "its width and height before"),
    Field("dtype", "text", "the precision, where it is not float32"),
    Field("golden_under", "text", "the golden's key, where another version of pytest named it"),
    Field("automatic", "mapping", "parameters that have no id of their own, by argument"),
    Field("repetitions", "whole", "how often the gate was made in one attempt; the worst is kept"),
    Field("no_golden", "text", "why no golden can hold the value"),
    Field(OTHER_WEIGHTS, "text", "the golden's weights, of an error that is only that they differ"),
    Field(UNSTATED, "text", "the variant that states no bound of its own, so that another holds"),
    Field("change", "text", "of a failing gate: how many pixels differ, by how much, where"),
    Field("causes", "list", "of a failing background: what happened, with its share"),
    Field("manifest", "mapping", "the `row` of a manifest, and its images"),
    Field("not_kept", "text", "which images could not be kept, and why"),
    Field("distance", "whole", "of comparator `pixel`: beyond which distance a pixel counts"),
    Field("largest", "whole", "of comparators `exact` and `pixel`: the largest difference, of 255"),
    Field("caught", "mapping", "of a self-test: the faults that failed a metric"),
    Field("let_through", "list", "of a self-test: the faults that no metric noticed"),
    Field("untried", "list", "of a self-test: the faults that find no room in the image"),
    Field("advice", "text", "of a self-test: what to do"),
)
