"""From photos to the name of a photo, by the command line: cut out, train, verify, predict; and live."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ademan.bundle import read_bundle
from ademan.cli import main
from ademan.datasets import Dataset
from ademan.live.pipeline import Pipeline
from ademan.recognition import Classifier
from ademan.video import Frame, Image
from tests.pictures.scenes import wall, with_fist

FEW = ("--epochs", "3", "--stages", "8", "16", "--batch-size", "16", "--threads", "1", "--seed", "0")


def shape(gesture: str, seed: int) -> Image:
    """A disc or a bar before a wall, somewhere, of some size."""
    rng = np.random.default_rng(seed)
    x, y = (int(v) for v in rng.integers(40, 60, 2))
    if gesture == "disc":
        return with_fist(wall(seed=seed), (x, y), int(rng.integers(15, 26)))
    half = int(rng.integers(20, 32))
    return np.asarray(
        cv2.rectangle(wall(seed=seed), (x - 6, y - half), (x + 6, y + half), (170, 110, 80), -1), np.uint8
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos, a dataset of their silhouettes, and a run."""
    folder = tmp_path_factory.mktemp("photos")
    for k, gesture in enumerate(("bar", "disc")):
        (folder / "photos" / gesture).mkdir(parents=True)
        for i in range(24):
            path = folder / "photos" / gesture / f"p{i % 8}_{i}.png"
            cv2.imwrite(str(path), shape(gesture, 100 * k + i)[..., ::-1])
    options = ("--of", "silhouette", "--background", "plain", "--size", "32", "--pattern", "{gesture}/{subject}_{}")
    called("pictures", folder / "photos", "-o", folder / "d.h5", *options, "--workers", "1")
    called("train", folder / "d.h5", "-o", folder / "run", "--model", "cnn", "--split", "group:subject", *FEW)
    return folder


def called(*arguments: object) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    assert not left.value.code


def test_what_is_skipped_is_told(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = tmp_path / "photos" / "disc"
    photos.mkdir(parents=True)
    cv2.imwrite(str(photos / "a.png"), shape("disc", 1)[..., ::-1])
    for i in range(7):
        (photos / f"b{i}.png").write_text("no picture")
    options = ("-o", tmp_path / "d.h5", "--of", "silhouette", "--background", "plain", "--workers", "1")
    called("pictures", tmp_path / "photos", *options)
    printed = capsys.readouterr()
    assert "1 clips, 1 pictures, a silhouette in 100.0% of them" in printed.out
    assert "skipped disc/b0" in printed.err
    assert "disc/b6" not in printed.err
    assert "7 were skipped in all; see d_pictures.json" in printed.err
    called("pictures", tmp_path / "photos", *options, "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["clips"] == {"disc": 1}
    assert len(told["failed"]) == 7


def test_unseen_people_are_recognised(trained: Path) -> None:
    metrics = json.loads((trained / "run" / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] >= 0.8
    manifest = read_bundle(trained / "run" / "bundle").manifest
    assert manifest.network["model"] == "cnn"
    assert manifest.coordinates == "pixels"
    assert manifest.points["options"]["background"] == "plain"


def test_the_bundle_verifies(trained: Path) -> None:
    called("verify", trained / "run" / "bundle")


def test_a_photo_is_named(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = trained / "new.png"
    cv2.imwrite(str(photo), shape("disc", 999)[..., ::-1])
    called("predict", trained / "run" / "bundle", photo, "--json")
    told = json.loads(capsys.readouterr().out)["predictions"]
    assert [(p["id"], p["label"]) for p in told] == [("new", "disc")]


def test_a_photo_gets_the_same_answer_from_its_file_and_from_the_dataset(trained: Path) -> None:
    classifier = Classifier(trained / "run" / "bundle")
    with Dataset(trained / "d.h5") as dataset:
        clip = dataset[dataset.find("bar/p0_0")]
    stored = classifier.predict(clip).confidence
    from ademan.recognition import predict

    (fresh,) = predict(classifier, trained / "photos" / "bar" / "p0_0.png")
    assert fresh.confidence == pytest.approx(stored, abs=1e-6)


def test_live_a_shape_that_is_held_up_is_recognised(trained: Path) -> None:
    pipeline = Pipeline(Classifier(trained / "run" / "bundle"))
    for i in range(60):
        image = wall(seed=i) if i < 20 else shape("bar", 500)
        moment = pipeline.step(Frame(image, 40.0 * i))
    assert moment.probabilities is not None
    assert pipeline.events
    assert {event.label for event in pipeline.events} == {"bar"}
    pipeline.close()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--model", "tcn"), "tcn reads points, and the dataset has pictures of 32 rows. Choose --model cnn"),
        (("--model", "cnn", "--rotate-deg", "5"), "--rotate-deg changes points, which 'cnn' does not read"),
        (("--model", "tcn", "--tilt-deg", "5"), "--tilt-deg changes pictures, which 'tcn' does not read"),
        (("--model", "cnn", "--blocks", "5"), "--blocks is for networks of the kind tcn"),
    ],
)
def test_what_does_not_fit_pictures_is_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["train", str(trained / "d.h5"), "-o", str(tmp_path / "run"), *flags])
    assert left.value.code == 2
    assert message in capsys.readouterr().err
