"""Recognition tells nobody that it runs: onnxruntime would, and keeps the name that it gives the machine on disk."""

import os
import subprocess
import sys
from pathlib import Path

RUN = """
import sys
from ademan.recognition import Classifier
import numpy as np

classifier = Classifier(sys.argv[1])
classifier.probabilities(np.zeros((1, 20, 42, 2), np.float32))
"""


def written_by(code: str, bundle: Path, home: Path, **environment: str) -> list[str]:
    """Return what a program leaves in the home of its user; on a machine for tests onnxruntime is quiet by itself."""
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    kept |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), **environment}
    subprocess.run([sys.executable, "-c", code, str(bundle)], env=kept, check=True)
    return sorted(path.name for path in home.rglob("*") if "onnxruntime" in path.name)


def test_recognition_leaves_no_name_of_the_machine(small_bundle: Path, tmp_path: Path) -> None:
    assert written_by(RUN, small_bundle, tmp_path) == []
