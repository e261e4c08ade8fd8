"""The components that come with fastdiar, registered through the hook that third parties use."""

from __future__ import annotations

from fastdiar.core.component import Component, hookimpl

COMPONENTS = [
    Component("dataset", "ami", "fastdiar.plugins.datasets.ami:Ami", "AMI's meetings as they unpack, with their annotations"),
    Component(
        "dataset",
        "conversation",
        "fastdiar.plugins.datasets.conversation:Conversation",
        "simulated meetings with exact turns",
    ),
    Component("dataset", "folder", "fastdiar.plugins.datasets.folder:Folder", "a folder of recordings for each speaker"),
    Component("dataset", "lhotse", "fastdiar.plugins.datasets.lhotse:Lhotse", "corpora that lhotse has prepared"),
    Component("dataset", "librimix", "fastdiar.plugins.datasets.librimix:LibriMix", "LibriSpeech's readers, mixed"),
    Component(
        "dataset", "librimix_csv", "fastdiar.plugins.datasets.librimix_csv:LibriMixCsv", "LibriMix as its own scripts make it"
    ),
    Component("dataset", "joined", "fastdiar.plugins.datasets.joined:Joined", "several datasets as one"),
    Component("dataset", "librispeech", "fastdiar.plugins.datasets.librispeech:LibriSpeech", "LibriSpeech as it unpacks"),
    Component("dataset", "manifest", "fastdiar.plugins.datasets.manifest:Manifest", "a table with one row for each utterance"),
    Component("dataset", "nemo", "fastdiar.plugins.datasets.nemo:Nemo", "nEMO: Polish, with emotion"),
    Component("dataset", "ravdess", "fastdiar.plugins.datasets.ravdess:Ravdess", "RAVDESS: actors, with emotion"),
    Component("dataset", "rttm", "fastdiar.plugins.datasets.rttm:Rttm", "recordings of several people, and their turns"),
    Component(
        "dataset", "shards", "fastdiar.plugins.datasets.shards:Shards", "a few large files, as prepare --shards writes them"
    ),
    Component("dataset", "voxceleb", "fastdiar.plugins.datasets.voxceleb:VoxCeleb", "VoxCeleb 1 and 2 as they unpack"),
    Component(
        "augmentation", "add_noise", "fastdiar.plugins.augmentations.add_noise:AddNoise", "white or recorded noise at an SNR"
    ),
    Component(
        "augmentation", "babble", "fastdiar.plugins.augmentations.babble:Babble", "other clips of the batch in the background"
    ),
    Component("augmentation", "codec", "fastdiar.plugins.augmentations.codec:Codec", "telephone, mu-law, Opus or MP3, and back"),
    Component("augmentation", "freq_mask", "fastdiar.plugins.augmentations.freq_mask:FreqMask", "a band of frequencies silenced"),
    Component("augmentation", "gain", "fastdiar.plugins.augmentations.gain:Gain", "louder or quieter"),
    Component(
        "augmentation", "one_of", "fastdiar.plugins.augmentations.one_of:OneOf", "at most one of several changes to each clip"
    ),
    Component(
        "augmentation",
        "pitch_shift",
        "fastdiar.plugins.augmentations.pitch_shift:PitchShift",
        "higher or lower, at the same pace",
    ),
    Component("augmentation", "reverb", "fastdiar.plugins.augmentations.reverb:Reverb", "rooms, measured or made"),
    Component("augmentation", "speed", "fastdiar.plugins.augmentations.speed:Speed", "faster and higher, or slower and deeper"),
    Component("augmentation", "time_mask", "fastdiar.plugins.augmentations.time_mask:TimeMask", "a stretch of silence"),
    Component(
        "augmentation",
        "time_stretch",
        "fastdiar.plugins.augmentations.time_stretch:TimeStretch",
        "faster or slower, at the same pitch",
    ),
    Component("encoder", "campplus", "fastdiar.plugins.encoders.campplus:CamPlusPlus", "CAM++, whole or cut down"),
    Component("encoder", "cnn", "fastdiar.plugins.encoders.cnn:Cnn", "convolutions on the raw waveform (baseline)"),
    Component(
        "encoder",
        "melrescnn",
        "fastdiar.plugins.encoders.melrescnn:MelResCnn",
        "residual convolutions on a log-mel spectrogram",
    ),
    Component("encoder", "rescnn", "fastdiar.plugins.encoders.rescnn:ResCnn", "residual convolutions on the raw waveform"),
    Component("encoder", "sincnet", "fastdiar.plugins.encoders.sincnet:SincNet", "filters whose bands are learnt"),
    Component("temporal", "bigru", "fastdiar.plugins.temporal.bigru:BiGru", "a recurrent layer in both directions"),
    Component("temporal", "mhsa", "fastdiar.plugins.temporal.mhsa:Mhsa", "multi-head self-attention with a shortcut"),
    Component("pooling", "attention", "fastdiar.plugins.pooling.attention:Attention", "mean over the frames that tell most"),
    Component("pooling", "average", "fastdiar.plugins.pooling.average:Average", "mean over frames"),
    Component(
        "pooling", "statistics", "fastdiar.plugins.pooling.statistics:Statistics", "mean and standard deviation over frames"
    ),
    Component("head", "activity", "fastdiar.plugins.heads.activity:ActivityHead", "who is active, of a chunk's local voices"),
    Component("head", "speaker", "fastdiar.plugins.heads.speaker:Speaker", "classifier over speakers, with a voice embedding"),
    Component("loss", "aam", "fastdiar.plugins.losses.aam:Aam", "additive angular margin on cosines (ArcFace)"),
    Component("loss", "cross_entropy", "fastdiar.plugins.losses.cross_entropy:CrossEntropy", "plain classification loss"),
    Component(
        "loss", "distillation", "fastdiar.plugins.losses.distillation:Distillation", "the teacher's classes, at a temperature"
    ),
    Component(
        "loss",
        "embedding_distillation",
        "fastdiar.plugins.losses.embedding_distillation:EmbeddingDistillation",
        "the teacher's embeddings, through a projection",
    ),
    Component(
        "loss",
        "frame_distillation",
        "fastdiar.plugins.losses.frame_distillation:FrameDistillation",
        "the teacher's frames, through a projection",
    ),
    Component("loss", "powerset", "fastdiar.plugins.losses.powerset:Powerset", "who is active, whatever order voices come in"),
    Component(
        "loss",
        "relational",
        "fastdiar.plugins.losses.relational:Relational",
        "how alike the clips of a batch are to the teacher",
    ),
    Component("loss", "supcon", "fastdiar.plugins.losses.supcon:SupCon", "clips of one class attract each other"),
    Component("teacher", "onnx", "fastdiar.plugins.teachers.onnx:OnnxTeacher", "any network in an ONNX file"),
    Component("teacher", "run", "fastdiar.training.teachers:RunTeacher", "a network that was trained here"),
    Component(
        "teacher", "wav2vec2", "fastdiar.plugins.teachers.wav2vec2:Wav2Vec2", "wav2vec 2.0 of torchaudio, with your weights"
    ),
    Component("exporter", "onnx", "fastdiar.plugins.exporters.onnx:Onnx", "graphs that onnxruntime runs anywhere"),
    Component("exporter", "tensorrt", "fastdiar.plugins.exporters.tensorrt:TensorRt", "engines for one kind of NVIDIA GPU"),
    Component("exporter", "triton", "fastdiar.plugins.exporters.triton:Triton", "a model repository for NVIDIA's Triton server"),
    Component(
        "clustering",
        "agglomerative",
        "fastdiar.plugins.clustering.agglomerative:Agglomerative",
        "joins the nearest windows up to one distance",
    ),
    Component(
        "clustering",
        "spectral",
        "fastdiar.plugins.clustering.spectral:Spectral",
        "finds people, and how many, by eigenvectors of affinities (NME-SC)",
    ),
    Component(
        "clustering",
        "variational",
        "fastdiar.plugins.clustering.variational:Variational",
        "finds people, and how many, by variational Bayes",
    ),
]
"""By kind as in `KINDS`, then by name."""


@hookimpl
def fastdiar_components() -> list[Component]:
    """Every built-in component."""
    return COMPONENTS
