"""Whether something moves in, whether what always happens did not happen out; pure, times are passed in.

A silence is the time since something last moved. It is told once where it is longer than it ever was around
this time of day, by a margin that keeps a share of the alarm budget: where there is no routine, days differ
so much that nothing is told. What nobody has seen is no silence.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.movement import NO_MOVEMENT, Movement
from pipeline import words
from pipeline.alarm import CLOCK_STEP_S
from pipeline.control_chart import DAY_S
from pipeline.feedback import Lesson, Verdict
from pipeline.presence import MIN_CELLS, MOVING_RATIO, NEEDED, OUT_OF
from pipeline.silences import KEEP_DAYS, SHORTEST_S, SLOT_S, UNIT, Silences, Usual

# Where more of the picture moves, it is the light or the camera.
MOST_RATIO = 0.5
# Whoever comes and goes while the camera is away for less is overlooked; longer, and nobody knows.
MAX_GAP_S = 300.0
# Absences may use this share of the alarm budget, beside all other alarms.
BUDGET_SHARE = 0.1
# A silence exceeds the others where it is longer by a tenth, whatever the budget is.
LEAST_MARGIN = math.log(1.1)
# So many times as long as usual is never: half an hour times that are years.
MOST_MARGIN = math.log(1e6)


class AbsencePhase(StrEnum):
    """The two steps of an absence; they become an event's new and end."""

    BEGAN = "began"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class AbsenceChange:
    """One step of an absence.

    `score` is 0…1, 0.5 at the threshold; `p_value` the share of days on which a silence is as strange.
    """

    phase: AbsencePhase
    words: str
    score: float = 0.0
    p_value: float = 1.0


@dataclass(frozen=True, slots=True)
class _Absence:
    """A silence that was told: since when it was silent, when it was told, and until when.

    `height` is how far the day is taken to have exceeded the others, in `UNIT`.
    """

    since_s: float
    told_s: float
    until_s: float
    height: float
    verdict: Verdict | None = None


class Routine:
    """One camera's silences, and whether the one that runs is too long; not thread-safe.

    What was told is not learned, until somebody says that it was no alarm: then in full length.
    """

    def __init__(self) -> None:
        self._silences = Silences()
        self._absences: list[_Absence] = []
        self._votes: deque[bool] = deque(maxlen=OUT_OF)
        self._seen_s: float | None = None
        self._since_s = 0.0  # when something last moved, or since when it is watched
        self._is_sure = False  # that something moved at `since_s`
        self._is_told, self._is_open = False, False
        self._slot, self._longest_s, self._is_known = 0, 0.0, False  # the slot in progress
        self._budget_per_day = 0.0
        self._usual, self._limit_s = Usual(0.0, 0, None), math.inf

    def observe(self, time_s: float, movement: Movement, *, budget_per_day: float) -> AbsenceChange | None:
        """Take a frame of a camera that can be trusted; frames that cannot are left out."""
        lost = None
        if self._seen_s is None or abs(time_s - self._seen_s) > MAX_GAP_S:
            lost = self._lose(time_s)
        self._seen_s = now_s = max(time_s, self._seen_s or time_s)
        if int(now_s // SLOT_S) != self._slot:
            self._turn_to(int(now_s // SLOT_S))
        if budget_per_day != self._budget_per_day:
            self._budget_per_day = budget_per_day
            self._limit()
        self._longest_s = max(self._longest_s, now_s - self._since_s)
        self._votes.append(_moves(movement))
        if self._votes[-1] and sum(self._votes) >= NEEDED:
            return self._stir(now_s)
        if self._is_open and self._absences[-1].verdict is Verdict.NOT_AN_ALARM:
            return self._close(words.DISMISSED_ABSENCE)
        if not self._is_told and now_s - self._since_s >= self._limit_s:
            return self._tell(time_s, now_s - self._since_s)
        return lost

    def teach(self, lesson: Lesson) -> None:
        """Take a person's word on an absence that was told when the lesson's event began, if there is one."""
        for place, absence in enumerate(self._absences):
            if abs(absence.told_s - lesson.began_s) <= CLOCK_STEP_S:
                self._absences[place] = replace(absence, verdict=lesson.verdict)
                self._learn()

    def _lose(self, time_s: float) -> AbsenceChange | None:
        """Begin anew after a time in which nobody knows what moved."""
        lost = self._close(words.LOST_ABSENCE) if self._is_open else None
        self._end_absence(self._seen_s or time_s)
        self._seen_s, self._since_s, self._is_sure = None, time_s, False
        self._longest_s, self._is_known = 0.0, False
        self._votes.clear()
        return lost

    def _turn_to(self, slot: int) -> None:
        if slot == self._slot + 1:
            self._silences.keep(self._slot, self._longest_s if self._is_known else math.nan)
        self._silences.turn_to(slot)
        self._slot, self._longest_s, self._is_known = slot, 0.0, self._is_sure
        oldest_s = slot * SLOT_S - KEEP_DAYS * DAY_S
        self._absences = [absence for absence in self._absences if absence.until_s > oldest_s]
        self._learn()

    def _learn(self) -> None:
        """Find out what is usual: told silences are left out, but count as days that exceeded the others."""
        told = [absence for absence in self._absences if absence.verdict is not Verdict.NOT_AN_ALARM]
        slot_s = self._slot * SLOT_S
        doubtful = [(absence.since_s, min(absence.until_s, slot_s)) for absence in told]
        counted = [(absence.told_s, absence.height) for absence in told if absence.verdict is None]
        self._usual = self._silences.usual(
            np.array(doubtful).reshape(-1, 2), np.array(counted).reshape(-1, 2), since_s=self._since_s
        )
        self._limit()

    def _limit(self) -> None:
        margin = self._margin()
        factor = math.exp(margin) if margin < MOST_MARGIN else math.inf
        self._limit_s = factor * max(self._usual.longest_s, SHORTEST_S)

    def _margin(self) -> float:
        """Return by how much a silence must exceed the others, as a logarithm; infinite while unknown."""
        tail, per_day = self._usual.tail, BUDGET_SHARE * self._budget_per_day
        if tail is None or per_day <= 0:
            return math.inf
        return max(UNIT * tail.threshold(min(per_day, 1.0)), LEAST_MARGIN)

    def _stir(self, now_s: float) -> AbsenceChange | None:
        silence_s, ended = now_s - self._since_s, None
        if self._is_open:
            ended = self._close(words.of_return(silence_s))
        self._end_absence(now_s)
        self._since_s, self._is_sure = now_s, True
        return ended

    def _tell(self, time_s: float, silence_s: float) -> AbsenceChange | None:
        tail, margin = self._usual.tail, self._margin()
        if tail is None:
            return None
        beyond = math.log(silence_s / max(self._usual.longest_s, SHORTEST_S))
        # Like any alarm it counts as a normal day just above the threshold, lest the tail be cut off there.
        height = margin / UNIT + tail.scale
        self._absences.append(_Absence(self._since_s, time_s, math.inf, height))
        self._is_told = self._is_open = True
        return AbsenceChange(
            AbsencePhase.BEGAN,
            words.of_absence(silence_s, self._usual.longest_s, days=self._usual.days),
            score=beyond / (beyond + margin),
            p_value=tail.p_value(beyond / UNIT),
        )

    def _close(self, explanation: str) -> AbsenceChange:
        self._is_open = False
        return AbsenceChange(AbsencePhase.ENDED, explanation)

    def _end_absence(self, until_s: float) -> None:
        """Let the silence that was told be over, whether its event is still open or not."""
        if self._is_told:
            self._absences[-1] = replace(self._absences[-1], until_s=until_s)
        self._is_told = False

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the silences and what was told, by name; the event of an open absence is left out."""
        told = self._absences
        times = [(one.since_s, one.told_s, one.until_s, one.height) for one in told]
        seen_s = math.nan if self._seen_s is None else self._seen_s
        return self._silences.to_arrays() | {
            "running": np.array([seen_s, self._since_s, self._longest_s], np.float64),
            "flags": np.array([self._is_sure, self._is_known, self._is_told], np.bool_),
            "slot": np.array(self._slot),
            "absences": np.array(times, np.float64).reshape(-1, 4),
            "verdicts": np.array([str(one.verdict or "") for one in told], np.str_),
        }

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned.

        Raises:
            KeyError: An array is missing.
            ValueError: The arrays do not belong together.
        """
        self._silences.from_arrays(arrays)
        rows = zip(arrays["absences"].tolist(), arrays["verdicts"].tolist(), strict=True)
        self._absences = [
            _Absence(since_s, told_s, until_s, height, Verdict(verdict) if verdict else None)
            for (since_s, told_s, until_s, height), verdict in rows
        ]
        seen_s, self._since_s, self._longest_s = arrays["running"].tolist()
        self._seen_s = None if math.isnan(seen_s) else seen_s
        self._is_sure, self._is_known, self._is_told = arrays["flags"].tolist()
        if self._is_told and not self._absences:
            raise ValueError("an absence was told and is not there")
        self._slot = int(arrays["slot"])
        self._learn()


def _moves(movement: Movement) -> bool:
    """Say whether something moves in a frame, and not all of it."""
    if movement.cells is NO_MOVEMENT.cells:
        return False
    moving = movement.cells[..., 0] >= MOVING_RATIO
    return MIN_CELLS <= int(np.count_nonzero(moving)) <= MOST_RATIO * moving.size
