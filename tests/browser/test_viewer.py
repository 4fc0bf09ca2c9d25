"""One case's pictures: views, zoom, the value of a pixel, in both forms of the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import Locator, Page
from reviewed import failing

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.html import write_html
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.runs.results import ResultsFile
from pytest_editmetrics.runs.writing import RunDir

CUP = "[data-test$='test_untouched[blue-cup]']"


def opened(page: Page, path, case: str = CUP, view: str = "pair") -> Locator:
    """Open a report at one case in a view, its pictures drawn."""
    page.goto(path.as_uri())
    found = page.locator(case)
    found.locator("summary").first.click()
    found.locator(f".views [data-view={view}]").click()
    drawn = "() => [...document.querySelectorAll('.world canvas')].every((c) => c.width > 0 && c.width !== 300)"
    page.wait_for_function(drawn)
    return found


def scales(case: Locator) -> list[float]:
    worlds = case.locator(".world")
    return worlds.evaluate_all(
        "all => all.map((e) => new DOMMatrix(getComputedStyle(e).transform).a)"
    )


def corners(case: Locator) -> set[tuple[float, float]]:
    worlds = case.locator(".world")
    found = worlds.evaluate_all(
        "all => all.map((e) => new DOMMatrix(getComputedStyle(e).transform)).map((m) => [m.e, m.f])"
    )
    return {tuple(round(at, 3) for at in corner) for corner in found}


def test_a_failing_background_opens_with_the_difference(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    page.locator(CUP).locator("summary").first.click()
    assert page.locator(f"{CUP} .viewer").get_attribute("data-view") == "difference"
    page.locator("[data-test$='test_untouched[remove-badge]'] summary").first.click()
    other = page.locator("[data-test$='test_untouched[remove-badge]'] .viewer")
    assert other.get_attribute("data-view") == "pair"
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    assert other.get_attribute("data-view") == "slider"


def test_zoom_is_locked_across_the_pictures(watched, report):
    page = watched.page
    case = opened(page, report)
    fitted = scales(case)
    assert len(set(fitted)) == 1
    page.keyboard.press("+")
    assert scales(case) == pytest.approx([scale * 1.5 for scale in fitted], rel=1e-3)
    assert len(corners(case)) == 1
    page.keyboard.press("1")
    assert set(scales(case)) == {1.0}
    page.keyboard.press("0")
    assert scales(case) == fitted
    pane = case.locator(".pane").first
    pane.hover()
    page.wait_for_timeout(400)
    page.mouse.wheel(0, -600)
    page.wait_for_function(f"() => currentViewer().zoom.scale > {fitted[0] * 2}")
    assert len(set(scales(case))) == 1
    before = corners(case)
    box = pane.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2 + 20, steps=3)
    page.mouse.up()
    assert len(corners(case)) == 1
    assert corners(case) != before
    case.locator(".stage").focus()
    before = corners(case)
    page.keyboard.press("ArrowRight")
    assert corners(case) != before


def test_nearest_neighbour_from_200_per_cent(watched, report):
    page = watched.page
    case = opened(page, report)
    canvas = case.locator(".world canvas").first
    rendering = "e => getComputedStyle(e).imageRendering"
    page.evaluate("currentViewer().zoom.to(1.9)")
    assert canvas.evaluate(rendering) == "auto"
    page.evaluate("currentViewer().zoom.to(2)")
    assert canvas.evaluate(rendering) == "pixelated"


def test_lines_of_boxes_stay_as_thin(watched, report):
    page = watched.page
    case = opened(page, report)
    width = "e => parseFloat(getComputedStyle(e).strokeWidth) * currentViewer().zoom.scale"
    line = case.locator(".pane .box.area .line").first
    for scale in (0.5, 1, 8):
        page.evaluate(f"currentViewer().zoom.to({scale})")
        assert line.evaluate(width) == pytest.approx(2, rel=0.01)


def test_a_strip_is_not_a_few_pixels_high(watched, tmp_path):
    run_dir = RunDir(tmp_path / "run")
    before = np.random.default_rng(1).integers(0, 255, (90, 3000, 3), np.uint8)
    images = {"reference": run_dir.save_image(before), "edited": run_dir.save_image(255 - before)}
    region = {"coords": None, "width": 3000, "height": 90}
    gate = Gate("lpips", "fail", value=1.0, bound=0.5, bound_kind="max", distance=0.5)
    results = ResultsFile(run_dir.results_path, {}, "2031-05-06T07:08:09+00:00")
    results.gate("t.py::t", 1, True, "failed", replace(gate, images=images, region=region))
    results.close({"gates": 1})
    write_html(read_run(tmp_path / "run"), tmp_path / "report.html")
    page = watched.page
    case = opened(page, tmp_path / "report.html", "article")
    assert case.locator(".pane").first.bounding_box()["height"] >= 89
    assert scales(case)[0] == 1
    page.keyboard.press("0")
    assert scales(case)[0] < 0.6


def test_a_wheel_that_scrolls_the_page_goes_on_scrolling_it(watched, report):
    page = watched.page
    case = opened(page, report)
    scale = scales(case)[0]
    page.evaluate("dispatchEvent(new Event('scroll'))")
    case.locator(".stage").evaluate(
        "e => e.dispatchEvent(new WheelEvent('wheel', { deltaY: -300, cancelable: true, bubbles: true }))"
    )
    assert scales(case)[0] == scale


def test_a_pixel_says_its_values(watched, report):
    page = watched.page
    case = opened(page, report)
    page.keyboard.press("1")
    page.evaluate("currentViewer().zoom.pan(-10000, -10000)")
    page.evaluate("currentViewer().zoom.pan(10000, 10000)")
    x, y = page.evaluate("[currentViewer().zoom.x, currentViewer().zoom.y]")
    case.locator(".pane").first.hover(position={"x": x + 20.5, "y": y + 100.5})
    said = case.locator(".inspector").inner_text()
    assert said.startswith("x 20, y 100 · reference ")
    before, after, difference = (
        [int(number) for number in part.split()[-3:]] for part in said.split(" · ")[1:]
    )
    assert difference == [abs(a - b) for a, b in zip(before, after, strict=True)]


@pytest.mark.parametrize("form", ["report", "folder"])
def test_the_difference_is_eight_times_and_the_edit_grey(watched, request, form):
    """Of the folder, whose pixels no script may read, the screen is looked at."""
    from io import BytesIO

    import numpy as np
    from PIL import Image

    path = request.getfixturevalue(form)
    page = watched.page
    case = opened(page, path if form == "report" else path / "index.html", view="difference")
    page.wait_for_timeout(300)
    page.keyboard.press("b")
    pane = case.locator(".pane").last
    shot = np.asarray(Image.open(BytesIO(pane.screenshot())).convert("RGB")).astype(int)
    height, width = shot.shape[:2]
    x, y, right, bottom = (part * width // 240 for part in (40, 40, 180, 150))
    edit = shot[y:bottom, x:right]
    assert (edit.max(axis=2) - edit.min(axis=2)).mean() < 2
    assert edit.max() < 140
    rest = shot[int(height * 0.9) :, int(width * 0.85) :]
    assert rest[..., 2].mean() > 40
    page.keyboard.press("m")
    page.wait_for_timeout(300)
    shot = np.asarray(Image.open(BytesIO(pane.screenshot())).convert("RGB")).astype(int)
    assert shot[y:bottom, x:right].max() == 255


def test_full_screen_and_back(watched, report):
    page = watched.page
    case = opened(page, report)
    scale, viewer = scales(case)[0], case.locator(".viewer")
    before, (width, height) = viewer.bounding_box(), page.viewport_size.values()
    assert before["x"] > 0
    page.keyboard.press("f")
    page.wait_for_function("() => currentViewer().filling")
    page.wait_for_function(f"() => currentViewer().zoom.scale > {scale}")
    assert viewer.bounding_box() == {"x": 0, "y": 0, "width": width, "height": height}
    shown = [pane.bounding_box() for pane in case.locator(".pane").all()]
    assert sum(pane["width"] for pane in shown) > 0.9 * width
    assert max(pane["y"] + pane["height"] for pane in shown) <= height
    page.keyboard.press("f")
    page.wait_for_function("() => !currentViewer().filling")
    page.wait_for_function(f"() => Math.abs(currentViewer().zoom.scale - {scale}) < 1e-6")
    after = viewer.bounding_box()
    assert (after["width"], after["height"]) == (before["width"], before["height"])


def test_pictures_use_the_width_that_is_there(watched, report):
    page = watched.page
    page.set_viewport_size({"width": 2560, "height": 1300})
    case = opened(page, report)
    panes = [pane.bounding_box() for pane in case.locator(".pane").all()]
    assert sum(pane["width"] for pane in panes) > 1900


def test_every_map_is_drawn(watched, report):
    page = watched.page
    case = opened(page, report)
    for view in ("heat", "lpips"):
        case.locator(f".views [data-view={view}]").click()
        page.wait_for_function(
            f"() => document.querySelector('.sheet.{view} canvas').width === 300 === false"
        )
        assert "0 " in case.locator(".legend").inner_text()
    case.locator(".views [data-view=patches]").click()
    assert case.locator("svg.patches rect").count() == 49


def test_a_blinking_picture_is_named_alone(watched, report):
    """While it blinks, only the name of the image that is seen is seen."""
    page = watched.page
    case = opened(page, report, view="blink")
    seen = """one => ["first", "second"].filter(
        name => getComputedStyle(one.querySelector(`.tag.${name}`)).visibility === "visible")"""
    shown = """one => getComputedStyle(one.querySelector(".sheet.second")).visibility"""
    for moment in (100, 600, 800, 1300):
        case.evaluate(
            """(one, moment) => { for (const a of one.getAnimations({subtree: true})) {
                a.pause(); a.currentTime = moment; } }""",
            moment,
        )
        names = case.evaluate(seen)
        assert names == (["second"] if case.evaluate(shown) == "visible" else ["first"])


def test_two_fingers_zoom(browser, report):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    case = opened(page, report)
    scale = scales(case)[0]
    case.locator(".stage").evaluate(
        """(stage) => {
            const { left, top } = stage.firstElementChild.getBoundingClientRect();
            const send = (type, id, x, more = {}) => stage.firstElementChild.dispatchEvent(new PointerEvent(type, {
                pointerId: id, clientX: left + x, clientY: top + 50, bubbles: true, pointerType: "touch", ...more,
            }));
            stage.setPointerCapture = () => {};
            send("pointerdown", 1, 100);
            send("pointerdown", 2, 150);
            send("pointermove", 2, 200, { movementX: 50 });
            send("pointerup", 1, 100);
            send("pointerup", 2, 200);
        }"""
    )
    assert scales(case)[0] == pytest.approx(2 * scale, rel=0.01)
    context.close()


def test_one_to_one_and_plus_go_to_where_the_change_is(watched, tmp_path):
    """A change in a corner: the middle of its difference would be all black."""
    run_dir = RunDir(tmp_path / "run")
    before = np.full((600, 3000, 3), 90, np.uint8)
    after = before.copy()
    after[540:580, 40:80] = 200
    box = [40, 540, 80, 580]
    causes = [{"kind": "spill", "share": 1.0, "text": "a local change", "boxes": [box]}]
    gate = failing("test_x", details={"causes": causes})
    region = {"coords": [[1400, 200, 1600, 400]], "width": 3000, "height": 600}
    images = {"reference": run_dir.save_image(before), "edited": run_dir.save_image(after)}
    results = ResultsFile(run_dir.results_path, {}, "2031-05-06T07:08:09+00:00")
    gate = replace(gate, region=region, images=images)
    results.gate("t.py::test_x", 1, True, "failed", gate)
    results.close({"gates": 1})
    write_html(read_run(tmp_path / "run"), tmp_path / "report.html")
    page = watched.page
    for key in ("1", "+"):
        page.goto((tmp_path / "report.html").as_uri() + f"?{ord(key)}#view=difference")
        page.locator(".case summary").first.click()
        page.locator(".stage .pane").first.wait_for()
        page.keyboard.press(key)
        page.keyboard.press(key)
        seen = page.evaluate(
            """() => {
                const { zoom } = currentViewer();
                const at = (x, y) => [zoom.x + x * zoom.scale, zoom.y + y * zoom.scale];
                const [x, y] = at(60, 560);
                return x > 0 && y > 0 && x < zoom.pane.w && y < zoom.pane.h;
            }"""
        )
        assert seen, key


def test_a_picture_that_is_zoomed_is_zoomed_where_one_looks(watched, report):
    page = watched.page
    case = opened(page, report)
    page.evaluate("currentViewer().zoom.to(4, 0, 0)")
    assert corners(case) == {(0.0, 0.0)}
    page.keyboard.press("+")
    pane = page.evaluate("currentViewer().zoom.pane")
    (corner,) = corners(case)
    assert corner == pytest.approx((-pane["w"] / 4, -pane["h"] / 4), abs=1)


def test_a_touched_pixel_stays_in_sight(browser, report):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    case = opened(page, report)
    stage = case.locator(".stage .pane").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.touchscreen.tap(box["x"] + 40, box["y"] + 40)
    line = case.locator(".inspector")
    assert line.inner_text().startswith("x ")
    assert case.locator(".spot:visible").count() == case.locator(".pane").count()
    said = line.inner_text()
    spot = case.locator(".spot").first.bounding_box()
    page.keyboard.press("+")
    assert line.inner_text() == said
    moved = case.locator(".spot").first.bounding_box()
    assert moved is None or moved != spot
    context.close()


@pytest.mark.parametrize("size", [(390, 844), (1400, 900)])
def test_a_filled_screen_is_the_pictures_and_says_how_to_leave(browser, report, size):
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    case = opened(page, report, view="difference")
    page.evaluate("Element.prototype.requestFullscreen = undefined")
    full = case.locator("[data-zoom=full]")
    assert full.inner_text() == "Full screen"
    page.keyboard.press("f")
    assert full.inner_text() == "Leave full screen"
    panes = [pane.bounding_box() for pane in case.locator(".stage .pane").all()]
    area = sum(box["width"] * box["height"] for box in panes)
    assert area > 0.6 * size[0] * size[1]
    assert max(box["y"] + box["height"] for box in panes) <= size[1]
    assert full.bounding_box()["y"] + 30 <= size[1], "the way out is in sight"
    page.keyboard.press("1")
    middle = "(({zoom}) => [(zoom.pane.w / 2 - zoom.x) / zoom.scale, (zoom.pane.h / 2 - zoom.y) / zoom.scale])(currentViewer())"
    page.evaluate("currentViewer().zoom.to(4, 60, 40)")
    before = page.evaluate(middle)
    full.click()
    assert full.inner_text() == "Full screen"
    assert page.evaluate(middle) == pytest.approx(before, abs=2), "what was looked at is lost"
    page.close()


def test_a_small_phone_reaches_every_control(browser, report):
    page = browser.new_page(viewport={"width": 320, "height": 740})
    case = opened(page, report, view="difference")
    right = page.evaluate("document.querySelector('.case').getBoundingClientRect().right")
    for button in case.locator(".viewer button:visible, .viewer label:visible").all():
        box = button.bounding_box()
        assert box["x"] + box["width"] <= right, button.inner_text()
    page.close()
