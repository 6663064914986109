import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ademan.augmentation.seen import is_seen, lengths
from ademan.augmentation.time import played, resample_in_time, warped
from tests.augmentation.made import LENGTHS, N, T, batch, same

LENGTH = torch.tensor(LENGTHS)
ONE, ZERO = torch.ones(N), torch.zeros(N)
SHARES = st.lists(st.floats(0, 1), min_size=N, max_size=N).map(torch.tensor)


def rising(positions: Tensor) -> bool:
    """Return whether positions rise, up to the first that is after the end, and none is in the clip again."""
    inside = torch.isfinite(positions)
    steps = positions[:, 1:] - positions[:, :-1]
    return bool((steps[inside[:, 1:]] > 0).all() and (inside[:, :-1] | ~inside[:, 1:]).all())


def test_a_clip_played_whole_at_its_own_speed_is_the_clip(kind: tuple[str, int]) -> None:
    positions = played(LENGTH, T, ONE, ONE, torch.rand(N))
    for row, length in zip(positions, LENGTHS, strict=True):
        assert row[:length].tolist() == list(range(length))
        assert torch.isinf(row[length:]).all()
    points = batch(*kind)
    assert same(resample_in_time(points, positions), points)
    assert same(resample_in_time(points, warped(positions, LENGTH, torch.zeros(N, 3))), points)


def test_twice_the_speed_takes_half_of_the_frames() -> None:
    positions = played(LENGTH, T, torch.full((N,), 2.0), ONE, ZERO)
    assert torch.isfinite(positions).sum(dim=1).tolist() == [15, 15, 9, 4]
    assert positions[3, :4].tolist() == [0, 2, 4, 6]


def test_half_the_speed_takes_twice_the_frames_if_there_are_as_many() -> None:
    positions = played(LENGTH, T, torch.full((N,), 0.5), ONE, torch.tensor([0.0, 1.0, 0.0, 0.0]))
    assert torch.isfinite(positions).sum(dim=1).tolist() == [30, 30, 30, 13]
    assert positions[:2, -1].tolist() == [14.5, 29.0]  # cut at the end, and at the beginning
    assert positions[3, 12] == 6


@given(speed=st.floats(0.4, 2.5), share=SHARES.map(lambda s: 0.1 + 0.9 * s), place=SHARES)
def test_what_is_played_lies_inside_of_the_clip_and_rises(speed: float, share: Tensor, place: Tensor) -> None:
    positions = played(LENGTH, T, torch.full((N,), speed), share, place)
    assert rising(positions)
    inside = torch.isfinite(positions)
    assert inside[:, 0].all()
    assert positions.min() >= 0
    span = torch.where(inside, positions, 0.0).amax(dim=1) - positions[:, 0]
    assert (torch.where(inside, positions, 0.0).amax(dim=1) <= LENGTH - 1).all()
    assert (span <= share * (LENGTH - 1) + 1e-3).all()


@given(bends=st.lists(st.floats(-0.3, 0.3), min_size=3 * N, max_size=3 * N), speed=st.floats(0.5, 2))
def test_a_warp_keeps_the_order_of_frames_and_both_ends(bends: list[float], speed: float) -> None:
    positions = played(LENGTH, T, torch.full((N,), speed), ONE, ZERO)
    moved = warped(positions, LENGTH, torch.tensor(bends).view(N, 3))
    assert rising(moved)
    assert torch.equal(torch.isinf(moved), torch.isinf(positions))
    ends = torch.tensor([[0.0, length - 1] for length in LENGTHS])
    torch.testing.assert_close(warped(ends, LENGTH, torch.tensor(bends).view(N, 3)), ends)


def test_bends_are_changes_of_speed() -> None:
    bends = torch.tensor([[0.2, 0.0, 0.3]])
    at = torch.tensor([[9.99, 10.01]])
    a, b = warped(at, torch.tensor([31]), bends)[0].tolist()
    u = torch.tensor(torch.pi * 10 / 30)
    expected = 1 + 0.2 * torch.cos(u) + 0.3 * torch.cos(3 * u)
    assert (b - a) / 0.02 == pytest.approx(float(expected), abs=1e-3)


def test_between_frames_points_lie_on_straight_lines() -> None:
    points = torch.arange(6.0).view(1, 6, 1, 1).expand(1, 6, 4, 2).contiguous()
    positions = torch.tensor([[0.0, 0.25, 2.5, 3.75, 5.0, torch.inf]])
    found = resample_in_time(points, positions)
    assert found[0, :5, 2, 1].tolist() == [0.0, 0.25, 2.5, 3.75, 5.0]
    assert found[0, 5].isnan().all()


def test_a_point_without_a_neighbour_takes_its_place_in_the_nearer_frame_or_is_missing() -> None:
    points = torch.tensor([7.0, torch.nan, 9.0]).view(1, 3, 1, 1).expand(1, 3, 1, 2).contiguous()
    found = resample_in_time(points, torch.tensor([[0.4, 0.6, 1.0, 1.4, 1.6]]))[0, :, 0, 0]
    torch.testing.assert_close(found, torch.tensor([7.0, torch.nan, torch.nan, torch.nan, 9.0]), equal_nan=True)


@given(share=SHARES)
@pytest.mark.parametrize("kind", [("hands", 3), ("coco17", 2)])
def test_a_point_is_seen_where_it_was_seen_in_the_nearest_frame(kind: tuple[str, int], share: Tensor) -> None:
    points = batch(*kind)
    positions = played(LENGTH, T, 0.5 + share, ONE, ZERO)
    nearest = positions.clamp(max=T - 1).round().long()
    expected = is_seen(points)[torch.arange(N)[:, None], nearest] & torch.isfinite(positions)[..., None]
    assert torch.equal(is_seen(resample_in_time(points, positions)), expected)


def test_padding_stays_at_the_end_and_windows_have_their_own_lengths() -> None:
    positions = played(LENGTH, T, torch.full((N,), 1.25), ONE, ZERO)
    found = resample_in_time(batch(missing=0.0), positions)
    frames = is_seen(found).all(dim=2)
    assert lengths(is_seen(found)).tolist() == frames.sum(dim=1).tolist() == [24, 24, 14, 5]
