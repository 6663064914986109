"""GestureClient: what other programs use."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from ademan.bundle import Manifest
from ademan.client.address import Address
from ademan.client.answers import RemotePrediction, prediction_of
from ademan.client.failures import stranger
from ademan.client.listener import Listener
from ademan.client.polling import PollingStream
from ademan.client.remote_stream import RemoteStream
from ademan.client.rest import Rest, ask_for_bundle
from ademan.client.stream import GestureStream
from ademan.clip import Coordinates, Points, Times
from ademan.errors import ClipError, ConfigError, VideoError
from ademan.recognition import Event, StreamConfig

_VIDEO_S = 120.0  # for a video: others may wait before it, and the server's landmarker may have to start
_KINDS = {".webm": "webm", ".mov": "quicktime", ".mkv": "x-matroska", ".avi": "x-msvideo"}


class GestureClient:
    """A server, as a program uses it; one thread at a time.

    Args:
        url: of the server, such as http://pi.local:8000.
        bundle: that is asked; the server's first one if it is empty.
        key: if the server asks for one.
        verify: False trusts any certificate; a path trusts those in that file (PEM).
        timeout: seconds to wait for an answer; above zero.

    Raises:
        ConfigError: the address is none, or an argument is out of its range.
    """

    def __init__(
        self, url: str, bundle: str = "", key: str = "", *, verify: bool | str = True, timeout: float = 10.0
    ) -> None:
        if not timeout > 0:
            raise ConfigError(f"timeout must be above zero seconds, found {timeout}.")
        self.address = Address(url, key, verify)
        self.bundle, self.timeout = bundle, timeout
        self._rest = Rest(self.address, timeout)
        self._info: tuple[str, str, Manifest] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; streams have their own."""
        self._rest.close()

    @property
    def info(self) -> Manifest:
        """The bundle's manifest, as the server had it when it was asked for first.

        Raises:
            RemoteError: there is no answer, or none of an ademan server.
        """
        return self._served()[2]

    @property
    def version(self) -> str:
        """Of the bundle, when `info` was asked for.

        Raises:
            RemoteError: as `info`.
        """
        return self._served()[1]

    def health(self) -> dict[str, Any]:
        """Return what the server says of itself, whether it is ready or not.

        Raises:
            RemoteError: as `info`.
        """
        found = self._rest.get("/health", also=(503,))
        if "ready" not in found:
            raise stranger(self.address, "it does not say whether it is ready")
        return found

    def predict(
        self,
        points: Points,
        timestamps_ms: Times | Sequence[float] | None = None,
        fps: float | None = None,
        image_wh: tuple[int, int] | None = None,
        coordinates: Coordinates | None = None,
    ) -> RemotePrediction:
        """Name the gesture of a clip.

        Args:
            points: (T, P, 2 or 3), NaN where not seen.
            timestamps_ms: (T,), rising; without them frames are `fps` apart.
            fps: frames per second; those of the bundle by default.
            image_wh: width and height of the pictures, where `coordinates` are given.
            coordinates: "fraction" or "square", if not what the bundle takes.

        Raises:
            ClipError: the points are no clip.
            RemoteError: there is no answer, or the server refuses the points.
        """
        points = np.asarray(points, np.float32)
        if points.ndim != 3 or points.shape[2] not in (2, 3):
            raise ClipError(f"expected points of shape (T, P, 2 or 3), found {points.shape}.")
        if timestamps_ms is None:
            return prediction_of(self._predict_packed(points, fps, image_wh, coordinates))
        sequence = points.astype(object)
        sequence[np.isnan(points)] = None
        content: dict[str, Any] = {
            "sequence": sequence.tolist(),
            "timestamps_ms": [float(time_ms) for time_ms in timestamps_ms],
            "image_wh": image_wh,
            "coordinates": coordinates,
        }
        known = {name: value for name, value in content.items() if value is not None}
        return prediction_of(self._rest.post_json("/predict", known, self._query()))

    def predict_video(self, path: Path | str) -> RemotePrediction:
        """Name the gesture of a video; its points are found on the server, which keeps nothing of it.

        Raises:
            VideoError: the file cannot be read.
            RemoteError: there is no answer, or the server refuses the video.
        """
        path = Path(path)
        try:
            file = path.open("rb")
        except OSError as error:
            raise VideoError(f"{path} cannot be read: {error.strerror}.") from error
        with file:
            kind = f"video/{_KINDS.get(path.suffix.lower(), 'mp4')}"
            return prediction_of(self._rest.post("/predict/video", file, kind, self._query(), patience=_VIDEO_S))

    def stream(
        self,
        config: StreamConfig | None = None,
        on_prediction: Callable[[RemotePrediction], object] | None = None,
        on_event: Callable[[Event], object] | None = None,
        on_state: Callable[[str], object] | None = None,
        *,
        rest: bool = False,
        in_step: bool = False,
    ) -> RemoteStream:
        """Begin a live stream.

        The functions are called in a thread of the stream's, one after the other; what one of them raises comes out
        of the next `push`, or of `close`.

        Args:
            config: how predictions become events.
            on_prediction: called with each prediction, smoothed in time.
            on_event: called when a gesture began, or ended.
            on_state: told, in words, of a server that is away, or back.
            rest: smooth and decide here, and ask by `POST /predict` when a prediction is due.
            in_step: a push waits until its frame is through, and through losses, as suits a file.

        Raises:
            RemoteError: the server cannot be reached now, or refuses.
        """
        name, version, manifest = self._served()
        listener = Listener(on_prediction, on_event, on_state)
        if rest:
            return PollingStream(self.address, name, version, manifest, config, listener, self.timeout, in_step=in_step)
        return GestureStream(
            self.address, self.bundle, version, manifest, config, listener, self.timeout, in_step=in_step
        )

    def _served(self) -> tuple[str, str, Manifest]:
        """Return name, version and manifest of the bundle."""
        if self._info is None:
            self._info = ask_for_bundle(self._rest, self.bundle)
        return self._info

    def _query(self) -> dict[str, str]:
        return {"bundle": self.bundle} if self.bundle else {}

    def _predict_packed(
        self, points: Points, fps: float | None, image_wh: tuple[int, int] | None, coordinates: str | None
    ) -> dict[str, Any]:
        query = self._query() | {"channels": str(points.shape[2])}
        if fps is not None:
            query["fps"] = repr(float(fps))
        if coordinates is not None:
            query["coordinates"] = coordinates
        if image_wh is not None:
            query |= {"image_width": str(image_wh[0]), "image_height": str(image_wh[1])}
        return self._rest.post_points("/predict", points, query)
