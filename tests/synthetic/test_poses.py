import numpy as np
import pytest

from ademan.errors import ConfigError
from ademan.synthetic import poses
from ademan.synthetic.hand import LIMITS_DEG
from ademan.synthetic.poses import CHANNELS, channels, pinching, scales


def test_channels_are_set_by_name() -> None:
    row = channels(x=0.5, index_mcp=30)
    assert row[CHANNELS.index("x")] == 0.5
    assert row[CHANNELS.index("index_mcp")] == 30
    assert np.count_nonzero(row) == 2


def test_an_unknown_channel_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no channel 'elbow'\. It has: x, y, z"):
        channels(elbow=90)


def test_scales_give_places_turns_and_joints_one_value_each() -> None:
    assert scales(1, 2, 3).tolist() == [1.0] * 3 + [2.0] * 3 + [3.0] * (len(CHANNELS) - 6)


@pytest.mark.parametrize("name", ["OPEN", "FLAT", "RELAXED", "FIST", "POINTING"])
def test_holds_of_the_hand_are_within_human_limits(name: str) -> None:
    angles = getattr(poses, name)[6:]
    assert ((angles >= LIMITS_DEG[:, 0]) & (angles <= LIMITS_DEG[:, 1])).all()


def test_pinches_are_within_human_limits() -> None:
    for closed in np.linspace(0, 1, 5):
        for curl in (0.0, 0.5, 1.0):
            angles = pinching(float(closed), curl)[6:]
            assert ((angles >= LIMITS_DEG[:, 0]) & (angles <= LIMITS_DEG[:, 1])).all()
