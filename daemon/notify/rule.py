"""A message of the event log in, whether one service is to hear of it out; pure, no clock and no network."""

from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

from daemon.payloads import EventMessage
from pipeline.schedule import Schedule
from pipeline.types import EventKind, EventPhase, Severity

SEVERITIES = tuple(Severity)  # from the least to the most


class Outcome(StrEnum):
    """What became of a message that a service might have heard of; the label of a metric."""

    SENT = "sent"
    COOLDOWN = "cooldown"
    QUIET = "quiet"
    TOO_OLD = "too_old"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Moment:
    """When a message was written, when it is sent at last, and when this camera was last told of, if ever."""

    written_utc_s: float
    now_utc_s: float
    told_utc_s: float | None = None


@dataclass(frozen=True, slots=True)
class NotifyRule:
    """Which events one service hears of, and when; an empty set matches everything.

    `begins` and `ends` say of which moments of an event it hears. `cooldown_s` is for each camera.
    """

    cameras: frozenset[str] = frozenset()
    kinds: frozenset[EventKind] = frozenset()
    labels: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    severity: Severity = Severity.INFO
    begins: bool = True
    ends: bool = False
    cooldown_s: float = 300.0
    quiet: Schedule | None = None
    time_zone: tzinfo | None = None
    max_age_s: float = 3600.0

    def judge(self, message: EventMessage, *, told: bool | None, moment: Moment) -> Outcome | None:
        """Say what is to become of a message, SENT where it is to be sent; None where it does not matter.

        `told` says whether this event's beginning was sent, None where nothing was decided about it yet. An
        event counts from the first of its messages that matches: an update may raise the severity.
        """
        is_end = message.type is EventPhase.END
        if is_end and self.begins:  # whoever heard of the beginning hears of the end
            is_due = self.ends and told is True
        elif is_end:
            is_due = self._matches(message)
        else:
            is_due = self.begins and told is None and self._matches(message)
        return self._outcome(moment, follows=is_end and self.begins) if is_due else None

    def _matches(self, message: EventMessage) -> bool:
        return (
            (not self.cameras or message.camera in self.cameras)
            and (not self.kinds or message.kind in self.kinds)
            and (not self.labels or message.label in self.labels)
            and (not self.zones or not self.zones.isdisjoint(message.zones))
            and SEVERITIES.index(message.severity) >= SEVERITIES.index(self.severity)
        )

    def _outcome(self, moment: Moment, *, follows: bool) -> Outcome:
        """Return SENT, or why not; what `follows` a message that was sent waits for no cool-down."""
        if moment.now_utc_s - moment.written_utc_s > self.max_age_s:
            return Outcome.TOO_OLD
        # What happened in quiet hours stays quiet, and what was held up until then waits no longer.
        moments = (moment.written_utc_s, moment.now_utc_s)
        if self.quiet is not None and any(self.quiet.holds(when, self.time_zone) for when in moments):
            return Outcome.QUIET
        told_utc_s = moment.told_utc_s
        if not follows and told_utc_s is not None:
            since_s = moment.written_utc_s - told_utc_s
            if 0 <= since_s < self.cooldown_s:  # below 0 the clock was set back
                return Outcome.COOLDOWN
        return Outcome.SENT
