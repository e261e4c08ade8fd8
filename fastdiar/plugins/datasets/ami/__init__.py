"""The AMI meetings: their recordings, and who speaks when in them."""

from fastdiar.plugins.datasets.ami.dataset import Ami, AmiConfig

__all__ = ["Ami", "AmiConfig"]
