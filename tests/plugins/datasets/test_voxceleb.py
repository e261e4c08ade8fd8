"""VoxCeleb's layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastdiar.core.errors import DataError, FormatError
from fastdiar.plugins.datasets.voxceleb import VoxCeleb, VoxCelebConfig
from fastdiar.recipe import read_data, read_data_tables

RECIPE = Path(__file__).resolve().parents[3] / "recipes" / "voxceleb2_enhanced.toml"
VOX1 = "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\nid10001\tA.J._Buckley\tm\tIreland\tdev\nid10270\tX\tf\tUSA\ttest\n"
VOX2 = "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid00012 ,n000012 ,m ,dev\nid00017 ,n000017 ,F ,test\n"


@pytest.fixture
def vox1(tmp_path: Path) -> Path:
    for name in (
        "dev/wav/id10001/1zcIwhmdeo4/00002.wav",
        "dev/wav/id10001/1zcIwhmdeo4/00001.wav",
        "test/wav/id10270/5r0/00001.wav",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "dev/wav/id10001/1zcIwhmdeo4/00001.txt").touch()
    (tmp_path / "dev/wav/README").touch()
    (tmp_path / "vox1_meta.csv").write_text(VOX1)
    return tmp_path


@pytest.fixture
def vox2(tmp_path: Path, speak: Callable[..., np.ndarray], write_m4a: Callable[..., None]) -> Path:
    """Three speakers with three videos each, one of them with two utterances."""
    for person, speaker in enumerate(("id00012", "id00015", "id00017")):
        for name in ("a/00001", "a/00002", "b/00001", "c/00001"):
            write_m4a(tmp_path / "dev" / "aac" / speaker / f"{name}.m4a", speak(person, 1.0), 16_000)
    (tmp_path / "vox2_meta.csv").write_text(VOX2)
    return tmp_path


def listed(root: Path, **config: Any) -> list[str]:
    return [entry.key for entry in VoxCeleb(VoxCelebConfig(root=root, **config)).entries()]


def test_labels_come_from_the_folders_and_the_table(vox1: Path) -> None:
    entries = VoxCeleb(VoxCelebConfig(root=vox1)).entries()
    assert [entry.key for entry in entries] == ["id10001/1zcIwhmdeo4/00001", "id10001/1zcIwhmdeo4/00002", "id10270/5r0/00001"]
    assert entries[0].path == vox1 / "dev/wav/id10001/1zcIwhmdeo4/00001.wav"
    assert entries[0].labels == {
        "corpus": "VoxCeleb",
        "speaker": "id10001",
        "session": "1zcIwhmdeo4",
        "gender": "m",
        "nationality": "Ireland",
    }
    assert entries[2].labels["gender"] == "f"


def test_the_second_corpus_has_commas_blanks_and_no_nationality(vox2: Path) -> None:
    entries = VoxCeleb(VoxCelebConfig(root=vox2)).entries()
    assert len(entries) == 12
    assert {entry.labels["speaker"]: entry.labels.get("gender") for entry in entries} == {
        "id00012": "m",
        "id00015": None,
        "id00017": "f",
    }
    assert VoxCeleb(VoxCelebConfig(root=vox2)).load(entries[0]).shape[0] == pytest.approx(16_000, abs=2100)


def test_a_table_elsewhere_or_none(vox1: Path) -> None:
    (vox1 / "vox1_meta.csv").rename(vox1 / "meta.txt")
    assert all("gender" not in entry.labels for entry in VoxCeleb(VoxCelebConfig(root=vox1)).entries())
    assert VoxCeleb(VoxCelebConfig(root=vox1, meta=vox1 / "meta.txt")).entries()[0].labels["gender"] == "m"


def test_subsets(vox1: Path) -> None:
    assert listed(vox1, subsets=("test",)) == ["id10270/5r0/00001"]
    with pytest.raises(DataError, match=r"has no subset 'tset': expected tset/wav or tset/aac"):
        listed(vox1, subsets=("tset",))


def test_preparing_changes_no_key(vox2: Path) -> None:
    before = listed(vox2, split="train")
    for path in vox2.rglob("*.m4a"):
        path.rename(path.with_suffix(".flac"))
    assert listed(vox2, split="train") == before


def test_both_ways_to_hold_back(vox2: Path) -> None:
    splits = ("train", "dev", "test")
    parts = [listed(vox2, split=split) for split in splits]
    assert sorted(map(len, parts))[0] >= 3  # one video of each speaker at least
    videos = [{key.rpartition("/")[0] for key in part} for part in parts]
    assert not videos[0] & videos[2] and not videos[1] & videos[2]
    assert all({key.partition("/")[0] for key in part} == {"id00012", "id00015", "id00017"} for part in parts)
    apart = [
        {key.partition("/")[0] for key in listed(vox2, split=split, partition="speaker")} for split in ("train", "dev", "test")
    ]
    assert [len(speakers) for speakers in apart] == [1, 1, 1] and len(set.union(*apart)) == 3


def test_other_layouts_are_named(tmp_path: Path, vox1: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such folder: root must hold VoxCeleb's folders dev and test"):
        listed(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"wav: holds no recordings laid out as dev/aac/SPEAKER/VIDEO/UTTERANCE\.m4a"):
        listed(vox1 / "dev" / "wav")


@pytest.mark.parametrize("text", ["", "speaker,gender\nid1,m\n"])
def test_a_table_that_is_another(vox1: Path, text: str) -> None:
    (vox1 / "vox1_meta.csv").write_text(text)
    with pytest.raises(FormatError, match=r"vox1_meta\.csv:1: expected the columns VoxCeleb1 ID"):
        listed(vox1)


def test_the_recipe_that_comes_along_parts_each_speakers_videos(vox2: Path) -> None:
    roots = [f"data.{name}.root={vox2.as_posix()}" for name in ("train", "dev", "test")]
    recipe = read_data_tables(RECIPE, roots)
    keys = [{entry.key for entry in read_data(recipe, name)[1]} for name in ("train", "dev", "test")]
    assert sum(map(len, keys)) == len(set.union(*keys)) == 12


def test_a_network_learns_from_it(vox2: Path, epoch: Callable[..., dict[str, Any]]) -> None:
    table = f'use = "voxceleb"\nroot = "{vox2.as_posix()}"\n'
    log = epoch(f'[data.train]\n{table}split = "train"\n[data.dev]\n{table}split = "dev"\n')
    assert np.isfinite([log["loss"], log["dev.loss"]]).all() and log["unreadable"] == 0
