"""Goldens by environment as a user meets them: which holds, what is asked, what is said."""

from __future__ import annotations

import json

import pytest
import yaml

from pytest_editmetrics.cache.accelerator import Accelerator
from pytest_editmetrics.cli.main import main
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.goldens import environment
from pytest_editmetrics.goldens.image_names import stem_of
from pytest_editmetrics.goldens.provenance import PROVENANCE, read_provenance

H100 = Accelerator("NVIDIA H100 80GB HBM3", ("cuda",), "sm90")
NAMES = ["nvidia-h100-80gb-hbm3", "cuda-sm90", "cuda"]
TEST = "def test_it(check): check(20)"


class Machine:
    """What torch sees, and how often it was asked for."""

    def __init__(self) -> None:
        self.seen: Accelerator | EditMetricsError | None = H100
        self.asked = 0

    def ask(self) -> Accelerator | None:
        self.asked += 1
        if isinstance(self.seen, EditMetricsError):
            raise self.seen
        return self.seen


@pytest.fixture
def machine(monkeypatch):
    """A machine with a GPU, on which torch has not started CUDA."""
    machine = Machine()
    monkeypatch.setattr(environment, "started_here", lambda: None)
    monkeypatch.setattr(environment, "no_accelerator", lambda: machine.seen is None)
    monkeypatch.setattr(environment, "ask_aside", machine.ask)
    return machine


@pytest.fixture
def golden(suite):
    """Write the golden of ``test_it``, measured as 0.2."""
    suite.makepyfile(test_x=TEST)
    path = suite.path / "goldens" / "test_x.py.yaml"
    path.parent.mkdir()

    def write(text):
        path.write_text(f'"test_it":\n  score: {text}\n')
        return path

    return write


def gates(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line for line in lines if line["record"] == "gate"]


def said(result, line):
    return sum(line in text for text in result.outlines)


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_without_a_model_is_held_to_the_bound_of_where_its_edit_ran(
    suite, machine, golden, name
):
    golden(f"{{max: 0.9, env: {{{name}: {{max: 0.1}}, cpu: {{max: 0.2}}}}}}")
    result = suite.runpytest("--editmetrics-results=r", "--editmetrics-device=cpu")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*score 0.200 > max 0.100", f"*bound *golden goldens/test_x.py.yaml:2 (env {name})"]
    )
    (gate,) = gates(suite.path / "r")
    assert (gate["env"], gate["environment"], gate["device"]) == (name, NAMES, "cpu")
    machine.seen = None
    suite.runpytest("--editmetrics-results=r").assert_outcomes(passed=1)
    assert gates(suite.path / "r")[0]["env"] == "cpu"


def test_it_is_asked_for_once_and_only_where_an_entry_has_variants(suite, machine, golden):
    golden("{max: 0.9}")
    suite.runpytest("--editmetrics-results=r").assert_outcomes(passed=1)
    assert machine.asked == 0
    assert gates(suite.path / "r")[0]["environment"] == []
    path = golden("{max: 0.9, env: {cuda: {max: 0.3}}}")
    path.write_text(path.read_text() + path.read_text().replace("test_it", "test_too"))
    suite.makepyfile(test_x=TEST + "\n" + TEST.replace("test_it", "test_too"))
    suite.runpytest().assert_outcomes(passed=2)
    assert machine.asked == 1


@pytest.mark.parametrize("how", ["option", "ini", "worker"])
def test_names_that_the_user_gives_come_first_and_in_their_order(suite, machine, golden, how):
    golden("{max: 0.9, env: {cuda: {max: 0.3}, lab: {max: 0.4}, ci-a100: {max: 0.1}}}")
    args = ["--editmetrics-env=ci-a100,lab", "--editmetrics-results=r"]
    if how == "ini":
        suite.makeini("[pytest]\neditmetrics_env = ci-a100 lab\n")
        args = args[1:]
    result = suite.runpytest(*args, *(["-n1"] if how == "worker" else []))
    result.stdout.fnmatch_lines(["*bound *golden goldens/test_x.py.yaml:2 (env ci-a100)"])
    assert gates(suite.path / "r")[0]["environment"][:2] == ["ci-a100", "lab"]
    result.stdout.no_fnmatch_line("*warning*")


def test_what_a_failure_tells_to_type_records_for_the_environment_that_was_given(suite, golden):
    path = golden("{max: 0.3, measured: 0.2, env: {ci-a100: {max: 0.1}}}")
    result = suite.runpytest("--editmetrics-env=ci-a100")
    (told,) = [line for line in result.outlines if "to accept pytest" in line]
    _, *typed = told.split("to accept ")[1].split()
    suite.runpytest(*typed).assert_outcomes(passed=1)
    entry = yaml.safe_load(path.read_text())["test_it"]["score"]
    assert entry["max"] == 0.3
    assert entry["env"]["ci-a100"]["measured"] == pytest.approx(0.2)


def typed_apart(result):
    (told,) = [line.split("or apart  ")[1] for line in result.outlines if "or apart" in line]
    (accept,) = [line for line in result.outlines if "to accept pytest" in line]
    _, *typed = accept.split("to accept ")[1].split()
    return told, [*typed[:-1], "--editmetrics-update=missing"]


def test_a_failure_tells_how_to_record_apart_what_holds_everywhere(suite, golden):
    path = golden("{max: 0.1, measured: 0.08}")
    told, typed = typed_apart(suite.runpytest("--editmetrics-env=ci-a100,lab"))
    assert told == (
        "write `env: {ci-a100: {}}` into goldens/test_x.py.yaml:2 (score), then with"
        " --editmetrics-update=missing: for ci-a100 alone"
    )
    golden("{max: 0.1, measured: 0.08, env: {ci-a100: {}}}")
    result = suite.runpytest("--editmetrics-env=ci-a100,lab")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*or apart*")
    suite.runpytest(*typed).assert_outcomes(passed=1)
    entry = yaml.safe_load(path.read_text())["test_it"]["score"]
    assert (entry["max"], entry["env"]["ci-a100"]["measured"]) == (0.1, 0.2)
    golden("{max: 0.1, measured: 0.08}")
    suite.runpytest().stdout.no_fnmatch_line("*or apart*")


def test_a_failing_image_tells_how_to_record_it_apart(suite, picture):
    plain = picture(20)
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    before = plain.read_bytes()
    picture(90)
    told, typed = typed_apart(suite.runpytest("--editmetrics-env=ci-a100"))
    before_file, file = told.partition(", then")[0].split(" file ")
    assert before_file == "write an empty"
    (suite.path / file).touch()
    suite.runpytest(*typed).assert_outcomes(passed=1)
    assert plain.read_bytes() == before
    suite.runpytest("--editmetrics-env=ci-a100").assert_outcomes(passed=1)
    picture(60)
    result = suite.runpytest("--editmetrics-env=ci-a100")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*or apart*")


def test_cpu_that_the_user_gives_is_beside_a_gpu_and_nothing_is_asked(suite, machine, golden):
    golden("{max: 0.9, env: {cuda: {max: 0.1}, cpu: {max: 0.3}}}")
    suite.runpytest("--editmetrics-env=cpu").assert_outcomes(passed=1)
    assert machine.asked == 0


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("NVIDIA H100", "'NVIDIA': *write 'nvidia' ('NVIDIA H100' as one name: 'nvidia-h100')"),
        ("ci_a100", "'ci_a100': *write 'ci-a100'"),
        ("cuda:0", "a device's number is no part of it: write 'cuda'"),
        ("", "is empty, so it would name no environment"),
        (",", "is empty, so it would name no environment"),
        ("lab,ci,lab", "names 'lab' twice"),
        ("smoke", "cannot be 'smoke'"),
    ],
)
def test_names_that_cannot_be_are_usage_errors(suite, value, says):
    result = suite.runpytest(f"--editmetrics-env={value}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --editmetrics-env (ini: editmetrics_env) *{says}*"])


def test_an_empty_variant_says_what_holds_and_is_recorded(suite, machine, golden):
    path = golden("{max: 0.5, measured: 0.4, env: {cuda: {}}}")
    note = (
        "goldens/test_x.py.yaml:2: `env: {cuda: {}}` states no bound, so the entry's own bound"
        " holds there; --editmetrics-update=missing records one"
    )
    result = suite.runpytest()
    result.assert_outcomes(passed=1)
    assert said(result, note) == 1
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(passed=1)
    assert said(result, "states no bound") == 0
    assert 'env: {cuda: {max: 0.22, measured: 0.2, size: "8x8"}}}' in path.read_text()
    result = suite.runpytest()
    result.assert_outcomes(passed=1)
    assert said(result, "states no bound") == 0


@pytest.mark.parametrize("mode", ["missing", "failed", "all"])
def test_a_value_beyond_what_holds_until_then_goes_to_the_variant(suite, machine, golden, mode):
    path = golden("{max: 0.1, measured: 0.08, env: {cuda: {}}}")
    suite.runpytest().assert_outcomes(failed=1)
    suite.runpytest(f"--editmetrics-update={mode}").assert_outcomes(passed=1)
    assert path.read_text() == (
        '"test_it":\n  score: {max: 0.1, measured: 0.08, env: {cuda: {max: 0.22, measured: 0.2, size: "8x8"}}}\n'
    )


def test_of_an_empty_variant_a_default_holds_where_the_entry_states_nothing(suite, machine, golden):
    golden("{env: {cuda: {}}}")
    suite.runpytest().stdout.fnmatch_lines(["*0.200 has no threshold and no golden"])
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 0.6}}\n")
    result = suite.runpytest()
    result.assert_outcomes(passed=1)
    assert said(result, "states no bound, so the default holds there") == 1


def test_a_variant_of_no_environment_is_named_with_the_nearest(suite, machine, golden):
    golden(
        "{max: 0.9, env: {cdua: {max: 0.1}, gpu: {max: 0.1}, nvidia-a100: {max: 0.1},"
        " cpu: {max: 0.1}, smoke: {max: 1}, nightly-ci: {max: 0.1}}}"
    )
    result = suite.runpytest("--editmetrics-env=nightly-c")
    result.assert_outcomes(passed=1)
    where = "warning: goldens/test_x.py.yaml:2: the variant"
    assert said(result, where) == 3
    here = ", ".join(["holds nowhere here: this run's environments are 'nightly-c'", *NAMES])
    assert said(result, f"{where} 'nightly-ci' {here} (is one of the two misspelt?)") == 1
    for name in ("cdua", "gpu"):
        assert said(result, f"{where} {name!r} {here} (did you mean 'cuda'?)") == 1
    result = suite.runpytest("--editmetrics-env=nightly-ci,nightly-c")
    assert said(result, "misspelt") == 0


def test_a_misspelt_option_is_not_proposed_for_the_variant(suite, golden):
    golden("{max: 0.9, env: {nightly-a100: {max: 0.1}}}")
    result = suite.runpytest("--editmetrics-env=nigthly-a100,cpu")
    assert (
        said(result, "the variant 'nightly-a100' holds nowhere here: this run's environments") == 1
    )
    assert said(result, "are 'nigthly-a100', 'cpu' (is one of the two misspelt?)") == 1
    assert said(result, "did you mean") == 0


def test_of_several_accelerators_the_one_that_stands_for_them_is_named(suite, machine, golden):
    machine.seen = Accelerator("Tesla T4", ("cuda",), "sm75", ("NVIDIA GeForce GT 710",))
    golden("{max: 0.9, env: {tesla-t4: {max: 0.3}}}")
    result = suite.runpytest()
    result.assert_outcomes(passed=1)
    assert (
        said(result, "torch sees Tesla T4, which stands for the environment, and NVIDIA GeF") == 1
    )


def test_what_could_not_be_asked_is_an_error_and_not_the_top_level(suite, machine, golden):
    machine.seen = EditMetricsError("torch did not tell")
    golden("{max: 0.9, env: {cuda: {max: 0.1}, lab: {max: 0.3}}}")
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*score could not be judged: torch did not tell"])
    suite.runpytest("--editmetrics-env=lab").assert_outcomes(passed=1)


IMAGE = "from conftest import image\ndef test_it(golden_image): golden_image.check(image(VALUE))\n"


@pytest.fixture
def picture(suite):
    """A test of a golden image, compared pixel by pixel."""
    (suite.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")

    def write(value):
        suite.makepyfile(test_x=IMAGE.replace("VALUE", str(value)))
        return suite.path / "goldens" / "test_x.py" / f"{stem_of('test_it', None)}.png"

    return write


def test_a_golden_image_is_asked_for_when_it_is_recorded_or_has_variants(suite, machine, picture):
    plain = picture(20)
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    assert machine.asked == 1
    made = read_provenance(plain.with_name(PROVENANCE), suite.path)[plain.name]
    assert made["device"] == "NVIDIA H100 80GB HBM3"
    suite.runpytest("--editmetrics-device=cpu").assert_outcomes(passed=1)
    assert machine.asked == 1
    picture(90)
    suite.runpytest().assert_outcomes(failed=1)
    plain.with_name(f"{plain.stem}@cuda-sm90.png").touch()
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    suite.runpytest("--editmetrics-results=r").assert_outcomes(passed=1)
    (gate,) = gates(suite.path / "r")
    assert (gate["snapshot"]["variant"], gate["environment"]) == ("cuda-sm90", NAMES)
    machine.seen = None
    suite.runpytest().assert_outcomes(failed=1)
    plain.with_name(f"{plain.stem}@lab.png").write_bytes(plain.read_bytes())
    picture(20)
    suite.runpytest("--editmetrics-env=lab").assert_outcomes(failed=1)  # nobody approved it
    recording = "--editmetrics-update=missing"
    suite.runpytest("--editmetrics-env=lab", recording).assert_outcomes(passed=1)
    suite.runpytest("--editmetrics-env=lab").assert_outcomes(passed=1)


def test_a_variant_of_an_image_for_no_environment_is_named(suite, machine, picture):
    plain = picture(20)
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    for variant in ("cdua", "NVIDIA_H100", "cpu"):
        plain.with_name(f"{plain.stem}@{variant}.png").write_bytes(plain.read_bytes())
    result = suite.runpytest()
    result.assert_outcomes(passed=1)
    where = f"warning: goldens/test_x.py/{plain.stem}"
    assert said(result, f"{where}@cdua.png: the variant 'cdua' holds nowhere here") == 1
    assert said(result, f"{where}@NVIDIA_H100.png: the variant 'NVIDIA_H100'") == 1
    assert said(result, "holds nowhere here") == 2


def test_an_image_is_approved_where_its_edit_ran_and_under_no_other_name(
    suite, machine, picture, capsys, monkeypatch
):
    monkeypatch.chdir(suite.path)
    plain = picture(20)
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    variant = plain.with_name(f"{plain.stem}@cuda.png")
    variant.touch()
    picture(90)
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=1)
    results = suite.path / "run" / "results.jsonl"
    right = results.read_text()
    results.write_text(right.replace("@cuda.png", "@NVIDIA_H100.png"))
    assert main(["approve", "run"]) == 1
    assert "nothing was written: the run keeps the golden image" in capsys.readouterr().err
    results.write_text(right)
    assert main(["approve", "run"]) == 0
    made = read_provenance(plain.with_name(PROVENANCE), suite.path)
    assert made[variant.name]["device"] == "NVIDIA H100 80GB HBM3"
    suite.runpytest().assert_outcomes(passed=1)


def test_a_saved_run_is_scored_and_approved_where_its_edits_ran(
    suite, machine, golden, capsys, monkeypatch
):
    monkeypatch.chdir(suite.path)
    path = golden("{max: 0.9, env: {cuda: {max: 0.1}}}")
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=1)
    machine.seen = None
    assert main(["score", "run", "-o", "again"]) == 1
    (gate,) = gates(suite.path / "again" / "results.jsonl")
    assert (gate["verdict"], gate["env"], gate["environment"]) == ("fail", "cuda", NAMES)
    assert main(["approve", "again"]) == 0
    assert 'env: {cuda: {max: 0.22, measured: 0.2, size: "8x8"}}' in path.read_text()
    suite.runpytest("--editmetrics-run-dir=here").assert_outcomes(passed=1)
    capsys.readouterr()
    assert main(["compare", "run", "here"]) == 0
    assert f"  test_x.py::test_it score: {', '.join(NAMES)} -> cpu" in capsys.readouterr().out


def test_a_run_that_does_not_say_where_its_edits_ran_is_held_to_no_environment(
    suite, machine, golden, monkeypatch
):
    monkeypatch.chdir(suite.path)
    golden("{max: 0.9}")
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=1)
    assert main(["score", "run", "-o", "again"]) == 0
    golden("{max: 0.9, env: {cuda: {max: 0.1}}}")
    assert main(["score", "run", "-o", "again"]) == 1
    (gate,) = gates(suite.path / "again" / "results.jsonl")
    assert gate["verdict"] == "error"
    assert "does not say where the edit of test_x.py::test_it score ran" in gate["message"]


def test_shards_of_other_environments_keep_theirs(suite, machine, golden, monkeypatch):
    monkeypatch.chdir(suite.path)
    path = golden("{max: 0.1, env: {cuda: {}, cpu: {}}}")
    path.write_text(path.read_text() + path.read_text().replace("test_it", "test_too"))
    suite.makepyfile(test_x=TEST + "\n" + TEST.replace("test_it", "test_too"))
    suite.runpytest("--editmetrics-run-dir=gpu", "-k", "test_it").assert_outcomes(failed=1)
    machine.seen = None
    suite.runpytest("--editmetrics-run-dir=cpu", "-k", "test_too").assert_outcomes(failed=1)
    assert main(["merge", "gpu", "cpu", "-o", "both"]) == 0
    assert [gate["env"] for gate in gates(suite.path / "both" / "results.jsonl")] == ["cuda", "cpu"]
    assert main(["approve", "both"]) == 0
    recorded = '{max: 0.22, measured: 0.2, size: "8x8"}'
    assert path.read_text() == (
        f'"test_it":\n  score: {{max: 0.1, env: {{cuda: {recorded}, cpu: {{}}}}}}\n'
        f'"test_too":\n  score: {{max: 0.1, env: {{cuda: {{}}, cpu: {recorded}}}}}\n'
    )


@pytest.mark.parametrize(
    ("key", "value"), [("env", "NVIDIA H100"), ("environment", ["CUDA"]), ("environment", "cuda")]
)
def test_a_run_that_names_no_environment_is_not_read(
    suite, machine, golden, capsys, monkeypatch, key, value
):
    monkeypatch.chdir(suite.path)
    golden("{max: 0.1}")
    suite.runpytest("--editmetrics-results=r").assert_outcomes(failed=1)
    lines = [json.loads(line) for line in (suite.path / "r").read_text().splitlines()]
    lines[1][key] = value
    (suite.path / "r").write_text("".join(json.dumps(line) + "\n" for line in lines))
    capsys.readouterr()
    assert main(["approve", "r"]) == 1
    assert f"r:2: {key} cannot be" in capsys.readouterr().err
