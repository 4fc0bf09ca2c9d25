"""Pictures in the reports of other plugins: each is a stand-in with the calls that it offers."""

from __future__ import annotations

import json

import pytest

HTML = """
import pytest, sys, types

extras = types.ModuleType("pytest_html.extras")
extras.text = lambda content, name: {"format": "text", "content": content, "name": name}
extras.png = lambda content: {"format": "image", "content": content}
package = types.ModuleType("pytest_html")
package.extras = extras
sys.modules.update({"pytest_html": package, "pytest_html.extras": extras})

class Html:
    def pytest_runtest_logreport(self, report):
        import json
        if report.when == "call":
            with open("extras.json", "a") as file:
                file.write(json.dumps(getattr(report, "extras", [])) + "\\n")

def pytest_load_initial_conftests(early_config):
    early_config.pluginmanager.register(Html(), "html")
"""
ALLURE = """
import sys, types

class Attach:
    def __call__(self, content, name, kind): said("text", name, content)
    def file(self, path, name, kind): said("picture", name, open(path, "rb").read(4).hex())

def said(*what):
    import json
    with open("allure.json", "a") as file:
        file.write(json.dumps(what) + "\\n")

module = types.ModuleType("allure")
module.attach = Attach()
module.attachment_type = types.SimpleNamespace(TEXT="text", PNG="png")
sys.modules["allure"] = module

def pytest_load_initial_conftests(early_config):
    early_config.pluginmanager.register(object(), "allure_pytest")
"""


@pytest.fixture
def shifted(scene: pytest.Pytester) -> pytest.Pytester:
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_psnr]\nthresholds: {unedit_psnr: 45}\n"
    )
    scene.makepyfile(
        test_edit="from scene import *\n"
        "def test_bad(edit_gate): edit_gate.check(scene(), np.roll(edited(), 2, axis=1), BOX)\n"
        "def test_good(edit_gate): edit_gate.check(scene(), edited(), BOX)\n"
    )
    return scene


@pytest.mark.long
def test_pytest_html_gets_cause_and_picture(shifted):
    shifted.makepyfile(stand_in=HTML)
    shifted.syspathinsert()
    result = shifted.runpytest_subprocess("-p", "stand_in")
    result.assert_outcomes(failed=1, passed=1)
    bad, good = map(json.loads, (shifted.path / "extras.json").read_text().splitlines())
    assert [one["format"] for one in bad] == ["text", "image"]
    assert "moved 2.00 px right" in bad[0]["content"]
    assert bad[1]["content"].startswith("iVBORw0KGgo")
    assert good == []


def test_allure_gets_them_too(shifted):
    shifted.makepyfile(stand_in=ALLURE)
    shifted.syspathinsert()
    result = shifted.runpytest_subprocess("-p", "stand_in")
    result.assert_outcomes(failed=1, passed=1)
    said = [json.loads(line) for line in (shifted.path / "allure.json").read_text().splitlines()]
    assert [one[0] for one in said] == ["text", "picture"]
    assert "moved 2.00 px right" in said[0][2]
    assert said[1][2] == "89504e47"


@pytest.mark.long
def test_without_them_nothing_of_theirs_is_imported(cold_processes, shifted):
    shifted.makeconftest(
        "import sys\n"
        "def pytest_sessionfinish():\n"
        "    assert not {'allure', 'pytest_html', 'pytest_editmetrics.plugin.attachments'} & set(sys.modules)\n"
    )
    result = shifted.runpytest_subprocess("-p", "no:html", "-p", "no:allure_pytest")
    result.assert_outcomes(failed=1, passed=1)
    assert "AssertionError" not in result.stdout.str() + result.stderr.str()
