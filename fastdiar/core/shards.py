"""A folder of shards: tar files of utterances, each as NUMBER.flac followed by NUMBER.json (the webdataset layout).

`shards.json`   the shards with their counts, sizes and MD5 sums, in the form that webdataset's `wids` reads
`entries.tsv`   a row an utterance: its key, where it lies (`shard`, `member`, `offset` of its header in bytes), seconds, labels
"""

from __future__ import annotations

INDEX = "shards.json"
ENTRIES = "entries.tsv"
PLACE = ("key", "shard", "member", "offset", "seconds")
"""The columns of `entries.tsv` that are no labels."""
LARGEST_MEMBER = 1 << 30
