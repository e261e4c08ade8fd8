"""The kit finds what is broken, and says what was promised, what came and how to see it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch")
from attrs import field
from torch import Tensor, nn

from fastdiar.core.component import Part
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import RecipeError, RegistryError
from fastdiar.core.interfaces import Augmentation, Encoder, Loss, Pooling
from fastdiar.core.layers import shares
from fastdiar.core.types import Batch, Frames
from fastdiar.testing import ConformanceError, check, promised
from fastdiar.testing.subject import Broken, Subject

HOP = 100


@attrs.frozen
class Config:
    """What every component here takes."""

    probability: float = field(default=1.0, metadata={"help": "share of clips"})


@attrs.frozen
class Silent:
    """Says nothing of its key."""

    size: int = 1


class Leaky(Encoder):
    """Hears the padding."""

    config_class = Config
    out = Frames(4, float(HOP), 49.5)

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 4, 301, HOP, padding=150)

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Without a mask."""
        count = (lengths + HOP - 1) // HOP
        return self.conv(waveform[:, None]).transpose(1, 2), count


class Astray(Leaky):
    """Says that its frames lie three hops later than they do."""

    out = Frames(4, float(HOP), 349.5)


class Mean(Pooling):
    """Good."""

    config_class = Config

    def __init__(self, config: Config, frames: Frames) -> None:
        super().__init__()
        self.out = frames.dim

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """The mean."""
        return shares(weights) @ frames


class TooLong(Mean):
    """Promises one number more than it gives."""

    def __init__(self, config: Config, frames: Frames) -> None:
        super().__init__(config, frames)
        self.out += 1


class Deaf(Mean):
    """Does not ask for the weights."""

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """The mean of all."""
        return frames.mean(1, keepdim=True).expand(-1, weights.shape[1], -1)


class Moody(Mean):
    """Draws from the global generator."""

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """The mean, more or less."""
        return super().forward(frames, weights) + torch.rand(())


class Idle(Mean):
    """Has a parameter that nothing uses."""

    def __init__(self, config: Config, frames: Frames) -> None:
        super().__init__(config, frames)
        self.unused = nn.Parameter(torch.zeros(1))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """The mean, scaled."""
        return super().forward(frames, weights) * self.scale


class Rooted(Mean):
    """Keeps a tensor that does not move with it."""

    def __init__(self, config: Config, frames: Frames) -> None:
        super().__init__(config, frames)
        self.scale = torch.ones(frames.dim)

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """The mean, on the CPU."""
        return super().forward(frames, weights) * self.scale


class Louder(Augmentation):
    """Draws where it should apply."""

    config_class = Config

    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Nothing."""
        return {}

    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """In place, too."""
        batch.waveform.mul_(1 + torch.rand(()))
        return batch


class Greedy(Loss):
    """Takes an unknown label for the last class."""

    config_class = Config

    def __init__(self, config: Config, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()

    def forward(self, outputs: Any, batch: Batch, teacher: Any = None) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy."""
        logits = outputs["speaker"].logits
        return nn.functional.cross_entropy(logits, batch.labels["speaker"] % logits.shape[1]), {}


@attrs.frozen
class Corpus:
    """Where."""

    root: Path = field(metadata={"help": "a folder"})


class Curious(Dataset):
    """Listens before it lists."""

    config_class = Corpus

    def entries(self) -> list[Entry]:
        """One, twice."""
        (path,) = self.config.root.glob("*.wav")
        return [Entry("same", path, {"speaker": str(len(soundfile.read(path)[0]))})] * 2


def broken(kind: str, component: type, config: Any) -> dict[str, str]:
    """Every promise that a component breaks but that of ONNX, and what came."""
    found = {}
    for promise in promised(kind):
        try:
            if promise.name != "exports_to_onnx":
                promise.keep(Subject(kind, "x", Part("x", config, component), {}))
        except Broken as error:
            found[promise.name] = str(error)
        except Exception:  # noqa: BLE001 - it is not installed, so its config cannot be read as a recipe's
            continue
    return found


@pytest.mark.parametrize(
    ("kind", "component", "promise", "came"),
    [
        ("encoder", Leaky, "ignores_padding", r"frames of a clip of 4801 samples, padded to 6000: apart by"),
        ("encoder", Leaky, "says_what_it_gives", "not zero behind the end of a clip"),
        ("encoder", Astray, "knows_where_its_frames_are", r"lies -3\d\d samples from where out\.first and out\.hop put it"),
        ("pooling", TooLong, "says_what_it_gives", r"shape \[2, 3, 24\] instead of \[2, 3, 25\]"),
        ("pooling", Deaf, "hears_only_frames_with_weight", "without the frames of weight 0: apart by"),
        ("pooling", Moody, "repeats_itself", "torch's global generator moved on"),
        ("pooling", Idle, "learns_with_every_parameter", "no gradient for unused"),
        ("pooling", Rooted, "moves_to_another_device", "RuntimeError: .*meta"),
        ("augmentation", Louder, "draws_from_its_generator_alone", "torch's global generator moved on"),
        ("augmentation", Louder, "changes_sound_and_nothing_else", "the batch that came was changed in place"),
        ("loss", Greedy, "leaves_out_what_is_unknown", "the loss with and without clips of unknown label: apart by"),
    ],
)
def test_what_is_broken_is_found(kind: str, component: type, promise: str, came: str) -> None:
    assert re.search(came, broken(kind, component, Config())[promise])


def test_a_good_component_breaks_nothing_else() -> None:
    found = broken("pooling", Mean, Config())
    assert not found.keys() - {"config_comes_back", "config_is_strict"}
    assert broken("pooling", Mean, Silent())["explains_itself"] == "no help for size"


def test_a_dataset_that_listens_is_found(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    found = broken("dataset", Curious, Corpus(tmp_path))
    assert found["lists_without_opening_audio"] == f"read {tmp_path / 'a.wav'}"
    assert found["lists_the_same_each_time"] == "the key 'same' is there 2 times"


def test_a_failure_says_what_was_promised_what_came_and_how_to_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastdiar.plugins.pooling.average.Average.forward", lambda self, frames, weights: frames)
    with pytest.raises(ConformanceError) as caught:
        check("pooling", "average", only="says_what_it_gives")
    lines = str(caught.value).splitlines()
    assert lines[0] == "pooling average breaks its promise says_what_it_gives"
    assert lines[1].startswith("  promised: `.out` is true: [batch, speakers, out]")
    assert lines[2] == "  came:     shape [2, 12, 24] instead of [2, 3, 24]"
    command = re.fullmatch(r'  see it:   python -c "(.*)"', lines[3])
    assert command and subprocess.run([sys.executable, "-c", command[1]], check=False).returncode == 0  # it is whole again


def pytest_in(folder: Path, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest in a process of its own, with what the fixture installed in `site`."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, "."],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path])},  # where the fixture put the plugins, too
    )


def test_an_error_in_a_component_comes_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastdiar.plugins.pooling.average.shares", lambda weights: weights.nothing)
    with pytest.raises(ConformanceError, match=r"AttributeError: 'Tensor' object .* \(average\.py, line \d+\)") as caught:
        check("pooling", "average", only="says_what_it_gives")
    assert isinstance(caught.value.__cause__, AttributeError)
    with pytest.raises(ConformanceError) as caught:
        check("pooling", "average")
    assert caught.value.__cause__ is None  # of several, none is shown at length


def test_a_package_that_is_not_there_comes_with_those_that_are(acme: Callable[..., Path], tmp_path: Path) -> None:
    done = pytest_in(tmp_path, acme("good"), "--fastdiar-package", "acme-good")
    assert done.returncode == 1
    assert "no plugin 'acme-good' of fastdiar is installed, or it has no components: there is acme\n" in done.stdout


def test_what_is_broken_in_a_package_is_a_failed_test_with_its_reason(
    acme: Callable[..., Path], tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    site = acme("good", "crashing", "lost", "wrong")
    packages = [word for name in ("crashing", "lost", "wrong") for word in ("--fastdiar-package", name)]
    done = pytest_in(tmp_path, site, *packages)
    assert done.returncode == 1
    told = done.stdout.partition("= FAILURES =")[2].partition("= short test summary")[0]
    golden("plugins/kit.txt", "".join(f"{line}\n" for line in told.splitlines()[1:] if not line.startswith(("__", "=="))))


def test_what_is_broken_cannot_be_tried(acme: Callable[..., Path]) -> None:
    acme("wrong")
    with pytest.raises(RegistryError, match=r"^dataset wrong/half is broken: .* it lacks entries \(from acme-wrong 0\.1\)$"):
        check("dataset", "wrong/half")
    with pytest.raises(RegistryError, match=r"no kind 'encodr' \(did you mean 'encoder'\?\)"):
        check("encodr", "x")


def test_what_a_component_must_be_told_is_asked_for() -> None:
    with pytest.raises(RecipeError, match=r"config: dataset\.root: missing: expected a path"):
        check("dataset", "folder")
    with pytest.raises(
        RegistryError, match=r"no promise 'ignores_paddin' of the kind encoder \(did you mean 'ignores_padding'\?\)"
    ):
        check("encoder", "cnn", only="ignores_paddin")
