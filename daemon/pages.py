"""The state of things in, the page's HTML out; the page is complete before any script runs."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from daemon.access.rights import May
from daemon.archive import ArchiveFilter
from daemon.event_log import EVERYTHING, BegunFilter, LoggedEvent
from daemon.payloads import EventMessage
from daemon.recent_scores import curve, curve_words
from daemon.rendering import TEMPLATES
from daemon.snapshots import Part
from daemon.telling import as_told
from daemon.views import Backstage, CameraView
from models.geometry import Point
from pipeline.types import EventKind

# Messages read for the first view; an event has at least two, so about half as many rows.
FIRST_MESSAGES = 200
FIRST_EVENTS = 50
# Under an event: as many as fit on one look.
SHOWN_SIMILAR = 6
# Rarer than this is said as "less than once in so many"; static/page.js has the same bound.
TOLD_MINUTES = 1000


def render_page(backstage: Backstage, may: May) -> str:
    """Return the page with cameras, newest events and the state of the daemon, for who may change what."""
    logged = backstage.newest_events(EVERYTHING, limit=FIRST_MESSAGES)
    return TEMPLATES.get_template("page.html").render(
        cameras=backstage.cameras(),
        events=latest_by_event(logged)[:FIRST_EVENTS],
        system=backstage.system(),
        last_seq=logged[-1].seq if logged else 0,
        may=may,
    )


def render_archive(backstage: Backstage, wanted: ArchiveFilter, which: BegunFilter, *, may: May) -> str:
    """Return a page of past events with the form that filters them; `which` is what `wanted` means."""
    page = backstage.archive.page(which)
    return TEMPLATES.get_template("archive.html").render(
        wanted=wanted,
        events=page.events,
        older="" if page.older is None else wanted.address(before=str(page.older)),
        cameras=[camera.name for camera in backstage.cameras()],
        kinds=list(EventKind),
        labels=backstage.archive.labels(),
        may=may,
    )


def render_event(backstage: Backstage, event_id: str, *, may: May) -> str | None:
    """Return the page of one event, or None where it is not known."""
    messages = backstage.archive.messages(event_id)
    if not messages:
        return None
    return TEMPLATES.get_template("event.html").render(
        event=as_told(messages),
        messages=messages,
        has_picture=backstage.snapshot(event_id) is not None,
        layers=backstage.layers(event_id),
        has_heat=backstage.snapshot(event_id, Part.HEAT) is not None,
        has_normal=backstage.snapshot(event_id, Part.NORMAL) is not None,
        has_clip=backstage.clip(event_id) is not None,
        review=backstage.review,
        may=may,
        alike=backstage.search.similar(event_id, BegunFilter(), limit=SHOWN_SIMILAR),
    )


def latest_by_event(logged: Iterable[LoggedEvent]) -> list[EventMessage]:
    """Return each event by its last message, as people are told of it, the event that began last first.

    Messages new A, new B, end A become end A's message and new B's: B, A if B began after A.
    """
    by_event: dict[str, list[EventMessage]] = {}
    for entry in logged:
        message = EventMessage.model_validate_json(entry.payload)
        by_event.setdefault(message.id, []).append(message)
    told = map(as_told, by_event.values())
    return sorted(told, key=lambda message: (message.start_utc, message.seq), reverse=True)


def duration_text(seconds: float) -> str:
    """Return the two largest units: 4.2 is "4 s", 75 "1 min 15 s", 3700 "1 h 1 min", 90000 "1 d 1 h"."""
    minutes, whole_s = divmod(int(seconds), 60)
    hours, whole_min = divmod(minutes, 60)
    days, whole_h = divmod(hours, 24)
    parts = ((days, "d"), (whole_h, "h"), (whole_min, "min"), (whole_s, "s"))
    first = next((position for position, (number, _) in enumerate(parts) if number), 3)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number) or "0 s"


def event_duration(event: EventMessage) -> str:
    """Return how long an ended event lasted; "now" while it lasts."""
    if event.end_utc is None:
        return "now"
    return duration_text(
        (datetime.fromisoformat(event.end_utc) - datetime.fromisoformat(event.start_utc)).total_seconds()
    )


def rarity(event: EventMessage) -> str:
    """Return an anomaly's p-value in words: 0.01 is "· once in 100 normal minutes".

    A p-value below one in TOLD_MINUTES is an extrapolated tail: that far it is not taken at its word.
    """
    if not event.p_value:
        return ""
    minutes = round(1 / event.p_value)
    how_often = "once" if minutes <= TOLD_MINUTES else "less than once"
    return f"· {how_often} in {min(minutes, TOLD_MINUTES)} normal minutes"


def rates(camera: CameraView) -> str:
    """Return expected and actual alarms a day in words; static/page.js says the same."""
    expected = "not known yet" if camera.expected_per_day is None else f"{camera.expected_per_day:.1f}"
    return f"a day: {expected} expected, {camera.actual_per_day:.1f} in the last week"


def topmost(polygon: Sequence[Point]) -> Point:
    """Return the corner at which a zone's name stands: the highest one, of these the leftmost."""
    return min(polygon, key=lambda corner: (corner[1], corner[0]))


TEMPLATES.filters["curve"] = curve
TEMPLATES.filters["curve_words"] = curve_words
TEMPLATES.filters["topmost"] = topmost
TEMPLATES.filters["rates"] = rates
TEMPLATES.filters["rarity"] = rarity
TEMPLATES.filters["event_duration"] = event_duration
TEMPLATES.filters["duration"] = duration_text
