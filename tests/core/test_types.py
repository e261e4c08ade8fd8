"""Batches can be taken apart."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from fastdiar.core.types import Batch


def test_some_clips_are_a_batch_with_all_that_belongs_to_them() -> None:
    waveform, activity = torch.arange(12.0).reshape(4, 3), torch.arange(8.0).reshape(4, 2, 1)
    batch = Batch(
        waveform, torch.tensor([3, 2, 1, 3]), {"speaker": torch.tensor([5, 6, 7, -1])}, tuple("abcd"), activity, epoch=2
    )
    some = batch.take([3, 1])
    assert some.waveform.tolist() == [[9, 10, 11], [3, 4, 5]]
    assert (some.lengths.tolist(), some.labels["speaker"].tolist(), some.keys) == ([3, 2], [-1, 6], ("d", "b"))
    assert some.activity is not None and some.activity.flatten().tolist() == [6, 7, 2, 3]
    assert some.epoch == 2


def test_a_batch_without_keys_or_clips_can_be_taken_from() -> None:
    batch = Batch(torch.zeros(2, 3), torch.tensor([3, 3]), {})
    assert batch.take([1]).keys == ()
    assert batch.take([]).waveform.shape == (0, 3)
