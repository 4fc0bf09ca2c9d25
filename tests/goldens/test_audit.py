"""`editmetrics audit`: what became of the thresholds between two versions."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pytest_editmetrics.cli.main import main, make_parser
from pytest_editmetrics.goldens import git_files
from pytest_editmetrics.goldens.audit import audit
from pytest_editmetrics.goldens.file import GoldenEntry, GoldenFile
from pytest_editmetrics.goldens.versions import Pair, Thresholds
from pytest_editmetrics.measurement import Metric

GOLDEN = "tests/goldens/test_x.py.yaml"
LPIPS = '"test_a":\n  lpips: {{max: {0}}}\n'


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def run(capsys):
    def run(*args: str) -> tuple[int, str, str]:
        status = main(["audit", *args])
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture
def folders(tmp_path, monkeypatch, run):
    """Audit two folders with these files; ``--fail-on-loosening`` is always given."""
    monkeypatch.chdir(tmp_path)

    def audited(base: dict[str, str], head: dict[str, str], *options: str):
        for name, files in (("base", base), ("head", head)):
            (tmp_path / name).mkdir()
            put(tmp_path / name, files)
        return run("base", "head", "--fail-on-loosening", *options)

    return audited


@pytest.fixture
def git(tmp_path, monkeypatch):
    """A repository; the current folder."""
    root = tmp_path / "repository"
    root.mkdir()
    monkeypatch.chdir(root)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]

    def git(*args: str) -> str:
        done = subprocess.run(["git", *who, *args], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(files: dict[str, str | None], message: str = "change") -> str:
        put(root, {name: text for name, text in files.items() if text is not None})
        for name, text in files.items():
            if text is None:
                (root / name).unlink()
        git("add", "-A")
        git("commit", "-q", "-m", message)
        return git("rev-parse", "HEAD")

    git("init", "-q", "-b", "main")
    git.commit = commit
    return git


def changes_of(out: str) -> list[str]:
    return [line.strip() for line in out.splitlines() if line.startswith("  ")]


def test_each_direction_is_told_with_amount_and_place(folders):
    base = (
        '"test_a":\n  lpips: {max: 0.1}\n  emd: {max: 8.0}\n  sam_clip_cls_sim: {min: 0.9}\n'
        '"test_b":\n  sam_clip_cls_sim: {min: 0.8}\n  lpips@sky: {max: 0.2}\n'
        '"test_c":\n  lpips: {max: 0.3}\n'
    )
    head = (
        '"test_a":\n  lpips: {max: 0.15}\n  emd: {max: 7.0}\n  sam_clip_cls_sim: {min: 0.85}\n'
        '"test_b":\n  sam_clip_cls_sim: {min: 0.84}\n  lpips@hat: {max: 0.1}\n'
        '"test_c":\n  lpips: {max: 0.3, measured: 0.2}\n'
    )
    status, out, err = folders({GOLDEN: base}, {GOLDEN: head})
    assert status == 1
    assert "FAILED: 3 of the changes let more through" in err
    assert changes_of(out) == [
        f"{GOLDEN}:2: test_a lpips: max 0.1 -> 0.15, looser by 0.05, 50 %",
        f"{GOLDEN}:4: test_a sam_clip_cls_sim: min 0.9 -> 0.85, looser by 0.05, 5.56 %",
        f"{GOLDEN}:7: test_b lpips@sky: max 0.2 -> none",
        f"{GOLDEN}:3: test_a emd: max 8 -> 7, tighter by 1, 12.5 %",
        f"{GOLDEN}:6: test_b sam_clip_cls_sim: min 0.8 -> 0.84, tighter by 0.04, 5 %",
        f"{GOLDEN}:7: test_b lpips@hat: max 0.1",
    ]
    lines = out.splitlines()
    assert lines[0] == (
        "base  base: 1 golden file with 6 gates, 0 default thresholds, 0 golden images"
    )
    assert "lpips (lower is better): 1 loosened, 1 dropped, 1 added" in lines
    assert "sam_clip_cls_sim (higher is better): 1 loosened, 1 tightened" in lines
    assert lines[-1] == "2 loosened, 1 dropped, 2 tightened, 1 added, 1 unchanged"


@pytest.mark.parametrize(
    ("head", "status"),
    [("0.1", 0), ("0.09", 0), ("0.1000001", 1)],
)
def test_only_loosening_fails(folders, head, status):
    assert folders({GOLDEN: LPIPS.format("0.1")}, {GOLDEN: LPIPS.format(head)})[0] == status


@pytest.mark.parametrize(
    ("base", "head", "status", "told"),
    [
        ("0.2", "0.2", 0, None),
        ("0.2, review: 0.1", "0.2, review: 0.15", 1, "review 0.1 -> 0.15"),
        ("0.2, review: 0.1", "0.2", 1, "review 0.1 -> none"),
        ("0.2, review: 0.1", "0.2, review: 0.05", 0, "review 0.1 -> 0.05"),
        ("0.2", "0.2, review: 0.1", 0, "review none -> 0.1"),
        ("0.2, review: 0.1", "0.18", 0, "review 0.1 -> none"),
    ],
)
def test_a_review_bound_counts_where_the_bound_stays(folders, base, head, status, told):
    found, out, _ = folders({GOLDEN: LPIPS.format(base)}, {GOLDEN: LPIPS.format(head)})
    assert found == status
    assert told is None or told in out


def test_without_the_option_nothing_fails(folders, run):
    folders({GOLDEN: LPIPS.format(0.1)}, {GOLDEN: LPIPS.format(0.2)})
    assert run("base", "head")[0] == 0


def test_a_golden_file_that_is_gone_drops_its_thresholds(folders):
    other = {"tests/goldens/test_y.py.yaml": LPIPS.format(0.1)}
    status, out, _ = folders({GOLDEN: LPIPS.format(0.1), **other}, other)
    assert status == 1
    assert f"{GOLDEN}:2: test_a lpips: max 0.1 -> none (the file is gone)" in out


def variant(top: str, **env: str) -> str:
    inner = ", ".join(f"{key}: {{{value}}}" for key, value in env.items())
    parts = [part for part in (top, f"env: {{{inner}}}" if env else "") if part]
    return f'"test_a":\n  emd: {{{", ".join(parts)}}}\n'


@pytest.mark.parametrize(
    ("base", "head", "status", "told"),
    [
        (variant("max: 8", cuda="max: 9"), variant("max: 8", cuda="max: 9.5"), 1,
         "emd (env cuda): max 9 -> 9.5, looser by 0.5"),
        (variant("max: 8"), variant("max: 8", cuda="max: 9"), 1,
         "emd (env cuda): max 8 -> 9, looser by 1, 12.5 % (the top level held before)"),
        (variant("max: 8"), variant("max: 8", cuda="max: 7"), 0,
         "emd (env cuda): max 8 -> 7, tighter by 1, 12.5 % (the top level held before)"),
        (variant("max: 8", cuda="max: 9"), variant("max: 8"), 0,
         "emd (env cuda): max 9 -> 8, tighter by 1, 11.1 % (the top level holds now)"),
        (variant("max: 8", cuda="max: 7"), variant("max: 8"), 1,
         "emd (env cuda): max 7 -> 8, looser by 1, 14.3 % (the top level holds now)"),
        (variant("", cuda="max: 7"), variant("", cpu="max: 7"), 1, "(env cuda): max 7 -> none"),
        (variant("max: 8"), variant("max: 8", cuda=""), 0, "2 unchanged"),
        (variant("max: 8", cuda="max: 7"), variant("max: 8", cuda=""), 1,
         "emd (env cuda): max 7 -> 8, looser by 1, 14.3 % (the top level holds now)"),
        (variant("max: 8"), variant("max: 8", smoke="max: 99"), 0, "emd (env smoke): max 99"),
        (variant("max: 8", cuda="max: 9"), variant("max: 8", cuda="max: 9", **{"nvidia-h100": "max: 8.5"}), 1,
         "(env nvidia-h100): max 8 -> 8.5, looser by 0.5, 6.25 % (the top level held before)"),
        (variant("max: 8", cuda="max: 9", **{"nvidia-h100": "max: 8.5"}), variant("max: 8", cuda="max: 9"), 1,
         "(env nvidia-h100): max 8.5 -> 9, looser by 0.5, 5.88 % (the variant cuda holds now)"),
        (variant("max: 8", lab="max: 8.5", cuda="max: 9", cpu="max: 7"), variant("max: 8", cuda="max: 9", cpu="max: 7"), 1,
         "(env lab): max 8.5 -> 9, looser by 0.5, 5.88 % (the variant cuda holds now)"),
        (variant("max: 8", rocm="max: 8.5"), variant("max: 8", cuda="max: 9"), 1,
         "(env rocm): max 8.5 -> 9, looser by 0.5, 5.88 % (the variant cuda holds now)"),
        (variant("max: 8", mps="max: 8.5"), variant("max: 8", cuda="max: 9"), 1,
         "(env mps): max 8.5 -> 8, tighter by 0.5, 5.88 % (the top level holds now)"),
    ],
)  # fmt: skip
def test_what_counts_is_the_bound_that_holds_on_a_device(folders, base, head, status, told):
    found, out, _ = folders({GOLDEN: base}, {GOLDEN: head})
    assert (found, told in out) == (status, True), out


def test_defaults_count_and_hold_where_no_golden_is(folders):
    base = {
        "editmetrics.yaml": "thresholds:\n  lpips: 0.1\n  emd: {max: 8}\n",
        "sub/editmetrics.yaml": "thresholds:\n  lpips: {max: 0.01}\n",
    }
    head = {
        "editmetrics.yaml": "thresholds:\n  lpips: 0.2\n",
        "sub/editmetrics.yaml": "thresholds:\n  lpips: {max: 0.01}\n",
        GOLDEN: LPIPS.format(0.05),
        "sub/goldens/test_y.py.yaml": LPIPS.format(0.05),
    }
    status, out, _ = folders(base, head)
    assert status == 1
    assert "editmetrics.yaml:2: default lpips: max 0.1 -> 0.2, looser by 0.1, 100 %" in out
    assert "editmetrics.yaml:3: default emd: max 8 -> none" in out
    assert f"{GOLDEN}:2: test_a lpips: max 0.05\n" in out
    assert (
        "sub/goldens/test_y.py.yaml:2: test_a lpips: max 0.01 -> 0.05, looser by 0.04, 400 % (the"
        " default max 0.01 (sub/editmetrics.yaml:2) held before)" in out
    )


NAMED = {
    "pytest.ini": "[pytest]\neditmetrics_config = conf/strict.yaml\n",
    "pyproject.toml": '[tool.pytest.ini_options]\neditmetrics_config = "conf/strict.yaml"  # ours\n',
    "tox.ini": "[pytest]\naddopts = -q --editmetrics-config=conf/strict.yaml\n",
    "setup.cfg": "[tool:pytest]\neditmetrics_config=conf/strict.yaml\n",
}
BOUND = "thresholds: {{lpips: {{max: {0}}}}}\n"


@pytest.mark.parametrize("options", NAMED)
def test_the_configuration_that_pytests_options_name_is_read(folders, options):
    """And not the file that it replaces, which a session does not read."""
    named = {options: NAMED[options], "editmetrics.yaml": BOUND.format(0.3)}
    status, out, err = folders(
        {**named, "conf/strict.yaml": BOUND.format(0.1)},
        {**named, "conf/strict.yaml": BOUND.format(0.2)},
    )
    assert (status, err) == (1, "FAILED: 1 of the changes let more through\n")
    assert changes_of(out) == [
        "conf/strict.yaml:1: default lpips: max 0.1 -> 0.2, looser by 0.1, 100 %"
    ]


def test_options_that_name_another_configuration_change_the_defaults(folders):
    files = {"editmetrics.yaml": BOUND.format(0.1), "conf/strict.yaml": BOUND.format(0.2)}
    status, out, _ = folders(files, {**files, "pytest.ini": NAMED["pytest.ini"]})
    assert status == 1
    assert changes_of(out) == [
        "conf/strict.yaml:1: default lpips: max 0.1 -> 0.2, looser by 0.1, 100 %"
    ]


def test_a_golden_is_held_against_the_default_of_the_named_configuration(folders):
    named = {"pytest.ini": NAMED["pytest.ini"], "conf/strict.yaml": BOUND.format(0.1)}
    status, out, _ = folders(named, {**named, GOLDEN: LPIPS.format(0.2)})
    assert status == 1
    assert "max 0.1 -> 0.2, looser by 0.1" in out


@pytest.mark.parametrize(
    ("name", "why"),
    [("gone.yaml", "is no .yaml file there"), ("../x.yaml", "lies outside of what is compared")],
)
def test_a_named_configuration_that_cannot_be_read_is_told(folders, name, why):
    files = {"editmetrics.yaml": BOUND.format(0.1), "sub/editmetrics.yaml": BOUND.format(0.3)}
    ini = {"pytest.ini": f"[pytest]\neditmetrics_config = {name}\n"}
    _, _, err = folders(files, {**files, **ini})
    assert (
        f"head: the options of pytest in . name the configuration {name}, which {why}: its default"
        " thresholds are not compared\n" in err
    )


def test_a_dropped_golden_names_the_default_that_holds_now(folders):
    settings = {"editmetrics.yaml": "thresholds:\n  lpips: 0.1\n"}
    status, out, _ = folders({GOLDEN: LPIPS.format(0.2), **settings}, settings)
    assert status == 1
    assert "the file is gone; the default max 0.1 (editmetrics.yaml:2) holds now" in out


def test_defaults_of_a_base_file_are_seen(folders):
    head = {
        "editmetrics.yaml": "_base_: shared.yaml\n",
        "shared.yaml": "loose: 0.5\nthresholds:\n  lpips: {max: '${loose}'}\n",
    }
    status, out, _ = folders({"editmetrics.yaml": "thresholds: {lpips: 0.1}\n"}, head)
    assert status == 1
    assert "default lpips: max 0.1 -> 0.5" in out


@pytest.mark.parametrize(
    ("base", "head", "told"),
    [
        pytest.param(
            "tile: {tolerance: {tone: 2}}",
            "tile: {tolerance: {structure: 4}}",
            (
                "loosened: 1\n  editmetrics.yaml:1: default golden_structure (worst tile): max",
                "max 0.9 -> 4, looser by 3.1",
                "default golden_tone (worst tile): max 2 -> 0.7, tighter by 1.3",
            ),
            id="of the worst tile",
        ),
        pytest.param(
            None,
            "comparator: [structure, tone]",
            ("default golden_lpips: max 0.12 -> none",),
            id="a comparator that holds no golden image any more",
        ),
        pytest.param(
            "comparator: ssim, tolerance: {tone: 2}",
            "comparator: {ssim: 0.9}",
            (
                "default golden_ssim: min 0.98 -> 0.9, looser by 0.08",
                "default golden_tone: max 2 -> none",
            ),
            id="one that nothing was held to",
        ),
    ],
)
def test_bounds_of_golden_images_are_told(folders, base, head, told):
    files = [
        {GOLDEN: ""} | ({"editmetrics.yaml": f"golden_images: {{{block}}}\n"} if block else {})
        for block in (base, head)
    ]
    status, out, _ = folders(*files)
    assert status == 1
    assert [line for line in told if line not in out] == []


def test_another_expectation_is_another_default(folders):
    base = {"editmetrics.yaml": "expect: composited\n"}
    head = {"editmetrics.yaml": "expect: reencoded\nthresholds: {tone: 2}\n"}
    status, out, _ = folders(base, head)
    assert status == 1
    assert "default lpips: max 0.01 -> 0.6, looser by 0.59" in out
    assert "editmetrics.yaml:1 (expect: reencoded)" in out
    assert "default unedit_max_diff: max 2 -> none" in out
    assert "default tone: max 2\n" in out


def test_a_golden_is_not_held_against_what_other_tests_expect(folders):
    settings = {"editmetrics.yaml": "expect: composited\n"}
    status, out, _ = folders(settings, {**settings, GOLDEN: LPIPS.format(0.5)})
    assert status == 0
    assert "added: 1" in out


def test_the_reason_of_a_bound_is_told(folders):
    base = {GOLDEN: '"test_a":\n  lpips: {max: 0.1}\n  emd: {max: 3, reason: "old"}\n'}
    head = {
        GOLDEN: '"test_a":\n  lpips: {max: 0.2, reason: "#12"}\n  emd: {max: 4, reason: "old"}\n'
    }
    _, out, _ = folders(base, head)
    assert "lpips: max 0.1 -> 0.2, looser by 0.1, 100 % (reason: #12)" in out
    assert "emd: max 3 -> 4, looser by 1, 33.3 % (reason (of before): old)" in out


def test_golden_images_are_told_by_their_provenance(folders):
    place = "tests/goldens/test_x.py/provenance.yaml"
    base = {place: "a.png: {sha256: aa}\nb.png: {sha256: bb}\nd.png: {sha256: dd}\n"}
    head = {place: "a.png: {sha256: aa}\nb.png: {sha256: b2}\nc.png: {sha256: cc}\n"}
    status, out, _ = folders(base, head)
    assert status == 1
    assert changes_of(out) == [
        "changed: tests/goldens/test_x.py/b.png",
        "dropped: tests/goldens/test_x.py/d.png",
        "added: tests/goldens/test_x.py/c.png",
    ]
    told = "1 golden image changed, 1 golden image dropped, 1 golden image added"
    assert out.splitlines()[-1] == f"0 unchanged, {told}"


def test_goldens_of_fixtures_that_no_file_defines_are_thresholds_too(folders):
    place = "goldens/_fixtures.yaml"
    status, out, _ = folders({place: LPIPS.format(0.1)}, {place: LPIPS.format(0.2)})
    assert status == 1
    assert f"{place}:2: test_a lpips: max 0.1 -> 0.2, looser by 0.1, 100 %" in out


def test_own_metrics_take_their_direction_from_their_bounds(folders):
    base = {GOLDEN: '"test_a":\n  sharp: {min: 3}\n  flat: {env: {cpu: {max: 1}}}\n'}
    head = {GOLDEN: '"test_a":\n  sharp: {min: 2}\n  flat: {env: {cpu: {max: 0.5}}}\n'}
    status, out, _ = folders(base, head)
    assert status == 1
    assert "sharp: min 3 -> 2, looser by 1" in out
    assert "flat (env cpu): max 1 -> 0.5, tighter by 0.5" in out
    assert "sharp is not built in" in out


def test_an_alias_is_the_metric_that_it_names(folders):
    base = {"editmetrics.yaml": "thresholds: {iou: 0.5, ssim: 0.9}\n"}
    head = {"editmetrics.yaml": "thresholds: {mask_iou: 0.2, ssim: 0.1}\n"}
    status, out, _ = folders(base, head)
    assert status == 1
    assert "2 loosened, 0 unchanged" in out


def test_a_golden_below_a_default_that_is_written_by_an_alias_loosens(folders):
    default = {"editmetrics.yaml": "thresholds: {iou: {min: 0.9}}\n"}
    status, out, _ = folders(default, {**default, GOLDEN: '"test_a":\n  mask_iou: {min: 0.3}\n'})
    assert status == 1
    assert "1 loosened" in out


def test_one_metric_under_two_names_is_an_error(folders):
    head = {"editmetrics.yaml": "thresholds: {unedit_ssim: 0.5}\n"}
    base = {"editmetrics.yaml": "thresholds: {ssim: 0.9, unedit_ssim: 0.5}\n"}
    status, _, err = folders(base, head)
    assert status == 1
    assert "'ssim' and 'unedit_ssim' are one metric, unedit_ssim; write it once" in err


def test_a_bare_number_of_an_unknown_direction_may_not_change(folders, run):
    base, head = (
        {"editmetrics.yaml": f"thresholds: {{sharpness: {bound}}}\n"} for bound in (0.5, 0.1)
    )
    status, _, err = folders(base, head)
    assert status == 1
    assert "sharpness is no metric of this package, so 0.5 -> 0.1 may be looser or tighter" in err
    assert "write {max: 0.1} or {min: 0.1}" in err
    assert run("base", "base", "--fail-on-loosening")[0] == 0


def test_an_own_metric_that_changes_its_direction_is_an_error(folders):
    base, head = (f'"test_a":\n  sharp: {{{kind}: 3}}\n' for kind in ("min", "max"))
    status, _, err = folders({GOLDEN: base}, {GOLDEN: head})
    assert status == 1
    assert f"sharp has a max and a min (base: {GOLDEN}:2 and head: {GOLDEN}:2)" in err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('"test_a":\n  lpips: {min: 0.1}\n', "2: 'min' on lpips, which is lower-is-better"),
        ('"test_a":\n  lpips: {max: 0.1}\n  lpips: {max: 0.2}\n', "3: the key 'lpips' is written"),
        ('"test_a": [', "2: not valid YAML"),
        ('"test_a":\n  lpips: {max: 0.1, env: {CUDA: {max: 1}}}\n', "2: the environment 'CUDA'"),
    ],
)
@pytest.mark.parametrize("side", ["base", "head"])
def test_a_file_that_cannot_be_read_is_named_with_version_and_line(folders, text, problem, side):
    good = {GOLDEN: LPIPS.format(0.1)}
    bad = {GOLDEN: text}
    status, out, err = folders(bad if side == "base" else good, bad if side == "head" else good)
    assert status == 1
    assert f"{side}: {GOLDEN}:{problem}" in err
    assert out == ""


def test_nothing_to_compare_is_an_error(folders):
    status, _, err = folders({"tests/data.yaml": "a: 1"}, {})
    assert status == 1
    assert "neither base nor head has golden files" in err


def test_two_files_of_any_name_are_compared(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    put(tmp_path, {"old.yaml": LPIPS.format(0.1), "new.yaml": LPIPS.format(0.2), "d/x": ""})
    status, out, _ = run("old.yaml", "new.yaml", "--fail-on-loosening")
    assert status == 1
    assert "new.yaml:2: test_a lpips: max 0.1 -> 0.2" in out
    assert run("old.yaml", "d")[0] == 2


def test_virtual_environments_and_hidden_folders_are_left_out(folders):
    foreign = {
        "env/pyvenv.cfg": "",
        "env/lib/x.py.yaml": "nonsense: [",
        ".tox/x.py.yaml": "nonsense: [",
    }
    good = {GOLDEN: LPIPS.format(0.1)}
    assert folders({**good, **foreign}, good)[0] == 0


# git


def test_two_revisions_of_the_whole_repository(git, run, monkeypatch):
    git.commit({GOLDEN: LPIPS.format(0.1), "a b/goldens/tést_ü.py.yaml": LPIPS.format(0.1)})
    git("checkout", "-q", "-b", "topic")
    git.commit({GOLDEN: LPIPS.format(0.2), "a b/goldens/tést_ü.py.yaml": None})
    git("checkout", "-q", "main")
    (Path.cwd() / "tests").mkdir(exist_ok=True)
    monkeypatch.chdir("tests")
    status, out, _ = run("main", "topic", "--fail-on-loosening")
    assert status == 1
    assert out.startswith("base  main (")
    assert f"{GOLDEN}:2: test_a lpips: max 0.1 -> 0.2" in out
    assert "a b/goldens/tést_ü.py.yaml:2: test_a lpips: max 0.1 -> none (the file is gone)" in out
    assert run("topic", "main", "--fail-on-loosening")[0] == 0


def test_the_configuration_that_the_options_of_a_revision_name(git, run):
    git.commit({"pytest.ini": NAMED["pytest.ini"], "conf/strict.yaml": BOUND.format(0.1)})
    git.commit({"conf/strict.yaml": BOUND.format(0.2)})
    status, out, _ = run("HEAD^1", "HEAD", "--fail-on-loosening")
    assert status == 1
    assert "conf/strict.yaml:1: default lpips: max 0.1 -> 0.2" in out
    put(Path(), {"conf/strict.yaml": BOUND.format(0.4)})
    status, out, _ = run("HEAD", ".", "--fail-on-loosening")
    assert status == 1
    assert "max 0.2 -> 0.4" in out


def test_a_revision_beside_a_folder_is_read_at_its_place(git, run):
    git.commit({GOLDEN: LPIPS.format(0.1), "other/goldens/test_y.py.yaml": LPIPS.format(0.1)})
    put(Path.cwd(), {GOLDEN: LPIPS.format(0.3)})
    status, out, _ = run("HEAD", "tests", "--fail-on-loosening")
    assert status == 1
    assert changes_of(out) == [
        "goldens/test_x.py.yaml:2: test_a lpips: max 0.1 -> 0.3, looser by 0.2, 200 %"
    ]
    assert run("HEAD", GOLDEN, "--fail-on-loosening")[0] == 1
    assert run("HEAD", ".", "--fail-on-loosening")[0] == 1
    put(Path.cwd(), {GOLDEN: LPIPS.format(0.1)})
    assert run("HEAD", GOLDEN, "--fail-on-loosening")[0] == 0


def test_a_path_wins_over_a_revision_and_says_so(git, run):
    git.commit({GOLDEN: LPIPS.format(0.1)})
    put(Path.cwd(), {"main/tests/goldens/test_x.py.yaml": LPIPS.format(0.2)})
    _, out, err = run("main", "main")
    assert "main is a path and a revision: the path is taken (main^0 is the revision)" in err
    assert "base  main: 1 golden file" in out
    status, out, _ = run("main^0", "HEAD", "--fail-on-loosening")
    assert (status, "base  main^0 (" in out) == (0, True)


@pytest.mark.parametrize("name", ["--output=owned", "-h", "--help", "no-such-branch", "", "a\nb"])
def test_what_is_no_revision_never_reaches_git_as_an_option(git, run, name, capsys):
    git.commit({GOLDEN: LPIPS.format(0.1)})
    status, _, err = run("--", name, "HEAD")
    assert status == 2
    assert "is no path and no git revision here" in err
    assert not (Path.cwd() / "owned").exists()


def test_an_option_is_no_revision_whatever_git_would_say(tmp_path, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError(args)

    monkeypatch.setattr(git_files.subprocess, "run", never)
    assert git_files.find_commit("--git-dir=elsewhere", tmp_path) is None


def test_outside_a_repository_a_revision_is_refused(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    status, _, err = run("main", "HEAD")
    assert status == 1
    assert f"'main' is no path here, and git finds no repository in {tmp_path}: fatal:" in err


def test_without_git_folders_are_compared_and_revisions_are_not(folders, run, monkeypatch):
    monkeypatch.setenv("PATH", "")
    same = {GOLDEN: LPIPS.format(0.1)}
    assert folders(same, same)[0] == 0
    status, _, err = run("main", "HEAD")
    assert status == 1
    assert "git is not installed" in err


def test_no_filter_of_the_repository_runs_and_no_link_is_followed(git, run, tmp_path):
    git("config", "filter.bad.smudge", f"touch {tmp_path / 'ran'}; cat")
    git("config", "filter.bad.clean", "cat")
    git.commit({".gitattributes": "*.yaml filter=bad\n", GOLDEN: LPIPS.format(0.1)})
    outside = tmp_path / "outside.yaml"
    outside.write_text(LPIPS.format(0.9))
    Path("tests/goldens/test_link.py.yaml").symlink_to(outside)
    git.commit({})
    (tmp_path / "ran").unlink(missing_ok=True)
    status, out, _ = run("HEAD^", "HEAD", "--fail-on-loosening")
    assert (status, "0.9" in out) == (0, False)
    assert not (tmp_path / "ran").exists()


# Markdown


def test_markdown_is_a_table_that_no_test_id_can_leave(folders):
    hostile = "test_a[<b>|`x`\\n# big]"
    base, head = (f'"{hostile}":\n  lpips: {{max: {bound}}}\n' for bound in ("0.1", "0.2"))
    status, out, _ = folders({GOLDEN: base}, {GOLDEN: head}, "--markdown")
    assert status == 1
    assert out.startswith("### Thresholds: 1 loosened, 0 unchanged\n")
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(out)
    assert html.count("<tr>") == 2
    assert html.count("<td>") == 5
    assert "<b>" not in html
    assert "<strong>loosened</strong>" in html


def test_markdown_fits_in_a_comment(folders):
    tests = "".join(f'"test_{n}[{"x" * 80}]":\n  lpips: {{max: 0.%s}}\n' for n in range(900))
    texts = [tests.replace("%s", digit) for digit in "12"]
    _, out, _ = folders({GOLDEN: texts[0]}, {GOLDEN: texts[1]}, "--markdown")
    assert len(out) < 65_536
    rows = out.count("| **loosened** |")
    assert f"and {900 - rows} more" in out


# docs/how-to/audit.md

DOCS = (Path(__file__).parents[2] / "docs" / "how-to" / "audit.md").read_text(encoding="utf-8")


def test_every_command_of_the_docs_is_one_that_the_parser_takes():
    named = re.findall(r"^ *(?:- run: )?editmetrics ([^#>\n]+)", DOCS, re.M)
    assert len(named) == 5
    for command in named:
        make_parser().parse_args(shlex.split(command))


def test_the_workflow_compares_a_merge_with_the_branch_that_it_is_merged_into():
    workflow = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", DOCS, re.S)[0])
    checkout, _, _, command, comment = workflow["jobs"]["audit"]["steps"]
    assert checkout["with"]["fetch-depth"] == 2
    assert "audit HEAD^1 HEAD" in command["run"]
    assert "${{" not in comment["run"]


def test_the_output_in_the_docs_is_what_is_printed(folders):
    base = (
        '"test_add_hat[sdxl]":\n  lpips: {max: 0.0318}\n  sam_clip_cls_sim: {min: 0.893}\n'
        '  emd: {max: 7.9}\n"test_remove_dog":\n  lpips: {max: 0.05}\n'
    )
    head = (
        '"test_add_hat[sdxl]":\n  lpips: {max: 0.0435}\n  sam_clip_cls_sim: {min: 0.9}\n'
        "  emd: {max: 7.9, env: {cuda: {max: 8.3}}}\n"
    )
    place = "tests/goldens/test_portrait.py.yaml"
    _, out, _ = folders({place: base}, {place: head})
    shown = re.findall(r"```text\n(.*?)```", DOCS, re.S)[0]
    assert out.splitlines()[2:] == shown.splitlines()[2:]


bounds = st.floats(0, 10).map(lambda value: round(value, 3)) | st.none()
entries = st.builds(
    lambda top, cuda, cpu: GoldenEntry(
        top,
        None,
        {k: GoldenEntry(v, None, {}, 1) for k, v in (("cuda", cuda), ("cpu", cpu)) if v},
        1,
    ),
    bounds,
    bounds,
    bounds,
)


@given(entries, entries, st.sampled_from(["lower", "higher"]))
def test_swapping_the_versions_turns_every_change_around(one, other, better):
    """What is looser one way is tighter the other way; the same is the same."""

    def version(entry: GoldenEntry) -> Thresholds:
        file = GoldenFile(Path("x"), "x", {"test": {"m": entry}})
        return Thresholds("v", {"x": file}, {}, {})

    metrics = {"m": Metric("m", better)}
    there = audit(Pair(version(one), version(other), metrics, (), frozenset()))
    back = audit(Pair(version(other), version(one), metrics, (), frozenset()))
    turned = {
        "loosened": "tightened",
        "tightened": "loosened",
        "added": "dropped",
        "dropped": "added",
    }
    assert sorted(
        (c.env or "", turned[c.kind], c.after, c.before) for c in there.changes
    ) == sorted((c.env or "", c.kind, c.before, c.after) for c in back.changes)
    assert there.unchanged == back.unchanged
    assert not audit(Pair(version(one), version(one), metrics, (), frozenset())).changes


@pytest.mark.parametrize("name", ["golden", "golden_lpips"])
def test_a_name_of_golden_images_is_refused_where_it_stands(folders, name):
    files = {GOLDEN: f'"test_a":\n  {name}: {{max: 0.1}}\n'}
    status, _, err = folders(files, files)
    assert status == 1
    assert f"{GOLDEN}:2: no metric is called {name}; golden_images sets the bounds" in err


CASES = "cases:\n  - id: cup\n    reference: cup.png\n    coords: {{mask: m.png, dilate: {0}}}\n"


def test_an_edit_area_that_grew_is_told(folders):
    golden = (
        '"cup":\n  lpips: {{max: 0.1, measured: 0, share: {0}}}\n  emd: {{max: 1, share: {1}}}\n'
    )
    place = "tests/goldens/test_x.edit.yaml.yaml"
    case = "tests/test_x.edit.yaml"
    base = {place: golden.format(0.832, 0.832), case: CASES.format(8)}
    head = {place: golden.format(0.111, 0.8), case: CASES.format(80)}
    status, out, err = folders(base, head)
    assert status == 1
    assert "FAILED: 1 of the changes let more through" in err
    assert out.splitlines()[2:] == [
        "edit areas: 3",
        f'  {case}:4: cup coords: {{"mask": "m.png", "dilate": 8}} -> {{"mask": "m.png", "dilate": 80}}',
        f"  {place}:2: cup lpips share: 0.832 -> 0.111, less than half",
        f"  {place}:3: cup emd share: 0.832 -> 0.8",
        "2 unchanged, 3 edit areas changed",
    ]


def test_a_share_that_is_gone_holds_less_and_one_that_is_new_is_no_change(folders):
    golden = '"a":\n  lpips: {max: 0.1, share: 0.8}\n  emd: {max: 1}\n'
    head = '"a":\n  lpips: {max: 0.1}\n  emd: {max: 1, share: 0.8}\n'
    status, out, _ = folders({GOLDEN: golden}, {GOLDEN: head})
    assert status == 1
    assert changes_of(out) == [f"{GOLDEN}:2: a lpips share: 0.8 -> none"]


def test_a_size_that_fell_is_told(folders):
    golden = (
        '"a":\n  lpips: {{max: 0.1, size: {0}, env: {{cuda: {{max: 0.1, size: {1}}}}}}}\n'
        "  emd: {{max: 1, size: {2}}}\n  unedit_psnr: {{min: 9{3}}}\n"
    )
    base = {GOLDEN: golden.format("512x512", "512x512", "64x64", "")}
    head = {GOLDEN: golden.format("256x256", "512x384", "128x64", ", size: 8x8")}
    status, out, err = folders(base, head)
    assert status == 1
    assert "FAILED: 1 of the changes let more through" in err
    assert out.splitlines()[2:] == [
        "picture sizes: 3",
        f"  {GOLDEN}:2: a lpips size: 512x512 -> 256x256, less than half",
        f"  {GOLDEN}:2: a lpips (env cuda) size: 512x512 -> 512x384",
        f"  {GOLDEN}:3: a emd size: 64x64 -> 128x64",
        "4 unchanged, 3 picture sizes changed",
    ]


def test_a_size_that_is_gone_holds_less(folders):
    golden = '"a":\n  lpips: {max: 0.1, size: 64x64}\n'
    status, out, _ = folders({GOLDEN: golden}, {GOLDEN: golden.replace(", size: 64x64", "")})
    assert status == 1
    assert changes_of(out) == [f"{GOLDEN}:2: a lpips size: 64x64 -> none"]


def test_cases_that_cannot_be_read_or_are_as_before_have_no_changed_area(folders):
    files = {GOLDEN: LPIPS.format(0.1), "a.edit.yaml": "a: [", "b.edit.yaml": CASES.format(8)}
    status, out, _ = folders(files, files)
    assert (status, changes_of(out)) == (0, [])


MEASURED = 'max: 0.1, measured: 0.05, weights: "abcdef12", size: 64x64, share: 0.8'


def test_an_empty_variant_asks_to_be_recorded_and_loosens_nothing(folders):
    golden = '"test_a":\n  lpips: {{{0}}}\n'
    base, head = golden.format(MEASURED), golden.format(f"{MEASURED}, env: {{cpu: {{}}}}")
    status, out, _ = folders({GOLDEN: base}, {GOLDEN: head})
    assert (status, out.splitlines()[2:]) == (0, ["2 unchanged"])


def test_an_empty_variant_that_moved_is_no_loosening(folders):
    golden = '"test_a":\n  lpips: {{{0}}}\n'
    base, head = golden.format(MEASURED), golden.format(f"{MEASURED}, env: {{cpu: {{}}}}")
    status, out, _ = folders({GOLDEN: base}, {MOVED: head})
    assert (status, out.splitlines()[-1]) == (0, "1 moved, 1 unchanged")


def test_a_variant_is_held_against_what_held_there_before(folders):
    """An empty one held nothing itself; smoke weights are held by no real golden."""
    golden = '"test_a":\n  lpips: {{{0}, env: {{cpu: {{{1}}}{2}}}}}\n'
    small = MEASURED.replace("64x64", "8x8")
    head = golden.format(MEASURED, small, ", smoke: {max: 9, size: 8x8}")
    status, out, _ = folders({GOLDEN: golden.format(MEASURED, "", "")}, {GOLDEN: head})
    told = f"  {GOLDEN}:2: test_a lpips (env cpu) size: 64x64 -> 8x8, less than half"
    assert (status, out.splitlines()[-3:-1]) == (1, ["picture sizes: 1", told]), out


@pytest.mark.parametrize(
    ("head", "status", "told"),
    [
        ('edit: "none"', 1, "edit: made -> none"),
        ("", 1, "measured: 0.1 -> none, so that a lost edit passes"),
        ('measured: 0.1, env: {cpu: {max: 0.2, measured: 0.1, edit: "none"}}', 1, "edit: made"),
        ("measured: 0.1, env: {cpu: {max: 0.2, measured: 0.1}}", 0, "2 unchanged"),
    ],
)
def test_a_golden_that_lets_a_lost_edit_pass_loosens(folders, head, status, told):
    base = '"test_a":\n  lpips: {max: 0.2, measured: 0.1}\n'
    measured = f"measured: 0.1, {head}" if head.startswith("edit") else head
    after = f'"test_a":\n  lpips: {{max: 0.2{", " + measured if measured else ""}}}\n'
    came, out, _ = folders({GOLDEN: base}, {GOLDEN: after})
    assert came == status
    assert told in out


MOVED = "tests/moved/goldens/test_y.py.yaml"
FULL = '"test_a":\n  lpips: {max: 0.1, measured: 0.05, weights: "abcdef12", share: 0.5, env: {cuda: {max: 0.2}}}\n'


def test_a_golden_file_that_moved_is_no_loosening(folders):
    status, out, _ = folders({GOLDEN: FULL}, {MOVED: FULL})
    assert status == 0
    assert "moved: 2\n" in out
    assert f"  {MOVED}:2: test_a lpips: max 0.1 (from {GOLDEN})" in out
    assert f"  {MOVED}:2: test_a lpips (env cuda): max 0.2 (from {GOLDEN})" in out
    assert out.endswith("2 moved, 0 unchanged\n")


def test_what_moved_and_changed_is_told(folders):
    status, out, _ = folders({GOLDEN: FULL}, {MOVED: FULL.replace("share: 0.5", "share: 0.1")})
    assert status == 1
    assert "test_a lpips share: 0.5 -> 0.1, less than half" in out
    assert "moved: 2\n" in out


def test_another_bound_or_name_is_no_move(folders):
    status, out, _ = folders({GOLDEN: LPIPS.format(0.1)}, {MOVED: LPIPS.format(0.2)})
    assert status == 1
    assert "1 dropped, 1 added" in out


def test_of_two_that_are_gone_one_that_is_new_is_one_that_moved(folders):
    other = GOLDEN.replace("test_x", "test_z")
    text = LPIPS.format(0.1)
    status, out, _ = folders({GOLDEN: text, other: text}, {MOVED: text})
    assert status == 1
    assert "1 dropped, 1 moved, 0 unchanged" in out


def test_a_golden_image_that_moved_is_no_loosening(folders):
    entry = "{0}.png: {{sha256: {1}, test: test_a}}\n"
    old, new = "goldens/test_x.py/provenance.yaml", "goldens/test_y.py/provenance.yaml"
    a, b = "a" * 64, "b" * 64
    base = entry.format("test_a-00000000", a) + entry.format("test_b-00000000", b)
    head = entry.format("test_a-00000000", a) + entry.format("test_c-00000000", b)
    status, out, _ = folders({old: base}, {new: head})
    assert status == 0, out
    assert "moved: goldens/test_y.py/test_a-00000000.png (from goldens/test_x.py/test_a-" in out
    assert "moved: goldens/test_y.py/test_c-00000000.png (from goldens/test_x.py/test_b-" in out
    assert "2 golden images moved" in out


def test_weights_that_are_gone_hold_less(folders):
    status, out, _ = folders({GOLDEN: FULL}, {GOLDEN: FULL.replace(' weights: "abcdef12",', "")})
    assert status == 1
    assert "test_a lpips weights: abcdef12 -> none, so that a value of other weights passes" in out
