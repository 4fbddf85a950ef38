"""Event messages as a subscriber of the demo hears them."""

from daemon.demo.subscriber import HeardEvent
from daemon.payloads import EventMessage


def message(seq=1, *, camera="plaza", kind="anomaly", label="unusual", phase="new", event_id="e1"):
    return EventMessage(
        id=event_id,
        seq=seq,
        camera=camera,
        type=phase,
        kind=kind,
        label=label,
        score=0.8,
        severity="alert",
        start_utc="2026-11-22T12:00:00.000Z",
        explanation="Movement that is faster than usual.",
    )


def heard_at(arrived_s, **fields):
    return HeardEvent(message(**fields), arrived_s)
