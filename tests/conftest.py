"""What tests share: real speech, others' plugins, a network trained on made-up voices, and a model whose answers are known."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import settings

from fastdiar import registry
from fastdiar.core.bundle import Activity, Bundle
from fastdiar.core.powerset import powerset
from fastdiar.core.types import RATE, Frames
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.frames import centres
from fastdiar.testing import write_voices

os.environ.setdefault("OMP_NUM_THREADS", "1")  # on tensors this small a second core is only waited for
settings.register_profile("unhurried", deadline=None)  # a busy machine is no mistake
settings.load_profile("unhurried")

SHARED = Path(__file__).resolve().parents[2] / "shared"
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
ACME = Path(__file__).resolve().parent / "acme"
GOLDEN = Path(__file__).resolve().parent / "golden"
PEOPLE, DIM = 4, 8
Script = list[tuple[float, float, int]]
SMALL_RECIPE = """
[data.train]
use = "folder"
root = "{root}"
split = "train"
[data.dev]
use = "folder"
root = "{root}"
split = "dev"
[data.test]
use = "folder"
root = "{root}"
split = "test"
[augment.noise]
use = "add_noise"
[encoder]
use = "melrescnn"
mels = 24
stem_channels = 8
channels = [8, 12]
strides = [2, 1]
[pooling]
use = "statistics"
[head.speaker]
use = "speaker"
hidden = [16]
classifier = "cosine"
[loss.speaker]
use = "aam"
[trainer]
epochs = 2
batch_size = 4
seconds = [0.5, 0.8]
learning_rate = 0.01
checkpoint_every = 1
"""


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real speech and teacher networks beside the checkout; skips the test where it is absent."""
    if not (SHARED / "data" / "MANIFEST.tsv").is_file():
        pytest.skip("needs the folder ../shared with real speech, which is not here")
    return SHARED


@pytest.fixture
def acme(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Installs plugins of `tests/acme` by their folders' names, as pip would, for one test; gives the folder they went to."""
    site = tmp_path_factory.mktemp("site")

    def install(*folders: str) -> Path:
        for folder in folders:
            project = tomllib.loads((ACME / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
            distribution(site, project["name"], project["version"], project["entry-points"]["fastdiar"])
            monkeypatch.syspath_prepend(ACME / folder)
        monkeypatch.syspath_prepend(site)
        importlib.invalidate_caches()
        registry.installed.cache_clear()
        return site

    yield install
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]
    registry.installed.cache_clear()


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares a text with a file of `tests/golden`, or writes it there where FASTDIAR_GOLDEN=write: read what differs."""

    def compare(name: str, text: str) -> None:
        if os.environ.get("FASTDIAR_GOLDEN") == "write":
            (GOLDEN / name).write_text(text, encoding="utf-8")
        assert text == (GOLDEN / name).read_text(encoding="utf-8")

    return compare


def distribution(site: Path, name: str, version: str, points: dict[str, str]) -> None:
    """Write into `site` the metadata of a distribution with its entry points."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    lines = [f"{point} = {value}" for point, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[fastdiar]", *lines, ""]), encoding="utf-8")


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small corpus of made-up voices: `SPEAKER/SESSION/N.wav`, four speakers with two sessions of four utterances each."""
    root = tmp_path_factory.mktemp("voices")
    write_voices(root)
    return root


@pytest.fixture(scope="session")
def write_m4a() -> Callable[[Path, np.ndarray, int], None]:
    """Writes samples `[samples]` as AAC, as VoxCeleb2 comes; skips the test where PyAV is absent."""
    av = pytest.importorskip("av")

    def write(path: Path, samples: np.ndarray, rate: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            track = container.add_stream("aac", rate=rate, layout="mono")
            frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="fltp", layout="mono")
            frame.sample_rate = rate
            for packet in (*track.encode(frame), *track.encode(None)):
                container.mux(packet)

    return write


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium, whose microphone hears the sample recording; skips the test where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    heard = tmp_path_factory.mktemp("microphone") / "dialogue.wav"
    soundfile.write(heard, *soundfile.read(EXAMPLES / "dialogue.flac", dtype="int16"))
    options = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={heard}",
    ]
    if os.getuid() == 0:
        options.append("--no-sandbox")  # which Chromium asks of root
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def accessible() -> Callable[[Any], None]:
    """Asserts that axe-core finds nothing serious on a page."""
    axe = (Path(__file__).resolve().parent / "axe" / "axe.min.js").read_text(encoding="utf-8")

    def check(page: Any) -> None:
        page.evaluate(axe)
        found = page.evaluate("axe.run()")
        assert found["passes"]
        serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in serious] == []

    return check


@pytest.fixture(scope="session")
def small_recipe(tmp_path_factory: pytest.TempPathFactory, voices: Path) -> Path:
    """A recipe that trains in a second: a tiny network on the made-up voices."""
    path = tmp_path_factory.mktemp("recipe") / "small.toml"
    path.write_text(SMALL_RECIPE.format(root=voices.as_posix()))
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, small_recipe: Path) -> Path:
    """The folder of a run of `small_recipe`, trained long enough to know the voices."""
    from fastdiar.recipe import read_recipe
    from fastdiar.training.loop import train

    run = tmp_path_factory.mktemp("runs") / "small"
    train(read_recipe(small_recipe, ["trainer.epochs=12"]), run, device="cpu")
    return run


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Path:
    """The trained run, exported through the gate."""
    from fastdiar.training.export import export_run

    folder = tmp_path_factory.mktemp("bundles") / "small"
    export_run(trained, folder, gate=EXAMPLES)
    return folder


@pytest.fixture(scope="session")
def eight_bits(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Path:
    """The trained run, exported with 8-bit arithmetic."""
    from fastdiar.training.export import export_run

    folder = tmp_path_factory.mktemp("bundles") / "int8"
    export_run(trained, folder, precision="int8", gate=EXAMPLES)
    return folder


class FakeModel:
    """Hears who speaks from the samples themselves: a sample is the sum of 2^person / 16 over those who speak."""

    folder = Path("fake")
    backend: dict[str, np.ndarray] = {}  # noqa: RUF012 - never changed
    threads = 1

    def __init__(self, one_pass: bool = False) -> None:
        self.one_pass = one_pass
        self.bundle = Bundle("fake", Frames(DIM, hop=320, first=200), Activity(hop=270, first=495), embedding=DIM)
        self.encoded: list[int] = []

    def activity(self, waveforms: np.ndarray) -> np.ndarray:
        """Certain of who speaks; local speakers are the chunk's people in order of appearance."""
        return np.stack([self._activity(waveform) for waveform in waveforms])

    def _activity(self, waveform: np.ndarray) -> np.ndarray:
        speaking, classes = _speaking(waveform, self.bundle.activity), powerset(3, 2)
        order = sorted(np.flatnonzero(speaking.any(axis=0)), key=lambda person: speaking[:, person].argmax())
        local = np.zeros((len(speaking), 3), np.float32)
        for place, person in enumerate(order[:3]):
            local[:, place] = speaking[:, person]
        return (local[:, None] == classes).all(axis=2).astype(np.float32)

    def encode(self, waveform: np.ndarray) -> np.ndarray:
        """A direction for each person, and a little noise."""
        self.encoded.append(len(waveform))
        speaking = _speaking(waveform, self.bundle.frames)
        frames = 0.05 * np.random.default_rng(len(waveform)).standard_normal((len(speaking), DIM))
        frames[:, :PEOPLE] += speaking
        return frames.astype(np.float32)

    def encode_with_activity(self, waveforms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.stack([self.encode(waveform) for waveform in waveforms]), self.activity(waveforms)

    def embed(self, frames: np.ndarray, weights: np.ndarray) -> np.ndarray:
        sums = weights @ frames
        return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def _speaking(waveform: np.ndarray, grid: Activity | Frames) -> np.ndarray:
    """Who speaks at the middle of each frame, bool `[frames, people]`."""
    count = max(1, int(np.ceil((len(waveform) - grid.first) / grid.hop)))
    middles = np.minimum(centres(grid, count).astype(int), len(waveform) - 1)
    codes = np.rint(waveform[middles] * 16).astype(int)
    return (codes[:, None] >> np.arange(PEOPLE) & 1).astype(bool)


@pytest.fixture
def fake() -> FakeModel:
    return FakeModel()


@pytest.fixture(params=["two networks", "one network"])
def either(request: pytest.FixtureRequest) -> FakeModel:
    return FakeModel(one_pass=request.param == "one network")


@pytest.fixture(scope="session")
def sound() -> Callable[[Script, float], np.ndarray]:
    """Turns `(start, end, person)` as samples that the fake model understands."""

    def made(script: Script, seconds: float) -> np.ndarray:
        codes = np.zeros(round(seconds * RATE), int)
        for start, end, person in script:
            codes[round(start * RATE) : round(end * RATE)] |= 1 << person
        return (codes / 16).astype(np.float32)

    return made


@pytest.fixture(scope="session")
def quality() -> Diarizer:
    """The model that ships."""
    pytest.importorskip("onnxruntime", reason="running a model needs onnxruntime: pip install '.[cpu]'")
    from fastdiar import load

    return load("quality")


@pytest.fixture(scope="session")
def dialogue() -> np.ndarray:
    """The sample recording, float32 `[samples]` at 16 kHz."""
    from fastdiar.core import audio

    return audio.read(EXAMPLES / "dialogue.flac")
