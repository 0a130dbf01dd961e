"""The page in a real browser: Debian's chromium, driven by playwright, against the server that the command starts."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from web_samples import edited, photo

from unshrink.models.zoo import versions

pytest.importorskip("fastapi", reason="the page needs the extra web")
pytest.importorskip("playwright", reason="the page is tested with playwright, of the extra dev")

from lab import screenshots

if screenshots.CHROMIUM is None:
    pytest.skip("there is no chromium here: apt-get install chromium", allow_module_level=True)

from playwright.sync_api import Page, expect, sync_playwright

DONE = 90_000
"""Milliseconds."""
PHONE = {"width": 360, "height": 740}
SERIOUS = {"serious", "critical"}
DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name));
  for (const kind of ['dragenter', 'dragover', 'drop'])
    document.body.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: carried }));
}"""
PASTE = DROP.replace("for (const kind of ['dragenter', 'dragover', 'drop'])", "").replace(
    "new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: carried })",
    "new ClipboardEvent('paste', { bubbles: true, clipboardData: carried })",
)


@pytest.fixture(scope="module")
def address():
    with screenshots.serving() as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=screenshots.CHROMIUM, args=[*screenshots.FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Opens the page; in the end there must be no error on it, and no request that went elsewhere."""
    contexts, troubles = [], []

    def opened(**options) -> Page:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda line: troubles.append(line.text) if "Policy" in line.text else None)
        page.on("request", lambda request: troubles.append(request.url) if is_elsewhere(request.url) else None)
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        return page

    def is_elsewhere(url: str) -> bool:
        return not url.startswith((address, "blob:" + address.rstrip("/"), "data:"))

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


def drop(page: Page, name: str, data: bytes, how: str = DROP) -> None:
    page.evaluate(how, [name, base64.b64encode(data).decode()])


def wait_done(page: Page, count: int = 1) -> None:
    expect(page.locator(".entry[data-state=done]")).to_have_count(count, timeout=DONE)


def quick(page: Page) -> None:
    """Have the model that needs no network."""
    page.select_option("#model", "hidden-avif")


def download(page: Page, name: str) -> tuple[str, bytes]:
    with page.expect_download() as got:
        page.click(f"#save-{name}")
    return got.value.suggested_filename, Path(got.value.path()).read_bytes()


def pixels(data: bytes):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def canvas(page: Page) -> str:
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate("document.getElementById('canvas').toDataURL()")


def hr_y(page: Page) -> float:
    return float(page.locator("#quality-rows tr").first.locator("td").first.inner_text())


def test_the_whole_way_from_drop_to_download_and_back(open_page):
    page = open_page()
    drop(page, "lake.png", photo((96, 144)))
    expect(page.locator("#item-name")).to_have_text("lake.png")
    wait_done(page)
    expect(page.locator("#item-line")).to_have_text("144×96 → 36×24 → 144×96, by stream-x4")
    expect(page.locator("#becomes")).to_have_text("144×96 becomes 36×24")
    assert page.locator("#small").evaluate("image => [image.naturalWidth, image.clientWidth]") == [36, 36]
    name, small = download(page, "small")
    assert name == "lake.x4.png"
    restored = download(page, "restored")[1]
    page.set_input_files("#files", {"name": name, "mimeType": "image/png", "buffer": small})
    wait_done(page, 2)
    expect(page.locator("#item-line")).to_have_text("36×24 → 144×96, by stream-x4")
    name, again = download(page, "restored")
    assert name == "lake.restored.png"
    assert np.array_equal(pixels(again), pixels(restored))
    assert np.abs(pixels(again) - pixels(photo((96, 144)))).mean() < 4
    assert page.locator("#left option:not([hidden])").all_inner_texts() == ["against the small one"]


def test_slider_difference_lens_and_zoom_by_mouse_and_keyboard(open_page):
    page = open_page()
    quick(page)
    drop(page, "a.png", photo((96, 144)), PASTE)
    wait_done(page)
    split, stage = page.locator("#split"), page.locator("#stage")
    seen = {canvas(page)}
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 50, steps=3)
    page.mouse.up()
    assert 55 < float(split.input_value()) < 70
    seen.add(canvas(page))
    split.focus()
    page.keyboard.press("Home")
    assert split.input_value() == "0"
    seen.add(canvas(page))
    page.get_by_text("Difference", exact=True).click()
    seen.add(canvas(page))
    page.select_option("#gain", "16")
    seen.add(canvas(page))
    expect(page.locator("#tag-left")).to_have_text("Difference, times 16")
    page.get_by_text("Before / after").click()
    stage.focus()
    page.keyboard.press("+")
    seen.add(canvas(page))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("l")
    page.keyboard.press("ArrowRight")
    seen.add(canvas(page))
    expect(page.locator("#lens")).to_have_attribute("aria-pressed", "true")
    assert re.match(r"x \d+, y \d+: original \d+ \d+ \d+; restored", page.locator("#readout").inner_text())
    page.click("#zoom-one")
    expect(stage).to_have_attribute("aria-label", re.compile("at 100 %"))
    seen.add(canvas(page))
    assert len(seen) == 8


def test_settings_say_how_small_and_what_has_changed_is_offered_again(open_page):
    page = open_page()
    quick(page)
    drop(page, "a.png", photo((90, 120)))
    wait_done(page)
    expect(page.locator("#again")).to_be_hidden()
    page.locator("#scale").fill("2.5")
    expect(page.locator("#becomes")).to_have_text("120×90 becomes 48×36")
    page.check("#axes")
    page.locator("#scale-height-number").fill("1.5")
    expect(page.locator("#becomes")).to_have_text("120×90 becomes 48×60")
    page.click("#again")
    wait_done(page)
    expect(page.locator("#item-line")).to_contain_text("48×60")
    page.get_by_text("Longest side", exact=True).click()
    page.fill("#max-side", "60")
    expect(page.locator("#becomes")).to_have_text("120×90 becomes 60×45")
    page.select_option("#model", "stream-x2")
    assert (page.locator("#scale-number").input_value(), page.locator("#axes").is_checked()) == ("2", False)
    page.locator("#scale").fill("3")
    assert page.locator("#model").input_value() == ""


@pytest.mark.skipif(not versions("irn-sigma-x4"), reason="irn-sigma-x4 comes with unshrink-zoo")
def test_the_dial_is_live(open_page):
    page = open_page()
    page.select_option("#model", "irn-sigma-x4")
    drop(page, "a.png", photo((60, 90)))
    wait_done(page)
    nearest, before = hr_y(page), canvas(page)
    page.locator("#sigma").fill("1")
    expect(page.locator("#dial-state")).to_have_text("Restored with sigma 1.00", timeout=DONE)
    assert hr_y(page) < nearest
    assert canvas(page) != before
    page.locator("#sigma").fill("0")
    expect(page.locator("#dial-state")).to_have_text("Restored with sigma 0.00", timeout=DONE)
    assert hr_y(page) == nearest


def test_errors_are_explained_and_something_else_is_offered(open_page):
    page = open_page()
    quick(page)
    drop(page, "a.png", photo((90, 120)))
    wait_done(page)
    _, small = download(page, "small")
    drop(page, "edited.png", edited(small))
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("edited.png", timeout=DONE)
    expect(problem).to_contain_text("The detail in it belongs to the old pixels")
    problem.get_by_role("button", name="Shrink it as any picture").click()
    wait_done(page, 2)
    drop(page, "notes.txt", b"hello")
    expect(problem).to_contain_text("notes.txt is not a picture", timeout=DONE)
    expect(page.locator("#live")).to_contain_text("notes.txt is not a picture")


def test_several_pictures_stand_in_a_list_and_one_can_be_cancelled(open_page):
    page = open_page()
    noise = np.random.default_rng(0).integers(0, 255, (400, 600, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    drop(page, "large.png", file.getvalue())
    quick(page)
    files = [{"name": f"{n}.png", "mimeType": "image/png", "buffer": photo((40, 60))} for n in range(2)]
    page.set_input_files("#files", files)
    page.get_by_role("button", name="large.png").first.click()
    large = page.locator(".entry").first
    expect(page.locator(".entry")).to_have_count(3)
    expect(large).to_have_attribute("data-state", "running", timeout=DONE)
    expect(page.locator("#step")).to_contain_text("Shrinking", timeout=DONE)
    page.get_by_role("button", name="Cancel").click()
    expect(large).to_have_attribute("data-state", "cancelled")
    wait_done(page, 2)
    page.get_by_role("button", name="Remove large.png").click()
    expect(page.locator(".entry")).to_have_count(2)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#welcome")).to_be_visible()


def test_phone_width_scrolls_down_only(open_page):
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    quick(page)
    drop(page, "a.png", photo((60, 90)))
    wait_done(page)
    for part in ("#drop", "#viewer", "#outcome", "#settings"):
        box = page.locator(part).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.locator("#viewer").bounding_box()["y"] < page.locator("#settings").bounding_box()["y"]
    small = [
        button.bounding_box()["height"] for button in page.locator("main button:visible, main a.button:visible").all()
    ]
    assert min(small) >= 40


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page, address, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core comes with the extra dev")

    def check(page: Page) -> None:
        found = axe.Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in SERIOUS] == []

    page = open_page(color_scheme=scheme, bypass_csp=True)  # axe is written into the page
    page.get_by_text("More", exact=True).click()
    if scheme == "light":  # dark differs in colours only
        check(page)
    quick(page)
    drop(page, "a.png", photo((60, 90)))
    wait_done(page)
    check(page)
    drop(page, "notes.txt", b"hello")
    expect(page.get_by_role("alert")).to_be_visible(timeout=DONE)
    check(page)
    if scheme == "light":
        page.goto(address + "api")
        expect(page.get_by_text("/api/auto")).to_be_visible()
        check(page)


def test_everything_is_reached_by_tab(open_page):
    page = open_page()
    quick(page)
    drop(page, "a.png", photo((60, 90)))
    wait_done(page)
    page.evaluate("document.body.focus()")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert {"choose", "scale", "model", "save-small", "save-restored", "lens", "stage", "split", "zoom-in"} <= reached
