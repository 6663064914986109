import pytest
import torch

from ademan.augmentation.seen import is_seen, lengths, middle
from ademan.clip import is_seen as is_seen_of_a_clip
from ademan.models import lengths as lengths_of_the_networks
from tests.augmentation.made import LENGTHS, batch


def test_a_point_is_seen_when_all_its_coordinates_are(kind: tuple[str, int]) -> None:
    points = batch(*kind)
    points[0, 0, 0, 1] = torch.nan
    expected = torch.stack([torch.from_numpy(is_seen_of_a_clip(clip.numpy())) for clip in points])
    assert torch.equal(is_seen(points), expected)


@pytest.mark.parametrize("missing", [0.0, 0.5, 1.0])
def test_windows_are_as_long_as_the_networks_take_them_to_be(kind: tuple[str, int], missing: float) -> None:
    points = batch(*kind, missing=missing)
    assert lengths(is_seen(points)).tolist() == lengths_of_the_networks(points).tolist() == list(LENGTHS)


def test_a_window_with_nothing_in_it_has_one_frame_and_its_middle_is_zero() -> None:
    points = torch.full((1, 5, 3, 2), torch.nan)
    assert lengths(is_seen(points)).tolist() == [1]
    assert middle(points, is_seen(points)).tolist() == [[0.0, 0.0]]


def test_the_middle_is_the_mean_of_the_points_that_were_seen(kind: tuple[str, int]) -> None:
    points = batch(*kind)
    points[1, 3, 2, 0] = torch.nan  # its y is known and does not count
    for clip, found in zip(points, middle(points, is_seen(points)), strict=True):
        torch.testing.assert_close(found, clip[~clip.isnan().any(dim=2)].mean(dim=0))
