"""Publishing: gesture events as JSON, and to a broker by MQTT; paho is imported only where a broker is named."""

from ademan.publishing.config import MqttConfig
from ademan.publishing.messages import as_line, event_json, prediction_json
from ademan.publishing.publisher import Publish, publisher

__all__ = [
    "MqttConfig",
    "Publish",
    "as_line",
    "event_json",
    "prediction_json",
    "publisher",
]
