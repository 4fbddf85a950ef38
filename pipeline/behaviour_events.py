"""Behaviours that begin, rise and end in, one event each out, explained when it begins."""

from dataclasses import dataclass, replace

from models.occlusion import Query
from pipeline.behaviour import BehaviourChange, BehaviourPhase
from pipeline.cells import F32
from pipeline.clip_buffer import Clip
from pipeline.events import EventBook, EventKey, Finding
from pipeline.explanation import Explainer, Reasons
from pipeline.recent import RecentFrames
from pipeline.types import Event, EventKind, SampledFrame, Severity
from pipeline.words import behaviour_sentence, time_span


@dataclass(frozen=True, slots=True)
class Moment:
    """What a decision was made of: the newest frame, the clip that ends with it, and what is kept of that.

    `vector` is the clip's packed direction, empty where nothing is searched by it.
    """

    frame: SampledFrame
    clip: Clip
    recent: RecentFrames
    vector: bytes = b""


@dataclass(frozen=True, slots=True)
class BehaviourTold:
    """The message that went out, and the frame to draw if it is a new event's.

    `heat` (14, 14) is where it moved in the frames that counted; None where the model was not asked.
    """

    event: Event
    picture: SampledFrame
    heat: F32 | None = None


class BehaviourEvents:
    """Turns a camera's behaviours into events; not thread-safe.

    `alert_tasks` are those whose behaviours are alarms; without an `explainer` events say what, not why.
    """

    def __init__(
        self, camera: str, book: EventBook, *, alert_tasks: frozenset[str], explainer: Explainer | None
    ) -> None:
        self._camera = camera
        self._book = book
        self._alert_tasks = alert_tasks
        self._explainer = explainer
        self._reasons: dict[EventKey, Reasons] = {}

    def take(self, change: BehaviourChange, moment: Moment) -> BehaviourTold | None:
        """Begin, update or end an event; return its message where it was begun or updated."""
        key = EventKey(self._camera, EventKind.BEHAVIOUR, change.label)
        frame = moment.frame
        if change.phase is BehaviourPhase.ENDED:
            self._reasons.pop(key, None)
            words = f"No more {change.label}."
            self._book.end(key, words, utc_s=frame.utc_s, captured_s=frame.arrived_s)
            return None
        if change.phase is BehaviourPhase.BEGAN and self._explainer is not None:
            query = Query(change.task, change.column)
            self._reasons[key] = self._explainer.explain(moment.clip, moment.recent, query)
        reasons = self._reasons.get(key)
        event = self._book.begin(key, self._finding(change, moment, reasons))
        if reasons is None:
            return BehaviourTold(event, frame)
        return BehaviourTold(event, _key_picture(moment, reasons), reasons.heat)

    def forget(self) -> None:
        """Take what is open as ended by somebody else."""
        self._reasons.clear()

    def _finding(self, change: BehaviourChange, moment: Moment, reasons: Reasons | None) -> Finding:
        when = region = None
        frame = moment.frame
        if reasons is not None:
            region = reasons.region
            when = reasons.span and time_span(reasons.span.start_utc_s, reasons.span.length_s)
        return Finding(
            score=change.probability,
            severity=Severity.ALERT if change.task in self._alert_tasks else Severity.INFO,
            explanation=behaviour_sentence(change.label, change.probability, when=when or "", region=region),
            utc_s=frame.utc_s,
            captured_s=frame.arrived_s,
            region=region,
            key_times_utc_s=() if reasons is None else reasons.key_times_utc_s,
            vector=moment.vector,
        )


def _key_picture(moment: Moment, reasons: Reasons) -> SampledFrame:
    """Return the newest frame with the original that was nearest to the frame that counted most."""
    if not len(reasons.importance) or moment.frame.original is None:
        return moment.frame
    best_utc_s = float(moment.recent.times_utc_s[reasons.importance.argmax()])
    kept = moment.recent.original_near(best_utc_s)
    if kept is None or abs(moment.frame.utc_s - best_utc_s) <= abs(kept.utc_s - best_utc_s):
        return moment.frame
    return replace(moment.frame, original=kept.original)
