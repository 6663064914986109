"""What we are compared with: Keras behind Flask, as small projects of this field serve their network.

    python flask_app.py FOLDER WAY PORT threads|waitress

`threads` is Flask's own server, `app.run(threaded=True)`; gunicorn imports `create`.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from flask import Flask, Response, jsonify, request

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from theirs import build


def create(folder: str, way: str) -> Flask:
    """Return the application.

    Args:
        folder: has keras.json and weights.npz.
        way: "predict" for `model.predict`, "compiled" for the network compiled by hand with `tf.function`.
    """
    spec = json.loads(Path(folder, "keras.json").read_text())
    network = build(spec, masked=False)
    with np.load(Path(folder, "weights.npz")) as weights:
        network.set_weights(list(weights.values()))
    call = _call(network, way)
    call(np.zeros((1, spec["frames"], spec["features"]), np.float32))
    app = Flask(__name__)

    @app.get("/health")
    def health() -> Response:
        return jsonify(ready=True, weights=network.count_params())

    @app.post("/predict")
    def predict() -> Response:
        window = np.array([request.get_json()["sequence"]], np.float32)
        probabilities = call(window)[0].tolist()
        best = int(np.argmax(probabilities))
        return jsonify(
            label=spec["labels"][best],
            confidence=probabilities[best],
            probabilities=dict(zip(spec["labels"], probabilities, strict=True)),
        )

    return app


def _call(network: keras.Model, way: str) -> Callable[[np.ndarray], np.ndarray]:
    if way == "predict":
        return lambda x: network.predict(x, verbose=0)
    compiled = tf.function(lambda x: network(x, training=False))
    return lambda x: compiled(tf.constant(x)).numpy()


def main(folder: str, way: str, port: str, server: str) -> None:
    """Serve until a signal ends it."""
    app = create(folder, way)
    if server == "threads":
        app.run(port=int(port), threaded=True)
    else:
        import waitress  # noqa: PLC0415 - one of the two

        waitress.serve(app, host="127.0.0.1", port=int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
