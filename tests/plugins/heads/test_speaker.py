"""The speaker head: what its embedding is, and its two classifiers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper

from fastdiar.core.errors import ModelError
from fastdiar.plugins.heads.speaker import Speaker, SpeakerConfig

LABELS = tuple("abcde")


def test_the_owners_head() -> None:
    head = Speaker(SpeakerConfig(), 512, LABELS)
    expected = (512 * 256 + 256) + (256 * 128 + 128) + (128 * 5 + 5)
    assert sum(parameter.numel() for parameter in head.parameters()) == expected
    assert (head.task, head.level, head.embedding) == ("speaker", "clip", 128)


def test_the_embedding_is_the_last_hidden_layer_before_its_relu() -> None:
    head, x = made("linear").eval(), torch.randn(3, 8)
    first, last = head.hidden
    voice = last(F.relu(first(x)))
    output = head(x)
    torch.testing.assert_close(output.embedding, voice / voice.norm(dim=1, keepdim=True))
    assert (output.embedding < 0).any()
    torch.testing.assert_close(output.logits, head.classifier(F.relu(voice)))


def test_cosine_logits_are_scaled_angles() -> None:
    head, x = made("cosine").eval(), torch.randn(3, 8)
    output = head(x)
    angles = F.cosine_similarity(output.embedding[:, None], head.classifier.weight[None], dim=-1)
    torch.testing.assert_close(output.logits, 30 * angles)
    assert head.classifier.bias is None


def test_dropout_works_in_training_and_spares_the_embedding_that_cosines_use() -> None:
    x = torch.randn(64, 8)
    for classifier in ("linear", "cosine"):
        head = made(classifier).train()
        assert not torch.equal(head(x).logits, head(x).logits)
    alone = Speaker(SpeakerConfig(hidden=(4,), classifier="cosine"), 8, LABELS).train()
    assert torch.equal(alone(x).logits, alone(x).logits)


def test_of_several_centres_the_nearest_counts() -> None:
    torch.manual_seed(0)
    head = Speaker(SpeakerConfig(hidden=(6,), classifier="cosine", scale=10.0, centres=3), 4, ("a", "b")).eval()
    output = head(torch.randn(5, 4))
    directions = F.normalize(head.classifier.weight, dim=-1).view(2, 3, 6)
    for clip, logits in zip(output.embedding, output.logits, strict=True):
        for speaker in range(2):
            assert logits[speaker].item() == pytest.approx(
                10 * max((clip @ each).item() for each in directions[speaker]), abs=1e-5
            )


def test_a_linear_classifier_has_one_centre() -> None:
    with pytest.raises(ValueError, match='needs classifier = "cosine": 2'):
        SpeakerConfig(centres=2)


def made(classifier: str) -> Speaker:
    torch.manual_seed(0)
    return Speaker(SpeakerConfig(hidden=(6, 4), classifier=classifier), 8, LABELS)


def test_an_embedding_alone_has_no_classes() -> None:
    head = Speaker(SpeakerConfig(hidden=(6,), classifier="none", centred=True), 8, ("ada", "bo"))
    output = head(torch.randn(5, 8))
    assert output.logits is None and not head.classifies
    assert output.embedding.shape == (5, 6)
    assert sum(parameter.numel() for parameter in head.parameters()) == 8 * 6 + 6


def test_a_centred_embedding_leaves_out_what_all_voices_share() -> None:
    torch.manual_seed(0)
    head = Speaker(SpeakerConfig(hidden=(6,), classifier="none", centred=True), 8, ())
    voices = torch.randn(64, 8) + 100
    for _ in range(100):
        head(voices)
    assert head.eval()(voices).embedding.mean(0).norm() < 0.3


def test_the_embedding_can_start_from_a_teachers_last_layer(teacher_file: Path) -> None:
    head = Speaker(SpeakerConfig(hidden=(3,), classifier="none", centred=True, start=teacher_file), 4, LABELS).eval()
    head.begin()
    x = torch.randn(2, 4)
    expected = (F.linear(x, torch.arange(12.0).reshape(3, 4)) - 1) / (4 + head.centre.eps) ** 0.5
    torch.testing.assert_close(head(x).embedding, F.normalize(expected, dim=-1))


def test_a_teachers_last_layer_of_other_sizes_is_an_error(teacher_file: Path) -> None:
    head = Speaker(SpeakerConfig(hidden=(3,), start=teacher_file), 8, LABELS)
    with pytest.raises(ModelError, match=r"teacher\.onnx: its last layer makes 4 → 3: expected 8 → 3"):
        head.begin()


def test_without_a_start_nothing_changes() -> None:
    head = made("none")
    before = {name: tensor.clone() for name, tensor in head.state_dict().items()}
    head.begin()
    assert all(torch.equal(tensor, before[name]) for name, tensor in head.state_dict().items())


@pytest.fixture
def teacher_file(tmp_path: Path) -> Path:
    """A convolution of width 1 and a norm, as CAM++ ends."""
    weights = {"weight": np.arange(12.0).reshape(3, 4, 1), "one": np.ones(3), "zero": np.zeros(3), "variance": np.full(3, 4.0)}
    nodes = [
        helper.make_node("Conv", ["pooled", "weight"], ["raw"]),
        helper.make_node("BatchNormalization", ["raw", "one", "zero", "one", "variance"], ["embedding"]),
    ]
    put = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, size, 1])
        for name, size in (("pooled", 4), ("embedding", 3))
    ]
    tensors = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    path = tmp_path / "teacher.onnx"
    onnx.save(helper.make_model(helper.make_graph(nodes, "teacher", put[:1], put[1:], tensors)), path)
    return path
