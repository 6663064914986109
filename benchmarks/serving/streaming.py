"""Live streams: how many our server carries, and how late predictions come."""

import statistics
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from measuring import Bench, quantiles, shown
from processes import Loading, Server, Usage
from rich.table import Table

COUNTS = (50, 100, 150, 200, 250, 300, 400)
FPS = 30
WARM_S = 4.0
"""So long that all windows are full."""
IN_TIME_MS = 50.0
TRIES = 4
"""Of a measurement that others disturb; the least disturbed one counts."""


@dataclass(frozen=True)
class Form:
    """How clients stream.

    Args:
        bundle: that answers.
        binary: whether frames are packed.
        deflate: whether the client asks for compressed answers, as browsers do.
    """

    bundle: str
    binary: bool = False
    deflate: bool = False

    def __str__(self) -> str:
        more = ", answers compressed" if self.deflate else ""
        return f"{self.bundle}, frames {'packed' if self.binary else 'as text'}{more}"


FORMS = (
    Form("lstm"),
    Form("lstm", binary=True),
    Form("lstm", deflate=True),
    Form("default"),
    Form("default", binary=True),
)


@dataclass(frozen=True)
class Found:
    """What some streams found, in one round.

    Args:
        streams: how many.
        ms: what 50, 95 and 99 % of the predictions took, from the sending of their frame.
        in_time: share of the predictions that were due which came within IN_TIME_MS.
        skipped: share of the predictions that were due which were not made.
        dropped: frames or messages that were dropped for other reasons.
        late_ms: by how much 99 % of the frames were sent late, at most: the load itself.
        loop: cores used by the event loop of the server.
        network: cores used by its other threads.
        load: cores used by the load.
        elsewhere: cores used by everything else on the machine.
    """

    streams: int
    ms: tuple[float, float, float]
    in_time: float
    skipped: float
    dropped: int
    late_ms: float
    loop: float
    network: float
    load: float
    elsewhere: float


def measure(bench: Bench) -> dict[str, Any]:
    """Measure both networks, and all forms of streams, at rising numbers of streams, in turn."""
    rounds: dict[Form, list[list[Found]]] = {form: [] for form in FORMS}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(bench.ours(name)) for name in dict.fromkeys(f.bundle for f in FORMS)}
        for i in range(bench.rounds):
            for form in FORMS:
                bench.console.print(f"streams, round {i + 1} of {bench.rounds}, {form}:")
                rounds[form].append([stream(bench, servers[form.bundle], form, count) for count in bench.streams])
    for form, found in rounds.items():
        _show(bench, form, [_middle(same) for same in zip(*found, strict=True)], found)
    return {str(form): [[vars(one) for one in same] for same in found] for form, found in rounds.items()}


def stream(bench: Bench, server: Server, form: Form, count: int) -> Found:
    """Let clients stream; again, if others were busy meanwhile and it is a quiet moment that is waited for."""
    found = [_stream(bench, server, form, count)]
    while found[-1].elsewhere > bench.quiet > 0 and len(found) < TRIES:
        found.append(_stream(bench, server, form, count))
    best = min(found, key=lambda one: one.elsewhere)
    bench.console.print(
        f"  {count} streams: 99 % {shown(best.ms[2])} ms, skipped {best.skipped:.1%}, loop {best.loop:.0%}, "
        f"elsewhere {best.elsewhere:.0%}"
    )
    return best


def _stream(bench: Bench, server: Server, form: Form, count: int) -> Found:
    bench.settle()
    options = {"port": server.port, "frames": str(bench.folder / "frames.npy"), "fps": FPS, "streams": count}
    options |= {"warm_s": WARM_S, "seconds": bench.seconds, "binary": form.binary, "deflate": form.deflate}
    with Loading("stream_load.py", **options) as load:
        load.line()
        before = Usage.of(server)
        load.line()
        used = Usage.of(server).since(before)
        return _found(load.result(), used)


def _found(result: dict[str, Any], used: dict[str, float]) -> Found:
    stats, latencies = result["stats"], result["latencies_ms"]
    due = max(1, stats["predictions"] + stats["busy"])
    load = result["cpu_s"] / result["seconds"]
    return Found(
        streams=result["streams"],
        ms=quantiles(latencies),
        in_time=sum(ms <= IN_TIME_MS for ms in latencies) / due,
        skipped=stats["busy"] / due,
        dropped=stats["rate"] + stats["bad"] + stats["slow"] + result["lost"],
        late_ms=quantiles(result["late_ms"])[2],
        loop=used["loop"],
        network=used["others"],
        load=load,
        elsewhere=max(0.0, used["machine"] - used["loop"] - used["others"] - load),
    )


def _middle(same: tuple[Found, ...]) -> Found:
    """Return the medians over the rounds."""
    plain = [vars(one) for one in same]
    middle = {key: statistics.median(one[key] for one in plain) for key in plain[0] if key != "ms"}
    times = tuple(statistics.median(one.ms[i] for one in same) for i in range(3))
    return Found(ms=times, **middle)  # type: ignore[arg-type]


def _show(bench: Bench, form: Form, together: list[Found], rounds: list[list[Found]]) -> None:
    table = Table(
        "streams", "50 %", "95 %", "99 % ms", "in the rounds", f"within {IN_TIME_MS:.0f} ms", "skipped", "dropped",
        "sent late ms", "loop", "network", "load", "elsewhere", title=str(form),
    )  # fmt: skip
    for i, one in enumerate(together):
        in_rounds = " ".join(shown(found[i].ms[2]) for found in rounds)
        cores = [f"{share:.0%}" for share in (one.loop, one.network, one.load, one.elsewhere)]
        told = [f"{one.in_time:.2%}", f"{one.skipped:.2%}", str(int(one.dropped)), shown(one.late_ms)]
        table.add_row(str(one.streams), *map(shown, one.ms), in_rounds, *told, *cores)
    bench.console.print(table)
    carried = [one.streams for one in together if one.ms[2] < IN_TIME_MS]
    bench.console.print(f"99 % under {IN_TIME_MS:.0f} ms up to {max(carried, default=0)} streams")
