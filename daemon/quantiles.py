"""A histogram in, what some share of its values stays below out."""

from collections.abc import Mapping


def quantile_of(counts: Mapping[float, float], share: float) -> float | None:
    """Return what this share of a histogram's values stays below, between two bounds by proportion.

    Example: 8 values up to 0.1 and 10 up to 0.2 → 0.15 for a share of 0.9. Beyond the last finite bound
    nothing is known: it is returned. None without values.
    """
    bounds = sorted(counts.items())
    if not bounds or bounds[-1][1] == 0:
        return None
    wanted, low, below = share * bounds[-1][1], 0.0, 0.0
    for high, count in bounds:
        if count >= wanted:
            is_last = high == float("inf")
            return low if is_last else low + (high - low) * (wanted - below) / (count - below)
        low, below = high, count
    return low
