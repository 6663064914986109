"""A pickle of UCF101's true shape, with made-up keypoints: does it go through in bounded memory?"""

import ast
import csv
import json
import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ademan.datasets import Dataset

_IMPORT = """
import json, resource, sys
from pathlib import Path
from ademan.datasets.importers import PysklOptions, import_clips, pyskl

summary = import_clips(pyskl.read(Path(sys.argv[1]), PysklOptions()), Path(sys.argv[2]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"peak_bytes": peak, **summary.to_json()}))
"""
_BESIDE = 300e6  # Python, NumPy, HDF5, the table of clips and the frames that wait to be written


def _pickle_of_true_shape(metadata: Path, out: Path, protocol: int) -> None:
    noise = np.random.default_rng(0).uniform(1, 250, 8_000_000).astype(np.float16)
    annotations = []
    with metadata.open() as file:
        for i, row in enumerate(csv.DictReader(file)):
            shape = ast.literal_eval(row["keypoint_shape"])
            size = int(np.prod(shape))
            points = noise[i : i + size].reshape(shape)
            annotations.append(
                {
                    "frame_dir": row["frame_dir"],
                    "label": int(row["label"]),
                    "img_shape": ast.literal_eval(row["img_shape"]),
                    "original_shape": ast.literal_eval(row["original_shape"]),
                    "total_frames": int(row["total_frames"]),
                    "keypoint": points,
                    "keypoint_score": (points[..., 0] / 256).astype(np.float16),
                }
            )
    names = [annotation["frame_dir"] for annotation in annotations]
    test = {f"g{number:02}" for number in range(1, 8)}
    split = {
        "train1": [name for name in names if name.split("_")[-2] not in test],
        "test1": [name for name in names if name.split("_")[-2] in test],
    }
    with out.open("wb") as file:
        pickle.dump({"split": split, "annotations": annotations}, file, protocol)


# Bytes before protocol 3 are texts to be encoded, which the reader remembers until it is done: twice the arrays.
@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "share"), [(2, 1.7), (4, 1.1)])
def test_all_of_ucf101_goes_through_in_bounded_memory(
    real_data: Path,
    tmp_path: Path,
    protocol: int,
    share: float,
) -> None:
    source, out = tmp_path / "ucf101_2d.pkl", tmp_path / "ucf101.h5"
    # In a process of its own: a child's highest memory use begins with that of its parent.
    maker = multiprocessing.get_context("spawn").Process(
        target=_pickle_of_true_shape, args=(real_data / "ucf101_2d_metadata.csv", source, protocol)
    )
    maker.start()
    maker.join()
    size = source.stat().st_size
    done = subprocess.run([sys.executable, "-c", _IMPORT, source, out], capture_output=True, text=True, check=True)
    source.unlink()
    found = json.loads(done.stdout)
    assert found["peak_bytes"] < share * size + _BESIDE
    assert found["splits"]["1"]["train"] + found["splits"]["1"]["test"] == 13_320 == sum(found["clips"].values())
    assert found["skipped"] == []
    assert len(found["clips"]) == 101
    with Dataset(out) as dataset:
        assert dataset.labels[:2] == ("ApplyEyeMakeup", "ApplyLipstick")
        assert dataset.table.sessions[0] == "g08"
        assert dataset[0].image_wh == (340, 256)
    out.unlink()
