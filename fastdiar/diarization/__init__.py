"""From a recording to turns. Needs numpy and onnxruntime, never torch."""
