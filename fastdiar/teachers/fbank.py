"""Kaldi's log-mel filterbank as two convolutions and a product, so that it runs inside an ONNX graph."""

from __future__ import annotations

import numpy as np

from fastdiar.core.types import RATE

WINDOW, STEP, FFT, BINS = 400, 160, 512, 80
PRE_EMPHASIS, LOWEST = 0.97, 20.0


def kaldi_fbank_kernels() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kernels of the real and the imaginary part `[256, 1, 400]`, and the mel matrix `[256, 80]`.

    Everything Kaldi does to a frame before the power spectrum (removing its mean, pre-emphasis, the povey window, the
    Fourier transform) is linear, so one kernel does all of it.
    """
    centring = np.eye(WINDOW) - 1 / WINDOW
    emphasis = np.eye(WINDOW) - PRE_EMPHASIS * np.eye(WINDOW, k=-1)
    emphasis[0, 0] = 1 - PRE_EMPHASIS
    povey = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / (WINDOW - 1))) ** 0.85
    frequencies = np.arange(FFT // 2)[:, None] * np.arange(WINDOW)[None] * 2 * np.pi / FFT
    prepared = povey[:, None] * emphasis @ centring
    return (np.cos(frequencies) @ prepared)[:, None], (-np.sin(frequencies) @ prepared)[:, None], _mel_matrix()


def _mel_matrix() -> np.ndarray:
    edges = np.linspace(_mel(np.array(LOWEST)), _mel(np.array(RATE / 2)), BINS + 2)
    mels = _mel(np.arange(FFT // 2) * RATE / FFT)[:, None]
    rising = (mels - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mels) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling))


def _mel(hertz: np.ndarray) -> np.ndarray:
    return 1127 * np.log(1 + hertz / 700)
