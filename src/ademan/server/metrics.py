"""Figures for Prometheus. Each application has a registry of its own, so that two in one process do not mix."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_WINDOWS = (1, 2, 4, 8, 16, 32)


class Metrics:
    """What an application counts."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.requests = Counter(
            "ademan_requests", "Requests by route and status.", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "ademan_request_seconds", "Time of a request.", ["route"], buckets=_SECONDS, registry=registry
        )
        self.predictions = Counter(
            "ademan_predictions", "Windows that were named.", ["bundle", "way"], registry=registry
        )
        self.batch = Histogram(
            "ademan_batch_windows", "Windows in one call of the network.", buckets=_WINDOWS, registry=registry
        )
        self.events = Counter("ademan_events", "Gestures that began.", ["bundle", "label"], registry=registry)
        self.streams = Gauge("ademan_streams", "Clients connected by Socket.IO.", registry=registry)
        self.frames = Counter("ademan_frames", "Frames of live streams that were taken.", registry=registry)
        self.dropped = Counter(
            "ademan_dropped", "Frames, predictions and messages that were dropped.", ["reason"], registry=registry
        )
        self.listeners = Gauge("ademan_listeners", "Listeners to the camera's events.", registry=registry)
        self.camera = Gauge("ademan_camera_running", "1 while the camera gives pictures.", registry=registry)
        self.reloads = Counter("ademan_reloads", "New versions of a bundle.", ["bundle", "result"], registry=registry)

    def text(self) -> bytes:
        """Return all figures in Prometheus' format."""
        return generate_latest(self._registry)
