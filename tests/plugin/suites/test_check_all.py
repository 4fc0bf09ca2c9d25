"""``edit_gate.check_all``: several checks known ahead, judged as one."""

from __future__ import annotations

import pytest
from conftest_text import add_to_conftest


def run(suite: pytest.Pytester, body: str, *args: str) -> pytest.RunResult:
    suite.makepyfile(
        "import numpy as np\nfrom conftest import image\n\n\ndef test_all(edit_gate):\n"
        + "".join(f"    {line}\n" for line in body.splitlines())
    )
    return suite.runpytest(*args)


ALL = """
edit_gate.check_all(
    dict(reference=image(0), edited=image(value), metrics="score", name=str(value))
    for value in {values}
)
"""


@pytest.fixture
def bounded(suite: pytest.Pytester) -> pytest.Pytester:
    (suite.path / "editmetrics.yaml").write_text("thresholds:\n  score: {max: 0.5}\n")
    return suite


def test_all_are_measured_and_all_failures_are_told(bounded):
    result = run(bounded, ALL.format(values="[60, 10, 70]"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*score@60 0.600 > max 0.500*", "*score@70 0.700 > max 0.500*"])
    result.stdout.fnmatch_lines(["score *3 *1 *2 *0 *"])


def test_all_pass(bounded):
    result = run(bounded, ALL.format(values="range(40)"))
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["score *40 *40 *0 *0 *"])


def test_the_measurements_come_in_order(bounded):
    body = "found = " + ALL.format(values="[3, 1, 2]").strip() + "\n"
    body += "assert [one.value for (one,) in found] == [0.03, 0.01, 0.02]"
    run(bounded, body).assert_outcomes(passed=1)


def test_a_soft_failure_among_them_is_an_xfail(bounded):
    run(bounded, ALL.format(values="[10, 255]")).assert_outcomes(xfailed=1)


def test_no_check_at_all_is_an_error(bounded):
    result = run(bounded, "edit_gate.check_all([])")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*InputError: *no check*nothing would be measured*"])


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ("dict(reference=image(0), edite=image(1))", "no keyword 'edite' (did you mean 'edited'?)"),
        ("dict(reference=image(0))", "has no 'edited'"),
        ("[image(0), image(1)]", "takes mappings of check's keywords"),
    ],
)
def test_what_is_no_check(bounded, check, says):
    result = run(bounded, f"edit_gate.check_all([{check}])")
    result.assert_outcomes(failed=1)
    assert says in result.stdout.str()


@pytest.mark.parametrize("checks", ["None", "3", "edit_gate"])
def test_what_holds_no_checks(bounded, checks):
    result = run(bounded, f"edit_gate.check_all({checks})")
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert "InputError: check_all takes a list or generator of checks" in text
    assert "TypeError" not in text


def test_two_checks_of_one_name_share_no_golden(bounded):
    result = run(bounded, ALL.format(values="[1, 1]"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*a second gate 'score@1' in one test*"])


def test_an_image_that_cannot_be_read_fails_its_own_check(bounded):
    body = (
        "edit_gate.check_all([\n"
        "    dict(reference=image(0), edited='none.png', metrics='score', name='a'),\n"
        "    dict(reference=image(0), edited=image(70), metrics='score', name='b'),\n"
        "])"
    )
    result = run(bounded, body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*none.png: there is no such file*", "*score@b 0.700 > max*"])


def test_images_of_several_checks_are_encoded_together(pytester: pytest.Pytester):
    pytester.makeconftest(
        "from pytest_editmetrics.pipes.clip import CLIPPipe\n"
        "original = CLIPPipe.encode_ahead\n"
        "def encode_ahead(self, metric, images):\n"
        "    print('together', metric, len(images))\n"
        "    return original(self, metric, images)\n"
        "CLIPPipe.encode_ahead = encode_ahead\n"
        "def pytest_unconfigure():\n"
        "    CLIPPipe.encode_ahead = original\n"
    )
    (pytester.path / "editmetrics.yaml").write_text(
        "pipes_default: {clip-pipe: {model_path: smoke}}\nthresholds: {emd: {max: 1000}, lpips: {max: 9}}\n"
    )
    pytester.makepyfile(
        """
        import numpy as np

        def image(value):
            return np.full((64, 64, 3), value, np.uint8)

        def test_all(edit_gate):
            edit_gate.check_all(
                dict(reference=image(0), edited=image(n), metrics=["emd", "lpips"], name=str(n))
                for n in range(1, 19)
            )
        """
    )
    result = pytester.runpytest("-q", "-s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*together emd 32", "together emd 4"])


@pytest.mark.parametrize("kind", ["array", "tensor", "path", "mask"])
def test_a_generator_that_uses_one_place_again_is_judged_on_each_picture(pytester, kind):
    """What is held together is held as it was when it came."""
    pytester.makepyfile(
        f"""
        import numpy as np
        import torch
        from PIL import Image

        A = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        EVERYWHERE, NOWHERE = np.ones((64, 64), bool), np.zeros((64, 64), bool)
        NOWHERE[:8, :8] = True

        def checks(kind, tmp_path):
            out, area = A.copy(), NOWHERE.copy()
            for name, picture in (("bad", 255 - A), ("good", A)):
                out[:] = picture
                more = dict(coords=[(0, 0, 8, 8)])
                if kind == "path":
                    Image.fromarray(out).save(tmp_path / "out.png")
                if kind == "mask":
                    area[:] = NOWHERE if name == "bad" else EVERYWHERE
                    more = dict(coords=area, edited=255 - A)
                edited = {{"tensor": torch.from_numpy(out).permute(2, 0, 1)}}.get(kind, out)
                edited = tmp_path / "out.png" if kind == "path" else edited
                yield dict(reference=A, edited=edited, name=name, metrics=["unedit_max_diff"]) | more

        def test_it(edit_gate, tmp_path):
            edit_gate.check_all(checks({kind!r}, tmp_path))
        """
    )
    (pytester.path / "editmetrics.yaml").write_text("thresholds: {unedit_max_diff: {max: 60}}\n")
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unedit_max_diff@bad * > max 60.0*"])


def test_what_fails_ahead_of_a_check_loses_no_gate_of_it(suite):
    suite.makepyfile(
        """
        from unittest.mock import Mock
        import numpy as np
        from pytest_editmetrics.checks import judge
        from pytest_editmetrics.pipes.base import BuiltInPipe

        def test_it(edit_gate, monkeypatch):
            before, box = np.zeros((64, 64, 3), np.uint8), [(0, 0, 32, 32)]
            edited = before.copy()
            edited[:32, :32] = 200
            way = {"metrics": ["unedit_max_diff"], "expect": "composited"}
            edit_gate.check(before, edited, box, name="first", **way)
            bind, calls = judge.bind, []
            def once(*args):
                calls.append(1)
                if len(calls) == 1: raise RuntimeError("out of memory")
                return bind(*args)
            monkeypatch.setattr(judge, "bind", once)
            pair = {"reference": before, "edited": before + 9, "coords": box, **way}
            try: edit_gate.check_all([{**pair, "name": str(n)} for n in range(2)])
            except RuntimeError: pass
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["unedit_max_diff      3       1       2 *"])


GIVEN = {
    "one array": ("np.zeros((1, 4), int)", "given[0] = box"),
    "one tensor": ("torch.zeros((1, 4))", "given[0] = torch.tensor(box)"),
    "rows of an array": ("list(np.zeros((1, 4), int))", "given[0][:] = box"),
    "numbers of a tensor": (
        "[tuple(torch.zeros(4))]",
        "[v.fill_(n) for v, n in zip(given[0], box)]",
    ),
    "one list": ("[(0, 0, 0, 0)]", "given[0] = box"),
    "inner list": ("[[0, 0, 0, 0]]", "given[0][:] = box"),
    "boxes of a class": ("[Box()]", "given[0].xyxy = box"),
}


@pytest.mark.quick(4)
@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("keyword", ["coords", "ref_boxes", "edited_boxes"])
def test_boxes_that_the_next_case_changes_in_place_stay_those_of_the_case(suite, given, keyword):
    (suite.path / "editmetrics.yaml").write_text(
        "thresholds: {unedit_max_diff: {max: 2}, boxes: {max: 9}}"
    )
    add_to_conftest(
        suite,
        "def pytest_editmetrics_register_pipes(registry):\n"
        "    registry.register('boxes-pipe', Boxes, metrics=[Metric('boxes', 'lower', compares='objects')])\n"
        "SEEN = []\n"
        "class Boxes:\n"
        "    def __call__(self, reference, edited, coords, mask_mode, metric):\n"
        "        SEEN.append(coords[KEYWORD == 'edited_boxes'])\n"
        "        return 0.0\n"
        f"KEYWORD = {keyword!r}\n",
    )
    made, change = GIVEN[given]
    suite.makepyfile(f"""
        import numpy as np
        import torch
        from conftest import SEEN

        class Box:
            def __iter__(self): return iter(self.xyxy)

        BOXES = [(0, 40, 64, 64), (0, 0, 64, 32)]
        METRIC = "unedit_max_diff" if {keyword!r} == "coords" else "boxes"

        def each(given):
            a = np.full((64, 64, 3), 100, np.uint8)
            b = a.copy()
            b[:32] = 200
            objects = dict(ref_boxes=[(1, 1, 2, 2)], edited_boxes=[(1, 1, 2, 2)])
            for name, box in zip(("wrong", "right"), BOXES):
                {change}
                yield {{**dict(reference=a, edited=b, name=name, metrics=METRIC), **objects,
                        {keyword!r}: given}}

        def test_it(edit_gate):
            try:
                edit_gate.check_all(each({made}))
            finally:
                assert METRIC != "boxes" or SEEN == BOXES
    """)
    result = suite.runpytest()
    if keyword == "coords":
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["unedit_max_diff *2 *1 *1 *0 *"])
    else:
        result.assert_outcomes(passed=1)
