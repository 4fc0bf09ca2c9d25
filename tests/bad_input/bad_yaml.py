"""Bad input of YAML: the configuration, golden thresholds, files of cases."""

from __future__ import annotations

from bad_input import Case

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdef", "bcdefg", strict=True)
)
DEEP = "metrics: " + "[" * 10_000 + "]" * 10_000

CONFIGURATION = [
    Case("list in place of a mapping", "- lpips", names="editmetrics.yaml:1: "),
    Case(
        "bracket that is never closed",
        "metrics: [lpips",
        names="editmetrics.yaml:1: not valid YAML",
    ),
    Case(
        "indented with a tab",
        "thresholds:\n\tlpips: 0.1",
        names="editmetrics.yaml:2: not valid YAML",
    ),
    Case("key misspelt", "treshold: {lpips: 0.1}", names="'treshold'"),
    Case(
        "key written twice",
        "metrics: [lpips]\nmetrics: [emd]",
        names="editmetrics.yaml:2: the key 'metrics' is written twice",
    ),
    Case(
        "tag that would run code",
        "metrics: !!python/object/apply:os.getcwd []",
        names="editmetrics.yaml:1: the tag",
    ),
    Case("holds itself", "metrics: &a [*a]", names="editmetrics.yaml:1: *a stands inside &a"),
    Case(
        "refers to itself", "pipes_default: {a: '${pipes_default.a}'}", names="editmetrics.yaml:1"
    ),
    Case(
        "aliases that expand to ten million values",
        BOMB,
        names="editmetrics.yaml",
        shown="a: &a [x, ...], b: &b [*a, ...], ...",
    ),
    Case("nested 10,000 deep", DEEP, names="editmetrics.yaml:1: nested deeper than 100 levels"),
    Case(
        "Latin-1",
        "metrics: [lpips]\n# für".encode("latin-1"),
        names="editmetrics.yaml:2: not UTF-8",
    ),
    Case("UTF-16", "metrics: [lpips]".encode("utf-16"), names="editmetrics.yaml:1: not UTF-8"),
    Case("NUL", "metrics: [lpips]\n\0", names="editmetrics.yaml:2: the character '\\x00'"),
    Case(
        "two documents",
        "metrics: [lpips]\n---\nmetrics: [emd]",
        names="editmetrics.yaml:2: a second document",
    ),
    Case(
        "number of 5,000 digits",
        "thresholds: {lpips: " + "9" * 5000 + "}",
        names="editmetrics.yaml:1",
    ),
    Case(
        "marks of a merge conflict",
        "<<<<<<< HEAD\nmetrics: [lpips]\n=======",
        names="editmetrics.yaml:",
    ),
    Case(
        "text in place of asset_roots", "asset_roots: ../b", names="editmetrics.yaml:1: asset_roots"
    ),
    Case("asset_roots that holds no text", "asset_roots: [7]", names="a folder of asset_roots"),
    Case("metric misspelt", "metrics: [lpisp]", names="did you mean 'lpips'?"),
    Case("metric that is a mapping", "metrics: [{lpips: 1}]", names="editmetrics.yaml:1"),
    Case("no metric", "metrics: []", names="editmetrics.yaml:1"),
    Case(
        "threshold of NaN",
        "thresholds: {unedit_max_diff: {max: .nan}}",
        names="editmetrics.yaml:1: ",
    ),
    Case(
        "threshold of infinity",
        "thresholds: {unedit_max_diff: {max: .inf}}",
        names="editmetrics.yaml:1: ",
    ),
    Case(
        "threshold below zero",
        "thresholds: {unedit_max_diff: -1}",
        names="editmetrics.yaml:1: max of unedit_max_diff is -1",
    ),
    Case(
        "text in place of a threshold",
        "thresholds: {unedit_max_diff: low}",
        names="editmetrics.yaml:1: ",
    ),
    Case(
        "min on a lower-is-better metric",
        "thresholds: {unedit_max_diff: {min: 1}}",
        names="'min' on unedit_max_diff",
    ),
    Case(
        "min above max",
        "thresholds: {unedit_max_diff: {min: 9, max: 3}}",
        names="'min' on unedit_max_diff",
    ),
    Case(
        "review above max",
        "thresholds: {unedit_max_diff: {max: 9, review: 20}}",
        names="must lie below max",
    ),
    Case(
        "threshold by two names", "thresholds: {ssim: 0.5, unedit_ssim: 0.6}", names="unedit_ssim"
    ),
    Case(
        "option of a metric misspelt",
        "metric_configs: {emd: {runtime_params: {patch_mask_treshold: 1}}}",
        names="did you mean 'patch_mask_threshold'?",
    ),
    Case(
        "option of a metric beyond its range",
        "metrics: [emd]\nmetric_configs: {emd: {runtime_params: {patch_mask_threshold: 7}}}",
        names="patch_mask_threshold",
    ),
    Case(
        "scope misspelt",
        "metric_configs: {emd: {scope: unedit_are}}",
        names="did you mean 'unedit_area'?",
    ),
    Case("pipe misspelt", "pipes_default: {clip-pip: {}}", names="did you mean 'clip-pipe'?"),
    Case(
        "variable that is not set",
        "metrics: ['${env:EDITMETRICS_NOT_SET}']",
        names="EDITMETRICS_NOT_SET",
    ),
    Case("base that is not there", "_base_: other.yaml", names="other.yaml"),
    Case("base outside of the project", "_base_: ../../../etc/passwd", names="editmetrics.yaml:1"),
    Case("base that is itself", "_base_: editmetrics.yaml", names="editmetrics.yaml:1"),
    Case("expect misspelt", "expect: compositd", names="did you mean 'composited'?"),
    Case("colour misspelt", "colour: number", names="did you mean 'numbers'?"),
    Case(
        "comparator misspelt", "golden_images: {comparator: pixels}", names="did you mean 'pixel'?"
    ),
    Case(
        "tolerance that always holds",
        "golden_images: {tolerance: {pixel: 1.0}}",
        names="never above 1",
    ),
    Case("tile of no pixels", "golden_images: {tile: {size: 0}}", names="editmetrics.yaml:1"),
    Case("suite that is a list", "suite: [lpips]", names="editmetrics.yaml:1"),
    Case("suite with a key misspelt", "suite: {lpips: {meen: {max: 0.1}}}", names="'meen'"),
    Case(
        "suite with an alpha of 2",
        "suite: {base: r.jsonl, lpips: {paired: {alpha: 2}}}",
        names="alpha",
    ),
    Case("suite with a text for a number", "suite: {lpips: {mean: {max: low}}}", names="low"),
    Case("empty", "", "failed", "no threshold and no golden"),
    Case(
        "byte order mark",
        "\ufeffmetrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: 9}",
        "measured",
    ),
    Case(
        "CRLF", "metrics:\r\n- unedit_max_diff\r\nthresholds: {unedit_max_diff: 9}\r\n", "measured"
    ),
]

GOLDENS = [
    Case("list in place of a mapping", "- lpips", names="goldens/test_calls.py.yaml:1: "),
    Case(
        "number without max",
        '"{test}": {unedit_max_diff: 9}',
        names="goldens/test_calls.py.yaml:1: ",
    ),
    Case(
        "bound of NaN",
        '"{test}": {unedit_max_diff: {max: .nan}}',
        names="goldens/test_calls.py.yaml:1: ",
    ),
    Case(
        "bound below zero",
        '"{test}": {unedit_max_diff: {max: -1}}',
        names="max of unedit_max_diff is -1",
    ),
    Case(
        "bound that always holds", '"{test}": {unedit_max_diff: {max: 255}}', names="always holds"
    ),
    Case(
        "min on a lower-is-better metric",
        '"{test}": {unedit_max_diff: {min: 9}}',
        names="'min' on unedit_max_diff",
    ),
    Case(
        "text in place of what was measured",
        '"{test}": {unedit_max_diff: {max: 9, measured: low}}',
        names="measured",
    ),
    Case(
        "metric misspelt",
        '"{test}": {unedit_max_dif: {max: 9}}',
        names="did you mean 'unedit_max_diff'?",
    ),
    Case("another name of a metric", '"{test}": {ssim: {min: 0.9}}', names="unedit_ssim"),
    Case(
        "key misspelt",
        '"{test}": {unedit_max_diff: {max: 9, mesured: 2}}',
        names="did you mean 'measured'?",
    ),
    Case(
        "gate without a name", '"{test}": {"unedit_max_diff@": {max: 9}}', names="unedit_max_diff@"
    ),
    Case(
        "test written twice",
        '"{test}": {unedit_max_diff: {max: 9}}\n"{test}": {unedit_max_diff: {max: 7}}',
        names="is written twice",
    ),
    Case(
        "variant that is a list", '"{test}": {unedit_max_diff: {max: 9, env: [cuda]}}', names="env"
    ),
    Case(
        "variant named as the driver writes it",
        '"{test}": {unedit_max_diff: {max: 9, env: {NVIDIA H100: {max: 1}}}}',
        names="write 'nvidia-h100'",
    ),
    Case(
        "marks of a merge conflict",
        '<<<<<<< HEAD\n"{test}": {unedit_max_diff: {max: 9}}',
        names="goldens/test_calls.py.yaml:",
    ),
    Case(
        "one mark of a merge conflict",
        '"{test}": {unedit_max_diff: {max: 9}}\n>>>>>>> main',
        names="goldens/test_calls.py.yaml:2: holds the marks of a merge conflict (>>>>>>>)",
    ),
    Case(
        "Git LFS pointer",
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
        names="goldens/test_calls.py.yaml:1: is a Git LFS pointer",
    ),
    Case(
        "bytes that are no text",
        b"\x80\x04\x95\xff",
        names="goldens/test_calls.py.yaml:1: not UTF-8",
    ),
    Case(
        "review beyond the bound",
        '"{test}": {unedit_max_diff: {max: 9, review: 20}}',
        names="must lie below max",
    ),
    Case(
        "byte order mark and CRLF", '\ufeff"{test}":\r\n  unedit_max_diff: {max: 9}\r\n', "measured"
    ),
    Case("of other tests only", '"test_other": {unedit_max_diff: {max: 9}}', "measured"),
]

ONE = "{id: a, reference: before.png, edited: after.png}"
CASES = [
    Case("empty", "", names=".edit.yaml"),
    Case("no cases", "cases: []", names=".edit.yaml:1: "),
    Case("list in place of a mapping", f"- {ONE}", names=".edit.yaml:1: "),
    Case(
        "case without an id",
        "cases: [{reference: before.png, edited: after.png}]",
        names=".edit.yaml:1: ",
    ),
    Case("case without a reference", "cases: [{id: a, edited: after.png}]", names="'reference'"),
    Case(
        "key misspelt", "cases: [{id: a, refrence: before.png}]", names="did you mean 'reference'?"
    ),
    Case("ids that are the same", f"cases:\n- {ONE}\n- {ONE}", names=".edit.yaml:3: "),
    Case(
        "ids that differ in case only",
        f"cases:\n- {ONE}\n- {ONE.replace('id: a', 'id: A')}",
        names=".edit.yaml:3: ",
    ),
    Case("id with ::", "cases: [{id: 'a::b', reference: before.png}]", names="'a::b'"),
    Case("id that is a number", "cases: [{id: 7, reference: before.png}]", names="7"),
    Case("id that is empty", "cases: [{id: '', reference: before.png}]", names=".edit.yaml:1: "),
    Case(
        "boxes of texts",
        "cases: [{id: a, reference: before.png, edited: after.png, coords: [[a, b, c, d]]}]",
        names=".edit.yaml:1: ",
    ),
    Case(
        "box of NaN",
        "cases: [{id: a, reference: before.png, edited: after.png, coords: [[.nan, 0, 8, 8]]}]",
        names=".edit.yaml:1: ",
    ),
    Case(
        "box inverted",
        "cases: [{id: a, reference: before.png, edited: after.png, coords: [[9, 9, 1, 1]]}]",
        names=".edit.yaml:1: coords: box 1 (9, 9, 1, 1) is inverted",
    ),
    Case(
        "box as fractions of the image",
        "cases: [{id: a, reference: before.png, edited: after.png, coords: [[0, 0, 0.5, 1]]}]",
        names=".edit.yaml:1: coords: box 1 (0, 0, 0.5, 1) looks like fractions",
    ),
    Case(
        "image outside of the project",
        "cases: [{id: a, reference: ../before.png, edited: after.png}]",
        names="write `asset_roots: [..]` into editmetrics.yaml",
    ),
    Case(
        "mask's threshold out of range",
        "cases: [{id: a, reference: before.png, edited: after.png, coords: {mask: {path: m.png, threshold: 256}}}]",
        names="threshold is 256; give a whole number from 1 to 255",
    ),
    Case(
        "mask's threshold beside it",
        "cases: [{id: a, reference: before.png, edited: after.png, coords: {mask: m.png, threshold: 128}}]",
        names="threshold of a mask stands in the mask",
    ),
    Case(
        "mask of COCO with too few counts",
        "cases: [{id: a, reference: before.png, edited: after.png, coords: {size: [64, 64], counts: [9]}}]",
        names="the counts add up to 9 pixels",
    ),
    Case(
        "mask of PIE-Bench without a size",
        "cases: [{id: a, reference: before.png, edited: after.png, coords: {mask: {runs: [0, 9]}}}]",
        names="runs without a `size`",
    ),
    Case(
        "mask that is a path and counts",
        "cases: [{id: a, reference: before.png, edited: after.png, coords: {mask: {path: m.png, size: [64, 64], counts: [4096]}}}]",
        names="path and counts; a mask is one of",
    ),
    Case(
        "region with dilate below zero",
        "cases: [{id: a, reference: before.png, edited: after.png, coords: {boxes: [[0, 0, 8, 8]], dilate: -3}}]",
        names="dilate",
    ),
    Case(
        "more objects before than after",
        "cases: [{id: a, reference: before.png, edited: after.png, ref_boxes: [[0, 0, 8, 8]], edited_boxes: []}]",
        names=".edit.yaml:1: ",
    ),
    Case(
        "threshold of NaN",
        "cases: [{id: a, reference: before.png, edited: after.png, thresholds: {unedit_max_diff: .nan}}]",
        names=".edit.yaml:1: ",
    ),
    Case(
        "threshold of what is not measured",
        "cases: [{id: a, reference: before.png, edited: after.png, thresholds: {lpips: 0.1}}]",
        names=".edit.yaml:1: ",
    ),
    Case(
        "threshold of what the file does not measure",
        "metrics: [drift_px]\n"
        "cases: [{id: a, reference: before.png, edited: after.png, thresholds: {lpips: 0.1}}]",
        names=".edit.yaml:2: a threshold of lpips, which this case does not measure",
    ),
    Case(
        "marks that are a number",
        "cases: [{id: a, reference: before.png, edited: after.png, marks: 7}]",
        names=".edit.yaml:1: ",
    ),
    Case(
        "mark that is no name",
        "cases: [{id: a, reference: before.png, edited: after.png, marks: ['g p u']}]",
        names="'g p u'",
    ),
    Case(
        "expect misspelt",
        "cases: [{id: a, reference: before.png, edited: after.png, expect: compositd}]",
        names="did you mean 'composited'?",
    ),
    Case(
        "aspect misspelt",
        "cases: [{id: a, reference: before.png, edited: after.png, aspect: anny}]",
        names="did you mean 'any'?",
    ),
    Case(
        "resize misspelt for all cases",
        "resize: crop\ncases: [{id: a, reference: before.png, edited: after.png}]",
        names=".edit.yaml:1: resize",
    ),
    Case(
        "resize misspelt",
        "cases: [{id: a, reference: before.png, edited: after.png, resize: refrence}]",
        names=".edit.yaml:1: ",
    ),
    Case("metric misspelt", f"metrics: [lpisp]\ncases: [{ONE}]", names="did you mean 'lpips'?"),
    Case(
        "nested 10,000 deep",
        "cases: " + "[" * 10_000 + "]" * 10_000,
        names=".edit.yaml:1: nested deeper",
    ),
    Case("holds itself", "cases: &a [*a]", names=".edit.yaml:1: *a stands inside &a"),
    Case("Latin-1", "cases: [{id: für}]".encode("latin-1"), names=".edit.yaml:1: not UTF-8"),
    Case(
        "image that is not there",
        "cases: [{id: a, reference: nowhere.png, edited: after.png}]",
        names="nowhere.png: there is no such file",
    ),
    Case(
        "no edited image and no fixture that makes one",
        "cases: [{id: a, reference: before.png}]",
        names="edit_image",
    ),
    Case(
        "path with a NUL",
        'cases: [{id: a, reference: "a\\0.png", edited: after.png}]',
        names=".edit.yaml:1: ",
    ),
    Case("byte order mark and CRLF", f"\ufeffcases:\r\n- {ONE}\r\n", "measured"),
]
