"""What is normal for one camera: a feature grid and its movement go in, how unusual they are comes out."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.cells import CELLS, F32, SIDE, around_peak, gaussian_pooling, region_of
from pipeline.flow_normality import FlowNormality
from pipeline.memory import CHANNELS, CellMemory
from pipeline.running import CellStatistics, Units
from pipeline.types import Region
from pipeline.words import sentence

Arrays = Mapping[str, NDArray[Any]]

# Shares of the learning phase: first the unit of each channel; then the memory; then how far from the memory
# footage usually lies that is not in it; then how the scores of appearance and of motion usually vary. What
# remains is scored, so that the alarm can begin to calibrate.
CHANNELS_UNTIL, MEMORY_UNTIL, SPREAD_UNTIL, PARTS_UNTIL = 0.1, 0.5, 0.65, 0.75
# After the learning phase one frame a second is remembered, and only when it is this old and nothing has
# alarmed since: else a thing that stands still would be compared with itself, and an alarm's lead-in learned.
LEARN_EVERY_S, LEARN_DELAY_S = 1.0, 10.0
# A longer silence between two frames is an interruption: nothing was observed in it.
MAX_STEP_S = 2.0
# Distances of unit vectors differ by this much through noise and compression alone.
MIN_DISTANCE_DEVIATION = 0.03
# Distances are pooled with the cells beside a cell.
POOLING_SIGMA = 0.7
# A part's score is the mean of this many most unusual cells: one cell alone may be noise.
TOP_CELLS = 3
# After the learning phase a cell's distance or speed counts as at most this many usual deviations above its
# mean, lest the first seconds of something new make the cell's scale so wide that the rest looks usual.
LEARN_DEVIATIONS = 3.0
# The scores of appearance and motion vary by this much at least, in deviations of a cell.
MIN_PART_DEVIATION = 0.4
# Share of the newest frame in the running score: two frames at 5 fps are one step of a walker.
SMOOTHING_RATIO = 0.5
REGION_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class NormalitySettings:
    """How long a camera learns before it judges.

    `learn_s` is the length of the learning phase in seconds of observed footage.
    """

    learn_s: float = 180.0


@dataclass(frozen=True, slots=True)
class NormalityScore:
    """How unusual one frame is.

    `score` is 0 or more, in deviations from the usual of this camera; `pipeline.alarm` judges its tail.
    It is NaN while the memory is too young to judge.
    `appearance` and `motion` are (14, 14), each cell in units of what is usual for that cell.
    `region` holds the most unusual cells; `words` says in one sentence what is unusual.
    """

    score: float
    appearance: F32
    motion: F32
    region: Region
    words: str


@dataclass(frozen=True, slots=True)
class _Pending:
    """A frame that will be remembered if nothing alarms until it is old enough."""

    time_s: float
    cells: NDArray[np.float16]


class _Learner(Protocol):
    """Something that learned, and can be stored."""

    def to_arrays(self) -> dict[str, NDArray[Any]]: ...
    def from_arrays(self, arrays: Arrays) -> None: ...


class Normality:
    """A camera's memory of what was there and how it moved; no clock, no threads, not thread-safe."""

    def __init__(self, settings: NormalitySettings) -> None:
        self._settings = settings
        self._memory = CellMemory()
        self._spread = CellStatistics(gaussian_pooling(POOLING_SIGMA, POOLING_SIGMA))
        self._flow = FlowNormality()
        self._parts = Units(2)  # appearance, motion
        self._channels = np.zeros((3, CHANNELS))  # count, sum, sum of squares: until the memory takes them
        self._observed_s = 0.0
        self._time_s: float | None = None
        self._pending: deque[_Pending] = deque()
        self._distances = np.zeros(CELLS, np.float32)
        self._ceiling = np.zeros(CELLS, np.float32)
        self._tops = np.zeros(2)
        self._smooth = 0.0

    @property
    def learned_ratio(self) -> float:
        """How much of the learning phase is over, 0 to 1."""
        return min(1.0, self._observed_s / self._settings.learn_s)

    def observe(self, grid: F32, flow: F32, time_s: float, *, learn: bool) -> NormalityScore:
        """Score one frame against the past, then remember it if `learn`.

        `grid` is (112, 14, 14), `flow` (14, 14, 2) in picture widths and heights a second.
        """
        step_s = self._step(time_s)
        speeds = self._flow.speeds(flow)
        if self._memory.has_units:
            cells = self._memory.embed(grid)
            self._distances = self._memory.distances(cells)
            score = self._score(speeds)
            self._remember(cells, time_s, learn=learn)
        else:
            score = self._score(speeds)
            self._learn_channels(grid)
        if learn:
            self._learn(speeds, step_s)
        return score

    def rest(self, time_s: float, *, learn: bool) -> NormalityScore:
        """Score a frame that the gate found still: what was there is still there, and nothing moves."""
        step_s = self._step(time_s)
        speeds = np.zeros(CELLS, np.float32)
        score = self._score(speeds)
        if learn:
            self._learn(speeds, step_s)
        return score

    def _step(self, time_s: float) -> float:
        """Return how long the last frame stood; after an interruption nothing of it holds any more."""
        step_s = 0.0 if self._time_s is None else time_s - self._time_s
        self._time_s = time_s
        if 0 <= step_s <= MAX_STEP_S:
            return step_s
        self._pending.clear()
        self._smooth = 0.0
        return 0.0

    def _score(self, speeds: F32) -> NormalityScore:
        usual, deviation = self._spread.usual(floor=MIN_DISTANCE_DEVIATION)
        appearance = np.maximum((self._distances - usual) / deviation, 0.0).reshape(SIDE, SIDE)
        self._ceiling = usual + LEARN_DEVIATIONS * deviation
        motion = self._flow.surprise(speeds)
        self._tops = np.array([_top(appearance), _top(motion)])
        parts = self._parts.excess(self._tops, floor=MIN_PART_DEVIATION)
        self._smooth += SMOOTHING_RATIO * (float(np.hypot(*parts)) - self._smooth)
        moves = bool(parts[1] > parts[0])
        hot = around_peak(motion if moves else appearance, share=REGION_SHARE)
        ratio = float(self._flow.ratio(speeds)[hot].max()) if moves else None
        region = region_of(hot)
        return NormalityScore(
            score=math.nan if self.learned_ratio < PARTS_UNTIL else self._smooth,
            appearance=appearance,
            motion=motion,
            region=region,
            words=sentence(region, speed_ratio=ratio),
        )

    def _learn_channels(self, grid: F32) -> None:
        values = grid.reshape(CHANNELS, CELLS).astype(np.float64)
        self._channels += (np.full(CHANNELS, CELLS), values.sum(axis=1), (values * values).sum(axis=1))
        if self.learned_ratio >= CHANNELS_UNTIL:
            count, total, squares = self._channels
            mean = total / count
            deviation = np.sqrt(np.maximum(squares / count - mean * mean, 0.0))
            self._memory.set_units(mean.astype(np.float32), deviation.astype(np.float32))

    def _remember(self, cells: F32, time_s: float, *, learn: bool) -> None:
        if not learn:
            self._pending.clear()
        elif self.learned_ratio < MEMORY_UNTIL:
            self._memory.learn(cells)
        elif not self._pending or time_s >= self._pending[-1].time_s + LEARN_EVERY_S:
            self._pending.append(_Pending(time_s, cells.astype(np.float16)))
        if self._pending and time_s >= self._pending[0].time_s + LEARN_DELAY_S:
            self._memory.learn(self._pending.popleft().cells.astype(np.float32))

    def _learn(self, speeds: F32, step_s: float) -> None:
        self._observed_s += step_s
        distances = self._distances
        if self.learned_ratio >= 1:
            distances = np.minimum(distances, self._ceiling)
            speeds = np.minimum(speeds, self._flow.ceiling(LEARN_DEVIATIONS))
        self._flow.learn(speeds)
        if self.learned_ratio >= MEMORY_UNTIL:
            self._spread.add(distances, np.ones(CELLS, np.float32))
        if SPREAD_UNTIL <= self.learned_ratio < PARTS_UNTIL:
            self._parts.add(self._tops)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that was learned, by name."""
        parts = {name: part.to_arrays() for name, part in self._learners().items()}
        arrays = {f"{part}.{name}": array for part, named in parts.items() for name, array in named.items()}
        return arrays | {"observed_s": np.array(self._observed_s)}

    def from_arrays(self, arrays: Arrays) -> None:
        """Take back what `to_arrays` returned.

        Raises:
            KeyError: An array is missing.
            ValueError: An array has another shape.
        """
        for name, array in self.to_arrays().items():
            if arrays[name].shape != array.shape:
                raise ValueError(f"{name} is {arrays[name].shape}, not {array.shape}")
        for part, taker in self._learners().items():
            prefix = f"{part}."
            taker.from_arrays({n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)})
        self._observed_s = float(arrays["observed_s"])

    def _learners(self) -> dict[str, _Learner]:
        return {"memory": self._memory, "spread": self._spread, "flow": self._flow, "parts": self._parts}


def _top(values: F32) -> float:
    """Return the mean of the highest TOP_CELLS of (14, 14) values."""
    return float(np.partition(values.reshape(-1), -TOP_CELLS)[-TOP_CELLS:].mean())
