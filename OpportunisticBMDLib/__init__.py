"""Bone mineral density of T12, L1 and L2 from CT scans that were made for other reasons."""

__version__ = "0.1.0"
