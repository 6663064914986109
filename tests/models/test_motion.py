import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ademan.models.motion import Motion, between, kinds
from ademan.skeleton import BUILT_IN, skeleton

HANDS = skeleton("hands")
MIRROR = list(HANDS.mirror)


def windows(N: int = 2, T: int = 9, seed: int = 0) -> Tensor:
    points = np.random.default_rng(seed).uniform(0, 1, (N, T, 42, 3)).astype(np.float32)
    points[:, 2, :21] = np.nan  # the left hand is lost for a frame
    points[:, 5, 30] = np.nan  # and one point of the right
    return torch.from_numpy(points)


def mirrored(points: Tensor) -> Tensor:
    turned = points[:, :, MIRROR].clone()
    turned[..., 0] = 1 - turned[..., 0]
    return turned


def both(motion: Motion, points: Tensor) -> list[Tensor]:
    """Return the families of features, and the paths."""
    families, paths, _ = motion(points)
    return [*families, paths]


@pytest.fixture
def hands() -> Motion:
    (kind,) = kinds(HANDS)
    return Motion(kind, 3)


def test_both_hands_are_one_kind_and_a_body_is_one_of_its_own() -> None:
    (both,) = kinds(HANDS)
    assert len(both.points) == 2
    assert sorted(both.turned) == [False, True]
    assert [len(kind.points) for kind in kinds(skeleton("holistic75"))] == [1, 2]


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_point_is_in_one_part(name: str) -> None:
    made = skeleton(name)
    points = [i for kind in kinds(made) for part in kind.points for i in part]
    assert sorted(points) == list(range(len(made)))


def test_features_are_as_many_as_they_say_and_never_missing(hands: Motion) -> None:
    families, paths, _ = hands(windows())
    assert [family.shape for family in families] == [(2, 9, 2, size) for size in hands.sizes]
    assert paths.shape == (2, 9, 2, hands.path_size)
    for found in (*families, paths):
        assert torch.isfinite(found).all()
        assert (found[:, 2, 0] == 0).all()  # the left hand, where it was lost


def test_neither_place_nor_size_changes_anything(hands: Motion) -> None:
    points = windows()
    for moved in (3.7 * points, points + torch.tensor([0.4, -2.0, 0.1])):
        for found, expected in zip(both(hands, moved), both(hands, points), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_distances_do_not_change_when_the_hand_turns(hands: Motion) -> None:
    points = windows()
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(hands(points @ turn)[0][0], hands(points)[0][0], atol=1e-3, rtol=1e-3)


def test_a_left_hand_gives_what_its_mirror_image_gives(hands: Motion) -> None:
    points = windows()
    for found, expected in zip(both(hands, mirrored(points)), both(hands, points), strict=True):
        torch.testing.assert_close(found, expected.flip(2), atol=1e-4, rtol=1e-4)


def test_distances_are_those_of_the_points_standardised_over_the_window() -> None:
    (kind,) = kinds(skeleton("hand"))
    points = windows(1, 8)[:, :, 21:].nan_to_num(0.5)
    (distances, posture, *_), _, place = Motion(kind, 3)(points)
    x = points[0].double()
    around = x - x.mean(1, keepdim=True)
    size = around.pow(2).sum(2).mean().sqrt()
    torch.testing.assert_close(place.size.flatten()[0].double(), size, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(posture[0, :, 0].double(), (around / size).flatten(1), atol=1e-4, rtol=1e-4)
    apart = torch.stack([torch.pdist(frame) for frame in x])
    expected = (apart - apart.mean()) / apart.std(correction=0)
    torch.testing.assert_close(distances[0, :, 0].double(), expected, atol=1e-3, rtol=1e-3)


def test_points_that_were_not_seen_do_not_count_among_the_distances() -> None:
    (kind,) = kinds(skeleton("hand"))
    points = windows(1, 8)[:, :, 21:].nan_to_num(0.5)
    points[:, 6:] = torch.nan
    points[:, 3, 7] = torch.nan
    (distances, *_), _, _ = Motion(kind, 3)(points)
    kept = distances[distances != 0]
    assert len(kept) == 6 * 210 - 20
    assert kept.mean().item() == pytest.approx(0, abs=1e-4)
    assert kept.std(correction=0).item() == pytest.approx(1, abs=1e-4)


def test_motion_is_zero_where_a_point_was_lost_and_outside_the_window(hands: Motion) -> None:
    points = windows(1, 6)
    still = points[:, :1].expand(-1, 6, -1, -1).clone()
    still[:, 3:, :, 1] += 1.0  # moves once, between frames 2 and 3
    still[:, 3, 25] = torch.nan
    fast = hands(still)[0][2][0, :, 1].reshape(6, 21, 3)
    assert fast.abs().sum(dim=(1, 2)).nonzero().flatten().tolist() == [2]
    assert (fast[2, 4] == 0).all()
    assert (fast[2, 5] != 0).any()


def test_a_single_point_is_measured_by_its_path() -> None:
    motion = Motion(kinds(skeleton("point"))[0], 2)
    angle = torch.linspace(0, 2 * math.pi, 13)[:-1]
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)[None, :, None]
    for radius in (0.02, 5.0):
        families, paths, place = motion(radius * circle)
        assert place.size.item() == pytest.approx(radius, rel=1e-4)
        assert [family.shape[-1] for family in families] == [*motion.sizes] == [2, 2, 2]
        torch.testing.assert_close(paths[0, :, 0, :2], circle[0, :, 0], atol=1e-4, rtol=1e-4)


def test_between_hands_is_from_one_to_the_other_where_both_are_seen(hands: Motion) -> None:
    points = windows()
    (found,) = between([hands(points)[2]])
    assert found[:, :, 3].tolist() == [[1, 1, 0, 1, 1, 1, 1, 1, 1]] * 2
    assert (found[:, 2] == 0).all()
    (turned,) = between([hands(mirrored(points))[2]])
    torch.testing.assert_close(turned[..., 0], found[..., 0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(turned[..., 1:3], -found[..., 1:3], atol=1e-5, rtol=1e-4)
