"""CAM++ is the published network, and can be cut out of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor, nn

from fastdiar.core.errors import ModelError
from fastdiar.core.types import Frames
from fastdiar.plugins.encoders.campplus import CamPlusPlus, CamPlusPlusConfig

TRUNK = "/xvector/out_nonlinear/relu/Relu_output_0"
SMALL = {"residual": (1, 1), "stride": 2, "layers": (4, 2)}
SPEECH = "data/LibriSpeech/test-other/1688/142285/1688-142285-0003.flac"


def test_parameters_of_the_published_network() -> None:
    """6.85 million with its dense layer of 1024 x 192 without a bias, and without the norm behind it."""
    whole = CamPlusPlus(CamPlusPlusConfig())
    biases = sum(module.num_features for module in whole.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d))
    assert sum(parameter.numel() for parameter in whole.parameters()) == pytest.approx(6_848_544 - 1024 * 192, abs=2 * biases)
    assert whole.out == Frames(512, 320.0, 79.5)


def test_a_cut_network_has_frames_of_40_ms() -> None:
    cut = CamPlusPlus(CamPlusPlusConfig(**SMALL))
    frames, lengths = cut.eval()(torch.randn(2, 16000), torch.tensor([16000, 8001]))
    assert cut.out == Frames(512, 640.0, 79.5)
    assert frames.shape == (2, 25, 512)
    assert lengths.tolist() == [25, 13]


def test_early_layers_may_stand_behind_what_tells_voices_apart() -> None:
    torch.manual_seed(0)
    plain = CamPlusPlus(CamPlusPlusConfig(**SMALL)).eval()
    both = CamPlusPlus(CamPlusPlusConfig(**SMALL, early=True)).eval()
    both.load_state_dict(plain.state_dict())
    waveform, lengths = torch.randn(2, 16000), torch.tensor([16000, 8001])
    frames, _ = both(waveform, lengths)
    assert (both.out.dim, both.out.of_voice, frames.shape) == (640, plain.out, (2, 25, 640))
    torch.testing.assert_close(frames[..., :512], plain(waveform, lengths)[0])
    assert frames[1, 13:].eq(0).all() and frames[0, :, 512:].std() > 0


def test_it_takes_over_the_whole_teacher(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the same features, frames are those of the ONNX file."""
    features, expected = _teacher(shared)
    encoder = CamPlusPlus(CamPlusPlusConfig(start=shared / "teachers/campplus_192.onnx")).eval()
    monkeypatch.setattr(encoder, "mel", _Given(features))
    encoder.begin(torch.zeros(1, 1), torch.ones(1))
    with torch.no_grad():
        frames, _ = encoder(torch.zeros(1, 1), torch.ones(1))
    torch.testing.assert_close(frames, expected, atol=1e-4, rtol=1e-4)


def test_norms_are_set_so_that_training_starts_where_evaluation_stands(shared: Path) -> None:
    config = CamPlusPlusConfig(residual=(1, 1), stride=2, layers=(2, 1), start=shared / "teachers/campplus_192.onnx")
    encoder = CamPlusPlus(config)
    clip = torch.from_numpy(soundfile.read(shared / SPEECH, dtype="float32")[0])[None, :48000]
    lengths = torch.tensor([48000])
    encoder.begin(clip, lengths)
    with torch.no_grad():
        front, _ = encoder.eval().front(*encoder.mel(clip, lengths))
        trained, _ = encoder.train().front(*encoder.mel(clip, lengths))
    torch.testing.assert_close(front, trained, atol=1e-3, rtol=1e-3)


def test_a_cut_network_starts_near_the_whole_one(shared: Path) -> None:
    """Before any training its frames follow the whole network's on speech it was not fitted to."""
    start = shared / "teachers/campplus_192.onnx"
    samples = soundfile.read(shared / SPEECH, dtype="float32")[0]
    clips = torch.stack([torch.from_numpy(samples[begin : begin + 32000]) for begin in range(0, 48000, 8000)])
    lengths = torch.full((len(clips),), 32000)
    whole, cut = (CamPlusPlus(CamPlusPlusConfig(start=start, **config)) for config in ({}, SMALL))
    for encoder in (whole, cut):
        encoder.begin(clips[:5], lengths[:5])
        encoder.eval()
    with torch.no_grad():
        wanted = whole(clips[5:], lengths[5:])[0].unflatten(1, (-1, 2)).mean(2)
        given = cut(clips[5:], lengths[5:])[0]
    assert (given - wanted).square().mean() < 0.9 * wanted.flatten(0, 1).var(0).mean()


@pytest.mark.parametrize("content", [b"", b"not a graph"])
def test_a_start_that_is_no_network(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.onnx").write_bytes(content)
    encoder = CamPlusPlus(CamPlusPlusConfig(layers=(1, 1), start=tmp_path / "x.onnx"))
    with pytest.raises(ModelError, match=r"x\.onnx: (not an ONNX file|is not a CAM\+\+)"):
        encoder.begin(torch.zeros(1, 8000), torch.tensor([8000]))


def test_a_start_that_is_another_network(shared: Path) -> None:
    encoder = CamPlusPlus(CamPlusPlusConfig(layers=(1, 1), start=shared / "teachers/segmentation_3.onnx"))
    with pytest.raises(ModelError, match=r"segmentation_3\.onnx: is not a CAM\+\+ as expected: no operator gives"):
        encoder.begin(torch.zeros(1, 8000), torch.tensor([8000]))


class _Given(nn.Module):
    """A front end that hears the same whatever it is given."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features = features

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return self.features, torch.tensor([self.features.shape[-1]])


def _teacher(shared: Path) -> tuple[Tensor, Tensor]:
    """Features `[1, 80, spectra]` of real speech, and the ONNX file's frames `[1, frames, 512]` for them."""
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    from torchaudio.compliance.kaldi import fbank

    samples = torch.from_numpy(soundfile.read(shared / SPEECH, dtype="float32")[0])[None, :40000]
    features = fbank(samples, num_mel_bins=80, sample_frequency=16000)
    features = (features - features.mean(0))[None]
    model = onnx.load(shared / "teachers/campplus_192.onnx")
    model.graph.output.append(onnx.ValueInfoProto(name=TRUNK))
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    trunk = session.run([TRUNK], {"x": features.numpy()})[0]
    return features.transpose(1, 2), torch.from_numpy(np.swapaxes(trunk, 1, 2))
