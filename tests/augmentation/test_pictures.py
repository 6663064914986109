"""Pictures that could have been taken as well: each strength does one thing, alike in all frames of a clip."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ademan.augmentation.pictures import PICTURES_OFF, PictureAugmentation, PictureAugmenter
from ademan.errors import ConfigError

SIDE, N, T = 24, 6, 3
LABELS = ("swipe_left", "swipe_right", "fist", "push_left")
ALL = PictureAugmentation(flip=0.5, mixup=0.4)
STRONGEST = PictureAugmentation(180, 1, 1, 1, 0.5, 1, 1, 1, 1, 1, 1, 10)
ALONE = [field.name for field in fields(PictureAugmentation) if field.name != "mixup"]
OF_LIGHT = ("gamma", "shade", "tint", "noise")


def batch(colours: int = 1, *, binary: bool = False) -> Tensor:
    """Clips whose frames are alike: a bright square off the middle on a dark ground; one clip misses a frame."""
    pictures = np.random.default_rng(0).uniform(20, 60, (N, 1, SIDE, SIDE, colours))
    pictures[:, :, 6:16, 4:12] += 150
    pictures = np.where(pictures > 100, 255, 0) if binary else pictures
    points = torch.from_numpy(pictures.astype(np.float32).repeat(T, axis=1).reshape(N, T, SIDE, SIDE * colours))
    points[1, 1] = torch.nan
    return points


def changed(points: Tensor, strengths: PictureAugmentation, seed: int = 0, *, binary: bool = False) -> Tensor:
    augmenter = PictureAugmenter(strengths, LABELS, binary=binary)
    return augmenter(points, torch.full((len(points),), 2), torch.Generator().manual_seed(seed))[0]


def alone(name: str) -> PictureAugmentation:
    return replace(PICTURES_OFF, **{name: getattr(ALL if name != "flip" else STRONGEST, name)})


def same(one: Tensor, other: Tensor) -> bool:
    return torch.equal(torch.nan_to_num(one, nan=-1.0), torch.nan_to_num(other, nan=-1.0))


def test_with_all_strengths_zero_nothing_is_done() -> None:
    points, labels, generator = batch(), torch.zeros(N, dtype=torch.int64), torch.Generator().manual_seed(0)
    before = generator.get_state()
    found = PictureAugmenter(PICTURES_OFF, LABELS)(points, labels, generator)
    assert found[0] is points
    assert found[1] is labels
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("name", ALONE)
def test_each_strength_alone_does_something(name: str) -> None:
    points = batch(3)
    assert not same(changed(points, alone(name)), points)


def test_grey_pictures_have_no_tint() -> None:
    points = batch(1)
    torch.testing.assert_close(changed(points, alone("tint")), points, atol=1e-3, rtol=0, equal_nan=True)


@pytest.mark.parametrize("strengths", [ALL, STRONGEST], ids=["usual", "strongest"])
@pytest.mark.parametrize("colours", [1, 3])
def test_what_comes_out_is_a_picture_and_what_went_in_stays(strengths: PictureAugmentation, colours: int) -> None:
    points = batch(colours)
    before = points.clone()
    found = changed(points, strengths)
    assert same(points, before)
    assert found.shape == points.shape
    assert torch.equal(torch.isnan(found), torch.isnan(points))
    assert torch.nan_to_num(found).min() >= 0
    assert torch.nan_to_num(found).max() <= 255


def test_the_same_generator_gives_the_same_bits() -> None:
    points = batch(3)
    assert same(changed(points, ALL, 3), changed(points, ALL, 3))
    assert not same(changed(points, ALL, 3), changed(points, ALL, 4))


@pytest.mark.parametrize("name", [name for name in ALONE if name != "noise"])
def test_all_frames_of_a_clip_are_changed_alike(name: str) -> None:
    found = changed(batch(3), alone(name))
    torch.testing.assert_close(found[0, 0], found[0, 2])


def test_clips_are_changed_each_in_its_own_way() -> None:
    one = batch()[:1].repeat(N, 1, 1, 1)
    found = changed(one, alone("slide"))
    assert not same(found[0], found[1])


def test_a_flip_is_the_mirror_image() -> None:
    points = batch(3)
    found = changed(points, replace(PICTURES_OFF, flip=1.0))
    mirrored = points.reshape(N, T, SIDE, SIDE, 3).flip(3).reshape(points.shape)
    torch.testing.assert_close(found, mirrored, atol=1e-2, rtol=0, equal_nan=True)


def test_a_flip_changes_labels_that_say_left_or_right_or_is_forbidden_by_them() -> None:
    points, labels = batch(), torch.tensor([0, 1, 2, 3, 0, 3])
    augmenter = PictureAugmenter(replace(PICTURES_OFF, flip=1.0), LABELS)
    found, told = augmenter(points, labels, torch.Generator().manual_seed(0))
    assert told.tolist() == [1, 0, 2, 3, 1, 3]
    torch.testing.assert_close(found[3], points[3], atol=1e-2, rtol=0)
    assert not torch.allclose(found[4], points[4], atol=1.0)


def test_a_slide_moves_by_its_share_of_the_side_at_most() -> None:
    points = torch.zeros(200, 1, SIDE, SIDE)
    points[:, :, 10:14, 10:14] = 255
    found = changed(points, replace(PICTURES_OFF, slide=0.25))[:, 0]
    place = torch.arange(SIDE, dtype=torch.float32)
    across = (found * place).sum(dim=(1, 2)) / found.sum(dim=(1, 2)) - 11.5
    assert across.abs().max() <= 0.25 * SIDE + 0.1
    assert across.min() < -0.2 * SIDE
    assert across.max() > 0.2 * SIDE


def test_a_zoom_keeps_the_middle_and_changes_the_area() -> None:
    points = torch.zeros(200, 1, SIDE, SIDE)
    points[:, :, 8:16, 8:16] = 255
    found = changed(points, replace(PICTURES_OFF, zoom=0.5))[:, 0] / 255
    size = (found.sum(dim=(1, 2)) / 64).sqrt()
    assert 1 / 1.55 < size.min() < 0.75
    assert 1.35 < size.max() < 1.55
    assert (found[:, 11:13, 11:13] > 0.9).all()


def test_a_turn_keeps_what_is_round() -> None:
    x = torch.arange(SIDE) - (SIDE - 1) / 2
    disc = ((x[:, None] ** 2 + x**2) < 64).float() * 255
    points = disc.repeat(4, 1, 1, 1)
    found = changed(points, replace(PICTURES_OFF, tilt_deg=180.0))
    assert (found - points).abs().mean() < 8


def test_silhouettes_stay_black_and_white_and_the_light_does_nothing_to_them() -> None:
    points = batch(binary=True)
    found = torch.nan_to_num(changed(points, ALL, binary=True))
    assert set(found.flatten().tolist()) == {0.0, 255.0}
    lit = replace(PICTURES_OFF, **dict.fromkeys(OF_LIGHT, 1.0))
    torch.testing.assert_close(changed(points, lit, binary=True), points, equal_nan=True)


def test_what_is_covered_is_black_in_a_silhouette_and_grey_elsewhere() -> None:
    white = torch.full((50, 1, SIDE, SIDE), 255.0)
    strength = replace(PICTURES_OFF, erase=0.5)
    for binary, expected in ((True, 0.0), (False, 127.5)):
        found = changed(white, strength, binary=binary)
        covered = found == expected
        assert covered.any()
        assert (found[~covered] > 254).all()
        assert covered.float().mean(dim=(1, 2, 3)).max() <= 0.26


def test_mixup_mixes_pictures_and_targets_by_the_same_shares() -> None:
    black_and_white = torch.zeros(2, 1, SIDE, SIDE)
    black_and_white[1] = 255
    augmenter = PictureAugmenter(replace(PICTURES_OFF, mixup=1.0), LABELS)
    for seed in range(5):
        points, targets = augmenter.mix(black_and_white, torch.tensor([0, 2]), torch.Generator().manual_seed(seed))
        torch.testing.assert_close(points[:, 0, 0, 0] / 255, targets[:, 2])
        torch.testing.assert_close(targets.sum(dim=1), torch.ones(2))


def test_without_mixup_targets_are_the_labels() -> None:
    points = batch()
    found, targets = PictureAugmenter(PictureAugmentation(), LABELS).mix(
        points, torch.tensor([0, 1, 2, 3, 0, 1]), torch.Generator()
    )
    assert found is points
    assert targets.argmax(dim=1).tolist() == [0, 1, 2, 3, 0, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tilt_deg": 181.0}, r"tilt_deg must be from 0 to 180, found 181\.0"),
        ({"zoom": -0.1}, r"zoom must be from 0 to 1, found -0\.1"),
        ({"mixup": 11.0}, r"mixup must be from 0 to 10, found 11\.0"),
    ],
)
def test_a_strength_out_of_range_is_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PictureAugmentation(**options)
