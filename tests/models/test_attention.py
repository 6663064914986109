"""What only the LSTM with attention promises; what every network promises is in test_networks.py."""

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import Tensor

from ademan.errors import ConfigError
from ademan.models import AttentionConfig, Attentive, BiLstmAttention, LstmConfig, build, preset, to_onnx
from ademan.models.attention import channels_of
from ademan.skeleton import BUILT_IN, Skeleton, skeleton

SMALL = AttentionConfig(hidden_units=8, channel_units=6, attention_units=5)
NUMBERS = 24  # of a channel of an embedding, where 768 would only take longer


def network(name: str = "hands", channels: int = 3) -> BiLstmAttention:
    torch.manual_seed(0)
    return BiLstmAttention(SMALL, skeleton(name), channels, 4).eval()


def windows(N: int, T: int, P: int, C: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).uniform(0, 1, (N, T, P, C)).astype(np.float32))


@pytest.fixture(params=["hands", "coco17", "point", "embedding12"])
def case(request: pytest.FixtureRequest) -> tuple[BiLstmAttention, Tensor]:
    C = NUMBERS if request.param == "embedding12" else 3
    return network(request.param, C), windows(3, 9, len(skeleton(request.param)), C)


def test_weights_of_frames_and_of_channels_add_up_to_one(case: tuple[BiLstmAttention, Tensor]) -> None:
    made, points = case
    logits, frames, channels = made.attend(points)
    assert (logits.shape, frames.shape, channels.shape) == ((3, 4), (3, 9), (3, len(made.channel_names)))
    torch.testing.assert_close(frames.sum(dim=1), torch.ones(3))
    torch.testing.assert_close(channels.sum(dim=1), torch.ones(3))
    assert (frames > 0).all()
    assert (channels > 0).all()


def test_logits_are_those_of_forward(case: tuple[BiLstmAttention, Tensor]) -> None:
    made, points = case
    assert torch.equal(made(points), made.attend(points)[0])


def test_padding_and_frames_in_which_nothing_was_seen_get_no_attention() -> None:
    points = windows(2, 10, 42, 3)
    points[0, 4] = torch.nan
    points[1, 7:] = torch.nan
    frames = network().attend(points)[1]
    assert (frames == 0).nonzero().tolist() == [[0, 4], [1, 7], [1, 8], [1, 9]]
    torch.testing.assert_close(frames.sum(dim=1), torch.ones(2))


def test_padding_changes_neither_weights_nor_logits() -> None:
    made, points = network("embedding12", NUMBERS), windows(2, 6, 12, NUMBERS)
    padded = torch.cat([points, torch.full((2, 5, 12, NUMBERS), torch.nan)], dim=1)
    for short, long in zip(made.attend(points), made.attend(padded), strict=True):
        torch.testing.assert_close(long[:, : short.shape[1]], short)


def test_a_channel_that_was_never_seen_gets_no_attention_and_changes_nothing() -> None:
    points = windows(2, 8, 42, 3)
    points[:, :, :21] = torch.nan
    made = network()
    logits, _, channels = made.attend(points)
    assert made.channel_names == ("left_hand", "right_hand")
    assert channels.tolist() == [[0.0, 1.0], [0.0, 1.0]]
    changed = network()
    changed.get_parameter("projections.0.linear.weight").data += 1.0  # of the left hand
    torch.testing.assert_close(changed(points), logits)


def test_a_channel_counts_in_the_frames_in_which_it_was_seen() -> None:
    """A number that is missing makes the whole channel of an embedding missing in that frame."""
    made, points = network("embedding12", NUMBERS), windows(1, 8, 12, NUMBERS)
    partly, wholly = points.clone(), points.clone()
    partly[:, 3, 8, 5] = torch.nan
    wholly[:, 3, 8] = torch.nan
    torch.testing.assert_close(made(partly), made(wholly))
    assert not torch.allclose(made(points), made(partly))


def test_nothing_seen_at_all_has_weights_that_are_numbers() -> None:
    logits, frames, channels = network().attend(torch.full((2, 5, 42, 3), torch.nan))
    assert torch.isfinite(logits).all()
    assert frames.tolist() == [[1.0, 0, 0, 0, 0]] * 2
    assert channels.tolist() == [[0.0, 0.0]] * 2


def test_the_first_frame_matters_to_what_is_read_backwards_and_the_last_to_what_is_read_forwards() -> None:
    made, points = network(), windows(1, 12, 42, 3)
    for frame in (0, -1):
        changed = points.clone()
        changed[:, frame] += torch.linspace(0, 0.5, 42)[:, None]
        assert not torch.allclose(made(points), made(changed), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "channels", "expected"),
    [
        ("hands", 3, "left_hand right_hand"),
        ("hand", 2, "hand"),
        ("point", 2, "points"),
        ("coco17", 2, "head left_arm right_arm left_leg right_leg"),
        ("pose33", 3, "head left_arm right_arm left_leg right_leg"),
        ("jhmdb15", 2, "trunk head right_arm left_arm right_leg left_leg"),
        ("kinect20", 3, "head trunk left_arm right_arm left_leg right_leg"),
        ("holistic75", 3, "head left_arm right_arm left_leg right_leg left_hand right_hand"),
        ("embedding12", 768, " ".join(BUILT_IN["embedding12"].points)),
    ],
)
def test_attention_is_paid_to_hands_limbs_and_channels_of_an_embedding(name: str, channels: int, expected: str) -> None:
    found = channels_of(skeleton(name), channels)
    assert [channel.name for channel in found] == expected.split()
    assert sorted(i for channel in found for i in channel.points) == list(range(len(skeleton(name))))


def test_limbs_of_a_body_are_its_own_points() -> None:
    body = skeleton("coco17")
    by_name = {channel.name: [body.points[i] for i in channel.points] for channel in channels_of(body, 2)}
    assert by_name["left_arm"] == ["left_shoulder", "left_elbow", "left_wrist"]
    assert by_name["right_leg"] == ["right_hip", "right_knee", "right_ankle"]


def test_limbs_of_points_of_no_part_are_told_from_those_of_a_part() -> None:
    hands = skeleton("hands")
    loose = Skeleton("more", (*hands.points, "left_elbow", "nose"), (), (*hands.mirror, 42, 43), hands.parts)
    assert [channel.name for channel in channels_of(loose, 2)] == ["left_hand", "right_hand", "left_arm", "head"]
    twice = Skeleton(
        "twice", (*hands.points, "left_elbow", "nose", "left_hip"), (), (*hands.mirror, 42, 43, 44), hands.parts
    )
    assert len({channel.name for channel in channels_of(twice, 2)}) == 5


def test_many_numbers_without_parts_and_limbs_are_an_embedding_and_two_or_three_are_not() -> None:
    dots = Skeleton("dots", ("a", "b"), (), (0, 1))
    assert [channel.name for channel in channels_of(dots, 4)] == ["a", "b"]
    assert [channel.name for channel in channels_of(dots, 3)] == ["points"]


@pytest.mark.parametrize(("name", "C"), [("hands", 2), ("embedding12", NUMBERS)])
def test_the_graph_gives_the_weights_that_torch_gives(name: str, C: int) -> None:
    made, P = network(name, C), len(skeleton(name))
    session = ort.InferenceSession(to_onnx(made, P, C), providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == [
        "probabilities",
        "frame_attention",
        "channel_attention",
    ]
    for N, T in ((1, 1), (3, 17)):
        points = windows(N, T, P, C)
        points[:, T // 2 + 1 :, 0] = torch.nan
        found = session.run(["frame_attention", "channel_attention"], {"points": points.numpy()})
        for given, expected in zip(found, made.attend(points)[1:], strict=True):
            np.testing.assert_allclose(given, expected.detach().numpy(), atol=1e-6)


def test_only_a_network_with_attention_says_where_it_looks() -> None:
    other = build(LstmConfig((4,)), skeleton("hands"), 2, 3)
    assert isinstance(network(), Attentive)
    assert not isinstance(other, Attentive)
    session = ort.InferenceSession(to_onnx(other, 42, 2), providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == ["probabilities"]


def test_the_presets_are_a_large_one_and_a_small_one() -> None:
    large, small = preset("bilstm-attention"), preset("bilstm-attention-128")
    assert isinstance(large, AttentionConfig)
    assert isinstance(small, AttentionConfig)
    assert (large.hidden_units, large.hidden_layers, small.hidden_units) == (1024, 3, 128)


def test_layers_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"hidden_units must be above 0, found 0\."):
        AttentionConfig(0)
    with pytest.raises(ConfigError, match=r"hidden_layers must be above 0, found -1\."):
        AttentionConfig(hidden_layers=-1)
    with pytest.raises(ConfigError, match=r"hidden_dropout must be from 0 to below 1, found 1\.0"):
        AttentionConfig(hidden_dropout=1.0)
