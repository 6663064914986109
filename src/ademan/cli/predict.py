"""`ademan predict`."""

from pathlib import Path

from ademan.cli.terminal import Json, print_json, print_table
from ademan.recognition import Classifier
from ademan.recognition import predict as name_clips


def predict(bundle: Path, /, *sources: str, top: int = 3, json: Json = False) -> None:
    """Name the clips of a source: the most probable gesture, its confidence, and the next ones.

    Args:
        bundle: folder, or .zip.
        sources: DATASET.h5, DATASET.h5#CLIP, ANNOTATIONS.pkl#VIDEO, FILE.npz; one or more.
        top: how many labels to print of each clip.
        json: print one JSON object with all probabilities.
    """
    classifier = Classifier(bundle)
    found = [prediction.to_json() for source in sources for prediction in name_clips(classifier, source)]
    if json:
        print_json({"bundle": str(bundle), "predictions": found})
        return
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
