"""A small archive, and what is found in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from fastdiar.__main__ import run

DIALOGUE = Path(__file__).resolve().parents[2] / "examples" / "dialogue.flac"
RATE = 16_000


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight recordings of 6 seconds in two folders, and a file that is none."""
    folder = tmp_path_factory.mktemp("archive")
    for number in range(8):
        path = folder / ("monday" if number < 4 else "tuesday/late") / f"{number}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        samples, _ = soundfile.read(DIALOGUE, start=6 * number * RATE, frames=6 * RATE, dtype="int16")
        soundfile.write(path, samples, RATE)
    (folder / "monday" / "notes.txt").write_text("dear diary")
    return folder


@pytest.fixture(scope="session")
def turns(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What each of them holds, recording by recording, by the name that an archive's turns have."""
    folder = tmp_path_factory.mktemp("turns")
    sources = sorted(archive.rglob("*.flac"))
    assert run(["diarize", *map(str, sources), "-o", str(folder)]) == 0
    names = [source.relative_to(archive).with_suffix(".rttm") for source in sources]
    return {name.as_posix(): (folder / name.name).read_bytes() for name in names}
