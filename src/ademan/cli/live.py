"""`ademan live`."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ademan.bundle import read_bundle
from ademan.cli.terminal import out, plain, print_line, print_table, warn
from ademan.errors import BundleError, ConfigError
from ademan.live.pipeline import Moment, Pipeline
from ademan.publishing import MqttConfig, event_json, prediction_json, publisher
from ademan.recognition import Classifier, StreamConfig
from ademan.recognition.classifier import Probabilities
from ademan.video import FrameSource, open_source


def live(
    bundle: Path | None = None,
    file: str | None = None,
    /,
    *,
    camera: str = "0",
    headless: bool = False,
    predictions: bool = False,
    realtime: Annotated[bool | None, Parameter(negative=("--no-realtime",))] = None,
    loop: bool = False,
    landmarker: str = "",
    mirror: Annotated[bool, Parameter(negative=("--no-mirror",))] = True,
    save_to: Path = Path("raw_videos"),
    subject: str = "s1",
    stream: Annotated[StreamConfig, Parameter(name="*")] = StreamConfig(),
    mqtt: Annotated[MqttConfig, Parameter(name="*")] = MqttConfig(),
) -> int | None:
    """Recognise gestures live, from a camera or a file that is played as one.

    Args:
        bundle: folder, or .zip; without it, the bundles below this folder are listed.
        file: a video file or folder of pictures, instead of a camera.
        camera: number or path, or the address of a stream.
        headless: no window; print each event as one line of JSON.
        predictions: headless, print every prediction too.
        realtime: play a file at its own pace; by default in a window only.
        loop: play the file again and again.
        landmarker: litert or mediapipe; by default that of the training.
        mirror: show the picture as a mirror does; recognition is the same.
        save_to: folder for clips that are recorded with the key r.
        subject: who is seen in them.
    """
    if bundle is None:
        return _list_bundles()
    classifier, backend = Classifier(bundle), _backend(landmarker)
    manifest, broker = classifier.manifest, _Broker()
    if manifest.idle is None and not manifest.thresholds.calibrated:
        warn("this model knows no idle class and is not calibrated: it may take everything for a gesture.")
    in_time = not headless if realtime is None else realtime
    with ExitStack() as stack:
        publish = stack.enter_context(publisher(mqtt, manifest.labels, broker.tell, idle=manifest.idle))
        pipeline = Pipeline(classifier, stream, backend=backend, on_event=publish)
        stack.callback(pipeline.close)
        stack.callback(pipeline.finish)  # also if it is stopped: who switched a lamp on is to switch it off
        if headless:
            source = open_source(file or camera, realtime=in_time, loop=loop, recover=True, on_state=warn)
            _print_events(pipeline, source, predictions=predictions)
        else:
            from ademan.live.window import Tap, show_window

            how = {"in_time": in_time, "loop": loop, "mirrored": mirror}
            show_window(pipeline, file or camera, Tap(save_to, subject), trouble=lambda: broker.trouble, **how)
    return None


class _Broker:
    """What is wrong with the broker, if something is: told in the terminal at once, and for a window to show."""

    trouble = ""

    def tell(self, state: str) -> None:
        warn(state)
        self.trouble = "" if " is back" in state else state


def _backend(name: str) -> str:
    if name not in {"", "litert", "mediapipe"}:
        raise ConfigError(f"landmarker '{name}' is unknown; choose litert or mediapipe.")
    return name


def _print_events(pipeline: Pipeline, source: FrameSource, *, predictions: bool) -> None:
    for moment in pipeline.run(source):
        if predictions and moment.update.probabilities is not None:
            print_line(_prediction(pipeline, moment, moment.update.probabilities))
        for event in moment.update.events:
            print_line(event_json(event))
    for event in pipeline.finish():
        print_line(event_json(event))


def _prediction(pipeline: Pipeline, moment: Moment, shares: Probabilities) -> dict[str, object]:
    labels, latency_ms = pipeline.recognizer.classifier.manifest.labels, round(moment.latency_ms, 2)
    return prediction_json(labels, shares.tolist(), moment.frame.timestamp_ms, latency_ms=latency_ms)


def _list_bundles() -> int:
    """List the bundles below this folder, and say how to use one."""
    rows = []
    for path in _found(Path()):
        try:
            manifest = read_bundle(path).manifest
        except BundleError:
            continue
        labels = ", ".join(manifest.labels[:5]) + (" ..." if len(manifest.labels) > 5 else "")
        rows.append((path, len(manifest.labels), labels, manifest.created[:16]))
    if not rows:
        out.print("No bundle was found below this folder. Train one:  ademan train DATASET.h5 -o RUN")
    else:
        print_table(("bundle", "labels", "such as", "made"), rows)
        out.print(f"Use one:  ademan live {plain(rows[0][0])}")
    return 2


def _found(folder: Path) -> Iterator[Path]:
    yield from sorted(path.parent for path in folder.rglob("manifest.json") if (path.parent / "model.onnx").is_file())
    yield from sorted(folder.rglob("*.zip"))
