"""A bound of another environment holds"""

from __future__ import annotations

import os

import pytest
from conftest_text import add_to_conftest

TORCH = """
import os
import sys
from types import SimpleNamespace

SEEN = {"0": ("NVIDIA H100 80GB HBM3", (9, 0)), "1": ("Tesla T4", (7, 5))}


def gpus():
    assert "pytest" not in sys.modules, "CUDA was started in the test's process"
    return [SEEN[i] for i in os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",") if i]


cuda = SimpleNamespace(
    is_available=lambda: bool(gpus()),
    is_initialized=lambda: False,
    device_count=lambda: len(gpus()),
    current_device=lambda: 0,
    get_device_name=lambda index: gpus()[index][0],
    get_device_capability=lambda index: gpus()[index][1],
)
version = SimpleNamespace(hip=None)
backends = SimpleNamespace(mps=SimpleNamespace(is_available=lambda: False))
accelerator = SimpleNamespace(is_available=lambda: False)
"""
TEST = "def test_it(check): check(20)\n"
FORKED = """
import multiprocessing

def test_it(check):
    child = multiprocessing.get_context("fork").Process(target=check, args=(20,))
    child.start()
    child.join()
"""
PSNR = """
import numpy as np

def test_it(edit_gate):
    image = np.full((32, 32, 3), 100, dtype=np.uint8)
    edit_gate.check(image, image + 10, metrics=["unedit_psnr"])
"""
IMAGE = """
from conftest import image

def test_it(golden_image): golden_image.check(image(20))
"""


@pytest.fixture
def runner(suite, monkeypatch):
    """A machine with an H100, told by a torch that may not be started in the test's process."""
    (suite.path / "lib").mkdir()
    (suite.path / "lib" / "torch.py").write_text(TORCH)
    path = [str(suite.path / "lib"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (suite.path / "goldens").mkdir()
    suite.makepyfile(test_x=TEST)
    return suite


def golden(suite, text, metric="score", file="test_x.py.yaml"):
    (suite.path / "goldens" / file).write_text(f'"test_it":\n  {metric}: {text}\n')


def test_the_bound_of_the_cpu_on_a_gpu_runner(runner, assert_came, workers):
    """PSNR, computed on the CPU, of an edit that ran on a GPU: `{min: 20, env: {cuda: {min: 50}}}`."""
    runner.makepyfile(test_x=PSNR)
    golden(runner, "{min: 20, env: {cuda: {min: 50}}}", "unedit_psnr")
    result = runner.runpytest_subprocess(*workers)
    assert_came(result, 1, "*bound*golden goldens/test_*.yaml:* (env cuda)")


def test_a_device_for_the_metrics(runner, assert_came, workers):
    """`--editmetrics-device=cpu` on a GPU runner: the metrics compute there, the edit does not."""
    golden(runner, "{max: 0.9, env: {cuda-sm90: {max: 0.1}}}")
    result = runner.runpytest_subprocess("--editmetrics-device=cpu", *workers)
    assert_came(result, 1, "*bound*golden goldens/test_*.yaml:* (env cuda-sm90)")


def test_torch_is_imported_and_not_started(runner, assert_came, workers):
    """The test's file imports torch; asking for the accelerator must not start CUDA there."""
    runner.makepyfile(test_x="import torch\n" + TEST)
    golden(runner, "{max: 0.9, env: {nvidia-h100-80gb-hbm3: {max: 0.1}}}")
    result = runner.runpytest_subprocess(*workers)
    assert_came(result, 1, "*bound*golden goldens/test_*.yaml:* (env nvidia-h100-80gb-hbm3)")


def test_a_forked_process(runner, assert_came, workers):
    """A check in a forked process, whose parent never asked."""
    runner.makepyfile(test_x=FORKED)
    golden(runner, "{max: 0.9, env: {cuda: {max: 0.1}}}")
    result = runner.runpytest_subprocess(*workers)
    assert_came(result, 1, "*bound*golden goldens/test_*.yaml:* (env cuda)")


def test_a_conftest_hides_the_gpu(runner, assert_came, workers):
    """A `conftest.py` sets `CUDA_VISIBLE_DEVICES` to nothing: the edit runs on the CPU."""
    add_to_conftest(runner, "import os\nos.environ['CUDA_VISIBLE_DEVICES'] = ''\n")
    golden(runner, "{max: 0.9, env: {cuda: {max: 0.8}, cpu: {max: 0.1}}}")
    result = runner.runpytest_subprocess(*workers)
    assert_came(result, 1, "*bound*golden goldens/test_*.yaml:* (env cpu)")


def test_a_fixture_chooses_another_gpu(runner, assert_came):
    """A fixture sets `CUDA_VISIBLE_DEVICES` to another GPU after the first gate asked."""
    runner.makepyfile(
        test_x=TEST + "\ndef test_too(check, monkeypatch):\n"
        "    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '1')\n    check(20)\n"
    )
    text = '"test_it":\n  score: &it {max: 0.9, env: {nvidia-h100-80gb-hbm3: {max: 0.3}, tesla-t4: {max: 0.1}}}\n'
    (runner.path / "goldens" / "test_x.py.yaml").write_text(
        text + '"test_too":\n  score: {max: 0.9, env: {tesla-t4: {max: 0.1}}}\n'
    )
    result = runner.runpytest_subprocess()
    assert_came(result, 1, "*bound*golden goldens/test_*.yaml:* (env tesla-t4)")
    result.assert_outcomes(passed=1, failed=1)


def test_two_gpus_of_other_names(runner, assert_came, monkeypatch, workers):
    """Torch sees two GPUs of other names; which of them the edit took, nobody tells."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    golden(runner, "{max: 0.9, env: {tesla-t4: {max: 0.1}}}")
    result = runner.runpytest_subprocess(*workers)
    assert_came(
        result,
        0,
        "warning: torch sees NVIDIA H100 80GB HBM3, which stands for the environment, and Tesla T4,"
        " too: say which one edits run on with --editmetrics-env",
    )
    result = runner.runpytest_subprocess("--editmetrics-env=tesla-t4", *workers)
    assert_came(result, 1, "*bound*golden goldens/test_*.yaml:* (env tesla-t4)")


def test_torch_cannot_be_asked(runner, assert_came, workers):
    """Torch is broken in the process that is asked: the top level must not hold unsaid."""
    (runner.path / "lib" / "torch.py").write_text("raise ImportError('libcudart.so.13')")
    golden(runner, "{max: 0.9, env: {cuda: {max: 0.1}}}")
    result = runner.runpytest_subprocess(*workers)
    assert_came(
        result,
        1,
        "*score could not be judged: which accelerator torch sees here*ImportError: libcudart.so.13.*",
    )


def test_an_empty_variant(runner, assert_came, workers):
    """`env: {cuda: {}}` without a bound: what was measured on the CPU holds, for ever."""
    golden(runner, "{max: 0.9, env: {cuda: {}}}")
    result = runner.runpytest_subprocess(*workers)
    assert_came(
        result,
        0,
        "goldens/test_x.py.yaml:2: `env: {cuda: {}}` states no bound, so the entry's own bound"
        " holds there; --editmetrics-update=missing records one",
    )
    runner.runpytest_subprocess("--editmetrics-update=missing", *workers)
    runner.makepyfile(test_x=TEST.replace("20", "30"))
    result = runner.runpytest_subprocess(*workers)
    assert_came(result, 1, "*bound*golden goldens/test_*.yaml:* (env cuda)")


def test_a_misspelt_variant(runner, assert_came, workers):
    """A variant under a name that no environment has: `env: {cdua: {max: 0.1}, cpu: {max: 0.3}}`."""
    golden(runner, "{max: 0.9, env: {cdua: {max: 0.1}, cpu: {max: 0.3}}}")
    result = runner.runpytest_subprocess(*workers)
    assert_came(
        result,
        0,
        "warning: goldens/test_x.py.yaml:2: the variant 'cdua' holds nowhere here: *(did you mean 'cuda'?)*",
    )


def test_a_name_as_the_driver_writes_it(runner, assert_came, workers):
    """`env: {NVIDIA H100 80GB HBM3: {max: 0.1}}`."""
    golden(runner, "{max: 0.9, env: {NVIDIA H100 80GB HBM3: {max: 0.1}}}")
    result = runner.runpytest_subprocess(*workers)
    assert_came(result, 1, "*write 'nvidia-h100-80gb-hbm3'*")


def test_an_option_that_a_shell_left_empty(runner, assert_came, workers):
    """`--editmetrics-env=$LABEL`, which is empty."""
    result = runner.runpytest_subprocess("--editmetrics-env=", *workers)
    assert_came(result, 4, "ERROR: --editmetrics-env (ini: editmetrics_env) is empty, so*")


def test_names_given_to_the_controller(runner, assert_came, workers):
    """Names of the command line and of `-o` have to reach the workers."""
    golden(runner, "{max: 0.9, env: {cuda: {max: 0.3}, lab: {max: 0.1}}}")
    result = runner.runpytest_subprocess("--editmetrics-env=lab", *workers)
    assert_came(result, 1, "*bound*golden goldens/test_*.yaml:* (env lab)")
    result = runner.runpytest_subprocess("-o", "editmetrics_env=lab", *workers)
    assert_came(result, 1, "*bound*golden goldens/test_*.yaml:* (env lab)")


def test_a_case_of_a_yaml_file(runner, assert_came, workers):
    """A YAML case, whose golden lies beside its file."""
    from PIL import Image

    for name, level in (("a", 0), ("b", 20)):
        Image.new("RGB", (8, 8), (level, level, level)).save(runner.path / f"{name}.png")
    (runner.path / "test_y.edit.yaml").write_text(
        "metrics: [score]\ncases:\n  - {id: test_it, reference: a.png, edited: b.png}\n"
    )
    golden(runner, "{max: 0.9, env: {cuda: {max: 0.1}}}", file="test_y.edit.yaml.yaml")
    result = runner.runpytest_subprocess("test_y.edit.yaml", *workers)
    assert_came(result, 1, "*bound*golden goldens/test_*.yaml:* (env cuda)")


def test_a_golden_image_of_another_device(runner, assert_came, workers):
    """A golden image of the CPU on a GPU runner, where an empty variant waits."""
    (runner.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    runner.makepyfile(test_x=IMAGE)
    runner.runpytest_subprocess("--editmetrics-update=missing", "--editmetrics-env=cpu")
    (plain,) = (runner.path / "goldens" / "test_x.py").glob("*.png")
    plain.with_name(f"{plain.stem}@cuda.png").touch()
    result = runner.runpytest_subprocess(*workers)
    assert_came(result, 1, f"*has no golden image goldens/test_x.py/{plain.stem}@cuda.png")
    result = runner.runpytest_subprocess("--editmetrics-env=cpu", *workers)
    result.assert_outcomes(passed=1)
