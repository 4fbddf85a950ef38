"""The event log as a daemon writes it, for tests of what reads it."""

from pathlib import Path

from prometheus_client import CollectorRegistry

from daemon.outbox import Outbox
from daemon.payloads import Origin, event_message
from pipeline.clock import Clock
from pipeline.metrics import Metrics
from pipeline.types import Event
from tests.fakes import ManualClock


def rendered(event: Event, seq: int) -> str:
    """Return the message of an event that has neither page nor clip."""
    return event_message(event, seq, Origin()).to_json()


def log_of(folder: Path, clock: Clock | None = None, *, metrics: Metrics | None = None, **options) -> Outbox:
    """Return the log of a data folder; its `with` block opens it."""
    metrics = metrics or Metrics(CollectorRegistry())
    return Outbox(folder, rendered, clock=clock or ManualClock(), metrics=metrics, **options)
