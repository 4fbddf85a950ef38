"""Normal moments of one camera in, at most 64 kept in small; the one nearest to a strange sight out."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.cells import CELLS, F32, SIDE
from pipeline.evidence import jpeg_within
from pipeline.memory import CHANNELS
from pipeline.privacy import Picture
from pipeline.types import Region

I8 = NDArray[np.int8]

# So many moments are kept of each part of the day, which is six hours of UTC: the light differs.
PARTS_OF_DAY, MOMENTS_PER_PART = 4, 16
PART_S = 86_400 / PARTS_OF_DAY
# A moment is looked at so often, and kept where nothing has alarmed since for so long: it may lead to what is
# told only when it has stood for ten seconds, and to alarm a while more.
EVERY_S, SETTLE_S = 5.0, 30.0
# Looks are kept by as many random projections in steps of 1 / STEPS, of unit vectors of which hardly any
# leaves -127…127; 64 * (18,000 + 196 * 48) bytes = 1.8 MB a camera.
DIMENSIONS, STEPS = 48, 170
MAX_JPEG_BYTES = 18_000

_PROJECTION = np.random.default_rng(1).standard_normal((CHANNELS, DIMENSIONS)).astype(np.float32) / np.sqrt(
    np.float32(DIMENSIONS)
)


@dataclass(frozen=True, slots=True)
class NormalMoment:
    """A moment in which nothing was unusual: when, in small, and how each cell looked (196, 48)."""

    utc_s: float
    jpeg: bytes
    looks: I8


class NormalGallery:
    """The moments of one camera that differ most from one another; not thread-safe.

    Of a part of the day that is full, the older of the two moments goes that are most alike, the new one
    among them: what recurs is there once and fresh, what is rare stays. `privacy` names what is hidden in its
    pictures (`Privacy.name`).
    """

    def __init__(self, privacy: str = "") -> None:
        self._privacy = privacy
        self._moments: list[NormalMoment] = []
        self._pending: deque[NormalMoment] = deque()  # kept if nothing alarms until they are old enough
        self._offered_s = float("-inf")

    def __len__(self) -> int:
        return len(self._moments)

    def offer(
        self, utc_s: float, cells: F32, draw: Callable[[], Picture], *, settle_s: float = SETTLE_S
    ) -> None:
        """Take note of a normal moment by its (196, 112) unit vectors; its picture is drawn if one is due.

        `settle_s` is how old a moment is when it is kept: 0 where all that is seen is normal by definition.
        """
        if utc_s < self._offered_s:  # the clock was set back
            self.interrupt()
        if utc_s >= self._offered_s + EVERY_S:
            self._offered_s = utc_s
            jpeg = jpeg_within(draw(), MAX_JPEG_BYTES)
            if jpeg is not None:
                self._pending.append(NormalMoment(utc_s, jpeg, _looks(cells)))
        while self._pending and utc_s >= self._pending[0].utc_s + settle_s:
            self._keep(self._pending.popleft())

    def interrupt(self) -> None:
        """Let go of what is not kept yet: it may have led to what came then."""
        self._pending.clear()
        self._offered_s = float("-inf")

    def nearest(self, cells: F32, region: Region) -> NormalMoment | None:
        """Return the moment whose looks within the region are nearest to those of (196, 112) unit vectors."""
        if not self._moments:
            return None
        inside = _cells_in(region)
        kept = np.stack([moment.looks[inside] for moment in self._moments]).astype(np.float32)
        apart = np.square(kept - _looks(cells)[inside].astype(np.float32)).sum(axis=(1, 2))
        return self._moments[int(apart.argmin())]

    def _keep(self, settled: NormalMoment) -> None:
        self._moments.append(settled)
        part = _part_of_day(settled.utc_s)
        rivals = [moment for moment in self._moments if _part_of_day(moment.utc_s) == part]
        if len(rivals) > MOMENTS_PER_PART:
            gone = _older_of_the_most_alike(rivals)
            self._moments = [moment for moment in self._moments if moment is not gone]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that is kept, by name."""
        jpegs = [np.frombuffer(moment.jpeg, np.uint8) for moment in self._moments]
        return {
            "privacy": np.array(self._privacy),
            "utc_s": np.array([moment.utc_s for moment in self._moments], np.float64),
            "looks": np.array([moment.looks for moment in self._moments], np.int8).reshape(
                -1, CELLS, DIMENSIONS
            ),
            "jpegs": np.concatenate([np.zeros(0, np.uint8), *jpegs]),
            "ends": np.cumsum([len(jpeg) for jpeg in jpegs], dtype=np.int64),
        }

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned, unless other things were hidden in its pictures.

        Raises:
            KeyError: An array is missing.
            ValueError: The arrays do not fit together.
        """
        if str(arrays["privacy"]) != self._privacy:
            return
        times_s, looks, jpegs, ends = (arrays[name] for name in ("utc_s", "looks", "jpegs", "ends"))
        count = len(times_s)
        if looks.shape != (count, CELLS, DIMENSIONS) or count > PARTS_OF_DAY * MOMENTS_PER_PART:
            raise ValueError(f"{count} normal moments have looks {looks.shape}")
        bounds = np.concatenate([np.zeros(1, np.int64), ends])
        if len(ends) != count or (np.diff(bounds) <= 0).any() or bounds[-1] != len(jpegs):
            raise ValueError("the pictures of the normal moments are cut off")
        self._moments = [
            NormalMoment(float(utc_s), jpegs[begin:end].tobytes(), look)
            for utc_s, look, begin, end in zip(times_s, looks, bounds[:-1], bounds[1:], strict=True)
        ]


def _looks(cells: F32) -> I8:
    # Row by row, lest BLAS begin threads of its own for what takes a tenth of a millisecond.
    projected = (cells.reshape(SIDE, SIDE, CHANNELS) @ _PROJECTION).reshape(CELLS, DIMENSIONS)
    return np.asarray(np.clip(np.rint(STEPS * projected), -127, 127), np.int8)


def _part_of_day(utc_s: float) -> int:
    return int(utc_s % 86_400 // PART_S)


def _older_of_the_most_alike(moments: list[NormalMoment]) -> NormalMoment:
    """Compare by the fourth power of what differs, so that somebody in a corner counts more than noise."""
    looks = np.stack([moment.looks for moment in moments], axis=1).astype(np.float32)  # (196, N, 48)
    likeness = looks @ looks.transpose(0, 2, 1)  # (196, N, N)
    squares = np.diagonal(likeness, axis1=1, axis2=2)  # (196, N)
    apart = np.square(squares[:, :, None] + squares[:, None] - 2 * likeness).sum(axis=0)  # (N, N)
    np.fill_diagonal(apart, np.inf)
    pair = np.unravel_index(int(apart.argmin()), apart.shape)
    return min((moments[int(number)] for number in pair), key=lambda moment: moment.utc_s)


def _cells_in(region: Region) -> NDArray[np.intp]:
    """Return the numbers of the cells that a region touches, one at least.

    From x = 0.5 to 0.6 these are the columns 7 and 8: 0.5 * 14 = 7 and 0.6 * 14 = 8.4.
    """
    rows = _touched(region.y, region.height)
    columns = _touched(region.x, region.width)
    return (rows[:, None] * SIDE + columns).reshape(-1)


def _touched(start: float, length: float) -> NDArray[np.intp]:
    first = min(SIDE - 1, max(0, int(start * SIDE)))
    last = min(SIDE, max(first + 1, int(np.ceil((start + length) * SIDE - 1e-6))))
    return np.arange(first, last)
