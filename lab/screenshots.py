"""Screenshots of the page of `unshrink serve`, for the docs: `python -m lab.screenshots`.

Needs the extra `web`, playwright and Debian's chromium. Starts the server by itself, on a port of its own.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "images"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""The browser; None where there is none."""
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKTOP, PHONE = (1280, 1000), (390, 844)
COLOURS = 255
"""Of a screenshot, chosen for it: with as many a page of 1280 pixels stays below 400 kB."""
_LONG = 120_000
"""Milliseconds that a picture may take."""


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server that runs until the block ends."""
    command = [sys.executable, "-m", "unshrink", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            yield re.findall(r"http://\S+", line)[0]
        finally:
            server.terminate()


@contextmanager
def page(
    address: str, size: tuple[int, int] = DESKTOP, scheme: Literal["light", "dark"] = "light", ratio: float = 1.0
) -> Iterator[Page]:
    """The page in a browser window of that size."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, device_scale_factor=ratio
        )
        shown = context.new_page()
        shown.goto(address)
        shown.wait_for_selector("html[data-ready]")
        yield shown
        browser.close()


def save(shown: Page, name: str) -> None:
    """Write what is seen as a PNG of few colours."""
    image = Image.open(io.BytesIO(shown.screenshot())).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)


def shrink(shown: Page, example: str) -> None:
    """Have the page work on one of its examples, to the end."""
    shown.get_by_role("button", name=example).click()
    shown.wait_for_selector("#save-restored", timeout=_LONG)
    shown.wait_for_selector(".entry[data-state=done]", timeout=_LONG)
    shown.wait_for_timeout(300)


def main() -> None:
    """Write every screenshot."""
    with serving() as address:
        with page(address) as shown:
            save(shown, "web-start.png")
            shrink(shown, "Circuit board")
            save(shown, "web.png")
            shown.get_by_role("button", name="Lens").click()
            box = shown.locator("#stage").bounding_box()
            if box is not None:
                shown.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"])
            shown.wait_for_timeout(200)
            save(shown, "web-lens.png")
        with page(address, scheme="dark") as shown:
            shrink(shown, "Hills at dusk")
            save(shown, "web-dark.png")
        with page(address, size=PHONE, ratio=2.0) as shown:
            shrink(shown, "Circuit board")
            shown.locator("#item").scroll_into_view_if_needed()
            save(shown, "web-phone.png")


if __name__ == "__main__":
    main()
