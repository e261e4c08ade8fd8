"""What telephones and the internet do to a voice."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import attrs
import numpy as np
import torch
import torch.nn.functional as F
import torchaudio.functional as audio
from attrs import field, validators
from torch import Tensor

from fastdiar.core import checks, draws
from fastdiar.core.clips import resounded
from fastdiar.core.errors import needs
from fastdiar.core.interfaces import Augmentation
from fastdiar.core.types import RATE, Batch

TELEPHONE_RATE, TELEPHONE_BAND = 8_000, (300, 3_400)
"""Of a telephone line (Hz)."""
RINGING = 100
"""Samples after its end that a resampling filter lets a sound ring on, and more."""
MP3_RATES = np.array([8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128])
"""At which MP3 encodes sound of 16 kHz (kbit/s)."""
MP3_DELAY, MP3_FRAME, MP3_TAGGED = 1_105, 576, 40
"""Samples that LAME and a decoder put before a sound, samples of a frame, and from which rate on (kbit/s) LAME's tag has room,
which is decoded as one more frame of silence."""
MP3_SHORTEST = RATE // 10
"""Samples below which the library encodes nothing."""

Coder = Callable[[np.ndarray, float], np.ndarray]


@attrs.frozen
class CodecConfig:
    """Which codecs, how often."""

    probability: float = field(default=0.5, validator=checks.share, metadata={"help": "share of clips that are changed"})
    codecs: tuple[Literal["mu_law", "telephone", "opus", "mp3"], ...] = field(
        default=("mu_law", "telephone", "opus", "mp3"),
        validator=validators.min_len(1),
        metadata={"help": "those drawn from, each as likely; opus and mp3 need fastdiar[media]"},
    )
    kilobits: tuple[float, float] = field(
        default=(12.0, 48.0),
        validator=[checks.ordered, checks.between(8, 128)],
        metadata={"help": "of opus and mp3: lowest and highest rate (kbit/s); of mp3 the nearest of those that it has"},
    )


class Codec(Augmentation):
    """Encodes a clip and decodes it again, with nothing moved in time.

    `mu_law` is 8 bits a sample at 16 kHz; `telephone` the same at 8 kHz, from 300 to 3,400 Hz (ITU-T G.711); `opus` goes
    through FFmpeg and `mp3` through LAME, clip by clip on the CPU. Draws `codec [batch]`, numbers in the config's list or -1
    for a clip left alone, and `kilobits [batch]`. Raises `MissingExtra` where the library for one of them is not installed.
    """

    config_class = CodecConfig

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config)
        for name in (name for name in config.codecs if name in CODERS):
            with needs("media", f"the augmentation 'codec' with {name}"):
                importlib.import_module(CODERS[name][0])

    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """`codec [batch]` int64, `kilobits [batch]`."""
        clips = len(batch.lengths)
        codec = draws.index(len(self.config.codecs), clips, generator)
        codec = codec.masked_fill(~draws.chosen(self.config.probability, clips, generator), -1)
        kilobits = draws.uniform(*self.config.kilobits, clips, generator)
        return {"codec": codec.to(batch.waveform.device), "kilobits": kilobits.to(batch.waveform.device)}

    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """The batch as decoded; what is beyond -1…1 is clipped, as an encoder does."""
        for number, name in enumerate(self.config.codecs):
            clips = (drawn["codec"] == number).nonzero()[:, 0]
            if name in CODERS:
                batch = _transcoded(batch, clips, drawn["kilobits"], CODERS[name][1])
            else:
                batch = resounded(batch, clips, _telephone if name == "telephone" else _mu_law)
        return batch


def _mu_law(sound: Tensor) -> Tensor:
    return audio.mu_law_decoding(audio.mu_law_encoding(sound.clamp(-1, 1), 256), 256)


def _telephone(sound: Tensor) -> Tensor:
    low, high = TELEPHONE_BAND
    padded = F.pad(sound.clamp(-1, 1), (0, RINGING))  # so that a clip's end is filtered like its middle
    narrow = audio.resample(padded, RATE, TELEPHONE_RATE)
    narrow = audio.lowpass_biquad(audio.highpass_biquad(narrow, TELEPHONE_RATE, low), TELEPHONE_RATE, high)
    return audio.resample(_mu_law(narrow), TELEPHONE_RATE, RATE)[:, : sound.shape[1]]


def _transcoded(batch: Batch, clips: Tensor, kilobits: Tensor, coder: Coder) -> Batch:
    """The batch with some clips, each without its padding, through a coder; they run outside Python's lock, so side by side."""
    waveform, lengths, rates = batch.waveform.to("cpu", torch.float32, copy=True), batch.lengths.tolist(), kilobits.tolist()

    def change(clip: int) -> None:
        sound = waveform[clip, : lengths[clip]].numpy()
        sound[:] = coder(sound.clip(-1, 1, out=sound), rates[clip])

    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads) as pool:
        list((pool.map if threads > 1 else map)(change, clips.tolist()))  # handing a clip to a thread costs 3 % of encoding it
    return attrs.evolve(batch, waveform=waveform.to(batch.waveform))


def _mp3(samples: np.ndarray, kilobits: float) -> np.ndarray:
    """float32 `[samples]` encoded and decoded, as many."""
    from fast_mp3_augment import compress_roundtrip

    rate = MP3_RATES[np.abs(MP3_RATES - kilobits).argmin()].item()
    enough = samples if len(samples) >= MP3_SHORTEST else np.pad(samples, (0, MP3_SHORTEST - len(samples)))
    # Where the library takes the delay off, it takes the clip's last 36 ms too.
    decoded: np.ndarray = compress_roundtrip(enough, RATE, rate, preserve_delay=True)
    start = MP3_DELAY + MP3_FRAME * (rate >= MP3_TAGGED)
    return decoded[start : start + len(samples)]


def _opus(samples: np.ndarray, kilobits: float) -> np.ndarray:
    """The same with Opus, in a container that tells the decoder how much delay to leave out."""
    import av

    frame = av.AudioFrame.from_ndarray(np.round(samples[None] * 32767).astype(np.int16), format="s16", layout="mono")
    frame.sample_rate = RATE
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=RATE, options={"compression_level": "0"})
        stream.bit_rate, stream.layout, stream.codec_context.format = round(1000 * kilobits), "mono", "s16"
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    file.seek(0)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(file) as encoded:
        frames = [part for frame in (*encoded.decode(audio=0), None) for part in resampler.resample(frame)]
    decoded = np.concatenate([part.to_ndarray()[0] for part in frames])[: len(samples)]
    return np.pad(decoded, (0, len(samples) - len(decoded)))


CODERS: dict[str, tuple[str, Coder]] = {"opus": ("av", _opus), "mp3": ("fast_mp3_augment", _mp3)}
"""The library that each needs, and what it makes of a clip at a rate."""
