"""A model that gives one buffer, or one file, for all edits: what the second overwrote is not seen."""

from __future__ import annotations

import pytest
from parameters import first_of

with_two = pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
TWIN = "twin: 1 gate compared the very picture of another check of the same test (first test_x.py::test_it)*"
HEAD = """
import numpy as np
import pytest
from PIL import Image
BOX = (10, 10, 40, 40)
im = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
LEVELS = {"red": 200, "blue": 90}

def edited(colour):
    out = im.copy()
    out[10:40, 10:40] = LEVELS[colour]
    return out

def check_each(gate, edits):
    for name, edit in edits.items():
        gate.check(im, edit, coords=[BOX], name=name, metrics=["unedit_max_diff"])

class Model:
    def __init__(self): self.out = np.empty_like(im)
    def __call__(self, colour):
        self.out[...] = edited(colour)
        return self.out

def in_file(colour):
    Image.fromarray(edited(colour)).save("out.png")
    return "out.png"
"""
SEEN_ONCE = {
    "an array": "check_each(edit_gate, {c: model(c) for c in LEVELS})",
    "views of it": "check_each(edit_gate, {c: model(c)[:] for c in LEVELS})",
    "tensors of it": "check_each(edit_gate, {c: torch.from_numpy(model(c)).permute(2, 0, 1) for c in LEVELS})",
    "check_all": "edit_gate.check_all([dict(reference=im, edited=model(c), coords=[BOX], name=c, metrics=['unedit_max_diff']) for c in LEVELS])",
    "a file": "check_each(edit_gate, {c: in_file(c) for c in LEVELS})",
    "a golden": "edits = {c: model(c) for c in LEVELS}; check_each(edit_gate, edits)",
}  # fmt: skip
ONE = "one = model('red')\n    "
MEANT = {
    "measured as they come": "[check_each(edit_gate, {c: model(c)}) for c in LEVELS]",
    "a generator": "edit_gate.check_all(dict(reference=im, edited=model(c), coords=[BOX], name=c, metrics=['unedit_max_diff']) for c in LEVELS)",
    "copies": "check_each(edit_gate, {c: model(c).copy() for c in LEVELS})",
    "equal images": "check_each(edit_gate, {'one': edited('red'), 'two': edited('red')})",
    "memory that is used again": "[check_each(edit_gate, {c: edited('red')}) for c in 'abc']",
    "two areas": ONE + "edit_gate.check(im, one, coords=[BOX], name='a', metrics=['unedit_max_diff'])\n"
    "    edit_gate.check(im, one, coords=[(5, 5, 50, 50)], name='b', metrics=['unedit_max_diff'])",
    "two masks": ONE + "mask = np.zeros(im.shape[:2], bool); mask[10:40, 10:40] = 1; more = mask.copy(); more[0] = 1\n"
    "    edit_gate.check(im, one, coords=mask, name='a', metrics=['unedit_max_diff'])\n"
    "    edit_gate.check(im, one, coords=more, name='b', metrics=['unedit_max_diff'])",
    "two references": ONE + "other = im.copy(); other[0, 0, 0] ^= 1\n"
    "    edit_gate.check(im, one, coords=[BOX], name='a', metrics=['unedit_max_diff'])\n"
    "    edit_gate.check(other, one, coords=[BOX], name='b', metrics=['unedit_max_diff'])",
    "two metrics": ONE + "edit_gate.check(im, one, coords=[BOX], name='a', metrics=['unedit_max_diff'])\n"
    "    edit_gate.check(im, one, coords=[BOX], name='b', metrics=['unedit_ssim'])",
    "two expectations": ONE + "edit_gate.check(im, one, coords=[BOX], name='a', metrics=['unedit_max_diff'], expect='composited')\n"
    "    edit_gate.check(im, one, coords=[BOX], name='b', metrics=['unedit_max_diff'], expect='reencoded')",
}  # fmt: skip


@pytest.fixture
def run(pytester):
    (pytester.path / "editmetrics.yaml").write_text(
        "thresholds: {unedit_max_diff: {max: 9}, unedit_ssim: {min: 0.1}}\n"
    )

    def run(text, *mode):
        model = "@pytest.fixture(scope='module')\ndef model(): return Model()\n"
        head = HEAD + ("import torch\n" if "torch" in text else "")
        pytester.makepyfile(
            test_x=f"{head}{model}def test_it(edit_gate, model):\n    {text}\n"
            f"def test_again(edit_gate, model):\n    check_each(edit_gate, {{'red': model('red')}})\n"
        )
        result = pytester.runpytest(*mode)
        result.assert_outcomes(passed=2)
        return result

    return run


@with_two
@pytest.mark.parametrize("how", SEEN_ONCE)
def test_two_names_for_one_picture_are_told_in_a_line(run, how, mode):
    result = run(SEEN_ONCE[how], *mode)
    result.stdout.fnmatch_lines([TWIN])


@pytest.mark.parametrize("how", MEANT)
def test_what_is_meant_to_be_measured_apart_is_not(run, how):
    run(MEANT[how]).stdout.no_fnmatch_line("twin:*")


AT_ONCE = """
import torch
PLACES = {{"whole": slice(None), "box": slice(10, 40)}}

def checks():
    out = np.empty_like(im)
    for name, rows in PLACES.items():  # the first loses its background
        out[...] = im
        out[rows] = 255 - out[rows]
        yield dict(reference=im, edited={}, coords=[(0, 10, 64, 40)], name=name, metrics=["unedit_max_diff"])

def test_it(edit_gate): edit_gate.check_all(checks())
"""
WAYS = ["[out]", "out", "(out,)", "out[None]", "[torch.from_numpy(out).permute(2, 0, 1)]"]


@pytest.mark.quick(1)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_measured_is_what_was_given_however_it_was(pytester, way):
    (pytester.path / "editmetrics.yaml").write_text("thresholds: {unedit_max_diff: 9}\n")
    pytester.makepyfile(test_x=HEAD + AT_ONCE.format(way))
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unedit_max_diff@whole *> max 9*"])
    result.stdout.no_fnmatch_line("*unedit_max_diff@box*> max*")


IMAGES = """
def test_it(golden_image):
    model = Model()
    edits = {{colour: model(colour){0} for colour in LEVELS}}
    for colour, edit in edits.items():
        golden_image.check(edit, colour)
def test_other(golden_image): golden_image.check(edited("blue"))
"""


@with_two
@pytest.mark.parametrize("copied", [False, True])
def test_golden_images_of_one_picture_are_told_as_they_are_recorded(pytester, copied, mode):
    (pytester.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    pytester.makepyfile(test_x=HEAD + IMAGES.format(".copy()" if copied else ""))
    lines = [
        "recorded as one picture under two names (does*: 1",
        "  test_x.py::test_it: goldens/test_x.py/*.png, goldens/test_x.py/*.png",
    ]
    result = pytester.runpytest("--editmetrics-update=missing", *mode)
    result.assert_outcomes(passed=2)
    if copied:
        result.stdout.no_fnmatch_line("recorded as one*")
    else:
        result.stdout.fnmatch_lines(lines, consecutive=True)
    result = pytester.runpytest("--editmetrics-update=all", *mode)
    result.stdout.no_fnmatch_line("recorded as one*" if copied else "no such line")
    pytester.runpytest(*mode).stdout.no_fnmatch_line("recorded as one*")


SAME = """
import pytest
@pytest.mark.parametrize("prompt", ["blue", "grey", "none"])
def test_it(golden_image, prompt):
    golden_image.check(edited({}))
"""


@with_two
def test_a_model_that_does_not_read_its_prompt_is_told_as_it_is_recorded(pytester, mode):
    (pytester.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    pytester.makepyfile(test_x=HEAD + SAME.format("'blue'"))
    result = pytester.runpytest("--editmetrics-update=missing", *mode)
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "recorded as the picture of another test (does the model read the prompt[?]): 2",
            "  test_x.py::test_it[[]grey]: goldens/test_x.py/*.png, as of test_x.py::test_it[[]blue]",
            "  test_x.py::test_it[[]none]: goldens/test_x.py/*.png, as of test_x.py::test_it[[]blue]",
        ],
        consecutive=True,
    )
    pytester.runpytest(*mode).stdout.no_fnmatch_line("recorded as*")
