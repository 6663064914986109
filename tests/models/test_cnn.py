"""The network for pictures: what must hold for every network, with windows of pictures; and what it alone promises."""

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import Tensor, nn

from ademan.errors import ConfigError
from ademan.models import (
    PRESETS,
    CnnConfig,
    LstmConfig,
    TcnConfig,
    build,
    config_from_json,
    config_to_json,
    preset,
    to_onnx,
    weights,
)
from ademan.skeleton import picture_rows, skeleton

SIDE = 32
NETWORKS: dict[str, tuple[CnnConfig, int]] = {
    "grey": (CnnConfig((8, 12)), 1),
    "coloured": (CnnConfig((8, 12)), 3),
    "deep": (CnnConfig((6, 8, 10), depth=2, squeeze=0), 1),
}
"""Config and colours: small ones, since all that depends on the preset is how many channels there are."""


@pytest.fixture(params=NETWORKS)
def kind(request: pytest.FixtureRequest) -> tuple[CnnConfig, int]:
    return NETWORKS[request.param]


@pytest.fixture
def colours(kind: tuple[CnnConfig, int]) -> int:
    return kind[1]


@pytest.fixture
def network(kind: tuple[CnnConfig, int]) -> nn.Module:
    config, colours = kind
    torch.manual_seed(0)
    made = build(config, picture_rows(SIDE), SIDE * colours, 5).train()
    for seed in range(10):  # batch normalisation must have met some
        made(windows(8, 3, colours, seed))
    return made.eval()


def windows(N: int, T: int, colours: int, seed: int = 0) -> Tensor:
    """Pictures of bright rectangles; of some clips a frame in which nothing was seen."""
    rng = np.random.default_rng(seed)
    pictures = rng.uniform(0, 120, (N, T, SIDE, SIDE * colours)).astype(np.float32)
    for n in range(N):
        top, left = rng.integers(0, SIDE // 2, 2)
        pictures[n, :, top : top + 12, left * colours : (left + 12) * colours] += 120
        if T > 1 and n % 2:
            pictures[n, rng.integers(0, T - 1)] = np.nan
    return torch.from_numpy(pictures)


def pad(points: Tensor, frames: int) -> Tensor:
    return torch.cat([points, torch.full((len(points), frames, *points.shape[2:]), torch.nan)], dim=1)


def test_a_batch_of_one_equals_one_of_a_batch(network: nn.Module, colours: int) -> None:
    batch = windows(4, 3, colours)
    alone = torch.cat([network(batch[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(network(batch), alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("frames", [1, 5])
def test_padding_at_the_end_changes_nothing(network: nn.Module, colours: int, frames: int) -> None:
    batch = windows(2, 4, colours)
    torch.testing.assert_close(network(pad(batch, frames)), network(batch), atol=1e-5, rtol=1e-4)


def test_a_frame_in_which_nothing_was_seen_has_no_say(network: nn.Module, colours: int) -> None:
    batch = windows(1, 3, colours)
    gap = torch.cat([batch[:, :1], torch.full_like(batch[:, :1], torch.nan), batch[:, 1:]], dim=1)
    torch.testing.assert_close(network(gap), network(batch), atol=1e-5, rtol=1e-4)


def test_the_logits_are_the_mean_over_the_frames(network: nn.Module, colours: int) -> None:
    batch = windows(1, 3, colours)
    each = torch.cat([network(batch[:, t : t + 1]) for t in range(3)])
    torch.testing.assert_close(network(batch), each.mean(dim=0, keepdim=True), atol=1e-5, rtol=1e-4)


def test_exposure_and_contrast_do_not_matter(network: nn.Module, colours: int) -> None:
    batch = windows(2, 1, colours)
    torch.testing.assert_close(network(0.5 * batch + 20), network(batch), atol=1e-4, rtol=1e-3)


def test_nothing_seen_gives_numbers_all_the_same(network: nn.Module, colours: int) -> None:
    nothing = torch.full((2, 3, SIDE, SIDE * colours), torch.nan)
    assert torch.equal(network(nothing), torch.zeros(2, 5))
    assert torch.equal(network.train()(nothing), torch.zeros(2, 5))


def test_one_even_colour_gives_numbers(network: nn.Module, colours: int) -> None:
    assert torch.isfinite(network(torch.full((1, 1, SIDE, SIDE * colours), 200.0))).all()


def test_onnx_gives_what_torch_gives_at_every_length_and_batch_size(network: nn.Module, colours: int) -> None:
    session = ort.InferenceSession(to_onnx(network, SIDE, SIDE * colours), providers=["CPUExecutionProvider"])
    for N, T in ((1, 1), (1, 12), (3, 4), (5, 1)):
        points = pad(windows(N, T, colours), 2)
        with torch.no_grad():
            expected = torch.softmax(network(points), dim=1).numpy()
        found = session.run(["probabilities"], {"points": points.numpy()})[0]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_exporting_leaves_a_network_in_training_as_it_was(network: nn.Module, colours: int) -> None:
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    to_onnx(network, SIDE, SIDE * colours)
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_every_weight_learns(network: nn.Module, colours: int) -> None:
    loss = nn.functional.cross_entropy(network.train()(windows(6, 2, colours)), torch.arange(6) % 5)
    torch.autograd.backward(loss)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def test_in_training_batches_are_normalised_without_what_was_not_seen(network: nn.Module, colours: int) -> None:
    batch = windows(4, 1, colours)
    padded = network.train()(pad(batch, 6))
    means = {k: v.clone() for k, v in network.state_dict().items() if "running" in k}
    assert torch.isfinite(padded).all()
    assert all(torch.isfinite(mean).all() for mean in means.values())
    torch.manual_seed(1)
    first = network(pad(batch, 6))
    torch.manual_seed(1)
    torch.testing.assert_close(first, network(batch), atol=1e-4, rtol=1e-3)


def test_colours_of_a_pixel_stay_together() -> None:
    """Values of a row are column by column, each with its colours: a red square is not a grey one of other columns."""
    torch.manual_seed(0)
    network = build(CnnConfig((4,)), picture_rows(16), 48, 3).eval()
    seen: list[Tensor] = []
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    first.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    picture = torch.zeros(1, 1, 16, 16, 3)
    picture[0, 0, 4:8, 6:9, 0] = 255.0
    network(picture.reshape(1, 1, 16, 48))
    red, green = seen[0][0, 0], seen[0][0, 1]
    assert (red > red.min()).nonzero().amin(dim=0).tolist() == [4, 6]
    assert (red > red.min()).sum() == 12
    assert green.max() == green.min()


def test_the_preset_is_compact() -> None:
    network = build(preset("cnn"), picture_rows(64), 64, 10)
    assert 300_000 < weights(network) < 1_000_000
    assert network(torch.rand(2, 1, 64, 64) * 255).shape == (2, 10)


def test_a_config_comes_back_from_json() -> None:
    for config, _ in NETWORKS.values():
        assert config_from_json(config_to_json(config)) == config


def test_points_are_refused_with_a_way_out() -> None:
    with pytest.raises(ConfigError, match=r"cnn reads pictures.*points of skeleton 'hands'.*ademan pictures"):
        build(preset("cnn"), skeleton("hands"), 3, 5)


@pytest.mark.parametrize("name", [name for name, config in PRESETS.items() if not isinstance(config, CnnConfig)])
def test_no_other_network_reads_pictures(name: str) -> None:
    with pytest.raises(ConfigError, match=r"reads points, and the dataset has pictures.*--model cnn"):
        build(preset(name), picture_rows(16), 16, 5)


def test_pictures_of_a_shape_that_it_cannot_read_are_refused() -> None:
    with pytest.raises(ConfigError, match="16 rows of 16 or 48 numbers; found 20"):
        build(CnnConfig((4,)), picture_rows(16), 20, 5)
    with pytest.raises(ConfigError, match="a picture of 16 pixels cannot be halved by 5 stages"):
        build(CnnConfig((4, 4, 4, 4, 4)), picture_rows(16), 16, 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stages": ()}, "stages must be one or more"),
        ({"stages": (8, 0)}, r"each with a channel or more; found \[8, 0\]"),
        ({"depth": 0}, "depth must be 1 or more, found 0"),
        ({"squeeze": -1}, "squeeze must be 0 or more, found -1"),
        ({"last_dropout": 1.0}, r"last_dropout must be from 0 to below 1, found 1\.0"),
    ],
)
def test_wrong_layers_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CnnConfig(**options)  # type: ignore[arg-type]


def test_no_flag_belongs_to_two_kinds_of_network() -> None:
    others = {*TcnConfig.__dataclass_fields__, *LstmConfig.__dataclass_fields__}
    assert not others & set(CnnConfig.__dataclass_fields__)
