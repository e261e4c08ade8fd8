"""`fastdiar evaluate`: figures on a terminal and for programs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

pytest.importorskip("onnxruntime")
pytest.importorskip("pyannote.metrics", reason="scoring needs pyannote.metrics: pip install '.[score]'")

from fastdiar.__main__ import run
from fastdiar.diarization.model import Model
from fastdiar.evaluation.closed_set import closed_set
from fastdiar.recipe import read_data, read_data_tables

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def meetings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the sample dialogue."""
    folder = tmp_path_factory.mktemp("meetings")
    samples, rate = soundfile.read(ROOT / "examples" / "dialogue.flac", stop=8 * 16_000)
    soundfile.write(folder / "talk.wav", samples, rate)
    shutil.copy(ROOT / "examples" / "dialogue.rttm", folder / "talk.rttm")
    return folder


def test_a_closed_set(bundle: Path, small_recipe: Path, capsys: Capture, tmp_path: Path) -> None:
    assert run(["evaluate", str(bundle), "--data", str(small_recipe), "--json", str(tmp_path / "figures.json")]) == 0
    printed = capsys.readouterr().out
    assert "accuracy %" in printed and "P99" in printed and "batch 1, 1 thread, clips of 3 s" in printed
    found = json.loads((tmp_path / "figures.json").read_text())
    expected = closed_set(Model(bundle), *read_data(read_data_tables(small_recipe), "test"))
    overall = found["closed_set"][str(small_recipe)]["overall"]
    assert (overall["accuracy"], overall["utterances"]) == (expected.overall.accuracy, 16)
    assert {"python", "numpy", "onnxruntime"} <= found["versions"].keys()
    assert found["recipe"]["encoder"]["use"] == "melrescnn"


def test_a_run_tells_of_its_training(trained: Path, small_recipe: Path, capsys: Capture) -> None:
    assert run(["evaluate", str(trained), "--data", str(small_recipe), "--price-per-hour", "2", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["model"], found["run"]["name"]) == ("small", "small")
    assert found["run"]["epochs"][0]["epoch"] == 1
    named = {each["criterion"]["name"]: each for each in found["criteria"]}
    assert named["Training cost"]["value"] == pytest.approx(2 * named["Training time"]["value"])
    assert named["Training cost"]["status"] == "stretch"
    assert named["DER, AMI test, strict"]["status"] == "not measured"
    told, known = found["tasks"][str(small_recipe)]["speaker"], found["closed_set"][str(small_recipe)]["overall"]
    assert (told["utterances"], told["accuracy"]) == (known["utterances"], known["accuracy"])


def test_meetings(meetings: Path, capsys: Capture) -> None:
    assert run(["evaluate", "quickstart", "--data", str(meetings)]) == 0
    printed = capsys.readouterr().out
    assert "DER %" in printed and "oracle" in printed and "±0.25 s" in printed
    assert "1 files" not in printed and "1 file, 0 min" in printed
    page = meetings / "report.html"
    assert run(["evaluate", "quickstart", "--data", str(meetings), "--json", "-", "--report", str(page)]) == 0
    assert "<svg" in page.read_text(encoding="utf-8")
    found = json.loads(capsys.readouterr().out)["diarization"][str(meetings)]
    assert len(found["results"]) == 8
    assert found["results"][0]["files"][0]["uri"] == "talk"
    assert 0 <= found["results"][0]["pooled"]["der"] < 1
    assert "reference" not in found["heard"][0]


def test_without_jinja_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    for module in ("page", "templates"):
        monkeypatch.delitem(sys.modules, f"fastdiar.evaluation.report.{module}", raising=False)
    assert run(["evaluate", "quickstart", "--data", ".", "--report", "page.html"]) == 2
    assert "--report needs a part that is not installed: pip install '.[report]'" in capsys.readouterr().err


def test_strangers_are_compared_where_asked(meetings: Path, voices: Path, tmp_path: Path, capsys: Capture) -> None:
    recipe = tmp_path / "strangers.toml"
    recipe.write_text(f'[data.test]\nuse = "folder"\nroot = "{voices.as_posix()}"\n')
    assert run(["evaluate", "quickstart", "--data", str(recipe)]) == 2
    assert f"{recipe}: the model knows none of its speakers: --verification compares" in capsys.readouterr().err
    pairs = tmp_path / "pairs.txt"
    names = ("voice0/monday/0.wav", "voice0/tuesday/1.wav", "voice1/monday/0.wav")
    pairs.write_text(f"1 {names[0]} {names[1]}\n0 {names[0]} {names[2]}\n0 {names[1]} {names[2]}\n")
    assert run(["evaluate", "quickstart", "--data", str(recipe), "--trials", str(pairs)]) == 0
    printed = capsys.readouterr().out
    assert "EER %" in printed and "trials " in printed and "DCF .01" in printed


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--verification"], "--verification, --trials and --cohort compare utterances, and all data here tells who speaks when"),
        (["--report", "figures.txt"], "figures.txt: expected a name that ends in .html"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_heard(
    options: list[str], reason: str, meetings: Path, capsys: Capture
) -> None:
    assert run(["evaluate", "quickstart", "--data", str(meetings), *options]) == 2
    assert capsys.readouterr().err == f"fastdiar: error: {reason}\n"


def test_a_recipe_without_test_data(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "recipe.toml").write_text('[data.train]\nuse = "folder"\nroot = "voices"\n')
    assert run(["evaluate", "quickstart", "--data", str(tmp_path / "recipe.toml")]) == 2
    assert "recipe.toml: data.test: is missing" in capsys.readouterr().err


def test_a_bundle_needs_no_torch(meetings: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "meetings.toml"
    network = '[encoder]\nuse = "melrescnn"\n[head.speaker]\nuse = "speaker"\n'
    recipe.write_text(f'[data.test]\nuse = "rttm"\nroot = "{meetings.as_posix()}"\n{network}')
    call = ["evaluate", "quickstart", "--data", str(recipe)]
    code = f"import sys; from fastdiar.__main__ import run; done = run({call!r}); sys.exit(done or 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
