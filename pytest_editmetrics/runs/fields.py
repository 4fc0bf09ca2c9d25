"""The fields of a run's results: declared once, for reading, the reference page and its test."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent
from typing import Any, Literal

from pytest_editmetrics.gates.verdict import VERDICTS
from pytest_editmetrics.goldens.environment import names_in, wrong_name

_WEIGHTS_KEYS = ("name", "sha256")
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

_KINDS: Mapping[str, Kind] = {kind: kind for kind in WORDS}


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


def _declared(text: str) -> tuple[Field, ...]:
    """Return fields that are written as ``name kind: text``, those of a mapping indented below it.

    A kind that ends in ``?`` may be null.
    """
    found: list[tuple[int, Field]] = []
    for line in reversed(dedent(text).strip().splitlines()):
        written = re.fullmatch(r"( *)(\w+) (\w+)(\??): (.*)", line)
        assert written, line
        depth, name, kind, null, told = len(written[1]), *written.group(2, 3, 4, 5)
        inner = []
        while found and found[-1][0] > depth:
            inner.append(found.pop()[1])
        found.append((depth, Field(name, _KINDS[kind], told, bool(null), tuple(inner))))
    return tuple(field for _, field in reversed(found))


SESSION = _declared(
    """
    record text: `"session"`: the first line
    schema text: `"pytest-editmetrics/results"`
    version whole: of this format: 1
    started text: when, ISO 8601, UTC
    id text: of the session: what it wrote in several files, and every copy, has the same
    commit text?: the commit that was checked out, changed files or not
    versions mapping: of packages that decide a measurement; `null` if not installed
    shards list: of a merged run: each run in it
      path text: where it lay
      started text?: when it was started
      complete flag: whether it was not cut off
    sessions list: of a merged run: the ids of the sessions in it
    lacks text?: of a merged run: of which shards tests are missing, if any are
    scored text?: of `editmetrics score`: when the run measured again started
    manifest mapping: of a run that measured a [manifest](../how-to/score.md)
      path text: the manifest
      rows whole: how many it has
      engine text: what measured them
      columns mapping: of keys that are called otherwise, the columns that were named
    """
)
ATTEMPT = _declared(
    """
    record text: `"gate"`: one gate of one attempt of a test
    nodeid text: the test; `manifest::` and the row's id for a manifest
    attempt whole: 1, 2, ...: reruns count, a crashed attempt too, and each worker of `--dist each`
    final flag: whether this attempt was the test's last
    outcome text: `passed`, `failed`, `xfailed`, `xpassed`, `skipped`, `rerun`, or a plugin's word
    other_failure flag: whether more failed than goldens can hold; then `approve` leaves its gates
    """
)
GATE = _declared(
    """
    metric text: the metric; `golden_` and the comparator for a golden image
    verdict verdict: what the gate came to: [outcomes.md](outcomes.md)
    better text: `lower` or `higher`
    compares text: `region` or `objects`; `gates` of a self-test
    name text?: the gate's own name
    value number?: the score
    floor number?: what the unedited reference scores (emd, emd_excess)
    excess number?: the score minus the floor (emd, emd_excess)
    scope text?: `edit_area`, `unedit_area`, or `null` for the whole image
    bound_kind text?: `max` or `min`
    bound number?: what the value is held to
    review number?: inside `bound` and beyond it the verdict is `review`
    origin text?: where the bound was written: `argument`, `marker`, `case`, `golden`, `default`
    source text?: the place, as `file:line`
    distance number?: how far beyond its bound the value lies, or the worst tile if it decides
    reason text?: of a soft failure: [outcomes.md](outcomes.md)
    message text?: what is to be said of a soft failure or an error
    approved number?: the golden's measured value
    golden mapping?: where the golden is looked up
      file text: the file, relative to the rootdir
      test text: the test's key in it
      gate text: the gate's key below that
      digest text: of the parameter's value, where pytest names the test by the parameter's place
    env name?: which environment's entry of the golden holds
    environment names: of where the edit ran, most specific first; empty where it was not asked for
    proposal number?: the bound that was recorded
    device text?: where it was computed: `cpu`, `cuda:0`
    device_name text?: the name of that device
    weights weights: each model that was used, and the configuration of CLIP, DINO, SAM 2
      name text: as `editmetrics weights list` calls it
      sha256 text: the hash of its file
      smoke flag: whether it is random
    smoke flag: whether any of the models is random
    region mapping: what was measured
      coords list?: the boxes, or the shape as a mapping
      bounds list?: the box around another shape than boxes
      ref_boxes list?: objects in the reference
      edited_boxes list?: the same objects in the edited image
      width whole?: at which it was measured
      height whole?: at which it was measured
      resize text?: the mode that brought unlike sizes to that: [sizes](../how-to/sizes.md)
      sizes mapping?: what that mode did
        resize text: the mode
        kernel text?: what resized them, or `null` if nothing was scaled
        reference list: width and height of the reference
        edited list: width and height of the edited image
        part list: which part of the reference was compared, if not all of it
        edited_part list: which part of the edited image was compared, if not all of it
        rounded_to whole?: the multiple that explains a change of aspect, if it changed
      drawn mapping?: the boxes as they lie in what was compared
        coords list: the edit area
        ref_boxes list: objects in the reference
        edited_boxes list: the same objects in the edited image
    details mapping: how it was measured, see below
    fixture mapping?: of a gate of a fixture that serves several tests, the worst of its set-ups
      id text: the fixture, as its `nodeid`
      test text: the test that it was set up for, whose outcome the line states
      used_by list: some of the tests that use it
      users whole: how many do
      set_up text: which set-up it was
      failed flag: whether that failed
      other_failure flag: whether it failed for more than goldens can hold
    xfail flag: whether its test, or each that uses its fixture, is marked so: a known fault
    picture text?: of a failed gate: where its picture lies
    images mapping: what a run directory keeps of the gate, as paths relative to it
      reference text: the image before the edit
      edited text: the image after it, as the model made it
      compared mapping: the same two as they were compared, if they were of unlike sizes
        reference text: the image before the edit
        edited text: the image after it
        golden text: of a golden image: it, and the image after the edit, both laid on black
      numbers mapping: the same two by their bare numbers, if a colour profile makes them others
        reference text: the image before the edit
        edited text: the image after it
      golden text: the golden image
      mask text: white where it was measured
      heat mapping: where it differs
        lpips text: LPIPS' map, 8-bit grey
        max number: the value of its white
        patches mapping: what each costs: `rows`, `columns`, `cost`
      crops list: the objects as SAM isolated them, in pairs
    snapshot mapping?: of a golden image
      file text: the golden image, relative to the rootdir
      variant text?: which environment's golden it is
      sha256 text: of its file, if it was there
      comparator text: what compared it
      joined list: all comparators that have to hold
      lost flag: whether provenance.yaml has an entry of the golden, and its file is not there
      no_entry flag: whether provenance.yaml has no entry of the golden's file
      signed flag: whether the entry that it lacks is written where its test passes
      unstated flag: whether the golden's entry names no comparator, so that lpips alone holds it
      tile mapping?: the worst place: `box`, `value`, `bound`
      provenance mapping?: the golden's entry: what made it
      proposed mapping: the entry that this image would get
      across text?: that golden and image are from different devices
      picture text: what its pixels would be called in `images`, if there was no golden
      left text: a golden of its name that a test file which is gone left beside
      profile text: how the colour profile of the image is another than its golden's
    """
)
CRASHED = _declared(
    """
    record text: `"crashed"`: a test whose worker died, perhaps after some of its gates
    nodeid text: the test
    again flag: whether it was run again
    """
)
FAILED = _declared(
    """
    record text: `"failed"`: what pytest reported as failed for another reason than a gate
    nodeid text: the test, or the file that could not be collected
    when text: `setup`, `call`, `teardown`, or `collect` of a file
    message text: the first line of what pytest says
    asks flag: whether it asks for gates, made or not; always of a file
    """
)
PROBLEM = _declared(
    """
    record text: `"problem"`: what failed the session besides its tests
    text text: what is said of it, entries on lines of their own
    """
)
END = _declared(
    """
    record text: `"end"`: the last line; a file without it was cut off
    gates whole: gates of the final attempts
    passed whole: of them with the verdict `pass`
    review whole: with `review`
    recorded whole: with `recorded`
    failed whole: with `fail` or `missing-golden`, or failed as an option asked
    expected whole: such as failed and whose test is xfailed; they are not in `failed`
    errors whole: with `error`
    unmeasured whole: with `unmeasured`
    crashed whole: tests whose worker died
    failed_tests whole: what pytest counted as failed: tests, and files that it could not collect
    full flag: whether every test of the collected files ran
    obsolete list: golden images that no test uses, for `prune`; not of a part of the suite
      file text: the image, relative to the rootdir
      sha256 text: its hash
      reason text: why it is not used
      wanted flag: whether a test looks in vain for what may be this one, so that `prune` leaves it
    unheld mapping: goldens of no test that was found; obsolete where the run has `obsolete`
      strict flag: whether they fail (`--editmetrics-strict`)
      files mapping: golden files looked at: whether all tests of their file were found
      found text: a sum of the ids of all tests that were found
      ran text: a sum of the ids of those that ran
      new mapping: of golden files with such entries, tests without a golden, and their gates
      entries list: golden thresholds
        source text: the place, as `file:line`
        test text: the key of the test, or fixture
        of_parameter flag: whether the test is there, with other parameters
        none_left flag: whether none of its parameters that are there has an entry
        no_test flag: whether its test file is there, and gave no test
        gates list: the labels of its goldens
      images list: golden images
        file text: the image, relative to the rootdir
        sha256 text: its hash
        reason text: why it is not used
        wanted flag: whether a test looks in vain for what may be this one
      moves mapping: of golden files with such entries: where their tests are now
      left mapping: tests with gates that did not run, by file and by what left them out
      options mapping: the values of the options that may have left them out
      passed_by mapping: other golden files (`/`: images) whose test file is there: if collected
      asked flag: whether the run was asked for some files only; not of merged shards
      unread list: files that may have tests and gave none
      open mapping: tests that may compare golden images and came to none, by file
      bound_lost text: a test that may be of `entries` and that a default bound let pass, or empty
    suite mapping: where the configuration has a [suite](../how-to/suite.md)
      base text?: the run that it was compared with
      why text?: it was not judged
      gates list: each gate of the suite
        metric text: the metric
        statistic text: as the configuration calls it
        verdict text: `pass` or `fail`
        value number?: the statistic; of `paired` the p-value
        kind text: `max` or `min`
        bound number: what it is held to; of `paired` alpha
        by number: how much worse than in the base a gate may be
        source text: where the bound is written
        gates whole: gates of the metric
        measured whole: of them with a value
        message text?: why it could not be judged
        better text: `lower` or `higher`
        change mapping?: of gates that compare: how many pairs became worse, and by how much
        worst list: of a failing gate: the gates of the metric with the worst values
    """
)
DETAILS = _declared(
    """
    options mapping: the marker's options of the pipe
    expect text: how the background was expected to be written
    facts mapping: what the test told of the edit; a case's `params`
    unnamed flag: that `expect` chose the metric, and nobody named it
    fixture text: the fixture of the tests that gave the pipe
    read mapping: what had to be done to read an image, by `reference` and `edited`
    colour text: `numbers`, where colour profiles were left aside
    resize text: the mode that brought images of unlike sizes to one
    sizes mapping: what it did, as in `region`
    dtype text: the precision, and that of the SAM, where one is not float32
    env_given text: the names of `--editmetrics-env`, with which it has to be recorded
    golden_under text: the golden's key, where another version of pytest named it
    automatic mapping: parameters that have no id of their own, by argument
    repetitions whole: how often the gate was made in one attempt; the worst is kept
    approved_image text: of a golden image of which no pixel was compared: the one that was approved
    no_golden text: what keeps the value from being a golden
    fails_its_test text: the option that makes a gate fail which is for review, or unmeasured
    fetch list: weights that were missing, as `editmetrics weights fetch` takes them
    through text: what of the model or its preprocessing ran through transformers' own class
    other_weights text: the golden's weights, of an error that is only that they differ
    other_resize text: the golden's mode, of an error that is only that it differs
    black flag: that the images are black, so that no fault shows
    unchanged flag: that both images are equal, the edit area too, or all that was to be rewritten
    equal flag: that both images are equal, where no edit area was given
    unedited flag: of repetitions, that one of them was unchanged
    twin text: the name of another check of the test, alike, that had the very same picture
    ground text: `black`, where both were laid on it since white hides most of what changed
    share number: the share of the picture that was measured, if an edit area leaves some out
    other_dtype text: the golden's precision, of an error that is only that it differs
    other_share text: the golden's share, of an error that is only that today's is another
    other_size text: the golden's size, of an error that is only that today's is much less
    least_size text: of repetitions of unlike sizes, the one with the fewest pixels
    other_picture text: the golden's value, of an error that is only that nothing is edited today
    golden_left_under list: tests under which an earlier recording left the fixture's golden
    env_unstated text: the variant that states no bound of its own, so that another holds
    change text: of a failing gate: how many pixels differ, by how much, where
    causes list: of a background that fails, or is recorded and looks broken: what happened
    manifest mapping: the `row` of a manifest, its images, its other `columns`
    not_kept text: which images could not be kept, and why
    distance whole: of comparator `pixel`: beyond which distance a pixel counts
    largest whole: of comparators `exact` and `pixel`: the largest difference, of 255
    caught mapping: of a self-test: the faults that failed a metric
    since mapping: of a self-test: the weakest strength that failed one, by fault
    let_through list: of a self-test: the faults that no metric noticed, however strong
    wrong_edit list: of a self-test: those let through that stand for a wrong edit in the edit area
    held mapping: of a self-test: the wrong edits that golden images notice, by whose they are
    untried list: of a self-test: the faults that find no room in the image
    advice text: of a self-test: what to do
    """
)


def as_held(field: Field, value: Any) -> Any:
    """Return the value of a field of a gate as ``Gate`` holds it.

    Raises:
        ValueError: it is none of this field.
    """
    kept = value
    if value is None:
        valid = field.null
    elif field.kind == "verdict":
        valid = isinstance(value, str) and value in VERDICTS
    elif field.kind == "number":
        kept = _number(value)
        valid = kept is not None
    elif field.kind == "mapping":
        valid = isinstance(value, dict)
    elif field.kind == "weights":
        valid = isinstance(value, list) and all(
            isinstance(item, dict) and all(isinstance(item.get(key), str) for key in _WEIGHTS_KEYS)
            for item in value
        )
        kept = tuple(value) if valid else value
    elif field.kind == "flag":
        valid = type(value) is bool
    elif field.kind == "name":
        valid = isinstance(value, str) and not wrong_name(value)
    elif field.kind == "names":
        kept = names_in(value)
        valid = kept is not None
    else:
        valid = isinstance(value, str)
    if not valid:
        raise ValueError(field.name)
    return kept


def _number(value: Any) -> float | None:
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
