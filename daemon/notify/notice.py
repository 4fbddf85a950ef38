"""An event's message in, what a person is told out: a title, a few lines, and perhaps its picture."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import quote

from daemon.payloads import EventMessage
from daemon.utc import utc_seconds
from pipeline.types import EventPhase, Severity


@dataclass(frozen=True, slots=True)
class Notice:
    """What is sent; `picture` is a JPEG, None where there is none."""

    title: str
    body: str
    severity: Severity
    picture: bytes | None = None
    picture_name: str = "event.jpg"


def event_notice(
    message: EventMessage, *, picture: bytes | None, public_url: str, time_zone: tzinfo | None
) -> Notice:
    """Return the words about an event's beginning or end: what, when by the clock on the wall, and a link."""
    has_ended = message.type is EventPhase.END
    lines = [message.explanation, _when(message, time_zone)]
    if message.zones:
        lines.append(f"zones: {', '.join(message.zones)}")
    if public_url:
        lines.append(f"{public_url.rstrip('/')}/events/{quote(message.id, safe='')}")
    return Notice(
        title=f"{message.camera}: {message.label}{', over' if has_ended else ''}",
        body="\n".join(lines),
        severity=message.severity,
        picture=picture,
        picture_name=f"{message.camera}-{message.id}.jpg",
    )


def trial_notice(name: str) -> Notice:
    """Return what `videobertd notify-test` sends."""
    return Notice(
        title="videobertd: test", body=f"This is how [notify.{name}] tells of events.", severity=Severity.INFO
    )


def _when(message: EventMessage, time_zone: tzinfo | None) -> str:
    """Return `2026-11-25 21:03:11`, and of an ended event also how long it was: `, for 0:01:12`."""
    begun_s = utc_seconds(message.start_utc)
    local = datetime.fromtimestamp(begun_s, time_zone).replace(tzinfo=None)
    text = local.isoformat(sep=" ", timespec="seconds")
    if message.end_utc is None:
        return text
    minutes, seconds = divmod(round(utc_seconds(message.end_utc) - begun_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{text}, for {hours}:{minutes:02}:{seconds:02}"
