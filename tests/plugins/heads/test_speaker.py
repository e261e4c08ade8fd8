"""The speaker head: what its embedding is, and its two classifiers."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

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
