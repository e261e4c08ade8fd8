"""One page that shows what was measured. Needs `fastdiar[report]`."""
