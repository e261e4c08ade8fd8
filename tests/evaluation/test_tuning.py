"""Settings chosen on recordings heard once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import soundfile

pytest.importorskip("onnxruntime")
pytest.importorskip("pyannote.metrics", reason="scoring needs pyannote.metrics: pip install '.[score]'")

from fastdiar.core.errors import DataError, FastdiarError, ModelError
from fastdiar.core.types import Diarization, Turn
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.model import Model, find_model
from fastdiar.evaluation.diarization import Pair, score
from fastdiar.evaluation.evaluation import read_test
from fastdiar.evaluation.tuning import Remembered, Tuned, check, remember, tune

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SECONDS = 12


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(find_model("quickstart"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two sets: the sample dialogue's beginning, and the same with a reference in which one person says everything."""
    made = []
    for name in ("two", "one"):
        folder = tmp_path_factory.mktemp(name)
        samples, rate = soundfile.read(EXAMPLES / "dialogue.flac", stop=SECONDS * 16_000)
        soundfile.write(folder / "talk.wav", samples, rate)
        made.append(folder)
    shutil.copy(EXAMPLES / "dialogue.rttm", made[0] / "talk.rttm")
    (made[1] / "talk.rttm").write_text(Diarization("talk", (Turn(0, SECONDS, "ann"),)).to_rttm())
    return made


@pytest.fixture(scope="module")
def heard(model: Model, folders: list[Path]) -> list[Remembered]:
    done: list[tuple[str, int, int]] = []
    sets = remember(
        model, [read_test(folder) for folder in folders], lambda what, count: lambda now: done.append((what, count, now))
    )
    assert done == [(str(folder), 1, 1) for folder in folders]
    return sets


@pytest.fixture(scope="module")
def tuned(model: Model, heard: list[Remembered]) -> Tuned:
    """Almost nothing is speech above a probability of 1, so that this value can only lose."""
    return tune(model, heard, {"speech": [1.0, 0.3], "cluster.same": [0.7]})


def test_the_models_own_settings_score_as_the_model_does(model: Model, folders: list[Path], tuned: Tuned) -> None:
    pair = read_test(folders[0])
    turns = pair.dataset.turns(pair.entries[0])
    assert turns
    found = Diarizer(model)(folders[0] / "talk.wav")
    reference = [Turn(*(float(word) for word in line.split()[3:5]), line.split()[7]) for line in _lines(folders[0])]
    reference = [
        Turn(turn.start, min(turn.start + turn.end, SECONDS), turn.speaker) for turn in reference if turn.start < SECONDS
    ]
    expected = score(Pair("talk", reference, found.turns, [(0, SECONDS)]))
    assert tuned.own.values == {}
    assert tuned.own.scores[str(folders[0])].der == pytest.approx(expected.der, abs=1e-6)


def test_the_best_mean_over_sets_wins(tuned: Tuned) -> None:
    assert {trial.mean() for trial in tuned.trials} >= {tuned.own.mean(), tuned.best.mean()}
    assert tuned.best.mean() == min(trial.mean() for trial in tuned.trials if "cluster.same" in trial.values)
    deaf = next(trial for trial in tuned.trials if trial.values.get("speech") == 1.0)
    assert deaf.mean() == max(trial.mean() for trial in tuned.trials) > 0.5
    assert deaf.mean() == pytest.approx(sum(one.der for one in deaf.scores.values()) / 2)


def test_each_setting_is_tried_once(tuned: Tuned) -> None:
    tried = [trial.values for trial in tuned.trials]
    assert all(values not in tried[:number] for number, values in enumerate(tried))


def test_a_key_with_one_value_is_set_from_the_start(tuned: Tuned) -> None:
    assert all(trial.values["cluster.same"] == 0.7 for trial in tuned.trials if trial is not tuned.own)
    assert tuned.table["cluster"]["same"] == 0.7


def test_what_is_chosen_without_a_set_is_chosen_by_the_others(tuned: Tuned, heard: list[Remembered]) -> None:
    assert [each.name for each in tuned.left_out] == [each.name for each in heard]
    for each, other in zip(tuned.left_out, reversed(heard), strict=True):
        assert each.chosen.mean([other.name]) == min(
            trial.mean([other.name]) for trial in tuned.trials if "cluster.same" in trial.values
        )


def test_one_set_leaves_nothing_out(model: Model, heard: list[Remembered]) -> None:
    assert tune(model, heard[:1], {"fill_gap": [0.3]}).left_out == ()


def test_another_clustering_leaves_the_keys_of_the_models_own_behind(model: Model, heard: list[Remembered]) -> None:
    found = tune(model, heard[:1], {"cluster.distance": [0.5], "cluster.use": ["agglomerative"]})
    assert found.table["cluster"] == {"use": "agglomerative", "distance": 0.5}
    assert found.table["speech"] == model.bundle.diarization["speech"]


def test_tuning_leaves_the_model_as_it_is(model: Model, tuned: Tuned) -> None:
    assert model.bundle == Model(model.folder).bundle


@pytest.mark.parametrize(
    ("choices", "kind", "message"),
    [
        ({"window": [1.5]}, FastdiarError, "window: cannot be tuned: recordings are heard once"),
        ({"speach": [0.4]}, FastdiarError, r"speach: cannot be tuned \(did you mean 'speech'\?\)"),
        ({"speech": [0.4, 1.5]}, ModelError, r"settings: \[diarization\]: speech: must be <= 1: 1.5"),
        ({"cluster.sam": [0.7]}, ModelError, r"settings: \[diarization.cluster\]: sam: unknown key \(did you mean 'same'\?\)"),
        ({"cluster.use": ["spectra"]}, ModelError, r"no clustering 'spectra' \(did you mean 'spectral'\?\)"),
        (
            {"cluster.use": ["spectral", "agglomerative"], "cluster.distance": [0.5]},
            FastdiarError,
            "cluster.distance: each clustering has keys of its own",
        ),
    ],
)
def test_what_cannot_be_tried_is_said_before_anything_is_heard(
    model: Model, choices: dict[str, list[object]], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        check(model, choices)


def test_a_set_in_which_nobody_speaks_is_refused(model: Model, tmp_path: Path, folders: list[Path]) -> None:
    (tmp_path / "talk.wav").write_bytes(b"no sound at all")
    (tmp_path / "talk.rttm").write_text((folders[0] / "talk.rttm").read_text())
    with pytest.raises(DataError, match=r"nobody speaks in what could be read of it.*talk\.wav"):
        remember(model, [read_test(tmp_path)])


def _lines(folder: Path) -> list[str]:
    return (folder / "talk.rttm").read_text().splitlines()
