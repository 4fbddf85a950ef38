"""For how long nothing moved in each quarter of an hour in, how long is usual at a time of day out.

One row is a day, one column a time of day; the newest day ends where the slot in progress begins:

    four weeks ago   │ 0.2 h   0.1 h   0.4 h   …   7.9 h │
    …                │                                   │
    a day ago        │ 0.3 h     –       –     …   8.2 h │  – is unknown: nobody knows what moved there
    now              │   ?
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.calibration import MIN_BLOCKS, Tail
from pipeline.control_chart import DAY_S

F64 = NDArray[np.float64]

SLOT_S = 900.0
SLOTS, KEEP_DAYS = int(DAY_S / SLOT_S), 28
# Around this time is an hour to both sides: a clock that is changed does no harm.
REACH = 4
SIZE = KEEP_DAYS * SLOTS + REACH
# Shorter silences are nobody's routine.
SHORTEST_S = 1800.0
# A day of which less was watched says nothing of the longest silence of a day.
WHOLE_RATIO = 0.9
# Natural logarithms of ratios, in the unit of the tail: its least scale, a half of it, is then a tenth.
UNIT = 0.2


@dataclass(frozen=True, slots=True)
class Usual:
    """What past days say of silences at one time of day.

    `longest_s` is the longest of `days` days. `tail` is of how far a day's silences exceed those of the other
    days at most, in `UNIT`; None while there are too few days.
    """

    longest_s: float
    days: int
    tail: Tail | None


class Silences:
    """The longest silence that ran in each slot of the last four weeks; NaN where it is unknown.

    Slots are numbered from the beginning of time; only that a day has 96 of them matters.
    """

    def __init__(self) -> None:
        self._longest_s: F64 = np.full(SIZE, np.nan)
        self._end = 0  # the slot behind the newest one

    def turn_to(self, slot: int) -> None:
        """Let `slot` be the one in progress: slots that were left out are unknown, later ones forgotten."""
        ahead = min(max(slot - self._end, -SIZE), SIZE)
        unknown = np.full(abs(ahead), np.nan)
        if ahead >= 0:
            self._longest_s = np.concatenate([self._longest_s[ahead:], unknown])
        else:
            self._longest_s = np.concatenate([unknown, self._longest_s[:ahead]])
        self._end = slot

    def keep(self, slot: int, longest_s: float) -> None:
        """Take the longest silence of the slot that is over; NaN where it is unknown."""
        self.turn_to(slot + 1)
        self._longest_s[-1] = longest_s

    def usual(self, doubtful: F64, counted: F64, *, since_s: float = math.inf) -> Usual:
        """Return what is usual in the slot in progress.

        `doubtful` (N, 2) are times from … until, which are left out; `counted` (M, 2) are times and how far a
        silence is taken to have exceeded the others on that day. Since `since_s` a silence runs: it was
        watched, but it is what is judged, and would otherwise raise its own limit for as long as it lasts.
        """
        longest_s = self._longest_s.copy()
        for from_s, until_s in doubtful:
            longest_s[self._place(from_s) : self._place(until_s) + 1] = np.nan
        is_whole = (~np.isnan(_by_day(longest_s))).mean(axis=1) >= WHOLE_RATIO
        if since_s < self._end * SLOT_S:
            longest_s[self._place(since_s) + 1 :] = np.nan
        around = _longest_around(longest_s)  # (days, slots)
        now = around[~np.isnan(around[:, 0]), 0]
        tops = np.where(is_whole, _beyond_the_others(_by_day(longest_s), around), np.nan) / UNIT
        for time_s, height in counted:
            day = min((self._place(time_s) - REACH) // SLOTS, KEEP_DAYS - 1)
            if day >= 0:
                tops[day] = np.fmax(tops[day], height)
        known = tops[~np.isnan(tops)]
        is_known = min(len(now), len(known)) >= MIN_BLOCKS
        return Usual(now.max(initial=0.0), len(now), Tail.of(known) if is_known else None)

    def _place(self, time_s: float) -> int:
        """Return where the slot of a time lies in the array: 0 for all before, SIZE for all after."""
        return int(min(max(time_s // SLOT_S - (self._end - SIZE), 0), SIZE))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all slots, by name."""
        return {"longest_s": self._longest_s.astype(np.float32), "end": np.array(self._end)}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned.

        Raises:
            KeyError: An array is missing.
            ValueError: An array has another shape.
        """
        longest_s = arrays["longest_s"].astype(np.float64)
        if longest_s.shape != (SIZE,):
            raise ValueError(f"longest_s is {longest_s.shape}, not {(SIZE,)}")
        self._longest_s, self._end = longest_s, int(arrays["end"])


def _by_day(longest_s: F64) -> F64:
    return longest_s[REACH:].reshape(KEEP_DAYS, SLOTS)


def _longest_around(longest_s: F64) -> F64:
    """Return the longest silence within REACH of each slot (days, slots); NaN where any of it is unknown.

    The first REACH slots only serve those after them; the newest REACH have unknown ones behind them.
    """
    behind = np.concatenate([longest_s, np.full(REACH, np.nan)])
    windows = np.lib.stride_tricks.sliding_window_view(behind, 2 * REACH + 1)
    return np.asarray(windows.max(axis=1)).reshape(KEEP_DAYS, SLOTS)


def _beyond_the_others(days: F64, around: F64) -> F64:
    """Return by how much, as a logarithm, each day's silences exceed those of the other days at most.

    A silence of less than SHORTEST_S counts as one of that. Days that there is too little to compare
    with are NaN.
    """
    ordered = np.sort(np.where(np.isnan(around), -np.inf, around), axis=0)
    # Without the day itself the longest of a column is its second longest, where the day holds the longest.
    others = np.where(around == ordered[-1], ordered[-2], ordered[-1])
    is_known = ~np.isnan(around)
    others[is_known.sum(axis=0) - is_known < MIN_BLOCKS - 1] = np.nan
    ratios = np.log(np.maximum(days, SHORTEST_S) / np.maximum(others, SHORTEST_S))
    tops = np.where(np.isnan(ratios), -np.inf, ratios).max(axis=1)
    return np.where(np.isfinite(tops), tops, np.nan)
