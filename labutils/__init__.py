"""Helpers of the Sequence Learning Lab: everything a notebook needs and does not teach."""

__version__ = "0.1.0"
