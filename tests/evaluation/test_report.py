"""The report: whole, self-contained, and safe against what strangers wrote."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import attrs
import numpy as np
import pytest

pytest.importorskip("jinja2", reason="reports need jinja2: pip install '.[report]'")
pytest.importorskip("matplotlib", reason="reports need matplotlib: pip install '.[report]'")
pytest.importorskip("pyannote.metrics", reason="scoring needs pyannote.metrics: pip install '.[score]'")

from matplotlib.image import imread

from fastdiar.core.types import Turn
from fastdiar.evaluation.closed_set import Accuracy, ClosedSet, Confusion
from fastdiar.evaluation.diarization import pooled, same_people, score
from fastdiar.evaluation.evaluation import Evaluation
from fastdiar.evaluation.intervals import Interval
from fastdiar.evaluation.latency import Latency
from fastdiar.evaluation.recordings import CONDITIONS, Diarized, Heard, Result
from fastdiar.evaluation.report import pictures
from fastdiar.evaluation.report.page import page
from fastdiar.evaluation.runs import TrainedRun
from fastdiar.evaluation.tasks import TaskAccuracy
from fastdiar.evaluation.verification import Histogram, Verification

NASTY = '<script>alert("$x^2$")</script>&'


def heard(uri: str, shift: float) -> Heard:
    reference = (Turn(0, 4, NASTY), Turn(4, 9, "bob"))
    found = (Turn(0, 4 + shift, "speaker1"), Turn(4 + shift, 9, "speaker2"))
    return Heard(uri, 10.0, 0.1, reference, found, ((0.0, 10.0),))


def diarization() -> Diarized:
    files = tuple(heard(name, shift) for name, shift in (("good", 0.1), (NASTY, 2.0), ("fair", 1.0), ("silent", 0.0)))
    files = (*files[:3], attrs.evolve(files[3], reference=()))
    results = []
    for oracle in (False, True):
        for conditions in CONDITIONS:
            scores = tuple(score(each.pair, conditions) for each in files)
            results.append(Result(conditions, oracle, pooled(scores), scores, None, None))
    return Diarized(tuple(results), 0.5, Interval(0.25, 0.75), files, 1, (f"{NASTY}: broken",))


def verification(seconds: float | None, kind: str) -> Verification:
    curve = tuple((float(1 - rate), float(rate)) for rate in np.linspace(0, 1, 20))
    bins = Histogram((0.0, 0.5, 1.0), (0.2, 0.8), (0.9, 0.1))
    return Verification(NASTY, seconds, kind, 8, 20, 30, 0.1, Interval(0.05, 0.2), 0.9, 0.8, curve, bins)


def everything() -> Evaluation:
    latency = Latency(1.0, 2.0, 3.0, 200, 1, "fp16", "onnxruntime 1 on cpu", 0.5)
    confusions = (Confusion("ann", "ann", 3), Confusion(NASTY, "ann", 2), Confusion("bob", NASTY, 1))
    known = ClosedSet(
        Accuracy(6, 3, 0.5, 0.4), {NASTY: Accuracy(6, 3, 0.5, 0.4)}, {NASTY: 0.0, "ann": 0.75}, confusions, latency, 1
    )
    lines = tuple(
        {"epoch": n, "loss": 3 / n, "dev.loss": 4 / n, "speaker.accuracy": n / 9, "best": True, "seconds": 9} for n in (1, 2)
    )
    return Evaluation(
        model=NASTY,
        date="2026-01-01",
        closed_set={NASTY: known},
        tasks={NASTY: {NASTY: TaskAccuracy(10, 2, 0.7, 0.6, 0.5)}},
        verification={"pairs": tuple(verification(*each) for each in ((2.0, "cosine"), (None, "as-norm")))},
        diarization={"meetings": diarization()},
        size=10**7,
        recipe={"encoder": {"use": NASTY}},
        made={"torch": "2"},
        versions={"fastdiar": "1"},
        hardware=NASTY,
        run=TrainedRun(NASTY, {}, lines),
        price_per_hour=2.0,
    )


@pytest.fixture(scope="module")
def html() -> str:
    return page(everything())


class Reader(HTMLParser):
    """Collects tags with their attributes, and checks that what opens also closes."""

    VOID = frozenset(("meta", "br", "hr", "img", "link", "input"))

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_it_is_whole_and_needs_nothing_from_elsewhere(html: str) -> None:
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in reader.tags}
    referred = [value for _, given in reader.tags for name, value in given.items() if name in ("src", "href", "xlink:href")]
    assert referred
    assert all(value.startswith(("#", "data:image/")) for value in referred if value)
    assert not re.search(r"url\((?!#)|@import", html)
    assert "default-src 'none'" in html
    assert html.count("<svg") == 3 + 4 + 1  # timelines; a DET curve, two histograms and a matrix; curves


def test_what_strangers_wrote_is_text(html: str) -> None:
    assert "<script" not in html
    assert html.count("&lt;script&gt;") > 12
    assert "$x^2$" in html


def test_every_target_stands_there(html: str) -> None:
    rows = re.findall(r'<td class="text so ([a-z ]+)">', html)
    assert len(rows) == 9
    assert rows.count("not measured") == 5
    assert "0.01 $ at 2 $ an hour" in html


def test_pictures_are_valid_and_take_the_pages_colour() -> None:
    turns = {"reference": [Turn(0, 1, NASTY)], "found": [Turn(0, 1, "a"), Turn(0, 1, "b")]}
    with pictures.style():
        text = pictures.svg(pictures.timeline(turns))
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg") and "width" not in root.attrib and "viewBox" in root.attrib
    assert "currentColor" in text and pictures.INK not in text
    assert NASTY[:19] in "".join(root.itertext())


def test_names_in_any_script_and_of_any_length(recwarn: pytest.WarningsRecorder) -> None:
    with pictures.style():
        text = pictures.svg(pictures.timeline({"found": [Turn(0, 1, "说话人"), Turn(1, 2, "x" * 500)]}))
    assert "说话人" in text and "x" * 19 + "…" in text and "x" * 20 not in text
    assert not recwarn.list


def test_a_single_confusion_among_many_speakers_is_seen() -> None:
    names = [f"speaker{number:04}" for number in range(1500)]
    alone = [Confusion(name, name, 5) for name in names]
    right, wrong = (_matrix([*alone, *more]) for more in ([], [Confusion(names[-50], names[70], 5)]))
    changed = np.argwhere(np.abs(right - wrong).max(axis=2) > 0.1)
    assert np.ptp(changed[:, 1]) > right.shape[1] / 2  # on the diagonal, and far from it


def _matrix(confusions: list[Confusion]) -> np.ndarray:
    """The picture's first image, `[height, width, 4]`."""
    with pictures.style():
        text = pictures.svg(pictures.confusion_matrix(confusions))
    (data, *_) = re.findall(r"data:image/png;base64,([^\"]+)", text)
    return imread(io.BytesIO(base64.b64decode(data)))


def test_one_person_has_one_number() -> None:
    reference = [Turn(0, 5, "ann"), Turn(5, 9, "bob")]
    found = [Turn(0, 1, "x"), Turn(1, 5, "y"), Turn(5, 9, "z")]
    assert same_people(reference, found) == ({"ann": 0, "bob": 1}, {"x": 2, "y": 0, "z": 1})
    assert same_people([], found) == ({}, {"x": 0, "y": 1, "z": 2})


def test_a_page_of_nothing_but_a_size() -> None:
    bare = attrs.evolve(everything(), closed_set={}, verification={}, diarization={}, run=None, recipe={}, made={})
    text = page(bare)
    assert "10.0 MB" in text and "<svg" not in text
