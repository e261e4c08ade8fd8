"""What every part is built on: what flows, the interfaces, and the files. Knows no other part."""
