"""What one frame held in, for each part how unusual it is, where, and in which words out."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline import signature, words
from pipeline.appearance import TOP_CELLS
from pipeline.cells import F32, SIDE, around_peak, mean_of_highest, region_of
from pipeline.control_chart import ChartSettings
from pipeline.flow_normality import FlowNormality, Windows
from pipeline.lasting import Lasting
from pipeline.parts import Part
from pipeline.sizes import SizeNormality, Things
from pipeline.types import Region

# Every part, in this order; their units are deviations of a speed, of a size, seconds, deviations of a cell,
# and a cosine. Where nothing ever stood, an age is rarer by three nats a second.
STANDING, APPEARANCE = "standing", "appearance"
PARTS = {
    "motion": Part(unit=1.0),
    "size": Part(unit=1.0, beyond=0.5),
    STANDING: Part(unit=3.0),
    APPEARANCE: Part(unit=1.0, beyond=0.2, weight=0.25),
    "surprise": Part(unit=0.05, beyond=0.5),
}


@dataclass(frozen=True, slots=True)
class Statistic:
    """Parts that one control chart judges together: by their union, in nats.

    Where there is a `unit` it is a single part, judged by its own score in that unit, which needs no
    distribution and so is known from the first.
    """

    parts: tuple[str, ...]
    chart: ChartSettings
    unit: float | None = None


# What is judged together, each by what it is used to itself (`pipeline.control_chart`). A thing that
# moves is fast, or large, or strange for as long as it is in the picture, which may be half a second. A guess
# comes once a second. What stands grows older by the second: where people are used to stand for a minute, who
# runs through the picture must be no less remarkable for that. How long it is used to stand, in units of two
# seconds, is known from what was seen while the rest was learned. Most of what people want to hear of moves.
STATISTICS = {
    "moving": Statistic(("motion", "size", APPEARANCE), ChartSettings(mean_s=0.3, weight=2.0)),
    "surprise": Statistic(("surprise",), ChartSettings()),
    STANDING: Statistic((STANDING,), ChartSettings(has_episodes=True), unit=2.0),
}
CHARTS = {name: one.chart for name, one in STATISTICS.items()}
# A speed counts as at most so many deviations above the usual: what appears from nowhere finds itself a
# partner anywhere for one frame.
MAX_DEVIATIONS = 20.0
# A frame counts by the mean of its fastest windows, as one alone may be a flash: by so many, as hold the
# smallest thing that counts at all, three cells in a column.
TOP_WINDOWS = 9
REGION_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """What one frame held: moving windows, things, the longest change, and the looks (196, 112) if known.

    `surprise` is how badly the model guessed the last second (`models.surprise`), NaN where it did not.
    """

    windows: Windows
    things: Things
    lasting: Lasting
    looks: F32 | None
    surprise: float = math.nan


@dataclass(frozen=True, slots=True)
class Finding:
    """The most unusual thing that one part sees: where, in words, and as a vector to compare.

    `heat` is how unusual each cell of the part's own grid is to it.
    """

    region: Region
    words: str
    signature: F32
    heat: F32


class _Description(NamedTuple):
    """What a part says: on which cells of its own grid, in which words given their region, and what it is.

    `heat` is how unusual each of these cells is.
    """

    where: NDArray[np.bool_]
    text: Callable[[Region], str]
    what: F32
    heat: F32


class Findings:
    """Judges one frame by what is usual; the parts are numbered as in PARTS."""

    def __init__(self, found: Found, flow: FlowNormality, sizes: SizeNormality, *, appearance: F32) -> None:
        self._found = found
        self._flow = flow
        self._sizes = sizes
        self._larger = sizes.surprise(found.things)
        self.appearance = appearance
        self.motion = np.minimum(flow.surprise(found.windows), np.float32(MAX_DEVIATIONS))

    def tops(self) -> tuple[float, ...]:
        """Return how unusual the most unusual thing is to each part, in the part's own unit."""
        faster = mean_of_highest(self.motion, TOP_WINDOWS)
        larger = float(self._larger.max(initial=0.0))
        stranger = mean_of_highest(self.appearance, TOP_CELLS)
        return faster, larger, self._found.lasting.age_s, stranger, self._found.surprise

    def of(self, part: int, *, is_record: bool) -> Finding:
        """Describe what is most unusual to a part; `is_record`: nothing learned was as unusual."""
        describe = (self._fastest, self._largest, self._oldest, self._strangest, self._unforeseen)[part]
        said = describe(is_record=is_record)
        region = region_of(said.where)
        what = signature.signature(part, region, said.what, parts=len(PARTS))
        return Finding(region, said.text(region), what, said.heat)

    def _fastest(self, *, is_record: bool) -> _Description:
        row, column = _peak(self.motion)
        windows = self._found.windows
        ratio = float(self._flow.ratio(windows)[row, column])
        is_first = not self._flow.is_known(row, column)
        return _Description(
            around_peak(self.motion, share=REGION_SHARE),
            lambda region: words.of_motion(region, ratio, is_first=is_first, is_record=is_record),
            signature.of_motion(windows.velocity(row, column), ratio),
            self.motion,
        )

    def _largest(self, *, is_record: bool) -> _Description:
        del is_record
        things = self._found.things
        number = int(self._larger.argmax()) if len(self._larger) else -1
        ratio = float(self._sizes.ratio(things)[number]) if number >= 0 else 1.0
        is_first = number >= 0 and not self._sizes.is_known(int(things.feet[number]))
        return _Description(
            things.labels == number + 1 if number >= 0 else np.zeros_like(things.labels, np.bool_),
            lambda region: words.of_size(region, ratio, is_first=is_first),
            signature.of_size(ratio),
            np.concatenate([[np.float32(0)], self._larger])[things.labels],
        )

    def _oldest(self, *, is_record: bool) -> _Description:
        del is_record
        lasting = self._found.lasting
        return _Description(
            lasting.where,
            lambda region: words.of_lasting(region, lasting.age_s, is_new=lasting.is_new),
            signature.of_lasting(float(lasting.where.mean()), is_new=lasting.is_new),
            lasting.where.astype(np.float32),
        )

    def _strangest(self, *, is_record: bool) -> _Description:
        del is_record
        looks, (row, column) = self._found.looks, _peak(self.appearance)
        return _Description(
            around_peak(self.appearance, share=REGION_SHARE),
            words.of_look,
            np.zeros(0, np.float32) if looks is None else signature.of_look(looks[row * SIDE + column]),
            self.appearance,
        )

    def _unforeseen(self, *, is_record: bool) -> _Description:
        """The guess is of the whole picture; what moves most in it is shown."""
        del is_record
        windows = self._found.windows
        row, column = _peak(windows.speeds)
        return _Description(
            around_peak(windows.speeds, share=REGION_SHARE),
            words.of_surprise,
            signature.of_surprise(windows.velocity(row, column)),
            windows.speeds,
        )


def _peak(heat: F32) -> NDArray[np.intp]:
    return np.array(np.unravel_index(int(heat.argmax()), heat.shape), np.intp)
