"""Listeners to the server's events that come and go. Started by `run.py`, in a process of its own.

python listener_load.py '{"port": 8000, "listeners": 10, "seconds": 60}'
"""

import asyncio
import json
import random
import sys
import time
from typing import Any

import uvloop

REQUEST = b"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
STAYS_S = (0.2, 4.0)


async def listen(port: int, until_s: float, rng: random.Random) -> int:
    """Come, wait for the first event, stay a while and leave without a word; again and again."""
    visits = 0
    while time.perf_counter() < until_s:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        await asyncio.wait_for(reader.readuntil(b"event: status"), 20)
        await asyncio.sleep(rng.uniform(*STAYS_S))
        writer.transport.abort()
        visits += 1
    return visits


async def main(given: dict[str, Any]) -> None:
    """Let all of them listen, and print how often they came."""
    rng, until_s = random.Random(0), time.perf_counter() + given["seconds"]  # noqa: S311 - no secret
    visits = await asyncio.gather(*[listen(given["port"], until_s, rng) for _ in range(given["listeners"])])
    print(json.dumps({"visits": sum(visits)}))


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))
