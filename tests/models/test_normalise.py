from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ademan.errors import ConfigError
from ademan.models.normalise import Features, Normalisation, lengths
from ademan.skeleton import Skeleton, skeleton

HANDS = skeleton("hands")
KINDS = get_args(Normalisation)


def hands(seed: int = 0, missing: float = 0.1) -> Tensor:
    rng = np.random.default_rng(seed)
    points = rng.uniform(0.2, 0.8, (3, 12, 42, 3)).astype(np.float32)
    points[rng.random((3, 12, 42)) < missing] = np.nan
    points[1, 8:] = np.nan  # padding
    return torch.from_numpy(points)


def features(kind: Normalisation, points: Tensor, **more: bool) -> Tensor:
    options = {"velocities": False, "seen": False} | more
    result: Tensor = Features(HANDS, points.shape[3], kind, **options)(points)
    return result


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Normalisation:
    chosen: Normalisation = request.param
    return chosen


def test_no_feature_is_ever_missing(kind: Normalisation) -> None:
    assert torch.isfinite(features(kind, hands(missing=0.5), velocities=True, seen=True)).all()
    assert torch.isfinite(features(kind, torch.full((1, 4, 42, 2), torch.nan))).all()


def test_size_says_how_many_features_there_are(kind: Normalisation) -> None:
    for velocities in (False, True):
        for seen in (False, True):
            module = Features(HANDS, 3, kind, velocities=velocities, seen=seen)
            assert module(hands()).shape == (3, 12, module.size)


def test_padding_changes_nothing_before_it(kind: Normalisation) -> None:
    points = hands()
    padded = torch.cat([points, torch.full((3, 5, 42, 3), torch.nan)], dim=1)
    torch.testing.assert_close(features(kind, padded, velocities=True)[:, :12], features(kind, points, velocities=True))


def test_one_window_gives_what_it_gives_in_a_batch(kind: Normalisation) -> None:
    points = hands()
    torch.testing.assert_close(features(kind, points)[1:2], features(kind, points[1:2]))


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_place_does_not_matter_to_origin_and_zscore(dx: float, dy: float) -> None:
    points = hands()
    moved = points + torch.tensor([dx, dy, 0.0])
    for kind in ("origin", "origin-size", "zscore"):
        torch.testing.assert_close(features(kind, moved), features(kind, points), atol=2e-4, rtol=1e-3)


@given(st.floats(0.25, 4))
def test_size_does_not_matter_to_origin_size_and_zscore(factor: float) -> None:
    points = hands(missing=0)
    for kind in ("origin-size", "zscore"):
        torch.testing.assert_close(features(kind, points * factor), features(kind, points), atol=1e-3, rtol=1e-3)


def test_image_puts_the_top_at_minus_one_and_the_bottom_at_one() -> None:
    corners = torch.zeros(1, 1, 42, 2)
    corners[0, 0, 1] = 1.0
    assert features("image", corners)[0, 0, :4].tolist() == [-1, -1, 1, 1]


def test_origin_is_the_wrist_of_each_hand() -> None:
    x = features("origin", hands(missing=0)).reshape(3, 12, 42, 3)
    assert (x[:, :, [0, 21]] == 0).all()


def test_origin_size_makes_the_hand_one_long_on_average() -> None:
    x = features("origin-size", hands(missing=0)).reshape(3, 12, 42, 3)[0]
    for wrist in (0, 21):
        palm = x[:, wrist + HANDS.points.index("left_middle_mcp")]
        assert torch.linalg.vector_norm(palm, dim=1).mean() == pytest.approx(1, abs=1e-5)


def test_zscore_has_mean_zero_and_deviation_one_over_what_was_seen() -> None:
    points = hands(missing=0.3)[:1]
    x = features("zscore", points).reshape(points.shape)[~torch.isnan(points)].reshape(-1, 3)
    assert x.mean(dim=0).abs().max() < 1e-5
    assert float((x**2).mean()) == pytest.approx(1, abs=1e-4)


def test_points_without_a_wrist_count_as_missing() -> None:
    points = hands(missing=0)
    points[0, 3, 0] = torch.nan
    x = features("origin", points, seen=True)
    assert (x[0, 3, : 21 * 3] == 0).all()
    assert (x[0, 3, 42 * 3 : 42 * 3 + 21] == 0).all()
    assert (x[0, 4, 42 * 3 : 42 * 3 + 21] == 1).all()


def test_points_of_no_part_keep_their_place_and_value() -> None:
    four = Skeleton(
        "four", ("far", "a", "b", "lone"), (), (0, 1, 2, 3), (HANDS.parts[0].__class__("ab", (2, 1), (1,), (1,), (2,)),)
    )
    points = torch.arange(8.0).reshape(1, 1, 4, 2)
    x = Features(four, 2, "origin", velocities=False, seen=False)(points).reshape(4, 2)
    assert x.tolist() == [[0, 1], [0, 0], [2, 2], [6, 7]]


def test_velocity_is_the_difference_and_zero_where_a_point_was_lost() -> None:
    points = torch.arange(5.0).reshape(1, 5, 1, 1).repeat(1, 1, 42, 2) ** 2
    points[0, 2, 7] = torch.nan
    velocity = features("none", points, velocities=True)[0, :, 84:].reshape(5, 42, 2)
    assert velocity[:, 0, 0].tolist() == [0, 1, 3, 5, 7]
    assert velocity[:, 7, 0].tolist() == [0, 1, 0, 0, 7]


def test_length_is_the_last_frame_in_which_a_point_was_seen() -> None:
    points = torch.full((3, 6, 42, 2), torch.nan)
    points[0, 0] = 1
    points[1, 3, 5] = 1
    points[2, 5, 5, 0] = 1  # half a point is no point
    assert lengths(points).tolist() == [1, 4, 1]


def test_a_skeleton_without_parts_needs_another_normalisation() -> None:
    plain = Skeleton("plain", ("a", "b"), (), (0, 1))
    with pytest.raises(ConfigError, match="'origin' needs a skeleton with parts; 'plain' has none"):
        Features(plain, 2, "origin", velocities=False, seen=False)
