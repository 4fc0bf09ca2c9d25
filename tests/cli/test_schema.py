from __future__ import annotations

import json
from functools import cache

import jsonschema
import pytest
import yaml

from pytest_editmetrics.cli.schema import KINDS, json_schema
from pytest_editmetrics.config.case_file import read_case_file
from pytest_editmetrics.config.reader import read_yaml
from pytest_editmetrics.config.settings import load_settings
from pytest_editmetrics.config.suite import read_suite
from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.goldens.file import read_golden_file
from pytest_editmetrics.measurement import Metric
from pytest_editmetrics.pipes.registry import PipeRegistry

READERS = {
    "settings": load_settings,
    "goldens": read_golden_file,
    "cases": read_case_file,
    "suite": read_suite,
}

VALID = {
    "settings": [
        "",
        "pipes_default:\nthresholds:\n",
        "pipes_default:\n  clip-pipe: {model_path: smoke, revision: , sam: {model_type: vit_l}}\n"
        "  sam-pipe: {model_type: vit_b}\n  dino-v3-pipe: {model_path: a/b}\n"
        "metric_configs:\n  emd:\n    pipe_name: clip-pipe\n"
        "    default_config: ${pipes_default.clip-pipe}\n    init_config:\n    scope: unedit_area\n"
        "    runtime_params: {patch_mask_threshold: 0.1, reference_patches: selected}\n"
        "    margin: {relative: 0.2}\n"
        "  sam_clip_cls_sim:\n    init_config: {sam: '${pipes_default.sam-pipe}', scope: edit_area}\n"
        "    runtime_params: {bg_color: !tuple [255, 255, 255]}\n"
        "thresholds:\n  lpips: {max: 1e-3}\n  emd: {max: '${env:BOUND:3}'}\n  emd_excess: -1\n"
        "metrics: [lpips, emd]\nname: object-centric\nsupport_task: [a]\nclient_config: {x: 1}\n",
        "golden_images: {comparator: [ssim, lpips], format: webp, distance: 0, tolerance: {lpips: '${env:T:1}'},"
        " tile: {size: 32, tolerance: {ssim: -0.9}}}",
        "golden_images: {comparator: , tile: , tolerance: }\n",
        "thresholds: {lpips: {max: 0.1, review: 0.05}}\n",
        "suite:\n",
        "suite:\n  base: '${env:BASE:b.jsonl}'\n  lpips:\n    mean: {max: 0.1}\n    median: 0.1\n"
        "    p95: {max: '${env:P:1}'}\n    p5: 1\n    regressions: {max: 3, by: 0.005}\n"
        "    paired: {alpha: 0.01, by: 0}\n  sam_clip_cls_sim: {p5: {min: 0.8}}\n",
        "metric_configs: {emd: }\n",
        "_base_:\n",
        "_base_: []\n",
        "_base_: {}\n",
    ],
    "goldens": [
        "",
        '"test_a[x]":\n  lpips: {max: 0.03, measured: 0.02}\n  emd: {max: 7.9, env: {cuda: {}}}\n'
        '  "sam_clip_cls_sim@left eye": {min: 0.9}\n"test_b":\n  lpips:\n',
        '"t":\n  lpips: {max: 0.1, review: 0.05, env: {cuda: {max: 0.2, review: 0.1}}}\n',
    ],
    "cases": [
        "cases: [{id: a, reference: b.png}]",
        "cases: [{id: a, reference: b.png, coords: {polygons: [[[0, 0], [1, 1], [2, 0]]]}}]",
        "metrics: [lpips, emd]\ncases:\n  - id: red mug\n    reference: b.png\n    edited: sub/../c.png\n"
        "    coords: [[0, 0, 1, 1.5]]\n    ref_boxes: [[0, 0, 1, 1]]\n    edited_boxes: [[0, 0, 1, 1]]\n"
        "    thresholds: {lpips: {max: 0.1}, emd: 3}\n    params: {a: [b]}\n    resize: reference\n"
        "    marks: [gpu, {xfail: {reason: x}}, {skip: }]\n    usefixtures: [seeded]\n",
        "cases: [{id: a, reference: b.png, edited: , coords: , params: , marks: , metrics: }]",
    ],
}

INVALID = {
    "settings": [
        "threshold: {}",
        "thresholds: {lpips: {review: 0.05}}",
        "thresholds: {lpips: {max: 0.1, review: -1}}",
        "suite: {lpips: {}}",
        "suite: {base: b.jsonl}",
        'suite: {base: "b\\x07", lpips: {mean: 1}}',
        "suite: {lpisp: {mean: 1}}",
        "suite: {lpips: {meen: 1}}",
        "suite: {lpips: {p0: 1}}",
        "suite: {lpips: {mean: {min: 1}}}",
        "suite: {base: b, lpips: {regressions: {max: 1.5}}}",
        "suite: {base: b, lpips: {paired: {alpha: 2}}}",
        "suite: {base: b, lpips: {paired: {by: 2}}}",
        "suite: {base: b, lpips: {paired: {alpha: 0.01, by: -0.5}}}",
        "suite: {base: b, lpips: {regressions: {max: 1, by: -0.5}}}",
        "suite: {base: b, lpips: {regressions: {max: -1}}}",
        "golden_images: {comparator: lpisp}",
        "golden_images: {tolerance: {exact: 1}}",
        "golden_images: {tolerance: {pixel: 2}}",
        "golden_images: {tile: {size: 4}}",
        "golden_images: {distance: 255}",
        "golden_images: {distance: 1.5}",
        "metrics: lpips",
        "metrics: []",
        "metrics: [lpisp]",
        "metrics: [emd, emd]",
        "thresholds: {emd: {min: 1}}",
        "thresholds: {emd: {}}",
        "thresholds: {emd: {max: yes}}",
        "thresholds: {emd: -1}",
        "thresholds: {sam_clip_cls_sim: {min: 1.1}}",
        "thresholds: {depth_ssim: {max: 1}}",
        "pipes_default: {clip-pip: {}}",
        "pipes_default: {clip-pipe: {framing: centre-crop}}",
        "pipes_default: {clip-pipe: {frame: stretch}}",
        "pipes_default: {clip-pipe: {device: 0}}",
        "pipes_default: {clip-pipe: {sam: {modl_type: vit_b}}}",
        "pipes_default: {lpips-pipe: {net: resnet}}",
        "metric_configs: {depth_sim: {}}",
        "metric_configs: {emd: {pipe_name: lpips-pipe}}",
        "metric_configs: {emd: {scop: edit_area}}",
        "metric_configs: {emd: {scope: edit}}",
        "metric_configs: {emd: {init_config: {scop: edit_area}}}",
        "metric_configs: {emd: {runtime_params: {patch_mask_threshold: 2}}}",
        "metric_configs: {emd: {runtime_params: {bg_color: [1, 2, 3]}}}",
        "metric_configs: {emd: {margin: {relative: -1}}}",
        "metric_configs: {sam_clip_cls_sim: {scope: unedit_area}}",
        "metric_configs: {sam_clip_cls_sim: {runtime_params: {bg_color: [1, 2]}}}",
        "_base_: 3",
    ],
    "goldens": [
        "[a]",
        "test_a: [lpips]",
        "test_a: {lpips: {treshold: 1}}",
        "test_a: {emd: {min: 1}}",
        "test_a: {emd: {max: '${a.b}'}}",
        "test_a: {emdd: {max: 1}}",
        "test_a: {emd@: {max: 1}}",
        "test_a: {emd: 3}",
        "test_a: {emd: {env: {CUDA: {}}}}",
        "test_a: {emd: {env: {cuda: {env: {}}}}}",
    ],
    "cases": [
        "",
        "cases: []",
        "metrics: [lpips]",
        "cases: [{id: a}]",
        "cases: [{reference: a}]",
        "cases: [{id: 'a::b', reference: a}]",
        "cases: [{id: ' a', reference: a}]",
        "cases: [{id: '', reference: a}]",
        'cases: [{id: "a\\n", reference: a}]',
        "cases: [{id: a, reference: a, ref_boxes: [[0, 0, 1, 1]]}]",
        "cases: [{id: a, reference: a, coords: {mask: }}]",
        "cases: [{id: a, reference: a, coords: {mask: /m.png}}]",
        "cases: [{id: a, reference: a, coords: {boxes: [[0, 0, 1, 1]], dilate: 10001}}]",
        "cases: [{id: a, reference: /a}]",
        "cases: [{id: a, reference: a, coord: []}]",
        "cases: [{id: a, reference: a, coords: [1, 2, 3, 4]}]",
        "cases: [{id: a, reference: a, coords: [[1, 2, 3, x]]}]",
        "cases: [{id: a, reference: a, coords: [[1, 2, 3]]}]",
        "cases: [{id: a, reference: a, coords: [[1, 2, 3, 4, 5]]}]",
        "cases: [{id: a, reference: a, coords: {polygons: [[[0, 0], [1, 1]]]}}]",
        "cases: [{id: a, reference: a, coords: {polygons: [[[0, 0], [1, 1], [2]]]}}]",
        "cases: [{id: a, reference: a, coords: {polygons: [[[0, 0], [1, 1], [2, 2, 2]]]}}]",
        "cases: [{id: a, reference: a, metrics: [lpisp]}]",
        "cases: [{id: a, reference: a, thresholds: {emd: {min: 1}}}]",
        "cases: [{id: a, reference: a, marks: gpu}]",
        "cases: [{id: a, reference: a, marks: [two words]}]",
        "cases: [{id: a, reference: a, marks: [parametrize]}]",
        "cases: [{id: a, reference: a, marks: [{xfail: why}]}]",
        "cases: [{id: a, reference: a, usefixtures: [a-b]}]",
        "cases: [{id: a, reference: a, resize: edit}]",
    ],
}


# a file for --suite: nothing but `suite` of it is read
VALID["suite"] = [text for text in VALID["settings"] if text.startswith("suite:")]
VALID["suite"] += ["suite: {lpips: {mean: 0.1}}\nname: nightly\n"]
INVALID["suite"] = [text for text in INVALID["settings"] if text.startswith("suite:")]


def texts(examples):
    return [
        pytest.param(kind, text, id=f"{kind}-{number}")
        for kind, group in examples.items()
        for number, text in enumerate(group)
    ]


@pytest.fixture
def document(tmp_path):
    def write_and_read(text):
        path = tmp_path / "test_x.edit.yaml"
        path.write_text(text, encoding="utf-8")
        return path, json.loads(json.dumps(read_yaml(path).data))

    return write_and_read


@cache
def validator(kind):
    return jsonschema.Draft202012Validator(json_schema(PipeRegistry(), kind))


@pytest.mark.parametrize(("kind", "text"), texts(VALID))
def test_what_is_read_without_complaint_the_schema_accepts(kind, text, document, tmp_path):
    path, data = document(text)
    READERS[kind](path, PipeRegistry(), tmp_path)
    assert list(validator(kind).iter_errors(data)) == []


@pytest.mark.parametrize(("kind", "text"), texts(INVALID))
def test_what_is_refused_the_schema_refuses(kind, text, document, tmp_path):
    path, data = document(text)
    with pytest.raises(ConfigError):
        READERS[kind](path, PipeRegistry(), tmp_path)
    assert list(validator(kind).iter_errors(data))


@pytest.mark.long
def test_the_schemas_are_schemas_and_json():
    whole = json_schema(PipeRegistry())
    for schema in (whole, *(json_schema(PipeRegistry(), kind) for kind in KINDS)):
        jsonschema.Draft202012Validator.check_schema(json.loads(json.dumps(schema)))
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert len(json.dumps(schema)) < 65_000 or schema is whole
    assert whole["$defs"].keys() == set(KINDS)


def test_a_users_pipe_is_in_the_schema():
    registry = PipeRegistry()
    registry.register("px", dict, metrics=[Metric("score", "higher", params=("gamma",))])
    settings = yaml.safe_load(
        "pipes_default: {px: {any: 1}}\nthresholds: {score: {min: -3}}\n"
        "metric_configs: {score: {runtime_params: {gamma: x}}}"
    )
    jsonschema.validate(settings, json_schema(registry, "settings"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(settings, json_schema(PipeRegistry(), "settings"))
