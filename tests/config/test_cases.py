from __future__ import annotations

import os

import pytest

from pytest_editmetrics.config.case_file import CaseMark, read_case_file
from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry

DESIGN = """\
metrics: [lpips, emd]
cases:
  - id: remove-dog
    reference: images/dog.png
    edited: outputs/dog_removed.png
    coords: [[0, 211, 437, 534]]
    thresholds: {lpips: {max: 0.05}}
  - id: red mug (v2)
    reference: ../shared/mug.png
    coords: [[120, 80.5, 300, 260], !tuple [0, 0, 1, 1]]
    ref_boxes: [[1, 2, 3, 4]]
    edited_boxes: [[2, 3, 4, 5]]
    metrics: [sam_clip_cls_sim]
    thresholds:
      sam_clip_cls_sim: 0.9
    params: {instruction: 'make the mug ${red}', seeds: [1, 2], deep: {x: 1e-3}}
    marks: [gpu, {xfail: {reason: known, strict: true}}, {skip: }]
    usefixtures: [seeded]
    resize: reference
  - id: empties
    reference: a.png
    edited:
    coords:
    ref_boxes:
    edited_boxes:
    metrics:
    thresholds:
    params:
    marks:
    usefixtures:
    resize:
"""


@pytest.fixture
def read(tmp_path):
    def write_and_read(text):
        path = tmp_path / "tests" / "test_x.edit.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return read_case_file(path, PipeRegistry(), tmp_path)

    return write_and_read


def test_what_a_case_file_holds(read, tmp_path):
    case_file = read(DESIGN)
    dog, mug, empties = case_file.cases
    assert case_file.metrics == ("lpips", "emd")
    assert (dog.id, dog.line) == ("remove-dog", 3)
    assert dog.reference == tmp_path / "tests" / "images" / "dog.png"
    assert dog.edited == tmp_path / "tests" / "outputs" / "dog_removed.png"
    assert dog.coords == ((0, 211, 437, 534),)
    assert dog.metrics is None
    assert dog.thresholds == {"lpips": Threshold("max", 0.05, "case", "tests/test_x.edit.yaml:7")}
    assert mug.reference.resolve() == tmp_path / "shared" / "mug.png"
    assert mug.edited is None
    assert mug.coords == ((120, 80.5, 300, 260), (0, 0, 1, 1))
    assert (mug.ref_boxes, mug.edited_boxes) == (((1, 2, 3, 4),), ((2, 3, 4, 5),))
    assert mug.metrics == ("sam_clip_cls_sim",)
    assert mug.thresholds["sam_clip_cls_sim"].source == "tests/test_x.edit.yaml:15"
    assert mug.params == {
        "instruction": "make the mug ${red}",
        "seeds": [1, 2],
        "deep": {"x": 0.001},
    }
    assert mug.marks == (
        CaseMark("gpu", {}),
        CaseMark("xfail", {"reason": "known", "strict": True}),
        CaseMark("skip", {}),
    )
    assert mug.usefixtures == ("seeded",)
    assert mug.resize == "reference"
    assert (empties.edited, empties.coords, empties.metrics, empties.resize) == (None,) * 4
    assert (empties.thresholds, empties.params, empties.marks) == ({}, {}, ())


def test_what_stands_at_the_top_holds_for_each_case_that_does_not_say_it(read):
    case_file = read(
        "expect: composited\ncases:\n  - {id: a, reference: a.png}\n"
        "  - {id: b, reference: a.png, expect: generative}\n"
        "  - {id: c, reference: a.png, expect: }\n"
    )
    assert [case.expect for case in case_file.cases] == ["composited", "generative", "composited"]


def case(line):
    return f"cases:\n  - id: a\n    reference: a.png\n    {line}\n"


def identified(identity):
    return f"cases:\n  - reference: a.png\n    id: {identity}\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "the file is empty"),
        ("metrics: [lpips]\n", 1, "a file of cases without 'cases'"),
        ("metrics: [lpips]\ncases:\n", 2, "a file of cases without 'cases'"),
        ("metrics: [lpips]\ncases: []\n", 2, "no cases"),
        ("cases: {a: b}\n", 1, "cases must be a list"),
        ("cases: {a: b}\n", 1, "not a mapping; begin each with `- `"),
        ("cases:\n- id: a\n  box: [[1, 2, 3, 4]]\n", 3, "'box' in a case (did you mean 'coords'?)"),
        (
            "cases:\n- id: a\n  reference: a.png\n  params:\n  seed: 7\n",
            5,
            "if it is of 'params' above, indent it",
        ),
        ("cases: [a]\n", 1, "a case must be a mapping"),
        ("case: []\n", 1, "did you mean 'cases'?"),
        ("metrics: []\ncases: [{id: a, reference: b}]\n", 1, "metrics is empty"),
        ("cases:\n  - id: a\n", 2, "a case without 'reference'"),
        ("cases:\n  - reference: a.png\n", 2, "a case without 'id'"),
        (
            "cases:\n  - id: a\n    reference:\n",
            3,
            "a case without 'reference'; it needs `id` and `reference`",
        ),
        (identified(""), 3, "a case without 'id'; it needs"),
        (identified("3"), 3, "must be text, not 3"),
        (identified("''"), 3, "the id of a case is empty"),
        (identified("' '"), 3, "the id of a case is empty"),
        (identified("' a'"), 3, "begins or ends with a space"),
        (identified("a::b"), 3, "has a '::' in it"),
        (identified('"a\\tb"'), 3, "control character"),
        (identified('"a\\u200bb"'), 3, "cannot be shown"),
        (case("") + "  - {id: a, reference: b.png}\n", 5, "the id 'a' is taken, on line 2"),
        (
            case("") + "  - {id: A, reference: b.png}\n",
            5,
            "differs from 'a' in case only, on line 2",
        ),
        (case("coord: []"), 4, "did you mean 'coords'?"),
        (case("coords: [1, 2, 3, 4]"), 4, "as [[0, 0, 64, 64]]"),
        (case("coords: [[1, 2, 3]]"), 4, "as [[0, 0, 64, 64]]"),
        (case("coords: 3"), 4, "coords must be a list"),
        (case("coords: [[1, 2, 3, x]]"), 4, "a number of coords must be a number, not text 'x'"),
        (case("coords: [[1, 2, 3, true]]"), 4, "not true"),
        (case("coords: [[1, 2, 3]]"), 4, "coords"),
        (case("coords: [[1, 2, 3, 4, 5]]"), 4, "coords"),
        (case("coords: [[1, 2, 3, .nan]]"), 4, "finite"),
        (case("ref_boxes: [[1, 2, 3, 4]]"), 4, "there are 1 and 0"),
        (case("edited_boxes: [[1, 2, 3, 4]]\n    ref_boxes: []"), 4, "there are 0 and 1"),
        (case("metrics: [lpisp]"), 4, "did you mean 'lpips'?"),
        (case("thresholds: {lpisp: 1}"), 4, "did you mean 'lpips'?"),
        (case("thresholds: {emd: {min: 1}}"), 4, "'min' on emd"),
        (case("thresholds:\n      emd: {max: yes}"), 5, "must be a number"),
        (case("params: [1]"), 4, "params must be a mapping"),
        (case("marks: gpu"), 4, "marks must be a list"),
        (case("marks: [3]"), 4, "must be text"),
        (case("marks: [two words]"), 4, "is no name of a fixture or mark"),
        (case("marks: [{a: {}, b: {}}]"), 4, "has one name"),
        (case("marks: [{xfail: why}]"), 4, "the arguments of the mark 'xfail' must be a mapping"),
        (case("marks: [parametrize]"), 4, "one case for each parameter"),
        (case("marks: [{usefixtures: {}}]"), 4, "under the key `usefixtures`"),
        (case("usefixtures: [a-b]"), 4, "is no name of a fixture"),
        (case("resize: edit"), 4, "resize cannot be 'edit' (did you mean 'edited'?)"),
        (case("edited: /etc/passwd"), 4, "is the absolute path"),
        (case("edited: C:/x.png"), 4, "is the absolute path"),
        (case("edited: ../../x.png"), 4, "lies outside"),
        (case("edited: 3"), 4, "edited of a case must be text"),
        (case('edited: "a\\0b"'), 4, "control character"),
        (case("id: b"), 4, "'id' is written twice, first on line 2"),
        (case("params: !!python/name:os.system ''"), 4, "is refused"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(read, text, line, says):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith(f"tests/test_x.edit.yaml:{line}: ")
    assert says in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links")
def test_a_link_out_of_the_rootdir_is_outside(read, tmp_path, tmp_path_factory):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "out").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(ConfigError, match=r"test_x\.edit\.yaml:4: edited 'out/x.png' lies outside"):
        read(case("edited: out/x.png"))
    (tmp_path / "tests" / "link.png").symlink_to(tmp_path_factory.mktemp("other") / "x.png")
    with pytest.raises(ConfigError, match=r"test_x\.edit\.yaml:4: edited 'link.png' lies outside"):
        read(case("edited: link.png"))
    (tmp_path / "images").mkdir()
    (tmp_path / "tests" / "in").symlink_to(tmp_path / "images")
    assert read(case("edited: in/x.png")).cases[0].edited == tmp_path / "tests" / "in" / "x.png"
