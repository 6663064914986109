"""`ademan client`."""

import math
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ademan.cli.terminal import print_line, warn
from ademan.client import GestureClient, RemotePrediction, StreamStats
from ademan.client.address import KEY_VARIABLE
from ademan.client.pipeline import RemotePipeline, RemoteRecognizer
from ademan.errors import ConfigError
from ademan.landmarks import LandmarkConfig
from ademan.publishing import MqttConfig, event_json, prediction_json, publisher
from ademan.recognition import Event, StreamConfig
from ademan.video import open_source


def client(
    url: str,
    file: str | None = None,
    /,
    *,
    camera: str = "0",
    bundle: str = "",
    key: Annotated[str, Parameter(env_var=KEY_VARIABLE, show_default=False)] = "",
    rest: Annotated[bool, Parameter(negative=())] = False,
    headless: bool = False,
    predictions: bool = False,
    realtime: Annotated[bool | None, Parameter(negative=("--no-realtime",))] = None,
    loop: bool = False,
    landmarker: str = "",
    mirror: Annotated[bool, Parameter(negative=("--no-mirror",))] = True,
    insecure: Annotated[bool, Parameter(negative=())] = False,
    ca: Path | None = None,
    save_to: Path = Path("raw_videos"),
    subject: str = "s1",
    stream: Annotated[StreamConfig, Parameter(name="*")] = StreamConfig(),
    mqtt: Annotated[MqttConfig, Parameter(name="*")] = MqttConfig(),
) -> None:
    """Find the points here, and have a server recognise them: camera, window and events on a small machine.

    Args:
        url: of an `ademan serve`, such as http://pi.local:8000.
        file: a video file or folder of pictures, instead of a camera.
        camera: number or path, or the address of a stream.
        bundle: name of a bundle of the server's; its first one by default.
        key: that the server asks for; better in the variable ADEMAN_API_KEY.
        rest: smooth and decide here, and ask by POST /predict, rather than by Socket.IO.
        headless: no window; print each event as one line of JSON.
        predictions: headless, print every prediction too.
        realtime: play a file at its own pace; by default in a window only.
        loop: play the file again and again.
        landmarker: litert or mediapipe; by default that of the training.
        mirror: show the picture as a mirror does; recognition is the same.
        insecure: trust any certificate of the server.
        ca: file with the certificates to trust (PEM), if not those of the system.
        save_to: folder for clips that are recorded with the key r.
        subject: who is seen in them.
    """
    if landmarker:
        LandmarkConfig(landmarker=landmarker)  # type: ignore[arg-type] # refuses what there is not
    if insecure and ca:
        raise ConfigError("--insecure trusts any certificate, --ca those of a file: give one of them.")
    in_time = not headless if realtime is None else realtime
    troubles = _Troubles()
    with ExitStack() as stack:
        server = stack.enter_context(GestureClient(url, bundle, key, verify=str(ca) if ca else not insecure))
        labels, idle = server.info.labels, server.info.idle
        publish = stack.enter_context(publisher(mqtt, labels, troubles.of_broker, idle=idle))
        says = _Printer(publish, headless=headless, predictions=predictions)
        recognizer = RemoteRecognizer(
            server, stream, says.prediction, says.event, warn, rest=rest, in_step=bool(file) and not in_time
        )
        says.stats = lambda: recognizer.stream.stats
        stack.callback(lambda: _sum_up(recognizer.stream.stats))
        stack.callback(recognizer.finish)  # also if it is stopped: who switched a lamp on is to switch it off
        pipeline = RemotePipeline(recognizer, backend=landmarker)
        stack.callback(pipeline.close)
        if headless:
            source = open_source(file or camera, realtime=in_time, loop=loop, recover=True, on_state=warn)
            for _ in pipeline.run(source):
                pass
        else:
            troubles.of_server = lambda: recognizer.stream.state
            from ademan.live.window import Tap, show_window

            how = {"in_time": in_time, "loop": loop, "mirrored": mirror}
            show_window(pipeline, file or camera, Tap(save_to, subject), trouble=troubles.all, **how)


class _Troubles:
    """What is wrong elsewhere, for a window to show; all of it is told in the terminal, too."""

    broker = ""

    def __init__(self) -> None:
        self.of_server: Callable[[], str] = lambda: ""

    def of_broker(self, state: str) -> None:
        warn(state)
        self.broker = "" if " is back" in state else state

    def all(self) -> str:
        return " ".join(part for part in (self.of_server(), self.broker) if part)


class _Printer:
    """Prints and publishes what comes, at once."""

    def __init__(self, publish: Callable[[Event], None], *, headless: bool, predictions: bool) -> None:
        self._publish, self._headless, self._predictions = publish, headless, headless and predictions
        self.stats: Callable[[], StreamStats] = StreamStats

    def event(self, event: Event) -> None:
        self._publish(event)
        if self._headless:
            print_line(event_json(event))

    def prediction(self, prediction: RemotePrediction) -> None:
        if self._predictions:
            shares, time_ms = prediction.probabilities, prediction.time_ms or 0.0
            latency_ms = self.stats().latency_ms
            known = {} if math.isnan(latency_ms) else {"latency_ms": round(latency_ms, 2)}
            print_line(prediction_json(list(shares), list(shares.values()), time_ms, **known))


def _sum_up(stats: StreamStats) -> None:
    """Say what was lost, if something was."""
    lost = {
        "not sent": stats.dropped + stats.waiting,
        "refused by the server": stats.server.rate + stats.server.bad,
        "predictions left out": stats.skipped + stats.server.busy,
        "messages of the server not received": stats.server.slow,
    }
    told = ", ".join(f"{what} {count}" for what, count in lost.items() if count)
    if told:
        warn(f"of {stats.frames} frames: {told}.")
