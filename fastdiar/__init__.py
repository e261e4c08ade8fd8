"""fastdiar: who spoke when. Importing it imports neither torch nor onnxruntime."""

from __future__ import annotations
