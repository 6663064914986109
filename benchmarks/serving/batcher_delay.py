"""What the batcher adds for a lone client: a window through it, and straight into the classifier, in turn."""

import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import uvloop

from ademan.recognition import Classifier
from ademan.server.batching import Batcher


async def main(bundle: Path, frames: Path, calls: int) -> None:
    """Print seconds of each call, of both ways."""
    classifier = Classifier(bundle)
    window = np.load(frames)[: classifier.manifest.window.frames]
    batcher = Batcher(classifier, ThreadPoolExecutor(1))
    straight, through = [], []
    for _ in range(calls):
        started = time.perf_counter()
        classifier.probabilities(window[None])
        between = time.perf_counter()
        await batcher.submit(window)
        ended = time.perf_counter()
        straight.append(between - started)
        through.append(ended - between)
        await asyncio.sleep(0.002)
    print(json.dumps({"straight": straight[20:], "through": through[20:]}))


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
