"""Tables of recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdiar.core.errors import FormatError
from fastdiar.core.manifest import read_manifest, read_names


@pytest.mark.parametrize(("name", "mark"), [("t.tsv", "\t"), ("t.csv", ",")])
def test_rows_are_read_by_their_heading(tmp_path: Path, name: str, mark: str) -> None:
    (tmp_path / name).write_text(f"speaker{mark}path{mark}note\nann{mark}a.wav{mark}\n", encoding="utf-8-sig")
    assert read_manifest(tmp_path / name) == [{"speaker": "ann", "path": "a.wav", "note": ""}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path\tspeakr\n", r"t\.tsv:1: no column 'speaker' \(did you mean 'speakr'\?\): found path, speakr"),
        ("path\tspeaker\na.wav\n", r"t\.tsv:2: expected 2 columns"),
        ("path\tspeaker\na.wav\tann\t3\n", r"t\.tsv:2: expected 2 columns"),
        ("", "no column 'path'"),
    ],
)
def test_a_table_with_gaps(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_manifest(tmp_path / "t.tsv")


def test_a_table_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_bytes(b"path\tspeaker\n\xff\xfe\n")
    with pytest.raises(FormatError, match=r"t\.tsv: not a table in UTF-8"):
        read_manifest(tmp_path / "t.tsv")
    with pytest.raises(FormatError, match=r"none\.tsv: no such file: expected a table of recordings"):
        read_manifest(tmp_path / "none.tsv")


def test_names_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("ann\n\n bob \n")
    assert read_names(tmp_path / "names.txt") == ["ann", "bob"]
    with pytest.raises(FormatError, match="expected one name a line"):
        read_names(tmp_path / "none.txt")
