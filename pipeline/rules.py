"""What the stages find and what the user knows beforehand in, what is told out: zones, silence, severity."""

import threading
from dataclasses import dataclass, replace
from datetime import tzinfo
from enum import StrEnum

from pipeline.schedule import ALWAYS, Schedule
from pipeline.types import (
    CameraState,
    CameraStatus,
    Event,
    EventKind,
    EventPhase,
    Listener,
    Severity,
    Snapshot,
)
from pipeline.zones import ZoneMap

# An event lies in a zone where this much of its region does.
INSIDE_RATIO = 0.5


class Action(StrEnum):
    """What a rule does with the events that it matches."""

    IGNORE = "ignore"
    RAISE = "raise"


@dataclass(frozen=True, slots=True)
class Rule:
    """A piece of prior knowledge: what is to become of some events, where and when.

    Empty `zone`, `kinds` and `labels` match every event. `severity` is what RAISE gives.
    """

    action: Action
    zone: str = ""
    kinds: frozenset[EventKind] = frozenset()
    labels: frozenset[str] = frozenset()
    when: Schedule = ALWAYS
    severity: Severity = Severity.ALERT

    def matches(self, event: Event, zones: ZoneMap, zone: tzinfo | None) -> bool:
        """Say whether the rule speaks of this message; the time is that of the event's beginning.

        An event that has no place, such as a camera that is offline, is in no zone.
        """
        if self.kinds and event.kind not in self.kinds:
            return False
        if self.labels and event.label not in self.labels:
            return False
        if self.zone and (event.region is None or zones.share(event.region, self.zone) < INSIDE_RATIO):
            return False
        return self.when.holds(event.start_utc_s, zone)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the user has said of one camera; rules are asked in order, and the first that matches decides.

    `time_zone` is where its clocks are, None where this machine is.
    """

    zones: ZoneMap
    rules: tuple[Rule, ...] = ()
    time_zone: tzinfo | None = None

    def rule_for(self, event: Event) -> Rule | None:
        """Return the rule that decides about a message, if any."""
        matching = (rule for rule in self.rules if rule.matches(event, self.zones, self.time_zone))
        return next(matching, None)


NOTHING_KNOWN = Knowledge(ZoneMap())


@dataclass(slots=True)
class _Silenced:
    """An event that nobody is told of, and its pictures, should it have to be told after all."""

    camera: str
    label: str
    snapshot: Snapshot | None = None


class RuleListener:
    """A Listener before others: names the zones of each event, silences some and raises others.

    An event that is ignored may move on into a place where it is not: it is told from then on, as new. One
    that was told is told to its end.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._knowledge: dict[str, Knowledge] = {}
        self._silenced: dict[str, _Silenced] = {}  # by event id

    def know(self, camera: str, knowledge: Knowledge) -> None:
        """Act from now on by what is known of a camera."""
        with self._lock:
            self._knowledge[camera] = knowledge

    def forget(self, camera: str) -> None:
        """Forget a camera that is gone."""
        with self._lock:
            self._knowledge.pop(camera, None)

    def on_event(self, event: Event) -> None:
        """Pass an event on as the rules say."""
        knowledge = self._knowledge.get(event.camera, NOTHING_KNOWN)
        if event.region is not None:
            event = replace(event, zones=knowledge.zones.touched_by(event.region))
        known = self._silenced.get(event.id)
        told = self._as_told(event, knowledge.rule_for(event))
        if told is None:
            return
        self._listener.on_event(told)
        if known is not None and known.snapshot is not None:  # its pictures were held back with it
            self._listener.on_snapshot(told, known.snapshot)

    def on_status(self, camera: str, status: CameraStatus, reason: str) -> None:
        """Pass a status on."""
        self._listener.on_status(camera, status, reason)

    def on_state(self, state: CameraState) -> None:
        """Pass a state on, without the events that nobody was told of."""
        with self._lock:
            hidden = [held.label for held in self._silenced.values() if held.camera == state.camera]
        shown = list(state.active_events)
        for label in hidden:
            if label in shown:
                shown.remove(label)
        behaviour = None if state.behaviour in hidden else state.behaviour
        self._listener.on_state(replace(state, active_events=tuple(shown), behaviour=behaviour))

    def on_snapshot(self, event: Event, snapshot: Snapshot) -> None:
        """Pass the pictures of an event on that was told, with the zones of its camera."""
        zones = self._knowledge.get(event.camera, NOTHING_KNOWN).zones
        outlined = replace(snapshot, outlines=zones.outlines)
        with self._lock:
            held = self._silenced.get(event.id)
            if held is not None:
                held.snapshot = outlined
        if held is None:
            self._listener.on_snapshot(event, outlined)

    def _as_told(self, event: Event, rule: Rule | None) -> Event | None:
        """Return the message as it is to be told, None where it is not."""
        is_ignored = rule is not None and rule.action is Action.IGNORE
        with self._lock:
            was_silenced = event.id in self._silenced
            if event.phase is EventPhase.END or (was_silenced and not is_ignored):
                self._silenced.pop(event.id, None)
            elif event.phase is EventPhase.NEW and is_ignored:
                self._silenced[event.id] = _Silenced(event.camera, event.label)
        if was_silenced and (is_ignored or event.phase is EventPhase.END):
            return None
        if event.phase is EventPhase.NEW and is_ignored:
            return None
        if was_silenced:
            event = replace(event, phase=EventPhase.NEW)
        is_raised = rule is not None and rule.action is Action.RAISE
        return replace(event, severity=rule.severity) if rule is not None and is_raised else event
