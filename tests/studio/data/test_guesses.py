"""What the live model takes new clips for, on both databases."""

from pathlib import Path

import numpy as np
import pytest

from ademan.clip import Clip, times_at
from ademan.skeleton import skeleton
from ademan.studio.data import StudioError
from ademan.studio.data.clips import Guess
from ademan.studio.data.files import FolderStore
from ademan.studio.data.guesses import Guesses
from tests.studio.conftest import Studio


@pytest.fixture
def guesses(studio: Studio) -> Guesses:
    return Guesses(studio.database, studio.files, studio.models)


def test_new_clips_are_guessed_once_by_each_live_model(studio: Studio, guesses: Guesses, small_bundle: Path) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    ids = [studio.clip(made, ana).id for _ in range(3)]
    done = studio.clip(made, ana, accept_by=ana.id).id
    assert guesses.outdated(made.id) == 0
    with pytest.raises(StudioError, match="No model of this set is live") as refused:
        guesses.renew(ana.id, made.id)
    assert refused.value.code == "gone"
    first = studio.models.promote(studio.models.add(made.id, small_bundle).id)
    assert guesses.outdated(made.id) == 3
    some = guesses.renew(ana.id, made.id, most=2)
    assert (some.clips, some.left) == (2, 1)
    rest = guesses.renew(ana.id, made.id)
    assert (rest.clips, rest.left) == (1, 0)
    for clip_id in ids:
        guess = studio.clips.get(ana.id, clip_id).guess
        assert guess is not None
        assert guess.label in first.labels
        assert (0 < guess.confidence <= 1, guess.model_id) == (True, first.id)
    assert studio.clips.get(ana.id, done).guess is None
    studio.models.promote(studio.models.add(made.id, small_bundle).id)
    assert guesses.outdated(made.id) == 3
    assert guesses.renew(ana.id, made.id).clips == 3


def test_a_clip_that_cannot_be_guessed_is_asked_about_once(
    studio: Studio, guesses: Guesses, small_bundle: Path
) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    points = np.full((4, 42, 3), np.nan, np.float32)
    points[0, 0] = 0.5
    unseen = Clip(points, times_at(25, 4), skeleton("hands"), image_wh=(640, 480))
    seen = studio.clips.add(unseen, made.id, ana.id, guess=Guess("wave", 0.9)).id
    damaged = studio.clip(made, ana).id
    assert isinstance(studio.files, FolderStore)
    (studio.files.folder / "clips" / damaged[:2] / f"{damaged}.npz").write_bytes(b"x")
    studio.models.promote(studio.models.add(made.id, small_bundle).id)
    assert guesses.renew(ana.id, made.id).left == 0
    assert studio.clips.get(ana.id, damaged).guess is None
    assert guesses.outdated(made.id) == 0
    assert studio.clips.get(ana.id, seen).guess != Guess("wave", 0.9)


def test_only_admins_ask(studio: Studio, guesses: Guesses, small_bundle: Path) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    made = studio.gesture_set(ana.id)
    studio.models.promote(studio.models.add(made.id, small_bundle).id)
    with pytest.raises(StudioError) as refused:
        guesses.renew(ben.id, made.id)
    assert refused.value.code == "forbidden"
