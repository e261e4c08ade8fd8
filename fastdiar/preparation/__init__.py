"""From a corpus as its owners distribute it to files that training reads quickly: download, conversion, shards."""
