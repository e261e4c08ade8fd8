"""A trained run as a Triton model repository."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from fastdiar.core.parity import Parity
from fastdiar.core.structure import StructureError, structure
from fastdiar.diarization.model import Model
from fastdiar.plugins.exporters.triton import TritonConfig
from fastdiar.training.export import export_run
from tests.conftest import EXAMPLES


def test_the_repository_stands_beside_a_bundle_that_diarizes(
    trained: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copied(network: Any, folder: Path, *given: Any) -> dict[str, Parity]:
        names = ("encode.onnx", "embed.onnx", "classify.onnx")
        return {name: Parity(0.0) for name in names if shutil.copyfile(bundle / name, folder / name)}

    monkeypatch.setattr("fastdiar.plugins.exporters.triton.write_graphs", copied)
    overrides = ["export.use=triton", "export.prefix=my_"]
    assert export_run(trained, tmp_path / "model", use="triton", gate=EXAMPLES, overrides=overrides).gate.comparison
    repository = tmp_path / "model" / "triton"
    assert sorted(path.name for path in repository.iterdir()) == ["my_activity", "my_classify", "my_embed", "my_encode"]
    for path in repository.iterdir():
        graph = tmp_path / "model" / f"{path.name.removeprefix('my_')}.onnx"
        assert (path / "1" / "model.onnx").read_bytes() == graph.read_bytes()
        assert f'name: "{path.name}"' in (path / "config.pbtxt").read_text()
    assert Model(tmp_path / "model").bundle.activity is not None


def test_a_prefix_that_leaves_the_folder_is_refused() -> None:
    with pytest.raises(StructureError, match="prefix"):
        structure({"prefix": "../"}, TritonConfig)
