"""`fastdiar prepare`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from fastdiar.__main__ import run


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Three recordings of two speakers."""
    for name in ("ann/a.wav", "ann/b.wav", "bob/c.wav"):
        path = tmp_path / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 8_000), 8_000)
    return tmp_path / "corpus"


def test_prepare_and_shards(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["prepare", "folder", str(corpus), str(tmp_path / "out"), "--workers", "1", "--shards", "65KB"]
    assert run(command) == 0
    printed = capsys.readouterr()
    assert f"{tmp_path / 'out'}: 3 recordings, 0.00 hours" in printed.out
    assert f"{tmp_path / 'out' / 'shards'}: 3 utterances, tar files: 2" in printed.out
    assert printed.err == ""


def test_too_many_unreadable_recordings(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (corpus / "bob" / "bad.wav").write_text("no sound")
    command = ["prepare", "folder", str(corpus), str(tmp_path / "out"), "--workers", "1", "--shards", "1MB"]
    assert run(command) == 1
    printed = capsys.readouterr().err
    assert "skipped: bob/bad.wav: not a recording that can be read" in printed
    assert "error: 25.0% of the recordings cannot be read, more than 1.0% (--max-bad-share): see" in printed
    assert (tmp_path / "out" / "manifest.tsv").is_file() and not (tmp_path / "out" / "shards").exists()
    assert run([*command, "--max-bad-share", "0.3"]) == 0
    assert (tmp_path / "out" / "shards" / "shards.json").is_file()


@pytest.mark.parametrize("size", ["much", "1TB", "12", "-1MB", ""])
def test_a_size_that_is_none(size: str, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prepare", "folder", str(corpus), str(tmp_path / "out"), f"--shards={size}"]) == 2
    assert f"--shards is '{size}': expected a size such as 500MB or 1GB" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("moment", [".converted.tsv", "ann/*.flac"])
def test_ctrl_c_ends_all_processes_and_the_same_command_goes_on(moment: str, tmp_path: Path) -> None:
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    (corpus / "ann").mkdir(parents=True)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 800_000)
    for number in range(60):
        soundfile.write(corpus / "ann" / f"{number}.wav", noise, 8_000)
    command = [sys.executable, "-m", "fastdiar", "prepare", "folder", str(corpus), str(out), "--workers", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        while process.poll() is None and not list(out.glob(moment)):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read() == "fastdiar: stopped: the same command goes on from here\n"
        assert process.wait() == 130
    made = list((out / "ann").iterdir()) if (out / "ann").exists() else []
    assert len(made) < 60 and all(soundfile.info(path).duration == 100 for path in made)
