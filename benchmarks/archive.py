"""How fast past events are shown: the archive's pages over a log of many events.

    python -m benchmarks.archive --events 100000

Writes a log of events that each have three messages, then asks for pages as a browser does and prints the
median time of each, in milliseconds, and its ratio to a page of the same size without any event.
"""

import argparse
import random
import sqlite3
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from prometheus_client import CollectorRegistry
from rich.progress import track

from daemon.access.rights import EVERYBODY
from daemon.archive import parse_filter, to_query
from daemon.archive_reader import ArchiveReader
from daemon.event_log import FILE_NAME
from daemon.outbox import Outbox
from daemon.pages import render_archive
from daemon.payloads import Origin, event_message
from pipeline.clock import SystemClock
from pipeline.events import new_event_id
from pipeline.metrics import Metrics
from pipeline.types import Event, EventKind, EventPhase, Severity

CAMERAS = ("porch", "yard", "hall", "street")
WHAT = (("anomaly", "unusual"), ("behaviour", "fall"), ("behaviour", "fight"), ("camera", "offline"))
SPACING_S = 20.0
ASKED = (
    ("the newest", {}),
    ("one camera", {"camera": "hall"}),
    ("a label that never was", {"label": "nothing"}),
    ("the oldest, by `before`", {"before": "100"}),
)
TIMES = 20
INSERT = """
    INSERT INTO events (seq, id, camera, phase, kind, label, start_utc_s, written_utc_s, pending, payload)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)
"""


def write_log(folder: Path, count: int) -> None:
    """Write a log of `count` events, the last of which has just ended."""
    metrics = Metrics(CollectorRegistry())
    with Outbox(folder, _render, clock=SystemClock(), metrics=metrics):
        pass  # makes the tables
    rng, now_s = random.Random(0), time.time()  # noqa: S311 - no secret
    with sqlite3.connect(folder / FILE_NAME) as database:
        for index in track(range(count), "events"):
            start_s = now_s - (count - index) * SPACING_S
            kind, label = rng.choice(WHAT)
            new = Event(
                id=new_event_id(start_s),
                camera=rng.choice(CAMERAS),
                phase=EventPhase.NEW,
                kind=EventKind(kind),
                label=label,
                score=rng.random(),
                severity=Severity.WARNING,
                start_utc_s=start_s,
                explanation="Moves 3.4 times as fast as usual there (lower left).",
                captured_s=0.0,
            )
            update = replace(new, phase=EventPhase.UPDATE)
            end = replace(new, phase=EventPhase.END, end_utc_s=start_s + 12)
            rows = [_row(event, 3 * index + position) for position, event in enumerate((new, update, end), 1)]
            database.executemany(INSERT, rows)


def _render(event: Event, seq: int) -> str:
    return event_message(event, seq, Origin()).to_json()


def _row(event: Event, seq: int) -> tuple[object, ...]:
    what = (seq, event.id, event.camera, str(event.phase), str(event.kind), event.label)
    return (*what, event.start_utc_s, event.start_utc_s, _render(event, seq))


@dataclass(frozen=True, slots=True)
class Shown:
    """As much of a backstage as the archive's page asks for: no camera, all events."""

    archive: ArchiveReader

    def cameras(self) -> tuple[()]:
        """Return no camera."""
        return ()


def page_ms(archive: ArchiveReader, query: dict[str, str]) -> float:
    """Return the median time in which a page is read and rendered."""
    backstage, took_ms = Shown(archive), []
    for _ in range(TIMES):
        began_s = time.perf_counter()
        wanted = parse_filter(query)
        render_archive(backstage, wanted, to_query(wanted), may=EVERYBODY.rights)
        took_ms.append(1e3 * (time.perf_counter() - began_s))
    return statistics.median(took_ms)


def main() -> None:
    """Read the command line, write two logs, and time both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000, help="events in the log (default: 100000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as full, tempfile.TemporaryDirectory() as empty:
        write_log(Path(full), options.events)
        write_log(Path(empty), 0)
        floor_ms = page_ms(ArchiveReader(Path(empty)), {})
        print(f"{'an empty log':26} {floor_ms:7.1f} ms")
        for name, query in ASKED:
            took_ms = page_ms(ArchiveReader(Path(full)), query)
            print(f"{name:26} {took_ms:7.1f} ms  {took_ms / floor_ms:5.1f} times the empty one")


if __name__ == "__main__":
    main()
