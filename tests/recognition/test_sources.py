from dataclasses import replace
from pathlib import Path

import pytest

from ademan.bundle import read_bundle
from ademan.errors import BundleError, SourceError
from ademan.recognition import Classifier, predict


def with_options(bundle: Path, options: object) -> Classifier:
    found = read_bundle(bundle)
    return Classifier(replace(found, manifest=replace(found.manifest, points={"options": options})))


def test_options_of_the_import_that_are_damaged_are_refused(small_bundle: Path) -> None:
    classifier = with_options(small_bundle, {"fps": "fast"})
    with pytest.raises(BundleError, match=r"the manifest's options of PysklOptions are damaged: .*'str'"):
        next(predict(classifier, "clips.pkl"))


def test_points_made_by_another_program_may_have_options_of_any_kind(small_bundle: Path, tmp_path: Path) -> None:
    classifier = with_options(small_bundle, ["--fast"])
    with pytest.raises(SourceError, match=r"gone\.pkl"):
        next(predict(classifier, tmp_path / "gone.pkl"))
