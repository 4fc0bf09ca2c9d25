from __future__ import annotations

import os
import re
import stat
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from pytest_editmetrics.config.bounds import always_holds
from pytest_editmetrics.config.reader import read_yaml
from pytest_editmetrics.errors import ConfigError, EditMetricsError, InputError
from pytest_editmetrics.goldens import provenance, store
from pytest_editmetrics.goldens.approved import Approved, GoldenAddress
from pytest_editmetrics.goldens.environment import Environment
from pytest_editmetrics.goldens.file import gate_key, read_golden_file
from pytest_editmetrics.goldens.recording import (
    Proposal,
    recorded_bound,
    recorded_measured,
    write_proposals,
)
from pytest_editmetrics.goldens.store import Goldens
from pytest_editmetrics.measurement import Margin, Metric, Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry

REGISTRY = PipeRegistry()
LPIPS, EMD, EXCESS = (REGISTRY.metric(name) for name in ("lpips", "emd", "emd_excess"))
COSINE = REGISTRY.metric("sam_clip_cls_sim")
EDITED = REGISTRY.metric("edit_lpips")
LEVELS = Metric("levels", "lower", margin=Margin(0.15, 0.3), low=0, high=255)

GOLDENS = """\
"test_a":
  lpips: {max: 0.1, measured: 0.05, env: {cuda: {max: 0.2}, nvidia-h100: {max: 0.3, measured: 0.25}}}
  emd: {max: 7.9, env: {cuda: {}, smoke: {max: 99}}}
  sam_clip_cls_sim@left: {min: 0.9, measured: 0.95}
  emd_excess:
"""


@pytest.fixture(params=[0, 3600], ids=["just written", "an hour ago"])
def age(request, monkeypatch):
    """How long ago files were written, in seconds."""
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + request.param * 10**9)


@pytest.fixture
def golden(tmp_path):
    path = tmp_path / "tests" / "goldens" / "test_x.py.yaml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def lookup(golden, tmp_path):
    def look(metric, *names, smoke=False, test="test_a", name=None):
        goldens = Goldens(None, tmp_path, REGISTRY)
        address = goldens.address(tmp_path / "tests" / "test_x.py", test, metric, name)
        return goldens.lookup(address, ran_on(*(names or ["cpu"])), smoke)

    golden.write_text(GOLDENS)
    return look


def ran_on(*names):
    return Environment.recorded(names, None, "a gate")


def approved(kind, bound, line, measured=None, env=None, **more):
    source = f"tests/goldens/test_x.py.yaml:{line}"
    return Approved(Threshold(kind, bound, "golden", source), measured, env, **more)


# Addresses


def test_goldens_lie_beside_the_tests_or_under_one_root(tmp_path):
    test_file = tmp_path / "tests" / "sub" / "test_x.py"
    beside = Goldens(None, tmp_path, REGISTRY).address(test_file, "TestA::test_b[c]", "lpips")
    assert beside.file == Path("tests/sub/goldens/test_x.py.yaml")
    assert beside.to_dict()["file"] == "tests/sub/goldens/test_x.py.yaml"
    assert (beside.test, beside.gate) == ("TestA::test_b[c]", "lpips")
    assert GoldenAddress.from_dict(beside.to_dict()) == beside
    rooted = Goldens(tmp_path / "approved", tmp_path, REGISTRY)
    named = rooted.address(test_file, "test_b", "lpips", "sky")
    assert named.file == Path("approved/tests/sub/test_x.py.yaml")
    outside = Goldens(Path("/approved"), tmp_path, REGISTRY).address(test_file, "test_b", "lpips")
    assert outside.file == Path("/approved/tests/sub/test_x.py.yaml")
    assert named.gate == "lpips@sky"
    with pytest.raises(InputError, match="outside the rootdir"):
        rooted.address(Path("/elsewhere/test_x.py"), "test_b", "lpips")


# Lookup


def test_the_nearest_environment_counts(lookup):
    two = {"variants": ("cuda", "nvidia-h100")}
    assert lookup("lpips") == approved("max", 0.1, 2, 0.05, **two)
    assert lookup("lpips", "apple-m1", "mps") == approved("max", 0.1, 2, 0.05, **two)
    t4, h100 = ("tesla-t4", "cuda-sm75", "cuda"), ("nvidia-h100", "cuda-sm90", "cuda")
    assert lookup("lpips", *t4) == approved("max", 0.2, 2, None, "cuda", **two)
    assert lookup("lpips", *h100) == approved("max", 0.3, 2, 0.25, "nvidia-h100", **two)
    assert lookup("lpips", "lab", "cuda") == approved("max", 0.2, 2, None, "cuda", **two)
    assert lookup("sam_clip_cls_sim", name="left") == approved("min", 0.9, 4, 0.95)


def test_of_an_empty_variant_what_is_less_specific_holds_until_it_is_recorded(lookup, golden):
    assert lookup("emd") == approved("max", 7.9, 3, variants=("cuda",))
    waiting = {"variants": ("cuda",), "unstated": True}
    assert lookup("emd", "nvidia-h100", "cuda") == approved("max", 7.9, 3, env="cuda", **waiting)
    golden.write_text('"test_a":\n  emd: {max: 7.9, env: {cuda: {max: 8}, lab: {}, cuda-sm90: }}\n')
    waiting = {"variants": ("cuda", "lab", "cuda-sm90"), "unstated": True}
    names = ("lab", "cuda-sm90", "cuda")
    assert lookup("emd", *names) == approved("max", 8.0, 2, env="lab", **waiting)
    golden.write_text('"test_a":\n  emd: {env: {cuda: {}}}\n')
    waiting["variants"] = ("cuda",)
    assert lookup("emd", "cuda") == Approved(None, None, "cuda", **waiting)


def test_where_an_edit_ran_is_asked_for_only_where_an_entry_has_variants(golden, tmp_path):
    def ask():
        raise EditMetricsError("asked")

    golden.write_text(GOLDENS)
    goldens, nobody = Goldens(None, tmp_path, REGISTRY), Environment(["lab"], ask, lambda: None)
    test_file = tmp_path / "tests" / "test_x.py"
    plain = goldens.address(test_file, "test_a", "sam_clip_cls_sim", "left")
    assert goldens.lookup(plain, nobody, False) == approved("min", 0.9, 4, 0.95)
    varied = goldens.address(test_file, "test_a", "lpips")
    assert goldens.lookup(varied, nobody, True) == Approved(None, None, "smoke")
    with pytest.raises(EditMetricsError, match="asked"):
        goldens.lookup(varied, nobody, False)
    golden.write_text(GOLDENS.replace("nvidia-h100", "lab"))
    found = goldens.lookup(varied, nobody, False)  # the name that the user gave is enough
    assert found is not None
    assert found.env == "lab"
    on_cpu = Environment(["cpu"], ask, lambda: None)  # there it runs beside a GPU
    assert goldens.lookup(varied, on_cpu, False).env is None


def test_the_digest_of_what_holds_is_that_of_the_parameter(golden, tmp_path):
    one, other = "5feceb66ffc8", "94bbe0919378"
    golden.write_text(
        '"test_a[p0]":\n'
        f'  lpips: {{env: {{cuda: {{max: 0.2, digest: "{one}"}}, mps: {{max: 0.3}}}}}}\n'
        f'  emd: {{max: 9, digest: "{other}", env: {{cuda: {{max: 8, digest: "{one}"}}, mps: }}}}\n'
    )
    goldens = Goldens(None, tmp_path, REGISTRY)

    def moved(metric, name, digest):
        address = goldens.address(tmp_path / "tests/test_x.py", "test_a[p0]", metric, None, digest)
        found = goldens.lookup(address, ran_on(name), False)
        return found is not None and found.moved is not None

    assert [moved("lpips", "cuda", digest) for digest in (one, other)] == [False, True]
    assert [moved("lpips", "mps", digest) for digest in (one, other)] == [False, False]
    assert [moved("emd", "cuda", digest) for digest in (one, other)] == [False, True]
    assert [moved("emd", "mps", digest) for digest in (one, other)] == [True, False]
    elsewhere = goldens.address(tmp_path / "tests/test_x.py", "test_a[p7]", "lpips", None, one)
    found = goldens.lookup(elsewhere, ran_on("cuda"), False)
    assert found is not None
    assert "'test_a[p0]'" in str(found.moved)  # the variant's digest names the entry that fits


def test_smoke_weights_see_their_own_variant_only(lookup):
    assert lookup("emd", smoke=True) == approved("max", 99.0, 3, None, "smoke")
    assert lookup("emd", "cuda", smoke=True) == approved("max", 99.0, 3, None, "smoke")
    assert lookup("lpips", smoke=True) == Approved(None, None, "smoke")
    assert lookup("lpips", test="test_gone", smoke=True) == Approved(None, None, "smoke")
    assert lookup("emd", "smoke") == approved("max", 7.9, 3, variants=("cuda",))


def test_where_nothing_is_approved(lookup, golden):
    assert lookup("lpips", test="test_gone") is None
    assert lookup("sam_clip_cls_sim") is None
    assert lookup("emd_excess") == Approved(None, None, None)
    golden.unlink()
    assert lookup("lpips") is None


def test_a_golden_that_cannot_be_used_is_an_error_and_not_a_missing_one(lookup, golden):
    golden.write_text('"test_a":\n  emd: {min: 1}\n')
    with pytest.raises(ConfigError, match=r"^tests/goldens/test_x\.py\.yaml:2: 'min' on emd"):
        lookup("lpips")


@pytest.mark.usefixtures("age")
def test_a_file_is_read_once_and_again_when_it_changed(golden, tmp_path, monkeypatch):
    golden.write_text(GOLDENS)
    read = []
    monkeypatch.setattr(
        store, "read_golden_file", lambda *args: read.append(args) or read_golden_file(*args)
    )
    goldens = Goldens(None, tmp_path, REGISTRY)
    address = goldens.address(tmp_path / "tests" / "test_x.py", "test_a", "lpips")
    first = goldens.lookup(address, ran_on("cpu"), False)
    assert goldens.lookup(address, ran_on("cpu"), False) == first
    assert first is not None
    assert len(read) == 1
    golden.write_text(GOLDENS.replace("test_a", "test_b"))
    assert goldens.lookup(address, ran_on("cpu"), False) is None
    assert len(read) == 2
    golden.unlink()
    assert goldens.lookup(address, ran_on("cpu"), False) is None


@pytest.mark.usefixtures("age")
def test_provenance_is_read_once_and_again_when_it_changed(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(
        provenance, "read_yaml", lambda *args: read.append(args) or read_yaml(*args)
    )
    goldens = Goldens(None, tmp_path, REGISTRY)
    assert goldens.provenance(tmp_path) == {}
    path = tmp_path / provenance.PROVENANCE
    path.write_text("a.png: {sha256: one}\n")
    assert [goldens.provenance(tmp_path) for _ in range(9)] == 9 * [{"a.png": {"sha256": "one"}}]
    assert len(read) == 1
    path.write_text("a.png: {sha256: two}\n")
    assert goldens.provenance(tmp_path) == {"a.png": {"sha256": "two"}}


def test_goldens_that_a_test_did_not_measure(golden, tmp_path):
    golden.write_text('"test_a":\n  lpips: {max: 1}\n  emd: {max: 1}\n"test_b":\n  emd: {max: 1}\n')
    test_file = golden.parents[1] / "test_x.py"
    goldens = Goldens(None, tmp_path, REGISTRY)
    missing = goldens.not_measured({(test_file, "test_a"): {"lpips"}, (test_file, "test_c"): set()})
    assert missing == {"tests/goldens/test_x.py.yaml:3: test_a emd": "emd"}
    elsewhere = tmp_path / "test_y.py"
    assert goldens.not_measured({(elsewhere, "test_a"): set()}) == {}


def test_obsolete_goldens(golden, tmp_path):
    golden.write_text('"test_a":\n  lpips: {max: 1}\n"test_b[x]":\n  emd: {max: 1}\n"test_c":\n')
    golden.with_name("test_gone.py.yaml").write_text('# old\n"test_z":\n  emd: {max: 1}\n')
    golden.with_name("test_other.py.yaml").write_text('"test_y":\n  emd: {max: 1}\n')
    for name in ("test_x.py", "test_other.py"):
        (tmp_path / "tests" / name).touch()
    goldens = Goldens(None, tmp_path, REGISTRY)
    found = goldens.obsolete({tmp_path / "tests" / "test_x.py": {"test_a", "test_c"}}, broken={})
    assert [(entry.source, entry.test) for entry in found] == [
        ("tests/goldens/test_gone.py.yaml:2", "test_z"),
        ("tests/goldens/test_x.py.yaml:3", "test_b[x]"),
    ]
    rooted = Goldens(tmp_path / "tests" / "goldens", tmp_path, REGISTRY)
    (tmp_path / "test_x.py").touch()
    found = rooted.obsolete({tmp_path / "test_x.py": {"test_a", "test_b[x]", "test_c"}}, broken={})
    assert [entry.test for entry in found] == ["test_z", "test_y"]


# Bounds


@pytest.mark.parametrize(
    ("metric", "value", "bound"),
    [
        (LPIPS, 0.0268, 0.0318),
        (LPIPS, 0.1, 0.115),
        (LPIPS, 0.0, 0.005),
        (LPIPS, 0.12345, 0.142),
        (COSINE, 0.913, 0.893),
        (COSINE, 1.0, 0.98),
        (COSINE, 0.99871, 0.9787),
        (COSINE, 0.5, 0.48),
        (COSINE, -0.97, -0.99),
        (EDITED, 0.2, 0.1),
        (EDITED, 1e-9, 5e-10),
        (EMD, 7.18, 7.9),
        (EMD, 7.52, 8.28),
        (EMD, 131.0, 145.0),
        (EMD, 0.0, 0.5),
        (EXCESS, -3.0, -2.5),
        (EXCESS, -0.5, 0.0),
        (LEVELS, 0.0, 0.3),
        (LEVELS, 0.0268, 0.327),
        (LEVELS, 120.4, 139.0),
    ],
)
def test_recorded_bounds(metric, value, bound):
    assert recorded_bound(value, metric, metric.margin) == bound


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_only_a_number_can_be_recorded(value):
    with pytest.raises(InputError, match="only a number can be recorded"):
        recorded_bound(value, LPIPS, LPIPS.margin)


@pytest.mark.parametrize(
    ("metric", "value"),
    [(EDITED, 0.0), (COSINE, -0.98), (COSINE, -0.9999), (LEVELS, 254.0), (LEVELS, 254.99)],
)
def test_a_bound_that_always_holds_is_no_golden_and_the_way_out_is_one(metric, value):
    with pytest.raises(InputError, match=f"{metric.name} is .*would never fail") as refused:
        recorded_bound(value, metric, metric.margin)
    if "smaller margin" in str(refused.value):
        assert not always_holds(metric, recorded_bound(value, metric, Margin(0.0, 0.0)))
    else:
        assert "no margin changes that" in str(refused.value)
        with pytest.raises(InputError):
            recorded_bound(value, metric, Margin(0.0, 0.0))


values = st.floats(-1e9, 1e9, allow_subnormal=False)
cosines = st.floats(-1, 1)
margins = st.builds(Margin, st.floats(0, 2), st.floats(0, 100))
measured = st.one_of(
    st.tuples(st.sampled_from([LPIPS, EMD]), values.map(abs)),
    st.tuples(st.sampled_from([EXCESS, Metric("likeness", "higher")]), values),
    st.tuples(st.just(COSINE), cosines),
    st.tuples(st.just(LEVELS), st.floats(0, 100)),
)


@given(measured, margins)
@example((LPIPS, 0.1), Margin(0.0, 0.0))
def test_a_recorded_bound_lies_outward_and_holds_its_own_value(sample, margin):
    metric, value = sample
    if metric is COSINE and value - margin.around(value) <= -0.98:
        return
    if metric is LEVELS and value + margin.around(value) >= 254:
        return
    bound = recorded_bound(value, metric, margin)
    assert Threshold(metric.bound_kind, bound, "golden", "").holds(value)
    room = margin.around(value)
    low, high = (0, float("inf")) if metric in (LPIPS, EMD) else (float("-inf"), float("inf"))
    low, high = {COSINE: (-1, 1), LEVELS: (0, 255)}.get(metric, (low, high))
    assert low <= bound <= high
    reach = abs(bound - value)
    if low < bound < high:
        assert reach >= room * (1 - 1e-9) - 1e-12
    distance = 1 - bound if metric is COSINE else bound
    assert reach <= room + max(abs(distance), 1e-12) * 0.0101


@given(measured)
def test_rounding_a_rounded_bound_changes_nothing(sample):
    metric, value = sample
    if metric is COSINE and value <= -0.99:
        return
    bound = recorded_bound(value, metric, Margin(0.0, 0.0))
    assert recorded_bound(bound, metric, Margin(0.0, 0.0)) == bound


@given(measured)
def test_a_measured_value_keeps_three_digits_of_the_distance(sample):
    metric, value = sample
    rounded = recorded_measured(value, metric)
    distance = 1 - value if metric is COSINE else value
    assert abs(rounded - value) <= abs(distance) * 0.00501 + 1e-15
    assert recorded_measured(rounded, metric) == rounded


# Writing


@pytest.fixture
def write(golden, tmp_path):
    def record(*entries, path=golden):
        proposals = [
            Proposal(GoldenAddress(path, test, gate), gate.partition("@")[0], *values)
            for test, gate, *values in entries
        ]
        written, failed = write_proposals(proposals, REGISTRY, tmp_path)
        if failed:
            raise EditMetricsError("\n".join(failed.values()))
        return written

    return record


def test_a_new_file_is_made(write, golden, tmp_path):
    path = tmp_path / "new" / "goldens" / "test_y.py.yaml"
    written = write(
        ("test_add_hat[sdxl]", "lpips", 0.0318, 0.026843),
        ("test_add_hat[sdxl]", "emd", 7.9, 7.18),
        ("TestA::test_b", "sam_clip_cls_sim@left eye", 0.893, 0.913),
        ("test_add_hat[sdxl]", "emd", 8.3, 7.52, "cuda"),
        ("TestA::test_b", "lpips", 0.5, 0.4, "smoke"),
        path=path,
    )
    assert written == [path]
    assert path.read_text(encoding="utf-8") == (
        '"test_add_hat[sdxl]":\n'
        "  lpips: {max: 0.0318, measured: 0.0268}\n"
        "  emd: {max: 7.9, measured: 7.18, env: {cuda: {max: 8.3, measured: 7.52}}}\n"
        '"TestA::test_b":\n'
        '  "sam_clip_cls_sim@left eye": {min: 0.893, measured: 0.913}\n'
        "  lpips: {env: {smoke: {max: 0.5, measured: 0.4}}}\n"
    )
    assert [entry.name for entry in path.parent.iterdir()] == ["test_y.py.yaml"]


HANDWRITTEN = """\
# approved by Ada, see the wiki

# about a
"test_a[x]":   # the hat
    lpips:   {max: 0.10,  measured: 5e-2}   # loose on purpose
    emd: {max: 7.9, measured: 7.18, env: {cuda: {}, "nvidia-h100": }}  # two cards

    # about b, not about a
'test_b':
    emd: { max: 7.9,     # over
           measured: 7.18 }
    lpips:
        # a block
        max:  +0.50
        measured: 0.4  # end
test_c:
test_d: {}
test_e:
    lpips:  # none yet
    emd: ~
# the end
"""

WRITTEN = """\
# approved by Ada, see the wiki

# about a
"test_a[x]":   # the hat
    lpips:   {max: 0.10,  measured: 0.08}   # loose on purpose
    emd: {max: 7.9, measured: 7.18, env: {cuda: {max: 8.3, measured: 7.52}, "nvidia-h100": {max: 9.0}}}  # two cards
    emd_excess: {max: 1.0}
    sam_clip_cls_sim@left: {min: 0.9}

    # about b, not about a
'test_b':
    emd: { max: 8.0,     # over
           measured: 7.2, env: {smoke: {max: 3.0}} }
    lpips:
        # a block
        max:  +0.50
        measured: 0.41  # end
        env: {cuda: {max: 0.6}}
    emd_excess: {max: 2.0}
test_c:
    lpips: {max: 0.1}
    emd: {max: 1.0}
test_d: {lpips: {max: 0.2}}
test_e:
    lpips: {max: 0.3}  # none yet
    emd: {max: 4.0}
"test_new[é😀]":
    lpips: {max: 0.00001}
"test \\"quoted\\"":
    lpips: {max: 0.1}
# the end
"""

CHANGES = (
    ("test_a[x]", "emd_excess", 1.0),
    ("test_new[é😀]", "lpips", 1e-5),
    ("test_a[x]", "lpips", 0.1, 0.08),
    ("test_b", "emd_excess", 2.0),
    ("test_a[x]", "emd", 8.3, 7.52, "cuda"),
    ("test_a[x]", "emd", 9.0, None, "nvidia-h100"),
    ("test_b", "emd", 3.0, None, "smoke"),
    ("test_b", "emd", 8.0, 7.2),
    ("test_b", "lpips", 0.5, 0.41),
    ("test_b", "lpips", 0.6, None, "cuda"),
    ("test_c", "lpips", 0.1),
    ("test_a[x]", "sam_clip_cls_sim@left", 0.9),
    ("test_c", "emd", 1.0),
    ("test_d", "lpips", 0.2),
    ("test_e", "lpips", 0.3),
    ("test_e", "emd", 4.0),
    ('test "quoted"', "lpips", 0.1),
)


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_only_what_is_recorded_changes(write, golden, newline, bom):
    golden.write_bytes(bom + HANDWRITTEN.replace("\n", newline).encode())
    assert write(*CHANGES) == [golden]
    assert golden.read_bytes() == bom + WRITTEN.replace("\n", newline).encode()
    before = golden.stat().st_mtime_ns
    assert write(*CHANGES) == []
    assert golden.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"test_a":\n  lpips: {max: 1}', '"test_a":\n  lpips: {max: 1}\n  emd: {max: 2.0}'),
        ("{}\n", "{test_a: {emd: {max: 2.0}}}\n"),
        ('{"test_a": {lpips: {max: 1},}}', '{"test_a": {lpips: {max: 1}, emd: {max: 2.0},}}'),
        ("# nothing", '# nothing\n"test_a":\n  emd: {max: 2.0}\n'),
        ("---\n# nothing\n", '---\n# nothing\n"test_a":\n  emd: {max: 2.0}\n'),
        ("---\ntest_a:\n...\n", "---\ntest_a:\n  emd: {max: 2.0}\n...\n"),
        (
            "test_b:\n   lpips: {}\ntest_a: # x",
            "test_b:\n   lpips: {}\ntest_a: # x\n   emd: {max: 2.0}",
        ),
        ("test_a:\n  emd: {measured: 1}", "test_a:\n  emd: {measured: 1, max: 2.0}"),
        ("test_a:\n  emd:\n    max: 1\n", "test_a:\n  emd:\n    max: 2.0\n"),
        ("test_a: ~ # x\n", "test_a: {emd: {max: 2.0}} # x\n"),
        (
            "test_b:\n  lpips: &l {max: 1}\ntest_a:\n  lpips: *l\ntest_c:\n",
            "test_b:\n  lpips: &l {max: 1}\ntest_a:\n  lpips: *l\n  emd: {max: 2.0}\ntest_c:\n",
        ),
        ("? test_a\n: emd: {max: 1}\n", "? test_a\n: emd: {max: 2.0}\n"),
        (
            "test_b: {}\ntest_c:\n    lpips: {}\n    emd: {}\n",
            'test_b: {}\ntest_c:\n    lpips: {}\n    emd: {}\n"test_a":\n    emd: {max: 2.0}\n',
        ),
        (
            " test_b:\n    lpips: {}\n",
            ' test_b:\n    lpips: {}\n "test_a":\n    emd: {max: 2.0}\n',
        ),
        (
            "test_a:\n  lpips: {max: 1} # x\t\n",
            "test_a:\n  lpips: {max: 1} # x\t\n  emd: {max: 2.0}\n",
        ),
        ("? test_a\n:\n", "? test_a\n:\n  emd: {max: 2.0}\n"),
        (
            "test_a:\n  ? lpips\n  : {max: 1}\n",
            "test_a:\n  ? lpips\n  : {max: 1}\n  emd: {max: 2.0}\n",
        ),
        (
            "? test_b\n: lpips: {}\n",
            '? test_b\n: lpips: {}\n"test_a":\n  emd: {max: 2.0}\n',
        ),
    ],
)
def test_files_of_other_shapes(write, golden, tmp_path, text, expected):
    golden.write_text(text)
    write(("test_a", "emd", 2.0))
    assert golden.read_text() == expected
    assert read_golden_file(golden, REGISTRY, tmp_path).tests["test_a"]["emd"].bound == 2


@pytest.mark.parametrize(
    "text",
    [
        "test_a:\n  emd: &e {max: 1}\ntest_b:\n  emd: *e\n",
        "test_b:\n  emd: &e {max: 1}\ntest_a:\n  emd: *e\n",
        "test_b: &b\n  emd: {max: 1, measured: 1}\ntest_a: *b\n",
        "test_b: &b\n  emd: {max: 1, measured: 1}\ntest_a:\n  <<: *b\n  lpips: {}\n",
    ],
)
def test_what_other_entries_share_is_not_changed(write, golden, text):
    golden.write_text(text)
    with pytest.raises(
        EditMetricsError, match=r"^tests/goldens/test_x\.py\.yaml: the golden was not"
    ):
        write(("test_a", "emd", 2.0))
    assert golden.read_text() == text
    assert [path.name for path in golden.parent.iterdir()] == [golden.name]


def test_anchors_elsewhere_do_not_matter(write, golden):
    golden.write_text("test_b:\n  emd: &e {max: 1}\ntest_c:\n  emd: *e\ntest_a:\n  emd: {max: 1}\n")
    write(("test_a", "emd", 2.0))
    assert golden.read_text().endswith("test_c:\n  emd: *e\ntest_a:\n  emd: {max: 2.0}\n")


def test_a_test_key_of_any_length(write, golden, tmp_path):
    write(("test_a", "emd", 2.0), ("x" * 5000, "emd", 3.0))
    write(("x" * 5000, "lpips", 4.0), ("test_b", "emd", 2.0))
    tests = read_golden_file(golden, REGISTRY, tmp_path).tests
    assert list(tests) == ["test_a", "x" * 5000, "test_b"]
    assert tests["x" * 5000]["lpips"].bound == 4


@pytest.mark.parametrize(
    ("before", "weights", "after"),
    [
        ("", "none", '{max: 2.0}'),
        ("", "aaaaaaaaaaaa", '{max: 2.0, weights: "aaaaaaaaaaaa"}'),
        ("weights: none", "none", '{weights: none, max: 2.0}'),
        ("weights: bbbbbbbb", "none", '{weights: "none", max: 2.0}'),
        ("weights: bbbbbbbb", None, '{weights: bbbbbbbb, max: 2.0}'),
    ],
)  # fmt: skip
def test_that_there_are_no_weights_is_written_where_the_golden_states_some(
    write, golden, before, weights, after
):
    golden.write_text(f"test_a:\n  emd: {{{before}}}\n")
    write(("test_a", "emd", 2.0, None, None, weights))
    assert golden.read_text() == f"test_a:\n  emd: {after}\n"


@pytest.mark.parametrize(
    ("gate", "old", "bound", "written"),
    [
        ("emd", "max: 3, review: 2", 2.1, True),
        ("emd", "max: 3, review: 2", 2.0, False),
        ("emd", "max: 3, review: 2", 1.9, False),
        ("sam_clip_cls_sim", "min: 0.8, review: 0.9", 0.89, True),
        ("sam_clip_cls_sim", "min: 0.8, review: 0.9", 0.9, False),
        ("sam_clip_cls_sim", "min: 0.8, review: 0.9", 0.95, False),
    ],
)
def test_a_review_stays_on_the_good_side(write, golden, gate, old, bound, written):
    golden.write_text(f"test_a:\n  {gate}: {{{old}}}\n")
    if written:
        write(("test_a", gate, bound))
    else:
        with pytest.raises(EditMetricsError, match=r"yaml:2: .* its review (2|0\.9) would not lie"):
            write(("test_a", gate, bound))
    assert (f": {bound}," in golden.read_text()) is written


@pytest.mark.parametrize("length", [997, 998, 999, 1022, 1030])
def test_long_keys_at_the_limit_of_yaml(write, golden, tmp_path, length):
    write(("x" * length, "emd", 2.0))
    write(("test_a", "emd", 3.0), ("x" * length, "lpips", 4.0))
    tests = read_golden_file(golden, REGISTRY, tmp_path).tests
    assert list(tests) == ["x" * length, "test_a"]
    assert (tests["x" * length]["emd"].bound, tests["x" * length]["lpips"].bound) == (2, 4)
    assert tests["test_a"]["emd"].bound == 3


def test_the_worst_of_several_values_for_one_address_is_written(write, golden):
    """They are of repetitions of one test."""
    write(
        ("test_a", "lpips", 0.1, 0.05),
        ("test_a", "lpips", 0.3, 0.15),
        ("test_a", "lpips", 0.2, 0.1),
        ("test_a", "lpips", 0.9, 0.8, "cuda"),
        ("test_a", "sam_clip_cls_sim", 0.9, 0.95),
        ("test_a", "sam_clip_cls_sim", 0.7, 0.8),
    )
    assert golden.read_text().splitlines() == [
        '"test_a":',
        "  lpips: {max: 0.3, measured: 0.15, env: {cuda: {max: 0.9, measured: 0.8}}}",
        "  sam_clip_cls_sim: {min: 0.7, measured: 0.8}",
    ]


def test_values_of_other_weights_for_one_address_are_an_error(write, golden):
    with pytest.raises(EditMetricsError, match=r"test_x\.py\.yaml: lpips of 'test_a' was measured"):
        write(
            ("test_a", "lpips", 0.1, 0.05, None, "aaaaaaaa"),
            ("test_a", "lpips", 0.2, 0.05, None, "bbbbbbbb"),
        )
    assert not golden.exists()


def test_a_file_that_cannot_be_written_is_named_and_the_others_are_written(write, golden, tmp_path):
    (tmp_path / "blocked").write_text("a file where the folder should be")
    blocked = tmp_path / "blocked" / "test_y.py.yaml"
    proposals = [
        Proposal(GoldenAddress(path, "test_a", "lpips"), "lpips", 0.1) for path in (blocked, golden)
    ]
    written, failed = write_proposals(proposals, REGISTRY, tmp_path)
    assert written == [golden]
    assert list(failed) == [blocked]
    says = r"blocked/test_y\.py\.yaml: the golden was not written: (File exists|Not a directory)"
    assert re.fullmatch(says, failed[blocked])
    assert "lpips: {max: 0.1}" in golden.read_text()


def test_a_broken_golden_file_is_not_replaced(write, golden):
    golden.write_text("test_a: [1\n")
    with pytest.raises(EditMetricsError, match=r"test_x\.py\.yaml:1: not valid YAML"):
        write(("test_a", "lpips", 0.1))
    assert golden.read_text() == "test_a: [1\n"


def test_what_could_not_be_read_again_is_not_written(write, golden):
    golden.write_text('"test_a":\n')
    for entry in (
        ("test_a", "lpips", -1.0),
        ("test_a", "lpips", 0.1, None, "CUDA"),
        ("\udc80", "emd", 1.0),
    ):
        with pytest.raises(EditMetricsError, match=r"test_x\.py\.yaml: the golden was not written"):
            write(entry)
    assert golden.read_text() == '"test_a":\n'
    assert [path.name for path in golden.parent.iterdir()] == [golden.name]


def test_an_interrupted_write_leaves_the_old_file(write, golden, monkeypatch):
    golden.write_text(GOLDENS)

    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(("test_a", "lpips", 0.5))
    assert golden.read_text() == GOLDENS
    assert [path.name for path in golden.parent.iterdir()] == [golden.name]


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes and links")
def test_mode_and_links_stay(write, golden, tmp_path):
    real = tmp_path / "real.yaml"
    real.write_text(GOLDENS)
    real.chmod(0o640)
    golden.symlink_to(real)
    write(("test_a", "lpips", 0.5))
    assert golden.is_symlink()
    assert "max: 0.5" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    fresh = golden.with_name("fresh.yaml")
    write(("test_a", "lpips", 0.5), path=fresh)
    fresh.with_suffix(".other").touch()
    assert fresh.stat().st_mode == fresh.with_suffix(".other").stat().st_mode


keys = st.text(min_size=1, max_size=12).filter(lambda key: key.strip())
names = st.none() | st.text("abc é'\"{}:#,-", min_size=1, max_size=6).filter(str.strip)
bounds = st.floats(0, 1e6).map(lambda value: float(f"{value:.3g}"))
environments = st.sampled_from([None, "cuda", "nvidia-h100", "smoke", "cpu"])
entries = st.tuples(
    keys, st.sampled_from(["lpips", "emd"]), names, environments, bounds, st.none() | bounds
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(entries, max_size=6), st.lists(entries, max_size=6))
def test_what_is_written_is_read(golden, tmp_path, first, second):
    golden.unlink(missing_ok=True)
    expected = {}
    for batch in (first, second):
        unique = {
            (test, gate_key(m, name), env): e for e in batch for test, m, name, env, *_ in [e]
        }
        assume(not any("\ud800" <= char <= "\udfff" for e in batch for char in e[0]))
        proposals = [
            Proposal(GoldenAddress(golden, test, gate), metric, bound, value, env)
            for (test, gate, env), (_, metric, _, _, bound, value) in unique.items()
        ]
        write_proposals(proposals, REGISTRY, tmp_path)
        for proposal in proposals:
            key = (proposal.address.test, proposal.address.gate, proposal.env)
            value = (
                proposal.measured
                if proposal.measured is not None
                else expected.get(key, (0, None))[1]
            )
            expected[key] = (proposal.bound, value)
    got = {}
    if golden.exists():
        for test, gates in read_golden_file(golden, REGISTRY, tmp_path).tests.items():
            for gate, entry in gates.items():
                for env, part in {None: entry, **entry.env}.items():
                    if not part.empty:
                        got[test, gate, env] = (part.bound, part.measured)
    assert got == expected
