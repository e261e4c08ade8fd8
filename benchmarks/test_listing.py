"""What it costs to list a corpus as large as VoxCeleb2: 1,128,246 files of 5,994 speakers, all of them empty.

`pytest benchmarks/test_listing.py`; making the files takes longer than listing them. Peak memory is that of a process which
does nothing else, in the column `peak_mb` of `--benchmark-json` and on standard output with `-s`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

UTTERANCES = 1_128_246
SPEAKERS, VIDEOS, IN_A_VIDEO = 5_994, 24, 8
LIST = """
import resource, sys
from pathlib import Path
from fastdiar.plugins.datasets.voxceleb import VoxCeleb, VoxCelebConfig
entries = VoxCeleb(VoxCelebConfig(root=Path(sys.argv[1]), split=sys.argv[2])).entries()
print(len(entries), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.fixture(scope="module")
def voxceleb2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A tree of empty files with VoxCeleb2's numbers of speakers and utterances."""
    root = tmp_path_factory.mktemp("voxceleb2")
    videos = (root / "dev" / "aac" / f"id{s:05d}" / f"video{v:06d}" for s, v in product(range(SPEAKERS), range(VIDEOS)))
    for path in islice(_utterances(videos), UTTERANCES):
        path.touch()
    yield root
    shutil.rmtree(root)


def _utterances(videos: Iterator[Path]) -> Iterator[Path]:
    for video in videos:
        video.mkdir(parents=True)
        yield from (video / f"{number:05d}.m4a" for number in range(IN_A_VIDEO))


@pytest.mark.parametrize(("split", "count"), [("all", UTTERANCES), ("train", 940_198)])
def test_list_voxceleb2(benchmark: BenchmarkFixture, voxceleb2: Path, split: str, count: int) -> None:
    command = [sys.executable, "-c", LIST, str(voxceleb2), split]
    done = benchmark.pedantic(subprocess.check_output, (command,), rounds=1)
    listed, peak = map(int, done.split())
    benchmark.extra_info["peak_mb"] = peak
    print(f"\n{split}: {listed} utterances, at most {peak} MB")
    assert listed == count
