"""What the reader takes the JSON Schema takes, and what it refuses the schema refuses.

The files are made from the declarations of the keys; then one thing is wrong.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bad_yaml import CASES, CONFIGURATION, GOLDENS
from declared_files import REGISTRY, SHAPES, Leaf, files, places
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from pytest_editmetrics.config.case_file import read_case_file
from pytest_editmetrics.config.manifest import Manifest
from pytest_editmetrics.config.settings import load_settings
from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.goldens.file import read_golden_file
from schemas import NOT_OF_A_SCHEMA, disagreement, validator

READERS = {"settings": load_settings, "goldens": read_golden_file, "cases": read_case_file}
KINDS = tuple(SHAPES)
OF_EACH_KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


def refusal(kind: str, made: Any, folder: Path) -> str | None:
    """Return what the reader says of a file, ``None`` if it takes it."""
    path = folder / ("pairs.jsonl" if kind == "manifest" else "test_x.edit.yaml")
    path.write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
    try:
        if kind == "manifest":
            list(Manifest(path, REGISTRY, folder, lambda expect: (("lpips",), False)).rows())
        else:
            READERS[kind](path, REGISTRY, folder)
    except ConfigError as error:
        return str(error)
    return None


def valid(kind: str, made: Any) -> bool:
    return validator(kind, REGISTRY).is_valid(json.loads(json.dumps(made)))


def file_of(data, kind, wanted=lambda place: True):
    """Give a place that is wanted, and a file in which its key is stated and nothing is wrong."""
    there = {str(place): place for place in places(kind) if wanted(place)}
    place = there[data.draw(st.sampled_from(list(there)))]
    made = data.draw(files(kind, place))
    assume(place.stands_in(made))  # else it was taken out, since it contradicted another
    note(json.dumps(made))
    return made, place


def assert_refused_by_both(kind, made, folder):
    note(json.dumps(made))
    assert refusal(kind, made, folder) is not None
    assert not valid(kind, made)


@pytest.mark.quick(1)
@OF_EACH_KIND
@given(data=st.data())
def test_a_file_made_from_the_declarations_is_read_and_valid(kind, data, folder):
    made, _ = file_of(data, kind)
    assert refusal(kind, made, folder) is None
    assert [error.message for error in validator(kind, REGISTRY).iter_errors(made)] == []


def is_declared(place):
    """Whether the name is not anyone's to choose, as that of a test or a device is."""
    return place.path[-2:-1] != ("env",) and place.path != ("test_a[x]",)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "manifest"])  # has any columns
@given(data=st.data())
def test_a_misspelt_key_is_refused_by_both(kind, data, folder):
    made, place = file_of(data, kind, is_declared)
    holder = place.holding(made)
    holder[f"{place.name}{data.draw(st.sampled_from('xs_'))}"] = holder.pop(place.name)
    assert_refused_by_both(kind, made, folder)


def needs_another(place):
    key = place.holder.key(place.name)
    return key is not None and (key.required or key.needs)


@pytest.mark.quick(1)
@OF_EACH_KIND
@given(data=st.data())
def test_a_key_that_must_stand_is_missed_by_both(kind, data, folder):
    made, place = file_of(data, kind, needs_another)
    holder, key = place.holding(made), place.holder.key(place.name)
    del holder[key.needs or key.name]
    assume(not key.needs or holder[key.name])
    assert_refused_by_both(kind, made, folder)


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-2, -1, 0, 1, 2, 3, 8, 100, 255, 256, 4096, 10_001, 10**9]),
    st.sampled_from([-0.5, 0.5, 1.5, 64.0, 1e-7]),
    st.sampled_from(
        ["", " ", "a", "lpips", "ssim", "x y", "0.5", "a::b", "/a.png", "a\u00a0", "\x07"]
    ),
    st.sampled_from([[], ["lpips"], ["lpips", "lpips"], [1, 2, 3], [0, 0, 9, 9], [[0, 0, 9, 9]]]),
    st.sampled_from(
        [{}, {"max": 0.5}, {"min": 0.5}, {"a": None}, {"mean": 0.5}, [[]], [{}], [None]]
    ),
)


@pytest.mark.more
@OF_EACH_KIND
@settings(max_examples=200)
@given(data=st.data())
def test_of_any_other_value_both_say_the_same(kind, data, folder):
    made, place = file_of(data, kind)
    place.holding(made)[place.name] = data.draw(ANYTHING)
    note(json.dumps(made))
    said = refusal(kind, made, folder)
    if said is None or not NOT_OF_A_SCHEMA.search(said):
        assert valid(kind, made) == (said is None), (place.path, said)


def part_with(place, *wanted):
    """Return the part of the schema of a value that has one of the keywords, if there is one."""
    schema = place.shape.schema if isinstance(place.shape, Leaf) else {}
    parts = [schema, *schema.get("anyOf", [])]
    return next((part for part in parts if part.keys() & set(wanted)), None)


@pytest.mark.parametrize("kind", ["settings", "cases", "manifest"])
@given(data=st.data())
def test_what_is_no_choice_is_refused_by_both(kind, data, folder):
    made, place = file_of(data, kind, lambda place: part_with(place, "enum"))
    choices = [one for one in part_with(place, "enum")["enum"] if one]
    place.holding(made)[place.name] = f"{data.draw(st.sampled_from(choices))}x"
    assert_refused_by_both(kind, made, folder)


ENDS = {"minimum": -1, "exclusiveMinimum": -1, "maximum": 1, "exclusiveMaximum": 1}


@pytest.mark.quick(1)
@pytest.mark.parametrize("kind", ["settings", "goldens", "cases", "manifest"])
@given(data=st.data())
def test_what_lies_out_of_range_is_refused_by_both(kind, data, folder):
    made, place = file_of(data, kind, lambda place: part_with(place, *ENDS))
    schema = part_with(place, *ENDS)
    end = data.draw(st.sampled_from([one for one in ENDS if one in schema]))
    beyond = data.draw(st.sampled_from([1, 2, 1000] if schema["type"] == "integer" else [0.25, 3]))
    place.holding(made)[place.name] = schema[end] + ENDS[end] * beyond
    assert_refused_by_both(kind, made, folder)


@OF_EACH_KIND
def test_every_key_that_is_declared_may_be_drawn(kind):
    for place in places(kind):
        if place.holder.block is not None:
            assert {key.name for key in place.holder.block.keys} == place.holder.inner.keys()


ROOT = Path(__file__).parents[2]
WRITTEN = sorted(
    path
    for folder in ("fixtures", "pytest_editmetrics", "docs")
    for path in (ROOT / folder).rglob("*")
    if path.suffix == ".yaml" or path.parent == ROOT / "fixtures" / "fuzz" / "yaml"
)


@pytest.mark.parametrize("kind", READERS)
def test_of_every_yaml_file_of_the_project_both_say_the_same(kind):
    assert len(WRITTEN) > 150
    problems = []
    for path in WRITTEN:
        said = None
        try:
            READERS[kind](path, REGISTRY, ROOT)
        except ConfigError as error:
            said = str(error)
        if problem := disagreement(kind, path, REGISTRY, said):
            problems.append(f"{path.relative_to(ROOT)} {problem}")
    assert problems == []


BAD = {"settings": CONFIGURATION, "goldens": GOLDENS, "cases": CASES}


@pytest.mark.parametrize("kind", BAD)
def test_of_bad_yaml_both_say_the_same(kind, tmp_path):
    path = tmp_path / "test_x.edit.yaml"
    for case in BAD[kind]:
        text = case.made if isinstance(case.made, bytes) else case.made.encode()
        path.write_bytes(text)
        said = None
        try:
            READERS[kind](path, REGISTRY, tmp_path)
        except ConfigError as error:
            said = str(error)
        assert disagreement(kind, path, REGISTRY, said) is None, case.what
