"""A camera's anomaly levels in, the highest of the last three seconds out: what its state says."""

from collections import deque

# A state is told once a second, and the curve of a camera's card takes a value of it every other second.
PEAK_S = 3.0


class RecentPeak:
    """The highest of the newest levels: what is high for a moment must not fall between two looks."""

    def __init__(self) -> None:
        self._levels: deque[tuple[float, float]] = deque()

    @property
    def level(self) -> float:
        """Return the highest level of the PEAK_S seconds up to the newest; 0 where there is none."""
        return max((level for _, level in self._levels), default=0.0)

    def add(self, utc_s: float, level: float) -> None:
        """Take the newest level."""
        while self._levels and not 0 <= utc_s - self._levels[0][0] < PEAK_S:
            self._levels.popleft()
        self._levels.append((utc_s, level))

    def clear(self) -> None:
        """Forget all levels."""
        self._levels.clear()
