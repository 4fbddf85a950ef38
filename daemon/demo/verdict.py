"""The script and what a subscriber heard in, what was found and what was missed out."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from daemon.demo.script import LOOP_S, SCRIPT, Act, Deed
from daemon.demo.subscriber import HeardEvent
from pipeline.types import EventKind

# An event may come this much after its deed is over: a picture must stand still before it counts as frozen.
GRACE_S = 15.0
CAMERA_LABELS = {Deed.COVER: "covered", Deed.FREEZE: "frozen", Deed.AWAY: "offline"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One deed of the script and the event that reported it, if any; times are seconds of playing."""

    act: Act
    began_s: float
    event: HeardEvent | None
    delay_s: float | None


def findings(events: Sequence[HeardEvent], *, began_s: float, playing_s: float) -> list[Finding]:
    """Pair every deed that is over with the first event that fits it and no later deed.

    `began_s` is when the script started, by the clock of the events; `playing_s` how long it has played.
    """
    found = []
    performed = list(_performed(playing_s))
    for position, (act, start_s) in enumerate(performed):
        next_s = min((s for later, s in performed[position + 1 :] if _is_alike(later, act)), default=math.inf)
        latest_s = min(start_s + act.end_s - act.start_s + GRACE_S, next_s)
        fitting = [
            event
            for event in events
            if _fits(event, act) and start_s <= event.arrived_s - began_s <= latest_s
        ]
        first = min(fitting, key=lambda event: event.arrived_s, default=None)
        delay_s = None if first is None else first.arrived_s - began_s - start_s
        found.append(Finding(act, start_s, first, delay_s))
    return found


def count_by_kind(events: Sequence[HeardEvent]) -> dict[str, int]:
    """Count events by kind and label: `{"anomaly unusual": 2, "camera frozen": 1}`."""
    return dict(sorted(Counter(f"{event.message.kind} {event.message.label}" for event in events).items()))


def _performed(playing_s: float) -> Iterator[tuple[Act, float]]:
    for round_number in range(int(playing_s // LOOP_S) + 1):
        for act in SCRIPT:
            if round_number * LOOP_S + act.end_s <= playing_s:
                yield act, round_number * LOOP_S + act.start_s


def _is_alike(one: Act, other: Act) -> bool:
    """Say whether one event could report either deed."""
    return one.camera == other.camera and CAMERA_LABELS.get(one.deed) == CAMERA_LABELS.get(other.deed)


def _fits(event: HeardEvent, act: Act) -> bool:
    if event.message.camera != act.camera:
        return False
    label = CAMERA_LABELS.get(act.deed)
    return event.message.kind is EventKind.ANOMALY if label is None else event.message.label == label
