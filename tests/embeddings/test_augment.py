"""Pictures changed: one draw for all frames of a video, the same from a seed, and nothing sent anywhere."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ademan.embeddings.augment import FrameAugmentation, FrameAugmenter, means_a_side, plain
from ademan.errors import ConfigError, MissingExtraError
from ademan.video import Image

pytest.importorskip("albumentations")

SMALL = FrameAugmentation(size=96)
OFF = FrameAugmentation(distort=0, relight=0, noise=0, blur=0, mirror=0, size=96)
DRAWS = range(24)


def scene(seed: int = 0, size_wh: tuple[int, int] = (128, 72)) -> Image:
    """A smooth picture of many colours, and a bright spot that another seed puts elsewhere."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size_wh[1], : size_wh[0]] / np.array([size_wh[1], size_wh[0]])[:, None, None]
    waves = [np.sin(6 * (x * a + y * b)) for a, b in ((1, 0.5), (0.3, 1), (0.7, -1))]
    image = np.stack(waves, axis=2) * 50 + 120
    image[int(rng.integers(50)) :][:12, int(rng.integers(100)) :][:, :12] = 230
    return image.astype(np.uint8)


def coordinates(size: int = 96) -> Image:
    """A picture whose colours say where each pixel was: red is x, green is y."""
    x = np.broadcast_to(np.arange(size), (size, size))
    return np.stack([x, x.T, np.full((size, size), 128)], axis=2).astype(np.uint8)


def other_blue(image: Image, blue: int) -> Image:
    result = image.copy()
    result[..., 2] = blue
    return result


def only(**chances: float) -> FrameAugmentation:
    return replace(OFF, **chances)  # type: ignore[arg-type]


@pytest.mark.parametrize("draw", DRAWS)
def test_all_frames_of_a_video_are_bent_and_mirrored_alike(draw: int) -> None:
    """Each pixel comes from the same place in two frames that differ, whatever else is in them."""
    drawn = FrameAugmenter(only(distort=1, mirror=0.5)).draw("wave", draw)
    one, other = (drawn(other_blue(coordinates(), blue)) for blue in (0, 255))
    np.testing.assert_array_equal(one[..., :2], other[..., :2])
    assert (one[..., :2] != coordinates()[..., :2]).any()


def test_all_frames_of_a_video_have_one_noise_of_other_grains() -> None:
    """Grains fall elsewhere in each frame; how strong they are does not change."""
    augmenter, checked = FrameAugmenter(replace(only(noise=1), grain=0.2, iso=0.6)), []
    frames = [scene(n, (96, 96)) for n in range(8)]
    for number in DRAWS:
        drawn = augmenter.draw("wave", number)
        grains = np.stack([drawn(frame).astype(float) - frame for frame in frames])
        strength = grains.std(axis=(1, 2, 3))
        if strength.max() > 3:
            assert strength.max() < 1.25 * strength.min()
            assert np.abs(np.asarray(np.corrcoef(grains.reshape(8, -1)))[np.triu_indices(8, 1)]).max() < 0.3
            checked.append(drawn.changes[0].rpartition(" ")[0])
    assert min(checked.count("noise"), checked.count("ISO noise")) >= 4


@pytest.mark.parametrize("draw", DRAWS)
def test_all_frames_of_a_video_have_one_light_and_one_blur(draw: int) -> None:
    """What is the same in two frames is the same after a draw: here, all but a spot, and what blur brings of it."""
    drawn = FrameAugmenter(replace(only(relight=1, blur=1), light=0.3)).draw("wave", draw)
    frame = np.full((96, 96, 3), (90, 140, 60), np.uint8)
    frame[:, :48] = (200, 40, 120)
    with_spot = frame.copy()
    with_spot[40:43, 70:73] = (91, 141, 61)
    one, other = drawn(frame), drawn(with_spot)
    np.testing.assert_allclose(one.astype(int), other, atol=3)
    np.testing.assert_array_equal(one, drawn(frame))


@given(draw=st.integers(0, 10**9), seed=st.integers(0, 10**9))
@settings(max_examples=25)
def test_the_same_seed_gives_the_same_pictures_in_any_order(draw: int, seed: int) -> None:
    frames = [scene(n) for n in range(3)]
    augmenter = FrameAugmenter(SMALL, seed)
    drawn, again = augmenter.draw("wave", draw), FrameAugmenter(SMALL, seed)
    forwards = [drawn(frame) for frame in frames]
    again.draw("fist", draw + 1)(frames[0])
    same = again.draw("wave", draw)
    backwards = [same(frame) for frame in reversed(frames)][::-1]
    np.testing.assert_array_equal(forwards, backwards)
    assert drawn.changes == same.changes
    assert all(
        image.shape == (96, 96, 3) and image.dtype == np.uint8 and image.flags.c_contiguous for image in forwards
    )


def test_other_draws_and_other_seeds_change_pictures_otherwise() -> None:
    made = {FrameAugmenter(SMALL, seed).draw("wave", n)(scene()).tobytes() for seed in range(3) for n in range(8)}
    assert len(made) == 24
    named = {FrameAugmenter(SMALL).draw("wave", f"wave_{n}~0").changes for n in range(8)}
    assert len(named) == 8


def test_videos_of_any_size_are_changed_alike() -> None:
    drawn = FrameAugmenter(only(distort=1)).draw("wave", 3)
    small, large = (drawn(scene(size_wh=size)).astype(int) for size in ((96, 96), (384, 384)))
    assert np.abs(small - large).mean() < 4


def test_changes_happen_as_often_as_they_are_to() -> None:
    augmenter = FrameAugmenter(FrameAugmentation(size=32))
    told = [" ".join(augmenter.draw("wave", n).changes) for n in range(600)]
    for word, chance in {
        "mirrored": 0.5, "lens": 0.25, "grid": 0.25, "light": 0.8, "colour": 0.4,
        "motion": 0.3, "soft": 0.3, " noise 0": 0.6, "ISO": 0.3,
    }.items():  # fmt: skip
        share = np.mean([word in f" {changes}" for changes in told])
        assert abs(share - chance) < 4 * np.sqrt(chance * (1 - chance) / 600), word


def test_what_has_no_chance_leaves_pictures_as_they_are() -> None:
    drawn = FrameAugmenter(OFF).draw("wave", 0)
    assert drawn.changes == ()
    np.testing.assert_array_equal(drawn(scene()), plain(scene(), 96))


def test_another_chance_of_one_change_leaves_the_others_as_they_are() -> None:
    for n in range(20):
        every = set(FrameAugmenter(SMALL).draw("wave", n).changes)
        without = set(FrameAugmenter(replace(SMALL, noise=0.0)).draw("wave", n).changes)
        assert without == {change for change in every if "noise" not in change}


def test_a_mirrored_picture_has_its_left_on_the_right() -> None:
    drawn = FrameAugmenter(only(mirror=1)).draw("wave", 0)
    assert drawn.changes == ("mirrored",)
    np.testing.assert_array_equal(drawn(coordinates()), coordinates()[:, ::-1])


@pytest.mark.parametrize(
    ("label", "side"),
    [
        ("swipe_left", True), ("SwipeRight", True), ("turn-right", True), ("left", True), ("LEFT hand", True),
        ("rotate_clockwise", True), ("turn-counter-clockwise", True), ("anticlockwise", True), ("go2left", True),
        ("bright", False), ("cleft", False), ("leftover", False), ("wave", False), ("light_on", False), ("", False),
    ],
)  # fmt: skip
def test_classes_that_mean_a_side_are_never_mirrored(label: str, side: bool) -> None:
    assert means_a_side(label) == side
    always = FrameAugmenter(only(mirror=1))
    assert always.draw(label, 0).mirrored != side


def test_classes_that_mean_a_side_may_be_named() -> None:
    named = FrameAugmenter(replace(only(mirror=1), sided=("wave",)))
    assert not named.draw("wave", 0).mirrored
    assert named.draw("swipe_left", 0).mirrored


@pytest.mark.parametrize("size_wh", [(1280, 720), (720, 1280), (64, 48), (640, 640)])
def test_a_plain_picture_is_changed_in_size_alone(size_wh: tuple[int, int]) -> None:
    image = scene(size_wh=size_wh)
    result = plain(image)
    assert result.shape == (640, 640, 3)
    np.testing.assert_allclose(result.mean(axis=(0, 1)), image.mean(axis=(0, 1)), atol=1)
    grey = np.full((size_wh[1], size_wh[0], 3), 77, np.uint8)
    assert (plain(grey) == 77).all()


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"distort": 1.1}, "distort must be from 0 to 1"),
        ({"mirror": -0.1}, "mirror must be from 0 to 1"),
        ({"noise": float("nan")}, "noise must be from 0 to 1"),
        ({"lens": 1.5}, "lens must be from 0 to 1"),
        ({"grid": 1.0}, "grid must be from 0 to 0.9"),
        ({"light": 0.95}, "light must be from 0 to 0.9"),
        ({"hue": 0.6}, "hue must be from 0 to 0.5"),
        ({"grain": 0.6}, "grain must be from 0 to 0.5"),
        ({"iso": 2.0}, "iso must be from 0 to 1"),
        ({"smear": 2}, "smear must be from 3 to 99"),
        ({"smear": 101}, "smear must be from 3 to 99"),
        ({"soft": 21.0}, "soft must be from 0 to 20"),
        ({"size": 16}, "size must be from 32 to 4096"),
    ],
)
def test_options_out_of_range_are_refused(option: dict[str, float], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        FrameAugmentation(**option)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "edge", [{"lens": 0.0}, {"lens": 1.0}, {"grid": 0.9}, {"light": 0.9, "hue": 0.5}, {"grain": 0.0, "iso": 0.0},
             {"grain": 0.5, "iso": 1.0}, {"smear": 3, "soft": 0.0}, {"smear": 98, "soft": 20.0}],
)  # fmt: skip
def test_strengths_at_the_ends_of_their_ranges_can_be_drawn(edge: dict[str, float]) -> None:
    config = replace(SMALL, distort=1.0, relight=1.0, noise=1.0, blur=1.0, **edge)  # type: ignore[arg-type]
    augmenter = FrameAugmenter(config)
    for n in range(12):
        assert augmenter.draw("wave", n)(scene()).shape == (96, 96, 3)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from ademan.embeddings import augment

    augment._albumentations.cache_clear()
    monkeypatch.setitem(sys.modules, "albumentations", None)
    with pytest.raises(MissingExtraError, match=r"Augmenting pictures needs .*\n.*ademan\[embed\]"):
        FrameAugmenter()
    monkeypatch.undo()
    augment._albumentations.cache_clear()


def test_augmenting_opens_no_socket() -> None:
    """The library asks for newer versions of itself when imported, unless told not to: here, as a user does it."""
    code = """
import sys
heard = []
sys.addaudithook(lambda event, _: heard.append(event) if event.startswith(("socket.", "urllib.")) else None)
{first}
from ademan.embeddings.augment import FrameAugmentation, FrameAugmenter
import numpy as np
draw = FrameAugmenter(FrameAugmentation(size=32)).draw("wave", 0)
draw(np.zeros((32, 32, 3), np.uint8))
print(*heard)
"""
    asking = {name: value for name, value in os.environ.items() if name != "NO_ALBUMENTATIONS_UPDATE"}

    def said(first: str = "") -> str:
        command = [sys.executable, "-W", "ignore", "-c", code.format(first=first)]
        done = subprocess.run(command, env=asking, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert said() == ""
    # The watcher hears what is to be heard; without two libraries that only make the import take longer.
    light = "sys.modules.update(torch=None, huggingface_hub=None)"
    assert "urllib.Request" in said(f"{light}; import albumentations")
