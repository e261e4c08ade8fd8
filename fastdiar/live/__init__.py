"""Who speaks, while they speak: samples in, events out. Needs no torch."""
