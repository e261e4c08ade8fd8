"""CAM++, whole or cut down, and how a cut one starts from a whole one."""

from fastdiar.plugins.encoders.campplus.network import CamPlusPlus, CamPlusPlusConfig

__all__ = ["CamPlusPlus", "CamPlusPlusConfig"]
