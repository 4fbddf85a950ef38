"""Class probabilities over time in, behaviours that begin and end out; pure, time is passed in."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.checkpoint import Task

F32 = NDArray[np.float32]

# A rise of an open behaviour's probability that is worth telling.
TELLING_RISE = 0.05


@dataclass(frozen=True, slots=True)
class BehaviourSettings:
    """When a behaviour begins and ends.

    It begins when `needed` of the newest `out_of` decisions reach the threshold, and ends when none did for
    `merge_gap_s`: shorter gaps are merged. For `cooldown_s` after its end it does not begin again.
    """

    needed: int = 2
    out_of: int = 3
    merge_gap_s: float = 5.0
    cooldown_s: float = 30.0


class BehaviourPhase(StrEnum):
    """The steps of a behaviour's life; they become an event's new, update and end."""

    BEGAN = "began"
    ROSE = "rose"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class BehaviourChange:
    """One step of one behaviour; `probability` is the highest since it began.

    `column` is the label's place among those of its task.
    """

    task: str
    label: str
    phase: BehaviourPhase
    probability: float
    column: int = 0


class Behaviour:
    """The behaviours of one camera: every label of every task that has a threshold, each on its own.

    A checkpoint without thresholds yields nothing, ever: nobody has measured what its numbers mean.
    """

    def __init__(self, tasks: Mapping[str, Task], settings: BehaviourSettings) -> None:
        self._tracks = tuple(
            _Track(name, column, label, threshold=threshold, settings=settings)
            for name, task in tasks.items()
            for column, (label, threshold) in enumerate(zip(task.labels, task.thresholds, strict=True))
            if threshold is not None
        )

    @property
    def current(self) -> str | None:
        """Name the most probable behaviour that goes on now."""
        going_on = [track for track in self._tracks if track.is_open]
        return max(going_on, key=lambda track: track.newest).label if going_on else None

    def update(self, time_s: float, probabilities: Mapping[str, F32]) -> tuple[BehaviourChange, ...]:
        """Take one decision's probabilities, (labels,) per task, and return what changed."""
        steps = (
            track.update(time_s, float(probabilities[track.task][track.column])) for track in self._tracks
        )
        return tuple(step for step in steps if step is not None)

    def forget(self) -> None:
        """Take back what goes on and the votes so far, as when the camera cannot be trusted any more."""
        for track in self._tracks:
            track.forget()


class _Track:
    """One label's votes and whether it goes on."""

    def __init__(
        self, task: str, column: int, label: str, *, threshold: float, settings: BehaviourSettings
    ) -> None:
        self.task = task
        self.column = column
        self.label = label
        self.newest = 0.0
        self.is_open = False
        self._threshold = threshold
        self._settings = settings
        self._votes: deque[bool] = deque(maxlen=settings.out_of)
        self._highest = 0.0
        self._last_hit_s = 0.0
        self._told = 0.0
        self._cool_s = float("-inf")

    def update(self, time_s: float, probability: float) -> BehaviourChange | None:
        self.newest = probability
        is_hit = probability >= self._threshold
        self._votes.append(is_hit)
        if is_hit:
            self._last_hit_s = time_s
        return self._go_on(time_s, probability) if self.is_open else self._wait(time_s)

    def forget(self) -> None:
        self.is_open = False
        self._votes.clear()
        self._highest = 0.0

    def _wait(self, time_s: float) -> BehaviourChange | None:
        if sum(self._votes) < self._settings.needed or time_s < self._cool_s:
            return None
        self.is_open = True
        self._highest = self.newest
        return self._tell(BehaviourPhase.BEGAN)

    def _go_on(self, time_s: float, probability: float) -> BehaviourChange | None:
        self._highest = max(self._highest, probability)
        if time_s - self._last_hit_s > self._settings.merge_gap_s:
            return self._end(time_s)
        if self._highest - self._told >= TELLING_RISE:
            return self._tell(BehaviourPhase.ROSE)
        return None

    def _end(self, time_s: float) -> BehaviourChange:
        self._cool_s = time_s + self._settings.cooldown_s
        change = self._tell(BehaviourPhase.ENDED)
        self.forget()
        return change

    def _tell(self, phase: BehaviourPhase) -> BehaviourChange:
        self._told = self._highest
        return BehaviourChange(self.task, self.label, phase, self._highest, self.column)
