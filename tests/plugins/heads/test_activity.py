"""The activity head: local voices, decided more often than the network has frames."""

from __future__ import annotations

import torch

from fastdiar.core.bundle import Activity
from fastdiar.core.types import Frames
from fastdiar.plugins.heads.activity import ActivityConfig, ActivityHead


def test_it_decides_several_times_a_frame() -> None:
    head = ActivityHead(ActivityConfig(hidden=4, subframes=2), Frames(6, 640.0, 79.5), ())
    assert head.activity == Activity(320.0, -80.5, 3, 2)
    assert head(torch.randn(2, 5, 6), torch.tensor([5, 3])).logits.shape == (2, 10, 7)


def test_subframes_lie_evenly_within_their_frame() -> None:
    """Their mean centre is the frame's."""
    for subframes in (1, 2, 4):
        grid = ActivityHead(ActivityConfig(hidden=2, subframes=subframes), Frames(3, 640.0, 79.5), ()).activity
        assert grid.first + (subframes - 1) / 2 * grid.hop == 79.5


def test_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    head = ActivityHead(ActivityConfig(hidden=4), Frames(6, 640.0, 79.5), ()).eval()
    frames = torch.randn(2, 9, 6)
    frames[1, 4:] = 0
    together = head(frames, torch.tensor([9, 4])).logits
    torch.testing.assert_close(together[1:, :8], head(frames[1:, :4], torch.tensor([4])).logits)
