"""Ids that are equal, and that pytest tells apart by a number, name a test by its place."""

from __future__ import annotations

import pytest

TEST = """
    import pytest
    VALUE = {{"add a storm": 10, "add a hat": 20, "add a dog": 30}}

    {mark}
    def test_it(check, prompt): check(VALUE[prompt])
"""
ALL = ("add a storm", "add a hat", "add a dog")


def golden(suite):
    return (suite.path / "goldens" / "test_x.py.yaml").read_text(encoding="utf-8")


def parametrised(form, prompts):
    if form == "param":
        values = ", ".join(f"pytest.param({one!r}, id='add')" for one in prompts)
        return f"@pytest.mark.parametrize('prompt', [{values}])"
    ids = {
        "function": "ids=lambda prompt: prompt.split()[0]",
        "list": f"ids={['add'] * len(prompts)}",
        "digit": f"ids={['a1'] * len(prompts)}",
    }[form]
    return f"@pytest.mark.parametrize('prompt', {prompts}, {ids})"


@pytest.mark.parametrize("form", ["function", "list", "param", "digit"])
def test_a_parameter_that_is_removed_leaves_its_golden_to_no_other(suite, form):
    suite.makepyfile(test_x=TEST.format(mark=parametrised(form, ALL)))
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "warning: recorded under an id that*(test_x.py::test_it, prompt): write"
            " pytest.param(..., id='add-a-storm'), pytest.param(..., id='add-a-hat'),"
            " pytest.param(..., id='add-a-dog'), and record again"
        ]
    )
    assert golden(suite).count("digest:") == 3
    suite.runpytest("--editmetrics-strict=all").assert_outcomes(passed=3)
    suite.makepyfile(test_x=TEST.format(mark=parametrised(form, ALL[1:])))
    result = suite.runpytest()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*test_it[[]*0[]]' was recorded for another*"])


MODELS = """
    import pytest
    from flux import edit as one
    from sdxl import edit as two, Edit

    @pytest.mark.parametrize("model,prompt", {values})
    def test_it(check, model, prompt): check(model(prompt))
"""


def test_functions_of_one_name_are_told_apart_by_their_modules(suite):
    suite.makepyfile(
        flux="def edit(prompt): return 10",
        sdxl="def edit(prompt): return 30\ndef Edit(prompt): return 5",
        test_x=MODELS.format(values="[(one, 'hat'), (two, 'hat'), (Edit, 'hat')]"),
    )
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        ["warning: *test_it, model, prompt): write *id='flux-edit-hat'), *"]
    )
    assert golden(suite).count("digest:") == 2
    suite.makepyfile(test_x=MODELS.format(values="[(two, 'hat'), (one, 'hat'), (Edit, 'hat')]"))
    result = suite.runpytest()
    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(["*'test_it[[]edit-hat0[]]' was recorded for another*"])


def test_lambdas_have_no_digest_and_are_warned_of(suite):
    suite.makepyfile(
        test_x="""
        import pytest
        @pytest.mark.parametrize("model", [lambda: 10, lambda: 20])
        def test_it(check, model): check(model())
        """
    )
    result = suite.runpytest("--editmetrics-update=missing")
    result.stdout.fnmatch_lines(["warning: *(test_x.py::test_it, model): write *"])
    assert "digest:" not in golden(suite)
    suite.runpytest().assert_outcomes(passed=2)


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_what_has_the_name_of_another_has_no_digest(suite, mode):
    """``functools.wraps`` gives each model that it makes the name of one: their digests were one.

    What a decorator put in the place of a function is what its name leads to.
    """
    suite.makepyfile(
        test_x="""
        import functools, pytest

        def wrapped(model, strength=1):
            @functools.wraps(model)
            def made(): return model() * strength
            return made

        def edit(): return 10
        @wrapped
        def own(): return 5
        class Models:
            @staticmethod
            def own(): return 6
        def made(size): return type("Made", (), {"__new__": lambda cls: size})

        @pytest.mark.parametrize("model", [wrapped(edit, 1), wrapped(edit, 2)])
        def test_wrapped(check, model): check(model())

        @pytest.mark.parametrize("model", [made(3), made(4)])
        def test_made(check, model): check(model())

        @pytest.mark.parametrize("model", [own, Models.own])
        def test_found(check, model): check(model())
        """
    )
    how = f"--import-mode={mode}"
    suite.runpytest(how, "--editmetrics-update=missing").assert_outcomes(passed=6)
    lines = golden(suite).splitlines()
    digested = [lines[at - 1] for at, line in enumerate(lines) if "digest:" in line]
    assert digested == ['"test_found[own0]":', '"test_found[own1]":']
    suite.runpytest(how).assert_outcomes(passed=6)


def test_tests_that_share_a_mark_are_both_digested(suite):
    text = """
        import pytest
        VALUE = {{"add a storm": 10, "add a hat": 20, "add a dog": 30}}
        {mark}
        class Test:
            def test_a(self, check, prompt): check(VALUE[prompt])
            def test_b(self, check, prompt): check(VALUE[prompt])
        """
    for form in ("list", "function"):
        suite.makepyfile(test_x=text.format(mark=parametrised(form, ALL)))
        suite.runpytest("--editmetrics-update=all").assert_outcomes(passed=6)
        assert golden(suite).count("digest:") == 6


def test_ids_that_only_look_like_it_are_left_alone(suite):
    suite.makepyfile(
        test_x="""
        import pytest
        @pytest.mark.parametrize("a", [{"n": 1}, {"n": 2}], ids=["add0", "add1"])
        @pytest.mark.parametrize("b", ["x0", "x1"])
        @pytest.mark.parametrize("c", [1, 2])
        def test_it(check, a, b, c): check(10)
        """
    )
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(passed=8)
    assert "digest" not in golden(suite)
    result.stdout.no_fnmatch_line("warning: recorded under*")


def test_parameters_of_a_fixture(suite):
    text = """
        import pytest
        VALUE = {{"add a storm": 10, "add a hat": 20, "add a dog": 30}}
        @pytest.fixture(scope="module", params={prompts}, ids=lambda one: "add")
        def prompt(request): return request.param
        def test_it(check, prompt): check(VALUE[prompt])
        """
    suite.makepyfile(test_x=text.format(prompts=ALL))
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=3)
    assert golden(suite).count("digest:") == 3
    suite.makepyfile(test_x=text.format(prompts=ALL[::-1]))
    suite.runpytest().assert_outcomes(passed=1, failed=2)


@pytest.mark.skipif(not hasattr(pytest, "HIDDEN_PARAM"), reason="pytest 8.4 has it")
@pytest.mark.parametrize("outside", [True, False])
def test_a_hidden_id_beside_one_by_place(suite, outside):
    hidden = "@pytest.mark.parametrize('kind', [pytest.param('soft', id=pytest.HIDDEN_PARAM), 'b'])"
    by_place = "@pytest.mark.parametrize('case', {cases})"
    marks = [hidden, by_place][:: 1 if outside else -1]
    text = "import pytest\n{marks}\ndef test_it(check, kind, case): check(case['n'])\n"
    text = text.format(marks="\n".join(marks))
    cases = [{"n": 10}, {"n": 20}]
    suite.makepyfile(test_x=text.format(cases=cases))
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=4)
    assert golden(suite).count("digest:") == 4
    suite.makepyfile(test_x=text.format(cases=cases[::-1]))
    suite.runpytest().assert_outcomes(failed=4)


def test_two_that_are_named_by_their_places(suite):
    text = """
        import pytest
        @pytest.mark.parametrize("a", {a})
        @pytest.mark.parametrize("b", [{{"n": 1}}, {{"n": 2}}])
        def test_it(check, a, b): check(a["n"] + b["n"])
        """
    suite.makepyfile(test_x=text.format(a=[{"n": 10}, {"n": 20}]))
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=4)
    assert golden(suite).count("digest:") == 4
    suite.makepyfile(test_x=text.format(a=[{"n": 20}, {"n": 10}]))
    suite.runpytest().assert_outcomes(failed=4)


LONG = "add one more very small {} hat"


@pytest.mark.parametrize(
    ("values", "ids", "advised"),
    [
        (["add", "add"], None, ["add-0", "add-1"]),
        ([2, 1, 1], None, ["name-of-prompt1", "name-of-prompt2"]),
        (["mug", "add", "x"], ["add", "add", "b"], ["mug", "add-1"]),
        ([LONG.format("red"), LONG.format("blue")], ["add", "add"], ["add-0", "add-1"]),
        (["帽子", "狗"], ["a1", "a1"], ["name-of-prompt0", "name-of-prompt1"]),
    ],
)
def test_each_set_of_parameters_is_advised_an_id_of_its_own(suite, values, ids, advised):
    test = (
        "import pytest\n@pytest.mark.parametrize('prompt', {}, ids={})\ndef test_it(check, prompt):"
    )
    suite.makepyfile(test_x=test.format(values, ids) + " check(10)\n")
    result = suite.runpytest("--editmetrics-update=missing")
    sets = ", ".join(f"pytest.param(..., id={one!r})" for one in advised)
    said = f": write {sets}, and record again"
    assert [line for line in result.outlines if line.endswith(said)]
    assert "parametrize_long_str_id_strategy" not in str(result.stdout)
