"""What was drawn can be told, clip by clip."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from fastdiar.core.draws import told


def test_numbers_of_a_clip_are_told_and_nothing_else() -> None:
    drawn = {"snr": torch.tensor([12.5, torch.inf]), "noise": torch.zeros(2, 9), "start": torch.tensor([3, 4])}
    assert told(drawn, 0) == {"snr": 12.5, "start": 3}
    assert told(drawn, 1) == {"start": 4}


def test_of_choices_only_that_of_the_clip_is_told() -> None:
    drawn = {
        "loud.clips": torch.tensor([4, 1]),
        "loud.gain": torch.tensor([6.0, -3.0]),
        "more.clips": torch.tensor([0]),
        "more.mute.clips": torch.tensor([0]),
        "more.mute.length": torch.tensor([80]),
    }
    assert [told(drawn, clip) for clip in (0, 1, 2, 4)] == [{"more.mute.length": 80}, {"loud.gain": -3}, {}, {"loud.gain": 6}]
