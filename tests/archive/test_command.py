"""`fastdiar diarize` of folders: the turns that single calls give, whatever stops it in between."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason="running a model needs onnxruntime: pip install '.[cpu]'")

from fastdiar.__main__ import run

Capture = pytest.CaptureFixture[str]


def written(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.rttm")}


def test_a_folder_gives_what_its_recordings_give_one_by_one(
    archive: Path, turns: dict[str, bytes], tmp_path: Path, capfd: Capture
) -> None:
    folder, out = tmp_path / "archive", tmp_path / "out"
    shutil.copytree(archive, folder)
    (folder / "monday" / "bad.wav").write_text("dear diary")
    command = ["diarize", str(folder), "-o", str(out), "--workers", "2"]
    assert run(command) == 2
    printed = capfd.readouterr()
    assert printed.out.startswith(f"{out}: 8 recordings, 0.01 hours of sound, ")
    assert f"fastdiar: error: {folder}/monday/bad.wav: not a recording that can be read" in printed.err
    assert printed.err.endswith(f"fastdiar: error: 1 recording failed: see {out}/failed.tsv\n")
    assert written(out) == turns
    (folder / "monday" / "bad.wav").unlink()
    assert run(command) == 0
    assert capfd.readouterr() == (f"{out}: nothing to do; 8 recordings were done before\n", "")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_stopped_at_any_moment_the_same_command_goes_on(
    sent: int, code: int, archive: Path, turns: dict[str, bytes], tmp_path: Path, capfd: Capture
) -> None:
    out = tmp_path / "out"
    command = ["diarize", str(archive), "-o", str(out), "--workers", "1"]
    whole = [sys.executable, "-m", "fastdiar", *command]
    with subprocess.Popen(whole, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        while process.poll() is None and not list(out.rglob("*.rttm")):
            time.sleep(0.01)
        process.send_signal(sent)
        assert process.stderr is not None
        said = process.stderr.read()  # to its end: no process is left that could write to it
        assert process.wait() == code
    assert said == ("fastdiar: stopped: the same command goes on from here\n" if sent == signal.SIGINT else "")
    before = len(written(out))
    assert 0 < before < len(turns)
    assert run(command) == 0
    assert written(out) == turns
    noted = [json.loads(line)["turns"] for line in (out / "manifest.jsonl").read_text().splitlines()[1:]]
    assert sorted(noted) == sorted(turns)


MISTAKES = {
    "an archive of recordings needs a folder to be written to: -o FOLDER": ["."],
    "turns.rttm: an archive of recordings needs a folder to be written to: -o FOLDER": [".", "-o", "turns.rttm"],
    "standard input is no archive: diarize it alone": [".", "-", "-o", "out"],
    "--ray-address is of --engine ray: add that": [".", "-o", "out", "--ray-address", "head:6379"],
    "--embeddings is for recordings that are named one by one, not for an archive": [".", "-o", "out", "--embeddings", "x.npz"],
    "{}: holds no recordings: expected files such as .aac, .aif, .aiff, .au, .flac, .m4a below it": [".", "-o", "out"],
    "{}/none.csv: no such file: expected a table of recordings with the columns path": ["none.csv", "-o", "out"],
    "no Ray cluster at '127.0.0.1:1'": [".", "-o", "out", "--engine", "ray", "--ray-address", "127.0.0.1:1"],
}


@pytest.mark.parametrize("said", MISTAKES)
def test_a_mistake_is_explained(
    said: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    if "Ray" in said:
        pytest.importorskip("ray")
        shutil.copytree(archive, tmp_path, dirs_exist_ok=True)
    assert run(["diarize", *MISTAKES[said]]) == 2
    printed = capfd.readouterr()
    assert printed.err.startswith(f"fastdiar: error: {said.format(tmp_path)}") and printed.err.count("\n") == 1
    assert printed.out == ""


def test_one_recording_needs_nothing_of_archives(tmp_path: Path, archive: Path) -> None:
    code = (
        "import sys; from fastdiar.__main__ import run; "
        f"code = run(['diarize', {str(archive / 'monday' / '0.flac')!r}, '-o', {str(tmp_path / 'x.rttm')!r}]); "
        "sys.exit(code or any(name.startswith(('fastdiar.archive', 'sqlite3', 'ray')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
