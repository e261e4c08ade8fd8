"""A model's manifest survives being written and read, and tells what is wrong with its folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fastdiar.core.bundle import MANIFEST, Activity, Bundle, read_bundle, write_bundle
from fastdiar.core.errors import ModelError
from fastdiar.core.types import Frames

FRAMES = Frames(dim=64, hop=320.5, first=200.0)
WHOLE = Bundle(
    "talk",
    FRAMES,
    Activity(hop=270, first=495, speakers=4, at_once=3),
    embedding=32,
    labels=("ann", 'b"ob', "c\\d"),
    diarization={"chunk": 8.0, "cluster": {"use": "variational", "start": 0.5}},
    recipe={"encoder": {"use": "cnn", "channels": [1, 2]}, "trainer": {"seconds": [3.0, 5.0]}},
    made={"fastdiar": "0.1.0"},
)


@pytest.mark.parametrize("bundle", [WHOLE, Bundle("bare", FRAMES)], ids=["whole", "bare"])
def test_round_trip(tmp_path: Path, bundle: Bundle) -> None:
    (tmp_path / "encode.onnx").write_bytes(b"a graph")
    (tmp_path / "notes.txt").write_text("not a part of the model")
    written = write_bundle(tmp_path, bundle)
    assert list(written.files) == ["encode.onnx"]
    assert read_bundle(tmp_path) == written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "encode.onnx").write_bytes(b"a graph")
    write_bundle(tmp_path, WHOLE)
    return tmp_path


def edit(folder: Path, old: str, new: str) -> None:
    text = (folder / MANIFEST).read_text(encoding="utf-8")
    assert old in text
    (folder / MANIFEST).write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[frames]", "[frames", r"bundle\.toml: not TOML: .*line"),
        ("format = 1", "format = 2", r"made for another version of fastdiar: expected format = 1"),
        ("format = 1\n", "", r"expected format = 1"),
        ('name = "talk"\n', "", r"bundle\.toml: name: missing: expected text"),
        ("embedding = 32", "embeding = 32", r"bundle\.toml: embeding: unknown key \(did you mean 'embedding'\?\)"),
        ("dim = 64", "", r"bundle\.toml: frames\.dim: missing: expected a whole number"),
        ("[frames]", "[framez]", r"bundle\.toml: frames: missing: expected a table"),
        ('"encode.onnx" =', '"../encode.onnx" =', r"'\.\./encode\.onnx' leaves the model's folder"),
        ('"encode.onnx" =', '"/etc/passwd" =', r"'/etc/passwd' leaves the model's folder"),
        ('"encode.onnx" =', '"embed.onnx" =', r"embed\.onnx: missing, though bundle\.toml lists it"),
    ],
)
def test_a_broken_manifest_says_what_is_wrong(folder: Path, old: str, new: str, reason: str) -> None:
    edit(folder, old, new)
    with pytest.raises(ModelError, match=reason):
        read_bundle(folder)


def test_a_changed_file_is_noticed(folder: Path) -> None:
    (folder / "encode.onnx").write_bytes(b"another graph")
    with pytest.raises(ModelError, match=r"encode\.onnx: changed since the model was made"):
        read_bundle(folder)


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"not a model: no bundle\.toml in it"):
        read_bundle(tmp_path)


def test_a_run_is_to_be_exported_first(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").touch()
    with pytest.raises(ModelError, match=r"is a run, not yet a model: fastdiar export .* -o MODEL makes one"):
        read_bundle(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("dim = 64", 'dim = "wide"', 'frames.dim: expected a whole number, found "wide"'),
        ("hop = 270", "hop = [1]", "activity.hop: expected a number, found a list"),
        ("embedding = 32", "embedding = 1.5", "embedding: expected a whole number, found 1.5"),
        ("[made]", "[[made]]", "made: expected a table, found a list"),
        ('labels = ["ann", ', "labels = [7, ", "labels[0]: expected text, found 7"),
        ('"encode.onnx" =', '"encode.onnx" = 5 #', 'files."encode.onnx": expected text, found 5'),
        ("hop = 270", "hop = 0", "activity.hop: must be >= 1: 0"),
        ("dim = 64", "dim = 0", "frames.dim: must be >= 1: 0"),
        ("speakers = 4", "speakers = 40", "activity.speakers: must be <= 10: 40"),
        ("at_once = 3", "at_once = 5", "activity.at_once: must be at most 'speakers', 4: 5"),
    ],
)
def test_a_value_of_the_wrong_kind_or_range_is_refused(folder: Path, old: str, new: str, reason: str) -> None:
    edit(folder, old, new)
    with pytest.raises(ModelError, match=re.escape(f"bundle.toml: {reason}")):
        read_bundle(folder)
