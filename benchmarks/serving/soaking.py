"""A soak: streams, requests and listeners together for minutes, and what the server's memory does meanwhile."""

import statistics
import time
from contextlib import ExitStack
from typing import Any

from measuring import Bench, quantiles, shown
from processes import Loading, Server, memory

STREAMS, CLIENTS, LISTENERS = 50, 8, 10
PAUSE_S = 0.05
"""Between an answer and the next request of a client: enough is left of two cores for the streams."""
EVERY_S = 2.0
SETTLED_S = 60.0
"""Caches fill in the first minute; the slope is that of what comes after it."""


def soak(bench: Bench) -> dict[str, Any]:
    """Load our server with everything at once, and look at its memory, files and threads every few seconds."""
    seconds = 60 * bench.minutes
    with bench.ours() as server, ExitStack() as stack:
        loads = _loads(bench, server, seconds)
        for load in loads.values():
            stack.enter_context(load)
        samples = _watch(server, loads["streams"], seconds)
        loads["streams"].line(), loads["streams"].line()
        results = {name: load.result() for name, load in loads.items()}
        time.sleep(2)
        afterwards = memory(server)
    return _told(bench, samples, results, afterwards)


def _loads(bench: Bench, server: Server, seconds: float) -> dict[str, Loading]:
    folder, port = bench.folder, server.port
    kind = {"body": str(folder / "request.json"), "type": "application/json"}
    streams = {"frames": str(folder / "frames.npy"), "fps": 30, "binary": False, "warm_s": 4, "streams": STREAMS}
    return {
        "streams": Loading("stream_load.py", port=port, seconds=seconds, **streams),
        "requests": Loading("request_load.py", port=port, clients=CLIENTS, seconds=seconds, pause_s=PAUSE_S, **kind),
        "listeners": Loading("listener_load.py", port=port, listeners=LISTENERS, seconds=seconds),
    }


def _watch(server: Server, load: Loading, seconds: float) -> list[dict[str, float]]:
    """Return what the server held, every few seconds, while all loads are at work."""
    began_s, samples = time.monotonic(), []
    while load.running and (at_s := time.monotonic() - began_s) < seconds:
        samples.append({"at_s": at_s, **memory(server)})
        time.sleep(EVERY_S)
    return samples


def _told(
    bench: Bench, samples: list[dict[str, float]], results: dict[str, Any], afterwards: dict[str, float]
) -> dict[str, Any]:
    settled = [sample for sample in samples if sample["at_s"] >= SETTLED_S] or samples
    slope, _ = statistics.linear_regression([s["at_s"] / 3600 for s in settled], [s["mb"] for s in settled])
    times, requests = quantiles(results["streams"]["latencies_ms"]), results["requests"]
    first, last, made = settled[0], settled[-1], len(results["streams"]["latencies_ms"])
    bench.console.print(
        f"soak of {bench.minutes:g} minutes: {made} predictions of {STREAMS} streams "
        f"(50, 95, 99 %: {', '.join(map(shown, times))} ms), {len(requests['times_ms'])} requests "
        f"({', '.join(map(shown, quantiles(requests['times_ms'])))} ms; {requests['statuses']}), "
        f"{results['listeners']['visits']} visits of listeners"
    )
    bench.console.print(
        f"memory {first['mb']:.1f} MB after the first minute, {last['mb']:.1f} MB at the end, slope {slope:+.1f} MB an "
        f"hour; files {first['files']:.0f} to {max(s['files'] for s in settled):.0f}, threads "
        f"{min(s['threads'] for s in settled):.0f} to {max(s['threads'] for s in settled):.0f}; afterwards {afterwards}"
    )
    return {
        "minutes": bench.minutes,
        "mb_an_hour": slope,
        "samples": samples,
        "afterwards": afterwards,
        "streams_ms": times,
        "requests_ms": quantiles(requests["times_ms"]),
        "requests": requests["statuses"],
        "visits": results["listeners"]["visits"],
        "stats": results["streams"]["stats"],
    }
