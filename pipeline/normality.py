"""What is normal for one camera: a feature grid and its movement go in, how unusual they are comes out."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.cells import CELLS, F32, SIDE, around_peak, gaussian_pooling, region_of
from pipeline.flow_normality import NO_WINDOWS, FlowNormality, Windows, per_cell
from pipeline.memory import CHANNELS, CellMemory
from pipeline.parts import Part, Parts
from pipeline.running import CellStatistics
from pipeline.types import Region
from pipeline.words import sentence

Arrays = Mapping[str, NDArray[Any]]

# Shares of the learning phase: first the unit of each channel; then the memory; then how far from the memory
# footage usually lies that is not in it; then how the scores of the parts are usually distributed. What
# remains is scored, so that the alarm can begin to calibrate. Usual speeds are few numbers: known by a third.
CHANNELS_UNTIL, MEMORY_UNTIL, SPREAD_UNTIL, PARTS_UNTIL = 0.1, 0.5, 0.65, 0.8
SPEEDS_UNTIL = 0.33
# After the learning phase one frame a second is remembered, and only when it is this old and nothing has
# alarmed since: else a thing that stands still would be compared with itself, and an alarm's lead-in learned.
LEARN_EVERY_S, LEARN_DELAY_S = 1.0, 10.0
# A longer silence between two frames is an interruption: nothing was observed in it.
MAX_STEP_S = 2.0
# Distances of unit vectors differ by this much through noise and compression alone.
MIN_DISTANCE_DEVIATION = 0.03
# Distances are pooled with the cells beside a cell.
POOLING_SIGMA = 0.7
# The score of the appearance is the mean of this many most unusual cells: one cell alone may be noise.
TOP_CELLS = 3
# After the learning phase a cell's distance counts as at most this many usual deviations above its mean, and
# a speed as at most so many times the usual above it, lest the first seconds of something new make the cell's
# scale so wide that the rest looks usual.
LEARN_DEVIATIONS, LEARN_SPEEDS = 3.0, 1.0
# Every part; their units are deviations of a cell and times the usual speed.
PARTS = {"appearance": Part(unit=1.0, beyond=0.2), "motion": Part(unit=0.3)}
# A speed counts as at most so many times the usual above it: what appears from nowhere finds itself a partner
# anywhere for one frame.
MAX_SPEEDS = 4.0
# What is unusual lasts: a frame counts by the scores of the last half second.
SMOOTHING_S = 0.5
REGION_SHARE = 0.5
# The same thing comes back within a fifth of the picture and at most so much stronger (e^0.7 is twice).
SAME_PLACE, SAME_STRENGTH = 0.2, 0.7


@dataclass(frozen=True, slots=True)
class NormalitySettings:
    """How long a camera learns before it judges.

    `learn_s` is the length of the learning phase in seconds of observed footage.
    """

    learn_s: float = 180.0


@dataclass(frozen=True, slots=True)
class NormalityScore:
    """How unusual one frame is.

    `score` is 0 or more: by chance two frames in e^score are as unusual to this camera (`pipeline.parts`);
    `pipeline.alarm` judges its tail. It is NaN while the memory is too young to judge.
    `appearance` is (14, 14), in deviations of each cell; `motion` (14, 14), in usual speeds above it.
    `region` holds the most unusual cells; `words` says in one sentence what is unusual.
    `rarities` is the score that each part alone would have given.
    `part` is the rarest one. `signature` is (D,), scaled so that two of one part at a distance of 1 or less
    are the same kind of thing at about the same place.
    """

    score: float
    appearance: F32
    motion: F32
    region: Region
    words: str
    rarities: Mapping[str, float] = field(default_factory=dict)
    part: str = ""
    signature: F32 = field(default_factory=lambda: np.zeros(0, np.float32))


@dataclass(frozen=True, slots=True)
class _Pending:
    """A frame that will be remembered if nothing alarms until it is old enough."""

    time_s: float
    cells: NDArray[np.float16]
    scores: tuple[float, ...]


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
        self._parts = Parts(PARTS)
        self._channels = np.zeros((3, CHANNELS))  # count, sum, sum of squares: until the memory takes them
        self._observed_s = 0.0
        self._time_s: float | None = None
        self._pending: deque[_Pending] = deque()
        self._distances = np.zeros(CELLS, np.float32)
        self._ceiling = np.zeros(CELLS, np.float32)
        self._tops = np.zeros(len(PARTS))
        self._heat = np.zeros((len(PARTS), SIDE, SIDE), np.float32)

    @property
    def learned_ratio(self) -> float:
        """How much of the learning phase is over, 0 to 1."""
        return min(1.0, self._observed_s / self._settings.learn_s)

    def observe(self, grid: F32, movement: F32, time_s: float, *, learn: bool) -> NormalityScore:
        """Score one frame against the past, then remember it if `learn`.

        `grid` is (112, 14, 14), `movement` (56, 56, 3) as `models.flow.Flow` has it.
        """
        step_s = self._step(time_s)
        windows = Windows.of(movement)
        if self._memory.has_units:
            cells = self._memory.embed(grid)
            self._distances = self._memory.distances(cells)
            score = self._score(windows, step_s)
            self._remember(cells, time_s, learn=learn)
        else:
            score = self._score(windows, step_s)
            self._learn_channels(grid)
        if learn:
            self._learn(windows, step_s)
        return score

    def rest(self, time_s: float, *, learn: bool) -> NormalityScore:
        """Score a frame that the gate found still: what was there is still there, and nothing moves."""
        step_s = self._step(time_s)
        windows = NO_WINDOWS
        score = self._score(windows, step_s)
        if learn:
            self._learn(windows, step_s)
        return score

    def _step(self, time_s: float) -> float:
        """Return how long the last frame stood; after an interruption nothing of it holds any more."""
        step_s = 0.0 if self._time_s is None else time_s - self._time_s
        self._time_s = time_s
        if 0 <= step_s <= MAX_STEP_S:
            return step_s
        self._pending.clear()
        self._tops, self._heat = np.zeros(len(PARTS)), np.zeros((len(PARTS), SIDE, SIDE), np.float32)
        return 0.0

    def _score(self, windows: Windows, step_s: float) -> NormalityScore:
        usual, deviation = self._spread.usual(floor=MIN_DISTANCE_DEVIATION)
        appearance = np.maximum((self._distances - usual) / deviation, 0.0).reshape(SIDE, SIDE)
        self._ceiling = usual + LEARN_DEVIATIONS * deviation
        motion = per_cell(self._flow.surprise(windows))
        heat = np.stack([appearance, np.minimum(motion, np.float32(MAX_SPEEDS))])
        newest = np.float32(-math.expm1(-step_s / SMOOTHING_S))
        self._heat += (heat - self._heat) * newest
        tops = np.array([_top(heat[0]), float(heat[1].max())])
        self._tops += (tops - self._tops) * newest
        rarities = self._parts.rarities(self._tops.tolist())
        moves = rarities[1] > rarities[0]
        hot = around_peak(self._heat[int(moves)], share=REGION_SHARE)
        region = region_of(hot)
        ratio = self._ratio(windows, hot) if moves else None
        return NormalityScore(
            score=math.nan if self.learned_ratio < PARTS_UNTIL else self._parts.union(rarities),
            appearance=appearance,
            motion=motion,
            region=region,
            words=sentence(region, speed_ratio=ratio),
            rarities=dict(zip(PARTS, rarities, strict=True)),
            part=tuple(PARTS)[int(moves)],
            signature=_signature(region, float(self._tops[int(moves)])),
        )

    def _ratio(self, windows: Windows, hot: NDArray[np.bool_]) -> float:
        """Return how many times the usual speed was seen of late: what was fast may be hidden now."""
        return max(float(self._flow.ratio(windows)[hot].max()), 1 + float(self._heat[1].max()))

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
            scores = tuple(self._tops.tolist())
            self._pending.append(_Pending(time_s, cells.astype(np.float16), scores))
        if self._pending and time_s >= self._pending[0].time_s + LEARN_DELAY_S:
            settled = self._pending.popleft()
            self._memory.learn(settled.cells.astype(np.float32))
            if self.learned_ratio >= PARTS_UNTIL:
                self._parts.add(settled.scores)

    def _learn(self, windows: Windows, step_s: float) -> None:
        self._observed_s += step_s
        distances, is_grown = self._distances, self.learned_ratio >= 1
        if is_grown:
            distances = np.minimum(distances, self._ceiling)
        self._flow.learn(windows, limit=LEARN_SPEEDS if is_grown else None)
        if self.learned_ratio >= MEMORY_UNTIL:
            self._spread.add(distances, np.ones(CELLS, np.float32))
        if SPEEDS_UNTIL <= self.learned_ratio < PARTS_UNTIL:
            strangeness, speed = self._tops.tolist()
            self._parts.add((strangeness if self.learned_ratio >= SPREAD_UNTIL else math.nan, speed))

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
            if arrays[name].shape != array.shape and not name.startswith("parts."):
                raise ValueError(f"{name} is {arrays[name].shape}, not {array.shape}")
        for part, taker in self._learners().items():
            prefix = f"{part}."
            taker.from_arrays({n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)})
        self._observed_s = float(arrays["observed_s"])

    def _learners(self) -> dict[str, _Learner]:
        return {"memory": self._memory, "spread": self._spread, "flow": self._flow, "parts": self._parts}


def _signature(region: Region, strength: float) -> F32:
    """Return where the middle of the region is, and how strong: (3,), in units of what is the same."""
    middle = (region.x + region.width / 2, region.y + region.height / 2)
    return np.array(
        [*(place / SAME_PLACE for place in middle), math.log1p(strength) / SAME_STRENGTH], np.float32
    )


def _top(values: F32) -> float:
    """Return the mean of the highest TOP_CELLS of (14, 14) values."""
    return float(np.partition(values.reshape(-1), -TOP_CELLS)[-TOP_CELLS:].mean())
