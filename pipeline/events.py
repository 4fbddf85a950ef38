"""Decisions in, events out: each new event is followed by its updates and exactly one end.

One event's life under one `EventKey`, whoever calls and how often:

    begin ─▶ new      begin again ─▶ update      update ─▶ update      end ─▶ end      end again ─▶ nothing
"""

import base64
import secrets
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from pipeline.clock import Clock
from pipeline.metrics import Metrics
from pipeline.types import Event, EventKind, EventPhase, Listener, Region, Severity, Sight


@dataclass(frozen=True, slots=True)
class EventKey:
    """What makes two findings the same event: at most one is open per key."""

    camera: str
    kind: EventKind
    label: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen at one moment of an event.

    `utc_s` is the wall clock of that moment, `captured_s` the monotonic clock of the newest frame seen.
    `nearest_normal_utc_s` belongs to the event's beginning: later ones change nothing.
    """

    score: float
    severity: Severity
    explanation: str
    utc_s: float
    captured_s: float
    p_value: float | None = None
    region: Region | None = None
    zones: tuple[str, ...] = ()
    key_times_utc_s: tuple[float, ...] = ()
    sights: tuple[Sight, ...] = ()
    nearest_normal_utc_s: float | None = None
    vector: bytes = b""


def new_event_id(utc_s: float) -> str:
    """Return a 23-letter id: 48 bits of milliseconds, so that ids sort by time, then 64 random bits.

    base32hex keeps the order of the bytes, as its alphabet 0…9a…v is in the order of its values.
    """
    stamp = round(utc_s * 1000).to_bytes(6, "big")
    return base64.b32hexencode(stamp + secrets.token_bytes(8)).decode("ascii").rstrip("=").lower()


class EventBook:
    """The open events of all cameras; thread-safe.

    The listener is called outside the book's lock, in each camera's order, and before the call returns.
    """

    def __init__(
        self,
        listener: Listener,
        clock: Clock,
        *,
        metrics: Metrics,
        new_id: Callable[[float], str] = new_event_id,
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._metrics = metrics
        self._new_id = new_id
        self._lock = threading.Lock()
        self._open: dict[EventKey, Event] = {}
        self._lanes: defaultdict[str, _Lane] = defaultdict(_Lane)

    def begin(self, key: EventKey, finding: Finding) -> Event:
        """Open the event, or update it where it is open already, and return its message."""
        with self._lock:
            known = self._open.get(key)
            event = (
                _begun(key, finding, self._new_id(finding.utc_s))
                if known is None
                else _updated(known, finding)
            )
            self._post(key, event)
        self._deliver(key.camera)
        return event

    def update(self, key: EventKey, finding: Finding) -> Event | None:
        """Report a change of an open event; where none is open, do nothing and return None."""
        with self._lock:
            known = self._open.get(key)
            if known is None:
                return None
            event = _updated(known, finding)
            self._post(key, event)
        self._deliver(key.camera)
        return event

    def end(
        self,
        key: EventKey,
        explanation: str,
        *,
        utc_s: float,
        captured_s: float,
        sights: tuple[Sight, ...] = (),
    ) -> Event | None:
        """End an open event; where none is open, do nothing and return None."""
        with self._lock:
            known = self._open.get(key)
            if known is None:
                return None
            known = replace(known, sights=sights or known.sights)
            event = _ended(known, explanation, utc_s=utc_s, captured_s=captured_s)
            self._post(key, event)
        self._deliver(key.camera)
        return event

    def end_all(self, camera: str, explanation: str, *, kind: EventKind | None = None) -> tuple[Event, ...]:
        """End what is open at one camera now, all of it or one kind; return the ends."""
        return self._end_where(lambda key: key.camera == camera and kind in (None, key.kind), explanation)

    def close(self, explanation: str) -> tuple[Event, ...]:
        """End whatever is open anywhere, as at an orderly stop; return the ends."""
        return self._end_where(lambda _key: True, explanation)

    def active(self, camera: str) -> tuple[Event, ...]:
        """Return the last message of each event that is open at a camera, oldest event first."""
        with self._lock:
            return tuple(event for key, event in self._open.items() if key.camera == camera)

    def _end_where(self, chosen: Callable[[EventKey], bool], explanation: str) -> tuple[Event, ...]:
        utc_s, captured_s = self._clock.utc_s(), self._clock.monotonic_s()
        with self._lock:
            keys = [key for key in self._open if chosen(key)]
            ends = tuple(
                _ended(self._open[key], explanation, utc_s=utc_s, captured_s=captured_s) for key in keys
            )
            for key, event in zip(keys, ends, strict=True):
                self._post(key, event)
        self._deliver(*(key.camera for key in keys))
        return ends

    def _post(self, key: EventKey, event: Event) -> None:
        """Keep the book and queue the message for its camera; the lock is held."""
        if event.phase is EventPhase.END:
            del self._open[key]
        else:
            self._open[key] = event
        if event.phase is EventPhase.NEW:
            self._metrics.events.labels(key.camera, key.kind, key.label).inc()
        self._lanes[key.camera].waiting.append(event)

    def _deliver(self, *cameras: str) -> None:
        """Hand over what waits; when this returns, another thread's delivery of it is finished too."""
        for camera in dict.fromkeys(cameras):
            with self._lock:
                lane = self._lanes[camera]
            with lane.lock:
                while lane.waiting:
                    self._listener.on_event(lane.waiting.popleft())


class _Lane:
    """One camera's messages on their way to the listener, in the order in which the book wrote them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.waiting: deque[Event] = deque()


def _begun(key: EventKey, finding: Finding, event_id: str) -> Event:
    return Event(
        id=event_id,
        camera=key.camera,
        phase=EventPhase.NEW,
        kind=key.kind,
        label=key.label,
        score=finding.score,
        severity=finding.severity,
        start_utc_s=finding.utc_s,
        explanation=finding.explanation,
        captured_s=finding.captured_s,
        p_value=finding.p_value,
        region=finding.region,
        zones=finding.zones,
        key_times_utc_s=finding.key_times_utc_s,
        sights=finding.sights,
        nearest_normal_utc_s=finding.nearest_normal_utc_s,
        vector=finding.vector,
    )


def _updated(event: Event, finding: Finding) -> Event:
    return replace(
        event,
        phase=EventPhase.UPDATE,
        score=finding.score,
        severity=finding.severity,
        explanation=finding.explanation,
        captured_s=finding.captured_s,
        p_value=finding.p_value,
        region=finding.region,
        zones=finding.zones,
        key_times_utc_s=finding.key_times_utc_s,
        sights=finding.sights or event.sights,
        vector=finding.vector or event.vector,
    )


def _ended(event: Event, explanation: str, *, utc_s: float, captured_s: float) -> Event:
    return replace(
        event,
        phase=EventPhase.END,
        explanation=explanation,
        captured_s=captured_s,
        end_utc_s=max(utc_s, event.start_utc_s),
    )
