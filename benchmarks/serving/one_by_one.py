"""Our server with batches of one window: what it would be without batching. Started by `run.py`."""

import sys

from ademan.server import batching
from ademan.server.config import ServeConfig
from ademan.server.run import serve

if __name__ == "__main__":
    batching.LARGEST = 1
    serve([sys.argv[1]], ServeConfig(port=int(sys.argv[2])))
