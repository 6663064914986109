"""Recipes run as they are: a shell, the installed command, and data in the layout that they name."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

RECIPES = Path(__file__).parents[1] / "recipes"


def scripts() -> list[Path]:
    return [path for path in sorted(RECIPES.iterdir()) if path.suffix == ""]


@pytest.mark.parametrize("recipe", scripts(), ids=lambda path: path.name)
def test_a_recipe_says_how_to_call_it_and_is_a_proper_script(recipe: Path) -> None:
    text = recipe.read_text()
    assert text.startswith("#!/bin/sh\n# ")
    assert f"recipes/{recipe.name} " in text
    assert "\nset -eu\n" in text
    assert os.access(recipe, os.X_OK)
    subprocess.run(["sh", "-n", str(recipe)], check=True)


@pytest.mark.slow
def test_the_recipe_for_ucf101_goes_from_its_pickle_to_the_name_of_one_video(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    """A made-up pickle of UCF101's layout: seven classes, groups g01 to g08, clips of 40 to 90 frames."""
    classes = "ApplyEyeMakeup ApplyLipstick Archery BabyCrawling BalanceBeam BandMarching BaseballPitch".split()
    annotations = []
    for label, name in enumerate(classes):
        for clip in range(16):
            T = int(rng.integers(40, 90))
            phase = np.linspace(0, np.pi * (1 + label), T)[None, :, None, None]
            moved = 128 + 50 * np.concatenate([np.cos(phase), np.sin(phase)], axis=3)
            annotations.append(
                {
                    "frame_dir": f"v_{name}_g{1 + clip // 2:02}_c{1 + clip % 2:02}",
                    "label": label,
                    "img_shape": (256, 340),
                    "original_shape": (256, 340),
                    "total_frames": T,
                    "keypoint": (moved + rng.normal(0, 3, (2, T, 17, 2))).astype(np.float16),
                    "keypoint_score": rng.uniform(0.3, 1, (2, T, 17)).astype(np.float16),
                }
            )
    path = tmp_path / "ucf101_2d.pkl"
    path.write_bytes(pickle.dumps({"split": {"train1": [], "test1": []}, "annotations": annotations}))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [str(RECIPES / "ucf101-five-lstm"), str(path), str(tmp_path / "out")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "8,869 weights (8,741 in Keras" in done.stdout
    assert "59,205 weights (58,693 in Keras" in done.stdout
    assert (tmp_path / "out" / "lstm-64x2" / "report.html").is_file()
    assert done.stdout.rstrip().splitlines()[-1].startswith("v_")
