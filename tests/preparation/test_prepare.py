"""A corpus as its dataset reads it, before and after."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import soundfile

from fastdiar.core.errors import DataError, RegistryError
from fastdiar.core.manifest import read_manifest
from fastdiar.plugins.datasets.librispeech import LibriSpeech, LibriSpeechConfig
from fastdiar.plugins.datasets.manifest import Manifest, ManifestConfig
from fastdiar.plugins.datasets.rttm import Rttm, RttmConfig
from fastdiar.plugins.datasets.shards import Shards, ShardsConfig
from fastdiar.preparation.prepare import original, pack, prepare


def quiet(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def test_the_manifest_tells_what_the_dataset_knows(corpus: Path, tmp_path: Path) -> None:
    (corpus / "ann" / "bad.wav").write_text("no sound")
    prepare(original("folder", corpus), tmp_path / "out", 1, quiet)
    table = tmp_path / "out" / "manifest.tsv"
    assert table.read_text().partition("\n")[0] == "path\tkey\tseconds\tsha256\tspeaker\tsession"
    entries = Manifest(ManifestConfig(table=table)).entries()
    assert [entry.labels for entry in entries] == [
        {"speaker": "ann", "session": "mon"},
        {"speaker": "ann", "session": "tue"},
        {"speaker": "bob"},
    ]
    assert all(entry.path.is_file() for entry in entries)
    (skipped,) = read_manifest(tmp_path / "out" / "skipped.tsv", ("path", "reason"))
    assert skipped["path"] == "ann/bad.wav" and skipped["reason"].startswith("not a recording that can be read")


def test_the_dataset_reads_what_came_out(shared: Path, tmp_path: Path) -> None:
    before = LibriSpeech(LibriSpeechConfig(root=shared / "data" / "LibriSpeech"))
    prepare(original("librispeech", shared / "data" / "LibriSpeech"), tmp_path / "out", 2, quiet)
    after = LibriSpeech(LibriSpeechConfig(root=tmp_path / "out"))
    assert [(entry.key, entry.labels) for entry in after.entries()] == [(entry.key, entry.labels) for entry in before.entries()]
    for one, other in zip(before.entries()[::20], after.entries()[::20], strict=True):
        np.testing.assert_array_equal(before.load(one), after.load(other))


CORPORA = {
    "folder": "PERSON/TAKE.wav",
    "librispeech": "dev-clean/PERSON/7/PERSON-7-TAKE.flac",
    "nemo": "samples/EBPERSON_anger_TAKE.wav",
    "ravdess": "Actor_0PERSON/03-01-05-01-0TAKE-01-0PERSON.wav",
    "voxceleb": "dev/aac/id0000PERSON/video/TAKE.m4a",
}
"""Where an utterance lies in each corpus of single speakers."""


@pytest.mark.parametrize("name", CORPORA)
def test_preparing_a_corpus_changes_no_key_and_no_split(
    name: str, write_m4a: Callable[[Path, np.ndarray, int], None], tmp_path: Path
) -> None:
    for person, take in product("12", "1234"):
        path = tmp_path / "corpus" / CORPORA[name].replace("PERSON", person).replace("TAKE", take)
        path.parent.mkdir(parents=True, exist_ok=True)
        write = write_m4a if path.suffix == ".m4a" else soundfile.write
        write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 4_000).astype(np.float32), 16_000)
    settings = ["split=test", "test_share=0.5"]
    before = original(name, tmp_path / "corpus", settings)
    prepare(before, tmp_path / "out", 1, quiet)
    after = original(name, tmp_path / "out", settings)
    keys = [entry.key for entry in before.dataset.entries()]
    assert len(keys) == 4 and [entry.key for entry in after.dataset.entries()] == keys


def test_a_prepared_table_keeps_its_splits(corpus: Path, tmp_path: Path) -> None:
    shutil.copy(corpus / "ann" / "mon" / "a.wav", corpus / "ann" / "tue" / "c.wav")
    (corpus / "table.tsv").write_text("path\tspeaker\nann/mon/a.wav\tann\nann/tue/b.ogg\tann\nann/tue/c.wav\tann\n")
    prepare(original("manifest", corpus / "table.tsv"), tmp_path / "out", 1, quiet)
    before, after = (
        {
            seed: [entry.key for entry in Manifest(ManifestConfig(table=table, split="test", split_seed=seed)).entries()]
            for seed in range(5)
        }
        for table in (corpus / "table.tsv", tmp_path / "out" / "manifest.tsv")
    )
    assert before == after and len(set(map(tuple, before.values()))) > 1


def test_a_table_is_a_corpus_too(corpus: Path, tmp_path: Path) -> None:
    (corpus / "table.csv").write_text("path,speaker,sex\nann/mon/a.wav,ann,f\n")
    prepare(original("manifest", corpus / "table.csv"), tmp_path / "out", 1, quiet)
    rows = read_manifest(tmp_path / "out" / "manifest.tsv")
    assert [(row["path"], row["speaker"], row["sex"]) for row in rows] == [
        ("ann/mon/a.flac", "ann", "f"),
        ("ann/tue/b.flac", "", ""),
        ("bob/c.d.flac", "", ""),
    ]


def test_meetings_go_to_shards_as_their_chunks_with_their_turns(tmp_path: Path) -> None:
    source, target = tmp_path / "meetings", tmp_path / "out"
    source.mkdir()
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 8 * 16_000)
    soundfile.write(source / "one.wav", samples, 16_000)
    (source / "one.rttm").write_text(
        "SPEAKER one 1 1.0 2.0 <NA> <NA> ann <NA> <NA>\nSPEAKER one 1 5.0 1.0 <NA> <NA> bob <NA> <NA>\n"
    )
    dataset = Rttm(RttmConfig(root=source, seconds=3.0, step=2.0))
    corpus = original("rttm", source, ["seconds=3", "step=2"])
    packed = pack(corpus, target, prepare(corpus, target, 1, quiet), 1_000_000, quiet)
    assert packed.bad == []
    (row,) = read_manifest(target / "manifest.tsv")
    assert (row["path"], row["session"], row["speaker"]) == ("one.flac", "one", "")
    shards = Shards(ShardsConfig(root=target / "shards"))
    before, after = ({entry.key: entry for entry in each.entries()} for each in (dataset, shards))
    assert before.keys() == after.keys() and len(after) == 4
    for key, entry in after.items():
        assert shards.turns(entry) == dataset.turns(before[key]) and entry.seconds == 3
        np.testing.assert_allclose(shards.load(entry), dataset.load(before[key]), atol=2**-14)


def test_what_is_no_such_corpus_is_refused(corpus: Path) -> None:
    with pytest.raises(RegistryError, match=r"no dataset 'librispeach' \(did you mean 'librispeech'\?\)"):
        original("librispeach", corpus)
    with pytest.raises(DataError, match=r"holds no recordings laid out as SUBSET/SPEAKER/CHAPTER"):
        original("librispeech", corpus)
    with pytest.raises(DataError, match="the dataset 'ami': references: missing: expected a path: see --set KEY=VALUE"):
        original("ami", corpus)
    with pytest.raises(DataError, match="the dataset 'librimix' makes or unpacks its sound itself: prepare the recordings"):
        original("librimix", corpus)
    with pytest.raises(DataError, match=r"the dataset 'folder': splitt: unknown key \(did you mean 'split'\?\)"):
        original("folder", corpus, ["splitt=train"])
    with pytest.raises(DataError, match="--set root=x: expected KEY=VALUE, a setting of the dataset 'folder' other than 'root'"):
        original("folder", corpus, ["root=x"])
