"""Reading shards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fastdiar.core.dataset import Entry
from fastdiar.core.errors import AudioError, DataError, FormatError
from fastdiar.core.types import Turn
from fastdiar.plugins.datasets.folder import Folder, FolderConfig
from fastdiar.plugins.datasets.shards import Shards, ShardsConfig
from fastdiar.preparation.prepare import original, pack, prepare
from fastdiar.preparation.shards import write_shards


@pytest.fixture(scope="module")
def flac(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of FLAC files: four speakers with twelve utterances each."""
    root, random = tmp_path_factory.mktemp("corpus"), np.random.default_rng(0)
    for speaker in ("ann", "bob", "cyd", "dän"):
        (root / speaker).mkdir()
        for number in range(12):
            soundfile.write(root / speaker / f"{number}.flac", random.uniform(-0.5, 0.5, 4_000), 16_000)
    return root


def turns(entry: Entry) -> tuple[Turn, ...] | None:
    return (Turn(0.0, 0.1, "x"), Turn(0.05, 0.2, "y")) if "ann" in entry.key else None


@pytest.fixture
def root(tmp_path: Path, flac: Path) -> Path:
    entries = Folder(FolderConfig(root=flac)).entries()
    write_shards(tmp_path, entries, lambda path: path, turns, 100_000, lambda done, total: None)
    return tmp_path


def test_keys_labels_splits_and_samples_are_those_of_the_corpus(root: Path, flac: Path) -> None:
    for split in ("all", "train", "dev", "test"):
        corpus, shards = Folder(FolderConfig(root=flac, split=split)), Shards(ShardsConfig(root=root, split=split))
        before = {entry.key: entry for entry in corpus.entries()}
        after = {entry.key: entry for entry in shards.entries()}
        assert before.keys() == after.keys()
        for key, entry in after.items():
            assert entry.labels == before[key].labels and entry.seconds == 0.25
            np.testing.assert_array_equal(shards.load(entry), corpus.load(before[key]))


def test_turns(root: Path) -> None:
    shards = Shards(ShardsConfig(root=root))
    for entry in shards.entries():
        assert shards.turns(entry) == turns(entry)


def test_listing_opens_no_shard(root: Path) -> None:
    for path in root.glob("*.tar"):
        path.write_bytes(bytes(path.stat().st_size))
    shards = Shards(ShardsConfig(root=root))
    entries = shards.entries()
    assert len(entries) == 48
    with pytest.raises(AudioError, match=r"shard-000000\.tar: .*: is not where entries\.tsv says"):
        shards.load(entries[0])


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_an_index_of_other_shards_is_noticed(root: Path) -> None:
    edit(root / "entries.tsv", "000000000.flac", "000000007.flac")
    shards = Shards(ShardsConfig(root=root))
    with pytest.raises(AudioError, match=r"is not where entries\.tsv says: make the shards again"):
        shards.load(shards.entries()[0])


@pytest.mark.parametrize("offset", ["-5", "7", "99999999999", "9" * 30])
def test_an_offset_that_is_wrong_is_an_error_of_that_utterance(root: Path, offset: str) -> None:
    edit(root / "entries.tsv", "000000000.flac\t0\t", f"000000000.flac\t{offset}\t")
    shards = Shards(ShardsConfig(root=root))
    first, second = shards.entries()[:2]
    with pytest.raises(AudioError, match=r"shard-000000\.tar"):
        shards.load(first)
    assert len(shards.load(second)) == 4_000


@pytest.mark.parametrize(
    "turns", [b'{"turns": [[0, 1]]}', b'{"turns": [["a", 1, "x"]]}', b'{"turns": 7}', b"[]", b"[" * 40, b"\xff"]
)
def test_turns_that_are_none(turns: bytes, root: Path) -> None:
    shards = Shards(ShardsConfig(root=root))
    entry = next(entry for entry in shards.entries() if "ann" in entry.key)
    data = bytearray(entry.path.read_bytes())
    start = data.index(b'{"key": "' + entry.key.encode())
    end = data.index(b"\0", start)
    data[start:end] = turns.ljust(end - start)
    entry.path.write_bytes(data)
    with pytest.raises(AudioError, match="its turns cannot be read"):
        shards.turns(entry)


@pytest.mark.parametrize("index", ["", "[]", '{"shardlist": [{"url": "x.tar"}]}', '{"shardlist": 7}', "[" * 100_000])
def test_an_index_that_is_none(index: str, root: Path) -> None:
    (root / "shards.json").write_text(index)
    with pytest.raises(DataError, match=r"shards\.json: not an index of shards: make them again"):
        Shards(ShardsConfig(root=root)).entries()


def test_a_shard_that_is_missing_or_cut_off_is_named(root: Path) -> None:
    path = root / "shard-000001.tar"
    path.write_bytes(path.read_bytes()[:-512])
    with pytest.raises(DataError, match=r"shard-000001\.tar: missing, or not as long as shards\.json says"):
        Shards(ShardsConfig(root=root)).entries()
    path.unlink()
    with pytest.raises(DataError, match=r"shard-000001\.tar: missing, or not as long"):
        Shards(ShardsConfig(root=root)).entries()


@pytest.mark.parametrize("name", ["../shard.tar", "/etc/passwd"])
def test_a_shard_elsewhere_is_refused(root: Path, name: str) -> None:
    index = json.loads((root / "shards.json").read_text())
    (root.parent / "shard.tar").touch()
    index["shardlist"][0] |= {"url": name, "filesize": 0}
    (root / "shards.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match="missing, or not as long"):
        Shards(ShardsConfig(root=root)).entries()


def test_a_row_that_names_no_shard_is_refused_with_its_line(root: Path) -> None:
    edit(root / "entries.tsv", "shard-000000.tar", "../x.tar")
    with pytest.raises(DataError, match=r"entries\.tsv:2: expected a shard of shards\.json"):
        Shards(ShardsConfig(root=root)).entries()


def test_a_folder_without_shards(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"entries\.tsv: no such file"):
        Shards(ShardsConfig(root=tmp_path)).entries()


def test_a_network_learns_from_it(voices: Path, tmp_path: Path, epoch: Callable[..., dict[str, Any]]) -> None:
    prepared = original("folder", voices)
    pack(prepared, tmp_path, prepare(prepared, tmp_path, 1, lambda *_: None), 1_000_000, lambda *_: None)
    table = f'use = "shards"\nroot = "{(tmp_path / "shards").as_posix()}"\n'
    log = epoch(f'[data.train]\n{table}split = "train"\n[data.dev]\n{table}split = "dev"\n')
    assert np.isfinite([log["loss"], log["dev.loss"]]).all() and log["unreadable"] == 0
