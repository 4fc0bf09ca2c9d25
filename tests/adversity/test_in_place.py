"""Reference and edited image are one, so that nothing can have changed between them"""

from __future__ import annotations

import sys

import pytest

HEAD = """
import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.editmetrics(metrics="unedit_max_diff", thresholds={"unedit_max_diff": 5})
A = np.random.default_rng(0).integers(0, 200, (64, 64, 3), dtype=np.uint8)


def test_it(edit_gate, tmp_path):
    reference = A.copy()
"""


@pytest.fixture
def assert_one(suite, assert_came):
    """``assert_one(body, what)`` runs a test of these lines, which takes an edit for its reference."""

    def assert_one(body: str, what: str, *options: str) -> None:
        suite.makepyfile(HEAD + "".join(f"    {line}\n" for line in body.splitlines()))
        said = f"*unedit_max_diff*could not be judged: reference and edited image are one and the same {what}*"
        assert_came(suite.runpytest(*options), 1, said)

    return assert_one


def test_an_array(assert_one):
    """The editor changes the reference's array and returns it; warnings are switched off."""
    body = "edited = reference\nedited[:] = 255 - edited\nedit_gate.check(reference, edited)"
    assert_one(body, "memory", "-p", "no:warnings")


def test_a_view(assert_one):
    """The editor changes the reference's array and returns a view of it."""
    body = "edited = reference[:]\nedited[:] = 255 - edited\nedit_gate.check(reference, edited)"
    assert_one(body, "memory")


def test_a_tensor(assert_one):
    """The edited image is a tensor of the reference's array, changed in place."""
    assert_one(
        "import torch\n"
        "edited = torch.from_numpy(reference).permute(2, 0, 1)\n"
        "edited.copy_(255 - edited)\n"
        "edit_gate.check(reference, edited)",
        "memory",
    )


def test_a_pil_image(assert_one):
    """The editor pastes into the reference's PIL image."""
    assert_one(
        "reference = edited = Image.fromarray(reference)\n"
        "edited.paste((0, 0, 0), (0, 0, 64, 64))\n"
        "edit_gate.check(reference, edited)",
        "memory",
    )


def test_check_all(assert_one):
    """A generator for `check_all` edits one buffer for each check in place."""
    assert_one(
        "def checks():\n"
        "    for name in 'ab':\n"
        "        reference[:] = A\n"
        "        edited = reference\n"
        "        edited[:] = 255 - edited\n"
        "        yield dict(reference=reference, edited=edited, name=name)\n"
        "edit_gate.check_all(checks())",
        "memory",
    )


def test_a_file(assert_one):
    """The editor writes over the file that it read."""
    assert_one(
        "path = tmp_path / 'a.png'\n"
        "Image.fromarray(A).save(path)\n"
        "Image.fromarray(255 - A).save(path)\n"
        "edit_gate.check(path, path)",
        "file",
    )


def test_a_file_that_is_read_later(assert_one):
    """`Image.open` reads the reference's pixels when they are needed: after the editor wrote there."""
    assert_one(
        "path = tmp_path / 'a.bmp'\n"
        "Image.fromarray(A).save(path)\n"
        "with Image.open(path) as reference:\n"
        "    Image.fromarray(255 - A).save(path)\n"
        "    edit_gate.check(reference, str(path))",
        "file",
    )


def test_a_case(suite, assert_came, workers):
    """A case of a YAML file names its reference as the edited image, too."""
    from PIL import Image

    Image.new("RGB", (8, 8)).save(suite.path / "a.png")
    (suite.path / "test_x.edit.yaml").write_text(
        "cases:\n  - {id: a, reference: a.png, edited: ./a.png, thresholds: {score: 1},"
        " metrics: [score]}\n"
    )
    said = "*score could not be judged: reference and edited image are one and the same file*"
    assert_came(suite.runpytest(*workers), 1, said)


def test_the_file_of_a_case(suite, assert_came, workers):
    """A case's `edit_image` saves the edit over the reference's file, and returns the picture."""
    suite.makeconftest(
        "import pytest\n"
        "from PIL import Image\n\n"
        "@pytest.fixture\n"
        "def edit_image():\n"
        "    def edit(case):\n"
        "        image = Image.open(case.reference).convert('RGB')\n"
        "        image.paste((0, 0, 0), (0, 0, 64, 64))\n"
        "        image.save(case.reference)\n"
        "        return image\n"
        "    return edit\n"
    )
    suite.makepyfile(
        made="import numpy as np\n"
        "from PIL import Image\n"
        "levels = np.random.default_rng(0).integers(0, 200, (64, 64, 3), dtype=np.uint8)\n"
        "Image.fromarray(levels).save('a.png')\n"
    )
    suite.run(sys.executable, "made.py")
    suite.path.joinpath("test_one.edit.yaml").write_text(
        "metrics: [unedit_max_diff]\n"
        "cases:\n  - {id: one, reference: a.png, thresholds: {unedit_max_diff: 5}}\n",
        encoding="utf-8",
    )
    assert_came(suite.runpytest(*workers), 1, "*:3: the fixture edit_image changed the file of*")
