"""What each encoder, temporal block and pooling costs in torch for a clip of 3 s, on one thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs fastdiar[train]")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402 - where there is torch

from fastdiar import registry  # noqa: E402
from fastdiar.core.types import RATE, Frames  # noqa: E402

SAMPLES = 3 * RATE
Note = Callable[..., None]
FRAMES = Frames(dim=256, hop=320.0, first=0.0)
COUNT = SAMPLES // 320
CASES = [
    *(("encoder", name) for name in ("cnn", "rescnn", "melrescnn", "campplus")),
    *(("temporal", name) for name in ("bigru", "mhsa")),
    *(("pooling", name) for name in ("attention", "average", "statistics")),
]


@pytest.mark.benchmark(group="components, 3 s")
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_component(benchmark: Any, note: Note, kind: str, name: str) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    component: Any = registry.lookup(kind, name)
    config = component.config_class()
    module = (component(config) if kind == "encoder" else component(config, FRAMES)).eval()
    given = {
        "encoder": (torch.randn(1, SAMPLES), torch.tensor([SAMPLES])),
        "temporal": (torch.randn(1, COUNT, FRAMES.dim), torch.tensor([COUNT])),
        "pooling": (torch.randn(1, COUNT, FRAMES.dim), torch.ones(1, 1, COUNT)),
    }[kind]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*given)
    with torch.inference_mode():
        found = benchmark.pedantic(module, given, rounds=20, warmup_rounds=3)
    first = found[0] if isinstance(found, tuple) else found
    assert torch.isfinite(first).all() and first.shape[-1] == (module.out if kind == "pooling" else module.out.dim)
    macs = counter.get_total_flops() // 2 or None  # what only adds up has no products
    note(1, sum(each.numel() for each in module.parameters()), macs, runtime="torch", precision="fp32", batch=1)
