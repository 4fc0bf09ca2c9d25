"""Ways in which a run could end green without having measured, and what they end as."""

from __future__ import annotations

import pytest
from conftest_text import add_to_conftest

from pytest_editmetrics.runs.folder import read_run

CONFIG = "metrics: [score, likeness]\nthresholds: {score: {max: 0.5}, likeness: {min: 0.0}}\n"
CHECK = "from conftest import image\ndef test_it(edit_gate): edit_gate.check(image(0), image(20))\n"


@pytest.mark.parametrize("start", ["", "tests", "tests/deep"])
def test_the_configuration_is_found_from_wherever_pytest_starts(suite, monkeypatch, start):
    (suite.path / "tests" / "deep").mkdir(parents=True)
    (suite.path / "editmetrics.yaml").write_text("thresholds: {lpips: {max: 0}}\n")
    (suite.path / "tests" / "deep" / "test_x.py").write_text(
        "import numpy as np\ndef test_it(edit_gate):\n"
        "    a = np.zeros((64, 64, 3), np.uint8)\n    edit_gate.check(a, a.copy())\n"
    )
    monkeypatch.chdir(suite.path / start)
    result = suite.runpytest(suite.path / "tests" / "deep", "-W", "ignore")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["editmetrics: configuration *editmetrics.yaml"])


def test_an_approved_gate_that_is_no_longer_measured_is_named_and_can_fail(suite):
    (suite.path / "editmetrics.yaml").write_text(CONFIG)
    suite.mkdir("goldens").joinpath("test_x.py.yaml").write_text(
        '"test_it":\n  score: {max: 0.3}\n  score@hat: {max: 0.3}\n'
        '"test_empty":\n  score: {max: 0.3}\n'
    )
    suite.makepyfile(test_x=CHECK + "def test_empty(): pass\n")
    result = suite.runpytest()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "approved but not measured: 2 goldens*",
            "  goldens/test_x.py.yaml:3: test_it score@hat",
            "  goldens/test_x.py.yaml:5: test_empty score",
        ]
    )
    result = suite.runpytest("--editmetrics-strict=regressed")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: approved but not measured: 2 goldens*"])


def test_a_threshold_of_what_is_not_measured_is_an_error(suite):
    suite.makepyfile(
        """
        import pytest
        from conftest import image
        @pytest.mark.editmetrics(metrics=["score"], thresholds={"score": 1, "likeness": 0.1})
        def test_it(edit_gate): edit_gate.check(image(0), image(20))

        @pytest.mark.editmetrics(thresholds={"score": 1, "likeness": 0.1})
        class TestBoth:
            def test_score(self, check): check(20)
            def test_likeness(self, check): check(20, metric="likeness")
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines(["*threshold of 'likeness', which this test does not measure*"])


def test_a_case_with_a_threshold_of_what_is_not_measured_is_an_error(suite):
    (suite.path / "test_x.edit.yaml").write_text(
        "metrics: [score]\ncases:\n  - {id: a, reference: r.png, edited: e.png,\n"
        "     thresholds: {likeness: {min: 0.1}}}\n"
    )
    result = suite.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_x.edit.yaml:4: a threshold of likeness*not measure*"])


def test_an_optional_marker_option_of_one_helper_leaves_the_other_alone(suite):
    suite.makepyfile(
        """
        import pytest
        from conftest import image
        from pytest_editmetrics import assert_unedit_lpips_below
        import numpy as np
        @pytest.mark.editmetrics(net="alex")
        def test_it(check):
            a = np.zeros((64, 64, 3), np.uint8)
            assert_unedit_lpips_below(a, a.copy(), None, 0)
            check(1, 1)
        """
    )
    suite.runpytest().assert_outcomes(passed=1)


def test_two_folders_outside_the_rootdir_keep_their_goldens_apart(suite):
    (suite.path / "a").mkdir()
    (suite.path / "a" / "pytest.ini").write_text("[pytest]\n")
    conftest = (suite.path / "conftest.py").read_text()
    for folder in ("b", "b/sub"):
        (suite.path / folder).mkdir()
        (suite.path / folder / "conftest.py").write_text(conftest if folder == "b" else "")
        (suite.path / folder / f"test_{folder[2:]}m.py").write_text(
            "def test_it(check): check(20)\n"
        )
    args = ("-c", "a/pytest.ini", "--rootdir=a", "b/test_m.py", "b/sub/test_subm.py")
    suite.runpytest(*args, "--editmetrics-update=missing").assert_outcomes(passed=2)
    written = sorted(str(p.relative_to(suite.path)) for p in suite.path.rglob("*.yaml"))
    assert written == ["b/goldens/test_m.py.yaml", "b/sub/goldens/test_subm.py.yaml"]


@pytest.mark.parametrize(
    "boxes", ["iter(BOX)", "map(tuple, BOX)", "(b for b in BOX)", "np.array(BOX)"]
)
def test_any_iterable_of_boxes_is_read_once(pytester, boxes):
    pytester.makepyfile(
        f"""
        import numpy as np
        from pytest_editmetrics import assert_unedit_lpips_below, assert_object_sim_above
        BOX = [[32, 32, 64, 64]]
        def test_it():
            a = np.zeros((96, 96, 3), np.uint8)
            b = a.copy()
            b[32:64, 32:64] = 255
            m = assert_unedit_lpips_below(a, b, {boxes}, 0)
            assert m.scope == "unedit_area" and m.details["measured_fraction"] < 1
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize("arguments", ["5", "'abc'", "np.ones((96, 96), bool)"])
def test_what_is_no_list_of_boxes_is_named(pytester, arguments):
    pytester.makepyfile(
        f"""
        import numpy as np
        from pytest_editmetrics import assert_object_sim_above
        def test_it():
            a = np.zeros((96, 96, 3), np.uint8)
            assert_object_sim_above(a, a.copy(), {arguments}, 0)
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*sam_clip_cls_sim could not be judged: coords *boxes (x1, y1, x2, y2)*"]
    )


@pytest.mark.parametrize(
    "body",
    [
        "    with ThreadPoolExecutor(1) as pool: pool.submit(lambda: check(14, 0.1))\n",
        "    thread = Thread(target=lambda: check(14, 0.1))\n    thread.start()\n    thread.join()\n",
        "    try: check(14, 0.1)\n    except AssertionError: pass\n",
        "    try: check(MISSING, 0.1)\n    except Exception: pass\n",
    ],
    ids=["pool", "thread", "caught", "caught-error"],
)
def test_a_gate_that_failed_where_it_could_not_raise_fails_its_test(suite, body):
    suite.makepyfile(
        "from concurrent.futures import ThreadPoolExecutor\nfrom threading import Thread\n"
        f"from conftest import *\ndef test_it(check):\n{body}def test_ok(check): check(1, 1)\n"
    )
    result = suite.runpytest("-W", "ignore")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*its exception was caught*"])


@pytest.mark.parametrize(
    "check",
    [
        "check(MISSING, 1)",
        "check(1, 'low')",
        "check(1, 1, metric='scoer')",
        "check(1, 1, name='a@b')",
    ],
)
def test_no_xfail_mark_hides_an_error_and_each_leaves_a_gate(suite, check):
    suite.makepyfile(
        f"import pytest\nfrom conftest import *\n@pytest.mark.xfail\ndef test_it(check): {check}\n"
        "def test_ok(check): check(1, 1)\n"
    )
    result = suite.runpytest("--editmetrics-results=r.jsonl")
    result.assert_outcomes(failed=1, passed=1)
    assert '"verdict": "error"' in (suite.path / "r.jsonl").read_text()


def test_boxes_that_make_no_sense_leave_a_gate_whatever_the_pipe_looks_at(pytester):
    """The pipe ignores them, and the test catches what is raised."""
    pytester.makeconftest(
        "from pytest_editmetrics import Metric\n"
        "def pytest_editmetrics_register_pipes(registry):\n"
        "    registry.register('my-pipe', lambda: lambda *a, **k: 5.0, metrics=[Metric('m', 'lower')])\n"
    )
    pytester.makepyfile(
        "import numpy as np\n"
        "def test_it(edit_gate):\n"
        "    image = np.zeros((40, 40, 3), np.uint8)\n"
        "    try:\n"
        "        edit_gate.check(image, image + 5, [(32, 32, 16, 16)], metrics=['m', 'unedit_psnr'])\n"
        "    except Exception:\n"
        "        pass\n"
    )
    (pytester.path / "editmetrics.yaml").write_text("thresholds: {m: 1, unedit_psnr: 1}\n")
    result = pytester.runpytest("--editmetrics-results=r.jsonl")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*m, unedit_psnr could not be judged: coords: box 1 (32, 32, 16, 16) is inverted*"]
    )
    assert (pytester.path / "r.jsonl").read_text().count('"verdict": "error"') == 2


def test_a_broken_configuration_is_not_hidden_by_an_xfail_mark(suite):
    (suite.path / "editmetrics.yaml").write_text("metric: [score]\n")
    suite.makepyfile("import pytest\n@pytest.mark.xfail\ndef test_it(check): check(1, 1)")
    result = suite.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*editmetrics.yaml:1: *'metric'*"])


PIPES = """
import numpy as np
import torch
from pathlib import Path
from pytest_editmetrics import Measurement, Metric

RESULTS = {
    "float32": np.float32(0.5), "torch": torch.tensor(0.5), "measurement":
    Measurement("m", np.float32(0.5), "unedit_area", details={"x": np.arange(2), "p": Path("a")}),
    "array": np.array([0.5, 1]), "text": Measurement("m", "0.5"), "other": Measurement("lpips", 0.5),
    "bool": np.True_,
    "share": Measurement("m", 0.5, details={"share": "high", "black": 0.3, "mine": 1}),
    "dtype": Measurement("m", 0.5, details={"dtype": "bfloat16"}),
}

def pytest_editmetrics_register_pipes(registry):
    class Pipe:
        def __call__(self, reference, edited, coords, mask_mode, metric, **params):
            if KIND == "raises":
                raise RuntimeError("CUDA exploded")
            return RESULTS[KIND]
    registry.register("my-pipe", Pipe, metrics=[Metric("m", "lower")])
"""


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("float32", None),
        ("torch", None),
        ("measurement", None),
        ("array", "*my-pipe returned *"),
        ("text", "*my-pipe returned '0.5'*"),
        ("other", "*asked for m and returned a measurement of 'lpips'*"),
        ("bool", "*my-pipe returned *True*"),
        (
            "share",
            "*my-pipe told 'black', 'share' of m: *is the plugin's own; give it another name*",
        ),
        ("dtype", None),
        ("raises", "*my-pipe raised RuntimeError: CUDA exploded (*conftest.py:*"),
    ],
)
def test_whatever_a_users_pipe_returns_is_a_verdict(pytester, kind, says):
    pytester.makeconftest(f"KIND = {kind!r}\n{PIPES}")
    pytester.makepyfile(
        """
        import numpy as np
        import pytest
        @pytest.mark.editmetrics(metrics=["m", "lpips"], thresholds={"m": 1, "lpips": 0})
        def test_it(edit_gate):
            a = np.zeros((64, 64, 3), np.uint8)
            edit_gate.check(a, a.copy())
        """
    )
    result = pytester.runpytest("--editmetrics-results=r.jsonl")
    result.assert_outcomes(**({"passed": 1} if says is None else {"failed": 1}))
    if says is not None:
        result.stdout.fnmatch_lines([says])
    assert (pytester.path / "r.jsonl").read_text().count('"record": "gate"') == 2


def test_a_pipe_of_a_later_conftest_is_known(suite):
    (suite.path / "conftest.py").write_text("")
    (suite.path / "a").mkdir()
    (suite.path / "b").mkdir()
    (suite.path / "a" / "test_x.edit.yaml").write_text(
        "cases:\n  - {id: a, reference: r.png, edited: e.png}\n"
    )
    (suite.path / "b" / "conftest.py").write_text(f"KIND = 'torch'\n{PIPES}")
    (suite.path / "b" / "test_b.py").write_text(
        "import numpy as np\ndef test_it(edit_gate):\n"
        "    a = np.zeros((64, 64, 3), np.uint8)\n"
        "    edit_gate.check(a, a.copy(), metrics='m')\n"
    )
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(passed=1, failed=1)


def test_a_misspelt_pipe_in_skip_missing_is_refused(suite):
    suite.makepyfile("def test_it(check): check(1, 1)")
    result = suite.runpytest("--editmetrics-skip-missing=pixel_pipe")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unknown pipe 'pixel_pipe' (did you mean 'pixel-pipe'?)*"])


def test_a_session_that_asked_for_gates_and_made_none_fails(suite):
    suite.makepyfile(
        "def test_it(request):\n"
        "    gate = request.getfixturevalue('edit_gate')\n    for _ in []: gate.check(None, None)"
    )
    result = suite.runpytest()
    result.assert_outcomes(passed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["asked for a gate and made none: 1*", "FAILED: *proves nothing*"])


def test_an_image_that_was_edited_in_place_is_an_error(suite):
    suite.makepyfile(
        "from conftest import image\nimport pytest\n"
        "@pytest.mark.editmetrics(metrics='score', thresholds={'score': 1})\n"
        "def test_it(edit_gate):\n"
        "    before = image(0)\n    edited = before[:]\n    edited += 200\n"
        "    edit_gate.check(before, edited)"
    )
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*score could not be judged: * one and the same memory*"])


def test_an_editor_that_writes_over_its_input_is_an_error(suite):
    from PIL import Image

    Image.new("RGB", (8, 8)).save(suite.path / "a.png")
    case = "metrics: [score]\ncases: [{id: a, reference: a.png, edited: ./a.png, thresholds: {score: 1}}]"
    (suite.path / "test_x.edit.yaml").write_text(case)
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*score could not be judged: * one and the same file*"])


@pytest.mark.parametrize(
    "id", ["setup_module", "tearDownModule", "pytestmark", "pytest_plugins", "__file__"]
)
def test_a_case_id_with_a_meaning_in_pytest_is_refused(suite, id):
    (suite.path / "test_x.edit.yaml").write_text(
        f"cases:\n  - {{id: {id}, reference: r.png, edited: e.png}}\n"
    )
    result = suite.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_x.edit.yaml:2: the id*meaning of its own in pytest*"])


def test_measuring_in_a_teardown_warns_of_nothing(suite):
    suite.makepyfile(
        "import pytest\n@pytest.fixture\ndef late(check):\n    yield\n    check(1, 1)\n"
        "def test_it(late): pass"
    )
    suite.runpytest("-W", "error").assert_outcomes(passed=1)


def test_the_command_that_accepts_fits_every_gate_of_the_test(suite):
    suite.mkdir("goldens").joinpath("test_x.py.yaml").write_text(
        '"test_it":\n  score: {max: 0.1}\n'
    )
    suite.makepyfile(
        test_x="import pytest\nfrom conftest import image\n"
        "@pytest.mark.editmetrics(metrics=['score', 'likeness'])\n"
        "def test_it(edit_gate): edit_gate.check(image(0), image(20))"
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*--editmetrics-update=missing*")
    suite.runpytest("--editmetrics-update=failed").assert_outcomes(passed=1)
    suite.runpytest().assert_outcomes(passed=1)


@pytest.mark.quick(1)
@pytest.mark.parametrize("terminal", [(), ("-p", "no:terminal")], ids=["terminal", "none"])
@pytest.mark.parametrize("other", ["", "def test_other(check): check(1, 1)\n"], ids=["one", "two"])
def test_a_worker_that_ends_in_an_internal_error_is_no_pass(suite, terminal, other):
    """pytest-xdist calls a session passed whose last test was lost in a worker's internal error."""
    add_to_conftest(
        suite,
        "@pytest.hookimpl(wrapper=True)\n"
        "def pytest_runtest_makereport(item, call):\n"
        "    if item.name == 'test_it': raise ValueError('a fault of another plugin')\n"
        "    return (yield)\n",
    )
    suite.makepyfile(f"def test_it(check): check(20, 0.1)\n{other}")
    result = suite.runpytest("-n2", *terminal, "--editmetrics-results=r.jsonl")
    assert result.ret in (1, 3)
    if not terminal and result.ret == 1:
        line = "FAILED: an internal error of pytest ended a worker, and 1 test has no result*"
        result.stdout.fnmatch_lines([line])
    if result.ret == 1:
        run = read_run(suite.path / "r.jsonl")
        assert not run.complete


@pytest.mark.parametrize("entry", ["{}", "{measured: 0.1}"])
def test_a_golden_that_states_no_bound_is_named(suite, entry):
    (suite.path / "editmetrics.yaml").write_text(CONFIG)
    suite.mkdir("goldens").joinpath("test_x.py.yaml").write_text(f"test_it: {{score: {entry}}}\n")
    suite.makepyfile(test_x=CHECK)
    said = "goldens/test_x.py.yaml: the golden of test_it score states no bound, so the default*"
    suite.runpytest().stdout.fnmatch_lines([said])
    suite.runpytest("--editmetrics-update=missing").stdout.no_fnmatch_line(said)
    suite.runpytest().stdout.no_fnmatch_line(said)


def test_a_part_of_the_plugin_is_not_taken_out_alone(pytester):
    pytester.makepyfile("def test_it(edit_gate): pass")
    result = pytester.runpytest("-p", "no:editmetrics-outcomes")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*-p no:editmetrics-outcomes would take out a part of *"])
