"""`ademan predict`."""

from pathlib import Path

from ademan.cli.terminal import Json, print_json, print_table, warn
from ademan.errors import VideoError
from ademan.recognition import Classifier
from ademan.recognition import predict as name_clips


def predict(bundle: Path, source: str, /, *sources: str, top: int = 3, json: Json = False) -> None:
    """Name the clips of a source, or the videos: the most probable gesture, its confidence, and the next ones.

    Args:
        bundle: folder, or .zip.
        source: a video, a folder of videos, DATASET.h5, DATASET.h5#CLIP, ANNOTATIONS.pkl#VIDEO, or FILE.npz.
        sources: more of them.
        top: how many labels to print of each clip.
        json: print one JSON object with all probabilities.
    """
    classifier = Classifier(bundle)
    unseen: list[str] = []
    broken: list[str] = []
    found = [
        prediction.to_json()
        for name in (source, *sources)
        for prediction in name_clips(
            classifier, name, lambda clip: unseen.append(clip.id), lambda _, why: broken.append(str(why))
        )
    ]
    if unseen:
        warn(f"nothing is seen in {len(unseen)} clips, which have no name: {', '.join(unseen[:5])}")
    for why in broken:
        warn(f"skipped: {why}")
    if json:
        print_json({"bundle": str(bundle), "predictions": found})
        return
    if broken and not found:
        raise VideoError("not one of the videos could be read.")
    rows = []
    for prediction in found:
        ranked = list(prediction["probabilities"].items())[:top]
        others = ", ".join(f"{label} {share:.0%}" for label, share in ranked[1:])
        rows.append(
            (
                prediction["id"],
                prediction["label"],
                f"{prediction['confidence']:.1%}",
                others,
                f"{prediction['milliseconds']:.1f}",
            )
        )
    print_table(("clip", "label", "confidence", "then", "ms"), rows)
