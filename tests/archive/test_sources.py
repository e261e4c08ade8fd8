"""Which recordings an archive holds, and what their turns are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fastdiar.archive.sources import sources
from fastdiar.core.errors import DataError, FormatError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"sound")


def named(*arguments: Path) -> list[str]:
    return [source.name for source in sources(list(map(str, arguments)))]


def test_a_folder_is_walked_in_order_without_what_is_hidden_or_no_recording(tmp_path: Path) -> None:
    touch(tmp_path, "b.wav", "a.FLAC", "notes.txt", ".hidden.wav", ".cache/c.wav", "deep/er/d.e.mp3")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(tmp_path / "pipe.wav")  # nobody will ever write to it
    assert named(tmp_path) == ["a", "b", "deep/er/d.e"]


def test_names_keep_the_layout_below_what_all_have_in_common(tmp_path: Path) -> None:
    touch(tmp_path, "2023/x.wav", "2024/x.wav", "loose/y.wav")
    assert named(tmp_path / "2023", tmp_path / "2024", tmp_path / "loose/y.wav") == ["2023/x", "2024/x", "loose/y"]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_table_lists_paths_beside_it_and_elsewhere(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path, "mine/x.wav", "theirs/y.wav")
    table = tmp_path / "mine" / f"table{suffix}"
    tab = "\t" if suffix == ".tsv" else ","
    table.write_text(f"speaker{tab}path\nann{tab}x.wav\nbob{tab}../theirs/y.wav\ncid{tab}{tmp_path}/theirs/gone.wav\n")
    elsewhere = str(tmp_path).lstrip("/")
    found = list(sources([str(table)]))
    assert [source.name for source in found] == ["x", f"{elsewhere}/theirs/y", f"{elsewhere}/theirs/gone"]
    assert [source.path for source in found] == [f"{tmp_path}/{name}.wav" for name in ("mine/x", "theirs/y", "theirs/gone")]
    assert [source.bytes for source in found] == [5, 5, 0]


def test_the_stamp_changes_with_the_file(tmp_path: Path) -> None:
    touch(tmp_path, "x.wav")
    (before,) = sources([str(tmp_path)])
    (tmp_path / "x.wav").write_bytes(b"other")
    (after,) = sources([str(tmp_path)])
    assert before.stamp != after.stamp and before.bytes == after.bytes


def test_a_folder_without_recordings(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(DataError, match=r"holds no recordings: expected files such as \.aac"):
        named(tmp_path)


def test_a_table_without_paths(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("file\nx.wav\n")
    with pytest.raises(FormatError, match=r"table\.csv:1: no column 'path'"):
        named(tmp_path / "table.csv")
