"""Movement over time in, who or what is in a watched zone out: begun and ended; pure, time is passed in.

No class of object is asked for: whatever moves there counts, as a pool does not care who falls in.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.movement import Movement
from pipeline.cells import region_of
from pipeline.schedule import ALWAYS, Schedule
from pipeline.types import Region, Severity
from pipeline.zones import ZoneMap

# So many of the newest frames must show movement of so many cells, 60 by 40 of which are the picture.
NEEDED, OUT_OF = 3, 5
MIN_CELLS = 4
# A cell moves where this much of it does.
MOVING_RATIO = 0.25
# It is over when nothing moved for so long: a person who stands still breathes, turns, goes on.
QUIET_S = 10.0


@dataclass(frozen=True, slots=True)
class Watch:
    """A zone in which whatever moves is an event, and when."""

    zone: str
    when: Schedule = ALWAYS
    severity: Severity = Severity.ALERT


class PresencePhase(StrEnum):
    """What became of a presence."""

    BEGAN = "began"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PresenceChange:
    """One step of a presence; `region` is where it moved."""

    watch: Watch
    phase: PresencePhase
    region: Region


class Presence:
    """The watched zones of one camera; not thread-safe."""

    def __init__(self, watches: Iterable[Watch], zones: ZoneMap, time_zone: tzinfo | None = None) -> None:
        self._tracks = tuple(_Track(watch, zones.cells(watch.zone)) for watch in watches)
        self._time_zone = time_zone

    def update(self, utc_s: float, movement: Movement) -> tuple[PresenceChange, ...]:
        """Take a frame's movement and return what changed."""
        if not self._tracks:
            return ()
        moving = movement.cells[..., 0] >= MOVING_RATIO
        steps = (track.update(utc_s, moving, self._time_zone) for track in self._tracks)
        return tuple(step for step in steps if step is not None)

    def forget(self) -> None:
        """Take back what goes on, as when the camera cannot be trusted any more."""
        for track in self._tracks:
            track.forget()


class _Track:
    """One zone's votes and whether somebody is in it."""

    def __init__(self, watch: Watch, cells: NDArray[np.bool_]) -> None:
        self._watch = watch
        self._cells = cells
        self._votes: deque[bool] = deque(maxlen=OUT_OF)
        self._is_open = False
        self._moved_s = 0.0
        self._region = Region(0.0, 0.0, 1.0, 1.0)

    def update(
        self, utc_s: float, moving: NDArray[np.bool_], time_zone: tzinfo | None
    ) -> PresenceChange | None:
        inside = moving & self._cells
        moves = int(inside.sum()) >= MIN_CELLS
        self._votes.append(moves)
        if moves:
            self._moved_s, self._region = utc_s, region_of(inside)
        if self._is_open:
            return self._end() if utc_s - self._moved_s > QUIET_S else None
        if sum(self._votes) < NEEDED or not self._watch.when.holds(utc_s, time_zone):
            return None
        self._is_open = True
        return PresenceChange(self._watch, PresencePhase.BEGAN, self._region)

    def forget(self) -> None:
        self._is_open = False
        self._votes.clear()

    def _end(self) -> PresenceChange:
        self.forget()
        return PresenceChange(self._watch, PresencePhase.ENDED, self._region)


NO_PRESENCE = Presence((), ZoneMap())
