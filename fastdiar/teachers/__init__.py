"""Published networks as the graphs of a fastdiar bundle: heard once, their frames answer both questions of diarization.

Needs the package onnx (`pip install '.[train]'`); the bundles that come out do not.
"""
