"""`videobertd events`: the event log in, lines of text or JSON out; reads only, beside a running daemon."""

import json
import sqlite3
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from daemon.config import load_settings
from daemon.event_log import EventFilter, LoggedEvent, open_log, select_events, select_newest
from daemon.exit_codes import EXIT_OK
from pipeline.types import EventKind

FOLLOW_INTERVAL_S = 0.5


@dataclass(frozen=True, slots=True)
class EventsRequest:
    """Which messages to print, and whether to wait for more."""

    camera: str | None = None
    kind: EventKind | None = None
    limit: int = 20
    follow: bool = False


def run_events(config: Path, query: EventsRequest, *, as_json: bool) -> int:
    """Print the newest messages, oldest first, and with `follow` what comes until Ctrl-C.

    Raises:
        SettingsError: the settings are wrong, or there is no event log yet.
    """
    settings = load_settings(config)
    show = _json_line if as_json else text_line
    with open_log(settings.storage.data_dir) as database:
        for event in read_events(database, query, threading.Event()):
            sys.stdout.write(f"{show(event)}\n")
            sys.stdout.flush()
    return EXIT_OK


def read_events(
    database: sqlite3.Connection, query: EventsRequest, stop: threading.Event
) -> Iterator[LoggedEvent]:
    """Yield the newest messages and, with `follow`, each new one until `stop` is set."""
    which = EventFilter(camera=query.camera, kind=query.kind)
    newest = select_newest(database, which, limit=query.limit)
    yield from newest
    last_seq = newest[-1].seq if newest else 0
    while query.follow and not stop.wait(FOLLOW_INTERVAL_S):
        for event in select_events(database, which, after=last_seq):
            last_seq = event.seq
            yield event


def text_line(event: LoggedEvent) -> str:
    """Return `seq time camera type kind/label score explanation`, in columns."""
    message = json.loads(event.payload)
    what = f"{message['kind']}/{message['label']}"
    when = message["end_utc"] or message["start_utc"]
    return (
        f"{event.seq:>7}  {when}  {event.camera:<16} {message['type']:<6} {what:<22}"
        f" {message['score']:.2f}  {message['explanation']}"
    )


def _json_line(event: LoggedEvent) -> str:
    return event.payload
