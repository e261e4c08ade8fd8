"""Draws the pictures of the server's page: `python docs/pictures/page.py http://127.0.0.1:8000 RECORDING page.png live.png`.

Needs the extra `dev`, Chromium, and a server that runs. The second is taken while the recording is played into a microphone.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

import soundfile
from PIL import Image
from playwright.sync_api import Page, sync_playwright

NAMES = ("Ann", "Bob", "Carol", "Dan")
COLOURS = 128
"""Enough for a page in few colours, in a third of the bytes."""
LIVE_SECONDS = 44


def main(address: str, recording: str, shown: str, live: str) -> None:
    """Take both pictures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        microphone = Path(folder) / "microphone.wav"
        soundfile.write(microphone, *soundfile.read(recording, dtype="int16"))
        fake = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
        arguments = ["--no-sandbox", *fake, f"--use-file-for-fake-audio-capture={microphone}%noloop"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = browser.new_page(viewport={"width": 1100, "height": 700})
        page.goto(address)
        diarize(page, recording)
        save(page, shown)
        page.goto(address)
        page.set_viewport_size({"width": 1100, "height": 400})
        record(page)
        save(page, live)
        browser.close()


def diarize(page: Page, recording: str) -> None:
    """Have a recording diarized, and name its people."""
    page.set_input_files("#file", recording)
    page.wait_for_selector("[part=turn]")
    for number, name in enumerate(NAMES[: page.locator("#people li").count()]):
        field = page.locator("#people input").nth(number)
        field.fill(name)
        field.press("Enter")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")


def record(page: Page) -> None:
    """Listen to the microphone for a while."""
    page.get_by_role("button", name="Record").click()
    page.wait_for_timeout(1000 * LIVE_SECONDS)


def save(page: Page, output: str) -> None:
    """Write what the page shows, in few colours."""
    taken = Image.open(io.BytesIO(page.screenshot()))
    taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(Path(output), optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
