"""The command line as a user meets it: what is printed, where, and with which exit code."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ademan.cli import VERBS
from ademan.datasets import Dataset
from tests.cli.conftest import Run


@pytest.fixture
def pickled(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Thirty-six videos of three of UCF101's actions in PYSKL's layout, told apart by the speed of a circle."""
    annotations = []
    for i in range(36):
        k, T = i % 3, 30 + i
        phase = np.linspace(0, 2 * np.pi * (0.5 + k), T)[None, :, None, None]
        circle = 40 * np.concatenate([np.cos(phase), np.sin(phase)], axis=3)
        keypoint = 128 + circle + rng.normal(0, 2, (1, T, 17, 2))
        action = ("ApplyEyeMakeup", "Archery", "Bowling")[k]
        annotations.append(
            {
                "frame_dir": f"v_{action}_g{1 + i // 3 % 6:02}_c{1 + i // 18:02}",
                "label": (0, 2, 15)[k],
                "img_shape": (256, 340),
                "original_shape": (256, 340),
                "total_frames": T,
                "keypoint": keypoint.astype(np.float16),
                "keypoint_score": np.full((1, T, 17), 0.9, np.float16),
            }
        )
    names = [str(a["frame_dir"]) for a in annotations]
    split = {"train1": [n for n in names if "_g01" not in n], "test1": [n for n in names if "_g01" in n]}
    path = tmp_path / "ucf101_2d.pkl"
    path.write_bytes(pickle.dumps({"split": split, "annotations": annotations}))
    return path


SHORT = ("--epochs", "3", "--lstm-units", "8", "--frames", "40", "--batch-size", "8")


def test_from_a_pickle_to_the_prediction_of_one_video(pickled: Path, tmp_path: Path, run: Run) -> None:
    dataset, folder = tmp_path / "d.h5", tmp_path / "run"
    code, out, _ = run("import", "pyskl", pickled, "--classes", "Archery", "Bowling", "-o", dataset)
    assert code == 0
    assert "24 clips" in out
    code, out, _ = run("train", dataset, "-o", folder, "--model", "lstm-64x2", "--split", "group:session", *SHORT)
    assert code == 0
    assert "in Keras" in out
    assert str(folder / "report.html") in out
    assert run("verify", folder / "bundle")[0] == 0
    code, out, _ = run("evaluate", folder / "bundle", dataset, "--json", "-o", tmp_path / "report")
    assert json.loads(out)["split"] == "group:session"
    assert json.loads(out)["unseen"] is True
    assert (tmp_path / "report" / "report.html").is_file()
    code, out, _ = run("predict", folder / "bundle", f"{pickled}#v_Archery_g02_c01", "--json")
    prediction = json.loads(out)["predictions"][0]
    assert set(prediction["probabilities"]) == {"Archery", "Bowling"}
    assert prediction["milliseconds"] > 0


def test_the_pickle_and_its_dataset_are_read_alike(pickled: Path, tmp_path: Path, run: Run) -> None:
    run("import", "pyskl", pickled, "--fps", "30", "-o", tmp_path / "d.h5")
    run("train", tmp_path / "d.h5", "-o", tmp_path / "run", "--model", "lstm-32", "--fit", "spread", *SHORT)
    bundle, video = tmp_path / "run" / "bundle", "v_Bowling_g03_c01"
    told = [
        json.loads(run("predict", bundle, f"{source}#{video}", "--json")[1])["predictions"][0]["probabilities"]
        for source in (pickled, tmp_path / "d.h5")
    ]
    assert told[0] == told[1]


def test_a_preset_fills_in_what_the_command_line_leaves_open(dataset_file: Path, tmp_path: Path, run: Run) -> None:
    run("train", dataset_file, "-o", tmp_path / "a", "--model", "lstm-32", "--dropout", "0.1", "--epochs", "1")
    network = json.loads((tmp_path / "a" / "config.json").read_text())["network"]
    assert (network["lstm_units"], network["dense_units"], network["dropout"]) == ([32], [], 0.1)
    assert network["normalisation"] == "image"


def test_without_a_model_the_default_network_is_trained_as_its_preset_says(
    dataset_file: Path, tmp_path: Path, run: Run
) -> None:
    code, out, _ = run(
        "train", dataset_file, "-o", tmp_path / "a", "--epochs", "1", "--epoch-steps", "2", "--no-augment"
    )
    assert code == 0
    assert "in Keras" not in out
    saved = json.loads((tmp_path / "a" / "config.json").read_text())
    assert saved["network"]["network"] == "tcn"
    assert saved["window"] == {"frames": 32, "fit": "spread", "fps": 0.0}
    assert (saved["training"]["epochs"], saved["training"]["optimizer"]) == (1, "adamw")
    assert set(saved["augmentation"].values()) == {0.0}


def test_a_fit_of_ones_own_leaves_nothing_of_the_presets_window(dataset_file: Path, tmp_path: Path, run: Run) -> None:
    run("train", dataset_file, "-o", tmp_path / "a", "--fit", "pad", "--epochs", "1", "--epoch-steps", "1")
    assert json.loads((tmp_path / "a" / "config.json").read_text())["window"]["frames"] == 300


def test_several_seeds_print_mean_and_spread(dataset_file: Path, tmp_path: Path, run: Run) -> None:
    code, out, _ = run("train", dataset_file, "-o", tmp_path / "a", "--model", "lstm-32", "--seeds", "0", "1", *SHORT)
    assert code == 0
    assert "standard deviation" in out
    assert "random-seed-1" in out


def test_inspect_prints_counts_and_cautions(dataset_file: Path, run: Run) -> None:
    code, out, err = run("inspect", dataset_file)
    assert code == 0
    assert "36 clips of 3 labels, 6 subjects" in out
    assert "no class for hands that make no gesture" in err
    code, out, _ = run("inspect", dataset_file, "--leak", "--json")
    found = json.loads(out)
    assert found["labels"] == {"a": 12, "b": 12, "c": 12}
    assert found["leak"]["kind"] == "subject"


def test_a_dataset_goes_to_npz_and_comes_back(dataset_file: Path, tmp_path: Path, run: Run) -> None:
    assert run("export", dataset_file, "-o", tmp_path / "d.npz", "--frames", "20")[0] == 0
    assert run("import", "npz", tmp_path / "d.npz", "-o", tmp_path / "back.h5", "--coordinates", "square")[0] == 0
    with Dataset(dataset_file) as before, Dataset(tmp_path / "back.h5") as back:
        assert back.labels == before.labels
        assert back.table.subjects.tolist() == before.table.subjects.tolist()


def test_a_bundle_goes_into_one_file_and_still_verifies(small_bundle: Path, tmp_path: Path, run: Run) -> None:
    assert run("export", small_bundle, "-o", tmp_path / "b.zip")[0] == 0
    assert run("verify", tmp_path / "b.zip")[0] == 0
    assert run("export", small_bundle, "-o", tmp_path / "b.onnx")[0] == 0
    assert (tmp_path / "b.onnx").read_bytes() == (small_bundle / "model.onnx").read_bytes()


def test_json_is_all_that_standard_output_gets(small_bundle: Path, dataset_file: Path, run: Run) -> None:
    for arguments in (("verify", small_bundle), ("predict", small_bundle, dataset_file), ("inspect", dataset_file)):
        code, out, _ = run(*arguments, "--json")
        assert code == 0
        assert isinstance(json.loads(out), dict)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["trian"], 2, "there is no verb 'trian'. Did you mean 'train'?"),
        (["train", "d.h5", "-o", "run", "--epochs", "ten"], 2, "Invalid value for --epochs"),
        (["train", "d.h5", "-o", "run", "--epochs", "0"], 2, "epochs must be 1 or more, found 0"),
        (["train", "d.h5", "-o", "run", "--model", "gru"], 2, "there is no model 'gru'"),
        (
            ["train", "d.h5", "-o", "run", "--head-dropout", "1.5"],
            2,
            "head_dropout must be from 0 to below 1, found 1.5",
        ),
        (["train", "d.h5", "-o", "run", "--dropout", "0.1"], 2, "--dropout is for networks of the kind lstm"),
        (
            ["train", "d.h5", "-o", "run", "--model", "lstm", "--blocks", "8"],
            2,
            "--blocks is for networks of the kind tcn",
        ),
        (["train", "d.h5"], 2, "--output"),
        (["train", "d.h5", "-o", "run"], 1, "there is no dataset file d.h5"),
        (["verify", "nowhere"], 1, "there is no bundle nowhere"),
        (
            ["predict", "{bundle}", "clip.txt"],
            1,
            "clip.txt: expected a video, a folder of videos, or a file that ends in .h5",
        ),
        (["predict", "{bundle}", "{dataset}#zz"], 1, "has no clip 'zz'"),
        (["evaluate", "{bundle}", "{dataset}"], 1, "has clips of c; the bundle knows a, b, idle"),
        (["evaluate", "{bundle}", "{dataset}", "--split", "official:9"], 1, "has no official split '9'"),
        (["train", "{dataset}", "-o", "run", "--split", "by-moon"], 1, "split 'by-moon' is unknown"),
        (["export", "{bundle}", "-o", "b.zip", "--frames", "3"], 2, "--frames is for datasets"),
        (["export", "{dataset}", "-o", "b.json"], 2, "DATASET.h5#CLIP and FILE.json belong together"),
        (["import", "pyskl", "nowhere.pkl", "-o", "d.h5"], 1, "nowhere.pkl"),
    ],
)
def test_a_mistake_gets_one_message_and_an_exit_code(
    arguments: list[str],
    code: int,
    message: str,
    run: Run,
    small_bundle: Path,
    dataset_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(dataset_file.parent)
    filled = [argument.format(bundle=small_bundle, dataset=dataset_file) for argument in arguments]
    found, out, err = run(*filled)
    assert found == code
    assert message in " ".join(err.split())
    assert "Traceback" not in err
    assert not out
    assert not Path("run").exists()


def test_every_verb_explains_itself(run: Run) -> None:
    for verb in VERBS:
        code, out, _ = run(verb, "--help")
        assert code == 0
        assert "Usage: ademan" in out


def test_names_with_markup_are_printed_as_they_are(tmp_path: Path, run: Run) -> None:
    code, _, err = run("verify", tmp_path / "[red]bundle[/red]")
    assert code == 1
    assert "[red]bundle[/red]" in err


def test_ctrl_c_says_so_and_leaves_nothing_half_written(dataset_file: Path, tmp_path: Path) -> None:
    code = (
        "import sys, ademan.cli, ademan.cli.verify as v\n"
        "def stop(*_): raise KeyboardInterrupt\n"
        "v.check = stop\n"
        "ademan.cli.main(['verify', 'x'])"
    )
    left = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert left.returncode == 130
    assert "stopped" in left.stderr


def test_a_reader_that_goes_away_is_no_traceback(small_bundle: Path, dataset_file: Path) -> None:
    command = [sys.executable, "-m", "ademan", "predict", str(small_bundle), *[str(dataset_file)] * 40, "--json"]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as nobody:
        left = subprocess.run(command, stdout=nobody, stderr=subprocess.PIPE, text=True, check=False)
    assert "Traceback" not in left.stderr
