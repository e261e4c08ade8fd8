"""Several datasets as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
import numpy as np
from attrs import field, validators

from fastdiar.core.component import Part
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.types import Turn


@attrs.frozen(kw_only=True)
class JoinedConfig:
    """`use = "joined"`: in `[data.train.parts.NAME]` any dataset with its own keys, its `split` too."""

    parts: Mapping[str, Part] = field(
        validator=validators.min_len(1), metadata={"help": "named datasets, in order", "kind": "dataset"}
    )

    @parts.validator
    def _plain(self, attribute: attrs.Attribute[Any], value: Mapping[str, Part]) -> None:
        for name in value:
            if "/" in name:
                raise ValueError(f"'{name}': names may hold no '/'")


class Joined(Dataset):
    """One dataset's utterances after another's; keys begin with the part's name. A label that a corpus lacks is unknown."""

    config_class: ClassVar[type] = JoinedConfig
    config: JoinedConfig

    def __init__(self, config: JoinedConfig) -> None:
        super().__init__(config)
        self._parts: dict[str, Dataset] = {name: part.build() for name, part in config.parts.items()}

    def entries(self) -> list[Entry]:
        """Every part's utterances; raises what they raise."""
        return [attrs.evolve(entry, key=f"{name}/{entry.key}") for name, part in self._parts.items() for entry in part.entries()]

    def turns(self, entry: Entry) -> tuple[Turn, ...] | None:
        """As its own dataset tells them."""
        part, own = self._own(entry)
        return part.turns(own)

    def load(self, entry: Entry) -> np.ndarray:
        """As its own dataset loads it."""
        part, own = self._own(entry)
        return part.load(own)

    def _own(self, entry: Entry) -> tuple[Dataset, Entry]:
        name, _, key = entry.key.partition("/")
        return self._parts[name], attrs.evolve(entry, key=key)
