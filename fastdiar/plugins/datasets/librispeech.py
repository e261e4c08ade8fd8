"""LibriSpeech and corpora in its layout."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs
from attrs import field

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.librispeech import librispeech_entries
from fastdiar.core.splits import SplitConfig, split_entries


@attrs.frozen(kw_only=True)
class LibriSpeechConfig(SplitConfig):
    """`use = "librispeech"`: `root/SUBSET/SPEAKER/CHAPTER/*.flac`, as it unpacks."""

    root: Path = field(metadata={"help": "the folder that holds the subsets, and SPEAKERS.TXT where there is one"})
    subsets: tuple[str, ...] = field(default=(), metadata={"help": "such as train-clean-100; none: every one that is there"})


class LibriSpeech(Dataset):
    """Read English (Panayotov et al., LibriSpeech: an ASR corpus based on public domain audio books, ICASSP 2015).

    Labels: speaker (`ls1688`), session (its chapter), corpus, and gender where SPEAKERS.TXT tells it. Transcripts are not read.
    """

    config_class: ClassVar[type] = LibriSpeechConfig
    config: LibriSpeechConfig

    def entries(self) -> list[Entry]:
        """The utterances of the subsets; raises `DataError`."""
        return split_entries(librispeech_entries(self.config.root, self.config.subsets), self.config)
