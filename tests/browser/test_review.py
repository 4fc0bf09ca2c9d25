"""``editmetrics review`` in a real browser: the loop, several at once, two tabs, a phone, attackers."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from golden_gate import GOLDEN
from playwright.sync_api import expect
from review_page import OPEN, Watched, assert_accessible, opened, settled, several
from reviewed import served
from synthetic_run import make_hostile_run

SUITE = """
import os

import numpy as np
import pytest
from PIL import Image

EXPOSURE = {"ada": 30, "bob": 14, "cy": 9}


def scene():
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(30, 220, (24, 24, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((512, 384), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("who", EXPOSURE)
def test_it(edit_gate, who):
    edited = scene().copy()
    edited[24:64, 20:60] = 255 - edited[24:64, 20:60]
    if os.environ["RELEASE"] == "2":
        edited = (edited.astype(int) + EXPOSURE[who]).clip(0, 255).astype(np.uint8)
    edit_gate.check(scene(), edited, coords=[(20, 24, 60, 64)], metrics=["unedit_psnr"])
"""


def run_suite(project: Path, *arguments: str, release: str) -> list[str]:
    """Run the suite; return its last lines."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        env={**os.environ, "RELEASE": release},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()


def test_the_loop(project, reviewing):
    """A failing run, review, 1:1, accept two, refuse one, undo, write: pytest passes for those two."""
    (project / "tests" / "test_x.py").write_text(SUITE)
    assert "3 passed" in run_suite(project, "--editmetrics-update=missing", release="1")[-1]
    assert "3 failed" in run_suite(project, "--editmetrics-run-dir=run", release="2")[-1]
    golden = project / GOLDEN
    before = golden.read_text()
    with opened(reviewing, project / "run") as (_, page):
        expect(page.locator("#counted")).to_have_text("3 to decide")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_function(
            "() => [...document.querySelectorAll('.case canvas')].some(c => c.width === 512)"
        )
        page.keyboard.press("1")
        expect(page.locator(".case.current .percent")).to_have_text("100 %")
        for number in (1, 2):
            page.keyboard.press("a")
            expect(page.locator(".decided.accepted")).to_have_count(number)
        page.keyboard.press("r")
        page.keyboard.type("too <b>bright</b>")
        page.keyboard.press("Enter")
        expect(page.locator(".decided.refused q")).to_have_text("too <b>bright</b>")
        refused = page.locator(".case[data-decision=refused]").get_attribute("id")
        page.keyboard.press("u")
        expect(page.locator(".decided.refused")).to_have_count(0)
        expect(page.locator(".case.current")).to_have_attribute("id", refused)
        expect(page.locator("#counted")).to_have_text("1 to decide 2 accepted")
        accepted = page.locator(".case[data-decision=accepted]").evaluate_all(
            "all => all.map(e => e.dataset.test.split('::')[1])"
        )
        page.keyboard.press("w")
        expect(page.locator("#diff-title")).to_have_text("1 golden file would change")
        shown = page.locator("#diff pre").inner_text().splitlines()
        assert golden.read_text() == before
        page.get_by_role("button", name="Write 1 file").click()
        expect(page.locator("#diff-title")).to_have_text("1 golden file was written")
        page.keyboard.press("Escape")
        expect(page.locator(".decided", has_text="golden written")).to_have_count(2)
    lines = difflib.unified_diff(
        before.splitlines(),
        golden.read_text().splitlines(),
        f"a/{GOLDEN}",
        f"b/{GOLDEN}",
        lineterm="",
    )
    assert shown == list(lines)
    assert accepted == ["test_it[ada]", "test_it[bob]"]
    report = run_suite(project, "-rA", release="2")
    assert "1 failed, 2 passed" in report[-1]
    passed = [line for line in report if line.startswith("PASSED")]
    assert passed == [f"PASSED tests/test_x.py::{test}" for test in accepted]


def accept_all(page, kind: str) -> None:
    """Accept all of the current case's cause, test or metric, with a click."""
    page.locator("#all").click()
    page.locator(f"#together [data-kind={kind}]").click()


def test_accepting_all_says_how_many_and_can_be_left(project, reviewing, tmp_path):
    with opened(reviewing, several(tmp_path / "run")) as (_, page):
        expect(page.locator("#all")).to_be_disabled()
        page.locator('.case[data-cause="shift"] summary').first.click()
        page.keyboard.press("A")
        expect(page.locator("#together [data-kind=cause]")).to_have_text("of the cause shift 3")
        page.keyboard.press("Escape")
        expect(page.locator("#together")).to_be_hidden()
        expect(page.locator(".decided")).to_have_count(0)
        page.keyboard.press("A")
        page.keyboard.press("Enter")
        expect(page.locator(".decided.accepted")).to_have_count(3)
        page.keyboard.press("A")
        expect(page.locator("#together [data-kind=cause]")).not_to_have_text("of the cause shift 3")
        page.keyboard.press("Escape")


def test_clearing_the_filters_shows_what_is_decided_too(project, reviewing, tmp_path):
    with opened(reviewing, several(tmp_path / "run")) as (_, page):
        count = page.locator("article.case:visible").count()
        clear = page.locator("#filters .clear")
        expect(clear).to_be_hidden()
        page.locator(OPEN).click()
        page.locator(".case summary").first.click()
        page.locator("#search").fill("nothing has this name")
        expect(page.locator("#nothing")).to_be_visible()
        page.locator("#search").blur()
        expect(page.locator("#accept")).to_be_disabled()
        page.keyboard.press("p")
        expect(page.locator("#said")).to_have_text("Every case that is listed is decided.")
        page.locator("#nothing .clear").click()
        expect(page.locator("article.case:visible")).to_have_count(count)
        expect(page.locator(OPEN)).to_have_attribute("aria-pressed", "false")
        expect(page.locator("#search")).to_be_focused()
        expect(clear).to_be_hidden()


def test_several_at_once_and_all_of_a_kind(project, reviewing, tmp_path):
    with opened(reviewing, several(tmp_path / "run")) as (_, page):
        for _ in range(2):
            page.keyboard.press("n")
            page.keyboard.press("x")
            page.keyboard.press("j")
        expect(page.locator("#about")).to_have_text("2 selected")
        page.keyboard.press("p")
        expect(page.locator(".decided.put-off")).to_have_count(2)
        page.keyboard.press("u")
        expect(page.locator(".decided")).to_have_count(0)
        page.locator('.case[data-cause="shift"] summary').first.click()
        accept_all(page, "cause")
        expect(page.locator(".decided.accepted")).to_have_count(3)
        assert page.locator(".case[data-decision]").evaluate_all(
            "all => [...new Set(all.map(e => e.dataset.cause))]"
        ) == ["shift"]
        page.keyboard.press("u")
        expect(page.locator(".decided")).to_have_count(0)
        accept_all(page, "test")
        expect(page.locator(".decided.accepted")).to_have_count(3)
        page.locator(OPEN).click()
        expect(page.locator("article.case:visible")).to_have_count(5)
        page.locator(OPEN).click()
        page.locator('.case[data-test$="test_hand"] summary').click()
        expect(page.locator("#accept")).to_be_disabled()
        expect(page.locator("#said")).to_contain_text(
            "its bound is the argument's; edit tests/test_x.py:7"
        )
        expect(page.locator("#counted")).to_have_text("5 to decide 3 accepted")
        page.keyboard.press("p")
        expect(page.locator("#counted")).to_have_text("4 to decide 3 accepted 1 put off")
        page.keyboard.press("k")
        page.locator(".case[data-decision=accepted] summary").first.focus()
        expect(page.locator("#about")).to_contain_text(" · accepted")
        page.keyboard.press("?")
        expect(page.locator("#help")).to_contain_text("write what is accepted")


def test_undo_turns_to_what_it_took_back(project, reviewing, tmp_path):
    """The next key must not decide the case that had followed."""
    with opened(reviewing, several(tmp_path / "run")) as (_, page):
        page.keyboard.press("n")
        first = page.locator(".case.current").get_attribute("id")
        page.keyboard.press("a")
        expect(page.locator(".decided.accepted")).to_have_count(1)
        expect(page.locator(".case.current")).not_to_have_attribute("id", first)
        page.keyboard.press("u")
        expect(page.locator(".case.current")).to_have_attribute("id", first)
        expect(page.locator("#about")).not_to_contain_text("·")
        page.keyboard.press("p")
        expect(page.locator(f"#{first} .decided.put-off")).to_have_count(1)


def test_the_next_stands_below_where_the_last_is_listed_no_longer(project, reviewing, tmp_path):
    with opened(reviewing, several(tmp_path / "run")) as (_, page):
        page.locator(OPEN).click()
        rows = page.locator("article.case:visible").evaluate_all("all => all.map(e => e.id)")
        page.locator(f"#{rows[2]} summary").click()
        page.keyboard.press("a")
        expect(page.locator(f"#{rows[2]}")).to_be_hidden()
        expect(page.locator(".case.current")).to_have_attribute("id", rows[3])


def test_two_tabs_see_each_other(project, reviewing, tmp_path):
    with opened(reviewing, several(tmp_path / "run")) as (one, page):
        other = page.context.new_page()
        other.goto(f"http://{one.host}/")
        for tab in (page, other):
            tab.keyboard.press("n")
        other.route("**/state?*", lambda route: route.abort())
        page.keyboard.press("r")
        page.keyboard.type("halo")
        page.keyboard.press("Enter")
        expect(page.locator(".decided.refused")).to_have_count(1)
        other.unroute("**/state?*")
        other.keyboard.press("a")
        expect(other.locator("#said")).to_contain_text("refused it meanwhile")
        expect(other.locator(".decided.refused q")).to_have_text("halo")
        expect(other.locator(".decided.accepted")).to_have_count(0)
        settled(other)
        other.keyboard.press("n")
        other.keyboard.press("a")
        expect(page.locator(".decided.accepted")).to_have_count(1, timeout=15_000)


def test_a_diff_that_is_outdated_is_shown_anew(project, reviewing, tmp_path):
    with opened(reviewing, several(tmp_path / "run")) as (_, page):
        page.keyboard.press("n")
        page.keyboard.press("a")
        expect(page.locator(".decided.accepted")).to_have_count(1)
        page.keyboard.press("w")
        page.locator("#diff[open]").wait_for()
        (project / GOLDEN).parent.mkdir()
        (project / GOLDEN).write_text('"test_other":\n  lpips: {max: 0.5}\n')
        page.locator("#write-now").click()
        expect(page.locator("#diff-said")).to_contain_text("nothing was written")
        expect(page.locator("#diff pre")).to_contain_text("test_other")
        page.locator("#write-now").click()
        expect(page.locator("#diff-title")).to_contain_text("written")
    # the answer 409 is what the browser calls an error
    reviewing.trouble[:] = [line for line in reviewing.trouble if "409" not in line]
    assert "test_other" in (project / GOLDEN).read_text()


def test_a_server_that_was_stopped_is_told(project, reviewing, tmp_path):
    with served(several(tmp_path / "run")) as one:
        page = reviewing.enter(one)
        page.keyboard.press("n")
    page.keyboard.press("a")
    expect(page.locator("#said")).to_contain_text("The server does not answer")
    expect(page.locator(".decided")).to_have_count(0)
    reviewing.trouble.clear()


def test_a_phone_reaches_everything_with_a_thumb(project, browser, tmp_path):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    seen = Watched(context.new_page())
    with served(several(tmp_path / "run")) as one:
        page = seen.enter(one)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.locator(".case summary").first.tap()
        expect(page.locator(".case.current")).to_be_in_viewport()
        page.wait_for_function(
            "document.querySelector('.case.current').getBoundingClientRect().top < 16"
        )
        for name in ("accept", "refuse", "put-off", "undo", "write"):
            box = page.locator(f"#{name}").bounding_box()
            assert box is not None
            assert box["height"] >= 44
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
        bar = page.locator("#deciding").bounding_box()
        assert bar is not None
        assert bar["height"] < 844 / 4
        page.locator("#accept").tap()
        expect(page.locator(".decided.accepted")).to_have_count(1)
        page.locator("#write").tap()
        expect(page.locator("#diff")).to_be_visible()
        dialog = page.locator("#diff").bounding_box()
        assert dialog is not None
        assert dialog["width"] <= 390
        page.locator("#write-now").tap()
        expect(page.locator("#diff-title")).to_contain_text("written")
    context.close()
    assert seen.trouble == []
    assert (project / GOLDEN).is_file()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1440])
def test_what_axe_says(project, browser, tmp_path, width, scheme):
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    seen = Watched(context.new_page())
    with opened(seen, several(tmp_path / "run")) as (one, page):
        assert_accessible(page, "undecided")
        one.decide("refused", "test_a[0]", note="halo")
        one.decide("accepted", "test_a[1]", "test_image")
        expect(page.locator(".decided")).to_have_count(3, timeout=15_000)
        page.keyboard.press("n")
        page.keyboard.press("x")
        assert_accessible(page, "decided")
        page.keyboard.press("r")
        assert_accessible(page, "note")
        page.keyboard.press("Escape")
        page.keyboard.press("x")
        page.keyboard.press("A")
        page.locator("#together[open]").wait_for()
        assert_accessible(page, "accept all")
        page.keyboard.press("Escape")
        page.keyboard.press("w")
        page.locator("#diff[open]").wait_for()
        assert_accessible(page, "diff")
    context.close()


def test_read_only_has_no_buttons(reviewing, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = several(tmp_path / "run")
    with opened(reviewing, run, read_only=True) as (_, page):
        page.keyboard.press("n")
        page.keyboard.press("a")
        assert page.locator("#accept, #refuse, #write, .pick").count() == 0
        expect(page.locator("#counted")).to_contain_text("8 to decide")
    assert not (run / "review.json").exists()


# --- attackers

EVIL = """<!doctype html><title>evil</title><body><script>
const at = "http://TARGET";
const seen = [];
const body = JSON.stringify({cases: CASES});
async function attempt() {
  for (const mode of ["cors", "no-cors"]) {
    for (const [path, more] of [["/", {}], ["/state", {}], ["/decide", {method: "POST", body}], ["/plan", {method: "POST", body: "{}"}]]) {
      try {
        const answer = await fetch(at + path, {mode, credentials: "include", ...more});
        seen.push([path, mode, answer.type, answer.type === "opaque" ? "" : await answer.text()]);
      } catch (error) { seen.push([path, mode, "refused", ""]); }
    }
  }
  for (const path of ["/images/0.png", "/favicon.ico"]) {
    seen.push([path, "img", await new Promise((done) => {
      const img = new Image();
      img.onload = () => done("loaded");
      img.onerror = () => done("refused");
      img.src = at + path;
    }), ""]);
  }
  for (const path of ["/", "/state"]) {
    seen.push([path, "script", await new Promise((done) => {
      const script = document.createElement("script");
      script.onload = () => done("loaded");
      script.onerror = () => done("refused");
      script.src = at + path;
      document.body.append(script);
    }), ""]);
  }
  const frame = document.createElement("iframe");
  document.body.append(frame);
  await new Promise((done) => { frame.onload = done; frame.src = at + "/"; });
  let held = "refused";
  try { held = frame.contentDocument ? frame.contentDocument.body.innerText : "refused"; } catch (error) {}
  seen.push(["/", "frame", held, ""]);
  const form = document.createElement("form");
  form.method = "POST"; form.action = at + "/decide"; form.enctype = "text/plain"; form.target = "f";
  const input = document.createElement("input");
  input.name = body.slice(0, -1) + ', "x": "'; input.value = '"}';
  form.append(input);
  const target = document.createElement("iframe");
  target.name = "f";
  document.body.append(target, form);
  await new Promise((done) => { target.onload = done; form.submit(); setTimeout(done, 2000); });
  document.title = "done";
}
attempt();
</script>"""


@pytest.fixture
def evil() -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = self.server.page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *args) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", ["127.0.0.1", "evil.example"])
def test_a_page_of_another_origin_sees_and_writes_nothing(project, browser, evil, tmp_path, name):
    """Of another port of the same address, to which a browser sends the cookie, and of a stranger."""
    context = browser.new_context()
    with served(several(tmp_path / "run")) as one:
        victim = Watched(context.new_page())
        victim.enter(one)
        anchor = one.anchor("test_hand")
        evil.page = EVIL.replace("TARGET", one.host).replace(
            "CASES", f'{{"{anchor}": {{"verb": "refused", "note": "evil", "seen": null}}}}'
        )
        page = context.new_page()
        page.goto(f"http://{name}:{evil.server_address[1]}/")
        page.wait_for_function("() => document.title === 'done'", timeout=60_000)
        seen = page.evaluate("seen")
        assert len(seen) == 13
        assert {row[3] for row in seen} == {""}
        assert {row[2] for row in seen if row[1] not in ("cors", "no-cors")} == {"refused"}
        assert {row[2] for row in seen if row[1] == "cors"} == {"refused"}
        assert one.state() == {}
    context.close()


def test_a_name_that_leads_here_is_not_answered(project, browser, tmp_path):
    """DNS rebinding, as a browser does it."""
    with served(several(tmp_path / "run")) as one:
        page = browser.new_page()
        for path in ("/", f"/?token={one.first}"):
            answer = page.goto(f"http://evil.example:{one.port}{path}")
            assert answer is not None
            assert answer.status == 421
            assert "test_" not in page.content()
        assert page.context.cookies() == []
        page.close()


def test_a_link_from_another_site_opens_the_review(project, browser, evil, tmp_path):
    """What a chat shows as a link: the cookie survives, as the first answer is a page of its own."""
    with served(several(tmp_path / "run")) as one:
        evil.page = f'<a id="a" href="http://{one.host}/?token={one.first}">review</a>'
        page = browser.new_page()
        page.goto(f"http://evil.example:{evil.server_address[1]}/")
        page.locator("#a").click()
        page.wait_for_url(f"http://{one.host}/")
        expect(page.locator("#counted")).to_contain_text("8 to decide")
        assert page.evaluate("document.referrer") in ("", f"http://{one.host}/")
        assert page.evaluate("document.cookie") == ""
        page.close()


WORKER = """
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));
self.addEventListener("fetch", (event) => event.respondWith((async () => {
  const answer = await fetch(event.request);
  if (event.request.mode !== "navigate") return answer;
  return new Response("taken: " + (await answer.text()).length, { headers: { "Content-Type": "text/html" } });
})()));
"""


def test_what_an_earlier_program_left_on_the_port_is_gone(project, browser, tmp_path):
    """A service worker of it would see, and answer, every request of the review."""

    class Earlier(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script = self.path == "/worker.js"
            kind = "text/javascript" if script else "text/html"
            text = "<script>navigator.serviceWorker.register('/worker.js')</script>"
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write((WORKER if script else text).encode())

        def log_message(self, *args) -> None:
            pass

    earlier = ThreadingHTTPServer(("127.0.0.1", 0), Earlier)
    thread = threading.Thread(target=earlier.serve_forever, args=(0.05,))
    thread.start()
    port = earlier.server_address[1]
    page = browser.new_page()
    try:
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_function("navigator.serviceWorker.controller !== null")
    finally:
        earlier.shutdown()
        thread.join()
        earlier.server_close()
    page.goto("about:blank")
    with served(several(tmp_path / "run"), port=port) as one:
        page.goto(f"http://{one.host}/?token={one.first}")
        page.goto(f"http://{one.host}/?token={one.first}")
        expect(page.locator("#deciding")).to_be_visible()
        assert page.evaluate("navigator.serviceWorker.controller === null")
        assert page.evaluate("document.referrer") == ""
        assert "token" not in page.url
        page.close()


def test_a_hostile_run_is_inert(project, reviewing, tmp_path):
    with opened(reviewing, make_hostile_run(tmp_path / "run")) as (_, page):
        page.locator("#expand").click()
        expect(page.locator("main")).to_contain_text("<script>alert(1)</script>")
        page.keyboard.press("j")
        page.keyboard.press("r")
        page.keyboard.type("<img src=x onerror=alert(1)>")
        page.keyboard.press("Enter")
        expect(page.locator(".decided q")).to_have_text("<img src=x onerror=alert(1)>")
        page.keyboard.press("j")
        page.keyboard.press("a")
        expect(page.locator("#said")).not_to_be_empty()
    assert not (project / "tests" / "goldens").exists()
