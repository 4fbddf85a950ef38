"""Log records in, lines on standard error out: plain text or JSON, never with a password in them."""

import json
import logging
import re
import sys
from typing import IO, Literal

from daemon.utc import utc_text
from pipeline.urls import redact_url

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Redaction(logging.Filter):
    """Takes user names and passwords out of URLs; a belt, since whoever logs a URL redacts it first."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the message by one that is safe to print, on one line."""
        message = record.getMessage()
        safe = _CONTROL.sub(" ", redact_url(message))
        if safe != message:
            record.msg, record.args = safe, ()
        return True


class TextFormatter(logging.Formatter):
    """`2026-11-22T11:31:39.123Z WARNING pipeline.camera: porch: lost (stalled)`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - stdlib's
        """Return the record's time in UTC with milliseconds."""
        del datefmt
        return utc_text(record.created)

    def formatException(self, ei: object) -> str:  # noqa: N802 - the stdlib's name
        """Return the traceback, redacted like the message."""
        return redact_url(super().formatException(ei))  # type: ignore[arg-type]


class JsonFormatter(TextFormatter):
    """One JSON object a line: `time`, `level`, `logger`, `thread`, `message` and perhaps `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        entry = {
            "time": utc_text(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "thread": record.threadName,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def log_handler(line_format: Literal["text", "json"], stream: IO[str]) -> logging.Handler:
    """Return a handler that writes redacted lines to `stream`."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if line_format == "json" else TextFormatter())
    handler.addFilter(Redaction())
    return handler


def configure_logging(level: str, line_format: Literal["text", "json"]) -> None:
    """Send every record of the program to standard error; call once, before any thread starts."""
    logging.basicConfig(level=level.upper(), handlers=[log_handler(line_format, sys.stderr)], force=True)
    logging.captureWarnings(capture=True)
    # A line per request, packet or stage of a start helps nobody unless they ask for it by name; urllib3's
    # would tell the tokens in the paths of notifications.
    for chatty in ("uvicorn", "paho", "amqtt", "transitions", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
