"""What a dataset remembers of how its points were found."""

import pytest

from ademan.errors import BundleError, ConfigError
from ademan.extraction import ExtractOptions, extract_options, landmark_config
from ademan.extraction.options import made_by
from ademan.landmarks import LandmarkConfig
from ademan.skeleton import skeleton


def test_a_model_finds_points_as_its_training_data_was_found() -> None:
    config = LandmarkConfig("holistic", "mediapipe", detection_confidence=0.3, max_hands=1)
    options = ExtractOptions(gestures=("wave",), every=2, size=320)
    made = made_by(config, options)
    assert landmark_config(made, skeleton("holistic75")) == config
    assert extract_options(made) == ExtractOptions(every=2, size=320)


def test_the_landmarker_may_be_another() -> None:
    made = made_by(LandmarkConfig(), ExtractOptions())
    assert landmark_config(made, skeleton("hands"), "mediapipe") == LandmarkConfig(landmarker="mediapipe")


def test_data_of_other_programs_is_found_with_the_defaults() -> None:
    made = {"importer": "npz", "options": {"landmarks": "pose", "every": 7}}
    assert landmark_config(made, skeleton("hands")) == LandmarkConfig("hands")
    assert extract_options(made) == ExtractOptions()


def test_points_that_no_landmarker_finds_are_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"'kinect20' cannot be found in pictures; there are: hands, pose33, holistic"
    ):
        landmark_config({}, skeleton("kinect20"))


def test_a_damaged_memory_is_told() -> None:
    made = {"by": "ademan extract", "options": {"max_hands": 9}}
    with pytest.raises(BundleError, match="is damaged: max_hands must be 1 or 2, found 9"):
        landmark_config(made, skeleton("hands"))


@pytest.mark.parametrize(("options", "told"), [({"every": 0}, "every must be 1"), ({"size": 8}, "at least 64 pixels")])
def test_options_out_of_range_are_refused(options: dict[str, int], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        ExtractOptions(**options)  # type: ignore[arg-type]
