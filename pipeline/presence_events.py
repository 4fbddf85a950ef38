"""Presences that begin and end in, one event for each watched zone out."""

from pipeline.events import EventBook, EventKey, Finding
from pipeline.presence import PresenceChange, PresencePhase
from pipeline.types import Event, EventKind, SampledFrame


class PresenceEvents:
    """Turns what is in a camera's watched zones into events."""

    def __init__(self, camera: str, book: EventBook) -> None:
        self._camera = camera
        self._book = book

    def take(self, change: PresenceChange, frame: SampledFrame, vector: bytes = b"") -> Event | None:
        """Begin or end an event; return its message where it was begun.

        `vector` is the packed direction of the clip that ends with the frame.
        """
        zone = change.watch.zone
        key = EventKey(self._camera, EventKind.BEHAVIOUR, f"presence in {zone}")
        if change.phase is PresencePhase.ENDED:
            words = f"Nothing moves in {zone} any more."
            self._book.end(key, words, utc_s=frame.utc_s, captured_s=frame.arrived_s)
            return None
        finding = Finding(
            score=1.0,
            severity=change.watch.severity,
            explanation=f"Something moves in {zone}.",
            utc_s=frame.utc_s,
            captured_s=frame.arrived_s,
            region=change.region,
            vector=vector,
        )
        return self._book.begin(key, finding)
