"""Does training wait for its data: clips a second of loading alone, of the network alone, and of both together.

`pytest benchmarks/test_feeding.py -s`, with the speech in `../shared`. The network is that of `recipes/fast.toml` with its
batches of 32 clips of 3 s. Nothing decoded is kept, as with a corpus that is larger than memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from pytest_benchmark.fixture import BenchmarkFixture

from fastdiar.recipe import read_recipe
from fastdiar.training import feed
from fastdiar.training.data import Clips, Corpus, Loaded, loader, read_corpus
from fastdiar.training.run import Run
from fastdiar.training.sampler import TrainingSampler

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT.parent / "shared" / "data" / "MANIFEST.tsv"
DATA = {
    "LibriSpeech": (f'data.train={{use="librispeech", root="{TABLE.parent / "LibriSpeech"}"}}',),
    "all corpora": (f'data.train={{use="manifest", table="{TABLE}"}}',),
}
STEPS, WARM_UP = 8, 1

pytestmark = pytest.mark.skipif(not TABLE.is_file(), reason="needs the folder ../shared with real speech, which is not here")
workers = pytest.mark.parametrize("workers", [0, 1, 2])


@pytest.fixture(scope="module", params=DATA)
def data(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return DATA[request.param]


@pytest.fixture
def begin(data: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Run]:
    """Begins a run with so many loading processes."""
    monkeypatch.setattr(feed, "CACHE_BYTES", 0)

    def run(workers: int) -> Run:
        overrides = (*data, f"trainer.workers={workers}", "trainer.epochs=1000")
        recipe = read_recipe(ROOT / "recipes" / "fast.toml", overrides)
        corpus = read_corpus(recipe)
        train_alone = Corpus({"train": corpus.train}, corpus.labels)
        return Run(recipe, train_alone, Fabric(accelerator="cpu", devices=1), tmp_path)

    return run


@pytest.mark.benchmark(group="loading alone")
@workers
def test_loading(benchmark: BenchmarkFixture, begin: Callable[[int], Run], workers: int) -> None:
    corpus, trainer = (run := begin(0)).corpus, run.trainer
    batches = loader(Clips(corpus.train, 0), _endless(TrainingSampler(corpus.train.speakers, trainer)), corpus.labels, workers)
    rate = _rate(benchmark, iter(batches), lambda loaded: None)
    assert rate > 0


@pytest.mark.benchmark(group="the network alone")
def test_network(benchmark: BenchmarkFixture, begin: Callable[[int], Run]) -> None:
    run = begin(0)
    loaded = next(run.batches())
    _rate(benchmark, iter(lambda: loaded, None), run.learn)


@pytest.mark.benchmark(group="training")
@workers
def test_training(benchmark: BenchmarkFixture, begin: Callable[[int], Run], workers: int) -> None:
    run = begin(workers)
    waited = {}

    def learn(loaded: Loaded) -> None:
        run.learn(loaded)
        waited["seconds"] = run.stopwatch.seconds["data"]

    began = time.perf_counter()
    _rate(benchmark, _epochs(run), learn)
    share = waited["seconds"] / (time.perf_counter() - began)
    benchmark.extra_info["share of time waiting for data"] = share
    print(f"waiting for data: {share:.1%}")


def _endless(sampler: TrainingSampler) -> Iterator[list]:
    while True:
        yield from sampler
        sampler.epoch += 1


def _epochs(run: Run) -> Iterator[Loaded]:
    """Batches of one epoch after another, as many as are asked for."""
    while True:
        yield from run.batches()
        run.progress.epoch, run.progress.step = run.progress.epoch + 1, 0


def _rate(benchmark: BenchmarkFixture, batches: Iterator[Loaded], work: Callable[[Loaded], object]) -> float:
    """Clips a second over `STEPS` batches, after some to warm up."""
    for loaded in islice(batches, WARM_UP):
        work(loaded)
    clips = []

    def steps() -> None:
        for loaded in islice(batches, STEPS):
            work(loaded)
            clips.append(len(loaded.batch.keys))

    benchmark.pedantic(steps, rounds=1)
    rate = sum(clips) / benchmark.stats.stats.median
    benchmark.extra_info["clips a second"] = rate
    print(f"\n{torch.get_num_threads()} threads: {rate:.0f} clips/s")
    return rate
