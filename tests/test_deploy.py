"""What `docs/deploy.md` promises of the graphs, and what it gives to copy."""

from __future__ import annotations

import configparser
import json
import math
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from typer.main import get_command

onnxruntime = pytest.importorskip("onnxruntime")

from fastdiar.cli import app
from fastdiar.core.bundle import read_bundle
from fastdiar.core.tables import WalkSettings
from fastdiar.diarization.model import find_model, shipped

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
UNIT, CONTAINER = ROOT / "deploy" / "fastdiar.service", ROOT / "deploy" / "Containerfile"
TYPES = {"float32": "tensor(float)", "int64": "tensor(int64)"}
EXTRAS = r"\[([a-z,-]+)\]"
OPTIONAL = {("encode.onnx", "in", "lengths"), ("encode.onnx", "out", "activity"), ("encode.onnx", "out", "frame_lengths")} | {
    ("classify.onnx", "in", "lengths")
}
"""What a graph may do without."""


def contract() -> dict[tuple[str, str, str], tuple[str, list[str]]]:
    """The page's table: graph, direction and name → onnxruntime's type, and the names of the sizes."""
    rows = re.findall(r"^\| `(\w+\.onnx)` \| (in|out) \| `(\w+)` \| (\w+) \| `\[(.*)\]` \|", PAGE, re.MULTILINE)
    return {(graph, way, name): (TYPES[kind], shape.split(", ")) for graph, way, name, kind, shape in rows}


def sizes(model: str) -> dict[str, int]:
    """What the page says is fixed, as the model's manifest has it."""
    bundle = read_bundle(find_model(model))
    assert bundle.activity is not None
    speakers = range(bundle.activity.at_once + 1)
    classes = sum(math.comb(bundle.activity.speakers, count) for count in speakers)
    return {"dim": bundle.frames.dim, "classes": classes, "embedding": bundle.embedding, "labels": len(bundle.labels)}


@pytest.mark.parametrize("model", shipped())
def test_the_graphs_of_a_model_that_ships_keep_the_contract(model: str) -> None:
    rows, fixed, folder = contract(), sizes(model), find_model(model)
    for name in (name for name in read_bundle(folder).files if name.endswith(".onnx")):
        session = onnxruntime.InferenceSession(folder / name)
        found = {(name, "in", each.name): each for each in session.get_inputs()}
        found |= {(name, "out", each.name): each for each in session.get_outputs()}
        assert {row for row in rows if row[0] == name} - OPTIONAL <= found.keys() <= rows.keys()
        for row, tensor in found.items():
            kind, shape = rows[row]
            assert tensor.type == kind
            assert [fixed.get(size) for size in shape] == [size if isinstance(size, int) else None for size in tensor.shape]


@pytest.mark.parametrize("model", shipped())
def test_what_the_graphs_give_is_what_the_page_says(model: str) -> None:
    folder = find_model(model)
    bundle = read_bundle(folder)
    clips = 0.1 * np.random.default_rng(0).normal(size=(2, 3 * 16_000)).astype(np.float32)

    def run(name: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        session = onnxruntime.InferenceSession(folder / name)
        if any(each.name == "lengths" for each in session.get_inputs()):
            inputs["lengths"] = np.full(len(clips), clips.shape[1])
        return dict(zip([each.name for each in session.get_outputs()], session.run(None, inputs), strict=True))

    frames = run("encode.onnx", waveform=clips)["frames"]
    weights = np.ones((2, 3, frames.shape[1]), np.float32)
    embedding = run("embed.onnx", frames=frames, weights=weights)["embedding"]
    assert np.linalg.norm(embedding, axis=-1) == pytest.approx(np.ones((2, 3)), abs=1e-3)
    activity = run("activity.onnx", waveform=clips)["activity"]
    assert activity.sum(-1) == pytest.approx(np.ones(activity.shape[:2]), abs=1e-3)
    assert bundle.activity is not None
    for grid, count in ((bundle.frames, frames.shape[1]), (bundle.activity, activity.shape[1])):
        last = grid.first + (count - 1) * grid.hop
        assert clips.shape[1] - 3 * grid.hop < last < clips.shape[1]


def test_every_threshold_is_explained() -> None:
    assert [field.name for field in attrs.fields(WalkSettings) if f"`{field.name}`" not in PAGE] == []


def test_the_code_for_triton_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(code, {})
    assert {path.name for path in Path("repository").iterdir()} == {"quality_activity", "quality_embed", "quality_encode"}


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, delimiters="=", strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return parser


def started() -> dict[str, list[str]]:
    """How the server is started, by which file."""
    lines = dict(re.findall(r"^(ENTRYPOINT|CMD) (\[.*\])$", CONTAINER.read_text(encoding="utf-8"), re.MULTILINE))
    whole = json.loads(lines["ENTRYPOINT"]) + json.loads(lines["CMD"])
    return {"unit": shlex.split(unit()["Service"]["ExecStart"]), "container": whole}


@pytest.mark.parametrize("file", ["unit", "container"])
def test_the_server_is_started_with_options_that_it_has(file: str) -> None:
    program, name, *arguments = started()[file]
    assert Path(program).name == "fastdiar" and name == "serve"
    given: dict[str, Any] = get_command(app).commands["serve"].make_context("serve", arguments).params  # type: ignore[attr-defined]
    assert given["host"] == "0.0.0.0" and given["token_file"] is not None and given["jobs"] is not None


def test_only_extras_that_exist_are_installed() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    asked = re.findall(r"'(?:\.|/src)" + EXTRAS, PAGE + CONTAINER.read_text(encoding="utf-8"))
    assert len(asked) == 3
    assert {name for group in asked for name in group.split(",")} <= extras.keys()


@pytest.mark.skipif(not (ROOT / "fastdiar").is_dir(), reason="the package is installed, its sources are not here")
def test_what_the_container_copies_is_there() -> None:
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINER.read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for line in copied for name in line.split() if not (ROOT / name).exists()] == []


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze, which is not here")
    copy = tmp_path / "fastdiar.service"
    copy.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/fastdiar/bin/fastdiar", sys.executable), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
