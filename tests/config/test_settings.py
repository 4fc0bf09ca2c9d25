from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_editmetrics.config.bounds import parse_bounds
from pytest_editmetrics.config.settings import load_settings
from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.measurement import Margin, Metric, Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry

CLIP = {"model_path": "openai/clip-vit-base-patch32"}
DINO = {"model_path": "facebook/dinov2-base"}

# The blocks as AutoPipeline's documentation and pipeline files write them.
AUTOPIPELINE = """\
_base_:
  pipes_default: "../modules_init/pipes_default.yaml"
  experts_default: "../modules_init/experts_default.yaml"
  user_config: ../user_config.yaml

name: object-centric
support_task:
  - subject_add

parser_grounder_config:
  instruction_parser:
    default_config: ${pipes_default.instruction_parser}
    init_config:
      backend: vllm

metric_configs:
  lpips:
    pipe_name: lpips-pipe
    default_config: ${pipes_default.lpips-pipe}
    init_config:
    scope: unedit_area
  emd:
    pipe_name: clip-pipe
    default_config: ${pipes_default.clip-pipe}
    init_config:
    scope: unedit_area
    runtime_params:
      patch_mask_threshold: 0.1
  sam_clip_cls_sim:
    pipe_name: clip-pipe
    default_config: ${pipes_default.clip-pipe}
    init_config:
      sam: ${pipes_default.sam-pipe}
      scope: edit_area
    runtime_params:
      bg_color: !tuple [255, 255, 255]
  dinov3_structure_similarity:
    pipe_name: dino-v3-pipe
    default_config: ${pipes_default.dino-v3-pipe}
    init_config:
    scope: edit_area
    runtime_params:
      patch_mask_threshold: 0.2
"""
PIPES_DEFAULT = """\
lpips-pipe: {net: vgg, device: cuda}
clip-pipe:
  model_path: ${user_config.model_paths.clip_path}
  device: ${client_config.device}
sam-pipe:
  model_path: ${model_paths.sam_path}
dino-v3-pipe:
  model_path: ${user_config.model_paths.dino_v3_path}
our-own-pipe: {anything: goes}
default_vlm_config: {backend: vllm, port: "${client_config.nowhere}"}
"""
USER_CONFIG = """\
client_config:
  device: cuda:1
  api_key: "${env:OPENAI_API_KEY}"
model_paths:
  clip_path: "${env:CLIP_PATH:/models/openai/clip}"
  sam_path: "${env:SAM_PATH:/models/sam.pth}"
  dino_v3_path: /models/dinov3
"""


@pytest.fixture
def load(tmp_path):
    def write_and_load(text, **more):
        for name, content in more.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".yaml").write_text(content, encoding="utf-8")
        path = tmp_path / "editmetrics.yaml"
        path.write_text(text, encoding="utf-8")
        return load_settings(path, PipeRegistry(), tmp_path)

    return write_and_load


@pytest.fixture
def refusal(load):
    """Return where a configuration is refused, ``file:line``, and why."""

    def refusal(text, **more):
        with pytest.raises(ConfigError) as caught:
            load(text, **more)
        where, _, why = str(caught.value).partition(": ")
        return where, why

    return refusal


def test_without_a_file_every_metric_and_pipe_has_its_defaults():
    settings = load_settings(None, PipeRegistry(), Path("/project"))
    assert settings.path is None
    assert settings.metrics == ("lpips",)
    assert settings.thresholds == {}
    assert settings.pipe_defaults == {
        "clip-pipe": CLIP,
        "dino-v3-pipe": DINO,
        "sam-pipe": {"model_type": "vit_b"},
        "lpips-pipe": {"net": "alex"},
        "pixels-pipe": {},
        "drift-pipe": {},
    }
    configs = settings.metric_configs
    assert {name: config.init for name, config in configs.items()} == {
        "lpips": {"net": "alex"},
        "edit_lpips": {"net": "alex"},
        "edit_ratio": {"net": "alex"},
        "emd": CLIP,
        "emd_excess": CLIP,
        "sam_clip_cls_sim": {**CLIP, "sam": {"model_type": "vit_b"}},
        "dino_structure_sim": DINO,
        "sam_dino_cls_sim": {**DINO, "sam": {"model_type": "vit_b"}},
        "mask_iou": {"model_type": "vit_b"},
        "pie_bench_lpips": {"net": "alex"},
        "unedit_psnr": {},
        "unedit_ssim": {},
        "unedit_max_diff": {},
        "l_channel_ssim": {},
        "pie_bench_psnr": {},
        "drift_px": {},
        "zoom": {},
        "warp_px": {},
        "moved_share": {},
        "altered": {},
        "beyond_detail": {},
        "beyond_detail_max": {},
        "tone": {},
        "tone_max": {},
    }
    assert configs["emd"].scope == "unedit_area"
    assert configs["sam_clip_cls_sim"].scope == "edit_area"
    assert configs["lpips"].margin == Margin(0.15, 0.005)
    assert configs["lpips"].pipe_name == "lpips-pipe"


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "{}", "metrics:\npipes_default:\nmetric_configs:\nthresholds:\n"]
)
def test_a_file_that_says_nothing_gives_the_defaults(load, text):
    settings = load(text)
    defaults = load_settings(None, PipeRegistry(), Path())
    assert settings.metric_configs == defaults.metric_configs
    assert settings.metrics == defaults.metrics


def test_a_pipe_default_reaches_every_metric_of_the_pipe(load):
    settings = load("pipes_default: {clip-pipe: {framing: center-crop}}")
    for name in ("emd", "emd_excess", "sam_clip_cls_sim"):
        assert settings.metric_configs[name].init["framing"] == "center-crop"
        assert settings.metric_configs[name].init["model_path"] == CLIP["model_path"]
    assert settings.pipe_defaults["clip-pipe"] == {**CLIP, "framing": "center-crop"}
    assert "framing" not in settings.metric_configs["lpips"].init
    settings = load("pipes_default: {sam-pipe: {model_type: vit_l}}")
    assert settings.metric_configs["sam_clip_cls_sim"].init["sam"] == {"model_type": "vit_l"}


def test_thresholds_know_where_they_stand(load):
    settings = load(
        "thresholds:\n  lpips: {max: 1e-3}\n  sam_clip_cls_sim:\n    min: 0.9\n  emd: 5\n"
    )
    assert settings.thresholds == {
        "lpips": Threshold("max", 0.001, "default", "editmetrics.yaml:2"),
        "sam_clip_cls_sim": Threshold("min", 0.9, "default", "editmetrics.yaml:3"),
        "emd": Threshold("max", 5.0, "default", "editmetrics.yaml:5"),
    }


def test_metrics_margin_and_scope(load):
    settings = load(
        "metrics: [emd, lpips]\nmetric_configs:\n"
        "  lpips: {scope: edit_area, margin: {relative: 0.5}}\n"
        "  emd: {margin: {absolute: 1e-2, relative: 0}}\n"
    )
    assert settings.metrics == ("emd", "lpips")
    assert settings.metric_configs["lpips"].scope == "edit_area"
    assert settings.metric_configs["lpips"].margin == Margin(0.5, 0.005)
    assert settings.metric_configs["emd"].margin == Margin(0.0, 0.01)


def test_autopipelines_files_are_read_as_they_stand(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("CLIP_PATH", raising=False)
    monkeypatch.setenv("SAM_PATH", "/elsewhere/sam.pth")
    for path, text in {
        "pipelines/object_centric/subject_add.yaml": AUTOPIPELINE,
        "pipelines/modules_init/pipes_default.yaml": PIPES_DEFAULT,
        "pipelines/modules_init/experts_default.yaml": "face-detector: {model: x}\n",
        "pipelines/user_config.yaml": USER_CONFIG,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    path = tmp_path / "pipelines/object_centric/subject_add.yaml"
    settings = load_settings(path, PipeRegistry(), tmp_path)
    clip = {"model_path": "/models/openai/clip", "device": "cuda:1"}
    assert settings.metric_configs["lpips"].init == {"net": "vgg", "device": "cuda"}
    assert settings.metric_configs["emd"].init == clip
    assert settings.metric_configs["emd"].runtime_params == {"patch_mask_threshold": 0.1}
    objects = settings.metric_configs["sam_clip_cls_sim"]
    assert objects.init == {
        **clip,
        "sam": {"model_type": "vit_b", "model_path": "/elsewhere/sam.pth"},
    }
    assert objects.runtime_params == {"bg_color": (255, 255, 255)}
    assert objects.scope == "edit_area"
    structure = settings.metric_configs["dino_structure_sim"]
    assert structure.init == {"model_path": "/models/dinov3"}
    assert structure.runtime_params == {"patch_mask_threshold": 0.2}


def test_default_config_lies_under_init_config_and_both_merge_deeply(load):
    settings = load(
        "mine: {model_path: a/b, framing: stretch, sam: {model_type: vit_h, device: cpu}}\n"
        "metric_configs:\n"
        "  sam_clip_cls_sim:\n"
        "    default_config: ${mine}\n"
        "    init_config: {framing: center-crop, sam: {device: cuda}}\n"
        "  emd:\n"
        "    default_config:\n"
        "    init_config: {model_path: smoke}\n"
    )
    assert settings.metric_configs["sam_clip_cls_sim"].init == {
        "model_path": "a/b",
        "framing": "center-crop",
        "sam": {"model_type": "vit_h", "device": "cuda"},
    }
    assert settings.metric_configs["emd"].init == {"model_path": "smoke"}


def test_what_init_config_says_of_sam_replaces_the_default_sam(load):
    settings = load(
        "pipes_default: {sam-pipe: {model_type: vit_l, device: cpu}}\n"
        "metric_configs: {sam_clip_cls_sim: {init_config: {sam: {model_type: smoke}}}}\n"
    )
    assert settings.metric_configs["sam_clip_cls_sim"].init["sam"] == {"model_type": "smoke"}


def test_references_keep_their_type_or_stand_inside_text(load, monkeypatch):
    monkeypatch.setenv("PATCH", "1e-1")
    monkeypatch.setenv("EMPTY", "")
    settings = load(
        "shared: {root: models, number: 3, flag: true, part: '${shared.root}/clip'}\n"
        "pipes_default:\n"
        "  clip-pipe:\n"
        "    model_path: x/${shared.part}-${shared.number}-${shared.flag}-${env:NONE:d:e}\n"
        "    revision: ${env:EMPTY:}\n"
        "    device: ' ${env:EMPTY:cpu} '\n"
        "metric_configs:\n"
        "  emd:\n"
        "    runtime_params: {patch_mask_threshold: '${env:PATCH}'}\n"
    )
    clip = settings.pipe_defaults["clip-pipe"]
    assert clip == {"model_path": "x/models/clip-3-true-d:e", "revision": None, "device": "cpu"}
    assert settings.metric_configs["emd"].runtime_params == {"patch_mask_threshold": 0.1}


def test_a_reference_may_lead_through_a_reference(load):
    settings = load("a: ${b}\nb: {net: vgg}\npipes_default: {lpips-pipe: {net: '${a.net}'}}\n")
    assert settings.pipe_defaults["lpips-pipe"] == {"net": "vgg"}


@pytest.mark.parametrize("place", ["a", "a.b", "a.b.c", "a.b.c.d"])
def test_what_a_name_of_any_length_stands_for_is_followed_too(load, place):
    block = "{net: '${net}'}"
    for key in reversed(place.split(".")[1:]):
        block = f"{{{key}: {block}}}"
    settings = load(f"a: {block}\nnet: vgg\npipes_default: {{lpips-pipe: '${{{place}}}'}}\n")
    assert settings.pipe_defaults["lpips-pipe"] == {"net": "vgg"}


@pytest.mark.parametrize(
    ("text", "named"), [("metrics: [emd]", True), ("metrics:", False), ("name: x", False)]
)
def test_whether_metrics_are_named(load, text, named):
    assert load(text).metrics_named is named


def test_base_as_a_path_or_list_lies_under_the_file(load):
    settings = load(
        "_base_: [one.yaml, sub/two.yaml]\nmodel: mine\nthresholds: {emd: {max: 3}}\n",
        one="_base_: zero.yaml\nmodel: one\nthresholds: {lpips: {max: 0.1}, emd: {max: 1}}\n",
        zero="pipes_default: {clip-pipe: {model_path: '${model}', framing: stretch}}\n",
        sub__two="_base_: ../zero.yaml\nthresholds:\n  lpips: {max: 0.2}\n",
    )
    assert settings.pipe_defaults["clip-pipe"] == {"model_path": "mine", "framing": "stretch"}
    assert settings.thresholds["lpips"] == Threshold("max", 0.2, "default", "sub/two.yaml:3")
    assert settings.thresholds["emd"] == Threshold("max", 3.0, "default", "editmetrics.yaml:3")


def test_a_base_of_a_base_finds_its_own_names(load):
    settings = load(
        "_base_: {lib: lib.yaml}\npipes_default: {lpips-pipe: '${lib.pipe}'}\n",
        lib="_base_: {inner: inner.yaml}\npipe: {net: '${inner.net}'}\n",
        inner="net: squeeze\n",
    )
    assert settings.pipe_defaults["lpips-pipe"] == {"net": "squeeze"}


def test_model_paths_do_not_depend_on_the_current_folder(load, tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "smoke").mkdir()
    monkeypatch.chdir("/")
    settings = load(
        "pipes_default:\n  clip-pipe: {model_path: models}\n"
        "  sam-pipe: {model_path: ./gone.pth, model_cfg: dims.json}\n"
        "metric_configs: {emd: {init_config: {model_path: smoke}}}\n"
    )
    assert settings.pipe_defaults["clip-pipe"]["model_path"] == str(tmp_path / "models")
    assert settings.pipe_defaults["sam-pipe"]["model_path"] == str(tmp_path / "gone.pth")
    assert settings.pipe_defaults["sam-pipe"]["model_cfg"] == "dims.json"
    assert settings.metric_configs["emd"].init["model_path"] == "smoke"


def test_a_users_pipe_takes_part(tmp_path):
    class Pipe:
        def __init__(self, size=3):
            self.size = size

    registry = PipeRegistry()
    registry.register("px", Pipe, metrics=[Metric("score", "lower", params=("gamma",))])
    path = tmp_path / "editmetrics.yaml"
    path.write_text(
        "metrics: [score]\npipes_default: {px: {size: {a: [1]}}}\nthresholds: {score: {max: -2}}\n"
        "metric_configs: {score: {pipe_name: px, runtime_params: {gamma: [1, x]}}}\n"
    )
    settings = load_settings(path, registry, tmp_path)
    assert settings.metric_configs["score"].init == {"size": {"a": [1]}}
    assert settings.metric_configs["score"].runtime_params == {"gamma": [1, "x"]}
    assert settings.thresholds["score"].bound == -2
    path.write_text("pipes_default: {px: {sise: 3}}\n")
    with pytest.raises(ConfigError, match=r"editmetrics\.yaml:1: px takes no option 'sise'"):
        load_settings(path, registry, tmp_path)


BLOCK = "metric_configs:\n  emd:\n    "


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("threshold: {lpips: {max: 1}}", 1, "'threshold' (did you mean 'thresholds'?)"),
        ("a: 1\n", 1, "unknown key 'a' (valid:"),
        ("thresholds:\nlpips: 1\n", 2, "; if it is of 'thresholds' above, indent it"),
        ("metrics: [unedit_lpips]", 1, "'unedit_lpips' (did you mean 'lpips'?)"),
        ("metrics: [object_sim]", 1, "(did you mean 'sam_clip_cls_sim'?)"),
        ("thresholds: {psnr: 30}", 1, "unknown metric 'psnr' (did you mean 'unedit_psnr'?)"),
        ("- a\n", 1, "must be a mapping"),
        ("metrics: lpips", 1, "metrics must be a list"),
        ("metrics: []", 1, "metrics is empty"),
        ("metrics:\n  - emd\n  - lpisp\n", 3, "'lpisp' (did you mean 'lpips'?)"),
        ("metrics: [emd, emd]", 1, "stands twice"),
        ("metrics: [1]", 1, "a metric cannot be 1"),
        ("thresholds:\n  emdd: {max: 1}\n", 2, "'emdd' (did you mean 'emd'?)"),
        ("thresholds:\n  emd:\n    min: 1\n", 3, "'min' on emd, which is lower-is-better"),
        ("thresholds:\n  sam_clip_cls_sim: {max: 1}\n", 2, "higher-is-better: write 'min'"),
        ("thresholds:\n  emd: {max: 1, mix: 2}\n", 2, "unknown key 'mix'"),
        ("thresholds:\n  emd: {}\n", 2, "is empty; write {max: ...}"),
        ("thresholds:\n  emd:\n", 2, "is empty; write {max: ...}"),
        ("thresholds:\n  emd: [1]\n", 2, "is a list; write {max: ...}"),
        ("thresholds:\n  emd: {max: yes}\n", 2, "must be a number, not text 'yes'"),
        ("thresholds:\n  emd: {max: true}\n", 2, "must be a number, not true"),
        ("thresholds:\n  emd: {max: '1'}\n", 2, "must be a number, not text '1'"),
        ("thresholds:\n  emd: {max: .nan}\n", 2, "must be a finite number"),
        ("thresholds:\n  emd: {max: .inf}\n", 2, "must be a finite number"),
        ("thresholds:\n  emd: {max: 1e999}\n", 2, "must be a finite number"),
        ("thresholds:\n  emd: {max: " + "9" * 390 + "}\n", 2, "must be a finite number"),
        ("thresholds:\n  emd: {max: -1}\n", 2, "can never hold: emd is never below 0"),
        ("thresholds:\n  lpips: -0.1\n", 2, "can never hold: lpips is never below 0"),
        ("thresholds:\n  sam_clip_cls_sim: {min: 1.1}\n", 2, "can never hold: sam_clip_cls_sim is"),
        ("thresholds:\n  sam_clip_cls_sim: {min: -1.1}\n", 2, "always holds"),
        (
            "thresholds:\n  sam_clip_cls_sim: -1\n",
            2,
            "always holds: sam_clip_cls_sim is never below",
        ),
        ("thresholds:\n  edit_lpips: 0\n", 2, "always holds: edit_lpips is never below 0"),
        ("thresholds:\n  mask_iou: {min: 1.5}\n", 2, "can never hold: mask_iou is never above 1"),
        ("pipes_default: [a]", 1, "pipes_default must be a mapping"),
        ("pipes_default:\n  clip-pip: {}\n", 2, "'clip-pip' (did you mean 'clip-pipe'?)"),
        ("pipes_default:\n  clip-pipe: smoke\n", 2, "pipes_default.clip-pipe must be a mapping"),
        ("pipes_default:\n  clip-pipe:\n    frame: stretch\n", 3, "did you mean 'framing'?"),
        ("pipes_default:\n  clip-pipe: {framing: centre-crop}\n", 2, "did you mean 'center-crop'?"),
        ("pipes_default:\n  clip-pipe: {model_path: 3}\n", 2, "must be text, not 3"),
        ("pipes_default:\n  clip-pipe: {model_path: ''}\n", 2, "model_path of clip-pipe is empty"),
        (
            "pipes_default:\n  clip-pipe: {device: 0}\n",
            2,
            "device of clip-pipe must be text, not 0",
        ),
        ("pipes_default:\n  clip-pipe: {device: }\n", 2, "must be text, not empty"),
        (
            "pipes_default:\n  clip-pipe: {device: cudaa}\n",
            2,
            "device of clip-pipe cannot be 'cudaa' (did you mean 'cuda'?); write auto, cpu",
        ),
        ("pipes_default:\n  lpips-pipe: {device: 'cuda:x'}\n", 2, "cannot be 'cuda:x'"),
        ("pipes_default:\n  lpips-pipe: {device: 'cpu:1'}\n", 2, "cannot be 'cpu:1'"),
        ("pipes_default:\n  lpips-pipe: {device: xpu}\n", 2, "cannot be 'xpu'"),
        (
            "metric_configs:\n  emd:\n    init_config: {sam: {device: gpu}}\n",
            3,
            "device of sam-pipe cannot be 'gpu'",
        ),
        (
            "pipes_default:\n  clip-pipe: {sam: {modl_type: vit_b}}\n",
            2,
            "did you mean 'model_type'?",
        ),
        ("pipes_default:\n  lpips-pipe: {net: resnet}\n", 2, "valid: 'alex', 'squeeze', 'vgg'"),
        ("pipes_default:\n  sam-pipe: {model_type: [vit_b]}\n", 2, "cannot be a list"),
        ("metric_configs:\n  depth_sim: {}\n", 2, "unknown metric 'depth_sim'"),
        ("metric_configs:\n  emd: 3\n", 2, "metric_configs.emd must be a mapping"),
        (BLOCK + "pip_name: clip-pipe", 3, "did you mean 'pipe_name'?"),
        (BLOCK + "pipe_name: lpips-pipe", 3, "emd is not computed by text 'lpips-pipe'"),
        (BLOCK + "scope: unedited_area", 3, "did you mean 'unedit_area'?"),
        (
            BLOCK + "scope: edit_area\n    init_config: {scope: unedit_area}",
            4,
            "scope is 'edit_area' in the block and 'unedit_area' in its init_config",
        ),
        (BLOCK + "init_config: {scop: edit_area}", 3, "clip-pipe takes no option 'scop'"),
        (BLOCK + "init_config: [1]", 3, "init_config of emd must be a mapping"),
        (BLOCK + "default_config: clip", 3, "default_config of emd must be a mapping"),
        (
            BLOCK + "runtime_params: {patch_mask_treshold: 1}",
            3,
            "did you mean 'patch_mask_threshold'",
        ),
        (BLOCK + "runtime_params: {patch_mask_threshold: 1.5}", 3, "between 0 and 1"),
        (BLOCK + "runtime_params: {patch_mask_threshold: half}", 3, "must be a number"),
        (BLOCK + "runtime_params: {reference_patches: some}", 3, "valid: 'all', 'selected'"),
        (BLOCK + "margin: {relativ: 1}", 3, "did you mean 'relative'?"),
        (BLOCK + "margin: {relative: -1}", 3, "is -1, outside [0, 4]"),
        (BLOCK + "margin: {relative: 15}", 3, "a share of the value, so write 0.15 for 15 %"),
        (BLOCK + "margin: 0.1", 3, "margin of emd must be a mapping"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(refusal, text, line, says):
    where, why = refusal(text)
    assert where == f"editmetrics.yaml:{line}"
    assert says in why


@pytest.mark.parametrize(
    "colour", ["white", "[255, 255]", "[255, 255, 256]", "[1, 2, 3.5]", "[true, 1, 2]"]
)
def test_a_background_is_three_whole_numbers(refusal, colour):
    text = f"metric_configs:\n  sam_clip_cls_sim:\n    runtime_params:\n      bg_color: {colour}\n"
    where, why = refusal(text)
    assert where == "editmetrics.yaml:4"
    assert "three whole numbers from 0 to 255" in why


def test_an_object_metric_has_no_other_scope(refusal):
    where, why = refusal("metric_configs: {sam_clip_cls_sim: {scope: unedit_area}}")
    assert where == "editmetrics.yaml:1"
    assert "objects" in why


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (
            "pipes_default:\n  clip-pipe: ${pipes_default.sam-pipe}\n"
            "  sam-pipe: ${pipes_default.clip-pipe}\n",
            2,
            "circular reference: ${pipes_default.sam-pipe} -> ${pipes_default.clip-pipe} ->"
            " ${pipes_default.sam-pipe}",
        ),
        ("a: ${b}\nb: x${a}y\n", 1, "circular reference: ${b} -> ${a} -> ${b}"),
        ("a: ${a}\n", 1, "circular reference: ${a} -> ${a}"),
        ("a: ${a.b}\n", 1, "circular reference"),
        ("a: {b: '${a}'}\n", 1, "circular reference"),
        ("pipes_default:\n  a: ${pipes_default.b}\n  b: ${pipes_default.a}\n", 2, "circular"),
        (
            BLOCK + "default_config: ${pipes_default.clip-pip}",
            3,
            "there is no 'clip-pip' in pipes_de",
        ),
        (BLOCK + "default_config: ${pipe_default.clip-pipe}", 3, "did you mean 'pipes_default'?"),
        (BLOCK + "scope: ${env:EDITMETRICS_NOT_SET}", 3, "EDITMETRICS_NOT_SET is not set"),
        (BLOCK + "scope: ${env:}", 3, "names no variable"),
        (BLOCK + "scope: x${pipes_default.clip-pipe}", 3, "a mapping, which cannot stand inside"),
        (BLOCK + "scope: '${pipes_default'", 3, "'${' without its '}'"),
        (BLOCK + "scope: ''", 3, "scope of emd cannot be ''"),
    ],
)
def test_references_that_lead_nowhere(refusal, text, line, says):
    where, why = refusal(text)
    assert where == f"editmetrics.yaml:{line}"
    assert says in why


def test_references_that_grow_without_bound(refusal):
    text = "a0: xxxxxxxxxxxxxxxxxxxx\n"
    text += "".join(f"a{i}: {f'${{a{i - 1}}}' * 10}\n" for i in range(1, 9))
    where, why = refusal(text + "thresholds: {emd: '${a8}'}\n")
    assert where == "editmetrics.yaml:4"
    assert "longer than 10000" in why
    text = "b0: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for i in range(1, 9):
        text += f"b{i}: [" + ", ".join([f"'${{b{i - 1}}}'"] * 10) + "]\n"
    where, why = refusal(text + "thresholds: {emd: '${b8}'}\n")
    assert where == "editmetrics.yaml:6"
    assert "more than 1,000,000 values" in why


@pytest.mark.parametrize(
    ("backwards", "line", "says"),
    [
        (True, 51, "nested deeper than 100 levels once references"),
        (False, 102, "nested deeper than 100"),
    ],
)
def test_references_that_nest_without_bound(refusal, backwards, line, says):
    lines = ["c0: 1\n", *(f"c{i}: ['${{c{i - 1}}}']\n" for i in range(1, 400))]
    text = "".join(reversed(lines) if backwards else lines)
    where, why = refusal(text + "thresholds: {emd: '${c399}'}\n")
    assert where == f"editmetrics.yaml:{line}"
    assert says in why


@pytest.mark.parametrize(
    ("base", "more", "where", "says"),
    [
        ("gone.yaml", {}, "editmetrics.yaml:1", "names 'gone.yaml', which is no file"),
        ("{a: gone.yaml}", {}, "editmetrics.yaml:1", "which is no file"),
        ("long" * 100, {}, "editmetrics.yaml:1", "which is no file"),
        ("[3]", {}, "editmetrics.yaml:1", "must be text"),
        ("editmetrics.yaml", {}, "editmetrics.yaml:1", "circular _base_: editmetrics.yaml -> edit"),
        (
            "a.yaml",
            {"a": "x: 1\n_base_: b.yaml\n", "b": "_base_: [a.yaml]\n"},
            "b.yaml:1",
            "a.yaml ->",
        ),
        ("a.yaml", {"a": "[1]"}, "a.yaml:1", "the file must be a mapping"),
        ("a.yaml", {"a": "thresholds:\n  emd: {min: 1}\n"}, "a.yaml:2", "'min' on emd"),
        ("{lib: a.yaml}", {"a": "x: 1\n"}, "editmetrics.yaml:1", "unknown key 'lib'"),
        (
            "{pipes_default: a.yaml}",
            {"a": "clip_pipe: {}\n"},
            "a.yaml:1",
            "did you mean 'clip-pipe'?",
        ),
    ],
)
def test_bases_that_cannot_be_used(refusal, base, more, where, says):
    found, why = refusal(f"_base_: {base}\n", **more)
    assert found == where
    assert says in why


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("metric_configs:\n  emd:\n    default_config: ${pipes_default.lpips-pipe}\n", "'net'"),
        ("metric_configs:\n  emd:\n    init_config: ${pipes_default.lpips-pipe}\n", "'net'"),
        ("thresholds:\n  lpips:\n    max: ${pipes_default.lpips-pipe.net}\n", "text 'alex'"),
    ],
)
def test_a_built_in_value_that_does_not_fit_is_refused_where_it_is_referred_to(text, says, refusal):
    where, why = refusal(text)
    assert where == "editmetrics.yaml:3"
    assert says in why


def test_bases_without_end(refusal):
    chain = {f"f{i}": f"_base_: f{i + 1}.yaml\n" for i in range(150)}
    where, why = refusal("_base_: f0.yaml\n", **chain)
    assert where == "f99.yaml:1"
    assert "more than 100 files" in why


def test_an_attached_pipe_that_is_not_ours_may_be_referred_to(load):
    settings = load(
        "_base_: {pipes_default: lib.yaml}\npipes_default: {lpips-pipe: '${pipes_default.mine}'}\n",
        lib="mine: {net: vgg}\nother: {port: '${env:EDITMETRICS_NOT_SET}'}\n",
    )
    assert settings.pipe_defaults["lpips-pipe"] == {"net": "vgg"}


def test_a_variable_with_a_number_beyond_reason(refusal, monkeypatch):
    monkeypatch.setenv("HUGE", "9" * 5000)
    where, why = refusal("thresholds: {emd: '${env:HUGE}'}")
    assert where == "editmetrics.yaml:1"
    assert "HUGE: a number of more than" in why


def test_bounds_of_arguments_and_markers():
    metric = Metric("lpips", "lower")
    for data in (0.1, {"max": 0.1}):
        threshold = parse_bounds(metric, data, origin="marker", source="marker on t.py::test")
        assert threshold == Threshold("max", 0.1, "marker", "marker on t.py::test")
    for data, says in (
        ({"min": 1}, "marker on t.py::test: 'min' on lpips, which is lower-is-better"),
        (True, "must be a number, not true"),
        (None, "is empty"),
        ("0.1", "must be a number, not text '0.1'"),
        (float("nan"), "must be a finite number, not nan"),
        ((0.1,), "is a list"),
        (10**5000, "must be a finite number, not a number of thousands of digits"),
    ):
        with pytest.raises(ConfigError, match=re.escape(says)):
            parse_bounds(metric, data, origin="marker", source="marker on t.py::test")


def test_autopipelines_ssim_block_is_taken_as_it_is(tmp_path):
    path = tmp_path / "editmetrics.yaml"
    path.write_text(
        "pipes_default: {ssim-pipe: {}}\n"
        "metric_configs:\n"
        "  L_channel_ssim:\n"
        "    pipe_name: ssim-pipe\n"
        "    default_config: ${pipes_default.ssim-pipe}\n"
        "    scope: edit_area\n"
    )
    settings = load_settings(path, PipeRegistry(), tmp_path)
    assert settings.metric_configs["l_channel_ssim"].pipe_name == "pixels-pipe"


@pytest.mark.parametrize(
    "text",
    [
        "thresholds:\n  ssim: 0.9\n  unedit_ssim: {min: 0.9}\n",
        "metrics:\n  - ssim\n  - unedit_ssim\n",
        "suite:\n  ssim: {mean: 0.9}\n  unedit_ssim: {mean: 0.9}\n",
        "metric_configs:\n  ssim: {scope: edit_area}\n  unedit_ssim: {scope: edit_area}\n",
    ],
)
def test_of_two_names_of_one_metric_both_lines_are_said(refusal, text):
    where, why = refusal(text)
    says = "'ssim' and 'unedit_ssim' are one metric, unedit_ssim; write it once"
    assert (where, why) == ("editmetrics.yaml:3", f"{says} (the first is on line 2)")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("suite: {lpips: {p100: 0.1}}", "; 'p95' is a bound of a percentile, p1 to p99"),
        ("suite: {lpips: {paired: 0.01}}", "not 0.01; write {alpha: 0.01}"),
        ("suite: {lpips: {regressions: 3}}", "not 3; write {max: 3}"),
        ("golden_images: {tile: 64}", "golden_images.tile must be a mapping .*; write {size: 64}"),
        ("golden_images: {tolerance: 0.1}", "not 0.1; write {lpips: 0.02}"),
        ("thresholds: {golden_lpips: 0.1}", "stand under `golden_images: {tolerance: ...}`"),
    ],
)
def test_a_message_leads_to_what_to_write(refusal, text, says):
    assert re.search(says, refusal(text)[1])


def test_all_mistakes_are_told_at_once_each_with_its_line(refusal):
    where, why = refusal(
        "metrics: [emdd]\nthreshold: {}\nthresholds:\n  emd: {mx: 1}\n  lpips: high\n"
        "pipes_default: {lpips-pipe: {net: alexx, nett: 1}}\n"
    )
    assert where == "editmetrics.yaml:1"
    lines = why.splitlines()
    assert lines[0].startswith("a metric cannot be 'emdd'")
    assert [line.partition(" ")[0] for line in lines[1:]] == [
        f"editmetrics.yaml:{line}:" for line in (2, 4, 5, 6)
    ]


def test_a_hundred_mistakes_are_no_hundred_lines(refusal):
    where, why = refusal("".join(f"key_{number}: 1\n" for number in range(100)))
    assert (where, len(why.splitlines())) == ("editmetrics.yaml:1", 20)
