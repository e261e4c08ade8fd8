"""Draws page.png, the picture of the server's page: `python docs/pictures/page.py http://127.0.0.1:8000 RECORDING OUT.png`.

Needs `fastdiar[dev]`, Chromium, and a server that runs.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

NAMES = ("Ann", "Bob", "Carol", "Dan")
COLOURS = 128
"""Enough for a page in few colours, in a third of the bytes."""


def main(address: str, recording: str, output: str) -> None:
    """Have a recording diarized, name its people, and take the picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 700})
        page.goto(address)
        page.set_input_files("#file", recording)
        page.wait_for_selector("[part=turn]")
        for number, name in enumerate(NAMES[: page.locator("#people li").count()]):
            field = page.locator("#people input").nth(number)
            field.fill(name)
            field.press("Enter")
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        taken = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(Path(output), optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
