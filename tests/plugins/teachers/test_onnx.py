"""A teacher in an ONNX file: what it hears, what it says, and files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper

from fastdiar.core.errors import ModelError, TrainingError
from fastdiar.plugins.teachers.onnx import OnnxTeacher, OnnxTeacherConfig

CAMPPLUS = {
    "features": "fbank",
    "embedding": "embedding",
    "frames": "/xvector/out_nonlinear/relu/Relu_output_0",
    "frames_last": True,
}


def test_it_says_what_is_named_in_the_file(shared: Path) -> None:
    teacher = OnnxTeacher(OnnxTeacherConfig(path=shared / "teachers/campplus_192.onnx", **CAMPPLUS))
    output = teacher(0.1 * torch.randn(2, 16000), torch.tensor([16000, 16000]))
    assert output.logits is None
    assert output.embedding.shape == (2, 192)
    assert output.frames.shape == (2, 49, 512)


def test_padding_is_not_heard(shared: Path) -> None:
    teacher = OnnxTeacher(OnnxTeacherConfig(path=shared / "teachers/campplus_192.onnx", **CAMPPLUS))
    clips = 0.1 * torch.randn(2, 16000, generator=torch.Generator().manual_seed(0))
    clips[1, 12000:] = 0
    both = teacher(clips, torch.tensor([16000, 12000]))
    alone = teacher(clips[1:, :12000], torch.tensor([12000]))
    torch.testing.assert_close(both.embedding[1:], alone.embedding, atol=1e-4, rtol=1e-4)
    assert not both.frames[1, alone.frames.shape[1] :].any()


def test_a_waveform_with_a_channel(shared: Path) -> None:
    teacher = OnnxTeacher(OnnxTeacherConfig(path=shared / "teachers/segmentation_3.onnx", logits="y"))
    output = teacher(torch.zeros(1, 160000), torch.tensor([160000]))
    assert output.logits.shape == (1, 589, 7)
    torch.testing.assert_close(output.logits.exp().sum(-1), torch.ones(1, 589), atol=1e-3, rtol=0)


def test_a_tensor_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"small\.onnx: has no tensor 'embeding' \(did you mean 'embedding'\?\)"):
        OnnxTeacher(OnnxTeacherConfig(path=small(tmp_path), embedding="embeding"))


def test_nothing_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"says nothing as a teacher: name its logits, embedding or frames"):
        OnnxTeacher(OnnxTeacherConfig(path=small(tmp_path)))


def test_a_clip_that_it_cannot_hear(tmp_path: Path) -> None:
    teacher = OnnxTeacher(OnnxTeacherConfig(path=small(tmp_path), embedding="embedding"))
    assert teacher(torch.ones(3, 4), torch.full((3,), 4)).embedding.tolist() == [[4.0, 8.0]] * 3
    with pytest.raises(TrainingError, match=r"small\.onnx: cannot hear clips of 0\.00 s"):
        teacher(torch.ones(3, 5), torch.full((3,), 5))


@pytest.mark.parametrize("content", [b"no graph at all", b""])
def test_a_file_that_is_no_network(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    with pytest.raises((ModelError, TrainingError), match=r"x\.onnx: (not an ONNX file|has no tensor)"):
        OnnxTeacher(OnnxTeacherConfig(path=path, logits="y"))


def test_data_outside_the_file_is_not_read(tmp_path: Path) -> None:
    path = small(tmp_path)
    model = onnx.load(path)
    weight = model.graph.initializer[0]
    (tmp_path / "secret").write_bytes(weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../" * 8 + str(tmp_path / "secret").lstrip("/"))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"small\.onnx: its weights lie in other files"):
        OnnxTeacher(OnnxTeacherConfig(path=path, embedding="embedding"))


def small(folder: Path) -> Path:
    """A network of one product: `[batch, 4]` samples → `embedding [batch, 2]`."""
    weight = numpy_helper.from_array(np.array([[1, 2]] * 4, np.float32), "weight")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weight"], ["embedding"])],
        "small",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("embedding", onnx.TensorProto.FLOAT, ["batch", 2])],
        [weight],
    )
    path = folder / "small.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path
