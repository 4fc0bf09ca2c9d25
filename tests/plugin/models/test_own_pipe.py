"""A pipe of a user's own is given, and may return, what `pytest_editmetrics.Pipe` says."""

from __future__ import annotations

import pytest

CONFTEST = """
import numpy as np
import pytest
from pytest_editmetrics import Measurement, Metric, MissingResourceError, Region

MADE, SEEN = [], []


class OwnPipe:
    def __init__(self, device="unset", size=1):
        MADE.append((device, size))

    def __call__(self, *args, **named):
        raise AssertionError("measure is there")

    def measure(self, reference, edited, coords, mask_mode, **named):
        SEEN.append((coords, mask_mode, named))
        return 0.0

    def release(self):
        raise AssertionError("nobody asked for it")


class LostPipe:
    def __call__(self, reference, edited, coords, mask_mode, metric):
        raise MissingResourceError("no weights", "lost-pipe")


@pytest.hookimpl(optionalhook=True)
def pytest_editmetrics_register_pipes(registry):
    own = Metric("own", "lower", params=("gain",))
    registry.register("own-pipe", OwnPipe, metrics=[own, Metric("other", "lower", "edit_area")])
    registry.register("lost-pipe", LostPipe, metrics=[Metric("lost", "lower")])


@pytest.fixture
def measured(edit_gate):
    def measured(coords, metric="own"):
        reference = np.zeros((20, 30, 3), np.uint8)
        edit_gate.check(reference, reference + 1, coords, metrics=[metric])
        return SEEN[-1][0] if SEEN else "not asked"
    return measured
"""
BOUNDS = "thresholds: {own: {max: 1}, other: {max: 1}, lost: {max: 1}}\n"


@pytest.fixture
def own(pytester):
    pytester.makeconftest(CONFTEST)
    pytester.makefile(".yaml", editmetrics=BOUNDS)
    return pytester


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("None", "None"),
        ("[]", "[]"),
        ("np.array([[1, 2, 9, 9]])", "[(1, 2, 9, 9)]"),
        ("[[0.5, 2, 8.2, 9], (-2, 0, 32, 5)]", "[(0, 2, 9, 9), (-2, 0, 32, 5)]"),
        ("Region(boxes=[(1, 2, 9, 9)])", "[(1, 2, 9, 9)]"),
        ("Region(boxes=[(1, 2, 9, 9)], dilate=2)", "Region(boxes=[(1, 2, 9, 9)], dilate=2)"),
        ("{'polygons': [[(0, 0), (9, 0), (0, 9)]]}", "Region(polygons=[[(0, 0), (9, 0), (0, 9)]])"),
        ("np.eye(20, 30, dtype=bool)", "Region(mask=np.eye(20, 30, dtype=bool))"),
    ],
)
def test_a_region_comes_as_boxes_a_region_or_nothing(own, given, told):
    own.makepyfile(
        "import numpy as np\nfrom pytest_editmetrics import Region\n"
        f"def test_it(measured):\n    told, wanted = measured({given}), {told}\n"
        "    assert told == wanted\n    assert type(told) is type(wanted)"
    )
    own.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("metric", "coords"),
    [
        ("own", "[(0, 0, 30, 20)]"),
        ("own", "[(-2, -2, 15, 20), (15, 0, 32, 22)]"),
        ("own", "np.ones((20, 30), bool)"),
        ("other", "None"),
        ("other", "[]"),
        ("other", "[(30, 0, 30, 20)]"),
    ],
)
def test_where_the_region_holds_no_pixel_it_is_not_asked_and_nothing_passes(own, metric, coords):
    own.makepyfile(
        "import numpy as np\n"
        f"def test_it(measured): assert measured({coords}, {metric!r}) == 'not asked'"
    )
    result = own.runpytest()
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["*(empty-region): no pixel of the image lies in the region"])
    assert result.ret == 1


def test_options_parameters_and_device_come_to_it_and_it_is_made_once(own):
    own.makefile(
        ".yaml",
        editmetrics=BOUNDS
        + "pipes_default: {own-pipe: {size: 7}}\nmetric_configs: {own: {runtime_params: {gain: 3}}}\n",
    )
    own.makepyfile("""
        from conftest import MADE, SEEN

        def test_one(measured):
            measured([(1, 1, 2, 2)])
            assert SEEN == [([(1, 1, 2, 2)], "outer", {"metric": "own", "gain": 3})]

        def test_two(measured):
            measured([(1, 1, 2, 2)], "other")
            assert SEEN[1:] == [([(1, 1, 2, 2)], "inner", {"metric": "other"})]
            assert MADE == [("cpu", 7)]
    """)
    own.runpytest("--editmetrics-device=cpu").assert_outcomes(passed=2)


def test_without_the_option_the_device_is_its_own(own):
    own.makepyfile("""
        from conftest import MADE

        def test_one(measured):
            measured(None)
            assert MADE == [("unset", 1)]
    """)
    own.runpytest().assert_outcomes(passed=1)


def test_weights_that_it_misses_are_skipped_where_it_is_named(own):
    own.makepyfile("def test_one(measured): measured(None, 'lost')")
    own.runpytest().assert_outcomes(failed=1)
    own.runpytest("--editmetrics-skip-missing=lost-pipe").assert_outcomes(skipped=1)


PAINTS = """
import numpy as np
import pytest
from pytest_editmetrics import LPIPSPipe, Metric

class Paints:
    def __call__(self, reference, edited, coords, mask_mode, metric):
        assert reference.flags.writeable and edited.flags.writeable
        edited[:] = reference[:] = 0
        if coords:
            coords[0] = coords[-1]
        return 0.0

class OfOurs(LPIPSPipe):
    def measure(self, reference, edited, *args, **named):
        edited.pixels[:] = reference.pixels
        return super().measure(reference, edited, *args, **named)

@pytest.hookimpl(optionalhook=True)
def pytest_editmetrics_register_pipes(registry):
    same, other = Metric("paints", "lower"), Metric("objects", "lower", compares="objects")
    registry.register("paints-pipe", Paints, metrics=[same, other])
"""
OF_OURS = "@pytest.fixture\ndef lpips_pipe(): return OfOurs()\n"


@pytest.mark.parametrize("first", ["paints", "objects", "lpips"])
def test_what_it_writes_into_its_images_and_boxes_changes_no_other_metric(own, first):
    own.makeconftest(PAINTS + (OF_OURS if first == "lpips" else ""))
    bounds = "unedit_max_diff: {max: 2}, paints: {max: 2}, objects: {max: 2}, lpips: {max: 2}"
    own.makefile(".yaml", editmetrics=f"thresholds: {{{bounds}}}\n")
    own.makepyfile(f"""
        import numpy as np

        def test_it(edit_gate):
            a = np.full((64, 64, 3), 100, np.uint8)
            b, box = a.copy(), [[10, 10, 20, 20], [20, 20, 30, 30]]
            b[:, 40:] = 120
            try:
                edit_gate.check(a, b, box, ref_boxes=box, edited_boxes=box,
                                metrics=[{first!r}, "unedit_max_diff"])
            finally:
                assert (a == 100).all() and b.max() == 120 and box[0][0] == 10
    """)
    result = own.runpytest("-W", "error")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unedit_max_diff 20* > max 2*"])


SAYS = """
import math
from pytest_editmetrics import Measurement, Metric

class Says:
    def __init__(self, says): self._says = says
    def __call__(self, reference, edited, coords, mask_mode, metric):
        return eval(self._says, {"Measurement": Measurement, "metric": metric})

def pytest_editmetrics_register_pipes(registry):
    share, distance = Metric("share", "higher", low=0, high=1), Metric("distance", "lower", low=0)
    registry.register("says-pipe", Says, metrics=[share, distance, Metric("any", "lower")])
"""
OUTSIDE = "*EditMetricsError: {0} could not *: says-pipe returned {1} for {0}, outside the range*"


@pytest.mark.parametrize(
    ("metric", "says", "line"),
    [
        ("share", "37.0", OUTSIDE.format("share", "37")),
        ("share", "Measurement(metric, 1.002)", OUTSIDE.format("share", "1.002")),
        ("share", "-0.002", OUTSIDE.format("share", "-0.002")),
        ("share", "float('inf')", "*GateFailure: *share inf*"),
        ("distance", "-0.01", OUTSIDE.format("distance", "-0.01")),
        ("share", "1.0005", None),
        ("distance", "-1e-7", None),
        ("distance", "1e9", None),
        ("any", "-1e9", None),
    ],
)
def test_a_value_outside_the_range_that_its_metric_states_is_an_error(own, metric, says, line):
    own.makeconftest(SAYS)
    own.makefile(
        ".yaml",
        editmetrics="thresholds: {share: {min: 0.9}, distance: {max: 1e10}, any: {max: 1e10}}\n"
        f'pipes_default: {{says-pipe: {{says: "{says}"}}}}\n',
    )
    own.makepyfile(f"""
        import numpy as np

        def test_it(edit_gate):
            a = np.zeros((8, 8, 3), np.uint8)
            edit_gate.check(a, a.copy(), metrics=[{metric!r}])
    """)
    result = own.runpytest()
    result.assert_outcomes(**{"failed" if line else "passed": 1})
    if line:
        result.stdout.fnmatch_lines([line])
