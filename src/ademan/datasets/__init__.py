"""Datasets: one file of clips, made by importers, divided by splits, looked over by the audit."""

from ademan.datasets.file import Dataset, DatasetWriter
from ademan.datasets.splits import Split, make_splits
from ademan.datasets.table import NO_LABEL, ClipTable

__all__ = ["NO_LABEL", "ClipTable", "Dataset", "DatasetWriter", "Split", "make_splits"]
