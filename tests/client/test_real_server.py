"""The client and the server of the house, together."""

import numpy as np
import pytest

from ademan.client import GestureClient, RemotePrediction
from ademan.clip import as_fractions
from ademan.errors import RemoteError
from ademan.recognition import Classifier, Event, Recognizer
from ademan.server.config import ServeConfig
from tests.client.conftest import EAGER, Stream, assert_alike, frames
from tests.client.fake import wait_for
from tests.conftest import MakeClip
from tests.server.conftest import Serve, serve

__all__ = ["serve"]


def in_turn(client: GestureClient, stream: Stream, here: Recognizer, *, rest: bool) -> tuple[list[Event], list[Event]]:
    """Return the events of the server and of a recogniser here; the next frame goes when a prediction has come."""
    told, came, wanted = list[Event](), list[RemotePrediction](), list[Event]()
    with client.stream(EAGER, came.append, told.append, rest=rest, in_step=rest) as remote:
        for points, time_ms in stream:
            update = here.push(points, time_ms)
            wanted += update.events
            remote.push(points, time_ms)
            if update.probabilities is not None:
                wait_for(lambda now=time_ms: came and (came[-1].time_ms or 0) > now - 0.1)  # type: ignore[misc]
    return told, wanted + here.finish()


@pytest.mark.parametrize("rest", [False, True])
def test_events_are_those_of_a_recogniser_here(serve: Serve, classifier: Classifier, rest: bool) -> None:
    client = GestureClient(serve().url, "small")
    told, wanted = in_turn(client, frames(130), Recognizer(classifier, EAGER), rest=rest)
    assert len(wanted) > 4
    assert_alike(told, wanted)


def test_clips_are_named_as_here(serve: Serve, classifier: Classifier, make_clip: MakeClip) -> None:
    clip = make_clip(frames=30)
    here = classifier.predict(clip)
    with GestureClient(serve().url) as client:
        fractions = client.predict(
            as_fractions(clip.points, (640, 480)), clip.timestamps_ms, image_wh=(640, 480), coordinates="fraction"
        )
        for found in (client.predict(clip.points, clip.timestamps_ms), client.predict(clip.points, fps=25), fractions):
            np.testing.assert_allclose(found.row(client.info.labels), here.probabilities, atol=1e-5)
            assert (found.label, found.bundle, found.version) == (here.label, "small", client.version)
        assert client.predict(np.full((5, 42, 2), np.nan, np.float32)).gesture is None
        assert client.health()["ready"] is True
        with pytest.raises(RemoteError, match="42 points, 3 numbers each"):
            client.predict(np.zeros((5, 33, 3), np.float32))
        with pytest.raises(RemoteError, match="there is no bundle 'large'"):
            _ = GestureClient(client.address.url, "large").info


def test_its_key_is_asked_for_everywhere(serve: Serve) -> None:
    running = serve(config=ServeConfig(port=0, api_key=("secret",)))
    with GestureClient(running.url, key="secret").stream(EAGER) as remote:
        remote.push(*frames(1)[0])
    assert remote.stats.server.frames == 1
    for key in ("", "wrong"):
        with pytest.raises(RemoteError, match="key"):
            _ = GestureClient(running.url, key=key).info
