"""What must hold for every network that reads points: new ones are added to NETWORKS and get all of this."""

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import Tensor, nn

from ademan.errors import ConfigError
from ademan.models import (
    PRESETS,
    AttentionConfig,
    CnnConfig,
    LstmConfig,
    NetworkConfig,
    TcnConfig,
    build,
    config_from_json,
    config_to_json,
    preset,
    to_onnx,
    weights,
    weights_in_keras,
)
from ademan.skeleton import BUILT_IN, skeleton

NETWORKS: dict[str, NetworkConfig] = {
    **{name: config for name, config in PRESETS.items() if not isinstance(config, CnnConfig)},  # see test_cnn.py
    "bilstm-attention": AttentionConfig(hidden_units=24),  # 1024 take minutes
    "both ways": LstmConfig((8, 6), (5,), bidirectional=True),
    "all features": LstmConfig((8,), velocities=True, seen=True),
    "zscore": LstmConfig((8,), normalisation="zscore"),
    "raw": LstmConfig((8,), normalisation="none"),
    "one block": TcnConfig(8, 6, 4, (10,), 5),
    "three blocks": TcnConfig(8, 6, 4, (10, 10, 12), 5),
}


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    made = build(NETWORKS[request.param], skeleton("hands"), 3, 5).train()
    for seed in range(20):  # what is normalised over batches must have met some: untrained, it takes 0 for the mean
        made(windows(8, 12, seed))
    return made.eval()


def windows(N: int, T: int, seed: int = 0) -> Tensor:
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (N, T, 42, 3)).astype(np.float32)
    points[:, :, :21][rng.random((N, T)) < 0.2] = np.nan
    points[:, -1, 30] = 0.5  # the last frame is seen
    return torch.from_numpy(points)


def pad(points: Tensor, frames: int) -> Tensor:
    return torch.cat([points, torch.full((len(points), frames, *points.shape[2:]), torch.nan)], dim=1)


def test_a_batch_of_one_equals_one_of_a_batch(network: nn.Module) -> None:
    batch = windows(4, 15)
    together = network(batch)
    alone = torch.cat([network(batch[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 9])
def test_padding_at_the_end_changes_nothing(network: nn.Module, frames: int) -> None:
    batch = windows(2, 15)
    torch.testing.assert_close(network(pad(batch, frames)), network(batch), atol=1e-5, rtol=1e-4)


def test_clips_of_different_lengths_do_not_disturb_each_other(network: nn.Module) -> None:
    short, long = windows(1, 6), windows(1, 20, seed=1)
    together = network(torch.cat([pad(short, 14), long]))
    torch.testing.assert_close(together, torch.cat([network(short), network(long)]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_default_network_reads_every_skeleton(name: str, recwarn: pytest.WarningsRecorder) -> None:
    made = skeleton(name)
    points = torch.rand(3, 9, len(made), 2)
    assert torch.isfinite(build(preset("tcn"), made, 2, 4)(points)).all()
    assert not recwarn.list


def test_nothing_seen_gives_numbers_all_the_same(network: nn.Module) -> None:
    assert torch.isfinite(network(torch.full((2, 8, 42, 3), torch.nan))).all()


def test_onnx_gives_what_torch_gives_at_every_length_and_batch_size(network: nn.Module) -> None:
    session = ort.InferenceSession(to_onnx(network, 42, 3), providers=["CPUExecutionProvider"])
    for N, T in ((1, 1), (1, 33), (3, 7), (5, 120)):
        points = pad(windows(N, T), 3)
        with torch.no_grad():
            expected = torch.softmax(network(points), dim=1).numpy()
        found = session.run(["probabilities"], {"points": points.numpy()})[0]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_exporting_leaves_a_network_in_training_as_it_was(network: nn.Module) -> None:
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    to_onnx(network, 42, 3)
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_every_weight_learns(network: nn.Module) -> None:
    loss = nn.functional.cross_entropy(network.train()(windows(6, 10)), torch.arange(6) % 5)
    torch.autograd.backward(loss)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def test_a_config_comes_back_from_json() -> None:
    for config in NETWORKS.values():
        assert config_from_json(config_to_json(config)) == config


def test_weights_are_counted_as_in_published_tables() -> None:
    """Keras' counts of these layers on 17 points, five classes; torch has one more bias vector a layer."""
    body = skeleton("coco17")
    for name, keras, torch_count in (("lstm-32", 8_741, 8_869), ("lstm-64x2", 58_693, 59_205)):
        network = build(preset(name), body, 2, 5)
        assert (weights_in_keras(network), weights(network)) == (keras, torch_count)


def test_a_bidirectional_network_reads_the_whole_clip_backwards() -> None:
    torch.manual_seed(0)
    network = build(LstmConfig((4,), bidirectional=True, normalisation="none"), skeleton("hands"), 3, 2).eval()
    points = windows(1, 30)
    changed = points.clone()
    changed[:, 0] += 0.3
    assert not torch.allclose(network(points), network(changed), atol=1e-6)


def test_wrong_layers_are_refused() -> None:
    with pytest.raises(ConfigError, match="needs one layer or more"):
        LstmConfig(())
    with pytest.raises(ConfigError, match="each with a unit or more"):
        LstmConfig((8, 0))
    with pytest.raises(ConfigError, match=r"dropout must be from 0 to below 1, found 1\.0"):
        LstmConfig(dropout=1.0)
    with pytest.raises(ConfigError, match=r"part_channels must be above 0, found 0\."):
        TcnConfig(part_channels=0)
    with pytest.raises(ConfigError, match=r"blocks must be one or more.*found \[\]"):
        TcnConfig(blocks=())
    with pytest.raises(ConfigError, match=r"there is no model 'gru'. Choose one of: tcn, lstm"):
        preset("gru")
