"""The average of a network over its steps."""

from __future__ import annotations

import torch
from torch import nn

from fastdiar.training.ema import averaged


def test_it_forgets_the_beginning_soon_and_then_moves_slowly() -> None:
    network = nn.BatchNorm1d(1)
    average = averaged(network, decay=0.3)
    expected = None
    for steps, value in enumerate((5.0, 1.0, -2.0, 4.0, 0.0, 3.0)):
        nn.init.constant_(network.weight, value)
        network.running_mean.fill_(-value)
        network.num_batches_tracked.fill_(steps + 1)
        average.update_parameters(network)
        decay = min(0.3, (1 + steps) / (10 + steps))
        expected = value if expected is None else decay * expected + (1 - decay) * value
        torch.testing.assert_close(average.module.weight.detach(), torch.tensor([expected]))
        torch.testing.assert_close(average.module.running_mean, torch.tensor([-expected]))
    assert average.module.num_batches_tracked == 6
    assert not average.module.training and network.training
