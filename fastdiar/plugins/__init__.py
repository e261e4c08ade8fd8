"""The components that come with fastdiar, registered through the hook that third parties use."""

from __future__ import annotations

from fastdiar.core.component import Component, hookimpl


@hookimpl
def fastdiar_components() -> list[Component]:
    """Every built-in component: by kind as in `KINDS`, then by name."""
    return [
        Component(
            "dataset",
            "conversation",
            "fastdiar.plugins.datasets.conversation:Conversation",
            "simulated meetings with exact turns",
        ),
        Component("dataset", "folder", "fastdiar.plugins.datasets.folder:Folder", "a folder of recordings for each speaker"),
        Component("dataset", "librispeech", "fastdiar.plugins.datasets.librispeech:LibriSpeech", "LibriSpeech as it unpacks"),
        Component(
            "dataset", "manifest", "fastdiar.plugins.datasets.manifest:Manifest", "a table with one row for each utterance"
        ),
        Component("dataset", "rttm", "fastdiar.plugins.datasets.rttm:Rttm", "recordings of several people, and their turns"),
        Component(
            "augmentation", "add_noise", "fastdiar.plugins.augmentations.add_noise:AddNoise", "white or recorded noise at an SNR"
        ),
        Component("augmentation", "gain", "fastdiar.plugins.augmentations.gain:Gain", "louder or quieter"),
        Component("augmentation", "time_mask", "fastdiar.plugins.augmentations.time_mask:TimeMask", "a stretch of silence"),
        Component("encoder", "cnn", "fastdiar.plugins.encoders.cnn:Cnn", "convolutions on the raw waveform (baseline)"),
        Component(
            "encoder",
            "melrescnn",
            "fastdiar.plugins.encoders.melrescnn:MelResCnn",
            "residual convolutions on a log-mel spectrogram",
        ),
        Component("encoder", "rescnn", "fastdiar.plugins.encoders.rescnn:ResCnn", "residual convolutions on the raw waveform"),
        Component("temporal", "bigru", "fastdiar.plugins.temporal.bigru:BiGru", "a recurrent layer in both directions"),
        Component("temporal", "mhsa", "fastdiar.plugins.temporal.mhsa:Mhsa", "multi-head self-attention with a shortcut"),
        Component("pooling", "attention", "fastdiar.plugins.pooling.attention:Attention", "mean over the frames that tell most"),
        Component("pooling", "average", "fastdiar.plugins.pooling.average:Average", "mean over frames"),
        Component(
            "pooling", "statistics", "fastdiar.plugins.pooling.statistics:Statistics", "mean and standard deviation over frames"
        ),
        Component(
            "head", "speaker", "fastdiar.plugins.heads.speaker:Speaker", "classifier over speakers, with a voice embedding"
        ),
        Component("loss", "aam", "fastdiar.plugins.losses.aam:Aam", "additive angular margin on cosines (ArcFace)"),
        Component("loss", "cross_entropy", "fastdiar.plugins.losses.cross_entropy:CrossEntropy", "plain classification loss"),
        Component("exporter", "onnx", "fastdiar.plugins.exporters.onnx:Onnx", "graphs that onnxruntime runs anywhere"),
        Component(
            "clustering",
            "variational",
            "fastdiar.plugins.clustering.variational:Variational",
            "finds people, and how many, by variational Bayes",
        ),
    ]
