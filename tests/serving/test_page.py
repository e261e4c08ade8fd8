"""The page at `/`, as people use it: in a real Chromium, with the real server."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from fastdiar.core.formats import FORMATS, read_turns
from fastdiar.core.types import RATE
from fastdiar.page import policy
from tests.serving.conftest import DIALOGUE, running

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
BARS = "[part=turn]"
"""Turns in the picture."""
PATIENCE = 60_000
"""Milliseconds: machines that run tests are busy."""


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first two voices of the dialogue."""
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    soundfile.write(path, soundfile.read(DIALOGUE, frames=11 * RATE, dtype="int16")[0], RATE)
    return path


@pytest.fixture
def tab(chromium: Any, server: str) -> Iterator[Any]:
    """The page, just opened. Nothing is asked of anybody else, nothing is refused by its policy, no script fails."""
    said: list[str] = []
    asked: list[str] = []
    page = chromium.new_page(accept_downloads=True)
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server)
    expect(page.locator("#model")).to_have_text("model quickstart")
    yield page
    page.close()
    assert [url for url in asked if not url.startswith((server, f"blob:{server}"))] == []
    assert [words for words in said if "status of 4" not in words] == []


def test_the_page_comes_with_its_policy_and_only_its_own_files_are_given(client: Any) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == policy()
    assert page.headers["x-content-type-options"] == "nosniff"
    for name in re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text):
        assert client.get(name).status_code == 200
    for path in ("/assets/", "/assets/../build.json", "/assets/%2e%2e/build.json", "/build.json", "/view.html", "/index.html"):
        assert client.get(path).status_code == 404


def choose(tab: Any, path: Path) -> None:
    tab.set_input_files("#file", path)
    expect(tab.locator("main[data-stage=shown]")).to_be_visible(timeout=PATIENCE)


def drop(tab: Any, path: Path) -> None:
    """Drop a file onto the page."""
    data = base64.b64encode(path.read_bytes()).decode()
    dropped = tab.evaluate_handle(
        """([data, name]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name));
            return transfer;
        }""",
        [data, path.name],
    )
    tab.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    expect(tab.locator("main[data-stage=shown]")).to_be_visible(timeout=PATIENCE)


def colours(tab: Any, selector: str) -> list[str]:
    return tab.locator(selector).evaluate_all("all => all.map((each) => getComputedStyle(each).backgroundColor)")


def wait_for(tab: Any, holds: Callable[[], bool]) -> None:
    """Until it does: the timeline is drawn a moment after the list, and colours fade."""
    for _ in range(PATIENCE // 50):
        if holds():
            return
        tab.wait_for_timeout(50)
    raise AssertionError("it never came to be so")


def downloaded(tab: Any, name: str, folder: Path) -> Path:
    with tab.expect_download() as coming:
        tab.get_by_role("button", name=name, exact=True).click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def test_drop_a_recording_rename_somebody_and_take_the_turns_home(tab: Any, server: str, tmp_path: Path) -> None:
    import httpx

    drop(tab, DIALOGUE)
    found = httpx.post(f"{server}/v1/diarize", content=DIALOGUE.read_bytes(), params={"name": "dialogue"}, timeout=60).json()
    people = [each["speaker"] for each in found["speakers"]]
    expect(tab.locator(BARS)).to_have_count(len(found["turns"]))
    assert len(people) > 2
    wait_for(tab, lambda: set(colours(tab, BARS)) == set(colours(tab, "#people .swatch")))
    assert len(set(colours(tab, BARS))) == len(people)
    assert tab.locator(".names .name").all_inner_texts() == people
    assert tab.locator("#turns li").count() == len(found["turns"])

    field = tab.get_by_label(f"Name of {people[1]}")
    field.fill("Ann  Lee")
    field.press("Enter")
    expect(tab.locator(".names .name").nth(1)).to_have_text("Ann  Lee")
    assert tab.evaluate("document.activeElement.value") == "Ann  Lee"
    for format in (FORMATS["rttm"], FORMATS["json"], FORMATS["srt"], FORMATS["audacity"]):
        name = {"audacity": "Audacity"}.get(format.name, format.name.upper())
        path = downloaded(tab, name, tmp_path)
        assert path.name == f"dialogue{format.suffix}"
        (read,) = read_turns(path)
        named = {"rttm": "Ann_Lee", "json": "Ann  Lee"}.get(format.name, "Ann Lee")
        assert [(round(turn.start, 3), round(turn.end, 3), turn.speaker) for turn in read.turns] == sorted(
            (round(turn["start"], 3), round(turn["end"], 3), named if turn["speaker"] == people[1] else turn["speaker"])
            for turn in found["turns"]
        )
    assert json.loads((tmp_path / "dialogue.json").read_text())["seconds"] == found["seconds"]


def test_merge_undo_and_run_again_with_another_number(tab: Any, talk: Path) -> None:
    choose(tab, talk)
    expect(tab.locator("#people li")).to_have_count(2)
    tab.get_by_label("Merge speaker2 with").select_option("speaker1")
    expect(tab.locator("#people li")).to_have_count(1)
    wait_for(tab, lambda: len(set(colours(tab, BARS))) == 1)
    tab.get_by_role("button", name="Undo").click()
    expect(tab.locator("#people li")).to_have_count(2)
    tab.get_by_label("Speakers", exact=True).fill("1")
    tab.get_by_role("button", name="Run again").click()
    expect(tab.locator("#facts")).to_contain_text("1 speaker ·", timeout=PATIENCE)
    expect(tab.locator("#undo")).to_be_disabled()


def test_it_plays_from_where_it_is_clicked_and_by_key(tab: Any, talk: Path) -> None:
    choose(tab, talk)
    time = tab.locator("#time")
    expect(time).to_have_text("0:00.0 / 0:11.0")
    tab.locator(BARS).last.click(force=True)  # what is under it takes the click
    expect(tab.locator("#play")).to_have_text("Pause")
    expect(time).to_have_text(re.compile(r"^0:0[5-9]|^0:1"))
    tab.locator("#timeline").focus()
    tab.keyboard.press("Space")
    expect(tab.locator("#play")).to_have_text("Play")
    tab.keyboard.press("Home")
    expect(time).to_have_text(re.compile("^0:00.0"))
    tab.keyboard.press("ArrowRight")
    expect(time).to_have_text(re.compile("^0:05.0"))
    tab.keyboard.press("+")
    assert float(tab.locator("#zoom").input_value()) == 10
    tab.locator("#turns button").first.click()
    expect(tab.locator("#turns .now")).to_contain_text("speaker1")


def test_a_name_is_never_more_than_text(tab: Any, talk: Path, tmp_path: Path) -> None:
    evil = '<img src="/x" onerror="document.title=1">'
    path = tmp_path / "<b>talk<b>.wav"
    path.write_bytes(talk.read_bytes())
    choose(tab, path)
    expect(tab.locator("h2#name")).to_have_text("<b>talk<b>.wav")
    field = tab.get_by_label("Name of speaker1")
    field.fill(evil)
    field.press("Enter")
    expect(tab.locator(".names .name").first).to_have_text(evil)
    expect(tab.locator("#turns")).to_contain_text(evil)
    assert tab.locator("main img").count() == 0
    assert tab.title() == "fastdiar: who spoke when"


def test_what_is_no_recording_is_told_and_the_page_goes_on(tab: Any, talk: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("dear diary")
    tab.set_input_files("#file", tmp_path / "notes.wav")
    expect(tab.locator("#problem")).to_contain_text("not a recording that can be read", timeout=PATIENCE)
    choose(tab, talk)
    expect(tab.locator("#problem")).to_be_empty()


def test_the_microphone_is_drawn_while_somebody_speaks(tab: Any, accessible: Callable[[Any], None]) -> None:
    tab.get_by_role("button", name="Record").click()
    expect(tab.locator(BARS).first).to_be_visible(timeout=PATIENCE)
    expect(tab.locator("#facts")).to_contain_text("so far")
    accessible(tab)
    tab.get_by_role("button", name="Stop").click()
    expect(tab.locator("main[data-stage=shown]")).to_be_visible(timeout=PATIENCE)
    expect(tab.locator("#name")).to_have_text("microphone.wav")
    expect(tab.locator("#people li").first).to_be_visible()
    tab.get_by_role("button", name="Play").click()
    expect(tab.locator("#time")).to_have_text(re.compile(r"^0:0\d\.[2-9]"))
    tab.get_by_role("button", name="Run again").click()
    expect(tab.locator("#facts")).to_contain_text("turns", timeout=PATIENCE)


def test_what_was_recorded_survives_the_end_of_the_stream(tab: Any) -> None:
    heard: list[object] = []

    def break_off(stream: Any) -> None:
        def on_message(message: object) -> None:
            heard.append(message)
            if len(heard) == 40:
                stream.close(code=1013, reason="come again")

        stream.on_message(on_message)

    tab.route_web_socket(re.compile("/v1/stream"), break_off)
    tab.get_by_role("button", name="Record").click()
    expect(tab.locator("main[data-stage=shown]")).to_be_visible(timeout=PATIENCE)
    expect(tab.locator("#problem")).to_have_text("come again")
    expect(tab.locator("#facts")).to_contain_text(re.compile("^0:0[4-9]"))


def test_a_server_with_a_token_is_asked_with_it(chromium: Any, talk: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0123456789abcdef0123")
    with running(tmp_path, "--token-file", str(tmp_path / "token")) as (_, address):
        page = chromium.new_page()
        page.goto(address)
        page.set_input_files("#file", talk)
        expect(page.locator("#problem")).to_contain_text("needs the server's token")
        page.get_by_label("This server asks for its token").fill("0123456789abcdef0123")
        page.get_by_role("button", name="Continue").click()
        expect(page.locator("#people li")).to_have_count(2, timeout=PATIENCE)
        page.get_by_role("button", name="Another recording").click()
        page.get_by_role("button", name="Record").click()
        expect(page.locator(BARS).first).to_be_visible(timeout=PATIENCE)
        page.close()


def test_everybody_can_use_it(tab: Any, talk: Path, accessible: Callable[[Any], None]) -> None:
    accessible(tab)
    choose(tab, talk)
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        accessible(tab)
    tab.get_by_label("Name of speaker1").fill("Wolfeschlegelsteinhausenbergerdorff")
    tab.keyboard.press("Enter")
    tab.set_viewport_size({"width": 360, "height": 700})
    accessible(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
