"""Folders of recordings as folders of FLAC."""

from __future__ import annotations

import hashlib
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from fastdiar.core.audio import read
from fastdiar.core.errors import DataError
from fastdiar.preparation.conversion import JOURNAL, Conversion, convert


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "prepared"


def quiet(done: int, total: int) -> None:
    """Progress that nobody looks at."""


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_everything_becomes_flac_at_16_khz_in_the_same_layout(corpus: Path, target: Path) -> None:
    steps: list[tuple[int, int]] = []
    found = convert(corpus, target, 2, lambda done, total: steps.append((done, total)))
    assert [each.path for each in found.converted] == ["ann/mon/a.flac", "ann/tue/b.flac", "bob/c.d.flac"]
    assert files(target) == [JOURNAL, "ann/mon/a.flac", "ann/tue/b.flac", "bob/c.d.flac", "speakers.csv"]
    assert steps == [(done, 3) for done in range(4)]
    for each in found.converted:
        path = target / each.path
        info = soundfile.info(path)
        assert (info.format, info.subtype, info.samplerate, info.channels) == ("FLAC", "PCM_16", 16_000, 1)
        assert info.frames == round(16_000 * each.seconds) == 24_000
        assert hashlib.sha256(path.read_bytes()).hexdigest() == each.sha256
        np.testing.assert_allclose(read(path), read(corpus / each.source), atol=2**-15)
    assert found.copied == 1 and (target / "speakers.csv").read_text() == (corpus / "speakers.csv").read_text()


def test_m4a(corpus: Path, target: Path) -> None:
    av = pytest.importorskip("av")
    path = corpus / "bob" / "e.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100, layout="mono")
        samples = np.ascontiguousarray(soundfile.read(corpus / "ann/mon/a.wav", dtype="float32")[0][:, :1].T)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    convert(corpus, target, 1, quiet)
    assert soundfile.info(target / "bob" / "e.flac").duration == pytest.approx(1.5, abs=0.05)


def test_bad_files_are_skipped_with_their_reasons_and_the_rest_is_done(corpus: Path, target: Path) -> None:
    whole = (corpus / "bob" / "c.d.flac").read_bytes()
    soundfile.write(corpus / "bob" / "cut2.wav", np.zeros(8_000), 16_000)
    bad = {
        "bob/cut.flac": (whole[: len(whole) // 2], "broken"),
        "bob/cut2.wav": ((corpus / "bob" / "cut2.wav").read_bytes()[:8_000], "only 7,956 of 16,000 bytes of sound are there"),
        "bob/empty.wav": (b"", "is empty: 0 bytes"),
        "bob/text.wav": (b"not a sound\n" * 99, "not a recording that can be read"),
    }
    for name, (data, _) in bad.items():
        (corpus / name).write_bytes(data)
    (corpus / "bob" / "c.d.wav").write_bytes(b"another file of the same name")
    (corpus / "bob" / "x\ty.wav").touch()
    (corpus / "bob" / "photo.jpg").touch()
    with (corpus / "vox1_dev_wav_partaa").open("wb") as file:
        file.truncate(100 << 20)
    (corpus / "bob" / "._c.wav").touch()
    found = convert(corpus, target, 1, quiet)
    reasons = {each.path: each.reason for each in found.bad}
    assert reasons.keys() == {*bad, repr("bob/x\ty.wav")}
    assert all(reason in reasons[name] for name, (_, reason) in bad.items())
    assert [each.path for each in found.skipped if not each.bad] == ["bob/c.d.wav"]
    assert found.bad_share == pytest.approx(5 / 8)
    assert found.left == 2 and found.copied == 1
    assert len(found.converted) == 3 and not list(target.rglob("*cut*"))


def test_what_is_done_is_not_done_again_unless_it_changed(corpus: Path, target: Path) -> None:
    before = convert(corpus, target, 1, quiet)
    first, second, third = (target / each.path for each in before.converted)
    soundfile.write(corpus / "ann" / "mon" / "a.wav", np.zeros(16_000), 16_000)
    second.write_bytes(second.read_bytes()[:100])
    times = [path.stat().st_mtime_ns for path in (first, second, third)]
    with (target / JOURNAL).open("a") as file:
        file.write("bob/half a line")
    after = convert(corpus, target, 1, quiet)
    same = [path.stat().st_mtime_ns == time for path, time in zip((first, second, third), times, strict=True)]
    assert same == [False, False, True]
    assert [each.seconds for each in after.converted] == [1.0, 1.5, 1.5]
    assert after.converted[1:] == before.converted[1:]
    time = first.stat().st_mtime_ns
    assert convert(corpus, target, 1, quiet) == after
    assert first.stat().st_mtime_ns == time


def test_interrupted_it_leaves_whole_files_and_goes_on(corpus: Path, target: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(corpus, target, 1, interrupt)
    left = [path for path in files(target) if path.endswith(".flac")]
    assert left and all(soundfile.info(target / path).duration == 1.5 for path in left)
    assert not [path for path in target.rglob(".*") if path.name != JOURNAL]
    starts: list[int] = []
    convert(corpus, target, 1, lambda done, total: starts.append(done))
    assert starts[0] == 1
    assert len(files(target)) == 5


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Larger files cannot be written, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_takes_no_more_is_one_clear_error(corpus: Path, target: Path) -> None:
    with (
        files_up_to(10_000),
        pytest.raises(DataError, match=r"prepared: File too large: mend that, and run this again"),
    ):
        convert(corpus, target, 1, quiet)
    assert [path for path in files(target) if path != JOURNAL] == ["speakers.csv"]


def folder_inside(corpus: Path) -> Path:
    return corpus / "prepared"


def folder_around(corpus: Path) -> Path:
    return corpus.parent


def a_file(corpus: Path) -> Path:
    (corpus.parent / "file").touch()
    return corpus.parent / "file"


@pytest.mark.parametrize(
    ("choose", "message"),
    [
        (folder_inside, "lies in .*corpus or around it: choose a folder beside it"),
        (folder_around, "lies in .*corpus or around it: choose a folder beside it"),
        (a_file, "file: cannot be a folder to write to: File exists"),
    ],
)
def test_a_folder_that_cannot_be_the_target(choose: Callable[[Path], Path], message: str, corpus: Path) -> None:
    with pytest.raises(DataError, match=message):
        convert(corpus, choose(corpus), 1, quiet)


def test_nothing_to_convert(tmp_path: Path, target: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="none: holds no recordings"):
        convert(tmp_path / "none", target, 1, quiet)
    with pytest.raises(DataError, match="nowhere: no such folder"):
        convert(tmp_path / "nowhere", target, 1, quiet)


def test_the_share_of_bad_files_of_none() -> None:
    assert Conversion([], [], 0, 0).bad_share == 0
