"""What the anomaly detector says of each frame in, one camera's "unusual" event out, told sparingly."""

from collections.abc import Callable
from dataclasses import replace

from pipeline.alarm import AlarmChange, AlarmPhase
from pipeline.anomaly import Anomaly, AnomalyDetector
from pipeline.events import EventBook, EventKey, Finding
from pipeline.feedback import Sights
from pipeline.gallery import NormalMoment
from pipeline.types import Event, EventKind, ObservedFrame, Region, Severity

LABEL = "unusual"
# While an event is open, a subscriber hears of it at most this often; but an alarm opens on a shadow or on a
# tip of hair, and a second later there is somebody.
UPDATE_INTERVAL_S, FIRST_UPDATE_S = 3.0, 1.0
# A level of 0.5 is the threshold itself.
ALERT_LEVEL = 0.75
# Two regions that share less than this part of their union are two places.
SAME_PLACE_RATIO = 0.5


class AlarmEvents:
    """Turns the alarm changes of a camera's detector into one event; not thread-safe.

    `look` returns the packed vector of the clip that ends now; it is asked for each stronger moment.
    """

    def __init__(
        self,
        camera: str,
        detector: AnomalyDetector,
        book: EventBook,
        *,
        pack_clip: Callable[[], bytes] = lambda: b"",
    ) -> None:
        self._key = EventKey(camera, EventKind.ANOMALY, LABEL)
        self._detector = detector
        self._book = book
        self._pack_clip = pack_clip
        self._finding: Finding | None = None  # the open event's strongest moment so far
        self._is_told = True
        self._due_s = 0.0
        self._sights = Sights()
        self._normal: NormalMoment | None = None

    @property
    def nearest_normal(self) -> NormalMoment | None:
        """Return the normal moment that is nearest to the last event's beginning."""
        return self._normal

    def take(self, anomaly: Anomaly, frame: ObservedFrame) -> Event | None:
        """Begin, update or end the event as the newest frame demands; return the message that went out."""
        change = anomaly.change
        if change is not None and change.phase is AlarmPhase.OPENED:
            self._sights = Sights()
            self._sights.see(anomaly.sight)
            self._normal = self._detector.nearest_normal(anomaly.normality.region)
            return self._begin(self._finding_of(anomaly, change, frame))
        if self._finding is None:
            return None
        if anomaly.is_high:
            self._sights.see(anomaly.sight)
        if change is not None and change.phase is AlarmPhase.CLOSED:
            return self._end(frame)
        self._notice(self._finding, anomaly, frame)
        is_due = frame.frame.utc_s >= self._due_s
        return self._update(frame) if is_due and not self._is_told else None

    def forget(self) -> None:
        """Take the open event as ended by somebody else."""
        self._finding = None

    def _begin(self, finding: Finding) -> Event:
        self._finding, self._is_told, self._due_s = finding, True, finding.utc_s + FIRST_UPDATE_S
        return self._book.begin(self._key, finding)

    def _notice(self, known: Finding, anomaly: Anomaly, frame: ObservedFrame) -> None:
        """Keep what the next update will say: a stronger moment, or the same strength at another place."""
        change = anomaly.change
        if change is not None:
            self._finding = self._finding_of(anomaly, change, frame)
            self._is_told = False
        elif anomaly.is_high and not _is_same_place(known.region, anomaly.normality.region):
            self._finding = replace(
                known,
                region=anomaly.normality.region,
                explanation=anomaly.normality.words,
            )
            self._is_told = False

    def _update(self, frame: ObservedFrame) -> Event | None:
        """Tell the strongest moment; the decision to tell it now is the newest frame's."""
        if self._finding is None:
            return None
        self._is_told, self._due_s = True, frame.frame.utc_s + UPDATE_INTERVAL_S
        newest = replace(self._finding, captured_s=frame.frame.arrived_s, sights=self._sights.kept)
        return self._book.update(self._key, newest)

    def _end(self, frame: ObservedFrame) -> Event | None:
        if not self._is_told:
            self._update(frame)
        self._finding = None
        return self._book.end(
            self._key,
            "The picture is as usual again.",
            utc_s=frame.frame.utc_s,
            captured_s=frame.frame.arrived_s,
            sights=self._sights.kept,
        )

    def _finding_of(self, anomaly: Anomaly, change: AlarmChange, frame: ObservedFrame) -> Finding:
        """Score by the alarm, which saw several frames; place and words are those of the newest."""
        return Finding(
            score=change.level,
            severity=Severity.ALERT if change.level >= ALERT_LEVEL else Severity.WARNING,
            explanation=anomaly.normality.words,
            utc_s=frame.frame.utc_s,
            captured_s=frame.frame.arrived_s,
            p_value=change.p_value,
            region=anomaly.normality.region,
            sights=self._sights.kept,
            nearest_normal_utc_s=None if self._normal is None else self._normal.utc_s,
            vector=self._pack_clip(),
        )


def _is_same_place(one: Region | None, other: Region) -> bool:
    """Compare intersection over union: two halves of one picture share 0, a region and itself 1."""
    if one is None:
        return False
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    union = one.width * one.height + other.width * other.height - shared
    return shared >= SAME_PLACE_RATIO * union
