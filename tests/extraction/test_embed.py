"""From a tree of videos to a dataset of embeddings: whole, resumable, and the same as what a model is shown later."""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ademan.cli.embed import embed as verb
from ademan.clip import Points
from ademan.datasets import Dataset
from ademan.embeddings import EmbedConfig
from ademan.embeddings.resnext import ResNext50
from ademan.errors import BundleError, ConfigError, LandmarkError, SourceError
from ademan.extraction import clip_as_made, find_recordings, open_extractor
from ademan.extraction.embed import EmbedOptions, PicturesToVectors, embed, embed_as_made, embed_clip
from ademan.landmarks import open_landmarker
from ademan.skeleton import EMBEDDING
from ademan.video import Image

from ..embeddings.conftest import write_vit
from .test_spread import pictures, video


class Means:
    """Embeds a picture as the mean of its colours, a little more; counts what it is shown."""

    def __init__(self, networks: dict[str, str] | None = None, stop_after: int = 1000) -> None:
        self.networks, self.seen, self.stop_after = networks or {"vit": "1", "resnext": "2"}, 0, stop_after

    def told(self) -> dict[str, str]:
        return {"vit": "means", "resnext": "means", "detector": "", "regions": "halves", "precision": "fp32"}

    def embed(self, images: Sequence[Image]) -> Points:
        if self.seen >= self.stop_after:
            raise KeyboardInterrupt
        self.seen += len(images)
        return np.stack([np.full((12, 768), image.mean() + 0.1, np.float32) for image in images])

    def close(self) -> None:
        pass


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Two videos of two people and one folder of pictures."""
    video(tmp_path / "raw" / "wave" / "wave_s1_1.mp4", 20)
    video(tmp_path / "raw" / "wave" / "wave_s2_1.mp4", 3)
    pictures(tmp_path / "raw" / "fist", [0, 1, 2, 4], "fist_s1_1")
    return tmp_path / "raw"


def test_videos_and_pictures_become_clips_of_one_length(videos: Path, tmp_path: Path) -> None:
    networks = Means()
    summary = embed(videos, tmp_path / "d.h5", options=EmbedOptions(frames=5), embedder=networks)
    assert summary.clips == {"fist": 1, "wave": 2}
    assert summary.embedded == networks.seen == 5 + 3 + 4  # what is repeated is not embedded again
    assert summary.skipped == {"fist/fist_s1_1": ["1 between fist_s1_1_frame_2 and fist_s1_1_frame_4"]}
    assert (summary.seen, summary.copies, summary.resumed, summary.failed) == (1.0, 0, 0, {})
    assert json.loads((tmp_path / "d_embedding.json").read_text())["skipped"] == summary.skipped
    with Dataset(tmp_path / "d.h5") as dataset:
        assert (dataset.skeleton, dataset.coordinates) == (EMBEDDING, "embedding")
        assert dataset.table.ids.tolist() == ["fist/fist_s1_1", "wave/wave_s1_1", "wave/wave_s2_1"]
        assert dataset.table.subjects.tolist() == ["s1", "s1", "s2"]
        assert [clip.points.shape for clip in dataset] == [(5, 12, 768)] * 3
        np.testing.assert_allclose(dataset[1].points[:, 0, 0], [0, 50, 100, 140, 190], atol=4)
        np.testing.assert_allclose(dataset[2].points[:, 0, 0], [0, 10, 20, 20, 20], atol=4)
        np.testing.assert_allclose(dataset[2].timestamps_ms, [0, 40, 80, 120, 160], atol=1)
        assert dataset[1].image_wh == (64, 48)
        made = dataset.made
    assert made["by"] == "ademan embed"
    assert made["networks"] == {"vit": "1", "resnext": "2"}
    assert made["options"]["frames"] == 5
    assert "copies" not in made
    assert not list(tmp_path.glob(".*"))


def test_numbers_can_be_kept_whole_or_half(videos: Path, tmp_path: Path) -> None:
    sizes = {}
    for half in (True, False):
        embed(videos, tmp_path / "d.h5", options=EmbedOptions(frames=8, half=half), embedder=Means())
        with Dataset(tmp_path / "d.h5") as dataset:
            sizes[half] = dataset[1].points
    np.testing.assert_allclose(sizes[True], sizes[False], rtol=1e-3)
    assert (sizes[True] != sizes[False]).any()


def test_a_run_that_was_stopped_is_gone_on_with(videos: Path, tmp_path: Path) -> None:
    options = EmbedOptions(frames=5)
    with pytest.raises(KeyboardInterrupt):
        embed(videos, tmp_path / "d.h5", options=options, embedder=Means(stop_after=5))
    assert not (tmp_path / "d.h5").exists()
    networks = Means()
    steps: list[tuple[int, int | None]] = []
    summary = embed(
        videos, tmp_path / "d.h5", options=options, embedder=networks, progress=lambda *step: steps.append(step)
    )
    assert (summary.resumed, networks.seen) == (2, 3)
    assert steps == [(3, 3)]
    embed(videos, tmp_path / "whole.h5", options=options, embedder=Means())
    with Dataset(tmp_path / "d.h5") as one, Dataset(tmp_path / "whole.h5") as other:
        assert one.digest == other.digest


def test_nothing_is_taken_over_from_other_networks_or_options(videos: Path, tmp_path: Path) -> None:
    for options, networks in (
        (EmbedOptions(frames=5), None),
        (EmbedOptions(frames=4), None),
        (EmbedOptions(frames=5), {"vit": "3", "resnext": "2"}),
    ):
        with pytest.raises(KeyboardInterrupt):
            embed(videos, tmp_path / "d.h5", options=options, embedder=Means(networks, stop_after=5))
        kept = len(list((tmp_path / ".d.h5.parts").iterdir()))
        assert kept in (2, 4, 6)
    assert kept == 6
    summary = embed(videos, tmp_path / "d.h5", options=EmbedOptions(frames=5), embedder=Means(), resume=False)
    assert summary.resumed == 0


def test_what_cannot_be_read_is_named_with_its_reason(videos: Path, tmp_path: Path) -> None:
    (videos / "wave" / "wave_s3_1.mp4").write_text("no video")
    summary = embed(videos, tmp_path / "d.h5", options=EmbedOptions(frames=2), embedder=Means())
    assert list(summary.failed) == ["wave/wave_s3_1"]
    assert "is no video" in summary.failed["wave/wave_s3_1"]
    for file in videos.rglob("*.*"):
        file.write_text("nothing")
    with pytest.raises(SourceError, match=r"not one of the 4 recordings became a clip(?s:.*)is no video"):
        embed(videos, tmp_path / "none.h5", embedder=Means())
    assert not (tmp_path / "none.h5").exists()


def test_copies_are_changed_and_point_to_their_originals(videos: Path, tmp_path: Path) -> None:
    networks = Means()
    options = EmbedOptions(frames=3, augment=2)
    summary = embed(videos, tmp_path / "d.h5", options=options, embedder=networks)
    assert (summary.clips, summary.copies) == ({"fist": 3, "wave": 6}, 6)
    assert networks.seen == 3 * 9
    with Dataset(tmp_path / "d.h5") as dataset:
        assert dataset.table.ids[:3].tolist() == ["fist/fist_s1_1", "fist/fist_s1_1~1", "fist/fist_s1_1~2"]
        assert dataset.table.subjects[:3].tolist() == ["s1"] * 3
        copies = dataset.made["copies"]
        assert copies["wave/wave_s1_1~2"] == "wave/wave_s1_1"
        assert len(copies) == 6
        assert dataset.made["options"]["augment"] == 2
        shown = [dataset[dataset.find(name)].points for name in ("wave/wave_s1_1", *list(copies)[2:4])]
    assert np.abs(shown[1] - shown[2]).max() > 0.5
    again = embed(videos, tmp_path / "again.h5", options=options, embedder=Means())
    with Dataset(summary.path) as one, Dataset(again.path) as other:
        assert one.digest == other.digest


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"frames": 0}, "frames must be from 1 to 1000, found 0"),
        ({"augment": -1}, "augment must be from 0 to 100 copies, found -1"),
        ({"seed": -1}, "seed must be 0 or more, found -1"),
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EmbedOptions(**wrong)


def test_what_a_bundle_says_of_frames_is_checked(videos: Path) -> None:
    [recording, *_] = find_recordings(videos)
    assert isinstance(Means(), PicturesToVectors)
    fake: Any = Means()
    assert len(embed_as_made(recording, fake, {"options": {"frames": 7}})) == 7
    assert len(embed_as_made(recording, fake, {"options": {}})) == 32
    for frames in (0, "7", 10**9, None):
        with pytest.raises(BundleError, match="how clips were embedded is damaged"):
            embed_as_made(recording, fake, {"options": {"frames": frames}})
    with closing(open_landmarker()) as landmarker, pytest.raises(BundleError, match="what it opens embeds no pictures"):
        embed_as_made(recording, landmarker, {"options": {}})


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> EmbedConfig:
    """Networks of random weights, in the files that real ones come in."""
    folder = tmp_path_factory.mktemp("weights")
    torch.save(ResNext50().state_dict(), folder / "resnext.pth")
    vit = write_vit(folder / "vit", image_mean=[0.5, 0.5, 0.5], image_std=[0.5, 0.5, 0.5])
    return EmbedConfig(vit=str(vit), resnext=str(folder / "resnext.pth"))


def test_a_model_is_shown_what_it_learnt_from(
    small: EmbedConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The verb with files of weights; then the same video again, opened by what the dataset says alone."""
    raw = video(tmp_path / "wave" / "wave_s1_1.mp4", 10).parents[1]
    options = EmbedOptions(frames=2, half=False)
    verb(raw / "wave", output=tmp_path / "d.h5", config=small, options=options)
    said = capsys.readouterr().out
    assert "1 clips; 2 pictures embedded in" in said
    assert "MB" in said
    monkeypatch.setenv("ADEMAN_VIT", small.vit)
    monkeypatch.setenv("ADEMAN_RESNEXT", small.resnext)
    with Dataset(tmp_path / "d.h5") as dataset:
        kept, made = dataset[0], json.loads(json.dumps(dataset.made))
    assert str(tmp_path) not in json.dumps(made)
    extractor = open_extractor(made, EMBEDDING)
    [recording] = find_recordings(raw / "wave")
    shown = clip_as_made(recording, extractor, made)
    np.testing.assert_array_equal(shown.points, kept.points)
    np.testing.assert_array_equal(shown.timestamps_ms, kept.timestamps_ms)
    np.testing.assert_array_equal(embed_clip(recording, extractor, 2).points, kept.points)  # type: ignore[arg-type]
    made["networks"]["vit"] = "0" * 64
    with pytest.raises(LandmarkError, match="learnt from what vit 'vit' with SHA-256 0000"):
        open_extractor(made, EMBEDDING)


def test_the_verb_says_what_was_wrong(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ademan.extraction.embed.new_embedder", lambda _: Means())
    (videos / "wave" / "wave_s3_1.mp4").write_text("no video")
    verb(videos, output=tmp_path / "d.h5", options=EmbedOptions(frames=2), json=True)
    said = capsys.readouterr()
    assert json.loads(said.out)["clips"] == {"fist": 1, "wave": 2}
    verb(videos, output=tmp_path / "d.h5", options=EmbedOptions(frames=2, augment=1))
    said = capsys.readouterr()
    assert "6 clips, 3 of them changed copies; 12 pictures embedded" in said.out
    assert "skipped wave/wave_s3_1: " in said.err
    assert (
        "fist/fist_s1_1: pictures are missing, unreadable or of another size: 1 between fist_s1_1_frame_2" in said.err
    )
