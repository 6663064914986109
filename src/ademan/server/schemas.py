"""What the interface promises, in the words of OpenAPI; the answers themselves are written by hand, for speed."""

from types import UnionType
from typing import Any, Literal

from pydantic import BaseModel, Field

from ademan.server.wire import LEAST_FPS, MOST_FPS, MOST_FRAMES, MOST_PIXELS, MOST_SEQUENCES


class Answer(BaseModel):
    """What a sequence was taken for."""

    label: str | None = Field(
        description="The most probable class; null if nothing is seen and there is no idle class."
    )
    confidence: float = Field(description="Its probability.")
    gesture: str | None = Field(description="The label if it counts: above the threshold, and not idle.")
    probabilities: dict[str, float]
    seen: bool = Field(description="Whether anything is seen in what the network looks at.")
    bundle: str
    version: str
    milliseconds: float

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "label": "wave",
                    "confidence": 0.97,
                    "gesture": "wave",
                    "probabilities": {"wave": 0.97, "fist": 0.02, "idle": 0.01},
                    "seen": True,
                    "bundle": "hands",
                    "version": "3fa1c2d4e5b6",
                    "milliseconds": 1.4,
                }
            ]
        }
    }


class Answers(BaseModel):
    """One for each sequence, in their order."""

    predictions: list[Answer]


class BundleState(BaseModel):
    """A bundle, and how it does."""

    ready: bool
    version: str | None = Field(None, description="12 hexadecimal digits, of the checksums of its parts.")
    since: str | None = Field(None, description="When it was taken, ISO 8601.")
    labels: list[str] | None = None
    problem: str | None = Field(None, description="Why a new version was not taken.")


class NamedBundle(BundleState):
    """A bundle, with its name."""

    name: str


class Bundles(BaseModel):
    """All bundles."""

    default: str
    bundles: list[NamedBundle]


class Health(BaseModel):
    """Whether the server is alive and ready."""

    alive: bool
    ready: bool
    bundle: str = Field(description="The one that answers by default.")
    version: str | None
    bundles: dict[str, BundleState]
    camera: str
    software: str
    uptime_s: float


class Bundle(BaseModel):
    """A manifest, without what it was trained on; there is more in it than is named here."""

    name: str
    version: str
    since: str
    labels: list[str]
    skeleton: dict[str, Any]
    channels: int
    coordinates: Literal["square", "fraction", "metres"]
    window: dict[str, Any]
    fps: float
    idle: str | None
    thresholds: dict[str, Any]

    model_config = {"extra": "allow"}


class Status(BaseModel):
    """What the camera does."""

    camera: str | None
    state: Literal["off", "starting", "running", "lost", "ended"]
    message: str
    fps: float
    latency_ms: float
    listeners: int
    bundle: str
    version: str
    gesture: str | None
    config: dict[str, Any]
    started: str | None
    frames: int


class Event(BaseModel):
    """A gesture that began or ended."""

    event: Literal["began", "ended"]
    label: str
    time_ms: float
    confidence: float

    model_config = {"extra": "allow"}


class Gestures(BaseModel):
    """What can be recognised, and what was."""

    labels: list[str]
    idle: str | None
    recent: list[Event]


class Problem(BaseModel):
    """What went wrong."""

    code: str
    message: str


class Failure(BaseModel):
    """The one shape of all errors."""

    error: Problem


class Settings(BaseModel):
    """What can be changed while the camera runs."""

    accept: float | None = Field(None, ge=0, le=1, description="Least probability at which a gesture begins.")
    threshold: float | None = Field(None, ge=0, le=1, description="Another name of `accept`.")
    cooldown_ms: float | None = Field(None, ge=0, le=1e6, description="Pause before the same gesture may begin again.")

    model_config = {
        "extra": "forbid",
        "strict": True,
        "json_schema_extra": {"examples": [{"accept": 0.6, "cooldown_ms": 800}]},
    }


CONFIG_BODY: dict[str, Any] = {
    "required": True,
    "content": {"application/json": {"schema": Settings.model_json_schema()}},
}
_NUMBER: dict[str, Any] = {"type": ["number", "null"]}
_FRAME = {"type": "array", "items": {"anyOf": [_NUMBER, {"type": "array", "items": _NUMBER}]}}
_SEQUENCE = {"type": "array", "items": _FRAME, "minItems": 1, "maxItems": MOST_FRAMES}
_TIMES = {"type": "array", "items": {"type": "number"}}
_COMMON = {
    "fps": {"type": ["number", "null"], "minimum": LEAST_FPS, "maximum": MOST_FPS},
    "coordinates": {"enum": ["fraction", "square", None]},
    "image_wh": {
        "type": ["array", "null"],
        "items": {"type": "integer", "minimum": 1, "maximum": MOST_PIXELS},
        "minItems": 2,
        "maxItems": 2,
    },
}
_ONE = {
    "type": "object",
    "title": "One sequence",
    "properties": {"sequence": _SEQUENCE, "timestamps_ms": {**_TIMES, "type": ["array", "null"]}, **_COMMON},
    "required": ["sequence"],
    "additionalProperties": False,
}
_MANY = {
    "type": "object",
    "title": "Several sequences",
    "properties": {
        "sequences": {"type": "array", "items": _SEQUENCE, "minItems": 1, "maxItems": MOST_SEQUENCES},
        "timestamps_ms": {"type": ["array", "null"], "items": _TIMES},
        **_COMMON,
    },
    "required": ["sequences"],
    "additionalProperties": False,
}
POINTS_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"anyOf": [_ONE, _MANY]},
            "examples": {"two frames of two hands": {"value": {"sequence": [[0.5] * 126, [0.51] * 126], "fps": 30}}},
        },
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    },
}
VIDEO_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary"}},
                "required": ["file"],
            }
        },
        "video/mp4": {"schema": {"type": "string", "format": "binary"}},
    },
}
FIGURES: dict[str, Any] = {
    "description": "Figures in the text format of Prometheus.",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}
EVENTS: dict[str, Any] = {
    "description": "Server-sent events, without end.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


def answers(model: Any, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what a route answers, and what if something is wrong: statuses that not all of them share."""
    always = {400, 401, 403, 408, 413, 500, 503}
    found: dict[int | str, dict[str, Any]] = {status: {"model": Failure} for status in sorted({*always, *statuses})}
    return {200: {"model": model} if isinstance(model, type | UnionType) else model} | found
