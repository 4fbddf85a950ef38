"""Seconds since the epoch in, ISO 8601 with milliseconds and Z out, and back; for logs and payloads alike."""

from datetime import UTC, datetime


def utc_text(utc_s: float) -> str:
    """Return 0.0 as `1970-01-01T00:00:00.000Z`."""
    text = datetime.fromtimestamp(round(utc_s, 3), UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def utc_seconds(text: str) -> float:
    """Return `1970-01-01T00:00:00.000Z` as 0.0."""
    return datetime.fromisoformat(text).timestamp()
