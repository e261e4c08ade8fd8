"""What is done once is not done again, and what fails is told: with a network of paper, so that a thousand files take no time."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs
import pytest

from fastdiar.archive.run import Summary, diarize_archive
from fastdiar.archive.sources import Source
from fastdiar.archive.work import Diarized, Failed, Work
from fastdiar.core.errors import DataError
from fastdiar.core.formats import FORMATS

WORK = Work("paper", "ab", "cpu", 1, FORMATS["rttm"], {"num_speakers": None})


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    for name in ("a.wav", "b.wav", "sub/c.wav"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def paper(source: Source) -> Diarized | Failed | None:
    """What a recording holds stands in it; "bad" fails, "deadly" kills."""
    text = Path(source.path).read_bytes()
    if text == b"bad":
        return Failed("not a recording")
    return None if text == b"deadly" else Diarized(text, 10.0, 2)


def engine(work: Work, items: Iterable[Source]) -> Iterator[tuple[Source, Diarized | Failed | None]]:
    for source in items:
        yield source, paper(source)


def done(archive: Path, out: Path, **changes: object) -> Summary:
    summary = diarize_archive([str(archive)], out, attrs.evolve(WORK, **changes), engine)  # type: ignore[arg-type]
    return attrs.evolve(summary, elapsed=0.0)


def files(out: Path) -> dict[str, str]:
    return {path.relative_to(out).as_posix(): path.read_text() for path in sorted(out.rglob("*.rttm"))}


def lines(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()[1:]]


def test_everything_is_done_once(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert done(archive, out) == Summary(done=3, seconds=30.0)
    assert sorted(path.name for path in out.iterdir()) == ["a.rttm", "b.rttm", "manifest.jsonl", "sub"]
    assert files(out) == {"a.rttm": "a.wav", "b.rttm": "b.wav", "sub/c.rttm": "sub/c.wav"}
    assert done(archive, out) == Summary(before=3)
    assert [entry["turns"] for entry in lines(out)] == ["a.rttm", "b.rttm", "sub/c.rttm"]


def test_what_changed_or_is_gone_is_done_again(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done(archive, out)
    (archive / "a.wav").write_text("other")
    (out / "b.rttm").unlink()
    (out / "sub" / "c.rttm").write_text("cut of")
    assert done(archive, out) == Summary(done=3, seconds=30.0)
    assert files(out) == {"a.rttm": "other", "b.rttm": "b.wav", "sub/c.rttm": "sub/c.wav"}


def test_failures_are_set_aside_with_their_reasons_and_tried_again(archive: Path, tmp_path: Path) -> None:
    out, told = tmp_path / "out", []
    done(archive, out)
    (archive / "a.wav").write_text("bad")
    (archive / "b.wav").write_text("deadly")
    summary = diarize_archive([str(archive)], out, WORK, engine, tell=lambda *failure: told.append(failure))
    assert (summary.done, summary.before, summary.failed) == (0, 1, 2)
    with (out / "failed.tsv").open(newline="") as table:
        rows = [(row["path"], row["reason"]) for row in csv.DictReader(table, delimiter="\t")]
    assert rows == told == [(entry["recording"], entry["failed"]) for entry in lines(out)[3:]]
    assert told[0] == (str(archive / "a.wav"), "not a recording")
    assert "brought down the process" in told[1][1]
    assert files(out) == {"sub/c.rttm": "sub/c.wav"}  # no turns of what the file held before
    (archive / "a.wav").write_text("good")
    assert diarize_archive([str(out / "failed.tsv")], tmp_path / "again", WORK, engine).done == 1
    assert done(archive, out) == Summary(done=1, before=1, failed=1, seconds=10.0)
    (archive / "b.wav").write_text("good")
    assert diarize_archive([str(out / "failed.tsv")], out, WORK, engine).done == 1  # read from where failures are written to
    assert not (out / "failed.tsv").exists()


def test_two_recordings_of_one_name_are_not_mixed_up(archive: Path, tmp_path: Path) -> None:
    (archive / "a.mp3").write_text("other")
    told: list[tuple[str, str]] = []
    for _ in range(2):
        diarize_archive([str(archive)], tmp_path / "out", WORK, engine, tell=lambda *failure: told.append(failure))
    assert told == 2 * [(f"{archive}/a.wav", f"{archive}/a.mp3 would be written to the same file: rename one")]
    assert files(tmp_path / "out")["a.rttm"] == "other"


def test_a_recording_named_twice_is_done_once(archive: Path, tmp_path: Path) -> None:
    arguments = [str(archive), str(archive / "a.wav"), str(archive / "sub")]
    assert diarize_archive(arguments, tmp_path / "out", WORK, engine).done == 3


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_manifest_that_was_cut_off_costs_one_line(archive: Path, tmp_path: Path, cut: int) -> None:
    manifest = tmp_path / "out" / "manifest.jsonl"
    done(archive, tmp_path / "out")
    os.truncate(manifest, manifest.stat().st_size - cut)
    assert done(archive, tmp_path / "out") == (Summary(done=1, before=2, seconds=10.0) if cut > 1 else Summary(before=3))
    assert done(archive, tmp_path / "out") == Summary(before=3)


def test_an_interruption_costs_what_was_in_hand(archive: Path, tmp_path: Path) -> None:
    def interrupted(work: Work, items: Iterable[Source]) -> Iterator[tuple[Source, Diarized | Failed | None]]:
        yield next(iter(engine(work, items)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        diarize_archive([str(archive)], tmp_path / "out", WORK, interrupted)  # type: ignore[arg-type]
    assert done(archive, tmp_path / "out") == Summary(done=2, before=1, seconds=20.0)


def test_turns_of_other_settings_are_not_mixed(archive: Path, tmp_path: Path) -> None:
    done(archive, tmp_path / "out")
    with pytest.raises(DataError, match=r"out: its turns were made with other settings \(checksum, num_speakers\): choose"):
        done(archive, tmp_path / "out", checksum="cd", wishes={"num_speakers": 2})
    (tmp_path / "out" / "manifest.jsonl").write_text("[]\n")  # somebody else's
    with pytest.raises(DataError, match=r"manifest\.jsonl: is not the manifest of an archive: choose another folder"):
        done(archive, tmp_path / "out")


def test_a_folder_without_turns_takes_other_settings(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no recordings"):
        diarize_archive([str(tmp_path / "out")], tmp_path / "out", WORK, engine)
    assert done(archive, tmp_path / "out", checksum="cd") == Summary(done=3, seconds=30.0)


def test_two_runs_do_not_write_to_one_folder(archive: Path, tmp_path: Path) -> None:
    def meanwhile(work: Work, items: Iterable[Source]) -> Iterator[tuple[Source, Diarized | Failed | None]]:
        with pytest.raises(DataError, match="another run is writing to it"):
            done(archive, tmp_path / "out")
        yield from engine(work, items)

    assert diarize_archive([str(archive)], tmp_path / "out", WORK, meanwhile).done == 3  # type: ignore[arg-type]


def test_progress_tells_how_much_sound_there_will_be(archive: Path, tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "sub/c.wav"):
        (archive / name).write_bytes(bytes(100))
    heard: list[tuple[float, float]] = []
    diarize_archive([str(archive)], tmp_path / "out", WORK, engine, lambda done, total: heard.append((done, total)))
    assert heard == [(0, 0), (10, 30), (20, 30), (30, 30)]


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    kept = []

    def all_failed(work: Work, items: Iterable[Source]) -> Iterator[tuple[Source, Diarized | Failed | None]]:
        for source in items:
            yield source, Failed("not there")
        # Not what pathlib does: it puts names into a table of the interpreter's, which grows by leaps.
        traces = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(False, pathlib.__file__)])
        kept.append(sum(trace.size for trace in traces.statistics("filename")))

    for count in (200, 2_000):
        table = tmp_path / f"{count}.csv"
        table.write_text("path\n" + "".join(f"{number}/{'x' * 3000}.wav\n" for number in range(count)))
        tracemalloc.start()
        assert diarize_archive([str(table)], tmp_path / f"out{count}", WORK, all_failed).failed == count  # type: ignore[arg-type]
        tracemalloc.stop()
    assert kept[1] < kept[0] + 500_000  # their paths alone take 6 MB
