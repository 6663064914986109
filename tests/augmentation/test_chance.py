import torch

from ademan.augmentation.chance import MEAN_GAP, Chance


def chance(clips: int = 20_000, seed: int = 0) -> Chance:
    return Chance(torch.Generator().manual_seed(seed), torch.zeros(clips, 1, 1, 2))


def test_the_same_seed_gives_the_same_numbers() -> None:
    for draw in ("share", "normal", "gaps", "partner"):
        assert torch.equal(getattr(chance(), draw)(), getattr(chance(), draw)())
        assert not torch.equal(getattr(chance(), draw)(), getattr(chance(seed=1), draw)())
    assert torch.equal(chance().beta(0.4), chance().beta(0.4))


def test_factors_enlarge_as_often_as_they_shrink_and_stay_in_their_range() -> None:
    factors = chance().factor(0.25)
    assert factors.min() >= 1 / 1.25 - 1e-6
    assert factors.max() <= 1.25 + 1e-6
    assert abs(float((factors > 1).float().mean()) - 0.5) < 0.02
    assert factors.min() < 0.81
    assert factors.max() > 1.24


def test_numbers_go_either_way_up_to_the_largest() -> None:
    numbers = chance().either_way(3.0, 2)
    assert numbers.shape == (20_000, 2)
    assert abs(float(numbers.mean())) < 0.05
    assert 2.99 < float(numbers.abs().max()) <= 3


def test_about_half_of_the_gaps_last_one_frame_and_one_in_ten_more_than_six() -> None:
    gaps = chance(200_000).gaps()
    assert gaps.min() == 1
    assert abs(float((gaps == 1).float().mean()) - 0.5) < 0.05
    assert abs(float((gaps > 6).float().mean()) - 0.1) < 0.03
    assert abs(float(gaps.float().mean()) - MEAN_GAP) < 0.03


def test_partners_are_a_permutation() -> None:
    assert chance(50).partner().sort().values.tolist() == list(range(50))


def test_small_alphas_mix_little_and_large_ones_evenly() -> None:
    little, even = chance().beta(0.1), chance().beta(10.0)
    assert little.dtype == torch.float32
    assert float(torch.minimum(little, 1 - little).mean()) < 0.1
    assert float((even - 0.5).abs().mean()) < 0.1
    assert abs(float(little.mean()) - 0.5) < 0.02
