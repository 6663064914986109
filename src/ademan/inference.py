"""ONNX Runtime, kept quiet: from 1.31 on it sends usage figures to its maker, unless it is told not to before it loads.

All that runs a network in ONNX imports it from here.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort

__all__ = ["ort"]
