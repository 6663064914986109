"""The log: on standard error, as lines to read or as one JSON object a line.

Parts of it were chosen by whoever sent something. None of them may look like a line of the log, or like a command to
the terminal on which it is read.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

_OWN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        content = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_more(record),
        }
        if record.exc_info:
            content["exception"] = self.formatException(record.exc_info)
        return _dumps(content)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        event = "\\n".join(map(_printable, record.getMessage().splitlines()))
        more = " ".join(f"{key}={_plain(value)}" for key, value in _more(record).items() if value not in ("", None))
        line = f"{time} {record.levelname.lower():7} {event} {more}".rstrip()
        if not record.exc_info:
            return line
        below = self.formatException(record.exc_info).splitlines()
        return "\n".join([line, *(f"    {_printable(said)}" for said in below)])


def set_up_logs(form: Literal["text", "json"]) -> None:
    """Send all logs, and warnings of libraries, to standard error in one form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    for name, level in (("ademan", logging.INFO), ("uvicorn", logging.WARNING), ("uvicorn.error", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.handlers, logger.propagate = [], True


def _more(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _OWN}


def _plain(value: object) -> str:
    """Return a value on one line, quoted where it has spaces or what cannot be printed."""
    text = str(value)
    return text if text and text.isprintable() and not set(text) & set(' "=') else _dumps(text)


def _printable(text: str) -> str:
    return text if text.isprintable() else _dumps(text)[1:-1]


def _dumps(value: object) -> str:
    """Return JSON of printable ASCII alone."""
    return json.dumps(value, default=str).replace("\x7f", "\\u007f")
