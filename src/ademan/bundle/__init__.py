"""Bundles: one verified folder or file that gives the same answer wherever it runs."""

from ademan.bundle.bundle import TOLERANCE, Bundle, Golden, read_bundle, write_bundle
from ademan.bundle.golden import golden_windows
from ademan.bundle.manifest import Manifest, Thresholds

__all__ = ["TOLERANCE", "Bundle", "Golden", "Manifest", "Thresholds", "golden_windows", "read_bundle", "write_bundle"]
