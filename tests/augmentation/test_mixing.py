import torch

from ademan.augmentation.mixing import mixed, mixed_targets
from ademan.augmentation.seen import is_seen
from tests.augmentation.made import N, batch, same

PARTNER = torch.tensor([1, 0, 3, 2])


def test_a_whole_share_is_the_clip_itself_and_none_is_its_partner(kind: tuple[str, int]) -> None:
    points = batch(*kind)
    assert same(mixed(points, PARTNER, torch.ones(N)), points)
    assert same(mixed(points, PARTNER, torch.zeros(N)), points[PARTNER])


def test_points_that_both_see_lie_on_the_line_between_them() -> None:
    points = batch(missing=0.0)
    share = torch.tensor([0.3, 0.8, 0.5, 0.9])
    line = share.view(-1, 1, 1, 1) * points + (1 - share.view(-1, 1, 1, 1)) * points[PARTNER]
    both = is_seen(points) & is_seen(points[PARTNER])
    torch.testing.assert_close(mixed(points, PARTNER, share)[both], line[both])


def test_of_what_one_alone_sees_the_clip_with_the_larger_share_decides(kind: tuple[str, int]) -> None:
    points = batch(*kind, missing=0.4)
    share = torch.tensor([0.3, 0.8, 0.6, 0.1])
    larger = torch.where(share.view(-1, 1, 1, 1) > 0.5, points, points[PARTNER])
    found = mixed(points, PARTNER, share)
    assert torch.equal(is_seen(found), is_seen(larger))
    alone = is_seen(larger) & ~(is_seen(points) & is_seen(points[PARTNER]))
    assert alone.any()
    assert torch.equal(found[alone], larger[alone])


def test_targets_are_mixed_as_the_clips_are() -> None:
    targets = torch.eye(3)[[0, 1, 2, 2]]
    found = mixed_targets(targets, PARTNER, torch.tensor([0.25, 1.0, 0.6, 0.0]))
    expected = torch.tensor([[0.25, 0.75, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]])
    torch.testing.assert_close(found, expected)
