"""Messages of the event log and a notifier of them for tests, on a clock that stands still."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry

from daemon.notify.messages import LogEntry
from daemon.notify.notice import Notice
from daemon.notify.notifier import Notifier, Order, Supplies
from daemon.notify.progress import ProgressFile
from daemon.notify.rule import NotifyRule
from daemon.notify.service import ServiceError
from daemon.payloads import EventMessage
from daemon.utc import utc_text
from pipeline.backoff import Backoff, BackoffSettings
from pipeline.metrics import Metrics
from tests.fakes import ManualClock, ManualStop

EVENT_ID = "00cpd7gq3g0123456789abc"
BACKOFF = BackoffSettings(first_s=1.0, early_cap_s=60.0, early_s=600.0, cap_s=60.0)


def message(seq=1, event_id=EVENT_ID, **changes) -> EventMessage:
    """Return an event's message as it was published."""
    fields = {
        "id": event_id,
        "seq": seq,
        "camera": "porch",
        "type": "new",
        "kind": "anomaly",
        "label": "unusual",
        "score": 0.9,
        "severity": "warning",
        "start_utc": "2026-11-22T20:00:00.000Z",
        "explanation": "moves faster than usual",
    }
    if changes.get("type") == "end":
        fields["end_utc"] = "2026-11-22T20:01:12.000Z"
    return EventMessage.model_validate({**fields, **changes})


@dataclass
class Log:
    """An event log to which a test appends, each message as of now."""

    clock: ManualClock
    entries: list[LogEntry] = field(default_factory=list)
    broken: bool = False

    def append(self, event_id=EVENT_ID, **changes) -> None:
        now_s = self.clock.utc_s()
        one = message(len(self.entries) + 1, event_id, **{"start_utc": utc_text(now_s), **changes})
        self.entries.append(LogEntry(one, now_s))

    def last_seq(self) -> int:
        return len(self.entries)

    def after(self, seq: int) -> tuple[LogEntry, ...]:
        if self.broken:
            raise ServiceError("log", "the event log cannot be read: disk I/O error")
        return tuple(self.entries[seq:])


@dataclass
class FakeService:
    """Takes notices, or raises what a test put before them."""

    script: list[BaseException | None] = field(default_factory=list)
    taken: list[Notice] = field(default_factory=list)
    asked: list[Notice] = field(default_factory=list)

    def send(self, notice: Notice) -> None:
        self.asked.append(notice)
        error = self.script.pop(0) if self.script else None
        if error is not None:
            raise error
        self.taken.append(notice)


class Desk:
    """A notifier with all that it needs, whose file outlives it."""

    def __init__(self, folder: Path, rule: NotifyRule | None = None, *, with_picture: bool = False) -> None:
        self.clock = ManualClock()
        self.log = Log(self.clock)
        self.service = FakeService()
        self.pictures: dict[str, bytes] = {}
        self.metrics = Metrics(CollectorRegistry())
        self.file = folder / "notify" / "phone.json"
        self._order = Order("phone", rule or NotifyRule(cooldown_s=0), with_picture, "https://cams.example")

    def run(self, turns: int = 1) -> list[float]:
        """Start the notifier, as after a restart, for so many turns; return how long each one waited."""
        supplies = Supplies(self.log, self.pictures.get, self.clock, self.metrics)
        backoff = Backoff(BACKOFF, random.Random(0))
        notifier = Notifier(
            self._order, self.service, supplies=supplies, memory=ProgressFile(self.file), backoff=backoff
        )
        stop = ManualStop(self.clock, waits=turns)
        notifier.run(stop)
        return stop.waited_s

    def told(self) -> list[str]:
        return [notice.title for notice in self.service.taken]

    def count(self, outcome: str) -> float:
        return self._sample("videobert_notifications_total", outcome=outcome)

    def failures(self, reason: str) -> float:
        return self._sample("videobert_notification_failures_total", reason=reason)

    def is_up(self) -> bool:
        return self._sample("videobert_notify_up") == 1

    def _sample(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, {"notify": "phone", **labels})


def gone(*, times: int) -> list[ServiceError | None]:
    return [ServiceError("unreachable", "the service cannot be reached")] * times


def refusing(*, times: int) -> list[ServiceError | None]:
    return [ServiceError("refused", "the service answers 403")] * times
