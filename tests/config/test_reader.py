from __future__ import annotations

import re
import time

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_editmetrics.config.reader import read_yaml
from pytest_editmetrics.errors import ConfigError


@pytest.fixture
def read(tmp_path):
    def write_and_read(text):
        path = tmp_path / "sub" / "a.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return read_yaml(path, tmp_path)

    return write_and_read


@pytest.fixture(params=["c", "pure"])
def loader(request, monkeypatch):
    if request.param == "c":
        assert yaml.__with_libyaml__, "PyYAML without its C loader: half of these tests is missing"
    monkeypatch.setattr(yaml, "__with_libyaml__", request.param == "c")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("-1.", -1.0),
        ("+7", 7),
        ("010", 10),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("9" * 400, int("9" * 400)),
        ("!tuple [1, 2]", (1, 2)),
        ("[1, [2]]", [1, [2]]),
        ("{a: 1}", {"a": 1}),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_values_are_those_of_yaml_1_2(read, loader, text, value):
    data = read(f"k: {text}").data["k"]
    assert data == value
    assert type(data) is type(value)


def test_infinity_and_nan_are_numbers_here_and_refused_where_a_bound_is_wanted(read):
    data = read("a: .inf\nb: -.INF\nc: .nan\nd: 1e999").data
    assert (data["a"], data["b"], data["d"]) == (float("inf"), float("-inf"), float("inf"))
    assert data["c"] != data["c"]


def line_of(document, loc):
    node = document.root
    for key in loc:
        node = node.value[key]
    return node.line


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\ufeff"])
def test_an_empty_file_has_no_value(read, text):
    assert read(text).data is None


def test_byte_order_mark_and_windows_lines(read, loader):
    document = read("\ufeffa:\r\n  b: 1\r\n  c: é😀\r\n")
    assert document.data == {"a": {"b": 1, "c": "é😀"}}
    assert line_of(document, ("a", "c")) == 3


def test_lines(read, loader):
    document = read("# head\na:\n  - x\n  -\n    b: 1\n    c: {d: 2,\n      e: 3}\nf: >\n  text\n")
    lines = {
        (): 2,
        ("a",): 2,
        ("a", 0): 3,
        ("a", 1): 5,
        ("a", 1, "b"): 5,
        ("a", 1, "c", "e"): 7,
        ("f",): 8,
    }
    assert {loc: line_of(document, loc) for loc in lines} == lines


def test_anchors_aliases_and_merge_keys(read, loader):
    document = read("a: &a {x: 1, y: 2}\nb: *a\nc:\n  <<: [*a, {x: 9, z: 3}]\n  y: 5\n")
    assert document.data["b"] == {"x": 1, "y": 2}
    assert document.data["c"] == {"x": 1, "z": 3, "y": 5}
    assert line_of(document, ("b",)) == 2
    assert line_of(document, ("b", "y")) == 1


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", 5, "'c' is written twice, first on line 3"),
        ("a: 1\na: 1\n", 2, "'a' is written twice, first on line 1"),
        ('a: 1\n"a": 1\n', 2, "twice"),
        (
            "a:\n  - !!python/object/apply:os.system ['true']\n",
            2,
            "!!python/object/apply:os.system",
        ),
        ("a: !mine 3\n", 1, "'!mine' is refused"),
        ("a: !tuple 3\n", 1, "'!tuple' is refused"),
        ("a: !tuple {b: 1}\n", 1, "'!tuple' is refused"),
        ("a: !!binary aGk=\n", 1, "!!binary"),
        ("a: !!set {b}\n", 1, "!!set"),
        ("a: &x [*x]\n", 1, "contains itself"),
        ("a: 1\nb: *gone\n", 2, "no &gone above it"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("1: a\n", 1, "a key must be text, not 1"),
        ("~: a\n", 1, "a key must be text, not empty"),
        ("true: a\n", 1, "a key must be text, not true"),
        ("? [a]\n: b\n", 1, "a key must be text, not a list"),
        ("a: 1\nb: {<<: 3}\n", 2, "merges mappings only"),
        ("a: 1\nb: 1\n=======\nb: 2\n", 3, "of a merge conflict (=======)"),
        ("a: 1\r\n=======\r\nb: 2\r\n", 2, "of a merge conflict (=======)"),
        ("a: 1\n>>>>>>> main\n", 2, "of a merge conflict (>>>>>>>)"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", 1, "Git LFS pointer"),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> main\n", 2, "of a merge conflict"),
        ("<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> main\n", 1, "`git checkout --ours`"),
        ("a: 1\nb:\n\tc: 1\n", 3, "a tab or a special character"),
        ("a: 1\nb: [1, 2\n", 2, "closing ']' is missing"),
        ("a: 1\nb: {c: 2\n", 2, "closing '}' is missing"),
        ("a: 1\nb: 'open\n", 2, "never closed"),
        ("a: b: c\n", 1, "quote the text"),
        ("a:\n  b: 1\n c: 2\n", 3, "indentation"),
        ("a: @x\n", 1, "special character"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, "not UTF-8"),
        (b"a: 1\nb: \x00\n", 2, "cannot stand in YAML"),
        (b"a: 1\nb: 1\nc: 1\nd: \x00\n", 4, "cannot stand in YAML"),
        (b"a: 1\nb: 1\nc: 1\nd: \xff\n", 4, "not UTF-8"),
        ("a: 1\nb: " + "9" * 5000, 2, "more than 400 digits"),
        ("a: " + "9" * 401, 1, "more than 400 digits"),
    ],
)
def test_an_error_has_file_and_line_and_a_plain_sentence(read, loader, text, line, says):
    with pytest.raises(ConfigError) as caught:
        read(text)
    where, _, sentence = str(caught.value).partition(f"{line}: ")
    assert where == "sub/a.yaml:"
    assert says in sentence
    assert "\n" not in sentence
    assert caught.value.line == line


def test_nothing_is_executed(read, loader, tmp_path):
    target = tmp_path / "executed"
    for tag in ("apply:os.system", "new:os.system", "apply:subprocess.call"):
        with pytest.raises(ConfigError, match="is refused"):
            read(f"a: !!python/object/{tag} ['touch {target}']\n")
    with pytest.raises(ConfigError, match="is refused"):
        read(f"? !!python/object/apply:os.system ['touch {target}']\n: 1\n")
    assert not target.exists()


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "a: " + "[" * 101]
)
def test_deep_nesting_is_an_error_and_no_crash(read, loader, text):
    with pytest.raises(ConfigError, match=r"a\.yaml:1: nested deeper than 100 levels"):
        read(text)


def test_a_hundred_levels_are_accepted(read, loader):
    text = "[" * 100 + "]" * 100
    assert str(read(text).data) == text
    assert read("{a: " * 100 + "}" * 100).data is not None


def test_depth_counts_through_aliases(read):
    chain = [f"a{i}: &a{i} [*a{i - 1}]" if i else "a0: &a0 [x]" for i in range(3000)]
    with pytest.raises(ConfigError, match=r":10\d: nested deeper"):
        read("\n".join(chain))


def test_aliases_that_expand_without_bound_are_an_error(read):
    laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    laughs += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    started = time.monotonic()
    with pytest.raises(ConfigError, match=r"a\.yaml:6: more than 1,000,000 values"):
        read("\n".join(laughs))
    assert time.monotonic() - started < 5


def test_a_file_that_is_not_there_or_a_folder(tmp_path):
    with pytest.raises(ConfigError, match=r"^gone\.yaml: no such file$"):
        read_yaml(tmp_path / "gone.yaml", tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path, tmp_path)


def test_a_path_outside_the_rootdir_is_shown_whole(tmp_path):
    path = tmp_path / "a.yaml"
    with pytest.raises(ConfigError, match=f"^{path}: no such file"):
        read_yaml(path, tmp_path / "project")


# YAML 1.1, which PyYAML writes, takes these for text and leaves them bare; 1.2 takes them for numbers
NUMBERS = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|0[xo][0-9a-fA-F]+")
words = st.text().filter(lambda text: not NUMBERS.fullmatch(text))
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trees, st.booleans())
def test_what_another_writer_wrote_is_read_as_it_was(read, data, flow):
    text = yaml.safe_dump(data, default_flow_style=flow, allow_unicode=False)
    if "<<" in text:
        return
    assert read(text).data == data


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="ab:-[]{}&*!|>'\"#?, \n\t<1.~\\%@`\u2028é", max_size=40))
def test_any_text_is_read_or_refused_with_a_config_error(read, text):
    try:
        read(text)
    except ConfigError as error:
        assert str(error).startswith("sub/a.yaml")  # noqa: PT017
