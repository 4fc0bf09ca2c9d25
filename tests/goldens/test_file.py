from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_editmetrics.errors import ConfigError, InputError
from pytest_editmetrics.goldens.approved import Approved
from pytest_editmetrics.goldens.file import GoldenEntry, gate_key, read_golden_file
from pytest_editmetrics.goldens.recording import recorded_bound, recorded_measured
from pytest_editmetrics.measurement import Margin, Metric, Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry

DESIGN = """\
# tests/goldens/test_portrait.py.yaml
"test_add_hat[sdxl]":
  lpips: {max: 0.0318, measured: 0.0268}
  sam_clip_cls_sim: {min: 0.893, measured: 0.913}
  emd: {max: 7.9, measured: 7.18, env: {cuda: {max: 8.3, measured: 7.52}}}
"TestHat::test_hat[a b]":
  lpips@left eye:
    measured: 1e-3
    env:
      nvidia-h100: {}
      smoke: {max: 3}
  emd_excess: {max: -1}
"test_empty":
"test_none_yet":
  lpips:
  emd: {}
"""


@pytest.fixture
def read(tmp_path):
    def write_and_read(text):
        path = tmp_path / "tests" / "goldens" / "test_x.py.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return read_golden_file(path, PipeRegistry(), tmp_path)

    return write_and_read


def test_what_a_golden_file_holds(read, tmp_path):
    golden_file = read(DESIGN)
    hat = golden_file.tests["test_add_hat[sdxl]"]
    assert hat["lpips"] == GoldenEntry(0.0318, 0.0268, {}, 3)
    assert hat["sam_clip_cls_sim"] == GoldenEntry(0.893, 0.913, {}, 4)
    assert hat["emd"] == GoldenEntry(7.9, 7.18, {"cuda": GoldenEntry(8.3, 7.52, {}, 5)}, 5)
    other = golden_file.tests["TestHat::test_hat[a b]"]
    eye = other[gate_key("lpips", "left eye")]
    assert (eye.bound, eye.measured, eye.line) == (None, 0.001, 7)
    assert eye.env == {
        "nvidia-h100": GoldenEntry(None, None, {}, 10),
        "smoke": GoldenEntry(3.0, None, {}, 11),
    }
    assert eye.env["nvidia-h100"].empty
    assert not eye.empty
    assert other["emd_excess"].bound == -1
    assert golden_file.tests["test_empty"] == {}
    assert all(entry.empty for entry in golden_file.tests["test_none_yet"].values())
    assert golden_file.test_lines["test_none_yet"] == 14
    assert golden_file.path == tmp_path / "tests" / "goldens" / "test_x.py.yaml"
    assert golden_file.shown == "tests/goldens/test_x.py.yaml"


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_file_holds_nothing(read, text):
    assert read(text).tests == {}


HEAD = '"test_a":\n  '


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (
            HEAD + 'lpips: {max: 1}\n"test_a":\n  emd: {max: 1}\n',
            3,
            "written twice, first on line 1",
        ),
        (HEAD + "lpips: {max: 1}\n  lpips: {max: 2}\n", 3, "written twice, first on line 2"),
        (HEAD + "lpips:\n    max: 1\n    measured: 1\n    max: 2\n", 5, "twice, first on line 3"),
        (HEAD + "lpips: {treshold: 0.1}\n", 2, "unknown key 'treshold' in the golden of lpips"),
        (HEAD + "lpips: {mesured: 0.1}\n", 2, "did you mean 'measured'?"),
        (HEAD + "emd: {min: 1}\n", 2, "'min' on emd, which is lower-is-better: write 'max'"),
        (HEAD + "sam_clip_cls_sim: {max: 1}\n", 2, "which is higher-is-better: write 'min'"),
        (HEAD + "emd: {env: {cuda: {min: 1}}}\n", 2, "'min' on emd"),
        (HEAD + "emd:\n    max: ${a.b}\n", 3, "max of emd must be a number, not text '${a.b}'"),
        (HEAD + "emd: {max: yes}\n", 2, "not text 'yes'"),
        (HEAD + "emd: {max: .nan}\n", 2, "finite"),
        (HEAD + "emd: {max: -0.1}\n", 2, "can never hold"),
        (HEAD + "emd: {measured: .inf}\n", 2, "measured of emd must be a finite number"),
        (HEAD + "emd: 3\n", 2, "must be a mapping"),
        (HEAD + "emd: [3]\n", 2, "must be a mapping"),
        (HEAD + "emdd: {max: 1}\n", 2, "unknown metric 'emdd' (did you mean 'emd'?)"),
        (HEAD + '"emd@": {max: 1}\n', 2, "no name after its '@'"),
        (
            HEAD + "emd: {env: {'cuda:0': {}}}\n",
            2,
            "a device's number is no part of it: write 'cuda'",
        ),
        (HEAD + "emd: {env: {NVIDIA H100: {}}}\n", 2, "write 'nvidia-h100'"),
        (HEAD + "emd: {env: {ci_a100: {}}}\n", 2, "write 'ci-a100'"),
        (HEAD + "emd: {env: {'é': {}}}\n", 2, "the environment 'é' cannot be"),
        (HEAD + f"emd: {{env: {{{'x' * 65}: {{}}}}}}\n", 2, "longer than 64 characters"),
        (
            HEAD + "emd: {env: {cuda: {env: {}}}}\n",
            2,
            "unknown key 'env' in the golden of emd on cuda",
        ),
        (HEAD + "emd: {env: [cuda]}\n", 2, "env of emd must be a mapping"),
        ("- test_a\n", 1, "a file of goldens must be a mapping"),
        ("test_a: [lpips]\n", 1, "the goldens of 'test_a' must be a mapping"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(read, text, line, says):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith(f"tests/goldens/test_x.py.yaml:{line}: ")
    assert says in str(caught.value)


def test_a_python_tag_executes_nothing(read, tmp_path):
    target = tmp_path / "executed"
    for place in (HEAD + "emd: {}", HEAD + "emd: {{max: {}}}", "{}", "{}: 1"):
        tag = f"!!python/object/apply:os.system ['touch {target}']"
        with pytest.raises(ConfigError, match=r"test_x\.py\.yaml:[12]: the tag '!!python/object/"):
            read(place.replace("{}", tag).replace("{{", "{").replace("}}", "}"))
    assert not target.exists()


def test_five_thousand_goldens_are_read_in_about_a_second(read):
    entry = '"test_{i}[{i}]":\n  lpips: {{max: 0.0318, measured: 0.0268}}\n'
    text = "".join(entry.format(i=i) for i in range(5000))
    started = time.process_time()
    assert len(read(text).tests) == 5000
    assert time.process_time() - started < 3


@pytest.mark.parametrize("stated", ["none", "94bbe091", "94bbe0919378 a6a92bb4fe19", "0" * 64])
def test_the_weights_that_a_golden_was_measured_with(read, stated):
    text = f'"test_a":\n  lpips: {{max: 0.1, weights: "{stated}", env: {{cuda: {{max: 0.2}}}}}}\n'
    entry = read(text).tests["test_a"]["lpips"]
    assert entry.weights == stated
    assert entry.env["cuda"].weights is None


@pytest.mark.parametrize(
    "stated", ["94810919", "94bb", '"94BBE0919378"', "[94bbe0919378]", '""', '"94bbe0919378 "']
)
def test_weights_that_are_no_hash(read, stated):
    with pytest.raises(ConfigError, match=r"yaml:2: weights of lpips must be 'none' or, in quotes"):
        read(f'"test_a":\n  lpips: {{max: 0.1, weights: {stated}}}\n')


@pytest.mark.parametrize(
    ("stated", "today", "other"),
    [
        (None, ["a" * 64], False),
        ("none", [], False),
        ("none", ["a" * 64], True),
        ("aaaaaaaa", [], True),
        ("aaaaaaaa", ["a" * 64], False),
        ("aaaaaaaa bbbbbbbb", ["a" * 64, "b" * 64], False),
        ("aaaaaaaa bbbbbbbb", ["b" * 64, "a" * 64], True),
        ("aaaaaaaa", ["a" * 64, "b" * 64], True),
        ("aaaaaaaa", ["what a pipe of a user calls them"], False),
    ],
)
def test_when_weights_are_other_ones(stated, today, other):
    assert Approved(None, None, None, stated).other_weights(today) is other


@pytest.mark.parametrize(
    ("metric", "number", "write"),
    [
        ("unedit_max_diff", "1.0", "{max: 1.0}"),
        ("unedit_psnr", "40", "{min: 40}"),
        ("edit_lpips", "0.2", "{min: 0.2}"),
        ("lpips", "true", "{max: 0.1}"),
    ],
)
def test_a_bare_number_is_told_how_to_be_written(read, metric, number, write):
    with pytest.raises(ConfigError, match=re.escape(f"not {number}; write {write}")):
        read(f'"test_a":\n  {metric}: {number}\n')


@given(
    st.floats(-1e6, 1e6),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from(
        [Metric("a", "lower"), Metric("b", "higher"), Metric("c", "higher", low=-1, high=1)]
    ),
)
def test_what_is_recorded_lies_inside_its_own_bound(value, relative, absolute, metric):
    if metric.high == 1:
        value = max(-1.0, min(1.0, value))
    try:
        bound = recorded_bound(value, metric, Margin(relative, absolute))
    except InputError:
        return
    measured = recorded_measured(value, metric)
    assert Threshold(metric.bound_kind, bound, "golden", "").holds(measured)
