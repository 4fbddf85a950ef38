"""What is normal for one camera: a feature grid and its movement go in, how unusual they are comes out."""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.movement import Movement
from pipeline.appearance import Appearance
from pipeline.cells import F32, SIDE, highest_per_cell
from pipeline.finding import APPEARANCE, PARTS, STANDING, STATISTICS, Findings, Found
from pipeline.flow_normality import NO_WINDOWS, FlowNormality, Windows
from pipeline.lasting import LastingChanges
from pipeline.parts import Parts
from pipeline.sizes import NO_THINGS, SizeNormality, Things
from pipeline.types import Region

Arrays = Mapping[str, NDArray[Any]]
# Says whether people have dismissed what a part found, by its name and the finding's signature.
IsDismissed = Callable[[str, F32], bool]

# Shares of the learning phase: first the unit of each channel; then the memory; then how far from the
# memory footage usually lies that is not in it; then how the scores of the parts are usually distributed.
# What remains is scored, so that the alarm can begin to calibrate. Usual speeds and sizes are few numbers:
# known by a third.
CHANNELS_UNTIL, MEMORY_UNTIL, SPREAD_UNTIL, PARTS_UNTIL = 0.1, 0.5, 0.65, 0.8
SPEEDS_UNTIL = 0.33
# After the learning phase one frame a second is remembered, and only when it is this old and nothing has
# alarmed since: else a thing that stands still would be compared with itself, and an alarm's lead-in learned.
LEARN_EVERY_S, LEARN_DELAY_S = 1.0, 10.0
# A longer silence between two frames is an interruption: nothing was observed in it.
MAX_STEP_S = 2.0
# After the learning phase a distance, a speed or a size counts as at most this many usual deviations above
# its mean, lest the first seconds of something new make the scale so wide that the rest looks usual. The
# scores of the parts are capped in the same way.
LEARN_DEVIATIONS = 3.0
_STANDING, _APPEARANCE = (list(PARTS).index(part) for part in (STANDING, APPEARANCE))
_STATISTICS = tuple(
    (tuple(list(PARTS).index(part) for part in one.parts), one.unit) for one in STATISTICS.values()
)


@dataclass(frozen=True, slots=True)
class NormalitySettings:
    """How long a camera learns before it judges.

    `learn_s` is the length of the learning phase in seconds of observed footage.
    """

    learn_s: float = 180.0


@dataclass(frozen=True, slots=True)
class NormalityScore:
    """How unusual one frame is.

    `score` is 0 or more, in nats (`pipeline.parts`), of all parts together: frames are ranked by it.
    `statistics` are what each of the `STATISTICS` comes to, whose tails `pipeline.alarm` judges. What is not
    known yet is NaN.
    `appearance` and `motion` are (14, 14), in usual deviations of each cell and of each speed.
    `region` holds the most unusual thing; `words` says in one sentence what is unusual.
    `rarities` is the score that each part alone would have given; `part` names the one that is told of.
    `signature` is (15,): where two frames' are at most 1 apart, it is the same thing at about the same place.
    `heat` is how unusual each cell is to that part, on that part's own grid: (14, 14) to (80, 120).
    """

    score: float
    appearance: F32
    motion: F32
    region: Region
    words: str
    rarities: Mapping[str, float] = field(default_factory=dict)
    part: str = ""
    signature: F32 = field(default_factory=lambda: np.zeros(0, np.float32))
    heat: F32 = field(default_factory=lambda: np.zeros((SIDE, SIDE), np.float32))
    statistics: tuple[float, ...] = tuple(math.nan for _ in STATISTICS)


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
        self._appearance = Appearance()
        self._flow, self._sizes, self._lasting = FlowNormality(), SizeNormality(), LastingChanges()
        self._parts = Parts(PARTS)
        self._observed_s = 0.0
        self._time_s: float | None = None
        self._pending: deque[_Pending] = deque()
        self._windows, self._tops = NO_WINDOWS, tuple(0.0 for _ in PARTS)
        self._cells: F32 | None = None
        self._surprise = math.nan

    @property
    def learned_ratio(self) -> float:
        """How much of the learning phase is over, 0 to 1."""
        return min(1.0, self._observed_s / self._settings.learn_s)

    @property
    def looks(self) -> F32 | None:
        """Return the (196, 112) unit vectors of the last frame that was not still; None while unknown."""
        return self._cells

    def observe(
        self,
        grid: F32 | None,
        movement: Movement,
        time_s: float,
        *,
        learn: bool,
        is_dismissed: IsDismissed | None = None,
        thresholds: Sequence[float] | None = None,
    ) -> NormalityScore:
        """Score one frame against the past, then remember it if `learn`.

        `grid` is (112, 14, 14), what the encoder saw of the frame; None where what it saw last still holds.
        What stands there counts nothing where `is_dismissed`: it would alarm for as long as it stays.
        `thresholds` are what each statistic may reach: told is of the one that is nearest in this frame.
        """
        step_s = self._step(time_s)
        self._windows = Windows.of(movement.cells, self._windows, step_s=step_s)
        things = Things.of(movement.cells)
        looks = self._look(grid, learn=learn)
        lasting = self._lasting.observe(movement.view, step_s, learn=learn)
        # Where nothing moves a guess goes wrong by noise alone, and an empty scene knows no other.
        surprise = self._surprise if self._windows.shares.any() else math.nan
        found = Found(self._windows, things, lasting, self._cells, surprise)
        score = self._score(found, is_dismissed, thresholds)
        self._remember(looks, time_s, learn=learn)
        if learn:
            self._learn(found, step_s, is_new_look=looks is not None)
        return score

    def _look(self, grid: F32 | None, *, learn: bool) -> F32 | None:
        """Compare a new grid with the memory; return its (196, 112) cells, None without one or units."""
        if grid is None:
            return None
        if not self._appearance.has_units:
            if learn:
                self._appearance.learn_units(grid, is_last=self.learned_ratio >= CHANNELS_UNTIL)
            return None
        self._cells = self._appearance.look(grid)
        return self._cells

    def rest(
        self,
        time_s: float,
        *,
        learn: bool,
        is_dismissed: IsDismissed | None = None,
        thresholds: Sequence[float] | None = None,
    ) -> NormalityScore:
        """Score a frame that the gate found still: what was there is still there, and nothing moves."""
        step_s = self._step(time_s)
        self._windows = NO_WINDOWS
        lasting = self._lasting.rest(step_s, learn=learn)
        found = Found(NO_WINDOWS, NO_THINGS, lasting, self._cells)
        score = self._score(found, is_dismissed, thresholds)
        if learn:
            self._learn(found, step_s)
        return score

    def expect(self, surprise: float | None) -> None:
        """Take how badly the last second was guessed; it holds until the next time, or an interruption."""
        self._surprise = math.nan if surprise is None else surprise

    def accept(self) -> None:
        """Take what has come to stand, or is gone, for usual from now on."""
        self._lasting.accept()

    def _step(self, time_s: float) -> float:
        """Return how long the last frame stood; after an interruption nothing of it holds any more."""
        step_s = 0.0 if self._time_s is None else time_s - self._time_s
        self._time_s = time_s
        if 0 <= step_s <= MAX_STEP_S:
            return step_s
        self._pending.clear()
        self._lasting.interrupt()
        self._windows, self._surprise = NO_WINDOWS, math.nan
        return 0.0

    def _score(
        self, found: Found, is_dismissed: IsDismissed | None, thresholds: Sequence[float] | None
    ) -> NormalityScore:
        findings = Findings(found, self._flow, self._sizes, appearance=self._appearance.heat())
        self._tops = findings.tops()
        rarities = self._parts.rarities(self._tops)
        if is_dismissed and rarities[_STANDING] > 0:
            standing = findings.of(_STANDING, is_record=False)
            if is_dismissed(STANDING, standing.signature):
                rarities[_STANDING] = 0.0
                # Nor is it learned how old it grows: that would make such an age usual anywhere.
                self._tops = (*self._tops[:_STANDING], math.nan, *self._tops[_STANDING + 1 :])
        statistics = tuple(self._judge(parts, unit, rarities) for parts, unit in _STATISTICS)
        told = _leading(rarities, statistics, thresholds)
        finding = findings.of(told, is_record=self._parts.is_record(told, self._tops[told]))
        return NormalityScore(
            score=self._union(rarities),
            appearance=findings.appearance,
            motion=highest_per_cell(findings.motion),
            region=finding.region,
            words=finding.words,
            statistics=statistics,
            rarities=dict(zip(PARTS, rarities, strict=True)),
            part=tuple(PARTS)[told],
            signature=finding.signature,
            heat=finding.heat,
        )

    def _judge(self, parts: Sequence[int], unit: float | None, rarities: Sequence[float]) -> float:
        """Return what a statistic comes to; NaN while its parts are not known."""
        if unit is None:
            return self._union([rarities[part] for part in parts])
        score = self._tops[parts[0]]
        is_dismissed = math.isnan(score)
        return math.nan if self.learned_ratio < SPEEDS_UNTIL else 0.0 if is_dismissed else score / unit

    def _union(self, rarities: Sequence[float]) -> float:
        return math.nan if self.learned_ratio < PARTS_UNTIL else self._parts.union(rarities)

    def _remember(self, cells: F32 | None, time_s: float, *, learn: bool) -> None:
        if not learn:
            self._pending.clear()
        elif cells is not None and self.learned_ratio < MEMORY_UNTIL:
            self._appearance.remember(cells)
        elif cells is not None and self._is_due(time_s):
            self._pending.append(_Pending(time_s, cells.astype(np.float16), self._tops))
        if self._pending and time_s >= self._pending[0].time_s + LEARN_DELAY_S:
            settled = self._pending.popleft()
            self._appearance.remember(settled.cells.astype(np.float32))
            if self.learned_ratio >= PARTS_UNTIL:
                self._parts.add(settled.scores, capped=self.learned_ratio >= 1)

    def _is_due(self, time_s: float) -> bool:
        # A tenth early is due, lest a frame that is held for a second be taken every other time.
        return not self._pending or time_s >= self._pending[-1].time_s + 0.9 * LEARN_EVERY_S

    def _learn(self, found: Found, step_s: float, *, is_new_look: bool = False) -> None:
        self._observed_s += step_s
        limit = LEARN_DEVIATIONS if self.learned_ratio >= 1 else None
        self._flow.learn(found.windows, limit=limit)
        self._sizes.learn(found.things, limit=limit)
        if is_new_look and self.learned_ratio >= MEMORY_UNTIL:
            self._appearance.learn_spread(limit=limit)
        if SPEEDS_UNTIL <= self.learned_ratio < PARTS_UNTIL:
            tops = list(self._tops)
            if self.learned_ratio < SPREAD_UNTIL:
                tops[_APPEARANCE] = math.nan
            self._parts.add(tops)

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
        return {
            "appearance": self._appearance,
            "flow": self._flow,
            "sizes": self._sizes,
            "lasting": self._lasting,
            "parts": self._parts,
        }


def _leading(
    rarities: Sequence[float], statistics: Sequence[float], thresholds: Sequence[float] | None
) -> int:
    """Return the rarest part of the statistic nearest to its threshold; of all parts while none is known."""
    parts: Sequence[int] = range(len(PARTS))
    if thresholds is not None and all(0 < threshold < math.inf for threshold in thresholds):
        heights = [score / threshold for score, threshold in zip(statistics, thresholds, strict=True)]
        parts, _ = _STATISTICS[heights.index(max(heights))]
    return max(parts, key=rarities.__getitem__)
