"""What a check of explanations measured of single clips in, gains over chance with their intervals out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.faithfulness import RANDOM, Curves
from training.intervals import Indices, bootstrap
from training.places import Placed

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gain:
    """The mean of a measure over clips, and the 95 % interval over resampled groups; above 0 beats chance."""

    mean: float
    low: float
    high: float


@dataclass(slots=True)
class Findings:
    """What was measured clip by clip: curves by filling and judge, places by the heat map that found them."""

    groups: list[str] = field(default_factory=list)
    curves: dict[tuple[str, str], list[Curves]] = field(default_factory=dict)
    placed_groups: dict[str, list[str]] = field(default_factory=dict)
    placed: dict[str, list[Placed]] = field(default_factory=dict)

    def add_curves(self, group: str, found: Mapping[str, Mapping[str, Curves]]) -> None:
        """Take the curves of one clip: filling → judge → curves."""
        self.groups.append(group)
        for filling, of in found.items():
            for judge, curve in of.items():
                self.curves.setdefault((filling, judge), []).append(curve)

    def add_places(self, group: str, found: Mapping[str, Placed]) -> None:
        """Take how well each heat map's region did on one clip."""
        for name, placed in found.items():
            self.placed_groups.setdefault(name, []).append(group)
            self.placed.setdefault(name, []).append(placed)

    def frame_gains(self) -> dict[str, dict[str, dict[str, Gain]]]:
        """Return filling → judge → "deletion", "insertion" → how much better than random its area is."""
        found: dict[str, dict[str, dict[str, Gain]]] = {}
        for (filling, judge), curves in self.curves.items():
            if judge != RANDOM:
                random = self.curves[filling, RANDOM]
                values = {
                    "deletion": [
                        r.deleted_area - c.deleted_area for c, r in zip(curves, random, strict=True)
                    ],
                    "insertion": [
                        c.inserted_area - r.inserted_area for c, r in zip(curves, random, strict=True)
                    ],
                }
                found.setdefault(filling, {})[judge] = gains(self.groups, values)
        return found

    def place_gains(self) -> dict[str, dict[str, Gain]]:
        """Return heat map → "lost", "kept" (log-odds beyond a random region's) and "area"."""
        return {
            name: gains(
                self.placed_groups[name],
                {key: [getattr(one, key) for one in placed] for key in ("lost", "kept", "area")},
            )
            for name, placed in self.placed.items()
        }

    def mean_curves(self, filling: str) -> dict[str, Curves]:
        """Return judge → its mean curves."""
        return {
            judge: Curves(
                np.mean([one.deletion for one in curves], axis=0),
                np.mean([one.insertion for one in curves], axis=0),
            )
            for (of, judge), curves in self.curves.items()
            if of == filling
        }


def gains(groups: Sequence[str], values: Mapping[str, Sequence[float]]) -> dict[str, Gain]:
    """Return the mean of each measure (N,) over clips, with the interval over resampled groups (N,)."""
    arrays = {name: np.asarray(column, np.float64) for name, column in values.items()}

    def means(indices: Indices) -> dict[str, float]:
        return {name: float(array[indices].mean()) for name, array in arrays.items()}

    intervals = bootstrap(groups, means)
    return {
        name: Gain(mean, intervals[name].low, intervals[name].high)
        for name, mean in means(np.arange(len(groups))).items()
    }
