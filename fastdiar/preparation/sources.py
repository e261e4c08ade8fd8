"""Where corpora are to be had: the one table of addresses, checksums, licences and what to cite."""

from __future__ import annotations

import re

import attrs


@attrs.frozen
class File:
    """A file to fetch: its `name` below the corpus' address, or an address of its own.

    `checksum` is "md5:…" or "sha256:…"; it and the size in bytes are empty and 0 where they are not published.
    """

    name: str
    checksum: str = ""
    size: int = 0

    @property
    def basename(self) -> str:
        """What it is called on disk."""
        return self.name.rpartition("/")[2]


@attrs.frozen
class Part:
    """A part of a corpus: files that go `into` a folder below the target; an `archive`, of one file or several, is unpacked."""

    files: tuple[File, ...]
    into: str = ""
    archive: bool = False


@attrs.frozen
class Corpus:
    """A corpus; `address` is where its files are, empty where it is given out on request: then `access` tells how.

    `groups` name several parts at once.
    """

    title: str
    licence: str
    citation: str
    parts: dict[str, Part]
    address: str = ""
    access: str = ""
    groups: dict[str, tuple[str, ...]] = attrs.Factory(dict)


def _archive(name: str, checksum: str, size: int = 0, into: str = "") -> Part:
    return Part((File(name, checksum, size),), into, archive=True)


LIBRISPEECH = Corpus(
    title="LibriSpeech: 1000 hours of read English",
    licence="CC BY 4.0, https://creativecommons.org/licenses/by/4.0/",
    citation="V. Panayotov, G. Chen, D. Povey, S. Khudanpur: LibriSpeech: an ASR corpus based on public domain audio books, "
    "ICASSP 2015",
    address="https://www.openslr.org/resources/12",
    parts={
        "dev-clean": _archive("dev-clean.tar.gz", "md5:42e2234ba48799c1f50f24a7926300a1", 337_926_286),
        "dev-other": _archive("dev-other.tar.gz", "md5:c8d0bcc9cca99d4f8b62fcc847357931", 314_305_928),
        "test-clean": _archive("test-clean.tar.gz", "md5:32fa31d27d2e1cad72775fee3f4849a9", 346_663_984),
        "test-other": _archive("test-other.tar.gz", "md5:fb5a50374b501bb3bac4815ee91d3135", 328_757_843),
        "train-clean-100": _archive("train-clean-100.tar.gz", "md5:2a93770f6d5c6c964bc36631d331a522", 6_387_309_499),
        "train-clean-360": _archive("train-clean-360.tar.gz", "md5:c0e676e450a7ff2f54aeade5171606fa", 23_049_477_885),
        "train-other-500": _archive("train-other-500.tar.gz", "md5:d1a0fd59409feb2c614ce4d30c387708", 30_593_501_606),
    },
)

MUSAN = Corpus(
    title="MUSAN: music, speech and noise, to be mixed into other speech",
    licence="CC BY 4.0, https://creativecommons.org/licenses/by/4.0/ (its parts: see LICENSE in each folder)",
    citation="D. Snyder, G. Chen, D. Povey: MUSAN: A Music, Speech, and Noise Corpus, arXiv:1510.08484, 2015",
    address="https://www.openslr.org/resources/17",
    parts={"musan": _archive("musan.tar.gz", "md5:0c472d4fc0c5141eca47ad1ffeb2a7df", 11_086_114_085)},
)

RIRS_NOISES = Corpus(
    title="RIRS_NOISES: room impulse responses, real and simulated, and noises",
    licence="Apache License 2.0, https://www.apache.org/licenses/LICENSE-2.0",
    citation="T. Ko, V. Peddinti, D. Povey, M. Seltzer, S. Khudanpur: A study on data augmentation of reverberant speech for "
    "robust speech recognition, ICASSP 2017",
    address="https://www.openslr.org/resources/28",
    parts={"rirs_noises": _archive("rirs_noises.zip", "md5:e6f48e257286e05de56413b4779d8ffb", 1_311_166_223)},
)

_AMI_MEETINGS = {
    "train": """
        EN2001abde EN2003a EN2004a EN2005a EN2006ab EN2009bcd ES2002abcd ES2003abcd ES2005abcd ES2006abcd ES2007abcd ES2008abcd
        ES2009abcd ES2010abcd ES2012abcd ES2013abcd ES2014abcd ES2015abcd ES2016abcd IN1001 IN1002 IN1005 IN1007 IN1008 IN1009
        IN1012 IN1013 IN1014 IN1016 IS1000abcd IS1001abcd IS1002bcd IS1003abcd IS1004abcd IS1005abc IS1006abcd IS1007abcd
        TS3005abcd TS3006abcd TS3007abcd TS3008abcd TS3009abcd TS3010abcd TS3011abcd TS3012abcd""",
    "dev": "ES2011abcd IB4001 IB4002 IB4003 IB4004 IB4010 IB4011 IS1008abcd TS3004abcd",
    "test": "EN2002abcd ES2004abcd IS1009abcd TS3003abcd",
}
"""The Full-corpus-ASR partition; the letters are the meetings of one series."""


def _meetings(series: str) -> tuple[str, ...]:
    """`ES2004abcd IB4001` as ES2004a, ES2004b, ES2004c, ES2004d, IB4001."""
    found = re.findall(r"([A-Z]+[0-9]+)([a-z]*)", series)
    return tuple(f"{name}{letter}" for name, letters in found for letter in letters or [""])


def _headset_mix(meeting: str) -> Part:
    folder = f"amicorpus/{meeting}/audio"
    return Part((File(f"AMICorpusMirror/{folder}/{meeting}.Mix-Headset.wav"),), folder)


AMI = Corpus(
    title="AMI Meeting Corpus: 100 hours of meetings of four people (mix of their headsets)",
    licence="CC BY 4.0, https://creativecommons.org/licenses/by/4.0/",
    citation="J. Carletta et al.: The AMI Meeting Corpus: A Pre-announcement, MLMI 2005",
    address="https://groups.inf.ed.ac.uk/ami",
    parts={
        "annotations": _archive(
            "AMICorpusAnnotations/ami_public_manual_1.6.2.zip",
            "sha256:b56e5babb2496b8795deeeda7e71178d7fbc9963f94276cf2a3f4b56ebbc9f9d",
            22_887_865,
            "ami_public_manual_1.6.2",
        ),
        **{meeting: _headset_mix(meeting) for series in _AMI_MEETINGS.values() for meeting in _meetings(series)},
    },
    groups={split: _meetings(series) for split, series in _AMI_MEETINGS.items()},
)

_VOXCELEB_LISTS = "https://mm.kaist.ac.kr/datasets/voxceleb/meta"

VOXCELEB = Corpus(
    title="VoxCeleb 1 and 2: 7,363 celebrities in interviews",
    licence="CC BY 4.0, https://creativecommons.org/licenses/by/4.0/, for research; the videos' owners keep their rights",
    citation="A. Nagrani, J. S. Chung, A. Zisserman: VoxCeleb: a large-scale speaker identification dataset, Interspeech 2017; "
    "J. S. Chung, A. Nagrani, A. Zisserman: VoxCeleb2: Deep Speaker Recognition, Interspeech 2018",
    access="is given out on request: ask at https://mm.kaist.ac.kr/datasets/voxceleb/ and give the address that you get with "
    "--from, {file} standing for the file's name ('https://HOST/download?key=KEY&file={file}'), or the address of a folder, with "
    "--user NAME and the password in FASTDIAR_PASSWORD where it wants them. A copy that you have is read where it is: "
    "fastdiar prepare voxceleb FOLDER DST",
    parts={
        "vox1-dev": Part(
            (
                File("vox1_dev_wav_partaa", "md5:e395d020928bc15670b570a21695ed96"),
                File("vox1_dev_wav_partab", "md5:bbfaaccefab65d82b21903e81a8a8020"),
                File("vox1_dev_wav_partac", "md5:017d579a2a96a077f40042ec33e51512"),
                File("vox1_dev_wav_partad", "md5:7bb1e9f70fddc7a678fa998ea8b3ba19"),
            ),
            "voxceleb1/dev",
            archive=True,
        ),
        "vox1-test": _archive("vox1_test_wav.zip", "md5:185fdc63c3c739954633d50379a3d102", into="voxceleb1/test"),
        "vox2-dev": Part(
            (
                File("vox2_dev_aac_partaa", "md5:da070494c573e5c0564b1d11c3b20577"),
                File("vox2_dev_aac_partab", "md5:17fe6dab2b32b48abaf1676429cdd06f"),
                File("vox2_dev_aac_partac", "md5:1de58e086c5edf63625af1cb6d831528"),
                File("vox2_dev_aac_partad", "md5:5a043eb03e15c5a918ee6a52aad477f9"),
                File("vox2_dev_aac_partae", "md5:cea401b624983e2d0b2a87fb5d59aa60"),
                File("vox2_dev_aac_partaf", "md5:fc886d9ba90ab88e7880ee98effd6ae9"),
                File("vox2_dev_aac_partag", "md5:d160ecc3f6ee3eed54d55349531cb42e"),
                File("vox2_dev_aac_partah", "md5:6b84a81b9af72a9d9eecbb3b1f602e65"),
            ),
            "voxceleb2",
            archive=True,
        ),
        "vox2-test": _archive("vox2_test_aac.zip", "md5:0d2b3ea430a821c33263b5ea37ede312", into="voxceleb2/test"),
        "vox1-lists": Part(
            tuple(
                File(f"{_VOXCELEB_LISTS}/{name}")
                for name in ("vox1_meta.csv", "veri_test2.txt", "list_test_all2.txt", "list_test_hard2.txt")
            ),
            "voxceleb1",
        ),
        "vox2-lists": Part((File(f"{_VOXCELEB_LISTS}/vox2_meta.csv"),), "voxceleb2"),
    },
    groups={
        "voxceleb1": ("vox1-dev", "vox1-test", "vox1-lists"),
        "voxceleb2": ("vox2-dev", "vox2-test", "vox2-lists"),
        "lists": ("vox1-lists", "vox2-lists"),
    },
)

CORPORA = {"ami": AMI, "librispeech": LIBRISPEECH, "musan": MUSAN, "rirs_noises": RIRS_NOISES, "voxceleb": VOXCELEB}
"""By the name that the dataset which reads it has, where there is one."""
