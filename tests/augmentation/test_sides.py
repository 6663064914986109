import pytest
import torch

from ademan.augmentation.seen import is_seen, middle
from ademan.augmentation.sides import exchange, mirror, mirrored_labels
from ademan.clip import Clip, times_at
from ademan.clip import mirror as mirror_of_a_clip
from ademan.skeleton import skeleton
from tests.augmentation.made import N, T, batch, same

SOME = torch.tensor([True, False, True, True])


def test_mirroring_twice_changes_nothing(kind: tuple[str, int]) -> None:
    points, body = batch(*kind), skeleton(kind[0])
    twice = mirror(mirror(points, SOME, body), SOME, body)
    torch.testing.assert_close(twice, points, equal_nan=True)
    assert torch.equal(is_seen(twice), is_seen(points))


def test_only_the_clips_that_were_chosen_are_mirrored(kind: tuple[str, int]) -> None:
    points = batch(*kind)
    mirrored = mirror(points, SOME, skeleton(kind[0]))
    assert same(mirrored[1], points[1])
    assert not same(mirrored[0], points[0])
    assert same(mirror(points, torch.zeros(N, dtype=torch.bool), skeleton(kind[0])), points)


def test_a_mirrored_clip_is_what_a_mirror_shows_and_stays_in_its_place(kind: tuple[str, int]) -> None:
    points, body = batch(*kind), skeleton(kind[0])
    found = mirror(points, SOME, body)
    as_clip = mirror_of_a_clip(Clip(points[0].numpy(), times_at(25, T), body, coordinates="fraction"))
    aside = found[0] - torch.from_numpy(as_clip.points)
    about = middle(points, is_seen(points))
    expected = torch.zeros(kind[1])
    expected[0] = 2 * about[0, 0] - 1  # a fraction is mirrored at a half
    torch.testing.assert_close(aside[~aside.isnan().any(dim=2)].mean(dim=0), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(middle(found, is_seen(found)), about)


def test_exchanged_frames_have_left_for_right_and_nothing_moves(kind: tuple[str, int]) -> None:
    points, body = batch(*kind), skeleton(kind[0])
    when = torch.rand(N, T) < 0.5
    changed = exchange(points, when, body)
    assert same(changed[~when], points[~when])
    assert same(changed[when], points[when][:, list(body.mirror)])
    assert same(exchange(changed, when, body), points)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("swipe_left", "fist", "swipe_right"), (2, 1, 0)),
        (("SwipeLeft", "SwipeRight"), (1, 0)),
        (("turn-left", "turn right"), (1, 0)),
        (("LEFT", "Right"), (1, 0)),
        (("swipe2Left", "swipe_2_right"), (1, 0)),
        (("circle_clockwise", "circle_counterclockwise"), (1, 0)),
        (("Clockwise", "AntiClockwise"), (1, 0)),
        (("clockwise", "counter-clockwise"), (1, 0)),
        (("anti_clockwise", "clockwise"), (1, 0)),
        (("left_to_right", "right_to_left"), (1, 0)),
        (("leftwards", "rightwards"), (1, 0)),
        (("left_clockwise", "right_counterclockwise"), (1, 0)),
    ],
)
def test_labels_that_name_a_side_become_each_other(labels: tuple[str, ...], expected: tuple[int, ...]) -> None:
    assert mirrored_labels(labels) == expected


def test_a_label_whose_mirror_image_is_no_label_must_not_be_mirrored() -> None:
    assert mirrored_labels(("swipe_left", "swipe_up", "turn_clockwise", "push_right")) == (-1, 1, -1, -1)


def test_only_whole_words_are_meant() -> None:
    labels = ("bright", "copyright", "leftover", "clockwork", "upright", "Überrightung", "counter", "swipeleft")
    assert mirrored_labels(labels) == tuple(range(len(labels)))


def test_there_may_be_no_label() -> None:
    assert mirrored_labels(()) == ()
