"""Published networks as graphs of a bundle compute what they did before."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="teachers need the package onnx: pip install '.[train]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="running a graph needs onnxruntime: pip install '.[cpu]'")

from fastdiar import load
from fastdiar.core import audio
from fastdiar.core.bundle import read_bundle
from fastdiar.core.errors import ModelError
from fastdiar.core.onnx_files import values
from fastdiar.core.types import RATE
from fastdiar.diarization.model import ASSETS
from fastdiar.teachers.bundle import make_bundle
from fastdiar.teachers.campplus import FRAMES, embed_graph, encode_graph, gated_by_segment
from fastdiar.teachers.fbank import fbank_graph
from fastdiar.teachers.segmentation import ACTIVITY, activity_graph

BACKEND = ASSETS / "quality" / "backend.safetensors"
DIALOGUE = Path(__file__).resolve().parents[2] / "examples" / "dialogue.flac"


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """Five seconds of one voice and then another, float32 `[1, samples]`."""
    return audio.read(DIALOGUE)[None, 3 * RATE : 8 * RATE]


@pytest.fixture(scope="module")
def campplus(shared: Path) -> onnx.ModelProto:
    return onnx.load(shared / "teachers" / "campplus_192.onnx")


def run(model: onnx.ModelProto, **inputs: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def kaldi_features(speech: np.ndarray) -> np.ndarray:
    torch = pytest.importorskip("torch")
    kaldi = pytest.importorskip("torchaudio.compliance.kaldi")
    return kaldi.fbank(torch.from_numpy(speech), num_mel_bins=80, sample_frequency=RATE, dither=0.0).numpy()


def test_the_filterbank_is_kaldis(speech: np.ndarray) -> None:
    np.testing.assert_allclose(run(fbank_graph(), waveform=speech)[0], kaldi_features(speech), atol=1e-3)


def test_a_batch_is_its_rows(speech: np.ndarray) -> None:
    both = run(fbank_graph(), waveform=np.concatenate([speech, speech[:, ::-1]]))
    np.testing.assert_allclose(both[:1], run(fbank_graph(), waveform=speech), atol=1e-4)


def test_embeddings_are_those_of_campplus(campplus: onnx.ModelProto, speech: np.ndarray) -> None:
    features = kaldi_features(speech)
    expected = run(campplus, x=(features - features.mean(axis=0))[None])[0]
    frames = run(encode_graph(campplus), waveform=speech)
    assert frames.shape[2] == FRAMES.dim
    weights = np.ones((1, 2, frames.shape[1]), np.float32)
    vectors = run(embed_graph(campplus), frames=frames, weights=weights)[0]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert vectors @ expected / np.linalg.norm(expected) == pytest.approx(1, abs=1e-4)


def test_weights_choose_the_frames(campplus: onnx.ModelProto) -> None:
    frames = np.random.default_rng(0).standard_normal((1, 40, 512)).astype(np.float32)
    first = (np.arange(40) < 15).astype(np.float32)
    graph = embed_graph(campplus)
    chosen = run(graph, frames=frames, weights=first[None, None])
    alone = run(graph, frames=frames[:, :15], weights=np.ones((1, 1, 15), np.float32))
    np.testing.assert_allclose(chosen, alone, atol=1e-4)
    empty = run(graph, frames=frames, weights=np.zeros((1, 1, 40), np.float32))
    assert np.isfinite(empty).all()


def test_activity_is_the_exponential_of_the_segmentation(shared: Path, speech: np.ndarray) -> None:
    original = onnx.load(shared / "teachers" / "segmentation_3.onnx")
    activity = run(activity_graph(original), waveform=speech)
    np.testing.assert_allclose(activity, np.exp(run(original, x=speech[:, None])), atol=1e-5)
    np.testing.assert_allclose(activity.sum(axis=2), 1, atol=1e-4)
    last = ACTIVITY.first + (activity.shape[1] - 1) * ACTIVITY.hop
    assert last < speech.shape[1] <= last + ACTIVITY.first + 2 * ACTIVITY.hop


def network(path: Path, **metadata: str) -> Path:
    """A graph that does nothing, and says of itself what `metadata` says."""
    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 17]> g (float[n] x) => (float[n] y) { y = Abs (x) }')
    onnx.helper.set_model_props(model, metadata)
    path.write_bytes(model.SerializeToString())
    return path


def test_only_the_networks_that_are_meant_become_a_bundle(tmp_path: Path) -> None:
    text = tmp_path / "text.onnx"
    text.write_text("dear diary")
    right = network(tmp_path / "right.onnx", model_type="pyannote-segmentation-3.0")
    other, bare = network(tmp_path / "other.onnx", framework="wespeaker"), network(tmp_path / "bare.onnx")
    outside = onnx.load(network(tmp_path / "outside.onnx", model_type="pyannote-segmentation-3.0"))
    weight = outside.graph.initializer.add(name="w", data_type=1, dims=[4], data_location=onnx.TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="../../etc/passwd")
    (tmp_path / "outside.onnx").write_bytes(outside.SerializeToString())
    out = tmp_path / "out"
    for segmentation, embedding, reason in (
        (tmp_path / "gone.onnx", right, r"gone\.onnx: cannot be read: No such file"),
        (text, right, r"text\.onnx: not an ONNX file"),
        (tmp_path / "outside.onnx", right, r"outside\.onnx: its weights lie in other files: expected all in one"),
        (bare, right, r"bare\.onnx: expected a network whose metadata says model_type = pyannote-segmentation-3\.0, got none"),
        (right, other, r"other\.onnx: expected a network whose metadata says framework = 3d-speaker, got wespeaker"),
    ):
        with pytest.raises(ModelError, match=reason):
            make_bundle(segmentation, embedding, out)
    assert not out.exists()


@pytest.mark.parametrize("steps", [12, 99, 100, 101, 250])
def test_gates_by_segment_are_those_of_every_frame(campplus: onnx.ModelProto, steps: int) -> None:
    features = np.random.default_rng(0).standard_normal((1, 2 * steps, 80)).astype(np.float32)
    ends = ["/xvector/block1/tdnnd1/cam_layer/Mul_1_output_0", "/xvector/transit3/linear/Conv_output_0"]
    plain, cut = values(campplus, ends, {"x": features}), values(gated_by_segment(campplus), ends, {"x": features})
    for name in ends:
        np.testing.assert_allclose(cut[name], plain[name], atol=1e-4)


def test_eight_bits_keep_the_frames_and_what_they_say(shared: Path, tmp_path: Path, speech: np.ndarray) -> None:
    teachers = shared / "teachers" / "segmentation_3.onnx", shared / "teachers" / "campplus_192.onnx"
    with pytest.raises(ModelError, match="int8 is fitted to speech: give a folder of recordings with --calibrate"):
        make_bundle(*teachers, tmp_path / "int8", "int8")
    with pytest.raises(ModelError, match=r"gone: no such file: expected the backend\.safetensors of a model"):
        make_bundle(*teachers, tmp_path / "int8", backend=tmp_path / "gone")
    made, gate = make_bundle(*teachers, tmp_path / "int8", "int8", speech=DIALOGUE.parent, gate=DIALOGUE.parent, backend=BACKEND)
    assert (tmp_path / "int8" / "backend.safetensors").read_bytes() == BACKEND.read_bytes()
    assert gate.precision == "int8" and gate.comparison is not None and gate.comparison.agreement > 0.95
    assert json.loads((tmp_path / "int8" / "gate.json").read_text())["comparison"]["der"] == list(gate.comparison.der)
    floats, bytes_ = onnx.load(teachers[1]), onnx.load(tmp_path / "int8" / "encode.onnx")
    assert (tmp_path / "int8" / "encode.onnx").stat().st_size < 10e6
    for samples in (1600, 16_000, 63_999, 80_000):
        heard = speech[:, :samples]
        frames, expected = run(bytes_, waveform=heard), run(encode_graph(floats), waveform=heard)
        assert frames.shape == expected.shape
        weights = np.ones((1, 1, frames.shape[1]), np.float32)
        voice, same = (run(embed_graph(floats), frames=each, weights=weights)[0, 0] for each in (frames, expected))
        assert voice @ same > (0.97 if samples >= 16_000 else 0.85)  # a tenth of a second is five frames
    assert load(tmp_path / "int8").model.bundle == made


def test_two_teachers_become_a_model_that_hears(shared: Path, tmp_path: Path) -> None:
    teachers = shared / "teachers"
    (tmp_path / "backend.safetensors").write_bytes(b"of other vectors")
    networks = teachers / "segmentation_3.onnx", teachers / "campplus_192.onnx"
    made, gate = make_bundle(*networks, tmp_path, gate=DIALOGUE.parent)
    assert gate.precision == "fp16" and gate.comparison is not None
    assert set(made.files) == {"activity.onnx", "encode.onnx", "embed.onnx"}
    assert read_bundle(tmp_path) == made
    assert sum((tmp_path / name).stat().st_size for name in made.files) < 20e6
    samples = audio.read(DIALOGUE)[: 16 * RATE]
    assert len(load(tmp_path)(samples, RATE).speakers) == 3
