"""What the routine says in, one camera's "absence" event out: told once, ended when something moves again."""

from pipeline.events import EventBook, EventKey, Finding
from pipeline.routine import AbsenceChange, AbsencePhase
from pipeline.types import Event, EventKind, SampledFrame, Severity

LABEL = "absence"


class AbsenceEvents:
    """Turns the absences of one camera into events."""

    def __init__(self, camera: str, book: EventBook) -> None:
        self._key = EventKey(camera, EventKind.ANOMALY, LABEL)
        self._book = book

    def take(self, change: AbsenceChange | None, frame: SampledFrame) -> Event | None:
        """Begin or end the event; return its message where it was begun."""
        if change is None:
            return None
        if change.phase is AbsencePhase.ENDED:
            self._book.end(self._key, change.words, utc_s=frame.utc_s, captured_s=frame.arrived_s)
            return None
        finding = Finding(
            score=change.score,
            severity=Severity.WARNING,
            explanation=change.words,
            utc_s=frame.utc_s,
            captured_s=frame.arrived_s,
            p_value=change.p_value,
        )
        return self._book.begin(self._key, finding)
