"""What telephones and the internet do to a voice."""

from __future__ import annotations

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
ENCODERS = {
    "opus": ("libopus", "ogg", "s16", {"compression_level": "0"}),
    "mp3": ("libmp3lame", "mp3", "fltp", {"compression_level": "9"}),
}
"""FFmpeg's encoder, a container that keeps track of its delay, its sample format, and the options for its fastest search."""


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
        metadata={"help": "of opus and mp3: lowest and highest rate (kbit/s)"},
    )


class Codec(Augmentation):
    """Encodes a clip and decodes it again, with nothing moved in time.

    `mu_law` is 8 bits a sample at 16 kHz; `telephone` the same at 8 kHz, from 300 to 3,400 Hz (ITU-T G.711); `opus` and `mp3`
    go through FFmpeg, clip by clip on the CPU. Draws `codec [batch]`, numbers in the config's list or -1 for a clip left
    alone, and `kilobits [batch]`. Raises `MissingExtra` where PyAV is needed and not installed.
    """

    config_class = CodecConfig

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config)
        if ENCODERS.keys() & set(config.codecs):
            with needs("media", "the augmentation 'codec' with opus or mp3"):
                import av  # noqa: F401

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
            batch = resounded(batch, clips, _change(name, batch.lengths[clips], drawn["kilobits"][clips]))
        return batch


def _change(name: str, lengths: Tensor, kilobits: Tensor) -> Callable[[Tensor], Tensor]:
    """What a codec makes of `[clips, samples]`; `lengths` and `kilobits` are `[clips]`."""
    if name in ENCODERS:
        return lambda sound: _transcoded(sound.clamp(-1, 1), name, lengths, kilobits)
    change = _telephone if name == "telephone" else _mu_law
    return lambda sound: change(sound.clamp(-1, 1))


def _mu_law(sound: Tensor) -> Tensor:
    return audio.mu_law_decoding(audio.mu_law_encoding(sound, 256), 256)


def _telephone(sound: Tensor) -> Tensor:
    low, high = TELEPHONE_BAND
    padded = F.pad(sound, (0, RINGING))  # so that a clip's end is filtered like its middle
    narrow = audio.resample(padded, RATE, TELEPHONE_RATE)
    narrow = audio.lowpass_biquad(audio.highpass_biquad(narrow, TELEPHONE_RATE, low), TELEPHONE_RATE, high)
    return audio.resample(_mu_law(narrow), TELEPHONE_RATE, RATE)[:, : sound.shape[1]]


def _transcoded(sound: Tensor, name: str, lengths: Tensor, kilobits: Tensor) -> Tensor:
    """Each clip without its padding through an encoder; they run outside Python's lock, so side by side."""
    clips = [clip[:length] for clip, length in zip(sound.cpu().numpy(), lengths.tolist(), strict=True)]
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        decoded = list(pool.map(lambda clip, rate: torch.from_numpy(_through(clip, name, rate)), clips, kilobits.tolist()))
    done = torch.nn.utils.rnn.pad_sequence(decoded, batch_first=True)
    return F.pad(done, (0, sound.shape[1] - done.shape[1])).to(sound.device)


def _through(samples: np.ndarray, name: str, kilobits: float) -> np.ndarray:
    """float32 `[samples]` encoded and decoded, as many. The container tells the decoder how much delay to leave out."""
    import av

    encoder, container, sample_format, options = ENCODERS[name]
    whole = np.round(samples * 32767).astype(np.int16) if sample_format == "s16" else samples
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(whole[None]), format=sample_format, layout="mono")
    frame.sample_rate = RATE
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(encoder, rate=RATE, options=options)
        stream.bit_rate, stream.layout, stream.codec_context.format = round(1000 * kilobits), "mono", sample_format
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    file.seek(0)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(file) as encoded:
        frames = [part for frame in (*encoded.decode(audio=0), None) for part in resampler.resample(frame)]
    decoded = np.concatenate([part.to_ndarray()[0] for part in frames])[: len(samples)]
    return np.pad(decoded, (0, len(samples) - len(decoded)))
