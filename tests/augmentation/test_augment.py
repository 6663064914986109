from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from ademan.augmentation import OFF, Augmentation, Augmenter
from ademan.augmentation.seen import is_seen, lengths, middle
from ademan.skeleton import Part, Skeleton, skeleton
from tests.augmentation.made import LENGTHS, N, T, batch, distances, same

LABELS = ("swipe_left", "swipe_right", "fist", "push_left")
ALL = Augmentation(drop_points=0.1, exchange=0.1, mix=0.4)
STRONGEST = Augmentation(180, 80, 1, 1, 1, 1, 1, 0.9, 0.9, 0.9, 0.9, 0.9, 1, 1, 1, 0.9, 10)
CHANGES_POINTS = [field.name for field in fields(Augmentation) if field.name != "mix"]
IN_PLACE = ("rotate_deg", "turn_deg", "scale", "aspect", "shear", "shift", "jitter", "jumps")


def augmented(
    points: Tensor, name: str, strengths: Augmentation, seed: int = 0, labels: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    augmenter = Augmenter(strengths, skeleton(name), LABELS)
    given = torch.full((len(points),), 2) if labels is None else labels
    return augmenter(points, given, torch.Generator().manual_seed(seed))


def alone(name: str) -> Augmentation:
    return replace(OFF, **{name: getattr(STRONGEST, name)})


def test_with_all_strengths_zero_nothing_is_done(kind: tuple[str, int]) -> None:
    points, labels, generator = batch(*kind), torch.tensor([0, 1, 2, 3]), torch.Generator().manual_seed(0)
    before = generator.get_state()
    found = Augmenter(OFF, skeleton(kind[0]), LABELS)(points, labels, generator)
    assert found[0] is points
    assert found[1] is labels
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("name", CHANGES_POINTS)
def test_each_strength_alone_does_something(name: str) -> None:
    points = batch("hands", 3)
    changed = [not same(augmented(points, "hands", alone(name), seed)[0], points) for seed in range(5)]
    assert all(changed)


def test_points_in_a_picture_are_not_turned_in_depth() -> None:
    points = batch("hands", 2)
    assert same(augmented(points, "hands", alone("turn_deg"))[0], points)


@pytest.mark.parametrize("strengths", [ALL, STRONGEST], ids=["usual", "strongest"])
def test_the_same_generator_gives_the_same_bits(kind: tuple[str, int], strengths: Augmentation) -> None:
    points, labels = batch(*kind), torch.tensor([0, 1, 2, 3])
    first, second = (augmented(points, kind[0], strengths, 3, labels) for _ in range(2))
    assert torch.equal(first[0].view(torch.int32), second[0].view(torch.int32))
    assert torch.equal(first[1], second[1])
    assert not same(augmented(points, kind[0], strengths, 4, labels)[0], first[0])


def test_its_arguments_stay_as_they_are(kind: tuple[str, int]) -> None:
    points, labels = batch(*kind), torch.tensor([0, 1, 2, 3])
    augmenter, generator = Augmenter(STRONGEST, skeleton(kind[0]), LABELS), torch.Generator().manual_seed(0)
    augmenter(points, labels, generator)
    augmenter.mix(points, labels, generator)
    assert same(points, batch(*kind))
    assert labels.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("missing", [0.0, 0.5, 0.97])
def test_a_clip_never_loses_all_that_is_seen_of_it(kind: tuple[str, int], missing: float) -> None:
    points = batch(*kind, missing=missing)
    for seed in range(20):
        found, _ = augmented(points, kind[0], STRONGEST, seed)
        assert found.shape == points.shape
        assert is_seen(found).flatten(1).any(dim=1).all()
        assert not torch.isinf(found).any()


def test_a_clip_in_which_nothing_is_seen_stays_so() -> None:
    points = batch()
    points[2] = torch.nan
    found, _ = augmented(points, "hands", ALL)
    assert found[2].isnan().all()
    assert is_seen(found[[0, 1, 3]]).flatten(1).any(dim=1).all()


@pytest.mark.parametrize("name", IN_PLACE)
def test_what_moves_points_neither_loses_nor_invents_any(kind: tuple[str, int], name: str) -> None:
    points = batch(*kind)
    assert torch.equal(is_seen(augmented(points, kind[0], alone(name))[0]), is_seen(points))


@pytest.mark.parametrize("name", ["drop_frames", "drop_parts", "drop_points"])
def test_what_loses_points_leaves_the_others_where_they_are(kind: tuple[str, int], name: str) -> None:
    points = batch(*kind)
    found, _ = augmented(points, kind[0], alone(name))
    left = is_seen(found)
    assert (left <= is_seen(points)).all()
    assert torch.equal(found[left], points[left])


def test_padding_stays_at_the_end_and_only_slow_clips_grow_into_it(kind: tuple[str, int]) -> None:
    points = batch(*kind)
    found, _ = augmented(points, kind[0], replace(ALL, speed=0.0))
    assert (lengths(is_seen(found)) <= torch.tensor(LENGTHS)).all()
    slow, _ = augmented(points, kind[0], replace(OFF, speed=1.0))
    grown = lengths(is_seen(slow)) / torch.tensor(LENGTHS)
    assert grown.max() <= 2
    assert grown.min() >= 0.45


def test_what_is_left_of_a_clip_can_be_stretched_to_its_whole_length() -> None:
    points = torch.arange(30.0).view(1, -1, 1, 1).repeat(N, 1, 42, 2)
    points[3, 7:] = torch.nan
    labels, strengths = torch.zeros(N, dtype=torch.int64), replace(OFF, speed=1.0, crop=0.9)
    augmenter = Augmenter(strengths, skeleton("hands"), LABELS, stretch=True)
    found = augmenter(points, labels, torch.Generator().manual_seed(0))[0][:, :, 0, 0]
    assert torch.isfinite(found).sum(dim=1).tolist() == [30, 30, 30, 7]
    steps = found[:, 1:7] - found[:, :6]
    torch.testing.assert_close(steps, steps[:, :1].expand(N, 6), atol=1e-4, rtol=0)  # at a constant speed
    assert 0.1 <= float(steps.min()) < float(steps.max()) <= 1


@pytest.mark.parametrize("name", ["drop_frames", "drop_parts", "drop_points"])
def test_about_half_of_the_largest_share_is_lost_on_average(name: str) -> None:
    points = torch.zeros(400, 60, 42, 2)
    found, _ = augmented(points, "hands", replace(OFF, **{name: 0.4}))
    lost = (~is_seen(found)).float().mean(dim=(1, 2))
    assert 0.16 < float(lost.mean()) < 0.22
    assert float(lost.min()) < 0.02


def test_hands_are_lost_each_for_itself_and_whole() -> None:
    found, _ = augmented(batch(missing=0.0), "hands", alone("drop_parts"))
    frames = torch.tensor(LENGTHS)[:, None] > torch.arange(T)
    hands = is_seen(found).view(N, T, 2, 21)[frames]
    assert torch.equal(hands.any(dim=2), hands.all(dim=2))
    assert (hands.all(dim=2).sum(dim=1) == 1).any()


@pytest.mark.parametrize("factor", [0.1, 1.0, 30.0])
def test_errors_grow_with_the_hand(factor: float) -> None:
    points = batch(missing=0.0) * factor
    found, _ = augmented(points, "hands", replace(OFF, jitter=0.02))
    error = (found - points)[is_seen(points)].std() / factor
    assert 0.001 < float(error) < 0.02


def test_a_clip_stays_in_its_place_without_a_shift() -> None:
    points = batch()
    found, _ = augmented(points, "hands", replace(OFF, rotate_deg=90, turn_deg=40, scale=1, aspect=0.5, shear=0.5))
    seen = is_seen(points)
    torch.testing.assert_close(middle(found, seen), middle(points, seen), atol=1e-5, rtol=1e-5)


def test_rotation_and_turn_together_keep_distances() -> None:
    points = batch()
    found, _ = augmented(points, "hands", replace(OFF, rotate_deg=90, turn_deg=40, shift=0.2))
    torch.testing.assert_close(distances(found), distances(points), atol=1e-5, rtol=1e-4, equal_nan=True)


def test_depth_is_not_shifted() -> None:
    points = batch()
    found, _ = augmented(points, "hands", replace(OFF, shift=0.5))
    torch.testing.assert_close(found[..., 2], points[..., 2], equal_nan=True)


def test_mirrored_clips_change_their_labels_or_are_not_mirrored() -> None:
    points, labels = batch(), torch.tensor([0, 1, 2, 3])
    found, after = augmented(points, "hands", replace(OFF, mirror=1.0), labels=labels)
    assert after.tolist() == [1, 0, 2, 3]
    assert [same(a, b) for a, b in zip(found, points, strict=True)] == [False, False, False, True]


def test_about_as_many_clips_are_mirrored_as_was_said() -> None:
    points, labels = torch.rand(1000, 2, 42, 2), torch.zeros(1000, dtype=torch.int64)
    found, after = augmented(points, "hands", replace(OFF, mirror=0.3), labels=labels)
    assert 250 < int(after.sum()) < 350
    changed = (found != points).flatten(1).any(dim=1)
    assert torch.equal(changed, after == 1)


@pytest.mark.parametrize(("name", "channels", "share"), [("hands", 3, 0.5), ("coco17", 2, 0.0), ("kinect20", 3, 0.0)])
def test_hands_are_mirrored_and_bodies_are_not_unless_it_is_asked_for(name: str, channels: int, share: float) -> None:
    assert Augmenter(Augmentation(), skeleton(name), LABELS).augmentation.mirror == share
    assert Augmenter(Augmentation(mirror=0.2), skeleton(name), LABELS).augmentation.mirror == 0.2


def test_mixing_keeps_the_sum_of_targets_and_does_nothing_when_off() -> None:
    points, labels = batch(), torch.tensor([0, 1, 2, 3])
    generator = torch.Generator().manual_seed(0)
    as_is, targets = Augmenter(OFF, skeleton("hands"), LABELS).mix(points, labels, generator)
    assert as_is is points
    assert torch.equal(targets, torch.eye(4))
    mixer = Augmenter(replace(OFF, mix=1.0), skeleton("hands"), LABELS)
    found, targets = mixer.mix(points, labels, generator)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(4))
    assert ((targets > 0).sum(dim=1) == 2).any()
    assert not same(found, points)


@pytest.mark.parametrize("frames", [1, 2])
def test_a_clip_of_one_or_two_frames_is_augmented_too(kind: tuple[str, int], frames: int) -> None:
    points = batch(*kind, missing=0.0)[:, :frames]
    for strengths in (ALL, STRONGEST):
        found, _ = augmented(points, kind[0], strengths)
        assert found.shape == points.shape
        assert is_seen(found).flatten(1).any(dim=1).all()


def test_a_body_without_limbs_is_augmented_too() -> None:
    torso = Part("body", (0, 1, 2, 3), (0, 1), (0, 1), (2, 3))
    square = Skeleton("square", tuple("abcd"), ((0, 1), (2, 3)), (1, 0, 3, 2), (torso,))
    points = torch.rand(3, 8, 4, 2)
    found, _ = Augmenter(ALL, square, LABELS)(points, torch.zeros(3, dtype=torch.int64), torch.Generator())
    assert found.shape == points.shape
    assert not same(found, points)
