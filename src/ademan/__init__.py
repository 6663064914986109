"""Teach a computer gestures and actions from a few clips, and recognise them anywhere."""

__version__ = "0.1.0"
