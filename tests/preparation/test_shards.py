"""Utterances in tar files, and training from them."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from fastdiar.core.dataset import Entry
from fastdiar.core.errors import DataError
from fastdiar.plugins.datasets.shards import Shards, ShardsConfig
from fastdiar.preparation.shards import Sharded, write_shards

LARGEST = 100_000


def quiet(done: int, total: int) -> None:
    """Progress that nobody looks at."""


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """Twenty utterances of four speakers, whole files and stretches of a longer one, of 0.3 to 0.9 s."""
    root, random = tmp_path_factory.mktemp("flac"), np.random.default_rng(0)
    soundfile.write(root / "long.flac", random.uniform(-0.5, 0.5, 16_000 * 6), 16_000)
    found = [Entry(f"long/{start}", root / "long.flac", {"speaker": "dan"}, float(start), 0.5) for start in range(5)]
    for number in range(15):
        path = root / f"{number}.x.flac"
        soundfile.write(path, random.uniform(-0.5, 0.5, random.integers(5_000, 15_000)), 16_000)
        found.append(Entry(f"{number}.x.flac", path, {"speaker": ("ann", "bob", "cyd")[number % 3], "session": f"s{number}"}))
    return found


def written(folder: Path, entries: list[Entry], largest: int = LARGEST) -> Sharded:
    return write_shards(folder, entries, lambda path: path, lambda entry: None, largest, quiet)


def test_each_utterance_is_a_pair_of_members_in_a_file_of_bounded_size(tmp_path: Path, entries: list[Entry]) -> None:
    found = written(tmp_path, entries)
    index = json.loads((tmp_path / "shards.json").read_text())
    assert found == Sharded(len(index["shardlist"]), 20, [])
    assert sorted(path.name for path in tmp_path.glob("*.tar")) == [shard["url"] for shard in index["shardlist"]]
    about = []
    for shard in index["shardlist"]:
        path = tmp_path / shard["url"]
        assert path.stat().st_size == shard["filesize"] <= LARGEST
        assert hashlib.md5(path.read_bytes()).hexdigest() == shard["md5sum"]
        with tarfile.open(path) as archive:
            names = [name.split(".") for name in archive.getnames()]
            about += [json.loads(archive.extractfile(name).read()) for name in archive.getnames() if name.endswith(".json")]
        assert [kind for _, kind in names] == ["flac", "json"] * shard["nsamples"]
        assert [key for key, _ in names[::2]] == [key for key, _ in names[1::2]]
    assert {one["key"]: one["labels"] for one in about} == {entry.key: entry.labels for entry in entries}
    assert [one["key"] for one in about] != [entry.key for entry in entries]


def test_an_utterance_larger_than_a_shard_is_a_shard_of_its_own(tmp_path: Path, entries: list[Entry]) -> None:
    assert written(tmp_path, entries[:6], largest=1_000) == Sharded(6, 6, [])


def test_the_same_utterances_make_the_same_shards(tmp_path: Path, entries: list[Entry]) -> None:
    written(tmp_path / "one", entries)
    written(tmp_path / "other", entries)
    assert [path.read_bytes() for path in sorted((tmp_path / "one").iterdir())] == [
        path.read_bytes() for path in sorted((tmp_path / "other").iterdir())
    ]


def test_what_cannot_be_read_is_left_out_and_told(tmp_path: Path, entries: list[Entry]) -> None:
    broken = tmp_path / "broken.flac"
    broken.write_bytes(entries[-1].path.read_bytes()[:10])
    late = Entry("late", entries[0].path, {}, 99.0, 1.0)
    found = written(tmp_path / "out", [*entries[:3], Entry("broken", broken, {}), late])
    assert found.utterances == 3
    assert len(found.bad) == 2 and any("before the stretch at 99.00 s" in reason for reason in found.bad)


def test_shards_that_were_not_finished_are_none(tmp_path: Path, entries: list[Entry]) -> None:
    written(tmp_path, entries)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(tmp_path, entries, lambda path: path, lambda entry: None, LARGEST, interrupt)
    with pytest.raises(DataError, match=r"shards\.json: no such file"):
        Shards(ShardsConfig(root=tmp_path)).entries()
    assert not list(tmp_path.glob(".*"))


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, entries: list[Entry]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file: cannot be written to: Not a directory"):
        written(tmp_path / "file", entries)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes")
def test_training_reads_the_same_batches_with_any_number_of_workers(tmp_path: Path, entries: list[Entry]) -> None:
    torch = pytest.importorskip("torch")
    from fastdiar.core.tables import Trainer
    from fastdiar.training.data import Clips, Source, loader
    from fastdiar.training.sampler import TrainingSampler

    written(tmp_path, entries)
    dataset = Shards(ShardsConfig(root=tmp_path))
    source = Source(dataset, tuple(dataset.entries()))
    sampler = TrainingSampler(source.speakers, Trainer(batch_size=4, seconds=(0.2, 0.3)))
    runs = [list(loader(Clips(source, 0), sampler, {}, workers)) for workers in (0, 1, 4)]
    for one, *others in zip(*runs, strict=True):
        assert one.bad == () and len(one.batch.keys) == 4
        for other in others:
            assert one.batch.keys == other.batch.keys
            torch.testing.assert_close(one.batch.waveform, other.batch.waveform, rtol=0, atol=0)


def test_processes_that_train_together_share_the_shards_without_overlap_or_loss(tmp_path: Path, entries: list[Entry]) -> None:
    pytest.importorskip("torch")
    from fastdiar.core.tables import Trainer
    from fastdiar.training.data import Clips, Source, loader
    from fastdiar.training.sampler import TrainingSampler

    written(tmp_path, entries)
    heard = []
    for rank in range(2):
        dataset = Shards(ShardsConfig(root=tmp_path))
        source = Source(dataset, tuple(dataset.entries()))
        sampler = TrainingSampler(source.speakers, Trainer(batch_size=5, seconds=(0.2, 0.3)), rank, 2)
        heard.append([key for loaded in loader(Clips(source, 0), sampler, {}, 2) for key in loaded.batch.keys])
    assert not set(heard[0]) & set(heard[1])
    assert sorted(heard[0] + heard[1]) == sorted(entry.key for entry in entries)
