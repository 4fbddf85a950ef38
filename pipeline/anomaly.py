"""One camera's anomaly detector: normality, alarm and routine; what they learned is kept in one file."""

import io
import logging
import math
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.files import write_file
from models.movement import NO_MOVEMENT, Movement
from pipeline.alarm import THRESHOLD_LEVEL, Alarm, AlarmChange, AlarmSettings, level_of
from pipeline.cells import F32
from pipeline.errors import StateError
from pipeline.feedback import Lesson, Lessons, Verdict
from pipeline.finding import CHARTS, STANDING
from pipeline.gallery import SETTLE_S, NormalGallery, NormalMoment
from pipeline.normality import Normality, NormalityScore, NormalitySettings
from pipeline.privacy import Picture
from pipeline.routine import AbsenceChange, AbsencePhase, Routine
from pipeline.types import Region, Sight

logger = logging.getLogger(__name__)

# Raised with every change to the arrays or to their meaning: an older file is then learned anew.
STATE_VERSION = 9
# A cell is unusual for itself from so many usual deviations of its looks or of its speeds.
UNUSUAL_DEVIATIONS = 3.0


@dataclass(frozen=True, slots=True)
class AnomalySettings:
    """The settings of both halves.

    `encoder` names the model whose features are remembered: they mean nothing to another one. `privacy` names
    what is hidden in pictures that are kept: those in which something else was hidden are forgotten.
    """

    normality: NormalitySettings = field(default_factory=NormalitySettings)
    alarm: AlarmSettings = field(default_factory=AlarmSettings)
    encoder: str = ""
    privacy: str = ""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What one frame says: `level` is 0…1, 0.5 at the threshold, for events and state; `change` if any.

    `level` is that of the averages that the alarm judges, and `frame_level` that of this frame alone. Of this
    `heights` is what each statistic comes to, as a multiple of its threshold.
    `excused`: it would have alarmed, but people have said of the same thing that it is no alarm.
    `absence` says where what always happens did not, or does again; no level knows of it.
    """

    normality: NormalityScore
    level: float
    change: AlarmChange | None
    frame_level: float = 0.0
    excused: bool = False
    absence: AbsenceChange | None = None
    heights: tuple[float, ...] = ()

    @property
    def is_high(self) -> bool:
        """Say whether this very frame is as unusual as an alarm, and so were those before it."""
        return min(self.level, self.frame_level) >= THRESHOLD_LEVEL

    @property
    def sight(self) -> Sight:
        """Return the most unusual thing, as feedback knows it again."""
        return _sight(self.normality.part, self.normality.signature, self.normality.score)


class AnomalyDetector:
    """What a camera has learned about itself, and whether it alarms; not thread-safe.

    Times must go on over reconnects and restarts: `SampledFrame.utc_s`, not `time_s`.
    """

    def __init__(self, settings: AnomalySettings) -> None:
        self._settings = settings
        self._normality = Normality(settings.normality)
        self._alarm = Alarm(settings.alarm, CHARTS)
        self._routine = Routine()
        self._lessons = Lessons()
        self._excused_s: float | None = None  # since when what is seen is excused
        self._newest: Anomaly | None = None
        self._learns = True
        self._gallery = NormalGallery(settings.privacy)
        self._learned_last = False

    @property
    def newest(self) -> Anomaly | None:
        """Return what the last frame said."""
        return self._newest

    @property
    def alarm(self) -> Alarm:
        """Return the alarm: threshold, calibration, budget."""
        return self._alarm

    @property
    def calibration_ratio(self) -> float:
        """How far the alarm's calibration reaches towards its budget, 0 to 1."""
        return self._alarm.calibration_ratio

    @property
    def budget_used_ratio(self) -> float:
        """The alarms of the last 24 hours over the daily budget."""
        return self._alarm.budget_used_ratio

    @property
    def learned_ratio(self) -> float:
        """How much of the learning phase is over, 0 to 1."""
        return self._normality.learned_ratio

    def stop_learning(self) -> None:
        """Judge by what is known from now on, whatever `relearn` says; the alarm's calibration goes on."""
        self._learns = False

    @property
    def unusual_share(self) -> float:
        """Return the share of cells that were unusual, each for itself, in the last frame; 0 if unknown."""
        if self._newest is None or math.isnan(self._newest.normality.score):
            return 0.0
        seen = self._newest.normality
        return float((np.maximum(seen.appearance, seen.motion) > UNUSUAL_DEVIATIONS).mean())

    def observe(
        self,
        grid: F32 | None,
        movement: Movement,
        time_s: float,
        *,
        suppressed: bool = False,
        relearn: bool = False,
    ) -> Anomaly:
        """Judge one frame by its grid (112, 14, 14), if it has a new one, and its movement.

        `suppressed` (covered, moved, switched off): nothing is learned, calibrated or opened; with `relearn`
        it is learned all the same.
        """
        learn = self._is_to_learn(time_s, suppressed=suppressed, relearn=relearn)
        score = self._normality.observe(
            grid,
            movement,
            time_s,
            learn=learn,
            is_dismissed=self._is_dismissed,
            thresholds=self._alarm.thresholds,
        )
        return self._decide(score, movement, time_s, suppressed=suppressed)

    def expect(self, surprise: float | None) -> None:
        """Take how badly the model guessed the last second; it holds until the next guess."""
        self._normality.expect(surprise)

    def rest(self, time_s: float, *, suppressed: bool = False, relearn: bool = False) -> Anomaly:
        """Judge a frame that the gate found still, and that has no new features."""
        learn = self._is_to_learn(time_s, suppressed=suppressed, relearn=relearn)
        score = self._normality.rest(
            time_s, learn=learn, is_dismissed=self._is_dismissed, thresholds=self._alarm.thresholds
        )
        return self._decide(score, NO_MOVEMENT, time_s, suppressed=suppressed)

    def show(self, draw: Callable[[], Picture], time_s: float) -> None:
        """Let the gallery of normal moments have the frame that was just observed, if that was learned."""
        looks = self._normality.looks
        if self._learned_last and looks is not None:
            settle_s = SETTLE_S if self.learned_ratio >= 1 else 0.0
            self._gallery.offer(time_s, looks, draw, settle_s=settle_s)

    def nearest_normal(self, region: Region) -> NormalMoment | None:
        """Return the normal moment that looked most like the last frame within a region, if any is kept."""
        looks = self._normality.looks
        return None if looks is None else self._gallery.nearest(looks, region)

    def _is_dismissed(self, part: str, signature: F32) -> bool:
        return self._lessons.excuse(_sight(part, signature, 0.0))

    def _is_to_learn(self, time_s: float, *, suppressed: bool, relearn: bool) -> bool:
        learn = self._learns and (relearn or (self._is_safe(time_s) and not suppressed))
        self._learned_last = learn
        if not learn:
            self._gallery.interrupt()
        return learn

    def _is_safe(self, time_s: float) -> bool:
        """Say whether to learn: not what alarms, and what is excused only where it stays.

        Dismissed things are rare all the same. To learn how high they score would make that usual anywhere.
        """
        lasts = self._excused_s is None or time_s - self._excused_s >= self._settings.alarm.longest_s
        return self._alarm.is_calm and lasts

    def teach(self, lesson: Lesson) -> None:
        """Take a person's word on an alarm: the same thing alarms no more, or it was right to."""
        if self._lessons.take(lesson) and lesson.verdict is Verdict.WAS_AN_ALARM:
            self._alarm.confirm(lesson.began_s)
        self._routine.teach(lesson)

    def _decide(
        self, score: NormalityScore, movement: Movement, time_s: float, *, suppressed: bool
    ) -> Anomaly:
        """Decide on a frame; what is excused opens and calibrates nothing, what does not end is accepted."""
        alarm, heights = self._alarm, self._alarm.heights(score.statistics)
        frame_level = level_of(max(heights))
        sight = _sight(score.part, score.signature, score.score)
        excused = not suppressed and frame_level >= THRESHOLD_LEVEL and self._lessons.excuse(sight)
        self._excused_s = (self._excused_s if self._excused_s is not None else time_s) if excused else None
        if excused:
            alarm.excuse(time_s)
        accepted = alarm.accepts
        change = alarm.update(time_s, score.statistics, suppressed=suppressed or excused)
        if self._learns and alarm.accepts and not accepted:
            self._normality.accept()
        self._newest = Anomaly(
            score,
            alarm.newest_level,
            change,
            frame_level=frame_level,
            excused=excused,
            absence=None if suppressed else self._miss(movement, time_s),
            heights=heights,
        )
        return self._newest

    def _miss(self, movement: Movement, time_s: float) -> AbsenceChange | None:
        """Ask the routine; an absence that it tells is one of the alarms that use the budget."""
        absence = self._routine.observe(time_s, movement, budget_per_day=self._alarm.budget_per_day)
        if absence is not None and absence.phase is AbsencePhase.BEGAN:
            self._alarm.count(time_s)
        return absence

    def save(self, path: Path) -> None:
        """Write what was learned, in one step; days of learning are on the disk when this returns.

        Raises:
            OSError: The disk does not take it.
        """
        write_file(path, self.to_bytes(), durable=True)

    def to_bytes(self) -> bytes:
        """Return what was learned as `save` writes it: quick, where the disk may take its time."""
        arrays: dict[str, Any] = {"version": STATE_VERSION, "encoder": self._settings.encoder}
        arrays |= {f"normality.{name}": a for name, a in self._normality.to_arrays().items()}
        arrays |= {f"alarm.{name}": a for name, a in self._alarm.to_arrays().items()}
        arrays |= {f"routine.{name}": a for name, a in self._routine.to_arrays().items()}
        arrays |= {f"lessons.{name}": a for name, a in self._lessons.to_arrays().items()}
        arrays |= {f"gallery.{name}": a for name, a in self._gallery.to_arrays().items()}
        file = io.BytesIO()
        np.savez(file, **arrays)
        return file.getvalue()

    def load(self, path: Path) -> None:
        """Read what `save` wrote.

        Raises:
            StateError: The file cannot be read, is of another version, or belongs to another encoder; what
                was learned before the call is kept.
        """
        arrays = _read(path)
        if int(arrays.get("version", -1)) != STATE_VERSION:
            raise StateError(f"{path} is not a camera's state of version {STATE_VERSION}.")
        if str(arrays.get("encoder")) != self._settings.encoder:
            raise StateError(
                f"{path} was learned with {arrays.get('encoder')}, not {self._settings.encoder}."
            )
        normality = Normality(self._settings.normality)
        alarm = Alarm(self._settings.alarm, CHARTS)
        lessons, gallery, routine = Lessons(), NormalGallery(self._settings.privacy), Routine()
        try:
            normality.from_arrays(_part(arrays, "normality."))
            alarm.from_arrays(_part(arrays, "alarm."))
            routine.from_arrays(_part(arrays, "routine."))
            lessons.from_arrays(_part(arrays, "lessons."))
            gallery.from_arrays(_part(arrays, "gallery."))
        except (KeyError, ValueError) as error:
            raise StateError(f"{path} is damaged: {error}.") from error
        self._normality, self._alarm, self._routine = normality, alarm, routine
        self._lessons, self._gallery = lessons, gallery
        logger.info("state read from %s, learned %.0f %%", path, 100 * normality.learned_ratio)


def _sight(part: str, signature: F32, score: float) -> Sight:
    """Return a thing as feedback knows it; one that stands grows older, not stronger."""
    strength = 1.0 if part == STANDING else score
    return Sight(part, tuple(np.round(signature, 3).tolist()), round(strength, 3))


def _read(path: Path) -> Mapping[str, NDArray[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise StateError(f"{path} cannot be read: {error}.") from error


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
