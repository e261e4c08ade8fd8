"""A model is found by name or folder, and one that cannot run says why."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

onnxruntime = pytest.importorskip("onnxruntime", reason="running a model needs onnxruntime: pip install '.[cpu]'")

from fastdiar.core.bundle import BACKEND, Activity, Bundle, write_bundle
from fastdiar.core.errors import MissingExtra, ModelError
from fastdiar.core.processes import cores
from fastdiar.core.types import Frames
from fastdiar.diarization.diarizer import load
from fastdiar.diarization.model import ASSETS, Model, find_model, shipped

FRAMES, ACTIVITY = Frames(dim=512, hop=320, first=200), Activity(hop=270, first=495)


@pytest.fixture
def bundled(tmp_path: Path) -> Callable[..., Path]:
    """Makes a model of the given graphs; `embed` is the one that ships."""

    def made(
        diarization: dict[str, object] | None = None,
        activity: Activity | None = ACTIVITY,
        backend: bytes | None = None,
        **graphs: bytes,
    ) -> Path:
        folder = tmp_path / "model"
        folder.mkdir()
        shutil.copy(ASSETS / "quality" / "embed.onnx", folder)
        for name, graph in graphs.items():
            (folder / f"{name}.onnx").write_bytes(graph)
        if backend is not None:
            (folder / BACKEND).write_bytes(backend)
        write_bundle(folder, Bundle("model", FRAMES, activity, embedding=192, diarization=diarization or {}))
        return folder

    return made


def test_a_model_that_ships_is_found_by_name() -> None:
    assert "quality" in shipped()
    assert find_model("quality") == ASSETS / "quality"


def test_a_folder_is_a_model(tmp_path: Path) -> None:
    assert find_model(tmp_path) == tmp_path
    assert find_model(str(tmp_path)) == tmp_path


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("qualty", r"no model 'qualty': neither a folder nor a model that ships \(did you mean 'quality'\?\)"),
        ("swift", r"no model 'swift': .* \(models that ship: .*quality"),
        ("../assets/quality", r"no model '\.\./assets/quality'"),
    ],
)
def test_an_unknown_name_gets_the_nearest(name: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        find_model(name)


def test_embeddings_have_unit_length(bundled) -> None:
    random = np.random.default_rng(0)
    frames, weights = random.random((60, 512), np.float32), np.ones((3, 60), np.float32)
    vectors = Model(bundled()).embed(frames, weights)
    assert vectors.shape == (3, 192)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_a_changed_file_is_refused(bundled) -> None:
    folder = bundled()
    with (folder / "embed.onnx").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ModelError, match=r"embed\.onnx: changed since the model was made"):
        Model(folder)


def test_a_graph_that_is_not_there_is_named(bundled) -> None:
    model = Model(bundled())
    with pytest.raises(ModelError, match=r"model: this model has no encode\.onnx, which this needs"):
        model.encode(np.zeros(16_000, np.float32))


def test_a_file_that_is_no_graph_is_named_in_one_line(bundled, capfd: pytest.CaptureFixture[str]) -> None:
    model = Model(bundled(encode=b"not a graph"))
    with pytest.raises(ModelError, match=r"encode\.onnx: not a graph that onnxruntime can run: ") as raised:
        model.encode(np.zeros(16_000, np.float32))
    assert "\n" not in str(raised.value)
    assert capfd.readouterr() == ("", "")


def test_inputs_that_the_graph_cannot_take_are_a_models_error(bundled, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModelError, match="model: the model failed: ") as raised:
        Model(bundled()).embed(np.zeros((10, 3), np.float32), np.ones((1, 10), np.float32))
    assert "\n" not in str(raised.value)
    assert capfd.readouterr() == ("", "")


def test_a_graph_cannot_read_files_outside_the_model(bundled, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    (tmp_path / "secret.bin").write_bytes(np.ones(4, np.float32).tobytes())
    tensor = onnx.TensorProto(name="weight", dims=[4], data_type=onnx.TensorProto.FLOAT)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["waveform", "weight"], ["frames"])],
        "steal",
        [value("waveform", onnx.TensorProto.FLOAT, [1, 4])],
        [value("frames", onnx.TensorProto.FLOAT, [1, 4])],
        [tensor],
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    model = Model(bundled(encode=onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()))
    with pytest.raises(ModelError, match=r"encode\.onnx: not a graph that onnxruntime can run: "):
        model.encode(np.zeros(4, np.float32))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"chunk": "long"}, r"bundle\.toml: \[diarization\]: chunk: expected a number"),
        ({"chunk": 0.01}, r"\[diarization\]: chunk: must be >= 1: 0\.01"),
        ({"chnk": 8.0}, r"unknown key \(did you mean 'chunk'\?\)"),
        ({"cluster": {"use": "variational", "start": -1.0}}, r"bundle\.toml: \[diarization\.cluster\]: start: "),
        ({"cluster": 5}, r"bundle\.toml: \[diarization\.cluster\]: expected a table, found 5"),
        ({"cluster": {"use": 5}}, r"\[diarization\.cluster\]: expected text, found 5"),
        (
            {"cluster": {"use": "variation"}},
            r"bundle\.toml: \[diarization\.cluster\]: no clustering 'variation' \(did you mean 'variational'\?\)",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(bundled, settings: dict[str, object], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        load(bundled(settings))


def test_a_model_without_activity_does_not_diarize(bundled) -> None:
    with pytest.raises(ModelError, match=r"bundle\.toml: activity: missing: this model does not say when somebody speaks"):
        load(bundled(activity=None))


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        (b"", r"not a safetensors file: "),
        (save({"plda_mean": np.zeros(4)}), r"plda_transform: missing: a PLDA is plda_mean, plda_transform, plda_between"),
        (
            save({"plda_mean": np.zeros(4), "plda_transform": np.zeros((4, 2)), "plda_between": np.zeros(3)}),
            r"expected plda_mean \[dim\], .* got plda_mean \[4\], plda_transform \[4, 2\], plda_between \[3\]",
        ),
    ],
    ids=["no file", "a part", "shapes"],
)
def test_a_broken_backend_is_named(bundled, backend: bytes, reason: str) -> None:
    with pytest.raises(ModelError, match=rf"backend\.safetensors: {reason}"):
        load(bundled(backend=backend))


def test_without_onnxruntime_it_says_what_to_install(bundled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"running a model needs .*: pip install '\.\[cpu\]'"):
        Model(bundled())


def test_a_provider_that_is_not_installed(bundled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    folder = bundled()
    for provider in ("cuda", "tensorrt"):
        with pytest.raises(
            MissingExtra, match=rf"--provider {provider} needs .*: pip uninstall onnxruntime, then pip install '\.\[gpu\]'"
        ):
            Model(folder, provider=provider)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_the_machine_lacks(bundled: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    with pytest.raises(ModelError, match=r"--provider cuda: onnxruntime cannot use it here: it needs an NVIDIA GPU"):
        Model(bundled(), provider="cuda").embed(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))


def test_more_threads_than_cores_count_as_so_many(bundled: Callable[..., Path]) -> None:
    """onnxruntime would make them all, and a clip of a second take minutes."""
    assert Model(bundled(), threads=10_000).threads == cores()
