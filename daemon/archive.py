"""The address of the archive in, a checked filter for the event log out, and the address of a changed one."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta, tzinfo
from urllib.parse import urlencode

from daemon.event_log import BegunFilter
from daemon.queries import is_number
from pipeline.types import EventKind

# No clock of ours shows other years: their midnight in some zones cannot be counted.
FIRST_YEAR, LAST_YEAR = 1971, 9000
# Longer text in a field of the form is nobody's camera or label.
MAX_LETTERS = 64


@dataclass(frozen=True, slots=True)
class ArchiveFilter:
    """Which events are wanted, all where empty; `since` and `until` are days, both included.

    `before` is where the last page ended, the seq of the first message of its last event.
    """

    camera: str = ""
    kind: str = ""
    label: str = ""
    since: str = ""
    until: str = ""
    before: str = ""

    def address(self, **changes: str) -> str:
        """Return the archive's address with this filter, changed as said."""
        wanted = replace(self, **changes)
        given = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
        query = urlencode({name: text for name, text in given.items() if text})
        return f"/events?{query}" if query else "/events"


def parse_filter(query: Mapping[str, str]) -> ArchiveFilter:
    """Take the fields of the form out of a query string.

    Raises:
        ValueError: One sentence about the first value that cannot be used.
    """
    known = {field.name for field in fields(ArchiveFilter)}
    for name, text in query.items():
        if name not in known:
            raise ValueError(f"unknown parameter {name!r}; there are {', '.join(sorted(known))}")
        if len(text) > MAX_LETTERS or not text.isprintable():
            raise ValueError(f"{name} must be at most {MAX_LETTERS} printable letters")
    return ArchiveFilter(**query)


def to_query(wanted: ArchiveFilter, zone: tzinfo | None = None) -> BegunFilter:
    """Check the filter's values; days begin at midnight in `zone`, or else where the daemon is.

    Raises:
        ValueError: One sentence about the first value that cannot be used.
    """
    if wanted.kind and wanted.kind not in list(EventKind):
        raise ValueError(f"kind must be one of {', '.join(EventKind)}")
    since, until = _day("since", wanted.since), _day("until", wanted.until)
    if since and until and until < since:
        raise ValueError("until must not be before since")
    if wanted.before and not is_number(wanted.before, max_digits=18):
        raise ValueError("before must come from a link of the archive")
    return BegunFilter(
        camera=wanted.camera or None,
        kind=EventKind(wanted.kind) if wanted.kind else None,
        label=wanted.label or None,
        since_utc_s=_midnight(since, zone) if since else None,
        until_utc_s=_midnight(until + timedelta(days=1), zone) if until else None,
        before=int(wanted.before) if wanted.before else None,
    )


def _day(name: str, text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ValueError(f"{name} must be a day such as 2026-11-24") from error
    if day and not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"{name} must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return day


def _midnight(day: date, zone: tzinfo | None) -> float:
    return datetime.combine(day, time(), zone).timestamp()
