"""A bundle answers over the network: what a client gets is what the classifier says."""

import json
from pathlib import Path

import numpy as np
import pytest
import requests

from ademan.clip import Clip, Points, times_at
from ademan.recognition import Classifier
from ademan.skeleton import skeleton
from ademan.window import Window
from tests.server.conftest import Serve


@pytest.fixture
def points(rng: np.random.Generator) -> Points:
    return rng.uniform(0.1, 0.9, (30, 42, 2)).astype(np.float32)


def expected(bundle: Path, points: Points, fps: float = 25.0) -> list[float]:
    clip = Clip(points, times_at(fps, len(points)), skeleton("hands"))
    found: list[float] = Classifier(bundle).predict(clip).probabilities.tolist()
    return found


def test_points_are_named_as_the_classifier_names_them(serve: Serve, small_bundle: Path, points: Points) -> None:
    url, found = serve().url, expected(small_bundle, points)
    nested = requests.post(f"{url}/predict", json={"sequence": points.tolist()}, timeout=10).json()
    flat = requests.post(f"{url}/predict", json={"sequence": points.reshape(30, -1).tolist()}, timeout=10).json()
    packed = requests.post(
        f"{url}/predict", points.tobytes(), headers={"Content-Type": "application/octet-stream"}, timeout=10
    ).json()
    for answer in (nested, flat, packed):
        assert list(answer["probabilities"].values()) == pytest.approx(found, abs=1e-6)
        assert answer["confidence"] == pytest.approx(max(found), abs=1e-6)
        assert answer["label"] == ("a", "b", "idle")[int(np.argmax(found))]
        assert answer["bundle"] == "small"


def test_the_older_form_of_126_numbers_and_zeros_is_understood(
    serve: Serve, small_bundle: Path, points: Points
) -> None:
    three = np.concatenate([points, np.zeros((30, 42, 1), np.float32)], axis=2)
    points[10:15, :21], three[10:15, :21] = np.nan, 0
    body = json.dumps({"sequence": three.reshape(30, 126).tolist()})
    answer = requests.post(
        f"{serve().url}/predict", body, headers={"Content-Type": "application/json"}, timeout=10
    ).json()
    assert list(answer["probabilities"].values()) == pytest.approx(expected(small_bundle, points), abs=1e-6)


def test_an_empty_view_is_no_gesture(serve: Serve) -> None:
    answer = requests.post(f"{serve().url}/predict", json={"sequence": [[0] * 126] * 5}, timeout=10).json()
    assert answer["label"] == "idle"
    assert answer["gesture"] is None
    assert not answer["seen"]


def test_many_sequences_are_answered_in_their_order(serve: Serve, small_bundle: Path, rng: np.random.Generator) -> None:
    clips = [rng.uniform(0.1, 0.9, (T, 42, 2)).astype(np.float32) for T in (1, 7, 30, 90)]
    body = {"sequences": [clip.tolist() for clip in clips], "fps": 20}
    answers = requests.post(f"{serve().url}/predict", json=body, timeout=10).json()["predictions"]
    for clip, answer in zip(clips, answers, strict=True):
        assert list(answer["probabilities"].values()) == pytest.approx(expected(small_bundle, clip, 20), abs=1e-5)


def test_the_bundle_is_described_without_what_it_was_trained_on(serve: Serve) -> None:
    url = serve().url
    described = requests.get(f"{url}/bundles/small", timeout=10).json()
    assert described["labels"] == ["a", "b", "idle"]
    assert described["skeleton"]["name"] == "hands"
    assert Window(**described["window"]).frames == 20
    assert "training" not in described
    health = requests.get(f"{url}/health", timeout=10).json()
    assert (health["ready"], health["version"]) == (True, described["version"])
