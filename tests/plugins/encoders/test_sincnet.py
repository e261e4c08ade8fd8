"""SincNet and the activity head are segmentation-3.0 where they start from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from fastdiar.core.errors import ModelError
from fastdiar.core.onnx_graphs import write_graphs
from fastdiar.core.types import RATE
from fastdiar.network import Network
from fastdiar.plugins.encoders.sincnet import HOP, REACH, SincBands, SincNet, SincNetConfig
from fastdiar.plugins.heads.activity import ActivityConfig, ActivityHead


@pytest.fixture(scope="module")
def published(shared: Path) -> Path:
    return shared / "teachers/segmentation_3.onnx"


@pytest.fixture(scope="module")
def network(published: Path) -> Network:
    encoder = SincNet(SincNetConfig(start=published))
    encoder.begin(torch.zeros(1, 1), torch.ones(1))
    config = ActivityConfig(cell="lstm", layers=4, dense=(128, 128), subframes=1, start=published)
    head = ActivityHead(config, encoder.out, ())
    head.begin()
    return Network(encoder, {}, None, {"activity": head}, {"activity": ()}).eval()


def test_it_hears_what_the_published_network_hears(network: Network, published: Path, dialogue: np.ndarray) -> None:
    """At the times of its frames, which begin further from a clip's edge."""
    clip = dialogue[None, : 10 * RATE]
    session = onnxruntime.InferenceSession(published, providers=["CPUExecutionProvider"])
    theirs = np.exp(session.run(None, {"x": clip[:, None]})[0])[0]
    with torch.no_grad():
        mine = network.active(*network.encode(torch.from_numpy(clip), torch.tensor([clip.shape[1]])))[0].numpy()
    places = REACH + HOP * np.arange(len(theirs))
    here = np.stack([np.interp(places, HOP * np.arange(len(mine)), column) for column in mine.T], axis=1)
    assert np.abs(here - theirs).mean() < 0.02
    assert np.mean(here.argmax(1) == theirs.argmax(1)) > 0.98


@pytest.mark.parametrize(("precision", "largest"), [("fp32", 6.2e6), ("int8", 1.8e6)])
def test_it_is_exported_as_one_graph(
    network: Network, dialogue: np.ndarray, tmp_path: Path, precision: str, largest: float
) -> None:
    parity = write_graphs(network, tmp_path, {}, precision, lambda: [dialogue[:RATE]])
    assert [path.name for path in tmp_path.iterdir()] == list(parity) == ["activity.onnx"]
    assert (tmp_path / "activity.onnx").stat().st_size < largest
    assert parity["activity.onnx"].outputs < (1e-4 if precision == "fp32" else 0.1)


def test_filters_pass_the_bands_they_are_made_for() -> None:
    bands = SincBands()
    response = torch.fft.rfft(bands.filters()[:, 0], 16 * RATE // 10).abs()
    loudest = response.argmax(1) * RATE / (16 * RATE // 10)
    low = 50 + bands.low.detach()
    high = low + 50 + bands.width.detach()
    for half in loudest.split(40):
        assert ((half > low - 40) & (half < high + 40)).all()


def test_a_start_that_is_another_network(shared: Path) -> None:
    path = shared / "teachers/campplus_192.onnx"
    with pytest.raises(
        ModelError, match=r"campplus_192\.onnx: is not segmentation-3\.0 as expected: no 'sincnet\.conv1d\.0\.filter"
    ):
        SincNet(SincNetConfig(start=path)).begin(torch.zeros(1, 1), torch.ones(1))


def test_a_head_of_other_sizes_cannot_start_from_it(published: Path) -> None:
    head = ActivityHead(
        ActivityConfig(cell="lstm", layers=3, dense=(128, 128), start=published), SincNet(SincNetConfig()).out, ()
    )
    with pytest.raises(ModelError, match=r"segmentation_3\.onnx: its layers are not those of this head"):
        head.begin()
