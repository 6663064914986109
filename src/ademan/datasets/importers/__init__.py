"""Importers: one file a format. Each reads a `Source`; `import_clips` writes any of them as a dataset file."""

from ademan.datasets.importers.csv import CsvOptions
from ademan.datasets.importers.hdf5 import Hdf5Options
from ademan.datasets.importers.npz import NpzOptions
from ademan.datasets.importers.pyskl import PysklOptions
from ademan.datasets.importers.source import ImportSummary, Skipped, Source, import_clips

__all__ = [
    "CsvOptions",
    "Hdf5Options",
    "ImportSummary",
    "NpzOptions",
    "PysklOptions",
    "Skipped",
    "Source",
    "import_clips",
]
