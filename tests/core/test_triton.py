"""A bundle as a model repository: what Triton's own grammar reads is what the graphs say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

onnxruntime = pytest.importorskip("onnxruntime")
protobuf = pytest.importorskip("google.protobuf")

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from fastdiar.core.errors import ModelError
from fastdiar.core.triton import write_repository
from fastdiar.diarization.model import find_model, shipped

FIELD = descriptor_pb2.FieldDescriptorProto
KINDS = {"string": FIELD.TYPE_STRING, "int32": FIELD.TYPE_INT32, "int64": FIELD.TYPE_INT64, "uint64": FIELD.TYPE_UINT64}
MESSAGES = {
    "ModelTensorReshape": {"shape": (1, "int64", True)},
    "ModelInput": {
        "name": (1, "string", False),
        "data_type": (2, "DataType", False),
        "dims": (4, "int64", True),
        "reshape": (5, "ModelTensorReshape", False),
    },
    "ModelOutput": {
        "name": (1, "string", False),
        "data_type": (2, "DataType", False),
        "dims": (3, "int64", True),
        "reshape": (5, "ModelTensorReshape", False),
    },
    "ModelDynamicBatching": {"max_queue_delay_microseconds": (2, "uint64", False)},
    "ModelConfig": {
        "name": (1, "string", False),
        "backend": (17, "string", False),
        "max_batch_size": (4, "int32", False),
        "input": (5, "ModelInput", True),
        "output": (6, "ModelOutput", True),
        "dynamic_batching": (11, "ModelDynamicBatching", False),
    },
}
"""The part of Triton's model_config.proto that is used: name, number and type of each field, and whether it is repeated."""
TYPES = {"tensor(float)": 11, "tensor(int64)": 9}
"""Numbers of Triton's DataType."""


@pytest.fixture(scope="module")
def model_config() -> Any:
    """The message that a config.pbtxt is."""
    file = descriptor_pb2.FileDescriptorProto(name="model_config.proto", package="inference", syntax="proto3")
    numbers = file.enum_type.add(name="DataType")
    for name, number in (("TYPE_INVALID", 0), ("TYPE_INT64", 9), ("TYPE_FP32", 11)):
        numbers.value.add(name=name, number=number)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in fields.items():
            added = message.field.add(name=field, number=number, label=3 if repeated else 1)
            if kind in KINDS:
                added.type = KINDS[kind]
            else:
                added.type = FIELD.TYPE_ENUM if kind == "DataType" else FIELD.TYPE_MESSAGE
                added.type_name = f".inference.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("inference.ModelConfig"))


@pytest.mark.parametrize("model", shipped())
def test_every_graph_of_a_model_that_ships(model: str, model_config: Any, tmp_path: Path) -> None:
    bundle = find_model(model)
    names = write_repository(bundle, tmp_path, prefix=f"{model}_", batch=8, wait=1.5)
    assert sorted(names) == sorted(f"{model}_{path.stem}" for path in bundle.glob("*.onnx"))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    for name in names:
        graph = tmp_path / name / "1" / "model.onnx"
        assert graph.read_bytes() == (bundle / f"{name.removeprefix(model + '_')}.onnx").read_bytes()
        config = text_format.Parse((tmp_path / name / "config.pbtxt").read_text(), model_config())
        assert (config.name, config.backend, config.max_batch_size) == (name, "onnxruntime", 8)
        assert config.dynamic_batching.max_queue_delay_microseconds == 1500
        session = onnxruntime.InferenceSession(graph)
        for written, read in ((config.input, session.get_inputs()), (config.output, session.get_outputs())):
            assert [_tensor(each) for each in written] == [_expected(each) for each in read]


def _tensor(written: Any) -> tuple[str, int, list[int]]:
    """Name, type and shape without the batch, as the graph is given them."""
    if written.HasField("reshape"):
        assert list(written.dims) == [1]  # one number of each clip
        return written.name, written.data_type, list(written.reshape.shape)
    return written.name, written.data_type, list(written.dims)


def _expected(tensor: Any) -> tuple[str, int, list[int]]:
    return tensor.name, TYPES[tensor.type], [size if isinstance(size, int) else -1 for size in tensor.shape[1:]]


def test_a_graph_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "encode.onnx").write_text("dear diary")
    with pytest.raises(ModelError, match=r"encode\.onnx: not a graph that onnxruntime can run"):
        write_repository(tmp_path, tmp_path / "repository")
    assert not (tmp_path / "repository").exists()
