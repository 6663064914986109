"""The shape of the house: one home for each heavy library, a base that imports without extras, a quick --help.

`lint-imports` checks what is imported by statement; this checks what is imported by `require`, too.
"""

import ast
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import ademan

SOURCE = Path(ademan.__file__).parent
HOMES = {
    "torch": {"augmentation", "embeddings", "models", "training"},
    "safetensors": {"embeddings"},
    "huggingface_hub": {"embeddings"},
    "transformers": {"embeddings"},
    "albumentations": {"embeddings"},
    "lightning": {"training"},
    "torchmetrics": {"training"},
    "h5py": {"datasets"},
    "onnxruntime": {"inference.py"},
    "sklearn": {"evaluation"},
    "matplotlib": {"evaluation"},
    "plotly": {"evaluation"},
    "PIL": {"augmentation", "demo"},
    "av": {"video"},
    "cv2": {"embeddings", "landmarks", "pictures", "video"},
    "ai_edge_litert": {"landmarks"},
    "mediapipe": {"landmarks"},
    "platformdirs": {"landmarks", "studio"},
    "pygame": {"live"},
    "cyclopts": {"cli"},
    "boto3": {"storage"},
    "botocore": {"storage"},
    "paho": {"publishing"},
    "socketio": {"client", "server"},
    "requests": {"client"},
    "urllib3": {"client"},
    "websocket": {"client"},
    "fastapi": {"server", "studio"},
    "starlette": {"server", "studio"},
    "uvicorn": {"server", "studio"},
    "orjson": {"server", "studio"},
    "prometheus_client": {"server"},
    "cryptography": {"server"},
    "sqlalchemy": {"studio"},
    "alembic": {"studio"},
    "pwdlib": {"studio"},
    "jinja2": {"studio"},
    "huey": {"studio"},
    "redis": {"studio"},
}
NEEDS_NO_EXTRA = (
    "errors",
    "files",
    "skeleton",
    "clip",
    "window",
    "datasets",
    "bundle",
    "recognition",
    "synthetic",
    "video",
    "landmarks",
    "pictures",
    "extraction",
    "storage",
    "publishing",
    "live",
    "client",
    "cli",
)
NEEDS_AN_EXTRA = {
    f"cli/{verb}.py" for verb in ("backup", "demo", "embed", "restore", "retrain", "serve", "studio", "train", "worker")
}


def imported(file: Path) -> set[str]:
    """Return the first names of the packages that a file imports, whether by statement or by `require`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "require" and "cli" not in file.parts:
            found |= {str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)}
    return {name.split(".")[0] for name in found}


@pytest.mark.parametrize("library", HOMES)
def test_each_heavy_library_has_one_home(library: str) -> None:
    users = {file.relative_to(SOURCE).parts[0] for file in SOURCE.rglob("*.py") if library in imported(file)}
    assert users == HOMES[library]


def test_no_module_is_called_after_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "core", "manager", "misc"}
    assert not [file for file in SOURCE.rglob("*.py") if file.stem in vague]


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, ademan.cli; print(' '.join(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "torch", "h5py", "onnxruntime", "lightning"} & set(modules)


def test_recognition_imports_no_training_library() -> None:
    code = "import sys, ademan.recognition, ademan.datasets.importers; print(' '.join(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "lightning", "sklearn", "matplotlib", "plotly", "onnx", "pandas", "PIL"} & set(modules)


@pytest.mark.slow
def test_the_base_package_alone_imports_and_recognises(tmp_path: Path, small_bundle: Path, dataset_file: Path) -> None:
    """Installs the package without extras into an environment of its own, and uses it there."""
    root = SOURCE.parents[1]
    venv.create(tmp_path / "base", with_pip=True)
    python = tmp_path / "base" / "bin" / "python"
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    pip = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(root / "constraints.txt"), str(root)]
    subprocess.run(pip, check=True, env=quiet, cwd=tmp_path)
    modules = [
        ".".join(("ademan", *file.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        for part in NEEDS_NO_EXTRA
        for file in sorted([SOURCE / f"{part}.py", *(SOURCE / part).rglob("*.py")])
        if file.is_file() and file.relative_to(SOURCE).as_posix() not in NEEDS_AN_EXTRA
    ]
    code = (
        f"import importlib, sys; [importlib.import_module(m) for m in {modules!r}]; assert 'torch' not in sys.modules"
    )
    subprocess.run([python, "-c", code], check=True, cwd=tmp_path)
    command = tmp_path / "base" / "bin" / "ademan"
    named = [str(command), "predict", str(small_bundle), f"{dataset_file}#c03", "--json"]
    assert '"id": "c03"' in subprocess.run(named, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    training = [str(command), "train", str(dataset_file), "-o", "run"]
    refused = subprocess.run(training, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert refused.returncode == 1
    assert re.search(r"Training needs the package 'lightning'.*\n.*pip install 'ademan\[train\]'", refused.stderr)
