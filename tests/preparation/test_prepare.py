"""A corpus as its dataset reads it, before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from fastdiar.core.audio import read
from fastdiar.core.errors import DataError, RegistryError
from fastdiar.core.manifest import read_manifest
from fastdiar.core.types import Turn
from fastdiar.plugins.datasets.librispeech import LibriSpeech, LibriSpeechConfig
from fastdiar.plugins.datasets.manifest import Manifest, ManifestConfig
from fastdiar.plugins.datasets.rttm import Rttm, RttmConfig
from fastdiar.plugins.datasets.shards import Shards, ShardsConfig
from fastdiar.preparation.prepare import pack, prepare


def quiet(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def test_the_manifest_tells_what_the_dataset_knows(corpus: Path, tmp_path: Path) -> None:
    (corpus / "ann" / "bad.wav").write_text("no sound")
    prepare("folder", corpus, tmp_path / "out", 1, quiet)
    table = tmp_path / "out" / "manifest.tsv"
    assert table.read_text().partition("\n")[0] == "path\tseconds\tsha256\tspeaker\tsession"
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
    prepare("librispeech", shared / "data" / "LibriSpeech", tmp_path / "out", 2, quiet)
    after = LibriSpeech(LibriSpeechConfig(root=tmp_path / "out"))
    assert [(entry.key, entry.labels) for entry in after.entries()] == [(entry.key, entry.labels) for entry in before.entries()]
    for one, other in zip(before.entries()[::20], after.entries()[::20], strict=True):
        np.testing.assert_array_equal(before.load(one), after.load(other))


def test_a_table_is_a_corpus_too(corpus: Path, tmp_path: Path) -> None:
    (corpus / "table.csv").write_text("path,speaker,sex\nann/mon/a.wav,ann,f\n")
    prepare("manifest", corpus / "table.csv", tmp_path / "out", 1, quiet)
    rows = read_manifest(tmp_path / "out" / "manifest.tsv")
    assert [(row["path"], row["speaker"], row["sex"]) for row in rows] == [
        ("ann/mon/a.flac", "ann", "f"),
        ("ann/tue/b.flac", "", ""),
        ("bob/c.d.flac", "", ""),
    ]


def test_meetings_go_to_shards_as_their_chunks_with_their_turns(tmp_path: Path) -> None:
    source, target = tmp_path / "meetings", tmp_path / "out"
    source.mkdir()
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 8 * 8_000)
    soundfile.write(source / "one.wav", samples, 8_000)
    (source / "one.rttm").write_text(
        "SPEAKER one 1 1.0 2.0 <NA> <NA> ann <NA> <NA>\nSPEAKER one 1 5.0 1.0 <NA> <NA> bob <NA> <NA>\n"
    )
    dataset = Rttm(RttmConfig(root=source))
    conversion = prepare("rttm", source, target, 1, quiet)
    packed = pack("rttm", source, target, conversion, 1_000_000, quiet)
    assert packed.utterances == len(dataset.entries()) == 1 and packed.bad == []
    shards = Shards(ShardsConfig(root=target / "shards"))
    (entry,) = shards.entries()
    assert shards.turns(entry) == (Turn(1.0, 3.0, "ann"), Turn(5.0, 6.0, "bob"))
    np.testing.assert_allclose(shards.load(entry), read(source / "one.wav"), atol=2**-14)


def test_what_is_no_such_corpus_is_refused_before_anything_is_written(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"no dataset 'librispeach' \(did you mean 'librispeech'\?\)"):
        prepare("librispeach", corpus, tmp_path / "out", 1, quiet)
    with pytest.raises(DataError, match=r"holds no recordings laid out as SUBSET/SPEAKER/CHAPTER"):
        prepare("librispeech", corpus, tmp_path / "out", 1, quiet)
    with pytest.raises(DataError, match="'conversation' is more than a corpus in a folder: rhythms: missing"):
        prepare("conversation", corpus, tmp_path / "out", 1, quiet)
    assert not (tmp_path / "out").exists()
