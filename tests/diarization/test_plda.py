"""A PLDA learns how voices vary, within a person and between people."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import attrs
import numpy as np
import pytest
import soundfile
from safetensors.numpy import load_file

from fastdiar.core.bundle import BACKEND, read_bundle, write_bundle
from fastdiar.core.errors import FastdiarError, FormatError, ModelError
from fastdiar.core.types import RATE, Diarization, Turn
from fastdiar.diarization import plda
from fastdiar.diarization.plda import fit_plda
from fastdiar.plugins.clustering.variational import whiten

DIM = 24


def voices(people: int, windows: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Unit vectors whose directions vary between people ever less, and within one ever more."""
    random = np.random.default_rng(seed)
    between, within = np.linspace(3, 0.3, DIM), np.linspace(0.7, 1.4, DIM)
    means = np.repeat(between * random.standard_normal((people, DIM)), windows, axis=0)
    raw = 2.0 + means + within * random.standard_normal((people * windows, DIM))
    names = [f"p{person}" for person in range(people) for _ in range(windows)]
    return raw / np.linalg.norm(raw, axis=1, keepdims=True), names


def test_recovers_how_voices_vary() -> None:
    vectors, names = voices(600, 12)
    backend = fit_plda(vectors, names, dim=10)
    assert {name: (array.shape, array.dtype) for name, array in backend.items()} == {
        "plda_mean": ((DIM,), np.float32),
        "plda_transform": ((DIM, 10), np.float32),
        "plda_between": ((10,), np.float32),
    }
    fresh, _ = voices(600, 12, seed=1)
    whitened = whiten(fresh, backend).reshape(600, 12, 10)
    means = whitened.mean(axis=1)
    within = (whitened - means[:, None]).reshape(-1, 10)
    np.testing.assert_allclose(within.T @ within / (600 * 11), np.eye(10), atol=0.1)
    between = np.cov(means.T) - np.eye(10) / 12
    np.testing.assert_allclose(np.diag(between), backend["plda_between"], rtol=0.25)
    assert np.abs(between - np.diag(np.diag(between))).max() < 0.2 * between.max()


def test_between_variances_are_in_order_and_positive() -> None:
    backend = fit_plda(*voices(60, 8), dim=DIM)
    assert (np.diff(backend["plda_between"]) <= 0).all()
    assert backend["plda_between"].min() > 0


@pytest.mark.parametrize(("people", "windows"), [(10, 8), (40, 3)])
def test_too_few_people_are_an_error(people: int, windows: int) -> None:
    known = people if windows >= 6 else 0
    with pytest.raises(FastdiarError, match=f"needs more than 12 people with 6 windows each, got {known}$"):
        fit_plda(*voices(people, windows), dim=12)


@pytest.fixture
def model(fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a model that hears what the fake one does."""
    folder = tmp_path / "model"
    folder.mkdir()
    write_bundle(folder, fake.bundle)
    monkeypatch.setattr(plda, "Model", lambda folder, threads: fake)
    monkeypatch.setattr(plda, "fit_plda", partial(fit_plda, dim=2))
    return folder


def test_a_backend_is_put_into_the_model(model: Path, sound, tmp_path: Path) -> None:
    script = [(1.0, 6.0, 0), (6.5, 12.0, 1), (12.5, 18.0, 2), (19.0, 24.0, 3)]
    meetings, told = tmp_path / "meetings", []
    meetings.mkdir()
    for name in ("monday", "tuesday"):
        soundfile.write(meetings / f"{name}.wav", sound(script, 25.0), RATE, subtype="FLOAT")
        turns = tuple(Turn(start, end, f"person{person}") for start, end, person in script)
        (meetings / f"{name}.rttm").write_text(Diarization(name, turns).to_rttm())
    made = plda.add_backend(model, meetings, lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
    assert read_bundle(model) == made
    assert load_file(model / BACKEND)["plda_between"].shape == (2,)


def test_meetings_without_references_or_recordings_say_so(model: Path, tmp_path: Path) -> None:
    meetings = tmp_path / "meetings"
    meetings.mkdir()
    with pytest.raises(FormatError, match=r"meetings: holds no \.rttm files"):
        plda.add_backend(model, meetings)
    (meetings / "alone.rttm").write_text("")
    with pytest.raises(FormatError, match=r"alone\.rttm: no recording of the same name beside it"):
        plda.add_backend(model, meetings)
    assert not (model / BACKEND).exists()


def test_the_model_is_a_folder_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"quality: expected the folder of a model of your own; fastdiar bundle makes one"):
        plda.add_backend(Path("quality"), tmp_path)


def test_hears_as_the_model_is_set_to(model: Path, fake, sound, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "talk.wav", sound([(1.0, 24.0, 0)], 25.0), RATE, subtype="FLOAT")
    (tmp_path / "talk.rttm").write_text(Diarization("talk", (Turn(1.0, 24.0, "ann"),)).to_rttm())
    fake.bundle = attrs.evolve(fake.bundle, diarization={"chunk": 30.0})
    with pytest.raises(FastdiarError, match="needs more than 2 people"):
        plda.add_backend(model, tmp_path)
    assert len(fake.encoded) == 1
