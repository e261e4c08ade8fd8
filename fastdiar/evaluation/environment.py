"""Where something was measured: the machine, and the libraries that matter."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fastdiar.core.processes import cores

LIBRARIES = ("fastdiar", "numpy", "scipy", "onnxruntime", "onnxruntime-gpu", "pyannote.metrics", "torch")
CPU_INFO = Path("/proc/cpuinfo")


def versions() -> dict[str, str]:
    """Python's version, and that of each library that is installed and has a say in figures."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> str:
    """The processor and how many cores of it may be used, in words."""
    names = re.findall(r"^model name\s*:\s*(.+)$", CPU_INFO.read_text(), re.MULTILINE) if CPU_INFO.is_file() else []
    count = cores()
    return f"{names[0] if names else platform.machine()}, {count} {'core' if count == 1 else 'cores'}, {platform.system()}"
