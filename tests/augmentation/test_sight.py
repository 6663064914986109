import pytest
import torch

from ademan.augmentation.groups import lost_together, sized_together
from ademan.augmentation.seen import is_seen
from ademan.augmentation.sight import displace, drifting, hide, of_groups, runs, sizes, tremble
from ademan.skeleton import skeleton
from tests.augmentation.made import N, T, batch, same


def test_runs_last_as_long_as_they_say_and_may_overlap() -> None:
    begins = torch.tensor([[0, 1, 0, 1, 0, 0, 0, 1]]).bool()
    frames = torch.tensor([[9, 4, 9, 1, 9, 9, 9, 5]])
    assert runs(begins, frames)[0].int().tolist() == [0, 1, 1, 1, 1, 0, 0, 1]


def test_runs_of_several_things_do_not_mix() -> None:
    begins = torch.zeros(1, 5, 2, dtype=torch.bool)
    begins[0, 1, 0] = begins[0, 3, 1] = True
    lost = runs(begins, torch.full((1, 5, 2), 2))
    assert lost[0, :, 0].int().tolist() == [0, 1, 1, 0, 0]
    assert lost[0, :, 1].int().tolist() == [0, 0, 0, 1, 1]


def test_what_is_hidden_is_missing_and_all_else_is_as_it_was(kind: tuple[str, int]) -> None:
    points = batch(*kind)
    lost = torch.rand(points.shape[:3]) < 0.3
    hidden = hide(points, lost)
    assert hidden[lost].isnan().all()
    assert same(hidden[~lost], points[~lost])
    frames = torch.rand(N, T, 1) < 0.3
    assert same(hide(points, frames), hide(points, frames.expand(points.shape[:3])))


def test_points_of_no_group_get_nothing_from_groups() -> None:
    values = torch.tensor([[True, False], [True, True]])
    assert of_groups(values, ((3, 1), (0,)), 5).int().tolist() == [[0, 1, 0, 1, 0], [1, 1, 0, 1, 0]]


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_the_size_is_the_spread_about_the_middle_of_the_group(kind: tuple[str, int], missing: float) -> None:
    points, groups = batch(*kind, missing=missing), sized_together(skeleton(kind[0]))
    found = sizes(points, is_seen(points), groups)
    for n in range(N):
        for g, group in enumerate(groups):
            frames = [frame[list(group)] for frame in points[n]]
            frames = [frame[~frame.isnan().any(dim=1)] for frame in frames]
            away = torch.cat([(frame - frame.mean(dim=0)).square().sum(dim=1) for frame in frames if len(frame)])
            torch.testing.assert_close(found[n, g], away.mean().sqrt(), atol=1e-4, rtol=1e-3)


def test_the_size_grows_with_the_hand_and_does_not_know_where_it_is() -> None:
    points, groups = batch("hands", 3), sized_together(skeleton("hands"))
    moving = torch.linspace(0, 1, T).view(1, -1, 1, 1)
    seen = is_seen(points)
    size = sizes(points, seen, groups)
    torch.testing.assert_close(sizes(3 * points, seen, groups), 3 * size)
    torch.testing.assert_close(sizes(points + moving, seen, groups), size, atol=1e-4, rtol=1e-3)


def test_a_hand_that_was_never_seen_has_no_size() -> None:
    points = batch("hands", 2)
    points[:, :, :21] = torch.nan
    size = sizes(points, is_seen(points), sized_together(skeleton("hands")))
    assert (size[:, 0] == 0).all()
    assert (size[:, 1] > 0).all()


def test_errors_are_as_large_as_their_scale(kind: tuple[str, int]) -> None:
    points = batch(*kind, missing=0.0)
    noise = torch.randn(points.shape)
    scale = torch.rand(N, points.shape[2])
    moved = tremble(points, noise, scale)
    expected = (noise * scale[:, None, :, None])[is_seen(points)]
    torch.testing.assert_close((moved - points)[is_seen(points)], expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(is_seen(moved), is_seen(points))
    each = scale[..., None].repeat(1, 1, kind[1])
    assert same(tremble(points, noise, each), moved)
    each[..., 1] = 0
    assert same(tremble(points, noise, each)[..., 1], points[..., 1])


def test_drift_goes_in_straight_lines_from_knot_to_knot() -> None:
    knots = torch.tensor([0.0, 4.0, -4.0]).view(1, 3, 1, 1).expand(1, 3, 6, 2).contiguous()
    drift = drifting(torch.zeros(1, 9, 6, 2), knots)
    assert drift[0, :, 5, 1].tolist() == [0, 1, 2, 3, 4, 2, 0, -2, -4]
    fresh = torch.randn(1, 9, 6, 2)
    torch.testing.assert_close(drifting(fresh, knots), fresh + drift)


def test_a_group_is_displaced_in_one_frame_and_nothing_else_moves(kind: tuple[str, int]) -> None:
    points, groups = batch(*kind, missing=0.0), lost_together(skeleton(kind[0]))
    G, C = len(groups), kind[1]
    frame, offset = torch.randint(0, 7, (N, G)), torch.rand(N, G, C) + 1
    moved = displace(points, frame, offset, groups)
    expected = points.clone()
    for n in range(N):
        for g, group in enumerate(groups):
            expected[n, frame[n, g], list(group)] += offset[n, g]
    assert same(moved, expected)
    assert not same(moved, points)
