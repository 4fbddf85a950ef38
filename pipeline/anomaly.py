"""One camera's anomaly detector: normality and alarm joined; what they learned is kept in one file."""

import io
import logging
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.alarm import Alarm, AlarmChange, AlarmSettings
from pipeline.cells import F32
from pipeline.errors import StateError
from pipeline.movement import Movement
from pipeline.normality import Normality, NormalityScore, NormalitySettings

logger = logging.getLogger(__name__)

# Raised with every change to the arrays or to their meaning: an older file is then learned anew.
STATE_VERSION = 3


@dataclass(frozen=True, slots=True)
class AnomalySettings:
    """The settings of both halves.

    `encoder` names the model whose features are remembered: they mean nothing to another one.
    """

    normality: NormalitySettings = field(default_factory=NormalitySettings)
    alarm: AlarmSettings = field(default_factory=AlarmSettings)
    encoder: str = ""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What one frame says: `level` is 0…1, 0.5 at the threshold, for events and state; `change` if any."""

    normality: NormalityScore
    level: float
    change: AlarmChange | None


class AnomalyDetector:
    """What a camera has learned about itself, and whether it alarms; not thread-safe.

    Times must go on over reconnects and restarts: `SampledFrame.utc_s`, not `time_s`.
    """

    def __init__(self, settings: AnomalySettings) -> None:
        self._settings = settings
        self._normality = Normality(settings.normality)
        self._alarm = Alarm(settings.alarm)
        self._newest: Anomaly | None = None

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

    def observe(self, grid: F32, movement: Movement, time_s: float, *, suppressed: bool = False) -> Anomaly:
        """Judge one frame by its grid (112, 14, 14) and its movement.

        `suppressed` (covered, moved, switched off): nothing is learned, calibrated or opened.
        """
        learn = self._alarm.is_calm and not suppressed
        score = self._normality.observe(grid, movement, time_s, learn=learn)
        return self._decide(score, time_s, suppressed=suppressed)

    def rest(self, time_s: float, *, suppressed: bool = False) -> Anomaly:
        """Judge a frame that the gate found still, and that has no new features."""
        learn = self._alarm.is_calm and not suppressed
        score = self._normality.rest(time_s, learn=learn)
        return self._decide(score, time_s, suppressed=suppressed)

    def _decide(self, score: NormalityScore, time_s: float, *, suppressed: bool) -> Anomaly:
        change = self._alarm.update(time_s, score.score, suppressed=suppressed)
        self._newest = Anomaly(score, self._alarm.level(score.score), change)
        return self._newest

    def save(self, path: Path) -> None:
        """Write what was learned; a reader sees the old file or the new one, never half of it.

        Raises:
            OSError: The disk does not take it.
        """
        write_state(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return what was learned as `save` writes it: quick, where the disk may take its time."""
        arrays: dict[str, Any] = {"version": STATE_VERSION, "encoder": self._settings.encoder}
        arrays |= {f"normality.{name}": a for name, a in self._normality.to_arrays().items()}
        arrays |= {f"alarm.{name}": a for name, a in self._alarm.to_arrays().items()}
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
        normality, alarm = Normality(self._settings.normality), Alarm(self._settings.alarm)
        try:
            normality.from_arrays(_part(arrays, "normality."))
            alarm.from_arrays(_part(arrays, "alarm."))
        except (KeyError, ValueError) as error:
            raise StateError(f"{path} is damaged: {error}.") from error
        self._normality, self._alarm = normality, alarm
        logger.info("state read from %s, learned %.0f %%", path, 100 * normality.learned_ratio)


def write_state(path: Path, state: bytes) -> None:
    """Write a detector's `to_bytes`; a reader sees the old file or the new one, never half of it.

    Raises:
        OSError: The disk does not take it.
    """
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(state)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _read(path: Path) -> Mapping[str, NDArray[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise StateError(f"{path} cannot be read: {error}.") from error


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
