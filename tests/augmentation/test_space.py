import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ademan.augmentation import space
from ademan.augmentation.seen import is_seen, middle
from tests.augmentation.made import N, batch, distances

ANGLES = st.lists(st.floats(-math.pi, math.pi), min_size=N, max_size=N).map(torch.tensor)
FACTORS = st.lists(st.floats(0.5, 2.0), min_size=N, max_size=N).map(torch.tensor)
BUILDERS = (space.rotation, space.scaling, space.stretching, space.shearing)


def moved(points: Tensor, matrices: Tensor) -> Tensor:
    return space.transform(points, matrices, middle(points, is_seen(points)))


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-4, equal_nan=True)


@given(angle=ANGLES)
@pytest.mark.parametrize("kind", [("hands", 2), ("kinect20", 3)])
def test_a_rotation_keeps_all_distances(kind: tuple[str, int], angle: Tensor) -> None:
    points = batch(*kind)
    close(distances(moved(points, space.rotation(angle, kind[1]))), distances(points))


@given(yaw=ANGLES, pitch=ANGLES)
def test_a_turn_keeps_all_distances_in_space(yaw: Tensor, pitch: Tensor) -> None:
    points = batch("hands", 3)
    close(distances(moved(points, space.turn(yaw, pitch))), distances(points))


@given(factor=FACTORS)
@pytest.mark.parametrize("kind", [("hands", 3), ("coco17", 2)])
def test_a_scale_multiplies_all_distances(kind: tuple[str, int], factor: Tensor) -> None:
    points = batch(*kind)
    close(distances(moved(points, space.scaling(factor, kind[1]))), distances(points) * factor.view(-1, 1, 1, 1))


@given(factor=FACTORS)
def test_an_aspect_changes_width_to_height_and_keeps_areas(factor: Tensor) -> None:
    matrices = space.stretching(factor, 3)
    close(matrices[:, 0, 0] / matrices[:, 1, 1], factor)
    close(torch.linalg.det(matrices), torch.ones(N))
    assert (matrices[:, 2, 2] == 1).all()  # depth stays


@given(slope=st.lists(st.floats(-1, 1), min_size=N, max_size=N).map(torch.tensor))
def test_a_shear_keeps_heights_and_areas(slope: Tensor) -> None:
    points = batch("coco17", 2)
    leaning = moved(points, space.shearing(slope, 2))
    close(leaning[..., 1], points[..., 1])
    about = middle(points, is_seen(points))[:, None, None, 1]
    close(leaning[..., 0], points[..., 0] + slope.view(-1, 1, 1) * (points[..., 1] - about))
    close(torch.linalg.det(space.shearing(slope, 2)), torch.ones(N))


def test_a_quarter_turn_in_the_picture_is_clockwise() -> None:
    right = torch.tensor([[[[1.0, 0.0]]]])
    matrices = space.rotation(torch.tensor([math.pi / 2]), 2)
    close(space.transform(right, matrices, torch.zeros(1, 2)), torch.tensor([[[[0.0, 1.0]]]]))  # y points down


def test_yaw_keeps_heights_and_pitch_keeps_widths() -> None:
    angle, none = torch.full((N,), 0.4), torch.zeros(N)
    points = batch("hands", 3)
    close(moved(points, space.turn(angle, none))[..., 1], points[..., 1])
    close(moved(points, space.turn(none, angle))[..., 0], points[..., 0])


@pytest.mark.parametrize("build", BUILDERS)
def test_the_inverse_matrix_gives_the_points_back(
    build: Callable[[Tensor, int], Tensor], kind: tuple[str, int]
) -> None:
    points, matrices = batch(*kind), build(torch.tensor([0.3, 0.8, 1.4, 1.0]), kind[1])
    about = torch.rand(N, kind[1])
    there = space.transform(points, matrices, about)
    close(space.transform(there, torch.linalg.inv(matrices), about), points)


def test_a_clip_stays_in_its_place_but_for_the_shift(kind: tuple[str, int]) -> None:
    points = batch(*kind)
    seen = is_seen(points)
    about, shift = middle(points, seen), torch.linspace(-0.2, 0.2, N * kind[1]).view(N, -1)
    matrices = space.shearing(torch.full((N,), 0.3), kind[1]) @ space.rotation(torch.full((N,), 0.5), kind[1])
    close(middle(space.transform(points, matrices, about), seen), about)
    close(middle(space.transform(points, matrices, about, shift), seen), about + shift)


def test_what_was_missing_stays_missing_and_nothing_else_is(kind: tuple[str, int]) -> None:
    points = batch(*kind)
    matrices = space.rotation(torch.rand(N), kind[1])
    assert torch.equal(is_seen(moved(points, matrices)), is_seen(points))


def test_matrices_that_change_nothing_change_nothing(kind: tuple[str, int]) -> None:
    points = batch(*kind)
    close(moved(points, space.identity(torch.ones(N), kind[1])), points)


def test_each_clip_has_a_matrix_of_its_own() -> None:
    points, matrices = batch(), space.scaling(torch.tensor([1.0, 2.0, 3.0, 4.0]), 3)
    alone = [moved(points[i : i + 1], matrices[i : i + 1]) for i in range(N)]
    close(moved(points, matrices), torch.cat(alone))
