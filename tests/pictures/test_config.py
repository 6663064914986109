"""What is cut out: options out of range are refused."""

import pytest

from ademan.errors import BundleError, ConfigError
from ademan.pictures import PictureConfig, picture_config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "foot"}, "of 'foot' is unknown; choose among hand, silhouette"),
        ({"background": "sky"}, "background 'sky' is unknown; choose among video, start, plain, picture"),
        ({"landmarker": "eye"}, "landmarker 'eye' is unknown"),
        ({"colours": 2}, r"colours must be 1 \(grey\) or 3 \(red, green, blue\), found 2"),
        ({"of": "silhouette", "colours": 3}, "a silhouette is white on black and has colours 1, found 3"),
        ({"size": 8}, "size must be from 16 to 256, found 8"),
        ({"margin": -0.1}, r"margin must be from 0 to 1, found -0\.1"),
        ({"learn_ms": 0.0}, "learn_ms must be above 0"),
    ],
)
def test_what_is_out_of_range_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PictureConfig(**options)  # type: ignore[arg-type]


def test_a_config_comes_back_from_what_a_model_says_of_itself() -> None:
    made = {"by": "ademan pictures", "options": {"of": "silhouette", "size": 32, "frames": 8, "pattern": "{gesture}"}}
    assert picture_config(made) == PictureConfig(of="silhouette", size=32)
    with pytest.raises(BundleError, match="how pictures were cut out is damaged: size must be from 16 to 256"):
        picture_config({"options": {"size": 1}})
    with pytest.raises(BundleError, match="is damaged"):
        picture_config({"options": {"size": "large"}})
