"""Kaldi's log-mel filterbank as an ONNX graph, so that a network may start from the waveform."""

from __future__ import annotations

import numpy as np
import onnx

from fastdiar.core.types import RATE
from fastdiar.teachers.graphs import parse

WINDOW, STEP, FFT, BINS = 400, 160, 512, 80
LOWEST = 20.0

# Everything Kaldi does to a frame before the power spectrum is linear, so one kernel a frequency does all of it: P are the rows
# of the Fourier transform under the povey window; pre-emphasis takes 0.97 of the next column from each; removing the frame's
# mean takes the row's sum times 0.03 / 400 (the rows of the pre-emphasis sum to 0.03). The kernels are computed while the graph
# loads: stored, they would be 0.8 MB, and in half precision they leak between frequencies (embeddings agree to 0.991 only).
_FBANK = """
<ir_version: 8, opset_import: ["" : 17]>
fbank (float[batch, samples] waveform) => (float[batch, ticks, 80] features)
{
    zero = Constant <value_int: int = 0> ()
    step = Constant <value_int: int = 1> ()
    bins = Constant <value_int: int = 256> ()
    width = Constant <value_int: int = 400> ()
    period = Constant <value_int: int = 512> ()
    turn = Constant <value_float: float = 0.012271846303085129> ()
    first_axis = Constant <value_ints: ints = [0]> ()
    second_axis = Constant <value_ints: ints = [1]> ()
    frequency = Range (zero, bins, step)
    frequency_column = Unsqueeze (frequency, second_axis)
    place = Range (zero, width, step)
    phase = Mul (frequency_column, place)
    wrapped = Mod (phase, period)
    phase_float = Cast <to: int = 1> (wrapped)
    angle = Mul (phase_float, turn)
    cosine = Cos (angle)
    sine = Sin (angle)
    cosine_kernels = Unsqueeze (cosine, first_axis)
    sine_kernels = Unsqueeze (sine, first_axis)
    transform = Concat <axis: int = 0> (cosine_kernels, sine_kernels)
    windowed = Mul (transform, povey)
    begin = Constant <value_ints: ints = [1]> ()
    end = Constant <value_ints: ints = [400]> ()
    last_axis = Constant <value_ints: ints = [2]> ()
    later = Slice (windowed, begin, end, last_axis)
    padding = Constant <value_ints: ints = [0, 0, 0, 0, 0, 1]> ()
    next = Pad (later, padding)
    emphasis = Constant <value_float: float = 0.97> ()
    emphasised = Mul (next, emphasis)
    difference = Sub (windowed, emphasised)
    row_sum = ReduceSum (windowed, last_axis)
    mean_share = Constant <value_float: float = 0.000075> ()
    mean = Mul (row_sum, mean_share)
    kernels = Sub (difference, mean)
    shape = Constant <value_ints: ints = [512, 1, 400]> ()
    kernels_flat = Reshape (kernels, shape)
    signal = Unsqueeze (waveform, second_axis)
    spectrum = Conv <strides: ints = [160]> (signal, kernels_flat)
    squares = Mul (spectrum, spectrum)
    energy = MatMul (mel, squares)
    floor = Constant <value_float: float = 1.1920929e-07> ()
    floored = Max (energy, floor)
    logarithm = Log (floored)
    features = Transpose <perm: ints = [0, 2, 1]> (logarithm)
}
"""


def fbank_graph() -> onnx.ModelProto:
    """`waveform [batch, samples]` at 16 kHz → `features [batch, 1 + (samples - 400) // 160, 80]`, log energies without dither."""
    povey = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / (WINDOW - 1))) ** 0.85
    return parse(_FBANK, povey=povey, mel=np.tile(_mel_matrix().T, 2))


def _mel_matrix() -> np.ndarray:
    """Triangles on the mel scale, `[256 frequencies, 80 bins]`."""
    edges = np.linspace(_mel(np.array(LOWEST)), _mel(np.array(RATE / 2)), BINS + 2)
    mels = _mel(np.arange(FFT // 2) * RATE / FFT)[:, None]
    rising = (mels - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mels) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling))


def _mel(hertz: np.ndarray) -> np.ndarray:
    return 1127 * np.log(1 + hertz / 700)
