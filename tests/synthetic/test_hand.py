import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ademan.errors import ConfigError
from ademan.skeleton import HAND_POINTS
from ademan.synthetic.hand import ANGLES, JOINT_LIMITS_DEG, LIMITS_DEG, Floats, Hand, mirrored, place
from ademan.synthetic.poses import pinching
from tests.synthetic.conftest import FEW

HAND = Hand.of(length_m=0.187, breadth_m=0.084)
SEEDS = st.integers(0, 2**32 - 1)
ANY_ANGLES = arrays(np.float64, (3, len(ANGLES)), elements=st.floats(-400, 400))
ANY_WRIST = arrays(np.float64, (3, 6), elements=st.floats(-400, 400))


def finger(points: Floats, name: str) -> Floats:
    """The wrist and the four points of a finger: (..., 5, 3)."""
    chosen = [0, *(i for i, point in enumerate(HAND_POINTS) if point.startswith(name))]
    return np.take(points, chosen, axis=-2)


def bends_deg(points: Floats, name: str) -> Floats:
    """Angles between the bones of a finger that follow one another, without that at its base: (..., 2)."""
    bones = np.diff(finger(points, name)[..., 1:, :], axis=-2)
    bones /= np.linalg.norm(bones, axis=-1, keepdims=True)
    cosine = np.clip((bones[..., 1:, :] * bones[..., :-1, :]).sum(axis=-1), -1, 1)
    return np.asarray(np.degrees(np.arccos(cosine)))


@FEW
@given(SEEDS, ANY_ANGLES, ANY_WRIST)
def test_bones_keep_their_lengths_in_every_pose(seed: int, angles: Floats, wrist: Floats) -> None:
    hand = Hand.draw(np.random.default_rng(seed))
    points = place(hand.points(angles), wrist)
    for k, name in enumerate(("thumb", "index", "middle", "ring", "pinky")):
        lengths = np.linalg.norm(np.diff(finger(points, name), axis=-2), axis=-1)
        expected = [np.linalg.norm(hand.bases_m[k]), *hand.bones_m[k]]
        np.testing.assert_allclose(lengths, np.broadcast_to(expected, lengths.shape), atol=1e-9)


@FEW
@given(ANY_ANGLES)
def test_no_pose_goes_beyond_human_limits(angles: Floats) -> None:
    points = HAND.points(angles)
    np.testing.assert_array_equal(points, HAND.points(np.clip(angles, LIMITS_DEG[:, 0], LIMITS_DEG[:, 1])))
    for name in ("index", "middle", "ring", "pinky"):
        pip, dip = np.moveaxis(bends_deg(points, name), -1, 0)
        assert (pip <= JOINT_LIMITS_DEG["pip"][1] + 1e-6).all()
        assert (dip <= JOINT_LIMITS_DEG["dip"][1] + 1e-6).all()
    mcp, ip = np.moveaxis(bends_deg(points, "thumb"), -1, 0)
    assert (mcp <= JOINT_LIMITS_DEG["thumb_mcp"][1] + 1e-6).all()
    assert (ip <= JOINT_LIMITS_DEG["thumb_ip"][1] + 1e-6).all()


@FEW
@given(st.floats(0, 100))
def test_the_last_joint_of_a_finger_follows_the_one_before(pip: float) -> None:
    points = HAND.points(np.where([angle == "ring_pip" for angle in ANGLES], pip, 0.0))
    np.testing.assert_allclose(bends_deg(points, "ring"), [pip, pip * HAND.coupling], atol=1e-4)


def test_fingers_bend_to_the_palm_and_spread_away_from_the_middle_finger() -> None:
    def tip(name: str, **angles: float) -> Floats:
        points = HAND.points(np.array([angles.get(angle, 0.0) for angle in ANGLES]))
        return np.asarray(points[HAND_POINTS.index(f"{name}_tip")])

    for name in ("index", "middle", "ring", "pinky"):
        assert tip(name, **{f"{name}_mcp": 60})[2] < tip(name)[2] - 0.03
    assert tip("index", index_spread=15)[0] > tip("index")[0] + 0.01
    for name in ("ring", "pinky"):
        assert tip(name, **{f"{name}_spread": 15})[0] < tip(name)[0] - 0.01
    assert tip("thumb", thumb_radial=50)[0] > tip("thumb")[0] + 0.03
    assert tip("thumb", thumb_palmar=40)[2] < tip("thumb")[2] - 0.03
    assert tip("thumb", thumb_radial=40, thumb_mcp=50)[0] < tip("thumb", thumb_radial=40)[0] - 0.01


@FEW
@given(SEEDS)
def test_any_hand_can_pinch_and_stays_within_its_limits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hand, angles = Hand.draw(rng), pinching(1, 0.5)[6:] + rng.normal(0, 8, len(ANGLES))
    pinched = hand.pinched(angles)
    points = hand.points(pinched)
    apart = points[HAND_POINTS.index("thumb_tip")] - points[HAND_POINTS.index("index_tip")]
    assert np.linalg.norm(apart) == pytest.approx(0.012, abs=0.006)
    assert ((pinched >= LIMITS_DEG[:, 0]) & (pinched <= LIMITS_DEG[:, 1])).all()


@FEW
@given(ANY_ANGLES)
def test_mirroring_twice_changes_nothing(angles: Floats) -> None:
    points = HAND.points(angles)
    np.testing.assert_array_equal(mirrored(mirrored(points)), points)
    np.testing.assert_array_equal(mirrored(points)[..., 0], -points[..., 0])


def test_turns_are_what_they_are_called() -> None:
    points = HAND.points(np.zeros(len(ANGLES)))
    fingers, thumb, palm = -points[0] + points[9], points[5] - points[17], np.array([0.0, 0.0, -1.0])

    def turned(vector: Floats, turn: float = 0, tilt: float = 0, roll: float = 0) -> Floats:
        return place(vector[None], np.array([0, 0, 0, turn, tilt, roll], np.float64)).reshape(3)

    assert turned(palm, turn=90)[0] == pytest.approx(1)
    assert turned(palm, tilt=90)[1] == pytest.approx(1)
    assert turned(fingers, tilt=90)[2] == pytest.approx(-np.linalg.norm(fingers))
    assert turned(fingers, roll=90)[0] == pytest.approx(np.linalg.norm(fingers))
    assert turned(thumb, turn=180)[0] == pytest.approx(-thumb[0])


def test_one_pose_is_the_same_alone_and_in_a_batch(rng: np.random.Generator) -> None:
    angles, wrist = rng.normal(20, 40, (4, 5, len(ANGLES))), rng.normal(size=(4, 5, 6))
    batch = place(HAND.points(angles), wrist)
    assert batch.shape == (4, 5, len(HAND_POINTS), 3)
    np.testing.assert_allclose(place(HAND.points(angles[2, 3]), wrist[2, 3]), batch[2, 3])


def test_hands_differ_and_have_human_proportions(rng: np.random.Generator) -> None:
    reach = []
    for _ in range(200):
        hand = Hand.draw(rng)
        points = hand.points(np.zeros(len(ANGLES)))
        tips = {name: -points[HAND_POINTS.index(f"{name}_tip"), 1] for name in ("thumb", "index", "middle", "pinky")}
        assert tips["middle"] > tips["index"] > tips["pinky"] > 0.6 * tips["middle"]
        assert tips["pinky"] > tips["thumb"]
        reach.append(tips["middle"])
    assert 0.15 < min(reach) < 0.19
    assert 0.21 < max(reach) < 0.25


def test_a_hand_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"shape \(5, 3\); found \(4, 3\)"):
        Hand(HAND.bones_m[:4], HAND.bases_m, 0.6)
    with pytest.raises(ConfigError, match="longer than 0 m"):
        Hand(HAND.bones_m * 0, HAND.bases_m, 0.6)
